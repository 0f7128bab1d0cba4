/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/mvsock.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_MVSOCK_GEN_H
#define _LINUX_MVSOCK_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/mvsock.h>

/* Common nested types */
extern const struct nla_policy mvsock_rule_nl_policy[MVSOCK_A_RULE_CGROUP + 1];

int mvsock_nl_conn_get_start(struct netlink_callback *cb);
int mvsock_nl_flow_get_start(struct netlink_callback *cb);
int mvsock_nl_conn_get_done(struct netlink_callback *cb);
int mvsock_nl_flow_get_done(struct netlink_callback *cb);

int mvsock_nl_conn_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int mvsock_nl_conn_reset_doit(struct sk_buff *skb, struct genl_info *info);
int mvsock_nl_group_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int mvsock_nl_group_add_doit(struct sk_buff *skb, struct genl_info *info);
int mvsock_nl_group_del_doit(struct sk_buff *skb, struct genl_info *info);
int mvsock_nl_policy_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int mvsock_nl_policy_set_doit(struct sk_buff *skb, struct genl_info *info);
int mvsock_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

enum {
	MVSOCK_NLGRP_DEVICES,
};

extern struct genl_family mvsock_nl_family;

#endif /* _LINUX_MVSOCK_GEN_H */
