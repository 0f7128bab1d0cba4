// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of each scope.
 *
 * The rules of a scope are in one table, which is replaced as a whole. In it, those for one
 * direction and one CID are in a list, by a hash of the CID, and those for all CIDs in another one,
 * both in the order of the rules. A lookup merges the two.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include <mvsock/compat.h>
#include <mvsock/policy.h>

#define POLICY_BUCKETS	256

/* The end of a list: greater than any rule's number. */
#define POLICY_END	U16_MAX

static_assert(MVS_RULES_MAX < POLICY_END);

/**
 * struct policy_rule - a rule in a table
 * @rule: the rule
 * @next: number of the next one in its list
 */
struct policy_rule {
	struct mvs_rule rule;
	u16 next;
};

/**
 * struct policy_lists - the heads of the lists for one direction
 * @bucket: rules for one CID
 * @any: rules for all CIDs
 */
struct policy_lists {
	u16 bucket[POLICY_BUCKETS];
	u16 any;
};

/**
 * struct policy - the rules of a scope
 * @rcu: for freeing
 * @lists: by direction
 * @generation: a number that no other table has, and not %POLICY_NONE
 * @n: number of rules
 * @rules: the rules in their order
 *
 * Never changes: a change replaces it.
 */
struct policy {
	struct rcu_head rcu;
	struct policy_lists lists[MVS_DIRECTIONS];
	unsigned int generation;
	unsigned int n;
	struct policy_rule rules[] __counted_by(n);
};

/* Indexed by scope. Entries change under the mutex and are read under RCU. */
static DEFINE_XARRAY_FLAGS(policies, XA_FLAGS_ACCOUNT);
static DEFINE_MUTEX(policies_mutex);

/* Number of changes; changes under the mutex. */
static unsigned int changes;

/* The generation of no rules. */
#define POLICY_NONE	1

/* --- lookup --------------------------------------------------------------- */

/* Check whether the current task is in a cgroup, or in one below it. */
static bool policy_in_cgroup(u64 id)
{
#ifdef CONFIG_CGROUPS
	struct cgroup *cgroup = task_dfl_cgroup(current);

	for (; cgroup; cgroup = cgroup_parent(cgroup))
		if (cgroup_id(cgroup) == id)
			return true;
#endif
	return false;
}

static bool policy_matches(const struct mvs_rule *rule, u32 cid, u32 port)
{
	return port >= rule->port_min && port <= rule->port_max &&
	       (!rule->cid || rule->cid == cid) &&
	       (!uid_valid(rule->uid) || uid_eq(rule->uid, current_euid())) &&
	       (!rule->cgroup || policy_in_cgroup(rule->cgroup));
}

/* Called inside an RCU read section. */
static bool policy_allows(const struct policy *policy,
			  enum mvs_direction direction, u32 cid, u32 port)
{
	const struct policy_lists *lists = &policy->lists[direction];
	u16 one = lists->bucket[cid % POLICY_BUCKETS], any = lists->any;
	const struct policy_rule *r;

	while (one != POLICY_END || any != POLICY_END) {
		r = &policy->rules[min(one, any)];
		if (one < any)
			one = r->next;
		else
			any = r->next;
		if (policy_matches(&r->rule, cid, port))
			return r->rule.allow;
	}
	return true;
}

/**
 * mvs_policy_allows - check whether a connection is allowed
 * @scope: the scope of the CID, from mvs_net_scope()
 * @direction: its direction
 * @cid: the guest
 * @port: the port of the end that is connected to
 *
 * Context: process; of the program that connects, if @direction is %MVS_TO_GUEST.
 * Return: true if it is.
 */
bool mvs_policy_allows(u32 scope, enum mvs_direction direction, u32 cid,
		       u32 port)
{
	const struct policy *policy;
	bool allows = true;

	rcu_read_lock();
	policy = xa_load(&policies, scope);
	if (unlikely(policy))
		allows = policy_allows(policy, direction, cid, port);
	rcu_read_unlock();
	return allows;
}

/**
 * mvs_policy_changes - get the number of changes of rules
 *
 * Context: any.
 * Return: the number.
 */
unsigned int mvs_policy_changes(void)
{
	return READ_ONCE(changes);
}

/* --- changes -------------------------------------------------------------- */

static struct policy *policy_create(const struct mvs_rule *rules, unsigned int n)
{
	struct policy_lists *lists;
	struct policy *policy;
	unsigned int i;
	u16 *head;

	policy = kvzalloc(struct_size(policy, rules, n), GFP_KERNEL_ACCOUNT);
	if (!policy)
		return NULL;
	policy->n = n;
	memset(policy->lists, 0xff, sizeof(policy->lists));
	/* From the end: each is put in front of its list. */
	for (i = n; i--;) {
		lists = &policy->lists[rules[i].direction];
		head = rules[i].cid ? &lists->bucket[rules[i].cid % POLICY_BUCKETS] :
				      &lists->any;
		policy->rules[i].rule = rules[i];
		policy->rules[i].next = *head;
		*head = i;
	}
	return policy;
}

/**
 * mvs_policy_set - replace the rules of a scope
 * @scope: the scope, from mvs_net_scope()
 * @rules: the new rules
 * @n: their number, at most %MVS_RULES_MAX; 0 for none
 *
 * Context: process; may sleep.
 * Return: 0 or %-ENOMEM.
 */
int mvs_policy_set(u32 scope, const struct mvs_rule *rules, unsigned int n)
{
	struct policy *new = NULL, *old;

	if (n) {
		new = policy_create(rules, n);
		if (!new)
			return -ENOMEM;
	}
	mutex_lock(&policies_mutex);
	if (new)
		new->generation = (changes + 1) | 1U << 31;
	/* Storing NULL does not allocate. */
	old = xa_store(&policies, scope, new, GFP_KERNEL);
	/* The number changes after the rules. Pairs with the read barrier in socket_begin(). */
	smp_wmb();
	WRITE_ONCE(changes, changes + 1);
	/*
	 * And before states of connections are read, as for a reset. Pairs with the full barrier in
	 * socket_begin().
	 */
	smp_mb();
	mutex_unlock(&policies_mutex);
	if (xa_is_err(old)) {
		kvfree(new);
		return xa_err(old);
	}
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

/**
 * mvs_policy_rule - get a rule
 * @scope: the scope, from mvs_net_scope()
 * @i: its number
 * @rule: set to it
 * @seq: set to a number that differs if the rules have changed, and is not 0
 *
 * Context: any.
 * Return: false if there are not so many.
 */
bool mvs_policy_rule(u32 scope, unsigned int i, struct mvs_rule *rule,
		     unsigned int *seq)
{
	const struct policy *policy;
	bool found;

	rcu_read_lock();
	policy = xa_load(&policies, scope);
	*seq = policy ? policy->generation : POLICY_NONE;
	found = policy && i < policy->n;
	if (found)
		*rule = policy->rules[i].rule;
	rcu_read_unlock();
	return found;
}

/* The number of a scope may be used again by another namespace. */
static void __net_exit policy_net_exit(struct net *net)
{
	u32 scope = mvs_net_scope(net);

	if (scope)
		mvs_policy_set(scope, NULL, 0);
}

static struct pernet_operations policy_net_ops = {
	.exit = policy_net_exit,
};

/**
 * mvs_policy_init - set up the table
 *
 * Return: 0 or %-ENOMEM.
 */
int mvs_policy_init(void)
{
	return register_pernet_subsys(&policy_net_ops);
}

/**
 * mvs_policy_exit - undo mvs_policy_init(); there are no devices and no sockets
 */
void mvs_policy_exit(void)
{
	unregister_pernet_subsys(&policy_net_ops);
	mvs_policy_set(0, NULL, 0);
}
