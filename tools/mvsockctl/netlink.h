/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The netlink family of the module: what it tells of connections, and their reset; groups; rules.
 */
#ifndef MVSOCKCTL_NETLINK_H
#define MVSOCKCTL_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/mvsock.h>

#include "rule.h"

/* A connection, with the values of the attributes of conn-get. */
struct connection {
	unsigned long long number[MVSOCK_A_CONN_MAX + 1];
	bool has[MVSOCK_A_CONN_MAX + 1];
};

/* The name of a type, MVSOCK_CONN_TYPE_*; "?" if a later module has more. */
const char *connection_type(unsigned long long type);

struct connections {
	struct connection *conn;
	int count;
	int room;
};

/**
 * connections_load() - get the connections of a guest, or of all
 * @cs: the connections, for connections_free()
 * @cid: the guest's CID; 0 for all
 *
 * On failure says why, and what to do.
 *
 * Return: 0 or a negative errno.
 */
int connections_load(struct connections *cs, uint32_t cid);
void connections_free(struct connections *cs);

/**
 * connections_reset() - reset connections of a guest
 * @cid: its CID
 * @port: its port; NULL for all
 *
 * On failure says why, and what to do.
 *
 * Return: 0 or a negative errno.
 */
int connections_reset(uint32_t cid, const uint32_t *port);

/**
 * groups_load() - get the groups of all guests
 * @each: called for each guest and each of its groups
 * @arg: passed to it
 *
 * On failure says why, and what to do.
 *
 * Return: 0 or a negative errno.
 */
int groups_load(void (*each)(uint32_t cid, const char *name, void *arg),
		void *arg);

/**
 * group_change() - put a guest into a group, or take it out of it
 * @add: into the group
 * @cid: the guest's CID
 * @name: the group
 *
 * On failure, except for the two errors below, says why, and what to do.
 *
 * Return: 0 or a negative errno: -EEXIST if it is in the group, -ENOENT if it is not, -ENOTCONN if
 * there is no module.
 */
int group_change(bool add, uint32_t cid, const char *name);

/* A connection between guests, with the values of the attributes of flow-get. */
struct flow {
	unsigned long long number[MVSOCK_A_FLOW_MAX + 1];
	bool answered;
};

/**
 * flows_load() - get the connections between guests
 * @each: called for each connection
 * @arg: passed to it
 *
 * On failure says why, and what to do.
 *
 * Return: 0 or a negative errno.
 */
int flows_load(void (*each)(const struct flow *flow, void *arg), void *arg);

/* As many rules as the module takes. */
#define RULES_MAX 1024

/**
 * rules_load() - get the rules
 * @each: called for each rule, in their order
 * @arg: passed to it
 *
 * On failure says why, and what to do.
 *
 * Return: 0 or a negative errno.
 */
int rules_load(void (*each)(const struct rule *rule, void *arg), void *arg);

/**
 * rules_set() - replace all rules
 * @rules: the rules
 * @count: their number, at most RULES_MAX
 *
 * On failure says why, and what to do.
 *
 * Return: 0 or a negative errno.
 */
int rules_set(const struct rule *rules, unsigned int count);

#endif
