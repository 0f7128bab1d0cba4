// SPDX-License-Identifier: GPL-2.0
/*
 * The sequence of calls that each VMM makes, in its order, results in a connection that works in
 * both directions.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "device_test.h"
#include "session.h"
#include "vmm.h"

/* A VMM with its guest, which has a connection after the start. */
struct vmm {
	struct session s;
	int masked[NUM_QUEUES];	/* receives interrupts while the vector is masked */
	__u32 base[NUM_QUEUES];	/* read back at stop */
};

struct step {
	/* for the device, or for each ring in turn */
	void (*device)(struct vmm *v);

	void (*ring[8])(struct vmm *v, unsigned int q);
};

struct sequence {
	const char *name;
	const struct step *const *parts;
	unsigned int ring_size;
	unsigned int rings;	/* kinds of rings that the VMM supports */
};

/* --- steps of the device --- */

static void open_device(struct vmm *v)
{
	require_ok(dev_open(&v->s.g.dev, v->s.g.cfg.path, 0));
}

static void open_nonblock(struct vmm *v)
{
	require_ok(dev_open(&v->s.g.dev, v->s.g.cfg.path, O_NONBLOCK));
}

static void set_nonblock(struct vmm *v)
{
	require(!fcntl(v->s.g.dev.fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
}

static void set_owner(struct vmm *v)
{
	require_ok(dev_set_owner(&v->s.g.dev));
}

/* Requests that the device does not have, with the arguments of VMMs: ENOTTY, except that
 * vhost_vsock first looks for a ring number in them.
 */
static void unknown(struct vmm *v, unsigned long req, __u64 first)
{
	__u64 arg[4] = { first };
	int r = dev_ioctl(&v->s.g.dev, req, arg);

	require(r == -ENOTTY ||
		(test_options.upstream && first >= NUM_QUEUES && r == -ENOBUFS),
		"ioctl 0x%lx: %s", req, strerror(-r));
	require(arg[0] == first && !arg[1] && !arg[2] && !arg[3],
		"ioctl 0x%lx wrote", req);
}

static void get_features_array(struct vmm *v)
{
	unknown(v, GET_FEATURES_ARRAY, 2);
}

static void set_features_array(struct vmm *v)
{
	unknown(v, SET_FEATURES_ARRAY, 2);
}

/* Requests of other drivers, for rings that exist and for rings that do not. */
static void unknown_ioctls(struct vmm *v)
{
	static const unsigned long reqs[] = {
		GET_FEATURES_ARRAY, SET_FEATURES_ARRAY, VHOST_NET_SET_BACKEND,
		VHOST_VDPA_GET_STATUS, VHOST_VDPA_SUSPEND,
		VHOST_SET_VRING_ENDIAN, _IO(VHOST_VIRTIO, 0xff), _IO('x', 1),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reqs); i++) {
		unknown(v, reqs[i], 0);
		unknown(v, reqs[i], 1);
	}
}

static void get_features(struct vmm *v)
{
	__u64 have = 0;

	require_ok(dev_get_features(&v->s.g.dev, &have));
	require(!(v->s.g.cfg.features & ~have), "0x%llx is not offered",
		(unsigned long long)(v->s.g.cfg.features & ~have));
}

static void set_features(struct vmm *v)
{
	require_ok(dev_set_features(&v->s.g.dev, v->s.g.cfg.features));
}

static void set_backend_features(struct vmm *v)
{
	__u64 features = 0;

	require_ok(dev_ioctl(&v->s.g.dev, VHOST_GET_BACKEND_FEATURES,
			     &features));
	require_ok(dev_set_backend_features(&v->s.g.dev, features));
}

static void set_mem_table(struct vmm *v)
{
	require_ok(dev_set_mem_table(&v->s.g.dev, &v->s.g.mem));
}

static void plug_memory(struct vmm *v)
{
	require_ok(mem_add(&v->s.g.mem, 0x80000000, 0x100000));
	set_mem_table(v);
}

static void set_cid(struct vmm *v)
{
	require_ok(dev_set_cid(&v->s.g.dev, v->s.g.cfg.cid));
}

static void set_running(struct vmm *v)
{
	require_ok(dev_set_running(&v->s.g.dev, 1));
}

static void stop(struct vmm *v)
{
	require_ok(dev_set_running(&v->s.g.dev, 0));
}

/* --- steps of one ring --- */

static void set_num(struct vmm *v, unsigned int q)
{
	require_ok(dev_set_ring_num(&v->s.g.dev, q, v->s.g.q[q].ring.num));
}

static void set_base(struct vmm *v, unsigned int q)
{
	require_ok(dev_set_ring_base(&v->s.g.dev, q, v->base[q]));
}

static void set_addr(struct vmm *v, unsigned int q)
{
	const struct ring *r = &v->s.g.q[q].ring;

	require_ok(dev_set_ring_addr(&v->s.g.dev, q, r->desc_area,
				     r->driver_area, r->device_area));
}

static void set_kick(struct vmm *v, unsigned int q)
{
	require_ok(dev_set_ring_kick(&v->s.g.dev, q, v->s.g.q[q].kick));
}

static void set_call(struct vmm *v, unsigned int q)
{
	require_ok(dev_set_ring_call(&v->s.g.dev, q, v->s.g.q[q].call));
}

/* The vector is masked: QEMU receives the interrupts itself. */
static void mask_call(struct vmm *v, unsigned int q)
{
	require_ok(dev_set_ring_call(&v->s.g.dev, q, v->masked[q]));
}

/* The guest uses no vector for this ring. */
static void no_call(struct vmm *v, unsigned int q)
{
	require_ok(dev_set_ring_call(&v->s.g.dev, q, -1));
}

static void new_call(struct vmm *v, unsigned int q)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	require_ok(dev_set_ring_call(&v->s.g.dev, q, fd));
	close(v->s.g.q[q].call);
	v->s.g.q[q].call = fd;
}

static void set_err(struct vmm *v, unsigned int q)
{
	require_ok(dev_set_ring_err(&v->s.g.dev, q, v->s.g.q[q].err));
}

static void no_err(struct vmm *v, unsigned int q)
{
	require_ok(dev_set_ring_err(&v->s.g.dev, q, -1));
}

/* All that the device has used has been seen by the driver. */
static void get_base(struct vmm *v, unsigned int q)
{
	const struct ring *r = &v->s.g.q[q].ring;

	require_ok(dev_get_ring_base(&v->s.g.dev, q, &v->base[q]));
	require(v->base[q] == ring_device_base(r), "ring %u: base 0x%x, used 0x%x",
		q, v->base[q], ring_device_base(r));
}

/* As done by VMMs that do not support packed virtqueues. */
static void set_base_0(struct vmm *v, unsigned int q)
{
	require_ok(dev_set_ring_base(&v->s.g.dev, q, 0));
}

/* --- steps of the guest --- */

static void kick_both(struct vmm *v)
{
	guest_kick(&v->s.g, RXQ);
	guest_kick(&v->s.g, TXQ);
}

static void exchange(struct vmm *v)
{
	session_exchange(&v->s, 20000);
}

/* The driver of a booted guest: buffers, and connections in both directions. */
static void boot_guest(struct vmm *v)
{
	struct session *s = &v->s;
	unsigned int i;

	for (i = 0; i < s->g.cfg.rx_bufs; i++)
		require_ok(guest_post_rx(&s->g, s->g.cfg.rx_size,
					 s->g.cfg.rx_layout));
	session_accept(s, SOCK_STREAM);
	exchange(v);
	close(s->fd);
	require_ok(conn_wait_shutdown(&s->c, 3, TIMEOUT));
	require_ok(conn_send_op(&s->c, VIRTIO_VSOCK_OP_RST, 0));
	conn_free(&s->c);
	session_connect(s, SOCK_STREAM);
	exchange(v);
}

/* Data for the guest while its vectors are masked: QEMU gets the interrupt, and injects it when the
 * guest unmasks them.
 */
static void data_while_masked(struct vmm *v)
{
	struct session *s = &v->s;
	eventfd_t n;
	char c;

	require_ok(host_send(s->fd, "m", 1, 0, TIMEOUT));
	require(host_poll(v->masked[RXQ], POLLIN, TIMEOUT), "no call");
	require(eventfd_read(s->g.q[RXQ].call, &n), "a call to the vector");
	set_call(v, RXQ);
	set_call(v, TXQ);
	eventfd_write(s->g.q[RXQ].call, 1);
	require_ok(conn_recv(&s->c, &c, 1, TIMEOUT));
	require(c == 'm', "data differ");
}

/* The interrupt may come a little later than the index. */
static void settle(struct vmm *v)
{
	while (guest_poll(&v->s.g, QUIET) > 0)
		;
}

/* The guest's driver polls its rings from time to time. */
static void data_without_call(struct vmm *v)
{
	struct session *s = &v->s;
	__u64 deadline = now_ms() + TIMEOUT;
	char c;

	require_ok(host_send(s->fd, "n", 1, 0, TIMEOUT));
	while (!ring_has_used(&s->g.q[RXQ].ring)) {
		require(ms_left(deadline), "no data");
		usleep(1000);
	}
	require_ok(conn_recv(&s->c, &c, 1, TIMEOUT));
	require(c == 'n', "data differ");
	set_call(v, RXQ);
	set_call(v, TXQ);
}

/* The guest resets its device: rings are empty and start at their beginning. */
static void reset_rings(struct vmm *v)
{
	unsigned int q;

	for (q = 0; q < NUM_QUEUES; q++) {
		struct ring *r = &v->s.g.q[q].ring;

		v->base[q] = ring_first_base(&r->f);
		ring_reset(r, v->base[q]);
	}
	close(v->s.fd);
	conn_free(&v->s.c);
	packet_list_purge(&v->s.g.inbox);
}

/* --- QEMU --- */

static const struct step qemu_open[] = {
	{ open_device }, { set_nonblock }, { }
};

static const struct step qemu_realize[] = {
	{ set_owner }, { get_features_array }, { get_features },
	{ .ring = { mask_call, set_err } },
	{ set_cid }, { }
};

/* With a guest that has a vector for each ring. */
static const struct step qemu_start[] = {
	{ .ring = { mask_call } },
	{ set_features_array }, { set_features }, { set_backend_features },
	{ set_mem_table },
	{ .ring = { set_num, set_base, set_addr, set_kick } },
	{ .ring = { set_call } },
	{ set_running }, { }
};

static const struct step qemu_start_no_vector[] = {
	{ set_features }, { set_backend_features }, { set_mem_table },
	{ .ring = { set_num, set_base, set_addr, set_kick, no_call } },
	{ set_running }, { .ring = { set_call } }, { }
};

static const struct step qemu_stop[] = {
	{ settle }, { stop }, { .ring = { get_base } },
	{ .ring = { mask_call } }, { }
};

static const struct step qemu_masks[] = {
	{ settle }, { .ring = { mask_call } }, { data_while_masked }, { exchange },
	{ }
};

static const struct step qemu_no_vector[] = {
	{ settle }, { .ring = { no_call } }, { data_without_call }, { exchange },
	{ }
};

static const struct step qemu_plugs_memory[] = {
	{ set_mem_table }, { exchange }, { plug_memory }, { exchange }, { }
};

static const struct step boot[] = { { boot_guest }, { } };
static const struct step reset[] = { { reset_rings }, { } };
static const struct step resumed[] = { { kick_both }, { exchange }, { } };
static const struct step strangers[] = { { unknown_ioctls }, { } };

static const struct step *const qemu[] = {
	qemu_open, qemu_realize, strangers, qemu_start, boot, strangers,
	qemu_masks, qemu_no_vector, qemu_plugs_memory,
	qemu_stop, qemu_start, resumed,		/* stop and cont */
	qemu_stop, qemu_start, resumed,
	qemu_stop, reset, qemu_start, boot,	/* the guest reboots */
	qemu_stop, reset, qemu_start_no_vector, boot, NULL
};

/* --- crosvm --- */

static const struct step crosvm_activate[] = {
	{ open_nonblock }, { set_owner }, { get_features }, { set_features },
	{ set_mem_table },
	{ .ring = { set_num, set_err, set_addr, set_base, set_call, set_kick } },
	{ set_cid }, { set_running }, { }
};

static const struct step crosvm_swaps_calls[] = {
	{ settle }, { .ring = { new_call } }, { exchange }, { }
};

static const struct step crosvm_sleep[] = {
	{ settle }, { stop }, { .ring = { get_base } }, { }
};

static const struct step crosvm_wake[] = {
	{ get_features }, { set_features }, { set_mem_table },
	{ .ring = { set_num, set_err, set_addr, set_base, set_call, set_kick } },
	{ set_cid }, { set_running }, { }
};

static const struct step *const crosvm[] = {
	crosvm_activate, boot, crosvm_swaps_calls,
	crosvm_sleep, crosvm_wake, resumed,
	crosvm_sleep, reset, crosvm_wake, boot, NULL
};

/* --- kvmtool --- */

static const struct step kvmtool_start[] = {
	{ open_device }, { set_owner }, { set_mem_table }, { set_cid },
	{ get_features },
	{ .ring = { set_kick, set_num, set_base, set_addr, set_call } },
	{ set_features }, { set_running }, { }
};

static const struct step kvmtool_stop[] = { { settle }, { stop }, { } };

static const struct step kvmtool_again[] = {
	{ get_features },
	{ .ring = { set_kick, set_num, set_base, set_addr, set_call } },
	{ set_features }, { set_running }, { }
};

static const struct step *const kvmtool[] = {
	kvmtool_start, boot, kvmtool_stop, reset, kvmtool_again, boot, NULL
};

/* --- StratoVirt --- */

static const struct step stratovirt_start[] = {
	{ open_device }, { set_owner }, { get_features }, { set_features },
	{ set_mem_table },
	{ .ring = { set_num, set_addr, set_base, set_kick, set_call } },
	{ set_cid }, { set_running }, { }
};

static const struct step stratovirt_snapshot[] = {
	{ settle }, { stop }, { .ring = { get_base } }, { set_running }, { }
};

static const struct step *const stratovirt[] = {
	stratovirt_start, boot, stratovirt_snapshot, resumed,
	stratovirt_snapshot, resumed, NULL
};

/* --- VMMs that offer their guest all features of the device --- */

static const struct step stratovirt_begins[] = {
	{ open_device }, { set_owner }, { get_features }, { set_features },
	{ set_mem_table },
	{ .ring = { set_num, set_addr, set_base_0, set_kick, set_call } },
	{ set_cid }, { set_running }, { }
};

static const struct step alioth_opens[] = {
	{ open_device }, { set_owner }, { set_cid }, { set_backend_features },
	{ get_features }, { }
};

static const struct step alioth_activates[] = {
	{ set_mem_table }, { set_features }, { .ring = { set_kick } },
	{ .ring = { set_call, set_err, set_num, set_base_0, set_addr } },
	{ set_running }, { }
};

static const struct step alioth_resets[] = {
	{ settle }, { stop }, { .ring = { no_err } }, { }
};

static const struct step *const stratovirt_all[] = {
	stratovirt_begins, boot, stratovirt_snapshot, resumed, NULL
};

static const struct step *const alioth[] = {
	alioth_opens, alioth_activates, boot,
	alioth_resets, reset, alioth_activates, boot, NULL
};

/* --- the player --- */

static void play_step(struct vmm *v, const struct step *s)
{
	unsigned int q, i;

	if (s->device)
		s->device(v);
	for (q = 0; q < NUM_QUEUES; q++)
		for (i = 0; i < ARRAY_SIZE(s->ring) && s->ring[i]; i++)
			s->ring[i](v, q);
}

static void play(struct vmm *v, const struct step *const *parts)
{
	const struct step *s;

	for (; *parts; parts++)
		for (s = *parts; s->device || s->ring[0]; s++)
			play_step(v, s);
}

static void new_vmm(struct vmm *v, const struct guest_config *cfg)
{
	unsigned int q;

	require_ok(guest_alloc(&v->s.g, cfg));
	v->s.g.rx_repost = true;
	for (q = 0; q < NUM_QUEUES; q++) {
		v->base[q] = ring_first_base(&v->s.g.q[q].ring.f);
		v->masked[q] = eventfd(0, EFD_NONBLOCK);
	}
}

static void vmm(const void *arg)
{
	const struct sequence *seq = arg;
	struct guest_config cfg = test_config(0);
	struct vmm v;

	cfg.num[RXQ] = seq->ring_size;
	cfg.num[TXQ] = seq->ring_size;
	new_vmm(&v, &cfg);
	play(&v, seq->parts);
	session_close(&v.s);
}

/* The offered features that a driver accepts: of the rings, and of vsock. */
#define DRIVER_KNOWS (F_INDIRECT | F_EVENT_IDX | F_VERSION_1 | F_PACKED |	\
		      F_IN_ORDER | F_STREAM | F_SEQPACKET | F_NO_IMPLIED_STREAM)

void vmm_offers_all(enum vmm_kind kind, unsigned int n)
{
	struct guest_config cfg = test_config(n);
	struct dev d;
	struct vmm v;

	require_ok(dev_open(&d, cfg.path, 0));
	require_ok(dev_get_features(&d, &cfg.features));
	dev_close(&d);
	cfg.features &= DRIVER_KNOWS;
	cfg.packed = cfg.features & F_PACKED;
	cfg.in_order = cfg.features & F_IN_ORDER;
	new_vmm(&v, &cfg);
	play(&v, kind == ALIOTH ? alioth : stratovirt_all);
	session_close(&v.s);
}

/* --- descriptors from another process --- */

/* Search for a free CID as libvirt does: try the next one while the CID is taken. */
static __u32 scan_cids(const struct dev *d, __u32 from)
{
	__u32 cid = from;
	int r;

	while ((r = dev_set_cid(d, cid)) == -EADDRINUSE)
		cid++;
	require(!r, "CID %u: %s", cid, strerror(-r));
	return cid;
}

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	require(sendmsg(sock, &m, 0) == 1, "sendmsg");
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], x;
	struct iovec iov = { &x, 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	require(recvmsg(sock, &m, 0) == 1 && CMSG_FIRSTHDR(&m), "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static const struct step *const qemu_from_fd[] = {
	qemu_realize, qemu_start, boot, qemu_stop, qemu_start, resumed, NULL
};

/* The opener exits before the VMM starts (libvirt), or keeps the descriptor for as long as the VMM
 * runs (systemd-vmspawn, Kata).
 */
static void fd_passed(const void *keeps)
{
	struct guest_config cfg = test_config(2);
	struct dev other[2], d;
	int sock[2], i, status;
	struct vmm v;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		require_ok(dev_open(&other[i], cfg.path, 0));
		require_ok(dev_set_cid(&other[i], test_cid(i)));
	}
	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock), "socketpair");
	pid = fork();
	require(pid >= 0, "fork");
	if (!pid) {
		close(sock[0]);
		require_ok(dev_open(&d, cfg.path, 0));
		require(scan_cids(&d, test_cid(0)) == cfg.cid, "another CID");
		send_fd(sock[1], d.fd);
		_exit(keeps && read(sock[1], &i, 1) != 0);
	}
	close(sock[1]);
	new_vmm(&v, &cfg);
	v.s.g.dev.fd = receive_fd(sock[0]);
	if (!keeps)
		require(waitpid(pid, &status, 0) == pid && !status, "status");
	play(&v, qemu_from_fd);
	require(dev_set_cid(&other[0], cfg.cid) == -EADDRINUSE, "CID taken");
	session_close(&v.s);
	close(sock[0]);
	if (keeps)
		require(waitpid(pid, &status, 0) == pid && !status, "status");
	require_ok(dev_set_cid(&other[0], cfg.cid));
}

/* --- many VMMs at once --- */

#define DEVICES 200

static void many_devices(const void *arg)
{
	const struct rlimit files = { 16 * DEVICES, 16 * DEVICES };
	static struct session s[DEVICES];
	unsigned int i;

	(void)arg;
	require(!setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE");
	for (i = 0; i < DEVICES; i++) {
		struct guest_config cfg = test_config(i);

		cfg.rx_bufs = 4;
		session_guest_connects(&s[i], &cfg, SOCK_STREAM);
	}
	for (i = 0; i < DEVICES; i++)
		session_exchange(&s[i], 1000 + i);
	for (i = 0; i < DEVICES; i++)
		session_close(&s[i]);
}

void add_vmm_tests(void)
{
	static const struct sequence sequences[] = {
		{ "QEMU", qemu, 128, RINGS_BOTH },
		{ "crosvm", crosvm, 256, RINGS_BOTH },
		{ "kvmtool", kvmtool, 128, RINGS_SPLIT },
		{ "StratoVirt", stratovirt, 256, RINGS_SPLIT },
	};
	static const char g[] = "vmm";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sequences); i++)
		session_test(g, sequences[i].name, vmm, &sequences[i], 0,
			     sequences[i].rings);
	tap_add2(g, "libvirt looks for a CID, QEMU gets the descriptor",
		 fd_passed, NULL, 0);
	tap_add2(g, "systemd-vmspawn, Kata: the descriptor is kept, too",
		 fd_passed, g, 0);
	session_test(g, "200 devices at once", many_devices, NULL, 0,
		     RINGS_BOTH);
}
