// SPDX-License-Identifier: GPL-2.0
/*
 * From one guest to another.
 *
 * The worker of the guest that sends copies from its TX chain to the other guest's RX chain,
 * without a socket. If that is not possible at once, as when there is no RX chain, the packet goes
 * into the other guest's backlog, and that guest's worker sends it. If the sender has too much in
 * backlogs, its TX virtqueue waits; not for long, as another guest must not stop it: the connection
 * whose packet has waited for longest is reset.
 */
#include <linux/ktime.h>
#include <linux/virtio_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/group.h>
#include <mvsock/packet.h>

#include "data.h"
#include "tap.h"

/* Time for which a packet may wait in a backlog if its sender waits for room. */
#define MVS_FORWARD_WAIT_NS	NSEC_PER_SEC

/* Packets of the backlog that are sent in one round, before parked senders are woken. */
#define MVS_FORWARD_BACKLOG	16

/* --- from chain to chain -------------------------------------------------- */

/* Inside a section of each guest's memory. Returns as forward_at_once(). */
static int forward_in_sections(struct mvs_vq *tx, struct mvs_vq *rx,
			       struct virtio_vsock_hdr *hdr, u32 left)
{
	int len;

	if (mvs_ring_peek(&rx->ring, &rx->chain) != 1)
		return -EAGAIN;
	len = mvs_packet_relay(&tx->chain, tx->ring.gm, &rx->chain, rx->ring.gm,
			       hdr, left);
	if (len < 0)
		return len;
	return mvs_ring_give(&rx->ring, &rx->chain, sizeof(*hdr) + len) ?: len;
}

/*
 * Forward as much of a packet as fits into the next RX chain. Returns the number of payload bytes;
 * on any error nothing is changed.
 */
static int forward_at_once(struct mvs_vq *tx, struct mvs_vq *rx,
			   const struct virtio_vsock_hdr *hdr, u32 left)
{
	struct mvs_mem *from = tx->ring.gm, *to = rx->ring.gm;
	struct virtio_vsock_hdr piece = *hdr;
	int len;

	/* The chain is still in use by a push that failed. */
	if (unlikely(rx->held || !rx->budget))
		return -EAGAIN;
	mvs_mem_begin(from);
	/*
	 * Two guests that send to each other might otherwise wait for each other, behind an
	 * invalidation in each.
	 */
	if (!mvs_mem_try_begin(to)) {
		mvs_mem_end(from);
		return -EAGAIN;
	}
	len = forward_in_sections(tx, rx, &piece, left);
	mvs_mem_end(to);
	mvs_mem_end(from);
	if (len < 0)
		return len;
	mvs_chain_skip(&tx->chain, len);
	rx->budget--;
	mvs_account(rx, &piece);
	return len;
}

/* The packet has to go behind others, or programs wait for a chain, or it is captured. */
static bool forward_must_queue(const struct mvs_conns *to)
{
	return mvs_backlog_any(to) || !list_empty_careful(&to->resets) ||
	       !list_empty_careful(&to->waiting) || mvs_tap_listens();
}

/*
 * The mutex is only tried: its holder may wait for that guest's VMM, or have lost its CPU. Returns
 * the number of payload bytes that are left; negative if the header is left, too.
 */
static s64 forward_directly(struct mvs_vq *tx, struct mvs_device *to,
			    const struct virtio_vsock_hdr *hdr, u32 left)
{
	struct mvs_vq *rx = &to->vqs[MVS_VQ_RX];
	int len = -EAGAIN;

	if (!mutex_trylock(&rx->mutex))
		return hdr->len ? (s64)left : -1;
	if (!forward_must_queue(to->conns) && mvs_rx_begin(rx) == 1) {
		do {
			len = forward_at_once(tx, rx, hdr, left);
			left -= max(len, 0);
		} while (len > 0 && left);
		mvs_vq_flush_lazily(rx);
	}
	mutex_unlock(&rx->mutex);
	/* Also for another task whose trylock failed while this one held the mutex. */
	mvs_rx_keep_kicks(to);
	return len < 0 && !hdr->len ? -1 : (s64)left;
}

/* --- the backlog ---------------------------------------------------------- */

/* Read the rest of the payload. Returns 0, or an error of mvs_packet_parse(). */
static int forward_read(struct mvs_vq *tx, struct mvs_backlog *packet)
{
	struct mvs_pool *pool = &tx->device->conns->pool;
	struct mvs_queue_room room;
	struct iov_iter iter;
	int ret;

	if (!packet->left)
		return 0;
	ret = mvs_queue_reserve(&packet->data, pool, packet->left, &room);
	if (ret)
		return ret;
	mvs_queue_fill(&room, NULL, 0, packet->left, &iter);
	ret = mvs_packet_read(&tx->chain, tx->ring.gm, packet->left, &iter);
	if (ret)
		mvs_queue_cancel(pool, &room);
	else
		mvs_queue_commit(&packet->data, &room);
	return ret;
}

static struct mvs_device *forward_find(const struct mvs_device *from,
				       const struct virtio_vsock_hdr *hdr)
{
	u64 cid = le64_to_cpu(hdr->dst_cid);

	return cid > U32_MAX ? NULL : mvs_cid_get(from->scope, cid);
}

/*
 * A packet has waited for too long: until nothing waits any more for the guest that it is for, each
 * packet to that guest, other than RST, resets its connection.
 */
static void forward_note_stall(const struct mvs_device *from,
			       const struct virtio_vsock_hdr *hdr)
{
	struct mvs_device *to = forward_find(from, hdr);

	if (!to)
		return;
	WRITE_ONCE(to->conns->siblings.stalled, true);
	mvs_device_put(to);
}

static bool forward_is_stalled(struct mvs_device *to)
{
	struct mvs_siblings *siblings = &to->conns->siblings;

	if (likely(!READ_ONCE(siblings->stalled)))
		return false;
	if (mvs_backlog_any(to->conns))
		return true;
	WRITE_ONCE(siblings->stalled, false);
	return false;
}

/*
 * The guest has too much in backlogs. Returns %-EBUSY if it has to wait; 0 if the connection of its
 * oldest packet was reset, and there may be room.
 */
static int forward_make_room(struct mvs_vq *tx)
{
	struct mvs_device *from = tx->device;
	struct virtio_vsock_hdr oldest;
	u64 since;
	s64 left;

	if (!mvs_backlog_oldest(from, &oldest, &since))
		return 0;
	left = since + MVS_FORWARD_WAIT_NS - ktime_get_ns();
	if (left > 0) {
		mvs_vq_wake_in(tx, left);
		return -EBUSY;
	}
	forward_note_stall(from, &oldest);
	if (mvs_flow_reset(from, &oldest))
		mvs_count(&from->forward_resets, 1);
	else	/* It ended before. */
		mvs_backlog_drop(from, &oldest);
	cond_resched();
	return 0;
}

/* Reset a packet's connection. Returns %-ECONNRESET. */
static int forward_give_up(struct mvs_device *from,
			   const struct virtio_vsock_hdr *hdr)
{
	if (mvs_flow_reset(from, hdr))
		mvs_count(&from->forward_resets, 1);
	return -ECONNRESET;
}

/*
 * Returns 0; %-EBUSY if the packet has to wait; %-ECONNRESET if its connection was reset, and both
 * guests were told; %-ENETUNREACH if the other one is gone; or an error of mvs_packet_parse().
 */
static int forward_later(struct mvs_vq *tx, struct mvs_device *to,
			 const struct virtio_vsock_hdr *hdr, u32 left)
{
	struct mvs_device *from = tx->device;
	struct mvs_backlog *packet;
	int ret = 0;

	if (forward_is_stalled(to))
		return forward_give_up(from, hdr);
	while (!ret && !mvs_backlog_has_room(from))
		ret = forward_make_room(tx);
	if (ret)
		return ret;
	packet = mvs_backlog_create(from, hdr, left);
	if (!packet)
		return -ENOMEM;
	ret = forward_read(tx, packet);
	if (!ret && !mvs_backlog_add(to, packet))
		ret = -ENETUNREACH;
	if (ret) {
		mvs_backlog_free(packet);
		return ret;
	}
	mvs_count(&from->forward_waits, 1);
	/* It may have ended since it was looked up: what ends it drops packets after that. */
	if (mvs_flow_exists(from, to, hdr))
		return 0;
	mvs_backlog_drop(from, hdr);
	return -ECONNRESET;
}

/* Send a packet of the backlog. Returns 1 if all of it is sent; otherwise see mvs_vq_pop(). */
static int forward_send(struct mvs_vq *rx, struct mvs_backlog *packet)
{
	struct mvs_pool *pool = &packet->from->conns->pool;
	struct kvec pieces[MVS_QUEUE_PIECES];
	struct virtio_vsock_hdr hdr;
	struct mvs_queue_pos pos;
	struct iov_iter from;
	unsigned int n;
	int len, ret;

	do {
		ret = mvs_rx_next_chain(rx);
		if (ret != 1)
			return ret;
		n = mvs_queue_pieces(&packet->data.head, packet->left, pieces);
		iov_iter_kvec(&from, ITER_SOURCE, pieces, n, packet->left);
		hdr = packet->hdr;
		len = mvs_rx_put(rx, &hdr, &from, packet->left);
		if (len <= 0)
			continue;
		pos = packet->data.head;
		mvs_queue_skip(&pos, len);
		mvs_queue_free(pool, mvs_queue_cut(&packet->data, &pos), &pos);
		packet->left -= len;
	} while (len == -EBADMSG || (len > 0 && packet->left));
	return len < 0 ? len : 1;
}

/**
 * mvs_forward_backlog - send a guest's backlog, or a part of it
 * @rx: the guest's RX virtqueue, after mvs_rx_begin()
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 1 if the next chain is for others; otherwise see mvs_vq_pop().
 */
int mvs_forward_backlog(struct mvs_vq *rx)
{
	unsigned int n = MVS_FORWARD_BACKLOG;
	struct mvs_backlog *packet;
	int ret = 1;

	while (ret == 1 && n-- && (packet = mvs_backlog_get(rx->device))) {
		ret = forward_send(rx, packet);
		if (ret == 1)
			mvs_backlog_free(packet);
		else
			mvs_backlog_unget(rx->device, packet);
	}
	return ret;
}

/* --- packets -------------------------------------------------------------- */

/* Returns 0; %-ENETUNREACH if the packet is not to be forwarded; or %-ENOMEM. */
static int forward_admit(struct mvs_device *from, struct mvs_device *to,
			 const struct virtio_vsock_hdr *hdr)
{
	u16 op = le16_to_cpu(hdr->op);
	int ret;

	if (op == VIRTIO_VSOCK_OP_INVALID ||
	    op > VIRTIO_VSOCK_OP_CREDIT_REQUEST ||
	    !mvs_device_allows_type(to, le16_to_cpu(hdr->type)))
		return -ENETUNREACH;
	if (op != VIRTIO_VSOCK_OP_REQUEST)
		return mvs_flow_exists(from, to, hdr) ? 0 : -ENETUNREACH;
	/* Before anything is allocated for it. */
	if (!mvs_group_shared(from->scope, le64_to_cpu(hdr->src_cid),
			      le64_to_cpu(hdr->dst_cid)))
		return -ENETUNREACH;
	ret = mvs_flow_open(from, to, hdr);
	return !ret || ret == -ENOMEM ? ret : -ENETUNREACH;
}

/* The payload bytes that were forwarded before the packet's chain was put back. */
static u32 forward_done_before(const struct mvs_vq *tx, u32 len)
{
	const struct mvs_siblings *siblings = &tx->device->conns->siblings;

	return siblings->position == tx->ring.next_avail ?
	       min(siblings->forwarded, len) : 0;
}

/* The chain is put back if @ret says so: then only the rest, @left, is forwarded the next time. */
static void forward_note_done(struct mvs_vq *tx, u32 len, u32 left, int ret)
{
	struct mvs_siblings *siblings = &tx->device->conns->siblings;
	bool again = ret && ret != -EBADMSG && ret != -ENETUNREACH &&
		     ret != -ECONNRESET;

	siblings->forwarded = again ? len - left : 0;
	siblings->position = tx->ring.next_avail;
}

/* Forward a packet, or the rest of it. Returns 0, or an error of mvs_forward(). */
static int forward_packet(struct mvs_vq *tx, struct mvs_device *to,
			  const struct virtio_vsock_hdr *hdr)
{
	u32 len = le32_to_cpu(hdr->len), before = forward_done_before(tx, len);
	s64 left;
	int ret = 0;

	mvs_chain_skip(&tx->chain, before);
	left = forward_directly(tx, to, hdr, len - before);
	if (left)
		ret = forward_later(tx, to, hdr, max(left, 0));
	forward_note_done(tx, len, max(left, 0), ret);
	return ret;
}

/*
 * Forward a RST, and end its flow. It never waits for room, as the other guest may be the cause of
 * all of them. Returns 0, or %-ENETUNREACH if the flow has ended.
 */
static int forward_rst(struct mvs_vq *tx, struct mvs_device *to,
		       const struct virtio_vsock_hdr *hdr)
{
	struct mvs_backlog *rst = mvs_flow_take_rst(tx->device, hdr);

	forward_note_done(tx, 0, 0, 0);
	if (!rst)
		return -ENETUNREACH;
	if (!forward_directly(tx, to, &rst->hdr, 0) || !mvs_backlog_add(to, rst))
		mvs_backlog_free(rst);
	return 0;
}

/**
 * mvs_forward - forward a packet to another guest
 * @tx: the TX virtqueue, with the packet in @tx->chain as mvs_packet_parse() left it
 * @hdr: its header, which is not for the host
 * @last: the guest to which the last packet was forwarded, with a reference, or NULL; changed to
 *	this one; ended by mvs_forward_flush()
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 0 if the chain can be given back; %-ENETUNREACH if the packet must be answered with RST;
 * %-EBUSY if it has to wait, after which the virtqueue is served again; or an error of
 * mvs_packet_parse().
 */
int mvs_forward(struct mvs_vq *tx, const struct virtio_vsock_hdr *hdr,
		struct mvs_device **last)
{
	struct mvs_device *from = tx->device, *to = forward_find(from, hdr);
	int ret = -ENETUNREACH;

	if (to && to != from)
		ret = forward_admit(from, to, hdr);
	if (ret)
		forward_note_done(tx, 0, 0, ret);
	else if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST))
		ret = forward_rst(tx, to, hdr);
	else
		ret = forward_packet(tx, to, hdr);
	if (ret) {
		if (to)
			mvs_device_put(to);
		return ret == -ECONNRESET ? 0 : ret;
	}
	mvs_count(&from->forwarded, 1);
	swap(*last, to);
	if (to == *last)
		mvs_device_put(to);
	else
		mvs_forward_flush(to);
	return 0;
}

/**
 * mvs_forward_flush - notify a guest of the last packets that were forwarded to it
 * @to: the guest, whose reference is dropped; or NULL
 *
 * Context: process; may sleep.
 */
void mvs_forward_flush(struct mvs_device *to)
{
	struct mvs_vq *rx;

	if (!to)
		return;
	rx = &to->vqs[MVS_VQ_RX];
	if (READ_ONCE(rx->unnotified)) {
		if (mutex_trylock(&rx->mutex)) {
			mvs_vq_flush(rx);
			mutex_unlock(&rx->mutex);
		} else {
			mvs_device_wake(to, MVS_VQ_RX);
		}
	}
	mvs_device_put(to);
}

/**
 * mvs_forward_answer_rst - answer a packet that can't be forwarded with RST
 * @from: the guest that sent it
 * @hdr: its header
 *
 * Behind what the other guest has sent before.
 *
 * Context: process; may sleep.
 * Return: 0 or %-ENOMEM.
 */
int mvs_forward_answer_rst(struct mvs_device *from,
			   const struct virtio_vsock_hdr *hdr)
{
	const struct virtio_vsock_hdr rst = mvs_conn_answer_rst(hdr);
	struct mvs_backlog *packet = mvs_backlog_create(from, &rst, 0);

	if (!packet)
		return -ENOMEM;
	mvs_backlog_add_rst(from, packet);
	return 0;
}

/**
 * mvs_forward_lost - reset the connection of a packet whose content is lost
 * @from: the guest that sent it
 * @hdr: its header, which is not for the host
 *
 * Context: process.
 * Return: false if it has no connection.
 */
bool mvs_forward_lost(struct mvs_device *from,
		      const struct virtio_vsock_hdr *hdr)
{
	return le64_to_cpu(hdr->dst_cid) <= U32_MAX &&
	       mvs_flow_reset(from, hdr);
}

/**
 * mvs_forward_forget - end all connections with other guests, as the guest has forgotten them
 * @device: the guest, whose device does not run
 *
 * Context: process; may sleep.
 */
void mvs_forward_forget(struct mvs_device *device)
{
	mvs_flows_forget(device);
	mvs_backlog_purge(device);
	device->conns->siblings.forwarded = 0;
}
