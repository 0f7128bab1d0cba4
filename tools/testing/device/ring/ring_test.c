// SPDX-License-Identifier: GPL-2.0
/*
 * Rings with content that no driver would write, but from which the device can still tell what to
 * do.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define RING 16

/* The flags of a packed descriptor that change in the next round. */
#define OTHER_WRAP (BIT_ULL(VRING_PACKED_DESC_F_AVAIL) | \
		    BIT_ULL(VRING_PACKED_DESC_F_USED))

/* @a has no receive buffers; its connection is established. */
static void start(struct session *a)
{
	struct guest_config cfg = test_config(0);

	cfg.num[RXQ] = RING;
	cfg.num[TXQ] = RING;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&a->g, &cfg));
	require_ok(guest_post_rx(&a->g, 4096, &layout_one));
	session_connect(a, SOCK_STREAM);
}

/* Everything works as before. */
static void finish(struct session *a)
{
	int i;

	a->g.rx_repost = true;
	for (i = 0; i < 4; i++)
		require_ok(guest_post_rx(&a->g, 4096, &layout_one));
	session_exchange(a, 10000);
	session_close(a);
}

/* A packet with @len bytes of payload at tx_gpa, as one descriptor. */
static struct seg good_packet(struct session *s, __u32 len)
{
	struct pkt p = conn_pkt(&s->c, VIRTIO_VSOCK_OP_RW);
	struct virtio_vsock_hdr h;
	__u8 data[1000];

	p.len = len;
	h = pkt_encode(&p);
	pattern_fill(data, len, 7, 0);
	mem_write(&s->g.mem, s->g.tx_gpa, &h, HDR_LEN);
	mem_write(&s->g.mem, s->g.tx_gpa + HDR_LEN, data, len);
	s->c.tx_cnt += len;
	return (struct seg){ s->g.tx_gpa, HDR_LEN + len, false };
}

static void require_received(struct session *s, __u32 len)
{
	__u8 in[1000];

	require_ok(host_recv(s->fd, in, len, TIMEOUT));
	require(pattern_check(in, len, 7, 0) < 0, "data differ");
}

static void wait_for_used(const struct ring *r)
{
	__u64 deadline = now_ms() + TIMEOUT;

	while (!ring_has_used(r)) {
		require(ms_left(deadline), "the chain was not used");
		usleep(1000);
	}
}

/* The same chain made available twice is used twice. */
static void same_twice(const void *arg)
{
	struct counters before;
	struct session a;
	struct ring *r = &a.g.q[TXQ].ring;
	struct seg seg;
	int first, second, i;
	void *token;
	__u32 len;

	(void)arg;
	start(&a);
	before = counters_read(&a.g);
	seg = good_packet(&a, 100);
	first = ring_add(r, &seg, 1, NULL);
	require_ok(first);
	if (a.g.cfg.packed) {
		second = ring_add(r, &seg, 1, NULL);
		require_ok(second);
		r->p.desc[r->chain[second].head].id = htole16(first);
	} else {
		ring_push(r, first);
	}
	a.c.tx_cnt += 100;
	guest_kick(&a.g, TXQ);
	for (i = 0; i < 2; i++) {
		wait_for_used(r);
		require((int)(a.g.cfg.packed ?
			      le16toh(r->p.desc[r->p.used.index].id) :
			      ring_32(r, r->s.used->ring[r->s.last_used &
							 (RING - 1)].id)) ==
			first, "used entry %d is of another chain", i);
		/* The second time it is no longer in flight. */
		require(ring_get_used(r, &len, &token) == (i ? -EPROTO : first),
			"used entry %d", i);
		require(!len, "used length %u", len);
	}
	counters_expect(&a.g, &before, NO_COUNTER, 0);
	require_received(&a, 100);
	require_received(&a, 100);
	finish(&a);
}

/* The driver's setting for interrupts. */
struct wish {
	const char *name;
	bool event_idx;
	__u16 flags;
	__u16 event;
};

static const struct wish wishes[] = {
	{ "flags 0xffff", false, 0xffff, 0 },
	{ "flags 0xfffe", false, 0xfffe, 0 },
	{ "flags 3", false, 3, 0xffff },
	{ "flags 2, not negotiated", false, 2, 0xffff },
	{ "place 0xffff", true, 2, 0xffff },
	{ "place 0x7fff", true, 2, 0x7fff },
	{ "place is the ring's size", true, 2, RING },
	{ "place is the ring's size, wrapped", true, 2, RING | 0x8000 },
	{ "flags 0xffff, event index", true, 0xffff, 0xffff },
};

static void set_wish(struct ring *r, const struct wish *w)
{
	if (r->f.packed) {
		r->p.driver->off_wrap = htole16(w->event);
		r->p.driver->flags = htole16(w->flags);
	} else {
		*(__u16 *)&r->s.avail->ring[r->num] = ring_16(r, w->event);
		r->s.avail->flags = ring_16(r, w->flags);
	}
}

/* Whatever the setting is, chains are given back; interrupts may be missing. */
static void bad_wish(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct wish *w = arg;
	struct counters before;
	struct session a;
	struct seg seg;
	void *token;
	__u32 len;
	int i;

	cfg.num[TXQ] = RING;
	cfg.features |= w->event_idx ? F_EVENT_IDX : 0;
	session_guest_connects(&a, &cfg, SOCK_STREAM);
	before = counters_read(&a.g);
	for (i = 0; i < 3 * RING; i++) {
		struct ring *r = &a.g.q[TXQ].ring;

		set_wish(r, w);
		seg = good_packet(&a, 10);
		require_ok(ring_add(r, &seg, 1, NULL));
		guest_kick(&a.g, TXQ);
		wait_for_used(r);
		require(ring_get_used(r, &len, &token) >= 0 && !len,
			"bad used entry");
		require_received(&a, 10);
	}
	set_wish(&a.g.q[RXQ].ring, w);
	require_ok(host_send(a.fd, "x", 1, 0, TIMEOUT));
	wait_for_used(&a.g.q[RXQ].ring);
	require_ok(conn_recv(&a.c, &len, 1, TIMEOUT));
	counters_expect(&a.g, &before, NO_COUNTER, 0);
	session_exchange(&a, 10000);
	session_close(&a);
}

/* A device-readable buffer is the part of the ring that the device writes. */
static void tx_aliases_ring(const void *arg)
{
	struct counters before;
	struct session a;
	struct guest_queue *q = &a.g.q[TXQ];
	struct seg seg;

	(void)arg;
	start(&a);
	before = counters_read(&a.g);
	seg = (struct seg){ a.g.mem.region[0].gpa +
			    ((__u8 *)q->ring.device_area -
			     a.g.mem.region[0].va), 128, false };
	/* The content of the ring is not a valid header: the CID is not the guest's. */
	require_ok(guest_send_segs(&a.g, &seg, 1, TIMEOUT));
	counters_expect(&a.g, &before, REJ_BAD_CID, 1);
	finish(&a);
}

/* The device writes a packet over the place of its used entry. */
static void rx_aliases_ring(const void *arg)
{
	struct session a;
	struct guest_queue *q = &a.g.q[RXQ];
	struct seg seg;
	__u8 *at;
	int err;

	(void)arg;
	start(&a);
	at = a.g.cfg.packed ? q->mem : q->ring.device_area;
	seg = (struct seg){ a.g.mem.region[0].gpa +
			    (at - a.g.mem.region[0].va), 200, true };
	require_ok(ring_add(&q->ring, &seg, 1, NULL));
	guest_kick(&a.g, RXQ);
	err = host_send(a.fd, "0123456789", 10, 0, QUIET);
	/* The ring does not tell any more whether it was sent. */
	require(!err || err == -ETIMEDOUT, "%s", strerror(-err));
	/* Only the guest's ring is affected; everything else works. */
	neighbour_exchange(1000);
	guest_restart(&a.g);
	close(a.fd);
	close(a.listener);
	conn_free(&a.c);
	packet_list_purge(&a.g.inbox);
	a.g.rx_repost = true;
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	finish(&a);
}

/* Two areas of a ring, or two rings, at the same address. */
struct overlap {
	const char *name;
	enum { DESC, DRIVER, DEVICE } area, onto;
	bool other_ring;
};

static const struct overlap overlaps[] = {
	{ "case 9: used on available", DEVICE, DRIVER, false },
	{ "case 9: used on descriptors", DEVICE, DESC, false },
	{ "case 9: available on descriptors", DRIVER, DESC, false },
	{ "case 9: used of both rings", DEVICE, DEVICE, true },
	{ "case 9: descriptors of both rings", DESC, DESC, true },
	{ "case 9: used on the other's descriptors", DEVICE, DESC, true },
};

static void overlap(const void *arg)
{
	const struct overlap *o = arg;
	struct session a;
	unsigned int i, q;

	start(&a);
	require_ok(dev_set_running(&a.g.dev, 0));
	for (q = 0; q < NUM_QUEUES; q++) {
		const struct ring *r = &a.g.q[q].ring;
		const struct ring *s = &a.g.q[o->other_ring ? !q : q].ring;
		void *from[] = { s->desc_area, s->driver_area, s->device_area };
		void *to[] = { r->desc_area, r->driver_area, r->device_area };

		to[o->area] = from[o->onto];
		require_ok(dev_set_ring_addr(&a.g.dev, q, to[0], to[1], to[2]));
	}
	require_ok(dev_set_running(&a.g.dev, 1));
	for (i = 0; i < 20; i++) {
		struct seg seg = good_packet(&a, 10);

		ring_add(&a.g.q[TXQ].ring, &seg, 1, NULL);
		seg.write = true;
		ring_add(&a.g.q[RXQ].ring, &seg, 1, NULL);
		guest_kick(&a.g, i & 1);
		send(a.fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		usleep(1000);
	}
	neighbour_exchange(1000);
	guest_restart(&a.g);
	close(a.fd);
	close(a.listener);
	a.g.rx_repost = true;
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	finish(&a);
}

/* Packed: not available yet, whatever the other fields say. */
static void wrong_wrap(const void *arg)
{
	const unsigned int *q = arg;
	struct counters before;
	struct sending x;
	struct session a;
	struct ring *r = &a.g.q[*q].ring;
	struct seg seg;
	__u16 *flags;
	__u8 buf[100];
	int chain;

	start(&a);
	before = counters_read(&a.g);
	if (*q == RXQ)
		host_send_begin(&x, a.fd, "x", 1, 0, TIMEOUT);
	seg = *q == TXQ ? good_packet(&a, 100) :
	      (struct seg){ a.g.tx_gpa, HDR_LEN + 1, true };
	chain = ring_add(r, &seg, 1, NULL);
	require_ok(chain);
	flags = &r->p.flags[r->chain[chain].head];
	*flags ^= OTHER_WRAP;
	guest_kick(&a.g, *q);
	require(!guest_ring_error(&a.g, *q, QUIET), "the ring broke");
	counters_expect(&a.g, &before, NO_COUNTER, 0);
	require(le16toh(r->p.desc[r->chain[chain].head].flags) == *flags,
		"the descriptor was written");
	/* Now it is really made available. */
	*flags ^= OTHER_WRAP;
	ring_push(r, chain);
	guest_kick(&a.g, *q);
	require(guest_wait_used(&a.g, *q) == (*q == TXQ ? 0 : HDR_LEN + 1),
		"used length");
	counters_expect(&a.g, &before, NO_COUNTER, 0);
	if (*q == TXQ) {
		require_received(&a, 100);
	} else {
		require_ok(mem_read(&a.g.mem, a.g.tx_gpa, buf, HDR_LEN + 1));
		require(buf[HDR_LEN] == 'x', "data differ");
		require_ok(host_send_end(&x));
		a.c.rx_cnt++;
		a.c.fwd_cnt++;
	}
	finish(&a);
}

/* Packed: the driver chooses the Buffer ID, which is returned unchanged. */
static void strange_id(const void *arg)
{
	static const __u16 ids[] = { RING, 0x7fff, 0x8000, 0xffff };
	struct session a;
	struct ring *r = &a.g.q[TXQ].ring;
	struct counters before;
	unsigned int i;

	(void)arg;
	start(&a);
	before = counters_read(&a.g);
	for (i = 0; i < 50; i++) {
		struct seg seg = good_packet(&a, 50);
		struct seg segs[] = { { seg.addr, 20, false },
				      { seg.addr + 20, seg.len - 20, false } };
		int chain = ring_add(r, segs, 2, NULL);
		__u16 id = ids[i % ARRAY_SIZE(ids)];
		unsigned int head;

		require_ok(chain);
		head = r->chain[chain].head;
		/* The last descriptor's ID is used. */
		ring_set_id(r, chain, id);
		r->p.desc[head].id = htole16(1);
		guest_kick(&a.g, TXQ);
		wait_for_used(r);
		require(le16toh(r->p.desc[head].id) == id, "ID 0x%x of 0x%x",
			le16toh(r->p.desc[head].id), id);
		require(!guest_wait_used(&a.g, TXQ), "used length");
		require_received(&a, 50);
	}
	counters_expect(&a.g, &before, NO_COUNTER, 0);
	finish(&a);
}

/* Packed: a rejected chain has its ID from its last descriptor. */
static void refused_id(const void *arg)
{
	struct session a;
	struct ring *r = &a.g.q[TXQ].ring;
	struct seg segs[] = { { GUEST_HOLE, 44, false },
			      { GUEST_HOLE, 1, false },
			      { GUEST_HOLE, 1, true } };
	struct vring_packed_desc *d;
	struct counters before;
	int chain, i;

	(void)arg;
	start(&a);
	before = counters_read(&a.g);
	for (i = 0; i < 40; i++) {
		chain = ring_add(r, segs, 3, NULL);
		require_ok(chain);
		ring_set_id(r, chain, 0x1234);
		d = &r->p.desc[r->chain[chain].head];
		d->id = htole16(1);
		guest_kick(&a.g, TXQ);
		wait_for_used(r);
		require(le16toh(d->id) == 0x1234, "ID 0x%x", le16toh(d->id));
		require(!(le16toh(d->flags) & VRING_DESC_F_WRITE),
			"used with a length");
		require(!guest_wait_used(&a.g, TXQ), "used length");
	}
	counters_expect(&a.g, &before, REJ_BAD_ADDRESS, i);
	finish(&a);
}

#define MANY 600

/* Each descriptor is two segments: more than a chain may have, and the chain ends long after the
 * descriptor with the 1025th segment.
 */
static void many_segments(const void *arg)
{
	const unsigned int *q = arg;
	struct guest_config cfg = test_config(0);
	struct seg segs[MANY];
	struct counters before;
	struct sending sending;
	struct session a;
	unsigned int i;
	char in[3];

	cfg.num[RXQ] = 1024;
	cfg.num[TXQ] = 1024;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&a.g, &cfg));
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	before = counters_read(&a.g);
	for (i = 0; i < MANY; i++)
		segs[i] = (struct seg){ GUEST_EDGE - 1, 2, *q == RXQ };
	if (*q == RXQ)
		host_send_begin(&sending, a.fd, "xyz", 3, 0, TIMEOUT);
	for (i = 1; i <= 3; i++) {
		require_ok(ring_add(&a.g.q[*q].ring, segs, MANY, NULL));
		guest_kick(&a.g, *q);
		require(!guest_wait_used(&a.g, *q), "used length");
		counters_expect(&a.g, &before, REJ_TOO_LONG, i);
	}
	a.g.rx_repost = true;
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	if (*q == RXQ) {
		require_ok(conn_recv(&a.c, in, 3, TIMEOUT));
		require(!memcmp(in, "xyz", 3), "data differ");
		require_ok(host_send_end(&sending));
	}
	finish(&a);
}

static void add(const char *group, const char *name,
		void (*run)(const void *arg), const void *arg,
		unsigned int rings)
{
	session_test(group, name, run, arg, TAP_MVSOCK, rings);
}

void add_ring_tests(void)
{
	static const unsigned int rx = RXQ, tx = TXQ;
	static const char g[] = "ring";
	unsigned int i;

	add(g, "case 5: the same chain twice in flight", same_twice, NULL,
	    RINGS_BOTH);
	for (i = 0; i < ARRAY_SIZE(wishes); i++)
		add("ring: case 7", wishes[i].name, bad_wish, &wishes[i],
		    RINGS_BOTH);
	for (i = 0; i < ARRAY_SIZE(overlaps); i++)
		add(g, overlaps[i].name, overlap, &overlaps[i], RINGS_BOTH);
	add("tx ring", "case 10: buffer aliases the used ring",
	    tx_aliases_ring, NULL, RINGS_BOTH);
	add("rx ring", "case 10: buffer aliases the used ring",
	    rx_aliases_ring, NULL, RINGS_BOTH);
	add("tx ring", "case 1, 2: wrong wrap counter", wrong_wrap, &tx,
	    RINGS_PACKED);
	add("rx ring", "case 1, 2: wrong wrap counter", wrong_wrap, &rx,
	    RINGS_PACKED);
	add("tx ring", "case 25: 1200 segments in 600 descriptors",
	    many_segments, &tx, RINGS_BOTH);
	add("rx ring", "case 25: 1200 segments in 600 descriptors",
	    many_segments, &rx, RINGS_BOTH);
	add("tx ring", "case 4: any Buffer ID", strange_id, NULL,
	    RINGS_PACKED);
	add("tx ring", "case 4: Buffer ID of a refused chain", refused_id,
	    NULL, RINGS_PACKED);
}
