// SPDX-License-Identifier: GPL-2.0
/*
 * The list of connections between guests.
 */
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include <mvsock/compat.h>
#include <mvsock/flow.h>

#include "may.h"
#include "netlink-gen.h"

static struct rhashtable_iter *flow_walk(const struct netlink_callback *cb)
{
	return *(struct rhashtable_iter **)cb->ctx;
}

static int flow_put_view(struct sk_buff *skb, const struct mvs_flow_view *view)
{
	if (nla_put_u32(skb, MVSOCK_A_FLOW_CID, view->cid) ||
	    nla_put_u32(skb, MVSOCK_A_FLOW_PORT, view->port) ||
	    nla_put_u32(skb, MVSOCK_A_FLOW_PEER_CID, view->peer_cid) ||
	    nla_put_u32(skb, MVSOCK_A_FLOW_PEER_PORT, view->peer_port) ||
	    nla_put_u32(skb, MVSOCK_A_FLOW_TYPE, view->type) ||
	    (view->answered && nla_put_flag(skb, MVSOCK_A_FLOW_ANSWERED)))
		return -EMSGSIZE;
	return nla_put_uint(skb, MVSOCK_A_FLOW_AGE, view->age);
}

/* Returns 0, also if the flow is not to be listed; or %-EMSGSIZE. */
static int flow_put(struct sk_buff *skb, const struct netlink_callback *cb,
		    const struct mvs_flow *flow)
{
	struct mvs_flow_view view;
	void *hdr;

	if (flow->key.scope != mvs_net_scope(sock_net(cb->skb->sk)))
		return 0;
	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &mvsock_nl_family, NLM_F_MULTI, MVSOCK_CMD_FLOW_GET);
	if (!hdr)
		return -EMSGSIZE;
	mvs_flow_get_view(flow, &view);
	if (flow_put_view(skb, &view)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/**
 * mvsock_nl_flow_get_start - begin to list connections between guests
 * @cb: the request
 *
 * Context: process; may sleep.
 * Return: 0; %-EPERM; %-ENOMEM.
 */
int mvsock_nl_flow_get_start(struct netlink_callback *cb)
{
	struct rhashtable_iter *walk;

	if (!mvs_nl_may(cb->skb, sock_net(cb->skb->sk)))
		return -EPERM;
	walk = kzalloc(sizeof(*walk), GFP_KERNEL_ACCOUNT);
	if (!walk)
		return -ENOMEM;
	mvs_flows_enter(walk);
	*(struct rhashtable_iter **)cb->ctx = walk;
	return 0;
}

/**
 * mvsock_nl_flow_get_dumpit - list the next connections, as many as fit
 * @skb: the answer
 * @cb: the request
 *
 * Context: process.
 * Return: 0 at the end; %-EMSGSIZE if there are more; %-EPERM.
 */
int mvsock_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rhashtable_iter *walk = flow_walk(cb);
	struct mvs_flow *flow;
	int ret = 0;

	if (!mvs_nl_may(cb->skb, sock_net(cb->skb->sk)))
		return -EPERM;
	rhashtable_walk_start(walk);
	/* The one that did not fit into the last answer. */
	flow = rhashtable_walk_peek(walk);
	while (!ret && flow) {
		/* After %-EAGAIN, as the table is resized, the walk begins again. */
		if (!IS_ERR(flow))
			ret = flow_put(skb, cb, flow);
		if (!ret)
			flow = rhashtable_walk_next(walk);
	}
	rhashtable_walk_stop(walk);
	return ret;
}

/**
 * mvsock_nl_flow_get_done - end a list
 * @cb: the request
 *
 * Context: process; may sleep.
 * Return: 0.
 */
int mvsock_nl_flow_get_done(struct netlink_callback *cb)
{
	rhashtable_walk_exit(flow_walk(cb));
	kfree(flow_walk(cb));
	return 0;
}
