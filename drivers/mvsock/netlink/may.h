/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MVSOCK_NETLINK_MAY_H
#define _MVSOCK_NETLINK_MAY_H

#include <linux/capability.h>
#include <linux/netlink.h>
#include <net/net_namespace.h>

#include <mvsock/compat.h>

/**
 * mvs_nl_cid_net - get the network namespace that has the CIDs of another one
 * @net: the namespace of a socket or a device
 *
 * CIDs that are not local to a namespace are the host's.
 *
 * Return: @net if its CIDs are its own, or else the initial one.
 */
static inline struct net *mvs_nl_cid_net(struct net *net)
{
	return mvs_net_scope(net) ? net : &init_net;
}

/**
 * mvs_nl_may - check whether a request may read or change what belongs to CIDs
 * @skb: the request
 * @net: the network namespace of its socket
 *
 * Return: true if it may.
 */
static inline bool mvs_nl_may(struct sk_buff *skb, struct net *net)
{
	return netlink_ns_capable(skb, mvs_nl_cid_net(net)->user_ns,
				  CAP_NET_ADMIN);
}

#endif /* _MVSOCK_NETLINK_MAY_H */
