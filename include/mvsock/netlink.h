/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family "mvsock".
 */
#ifndef _MVSOCK_NETLINK_H
#define _MVSOCK_NETLINK_H

int mvs_netlink_register(void);
void mvs_netlink_unregister(void);

#endif /* _MVSOCK_NETLINK_H */
