// SPDX-License-Identifier: GPL-2.0
/*
 * Direct reads: recv() takes packets from the TX virtqueue itself.
 *
 * A reader that waits for a large packet copies it from the guest's memory to its own. A reader
 * that waits for one answer after the other takes these whatever their size, and is woken by the
 * kick in place of the worker. If an expected reader does not come, the worker takes the packets.
 */
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/packet.h>

#include "data.h"
#include "tap.h"

/* Minimum payload, in bytes, for which a direct read is worth waking the reader. */
#define MVS_DIRECT_MIN		(16 * 1024)

/* Maximum number of packets that one recv() takes. */
#define MVS_DIRECT_PACKETS	256

/* Number of answers in a row after which a reader is expected to wait for each one. */
#define MVS_ANSWERS_MIN	4

/*
 * Number of packets that go through the queue after a lease expired, before one is left to a reader
 * again; likewise for answers. So a reader that gets no CPU costs others one lease, not one for
 * each recv().
 */
#define MVS_WARY	64

/* A socket in a sockmap has its own recv(), which does not look at the virtqueue. */
static bool direct_has_own_recv(const struct mvs_conn *conn)
{
	return READ_ONCE(sk_vsock(conn->vsk)->sk_prot)->recvmsg;
}

/* --- for the worker ------------------------------------------------------- */

/* Note that a lease of the connection expired. */
static void direct_note_miss(struct mvs_conn *conn, struct mvs_lease *lease)
{
	if (likely(!mvs_lease_missed(lease, conn)))
		return;
	conn->wary = MVS_WARY;
	if (lease->last == conn)
		WRITE_ONCE(lease->answers, -MVS_WARY);
}

/**
 * mvs_direct_hand_over - leave a data packet to a reader that waits for it
 * @conn: the connection
 * @hdr: the packet
 *
 * The reader waits in recv(), with enough room. The caller wakes it after it has released the
 * virtqueue's mutex.
 *
 * Context: with the TX virtqueue's mutex held.
 * Return: true if the packet is left to the reader.
 */
bool mvs_direct_hand_over(struct mvs_conn *conn,
			  const struct virtio_vsock_hdr *hdr)
{
	struct mvs_lease *lease = &conn->device->vqs[MVS_VQ_TX].lease;
	u32 len = le32_to_cpu(hdr->len);
	bool handed_over;

	direct_note_miss(conn, lease);
	if (len < MVS_DIRECT_MIN || !mvs_conn_whole(conn, hdr) ||
	    direct_has_own_recv(conn) ||
	    READ_ONCE(sk_vsock(conn->vsk)->sk_data_ready) != conn->data_ready)
		return false;

	if (unlikely(conn->wary)) {
		conn->wary--;
		return false;
	}

	spin_lock(&conn->lock);
	handed_over = conn->open && READ_ONCE(conn->waits) && !conn->rx_len &&
		      len <= READ_ONCE(conn->read_len) &&
		      mvs_credit_allows(&conn->credit, len) &&
		      mvs_lease_grant(lease, conn);
	spin_unlock(&conn->lock);
	return handed_over;
}

/**
 * mvs_direct_note - account data for a connection, as an answer or not
 * @conn: the connection
 * @direct: taken from the virtqueue by its reader
 *
 * Data that the worker took although a reader was expected to wait for them are not counted.
 *
 * Context: with the TX virtqueue's mutex held.
 */
void mvs_direct_note(struct mvs_conn *conn, bool direct)
{
	struct mvs_lease *lease = &conn->device->vqs[MVS_VQ_TX].lease;
	int answers = lease->answers;

	if (lease->last == conn && READ_ONCE(conn->streaming) &&
	    (direct || answers < MVS_ANSWERS_MIN)) {
		answers = min(answers + 1, MVS_ANSWERS_MIN);
	} else {
		answers = lease->last == conn ? min(answers, 0) : 0;
		mvs_lease_disarm(lease);
	}
	WRITE_ONCE(lease->last, conn);
	WRITE_ONCE(lease->answers, answers);
	WRITE_ONCE(conn->streaming, false);
}

/* --- by the reader -------------------------------------------------------- */

/* What remains in the TX virtqueue after a direct read. */
enum rest {
	REST_NONE,	/* nothing: the driver will kick */
	REST_READER,	/* more for the reader, or the answer to its next send() */
	REST_WORKER,
};

/* A packet of this connection that carries only data and credit. */
static bool direct_takes(const struct mvs_conn *conn,
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

/* Account @len bytes as received and read, if the credit allows it. */
static bool direct_account(struct mvs_conn *conn, u32 len)
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
 * Copy the data of the packet @hdr in @vq->chain to the reader's memory, which has @room bytes
 * left. Returns true on success; otherwise @rest says what takes the packet.
 */
static bool direct_copy_data(struct mvs_conn *conn, struct mvs_vq *vq,
			     const struct virtio_vsock_hdr *hdr,
			     struct msghdr *msg, size_t room, enum rest *rest)
{
	u32 len = le32_to_cpu(hdr->len);

	*rest = len > room && len <= conn->read_len && len >= MVS_DIRECT_MIN ?
		REST_READER : REST_WORKER;
	if (!len || len > room ||
	    mvs_packet_read(&vq->chain, vq->ring.gm, len, &msg->msg_iter))
		return false;
	if (!direct_account(conn, len)) {
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
 * The same for the packet in @vq->chain, which may have no data. Returns the length of the
 * data, or -1 if the packet is not for this reader.
 */
static s64 direct_copy_packet(struct mvs_conn *conn, struct mvs_vq *vq,
			      struct msghdr *msg, size_t room, enum rest *rest)
{
	struct virtio_vsock_hdr hdr;
	bool data;

	*rest = REST_WORKER;
	if (mvs_packet_parse(&vq->chain, vq->ring.gm, conn->key.cid, &hdr) ||
	    !direct_takes(conn, &hdr))
		return -1;
	data = hdr.op == cpu_to_le16(VIRTIO_VSOCK_OP_RW);
	if (data && !direct_copy_data(conn, vq, &hdr, msg, room, rest))
		return -1;
	mvs_conn_hear(conn, &hdr);
	mvs_tap(&hdr, data ? &msg->msg_iter : NULL);
	mvs_account(vq, &hdr);
	return data ? le32_to_cpu(hdr.len) : 0;
}

/*
 * True for a stream on which each side answers the other and which is the guest's only traffic. Not
 * with a receive timeout, which would restart at each wakeup without data; not on a seqpacket
 * socket, whose reader does not look at the virtqueue when a kick wakes it.
 */
static bool direct_awaits_answers(const struct mvs_conn *conn)
{
	const struct mvs_lease *lease = &conn->device->vqs[MVS_VQ_TX].lease;

	return conn->type == VIRTIO_VSOCK_TYPE_STREAM &&
	       READ_ONCE(lease->last) == conn &&
	       READ_ONCE(lease->answers) == MVS_ANSWERS_MIN &&
	       !direct_has_own_recv(conn) &&
	       READ_ONCE(sk_vsock(conn->vsk)->sk_rcvtimeo) == MAX_SCHEDULE_TIMEOUT;
}

/*
 * Poll for the first data, if @poll, after one packet without. Returns the number of bytes copied;
 * on a seqpacket socket, of one message.
 */
static size_t direct_copy_packets(struct mvs_conn *conn, struct mvs_vq *vq,
				  struct msghdr *msg, size_t room,
				  bool poll, enum rest *rest)
{
	unsigned int packets = 0;
	size_t done = 0;
	int ret = 0;
	bool soon;
	s64 len;

	if (vq->running)
		ret = mvs_vq_begin(vq);
	/* A guest may send packets without data for the reader endlessly. */
	while (ret == 1 && packets++ < MVS_DIRECT_PACKETS) {
		/*
		 * A driver whose reader has taken a request sends a credit update, and then the
		 * answer.
		 */
		soon = poll && !done && packets == 2;
		ret = soon ? mvs_vq_pop_soon(vq) : mvs_vq_pop(vq);
		if (ret != 1)
			break;
		len = direct_copy_packet(conn, vq, msg, room, rest);
		if (len < 0) {
			mvs_vq_unpop(vq, 0);
			return done;
		}
		done += len;
		if (soon && len)
			mvs_vq_poll_paid(vq);
		if (len)
			room -= conn->type == VIRTIO_VSOCK_TYPE_STREAM ? len : room;
		ret = mvs_vq_push(vq, 0) ?: 1;
		if (ret == 1 && done && direct_awaits_answers(conn)) {
			*rest = REST_READER;
			return done;
		}
	}
	*rest = ret ? REST_WORKER : REST_NONE;
	return done;
}

/* Publish the used chains, and determine what takes the next packet. */
static void direct_end(struct mvs_conn *conn, struct mvs_vq *vq, enum rest rest)
{
	mvs_vq_flush_used(vq);
	if (rest == REST_READER)
		mvs_lease_grant(&vq->lease, conn);
	else if (rest == REST_NONE)
		/* A reader that was quick is expected to come back. */
		WRITE_ONCE(conn->waits, true);
}

/**
 * mvs_direct_promise - suppress kicks for a reader that will come back for the next data
 * @conn: the connection
 *
 * Only if nothing else is expected from the guest.
 *
 * Context: process, with sk_lock held; may sleep.
 */
void mvs_direct_promise(struct mvs_conn *conn)
{
	struct mvs_vq *vq = &conn->device->vqs[MVS_VQ_TX];

	if (!direct_awaits_answers(conn) || !mutex_trylock(&vq->mutex))
		return;
	if (vq->running && mvs_vq_begin(vq) == 1)
		mvs_lease_grant(&vq->lease, conn);
	mutex_unlock(&vq->mutex);
}

/**
 * mvs_direct_read - take data from the TX virtqueue
 * @conn: the connection
 * @msg: the reader's memory; MSG_EOR is set if the message has it
 * @room: its size in bytes
 * @wait: the reader may wait
 *
 * If there is more for the reader, it should call again soon; otherwise the worker takes it.
 *
 * Context: process, with sk_lock held; may sleep.
 * Return: bytes, or 0 if none can be taken directly: the data then come through the queue.
 */
size_t mvs_direct_read(struct mvs_conn *conn, struct msghdr *msg, size_t room,
		       bool wait)
{
	struct mvs_vq *vq = &conn->device->vqs[MVS_VQ_TX];
	/* Can there be chains without a kick? */
	bool unkicked = mvs_lease_end(&vq->lease, conn);
	enum rest rest = REST_WORKER;
	size_t done = 0;
	bool awaits;

	/* trylock: the mutex's holder may be waiting for the socket's lock. */
	if (mutex_trylock(&vq->mutex)) {
		unkicked = true;
		/* Without data this reader is going to sleep, and a kick wakes it. */
		awaits = direct_awaits_answers(conn);
		if (awaits)
			mvs_lease_arm(&vq->lease, conn,
				      sk_sleep(sk_vsock(conn->vsk)));
		done = direct_copy_packets(conn, vq, msg, room, awaits && wait,
					   &rest);
		direct_end(conn, vq, rest);
		mutex_unlock(&vq->mutex);
	}
	/* Data that can't be taken directly come through the queue, the next time as well. */
	if (!done)
		WRITE_ONCE(conn->read_len, 0);
	if (rest == REST_WORKER && unkicked)
		mvs_device_wake(conn->device, MVS_VQ_TX);
	return done;
}

/**
 * mvs_direct_decline - have the worker take what was left to the reader
 * @conn: the connection
 *
 * Context: process, with sk_lock held.
 */
void mvs_direct_decline(struct mvs_conn *conn)
{
	struct mvs_device *device = conn->device;

	if (device && mvs_lease_end(&device->vqs[MVS_VQ_TX].lease, conn))
		mvs_device_wake(device, MVS_VQ_TX);
}
