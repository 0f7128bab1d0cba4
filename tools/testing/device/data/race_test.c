// SPDX-License-Identifier: GPL-2.0
/*
 * A thread rewrites memory while the device reads it. The fate of the chains is undefined, but
 * nothing else may be touched.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "device_test.h"
#include "scribble.h"
#include "session.h"

#define RING 16
#define ROUNDS 15

enum target { AVAILABLE, EVENTS, DESCRIPTORS, TABLES, HEADERS };

struct race {
	const char *name;
	enum target target;
	unsigned int q;
};

/* Each chain has a table of three entries, and a buffer in its own page. */
struct layout_of {
	__u64 tables;
	__u64 buffers;
};

static void *target_of(struct session *s, const struct race *t,
		       const struct layout_of *at, size_t *len)
{
	const struct ring *r = &s->g.q[t->q].ring;

	switch (t->target) {
	case AVAILABLE:
		/* The index and the entries, or the flags that make descriptors available. */
		*len = r->f.packed ? RING * RING_DESC_LEN : 4 + 2 * RING;
		return r->f.packed ? r->desc_area : r->driver_area;
	case EVENTS:
		*len = r->f.packed ? 4 : 2;
		return r->f.packed ? r->driver_area :
		       (void *)&r->s.avail->ring[RING];
	case DESCRIPTORS:
		*len = RING * RING_DESC_LEN;
		return r->desc_area;
	case TABLES:
		*len = RING * 4 * RING_DESC_LEN;
		return mem_ptr(&s->g.mem, at->tables, *len);
	default:
		*len = HDR_LEN;
		return mem_ptr(&s->g.mem, at->buffers, *len);
	}
}

/* Fill the ring with valid chains, direct and indirect alternately. */
static void fill(struct session *s, unsigned int q, const struct layout_of *at)
{
	struct ring *r = &s->g.q[q].ring;
	struct pkt p = conn_pkt(&s->c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	struct virtio_vsock_hdr h = pkt_encode(&p);
	unsigned int i;

	for (i = 0; r->nfree; i++) {
		__u64 buf = at->buffers + (i % RING) * 4096;
		__u64 table = at->tables + (i % RING) * 4 * RING_DESC_LEN;
		bool w = q == RXQ;
		struct seg segs[] = { { buf, 20, w }, { buf + 20, 24, w },
				      { buf + 44, 1000, w } };

		mem_write(&s->g.mem, buf, &h, HDR_LEN);
		if (i & 1 || r->nfree < 3)
			ring_add_indirect(r, segs, 3,
					  mem_ptr(&s->g.mem, table, 48),
					  table, NULL);
		else
			ring_add(r, segs, 3, NULL);
	}
}

/* One round: rewrite and kick for some milliseconds, then restore valid content. */
static void round_of(struct session *s, const struct race *t,
		     const struct layout_of *at, __u32 seed)
{
	static struct scribble scribble;
	size_t len;
	void *area;
	int i;

	fill(s, t->q, at);
	ring_publish(&s->g.q[t->q].ring);
	area = target_of(s, t, at, &len);
	require_ok(scribble_start(&scribble, area, len, seed));
	for (i = 0; i < 8; i++) {
		send(s->fd, "0123456789", 10, MSG_NOSIGNAL | MSG_DONTWAIT);
		eventfd_write(s->g.q[t->q].kick, 1);
		usleep(500);
	}
	scribble_stop(&scribble);
	guest_restart(&s->g);
	guest_ring_error(&s->g, t->q, 0);
}

static void prepare(struct session *s, struct layout_of *at)
{
	struct guest_config cfg = test_config(0);

	cfg.num[RXQ] = RING;
	cfg.num[TXQ] = RING;
	cfg.features |= F_INDIRECT | F_EVENT_IDX;
	cfg.rx_bufs = 4;
	session_guest_connects(s, &cfg, SOCK_STREAM);
	s->g.rx_repost = false;
	at->tables = mem_alloc(&s->g.mem, 1, 4096, 4096);
	at->buffers = mem_alloc(&s->g.mem, 1, RING * 4096, 4096);
}

/* With rewritten addresses the guest may corrupt any of its own memory, but no byte outside of it;
 * the guard pages around its regions check that.
 */
static void race(const void *arg)
{
	const struct race *t = arg;
	struct layout_of at;
	struct session a;
	__u32 seed = 0x1234;
	int i;

	prepare(&a, &at);
	for (i = 0; i < ROUNDS; i++)
		round_of(&a, t, &at, seed + i * 77);
	neighbour_exchange(1000);

	/* Data of the first connection were lost. */
	close(a.fd);
	close(a.listener);
	conn_free(&a.c);
	packet_list_purge(&a.g.inbox);
	a.g.bad_used = 0;
	a.g.missed_calls = 0;
	a.g.rx_repost = true;
	for (i = 0; i < 4; i++)
		require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	session_exchange(&a, 10000);
	session_close(&a);
}

static const struct race races[] = {
	{ "case 3: available ring rewritten", AVAILABLE, TXQ },
	{ "case 3: available ring rewritten", AVAILABLE, RXQ },
	{ "case 7: event suppression rewritten", EVENTS, TXQ },
	{ "case 7: event suppression rewritten", EVENTS, RXQ },
	{ "case 6, 24: descriptors rewritten", DESCRIPTORS, TXQ },
	{ "case 6, 24: descriptors rewritten", DESCRIPTORS, RXQ },
	{ "case 37: indirect tables rewritten", TABLES, TXQ },
	{ "case 37: indirect tables rewritten", TABLES, RXQ },
	{ "case 41, 45, 46: headers rewritten", HEADERS, TXQ },
};

void add_race_tests(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(races); i++)
		session_test(races[i].q == TXQ ? "tx race" : "rx race",
			     races[i].name, race, &races[i], TAP_MVSOCK,
			     RINGS_BOTH);
}
