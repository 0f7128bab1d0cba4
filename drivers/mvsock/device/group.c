// SPDX-License-Identifier: GPL-2.0
/* The table of groups: their names by CID, in each scope, whether the CID is in use or not. */
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include <mvsock/compat.h>
#include <mvsock/device.h>
#include <mvsock/group.h>

/**
 * struct groups - the groups of a CID
 * @rcu: for freeing
 * @n: number of names
 * @names: the names, padded with 0
 *
 * Never changes: a change replaces it.
 */
struct groups {
	struct rcu_head rcu;
	unsigned int n;
	char names[][MVS_GROUP_NAME];
};

/* Indexed by mvs_cid_index(). Entries change under the mutex and are read under RCU. */
static DEFINE_XARRAY_FLAGS(members, XA_FLAGS_ACCOUNT);
static DEFINE_MUTEX(members_mutex);

/*
 * Number of changes, for lists that are read in parts: of the host's groups, and of those of all
 * namespaces with CIDs of their own, which must not disturb the host's lists.
 */
static unsigned int changes[2];

static bool groups_have(const struct groups *groups, const char *name)
{
	unsigned int i;

	for (i = 0; groups && i < groups->n; i++)
		if (!strcmp(groups->names[i], name))
			return true;
	return false;
}

/**
 * mvs_group_shared - check whether two guests share a group
 * @scope: the scope of their CIDs, from mvs_net_scope()
 * @cid: the CID of one
 * @other: that of the other one
 *
 * Context: any.
 * Return: true if they do.
 */
bool mvs_group_shared(u32 scope, u32 cid, u32 other)
{
	const struct groups *a, *b;
	bool shared = false;
	unsigned int i;

	rcu_read_lock();
	a = xa_load(&members, mvs_cid_index(scope, cid));
	b = xa_load(&members, mvs_cid_index(scope, other));
	for (i = 0; a && b && !shared && i < a->n; i++)
		shared = groups_have(b, a->names[i]);
	rcu_read_unlock();
	return shared;
}

static void group_note_change(unsigned long index)
{
	unsigned int *count = &changes[index > U32_MAX];

	lockdep_assert_held(&members_mutex);
	WRITE_ONCE(*count, *count + 1);
}

/* Replace the groups of a CID: those of @old but @drop, and @add; either may be NULL. */
static int group_replace(unsigned long index, struct groups *old,
			 const char *drop, const char *add)
{
	unsigned int i, max = (old ? old->n : 0) + 1;
	struct groups *new;
	int ret;

	lockdep_assert_held(&members_mutex);
	new = kzalloc(struct_size(new, names, max), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	for (i = 0; old && i < old->n; i++)
		if (!drop || strcmp(old->names[i], drop))
			memcpy(new->names[new->n++], old->names[i],
			       MVS_GROUP_NAME);
	if (add)
		strscpy_pad(new->names[new->n++], add, MVS_GROUP_NAME);

	if (new->n) {
		ret = xa_err(xa_store(&members, index, new, GFP_KERNEL));
	} else {
		xa_erase(&members, index);
		ret = 0;
	}
	if (ret || !new->n)
		kfree(new);
	if (!ret && old)
		kfree_rcu(old, rcu);
	if (!ret)
		group_note_change(index);
	return ret;
}

/**
 * mvs_group_add - put a guest into a group
 * @scope: the scope of its CID, from mvs_net_scope()
 * @cid: its CID, which may be in use or not
 * @name: the group, of less than %MVS_GROUP_NAME characters
 *
 * Context: process; may sleep.
 * Return: 0; %-EEXIST if it is in that group; %-ENOSPC if it is in %MVS_GROUPS_MAX; %-ENOMEM.
 */
int mvs_group_add(u32 scope, u32 cid, const char *name)
{
	unsigned long index = mvs_cid_index(scope, cid);
	struct groups *old;
	int ret;

	mutex_lock(&members_mutex);
	old = xa_load(&members, index);
	if (groups_have(old, name))
		ret = -EEXIST;
	else if (old && old->n == MVS_GROUPS_MAX)
		ret = -ENOSPC;
	else
		ret = group_replace(index, old, NULL, name);
	mutex_unlock(&members_mutex);
	return ret;
}

/**
 * mvs_group_del - take a guest out of a group
 * @scope: the scope of its CID, from mvs_net_scope()
 * @cid: its CID
 * @name: the group
 *
 * Context: process; may sleep.
 * Return: 0; %-ENOENT if it is not in that group; %-ENOMEM.
 */
int mvs_group_del(u32 scope, u32 cid, const char *name)
{
	unsigned long index = mvs_cid_index(scope, cid);
	struct groups *old;
	int ret = -ENOENT;

	mutex_lock(&members_mutex);
	old = xa_load(&members, index);
	if (groups_have(old, name))
		ret = group_replace(index, old, name, NULL);
	mutex_unlock(&members_mutex);
	return ret;
}

/**
 * mvs_group_changes - get the number of changes of groups
 * @scope: the scope, from mvs_net_scope()
 *
 * Context: any.
 * Return: the number, never 0.
 */
unsigned int mvs_group_changes(u32 scope)
{
	return READ_ONCE(changes[!!scope]) | 1U << 31;
}

/**
 * mvs_group_next - go on to the next pair of a CID and a group
 * @scope: the scope, from mvs_net_scope()
 * @cid: the CID to begin with; set to that of the pair
 * @i: number of its groups to leave out; set to that of the pair
 * @name: set to the group, %MVS_GROUP_NAME bytes
 *
 * Context: any.
 * Return: false at the end.
 */
bool mvs_group_next(u32 scope, u32 *cid, unsigned int *i, char *name)
{
	unsigned long index = mvs_cid_index(scope, *cid);
	const struct groups *groups;

	rcu_read_lock();
	groups = xa_find(&members, &index, mvs_cid_index(scope, U32_MAX),
			 XA_PRESENT);
	if (groups && ((u32)index != *cid || *i >= groups->n)) {
		if ((u32)index == *cid)
			groups = xa_find_after(&members, &index,
					       mvs_cid_index(scope, U32_MAX),
					       XA_PRESENT);
		*i = 0;
	}
	if (groups) {
		*cid = index;
		memcpy(name, groups->names[*i], MVS_GROUP_NAME);
	}
	rcu_read_unlock();
	return groups;
}

/* Forget the CIDs from @first to @last, of both their indexes. */
static void group_forget(unsigned long first, unsigned long last)
{
	struct groups *groups;
	unsigned long index;

	mutex_lock(&members_mutex);
	xa_for_each_range(&members, index, groups, first, last) {
		xa_erase(&members, index);
		kfree_rcu(groups, rcu);
	}
	mutex_unlock(&members_mutex);
}

/* The number of a scope may be used again by another namespace. */
static void __net_exit group_net_exit(struct net *net)
{
	u32 scope = mvs_net_scope(net);

	if (scope)
		group_forget(mvs_cid_index(scope, 0), mvs_cid_index(scope, U32_MAX));
}

static struct pernet_operations group_net_ops = {
	.exit = group_net_exit,
};

/**
 * mvs_group_init - set up the table
 *
 * Return: 0 or %-ENOMEM.
 */
int mvs_group_init(void)
{
	return register_pernet_subsys(&group_net_ops);
}

/**
 * mvs_group_exit - undo mvs_group_init()
 */
void mvs_group_exit(void)
{
	unregister_pernet_subsys(&group_net_ops);
	group_forget(0, ULONG_MAX);
}
