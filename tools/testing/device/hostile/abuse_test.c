// SPDX-License-Identifier: GPL-2.0
/* A guest or a VMM that makes valid calls or packets at the wrong time, or endlessly. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caller.h"
#include "device_test.h"
#include "session.h"

/* --- endless receive buffers --- */

/* Buffers that are too small, which the device gives back at once and the driver posts again at
 * once: neither the other ring nor another guest starves.
 */
static void endless_refill(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session a;
	struct ring *r = &a.g.q[RXQ].ring;
	__u64 end = now_ms() + 500;
	struct sending x;
	struct counters before;
	struct seg seg;
	__u64 refused;
	void *token;
	__u32 len;
	char c;

	(void)arg;
	cfg.num[RXQ] = 32;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&a.g, &cfg));
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	before = counters_read(&a.g);
	host_send_begin(&x, a.fd, "x", 1, 0, TIMEOUT);
	seg = (struct seg){ a.g.tx_gpa + 0x1000, HDR_LEN - 1, true };
	while (ms_left(end)) {
		while (ring_get_used(r, &len, &token) >= 0)
			require(!len, "used length %u", len);
		while (ring_add(r, &seg, 1, NULL) >= 0)
			;
		guest_kick(&a.g, RXQ);
		require_ok(conn_send(&a.c, "y", 1, TIMEOUT));
		require_ok(host_recv(a.fd, &c, 1, TIMEOUT));
		neighbour_exchange(100);
	}
	while (r->nfree < r->num) {
		refused = now_ms() + TIMEOUT;
		while (ring_get_used(r, &len, &token) < 0)
			require(ms_left(refused), "a buffer was not used");
	}
	refused = counters_read(&a.g).value[REJ_TOO_SHORT] -
		  before.value[REJ_TOO_SHORT];
	counters_expect(&a.g, &before, REJ_TOO_SHORT, refused);
	require(test_options.upstream || refused >= 32, "%llu refused",
		(unsigned long long)refused);
	a.g.rx_repost = true;
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	require_ok(conn_recv(&a.c, &c, 1, TIMEOUT));
	require(c == 'x', "the packet was lost");
	require_ok(host_send_end(&x));
	session_exchange(&a, 10000);
	session_close(&a);
}

/* --- CID and features change --- */

static void cid_changed(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session a;
	struct dev other;
	int fd;

	(void)arg;
	session_guest_connects(&a, &cfg, SOCK_STREAM);
	require(dev_set_cid(&a.g.dev, neighbour_cid()) == -EADDRINUSE,
		"the neighbour's CID");
	session_exchange(&a, 1000);
	/* The previous connection may be lost; no packet goes to the wrong guest. */
	a.g.cfg.cid = test_cid(7);
	require_ok(dev_set_cid(&a.g.dev, a.g.cfg.cid));
	fd = host_connect(SOCK_STREAM, cfg.cid, 7);
	require(fd == -ENODEV, "the old CID is still there: %d", fd);
	require_ok(dev_open(&other, cfg.path, 0));
	require_ok(dev_set_cid(&other, cfg.cid));
	close(a.fd);
	close(a.listener);
	conn_free(&a.c);
	packet_list_purge(&a.g.inbox);
	session_connect(&a, SOCK_STREAM);
	session_exchange(&a, 10000);
	session_close(&a);
	dev_close(&other);
}

/* The negotiated features change while the rings are in use. */
static void features_toggled(const void *arg)
{
	static const __u64 sets[] = {
		0, F_VERSION_1, F_VERSION_1 | F_EVENT_IDX,
		F_VERSION_1 | F_INDIRECT | F_SEQPACKET,
	};
	struct guest_config cfg = test_config(0);
	struct session a;
	unsigned int i;

	(void)arg;
	session_guest_connects(&a, &cfg, SOCK_STREAM);
	for (i = 0; i < 200; i++) {
		__u64 f = sets[i % ARRAY_SIZE(sets)] |
			  (cfg.packed ? F_PACKED : 0);
		__u8 c = 0;

		require_ok(dev_set_features(&a.g.dev, f));
		require(dev_set_features(&a.g.dev, BIT_ULL(63)) == -EOPNOTSUPP,
			"unknown features");
		/* Except on big-endian hosts, this works with any of these features; an interrupt
		 * may be missing.
		 */
		require_ok(host_send(a.fd, "x", 1, 0, TIMEOUT));
		while (!conn_recv(&a.c, &c, 1, 5) && c != 'x')
			;
	}
	require_ok(dev_set_features(&a.g.dev, a.g.cfg.features));
	guest_restart(&a.g);
	close(a.fd);
	close(a.listener);
	conn_free(&a.c);
	packet_list_purge(&a.g.inbox);
	a.g.missed_calls = 0;
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	session_exchange(&a, 10000);
	session_close(&a);
}

/* --- memory that shrinks --- */

static void truncated(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct counters before;
	struct session a;
	struct mem_region *r = &a.g.mem.region[3];
	struct seg seg;
	int fd, i;

	(void)arg;
	session_guest_connects(&a, &cfg, SOCK_STREAM);
	fd = memfd_create("guest", 0);
	require(fd >= 0 && !ftruncate(fd, r->size), "memfd");
	require(mmap(r->va, r->size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, fd, 0) == r->va, "mmap");
	before = counters_read(&a.g);
	seg = (struct seg){ GUEST_EDGE, HDR_LEN + 1000, false };
	for (i = 1; i <= 10; i++) {
		__u64 tx_gpa = a.g.tx_gpa;

		/* Used once, so that the device may cache the page. */
		a.g.tx_gpa = GUEST_EDGE;
		session_to_host(&a, 1000);
		a.g.tx_gpa = tx_gpa;
		require(!ftruncate(fd, 0), "ftruncate");
		require_ok(guest_send_segs(&a.g, &seg, 1, TIMEOUT));
		counters_expect(&a.g, &before, REJ_BAD_ADDRESS, i);
		require(!ftruncate(fd, r->size), "ftruncate");
		session_exchange(&a, 1000);
	}
	session_close(&a);
	close(fd);
}

/* Memory that the VMM may not write, or not even read. */
static void no_permission(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct counters before;
	struct sending x;
	struct session a;
	struct mem_region *r = &a.g.mem.region[3];
	struct seg seg = { GUEST_EDGE, HDR_LEN + 1000, false };

	(void)arg;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&a.g, &cfg));
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	before = counters_read(&a.g);
	require(!mprotect(r->va, r->size, PROT_READ), "mprotect");
	host_send_begin(&x, a.fd, "x", 1, 0, TIMEOUT);
	seg.write = true;
	require_ok(ring_add(&a.g.q[RXQ].ring, &seg, 1, NULL));
	guest_kick(&a.g, RXQ);
	require(!guest_wait_used(&a.g, RXQ), "used length");
	counters_expect(&a.g, &before, REJ_BAD_ADDRESS, 1);
	require(!mprotect(r->va, r->size, PROT_NONE), "mprotect");
	seg.write = false;
	require_ok(guest_send_segs(&a.g, &seg, 1, TIMEOUT));
	counters_expect(&a.g, &before, REJ_BAD_ADDRESS, 2);
	require(!mprotect(r->va, r->size, PROT_READ | PROT_WRITE), "mprotect");
	a.g.rx_repost = true;
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	require_ok(conn_recv(&a.c, &seg, 1, TIMEOUT));
	require_ok(host_send_end(&x));
	session_exchange(&a, 1000);
	session_close(&a);
}

/* --- close and unload --- */

struct sender {
	int fd;
	pthread_t thread;
};

static void *send_until_error(void *arg)
{
	static const __u8 buf[8192];
	struct sender *s = arg;

	while (send(s->fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 ||
	       errno == EAGAIN)
		;
	return NULL;
}

/* The device is closed while a host socket sends to it. */
static void close_in_flight(const void *arg)
{
	struct session a;
	struct sender s;
	int i, j;

	(void)arg;
	for (i = 0; i < 20; i++) {
		struct guest_config cfg = test_config(i);

		session_guest_connects(&a, &cfg, SOCK_STREAM);
		s.fd = a.fd;
		require(!pthread_create(&s.thread, NULL, send_until_error, &s),
			"thread");
		for (j = 0; j < i; j++)
			guest_poll(&a.g, 0);
		usleep(500 * (i % 4));
		dev_close(&a.g.dev);
		pthread_join(s.thread, NULL);
		session_close(&a);
	}
}

static void *connect_forever(void *arg)
{
	bool *stop = arg;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		int fd = host_connect(SOCK_STREAM, test_cid(9), 7);

		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/* An open device keeps the module from being unloaded, whatever the sockets do. */
static void unload_refused(const void *arg)
{
	bool stop = false;
	pthread_t thread;
	int i;

	(void)arg;
	if (access("/sys/module/mvsock", F_OK))
		tap_skip("it is not a module");
	require(!pthread_create(&thread, NULL, connect_forever, &stop),
		"thread");
	for (i = 0; i < 100; i++) {
		require(syscall(SYS_delete_module, "mvsock", O_NONBLOCK) < 0,
			"unloaded with a device open");
		if (errno == EPERM)
			tap_skip("not allowed to unload");
		neighbour_exchange(100);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* --- concurrent and repeated ioctls --- */

#define CALLERS 4

static void concurrent(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct caller c[CALLERS];
	struct session a;
	int i;

	(void)arg;
	session_guest_connects(&a, &cfg, SOCK_STREAM);
	for (i = 0; i < CALLERS; i++)
		require_ok(caller_start(&c[i], &a.g, i, false));
	for (i = 0; i < 50; i++) {
		send(a.fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		usleep(10000);
		neighbour_exchange(100);
	}
	for (i = 0; i < CALLERS; i++)
		caller_stop(&c[i]);
	require_ok(guest_rewind(&a.g));
	guest_restart(&a.g);
	close(a.fd);
	close(a.listener);
	conn_free(&a.c);
	packet_list_purge(&a.g.inbox);
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	session_exchange(&a, 10000);
	session_close(&a);
}

/* All settings, over and over; replaced objects are released. */
static void set_up_again(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session a;
	int i, q;

	(void)arg;
	require_ok(guest_alloc(&a.g, &cfg));
	require_ok(guest_setup(&a.g));
	for (i = 0; i < 200; i++) {
		for (q = 0; q < NUM_QUEUES; q++) {
			int fd = eventfd(0, EFD_NONBLOCK);

			require_ok(dev_set_ring_kick(&a.g.dev, q, fd));
			require_ok(dev_set_ring_call(&a.g.dev, q, fd));
			require_ok(dev_set_ring_err(&a.g.dev, q, fd));
			close(fd);
			require_ok(guest_set_ring(&a.g, q));
		}
		require_ok(dev_set_mem_table(&a.g.dev, &a.g.mem));
		require_ok(dev_set_features(&a.g.dev, a.g.cfg.features));
		require_ok(dev_set_cid(&a.g.dev, cfg.cid + i % 7));
		require_ok(dev_set_running(&a.g.dev, 1));
		if (i % 3 == 1)
			require_ok(dev_set_running(&a.g.dev, 1));
		require_ok(dev_set_running(&a.g.dev, 0));
	}
	require_ok(dev_set_cid(&a.g.dev, cfg.cid));
	require_ok(dev_set_running(&a.g.dev, 1));
	for (i = 0; i < 4; i++)
		require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	session_exchange(&a, 10000);
	session_close(&a);
}

void add_abuse_tests(void)
{
	static const char g[] = "abuse";

	session_test(g, "case 63, 66: small buffers without end",
		     endless_refill, NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "case 74: CID changed while running", cid_changed, NULL,
		     TAP_MVSOCK, RINGS_SPLIT);
	session_test(g, "case 75: features toggled while running",
		     features_toggled, NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "case 78: buffers' file truncated", truncated, NULL,
		     TAP_MVSOCK, RINGS_SPLIT);
	session_test(g, "case 26: memory without permission", no_permission,
		     NULL, TAP_MVSOCK, RINGS_SPLIT);
	session_test(g, "case 83: close with a send in flight",
		     close_in_flight, NULL, 0, RINGS_BOTH);
	session_test(g, "case 85: unload refused against connects",
		     unload_refused, NULL, TAP_MVSOCK, RINGS_SPLIT);
	session_test(g, "case 87: concurrent ioctls through dup", concurrent,
		     NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "case 88: set-up repeated", set_up_again, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
}
