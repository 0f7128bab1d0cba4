/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The netlink family of the module: what it tells of connections, and their reset.
 */
#ifndef MVSOCKCTL_NETLINK_H
#define MVSOCKCTL_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/mvsock.h>

/* A connection, with the values of the attributes of conn-get. */
struct connection {
	unsigned long long number[MVSOCK_A_CONN_MAX + 1];
	bool has[MVSOCK_A_CONN_MAX + 1];
};

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

#endif
