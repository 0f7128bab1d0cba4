// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks by a malicious guest, VMM or program, found by reviews of the module, and the limits that
 * they made necessary.
 */
#include <sched.h>
#include <sys/mman.h>
#include <linux/vm_sockets.h>

#include "device_test.h"
#include "session.h"

#define PAGE page_size()

/* --- the ring's layout changes while the ring is broken --- */

#define FILLER 0xff

/*
 * Memory for a split ring whose descriptor crosses the end of a page, such that its last two bytes,
 * which would be the flags in a packed ring, are in two pages; its used index ends another page.
 */
static __u8 *lay_askew(struct ring *r)
{
	__u8 *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(p != MAP_FAILED, "mmap");
	memset(p, FILLER, 2 * PAGE);
	r->s.desc = (void *)(p + PAGE - 15);
	r->s.used = (void *)(p + 3 * PAGE - 4);
	r->desc_area = r->s.desc;
	r->device_area = r->s.used;
	return p;
}

/* Used chains that could not be published are not taken for descriptors. */
static void other_layout(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct seg seg = { .len = HDR_LEN };
	struct guest g;
	__u8 *p;

	(void)arg;
	cfg.features |= F_EVENT_IDX;
	cfg.num[TXQ] = 1;
	require_ok(guest_alloc(&g, &cfg));
	p = lay_askew(&g.q[TXQ].ring);
	ring_reset(&g.q[TXQ].ring, 0);
	require_ok(guest_setup(&g));
	require_ok(dev_set_running(&g.dev, 1));

	seg.addr = g.tx_gpa;
	require_ok(ring_add(&g.q[TXQ].ring, &seg, 1, NULL));
	ring_publish(&g.q[TXQ].ring);
	require(!mprotect(p + 2 * PAGE, PAGE, PROT_READ), "mprotect");
	guest_kick(&g, TXQ);
	require(guest_ring_error(&g, TXQ, TIMEOUT), "the ring did not break");
	memset(p, FILLER, 2 * PAGE);

	require_ok(dev_set_features(&g.dev, cfg.features | F_PACKED));
	require(dev_set_running(&g.dev, 1) == -EINVAL, "it runs");
	require(p[PAGE - 1] == FILLER && p[PAGE] == FILLER,
		"written where there is no descriptor");
	guest_stop(&g);
}

/* --- endless chains --- */

#define CHAINS	2048U	/* chains in the ring */
#define TURN	256U	/* maximum that one call may take */

/*
 * From here on this thread keeps the CPU until it waits, so the device's worker does nothing
 * meanwhile.
 */
static void run_alone(void)
{
	struct sched_param param = { .sched_priority = 1 };

	require(!sched_setscheduler(0, SCHED_FIFO, &param), "SCHED_FIFO: %s",
		strerror(errno));
}

static void run_with_others(void)
{
	struct sched_param param = { 0 };

	require(!sched_setscheduler(0, SCHED_OTHER, &param), "SCHED_OTHER");
}

/* A guest on one CPU, with an empty receive ring. */
static void start_on_one_cpu(struct guest *g)
{
	struct guest_config cfg = test_config(0);

	require_ok(host_use_cpu(0));
	cfg.num[RXQ] = CHAINS;
	cfg.rx_bufs = 0;
	require_ok(guest_start(g, &cfg));
}

/* Chains of @len bytes, more than one call should take. No kick. */
static void fill_rx(struct guest *g, __u32 len)
{
	struct seg seg = { g->tx_gpa + PAGE, len, true };
	struct ring *r = &g->q[RXQ].ring;

	while (ring_add(r, &seg, 1, NULL) >= 0)
		;
	ring_publish(r);
}

static int send_one(int fd)
{
	return send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/*
 * One call has rejected some of them. The rest are rejected by the worker, or by more calls if a
 * program has to pass the data each time.
 */
static void check_turn(struct guest *g, const struct counters *before, int fd)
{
	__u64 n = counters_read(g).value[REJ_TOO_SHORT] -
		  before->value[REJ_TOO_SHORT];
	__u64 end = now_ms() + TIMEOUT;
	struct ring *r = &g->q[RXQ].ring;
	void *token;
	__u32 len;

	run_with_others();
	require(n && n <= TURN, "one call rejected %llu chains",
		(unsigned long long)n);
	while (r->nfree < r->num) {
		if (ring_get_used(r, &len, &token) >= 0)
			require(!len, "used length %u", len);
		else
			require(ms_left(end), "a chain was not used");
		if (fd >= 0)
			require(send_one(fd) == -EAGAIN, "it was sent");
	}
	counters_expect(g, before, REJ_TOO_SHORT, CHAINS);
	g->rx_repost = true;
	require_ok(guest_post_rx(g, PAGE, &layout_one));
}

/* connect() is not blocked by a guest whose chains are too short for any packet. */
static void turn_of_connect(const void *arg)
{
	struct counters before;
	struct guest g;
	struct packet *p;
	int fd;

	(void)arg;
	start_on_one_cpu(&g);
	before = counters_read(&g);
	fill_rx(&g, HDR_LEN - 1);
	run_alone();
	fd = host_connect(SOCK_STREAM, g.cfg.cid, 7);
	check_turn(&g, &before, -1);
	require_ok(fd);
	p = guest_recv(&g, TIMEOUT);
	require(p && p->hdr.op == VIRTIO_VSOCK_OP_REQUEST, "no request");
	free(p);
	close(fd);
	guest_stop(&g);
}

/* Nor is send(), by chains with room for a header only. */
static void turn_of_send(const void *arg)
{
	struct counters before;
	struct session s;
	int err;

	(void)arg;
	start_on_one_cpu(&s.g);
	require_ok(guest_post_rx(&s.g, PAGE, &layout_one));
	session_connect(&s, SOCK_STREAM);
	before = counters_read(&s.g);
	fill_rx(&s.g, HDR_LEN);
	run_alone();
	err = send_one(s.fd);
	check_turn(&s.g, &before, s.fd);
	require(err == -EAGAIN, "send: %s", strerror(-err));
	session_exchange(&s, 1000);
	session_close(&s);
}

/* --- empty messages --- */

#define SMALL_BUFFER	256U

/* Each takes memory of the host but no credit: as many as the buffer has bytes may be queued. */
static void empty_messages(const void *arg)
{
	unsigned long long size = SMALL_BUFFER;
	struct guest_config cfg = test_config(0);
	struct session s;
	__u32 port = 0;
	unsigned int i;

	(void)arg;
	require_ok(guest_start(&s.g, &cfg));
	s.listener = host_listen(SOCK_SEQPACKET, &port);
	require_ok(s.listener);
	require(!setsockopt(s.listener, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE,
			    &size, sizeof(size)), "buffer size");
	conn_init(&s.c, &s.g, VIRTIO_VSOCK_TYPE_SEQPACKET, 99, port);
	require_ok(conn_connect(&s.c, TIMEOUT));
	s.fd = host_accept(s.listener, TIMEOUT);
	require_ok(s.fd);

	for (i = 0; i < SMALL_BUFFER; i++)
		require_ok(conn_send_rw(&s.c, NULL, 0, VIRTIO_VSOCK_SEQ_EOM,
					TIMEOUT));
	require(conn_wait_reset(&s.c, QUIET) == -ETIMEDOUT, "reset too early");
	require_ok(conn_send_rw(&s.c, NULL, 0, VIRTIO_VSOCK_SEQ_EOM, TIMEOUT));
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	session_close(&s);
}

void add_attack_tests(void)
{
	static const char g[] = "attack";

	session_test(g, "another layout for a ring that broke", other_layout,
		     NULL, TAP_MVSOCK, RINGS_SPLIT);
	session_test(g, "a turn of connect()", turn_of_connect, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "a turn of send()", turn_of_send, NULL, TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "messages without bytes", empty_messages, NULL,
		     TAP_MVSOCK, RINGS_SPLIT);
}
