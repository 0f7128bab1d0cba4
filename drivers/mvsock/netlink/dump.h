/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MVSOCK_NETLINK_DUMP_H
#define _MVSOCK_NETLINK_DUMP_H

#include <net/genetlink.h>

#include "netlink-gen.h"

/**
 * mvs_nl_dump_begin - begin an entry of a list
 * @skb: the answer
 * @cb: the request
 * @cmd: MVSOCK_CMD_*_GET
 *
 * Return: the entry, for genlmsg_end() or genlmsg_cancel(); or NULL if there is no room.
 */
static inline void *mvs_nl_dump_begin(struct sk_buff *skb,
				      const struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &mvsock_nl_family, NLM_F_MULTI, cmd);
}

#endif /* _MVSOCK_NETLINK_DUMP_H */
