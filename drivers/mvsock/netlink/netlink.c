// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "mvsock": lists and resets connections. Its specification is
 * Documentation/netlink/specs/mvsock.yaml.
 *
 * Nothing here waits for a virtqueue or a socket, whose holder may wait for a VMM's or a program's
 * memory: all other families would wait as well.
 */
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/af_vsock.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include <mvsock/compat.h>
#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/netlink.h>

#include "dump.h"
#include "event.h"
#include "netlink-gen.h"

static_assert((int)MVSOCK_CONN_TYPE_STREAM == VIRTIO_VSOCK_TYPE_STREAM);
static_assert((int)MVSOCK_CONN_TYPE_SEQPACKET == VIRTIO_VSOCK_TYPE_SEQPACKET);

/*
 * 0 for what is not listed: a connection that is only being set up, or has ended and is about to
 * be removed.
 */
static const u8 states[MVS_CONN_STATES] = {
	[MVS_CONN_CONNECTING]	= MVSOCK_CONN_STATE_CONNECTING,
	[MVS_CONN_OPEN]		= MVSOCK_CONN_STATE_OPEN,
	[MVS_CONN_CLOSING]	= MVSOCK_CONN_STATE_CLOSING,
};

static const u8 waits[] = {
	[MVS_WAIT_BUFFERS]	= MVSOCK_CONN_WAIT_BUFFERS,
	[MVS_WAIT_CREDIT]	= MVSOCK_CONN_WAIT_CREDIT,
	[MVS_WAIT_PAGE]		= MVSOCK_CONN_WAIT_PAGE,
};

/**
 * struct dump - a list that is being read
 * @scope: the scope of the reader's namespace
 * @device: the device whose connections come next, with a reference; or NULL
 * @walk: the walk over them
 * @cid: the CID that it was found by
 * @one: there is no other device to list
 */
struct dump {
	u32 scope;
	struct mvs_device *device;
	struct mvs_walk walk;
	u32 cid;
	bool one;
};

static struct dump *dump_of(const struct netlink_callback *cb)
{
	return *(struct dump **)cb->ctx;
}

/* Go on to the next device. Returns false at the end. */
static bool dump_begin_device(struct dump *dump)
{
	if (!dump->one)
		dump->device = mvs_cid_next(dump->scope, &dump->cid);
	else if (!dump->walk.conns)
		dump->device = mvs_cid_get(dump->scope, dump->cid);
	if (!dump->device)
		return false;
	mvs_walk_init(&dump->walk, dump->device->conns);
	return true;
}

static void dump_end_device(struct dump *dump)
{
	mvs_walk_end(&dump->walk);
	mvs_device_put(dump->device);
	dump->device = NULL;
}

static int dump_put_wait(struct sk_buff *skb, const struct mvs_conn_view *view)
{
	if (view->wait == MVS_WAIT_NONE)
		return 0;
	if (nla_put_u32(skb, MVSOCK_A_CONN_WAIT, waits[view->wait]))
		return -EMSGSIZE;
	return nla_put_uint(skb, MVSOCK_A_CONN_WAIT_TIME, view->wait_time);
}

static int dump_put_view(struct sk_buff *skb, const struct mvs_conn_view *view)
{
	if (nla_put_u32(skb, MVSOCK_A_CONN_STATE, states[view->state]) ||
	    nla_put_uint(skb, MVSOCK_A_CONN_AGE, view->age) ||
	    nla_put_uint(skb, MVSOCK_A_CONN_RX_BYTES, view->rx_bytes) ||
	    nla_put_uint(skb, MVSOCK_A_CONN_TX_BYTES, view->tx_bytes) ||
	    nla_put_u32(skb, MVSOCK_A_CONN_RX_QUEUED, view->rx_queued) ||
	    nla_put_uint(skb, MVSOCK_A_CONN_TX_QUEUED, view->tx_queued) ||
	    nla_put_u32(skb, MVSOCK_A_CONN_RX_CREDIT, view->rx_credit) ||
	    nla_put_uint(skb, MVSOCK_A_CONN_TX_CREDIT, view->tx_credit))
		return -EMSGSIZE;
	return dump_put_wait(skb, view);
}

/* The addresses of a connection, and its socket as the reader's user namespace has it. */
static int dump_put_names(struct sk_buff *skb, const struct netlink_callback *cb,
			  const struct mvs_conn *conn)
{
	struct user_namespace *user_ns = sk_user_ns(NETLINK_CB(cb->skb).sk);
	struct sock *sk = sk_vsock(conn->vsk);

	if (nla_put_u32(skb, MVSOCK_A_CONN_CID, conn->key.cid) ||
	    nla_put_u32(skb, MVSOCK_A_CONN_LOCAL_PORT, conn->key.local_port) ||
	    nla_put_u32(skb, MVSOCK_A_CONN_REMOTE_PORT, conn->key.remote_port) ||
	    nla_put_u32(skb, MVSOCK_A_CONN_TYPE, conn->type) ||
	    nla_put_u32(skb, MVSOCK_A_CONN_UID,
			from_kuid_munged(user_ns, READ_ONCE(sk->sk_uid))))
		return -EMSGSIZE;
	return nla_put_uint(skb, MVSOCK_A_CONN_INODE, sock_i_ino(sk));
}

/* Returns 0, also if the connection is not to be listed; or %-EMSGSIZE. */
static int dump_put_conn(struct sk_buff *skb, const struct netlink_callback *cb,
			 struct mvs_conn *conn)
{
	struct mvs_conn_view view;
	void *hdr;

	mvs_conn_get_view(conn, &view);
	if (!states[view.state])
		return 0;
	hdr = mvs_nl_dump_begin(skb, cb, MVSOCK_CMD_CONN_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (dump_put_names(skb, cb, conn) || dump_put_view(skb, &view)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* The reader's own, in its network namespace: root of a container has the host root's number. */
static bool dump_is_own(const struct sock *reader, const struct sock *sk)
{
	return net_eq(sock_net(sk), sock_net(reader)) &&
	       uid_eq(READ_ONCE(sk->sk_uid), READ_ONCE(reader->sk_uid));
}

/* A connection from before a change of the guest's CID gets no packet any more. */
static bool dump_shows(const struct dump *dump,
		       const struct netlink_callback *cb,
		       const struct mvs_conn *conn, bool admin)
{
	return conn->key.cid == dump->cid &&
	       (admin || dump_is_own(NETLINK_CB(cb->skb).sk, sk_vsock(conn->vsk)));
}

/* Returns 0 at the end of the device's connections, or %-EMSGSIZE. */
static int dump_device(struct dump *dump, struct sk_buff *skb,
		       const struct netlink_callback *cb)
{
	bool admin = netlink_ns_capable(cb->skb, dump->device->user_ns,
					CAP_NET_ADMIN);
	struct mvs_conn *conn;
	int ret = 0;

	mvs_walk_resume(&dump->walk);
	while (!ret && (conn = mvs_walk_get(&dump->walk))) {
		if (dump_shows(dump, cb, conn, admin))
			ret = dump_put_conn(skb, cb, conn);
		if (ret)
			mvs_conn_release(conn);
		else
			mvs_walk_pass(&dump->walk, conn);
		cond_resched();
	}
	mvs_walk_pause(&dump->walk);
	return ret;
}

/**
 * mvsock_nl_conn_get_start - begin to list connections
 * @cb: the request
 *
 * Context: process; may sleep.
 * Return: 0; %-ENODEV if there is no guest with the CID; %-ENOMEM.
 */
int mvsock_nl_conn_get_start(struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	const struct nlattr *cid = info->attrs[MVSOCK_A_CONN_CID];
	struct dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL_ACCOUNT);

	if (!dump)
		return -ENOMEM;
	dump->scope = mvs_net_scope(sock_net(cb->skb->sk));
	dump->one = cid;
	if (cid) {
		dump->cid = nla_get_u32(cid);
		if (!dump_begin_device(dump)) {
			NL_SET_ERR_MSG_ATTR(cb->extack, cid,
					    "no guest has this CID");
			kfree(dump);
			return -ENODEV;
		}
	}
	*(struct dump **)cb->ctx = dump;
	return 0;
}

/**
 * mvsock_nl_conn_get_dumpit - list the next connections, as many as fit
 * @skb: the answer
 * @cb: the request
 *
 * Context: process; may sleep.
 * Return: 0 at the end; %-EMSGSIZE if there are more.
 */
int mvsock_nl_conn_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump *dump = dump_of(cb);
	int ret;

	while (dump->device || dump_begin_device(dump)) {
		ret = dump_device(dump, skb, cb);
		if (ret)
			return ret;
		dump_end_device(dump);
	}
	return 0;
}

/**
 * mvsock_nl_conn_get_done - end a list
 * @cb: the request
 *
 * Context: process; may sleep.
 * Return: 0.
 */
int mvsock_nl_conn_get_done(struct netlink_callback *cb)
{
	struct dump *dump = dump_of(cb);

	if (dump->device)
		dump_end_device(dump);
	kfree(dump);
	return 0;
}

static bool reset_matches(const struct genl_info *info,
			  const struct mvs_conn *conn)
{
	const struct nlattr *cid = info->attrs[MVSOCK_A_CONN_CID];
	const struct nlattr *local = info->attrs[MVSOCK_A_CONN_LOCAL_PORT];
	const struct nlattr *remote = info->attrs[MVSOCK_A_CONN_REMOTE_PORT];

	return states[READ_ONCE(conn->state)] &&
	       conn->key.cid == nla_get_u32(cid) &&
	       (!local || conn->key.local_port == nla_get_u32(local)) &&
	       (!remote || conn->key.remote_port == nla_get_u32(remote));
}

/* Without the socket's lock, as when the device is closed. Returns 0 or %-ENOENT. */
static int reset_matching(struct mvs_device *device,
			  const struct genl_info *info)
{
	struct mvs_conn *conn;
	struct mvs_walk walk;
	int ret = -ENOENT;

	mvs_walk_init(&walk, device->conns);
	mvs_walk_resume(&walk);
	while ((conn = mvs_walk_get(&walk))) {
		if (reset_matches(info, conn)) {
			mvs_conn_reset(conn);
			mvs_conn_abort(conn);
			/* It sends the reset while the next ones follow. */
			mvs_device_wake(device, MVS_VQ_RX);
			ret = 0;
		}
		mvs_walk_pass(&walk, conn);
		cond_resched();
	}
	mvs_walk_pause(&walk);
	mvs_walk_end(&walk);
	return ret;
}

/**
 * mvsock_nl_conn_reset_doit - reset connections
 * @skb: the request
 * @info: its attributes
 *
 * Context: process; may sleep.
 * Return: 0; %-EINVAL without a CID; %-ENODEV if there is no guest with it; %-EPERM without
 * CAP_NET_ADMIN in the network namespace of its device; %-ENOENT if no connection matches.
 */
int mvsock_nl_conn_reset_doit(struct sk_buff *skb, struct genl_info *info)
{
	u32 scope = mvs_net_scope(genl_info_net(info));
	struct mvs_device *device;
	int ret = -EPERM;

	if (GENL_REQ_ATTR_CHECK(info, MVSOCK_A_CONN_CID))
		return -EINVAL;
	device = mvs_cid_get(scope, nla_get_u32(info->attrs[MVSOCK_A_CONN_CID]));
	if (!device) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[MVSOCK_A_CONN_CID],
				    "no guest has this CID");
		return -ENODEV;
	}
	if (netlink_ns_capable(skb, device->user_ns, CAP_NET_ADMIN))
		ret = reset_matching(device, info);
	if (ret == -ENOENT)
		NL_SET_ERR_MSG(info->extack, "no such connection");
	mvs_device_put(device);
	return ret;
}

/**
 * mvs_netlink_register - register the family
 *
 * Return: 0 or a negative errno of genl_register_family().
 */
int mvs_netlink_register(void)
{
	int ret = genl_register_family(&mvsock_nl_family);

	if (!ret)
		mvs_event_start();
	return ret;
}

/**
 * mvs_netlink_unregister - undo mvs_netlink_register()
 *
 * A list that is being read holds a reference on the module.
 */
void mvs_netlink_unregister(void)
{
	mvs_event_stop();
	genl_unregister_family(&mvsock_nl_family);
}
