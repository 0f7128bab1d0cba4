// SPDX-License-Identifier: GPL-2.0
/*
 * Endless actions of a guest, a VMM or a program take a bounded amount of memory: each attack is
 * repeated thousands of times, after which the kernel memory charged to the VMM's cgroup, and the
 * slab, have not grown by more than Documentation/security.rst allows ("What one guest can cost").
 *
 * The program is in the VMM's process here, so that the cgroup is charged for everything that can
 * be charged. The slab also has what is charged to nobody.
 *
 * For address ranges that the VMM has unmapped, see "places left behind" in moving_test.c.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "device_test.h"
#include "iommu.h"
#include "session.h"

#define SLACK		160	/* KiB: per-CPU caches, and partial slabs */
#define WARM		10	/* warm up with this fraction of the repetitions */
#define SLOTS		32U	/* packets in flight, two descriptors each */
#define SLOT		64U
#define PAYLOAD		4096U
#define NOBODY		999999	/* a port without a listener */
#define FIRST_PORT	10000U
#define BURST		16U	/* connections that a program accepts at once */
#define CONNECT_MS	100	/* how long AF_VSOCK keeps a connecting socket */
#define BATCH		256	/* KiB that a cgroup is charged in advance, per CPU */

/* Bounds of Documentation/security.rst, in KiB. */
#define RESETS		(1024 * 72 / 1024)	/* including the pointer to a cgroup */
#define BACKLOG		(65 * 3)		/* a connection and its socket each */
#define BUFFER		(256 + 4)
#define TRANSLATIONS	(2048 * 96 / 1024)

struct attacker {
	struct guest g;
	struct iommu iommu;
	struct conn c;
	struct tx tx[SLOTS];
	unsigned int sent;
	int listener;
	__u32 port;	/* of the host's end */
};

struct attack {
	const char *name;
	void (*begin)(struct attacker *a);
	void (*once)(struct attacker *a, unsigned int i);
	unsigned int times;
	unsigned int kib;	/* the bound */
	unsigned int rest_ms;	/* time until it is reached */
};

/* --- the guest's packets --- */

static void flush(struct attacker *a)
{
	unsigned int i;

	guest_notify(&a->g, TXQ);
	for (i = 0; i < SLOTS; i++)
		require_ok(guest_wait_tx(&a->g, &a->tx[i], TIMEOUT));
}

/* Without waiting for the device, as long as there are slots. */
static void push(struct attacker *a, const struct pkt *p)
{
	unsigned int slot = a->sent++ % SLOTS;
	__u64 at = a->g.tx_gpa + slot * SLOT;
	struct virtio_vsock_hdr h = pkt_encode(p);
	struct seg segs[] = {
		{ at, HDR_LEN }, { a->g.tx_gpa + SLOTS * SLOT, p->len },
	};

	if (!a->tx[slot].done)
		flush(a);
	a->tx[slot].done = false;
	require_ok(mem_write(&a->g.mem, at, &h, HDR_LEN));
	require_ok(ring_add(&a->g.q[TXQ].ring, segs, p->len ? 2 : 1,
			    &a->tx[slot]));
}

static struct pkt packet(struct attacker *a, __u16 op, __u32 port)
{
	struct conn c;

	conn_init(&c, &a->g, VIRTIO_VSOCK_TYPE_STREAM, port, a->port);
	return conn_pkt(&c, op);
}

static void push_op(struct attacker *a, __u16 op, __u32 port)
{
	struct pkt p = packet(a, op, port);

	if (op == VIRTIO_VSOCK_OP_SHUTDOWN)
		p.flags = VIRTIO_VSOCK_SHUTDOWN_RCV |
			  VIRTIO_VSOCK_SHUTDOWN_SEND;
	push(a, &p);
}

static void push_data(struct attacker *a, __u32 port, __u32 len)
{
	struct pkt p = packet(a, VIRTIO_VSOCK_OP_RW, port);

	p.len = len;
	push(a, &p);
}

/* --- attackers --- */

static void begin_guest(struct attacker *a)
{
	struct guest_config cfg = test_config(0);
	unsigned int i;

	cfg.rx_bufs = 0;
	require_ok(guest_start(&a->g, &cfg));
	for (i = 0; i < SLOTS; i++)
		a->tx[i].done = true;
	a->port = NOBODY;
}

static void begin_listener(struct attacker *a)
{
	begin_guest(a);
	a->listener = host_listen(SOCK_STREAM, &a->port);
	require_ok(a->listener);
}

/* A connection whose program never reads. */
static void begin_stream(struct attacker *a)
{
	begin_listener(a);
	conn_init(&a->c, &a->g, VIRTIO_VSOCK_TYPE_STREAM, FIRST_PORT, a->port);
	require_ok(guest_post_rx(&a->g, 4096, &layout_one));
	require_ok(conn_connect(&a->c, TIMEOUT));
	require_ok(host_accept(a->listener, TIMEOUT));
}

static void begin_iommu(struct attacker *a)
{
	struct guest_config cfg = test_config(0);

	cfg.features |= F_ACCESS_PLATFORM;
	cfg.iommu = true;
	require_ok(iommu_setup(&a->iommu, &a->g, &cfg, false));
}

/* --- attacks --- */

/* The program handles several at a time. */
static void take_and_close(struct attacker *a, unsigned int i)
{
	int fd;

	if ((i + 1) % BURST)
		return;
	flush(a);
	for (i = 0; i < BURST; i++) {
		fd = host_accept(a->listener, TIMEOUT);
		require_ok(fd);
		close(fd);
	}
}

/* A reset of each remains. */
static void ends(struct attacker *a, unsigned int i)
{
	push_op(a, VIRTIO_VSOCK_OP_REQUEST, FIRST_PORT + i);
	push_op(a, VIRTIO_VSOCK_OP_SHUTDOWN, FIRST_PORT + i);
	take_and_close(a, i);
}

/*
 * The program has not read everything, and has not closed its end, when the guest ends the
 * connection and opens another one with the same ports. A reset is queued before all data are sent.
 */
static void port_again(struct attacker *a, unsigned int i)
{
	if (!i) {
		push_op(a, 0, FIRST_PORT + 1);
		push_op(a, VIRTIO_VSOCK_OP_REQUEST, FIRST_PORT);
	}
	push_data(a, FIRST_PORT, 1);
	push_op(a, VIRTIO_VSOCK_OP_SHUTDOWN, FIRST_PORT);
	push_op(a, VIRTIO_VSOCK_OP_REQUEST, FIRST_PORT);
	take_and_close(a, i);
}

static void request(struct attacker *a, unsigned int i)
{
	push_op(a, VIRTIO_VSOCK_OP_REQUEST, FIRST_PORT + i);
}

static void request_and_reset(struct attacker *a, unsigned int i)
{
	push_op(a, VIRTIO_VSOCK_OP_REQUEST, FIRST_PORT + i);
	push_op(a, VIRTIO_VSOCK_OP_RST, FIRST_PORT + i);
}

static void stray(struct attacker *a, unsigned int i)
{
	push_op(a, VIRTIO_VSOCK_OP_RW, FIRST_PORT + i);
}

static void credit_request(struct attacker *a, unsigned int i)
{
	(void)i;
	push_op(a, VIRTIO_VSOCK_OP_CREDIT_REQUEST, FIRST_PORT);
}

static void data(struct attacker *a, unsigned int i)
{
	(void)i;
	push_data(a, FIRST_PORT, PAYLOAD);
}

static void translation(struct attacker *a, unsigned int i)
{
	require_ok(iommu_tell(&a->iommu, (i + 1ULL) << 32, IOMMU_PAGE,
			      a->iommu.phys.region[0].va, VHOST_ACCESS_RW));
}

static void memory_table(struct attacker *a, unsigned int i)
{
	(void)i;
	require_ok(dev_set_mem_table(&a->g.dev, &a->g.mem));
}

/* A connecting socket of port FIRST_PORT + @i. */
static int connecting(struct attacker *a, unsigned int i)
{
	struct sockaddr_vm sa = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = FIRST_PORT + i,
	};
	struct timeval tv = { .tv_usec = CONNECT_MS * 1000 };
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	require(fd >= 0, "socket: %s", strerror(errno));
	require(!setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv,
			    sizeof(tv)), "setsockopt: %s", strerror(errno));
	require(!bind(fd, (struct sockaddr *)&sa, sizeof(sa)), "bind: %s",
		strerror(errno));
	err = host_connect_with(fd, a->g.cfg.cid, FIRST_PORT);
	require(err == -EINPROGRESS, "connect: %s", strerror(-err));
	return fd;
}

static void connect_and_close(struct attacker *a, unsigned int i)
{
	close(connecting(a, i));
}

/* The guest, which has no buffers, refuses a REQUEST that it has not received yet. */
static void refuse(struct attacker *a, unsigned int i)
{
	int fd = connecting(a, i);

	a->port = FIRST_PORT + i;
	push_op(a, VIRTIO_VSOCK_OP_RST, FIRST_PORT);
	flush(a);
	close(fd);
}

static const struct attack attacks[] = {
	{ "connections that end", begin_listener, ends, 6000, RESETS },
	{ "connections that end, their ports used again", begin_listener,
	  port_again, 4000, RESETS },
	{ "requests to a full backlog", begin_listener, request, 16000,
	  BACKLOG + RESETS },
	{ "connections reset before accept()", begin_listener,
	  request_and_reset, 16000, BACKLOG + RESETS },
	{ "packets to nobody", begin_guest, stray, 16000, RESETS },
	{ "credit requests", begin_stream, credit_request, 16000, 0 },
	{ "data that nobody reads", begin_stream, data, 2000, BUFFER + RESETS },
	{ "translations", begin_iommu, translation, 10000, TRANSLATIONS },
	{ "memory tables", begin_guest, memory_table, 3000, 0 },
	{ "connect() and close()", begin_guest, connect_and_close, 3000, 0,
	  CONNECT_MS + 200 },
	{ "connect() that the guest refuses", begin_guest, refuse, 1000, 0,
	  CONNECT_MS + 200 },
};

/* --- measuring the memory --- */

static void write_file(const char *path, const char *text)
{
	int err = host_write_file(AT_FDCWD, path, text);

	if (err && err != -ENOENT)
		tap_note("%s: %s", path, strerror(-err));
}

/* Release slabs without objects. */
static void shrink_slabs(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *e;
	char path[512];

	while (dir && (e = readdir(dir))) {
		/* Others are links to one of these. */
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink",
			 e->d_name);
		write_file(path, "1");
	}
	if (dir)
		closedir(dir);
}

/* Wait until objects that are freed after an RCU grace period have been freed. */
static void wait_rcu(void)
{
	unsigned int i;

	/* The shrinker of RCU starts freeing at once. */
	write_file("/proc/sys/vm/drop_caches", "2");
	for (i = 0; i < 3; i++) {
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
		usleep(50000);
	}
}

struct taken {
	long long charged;	/* KiB */
	long long slab;
};

static struct taken measure(const struct cgroup *c)
{
	struct taken t = { 0 };

	wait_rcu();
	shrink_slabs();
	/* Flush the per-CPU counters. */
	write_file("/proc/sys/vm/stat_refresh", "1");
	t.slab = host_meminfo_kib("SUnreclaim");
	t.charged = cgroup_current(c) / 1024;
	return t;
}

static void run_attacker(const struct cgroup *c, const struct attack *t)
{
	static struct attacker a;
	const unsigned int warm = t->times / WARM;
	unsigned int i;

	t->begin(&a);
	for (i = 0; i < warm; i++)
		t->once(&a, i);
	if (a.sent)
		flush(&a);
	cgroup_say(c);
	cgroup_hear(c);
	for (; i < warm + t->times; i++)
		t->once(&a, i);
	if (a.sent)
		flush(&a);
	cgroup_say(c);
	cgroup_hear(c);
	_exit(0);
}

static void grow(const void *arg)
{
	const struct attack *t = arg;
	const long long slab = t->kib + SLACK;
	const long long charged = slab + sysconf(_SC_NPROCESSORS_ONLN) * BATCH;
	struct taken before, after;
	struct cgroup c;
	__u64 deadline;

	if (cgroup_fork(&c))
		run_attacker(&c, t);
	cgroup_hear(&c);
	usleep(t->rest_ms * 1000);
	before = measure(&c);
	cgroup_say(&c);
	cgroup_hear(&c);
	usleep(t->rest_ms * 1000);
	deadline = now_ms() + TIMEOUT;
	do {
		after = measure(&c);
		after.charged -= before.charged;
		after.slab -= before.slab;
	} while ((after.charged > charged || after.slab > slab) &&
		 ms_left(deadline));
	tap_note("%s, %u times: %lld KiB charged, %lld KiB of slab", t->name,
		 t->times, after.charged, after.slab);
	require(after.charged <= charged && after.slab <= slab,
		"more than %lld KiB charged, or %lld of slab", charged, slab);
	cgroup_say(&c);
	cgroup_end(&c);
}

void add_grow_tests(void)
{
	unsigned int i;

	/* A debug kernel has additional objects for each allocation, and delays frees. */
	if (!cgroup_possible() || !access("/sys/kernel/debug/kmemleak", F_OK))
		return;
	for (i = 0; i < ARRAY_SIZE(attacks); i++)
		session_test("grow", attacks[i].name, grow, &attacks[i],
			     TAP_MVSOCK, RINGS_SPLIT);
}
