/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections: a host's socket on one side, a guest's on the other.
 *
 * Locks, from the outermost in; see <mvsock/device.h> for those around them:
 *
 *	the TX virtqueue's mutex	who puts into receive queues
 *	sk_lock				of the socket: its state, who takes from its queue
 *	the RX virtqueue's mutex
 *	conns->lock			which connections a device has, and what is pending
 *	conn->lock			credit, and what is in the receive queue
 */
#ifndef _MVSOCK_CONN_H
#define _MVSOCK_CONN_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <uapi/linux/virtio_vsock.h>

#include <mvsock/conn_state.h>
#include <mvsock/credit.h>
#include <mvsock/queue.h>

struct msghdr;
struct mvs_device;
struct mvs_vq;
struct sock;
struct vsock_sock;

/* Resets that wait for room in the RX virtqueue, at most. */
#define MVS_RESETS_MAX	1024

/**
 * struct mvs_conns - a device's connections
 * @lock: protects all of it, and the connections' fields that say so
 * @all: those that packets are for
 * @pending: those that have a packet to send
 * @waiting: those that wait for room in the RX virtqueue, in the order they came
 * @resets: resets for connections that there are not, or no more
 * @nresets: how many, no more than %MVS_RESETS_MAX and the one that is being sent
 * @handed_over: until when the TX virtqueue is left to a reader, in ns, or 0; a hint, as
 *	the reader may come or not
 * @last: whom the last data from the guest were for; compared, and no more. Changes, as
 *	does @answers, under the TX virtqueue's mutex, read without
 * @answers: how many packets of data in a row answered what was sent to the guest
 * @closed: the device is gone, or going
 * @pool: pages for the receive queues
 */
struct mvs_conns {
	spinlock_t lock;	/* the lists */
	struct list_head all;
	struct list_head pending;
	struct list_head waiting;
	struct list_head resets;
	unsigned int nresets;
	u64 handed_over;
	const struct mvs_conn *last;
	unsigned int answers;
	bool closed;
	struct mvs_pool pool;
};

/**
 * struct mvs_conn_key - what packets name a connection by
 * @scope: in which the guest has its CID, as mvs_net_scope() has it
 * @cid: the guest
 * @local_port: the host's port
 * @remote_port: the guest's
 */
struct mvs_conn_key {
	u32 scope;
	u32 cid;
	u32 local_port;
	u32 remote_port;
};

/**
 * struct mvs_reset - a reset for a connection that there is not, or no more
 * @list: in @resets of the device's
 * @hdr: the packet
 */
struct mvs_reset {
	struct list_head list;
	struct virtio_vsock_hdr hdr;
};

/**
 * struct mvs_conn - a connection
 * @node: in the table of connections; by @key
 * @key: what packets name it by; set when it is attached
 * @ref: the socket's, and one while it is in @pending of the device's
 * @rcu: the table is read under RCU
 * @vsk: the socket, which the table holds a reference on
 * @device: whose it is, with a reference; NULL before it is attached, which happens once
 * @type: VIRTIO_VSOCK_TYPE_*
 * @state: protected by sk_lock
 * @data_ready: what the socket does about new data if nobody has replaced it
 *
 * Protected by @lock of the device's connections:
 * @in_table: it is found there, and in @all of the device's
 * @forgotten: the guest knows nothing of it, or need not: it sends nothing any more
 * @all: in the device's list of this name
 * @pending: likewise
 * @waiting: likewise
 * @marks: packets to send, a bit for each &enum mvs_mark
 * @shutdown: flags of the SHUTDOWN packet that is to be sent
 *
 * @streaming: something was sent since there were data from the peer; a hint
 * @tx: a message, or what is left of one, that was begun and must be ended; protected
 *	by the RX virtqueue's mutex
 * @tx_flags: of its last packet; likewise
 *
 * @lock: protects what follows
 * @credit: how much each side may send
 * @open: data are taken from the peer
 * @reset: the guest knows nothing of it any more, which the program is yet to be told
 * @putting: somebody puts into @rx
 * @discard: the program is gone, and what is in @rx with it
 * @parked: a sender found no room in the RX virtqueue
 * @wanted: what the last sender was refused, in bytes of credit; 1 when there has been
 *	other room since: another message may fit
 * @blocked: a sender was told that there is no space
 * @asked: the peer was asked for credit since there last was some
 * @tx_left: bytes in @tx; changes under the RX virtqueue's mutex as well
 * @rx_target: bytes that a reader waits for, or 0
 * @waits: a reader waits in recv(), or will in a moment; a hint
 * @direct: the next packet of the TX virtqueue is for the reader to take
 * @read_len: how much the last reader had room for; 0 if nothing is to be left to one
 * @rx: received and not read
 * @rx_len: bytes there, with what marks the messages
 * @rx_bytes: without that
 * @rx_records: how many marks
 * @rx_messages: of these, how many end a message
 */
struct mvs_conn {
	struct rhash_head node;
	struct mvs_conn_key key;
	refcount_t ref;
	struct rcu_head rcu;
	struct vsock_sock *vsk;
	struct mvs_device *device;
	u16 type;
	enum mvs_conn_state state;
	void (*data_ready)(struct sock *sk);

	bool in_table;
	bool forgotten;
	struct list_head all;
	struct list_head pending;
	struct list_head waiting;
	unsigned long marks;
	u32 shutdown;

	bool streaming;
	struct mvs_queue tx;
	u32 tx_flags;

	spinlock_t lock;	/* credit and queue */
	struct mvs_credit credit;
	bool open;
	bool reset;
	bool putting;
	bool discard;
	bool parked;
	u32 wanted;
	bool blocked;
	bool asked;
	u32 tx_left;
	u64 rx_target;
	bool waits;
	bool direct;
	size_t read_len;
	struct mvs_queue rx;
	u64 rx_len;
	u64 rx_bytes;
	u32 rx_records;
	u32 rx_messages;
};

/* A seqpacket's packet in the queue begins with its length and these. */
#define MVS_RECORD_EOM	BIT(31)
#define MVS_RECORD_EOR	BIT(30)
#define MVS_RECORD_LEN	GENMASK(29, 0)

/**
 * mvs_conn_record - what stands before a packet's data in a seqpacket's queue
 * @hdr: the packet's header
 *
 * Return: that.
 */
static inline u32 mvs_conn_record(const struct virtio_vsock_hdr *hdr)
{
	u32 flags = le32_to_cpu(hdr->flags);

	return le32_to_cpu(hdr->len) |
	       (flags & VIRTIO_VSOCK_SEQ_EOM ? MVS_RECORD_EOM : 0) |
	       (flags & VIRTIO_VSOCK_SEQ_EOR ? MVS_RECORD_EOR : 0);
}

/**
 * mvs_conn_whole - may a reader take a packet's data as they are?
 * @conn: the connection
 * @hdr: the packet's header
 *
 * He takes all of a message, or none of it.
 *
 * Return: whether he may.
 */
static inline bool mvs_conn_whole(const struct mvs_conn *conn,
				  const struct virtio_vsock_hdr *hdr)
{
	return conn->type == VIRTIO_VSOCK_TYPE_STREAM ||
	       hdr->flags & cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM);
}

/**
 * mvs_conn_room_changed - there may be room for what a sender was not refused
 * @conn: the connection, with its lock held
 */
static inline void mvs_conn_room_changed(struct mvs_conn *conn)
{
	lockdep_assert_held(&conn->lock);
	WRITE_ONCE(conn->wanted, 1);
}

/* conn.c */
int mvs_conn_init_table(void);
void mvs_conn_destroy_table(void);
struct mvs_conns *mvs_conns_create(void);
void mvs_conns_destroy(struct mvs_conns *conns);
void mvs_conns_forget(struct mvs_conns *conns, bool all);
struct mvs_conn *mvs_conn_create(struct vsock_sock *vsk);
void mvs_conn_put(struct mvs_conn *conn);
int mvs_conn_attach(struct mvs_conn *conn, struct mvs_device *device,
		    const struct mvs_conn_key *key);
void mvs_conn_remove(struct mvs_conn *conn);
struct mvs_conn *mvs_conn_find(struct mvs_device *device,
			       const struct mvs_conn_key *key);
void mvs_conn_release(struct mvs_conn *conn);
void mvs_conn_discard(struct mvs_conn *conn);
void mvs_conn_mark(struct mvs_conn *conn, enum mvs_mark mark, u32 shutdown);
void mvs_conn_forget(struct mvs_conn *conn);
void mvs_conn_reset(struct mvs_conn *conn);
int mvs_conns_reset(struct mvs_device *device,
		    const struct virtio_vsock_hdr *packet);
void mvs_conn_report_reset(struct mvs_conn *conn);
void mvs_conn_abort(struct mvs_conn *conn);
void mvs_conn_writable(struct mvs_conn *conn);
u64 mvs_conn_header(struct mvs_conn *conn, u16 op, u32 flags,
		    struct virtio_vsock_hdr *hdr);
void mvs_conn_hear(struct mvs_conn *conn, const struct virtio_vsock_hdr *hdr);

/* send.c */
void mvs_send_pending(struct mvs_device *device);
bool mvs_send_work(struct mvs_device *device);
int mvs_send_data(struct mvs_conn *conn, struct iov_iter *from, u32 len,
		  u32 flags);
void mvs_send_flush(struct mvs_conn *conn);
int mvs_send_later(struct mvs_conn *conn, struct iov_iter *from, u32 len,
		   u32 flags);

/* recv.c */
bool mvs_recv_work(struct mvs_device *device);

/* direct.c */
bool mvs_direct_hand_over(struct mvs_conn *conn,
			  const struct virtio_vsock_hdr *hdr);
bool mvs_direct_awaited(struct mvs_vq *vq);
void mvs_direct_note(struct mvs_conn *conn, bool direct);
void mvs_direct_promise(struct mvs_conn *conn);
size_t mvs_direct_read(struct mvs_conn *conn, struct msghdr *msg, size_t room);
void mvs_direct_decline(struct mvs_conn *conn);

#endif /* _MVSOCK_CONN_H */
