/* SPDX-License-Identifier: GPL-2.0 */
/* A VMM process in a memory cgroup of its own, and synchronization between it and the test. */
#ifndef MVS_RING_CGROUP_H
#define MVS_RING_CGROUP_H

#include "util.h"

struct cgroup {
	int root;
	int dir;
	char name[32];
	pid_t pid;
	int in;
	int out;
};

/* Check whether the kernel has memory cgroups. */
bool cgroup_possible(void);

/**
 * cgroup_fork() - start a process in a new cgroup
 * @c: the cgroup
 *
 * Return: true in the new process, which ends with _exit().
 */
bool cgroup_fork(struct cgroup *c);

/* Tell the other process to continue; wait for its message. */
void cgroup_say(const struct cgroup *c);
void cgroup_hear(const struct cgroup *c);

/* Kernel memory charged to the cgroup, in bytes. */
__u64 cgroup_charged(const struct cgroup *c);

/* Bytes charged to the cgroup now: memory of its programs, and some charged in advance. */
__u64 cgroup_current(const struct cgroup *c);

/* Wait for the process to exit, which must be successful. */
void cgroup_end(struct cgroup *c);

#endif
