// SPDX-License-Identifier: GPL-2.0
/*
 * The list of connections between guests.
 */
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include <mvsock/compat.h>
#include <mvsock/flow.h>

#include "dump.h"
#include "may.h"
#include "netlink-gen.h"

/* Flows that are looked at before others may run: those of other scopes fill no answer. */
#define FLOW_STEPS	256

/* How often a list may start over because the table was resized: guests can go on doing that. */
#define FLOW_RESTARTS	8

/**
 * struct flow_dump - a list that is being read
 * @walk: the walk over all flows
 * @restarts: how often it has started over
 */
struct flow_dump {
	struct rhashtable_iter walk;
	unsigned int restarts;
};

static struct flow_dump *flow_dump_of(const struct netlink_callback *cb)
{
	return *(struct flow_dump **)cb->ctx;
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
	hdr = mvs_nl_dump_begin(skb, cb, MVSOCK_CMD_FLOW_GET);
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
	struct flow_dump *dump;

	if (!mvs_nl_may(cb->skb, sock_net(cb->skb->sk)))
		return -EPERM;
	dump = kzalloc(sizeof(*dump), GFP_KERNEL_ACCOUNT);
	if (!dump)
		return -ENOMEM;
	mvs_flows_enter(&dump->walk);
	*(struct flow_dump **)cb->ctx = dump;
	return 0;
}

/* List some flows. Returns 1 if there are more; 0; %-EMSGSIZE; %-EAGAIN if the walk starts over. */
static int flow_put_some(struct sk_buff *skb, const struct netlink_callback *cb)
{
	struct rhashtable_iter *walk = &flow_dump_of(cb)->walk;
	unsigned int n = FLOW_STEPS;
	struct mvs_flow *flow;
	int ret;

	ret = rhashtable_walk_start_check(walk);
	/* The one that did not fit into the last answer. */
	flow = ret ? ERR_PTR(ret) : rhashtable_walk_peek(walk);
	while (!ret && !IS_ERR_OR_NULL(flow) && n--) {
		ret = flow_put(skb, cb, flow);
		if (!ret)
			flow = rhashtable_walk_next(walk);
	}
	rhashtable_walk_stop(walk);
	if (IS_ERR(flow))
		return PTR_ERR(flow);
	return ret ?: !!flow;
}

/* The walk starts over. Returns 1; or 0 if it has to end: the end of the list is then marked. */
static int flow_may_restart(struct netlink_callback *cb)
{
	if (++flow_dump_of(cb)->restarts <= FLOW_RESTARTS)
		return 1;
	cb->prev_seq = 1;
	cb->seq = 2;
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
	int ret;

	if (!mvs_nl_may(cb->skb, sock_net(cb->skb->sk)))
		return -EPERM;
	do {
		ret = flow_put_some(skb, cb);
		if (ret == -EAGAIN)
			ret = flow_may_restart(cb);
		cond_resched();
	} while (ret == 1);
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
	struct flow_dump *dump = flow_dump_of(cb);

	rhashtable_walk_exit(&dump->walk);
	kfree(dump);
	return 0;
}
