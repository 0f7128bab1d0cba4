/* SPDX-License-Identifier: GPL-2.0 */
/* Network links, where there is no ip(8). */
#ifndef MVS_RING_NETLINK_H
#define MVS_RING_NETLINK_H

/* 0 or a negative errno. */
int netlink_add_link(const char *name, const char *kind);
int netlink_del_link(const char *name);

#endif
