// SPDX-License-Identifier: GPL-2.0
/*
 * Chains that a well-behaved driver does not make: those that the device must accept, and those
 * that it must give back with length 0, counted by reason. In either case the following chains are
 * not affected.
 */
#include <poll.h>
#include <stdio.h>

#include "device_test.h"
#include "session.h"

#define CHAIN_RING	16
#define CHAIN_ROOM	4096	/* bytes of a valid chain */
#define CHAIN_PAYLOAD	100

/* The target of a descriptor. */
enum place {
	BUF,	/* the packet, at the offset */
	TABLE,	/* the indirect table */
	ABS,	/* guest-physical address */
};

/* Descriptor flags; which ones mean WRITE depends on the ring. */
#define N	1U	/* NEXT */
#define I	2U	/* INDIRECT */
#define X	4U	/* the wrong direction; for an indirect one, WRITE */
#define U	8U	/* flags without a meaning */

/* In raw_desc.next: not the index of one of the chain's descriptors. */
#define RAW	0x10000

struct raw_desc {
	enum place place;
	__u64 off;
	__u32 len;
	unsigned int flags;
	__u32 next;
};

#define ON_TX	1U
#define ON_RX	2U
#define ON_BOTH	(ON_TX | ON_RX)

struct chain_case {
	const char *name;
	unsigned int rings;
	enum counter reason;	/* NO_COUNTER: the chain is valid */
	bool upstream;		/* vhost_vsock passes */
	bool split_only;	/* not possible in a packed ring */
	struct raw_desc d[5];	/* in the ring */
	struct raw_desc t[3];	/* in the indirect table */
	bool loop_all;		/* instead of @d: a loop over the whole ring */
	unsigned int repeat;	/* additional entries in the table */
	struct raw_desc rep;	/* their content, without N */
	bool not_negotiated;	/* indirect descriptors */
	__u64 at;		/* address of the packet, 0: any */
	__u32 table_off;	/* misalignment of the table */
	__u64 src_cid_xor;
	bool set_len;
	__u32 hdr_len;
	__u16 op;		/* 0: RW */
};

#define SPLIT_ONLY .split_only = true

#define GOOD NO_COUNTER, .upstream = true
#define GOOD_NOT_UPSTREAM NO_COUNTER

static const struct chain_case cases[] = {
	/* valid ones */
	{ "case 45: len under the data", ON_BOTH, GOOD,
	  .d = { { BUF, 0, CHAIN_ROOM } } },
	{ "case 15: descriptors without bytes", ON_BOTH, GOOD, .d = {
		{ BUF, 0, 0, N, 1 }, { BUF, 0, 44, N, 2 },
		{ BUF, 44, 0, N, 3 }, { BUF, 44, 4052, N, 4 },
		{ BUF, 8192, 0 } } },
	{ "case 27: unknown flags", ON_BOTH, GOOD,
	  .d = { { BUF, 0, CHAIN_ROOM, U } } },
	{ "next without NEXT", ON_BOTH, GOOD, SPLIT_ONLY, .d = {
		{ BUF, 0, CHAIN_ROOM, 0, RAW | 0xffff } } },
	{ "case 20: ends where memory ends", ON_BOTH, GOOD,
	  .at = GUEST_END - CHAIN_ROOM, .d = { { BUF, 0, CHAIN_ROOM } } },
	{ "128 KiB of room", ON_RX, GOOD, .d = { { BUF, 0, 131072 } } },
	{ "128 KiB of room", ON_TX, GOOD_NOT_UPSTREAM, .d = {
		{ BUF, 0, 131072 } } },
	{ "indirect", ON_BOTH, GOOD, .d = { { TABLE, 0, 32, I } },
	  .t = { { BUF, 0, 44, N, 1 }, { BUF, 44, 4052 } } },
	{ "case 34: indirect with WRITE", ON_BOTH, GOOD, .d = {
		{ TABLE, 0, 16, I | X } }, .t = { { BUF, 0, CHAIN_ROOM } } },
	{ "direct, then indirect", ON_BOTH, GOOD, .d = {
		{ BUF, 0, 44, N, 1 }, { TABLE, 0, 16, I } },
	  .t = { { BUF, 44, 4052 } } },
	{ "case 38: indirect at an odd address", ON_BOTH, GOOD, .table_off = 3,
	  .d = { { TABLE, 0, 32, I } }, .t = { { BUF, 0, 44, N, 1 },
	  { BUF, 44, 4052 } } },
	{ "case 36: indirect in another order", ON_BOTH, GOOD_NOT_UPSTREAM,
	  SPLIT_ONLY, .d = { { TABLE, 0, 48, I } }, .t = { { BUF, 0, 44, N, 2 },
	  { BUF, 1044, 3000 }, { BUF, 44, 1000, N, 1 } } },

	{ "case 44: len 0, large buffer", ON_TX, GOOD, .set_len = true,
	  .op = VIRTIO_VSOCK_OP_CREDIT_UPDATE, .d = {
		{ BUF, 0, CHAIN_ROOM } } },
	{ "case 45: len 1 of 100 bytes", ON_TX, GOOD, .set_len = true,
	  .hdr_len = 1, .d = { { BUF, 0, HDR_LEN + 100 } } },
	{ "case 17: more than 4 GiB in all", ON_BOTH, GOOD_NOT_UPSTREAM,
	  .d = { { TABLE, 0, 522 * 16, I } },
	  .t = { { BUF, 0, 44, N, 1 }, { BUF, 44, 4052, N, 2 } },
	  .repeat = 520, .rep = { ABS, 0x200000, 0x800000 } },
	{ "1024 segments", ON_BOTH, GOOD, .d = {
		{ TABLE, 0, 1024 * 16, I } },
	  .t = { { BUF, 0, 44, N, 1 }, { BUF, 44, 4052, N, 2 } },
	  .repeat = 1022, .rep = { BUF, 8192, 1 } },

	/* too long */
	{ "case 25: 1025 segments", ON_BOTH, REJ_TOO_LONG, .d = {
		{ TABLE, 0, 1025 * 16, I } },
	  .t = { { BUF, 0, 44, N, 1 }, { BUF, 44, 4052, N, 2 } },
	  .repeat = 1023, .rep = { BUF, 8192, 1 } },
	{ "case 11: loop of one", ON_BOTH, REJ_TOO_LONG, SPLIT_ONLY,
	  .d = { { BUF, 0, 44, N, 0 } } },
	{ "case 12: loop of two", ON_BOTH, REJ_TOO_LONG, SPLIT_ONLY, .d = {
		{ BUF, 0, 44, N, 1 }, { BUF, 44, 100, N, 0 } } },
	{ "case 13: loop of the whole ring", ON_BOTH, REJ_TOO_LONG, SPLIT_ONLY,
	  .loop_all = true },
	{ "case 12, 15: loop without bytes", ON_BOTH, REJ_TOO_LONG, SPLIT_ONLY,
	  .d = { { BUF, 0, 0, N, 1 }, { BUF, 0, 0, N, 0 } } },
	{ "case 36: loop in a table", ON_BOTH, REJ_TOO_LONG, SPLIT_ONLY, .d = {
		{ TABLE, 0, 32, I } },
	  .t = { { BUF, 0, 44, N, 1 }, { BUF, 44, 100, N, 0 } } },

	/* next */
	{ "case 14: next is the ring's size", ON_BOTH, REJ_BAD_NEXT, SPLIT_ONLY,
	  .d = { { BUF, 0, 44, N, RAW | CHAIN_RING } } },
	{ "case 14: next is 65535", ON_BOTH, REJ_BAD_NEXT, SPLIT_ONLY, .d = {
		{ BUF, 0, CHAIN_ROOM, N, RAW | 0xffff } } },
	{ "case 36: next is the table's size", ON_BOTH, REJ_BAD_NEXT,
	  SPLIT_ONLY, .d = { { TABLE, 0, 32, I } }, .t = { { BUF, 0, 44, N, 1 },
	  { BUF, 44, 4052, N, RAW | 2 } } },

	/* indirect */
	{ "case 28: table of 24 bytes", ON_BOTH, REJ_BAD_INDIRECT, .d = {
		{ TABLE, 0, 24, I } }, .t = { { BUF, 0, CHAIN_ROOM } } },
	{ "case 29: table of no bytes", ON_BOTH, REJ_BAD_INDIRECT, .d = {
		{ TABLE, 0, 0, I } }, .t = { { BUF, 0, CHAIN_ROOM } } },
	{ "case 30: table of 65537 entries", ON_BOTH, REJ_BAD_INDIRECT, .d = {
		{ TABLE, 0, 65537 * 16, I } },
	  .t = { { BUF, 0, CHAIN_ROOM } } },
	{ "case 31: table in a table", ON_BOTH, REJ_BAD_INDIRECT, .d = {
		{ TABLE, 0, 32, I } },
	  .t = { { TABLE, 16, 16, I }, { BUF, 0, CHAIN_ROOM } } },
	{ "case 33: indirect with NEXT", ON_BOTH, REJ_BAD_INDIRECT, .d = {
		{ TABLE, 0, 16, I | N, 1 }, { BUF, 44, 4052 } },
	  .t = { { BUF, 0, 44 } } },
	{ "case 32: indirect not negotiated", ON_BOTH, REJ_BAD_INDIRECT,
	  .not_negotiated = true, .d = { { TABLE, 0, 16, I } },
	  .t = { { BUF, 0, CHAIN_ROOM } } },

	/* addresses */
	{ "case 18: in a hole", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ ABS, GUEST_HOLE, CHAIN_ROOM } } },
	{ "case 18: payload in a hole", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ BUF, 0, 44, N, 1 }, { ABS, GUEST_HOLE + 4096, 100 } } },
	{ "case 20: one byte past a region", ON_BOTH, REJ_BAD_ADDRESS,
	  .at = GUEST_HOLE - CHAIN_ROOM + 1, .d = { { BUF, 0, CHAIN_ROOM } } },
	{ "case 20: past all memory", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ ABS, GUEST_END, CHAIN_ROOM } } },
	{ "case 18: before all memory", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ ABS, 0, CHAIN_ROOM } } },
	{ "case 16: address and length wrap", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ ABS, -100ULL, CHAIN_ROOM } } },
	{ "case 16: the last address", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ BUF, 0, 44, N, 1 }, { ABS, -1ULL, 1 } } },
	{ "case 17: length of 4 GiB less 1", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ BUF, 0, 0xffffffff } } },
	{ "case 35: table in a hole", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ ABS, GUEST_HOLE, 32, I } } },
	{ "case 35: second half of the table in a hole", ON_BOTH,
	  REJ_BAD_ADDRESS, .d = { { ABS, GUEST_HOLE - 16, 32, I } } },
	{ "case 16, 35: table's address wraps", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ ABS, -16ULL, 32, I } } },
	{ "case 18: table's entry in a hole", ON_BOTH, REJ_BAD_ADDRESS, .d = {
		{ TABLE, 0, 32, I } },
	  .t = { { BUF, 0, 44, N, 1 }, { ABS, GUEST_HOLE, 100 } } },

	/* direction */
	{ "case 22, 23: wrong direction", ON_BOTH, REJ_BAD_DIRECTION, .d = {
		{ BUF, 0, CHAIN_ROOM, X } } },
	{ "case 22, 23: payload in the wrong direction", ON_BOTH,
	  REJ_BAD_DIRECTION, .d = { { BUF, 0, 44, N, 1 }, { BUF, 44, 4052, X } }
	  },
	{ "case 21, 22, 23: header in the wrong direction", ON_BOTH,
	  REJ_BAD_DIRECTION, .d = { { BUF, 0, 44, N | X, 1 }, { BUF, 44, 4052 }
	  } },
	{ "case 22, 23: the last in the wrong direction", ON_BOTH,
	  REJ_BAD_DIRECTION, .d = { { BUF, 0, CHAIN_ROOM, N, 1 },
	  { BUF, 8192, 1, X } } },
	{ "case 22, 23: wrong direction in a table", ON_BOTH, REJ_BAD_DIRECTION,
	  .d = { { TABLE, 0, 32, I } }, .t = { { BUF, 0, 44, N, 1 },
	  { BUF, 44, 4052, X } } },

	/* too short */
	{ "case 39, 63: 43 bytes", ON_BOTH, REJ_TOO_SHORT, .d = { { BUF, 0, 43 }
	  } },
	{ "case 39, 40: 43 bytes in three", ON_BOTH, REJ_TOO_SHORT, .d = {
		{ BUF, 0, 1, N, 1 }, { BUF, 1, 40, N, 2 }, { BUF, 41, 2 } } },
	{ "case 15, 39: no bytes", ON_BOTH, REJ_TOO_SHORT, .d = {
		{ BUF, 0, 0, N, 1 }, { BUF, 0, 0 } } },
	{ "case 39, 63: 43 bytes in a table", ON_BOTH, REJ_TOO_SHORT, .d = {
		{ TABLE, 0, 16, I } }, .t = { { BUF, 0, 43 } } },
	{ "case 64: 44 bytes, payload waiting", ON_RX, REJ_TOO_SHORT, .d = {
		{ BUF, 0, 44 } } },

	/* the header's length */
	{ "case 41: len one over the chain", ON_TX, REJ_BAD_LEN, .set_len =
	  true, .hdr_len = 4053, .d = { { BUF, 0, CHAIN_ROOM } } },
	{ "case 41: len 1, header alone", ON_TX, REJ_BAD_LEN, .set_len = true,
	  .hdr_len = 1, .d = { { BUF, 0, 44 } } },
	{ "case 42: len 64 KiB + 1", ON_TX, REJ_BAD_LEN, .set_len = true,
	  .hdr_len = 65537, .d = { { BUF, 0, 65536 + 45 } } },
	{ "case 42: len 128 KiB", ON_TX, REJ_BAD_LEN, .set_len = true,
	  .hdr_len = 131072, .d = { { BUF, 0, 131072 + 44 } } },
	{ "case 43: len 0xffffffff", ON_TX, REJ_BAD_LEN, .set_len = true,
	  .hdr_len = 0xffffffff, .d = { { BUF, 0, CHAIN_ROOM } } },
	{ "case 43: len that wraps with the header", ON_TX, REJ_BAD_LEN,
	  .set_len = true, .hdr_len = -44, .d = { { BUF, 0, CHAIN_ROOM } } },

	/* addresses of the packet */
	{ "case 46: another guest's CID", ON_TX, REJ_BAD_CID, .upstream = true,
	  .src_cid_xor = 1, .d = { { BUF, 0, CHAIN_ROOM } } },
	{ "case 46: src_cid over 32 bits", ON_TX, REJ_BAD_CID, .upstream = true,
	  .src_cid_xor = BIT_ULL(32), .d = { { BUF, 0, CHAIN_ROOM } } },
	{ "case 46: src_cid with all bits wrong", ON_TX, REJ_BAD_CID,
	  .upstream = true, .src_cid_xor = -1ULL,
	  .d = { { BUF, 0, CHAIN_ROOM } } },
};

/* One case on one ring. */
struct chain_test {
	const struct chain_case *c;
	unsigned int q;
};

static struct chain_test chain_tests[2 * ARRAY_SIZE(cases)];

struct env {
	const struct chain_case *c;
	unsigned int q;
	struct session s;
	__u64 buf;
	__u64 table;
};

static __u64 address(const struct env *e, const struct raw_desc *d)
{
	switch (d->place) {
	case BUF:
		return e->buf + d->off;
	case TABLE:
		return e->table + d->off;
	default:
		return d->off;
	}
}

static __u16 flags(const struct env *e, const struct raw_desc *d)
{
	bool wrong = d->flags & X;
	bool write = d->flags & I ? wrong : wrong != (e->q == RXQ);

	return (d->flags & N ? VRING_DESC_F_NEXT : 0) |
	       (d->flags & I ? VRING_DESC_F_INDIRECT : 0) |
	       (d->flags & U ? 0x7f70 : 0) |
	       (write ? VRING_DESC_F_WRITE : 0);
}

/* The packet in the transmit chain. */
static void write_packet(struct env *e)
{
	struct pkt p = conn_pkt(&e->s.c, e->c->op ?: VIRTIO_VSOCK_OP_RW);
	__u8 payload[CHAIN_PAYLOAD];
	struct virtio_vsock_hdr h;

	p.len = e->c->set_len ? e->c->hdr_len : CHAIN_PAYLOAD;
	p.src_cid ^= e->c->src_cid_xor;
	h = pkt_encode(&p);
	pattern_fill(payload, sizeof(payload), 5, 0);
	require_ok(mem_write(&e->s.g.mem, e->buf, &h, HDR_LEN));
	require_ok(mem_write(&e->s.g.mem, e->buf + HDR_LEN, payload,
			     sizeof(payload)));
}

static void write_entry(const struct env *e, __u64 gpa, __u64 addr, __u32 len,
			__u16 flags, __u16 next)
{
	__u8 entry[RING_DESC_LEN];

	ring_set_entry(&e->s.g.q[e->q].ring, entry, addr, len, flags, next);
	require_ok(mem_write(&e->s.g.mem, gpa, entry, sizeof(entry)));
}

static void write_table(struct env *e)
{
	const struct raw_desc *d = e->c->t;
	__u64 gpa = e->table;
	unsigned int i, n;

	for (n = 0; n < ARRAY_SIZE(e->c->t); n++, d++, gpa += RING_DESC_LEN) {
		if (e->c->repeat && !d->len)
			break;
		write_entry(e, gpa, address(e, d), d->len, flags(e, d),
			    d->next);
	}
	d = &e->c->rep;
	for (i = 0; i < e->c->repeat; i++, gpa += RING_DESC_LEN)
		write_entry(e, gpa, address(e, d), d->len, flags(e, d) |
			    (i + 1 < e->c->repeat ? VRING_DESC_F_NEXT : 0),
			    n + i + 1);
}

/* The first entry of a table, just before the hole. */
static void write_table_at_hole(struct env *e)
{
	write_entry(e, GUEST_HOLE - RING_DESC_LEN, e->buf, 44,
		    VRING_DESC_F_NEXT |
		    (e->q == RXQ ? VRING_DESC_F_WRITE : 0), 1);
}

static void push_loop_all(struct env *e)
{
	struct ring *r = &e->s.g.q[e->q].ring;
	__u16 dir = e->q == RXQ ? VRING_DESC_F_WRITE : 0;
	__u16 idx[CHAIN_RING];
	unsigned int i;

	require_ok(ring_take(r, CHAIN_RING, idx, NULL));
	for (i = 0; i < CHAIN_RING; i++)
		ring_set_desc(r, idx[i], e->buf + i * 64, 64,
			      VRING_DESC_F_NEXT | dir,
			      idx[(i + 1) % CHAIN_RING]);
	ring_push(r, idx[0]);
}

static void push_chain(struct env *e)
{
	struct ring *r = &e->s.g.q[e->q].ring;
	const struct raw_desc *d = e->c->d;
	__u16 idx[ARRAY_SIZE(e->c->d)];
	unsigned int i, n;
	int chain;

	if (e->c->loop_all) {
		push_loop_all(e);
		return;
	}
	/* As many descriptors as are linked. */
	for (i = 0, n = 1; i < n; i++)
		if (d[i].flags & N && d[i].next < RAW && d[i].next >= n)
			n = d[i].next + 1;
	chain = ring_take(r, n, idx, NULL);
	require_ok(chain);
	for (i = 0; i < n; i++)
		ring_set_desc(r, idx[i], address(e, &d[i]), d[i].len,
			      flags(e, &d[i]),
			      d[i].next < n ? idx[d[i].next] : d[i].next);
	ring_push(r, chain);
}

static void env_start(struct env *e, const struct chain_test *t)
{
	struct guest_config cfg = test_config(0);

	e->c = t->c;
	e->q = t->q;
	cfg.num[RXQ] = CHAIN_RING;
	cfg.num[TXQ] = CHAIN_RING;
	cfg.features |= e->c->not_negotiated ? 0 : F_INDIRECT;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&e->s.g, &cfg));
	/* Used up by the RESPONSE, so that the receive ring is empty afterwards. */
	require_ok(guest_post_rx(&e->s.g, 4096, &layout_one));
	session_connect(&e->s, SOCK_STREAM);
	e->buf = e->c->at ?: mem_alloc(&e->s.g.mem, 1, 0x40000, 4096);
	e->table = mem_alloc(&e->s.g.mem, 1, 0x110000, 4096) +
		   e->c->table_off;
}

/* The rings work as before. */
static void env_finish(struct env *e)
{
	int i;

	e->s.g.rx_repost = true;
	for (i = 0; i < 4; i++)
		require_ok(guest_post_rx(&e->s.g, 4096, &layout_one));
	session_exchange(&e->s, 100);
	session_exchange(&e->s, 10000);
	session_close(&e->s);
}

static void check_payload(const void *buf, __u32 len)
{
	require(pattern_check(buf, len, 5, 0) < 0, "data differ");
}

/* The header was read: its connection is reset, and the next one works. */
static void check_reset(struct env *e)
{
	__u8 byte;
	int err;

	require_ok(guest_post_rx(&e->s.g, 4096, &layout_one));
	require_ok(conn_wait_reset(&e->s.c, TIMEOUT));
	err = host_recv(e->s.fd, &byte, 1, TIMEOUT);
	require(err == -ECONNRESET, "recv(): %s", strerror(-err));
	session_close_another(&e->s);
	require_ok(guest_post_rx(&e->s.g, 4096, &layout_one));
	session_connect(&e->s, SOCK_STREAM);
}

static void tx_chain(struct env *e)
{
	struct counters before = counters_read(&e->s.g);
	__u32 len, want = e->c->set_len ? e->c->hdr_len : CHAIN_PAYLOAD;
	__u8 in[CHAIN_PAYLOAD];

	write_packet(e);
	push_chain(e);
	guest_kick(&e->s.g, TXQ);
	len = guest_wait_used(&e->s.g, TXQ);
	require(!len, "used length %u", len);
	counters_expect(&e->s.g, &before, e->c->reason, 1);
	if (e->c->reason == NO_COUNTER) {
		require_ok(host_recv(e->s.fd, in, want, TIMEOUT));
		check_payload(in, want);
		e->s.c.tx_cnt += want;
	} else if (e->c->reason == REJ_BAD_LEN) {
		check_reset(e);
	}
}

/* The packet is in the chain's memory; account for it. */
static void check_received(struct env *e, __u32 len)
{
	__u8 in[HDR_LEN + CHAIN_PAYLOAD];

	require(len == sizeof(in), "used length %u", len);
	require_ok(mem_read(&e->s.g.mem, e->buf, in, sizeof(in)));
	check_payload(in + HDR_LEN, CHAIN_PAYLOAD);
	e->s.c.rx_cnt += CHAIN_PAYLOAD;
	e->s.c.fwd_cnt += CHAIN_PAYLOAD;
}

static void rx_chain(struct env *e)
{
	struct counters before = counters_read(&e->s.g);
	__u8 out[CHAIN_PAYLOAD], in[CHAIN_PAYLOAD] = { 0 };
	struct sending sending;
	__u32 len;

	pattern_fill(out, sizeof(out), 5, 0);
	host_send_begin(&sending, e->s.fd, out, sizeof(out), 0, TIMEOUT);
	push_chain(e);
	guest_kick(&e->s.g, RXQ);
	len = guest_wait_used(&e->s.g, RXQ);
	counters_expect(&e->s.g, &before, e->c->reason, 1);
	if (e->c->reason == NO_COUNTER) {
		check_received(e, len);
		require_ok(host_send_end(&sending));
		return;
	}
	require(!len, "used length %u", len);
	/* The packet is not lost: it goes into the next buffer. */
	require_ok(guest_post_rx(&e->s.g, 4096, &layout_one));
	require_ok(conn_recv(&e->s.c, in, sizeof(in), TIMEOUT));
	check_payload(in, CHAIN_PAYLOAD);
	require_ok(host_send_end(&sending));
}

static void chain(const void *arg)
{
	struct env e;

	env_start(&e, arg);
	write_table_at_hole(&e);
	write_table(&e);
	if (e.q == TXQ)
		tx_chain(&e);
	else
		rx_chain(&e);
	env_finish(&e);
}

#define FLOOD (10 * CHAIN_RING)

/* Ten times as many bad chains as the ring holds: none is lost. */
static void flood(const void *arg)
{
	const struct chain_test *t = arg;
	__u8 out[FLOOD], in[FLOOD];
	struct counters before;
	struct sending sending;
	unsigned int i;
	struct env e;

	env_start(&e, t);
	before = counters_read(&e.s.g);
	pattern_fill(out, FLOOD, 6, 0);
	if (t->q == RXQ)
		host_send_begin(&sending, e.s.fd, out, FLOOD, 0, TIMEOUT);
	for (i = 0; i < FLOOD; i++) {
		if (t->q == TXQ)
			write_packet(&e);
		push_chain(&e);
		guest_kick(&e.s.g, t->q);
		require(!guest_wait_used(&e.s.g, t->q), "used length");
	}
	counters_expect(&e.s.g, &before, t->c->reason, i);
	e.s.g.rx_repost = true;
	require_ok(guest_post_rx(&e.s.g, 4096, &layout_one));
	if (t->q == RXQ) {
		require_ok(conn_recv(&e.s.c, in, FLOOD, TIMEOUT));
		require(!memcmp(in, out, FLOOD), "data differ");
		require_ok(host_send_end(&sending));
	}
	env_finish(&e);
}

static void add_case(unsigned int i, unsigned int q)
{
	struct chain_test *t = &chain_tests[2 * i + q];
	unsigned int flags = 0, rings = RINGS_BOTH;

	if (cases[i].split_only)
		rings = RINGS_SPLIT;
	if (!cases[i].upstream)
		flags |= TAP_MVSOCK;
	t->c = &cases[i];
	t->q = q;
	session_test(q == TXQ ? "tx chain" : "rx chain", cases[i].name,
		     chain, t, flags, rings);
}

void add_chain_tests(void)
{
	static const struct chain_case bad = {
		"flood", ON_BOTH, REJ_BAD_ADDRESS, .d = {
			{ BUF, 0, 44, N, 1 }, { ABS, GUEST_HOLE, 100 } } };
	static const struct chain_test floods[] = {
		{ &bad, RXQ }, { &bad, TXQ } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].rings & ON_TX)
			add_case(i, TXQ);
		if (cases[i].rings & ON_RX)
			add_case(i, RXQ);
	}
	session_test("tx chain", "160 bad ones on a ring of 16", flood,
		     &floods[1], TAP_MVSOCK, RINGS_BOTH);
	session_test("rx chain", "160 bad ones on a ring of 16", flood,
		     &floods[0], TAP_MVSOCK, RINGS_BOTH);
}
