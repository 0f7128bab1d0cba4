// SPDX-License-Identifier: GPL-2.0
/* Connections: the lookup table for packets, and the packets that are pending. */
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>

/* The scope is not hashed: guests in different scopes rarely have the same CID. */
static u32 conn_hash(const void *data, u32 len, u32 seed)
{
	const struct mvs_conn_key *key = data;

	return jhash_3words(key->cid, key->local_port, key->remote_port, seed);
}

static const struct rhashtable_params table_params = {
	.key_len		= sizeof(struct mvs_conn_key),
	.hashfn			= conn_hash,
	.key_offset		= offsetof(struct mvs_conn, key),
	.head_offset		= offsetof(struct mvs_conn, node),
	.automatic_shrinking	= true,
};

/* All devices' connections. */
static struct rhashtable table;

/**
 * mvs_conn_init_table - set up the table of connections
 *
 * Return: 0 or %-ENOMEM.
 */
int mvs_conn_init_table(void)
{
	return rhashtable_init(&table, &table_params);
}

/**
 * mvs_conn_destroy_table - undo mvs_conn_init_table(); there are no connections
 */
void mvs_conn_destroy_table(void)
{
	rhashtable_destroy(&table);
}

/**
 * mvs_conns_create - allocate a device's connection list
 *
 * Return: an empty list, for mvs_conns_destroy(); or NULL.
 */
struct mvs_conns *mvs_conns_create(void)
{
	struct mvs_conns *conns = kzalloc(sizeof(*conns), GFP_KERNEL_ACCOUNT);

	if (!conns)
		return NULL;
	spin_lock_init(&conns->lock);
	INIT_LIST_HEAD(&conns->all);
	INIT_LIST_HEAD(&conns->walks);
	INIT_LIST_HEAD(&conns->pending);
	INIT_LIST_HEAD(&conns->waiting);
	INIT_LIST_HEAD(&conns->resets);
	INIT_LIST_HEAD(&conns->siblings.flows);
	INIT_LIST_HEAD(&conns->siblings.backlog);
	INIT_LIST_HEAD(&conns->siblings.ahead);
	mvs_pool_init(&conns->pool);
	return conns;
}

/**
 * mvs_conns_destroy - undo mvs_conns_create()
 * @conns: the list, empty after mvs_conns_forget()
 */
void mvs_conns_destroy(struct mvs_conns *conns)
{
	mvs_pool_drain(&conns->pool);
	kfree(conns);
}

/**
 * mvs_conn_create - allocate a connection for a socket
 * @vsk: the socket
 *
 * Charged to the current task's memory cgroup: for connections that the guest opens, the
 * VMM's.
 *
 * Context: process, with sk_lock held; may sleep.
 * Return: the connection, closed; or NULL.
 */
struct mvs_conn *mvs_conn_create(struct vsock_sock *vsk)
{
	struct mvs_conn *conn = kzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);

	if (!conn)
		return NULL;
	refcount_set(&conn->ref, 1);
	conn->vsk = vsk;
	conn->type = sk_vsock(vsk)->sk_type == SOCK_SEQPACKET ?
		     VIRTIO_VSOCK_TYPE_SEQPACKET : VIRTIO_VSOCK_TYPE_STREAM;
	conn->data_ready = sk_vsock(vsk)->sk_data_ready;
	INIT_LIST_HEAD(&conn->all);
	INIT_LIST_HEAD(&conn->pending);
	INIT_LIST_HEAD(&conn->waiting);
	spin_lock_init(&conn->lock);
	return conn;
}

/**
 * mvs_conn_put - drop a reference
 * @conn: the connection
 *
 * Context: process, without spinning locks held.
 */
void mvs_conn_put(struct mvs_conn *conn)
{
	if (!refcount_dec_and_test(&conn->ref))
		return;
	if (conn->device) {
		mvs_queue_purge(&conn->rx, &conn->device->conns->pool);
		mvs_queue_purge(&conn->tx, &conn->device->conns->pool);
		mvs_device_put(conn->device);
	}
	/* A lookup of another connection may be walking over this one. */
	kfree_rcu(conn, rcu);
}

/**
 * mvs_conn_attach - add a connection to the lookup table
 * @conn: the connection, which was never attached
 * @device: the guest
 * @key: its addresses
 *
 * Context: process, with sk_lock held; may sleep.
 * Return: 0; %-ENODEV when the guest is gone; %-EADDRINUSE when there is another
 * connection with these addresses; %-ENOMEM.
 */
int mvs_conn_attach(struct mvs_conn *conn, struct mvs_device *device,
		    const struct mvs_conn_key *key)
{
	struct mvs_conns *conns = device->conns;
	int ret = -ENODEV;

	if (!refcount_inc_not_zero(&device->ref))
		return -ENODEV;
	conn->device = device;
	conn->key = *key;
	conn->since = jiffies;

	spin_lock(&conns->lock);
	if (!conns->closed)
		ret = rhashtable_lookup_insert_fast(&table, &conn->node,
						    table_params);
	if (!ret) {
		sock_hold(sk_vsock(conn->vsk));
		conn->in_table = true;
		conn->serial = ++conns->serial;
		mvs_count(&device->nconns, 1);
		list_add_tail(&conn->all, &conns->all);
	}
	spin_unlock(&conns->lock);
	return ret == -EEXIST ? -EADDRINUSE : ret;
}

/* Have walks that are at a connection go on behind it. */
static void conn_move_walks(struct mvs_conns *conns, struct mvs_conn *conn)
{
	struct mvs_walk *walk;

	lockdep_assert_held(&conns->lock);
	list_for_each_entry(walk, &conns->walks, list)
		if (walk->next == &conn->all)
			walk->next = conn->all.next;
}

/**
 * mvs_conn_remove - remove a connection from the lookup table
 * @conn: the connection, in the table or not
 *
 * Its pending packets are still sent.
 *
 * Context: process; the caller has a reference on the socket.
 */
void mvs_conn_remove(struct mvs_conn *conn)
{
	struct mvs_conns *conns;
	bool was, last;

	if (!conn->device)
		return;
	conns = conn->device->conns;
	spin_lock(&conns->lock);
	was = conn->in_table;
	if (was) {
		rhashtable_remove_fast(&table, &conn->node, table_params);
		conn->in_table = false;
		mvs_count(&conn->device->nconns, -1);
		conn_move_walks(conns, conn);
		list_del_init(&conn->all);
		list_del_init(&conn->waiting);
	}
	last = list_empty(&conns->all);
	spin_unlock(&conns->lock);
	/* A guest without connections keeps no pages. */
	if (last)
		mvs_pool_drain(&conns->pool);
	if (was)
		sock_put(sk_vsock(conn->vsk));
}

/*
 * Called with the connections' lock held. Returns true if the caller has to put the
 * reference of the pending list.
 */
static bool conn_forget_locked(struct mvs_conn *conn)
{
	bool put = !list_empty(&conn->pending);

	WRITE_ONCE(conn->forgotten, true);
	conn->marks = 0;
	conn->shutdown = 0;
	list_del_init(&conn->pending);
	return put;
}

/**
 * mvs_conn_forget - drop a connection's pending packets, and do not accept any more
 * @conn: the connection
 *
 * Context: process.
 */
void mvs_conn_forget(struct mvs_conn *conn)
{
	struct mvs_conns *conns;
	bool put;

	if (!conn->device)
		return;
	conns = conn->device->conns;
	spin_lock(&conns->lock);
	put = conn_forget_locked(conn);
	spin_unlock(&conns->lock);
	if (put)
		mvs_conn_put(conn);
}

/**
 * mvs_conn_discard - drop a connection's received data, and all that arrive later
 * @conn: the connection
 *
 * Context: process, with sk_lock held.
 */
void mvs_conn_discard(struct mvs_conn *conn)
{
	struct mvs_queue purge = {};

	if (!conn->device)
		return;
	spin_lock(&conn->lock);
	conn->open = false;
	conn->discard = true;
	if (!conn->putting)
		swap(purge, conn->rx);
	conn->rx_len = 0;
	conn->rx_bytes = 0;
	conn->rx_records = 0;
	conn->rx_messages = 0;
	spin_unlock(&conn->lock);
	mvs_queue_purge(&purge, &conn->device->conns->pool);
}

/**
 * mvs_conn_find - look up a packet's connection
 * @device: the guest that sent it
 * @key: the packet's addresses
 *
 * Context: process.
 * Return: the connection, for mvs_conn_release(), with its socket; or NULL.
 */
struct mvs_conn *mvs_conn_find(struct mvs_device *device,
			       const struct mvs_conn_key *key)
{
	struct mvs_conns *conns = device->conns;
	struct mvs_conn *conn;

	/* A connection of the previous device with this CID may still be in the table. */
	rcu_read_lock();
	/*
	 * The lock keeps the socket alive: its reference is dropped only after the removal from the
	 * table.
	 */
	spin_lock(&conns->lock);
	conn = rhashtable_lookup_fast(&table, key, table_params);
	if (conn && conn->device == device) {
		refcount_inc(&conn->ref);
		sock_hold(sk_vsock(conn->vsk));
	} else {
		conn = NULL;
	}
	spin_unlock(&conns->lock);
	rcu_read_unlock();
	return conn;
}

/**
 * mvs_conn_release - undo mvs_conn_find()
 * @conn: the connection
 *
 * Context: process, without sk_lock.
 */
void mvs_conn_release(struct mvs_conn *conn)
{
	struct sock *sk = sk_vsock(conn->vsk);

	mvs_conn_put(conn);
	sock_put(sk);
}

/*
 * Nothing is queued if the guest has forgotten the connection, if the device is gone, or if the
 * guest has closed it and opened another one with the same ports, which a late packet would hit.
 * Pending packets are dropped then: a guest that posts no buffers must not make the host keep
 * connections.
 */
static bool conn_may_mark(const struct mvs_conn *conn)
{
	return !conn->forgotten && !conn->device->conns->closed &&
	       (conn->in_table ||
		!rhashtable_lookup_fast(&table, &conn->key, table_params));
}

/**
 * mvs_conn_mark - queue a packet without data
 * @conn: the connection, attached
 * @mark: the packet; no effect if one of this kind is pending
 * @shutdown: VIRTIO_VSOCK_SHUTDOWN_*, added to those that are pending
 *
 * If the connection may not send any more, all its pending packets are dropped.
 *
 * mvs_send_pending() or the worker sends it.
 *
 * Context: process.
 */
void mvs_conn_mark(struct mvs_conn *conn, enum mvs_mark mark, u32 shutdown)
{
	struct mvs_conns *conns = conn->device->conns;
	bool put = false;

	spin_lock(&conns->lock);
	if (conn_may_mark(conn)) {
		if (mark == MVS_MARK_RST)
			conn->marks = 0;
		conn->marks |= BIT(mark);
		conn->shutdown |= shutdown;
		if (list_empty(&conn->pending)) {
			refcount_inc(&conn->ref);
			list_add_tail(&conn->pending, &conns->pending);
		}
	} else {
		put = conn_forget_locked(conn);
	}
	spin_unlock(&conns->lock);
	if (put)
		mvs_conn_put(conn);
}

/**
 * mvs_conn_writable - wake blocked senders, if the socket still exists
 * @conn: the connection
 *
 * Context: process.
 */
void mvs_conn_writable(struct mvs_conn *conn)
{
	struct mvs_conns *conns = conn->device->conns;
	struct sock *sk = NULL;

	spin_lock(&conns->lock);
	if (conn->in_table) {
		sk = sk_vsock(conn->vsk);
		sock_hold(sk);
	}
	spin_unlock(&conns->lock);
	if (sk) {
		sk->sk_write_space(sk);
		sock_put(sk);
	}
}

/*
 * Queue a RST until there is a chain, up to MVS_RESETS_MAX of them. Beyond that it is dropped. The
 * guest's packets are taken even then, as a guest may post no buffers until they are. Called with
 * the connections' lock held. Returns true if it was queued.
 */
static bool conns_queue_reset(struct mvs_device *device,
			      struct mvs_reset *reset)
{
	struct mvs_conns *conns = device->conns;

	lockdep_assert_held(&conns->lock);
	if (conns->nresets >= MVS_RESETS_MAX) {
		mvs_count(&device->resets_dropped, 1);
		return false;
	}
	list_add_tail(&reset->list, &conns->resets);
	conns->nresets++;
	return true;
}

/**
 * mvs_conn_reset - queue a RST as a connection's last packet
 * @conn: the connection, attached
 *
 * Other pending packets are dropped. A guest that posts no buffers must not make the host keep
 * connections: the RST goes into the same bounded list as those of mvs_conns_reset().
 *
 * mvs_send_pending() or the worker sends it.
 *
 * Context: process; may sleep.
 */
void mvs_conn_reset(struct mvs_conn *conn)
{
	struct mvs_conns *conns = conn->device->conns;
	struct mvs_reset *reset = kmalloc(sizeof(*reset), GFP_KERNEL_ACCOUNT);
	bool queued = false, put;

	if (!reset) {
		mvs_conn_mark(conn, MVS_MARK_RST, 0);
		return;
	}
	mvs_conn_header(conn, VIRTIO_VSOCK_OP_RST, 0, &reset->hdr);
	spin_lock(&conns->lock);
	if (conn_may_mark(conn))
		queued = conns_queue_reset(conn->device, reset);
	put = conn_forget_locked(conn);
	spin_unlock(&conns->lock);
	if (put)
		mvs_conn_put(conn);
	if (!queued)
		kfree(reset);
}

/**
 * mvs_conns_reset - queue a RST for an unknown connection
 * @device: the guest
 * @packet: the header of its packet
 *
 * If too many are queued already, it is dropped and counted.
 *
 * Context: process; may sleep.
 * Return: 0 or %-ENOMEM.
 */
int mvs_conns_reset(struct mvs_device *device,
		    const struct virtio_vsock_hdr *packet)
{
	struct mvs_reset *reset = kmalloc(sizeof(*reset), GFP_KERNEL_ACCOUNT);
	bool queued;

	if (!reset)
		return -ENOMEM;
	reset->hdr = mvs_conn_answer_rst(packet);
	spin_lock(&device->conns->lock);
	queued = conns_queue_reset(device, reset);
	spin_unlock(&device->conns->lock);
	if (!queued)
		kfree(reset);
	return 0;
}

/**
 * mvs_conn_header - build a packet's header, with the current credit
 * @conn: the connection
 * @op: VIRTIO_VSOCK_OP_*
 * @flags: VIRTIO_VSOCK_SEQ_* or VIRTIO_VSOCK_SHUTDOWN_*
 * @hdr: the header; its len is set later
 *
 * Context: any.
 * Return: the previous @told of the connection's credit, for the caller to restore if the packet is
 * not sent after all.
 */
u64 mvs_conn_header(struct mvs_conn *conn, u16 op, u32 flags,
		    struct virtio_vsock_hdr *hdr)
{
	u64 told;

	*hdr = (struct virtio_vsock_hdr) {
		.src_cid = cpu_to_le64(MVS_HOST_CID),
		.dst_cid = cpu_to_le64(conn->key.cid),
		.src_port = cpu_to_le32(conn->key.local_port),
		.dst_port = cpu_to_le32(conn->key.remote_port),
		.type = cpu_to_le16(conn->type),
		.op = cpu_to_le16(op),
		.flags = cpu_to_le32(flags),
	};
	spin_lock(&conn->lock);
	told = conn->credit.told;
	mvs_credit_tell(&conn->credit);
	hdr->buf_alloc = cpu_to_le32(conn->credit.buf_alloc);
	hdr->fwd_cnt = cpu_to_le32(conn->credit.fwd_cnt);
	spin_unlock(&conn->lock);
	return told;
}

/* Unread bytes of a connection at which the guest is considered busy for some time. */
#define MVS_BUSY_BYTES	SZ_64K

/**
 * mvs_conn_hear - update the peer's credit from a packet
 * @conn: the connection
 * @hdr: the packet's header; each packet has credit fields
 *
 * Wakes a sender that is blocked on credit. If the guest has little left to read, the next
 * CREDIT_UPDATE must not wait: see vq_packet_can_wait() in virtqueue/notify.c.
 *
 * Context: process, in which the socket stays, with the TX virtqueue's mutex held.
 */
void mvs_conn_hear(struct mvs_conn *conn, const struct virtio_vsock_hdr *hdr)
{
	u32 buf_alloc = le32_to_cpu(hdr->buf_alloc);
	u32 fwd_cnt = le32_to_cpu(hdr->fwd_cnt);
	struct mvs_credit *credit = &conn->credit;
	struct sock *sk = sk_vsock(conn->vsk);
	bool wake, idle;

	spin_lock(&conn->lock);
	if (credit->peer_buf_alloc != buf_alloc ||
	    credit->peer_fwd_cnt != fwd_cnt)
		mvs_conn_room_changed(conn);
	credit->peer_buf_alloc = buf_alloc;
	credit->peer_fwd_cnt = fwd_cnt;
	wake = conn->blocked && !conn->parked &&
	       mvs_credit_space(credit) >= READ_ONCE(conn->wanted);
	if (wake)
		conn->blocked = false;
	idle = mvs_credit_unread(credit) < MVS_BUSY_BYTES;
	spin_unlock(&conn->lock);
	if (!wake)
		return;
	if (idle)
		conn->device->vqs[MVS_VQ_TX].streak = 0;
	sk->sk_write_space(sk);
}

/* Set the socket's error, if it is due. Returns true if it was, and has to be reported. */
static bool conn_take_reset(struct mvs_conn *conn)
{
	bool seqpacket = conn->type == VIRTIO_VSOCK_TYPE_SEQPACKET;
	bool due;

	spin_lock(&conn->lock);
	due = conn->reset &&
	      !(seqpacket ? conn->rx_messages : conn->rx_bytes);
	if (due)
		conn->reset = false;
	spin_unlock(&conn->lock);
	if (due)
		WRITE_ONCE(sk_vsock(conn->vsk)->sk_err, ECONNRESET);
	return due;
}

/**
 * mvs_conn_report_reset - set the socket's error, if all data before the reset have been read
 * @conn: the connection, reset or not
 *
 * While an error is set, AF_VSOCK dequeues a message without returning it to the program.
 *
 * Context: process, in which the socket stays.
 */
void mvs_conn_report_reset(struct mvs_conn *conn)
{
	if (likely(!READ_ONCE(conn->reset)))
		return;
	if (conn_take_reset(conn))
		sk_error_report(sk_vsock(conn->vsk));
}

/**
 * mvs_conn_abort - end a connection and report an error to its program
 * @conn: the connection, which the guest has forgotten, or for which it is sent a RST
 *
 * The error is reported after the received data. The VMM must not wait for the socket's lock, whose
 * holder may be faulting in its own memory: nothing here takes that lock.
 *
 * No effect if the connection is not in the lookup table any more.
 *
 * Context: process, in which the socket stays.
 */
void mvs_conn_abort(struct mvs_conn *conn)
{
	struct mvs_conns *conns = conn->device->conns;
	struct sock *sk = sk_vsock(conn->vsk);
	bool due;

	spin_lock(&conns->lock);
	if (!conn->in_table) {
		/* It has ended, and its socket may have another connection. */
		spin_unlock(&conns->lock);
		return;
	}
	spin_lock(&conn->lock);
	conn->open = false;
	conn->reset = true;
	spin_unlock(&conn->lock);
	/*
	 * Set the error before the end of file: a reader that sees the end must also see the error.
	 */
	due = conn_take_reset(conn);
	WRITE_ONCE(conn->vsk->peer_shutdown, SHUTDOWN_MASK);
	spin_unlock(&conns->lock);
	if (due)
		sk_error_report(sk);
	mvs_conn_remove(conn);
	mvs_conn_forget(conn);
	/* After the removal, which is what a lingering close() waits for. */
	sk->sk_state_change(sk);
}
