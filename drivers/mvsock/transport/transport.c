// SPDX-License-Identifier: GPL-2.0
/*
 * The host-to-guest transport of AF_VSOCK: data between programs and connections.
 *
 *   to the guest:   send() -> mvs_send_data() -> RX virtqueue
 *   from the guest: TX virtqueue -> mvs_recv_work() -> queue -> recv()
 */
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>
#include <net/sock.h>

#include <mvsock/compat.h>
#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/fault.h>
#include <mvsock/packet.h>
#include <mvsock/transport.h>

#include "data.h"
#include "socket.h"

/* Maximum length of an skb for sockmap, of a stream. */
#define MVS_SKB_BYTES	(16 * 1024)

/* --- to the guest --------------------------------------------------------- */

/* Check whether there may be a chain. A sender that the device refuses does not wait for one. */
static bool transport_may_have_room(const struct mvs_conn *conn)
{
	return (!conn->parked && !conn->tx_left) ||
	       mvs_device_refuses(conn->device);
}

/*
 * Number of bytes for which there is credit, and possibly a chain; 0 if that is fewer than the
 * sender waits for. The sender is woken when this changes.
 */
static u32 transport_conn_space(struct mvs_conn *conn)
{
	u32 bytes;

	lockdep_assert_held(&conn->lock);
	bytes = transport_may_have_room(conn) ?
		mvs_credit_space(&conn->credit) : 0;
	if (bytes >= READ_ONCE(conn->wanted)) {
		conn->asked = false;
		return bytes;
	}
	conn->blocked = true;
	mvs_conn_stalls(conn);
	return 0;
}

/* Send a CREDIT_REQUEST, as a peer may send CREDIT_UPDATE only on request. Once per stall. */
static void transport_ask_for_credit(struct mvs_conn *conn)
{
	bool ask;

	spin_lock(&conn->lock);
	ask = conn->open && conn->blocked && !conn->asked &&
	      transport_may_have_room(conn);
	if (ask)
		conn->asked = true;
	spin_unlock(&conn->lock);
	if (!ask)
		return;
	mvs_conn_mark(conn, MVS_MARK_CREDIT_REQUEST, 0);
	mvs_send_pending(conn->device);
}

static s64 transport_has_space(struct vsock_sock *vsk)
{
	struct mvs_conn *conn = vsk->trans;
	u32 bytes;

	spin_lock(&conn->lock);
	bytes = transport_conn_space(conn);
	spin_unlock(&conn->lock);
	if (!bytes) {
		transport_ask_for_credit(conn);
		mvs_send_flush(conn);
	}
	return bytes;
}

/* Take credit for up to @len bytes, but only if there is credit for @least. */
static u32 transport_take_credit(struct mvs_conn *conn, size_t len, u32 least)
{
	u32 bytes;

	spin_lock(&conn->lock);
	conn->wanted = least;
	bytes = min_t(size_t, len, transport_conn_space(conn));
	if (bytes)
		conn->wanted = 1;
	conn->credit.tx_cnt += bytes;
	spin_unlock(&conn->lock);
	return bytes;
}

static void transport_return_credit(struct mvs_conn *conn, u32 bytes)
{
	spin_lock(&conn->lock);
	conn->credit.tx_cnt -= bytes;
	spin_unlock(&conn->lock);
}

/*
 * Fault in the next @len bytes of the program's data. As in vhost_vsock: all that fits into a
 * packet, else %-ENOMEM.
 */
static int transport_check_memory(struct msghdr *msg, u32 len)
{
	size_t missing = fault_in_iov_iter_readable(&msg->msg_iter, len);

	if (fatal_signal_pending(current))
		return -EINTR;
	return missing ? -ENOMEM : 0;
}

/*
 * How many times in a row the program's data are faulted in. If that does not help there is a
 * memory error, which each further copy would report again, until the kernel panics.
 */
#define TRANSPORT_FAULTS_MAX	3

/*
 * Send up to @len bytes, for which there is credit. Returns the number of bytes sent, 0 if there is
 * no chain, or an error.
 */
static ssize_t transport_send_bytes(struct mvs_conn *conn, struct msghdr *msg,
				    u32 len, u32 flags)
{
	unsigned int faults = 0;
	ssize_t ret, done = 0;

	do {
		ret = mvs_send_data(conn, &msg->msg_iter, len - done, flags);
		if (ret > 0) {
			done += ret;
			faults = 0;
		} else if (ret == -ENODATA && faults++ < TRANSPORT_FAULTS_MAX) {
			ret = transport_check_memory(msg,
						     min(len - done,
							 MVS_PACKET_MAX)) ?: 1;
		} else if (ret == -ENODATA) {
			ret = -ENOMEM;
		}
		/* A guest may keep this loop running as long as there are data to send. */
		cond_resched();
	} while (ret > 0 && done < len && !fatal_signal_pending(current));
	return done ?: ret;
}

/*
 * Data within a page are usually in memory; if not, transport_send_bytes() faults them in.
 * Non-blocking programs rely on 64 KiB being sent whole or not at all, as with vhost_vsock: the
 * rest of a packet that was begun is queued.
 */
static ssize_t transport_send_stream(struct mvs_conn *conn, struct msghdr *msg,
				     u32 len)
{
	ssize_t done;
	u32 rest;
	int ret = 0;

	if (len > PAGE_SIZE)
		ret = transport_check_memory(msg, min(len, MVS_PACKET_MAX));
	if (ret)
		return ret;
	done = transport_send_bytes(conn, msg, len, 0);
	if (done <= 0 || done == len || !(msg->msg_flags & MSG_DONTWAIT))
		return done;
	rest = min_t(u32, len - done, MVS_PACKET_MAX - done % MVS_PACKET_MAX);
	return done + max(mvs_send_later(conn, &msg->msg_iter, rest, 0), 0);
}

/*
 * Send a whole message, or nothing if there is no chain. The rest of a message that was begun is
 * queued, as no other packet of the connection may come in between.
 */
static ssize_t transport_send_message(struct mvs_conn *conn, struct msghdr *msg,
				      u32 len, u32 flags)
{
	ssize_t ret, done;

	ret = transport_check_memory(msg, len);
	if (ret)
		return ret;
	done = transport_send_bytes(conn, msg, len, flags);
	if (done <= 0 || done == len)
		return done;
	ret = mvs_send_later(conn, &msg->msg_iter, len - done, flags);
	if (ret < 0) {
		/* The guest would take the next message for the rest of this one. */
		mvs_socket_fail(conn->vsk);
		return ret;
	}
	return len;
}

/*
 * The completion for MSG_ZEROCOPY. Data are always copied once, to the guest; what is
 * reported as copied is the same as with vhost_vsock.
 */
static struct ubuf_info *transport_begin_zerocopy(struct sock *sk,
						  struct msghdr *msg, u32 len)
{
	const struct iov_iter *iter = &msg->msg_iter;
	struct ubuf_info *uarg;

	if (!sock_flag(sk, SOCK_ZEROCOPY))
		msg->msg_flags &= ~MSG_ZEROCOPY;
	/* A caller that passes its own completion completes it itself. */
	if (!(msg->msg_flags & MSG_ZEROCOPY) || msg->msg_ubuf)
		return NULL;
	uarg = mvs_zerocopy_begin(sk, len);
	if (!uarg)
		return ERR_PTR(-ENOMEM);
	if (iter->iov_offset || iov_iter_count(iter) > len)
		uarg_to_msgzc(uarg)->zerocopy = 0;
	return uarg;
}

static void transport_end_zerocopy(struct ubuf_info *uarg, bool sent)
{
	if (sent)
		net_zcopy_put(uarg);
	else
		net_zcopy_put_abort(uarg, true);
}

/* Send as much as the credit allows; a message whole or not at all. */
static ssize_t transport_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
				 size_t len, bool message, u32 flags)
{
	struct mvs_conn *conn = vsk->trans;
	struct ubuf_info *uarg;
	ssize_t ret;
	u32 credit;

	credit = transport_take_credit(conn, len, message ? len : 1);
	if (!credit)
		return 0;
	uarg = transport_begin_zerocopy(sk_vsock(vsk), msg, credit);
	if (IS_ERR(uarg)) {
		transport_return_credit(conn, credit);
		return PTR_ERR(uarg);
	}
	if (message)
		ret = transport_send_message(conn, msg, credit, flags);
	else
		ret = transport_send_stream(conn, msg, credit);
	transport_end_zerocopy(uarg, ret > 0);
	/* What is queued waits from now on. */
	if (ret > 0 && READ_ONCE(conn->stalled) && !READ_ONCE(conn->tx_left))
		WRITE_ONCE(conn->stalled, 0);
	if (ret < (s64)credit)
		transport_return_credit(conn, credit - max(ret, 0));
	return ret;
}

static ssize_t transport_stream_enqueue(struct vsock_sock *vsk,
					struct msghdr *msg, size_t len)
{
	return transport_enqueue(vsk, msg, len, false, 0);
}

static int transport_seqpacket_enqueue(struct vsock_sock *vsk,
				       struct msghdr *msg, size_t len)
{
	const struct mvs_conn *conn = vsk->trans;

	if (len > mvs_credit_max(&conn->credit))
		return -EMSGSIZE;
	return transport_enqueue(vsk, msg, len, true, VIRTIO_VSOCK_SEQ_EOM |
				 (msg->msg_flags & MSG_EOR ?
				  VIRTIO_VSOCK_SEQ_EOR : 0));
}

/* --- from the guest ------------------------------------------------------- */

/* Check whether the TX virtqueue may have a packet for the reader. */
static bool transport_left_to_reader(const struct mvs_conn *conn)
{
	return conn->device &&
	       mvs_lease_held_by(&conn->device->vqs[MVS_VQ_TX].lease, conn);
}

/*
 * In a reader's wait loop, which has set the task's state, a packet that is left to this reader
 * counts as well. Other callers, like SIOCINQ, want the number of bytes.
 */
static s64 transport_has_data(struct vsock_sock *vsk)
{
	struct mvs_conn *conn = vsk->trans;
	bool waits = get_current_state() != TASK_RUNNING;

	mvs_conn_report_reset(conn);
	return READ_ONCE(conn->rx_bytes) ?:
	       waits && transport_left_to_reader(conn);
}

static u32 transport_seqpacket_has_data(struct vsock_sock *vsk)
{
	struct mvs_conn *conn = vsk->trans;
	u32 messages = READ_ONCE(conn->rx_messages) ?:
		       transport_left_to_reader(conn);

	mvs_conn_report_reset(conn);
	/* AF_VSOCK makes no other call from which to tell that a reader waits for a message. */
	if (!messages)
		WRITE_ONCE(conn->waits, true);
	return messages;
}

static void transport_send_credit_update(struct mvs_conn *conn)
{
	mvs_conn_mark(conn, MVS_MARK_CREDIT_UPDATE, 0);
	mvs_send_pending(conn->device);
}

/* Check whether a CREDIT_UPDATE is due, or a reader waits for @wanted bytes. */
static bool transport_credit_stale(struct mvs_conn *conn, u64 wanted)
{
	bool stale;

	spin_lock(&conn->lock);
	stale = conn->open &&
		mvs_credit_stale(&conn->credit, !mvs_socket_readable(conn, 1),
				 wanted);
	spin_unlock(&conn->lock);
	return stale;
}

static void transport_refresh_credit(struct mvs_conn *conn, u64 wanted)
{
	if (transport_credit_stale(conn, wanted))
		transport_send_credit_update(conn);
}

/* Get the unread bytes, including their records, and the position of the first one. */
static u64 transport_begin_read(struct mvs_conn *conn,
				struct mvs_queue_pos *pos)
{
	u64 bytes;

	spin_lock(&conn->lock);
	*pos = conn->rx.head;
	bytes = conn->rx_len;
	spin_unlock(&conn->lock);
	return bytes;
}

/* Remove what is before @pos: the given number of bytes, records and messages. */
static void transport_consume(struct mvs_conn *conn,
			      const struct mvs_queue_pos *pos, u32 bytes,
			      u32 records, u32 messages)
{
	struct mvs_chunk *first;

	spin_lock(&conn->lock);
	first = mvs_queue_cut(&conn->rx, pos);
	conn->rx_len -= bytes + records * sizeof(u32);
	conn->rx_bytes -= bytes;
	conn->rx_records -= records;
	conn->rx_messages -= messages;
	conn->credit.fwd_cnt += bytes;
	spin_unlock(&conn->lock);
	mvs_queue_free(&conn->device->conns->pool, first, pos);
	transport_refresh_credit(conn,
				 READ_ONCE(sk_vsock(conn->vsk)->sk_rcvlowat));
}

/*
 * A device may be reset meanwhile, which does not take the socket's lock. A peer that has shut down
 * receiving only may still send.
 */
static bool transport_readable_or_over(struct mvs_conn *conn)
{
	const struct sock *sk = sk_vsock(conn->vsk);

	return mvs_socket_readable(conn, 1) || READ_ONCE(sk->sk_err) ||
	       READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN ||
	       READ_ONCE(conn->vsk->peer_shutdown) & SEND_SHUTDOWN;
}

/*
 * MSG_PEEK looks only at the queue, so have the worker append what was left to the reader. Returns
 * 0, or the error of a recv() that has waited.
 */
static int transport_wait_for_worker(struct mvs_conn *conn, int flags)
{
	struct sock *sk = sk_vsock(conn->vsk);
	long timeout = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	spin_lock(&conn->lock);
	conn->rx_target = 1;
	spin_unlock(&conn->lock);
	mvs_direct_decline(conn);
	add_wait_queue(sk_sleep(sk), &wait);
	while (timeout && !signal_pending(current) &&
	       !sk_wait_event(sk, &timeout, transport_readable_or_over(conn),
			      &wait))
		;
	remove_wait_queue(sk_sleep(sk), &wait);
	if (transport_readable_or_over(conn))
		return 0;
	return timeout ? sock_intr_errno(timeout) : -EAGAIN;
}

/*
 * Read a packet that was left to the reader. Returns the number of bytes, or 0 if there are none
 * and the caller has to wait.
 */
static ssize_t transport_read_direct(struct mvs_conn *conn, struct msghdr *msg,
				     size_t len, int flags)
{
	size_t done = mvs_direct_read(conn, msg, len, !(flags & MSG_DONTWAIT));

	if (done)
		transport_refresh_credit(conn,
					 READ_ONCE(sk_vsock(conn->vsk)->sk_rcvlowat));
	return done;
}

static ssize_t transport_stream_dequeue(struct vsock_sock *vsk,
					struct msghdr *msg, size_t len,
					int flags)
{
	struct mvs_conn *conn = vsk->trans;
	bool left, empty, peek = flags & MSG_PEEK;
	struct mvs_queue_pos pos;
	int ret;

	mvs_fault_delay();
	left = transport_left_to_reader(conn);
	empty = !READ_ONCE(conn->rx_bytes);
	WRITE_ONCE(conn->read_len, peek ? 0 : len);
	if (left && empty && !peek)
		return transport_read_direct(conn, msg, len, flags);
	/* If there is nothing to peek at, the lease has expired meanwhile. */
	if (left || (empty && peek)) {
		ret = transport_wait_for_worker(conn, flags);
		if (ret)
			return ret;
	}
	len = min_t(u64, len, transport_begin_read(conn, &pos));
	if (!len)
		return 0;
	if (mvs_queue_read(&pos, len, &msg->msg_iter) < len)
		return -EFAULT;
	if (!peek)
		transport_consume(conn, &pos, len, 0, 0);
	if (!peek && !(flags & MSG_DONTWAIT) && !READ_ONCE(conn->rx_bytes))
		mvs_direct_promise(conn);
	return len;
}

static u32 transport_read_record(struct mvs_queue_pos *pos)
{
	u32 record;

	mvs_queue_get(pos, &record, sizeof(record));
	return record;
}

/* A message that does not fit is truncated; one that can't be copied is lost. */
static ssize_t transport_read_message(struct mvs_conn *conn, struct msghdr *msg,
				      int flags)
{
	u32 record, len, n, total = 0, records = 0;
	struct mvs_queue_pos pos;
	bool fault = false;

	transport_begin_read(conn, &pos);
	do {
		record = transport_read_record(&pos);
		len = record & MVS_RECORD_LEN;
		n = fault ? 0 : min_t(size_t, len, msg_data_left(msg));
		if (n) {
			size_t copied = mvs_queue_read(&pos, n, &msg->msg_iter);

			fault = copied < n;
			n = copied;
		}
		mvs_queue_skip(&pos, len - n);
		total += len;
		records++;
		cond_resched();
	} while (!(record & MVS_RECORD_EOM));

	if (record & MVS_RECORD_EOR)
		msg->msg_flags |= MSG_EOR;
	if (!(flags & MSG_PEEK))
		transport_consume(conn, &pos, total, records, 1);
	return fault ? -EFAULT : (ssize_t)total;
}

static ssize_t transport_seqpacket_dequeue(struct vsock_sock *vsk,
					   struct msghdr *msg, int flags)
{
	struct mvs_conn *conn = vsk->trans;
	size_t len = msg_data_left(msg);
	ssize_t ret = 0;
	bool empty;

	mvs_fault_delay();
	empty = !READ_ONCE(conn->rx_messages);
	/* A reader that does not wait now is not expected to wait the next time. */
	WRITE_ONCE(conn->read_len, flags & (MSG_PEEK | MSG_DONTWAIT) ? 0 : len);
	WRITE_ONCE(conn->waits, false);
	if (empty && transport_left_to_reader(conn) && !(flags & MSG_PEEK))
		ret = transport_read_direct(conn, msg, len, flags);
	/*
	 * A packet was left to this reader, though its lease may have expired. If this returned 0,
	 * AF_VSOCK would not wait again.
	 */
	if (empty && !ret)
		ret = transport_wait_for_worker(conn, flags);
	if (ret || !READ_ONCE(conn->rx_messages))
		return ret;
	return transport_read_message(conn, msg, flags);
}

/* Copy from the queue to an skb that has room. */
static void transport_fill_skb(struct sk_buff *skb, u32 off,
			       struct mvs_queue_pos *pos, u32 len)
{
	u8 buf[256];

	while (len) {
		u32 n = min_t(u32, len, sizeof(buf));

		mvs_queue_get(pos, buf, n);
		skb_store_bits(skb, off, buf, n);
		off += n;
		len -= n;
	}
}

/* Read for sockmap: a piece of a stream, or of a message. */
static int transport_read_skb(struct vsock_sock *vsk, skb_read_actor_t actor)
{
	struct mvs_conn *conn = vsk->trans;
	bool seqpacket = conn->type == VIRTIO_VSOCK_TYPE_SEQPACKET;
	struct mvs_queue_pos pos;
	struct sk_buff *skb;
	u32 len, record = 0;

	len = min_t(u64, transport_begin_read(conn, &pos), MVS_SKB_BYTES);
	if (!len)
		return -EAGAIN;
	if (seqpacket) {
		record = transport_read_record(&pos);
		len = record & MVS_RECORD_LEN;
	}
	skb = virtio_vsock_alloc_skb(VIRTIO_VSOCK_SKB_HEADROOM + len,
				     GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	virtio_vsock_skb_put(skb, len);
	transport_fill_skb(skb, 0, &pos, len);
	transport_consume(conn, &pos, len, seqpacket,
			  !!(record & MVS_RECORD_EOM));
	return actor(sk_vsock(vsk), skb);
}

/* --- other callbacks of AF_VSOCK ------------------------------------------ */

static u32 transport_get_local_cid(void)
{
	return MVS_HOST_CID;
}

static bool __maybe_unused transport_has_remote_cid(struct vsock_sock *vsk,
						    u32 cid)
{
	bool found;

	rcu_read_lock();
	found = mvs_cid_find(mvs_net_scope(sock_net(sk_vsock(vsk))), cid);
	rcu_read_unlock();
	return found;
}

static bool transport_msgzerocopy_allow(void)
{
	return true;
}

static bool transport_seqpacket_allow(MVS_ALLOW_VSK u32 remote_cid)
{
	struct mvs_device *device;
	bool allow;

	rcu_read_lock();
	device = mvs_cid_find(MVS_ALLOW_SCOPE, remote_cid);
	allow = device &&
		mvs_device_allows_type(device, VIRTIO_VSOCK_TYPE_SEQPACKET);
	rcu_read_unlock();
	return allow;
}

static bool transport_stream_allow(MVS_ALLOW_VSK u32 cid, u32 port)
{
	return true;
}

static bool transport_stream_is_active(struct vsock_sock *vsk)
{
	return true;
}

static u64 transport_stream_rcvhiwat(struct vsock_sock *vsk)
{
	return vsk->buffer_size;
}

static int transport_dgram_bind(struct vsock_sock *vsk,
				struct sockaddr_vm *addr)
{
	return -EOPNOTSUPP;
}

static int transport_dgram_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
				   size_t len, int flags)
{
	return -EOPNOTSUPP;
}

static int transport_dgram_enqueue(struct vsock_sock *vsk,
				   struct sockaddr_vm *addr, struct msghdr *msg,
				   size_t len)
{
	return -EOPNOTSUPP;
}

static bool transport_dgram_allow(MVS_ALLOW_VSK u32 cid, u32 port)
{
	return false;
}

static int transport_notify_poll_in(struct vsock_sock *vsk, size_t target,
				    bool *ready)
{
	*ready = mvs_socket_readable(vsk->trans, target);
	if (*ready)
		return 0;
	mvs_send_flush(vsk->trans);
	/* poll() does not report a packet that is left to a reader: have it queued. */
	mvs_direct_decline(vsk->trans);
	return 0;
}

static int transport_notify_poll_out(struct vsock_sock *vsk, size_t target,
				     bool *ready)
{
	*ready = transport_has_space(vsk) > 0;
	return 0;
}

/* Clear the target of the last recv(). */
static int transport_notify_recv_init(struct vsock_sock *vsk, size_t target,
				      struct vsock_transport_recv_notify_data *data)
{
	struct mvs_conn *conn = vsk->trans;

	spin_lock(&conn->lock);
	conn->rx_target = 0;
	conn->waits = false;
	spin_unlock(&conn->lock);
	/* The reader is going to wait for the answer to what was sent. */
	if (!READ_ONCE(conn->rx_bytes) && !transport_left_to_reader(conn))
		mvs_send_flush(conn);
	return 0;
}

/* Callbacks around recv() and send() that need no action. */
static int transport_notify_recv(struct vsock_sock *vsk, size_t target,
				 struct vsock_transport_recv_notify_data *data)
{
	return 0;
}

/* The reader waits for more data than there are. */
static int transport_notify_recv_pre_block(struct vsock_sock *vsk,
					   size_t target,
					   struct vsock_transport_recv_notify_data *data)
{
	struct mvs_conn *conn = vsk->trans;
	u64 bytes;

	/*
	 * mvs_conn_mark() may sleep for memory, in another task state: do not sleep for data this
	 * time.
	 */
	if (transport_credit_stale(conn, target)) {
		__set_current_state(TASK_RUNNING);
		transport_send_credit_update(conn);
	}
	spin_lock(&conn->lock);
	conn->rx_target = target;
	conn->waits = true;
	bytes = conn->rx_bytes;
	spin_unlock(&conn->lock);
	/* The producer may have checked the target before it was set: do not sleep. */
	if (bytes)
		__set_current_state(TASK_RUNNING);
	return 0;
}

static int
transport_notify_recv_post_dequeue(struct vsock_sock *vsk, size_t target,
				   ssize_t copied, bool data_read,
				   struct vsock_transport_recv_notify_data *data)
{
	return 0;
}

/* Clear the target of the last send(). */
static int transport_notify_send_init(struct vsock_sock *vsk,
				      struct vsock_transport_send_notify_data *data)
{
	struct mvs_conn *conn = vsk->trans;

	WRITE_ONCE(conn->wanted, 1);
	return 0;
}

static int transport_notify_send(struct vsock_sock *vsk,
				 struct vsock_transport_send_notify_data *data)
{
	return 0;
}

static int
transport_notify_send_post_enqueue(struct vsock_sock *vsk, ssize_t written,
				   struct vsock_transport_send_notify_data *data)
{
	return 0;
}

/* A program may change the size of its buffer at any time. */
static void transport_notify_buffer_size(struct vsock_sock *vsk, u64 *val)
{
	struct mvs_conn *conn = vsk->trans;

	*val = min_t(u64, *val, VIRTIO_VSOCK_MAX_BUF_SIZE);
	spin_lock(&conn->lock);
	conn->credit.buf_alloc = *val;
	mvs_conn_room_changed(conn);
	spin_unlock(&conn->lock);
	if (conn->state != MVS_CONN_CLOSED)
		transport_send_credit_update(conn);
}

static int transport_notify_set_rcvlowat(struct vsock_sock *vsk, int val)
{
	transport_refresh_credit(vsk->trans, val);
	return 0;
}

/* Only the rest of a message is ever queued for a guest; it is lost with the connection. */
static ssize_t transport_unsent_bytes(struct vsock_sock *vsk)
{
	const struct mvs_conn *conn = vsk->trans;

	return READ_ONCE(conn->in_table) ? READ_ONCE(conn->tx_left) : 0;
}

static const struct vsock_transport transport = {
	.module			= THIS_MODULE,

	.get_local_cid		= transport_get_local_cid,
	MVS_OP_HAS_REMOTE_CID

	.init			= mvs_socket_init,
	.destruct		= mvs_socket_destruct,
	.release		= mvs_socket_release,
	.connect		= mvs_socket_connect,
	.cancel_pkt		= mvs_socket_cancel,
	.shutdown		= mvs_socket_shutdown,

	.dgram_bind		= transport_dgram_bind,
	.dgram_dequeue		= transport_dgram_dequeue,
	.dgram_enqueue		= transport_dgram_enqueue,
	.dgram_allow		= transport_dgram_allow,

	.stream_dequeue		= transport_stream_dequeue,
	.stream_enqueue		= transport_stream_enqueue,
	.stream_has_data	= transport_has_data,
	.stream_has_space	= transport_has_space,
	.stream_rcvhiwat	= transport_stream_rcvhiwat,
	.stream_is_active	= transport_stream_is_active,
	.stream_allow		= transport_stream_allow,

	.seqpacket_dequeue	= transport_seqpacket_dequeue,
	.seqpacket_enqueue	= transport_seqpacket_enqueue,
	.seqpacket_allow	= transport_seqpacket_allow,
	.seqpacket_has_data	= transport_seqpacket_has_data,

	.msgzerocopy_allow	= transport_msgzerocopy_allow,

	.notify_poll_in		= transport_notify_poll_in,
	.notify_poll_out	= transport_notify_poll_out,
	.notify_recv_init	= transport_notify_recv_init,
	.notify_recv_pre_block	= transport_notify_recv_pre_block,
	.notify_recv_pre_dequeue = transport_notify_recv,
	.notify_recv_post_dequeue = transport_notify_recv_post_dequeue,
	.notify_send_init	= transport_notify_send_init,
	.notify_send_pre_block	= transport_notify_send,
	.notify_send_pre_enqueue = transport_notify_send,
	.notify_send_post_enqueue = transport_notify_send_post_enqueue,
	.notify_buffer_size	= transport_notify_buffer_size,
	.notify_set_rcvlowat	= transport_notify_set_rcvlowat,

	.unsent_bytes		= transport_unsent_bytes,

	.read_skb		= transport_read_skb,
};

/* --- devices -------------------------------------------------------------- */

static int transport_device_opened(struct mvs_device *device)
{
	device->conns = mvs_conns_create();
	return device->conns ? 0 : -ENOMEM;
}

static void transport_device_freed(struct mvs_device *device)
{
	mvs_conns_destroy(device->conns);
}

static bool transport_work(struct mvs_vq *vq)
{
	return vq->index == MVS_VQ_TX ? mvs_recv_work(vq->device) :
					mvs_send_work(vq->device);
}

/* Connections of which the previous driver has not been told go to the next one. */
static void transport_device_renewed(struct mvs_device *device)
{
	mvs_conns_forget(device->conns, false);
	mvs_forward_forget(device);
}

/* Other guests know this one by its former CID. */
static void transport_device_renamed(struct mvs_device *device)
{
	mvs_flows_forget(device);
}

static void transport_device_closed(struct mvs_device *device)
{
	mvs_conns_forget(device->conns, true);
	mvs_forward_forget(device);
}

const struct mvs_device_ops mvs_transport_device_ops = {
	.open	= transport_device_opened,
	.work	= transport_work,
	.renew	= transport_device_renewed,
	.rename	= transport_device_renamed,
	.close	= transport_device_closed,
	.free	= transport_device_freed,
};

/**
 * mvs_transport_register - register the transport with AF_VSOCK
 *
 * Return: 0, %-EBUSY when there is another host-to-guest transport, or %-ENOMEM.
 */
int mvs_transport_register(void)
{
	int ret;

	ret = mvs_conn_init_table();
	if (ret)
		return ret;
	ret = mvs_flow_init_table();
	if (ret)
		goto err_conns;
	ret = mvs_socket_register();
	if (ret)
		goto err_flows;
	ret = vsock_core_register(&transport, VSOCK_TRANSPORT_F_H2G);
	if (ret)
		goto err_socket;
	return 0;

err_socket:
	mvs_socket_unregister();
err_flows:
	mvs_flow_destroy_table();
err_conns:
	mvs_conn_destroy_table();
	return ret;
}

/**
 * mvs_transport_unregister - undo mvs_transport_register()
 */
void mvs_transport_unregister(void)
{
	vsock_core_unregister(&transport);
	mvs_socket_unregister();
	mvs_flow_destroy_table();
	mvs_conn_destroy_table();
}
