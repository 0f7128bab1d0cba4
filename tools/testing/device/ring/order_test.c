// SPDX-License-Identifier: GPL-2.0
/*
 * Chains are given back in the order in which they were made available, whatever their result:
 * valid, rejected, partially used.
 */
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define RING 64
#define CHAINS 15
#define ROUNDS 10
#define PAYLOAD 200

struct order {
	struct session a;
	int chain[CHAINS];
	__u64 buf[CHAINS];
};

/* Every third one is invalid, and they have from 1 to 4 descriptors. */
static bool is_bad(unsigned int i)
{
	return i % 3 == 1;
}

static void start(struct order *o)
{
	struct guest_config cfg = test_config(0);
	unsigned int i;

	cfg.num[RXQ] = RING;
	cfg.num[TXQ] = RING;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&o->a.g, &cfg));
	require_ok(guest_post_rx(&o->a.g, 4096, &layout_one));
	session_connect(&o->a, SOCK_STREAM);
	for (i = 0; i < CHAINS; i++)
		o->buf[i] = mem_alloc(&o->a.g.mem, 1, 4096, 4096);
}

/* @len bytes in @i % 4 + 1 descriptors. */
static void push(struct order *o, unsigned int q, unsigned int i, __u32 len)
{
	unsigned int n = i % 4 + 1, j;
	struct seg segs[4];

	for (j = 0; j < n; j++)
		segs[j] = (struct seg){ o->buf[i] + j * 10,
					j + 1 < n ? 10 : len - j * 10,
					q == RXQ };
	if (is_bad(i))
		segs[n - 1].addr = GUEST_HOLE;
	o->chain[i] = ring_add(&o->a.g.q[q].ring, segs, n, NULL);
	require_ok(o->chain[i]);
}

static void wait_for(struct order *o, unsigned int q, unsigned int i,
		     __u32 want)
{
	struct ring *r = &o->a.g.q[q].ring;
	__u64 deadline = now_ms() + TIMEOUT;
	void *token;
	__u32 len;
	int chain;

	while (!ring_has_used(r)) {
		require(ms_left(deadline), "chain %u was not used", i);
		usleep(500);
	}
	chain = ring_get_used(r, &len, &token);
	require(chain == o->chain[i], "chain %d, not %d", chain, o->chain[i]);
	require(len == want, "chain %u has length %u, not %u", i, len, want);
}

static void tx_order(const void *arg)
{
	struct counters before;
	__u8 in[PAYLOAD], out[PAYLOAD];
	struct virtio_vsock_hdr h;
	unsigned int i, round;
	struct order o;
	struct pkt p;

	(void)arg;
	start(&o);
	before = counters_read(&o.a.g);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < CHAINS; i++) {
			p = conn_pkt(&o.a.c, VIRTIO_VSOCK_OP_RW);
			p.len = PAYLOAD;
			h = pkt_encode(&p);
			pattern_fill(out, PAYLOAD, i, round);
			mem_write(&o.a.g.mem, o.buf[i], &h, HDR_LEN);
			mem_write(&o.a.g.mem, o.buf[i] + HDR_LEN, out,
				  PAYLOAD);
			push(&o, TXQ, i, HDR_LEN + PAYLOAD);
		}
		guest_kick(&o.a.g, TXQ);
		for (i = 0; i < CHAINS; i++)
			wait_for(&o, TXQ, i, 0);
		for (i = 0; i < CHAINS; i++) {
			if (is_bad(i))
				continue;
			require_ok(host_recv(o.a.fd, in, PAYLOAD, TIMEOUT));
			require(pattern_check(in, PAYLOAD, i, round) < 0,
				"the data of chain %u differ", i);
		}
	}
	counters_expect(&o.a.g, &before, REJ_BAD_ADDRESS,
			ROUNDS * CHAINS / 3);
	session_close(&o.a);
}

/* How many of @left bytes a receive chain gets. */
static __u32 piece(__u32 room, __u32 left)
{
	return HDR_LEN + (left < room - HDR_LEN ? left : room - HDR_LEN);
}

/* One packet over several chains, the last of which is partially used. */
static void rx_order(const void *arg)
{
	struct counters before;
	struct sending sending;
	__u8 in[PAYLOAD], out[4 * PAYLOAD];
	unsigned int i, round;
	struct order o;

	(void)arg;
	start(&o);
	before = counters_read(&o.a.g);
	o.a.c.buf_alloc = 1 << 20;
	require_ok(conn_credit_update(&o.a.c));
	for (round = 0; round < ROUNDS; round++) {
		__u32 at = 0, left = 4 * PAYLOAD - round;

		pattern_fill(out, sizeof(out), 7, round);
		host_send_begin(&sending, o.a.fd, out, left, 0, TIMEOUT);
		for (i = 0; at < left; i++) {
			push(&o, RXQ, i, HDR_LEN + PAYLOAD - i);
			at += is_bad(i) ? 0 : PAYLOAD - i;
		}
		guest_kick(&o.a.g, RXQ);
		for (i = 0, at = 0; left; i++) {
			__u32 len = piece(HDR_LEN + PAYLOAD - i, left);

			wait_for(&o, RXQ, i, is_bad(i) ? 0 : len);
			if (is_bad(i))
				continue;
			len -= HDR_LEN;
			mem_read(&o.a.g.mem, o.buf[i] + HDR_LEN, in, len);
			require(pattern_check(in, len, 7, round + at) < 0,
				"the data of chain %u differ", i);
			at += len;
			left -= len;
		}
		require_ok(host_send_end(&sending));
		require(!ring_has_used(&o.a.g.q[RXQ].ring), "one too many");
	}
	counters_expect(&o.a.g, &before, REJ_BAD_ADDRESS, 2 * ROUNDS);
	session_close(&o.a);
}

void add_order_tests(void)
{
	session_test("tx", "order with bad chains between good ones", tx_order,
		     NULL, TAP_MVSOCK, RINGS_ALL);
	session_test("rx", "order with bad chains between good ones", rx_order,
		     NULL, TAP_MVSOCK, RINGS_ALL);
}
