// SPDX-License-Identifier: GPL-2.0
/*
 * AF_VSOCK sockets: setup and teardown of connections. A connection's transitions are in
 * conn/state.c; their effects on its socket are here.
 */
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/virtio_vsock.h>
#include <linux/workqueue.h>
#include <net/af_vsock.h>
#include <net/sock.h>

#include <mvsock/compat.h>
#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/policy.h>

#include "data.h"
#include "socket.h"

/* Timeout for a guest to answer SHUTDOWN; the same as with vhost_vsock. */
#define MVS_CLOSE_TIMEOUT	(8 * HZ)

/* AF_VSOCK may have assigned the socket to another transport. */
static bool socket_is_ours(const struct vsock_sock *vsk)
{
	return vsk->transport && vsk->transport->module == THIS_MODULE;
}

/* For the timeouts of closing connections. */
static struct workqueue_struct *close_queue;

/**
 * mvs_socket_register - create the workqueue for timeouts
 *
 * Return: 0 or %-ENOMEM.
 */
int mvs_socket_register(void)
{
	close_queue = alloc_workqueue("mvsock_close", WQ_UNBOUND, 0);
	return close_queue ? 0 : -ENOMEM;
}

/**
 * mvs_socket_unregister - undo mvs_socket_register(); there are no sockets
 *
 * The timeout work may put the last socket, and with it the module's last reference: no such work
 * runs after this returns.
 */
void mvs_socket_unregister(void)
{
	destroy_workqueue(close_queue);
}

/**
 * mvs_socket_readable - check that at least so many bytes can be read
 * @conn: the socket's connection
 * @target: bytes; for seqpackets one whole message counts, however long it is
 *
 * Context: any.
 * Return: true if they can.
 */
bool mvs_socket_readable(struct mvs_conn *conn, u64 target)
{
	if (conn->type == VIRTIO_VSOCK_TYPE_SEQPACKET)
		return READ_ONCE(conn->rx_messages);
	return READ_ONCE(conn->rx_bytes) >= target;
}

/**
 * mvs_socket_awaited - check for as much data as a reader waits for
 * @conn: the socket's connection
 *
 * A reader that has part of the bytes it needs for SO_RCVLOWAT or MSG_WAITALL waits for the rest.
 *
 * Context: any.
 * Return: true if there is as much; false if no reader waits.
 */
bool mvs_socket_awaited(struct mvs_conn *conn)
{
	u64 target;

	spin_lock(&conn->lock);
	target = conn->rx_target;
	spin_unlock(&conn->lock);
	return target && mvs_socket_readable(conn, target);
}

static void socket_set_open(struct mvs_conn *conn, bool open)
{
	spin_lock(&conn->lock);
	conn->open = open;
	spin_unlock(&conn->lock);
}

/* --- the end -------------------------------------------------------------- */

/* Remove it from our table and from AF_VSOCK's. */
static void socket_remove(struct vsock_sock *vsk)
{
	mvs_conn_remove(vsk->trans);
	vsock_remove_sock(vsk);
}

/* The socket has been released, and the connection is closed. */
static void socket_remove_closed(struct vsock_sock *vsk)
{
	sock_set_flag(sk_vsock(vsk), SOCK_DONE);
	mvs_conn_discard(vsk->trans);
	socket_remove(vsk);
}

/*
 * Has no effect if the timeout has already expired: socket_close_timeout() waits for the socket's
 * lock.
 */
static void socket_cancel_timeout(struct vsock_sock *vsk)
{
	if (!vsk->close_work_scheduled || !cancel_delayed_work(&vsk->close_work))
		return;
	vsk->close_work_scheduled = false;
	sock_put(sk_vsock(vsk));
}

/*
 * The connection is closed. Received data may still be read. No packet is sent any more but the
 * reset, if this side closes.
 */
static void socket_over(struct vsock_sock *vsk, bool reset)
{
	struct mvs_conn *conn = vsk->trans;
	struct sock *sk = sk_vsock(vsk);

	socket_set_open(conn, false);
	if (!reset)
		mvs_conn_forget(conn);
	sock_set_flag(sk, SOCK_DONE);
	WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
	if (!READ_ONCE(conn->rx_bytes))
		sk->sk_state = TCP_CLOSING;
	sk->sk_state_change(sk);
	if (vsk->close_work_scheduled) {
		mvs_conn_discard(conn);
		socket_cancel_timeout(vsk);
	}
	socket_remove(vsk);
}

static void socket_opened(struct vsock_sock *vsk)
{
	struct sock *sk = sk_vsock(vsk);

	socket_set_open(vsk->trans, true);
	sk->sk_state = TCP_ESTABLISHED;
	sk->sk_socket->state = SS_CONNECTED;
	vsock_insert_connected(vsk);
	sk->sk_state_change(sk);
}

/* Apply a state change to the socket. */
static void socket_enter_state(struct vsock_sock *vsk, enum mvs_conn_state old,
			       enum mvs_conn_event event,
			       const struct mvs_transition *t)
{
	if (old == t->next)
		return;
	switch (t->next) {
	case MVS_CONN_CLOSED:
		if (old == MVS_CONN_CONNECTING) {
			/* The request may still be waiting for a chain. */
			if (t->send != MVS_MARK_RST)
				mvs_conn_forget(vsk->trans);
			sk_vsock(vsk)->sk_state = TCP_CLOSE;
			socket_remove(vsk);
		} else if (old == MVS_CONN_OPEN && event == MVS_EVENT_LOST) {
			mvs_conn_abort(vsk->trans);
		} else {
			socket_over(vsk, t->send == MVS_MARK_RST);
		}
		break;
	case MVS_CONN_OPEN:
		if (old == MVS_CONN_CONNECTING)
			socket_opened(vsk);
		break;
	case MVS_CONN_ENDED:
		socket_set_open(vsk->trans, false);
		/* The guest may open a new connection with the same ports. */
		socket_remove(vsk);
		break;
	default:
		break;
	}
}

/*
 * Look up an event's transition and apply it. Returns true if there is a packet to send; a reset
 * has been sent already, or is left to the worker.
 */
static bool socket_apply_event(struct vsock_sock *vsk,
			       enum mvs_conn_event event)
{
	struct mvs_conn *conn = vsk->trans;
	struct mvs_transition t = mvs_conn_transition(conn->state, event);
	enum mvs_conn_state old = conn->state;
	struct sock *sk = sk_vsock(vsk);

	WRITE_ONCE(conn->state, t.next);
	if (t.send == MVS_MARK_RST) {
		/*
		 * The guest's port is in use until it gets the reset. So the reset is sent first: a
		 * program that sees the end may make the guest connect from that port again.
		 */
		mvs_conn_reset(conn);
		mvs_send_pending(conn->device);
	} else if (t.send != MVS_MARK_NONE) {
		mvs_conn_mark(conn, t.send, t.send == MVS_MARK_SHUTDOWN ?
			      VIRTIO_VSOCK_SHUTDOWN_RCV |
			      VIRTIO_VSOCK_SHUTDOWN_SEND : 0);
	}
	socket_enter_state(vsk, old, event, &t);
	if (t.error) {
		WRITE_ONCE(sk->sk_err, t.error);
		sk_error_report(sk);
	}
	return t.send != MVS_MARK_NONE && t.send != MVS_MARK_RST;
}

/* --- packets from the guest ----------------------------------------------- */

/* Returns true if there is a packet to send. */
static bool socket_peer_shutdown(struct vsock_sock *vsk, u32 flags)
{
	struct mvs_conn *conn = vsk->trans;
	struct sock *sk = sk_vsock(vsk);
	u32 shutdown = vsk->peer_shutdown;
	bool send;

	if (flags & VIRTIO_VSOCK_SHUTDOWN_RCV)
		shutdown |= RCV_SHUTDOWN;
	if (flags & VIRTIO_VSOCK_SHUTDOWN_SEND)
		shutdown |= SEND_SHUTDOWN;
	/*
	 * When both directions are shut down, socket_over() sets peer_shutdown, after the reset was
	 * sent.
	 */
	if (shutdown == SHUTDOWN_MASK && !READ_ONCE(conn->rx_bytes))
		return socket_apply_event(vsk, MVS_EVENT_SHUTDOWN_READ);
	WRITE_ONCE(vsk->peer_shutdown, shutdown);
	send = socket_apply_event(vsk, shutdown == SHUTDOWN_MASK ?
				  MVS_EVENT_SHUTDOWN_UNREAD :
				  MVS_EVENT_SHUTDOWN);
	if (flags)
		sk->sk_state_change(sk);
	return send;
}

/**
 * mvs_socket_event - handle a packet that may change a connection's state
 * @conn: the connection, from mvs_conn_find()
 * @event: the packet
 * @hdr: its header
 *
 * Answers are queued for the worker.
 *
 * Context: the worker; may sleep.
 * Return: false if the connection has been closed since the lookup, so that the packet belongs to
 * no connection.
 */
bool mvs_socket_event(struct mvs_conn *conn, enum mvs_conn_event event,
		      const struct virtio_vsock_hdr *hdr)
{
	struct vsock_sock *vsk = conn->vsk;
	struct sock *sk = sk_vsock(vsk);
	bool send, found;

	lock_sock(sk);
	/* The socket may have been closed since the lookup, or may have another transport. */
	found = vsk->trans == conn && READ_ONCE(conn->in_table);
	if (found) {
		if (event == MVS_EVENT_SHUTDOWN &&
		    conn->state != MVS_CONN_CONNECTING)
			send = socket_peer_shutdown(vsk,
						    le32_to_cpu(hdr->flags));
		else
			send = socket_apply_event(vsk, event);
		if (send)
			mvs_device_wake(conn->device, MVS_VQ_RX);
	}
	release_sock(sk);
	return found;
}

/* Check whether the rules allow a connection; counts one that they deny. */
static bool socket_is_allowed(const struct mvs_conn *conn,
			      enum mvs_direction direction)
{
	const struct mvs_conn_key *key = &conn->key;
	u32 port = direction == MVS_TO_GUEST ? key->remote_port :
					       key->local_port;
	struct mvs_device *device = conn->device;

	if (mvs_policy_allows(key->scope, direction, key->cid, port))
		return true;
	spin_lock(&device->conns->lock);
	mvs_count(&device->denied, 1);
	spin_unlock(&device->conns->lock);
	return false;
}

/*
 * Begin a connection that is in the lookup table, if the rules allow it. If they change meanwhile,
 * either a reset that follows sees its new state, or the new rules are seen here. Returns 0; or
 * %-EPERM.
 */
static int socket_begin(struct vsock_sock *vsk, enum mvs_direction direction)
{
	bool to_guest = direction == MVS_TO_GUEST;
	unsigned int changes = mvs_policy_changes();
	struct mvs_conn *conn = vsk->trans;

	/* The rules are not older than their number. */
	smp_rmb();
	if (!socket_is_allowed(conn, direction)) {
		mvs_conn_remove(conn);
		return -EPERM;
	}
	socket_apply_event(vsk, to_guest ? MVS_EVENT_CONNECT : MVS_EVENT_ACCEPT);
	/* Pairs with the barrier in mvs_policy_set(). */
	smp_mb();
	if (likely(changes == mvs_policy_changes()) ||
	    socket_is_allowed(conn, direction))
		return 0;
	socket_apply_event(vsk, to_guest ? MVS_EVENT_CANCEL : MVS_EVENT_LOST);
	return -EPERM;
}

/* --- connections that the guest opens ------------------------------------- */

static void socket_set_addresses(struct vsock_sock *vsk,
				 const struct mvs_conn_key *key)
{
	vsock_addr_init(&vsk->local_addr, MVS_HOST_CID, key->local_port);
	vsock_addr_init(&vsk->remote_addr, key->cid, key->remote_port);
}

/* Attach a connection to a new socket. Called with the socket's lock held. */
static int socket_adopt(struct vsock_sock *vsk, struct vsock_sock *listener,
			struct mvs_device *device,
			const struct mvs_conn_key *key,
			const struct virtio_vsock_hdr *hdr)
{
	struct mvs_conn *conn;
	int ret;

	sk_vsock(vsk)->sk_state = TCP_ESTABLISHED;
	socket_set_addresses(vsk, key);
	ret = vsock_assign_transport(vsk, listener);
	if (ret)
		return ret;
	/* A guest's CID may be this host's own CID as a guest. */
	if (!socket_is_ours(vsk))
		return -ENODEV;

	conn = vsk->trans;
	conn->credit.peer_buf_alloc = le32_to_cpu(hdr->buf_alloc);
	conn->credit.peer_fwd_cnt = le32_to_cpu(hdr->fwd_cnt);
	/* As in vhost_vsock: a guest may send data before RESPONSE. */
	conn->credit.granted = conn->credit.buf_alloc;
	conn->open = true;
	return mvs_conn_attach(conn, device, key) ?:
	       socket_begin(vsk, MVS_TO_HOST);
}

/* Add a socket to the listener's accept queue. */
static bool socket_queue_child(struct sock *sk, struct mvs_device *device,
			       const struct mvs_conn_key *key,
			       const struct virtio_vsock_hdr *hdr)
{
	struct sock *child = vsock_create_connected(sk);
	int ret;

	if (!child)
		return false;
	lock_sock_nested(child, SINGLE_DEPTH_NESTING);
	ret = socket_adopt(vsock_sk(child), vsock_sk(sk), device, key, hdr);
	if (!ret) {
		vsock_insert_connected(vsock_sk(child));
		mvs_enqueue_accept(sk, child);
	}
	release_sock(child);
	if (ret)
		sock_put(child);
	return !ret;
}

/**
 * mvs_socket_accept - handle a guest's REQUEST
 * @device: the guest
 * @key: the addresses, not yet those of a connection
 * @hdr: the packet
 *
 * Context: the worker; may sleep.
 * Return: true if a listener has queued it.
 */
bool mvs_socket_accept(struct mvs_device *device,
		       const struct mvs_conn_key *key,
		       const struct virtio_vsock_hdr *hdr)
{
	bool seqpacket = hdr->type == cpu_to_le16(VIRTIO_VSOCK_TYPE_SEQPACKET);
	struct sockaddr_vm addr;
	bool taken = false;
	struct sock *sk;

	vsock_addr_init(&addr, MVS_HOST_CID, key->local_port);
	sk = mvs_find_listener(&addr, device->net);
	if (!sk)
		return false;

	lock_sock(sk);
	if (sk->sk_type == (seqpacket ? SOCK_SEQPACKET : SOCK_STREAM) &&
	    sk->sk_state == TCP_LISTEN && !sock_flag(sk, SOCK_DONE) &&
	    sk->sk_shutdown != SHUTDOWN_MASK && !sk_acceptq_is_full(sk))
		taken = socket_queue_child(sk, device, key, hdr);
	if (taken) {
		mvs_device_wake(device, MVS_VQ_RX);
		sk->sk_data_ready(sk);
	}
	release_sock(sk);
	sock_put(sk);
	return taken;
}

/* --- calls from the program ----------------------------------------------- */

/**
 * mvs_socket_init - assign the transport to a socket
 * @vsk: the socket
 * @parent: its listener, or NULL
 *
 * Context: process; may sleep.
 * Return: 0 or %-ENOMEM.
 */
int mvs_socket_init(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	struct mvs_conn *conn = mvs_conn_create(vsk);

	if (!conn)
		return -ENOMEM;
	vsk->buffer_size = min_t(u64, vsk->buffer_size,
				 VIRTIO_VSOCK_MAX_BUF_SIZE);
	conn->credit.buf_alloc = vsk->buffer_size;
	vsk->trans = conn;
	return 0;
}

/**
 * mvs_socket_destruct - undo mvs_socket_init()
 * @vsk: the socket, released
 */
void mvs_socket_destruct(struct vsock_sock *vsk)
{
	struct mvs_conn *conn = vsk->trans;

	socket_cancel_timeout(vsk);
	/* A reader may have taken a lease again while mvs_socket_release() lingered. */
	mvs_direct_decline(conn);
	mvs_conn_discard(conn);
	mvs_conn_remove(conn);
	vsk->trans = NULL;
	mvs_conn_put(conn);
}

/*
 * A connection is used only once, as its packets may still be in flight: the socket gets a new one.
 */
static int socket_renew_conn(struct vsock_sock *vsk)
{
	struct mvs_conn *old = vsk->trans;
	struct mvs_conn *conn;

	if (!old->device)
		return 0;
	conn = mvs_conn_create(vsk);
	if (!conn)
		return -ENOMEM;
	conn->credit.buf_alloc = old->credit.buf_alloc;
	/* mvs_socket_release() will not know the previous device. */
	mvs_direct_decline(old);
	mvs_conn_remove(old);
	mvs_conn_forget(old);
	vsk->trans = conn;
	mvs_conn_put(old);
	WRITE_ONCE(vsk->peer_shutdown, 0);
	return 0;
}

static int socket_attach(struct vsock_sock *vsk, struct mvs_device *device)
{
	struct mvs_conn *conn = vsk->trans;
	const struct mvs_conn_key key = {
		.scope = device->scope,
		.cid = vsk->remote_addr.svm_cid,
		.local_port = vsk->local_addr.svm_port,
		.remote_port = vsk->remote_addr.svm_port,
	};
	int ret;

	if (mvs_device_refuses(device))
		return -EHOSTUNREACH;
	/*
	 * AF_VSOCK calls stream_allow() for seqpackets as well, so streams are refused
	 * here.
	 */
	if (!mvs_device_allows_type(device, conn->type))
		return -ENETUNREACH;
	ret = socket_renew_conn(vsk);
	if (!ret)
		ret = mvs_conn_attach(vsk->trans, device, &key) ?:
		      socket_begin(vsk, MVS_TO_GUEST);
	return ret;
}

/**
 * mvs_socket_connect - send a REQUEST to the guest
 * @vsk: the socket, with the addresses of both ends
 *
 * Context: process, with sk_lock held; may sleep.
 * Return: 0; %-ENODEV when there is no such guest; %-EPERM when a rule denies it; %-EHOSTUNREACH
 * when its device refuses it, see mvs_device_refuses(); %-ENETUNREACH when the negotiated features
 * exclude this type; %-EADDRINUSE; %-ENOMEM.
 */
int mvs_socket_connect(struct vsock_sock *vsk)
{
	u32 scope = mvs_net_scope(sock_net(sk_vsock(vsk)));
	struct mvs_device *device = mvs_cid_get(scope, vsk->remote_addr.svm_cid);
	int ret;

	if (!device)
		return -ENODEV;
	ret = socket_attach(vsk, device);
	if (!ret)
		mvs_send_pending(device);
	mvs_device_put(device);
	return ret;
}

/**
 * mvs_socket_cancel - give up a connect()
 * @vsk: the socket
 *
 * Without the fix of CVE-2025-40248, AF_VSOCK gives up a connection on a signal even if it has been
 * established at that moment. It is closed later, with a SHUTDOWN to the guest.
 *
 * Context: process, with sk_lock held.
 * Return: 0.
 */
int mvs_socket_cancel(struct vsock_sock *vsk)
{
	struct mvs_conn *conn = vsk->trans;

	if (conn->state == MVS_CONN_CONNECTING)
		socket_apply_event(vsk, MVS_EVENT_CANCEL);
	return 0;
}

/**
 * mvs_socket_shutdown - send a SHUTDOWN to the guest
 * @vsk: the socket
 * @mode: RCV_SHUTDOWN, SEND_SHUTDOWN
 *
 * Context: process, with sk_lock held; may sleep.
 * Return: 0.
 */
int mvs_socket_shutdown(struct vsock_sock *vsk, int mode)
{
	struct mvs_conn *conn = vsk->trans;

	if (conn->state == MVS_CONN_CLOSED) {
		/*
		 * vsock_shutdown() clears SOCK_DONE, which would make recv() fail in place of
		 * returning 0.
		 */
		if (sk_vsock(vsk)->sk_state == TCP_CLOSING)
			sock_set_flag(sk_vsock(vsk), SOCK_DONE);
		return 0;
	}
	mvs_conn_mark(conn, MVS_MARK_SHUTDOWN,
		      (mode & RCV_SHUTDOWN ? VIRTIO_VSOCK_SHUTDOWN_RCV : 0) |
		      (mode & SEND_SHUTDOWN ? VIRTIO_VSOCK_SHUTDOWN_SEND : 0));
	mvs_send_pending(conn->device);
	return 0;
}

/**
 * mvs_socket_fail - reset a connection that can't continue
 * @vsk: the socket
 *
 * Context: process, with sk_lock held; may sleep.
 */
void mvs_socket_fail(struct vsock_sock *vsk)
{
	socket_apply_event(vsk, MVS_EVENT_FAILED);
}

/* The guest did not answer in time. */
static void socket_close_timeout(struct work_struct *work)
{
	struct vsock_sock *vsk = container_of(work, struct vsock_sock,
					      close_work.work);
	struct sock *sk = sk_vsock(vsk);

	lock_sock(sk);
	vsk->close_work_scheduled = false;
	if (socket_is_ours(vsk) && vsk->trans) {
		socket_apply_event(vsk, MVS_EVENT_TIMEOUT);
		socket_remove_closed(vsk);
	}
	release_sock(sk);
	sock_put(sk);
}

/*
 * Start closing an open connection. Returns true if it is closed, false if the guest has to answer
 * first.
 */
static bool socket_close_open(struct vsock_sock *vsk)
{
	struct mvs_conn *conn = vsk->trans;
	struct sock *sk = sk_vsock(vsk);
	bool told = (sk->sk_shutdown & SHUTDOWN_MASK) == SHUTDOWN_MASK;

	if (!READ_ONCE(conn->in_table))
		return true;	/* the guest has forgotten it */
	if (told)
		WRITE_ONCE(conn->state, MVS_CONN_CLOSING);
	else
		socket_apply_event(vsk, MVS_EVENT_CLOSE);
	mvs_send_pending(conn->device);

	if (!(current->flags & PF_EXITING))
		mvs_linger(sk);
	if (sock_flag(sk, SOCK_DONE))
		return true;

	sock_hold(sk);
	INIT_DELAYED_WORK(&vsk->close_work, socket_close_timeout);
	vsk->close_work_scheduled = true;
	queue_delayed_work(close_queue, &vsk->close_work, MVS_CLOSE_TIMEOUT);
	return false;
}

/**
 * mvs_socket_release - close a socket, or detach it from the transport
 * @vsk: the socket
 *
 * Context: process, with sk_lock held; may sleep.
 */
void mvs_socket_release(struct vsock_sock *vsk)
{
	struct mvs_conn *conn = vsk->trans;
	bool done = true;

	mvs_direct_decline(conn);
	switch (conn->state) {
	case MVS_CONN_OPEN:
		done = socket_close_open(vsk);
		break;
	case MVS_CONN_CONNECTING:
		mvs_socket_cancel(vsk);
		break;
	case MVS_CONN_ENDED:
		socket_apply_event(vsk, MVS_EVENT_CLOSE);
		break;
	default:
		break;
	}
	if (done)
		socket_remove_closed(vsk);
	else
		mvs_conn_discard(conn);
}
