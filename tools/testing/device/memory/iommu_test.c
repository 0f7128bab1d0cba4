// SPDX-License-Identifier: GPL-2.0
/*
 * A guest behind an IOMMU: traffic over scattered pages, pending IOTLB misses, invalidations,
 * invalid answers.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device_test.h"
#include "iommu.h"
#include "session.h"

struct iommu_session {
	struct iommu m;
	struct session s;
};

static struct guest_config config(unsigned int n)
{
	struct guest_config cfg = test_config(n);

	cfg.iommu = true;
	return cfg;
}

static void start(struct iommu_session *t, const struct guest_config *cfg)
{
	require_ok(iommu_start(&t->m, &t->s.g, cfg, false));
}

static void start_default(struct iommu_session *t)
{
	struct guest_config cfg = config(0);

	start(t, &cfg);
	session_connect(&t->s, SOCK_STREAM);
	session_exchange(&t->s, 1000);
}

static void end(struct iommu_session *t)
{
	session_close(&t->s);
	iommu_free(&t->m);
}

/* --- traffic --- */

struct traffic_case {
	const char *name;
	unsigned int num;
	bool v1;
	bool event_idx;
	bool indirect;
	bool host;	/* the host connects */
	struct layout layout;
};

static const struct traffic_case traffic_cases[] = {
	{ "traffic", 128, .layout = { "", 1, { 0 } } },
	{ "traffic, first form of messages", 128, .v1 = true,
	  .layout = { "", 1, { 0 } } },
	{ "traffic, host connects", 128, .host = true,
	  .layout = { "", 1, { 0 } } },
	{ "traffic, event index", 64, .event_idx = true,
	  .layout = { "", 1, { 0 } } },
	{ "traffic, indirect", 16, .indirect = true,
	  .layout = { "", 3, { 44, 1000, 0 }, 100 } },
	{ "traffic, many indirect pieces", 16, .indirect = true,
	  .event_idx = true, .layout = { "", 3, { 7, 37, 500 }, 3 } },
	{ "traffic, rings over many pages", 1024, .event_idx = true,
	  .layout = { "", 2, { 44, 0 } } },
	{ "traffic, header over two pages", 128,
	  .layout = { "", 2, { 20, 0 }, 4096 - 20 } },
};

static void traffic(const void *arg)
{
	static const __u32 sizes[] = {
		1, 4052, 4053, 8192, 32767, 65536, 131072,
	};
	const struct traffic_case *c = arg;
	struct guest_config cfg = config(0);
	struct iommu_session t;
	unsigned int i;

	cfg.num[RXQ] = c->num;
	cfg.num[TXQ] = c->num;
	cfg.rx_bufs = 12;
	cfg.rx_layout = &c->layout;
	cfg.tx_layout = &c->layout;
	cfg.indirect = c->indirect;
	cfg.features |= c->event_idx ? F_EVENT_IDX : 0;
	cfg.features |= c->indirect ? F_INDIRECT : 0;
	/* As many descriptors as the ring has, unless they are indirect. */
	if (c->num / c->layout.n < cfg.rx_bufs)
		cfg.rx_bufs = c->indirect ? c->num : c->num / c->layout.n;
	require_ok(iommu_start(&t.m, &t.s.g, &cfg, c->v1));
	if (c->host)
		session_accept(&t.s, SOCK_STREAM);
	else
		session_connect(&t.s, SOCK_STREAM);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		session_exchange(&t.s, sizes[i]);
	require(iommu_questions(&t.m) > 16, "%u IOTLB misses",
		iommu_questions(&t.m));
	end(&t);
}

/* Packets of 64 KiB in both directions, each in one buffer of many pages. */
static void large_packets(const void *arg)
{
	struct guest_config cfg = config(0);
	struct iommu_session t;
	int i;

	(void)arg;
	cfg.rx_bufs = 4;
	cfg.rx_size = HDR_LEN + MAX_PAYLOAD;
	start(&t, &cfg);
	session_connect(&t.s, SOCK_STREAM);
	for (i = 0; i < 8; i++)
		session_exchange(&t.s, MAX_PAYLOAD);
	end(&t);
}

static void seqpacket(const void *arg)
{
	struct guest_config cfg = config(0);
	__u32 flags = VIRTIO_VSOCK_SEQ_EOM;
	struct iommu_session t;
	__u8 out[20000], in[20001];
	struct packet *p;
	int i;

	(void)arg;
	cfg.rx_size = 32768;
	cfg.rx_bufs = 8;
	start(&t, &cfg);
	session_connect(&t.s, SOCK_SEQPACKET);
	for (i = 1; i <= 10; i++) {
		__u32 len = i * 2000;

		pattern_fill(out, len, i, 0);
		require_ok(conn_send_rw(&t.s.c, out, len, flags, TIMEOUT));
		require(host_poll(t.s.fd, POLLIN, TIMEOUT), "no message");
		require(recv(t.s.fd, in, sizeof(in), 0) == (ssize_t)len,
			"length of message %d", i);
		require(pattern_check(in, len, i, 0) < 0, "message differs");

		require_ok(host_send(t.s.fd, out, len, 0, TIMEOUT));
		p = conn_recv_packet(&t.s.c, TIMEOUT);
		require(p && p->hdr.len == len && p->hdr.flags == flags,
			"message %d to the guest", i);
		require(pattern_check(p->data, len, i, 0) < 0, "data differ");
		free(p);
	}
	end(&t);
}

/* --- pending misses --- */

static bool in_flight(const struct guest *g, unsigned int q)
{
	return g->q[q].ring.nfree < g->q[q].ring.num;
}

/* The TX miss is not answered: RX continues. */
static void tx_waits(const void *arg)
{
	struct iommu_session t;
	struct guest *g = &t.s.g;
	__u8 out[10000], in[10000];

	(void)arg;
	start_default(&t);
	iommu_hold(&t.m, g->tx_gpa, g->tx_gpa + GUEST_TX_ROOM);
	require(iommu_invalidate(&t.m, g->tx_gpa, GUEST_TX_ROOM) > 0, "invalidate");
	pattern_fill(out, sizeof(out), 9, 0);
	require(conn_send_rw(&t.s.c, out, sizeof(out), 0, QUIET) == -ETIMEDOUT,
		"it was sent");
	require(iommu_wait_held(&t.m, TIMEOUT), "no IOTLB miss");
	session_to_guest(&t.s, 20000);
	/* A kick meanwhile does no harm. */
	guest_kick(g, TXQ);
	session_to_guest(&t.s, 20001);
	require(in_flight(g, TXQ), "it was sent");
	iommu_release(&t.m);
	require_ok(host_recv(t.s.fd, in, sizeof(in), TIMEOUT));
	require(pattern_check(in, sizeof(in), 9, 0) < 0, "data differ");
	session_exchange(&t.s, 65536);
	end(&t);
}

static void rx_waits(const void *arg)
{
	struct iommu_session t;
	struct guest *g = &t.s.g;
	__u64 from, len = 0x400000;
	__u8 out[10000], in[10000];
	struct sending sending;

	(void)arg;
	start_default(&t);
	from = g->tx_gpa + GUEST_TX_ROOM;
	iommu_hold(&t.m, from, from + len);
	require(iommu_invalidate(&t.m, from, len) > 0, "invalidate");
	pattern_fill(out, sizeof(out), 9, 0);
	host_send_begin(&sending, t.s.fd, out, sizeof(out), 0, TIMEOUT);
	require(iommu_wait_held(&t.m, TIMEOUT), "no IOTLB miss");
	session_to_host(&t.s, 20000);
	guest_kick(g, RXQ);
	session_to_host(&t.s, 20001);
	require(!g->inbox.first && !t.s.c.rxq.first, "it was received");
	iommu_release(&t.m);
	require_ok(conn_recv(&t.s.c, in, sizeof(in), TIMEOUT));
	require_ok(host_send_end(&sending));
	require(pattern_check(in, sizeof(in), 9, 0) < 0, "data differ");
	session_exchange(&t.s, 65536);
	end(&t);
}

/* The ring itself is no longer translated. */
static void ring_waits(const void *arg)
{
	const unsigned int *q = arg;
	struct iommu_session t;
	struct guest *g = &t.s.g;
	struct sending x;
	__u64 iova;

	start_default(&t);
	iova = mem_gpa(&g->mem, g->q[*q].mem);
	iommu_hold(&t.m, iova, iova + IOMMU_PAGE);
	require(iommu_invalidate(&t.m, iova, IOMMU_PAGE) > 0, "invalidate");
	if (*q == TXQ) {
		require(conn_send_rw(&t.s.c, "x", 1, 0, QUIET) == -ETIMEDOUT,
			"it was sent");
		require(iommu_wait_held(&t.m, TIMEOUT), "no IOTLB miss");
		session_to_guest(&t.s, 20000);
	} else {
		host_send_begin(&x, t.s.fd, "x", 1, 0, TIMEOUT);
		require(iommu_wait_held(&t.m, TIMEOUT), "no IOTLB miss");
		require_ok(conn_send_rw(&t.s.c, "y", 1, 0, TIMEOUT));
	}
	iommu_release(&t.m);
	if (*q == TXQ) {
		char c = 0;

		require_ok(host_recv(t.s.fd, &c, 1, TIMEOUT));
		require(c == 'x', "data differ");
	} else {
		char c = 0;

		require_ok(conn_recv(&t.s.c, &c, 1, TIMEOUT));
		require(c == 'x', "data differ");
		require_ok(host_send_end(&x));
		require_ok(host_recv(t.s.fd, &c, 1, TIMEOUT));
		require(c == 'y', "data differ");
	}
	session_exchange(&t.s, 65536);
	end(&t);
}

/* --- events while a miss is pending --- */

/* Leave a packet of ten bytes waiting for a translation. */
static void leave_waiting(struct iommu_session *t)
{
	const struct guest *g = &t->s.g;

	iommu_hold(&t->m, g->tx_gpa, g->tx_gpa + GUEST_TX_ROOM);
	require(iommu_invalidate(&t->m, g->tx_gpa, GUEST_TX_ROOM) > 0, "invalidate");
	require(conn_send_rw(&t->s.c, "0123456789", 10, 0, QUIET) ==
		-ETIMEDOUT, "it was sent");
	require(iommu_wait_held(&t->m, TIMEOUT), "no IOTLB miss");
}

static void require_arrives(struct iommu_session *t)
{
	char in[10];

	require_ok(host_recv(t->s.fd, in, sizeof(in), TIMEOUT));
	require(!memcmp(in, "0123456789", 10), "data differ");
	session_exchange(&t->s, 65536);
}

static void stopped_waiting(const void *arg)
{
	struct iommu_session t;
	int i;

	(void)arg;
	start_default(&t);
	for (i = 0; i < 3; i++) {
		leave_waiting(&t);
		require_ok(dev_set_running(&t.s.g.dev, 0));
		/* The answer to a miss that is no longer pending. */
		if (i == 1)
			iommu_release(&t.m);
		require_ok(dev_set_running(&t.s.g.dev, 1));
		/* vhost_vsock does not check by itself; QEMU kicks. */
		if (test_options.upstream)
			guest_kick(&t.s.g, TXQ);
		iommu_release(&t.m);
		require_arrives(&t);
	}
	end(&t);
}

static void closed_waiting(const void *arg)
{
	struct iommu_session t, b;

	(void)arg;
	start_default(&t);
	leave_waiting(&t);
	iommu_halt(&t.m);
	close(t.s.fd);
	t.s.fd = dup(t.s.listener);
	end(&t);

	memset(&b, 0, sizeof(b));
	start_default(&b);
	end(&b);
}

/* Setting the same features again empties the IOTLB. The waiting virtqueue continues, and misses
 * the translation again, whether or not the VMM answers the previous miss.
 */
static void features_waiting(const void *arg)
{
	const bool *answered = arg;
	struct iommu_session t;

	start_default(&t);
	leave_waiting(&t);
	if (!*answered)
		iommu_forget(&t.m);
	require_ok(dev_set_features(&t.s.g.dev, t.s.g.cfg.features));
	if (*answered)
		iommu_release(&t.m);
	require_arrives(&t);
	end(&t);
}

static void table_waiting(const void *arg)
{
	struct iommu_session t;

	(void)arg;
	start_default(&t);
	leave_waiting(&t);
	require_ok(dev_set_mem_table(&t.s.g.dev, &t.m.phys));
	iommu_release(&t.m);
	require_arrives(&t);
	end(&t);
}

#define LATE 10000	/* us; longer than a notification is delayed */

static void set_rings(struct guest *g)
{
	unsigned int q;

	for (q = 0; q < NUM_QUEUES; q++)
		require_ok(guest_set_ring_addr(g, q, false, 0));
}

/* Rings without an address are not accessed, not even for a delayed notification. */
static void take_away(struct guest *g)
{
	require_ok(dev_set_features(&g->dev, g->cfg.features & ~F_ACCESS_PLATFORM));
	usleep(LATE);
	g->cfg.iommu = false;
	/* Without translation, use the guest's view as its memory. */
	require_ok(dev_set_mem_table(&g->dev, &g->mem));
	set_rings(g);
}

static void put_back(struct iommu_session *t)
{
	struct guest *g = &t->s.g;

	require_ok(dev_set_features(&g->dev, g->cfg.features));
	g->cfg.iommu = true;
	require_ok(dev_set_mem_table(&g->dev, &t->m.phys));
	set_rings(g);
}

/* Removed from the IOMMU and attached again, while running. */
static void toggled(const void *arg)
{
	struct iommu_session t;
	int i;

	(void)arg;
	start_default(&t);
	for (i = 0; i < 5; i++) {
		if (i & 1)
			leave_waiting(&t);
		take_away(&t.s.g);
		if (i & 1)
			require_arrives(&t);
		session_exchange(&t.s, 20000);
		iommu_release(&t.m);
		put_back(&t);
		session_exchange(&t.s, 20000);
	}
	end(&t);
}

#define STREAM 20000
#define TOGGLES 20

static void *send_bytes(void *arg)
{
	const struct session *s = arg;
	int i;

	for (i = 0; i < STREAM; i++)
		require_ok(host_send(s->fd, "", 1, 0, TIMEOUT));
	return NULL;
}

/* The same while small packets go to the guest, with coalesced notifications. */
static void toggled_in_stream(const void *arg)
{
	static char in[STREAM / TOGGLES];
	struct iommu_session t;
	pthread_t thread;
	int i;

	(void)arg;
	start_default(&t);
	require(!pthread_create(&thread, NULL, send_bytes, &t.s), "thread");
	for (i = 0; i < TOGGLES; i++) {
		require_ok(conn_recv(&t.s.c, in, sizeof(in), TIMEOUT));
		if (i & 1)
			put_back(&t);
		else
			take_away(&t.s.g);
	}
	pthread_join(thread, NULL);
	end(&t);
}

/* --- invalidations --- */

#define MOVES 200

/* The old frame of a page is neither read nor written any more. */
static void pages_moved(const void *arg)
{
	struct guest_config cfg = config(0);
	const void *old[MOVES];
	struct iommu_session t;
	struct guest *g = &t.s.g;
	__u8 in[30000], out[30000];
	struct sending sending;
	unsigned int n = 0, i;

	(void)arg;
	cfg.rx_bufs = 8;
	cfg.features |= F_EVENT_IDX;
	start(&t, &cfg);
	session_connect(&t.s, SOCK_STREAM);
	while (n < MOVES) {
		__u64 rx = g->tx_gpa + GUEST_TX_ROOM;
		__u64 places[] = {
			g->tx_gpa + n % 4 * IOMMU_PAGE,
			rx + n % 8 * IOMMU_PAGE,
			mem_gpa(&g->mem, g->q[RXQ].mem),
			mem_gpa(&g->mem, g->q[TXQ].ring.device_area),
		};

		/* A packet is in flight while its pages move. */
		pattern_fill(out, sizeof(out), n, 0);
		host_send_beside(&sending, t.s.fd, out, sizeof(out), 0, TIMEOUT);
		for (i = 0; i < ARRAY_SIZE(places); i++) {
			old[n] = iommu_move(&t.m, places[i]);
			require(old[n++], "the page could not be moved");
			guest_kick(g, RXQ);
		}
		require_ok(conn_recv(&t.s.c, in, sizeof(in), TIMEOUT));
		require_ok(host_send_end(&sending));
		require(pattern_check(in, sizeof(in), n - 4, 0) < 0,
			"data differ");
		session_to_host(&t.s, 5000 + n);
	}
	for (i = 0; i < n; i++)
		require(iommu_untouched(old[i]),
			"page %u was written after it moved", i);
	end(&t);
}

/* --- answers --- */

static __u8 answer_perm;
static __u64 answer_size;

/* Translations of parts of pages. */
static void answer_piece(struct iommu *m, __u64 iova, __u8 perm)
{
	(void)perm;
	iova -= iova % answer_size;
	iommu_tell(m, iova, answer_size, iommu_ptr(m, iova), VHOST_ACCESS_RW);
}

static void small_answers(const void *arg)
{
	struct guest_config cfg = config(0);
	struct iommu_session t;

	answer_size = *(const unsigned int *)arg;
	cfg.num[RXQ] = 16;
	cfg.num[TXQ] = 16;
	cfg.rx_bufs = 4;
	require_ok(iommu_setup(&t.m, &t.s.g, &cfg, false));
	iommu_answer_by(&t.m, answer_piece);
	require_ok(iommu_run(&t.m));
	require_ok(dev_set_running(&t.s.g.dev, 1));
	for (; cfg.rx_bufs; cfg.rx_bufs--)
		require_ok(guest_post_rx(&t.s.g, 4096, &layout_one));
	session_connect(&t.s, SOCK_STREAM);
	session_exchange(&t.s, 100);
	session_exchange(&t.s, 6000);
	end(&t);
}

/* First translations that do not match the miss, then the matching one, twice. */
static void answer_more(struct iommu *m, __u64 iova, __u8 perm)
{
	__u64 other = GUEST_EDGE + iova % 0x100000;

	iommu_answer(m, other, perm);
	iommu_answer(m, GUEST_HOLE, perm);
	iommu_invalidate(m, GUEST_HOLE, IOMMU_PAGE);
	iommu_answer(m, iova, perm);
	iommu_answer(m, iova, perm);
}

static void more_answers(const void *arg)
{
	struct guest_config cfg = config(0);
	struct iommu_session t;

	(void)arg;
	start(&t, &cfg);
	iommu_answer_by(&t.m, answer_more);
	session_connect(&t.s, SOCK_STREAM);
	session_exchange(&t.s, 65536);
	end(&t);
}

static void answer_perms(struct iommu *m, __u64 iova, __u8 perm)
{
	(void)perm;
	iova -= iova % IOMMU_PAGE;
	iommu_tell(m, iova, IOMMU_PAGE, iommu_ptr(m, iova), answer_perm);
}

/* NOTHING_LEN unmapped bytes between two mappings: too few for a thread's stack. */
#define NOTHING_LEN 65536

static void *nothing(void)
{
	static __u8 *hole;

	if (!hole) {
		hole = mmap(NULL, 3 * NOTHING_LEN, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		require(hole != MAP_FAILED, "mmap: %m");
		hole += NOTHING_LEN;
		munmap(hole, NOTHING_LEN);
	}
	return hole;
}

/* A translation to memory that does not exist. */
static void answer_nothing(struct iommu *m, __u64 iova, __u8 perm)
{
	(void)perm;
	iova -= iova % IOMMU_PAGE;
	iommu_tell(m, iova, IOMMU_PAGE, nothing(), VHOST_ACCESS_RW);
}

struct refused_case {
	const char *name;
	unsigned int q;
	iommu_answer_fn answer;
	__u8 perm;
};

static const struct refused_case refused_cases[] = {
	{ "receive buffer that may only be read", RXQ, answer_perms,
	  VHOST_ACCESS_RO },
	{ "transmit buffer that may only be written", TXQ, answer_perms,
	  VHOST_ACCESS_WO },
	{ "receive buffer without permission", RXQ, answer_perms, 0 },
	{ "transmit buffer without permission", TXQ, answer_perms, 0 },
	{ "receive buffer in memory that is not there", RXQ, answer_nothing },
	{ "transmit buffer in memory that is not there", TXQ, answer_nothing },
};

/* A chain is returned unused when the VMM's answer does not allow its access. */
static void refused(const void *arg)
{
	const struct refused_case *c = arg;
	struct guest_config cfg = config(0);
	struct counters before;
	struct iommu_session t;
	struct guest *g = &t.s.g;
	struct seg seg = { GUEST_EDGE, 4096, c->q == RXQ };
	struct sending x;
	char ch = 0;

	cfg.rx_bufs = 0;
	start(&t, &cfg);
	require_ok(guest_post_rx(g, 4096, &layout_one));
	session_connect(&t.s, SOCK_STREAM);
	before = counters_read(g);
	answer_perm = c->perm;
	iommu_answer_by(&t.m, c->answer);
	require_ok(ring_add(&g->q[c->q].ring, &seg, 1, NULL));
	guest_kick(g, c->q);
	if (c->q == RXQ)
		host_send_begin(&x, t.s.fd, "x", 1, 0, TIMEOUT);
	require(!guest_wait_used(g, c->q), "it was used");
	counters_expect(g, &before, REJ_BAD_ADDRESS, 1);

	iommu_answer_by(&t.m, iommu_answer);
	g->rx_repost = true;
	require_ok(guest_post_rx(g, 4096, &layout_one));
	if (c->q == RXQ) {
		require_ok(conn_recv(&t.s.c, &ch, 1, TIMEOUT));
		require(ch == 'x', "the packet was lost");
		require_ok(host_send_end(&x));
	}
	session_exchange(&t.s, 1000);
	end(&t);
}

/* --- rings at invalid addresses --- */

enum area { DESC, DRIVER, DEVICE };
enum bad { ODD, ENDS, NOTHING, NO_PERM, WRONG_PERM };

struct ring_case {
	const char *name;
	enum area area;
	enum bad bad;
};

static const struct ring_case ring_cases[] = {
	{ "used ring at an odd place", DEVICE, ODD },
	{ "available ring at an odd place", DRIVER, ODD },
	{ "descriptors in memory that is not there", DESC, NOTHING },
	{ "available ring in memory that is not there", DRIVER, NOTHING },
	{ "used ring in memory that is not there", DEVICE, NOTHING },
	{ "descriptors without permission", DESC, NO_PERM },
	{ "available ring without permission", DRIVER, NO_PERM },
	{ "used ring without permission", DEVICE, NO_PERM },
	{ "available ring that may only be written", DRIVER, WRONG_PERM },
	{ "used ring that may only be read", DEVICE, WRONG_PERM },
	{ "used ring whose index is in two places", DEVICE, ENDS },
};

/* Give the area an invalid translation. */
static void tell_bad(const struct iommu_session *t, const struct ring_case *c,
		     __u64 iova)
{
	const struct iommu *m = &t->m;
	__u8 perm = VHOST_ACCESS_RW;
	__u8 *va = iommu_ptr(m, iova);

	switch (c->bad) {
	case ODD:
		va++;
		break;
	case ENDS:
		/* One part here, the rest elsewhere. */
		require(iommu_tell(m, iova, 3, va, perm) > 0, "update");
		iova += 3;
		va += 64;
		break;
	case NOTHING:
		va = nothing();
		break;
	case NO_PERM:
		perm = 0;
		break;
	case WRONG_PERM:
		perm = c->area == DEVICE ? VHOST_ACCESS_RO : VHOST_ACCESS_WO;
		break;
	}
	require(iommu_tell(m, iova, IOMMU_PAGE, va, perm) > 0, "update");
}

/* A valid packet at @at; its used chain is not awaited. */
static void push_packet(struct session *s, __u64 at)
{
	struct pkt p = conn_pkt(&s->c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	struct virtio_vsock_hdr h = pkt_encode(&p);
	struct seg seg = { at, HDR_LEN, false };

	require_ok(mem_write(&s->g.mem, at, &h, HDR_LEN));
	require_ok(ring_add(&s->g.q[TXQ].ring, &seg, 1, NULL));
}

static void ring_misplaced(const void *arg)
{
	const struct ring_case *c = arg;
	struct guest_config cfg = config(0);
	struct iommu_session t;
	struct guest *g = &t.s.g;
	struct counters before;
	const struct ring *r = &g->q[TXQ].ring;
	__u64 far = GUEST_EDGE, area[3];

	start(&t, &cfg);
	session_connect(&t.s, SOCK_STREAM);
	before = counters_read(g);
	area[DESC] = mem_gpa(&g->mem, r->desc_area);
	area[DRIVER] = mem_gpa(&g->mem, r->driver_area);
	area[DEVICE] = mem_gpa(&g->mem, r->device_area);
	/* Only this area, at an address of its own. */
	tell_bad(&t, c, far);
	area[c->area] = far;
	push_packet(&t.s, g->tx_gpa);
	require_ok(dev_set_ring_addr(&g->dev, TXQ, (void *)area[DESC],
				     (void *)area[DRIVER],
				     (void *)area[DEVICE]));
	guest_kick(g, TXQ);
	require(guest_ring_error(g, TXQ, TIMEOUT), "no error eventfd");
	counters_expect(g, &before, BROKEN_RINGS, 1);
	session_to_guest(&t.s, 1000);

	/* After it has been corrected, the ring starts again. */
	require(iommu_invalidate(&t.m, far, 2 * IOMMU_PAGE) > 0, "invalidate");
	require_ok(iommu_restart(&t.m));
	for (cfg.rx_bufs = 4; cfg.rx_bufs; cfg.rx_bufs--)
		require_ok(guest_post_rx(g, 4096, &layout_one));
	session_exchange(&t.s, 10000);
	counters_expect(g, &before, BROKEN_RINGS, 1);
	end(&t);
}

/* --- more translations than the limit --- */

#define MANY	2400
#define PIECES	120

static void send_pieces(struct session *s, const struct seg *segs)
{
	struct pkt p = conn_pkt(&s->c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	struct virtio_vsock_hdr h = pkt_encode(&p);

	require_ok(mem_write(&s->g.mem, segs[0].addr, &h, HDR_LEN));
	require_ok(guest_send_segs(&s->g, segs, PIECES, TIMEOUT));
}

/* Chains whose pieces are each in a page of their own, over all pages of the guest, twice: the
 * first translations have been dropped by then.
 */
static void many_translations(const void *arg)
{
	struct guest_config cfg = config(0);
	struct iommu_session t;
	struct guest *g = &t.s.g;
	struct seg segs[PIECES];
	unsigned int asked = 0, i;

	(void)arg;
	if (page_size() > 4096)
		tap_skip("the guest has too few pages of this size");
	start(&t, &cfg);
	session_connect(&t.s, SOCK_STREAM);
	for (i = 0; i < 2 * MANY; i++) {
		unsigned int page = i % MANY;
		/* Region 1 from there on, then regions 2 and 3. */
		__u64 at = page < 2000 ? g->tx_gpa + page * IOMMU_PAGE :
			   GUEST_EDGE - 0x100000 + (page - 2000) * IOMMU_PAGE;

		segs[i % PIECES] = (struct seg){ at, HDR_LEN, false };
		if (i % PIECES < PIECES - 1)
			continue;
		send_pieces(&t.s, segs);
		if (i == MANY - 1)
			asked = iommu_questions(&t.m);
	}
	asked = iommu_questions(&t.m) - asked;
	require(asked >= MANY, "%u IOTLB misses for %u pages", asked, MANY);
	session_exchange(&t.s, 65536);
	end(&t);
}

void add_iommu_tests(void)
{
	static const unsigned int rx = RXQ, tx = TXQ, bytes16 = 16,
				  bytes64 = 64, bytes1024 = 1024;
	static const bool yes = true, no;
	static const char g[] = "iommu";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(traffic_cases); i++)
		session_test(g, traffic_cases[i].name, traffic,
			     &traffic_cases[i], 0, RINGS_BOTH);
	session_test(g, "packets of 64 KiB in one buffer", large_packets, NULL,
		     0, RINGS_BOTH);
	session_test(g, "seqpacket", seqpacket, NULL, 0, RINGS_BOTH);
	session_test(g, "transmit buffers wait, the rest goes on", tx_waits,
		     NULL, 0, RINGS_BOTH);
	session_test(g, "receive buffers wait, the rest goes on", rx_waits,
		     NULL, 0, RINGS_BOTH);
	session_test(g, "transmit ring waits, the rest goes on", ring_waits,
		     &tx, 0, RINGS_BOTH);
	session_test(g, "receive ring waits, the rest goes on", ring_waits,
		     &rx, 0, RINGS_BOTH);
	session_test(g, "stopped while a question waits", stopped_waiting,
		     NULL, 0, RINGS_BOTH);
	session_test(g, "closed while a question waits", closed_waiting, NULL,
		     0, RINGS_BOTH);
	session_test(g, "features again, the question answered",
		     features_waiting, &yes, 0, RINGS_BOTH);
	session_test(g, "features again, the question lost", features_waiting,
		     &no, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "memory table while a question waits", table_waiting,
		     NULL, 0, RINGS_BOTH);
	session_test(g, "taken away and put back while running", toggled, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "taken away and put back in a stream", toggled_in_stream,
		     NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "case 80: pages moved under traffic", pages_moved, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "answers of 16 bytes", small_answers, &bytes16, 0,
		     RINGS_BOTH);
	session_test(g, "answers of 64 bytes", small_answers, &bytes64, 0,
		     RINGS_BOTH);
	session_test(g, "answers of 1 KiB", small_answers, &bytes1024, 0,
		     RINGS_BOTH);
	session_test(g, "answers to other questions, and twice", more_answers,
		     NULL, 0, RINGS_BOTH);
	for (i = 0; i < ARRAY_SIZE(refused_cases); i++)
		session_test(g, refused_cases[i].name, refused,
			     &refused_cases[i], TAP_MVSOCK, RINGS_BOTH);
	for (i = 0; i < ARRAY_SIZE(ring_cases); i++)
		session_test(g, ring_cases[i].name, ring_misplaced,
			     &ring_cases[i], TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "case 81: more translations than are kept",
		     many_translations, NULL, 0, RINGS_SPLIT);
}
