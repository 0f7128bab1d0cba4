// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that a program takes from the TX virtqueue itself, in recv().
 *
 * One that waits for what is a large packet copies it from the guest's memory to its own.
 * One that waits for an answer each time takes that, whatever its size, and is woken by the
 * kick in the worker's place. Whoever is expected and does not come, the worker goes on.
 */
#include <linux/ktime.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/packet.h>
#include <mvsock/tap.h>
#include <mvsock/trace.h>

/* A copy less is worth a hand-over from here on, in bytes. */
#define MVS_DIRECT_MIN		(16 * 1024)

/* What one call of recv() takes, in packets. */
#define MVS_DIRECT_PACKETS	256

/*
 * For so long the guest waits for a reader who was woken and does not come, in ns: as
 * long as it may take until he has a CPU if he holds up nobody but himself.
 */
#define MVS_DIRECT_WAIT		NSEC_PER_MSEC
#define MVS_DIRECT_WAIT_ALONE	(20 * NSEC_PER_MSEC)

/* After so many answers in a row a reader is believed to wait for each. */
#define MVS_ANSWERS_MIN	4

/* How long may the driver wait for a reader, in ns? */
static u64 patience(struct mvs_conns *conns)
{
	bool alone;

	spin_lock(&conns->lock);
	alone = list_is_singular(&conns->all);
	spin_unlock(&conns->lock);
	return alone ? MVS_DIRECT_WAIT_ALONE : MVS_DIRECT_WAIT;
}

/* --- for the worker ------------------------------------------------------- */

/**
 * mvs_direct_hand_over - leave a packet of data to the reader, if he waits for it
 * @conn: the connection
 * @hdr: the packet
 *
 * He waits in recv(), with room for it. The driver has to wait for him, but not for long.
 * The caller wakes him, without the virtqueue's mutex.
 *
 * Context: with the TX virtqueue's mutex held.
 * Return: whether it is his now.
 */
bool mvs_direct_hand_over(struct mvs_conn *conn,
			  const struct virtio_vsock_hdr *hdr)
{
	struct mvs_conns *conns = conn->device->conns;
	u32 len = le32_to_cpu(hdr->len);
	bool handed_over;
	u64 until;

	if (len < MVS_DIRECT_MIN || !mvs_conn_whole(conn, hdr) ||
	    READ_ONCE(sk_vsock(conn->vsk)->sk_data_ready) != conn->data_ready)
		return false;

	until = ktime_get_ns() + patience(conns);
	spin_lock(&conn->lock);
	handed_over = conn->open && READ_ONCE(conn->waits) &&
		      !conn->rx_len && !conn->direct &&
		      len <= READ_ONCE(conn->read_len) &&
		      mvs_credit_allows(&conn->credit, len);
	if (handed_over) {
		conn->direct = true;
		WRITE_ONCE(conns->handed_over, until);
	}
	spin_unlock(&conn->lock);
	return handed_over;
}

/**
 * mvs_direct_awaited - is a reader on his way? Then come again later
 * @vq: the TX virtqueue
 *
 * Context: process, with the virtqueue's mutex held.
 * Return: whether there is one.
 */
bool mvs_direct_awaited(struct mvs_vq *vq)
{
	u64 until = READ_ONCE(vq->device->conns->handed_over);
	u64 now;

	if (likely(!until))
		return false;
	now = ktime_get_ns();
	if (now < until) {
		mvs_vq_wake_in(vq, until - now);
		return true;
	}
	WRITE_ONCE(vq->device->conns->handed_over, 0);
	return false;
}

/**
 * mvs_direct_note - there are data for a connection: are they one more answer?
 * @conn: the connection
 * @direct: its reader took them from the virtqueue
 *
 * Those that the worker had to take when a reader was believed to wait for them are not.
 *
 * Context: with the TX virtqueue's mutex held.
 */
void mvs_direct_note(struct mvs_conn *conn, bool direct)
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
		 mvs_conn_whole(conn, hdr))) &&
	       hdr->type == cpu_to_le16(conn->type) &&
	       hdr->dst_cid == cpu_to_le64(MVS_HOST_CID) &&
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
	    mvs_conn_record(hdr) & MVS_RECORD_EOR)
		msg->msg_flags |= MSG_EOR;
	mvs_direct_note(conn, true);
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
	if (mvs_packet_parse(&vq->chain, vq->ring.gm, conn->key.cid, &hdr) ||
	    !is_for(conn, &hdr))
		return -1;
	data = hdr.op == cpu_to_le16(VIRTIO_VSOCK_OP_RW);
	if (data && !copy_data(conn, vq, &hdr, msg, room, rest))
		return -1;
	mvs_conn_hear(conn, &hdr);
	mvs_tap(&hdr, data ? &msg->msg_iter : NULL);
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
	while (ret == 1 && packets++ < MVS_DIRECT_PACKETS) {
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

	mvs_vq_flush_used(vq);
	switch (rest) {
	case REST_READER:
		ns = patience(conns);
		spin_lock(&conn->lock);
		conn->direct = true;
		WRITE_ONCE(conns->handed_over, ktime_get_ns() + ns);
		spin_unlock(&conn->lock);
		mvs_vq_wake_in(vq, ns);
		break;
	case REST_ANSWER:
		mvs_kick_promise(&vq->kick);
		break;
	case REST_NONE:
		/* Who was quick is expected back. */
		spin_lock(&conn->lock);
		conn->waits = true;
		conn->direct = false;
		WRITE_ONCE(conns->handed_over, 0);
		spin_unlock(&conn->lock);
		break;
	case REST_WORKER:
		break;
	}
}

/**
 * mvs_direct_promise - a reader who took data from the queue will come for the next
 * @conn: the connection
 *
 * If it looks as if there were nothing else to come, the driver need not kick for it.
 *
 * Context: process, with sk_lock held; may sleep.
 */
void mvs_direct_promise(struct mvs_conn *conn)
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
 * mvs_direct_read - take what was left to the reader
 * @conn: the connection
 * @msg: his memory; MSG_EOR is set as his message has it
 * @room: how much there is
 *
 * If there is more for him he should come again soon, or the worker goes on.
 *
 * Context: process, with sk_lock held; may sleep.
 * Return: bytes, or 0 when there are none for him: they come by way of the queue.
 */
size_t mvs_direct_read(struct mvs_conn *conn, struct msghdr *msg, size_t room)
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
 * mvs_direct_decline - the worker is to take what was left to the reader, if anything was
 * @conn: the connection
 *
 * Context: process, with sk_lock held.
 */
void mvs_direct_decline(struct mvs_conn *conn)
{
	if (conn->device)
		decline(conn, mvs_kick_take(&conn->device->vqs[MVS_VQ_TX].kick));
}
