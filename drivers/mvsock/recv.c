// SPDX-License-Identifier: GPL-2.0
/*
 * From the guest: packets out of the TX virtqueue.
 *
 * Data go into the connection's queue without the socket's lock; its reader is woken
 * when the burst is over, or is a long one. If he waits in recv() for what is a large
 * packet, the worker leaves it to him, as direct.c has it.
 * All else changes the socket's state, and is done with its lock held.
 */
#include <linux/sched.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/packet.h>
#include <mvsock/socket.h>
#include <mvsock/tap.h>
#include <mvsock/trace.h>

/*
 * What one call of work may do before the other virtqueue has its turn, in packets
 * and in bytes of payload.
 */
#define MVS_RECV_PACKETS	256
#define MVS_RECV_BYTES		(512 * 1024)

/* A reader may as well begin with so many bytes while more come in. */
#define MVS_RECV_WAKE_BYTES	(32 * 1024)

/**
 * struct burst - packets that are taken one after the other
 * @device: the guest
 * @conn: whom the last one was for, as mvs_conn_find() gave it; or NULL
 * @bytes: data for it that its reader was not woken for
 * @data: there is something new to read at all
 * @handed_over: the next packet is the reader's
 * @tapped: vsockmon has seen the packet
 */
struct burst {
	struct mvs_device *device;
	struct mvs_conn *conn;
	u32 bytes;
	bool data;
	bool handed_over;
	bool tapped;
};

/* Somebody may have replaced what a socket does about new data; he wants the lock. */
static void tell_other(struct mvs_conn *conn, struct sock *sk)
{
	u64 before, left;

	lock_sock(sk);
	do {
		before = READ_ONCE(conn->rx_len);
		sk->sk_data_ready(sk);
		/* He may take one packet each time. */
		left = READ_ONCE(conn->rx_len);
	} while (left && left != before);
	release_sock(sk);
}

static void wake_reader(struct burst *burst)
{
	struct mvs_conn *conn = burst->conn;
	struct sock *sk = sk_vsock(conn->vsk);

	burst->data = false;
	burst->bytes = 0;
	if (unlikely(READ_ONCE(sk->sk_data_ready) != conn->data_ready))
		tell_other(conn, sk);
	else if (mvs_socket_readable(conn, READ_ONCE(sk->sk_rcvlowat)) ||
		 mvs_socket_awaited(conn))
		conn->data_ready(sk);
}

/* The burst goes on with another connection, or is over. */
static void end_conn(struct burst *burst)
{
	if (!burst->conn)
		return;
	if (burst->data)
		wake_reader(burst);
	mvs_conn_release(burst->conn);
	burst->conn = NULL;
}

/* The connection that a packet is for, or NULL. */
static struct mvs_conn *find(struct burst *burst,
			     const struct mvs_conn_key *key)
{
	struct mvs_conn *conn = burst->conn;

	if (conn && READ_ONCE(conn->in_table) &&
	    !memcmp(&conn->key, key, sizeof(*key)))
		return conn;
	end_conn(burst);
	burst->conn = mvs_conn_find(burst->device, key);
	return burst->conn;
}

/* --- data ----------------------------------------------------------------- */

static bool records_allowed(const struct mvs_conn *conn)
{
	/* Each takes memory, and an empty one no credit. */
	return conn->type == VIRTIO_VSOCK_TYPE_STREAM ||
	       conn->rx_records < conn->credit.buf_alloc;
}

/*
 * May the peer send these data now? Returns 0, and begins to put; %-ENOBUFS when it
 * may not; %-ENOTCONN when they are for nobody.
 */
static int begin_put(struct mvs_conn *conn, u32 len)
{
	int ret = 0;

	spin_lock(&conn->lock);
	if (!conn->open)
		ret = -ENOTCONN;
	else if (!mvs_credit_allows(&conn->credit, len) ||
		 !records_allowed(conn))
		ret = -ENOBUFS;
	else
		conn->putting = true;
	/* Did the reader not come in time? Not before he has read again. */
	if (conn->direct)
		WRITE_ONCE(conn->read_len, 0);
	conn->direct = false;
	if (conn->putting && !conn->rx_len)
		mvs_queue_rewind(&conn->rx);
	spin_unlock(&conn->lock);
	return ret;
}

/* Put what is in @room, or nothing without one. */
static void end_put(struct mvs_conn *conn, struct mvs_queue_room *room, u32 len,
		    const u32 *mark)
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
	/* The program closed its socket meanwhile, and left this to us. */
	if (conn->discard)
		swap(purge, conn->rx);
	spin_unlock(&conn->lock);

	if (room)
		mvs_queue_cancel(&conn->device->conns->pool, room);
	mvs_queue_purge(&purge, &conn->device->conns->pool);
}

/* Returns 0, or an error as mvs_packet_parse() has it. */
static int put_data(struct mvs_conn *conn, struct mvs_vq *vq,
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
		end_put(conn, NULL, 0, NULL);
		return ret;
	}
	mvs_queue_fill(&room, &mark, size, len, &iter);
	ret = mvs_packet_read(&vq->chain, vq->ring.gm, len, &iter);
	/* Before the reader can have it, and give back the pages. */
	if (ret)
		mvs_queue_cancel(pool, &room);
	else
		mvs_tap(hdr, &iter);
	end_put(conn, ret ? NULL : &room, len, marked ? &mark : NULL);
	return ret;
}

/* A packet without data is one if it ends a message. */
static bool empty(const struct mvs_conn *conn,
		  const struct virtio_vsock_hdr *hdr)
{
	return !hdr->len && (conn->type == VIRTIO_VSOCK_TYPE_STREAM ||
			     !(mvs_conn_record(hdr) & MVS_RECORD_EOM));
}

/* Returns 0, or an error as mvs_packet_parse() has it. */
static int recv_data(struct burst *burst, struct mvs_vq *vq,
		     const struct virtio_vsock_hdr *hdr)
{
	struct mvs_conn *conn = burst->conn;
	u32 len = le32_to_cpu(hdr->len);
	int ret;

	if (READ_ONCE(conn->open) && empty(conn, hdr))
		return 0;
	burst->handed_over = mvs_direct_hand_over(conn, hdr);
	if (burst->handed_over)
		return -EXFULL;
	ret = begin_put(conn, len);
	if (unlikely(ret)) {
		mvs_socket_event(conn, ret == -ENOBUFS ? MVS_EVENT_OVERRUN :
				 MVS_EVENT_RW, hdr);
		return 0;
	}
	ret = put_data(conn, vq, hdr);
	if (ret)
		return ret;
	burst->tapped = true;
	mvs_direct_note(conn, false);
	burst->data = true;
	burst->bytes += len;
	if (burst->bytes >= MVS_RECV_WAKE_BYTES)
		wake_reader(burst);
	return 0;
}

/* --- other packets -------------------------------------------------------- */

static enum mvs_conn_event event_of(const struct virtio_vsock_hdr *hdr)
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

/*
 * Answer RST, but not to RST: the specification has it answered when it is of an unknown
 * type, but two sides that do so never end. Returns 0 or %-ENOMEM.
 */
static int refuse(struct mvs_device *device, const struct virtio_vsock_hdr *hdr)
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
 * Guests send to the host what they have no other transport for, to whatever CID; as
 * nobody is there, each attempt to connect would last until its timeout.
 */
static bool to_host(const struct virtio_vsock_hdr *hdr)
{
	return hdr->dst_cid == cpu_to_le64(MVS_HOST_CID);
}

/* Is it of a type that there is, and that was negotiated? */
static bool type_ok(const struct mvs_device *device, u16 type)
{
	return (type == VIRTIO_VSOCK_TYPE_STREAM ||
		type == VIRTIO_VSOCK_TYPE_SEQPACKET) &&
	       mvs_socket_type_allowed(READ_ONCE(device->features), type);
}

/* What the connection is called that a packet is for. */
static struct mvs_conn_key key_of(const struct burst *burst,
				  const struct virtio_vsock_hdr *hdr)
{
	return (struct mvs_conn_key) {
		.scope = burst->device->scope,
		.cid = le64_to_cpu(hdr->src_cid),
		.local_port = le32_to_cpu(hdr->dst_port),
		.remote_port = le32_to_cpu(hdr->src_port),
	};
}

/* Returns 0, or an error as mvs_packet_parse() has it. */
static int dispatch(struct burst *burst, struct mvs_vq *vq,
		    const struct virtio_vsock_hdr *hdr)
{
	const struct mvs_conn_key key = key_of(burst, hdr);
	struct mvs_device *device = burst->device;
	enum mvs_conn_event event = event_of(hdr);
	struct mvs_conn *conn;

	if (unlikely(!to_host(hdr) || !type_ok(device, le16_to_cpu(hdr->type))))
		return refuse(device, hdr);

	conn = find(burst, &key);
	if (!conn && event == MVS_EVENT_REQUEST &&
	    mvs_socket_accept(device, &key, hdr))
		return 0;
	if (!conn || conn->type != le16_to_cpu(hdr->type))
		return refuse(device, hdr);

	mvs_conn_hear(conn, hdr);
	if (event == MVS_EVENT_RW)
		return recv_data(burst, vq, hdr);
	if (event != MVS_EVENT_CREDIT_UPDATE || !READ_ONCE(conn->open))
		mvs_socket_event(conn, event, hdr);
	return 0;
}

/*
 * A packet of this guest's that is refused: what it had to say is lost, and a connection
 * does not go on without. Returns %-EBADMSG or %-ENOMEM.
 */
static int lose(struct burst *burst, const struct virtio_vsock_hdr *hdr)
{
	const struct mvs_conn_key key = key_of(burst, hdr);
	struct mvs_conn *conn = to_host(hdr) ? find(burst, &key) : NULL;

	if (!conn || conn->type != le16_to_cpu(hdr->type))
		return refuse(burst->device, hdr) ?: -EBADMSG;
	mvs_socket_event(conn, event_of(hdr) == MVS_EVENT_RST ?
			 MVS_EVENT_RST : MVS_EVENT_LOST, hdr);
	return -EBADMSG;
}

/*
 * Hand the packet in @vq->chain to whom it is for. Returns 0, or an error as
 * mvs_packet_parse() has it.
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
		ret = dispatch(burst, vq, &hdr);
	if (unlikely(ret == -EBADMSG && known))
		return lose(burst, &hdr);
	if (ret)
		return ret;
	if (!burst->tapped)
		mvs_tap(&hdr, NULL);
	mvs_vq_count(vq, &hdr);
	trace_mvs_packet_tx(&hdr);
	return 0;
}

/*
 * Take the next packet from the guest. Returns 1 when something was given back to the
 * driver, 0 when there is nothing to do until a kick, or an error as mvs_vq_pop() has
 * it.
 */
static int recv_next(struct burst *burst, struct mvs_vq *vq)
{
	int ret;

	ret = mvs_vq_pop(vq);
	if (ret <= 0)
		return ret == -EBADMSG ? 1 : ret;

	ret = recv_packet(burst, vq);
	if (ret == -EXFULL)
		return mvs_vq_unpop(vq, 0);
	if (ret == -EBADMSG)
		return mvs_vq_reject(vq) ?: 1;
	if (ret)
		return mvs_vq_unpop(vq, ret);
	return mvs_vq_push(vq, 0) ?: 1;
}

/* --- the worker ----------------------------------------------------------- */

/**
 * mvs_recv_work - the TX virtqueue's part of the worker's work
 * @device: the guest
 *
 * Return: whether to come again.
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
	/* A signal that is due does not take a reader's packets away. */
	if (vq->running && !mvs_direct_awaited(vq) &&
	    !READ_ONCE(vq->kick.expected))
		ret = mvs_vq_begin(vq);
	if (ret <= 0) {
		/* A signal that was put off may be due, whatever became of the ring. */
		mvs_vq_flush_used(vq);
		goto out;
	}

	bytes = vq->bytes;
	do {
		ret = recv_next(&burst, vq);
	} while (ret == 1 && ++packets < MVS_RECV_PACKETS &&
		 vq->bytes - bytes < MVS_RECV_BYTES);
	/* A reader that did not come in time, for want of a CPU here, is not waited for. */
	again = vq->polling || (burst.handed_over && !mvs_direct_awaited(vq));
	if (!burst.handed_over)
		end_conn(&burst);
	mvs_vq_flush_used(vq);
out:
	mutex_unlock(&vq->mutex);
	/* He needs the mutex. */
	if (burst.handed_over)
		burst.conn->data_ready(sk_vsock(burst.conn->vsk));
	end_conn(&burst);

	/* Nobody would wake us when there is memory again. */
	if (ret == -ENOMEM)
		schedule_timeout_killable(1);
	return again || ret == 1 || ret == -ENOMEM;
}
