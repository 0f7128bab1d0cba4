/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernels. Kbuild checks the kernel's headers, and defines MVS_HAVE_*.
 */
#ifndef _MVSOCK_COMPAT_H
#define _MVSOCK_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/skbuff.h>
#include <net/af_vsock.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#ifndef MVS_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/**
 * mvs_net_scope - get the scope of a namespace's CIDs
 * @net: the network namespace of a socket or a device
 *
 * Return: 0 for all namespaces that share their CIDs, as all did before Linux 7.0; for one with its
 * own CIDs, a number that is unique as long as it exists.
 */
static inline u32 mvs_net_scope(struct net *net)
{
#ifdef MVS_HAVE_NET_MODE
	if (vsock_net_mode(net) == VSOCK_NET_MODE_LOCAL)
		return net->ns.inum;
#endif
	return 0;
}

/* Where there are scopes, the callbacks that allow connections get the socket. */
#ifdef MVS_HAVE_NET_MODE
#define MVS_ALLOW_VSK	struct vsock_sock *vsk,
#define MVS_ALLOW_SCOPE	mvs_net_scope(sock_net(sk_vsock(vsk)))
#else
#define MVS_ALLOW_VSK
#define MVS_ALLOW_SCOPE	0
#endif

/*
 * The callback has to tell whether a CID is a guest's, or that of the host, which may be a guest
 * itself.
 */
#ifdef MVS_HAVE_REMOTE_CID
#define MVS_OP_HAS_REMOTE_CID	.has_remote_cid = transport_has_remote_cid,
#else
#define MVS_OP_HAS_REMOTE_CID
#endif

/**
 * mvs_find_listener - find the socket that is bound to an address
 * @addr: the address
 * @net: the network namespace of the calling device
 *
 * Return: the socket with a reference, or NULL.
 */
static inline struct sock *mvs_find_listener(struct sockaddr_vm *addr,
					     struct net *net)
{
#ifdef MVS_HAVE_NET_MODE
	return vsock_find_bound_socket_net(addr, net);
#else
	return vsock_find_bound_socket(addr);
#endif
}

/**
 * mvs_enqueue_accept - add to a listener's queue, and count it there
 * @listener: the listener
 * @child: the new socket
 */
static inline void mvs_enqueue_accept(struct sock *listener, struct sock *child)
{
#ifndef MVS_HAVE_COUNTED_ACCEPT
	sk_acceptq_added(listener);
#endif
	vsock_enqueue_accept(listener, child);
}

/**
 * mvs_zerocopy_begin - allocate a completion for MSG_ZEROCOPY
 * @sk: the socket
 * @len: bytes it is for
 *
 * Return: the completion, or NULL.
 */
static inline struct ubuf_info *mvs_zerocopy_begin(struct sock *sk, size_t len)
{
#ifdef MVS_HAVE_ZEROCOPY_DEVMEM
	return msg_zerocopy_realloc(sk, len, NULL, false);
#else
	return msg_zerocopy_realloc(sk, len, NULL);
#endif
}

/**
 * mvs_linger - wait in close() as requested by SO_LINGER
 * @sk: the socket, after SHUTDOWN was sent to its guest
 *
 * This waits until the guest has received all data, or, before Linux 6.16, has answered SHUTDOWN.
 */
static inline void mvs_linger(struct sock *sk)
{
#ifdef MVS_HAVE_LINGER
	vsock_linger(sk);
#else
	long timeout = sock_flag(sk, SOCK_LINGER) ? sk->sk_lingertime : 0;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	/* A socket that was never accepted does not linger, and has no wait queue. */
	if (!timeout)
		return;
	add_wait_queue(sk_sleep(sk), &wait);
	while (timeout && !signal_pending(current) &&
	       !sk_wait_event(sk, &timeout, sock_flag(sk, SOCK_DONE), &wait))
		;
	remove_wait_queue(sk_sleep(sk), &wait);
#endif
}

/**
 * mvs_refuses_unready - check whether sends to a device that does not run fail at once
 *
 * Return: true since Linux 7.2. Before, they waited for the guest as usual.
 */
static inline bool mvs_refuses_unready(void)
{
#ifdef MVS_HAVE_REFUSAL
	return true;
#else
	return false;
#endif
}

/**
 * mvs_invalidates_nothing - check whether an IOTLB invalidation may have size 0
 *
 * Return: false since Linux 7.3. Before, it may, and size 0 at address 0 means all addresses.
 */
static inline bool mvs_invalidates_nothing(void)
{
#ifdef MVS_HAVE_INVALIDATE_SIZE
	return false;
#else
	return true;
#endif
}

#endif /* _MVSOCK_COMPAT_H */
