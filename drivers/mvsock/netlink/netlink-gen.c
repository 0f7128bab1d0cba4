// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/mvsock.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/mvsock.h>

/* Common nested types */
const struct nla_policy mvsock_rule_nl_policy[MVSOCK_A_RULE_CGROUP + 1] = {
	[MVSOCK_A_RULE_DIRECTION] = NLA_POLICY_RANGE(NLA_U32, 1, 2),
	[MVSOCK_A_RULE_ALLOW] = { .type = NLA_FLAG, },
	[MVSOCK_A_RULE_CID] = NLA_POLICY_MIN(NLA_U32, 3),
	[MVSOCK_A_RULE_PORT_MIN] = { .type = NLA_U32, },
	[MVSOCK_A_RULE_PORT_MAX] = { .type = NLA_U32, },
	[MVSOCK_A_RULE_UID] = { .type = NLA_U32, },
	[MVSOCK_A_RULE_CGROUP] = { .type = NLA_UINT, },
};

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

/* MVSOCK_CMD_POLICY_SET - do */
static const struct nla_policy mvsock_policy_set_nl_policy[MVSOCK_A_POLICY_RULE + 1] = {
	[MVSOCK_A_POLICY_RULE] = NLA_POLICY_NESTED(mvsock_rule_nl_policy),
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
	{
		.cmd	= MVSOCK_CMD_POLICY_GET,
		.dumpit	= mvsock_nl_policy_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= MVSOCK_CMD_POLICY_SET,
		.doit		= mvsock_nl_policy_set_doit,
		.policy		= mvsock_policy_set_nl_policy,
		.maxattr	= MVSOCK_A_POLICY_RULE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= MVSOCK_CMD_FLOW_GET,
		.start	= mvsock_nl_flow_get_start,
		.dumpit	= mvsock_nl_flow_get_dumpit,
		.done	= mvsock_nl_flow_get_done,
		.flags	= GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group mvsock_nl_mcgrps[] = {
	[MVSOCK_NLGRP_DEVICES] = { "devices", },
};

struct genl_family mvsock_nl_family __ro_after_init = {
	.name		= MVSOCK_FAMILY_NAME,
	.version	= MVSOCK_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= mvsock_nl_ops,
	.n_split_ops	= ARRAY_SIZE(mvsock_nl_ops),
	.mcgrps		= mvsock_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(mvsock_nl_mcgrps),
};
