/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VMM's process in a memory cgroup of its own, and a way for it and the test to wait for
 * each other.
 */
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

/* Has the kernel memory cgroups? */
bool cgroup_possible(void);

/**
 * cgroup_fork() - begin a process in a new cgroup
 * @c: the cgroup
 *
 * Return: true in the new process, which ends with _exit().
 */
bool cgroup_fork(struct cgroup *c);

/* Tell the other process to go on, wait until it tells so. */
void cgroup_say(const struct cgroup *c);
void cgroup_hear(const struct cgroup *c);

/* Bytes that the kernel has for those in a cgroup. */
__u64 cgroup_charged(const struct cgroup *c);

/* Bytes that a cgroup has been charged, at once: those of its programs, and some in advance. */
__u64 cgroup_current(const struct cgroup *c);

/* Wait for the end of the process, which must be a good one. */
void cgroup_end(struct cgroup *c);

#endif
