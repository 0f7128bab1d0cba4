// SPDX-License-Identifier: GPL-2.0
/*
 * Chains are given back in batches. If a ring breaks within a batch, the driver still sees the
 * chains that were given back before.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define PAGE page_size()
#define PAGE_DESCS (PAGE / RING_DESC_LEN)
#define GOOD 3		/* chains, followed by one that can't be taken */
#define LEN 100

/* Rings whose descriptors fill whole pages. */
static struct guest_config config(void)
{
	struct guest_config cfg = test_config(0);
	unsigned int q;

	cfg.rings_apart = true;
	cfg.rx_bufs = 0;
	for (q = 0; q < NUM_QUEUES; q++)
		cfg.num[q] = cfg.packed ? 3 * PAGE_DESCS : 2 * PAGE_DESCS;
	return cfg;
}

/* The connection uses one chain of each ring. */
static void start(struct session *s, const struct guest_config *cfg,
		  unsigned int q)
{
	eventfd_t n;

	require_ok(guest_start(&s->g, cfg));
	require_ok(guest_post_rx(&s->g, PAGE, &layout_one));
	session_connect(s, SOCK_STREAM);
	ring_arm(&s->g.q[q].ring);
	eventfd_read(s->g.q[q].call, &n);
}

static __u64 buffer(const struct session *s, unsigned int i)
{
	return s->g.tx_gpa + i * PAGE;
}

/* A packet to the host, without a kick. */
static void add_packet(struct session *s, unsigned int i)
{
	struct seg seg = { buffer(s, i), HDR_LEN + LEN, false };
	struct pkt p = conn_pkt(&s->c, VIRTIO_VSOCK_OP_RW);
	struct virtio_vsock_hdr h;
	__u8 data[LEN];

	p.len = LEN;
	h = pkt_encode(&p);
	pattern_fill(data, LEN, i, 0);
	mem_write(&s->g.mem, seg.addr, &h, HDR_LEN);
	mem_write(&s->g.mem, seg.addr + HDR_LEN, data, LEN);
	s->c.tx_cnt += LEN;
	require_ok(ring_add(&s->g.q[TXQ].ring, &seg, 1, NULL));
}

static void add_buffer(struct session *s, unsigned int i)
{
	struct seg seg = { buffer(s, i), HDR_LEN + LEN, true };

	require_ok(ring_add(&s->g.q[RXQ].ring, &seg, 1, NULL));
}

/* The good chains get the last descriptors of the first page. */
static void skip_to_page_end(struct ring *r)
{
	__u16 idx;

	if (r->f.packed)
		require(r->p.avail.index == PAGE_DESCS - GOOD, "at %u",
			r->p.avail.index);
	else
		while (r->s.free[r->s.first_free] < PAGE_DESCS - GOOD)
			require_ok(ring_take(r, 1, &idx, NULL));
}

/* All used chains are published without a further action. */
static void expect_batch(struct session *s, unsigned int q, __u32 want)
{
	struct ring *r = &s->g.q[q].ring;
	unsigned int i;
	void *token;
	__u32 len;

	require(host_poll(s->g.q[q].call, POLLIN, TIMEOUT), "no interrupt");
	for (i = 0; i < GOOD; i++) {
		require(ring_get_used(r, &len, &token) >= 0,
			"chain %u was not given back", i);
		require(len == want, "chain %u has length %u, not %u", i, len,
			want);
	}
	require(!ring_has_used(r), "one chain too many");
}

static void expect_data(struct session *s)
{
	__u8 in[LEN];
	unsigned int i;

	for (i = 0; i < GOOD; i++) {
		require_ok(host_recv(s->fd, in, LEN, TIMEOUT));
		require(pattern_check(in, LEN, i, 0) < 0, "packet %u differs", i);
	}
}

static void go_on(struct session *s)
{
	unsigned int i;

	guest_restart(&s->g);
	s->g.rx_repost = true;
	for (i = 0; i < 4; i++)
		require_ok(guest_post_rx(&s->g, PAGE, &layout_one));
}

/* The ring's second page is unmapped, with the batch's last chain. */
static void broken_within(const void *arg)
{
	struct guest_config cfg = config();
	unsigned int q = *(const unsigned int *)arg, i;
	__u8 in[LEN], out[(GOOD + 1) * LEN];
	struct counters before;
	struct sending sending;
	struct session s;
	char *page;

	if (cfg.packed)
		cfg.base[q] = test_base(&cfg, PAGE_DESCS - GOOD - 1, true);
	start(&s, &cfg, q);
	before = counters_read(&s.g);
	skip_to_page_end(&s.g.q[q].ring);

	pattern_fill(out, sizeof(out), 0, 0);
	if (q == RXQ)
		host_send_begin(&sending, s.fd, out, sizeof(out), 0, TIMEOUT);
	for (i = 0; i <= GOOD; i++) {
		if (q == TXQ)
			add_packet(&s, i);
		else
			add_buffer(&s, i);
	}
	ring_publish(&s.g.q[q].ring);
	page = (char *)s.g.q[q].mem + PAGE;
	require(!munmap(page, PAGE), "munmap");
	eventfd_write(s.g.q[q].kick, 1);
	require(guest_ring_error(&s.g, q, TIMEOUT), "no error eventfd");
	counters_expect(&s.g, &before, BROKEN_RINGS, 1);

	/* Map it again, as the driver also looks there for the next used chain. */
	require(mmap(page, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page,
		"mmap");
	expect_batch(&s, q, q == TXQ ? 0 : HDR_LEN + LEN);
	if (q == TXQ)
		expect_data(&s);
	go_on(&s);
	if (q == RXQ) {
		/* What was not sent through the broken ring. */
		require_ok(conn_recv(&s.c, in, LEN, TIMEOUT));
		require(!memcmp(in, out + GOOD * LEN, LEN), "data differ");
		require_ok(host_send_end(&sending));
	}
	session_close(&s);
}

/*
 * The page with the used index, but no used entries, can't be written for a while: the batch is
 * published only when the ring is started again.
 */
static void unpublished(const void *arg)
{
	struct guest_config cfg = config();
	struct counters before;
	struct session s;
	struct ring *r = &s.g.q[TXQ].ring;
	unsigned int i;
	char *page;

	(void)arg;
	/* The index's page is then written for nothing else. */
	cfg.features |= F_EVENT_IDX;
	cfg.base[TXQ] = 2 * PAGE_DESCS - 8;
	start(&s, &cfg, TXQ);
	before = counters_read(&s.g);
	for (i = 0; i < GOOD; i++)
		add_packet(&s, i);
	ring_publish(r);
	page = (char *)s.g.q[TXQ].mem + 2 * PAGE;
	require((char *)&r->s.used->idx > page &&
		(char *)&r->s.used->ring[cfg.base[TXQ]] >= page + PAGE,
		"the ring is at another address");
	require(!mprotect(page, PAGE, PROT_READ), "mprotect");
	eventfd_write(s.g.q[TXQ].kick, 1);
	require(guest_ring_error(&s.g, TXQ, TIMEOUT), "no error eventfd");
	expect_data(&s);
	require(!ring_has_used(r), "the index was written");

	require(!mprotect(page, PAGE, PROT_READ | PROT_WRITE), "mprotect");
	require_ok(dev_set_running(&s.g.dev, 1));
	expect_batch(&s, TXQ, 0);
	counters_expect(&s.g, &before, BROKEN_RINGS, 1);
	go_on(&s);
	session_exchange(&s, 10000);
	session_close(&s);
}

void add_batch_tests(void)
{
	static const unsigned int queues[] = { RXQ, TXQ };

	session_test("rx batch", "case 8: broken within", broken_within,
		     &queues[0], TAP_MVSOCK, RINGS_BOTH);
	session_test("tx batch", "case 8: broken within", broken_within,
		     &queues[1], TAP_MVSOCK, RINGS_BOTH);
	session_test("tx batch", "case 8: index lost until the next start",
		     unpublished, NULL, TAP_MVSOCK, RINGS_SPLIT);
}
