/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rules: which programs of the host may connect to which guests, and which guests to which ports
 * of the host.
 *
 * The first rule that matches a connection decides; without one it is allowed. Rules are looked up
 * once for each connection that is requested: they do not end existing ones.
 */
#ifndef _MVSOCK_POLICY_H
#define _MVSOCK_POLICY_H

#include <linux/types.h>
#include <linux/uidgid_types.h>

/* Maximum number of rules in a scope. */
#define MVS_RULES_MAX	1024

/**
 * enum mvs_direction - direction of connections
 * @MVS_TO_GUEST: a program of the host connects to a guest
 * @MVS_TO_HOST: a guest connects to the host
 * @MVS_DIRECTIONS: their number
 */
enum mvs_direction {
	MVS_TO_GUEST,
	MVS_TO_HOST,

	MVS_DIRECTIONS
};

/**
 * struct mvs_rule - a rule
 * @direction: of the connections that it is for
 * @allow: it allows them
 * @cid: the guest; 0 for all
 * @port_min: the first port that it is for, of the end that is connected to
 * @port_max: the last one
 * @uid: the effective user of the program that connects; %INVALID_UID for all
 * @cgroup: the number of the program's cgroup, or of one above it, in the default hierarchy; 0 for
 *	all
 */
struct mvs_rule {
	enum mvs_direction direction;
	bool allow;
	u32 cid;
	u32 port_min;
	u32 port_max;
	kuid_t uid;
	u64 cgroup;
};

bool mvs_policy_allows(u32 scope, enum mvs_direction direction, u32 cid,
		       u32 port);
unsigned int mvs_policy_changes(void);
int mvs_policy_set(u32 scope, const struct mvs_rule *rules, unsigned int n);
bool mvs_policy_rule(u32 scope, unsigned int i, struct mvs_rule *rule,
		     unsigned int *seq);
int mvs_policy_init(void);
void mvs_policy_exit(void);

#endif /* _MVSOCK_POLICY_H */
