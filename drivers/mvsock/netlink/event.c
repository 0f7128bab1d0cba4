// SPDX-License-Identifier: GPL-2.0
/*
 * Events: devices that get and lose CIDs.
 */
#include <linux/notifier.h>
#include <net/genetlink.h>

#include <mvsock/device.h>

#include "event.h"
#include "may.h"
#include "netlink-gen.h"

static int event_put(struct sk_buff *skb, u8 cmd, u32 cid)
{
	void *hdr = genlmsg_put(skb, 0, 0, &mvsock_nl_family, 0, cmd);

	if (!hdr || nla_put_u32(skb, MVSOCK_A_DEVICE_CID, cid))
		return -EMSGSIZE;
	genlmsg_end(skb, hdr);
	return 0;
}

static void event_multicast(struct net *net, u8 cmd, u32 cid)
{
	struct sk_buff *skb = genlmsg_new(nla_total_size(sizeof(u32)),
					  GFP_KERNEL);

	if (!skb || event_put(skb, cmd, cid)) {
		nlmsg_free(skb);
		/* As for a listener whose buffer is full. */
		genl_set_err(&mvsock_nl_family, net, 0, MVSOCK_NLGRP_DEVICES,
			     -ENOBUFS);
		return;
	}
	genlmsg_multicast_netns(&mvsock_nl_family, net, skb, 0,
				MVSOCK_NLGRP_DEVICES, GFP_KERNEL);
}

static int event_send(struct notifier_block *nb, unsigned long added, void *data)
{
	const struct mvs_cid_change *change = data;
	struct net *net = mvs_nl_cid_net(change->net);

	if (genl_has_listeners(&mvsock_nl_family, net, MVSOCK_NLGRP_DEVICES))
		event_multicast(net, added ? MVSOCK_CMD_DEVICE_ADD :
					     MVSOCK_CMD_DEVICE_DEL, change->cid);
	return NOTIFY_OK;
}

static struct notifier_block event_notifier = {
	.notifier_call = event_send,
};

/**
 * mvs_event_start - send events from now on; the family is registered
 */
void mvs_event_start(void)
{
	mvs_cid_register_notifier(&event_notifier);
}

/**
 * mvs_event_stop - undo mvs_event_start()
 */
void mvs_event_stop(void)
{
	mvs_cid_unregister_notifier(&event_notifier);
}
