// SPDX-License-Identifier: GPL-2.0
#include <linux/mvsock.h>

#include "genl.h"
#include "policy.h"

static void add_rule(struct genl_request *r, const struct rule *rule)
{
	struct nlattr *nest = genl_begin(r, MVSOCK_A_POLICY_RULE);

	if (rule->direction)
		genl_add_u32(r, MVSOCK_A_RULE_DIRECTION, rule->direction);
	if (rule->allow)
		genl_add(r, MVSOCK_A_RULE_ALLOW, NULL, 0);
	if (rule->cid)
		genl_add_u32(r, MVSOCK_A_RULE_CID, rule->cid);
	if (rule->port_min)
		genl_add_u32(r, MVSOCK_A_RULE_PORT_MIN, rule->port_min);
	if (rule->port_max)
		genl_add_u32(r, MVSOCK_A_RULE_PORT_MAX, rule->port_max);
	if (rule->has_uid)
		genl_add_u32(r, MVSOCK_A_RULE_UID, rule->uid);
	if (rule->cgroup)
		genl_add(r, MVSOCK_A_RULE_CGROUP, &rule->cgroup,
			 sizeof(rule->cgroup));
	genl_end(r, nest);
}

int policy_set(const struct rule *rules, unsigned int n)
{
	static struct genl_request r;
	struct genl c;
	int err = genl_open(&c, MVSOCK_FAMILY_NAME);

	if (err)
		return err;
	r = genl_request(&c, MVSOCK_CMD_POLICY_SET);
	while (n--)
		add_rule(&r, rules++);
	err = genl_do(&c, &r);
	genl_close(&c);
	return err;
}

struct taken {
	struct rule *rules;
	unsigned int room;
	unsigned int n;
};

static void take_rule(const struct nlattr *attrs, int len, void *arg)
{
	struct taken *t = arg;
	const struct nlattr *nest = attrs;

	if (t->n++ >= t->room)
		return;
	attrs = nest + 1;
	len = nest->nla_len - sizeof(*nest);
	*t->rules++ = (struct rule){
		.direction = genl_number(attrs, len, MVSOCK_A_RULE_DIRECTION),
		.allow = genl_has(attrs, len, MVSOCK_A_RULE_ALLOW),
		.cid = genl_number(attrs, len, MVSOCK_A_RULE_CID),
		.port_min = genl_number(attrs, len, MVSOCK_A_RULE_PORT_MIN),
		.port_max = genl_number(attrs, len, MVSOCK_A_RULE_PORT_MAX),
		.has_uid = genl_has(attrs, len, MVSOCK_A_RULE_UID),
		.uid = genl_number(attrs, len, MVSOCK_A_RULE_UID),
		.cgroup = genl_number(attrs, len, MVSOCK_A_RULE_CGROUP),
	};
}

int policy_get(struct rule *rules, unsigned int n)
{
	struct taken t = { .rules = rules, .room = n };
	struct genl_request r;
	struct genl c;
	int err = genl_open(&c, MVSOCK_FAMILY_NAME);

	if (err)
		return err;
	r = genl_request(&c, MVSOCK_CMD_POLICY_GET);
	err = genl_dump(&c, &r, take_rule, &t);
	genl_close(&c);
	return err ?: (int)t.n;
}

bool policy_change_is_seen(const struct rule *rules, unsigned int n)
{
	struct taken t = { 0 };
	struct genl_request r;
	struct genl c;
	int err = genl_open(&c, MVSOCK_FAMILY_NAME);
	bool seen;

	if (err)
		return false;
	genl_interrupted();
	r = genl_request(&c, MVSOCK_CMD_POLICY_GET);
	err = genl_dump_begin(&c, &r, take_rule, &t);
	seen = genl_interrupted();
	if (err > 0)
		err = policy_set(rules, n) ?: genl_dump_rest(&c, take_rule, &t);
	genl_close(&c);
	return !err && !seen && genl_interrupted();
}
