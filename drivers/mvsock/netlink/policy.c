// SPDX-License-Identifier: GPL-2.0
/*
 * Operations on the rules for connections between guests and the host.
 */
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include <mvsock/compat.h>
#include <mvsock/policy.h>

#include "dump.h"
#include "may.h"
#include "netlink-gen.h"

static const enum mvs_direction directions[] = {
	[MVSOCK_DIRECTION_TO_GUEST]	= MVS_TO_GUEST,
	[MVSOCK_DIRECTION_TO_HOST]	= MVS_TO_HOST,
};

/* --- policy-set ----------------------------------------------------------- */

static u32 rule_u32(const struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

/* The program that a rule is for. Returns 0; %-EINVAL; or %-EOPNOTSUPP. */
static int rule_parse_program(struct mvs_rule *rule, struct nlattr **tb,
			      struct user_namespace *user_ns,
			      struct netlink_ext_ack *extack)
{
	struct nlattr *uid = tb[MVSOCK_A_RULE_UID];
	struct nlattr *cgroup = tb[MVSOCK_A_RULE_CGROUP];

	rule->uid = uid ? make_kuid(user_ns, nla_get_u32(uid)) : INVALID_UID;
	if (uid && !uid_valid(rule->uid)) {
		NL_SET_ERR_MSG_ATTR(extack, uid, "there is no such user");
		return -EINVAL;
	}
	rule->cgroup = cgroup ? nla_get_uint(cgroup) : 0;
	if (cgroup && !rule->cgroup) {
		NL_SET_ERR_MSG_ATTR(extack, cgroup, "there is no such cgroup");
		return -EINVAL;
	}
	if (cgroup && !IS_ENABLED(CONFIG_CGROUPS)) {
		NL_SET_ERR_MSG_ATTR(extack, cgroup, "this kernel has no cgroups");
		return -EOPNOTSUPP;
	}
	if ((uid || cgroup) && rule->direction == MVS_TO_HOST) {
		NL_SET_ERR_MSG_ATTR(extack, uid ?: cgroup,
				    "a guest has neither a user nor a cgroup");
		return -EINVAL;
	}
	return 0;
}

static int rule_parse(struct mvs_rule *rule, const struct nlattr *attr,
		      struct user_namespace *user_ns,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[MVSOCK_A_RULE_MAX + 1];
	int ret;

	ret = nla_parse_nested(tb, MVSOCK_A_RULE_MAX, attr,
			       mvsock_rule_nl_policy, extack);
	if (ret)
		return ret;
	if (NL_REQ_ATTR_CHECK(extack, attr, tb, MVSOCK_A_RULE_DIRECTION))
		return -EINVAL;
	rule->direction = directions[nla_get_u32(tb[MVSOCK_A_RULE_DIRECTION])];
	rule->allow = nla_get_flag(tb[MVSOCK_A_RULE_ALLOW]);
	rule->cid = rule_u32(tb[MVSOCK_A_RULE_CID], 0);
	rule->port_min = rule_u32(tb[MVSOCK_A_RULE_PORT_MIN], 0);
	rule->port_max = rule_u32(tb[MVSOCK_A_RULE_PORT_MAX], U32_MAX);
	if (rule->port_min > rule->port_max) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "the first port is above the last one");
		return -EINVAL;
	}
	return rule_parse_program(rule, tb, user_ns, extack);
}

/* Returns the number of rules; %-ENOSPC; or an error of rule_parse(). */
static int policy_parse(struct mvs_rule *rules, const struct genl_info *info,
			struct user_namespace *user_ns)
{
	const struct nlattr *attr;
	int ret, rem, n = 0;

	nlmsg_for_each_attr_type(attr, MVSOCK_A_POLICY_RULE, info->nlhdr,
				 GENL_HDRLEN, rem) {
		if (n == MVS_RULES_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr, "too many rules");
			return -ENOSPC;
		}
		ret = rule_parse(&rules[n++], attr, user_ns, info->extack);
		if (ret)
			return ret;
	}
	return n;
}

/**
 * mvsock_nl_policy_set_doit - replace the rules
 * @skb: the request
 * @info: its attributes
 *
 * Context: process; may sleep.
 * Return: 0; %-EPERM; %-EINVAL for a rule that is not valid; %-EOPNOTSUPP for a cgroup, if the
 * kernel has none; %-ENOSPC if there are too many; %-ENOMEM.
 */
int mvsock_nl_policy_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct net *net = genl_info_net(info);
	struct mvs_rule *rules;
	int ret;

	if (!mvs_nl_may(skb, net))
		return -EPERM;
	rules = kvcalloc(MVS_RULES_MAX, sizeof(*rules), GFP_KERNEL);
	if (!rules)
		return -ENOMEM;
	ret = policy_parse(rules, info, sk_user_ns(NETLINK_CB(skb).sk));
	if (ret >= 0)
		ret = mvs_policy_set(mvs_net_scope(net), rules, ret);
	kvfree(rules);
	return ret;
}

/* --- policy-get ----------------------------------------------------------- */

static int rule_put_program(struct sk_buff *skb, const struct mvs_rule *rule,
			    struct user_namespace *user_ns)
{
	if (uid_valid(rule->uid) &&
	    nla_put_u32(skb, MVSOCK_A_RULE_UID,
			from_kuid_munged(user_ns, rule->uid)))
		return -EMSGSIZE;
	return rule->cgroup ? nla_put_uint(skb, MVSOCK_A_RULE_CGROUP, rule->cgroup) :
			      0;
}

static int rule_put(struct sk_buff *skb, const struct mvs_rule *rule,
		    struct user_namespace *user_ns)
{
	struct nlattr *nest = nla_nest_start(skb, MVSOCK_A_POLICY_RULE);
	bool to_guest = rule->direction == MVS_TO_GUEST;

	if (!nest ||
	    nla_put_u32(skb, MVSOCK_A_RULE_DIRECTION,
			to_guest ? MVSOCK_DIRECTION_TO_GUEST :
				   MVSOCK_DIRECTION_TO_HOST) ||
	    (rule->allow && nla_put_flag(skb, MVSOCK_A_RULE_ALLOW)) ||
	    (rule->cid && nla_put_u32(skb, MVSOCK_A_RULE_CID, rule->cid)) ||
	    nla_put_u32(skb, MVSOCK_A_RULE_PORT_MIN, rule->port_min) ||
	    nla_put_u32(skb, MVSOCK_A_RULE_PORT_MAX, rule->port_max) ||
	    rule_put_program(skb, rule, user_ns))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int policy_put(struct sk_buff *skb, struct netlink_callback *cb,
		      const struct mvs_rule *rule)
{
	void *hdr = mvs_nl_dump_begin(skb, cb, MVSOCK_CMD_POLICY_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (rule_put(skb, rule, sk_user_ns(NETLINK_CB(cb->skb).sk))) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genl_dump_check_consistent(cb, hdr);
	genlmsg_end(skb, hdr);
	return 0;
}

/**
 * mvsock_nl_policy_get_dumpit - list the next rules, as many as fit
 * @skb: the answer
 * @cb: the request
 *
 * Context: process; may sleep.
 * Return: 0 at the end; %-EMSGSIZE if there are more; %-EPERM.
 */
int mvsock_nl_policy_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct net *net = sock_net(cb->skb->sk);
	struct mvs_rule rule;
	int ret = 0;

	if (!mvs_nl_may(cb->skb, net))
		return -EPERM;
	/* Rules that change within a list are noticed by their sequence number. */
	while (!ret && mvs_policy_rule(mvs_net_scope(net), cb->args[0], &rule,
				       &cb->seq)) {
		ret = policy_put(skb, cb, &rule);
		cb->args[0] += !ret;
	}
	return ret;
}
