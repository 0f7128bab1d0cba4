// SPDX-License-Identifier: GPL-2.0
/*
 * Operations on the groups of guests that may talk to one another.
 */
#include <net/genetlink.h>

#include <mvsock/compat.h>
#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/group.h>

#include "dump.h"
#include "may.h"
#include "netlink-gen.h"

/**
 * struct group_request - a guest and a group
 * @scope: the scope of the CID
 * @cid: the guest
 * @name: the group
 */
struct group_request {
	u32 scope;
	u32 cid;
	char name[MVS_GROUP_NAME];
};

/* Returns 0; %-EINVAL if something is missing; %-EPERM. */
static int group_parse(struct sk_buff *skb, const struct genl_info *info,
		       struct group_request *r)
{
	if (GENL_REQ_ATTR_CHECK(info, MVSOCK_A_GROUP_CID) ||
	    GENL_REQ_ATTR_CHECK(info, MVSOCK_A_GROUP_NAME))
		return -EINVAL;
	r->scope = mvs_net_scope(genl_info_net(info));
	r->cid = nla_get_u32(info->attrs[MVSOCK_A_GROUP_CID]);
	nla_strscpy(r->name, info->attrs[MVSOCK_A_GROUP_NAME], sizeof(r->name));
	if (!*r->name) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[MVSOCK_A_GROUP_NAME],
				    "a group has a name");
		return -EINVAL;
	}
	return mvs_nl_may(skb, genl_info_net(info)) ? 0 : -EPERM;
}

/**
 * mvsock_nl_group_add_doit - put a guest into a group
 * @skb: the request
 * @info: its attributes
 *
 * Context: process; may sleep.
 * Return: 0; %-EINVAL without a CID or a name; %-EPERM; or an error of mvs_group_add().
 */
int mvsock_nl_group_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct group_request r;
	int ret;

	ret = group_parse(skb, info, &r) ?:
	      mvs_group_add(r.scope, r.cid, r.name);
	if (ret == -EEXIST)
		NL_SET_ERR_MSG(info->extack, "it is in that group");
	if (ret == -ENOSPC)
		NL_SET_ERR_MSG(info->extack, "it is in too many groups");
	return ret;
}

/**
 * mvsock_nl_group_del_doit - take a guest out of a group
 * @skb: the request
 * @info: its attributes
 *
 * Context: process; may sleep.
 * Return: 0; %-EINVAL without a CID or a name; %-EPERM; or an error of mvs_group_del().
 */
int mvsock_nl_group_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mvs_device *device;
	struct group_request r;
	int ret;

	ret = group_parse(skb, info, &r) ?:
	      mvs_group_del(r.scope, r.cid, r.name);
	if (ret == -ENOENT)
		NL_SET_ERR_MSG(info->extack, "it is not in that group");
	if (ret)
		return ret;
	device = mvs_cid_get(r.scope, r.cid);
	if (device) {
		mvs_flows_recheck(device);
		mvs_device_put(device);
	}
	return 0;
}

static int group_put(struct sk_buff *skb, struct netlink_callback *cb,
		     u32 cid, const char *name)
{
	void *hdr = mvs_nl_dump_begin(skb, cb, MVSOCK_CMD_GROUP_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, MVSOCK_A_GROUP_CID, cid) ||
	    nla_put_string(skb, MVSOCK_A_GROUP_NAME, name)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genl_dump_check_consistent(cb, hdr);
	genlmsg_end(skb, hdr);
	return 0;
}

/**
 * mvsock_nl_group_get_dumpit - list the next groups of guests, as many as fit
 * @skb: the answer
 * @cb: the request
 *
 * Context: process; may sleep.
 * Return: 0 at the end; %-EMSGSIZE if there are more; %-EPERM.
 */
int mvsock_nl_group_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	u32 scope = mvs_net_scope(sock_net(cb->skb->sk));
	u32 cid = cb->args[0];
	unsigned int i = cb->args[1];
	char name[MVS_GROUP_NAME];
	int ret = 0;

	if (!mvs_nl_may(cb->skb, sock_net(cb->skb->sk)))
		return -EPERM;
	while (!ret && mvs_group_next(scope, &cid, &i, name)) {
		/* Each time: a list may change between two of them. */
		cb->seq = mvs_group_changes(scope);
		ret = group_put(skb, cb, cid, name);
		i += !ret;
	}
	cb->args[0] = cid;
	cb->args[1] = i;
	return ret;
}
