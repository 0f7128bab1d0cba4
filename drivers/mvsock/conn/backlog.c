// SPDX-License-Identifier: GPL-2.0
/* Backlogs: packets from other guests that wait for a guest's buffers. */
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/virtio_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/flow.h>

/* One for all guests, as a packet is in the lists of two; held for a few instructions. */
static DEFINE_SPINLOCK(backlog_lock);

/**
 * mvs_backlog_any - check for a backlog
 * @conns: of the guest
 *
 * Context: any.
 * Return: true if there is one.
 */
bool mvs_backlog_any(const struct mvs_conns *conns)
{
	return !list_empty_careful(&conns->siblings.backlog);
}

/**
 * mvs_backlog_has_room - check whether a guest may have another packet ahead
 * @from: the guest that sends it
 *
 * If not, its TX virtqueue is served again when one of its packets is gone.
 *
 * Context: process.
 * Return: true if it may.
 */
bool mvs_backlog_has_room(struct mvs_device *from)
{
	struct mvs_siblings *siblings = &from->conns->siblings;
	bool room;

	spin_lock(&backlog_lock);
	room = siblings->bytes < MVS_AHEAD_MAX;
	siblings->blocked = !room;
	spin_unlock(&backlog_lock);
	return room;
}

/**
 * mvs_backlog_oldest - get a guest's oldest packet ahead
 * @from: the guest that sent it
 * @hdr: set to its header
 * @since: set to the time at which it was added, in ns of ktime_get_ns()
 *
 * Context: process.
 * Return: false if there is none.
 */
bool mvs_backlog_oldest(struct mvs_device *from, struct virtio_vsock_hdr *hdr,
			u64 *since)
{
	const struct mvs_backlog *packet;

	spin_lock(&backlog_lock);
	packet = list_first_entry_or_null(&from->conns->siblings.ahead,
					  struct mvs_backlog, ahead);
	if (packet) {
		*hdr = packet->hdr;
		*since = packet->since;
	}
	spin_unlock(&backlog_lock);
	return packet;
}

/**
 * mvs_backlog_create - create a packet for a backlog, without its payload
 * @from: the guest that sends it
 * @hdr: its header
 * @len: bytes of payload
 *
 * Charged to the current task's memory cgroup: that of the sender's VMM.
 *
 * Context: process; may sleep.
 * Return: the packet, for mvs_backlog_free(); or NULL.
 */
struct mvs_backlog *mvs_backlog_create(struct mvs_device *from,
				       const struct virtio_vsock_hdr *hdr,
				       u32 len)
{
	struct mvs_backlog *packet = kzalloc(sizeof(*packet),
					     GFP_KERNEL_ACCOUNT);

	if (!packet)
		return NULL;
	INIT_LIST_HEAD(&packet->list);
	INIT_LIST_HEAD(&packet->ahead);
	packet->hdr = *hdr;
	packet->left = len;
	packet->size = sizeof(*packet) +
		       DIV_ROUND_UP(len, MVS_CHUNK_SIZE) * PAGE_SIZE;
	packet->from = from;
	refcount_inc(&from->ref);
	return packet;
}

/**
 * mvs_backlog_add - add a packet to a guest's backlog
 * @to: the guest, with a reference of the caller
 * @packet: the packet, which is left to the caller on failure
 *
 * Context: process.
 * Return: false if the device is being closed.
 */
bool mvs_backlog_add(struct mvs_device *to, struct mvs_backlog *packet)
{
	struct mvs_siblings *siblings = &packet->from->conns->siblings;
	bool add;

	packet->since = ktime_get_ns();
	spin_lock(&backlog_lock);
	/* It is set before mvs_backlog_purge() takes the lock for the last time. */
	add = !READ_ONCE(to->conns->closed);
	if (add)
		list_add_tail(&packet->list, &to->conns->siblings.backlog);
	if (add && !packet->opener) {
		list_add_tail(&packet->ahead, &siblings->ahead);
		siblings->bytes += packet->size;
	}
	spin_unlock(&backlog_lock);
	if (add)
		mvs_device_wake(to, MVS_VQ_RX);
	return add;
}

/**
 * mvs_backlog_set_opener - make a packet the RST by which a guest has ended a flow
 * @packet: the packet, until mvs_backlog_free()
 * @opener: the guest that had opened the flow
 *
 * Context: process.
 */
void mvs_backlog_set_opener(struct mvs_backlog *packet,
			    struct mvs_device *opener)
{
	refcount_inc(&opener->ref);
	packet->opener = opener;
	spin_lock(&backlog_lock);
	WRITE_ONCE(opener->conns->siblings.nended,
		   opener->conns->siblings.nended + 1);
	spin_unlock(&backlog_lock);
}

/**
 * mvs_backlog_ended - get the number of a guest's flows whose RST waits
 * @opener: the guest that had opened them
 *
 * Context: any.
 * Return: the number.
 */
unsigned int mvs_backlog_ended(struct mvs_device *opener)
{
	return READ_ONCE(opener->conns->siblings.nended);
}

/**
 * mvs_backlog_add_rst - add a RST from the host to a guest's backlog
 * @to: the guest, with a reference of the caller
 * @packet: the packet; freed if there are too many, which is counted, or if the device is closed
 *
 * It does not count as a packet ahead of the sender, which may not be at fault.
 *
 * Context: process; may sleep.
 */
void mvs_backlog_add_rst(struct mvs_device *to, struct mvs_backlog *packet)
{
	struct mvs_siblings *siblings = &to->conns->siblings;
	bool add;

	packet->rst = true;
	spin_lock(&backlog_lock);
	add = !READ_ONCE(to->conns->closed) &&
	      siblings->nrsts < MVS_RESETS_MAX;
	if (add) {
		list_add_tail(&packet->list, &siblings->backlog);
		siblings->nrsts++;
	} else {
		mvs_count(&to->rsts_dropped, 1);
	}
	spin_unlock(&backlog_lock);
	if (add) {
		mvs_device_wake(to, MVS_VQ_RX);
		return;
	}
	mvs_backlog_free(packet);
}

/**
 * mvs_backlog_get - take the first packet of a guest's backlog
 * @to: the guest
 *
 * Context: with its RX virtqueue's mutex held, or without users of its backlog.
 * Return: the packet, for mvs_backlog_unget() or mvs_backlog_free(); or NULL.
 */
struct mvs_backlog *mvs_backlog_get(struct mvs_device *to)
{
	struct mvs_backlog *packet;

	spin_lock(&backlog_lock);
	packet = list_first_entry_or_null(&to->conns->siblings.backlog,
					  struct mvs_backlog, list);
	if (packet) {
		list_del_init(&packet->list);
		to->conns->siblings.nrsts -= packet->rst;
	}
	spin_unlock(&backlog_lock);
	return packet;
}

/* No more one of the packets ahead. Called with the lock held. Returns true if a guest waits. */
static bool backlog_uncount(struct mvs_backlog *packet)
{
	struct mvs_siblings *siblings = &packet->from->conns->siblings;
	bool wake = siblings->blocked;

	lockdep_assert_held(&backlog_lock);
	if (list_empty(&packet->ahead))
		return false;
	list_del_init(&packet->ahead);
	siblings->bytes -= packet->size;
	siblings->blocked = false;
	return wake;
}

/**
 * mvs_backlog_free - free a packet that is in no backlog
 * @packet: the packet
 *
 * Context: process, without spinning locks held; may sleep.
 */
void mvs_backlog_free(struct mvs_backlog *packet)
{
	struct mvs_device *from = packet->from, *opener = packet->opener;
	struct mvs_conns *conns = from->conns;
	bool wake, last;

	spin_lock(&backlog_lock);
	wake = backlog_uncount(packet);
	if (opener)
		WRITE_ONCE(opener->conns->siblings.nended,
			   opener->conns->siblings.nended - 1);
	last = list_empty(&conns->siblings.ahead);
	spin_unlock(&backlog_lock);

	mvs_queue_purge(&packet->data, &conns->pool);
	/* A guest without connections keeps no pages. */
	if (last && list_empty_careful(&conns->all))
		mvs_pool_drain(&conns->pool);
	kfree(packet);
	if (wake)
		mvs_device_wake(from, MVS_VQ_TX);
	if (opener)
		mvs_device_put(opener);
	mvs_device_put(from);
}

/**
 * mvs_backlog_unget - put a packet back as the first one
 * @to: the guest
 * @packet: the packet; freed if its connection was reset meanwhile
 *
 * Context: with its RX virtqueue's mutex held.
 */
void mvs_backlog_unget(struct mvs_device *to, struct mvs_backlog *packet)
{
	bool dropped;

	spin_lock(&backlog_lock);
	dropped = packet->dropped;
	if (!dropped) {
		list_add(&packet->list, &to->conns->siblings.backlog);
		to->conns->siblings.nrsts += packet->rst;
	}
	spin_unlock(&backlog_lock);
	if (dropped)
		mvs_backlog_free(packet);
}

static bool backlog_same_conn(const struct virtio_vsock_hdr *a,
			      const struct virtio_vsock_hdr *b)
{
	return a->src_cid == b->src_cid && a->dst_cid == b->dst_cid &&
	       a->src_port == b->src_port && a->dst_port == b->dst_port;
}

/**
 * mvs_backlog_drop - drop a guest's packets of one connection
 * @from: the guest
 * @hdr: the header of one of them
 *
 * Context: process; may sleep.
 */
void mvs_backlog_drop(struct mvs_device *from,
		      const struct virtio_vsock_hdr *hdr)
{
	struct mvs_siblings *siblings = &from->conns->siblings;
	struct mvs_backlog *packet, *next;
	bool wake = false;
	LIST_HEAD(drop);

	spin_lock(&backlog_lock);
	list_for_each_entry_safe(packet, next, &siblings->ahead, ahead) {
		if (!backlog_same_conn(&packet->hdr, hdr))
			continue;
		wake |= backlog_uncount(packet);
		if (list_empty(&packet->list))
			packet->dropped = true;
		else
			list_move(&packet->list, &drop);
	}
	spin_unlock(&backlog_lock);
	if (wake)
		mvs_device_wake(from, MVS_VQ_TX);
	list_for_each_entry_safe(packet, next, &drop, list)
		mvs_backlog_free(packet);
}

/**
 * mvs_backlog_purge - drop what is in a guest's backlog
 * @to: the guest
 *
 * Context: process; may sleep.
 */
void mvs_backlog_purge(struct mvs_device *to)
{
	struct mvs_backlog *packet;
	size_t n;

	/* Others may go on adding to it. */
	spin_lock(&backlog_lock);
	n = list_count_nodes(&to->conns->siblings.backlog);
	spin_unlock(&backlog_lock);
	while (n-- && (packet = mvs_backlog_get(to))) {
		mvs_backlog_free(packet);
		cond_resched();
	}
}
