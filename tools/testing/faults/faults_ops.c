// SPDX-License-Identifier: GPL-2.0
/* The operations during which faults are injected. */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/vhost.h>
#include <linux/vm_sockets.h>

#include "calls.h"
#include "faults.h"

#define GUEST_PORT	77
#define LARGE		60000U
#define PAGE		4096U

/* --- the VMM -------------------------------------------------------------- */

static void allocated(struct scene *s)
{
	struct guest_config cfg = scene_config(s);

	require_ok(guest_alloc(&s->s.g, &cfg));
}

static int do_open(struct scene *s)
{
	return dev_open(&s->s.g.dev, s->s.g.cfg.path, 0);
}

static void reached(struct scene *s, enum state to)
{
	struct guest_config cfg = scene_config(s);

	require_ok(state_reach(&s->s.g, &cfg, to));
}

static void fresh(struct scene *s) { reached(s, FRESH); }
static void owned(struct scene *s) { reached(s, OWNED); }
static void with_memory(struct scene *s) { reached(s, MEMORY); }
static void ready(struct scene *s) { reached(s, READY); }

static void runs(struct scene *s)
{
	struct guest_config cfg = scene_config(s);

	scene_start(s, &cfg);
}

static int set_owner(struct scene *s) { return state_next(&s->s.g, FRESH); }
static int set_memory(struct scene *s) { return state_next(&s->s.g, OWNED); }
static int set_rings(struct scene *s) { return state_next(&s->s.g, MEMORY); }
static int start(struct scene *s) { return state_next(&s->s.g, READY); }

/*
 * Either of the two ioctls may have failed, and the first one can't be repeated on the same file:
 * open another one.
 */
static int own_again(struct scene *s)
{
	dev_close(&s->s.g.dev);
	return do_open(s) ?: set_owner(s);
}

static int start_all(struct scene *s) { return set_rings(s) ?: start(s); }

static int memory_on(struct scene *s)
{
	return set_memory(s) ?: start_all(s);
}

static int owner_on(struct scene *s) { return set_owner(s) ?: memory_on(s); }

/* Ioctls that do not affect whether the device works. */
static int other_ioctls(struct scene *s)
{
	const struct dev *dev = &s->s.g.dev;
	int fd = s->s.g.q[RXQ].call;
	__u32 base;

	return dev_set_backend_features(dev, 0) ?:
	       dev_get_ring_base(dev, RXQ, &base) ?:
	       dev_set_ring_busyloop(dev, RXQ, 0) ?:
	       dev_set_log_base(dev, (uintptr_t)s->s.g.mem.region[0].va) ?:
	       dev_ioctl(dev, VHOST_SET_LOG_FD, &fd) ?:
	       dev_set_mem_table(dev, &s->s.g.mem) ?:
	       dev_set_cid(dev, s->s.g.cfg.cid + 0x100) ?:
	       dev_set_cid(dev, s->s.g.cfg.cid);
}

static int stop_and_start(struct scene *s)
{
	return dev_set_running(&s->s.g.dev, 0) ?:
	       dev_set_running(&s->s.g.dev, 1);
}

static int iotlb(struct scene *s)
{
	const struct dev *dev = &s->s.g.dev;
	struct vhost_msg_v2 m = {
		.type = VHOST_IOTLB_MSG_V2,
		.iotlb = {
			.size = PAGE,
			.uaddr = (uintptr_t)s->s.g.mem.region[0].va,
			.perm = VHOST_ACCESS_RW,
			.type = VHOST_IOTLB_UPDATE,
		},
	};
	int err;

	err = dev_set_features(dev, F_VERSION_1 |
			       BIT_ULL(VIRTIO_F_ACCESS_PLATFORM));
	if (!err && write(dev->fd, &m, sizeof(m)) < 0)
		err = -errno;
	return err;
}

static int iotlb_off(struct scene *s)
{
	return dev_set_features(&s->s.g.dev, s->s.g.cfg.features) ?:
	       memory_on(s);
}

/* --- programs of the host ------------------------------------------------- */

static void stream(struct scene *s) { scene_connect(s, SOCK_STREAM); }
static void seqpacket(struct scene *s) { scene_connect(s, SOCK_SEQPACKET); }

/* One buffer is in the ring for the guest's answer, and none is posted again. */
static void blocked(struct scene *s, int socktype)
{
	struct guest_config cfg = scene_config(s);

	cfg.rx_bufs = 0;
	scene_start(s, &cfg);
	require_ok(guest_post_rx(&s->s.g, PAGE, &layout_one));
	session_connect(&s->s, socktype);
}

static void no_room(struct scene *s) { blocked(s, SOCK_STREAM); }

static void little_room(struct scene *s)
{
	blocked(s, SOCK_SEQPACKET);
	require_ok(host_set_blocking(s->s.fd, s->timeout));
	require_ok(guest_post_rx(&s->s.g, PAGE, &layout_one));
}

static int do_connect(struct scene *s)
{
	s->fd = host_connect(SOCK_STREAM, s->s.g.cfg.cid, GUEST_PORT);
	return s->fd < 0 ? s->fd : 0;
}

static int do_listen(struct scene *s)
{
	__u32 port = 0;

	s->fd = host_listen(SOCK_STREAM, &port);
	return s->fd < 0 ? s->fd : 0;
}

static void asked(struct scene *s)
{
	__u32 port = 0;

	runs(s);
	s->s.listener = host_listen(SOCK_STREAM, &port);
	require_ok(s->s.listener);
	conn_init(&s->s.c, &s->s.g, VIRTIO_VSOCK_TYPE_STREAM, GUEST_PORT, port);
	require_ok(conn_connect(&s->s.c, TIMEOUT));
}

static int do_accept(struct scene *s)
{
	s->s.fd = accept4(s->s.listener, NULL, NULL,
			  SOCK_NONBLOCK | SOCK_CLOEXEC);
	return s->s.fd < 0 ? -errno : 0;
}

static int send_bytes(struct scene *s, __u32 len, int flags)
{
	static __u8 buf[LARGE];
	ssize_t n = send(s->s.fd, buf, len, flags | MSG_NOSIGNAL);

	return n < 0 ? -errno : 0;
}

static int send_small(struct scene *s) { return send_bytes(s, 1, 0); }
static int send_large(struct scene *s) { return send_bytes(s, LARGE, 0); }

static int send_zerocopy(struct scene *s)
{
	int one = 1;

	if (setsockopt(s->s.fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		return -errno;
	return send_bytes(s, LARGE, MSG_ZEROCOPY);
}

/* There is no room, which is not an error. */
static int send_blocked(struct scene *s)
{
	int err = send_bytes(s, 1, 0);

	return err == -EAGAIN ? 0 : err ?: -EPROTO;
}

static void unread(struct scene *s)
{
	static __u8 buf[LARGE];

	stream(s);
	require_ok(conn_send(&s->s.c, buf, LARGE, TIMEOUT));
	require(host_poll(s->s.fd, POLLIN, TIMEOUT), "no data");
}

static int recv_some(struct scene *s)
{
	static __u8 buf[LARGE];
	ssize_t n = recv(s->s.fd, buf, LARGE, MSG_PEEK);

	if (n > 0)
		n = recv(s->s.fd, buf, LARGE, 0);
	return n < 0 ? -errno : 0;
}

static int set_buffer(struct scene *s)
{
	unsigned long long size = 128 * 1024;

	return setsockopt(s->s.fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size,
			  sizeof(size)) ? -errno : 0;
}

static int shut_down(struct scene *s)
{
	return shutdown(s->s.fd, SHUT_RDWR) ? -errno : 0;
}

static int close_socket(struct scene *s)
{
	close(s->s.fd);
	s->s.fd = -1;
	return 0;
}

/* --- the worker ----------------------------------------------------------- */

static void listened(struct scene *s)
{
	__u32 port = 0;

	runs(s);
	s->s.listener = host_listen(SOCK_STREAM, &port);
	require_ok(s->s.listener);
	conn_init(&s->s.c, &s->s.g, VIRTIO_VSOCK_TYPE_STREAM, GUEST_PORT, port);
}

/* A connection that is still counted as pending after a fault would fill the queue. */
static void listened_for_one(struct scene *s)
{
	listened(s);
	require(!listen(s->s.listener, 0), "listen: %s", strerror(errno));
}

static int guest_connects(struct scene *s)
{
	return conn_connect(&s->s.c, s->timeout);
}

/* After a RST the guest tries again, from another port. */
static int guest_connects_again(struct scene *s)
{
	__u32 port = s->s.c.peer_port;

	conn_free(&s->s.c);
	conn_init(&s->s.c, &s->s.g, VIRTIO_VSOCK_TYPE_STREAM, GUEST_PORT + 1,
		  port);
	return conn_connect(&s->s.c, s->timeout);
}

static int guest_sends(struct scene *s)
{
	static __u8 out[LARGE], in[LARGE];
	int err;

	pattern_fill(out, LARGE, 5, 0);
	err = conn_send(&s->s.c, out, LARGE, s->timeout) ?:
	      host_recv(s->s.fd, in, LARGE, s->timeout);
	require(err || pattern_check(in, LARGE, 5, 0) < 0, "data differ");
	return err;
}

static int guest_sends_message(struct scene *s)
{
	static __u8 out[LARGE], in[LARGE];
	ssize_t n;
	int err;

	pattern_fill(out, LARGE, 6, 0);
	err = conn_send_rw(&s->s.c, out, LARGE, VIRTIO_VSOCK_SEQ_EOM, s->timeout);
	if (err)
		return err;
	if (!host_poll(s->s.fd, POLLIN, s->timeout))
		return -ETIMEDOUT;
	n = recv(s->s.fd, in, LARGE, 0);
	/* A rejected packet ends the connection. */
	if (n != LARGE)
		return n < 0 ? -errno : -ECONNRESET;
	require(pattern_check(in, LARGE, 6, 0) < 0, "data differ");
	return 0;
}

/* A packet for no connection, which is answered with RST. */
static int guest_is_lost(struct scene *s)
{
	struct pkt p = {
		.src_cid = s->s.g.cfg.cid, .dst_cid = HOST_CID, .src_port = 99,
		.dst_port = 1000000, .type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
	};
	struct packet *r;
	int err;

	err = guest_send(&s->s.g, &p, NULL, s->timeout);
	if (err)
		return err;
	r = guest_recv(&s->s.g, s->timeout);
	err = !r ? -ETIMEDOUT : r->hdr.op == VIRTIO_VSOCK_OP_RST ? 0 : -EPROTO;
	free(r);
	return err;
}

/* A chain with more descriptors than usual. */
static int guest_sends_long_chain(struct scene *s)
{
	struct pkt p = conn_pkt(&s->s.c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	struct virtio_vsock_hdr h = pkt_encode(&p);
	struct guest *g = &s->s.g;
	struct seg segs[100];
	unsigned int i;

	mem_write(&g->mem, g->tx_gpa, &h, HDR_LEN);
	for (i = 0; i < ARRAY_SIZE(segs); i++)
		segs[i] = (struct seg){ g->tx_gpa + i, 1, false };
	return guest_send_segs(g, segs, ARRAY_SIZE(segs), s->timeout);
}

static int guest_asks_and_ends(struct scene *s)
{
	__u32 both = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND;

	return conn_send_op(&s->s.c, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0) ?:
	       conn_send_op(&s->s.c, VIRTIO_VSOCK_OP_SHUTDOWN, both) ?:
	       conn_wait_reset(&s->s.c, s->timeout);
}

/* The worker sends the rest of a message once there are chains. */
static void message_begun(struct scene *s)
{
	little_room(s);
	require_ok(send_large(s));
}

static int guest_makes_room(struct scene *s)
{
	__u32 got = 0;

	s->s.g.rx_repost = true;
	if (guest_post_rx(&s->s.g, PAGE, &layout_one))
		return -ENOSPC;
	while (got < LARGE) {
		struct packet *p = conn_recv_packet(&s->s.c, s->timeout);

		if (!p)
			return -ETIMEDOUT;
		got += p->hdr.len;
		free(p);
	}
	return 0;
}

/* --- the VMM of a guest behind an IOMMU ----------------------------------- */

/* An IOTLB miss is pending, for which the guest's packet waits. */
static void asked_for_translation(struct scene *s)
{
	s->timeout = TIMEOUT;
	stream(s);
	scene_forget(s);
	iommu_hold(&s->m, 0, ~0ULL);
	scene_beside(s, guest_sends);
	require(iommu_wait_held(&s->m, TIMEOUT), "no IOTLB miss");
}

static int vmm_answers(struct scene *s)
{
	__u64 page = s->m.held[0].iova & ~(IOMMU_PAGE - 1);
	int n = iommu_tell(&s->m, page, IOMMU_PAGE, iommu_ptr(&s->m, page),
			   VHOST_ACCESS_RW);

	return n < 0 ? n : 0;
}

static int vmm_answers_all(struct scene *s)
{
	iommu_release(&s->m);
	return scene_join(s);
}

const struct op ops[] = {
	{ "open", SPLIT, false, allocated, do_open, do_open, owner_on },
	{ "owner, features", SPLIT, false, fresh, set_owner, own_again,
	  memory_on },
	{ "memory table", SPLIT, false, owned, set_memory, set_memory,
	  start_all },
	{ "rings, CID", RINGS, false, with_memory, set_rings, set_rings,
	  start },
	{ "start", RINGS, false, ready, start, start },
	{ "stop and start", RINGS | LOGGED, false, runs, stop_and_start,
	  stop_and_start },
	{ "other ioctls", RINGS, false, runs, other_ioctls, other_ioctls },
	{ "IOTLB", SPLIT, false, owned, iotlb, iotlb, iotlb_off },
	{ "answer to a question", BEHIND_IOMMU, false, asked_for_translation,
	  vmm_answers, vmm_answers, vmm_answers_all },
	{ "connect()", ALL, false, runs, do_connect, do_connect },
	{ "listen()", SPLIT, false, runs, do_listen, do_listen },
	{ "accept()", ALL, false, asked, do_accept, do_accept },
	{ "send()", ALL, false, stream, send_small, send_small },
	{ "send(), large", ALL, false, stream, send_large, send_large },
	{ "send(), MSG_ZEROCOPY", SPLIT, false, stream, send_zerocopy,
	  send_zerocopy },
	{ "send(), no room", ALL, false, no_room, send_blocked, send_blocked },
	{ "send(), seqpacket", RINGS | LOGGED, false, seqpacket, send_large,
	  send_large },
	/* As in the next one: the connection ends if a message was begun. */
	{ "send(), seqpacket", BEHIND_IOMMU, false, seqpacket, send_large,
	  NULL },
	{ "send(), room for a part of a message", ALL, false, little_room,
	  send_large, NULL },
	{ "recv()", ALL, false, unread, recv_some, NULL },
	{ "recv(), left to the reader", ALL, false, awaited, recv_left,
	  recv_packet, left_to_reader },
	{ "recv(), seqpacket left to the reader", ALL, false,
	  seqpacket_awaited, recv_left, recv_packet, left_to_reader },
	{ "buffer size", SPLIT, false, stream, set_buffer, set_buffer },
	{ "shutdown()", ALL, false, stream, shut_down, NULL },
	{ "close()", ALL, false, unread, close_socket, NULL },
	{ "guest connects", ALL, true, listened, guest_connects,
	  guest_connects_again },
	{ "guest connects, CVE-2026-46214: room for one", SPLIT, true,
	  listened_for_one, guest_connects, guest_connects_again },
	{ "guest sends", ALL, true, stream, guest_sends, guest_sends },
	{ "guest sends, seqpacket", ALL, true, seqpacket, guest_sends_message,
	  guest_sends_message },
	{ "guest sends to a reader", ALL, true, reads, guest_sends_to_reader,
	  NULL, left_to_reader },
	{ "guest's packet for nobody", ALL, true, runs, guest_is_lost,
	  guest_is_lost },
	{ "guest's long chain", ALL, true, stream, guest_sends_long_chain,
	  guest_sends_long_chain },
	{ "guest asks for credit, and ends", ALL, true, stream,
	  guest_asks_and_ends, NULL },
	{ "guest connects to another one", RINGS | LOGGED, true, sibling,
	  guest_connects_to_sibling, NULL },
	{ "guest sends to another one", RINGS | LOGGED, true,
	  connected_sibling, guest_sends_to_sibling, NULL },
	{ "guest sends to another one without buffers", RINGS | LOGGED, true,
	  full_sibling, guest_sends_to_sibling, NULL },
	{ "guest makes room", ALL, true, message_begun, guest_makes_room,
	  NULL },
};

const unsigned int nops = ARRAY_SIZE(ops);
