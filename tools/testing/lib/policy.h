/* SPDX-License-Identifier: GPL-2.0 */
/* The rules for connections between guests and the host. */
#ifndef MVS_RING_POLICY_H
#define MVS_RING_POLICY_H

#include "util.h"

/* A rule, as its attributes; one that is 0 is left out. */
struct rule {
	__u32 direction;
	bool allow;
	__u32 cid;
	__u32 port_min;
	__u32 port_max;
	bool has_uid;
	__u32 uid;
	__u64 cgroup;
};

/* Replace all rules: 0 or a negative errno. */
int policy_set(const struct rule *rules, unsigned int n);

/* Get up to @n rules. Returns the number that there are, or a negative errno. */
int policy_get(struct rule *rules, unsigned int n);

/* Whether a list that is not read to its end is marked if @rules are set meanwhile. */
bool policy_change_is_seen(const struct rule *rules, unsigned int n);

#endif
