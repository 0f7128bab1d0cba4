// SPDX-License-Identifier: GPL-2.0
/*
 * To the guest: packets into the RX virtqueue.
 *
 * send() copies from the caller's memory into RX chains. Without a free chain the connection is
 * parked in the list of those that wait for one. Packets without data are marks on their
 * connections, and resets are in a separate list; they are sent when there is a chain.
 *
 * The worker runs when the driver kicks, for which it asks when there is no chain.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/packet.h>

#include "data.h"
#include "tap.h"

/* Not MVS_MARK_DATA, which may take several packets: see send_queued_message(). */
static const u16 mark_ops[MVS_MARKS] = {
	[MVS_MARK_REQUEST]		= VIRTIO_VSOCK_OP_REQUEST,
	[MVS_MARK_RESPONSE]		= VIRTIO_VSOCK_OP_RESPONSE,
	[MVS_MARK_CREDIT_UPDATE]	= VIRTIO_VSOCK_OP_CREDIT_UPDATE,
	[MVS_MARK_CREDIT_REQUEST]	= VIRTIO_VSOCK_OP_CREDIT_REQUEST,
	[MVS_MARK_SHUTDOWN]		= VIRTIO_VSOCK_OP_SHUTDOWN,
	[MVS_MARK_RST]			= VIRTIO_VSOCK_OP_RST,
};

/*
 * Undo mvs_conn_header() for a packet that was not sent: the guest still knows the earlier credit.
 */
static void send_untell(struct mvs_conn *conn, u64 told)
{
	spin_lock(&conn->lock);
	conn->credit.told = told;
	spin_unlock(&conn->lock);
}

/* --- what is queued of a message ------------------------------------------ */

/* Some bytes of the queued message have been sent. */
static void send_message_sent(struct mvs_conn *conn, u32 len)
{
	struct mvs_pool *pool = &conn->device->conns->pool;
	struct mvs_queue_pos pos = conn->tx.head;
	bool wake;

	mvs_queue_skip(&pos, len);
	mvs_queue_free(pool, mvs_queue_cut(&conn->tx, &pos), &pos);
	spin_lock(&conn->lock);
	conn->tx_left -= len;
	mvs_conn_room_changed(conn);
	/* Wake a sender that was refused, or a lingering close(). */
	wake = !conn->tx_left && !conn->parked;
	if (wake)
		conn->blocked = false;
	if (!conn->tx_left)
		WRITE_ONCE(conn->stalled, 0);
	spin_unlock(&conn->lock);
	if (!conn->tx_left)
		mvs_queue_purge(&conn->tx, pool);
	if (wake)
		mvs_conn_writable(conn);
}

/* Returns 1 if all is sent; otherwise see mvs_vq_pop(). */
static int send_queued_message(struct mvs_vq *vq, struct mvs_conn *conn)
{
	struct kvec pieces[MVS_QUEUE_PIECES];
	struct virtio_vsock_hdr hdr;
	struct iov_iter from;
	unsigned int n;
	int ret = 1;
	u64 told;
	u32 len;

	while (conn->tx_left && (ret > 0 || ret == -EBADMSG)) {
		ret = mvs_rx_next_chain(vq);
		if (ret != 1)
			break;
		len = min_t(u64, conn->tx_left, vq->chain.writable);
		n = mvs_queue_pieces(&conn->tx.head,
				     min_t(u32, len, MVS_PACKET_MAX), pieces);
		iov_iter_kvec(&from, ITER_SOURCE, pieces, n,
			      min_t(u32, len, MVS_PACKET_MAX));
		told = mvs_conn_header(conn, VIRTIO_VSOCK_OP_RW, conn->tx_flags,
				       &hdr);
		ret = mvs_rx_put(vq, &hdr, &from, conn->tx_left);
		if (ret > 0)
			send_message_sent(conn, ret);
		else
			send_untell(conn, told);
	}
	return conn->tx_left ? ret : 1;
}

/* --- packets without data ------------------------------------------------- */

/* Take a connection's next pending packet. */
static enum mvs_mark send_take_mark(struct mvs_conns *conns,
				    struct mvs_conn *conn, u32 *flags,
				    bool *last)
{
	enum mvs_mark mark = MVS_MARK_NONE;

	spin_lock(&conns->lock);
	*last = false;
	if (!list_empty(&conn->pending)) {
		mark = __ffs(conn->marks);
		conn->marks &= ~BIT(mark);
		*flags = mark == MVS_MARK_SHUTDOWN ? conn->shutdown : 0;
		conn->shutdown &= ~*flags;
		*last = !conn->marks;
		if (*last)
			list_del_init(&conn->pending);
	}
	spin_unlock(&conns->lock);
	return mark;
}

/* Send a connection's pending packets. Returns 1; otherwise see mvs_vq_pop(). */
static int send_marks(struct mvs_vq *vq, struct mvs_conn *conn)
{
	struct mvs_conns *conns = vq->device->conns;
	struct virtio_vsock_hdr hdr;
	enum mvs_mark mark;
	int ret = 1;
	u32 flags;
	bool last;
	u64 told;

	while (ret == 1 && READ_ONCE(conn->marks)) {
		mark = send_take_mark(conns, conn, &flags, &last);
		if (mark == MVS_MARK_NONE)
			break;
		if (mark == MVS_MARK_DATA) {
			ret = send_queued_message(vq, conn);
		} else {
			told = mvs_conn_header(conn, mark_ops[mark], flags,
					       &hdr);
			ret = mvs_rx_put_control(vq, &hdr);
			if (ret != 1)
				send_untell(conn, told);
		}
		if (ret != 1)
			mvs_conn_mark(conn, mark, flags);
		if (last)
			mvs_conn_put(conn);
	}
	return ret;
}

static struct mvs_conn *send_first_pending(struct mvs_conns *conns)
{
	struct mvs_conn *conn;

	spin_lock(&conns->lock);
	conn = list_first_entry_or_null(&conns->pending, struct mvs_conn,
					pending);
	if (conn)
		refcount_inc(&conn->ref);
	spin_unlock(&conns->lock);
	return conn;
}

static struct mvs_reset *send_get_reset(struct mvs_conns *conns)
{
	struct mvs_reset *reset;

	spin_lock(&conns->lock);
	reset = list_first_entry_or_null(&conns->resets, struct mvs_reset,
					 list);
	if (reset) {
		list_del(&reset->list);
		conns->nresets--;
	}
	spin_unlock(&conns->lock);
	return reset;
}

static void send_unget_reset(struct mvs_conns *conns, struct mvs_reset *reset)
{
	spin_lock(&conns->lock);
	list_add(&reset->list, &conns->resets);
	conns->nresets++;
	spin_unlock(&conns->lock);
}

/* Returns 1 if all is sent; otherwise see mvs_vq_pop(). */
static int send_resets(struct mvs_vq *vq)
{
	struct mvs_conns *conns = vq->device->conns;
	struct mvs_reset *reset;
	int ret = 1;

	while (ret == 1 && !list_empty_careful(&conns->resets)) {
		reset = send_get_reset(conns);
		if (!reset)
			break;
		ret = mvs_rx_put_control(vq, &reset->hdr);
		if (ret == 1)
			kfree(reset);
		else
			send_unget_reset(conns, reset);
	}
	return ret;
}

/* Returns 1 if all is sent; otherwise see mvs_vq_pop(). */
static int send_all_marks(struct mvs_vq *vq)
{
	struct mvs_conns *conns = vq->device->conns;
	struct mvs_conn *conn;
	int ret = 1;

	while (ret == 1 && !list_empty_careful(&conns->pending)) {
		conn = send_first_pending(conns);
		if (!conn)
			break;
		ret = send_marks(vq, conn);
		mvs_conn_put(conn);
	}
	return ret;
}

static int send_control(struct mvs_vq *vq)
{
	int ret = send_resets(vq);

	return ret == 1 ? send_all_marks(vq) : ret;
}

/**
 * mvs_send_pending - send pending packets, if possible at once
 * @device: the guest
 *
 * Otherwise the worker sends them.
 *
 * Context: process, with or without sk_lock; may sleep.
 */
void mvs_send_pending(struct mvs_device *device)
{
	struct mvs_vq *vq = &device->vqs[MVS_VQ_RX];

	if (!mutex_trylock(&vq->mutex)) {
		mvs_device_wake(device, MVS_VQ_RX);
		return;
	}
	if (mvs_rx_any_pending(device->conns) && mvs_rx_begin(vq) == 1) {
		send_control(vq);
		mvs_vq_flush(vq);
		mvs_rx_keep_kicks(device);
	}
	mutex_unlock(&vq->mutex);
	/* Another task's trylock may have failed while this one held the mutex. */
	if (mvs_rx_any_pending(device->conns))
		mvs_device_wake(device, MVS_VQ_RX);
}

/* --- waiting for room ----------------------------------------------------- */

/* What a sender waits for, after an error of mvs_vq_pop(). */
static enum mvs_wait send_waits_for(int ret)
{
	return ret == -ERESTART || ret == -EINPROGRESS ? MVS_WAIT_PAGE :
							 MVS_WAIT_BUFFERS;
}

/*
 * Park a connection until there is a chain, which there was not because of @ret. Called with the
 * RX virtqueue's mutex held, so that no kick is missed.
 */
static void send_park(struct mvs_conns *conns, struct mvs_conn *conn, int ret)
{
	spin_lock(&conns->lock);
	if (conn->in_table && list_empty(&conn->waiting)) {
		spin_lock(&conn->lock);
		conn->parked = true;
		conn->parked_for = send_waits_for(ret);
		mvs_conn_stalls(conn);
		spin_unlock(&conn->lock);
		list_add_tail(&conn->waiting, &conns->waiting);
	}
	spin_unlock(&conns->lock);
}

/* Undo send_park(), if it was called. Called with the connections' lock held. */
static void send_unpark(struct mvs_conn *conn)
{
	list_del_init(&conn->waiting);
	spin_lock(&conn->lock);
	conn->parked = false;
	mvs_conn_room_changed(conn);
	spin_unlock(&conn->lock);
}

/*
 * Wake the senders that wait for a chain, in order of arrival. All of them, as one that does not
 * run must not block the others.
 */
static void send_wake_waiting(struct mvs_conns *conns)
{
	struct mvs_conn *conn;
	struct sock *sk;
	LIST_HEAD(list);

	spin_lock(&conns->lock);
	list_splice_init(&conns->waiting, &list);
	while ((conn = list_first_entry_or_null(&list, struct mvs_conn,
						waiting))) {
		sk = sk_vsock(conn->vsk);
		sock_hold(sk);
		send_unpark(conn);
		spin_unlock(&conns->lock);

		sk->sk_write_space(sk);
		sock_put(sk);
		spin_lock(&conns->lock);
	}
	spin_unlock(&conns->lock);
}

/* Time, in ns, for which other guests' packets wait for programs that were woken. */
#define MVS_SEND_YIELD_NS	NSEC_PER_MSEC

/* True every second time if programs wait for a chain: other guests' packets wait this time. */
static bool send_yields(struct mvs_vq *vq)
{
	struct mvs_siblings *siblings = &vq->device->conns->siblings;

	siblings->yielded = !siblings->yielded &&
			    !list_empty_careful(&vq->device->conns->waiting);
	return siblings->yielded;
}

/*
 * Other guests' packets are left. Returns true if the worker has to go on at once; it does so later
 * if programs were woken, which are to find the chain.
 */
static bool send_goes_on(struct mvs_vq *vq, bool woken)
{
	if (!mvs_backlog_any(vq->device->conns))
		return false;
	if (woken)
		mvs_vq_wake_in(vq, MVS_SEND_YIELD_NS);
	return !woken;
}

/**
 * mvs_send_work - the RX virtqueue's part of the worker's work
 * @device: the guest
 *
 * Return: true if there is more to do.
 */
bool mvs_send_work(struct mvs_device *device)
{
	struct mvs_conns *conns = device->conns;
	struct mvs_vq *vq = &device->vqs[MVS_VQ_RX];
	bool wake = false, again = false;
	int ret = 0;

	mutex_lock(&vq->mutex);
	if (mvs_rx_any_waiting(conns))
		ret = mvs_rx_begin(vq);
	if (ret == 1) {
		ret = send_control(vq);
		if (ret == 1 && !send_yields(vq))
			ret = mvs_forward_backlog(vq);
		if (ret == 1 && !list_empty_careful(&conns->waiting)) {
			ret = mvs_rx_next_chain(vq);
			wake = ret == 1;
			if (wake)
				mvs_vq_unpop(vq, 0);
		}
		again = vq->polling || (ret == 1 && send_goes_on(vq, wake));
	}
	mvs_vq_flush(vq);
	mutex_unlock(&vq->mutex);

	if (wake)
		send_wake_waiting(conns);

	/* Nothing wakes the worker when memory is free again. */
	if (ret == -ENOMEM)
		schedule_timeout_killable(1);
	return again || ret == -ENOMEM || ret == -EBADMSG;
}

/* --- data ----------------------------------------------------------------- */

/*
 * The fast path of send_put_slowly(): in one section, for a chain of one buffer, if all of it is in
 * memory. Returns the number of payload bytes; on any error the caller has to use the slow path.
 */
static int send_put_at_once(struct mvs_vq *vq, struct virtio_vsock_hdr *hdr,
			    struct iov_iter *from, u32 left)
{
	struct mvs_chain *chain = &vq->chain;
	struct mvs_mem *gm = vq->ring.gm;
	int len = -EAGAIN;

	/* The chain is still in use by a push that failed. */
	if (unlikely(vq->held))
		return -EAGAIN;
	mvs_mem_begin(gm);
	if (mvs_ring_peek(&vq->ring, chain) == 1)
		len = mvs_packet_write_page(chain, gm, hdr, from, left);
	if (len > 0 && mvs_ring_give(&vq->ring, chain, sizeof(*hdr) + len)) {
		iov_iter_revert(from, len);
		len = -EAGAIN;
	}
	mvs_mem_end(gm);
	if (unlikely(len < 0))
		return len;
	vq->budget--;
	mvs_tap(hdr, from);
	mvs_account(vq, hdr);
	return len;
}

/* Put a packet into the next chain, of any layout; may wait for memory. */
static int send_put_slowly(struct mvs_vq *vq, struct mvs_conn *conn, u32 flags,
			   struct iov_iter *from, u32 left)
{
	struct virtio_vsock_hdr hdr;
	int ret;

	ret = mvs_rx_next_chain(vq);
	if (ret != 1)
		return ret;
	mvs_conn_header(conn, VIRTIO_VSOCK_OP_RW, flags, &hdr);
	return mvs_rx_put(vq, &hdr, from, left);
}

/*
 * Put data into chains until there are no more chains, or the budget is used up. Adds to @done.
 * Returns 1 if all data have been sent, or the reason why not.
 */
static int send_put_data(struct mvs_vq *vq, struct mvs_conn *conn,
			 struct iov_iter *from, u32 len, u32 flags, u32 *done)
{
	struct virtio_vsock_hdr hdr;
	u64 told;
	int ret;

	while (*done < len) {
		if (unlikely(!vq->budget))
			return -EBADMSG;
		told = mvs_conn_header(conn, VIRTIO_VSOCK_OP_RW, flags, &hdr);
		ret = send_put_at_once(vq, &hdr, from, len - *done);
		if (unlikely(ret < 0))
			ret = send_put_slowly(vq, conn, flags, from,
					      len - *done);
		if (ret > 0) {
			*done += ret;
			mvs_count(&vq->direct, 1);
			continue;
		}
		send_untell(conn, told);
		if (ret != -EBADMSG)
			return ret;
	}
	return 1;
}

static int send_locked(struct mvs_vq *vq, struct mvs_conn *conn,
		       struct iov_iter *from, u32 len, u32 flags, u32 *done)
{
	int ret;

	/* The guest was sent RST, and may have another connection with the same ports. */
	if (READ_ONCE(conn->forgotten))
		return -ECONNRESET;
	/* If only the ring is broken, a reset by the driver may repair it. */
	if (!vq->running && mvs_device_refuses(vq->device))
		return -EHOSTUNREACH;
	ret = mvs_rx_begin(vq);
	if (ret != 1)
		return ret;
	/* The connection's pending packets go before its data. */
	if (READ_ONCE(conn->marks))
		ret = send_marks(vq, conn);
	if (ret == 1)
		ret = send_put_data(vq, conn, from, len, flags, done);
	if (ret == 1 && READ_ONCE(conn->streaming))
		mvs_vq_flush_lazily(vq);
	else
		mvs_vq_flush(vq);
	WRITE_ONCE(conn->streaming, true);
	mvs_rx_keep_kicks(vq->device);
	return ret;
}

/* True if a sender can continue only after the driver or the VMM has done something. */
static bool send_needs_room(int ret)
{
	switch (ret) {
	case 1:
	case -ENODATA:
	case -ENOMEM:
	case -EINTR:
	case -EHOSTUNREACH:
	case -ECONNRESET:
		return false;
	default:
		return true;
	}
}

/**
 * mvs_send_data - copy data into the guest's memory
 * @conn: the connection, attached
 * @from: the data; advanced by the number of bytes sent
 * @len: maximum number of bytes; there is credit for them
 * @flags: of the last packet, VIRTIO_VSOCK_SEQ_*
 *
 * Without a chain the connection is parked: the socket's sk_write_space() is called when
 * there is one.
 *
 * Context: process, with sk_lock held; may sleep, but not for the driver.
 * Return: bytes sent; %-ENODATA when none were sent, as not all of @from is in memory: fault it in
 * and try again; %-ENOMEM; %-EINTR when the caller was killed; %-EHOSTUNREACH when the device
 * refuses it, see mvs_device_refuses().
 */
int mvs_send_data(struct mvs_conn *conn, struct iov_iter *from, u32 len,
		  u32 flags)
{
	struct mvs_vq *vq = &conn->device->vqs[MVS_VQ_RX];
	u32 done = 0;
	int ret;

	if (mutex_lock_killable(&vq->mutex))
		return -EINTR;
	ret = send_locked(vq, conn, from, len, flags, &done);
	/* After a partial send the caller calls again, and is parked if there is no chain. */
	if (!done && send_needs_room(ret)) {
		send_park(conn->device->conns, conn, ret);
		mvs_count(&vq->waits, 1);
		/* There may be valid chains after the invalid ones. */
		if (ret == -EBADMSG)
			mvs_device_wake(conn->device, MVS_VQ_RX);
		ret = 0;
	}
	mutex_unlock(&vq->mutex);
	return done ?: min(ret, 0);
}

/**
 * mvs_send_flush - send a delayed notification to the guest
 * @conn: the connection, on which the program is about to wait
 *
 * Context: process, with sk_lock held; may sleep.
 */
void mvs_send_flush(struct mvs_conn *conn)
{
	struct mvs_vq *vq;

	/* Only notifications for streaming connections are delayed. */
	if (!READ_ONCE(conn->streaming))
		return;
	vq = &conn->device->vqs[MVS_VQ_RX];
	if (!READ_ONCE(vq->unnotified))
		return;
	/* poll() does not sleep on the mutex. */
	if (!mutex_trylock(&vq->mutex)) {
		mvs_device_wake(conn->device, MVS_VQ_RX);
		return;
	}
	mvs_vq_flush(vq);
	mutex_unlock(&vq->mutex);
}

/**
 * mvs_send_later - queue the rest of a message
 * @conn: the connection, attached, with nothing queued
 * @from: the data
 * @len: bytes, all of @from; there is credit for them
 * @flags: of the last packet, VIRTIO_VSOCK_SEQ_*
 *
 * Context: process, with sk_lock held; may sleep.
 * Return: @len; %-EFAULT when @from is shorter; %-ENOMEM; %-EINTR when the caller was killed.
 */
int mvs_send_later(struct mvs_conn *conn, struct iov_iter *from, u32 len,
		   u32 flags)
{
	struct mvs_device *device = conn->device;
	struct mvs_vq *vq = &device->vqs[MVS_VQ_RX];
	struct mvs_queue queue = {};
	int ret;

	ret = mvs_queue_append(&queue, &device->conns->pool, from, len);
	if (ret) {
		mvs_queue_purge(&queue, &device->conns->pool);
		return ret;
	}
	/* The mutex's holder may have lost its CPU. */
	if (mutex_lock_killable(&vq->mutex)) {
		mvs_queue_purge(&queue, &device->conns->pool);
		return -EINTR;
	}
	conn->tx = queue;
	conn->tx_flags = flags;
	spin_lock(&conn->lock);
	conn->tx_left = len;
	mvs_conn_stalls(conn);
	spin_unlock(&conn->lock);
	/* From here on the worker waits for a chain, not the sender. */
	spin_lock(&device->conns->lock);
	send_unpark(conn);
	spin_unlock(&device->conns->lock);
	mvs_conn_mark(conn, MVS_MARK_DATA, 0);
	mutex_unlock(&vq->mutex);
	mvs_device_wake(device, MVS_VQ_RX);
	return len;
}
