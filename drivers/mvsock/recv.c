// SPDX-License-Identifier: GPL-2.0
/*
 * From the guest: packets out of the TX virtqueue.
 *
 * Data go into the connection's queue without the socket's lock; its reader is woken
 * when the burst is over, or is a long one. If he waits in recv() for what is a large
 * packet, the worker leaves it to him: he takes it from the guest's memory to his own.
 * All else changes the socket's state, and is done with its lock held.
 */
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
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

/* A copy less is worth a hand-over from here on, in bytes. */
#define MVS_DIRECT_MIN		(16 * 1024)

/*
 * For so long the guest waits for a reader who was woken and does not come, in ns: as
 * long as it may take until he has a CPU if he holds up nobody but himself.
 */
#define MVS_DIRECT_WAIT		NSEC_PER_MSEC
#define MVS_DIRECT_WAIT_ALONE	(20 * NSEC_PER_MSEC)

/* After so many answers in a row a reader is believed to wait for each. */
#define MVS_ANSWERS_MIN	4

/**
 * struct burst - packets that are taken one after the other
 * @device: the guest
 * @conn: whom the last one was for, as mvs_conn_find() gave it; or NULL
 * @bytes: data for it that its reader was not woken for
 * @data: there is something new to read at all
 * @handed_over: the next packet is the reader's
 */
struct burst {
	struct mvs_device *device;
	struct mvs_conn *conn;
	u32 bytes;
	bool data;
	bool handed_over;
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

/* The peer's credit is in every packet. */
static void update_credit(struct mvs_conn *conn,
			  const struct virtio_vsock_hdr *hdr)
{
	struct sock *sk = sk_vsock(conn->vsk);
	bool wake;

	spin_lock(&conn->lock);
	conn->credit.peer_buf_alloc = le32_to_cpu(hdr->buf_alloc);
	conn->credit.peer_fwd_cnt = le32_to_cpu(hdr->fwd_cnt);
	wake = conn->blocked && !conn->parked &&
	       mvs_credit_space(&conn->credit) >= READ_ONCE(conn->wanted);
	if (wake)
		conn->blocked = false;
	spin_unlock(&conn->lock);
	if (wake)
		sk->sk_write_space(sk);
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

/* What stands before a packet's data in a seqpacket's queue; 0 in a stream's. */
static u32 record(const struct mvs_conn *conn,
		  const struct virtio_vsock_hdr *hdr)
{
	u32 flags = le32_to_cpu(hdr->flags);

	return le32_to_cpu(hdr->len) |
	       (flags & VIRTIO_VSOCK_SEQ_EOM ? MVS_RECORD_EOM : 0) |
	       (flags & VIRTIO_VSOCK_SEQ_EOR ? MVS_RECORD_EOR : 0);
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
	u32 len = le32_to_cpu(hdr->len), mark = record(conn, hdr);
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
	if (ret)
		mvs_queue_cancel(pool, &room);
	end_put(conn, ret ? NULL : &room, len, marked ? &mark : NULL);
	return ret;
}

/* A reader takes all of a message, or none of it. */
static bool is_whole(const struct mvs_conn *conn,
		     const struct virtio_vsock_hdr *hdr)
{
	return conn->type == VIRTIO_VSOCK_TYPE_STREAM ||
	       hdr->flags & cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM);
}

/* How long may the driver wait for a reader, in ns? */
static u64 patience(struct mvs_conns *conns)
{
	bool alone;

	spin_lock(&conns->lock);
	alone = list_is_singular(&conns->all);
	spin_unlock(&conns->lock);
	return alone ? MVS_DIRECT_WAIT_ALONE : MVS_DIRECT_WAIT;
}

/*
 * Does the reader wait in recv(), with room for it? Then it is his to take, and the
 * driver has to wait for him, but not for long.
 */
static bool hand_over(struct burst *burst, struct mvs_conn *conn,
		      const struct virtio_vsock_hdr *hdr)
{
	struct mvs_conns *conns = burst->device->conns;
	u32 len = le32_to_cpu(hdr->len);
	u64 until;

	if (len < MVS_DIRECT_MIN || !is_whole(conn, hdr) ||
	    READ_ONCE(sk_vsock(conn->vsk)->sk_data_ready) != conn->data_ready)
		return false;

	until = ktime_get_ns() + patience(conns);
	spin_lock(&conn->lock);
	burst->handed_over = conn->open && READ_ONCE(conn->waits) &&
			     !conn->rx_len && !conn->direct &&
			     len <= READ_ONCE(conn->read_len) &&
			     mvs_credit_allows(&conn->credit, len);
	if (burst->handed_over) {
		conn->direct = true;
		WRITE_ONCE(conns->handed_over, until);
	}
	spin_unlock(&conn->lock);
	return burst->handed_over;
}

/*
 * Data came for @conn, which its reader took from the virtqueue himself if @direct: is it
 * one more answer? One that the worker had to take when a reader was believed to wait for
 * it is not.
 */
static void note_data(struct mvs_conn *conn, bool direct)
{
	struct mvs_kick *kick = &conn->device->vqs[MVS_VQ_TX].kick;
	struct mvs_conns *conns = conn->device->conns;
	unsigned int answers = conns->answers;

	if (conns->last == conn && READ_ONCE(conn->streaming) &&
	    !READ_ONCE(kick->let_down) &&
	    (direct || answers < MVS_ANSWERS_MIN)) {
		answers = min(answers + 1, MVS_ANSWERS_MIN);
	} else {
		answers = 0;
		mvs_kick_undivert(kick);
	}
	WRITE_ONCE(conns->last, conn);
	WRITE_ONCE(conns->answers, answers);
	WRITE_ONCE(conn->streaming, false);
}

/* A packet without data is one if it ends a message. */
static bool empty(const struct mvs_conn *conn,
		  const struct virtio_vsock_hdr *hdr)
{
	return !hdr->len && (conn->type == VIRTIO_VSOCK_TYPE_STREAM ||
			     !(record(conn, hdr) & MVS_RECORD_EOM));
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
	if (hand_over(burst, conn, hdr))
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
	note_data(conn, false);
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

/* Answer RST, but not to RST. Returns 0 or %-ENOMEM. */
static int refuse(struct mvs_device *device, const struct mvs_conn_key *key,
		  const struct virtio_vsock_hdr *hdr)
{
	int ret;

	if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST))
		return 0;
	ret = mvs_conns_reset(device->conns, key, le16_to_cpu(hdr->type));
	if (!ret)
		mvs_device_wake(device, MVS_VQ_RX);
	return ret;
}

/* Is it of a type that there is, and that was negotiated? */
static bool type_ok(const struct mvs_device *device, u16 type)
{
	return (type == VIRTIO_VSOCK_TYPE_STREAM ||
		type == VIRTIO_VSOCK_TYPE_SEQPACKET) &&
	       mvs_socket_type_allowed(READ_ONCE(device->features), type);
}

/* Returns 0, or an error as mvs_packet_parse() has it. */
static int dispatch(struct burst *burst, struct mvs_vq *vq,
		    const struct virtio_vsock_hdr *hdr)
{
	const struct mvs_conn_key key = {
		.scope = burst->device->scope,
		.cid = le64_to_cpu(hdr->src_cid),
		.local_port = le32_to_cpu(hdr->dst_port),
		.remote_port = le32_to_cpu(hdr->src_port),
	};
	struct mvs_device *device = burst->device;
	enum mvs_conn_event event = event_of(hdr);
	struct mvs_conn *conn;

	if (unlikely(!type_ok(device, le16_to_cpu(hdr->type))))
		return refuse(device, &key, hdr);

	conn = find(burst, &key);
	if (!conn && event == MVS_EVENT_REQUEST &&
	    mvs_socket_accept(device, &key, hdr))
		return 0;
	if (!conn || conn->type != le16_to_cpu(hdr->type))
		return refuse(device, &key, hdr);

	update_credit(conn, hdr);
	if (event == MVS_EVENT_RW)
		return recv_data(burst, vq, hdr);
	if (event != MVS_EVENT_CREDIT_UPDATE || !READ_ONCE(conn->open))
		mvs_socket_event(conn, event, hdr);
	return 0;
}

/*
 * Hand the packet in @vq->chain to whom it is for. Returns 0, or an error as
 * mvs_packet_parse() has it.
 */
static int recv_packet(struct burst *burst, struct mvs_vq *vq)
{
	struct virtio_vsock_hdr hdr;
	int ret;

	ret = mvs_packet_parse(&vq->chain, vq->ring.gm,
			       READ_ONCE(burst->device->cid), MVS_HOST_CID,
			       &hdr);
	if (!ret)
		ret = dispatch(burst, vq, &hdr);
	if (ret)
		return ret;
	mvs_tap(&hdr, &vq->chain, vq->ring.gm);
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
	struct mvs_conns *conns = burst->device->conns;
	int ret;

	/* No kicks either: unthrottle() wakes us. */
	if (READ_ONCE(conns->nresets) >= vq->ring.num) {
		WRITE_ONCE(conns->throttled, vq->ring.num);
		mvs_device_wake(burst->device, MVS_VQ_RX);
		return 0;
	}
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

/* --- by the reader -------------------------------------------------------- */

/* What there is in the TX virtqueue when a reader has taken what he can. */
enum rest {
	REST_NONE,	/* nothing: the driver will kick */
	REST_ANSWER,	/* the answer to what he sends next, most likely */
	REST_READER,	/* more for him, when he comes again */
	REST_WORKER,
};

/* Is it a packet that changes nothing about the socket but what there is to read? */
static bool is_for(const struct mvs_conn *conn,
		   const struct virtio_vsock_hdr *hdr)
{
	return (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_CREDIT_UPDATE) ||
		(hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RW) &&
		 is_whole(conn, hdr))) &&
	       hdr->type == cpu_to_le16(conn->type) &&
	       hdr->src_port == cpu_to_le32(conn->key.remote_port) &&
	       hdr->dst_port == cpu_to_le32(conn->key.local_port);
}

/* Count @len bytes as received and read, if they may be. */
static bool account(struct mvs_conn *conn, u32 len)
{
	bool ok;

	spin_lock(&conn->lock);
	ok = conn->open && !conn->rx_len &&
	     mvs_credit_allows(&conn->credit, len);
	if (ok) {
		conn->credit.rx_cnt += len;
		conn->credit.fwd_cnt += len;
	}
	spin_unlock(&conn->lock);
	return ok;
}

/*
 * Copy the data of the packet @hdr in @vq->chain to the reader's memory, of which @room
 * bytes are left. Returns whether they were, or else whose they are in @rest.
 */
static bool copy_data(struct mvs_conn *conn, struct mvs_vq *vq,
		      const struct virtio_vsock_hdr *hdr, struct msghdr *msg,
		      size_t room, enum rest *rest)
{
	u32 len = le32_to_cpu(hdr->len);

	*rest = len > room && len <= conn->read_len && len >= MVS_DIRECT_MIN ?
		REST_READER : REST_WORKER;
	if (!len || len > room ||
	    mvs_packet_read(&vq->chain, vq->ring.gm, len, &msg->msg_iter))
		return false;
	if (!account(conn, len)) {
		iov_iter_revert(&msg->msg_iter, len);
		return false;
	}
	if (conn->type == VIRTIO_VSOCK_TYPE_SEQPACKET &&
	    record(conn, hdr) & MVS_RECORD_EOR)
		msg->msg_flags |= MSG_EOR;
	note_data(conn, true);
	mvs_count(&vq->direct, 1);
	return true;
}

/*
 * As copy_data(), for the packet in @vq->chain, which may have none. Returns their length,
 * or -1 when it is another's to take.
 */
static s64 copy_packet(struct mvs_conn *conn, struct mvs_vq *vq,
		       struct msghdr *msg, size_t room, enum rest *rest)
{
	struct virtio_vsock_hdr hdr;
	bool data;

	*rest = REST_WORKER;
	if (mvs_packet_parse(&vq->chain, vq->ring.gm, conn->key.cid,
			     MVS_HOST_CID, &hdr) || !is_for(conn, &hdr))
		return -1;
	data = hdr.op == cpu_to_le16(VIRTIO_VSOCK_OP_RW);
	if (data && !copy_data(conn, vq, &hdr, msg, room, rest))
		return -1;
	update_credit(conn, &hdr);
	mvs_tap(&hdr, &vq->chain, vq->ring.gm);
	mvs_vq_count(vq, &hdr);
	trace_mvs_packet_tx(&hdr);
	return data ? le32_to_cpu(hdr.len) : 0;
}

/*
 * Do packets of a stream go back and forth, and nothing else is sent by the guest? For a
 * reader with a timeout it would begin anew whenever he was woken and there was nothing to
 * read; one of a seqpacket socket does not look when a kick wakes him.
 */
static bool awaits_answers(const struct mvs_conn *conn)
{
	const struct mvs_conns *conns = conn->device->conns;

	return conn->type == VIRTIO_VSOCK_TYPE_STREAM &&
	       READ_ONCE(conns->last) == conn &&
	       READ_ONCE(conns->answers) == MVS_ANSWERS_MIN &&
	       READ_ONCE(sk_vsock(conn->vsk)->sk_rcvtimeo) == MAX_SCHEDULE_TIMEOUT;
}

/* Returns how many bytes were copied: of a seqpacket socket's one message. */
static size_t copy_packets(struct mvs_conn *conn, struct mvs_vq *vq,
			   struct msghdr *msg, size_t room, enum rest *rest)
{
	unsigned int packets = 0;
	size_t done = 0;
	int ret = 0;
	s64 len;

	if (vq->running)
		ret = mvs_vq_begin(vq);
	/* There is no end to what a guest may send that has no data for him. */
	while (ret == 1 && packets++ < MVS_RECV_PACKETS) {
		ret = mvs_vq_pop(vq);
		if (ret != 1)
			break;
		len = copy_packet(conn, vq, msg, room, rest);
		if (len < 0) {
			mvs_vq_unpop(vq, 0);
			return done;
		}
		done += len;
		if (len)
			room -= conn->type == VIRTIO_VSOCK_TYPE_STREAM ? len : room;
		ret = mvs_vq_push(vq, 0) ?: 1;
		if (ret == 1 && done && awaits_answers(conn)) {
			*rest = REST_ANSWER;
			return done;
		}
	}
	*rest = ret ? REST_WORKER : REST_NONE;
	return done;
}

/* Let the driver see what was taken, and say whose the next packet is. */
static void end_direct(struct mvs_conn *conn, struct mvs_vq *vq, enum rest rest)
{
	struct mvs_conns *conns = vq->device->conns;
	u64 ns;

	switch (rest) {
	case REST_READER:
		/* If he comes at once the driver need be signalled but once. */
		mvs_vq_flush_lazily(vq);
		ns = patience(conns);
		spin_lock(&conn->lock);
		conn->direct = true;
		WRITE_ONCE(conns->handed_over, ktime_get_ns() + ns);
		spin_unlock(&conn->lock);
		mvs_vq_wake_in(vq, ns);
		break;
	case REST_ANSWER:
		mvs_vq_flush_lazily(vq);
		mvs_kick_promise(&vq->kick);
		break;
	case REST_NONE:
		/* Who was quick is expected back. */
		spin_lock(&conn->lock);
		conn->waits = true;
		conn->direct = false;
		WRITE_ONCE(conns->handed_over, 0);
		spin_unlock(&conn->lock);
		fallthrough;
	case REST_WORKER:
		mvs_vq_flush(vq);
	}
}

/**
 * mvs_recv_promise - a reader who took data from the queue will come for the next
 * @conn: the connection
 *
 * If it looks as if there were nothing else to come, the driver need not kick for it.
 *
 * Context: process, with sk_lock held; may sleep.
 */
void mvs_recv_promise(struct mvs_conn *conn)
{
	struct mvs_vq *vq = &conn->device->vqs[MVS_VQ_TX];

	if (!awaits_answers(conn) || !mutex_trylock(&vq->mutex))
		return;
	if (vq->running && mvs_vq_begin(vq) == 1)
		mvs_kick_promise(&vq->kick);
	mutex_unlock(&vq->mutex);
}

/* The worker goes on if anything was left to the reader, or @unkicked is set. */
static void decline(struct mvs_conn *conn, bool unkicked)
{
	bool direct;

	spin_lock(&conn->lock);
	direct = conn->direct;
	conn->direct = false;
	if (direct)
		WRITE_ONCE(conn->device->conns->handed_over, 0);
	spin_unlock(&conn->lock);
	if (direct || unkicked)
		mvs_device_wake(conn->device, MVS_VQ_TX);
}

/**
 * mvs_recv_direct - take what was left to the reader
 * @conn: the connection
 * @msg: his memory; MSG_EOR is set as his message has it
 * @room: how much there is
 *
 * If there is more for him he should come again soon, or the worker goes on.
 *
 * Context: process, with sk_lock held; may sleep.
 * Return: bytes, or 0 when there are none for him: they come by way of the queue.
 */
size_t mvs_recv_direct(struct mvs_conn *conn, struct msghdr *msg, size_t room)
{
	struct mvs_vq *vq = &conn->device->vqs[MVS_VQ_TX];
	/* May there be chains for which nobody is kicked? */
	bool unkicked = mvs_kick_take(&vq->kick);
	enum rest rest = REST_WORKER;
	size_t done = 0;

	/* Who has it may be waiting for the socket's lock. */
	if (mutex_trylock(&vq->mutex)) {
		unkicked = true;
		/* If there is nothing he sleeps, and is the one to wake. */
		if (awaits_answers(conn))
			mvs_kick_divert(&vq->kick);
		done = copy_packets(conn, vq, msg, room, &rest);
		end_direct(conn, vq, rest);
		mutex_unlock(&vq->mutex);
	}
	/* What he can't take at all comes by way of the queue, the next time too. */
	if (!done)
		WRITE_ONCE(conn->read_len, 0);
	if (rest == REST_WORKER)
		decline(conn, unkicked);
	return done;
}

/**
 * mvs_recv_decline - the worker is to take what was left to the reader, if anything was
 * @conn: the connection
 *
 * Context: process, with sk_lock held.
 */
void mvs_recv_decline(struct mvs_conn *conn)
{
	if (conn->device)
		decline(conn, mvs_kick_take(&conn->device->vqs[MVS_VQ_TX].kick));
}

/* --- by the worker -------------------------------------------------------- */

/* Is a reader on his way? Then the driver sees what was done, and come again later. */
static bool left_to_reader(struct mvs_vq *vq)
{
	u64 until = READ_ONCE(vq->device->conns->handed_over);
	u64 now;

	if (likely(!until))
		return false;
	now = ktime_get_ns();
	if (now < until) {
		mvs_vq_flush(vq);
		mvs_vq_wake_in(vq, until - now);
		return true;
	}
	WRITE_ONCE(vq->device->conns->handed_over, 0);
	return false;
}

/*
 * Let the driver see what was taken. It hardly waits to have a packet back that had no data
 * and that nothing answers in this round: while such packets follow one another closely, it
 * is not signalled for each.
 */
static void show_driver(struct mvs_vq *vq, bool bare)
{
	if (bare && !test_bit(MVS_VQ_RX, &vq->device->worker->work))
		mvs_vq_flush_lazily(vq);
	else
		mvs_vq_flush(vq);
}

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
	u64 bytes;
	int ret = 0;

	mutex_lock(&vq->mutex);
	if (vq->running && !left_to_reader(vq))
		ret = mvs_vq_begin(vq);
	if (ret <= 0) {
		/* A signal that was put off is due, whatever became of the ring. */
		mvs_vq_flush(vq);
		goto out;
	}

	bytes = vq->bytes;
	do {
		ret = recv_next(&burst, vq);
	} while (ret == 1 && ++packets < MVS_RECV_PACKETS &&
		 vq->bytes - bytes < MVS_RECV_BYTES);
	/* If the reader answers, the driver need be woken but once. */
	if (!burst.handed_over)
		end_conn(&burst);
	if (!burst.handed_over || !left_to_reader(vq))
		show_driver(vq, packets && vq->bytes == bytes);
out:
	mutex_unlock(&vq->mutex);
	/* He needs the mutex. */
	if (burst.handed_over)
		burst.conn->data_ready(sk_vsock(burst.conn->vsk));
	end_conn(&burst);

	/* Nobody would wake us when there is memory again. */
	if (ret == -ENOMEM)
		schedule_timeout_killable(1);
	return ret == 1 || ret == -ENOMEM;
}
