// SPDX-License-Identifier: GPL-2.0
/*
 * From the guest: packets out of the TX virtqueue.
 *
 * Data are appended to the connection's queue without the socket's lock; its reader is woken
 * at the end of a burst, or during a long one. A large packet that a reader waits for in
 * recv() is left to that reader: see direct.c. All other packets change the socket's state
 * and are handled with its lock held.
 */
#include <linux/sched.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/packet.h>

#include "data.h"
#include "socket.h"
#include "tap.h"

/*
 * Budget of one call of the worker, in packets and in payload bytes, before the other virtqueue is
 * served.
 */
#define MVS_RECV_PACKETS	256
#define MVS_RECV_BYTES		(512 * 1024)

/* Bytes after which a reader is woken during a burst, without waiting for its end. */
#define MVS_RECV_WAKE_BYTES	(32 * 1024)

/**
 * struct burst - packets that are handled in one call of the worker
 * @device: the guest
 * @conn: the last packet's connection, from mvs_conn_find(); or NULL
 * @bytes: bytes appended since its reader was last woken
 * @data: data were appended since then
 * @handed_over: the next packet is left to the reader
 * @tapped: vsockmon has seen the packet, or will see it
 * @last: the guest to which the last packet was forwarded, see mvs_forward(); or NULL
 */
struct burst {
	struct mvs_device *device;
	struct mvs_conn *conn;
	u32 bytes;
	bool data;
	bool handed_over;
	bool tapped;
	struct mvs_device *last;
};

/* A replaced sk_data_ready(), such as sockmap's, is called with the socket's lock held. */
static void recv_tell_replaced(struct mvs_conn *conn, struct sock *sk)
{
	u64 before, left;

	lock_sock(sk);
	do {
		before = READ_ONCE(conn->rx_len);
		sk->sk_data_ready(sk);
		/* The replaced function may take only one packet per call. */
		left = READ_ONCE(conn->rx_len);
	} while (left && left != before);
	release_sock(sk);
}

static void recv_wake_reader(struct burst *burst)
{
	struct mvs_conn *conn = burst->conn;
	struct sock *sk = sk_vsock(conn->vsk);

	burst->data = false;
	burst->bytes = 0;
	if (unlikely(READ_ONCE(sk->sk_data_ready) != conn->data_ready))
		recv_tell_replaced(conn, sk);
	else if (mvs_socket_readable(conn, READ_ONCE(sk->sk_rcvlowat)) ||
		 mvs_socket_awaited(conn))
		conn->data_ready(sk);
}

/* The burst continues with another connection, or ends. */
static void recv_end_conn(struct burst *burst)
{
	if (!burst->conn)
		return;
	if (burst->data)
		recv_wake_reader(burst);
	mvs_conn_release(burst->conn);
	burst->conn = NULL;
}

/* The connection that a packet is for, or NULL. */
static struct mvs_conn *recv_find_conn(struct burst *burst,
				       const struct mvs_conn_key *key)
{
	struct mvs_conn *conn = burst->conn;

	if (conn && READ_ONCE(conn->in_table) &&
	    !memcmp(&conn->key, key, sizeof(*key)))
		return conn;
	recv_end_conn(burst);
	burst->conn = mvs_conn_find(burst->device, key);
	return burst->conn;
}

/* --- events --------------------------------------------------------------- */

/*
 * Answer with RST, except to a RST: the specification requires an answer to a RST of an unknown
 * type as well, but two sides that do so would never stop. Returns 0 or %-ENOMEM.
 */
static int recv_answer_rst(struct mvs_device *device,
			   const struct virtio_vsock_hdr *hdr)
{
	int ret;

	if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST))
		return 0;
	ret = mvs_conns_reset(device, hdr);
	if (!ret)
		mvs_device_wake(device, MVS_VQ_RX);
	return ret;
}

/*
 * Apply a packet to the connection that was looked up. If that has been closed since, the packet is
 * for another connection that has its addresses now, or for none. The guest has been told that the
 * old one ended, unless a connect() was given up. Returns 0 or %-ENOMEM.
 */
static int recv_apply_event(struct burst *burst, enum mvs_conn_event event,
			    const struct virtio_vsock_hdr *hdr)
{
	struct mvs_conn *conn = burst->conn;
	struct mvs_conn_key key;

	if (likely(mvs_socket_event(conn, event, hdr)))
		return 0;
	/* The lookup releases the connection that @burst holds. */
	key = conn->key;
	conn = recv_find_conn(burst, &key);
	if (conn && conn->type == le16_to_cpu(hdr->type)) {
		mvs_conn_hear(conn, hdr);
		mvs_socket_event(conn, event, hdr);
		return 0;
	}
	return hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RESPONSE) ?
	       recv_answer_rst(burst->device, hdr) : 0;
}

/* --- data ----------------------------------------------------------------- */

static bool recv_records_allowed(const struct mvs_conn *conn)
{
	/* Each record takes memory, and an empty record takes no credit. */
	return conn->type == VIRTIO_VSOCK_TYPE_STREAM ||
	       conn->rx_records < conn->credit.buf_alloc;
}

/*
 * Check received data against the credit. Returns 0, and marks the queue as being written;
 * %-ENOBUFS if they exceed it; %-ENOTCONN if the connection is closed.
 */
static int recv_begin_put(struct mvs_conn *conn, u32 len)
{
	int ret = 0;

	spin_lock(&conn->lock);
	if (!conn->open)
		ret = -ENOTCONN;
	else if (!mvs_credit_allows(&conn->credit, len) ||
		 !recv_records_allowed(conn))
		ret = -ENOBUFS;
	else
		conn->putting = true;
	if (conn->putting && !conn->rx_len)
		mvs_queue_rewind(&conn->rx);
	spin_unlock(&conn->lock);
	return ret;
}

/* Commit @room, or nothing if it is NULL. */
static void recv_end_put(struct mvs_conn *conn, struct mvs_queue_room *room,
			 u32 len, const u32 *mark)
{
	struct mvs_queue purge = {};

	spin_lock(&conn->lock);
	conn->putting = false;
	if (room && conn->open) {
		mvs_queue_commit(&conn->rx, room);
		conn->credit.rx_cnt += len;
		conn->rx_len += len + (mark ? sizeof(*mark) : 0);
		conn->rx_bytes += len;
		conn->rx_records += !!mark;
		conn->rx_messages += mark && *mark & MVS_RECORD_EOM;
		room = NULL;
	}
	/* The socket was closed meanwhile, and left purging the queue to the producer. */
	if (conn->discard)
		swap(purge, conn->rx);
	spin_unlock(&conn->lock);

	if (room)
		mvs_queue_cancel(&conn->device->conns->pool, room);
	mvs_queue_purge(&purge, &conn->device->conns->pool);
}

/* Returns 0, or an error of mvs_packet_parse(). */
static int recv_put_data(struct mvs_conn *conn, struct mvs_vq *vq,
			 const struct virtio_vsock_hdr *hdr)
{
	bool marked = conn->type == VIRTIO_VSOCK_TYPE_SEQPACKET;
	u32 len = le32_to_cpu(hdr->len), mark = mvs_conn_record(hdr);
	struct mvs_pool *pool = &conn->device->conns->pool;
	u32 size = marked ? sizeof(mark) : 0;
	struct mvs_queue_room room;
	struct iov_iter iter;
	int ret;

	ret = mvs_queue_reserve(&conn->rx, pool, size + len, &room);
	if (ret) {
		recv_end_put(conn, NULL, 0, NULL);
		return ret;
	}
	mvs_queue_fill(&room, &mark, size, len, &iter);
	ret = mvs_packet_read(&vq->chain, vq->ring.gm, len, &iter);
	/* Deliver to the tap before the commit: after it the reader may free the pages. */
	if (ret)
		mvs_queue_cancel(pool, &room);
	else
		mvs_tap(hdr, &iter);
	recv_end_put(conn, ret ? NULL : &room, len, marked ? &mark : NULL);
	return ret;
}

/* An RW packet without data has an effect only if it ends a message. */
static bool recv_is_empty(const struct mvs_conn *conn,
			  const struct virtio_vsock_hdr *hdr)
{
	return !hdr->len && (conn->type == VIRTIO_VSOCK_TYPE_STREAM ||
			     !(mvs_conn_record(hdr) & MVS_RECORD_EOM));
}

/* Returns 0, or an error of mvs_packet_parse(). */
static int recv_data(struct burst *burst, struct mvs_vq *vq,
		     const struct virtio_vsock_hdr *hdr)
{
	struct mvs_conn *conn = burst->conn;
	u32 len = le32_to_cpu(hdr->len);
	int ret;

	if (READ_ONCE(conn->open) && recv_is_empty(conn, hdr))
		return 0;
	burst->handed_over = mvs_direct_hand_over(conn, hdr);
	if (burst->handed_over)
		return -EXFULL;
	ret = recv_begin_put(conn, len);
	if (unlikely(ret))
		return recv_apply_event(burst, ret == -ENOBUFS ?
					MVS_EVENT_OVERRUN : MVS_EVENT_RW, hdr);
	ret = recv_put_data(conn, vq, hdr);
	if (ret)
		return ret;
	burst->tapped = true;
	mvs_direct_note(conn, false);
	burst->data = true;
	burst->bytes += len;
	if (burst->bytes >= MVS_RECV_WAKE_BYTES)
		recv_wake_reader(burst);
	return 0;
}

/* --- other packets -------------------------------------------------------- */

static enum mvs_conn_event recv_packet_event(const struct virtio_vsock_hdr *hdr)
{
	switch (le16_to_cpu(hdr->op)) {
	case VIRTIO_VSOCK_OP_INVALID:
		return MVS_EVENT_INVALID;
	case VIRTIO_VSOCK_OP_REQUEST:
		return MVS_EVENT_REQUEST;
	case VIRTIO_VSOCK_OP_RESPONSE:
		return MVS_EVENT_RESPONSE;
	case VIRTIO_VSOCK_OP_RST:
		return MVS_EVENT_RST;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		return MVS_EVENT_SHUTDOWN;
	case VIRTIO_VSOCK_OP_RW:
		return MVS_EVENT_RW;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		return MVS_EVENT_CREDIT_UPDATE;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		return MVS_EVENT_CREDIT_REQUEST;
	default:
		return MVS_EVENT_UNKNOWN;
	}
}

static bool recv_to_host(const struct virtio_vsock_hdr *hdr)
{
	return hdr->dst_cid == cpu_to_le64(MVS_HOST_CID);
}

/*
 * Guests without another transport send packets for any CID to the host. Without a RST each
 * connect() to a guest that they may not talk to would last until its timeout. Returns 0, or an
 * error of mvs_forward().
 */
static int recv_for_guest(struct burst *burst, struct mvs_vq *vq,
			  const struct virtio_vsock_hdr *hdr)
{
	int ret = mvs_forward(vq, hdr, &burst->last);

	burst->tapped = !ret;
	if (ret != -ENETUNREACH)
		return ret;
	/* Only if there is one, as the list of resets is sent first. */
	if (mvs_backlog_any(burst->device->conns) &&
	    hdr->op != cpu_to_le16(VIRTIO_VSOCK_OP_RST))
		return mvs_forward_answer_rst(burst->device, hdr);
	return recv_answer_rst(burst->device, hdr);
}

/* Check that a packet's type is known and has been negotiated. */
static bool recv_type_ok(const struct mvs_device *device, u16 type)
{
	return (type == VIRTIO_VSOCK_TYPE_STREAM ||
		type == VIRTIO_VSOCK_TYPE_SEQPACKET) &&
	       mvs_device_allows_type(device, type);
}

/* The key of a packet's connection. */
static struct mvs_conn_key recv_packet_key(const struct burst *burst,
					   const struct virtio_vsock_hdr *hdr)
{
	return (struct mvs_conn_key) {
		.scope = burst->device->scope,
		.cid = le64_to_cpu(hdr->src_cid),
		.local_port = le32_to_cpu(hdr->dst_port),
		.remote_port = le32_to_cpu(hdr->src_port),
	};
}

/* Returns 0, or an error of mvs_packet_parse(). */
static int recv_dispatch(struct burst *burst, struct mvs_vq *vq,
			 const struct virtio_vsock_hdr *hdr)
{
	const struct mvs_conn_key key = recv_packet_key(burst, hdr);
	struct mvs_device *device = burst->device;
	enum mvs_conn_event event = recv_packet_event(hdr);
	struct mvs_conn *conn;

	if (unlikely(!recv_type_ok(device, le16_to_cpu(hdr->type))))
		return recv_answer_rst(device, hdr);
	if (!recv_to_host(hdr))
		return recv_for_guest(burst, vq, hdr);

	conn = recv_find_conn(burst, &key);
	if (!conn && event == MVS_EVENT_REQUEST &&
	    mvs_socket_accept(device, &key, hdr))
		return 0;
	if (!conn || conn->type != le16_to_cpu(hdr->type))
		return recv_answer_rst(device, hdr);

	mvs_conn_hear(conn, hdr);
	if (event == MVS_EVENT_RW)
		return recv_data(burst, vq, hdr);
	if (event != MVS_EVENT_CREDIT_UPDATE || !READ_ONCE(conn->open))
		return recv_apply_event(burst, event, hdr);
	return 0;
}

/*
 * A packet is rejected: its content is lost, so its connection is reset. Returns %-EBADMSG
 * or %-ENOMEM.
 */
static int recv_packet_lost(struct burst *burst,
			    const struct virtio_vsock_hdr *hdr)
{
	const struct mvs_conn_key key = recv_packet_key(burst, hdr);
	struct mvs_conn *conn = recv_to_host(hdr) ?
				recv_find_conn(burst, &key) : NULL;
	enum mvs_conn_event event = recv_packet_event(hdr);

	if (!recv_to_host(hdr) && mvs_forward_lost(burst->device, hdr))
		return -EBADMSG;
	if (!conn || conn->type != le16_to_cpu(hdr->type))
		return recv_answer_rst(burst->device, hdr) ?: -EBADMSG;
	if (event != MVS_EVENT_RST)
		event = MVS_EVENT_LOST;
	return recv_apply_event(burst, event, hdr) ?: -EBADMSG;
}

/*
 * Deliver the packet in @vq->chain. Returns 0, or an error of mvs_packet_parse().
 */
static int recv_packet(struct burst *burst, struct mvs_vq *vq)
{
	struct virtio_vsock_hdr hdr;
	bool known;
	int ret;

	ret = mvs_packet_parse(&vq->chain, vq->ring.gm,
			       READ_ONCE(burst->device->cid), &hdr);
	burst->tapped = false;
	known = !ret || (ret == -EBADMSG &&
			 vq->chain.reason == MVS_REASON_BAD_LEN);
	if (!ret)
		ret = recv_dispatch(burst, vq, &hdr);
	if (unlikely(ret == -EBADMSG && known))
		return recv_packet_lost(burst, &hdr);
	if (ret)
		return ret;
	if (!burst->tapped)
		mvs_tap(&hdr, NULL);
	mvs_account(vq, &hdr);
	return 0;
}

/*
 * Take the next packet from the guest. Returns 1 if a chain was given back to the driver, 0
 * if there is nothing to do until a kick, or an error of mvs_vq_pop().
 */
static int recv_next(struct burst *burst, struct mvs_vq *vq)
{
	int ret;

	ret = mvs_vq_pop(vq);
	if (ret <= 0)
		return ret == -EBADMSG ? 1 : ret;

	ret = recv_packet(burst, vq);
	if (ret == -EXFULL || ret == -EBUSY)
		return mvs_vq_unpop(vq, 0);
	if (ret && ret != -EBADMSG)
		return mvs_vq_unpop(vq, ret);
	/* The next chain is another packet's. */
	burst->device->conns->siblings.forwarded = 0;
	if (ret)
		return mvs_vq_reject(vq) ?: 1;
	return mvs_vq_push(vq, 0) ?: 1;
}

/* --- the worker ----------------------------------------------------------- */

/**
 * mvs_recv_work - the TX virtqueue's part of the worker's work
 * @device: the guest
 *
 * Return: true if there is more to do.
 */
bool mvs_recv_work(struct mvs_device *device)
{
	struct mvs_vq *vq = &device->vqs[MVS_VQ_TX];
	struct burst burst = { .device = device };
	unsigned int packets = 0;
	bool again = false;
	u64 bytes;
	int ret = 0;

	mutex_lock(&vq->mutex);
	/* A worker that was woken to notify the driver must not take a reader's packets. */
	if (vq->running && !mvs_lease_held(&vq->lease))
		ret = mvs_vq_begin(vq);
	if (ret <= 0) {
		/* A delayed notification may be due, even if the ring is broken. */
		mvs_vq_flush_used(vq);
		goto out;
	}

	bytes = vq->bytes;
	do {
		ret = recv_next(&burst, vq);
	} while (ret == 1 && ++packets < MVS_RECV_PACKETS &&
		 vq->bytes - bytes < MVS_RECV_BYTES);
	again = vq->polling;
	if (!burst.handed_over)
		recv_end_conn(&burst);
	mvs_vq_flush_used(vq);
out:
	mutex_unlock(&vq->mutex);
	/* The reader needs the mutex. */
	if (burst.handed_over)
		burst.conn->data_ready(sk_vsock(burst.conn->vsk));
	recv_end_conn(&burst);
	mvs_forward_flush(burst.last);

	/* Nothing wakes the worker when memory is free again. */
	if (ret == -ENOMEM)
		schedule_timeout_killable(1);
	return again || ret == 1 || ret == -ENOMEM;
}
