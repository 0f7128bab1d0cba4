// SPDX-License-Identifier: GPL-2.0
/* Flows: connections between two guests. */
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/virtio_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/flow.h>
#include <mvsock/group.h>

static u32 flow_hash(const void *data, u32 len, u32 seed)
{
	return jhash2(data, len / sizeof(u32), seed);
}

static const struct rhashtable_params table_params = {
	.key_len		= sizeof(struct mvs_flow_key),
	.hashfn			= flow_hash,
	.key_offset		= offsetof(struct mvs_flow, key),
	.head_offset		= offsetof(struct mvs_flow, node),
	.automatic_shrinking	= true,
};

/* All flows. They change under the lock, and are looked up under RCU. */
static struct rhashtable table;
static DEFINE_SPINLOCK(flows_lock);

/**
 * mvs_flow_init_table - set up the table of flows
 *
 * Return: 0 or %-ENOMEM.
 */
int mvs_flow_init_table(void)
{
	return rhashtable_init(&table, &table_params);
}

/**
 * mvs_flow_destroy_table - undo mvs_flow_init_table(); there are no flows
 */
void mvs_flow_destroy_table(void)
{
	rhashtable_destroy(&table);
}

/* The key of a packet's flow. Both of its CIDs are guests', so they have 32 bits. */
static struct mvs_flow_key flow_key(u32 scope,
				    const struct virtio_vsock_hdr *hdr)
{
	u32 src = le64_to_cpu(hdr->src_cid), dst = le64_to_cpu(hdr->dst_cid);
	struct mvs_flow_key key = { .scope = scope };
	unsigned int from = src > dst;

	key.cid[from] = src;
	key.cid[!from] = dst;
	key.port[from] = le32_to_cpu(hdr->src_port);
	key.port[!from] = le32_to_cpu(hdr->dst_port);
	return key;
}

static void flow_free(struct mvs_flow *flow)
{
	struct mvs_flow_end *end;

	for (end = flow->ends; end < flow->ends + 2; end++)
		if (end->rst)
			mvs_backlog_free(end->rst);
	kfree_rcu(flow, rcu);
}

/* Allocate the RST by which an end is told that the connection has ended. */
static int flow_create_rst(struct mvs_flow *flow, unsigned int end, u16 type)
{
	const struct mvs_flow_key *key = &flow->key;
	const struct virtio_vsock_hdr hdr = {
		.src_cid = cpu_to_le64(key->cid[!end]),
		.dst_cid = cpu_to_le64(key->cid[end]),
		.src_port = cpu_to_le32(key->port[!end]),
		.dst_port = cpu_to_le32(key->port[end]),
		.type = cpu_to_le16(type),
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RST),
	};

	flow->ends[end].rst = mvs_backlog_create(flow->ends[!end].device, &hdr,
						 0);
	return flow->ends[end].rst ? 0 : -ENOMEM;
}

static struct mvs_flow *flow_create(struct mvs_device *from,
				    struct mvs_device *to,
				    const struct virtio_vsock_hdr *hdr)
{
	struct mvs_flow *flow = kzalloc(sizeof(*flow), GFP_KERNEL_ACCOUNT);
	u16 type = le16_to_cpu(hdr->type);
	unsigned int first;

	if (!flow)
		return NULL;
	flow->key = flow_key(from->scope, hdr);
	first = flow->key.cid[0] != le64_to_cpu(hdr->src_cid);
	flow->ends[first].device = from;
	flow->ends[!first].device = to;
	flow->ends[0].flow = flow;
	flow->ends[1].flow = flow;
	flow->opener = from;
	flow->type = type;
	flow->since = get_jiffies_64();
	if (flow_create_rst(flow, 0, type) || flow_create_rst(flow, 1, type)) {
		flow_free(flow);
		return NULL;
	}
	return flow;
}

/* They are set before mvs_flows_forget(), which takes the lock of the flows. */
static bool flow_is_closed(const struct mvs_flow *flow)
{
	return READ_ONCE(flow->ends[0].device->conns->closed) ||
	       READ_ONCE(flow->ends[1].device->conns->closed);
}

static bool flow_is_allowed(const struct mvs_flow *flow)
{
	const struct mvs_flow_key *key = &flow->key;

	return mvs_group_shared(key->scope, key->cid[0], key->cid[1]);
}

/* Check that a flow is between these devices: a CID may have gone to another one. */
static bool flow_is_between(const struct mvs_flow *flow,
			    const struct mvs_device *a,
			    const struct mvs_device *b)
{
	const struct mvs_device *first = flow->ends[0].device;
	const struct mvs_device *second = flow->ends[1].device;

	return (first == a && second == b) || (first == b && second == a);
}

/* A group may have been left since it was looked up: mvs_flows_recheck() takes the lock, too. */
static int flow_insert(struct mvs_flow *flow)
{
	struct mvs_siblings *opener = &flow->opener->conns->siblings;
	struct mvs_flow *old;
	unsigned int i;

	lockdep_assert_held(&flows_lock);
	if (flow_is_closed(flow) || !flow_is_allowed(flow))
		return -EPERM;
	old = rhashtable_lookup_fast(&table, &flow->key, table_params);
	if (old)
		return flow_is_between(old, flow->ends[0].device,
				       flow->ends[1].device) ? -EEXIST : -EPERM;
	if (opener->nflows + mvs_backlog_ended(flow->opener) >= MVS_FLOWS_MAX)
		return -ENOSPC;
	if (rhashtable_insert_fast(&table, &flow->node, table_params))
		return -ENOMEM;
	opener->nflows++;
	for (i = 0; i < 2; i++)
		list_add_tail(&flow->ends[i].list,
			      &flow->ends[i].device->conns->siblings.flows);
	return 0;
}

/**
 * mvs_flow_exists - look up a packet's flow
 * @from: the guest that sent it
 * @to: the guest that it is for
 * @hdr: its header
 *
 * Context: any.
 * Return: true if there is one.
 */
bool mvs_flow_exists(const struct mvs_device *from, const struct mvs_device *to,
		     const struct virtio_vsock_hdr *hdr)
{
	const struct mvs_flow_key key = flow_key(from->scope, hdr);
	struct mvs_flow *flow;
	bool exists;

	rcu_read_lock();
	flow = rhashtable_lookup_fast(&table, &key, table_params);
	exists = flow && flow_is_between(flow, from, to);
	/* Once: each packet looks its flow up. */
	if (exists && flow->opener != from && !READ_ONCE(flow->answered))
		WRITE_ONCE(flow->answered, true);
	rcu_read_unlock();
	return exists;
}

/* Called with the lock held. The caller ends it by flow_finish(), or flow_free(). */
static void flow_remove(struct mvs_flow *flow)
{
	lockdep_assert_held(&flows_lock);
	rhashtable_remove_fast(&table, &flow->node, table_params);
	list_del(&flow->ends[0].list);
	list_del(&flow->ends[1].list);
	flow->opener->conns->siblings.nflows--;
}

/* Remove the flow of a guest's packet. Returns it, or NULL if there is none. */
static struct mvs_flow *flow_take(const struct mvs_device *from,
				  const struct virtio_vsock_hdr *hdr)
{
	const struct mvs_flow_key key = flow_key(from->scope, hdr);
	struct mvs_flow *flow;

	spin_lock(&flows_lock);
	flow = rhashtable_lookup_fast(&table, &key, table_params);
	if (flow && flow->ends[0].device != from &&
	    flow->ends[1].device != from)
		flow = NULL;
	if (flow)
		flow_remove(flow);
	spin_unlock(&flows_lock);
	return flow;
}

/* Send an end its RST. Its device has a reference of the caller. */
static void flow_tell(struct mvs_flow_end *end)
{
	mvs_backlog_add_rst(end->device, end->rst);
	end->rst = NULL;
}

/*
 * End a flow that was removed: tell both ends, and drop the packets that wait; or tell just one
 * end, which first gets what waits for it. The RSTs have references on the devices.
 */
static void flow_finish(struct mvs_flow *flow, struct mvs_flow_end *just)
{
	struct mvs_device *devices[2] = {
		flow->ends[0].device, flow->ends[1].device
	};
	unsigned int i;

	refcount_inc(&devices[0]->ref);
	refcount_inc(&devices[1]->ref);
	for (i = 0; !just && i < 2; i++)
		mvs_backlog_drop(devices[!i], &flow->ends[i].rst->hdr);
	for (i = 0; i < 2; i++)
		if (!just || just == &flow->ends[i])
			flow_tell(&flow->ends[i]);
	flow_free(flow);
	mvs_device_put(devices[0]);
	mvs_device_put(devices[1]);
}

/*
 * The oldest of a guest's flows that the other guest has not answered, removed; or NULL. A
 * connect() that was given up leaves one.
 */
static struct mvs_flow *flow_take_unanswered(struct mvs_device *opener)
{
	unsigned int n = 2 * MVS_FLOWS_MAX;
	struct mvs_flow *flow = NULL;
	struct mvs_flow_end *end;

	spin_lock(&flows_lock);
	list_for_each_entry(end, &opener->conns->siblings.flows, list) {
		if (end->flow->opener == opener &&
		    !READ_ONCE(end->flow->answered)) {
			flow = end->flow;
			flow_remove(flow);
			break;
		}
		/* Others are of guests that opened them. */
		if (!--n)
			break;
	}
	spin_unlock(&flows_lock);
	return flow;
}

/**
 * mvs_flow_open - remember a flow
 * @from: the guest that asks for the connection
 * @to: the other one
 * @hdr: the header of its REQUEST
 *
 * If @from has opened too many, the oldest of them that was not answered ends.
 *
 * Context: process; may sleep.
 * Return: 0, also if there is such a flow; %-EPERM if they share no group, or one of the two is
 * being closed; %-ENOSPC if @from has opened %MVS_FLOWS_MAX that were answered; %-ENOMEM.
 */
int mvs_flow_open(struct mvs_device *from, struct mvs_device *to,
		  const struct virtio_vsock_hdr *hdr)
{
	struct mvs_flow *old, *flow = flow_create(from, to, hdr);
	int ret;

	if (!flow)
		return -ENOMEM;
	do {
		spin_lock(&flows_lock);
		ret = flow_insert(flow);
		spin_unlock(&flows_lock);
		old = ret == -ENOSPC ? flow_take_unanswered(from) : NULL;
		if (old)
			flow_finish(old, NULL);
	} while (old);
	if (ret)
		flow_free(flow);
	return ret == -EEXIST ? 0 : ret;
}

/**
 * mvs_flow_take_rst - forget a packet's flow, and take the RST of its other end
 * @from: the guest that sent it
 * @hdr: its header, of a RST
 *
 * To be called before the other guest can see the RST, as it may use the ports again at once. What
 * waits for the guest that sent it is dropped.
 *
 * Context: process; may sleep.
 * Return: the RST for the other guest, for mvs_backlog_add() or mvs_backlog_free(); or NULL if
 * there is no flow.
 */
struct mvs_backlog *mvs_flow_take_rst(struct mvs_device *from,
				      const struct virtio_vsock_hdr *hdr)
{
	struct mvs_flow *flow = flow_take(from, hdr);
	struct mvs_backlog *rst;
	unsigned int end;

	if (!flow)
		return NULL;
	end = flow->key.cid[0] != le64_to_cpu(hdr->src_cid);
	rst = flow->ends[end].rst;
	mvs_backlog_drop(rst->from, &rst->hdr);
	rst = flow->ends[!end].rst;
	flow->ends[!end].rst = NULL;
	mvs_backlog_set_opener(rst, flow->opener);
	flow_free(flow);
	return rst;
}

/**
 * mvs_flow_reset - forget a packet's flow and send both guests a RST
 * @from: the guest that sent it
 * @hdr: its header
 *
 * Packets of it that wait are dropped.
 *
 * Context: process; may sleep.
 * Return: false if there is none.
 */
bool mvs_flow_reset(struct mvs_device *from,
		    const struct virtio_vsock_hdr *hdr)
{
	struct mvs_flow *flow = flow_take(from, hdr);

	if (!flow)
		return false;
	flow_finish(flow, NULL);
	return true;
}

/* The first of a guest's ends, or NULL. Called with the lock held. */
static struct mvs_flow_end *flow_first(struct mvs_device *device)
{
	lockdep_assert_held(&flows_lock);
	return list_first_entry_or_null(&device->conns->siblings.flows,
					struct mvs_flow_end, list);
}

/* Take the first flow of a guest if it is not allowed any more, or else move it to the end. */
static struct mvs_flow *flow_recheck_first(struct mvs_device *device)
{
	struct mvs_flow *flow = NULL;
	struct mvs_flow_end *end;

	spin_lock(&flows_lock);
	end = flow_first(device);
	if (end && flow_is_allowed(end->flow)) {
		list_move_tail(&end->list, &device->conns->siblings.flows);
	} else if (end) {
		flow = end->flow;
		flow_remove(flow);
	}
	spin_unlock(&flows_lock);
	return flow;
}

/**
 * mvs_flows_enter - begin a walk over all flows
 * @walk: the walk, for rhashtable_walk_start() and rhashtable_walk_exit()
 *
 * Context: process.
 */
void mvs_flows_enter(struct rhashtable_iter *walk)
{
	rhashtable_walk_enter(&table, walk);
}

/**
 * mvs_flow_get_view - get what can be told of a flow
 * @flow: the flow
 * @view: filled in
 *
 * Context: inside an RCU read section, in which the flow was found.
 */
void mvs_flow_get_view(const struct mvs_flow *flow, struct mvs_flow_view *view)
{
	const struct mvs_flow_key *key = &flow->key;
	unsigned int opener = flow->opener != flow->ends[0].device;

	*view = (struct mvs_flow_view) {
		.cid = key->cid[opener],
		.port = key->port[opener],
		.peer_cid = key->cid[!opener],
		.peer_port = key->port[!opener],
		.type = flow->type,
		.answered = READ_ONCE(flow->answered),
		.age = jiffies64_to_msecs(get_jiffies_64() - flow->since),
	};
}

/**
 * mvs_flows_recheck - end those flows of a guest that its groups do not allow any more
 * @device: the guest
 *
 * Both guests get a RST.
 *
 * Context: process; may sleep.
 */
void mvs_flows_recheck(struct mvs_device *device)
{
	struct mvs_flow *flow;
	size_t n;

	/* Those that are opened meanwhile are allowed. */
	spin_lock(&flows_lock);
	n = list_count_nodes(&device->conns->siblings.flows);
	spin_unlock(&flows_lock);
	while (n--) {
		flow = flow_recheck_first(device);
		if (flow)
			flow_finish(flow, NULL);
		cond_resched();
	}
}

/**
 * mvs_flows_forget - end all flows of a guest that has forgotten them
 * @device: the guest
 *
 * The other guests get a RST, behind what this one has sent.
 *
 * Context: process; may sleep.
 */
void mvs_flows_forget(struct mvs_device *device)
{
	struct mvs_flow_end *end;

	do {
		spin_lock(&flows_lock);
		end = flow_first(device);
		if (end)
			flow_remove(end->flow);
		spin_unlock(&flows_lock);
		if (end)
			flow_finish(end->flow, &end->flow->ends[end == end->flow->ends]);
		cond_resched();
	} while (end);
}
