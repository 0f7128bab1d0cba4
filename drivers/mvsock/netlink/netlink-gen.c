// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/mvsock.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/mvsock.h>

/* MVSOCK_CMD_CONN_GET - dump */
static const struct nla_policy mvsock_conn_get_nl_policy[MVSOCK_A_CONN_CID + 1] = {
	[MVSOCK_A_CONN_CID] = NLA_POLICY_MIN(NLA_U32, 3),
};

/* MVSOCK_CMD_CONN_RESET - do */
static const struct nla_policy mvsock_conn_reset_nl_policy[MVSOCK_A_CONN_REMOTE_PORT + 1] = {
	[MVSOCK_A_CONN_CID] = NLA_POLICY_MIN(NLA_U32, 3),
	[MVSOCK_A_CONN_LOCAL_PORT] = { .type = NLA_U32, },
	[MVSOCK_A_CONN_REMOTE_PORT] = { .type = NLA_U32, },
};

/* MVSOCK_CMD_GROUP_ADD - do */
static const struct nla_policy mvsock_group_add_nl_policy[MVSOCK_A_GROUP_NAME + 1] = {
	[MVSOCK_A_GROUP_CID] = NLA_POLICY_MIN(NLA_U32, 3),
	[MVSOCK_A_GROUP_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* MVSOCK_CMD_GROUP_DEL - do */
static const struct nla_policy mvsock_group_del_nl_policy[MVSOCK_A_GROUP_NAME + 1] = {
	[MVSOCK_A_GROUP_CID] = NLA_POLICY_MIN(NLA_U32, 3),
	[MVSOCK_A_GROUP_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* Ops table for mvsock */
static const struct genl_split_ops mvsock_nl_ops[] = {
	{
		.cmd		= MVSOCK_CMD_CONN_GET,
		.start		= mvsock_nl_conn_get_start,
		.dumpit		= mvsock_nl_conn_get_dumpit,
		.done		= mvsock_nl_conn_get_done,
		.policy		= mvsock_conn_get_nl_policy,
		.maxattr	= MVSOCK_A_CONN_CID,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= MVSOCK_CMD_CONN_RESET,
		.doit		= mvsock_nl_conn_reset_doit,
		.policy		= mvsock_conn_reset_nl_policy,
		.maxattr	= MVSOCK_A_CONN_REMOTE_PORT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= MVSOCK_CMD_GROUP_GET,
		.dumpit	= mvsock_nl_group_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= MVSOCK_CMD_GROUP_ADD,
		.doit		= mvsock_nl_group_add_doit,
		.policy		= mvsock_group_add_nl_policy,
		.maxattr	= MVSOCK_A_GROUP_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= MVSOCK_CMD_GROUP_DEL,
		.doit		= mvsock_nl_group_del_doit,
		.policy		= mvsock_group_del_nl_policy,
		.maxattr	= MVSOCK_A_GROUP_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
};

struct genl_family mvsock_nl_family __ro_after_init = {
	.name		= MVSOCK_FAMILY_NAME,
	.version	= MVSOCK_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= mvsock_nl_ops,
	.n_split_ops	= ARRAY_SIZE(mvsock_nl_ops),
};
