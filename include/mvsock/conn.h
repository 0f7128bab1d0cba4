/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections between a socket of the host and one of the guest.
 *
 * Data from the guest are queued here until the program reads them, so that the guest's buffers can
 * be given back soon; credit bounds the queue. Data to the guest are not queued: send() copies into
 * the guest's buffers, and waits for buffers if there are none.
 *
 * Locks, from the outermost in; see <mvsock/device.h> for those around them:
 *
 *	the TX virtqueue's mutex	the producer of receive queues
 *	sk_lock				of the socket: its state, the consumer of its queue
 *	the RX virtqueue's mutex
 *	conns->lock			which connections a device has, and what is pending
 *	conn->lock			credit, and what is in the receive queue
 */
#ifndef _MVSOCK_CONN_H
#define _MVSOCK_CONN_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <uapi/linux/virtio_vsock.h>

#include <mvsock/conn_state.h>
#include <mvsock/credit.h>
#include <mvsock/flow.h>
#include <mvsock/queue.h>

struct mvs_device;
struct sock;
struct vsock_sock;

/* Maximum number of resets that wait for room in the RX virtqueue. */
#define MVS_RESETS_MAX	1024

/**
 * struct mvs_conns - a device's connections
 * @lock: protects all fields, and those of the connections that are documented so
 * @all: connections in the lookup table, by @serial
 * @serial: number of connections that were ever added to it
 * @walks: walks over @all that are in progress
 * @pending: connections with packets to send
 * @waiting: connections whose sender waits for an RX chain, in order of arrival
 * @resets: RST packets for connections that do not exist, or no longer exist
 * @nresets: their number: at most %MVS_RESETS_MAX, plus one that is being sent
 * @closed: the device is closed, or is being closed
 * @pool: pages for the receive queues, and for packets in other guests' backlogs
 * @siblings: connections with other guests, see <mvsock/flow.h>
 */
struct mvs_conns {
	spinlock_t lock;	/* the lists */
	struct list_head all;
	u64 serial;
	struct list_head walks;
	struct list_head pending;
	struct list_head waiting;
	struct list_head resets;
	unsigned int nresets;
	bool closed;
	struct mvs_pool pool;
	struct mvs_siblings siblings;
};

/**
 * struct mvs_conn_key - the addresses of a connection's packets
 * @scope: the scope of the guest's CID, from mvs_net_scope()
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
 * struct mvs_reset - a RST packet without a connection
 * @list: in @resets of &struct mvs_conns
 * @hdr: the packet
 */
struct mvs_reset {
	struct list_head list;
	struct virtio_vsock_hdr hdr;
};

/**
 * enum mvs_wait - what data to the guest wait for
 * @MVS_WAIT_NONE: they do not
 * @MVS_WAIT_BUFFERS: an RX chain
 * @MVS_WAIT_CREDIT: the peer has to read
 * @MVS_WAIT_PAGE: a page of guest memory, or its translation
 */
enum mvs_wait {
	MVS_WAIT_NONE,
	MVS_WAIT_BUFFERS,
	MVS_WAIT_CREDIT,
	MVS_WAIT_PAGE,
};

/**
 * struct mvs_conn - a connection
 * @node: in the lookup table, by @key
 * @key: its addresses; set when it is attached
 * @ref: the socket's reference, and one while it is in @pending of &struct mvs_conns
 * @rcu: for freeing, as the table is read under RCU
 * @vsk: the socket, on which the table holds a reference
 * @device: its device, with a reference; NULL until the connection is attached, which happens once
 * @type: VIRTIO_VSOCK_TYPE_*
 * @state: written under sk_lock, read without
 * @since: time at which it was attached, in jiffies
 * @serial: its place in the device's list @all, which is the order of attachment
 * @data_ready: the socket's own sk_data_ready()
 *
 * Protected by @lock of the device's connections:
 * @in_table: it is in the lookup table, and in the device's list @all
 * @forgotten: no packets are sent any more: the guest has forgotten it, or was sent a RST, or
 *	another connection has its ports
 * @all: entry in the device's list of this name
 * @pending: likewise
 * @waiting: likewise
 * @marks: packets to send, a bit for each &enum mvs_mark
 * @shutdown: flags of the pending SHUTDOWN packet
 *
 * @wary: packets to go before one is left to a reader again; protected by the TX virtqueue's mutex
 * @streaming: data were sent since data last came from the peer; a hint
 * @tx: the rest of a message that was begun; protected by the RX virtqueue's mutex
 * @tx_flags: flags of its last packet; likewise
 *
 * @lock: protects the following fields
 * @credit: how much each side may send
 * @open: data are accepted from the peer
 * @reset: it was reset, and this has not been reported to the program yet
 * @putting: data are being appended to @rx
 * @discard: the socket was closed: the content of @rx is to be dropped
 * @parked: a sender waits for an RX chain
 * @parked_for: what that sender waits for
 * @stalled: time at which data to the guest first had to wait after some were sent, in jiffies,
 *	or 0; whether they still wait is told by mvs_conn_get_view()
 * @wanted: bytes of credit that the last sender needed; 1 after a later change, as another
 *	message may fit
 * @blocked: a sender was refused for lack of credit or of a chain
 * @asked: a CREDIT_REQUEST was sent during this stall
 * @tx_left: bytes in @tx; written under the RX virtqueue's mutex as well
 * @rx_target: bytes that a reader waits for, or 0
 * @waits: a reader waits in recv(), or is about to; a hint
 * @read_len: buffer size of the last reader; 0 if no packet may be left to it
 * @rx: received data that have not been read yet
 * @rx_len: bytes in @rx, including the records of seqpackets
 * @rx_bytes: bytes in @rx, without the records
 * @rx_records: number of records
 * @rx_messages: number of records that end a message
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
	unsigned long since;
	u64 serial;
	void (*data_ready)(struct sock *sk);

	bool in_table;
	bool forgotten;
	struct list_head all;
	struct list_head pending;
	struct list_head waiting;
	unsigned long marks;
	u32 shutdown;

	unsigned int wary;
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
	enum mvs_wait parked_for;
	unsigned long stalled;
	u32 wanted;
	bool blocked;
	bool asked;
	u32 tx_left;
	u64 rx_target;
	bool waits;
	size_t read_len;
	struct mvs_queue rx;
	u64 rx_len;
	u64 rx_bytes;
	u32 rx_records;
	u32 rx_messages;
};

/* In a seqpacket's queue each packet is preceded by its length and these flags. */
#define MVS_RECORD_EOM	BIT(31)
#define MVS_RECORD_EOR	BIT(30)
#define MVS_RECORD_LEN	GENMASK(29, 0)

/**
 * mvs_conn_record - get the record that precedes a packet's data in a seqpacket queue
 * @hdr: the packet's header
 *
 * Return: the record.
 */
static inline u32 mvs_conn_record(const struct virtio_vsock_hdr *hdr)
{
	u32 flags = le32_to_cpu(hdr->flags);

	return le32_to_cpu(hdr->len) |
	       (flags & VIRTIO_VSOCK_SEQ_EOM ? MVS_RECORD_EOM : 0) |
	       (flags & VIRTIO_VSOCK_SEQ_EOR ? MVS_RECORD_EOR : 0);
}

/**
 * mvs_conn_answer_rst - get the RST that answers a packet
 * @packet: its header
 *
 * Return: the header.
 */
static inline struct virtio_vsock_hdr
mvs_conn_answer_rst(const struct virtio_vsock_hdr *packet)
{
	return (struct virtio_vsock_hdr) {
		.src_cid = packet->dst_cid,
		.dst_cid = packet->src_cid,
		.src_port = packet->dst_port,
		.dst_port = packet->src_port,
		.type = packet->type,
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RST),
	};
}

/**
 * mvs_conn_whole - check that a reader may take a packet's data directly
 * @conn: the connection
 * @hdr: the packet's header
 *
 * A seqpacket must be a whole message in one packet.
 *
 * Return: true if it may.
 */
static inline bool mvs_conn_whole(const struct mvs_conn *conn,
				  const struct virtio_vsock_hdr *hdr)
{
	return conn->type == VIRTIO_VSOCK_TYPE_STREAM ||
	       hdr->flags & cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM);
}

/**
 * mvs_conn_room_changed - note that a blocked sender may have room now
 * @conn: the connection, with its lock held
 */
static inline void mvs_conn_room_changed(struct mvs_conn *conn)
{
	lockdep_assert_held(&conn->lock);
	WRITE_ONCE(conn->wanted, 1);
}

/**
 * mvs_conn_stalls - note that data to the guest have to wait
 * @conn: the connection, with its lock held
 */
static inline void mvs_conn_stalls(struct mvs_conn *conn)
{
	lockdep_assert_held(&conn->lock);
	if (!READ_ONCE(conn->stalled))
		WRITE_ONCE(conn->stalled, jiffies);
}

/**
 * struct mvs_conn_view - what is shown of a connection
 * @state: its state
 * @age: milliseconds since it was attached
 * @rx_bytes: bytes to the guest, those of a send() in progress included
 * @tx_bytes: bytes from the guest
 * @rx_queued: bytes to the guest that are queued
 * @tx_queued: bytes from the guest that the program has not read
 * @rx_credit: bytes that may be sent to the guest
 * @tx_credit: bytes that the guest may send, as far as it was told
 * @wait: what data to the guest wait for
 * @wait_time: milliseconds for which they have waited
 */
struct mvs_conn_view {
	enum mvs_conn_state state;
	u64 age;
	u64 rx_bytes;
	u64 tx_bytes;
	u32 rx_queued;
	u64 tx_queued;
	u32 rx_credit;
	u64 tx_credit;
	enum mvs_wait wait;
	u64 wait_time;
};

/**
 * struct mvs_walk - a walk over a device's connections, in the order of their attachment
 * @conns: the connections
 * @list: in @walks of &struct mvs_conns, from mvs_walk_resume() to mvs_walk_pause()
 * @next: where it is in @all
 * @last: the last connection that was passed, with a reference; or NULL
 * @passed: its serial, or 0
 * @end: serial of the last connection that is visited
 */
struct mvs_walk {
	struct mvs_conns *conns;
	struct list_head list;
	struct list_head *next;
	struct mvs_conn *last;
	u64 passed;
	u64 end;
};

/* walk.c */
void mvs_walk_init(struct mvs_walk *walk, struct mvs_conns *conns);
void mvs_walk_resume(struct mvs_walk *walk);
void mvs_walk_pause(struct mvs_walk *walk);
void mvs_walk_end(struct mvs_walk *walk);
struct mvs_conn *mvs_walk_get(struct mvs_walk *walk);
void mvs_walk_pass(struct mvs_walk *walk, struct mvs_conn *conn);
void mvs_conn_get_view(struct mvs_conn *conn, struct mvs_conn_view *view);
void mvs_conns_forget(struct mvs_conns *conns, bool all);

/* conn.c */
int mvs_conn_init_table(void);
void mvs_conn_destroy_table(void);
struct mvs_conns *mvs_conns_create(void);
void mvs_conns_destroy(struct mvs_conns *conns);
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

#endif /* _MVSOCK_CONN_H */
