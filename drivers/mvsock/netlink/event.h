/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MVSOCK_NETLINK_EVENT_H
#define _MVSOCK_NETLINK_EVENT_H

void mvs_event_start(void);
void mvs_event_stop(void);

#endif /* _MVSOCK_NETLINK_EVENT_H */
