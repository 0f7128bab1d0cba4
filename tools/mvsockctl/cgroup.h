/* SPDX-License-Identifier: GPL-2.0 */
/* Cgroups of the unified hierarchy, by path and by number. */
#ifndef MVSOCKCTL_CGROUP_H
#define MVSOCKCTL_CGROUP_H

/* What no cgroup has. */
#define CGROUP_NONE (~0ULL)

/* The number of the cgroup with a path, as in /proc/PID/cgroup, a number itself, or CGROUP_NONE of
 * "none"; 0 if there is none.
 */
unsigned long long cgroup_number(const char *path);

/* The path of the cgroup with a number, to be freed; NULL if there is none. */
char *cgroup_path(unsigned long long number);

#endif
