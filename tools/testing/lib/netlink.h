/* SPDX-License-Identifier: GPL-2.0 */
/* Creates network links, on systems without ip(8). */
#ifndef MVS_RING_NETLINK_H
#define MVS_RING_NETLINK_H

/* Return 0 or a negative errno. */
int netlink_add_link(const char *name, const char *kind);
int netlink_del_link(const char *name);

#endif
