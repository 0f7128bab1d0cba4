// SPDX-License-Identifier: GPL-2.0
/*
 * Guests whose memory a thread rewrites while the device works, or whose VMM makes random ioctls
 * meanwhile. The fate of a chain can't be predicted. If the ring itself is not rewritten all chains
 * come back in order; otherwise the ring may break, and signals that. Afterwards the device starts
 * and works.
 */
#include <unistd.h>

#include "caller.h"
#include "fuzz.h"
#include "scribble.h"

#define ROUNDS 6
#define FILL 16		/* chains */
#define AREA 8192	/* maximum number of bytes that are rewritten */

enum target { CONTROL, EVENTS, DESCRIPTORS, MEMORY, TARGETS };

/* Chains in flight, oldest first. */
struct flight {
	int chain[FILL];
	unsigned int n;
};

struct round {
	enum target target;
	unsigned int q;
	bool strict;	/* all chains come back in order */
	struct flight flight[NUM_QUEUES];
	__u64 broken;
};

static void *area_of(struct fuzz *f, const struct round *t, size_t *len)
{
	const struct ring *r = &f->s.g.q[t->q].ring;
	__u64 slot = (t->q == TXQ ? f->tx_slot : f->rx_slot)[0];

	switch (t->target) {
	case CONTROL:
		*len = r->f.packed ? r->num * RING_DESC_LEN : 4 + 2 * r->num;
		return r->f.packed ? r->desc_area : r->driver_area;
	case EVENTS:
		*len = r->f.packed ? 4 : 2;
		return r->f.packed ? r->driver_area :
		       (void *)&r->s.avail->ring[r->num];
	case DESCRIPTORS:
		*len = r->num * RING_DESC_LEN;
		return r->desc_area;
	default:
		*len = AREA;
		if (rng_one_in(&f->rng, 2))
			slot += 20480;
		return mem_ptr(&f->s.g.mem, slot, *len);
	}
}

static void push_one(struct fuzz *f, struct flight *fl, unsigned int q)
{
	struct pkt p = conn_pkt(&f->s.c, rng_below(&f->rng, 9));
	struct virtio_vsock_hdr h;
	__u8 buf[HDR_LEN + 1000] = { 0 };
	struct fuzz_spec spec = {
		.q = q,
		.slot = q == TXQ ? f->tx_slot[fl->n % FUZZ_TX_SLOTS] :
				   f->rx_slot[fl->n % FUZZ_RX_SLOTS],
		.len = HDR_LEN + rng_below(&f->rng, 1000),
		.buf = buf,
		.faults = rng_one_in(&f->rng, 4),
	};

	p.len = spec.len - HDR_LEN;
	h = pkt_encode(&p);
	memcpy(buf, &h, HDR_LEN);
	fl->chain[fl->n++] = fuzz_chain(f, &spec);
}

static void fill(struct fuzz *f, struct round *t, unsigned int q)
{
	struct flight *fl = &t->flight[q];

	while (fl->n < FILL && f->s.g.q[q].ring.nfree)
		push_one(f, fl, q);
	guest_kick(&f->s.g, q);
}

/* Collect used chains. */
static void reap(struct fuzz *f, struct round *t, unsigned int q)
{
	struct flight *fl = &t->flight[q];
	void *token;
	__u32 len;
	int chain;

	while ((chain = ring_get_used(&f->s.g.q[q].ring, &len, &token)) !=
	       -EAGAIN) {
		require(fl->n && chain == fl->chain[0],
			"ring %u: chain %d was used, not %d", q, chain,
			fl->n ? fl->chain[0] : -1);
		require(q == RXQ ? !len || (len >= HDR_LEN && len <= HDR_LEN +
					    MAX_PAYLOAD) : !len,
			"ring %u: length %u", q, len);
		memmove(fl->chain, fl->chain + 1,
			--fl->n * sizeof(fl->chain[0]));
	}
}

/* The device may wait for room for its answers. Interrupts are not used: the driver's event
 * suppression may have been rewritten.
 */
static void all_come_back(struct fuzz *f, struct round *t)
{
	__u64 deadline = now_ms() + TIMEOUT;

	guest_kick(&f->s.g, TXQ);
	for (;;) {
		reap(f, t, RXQ);
		reap(f, t, TXQ);
		if (!t->flight[TXQ].n)
			break;
		fill(f, t, RXQ);
		require(ms_left(deadline), "%u chains were not used",
			t->flight[TXQ].n);
		usleep(200);
	}
	require(counter_get(&f->s.g, "broken_rings") == t->broken,
		"a ring broke that was not rewritten");
}

/* A broken ring is signalled, and only a broken one. */
static void break_is_told(struct fuzz *f, const struct round *t)
{
	bool told;

	/* No ring can break between the two checks. */
	require_ok(dev_set_running(&f->s.g.dev, 0));
	told = guest_ring_error(&f->s.g, RXQ, 0);
	told |= guest_ring_error(&f->s.g, TXQ, 0);
	require(told == (counter_get(&f->s.g, "broken_rings") != t->broken),
		"%s", told ? "an error eventfd was signalled, but no ring broke" :
			     "a ring broke without a signal");
}

static void traffic(struct fuzz *f, const struct round *t)
{
	int i, n = 2 + rng_below(&f->rng, 6);

	for (i = 0; i < n; i++) {
		send(f->s.fd, "0123456789", 10, MSG_NOSIGNAL | MSG_DONTWAIT);
		eventfd_write(f->s.g.q[t->q].kick, 1);
		usleep(300);
	}
	neighbour_exchange(100);
}

static void round_of_rewriting(struct fuzz *f, struct round *t)
{
	static struct scribble scribble;
	size_t len;
	void *area;

	t->broken = counter_get(&f->s.g, "broken_rings");
	fill(f, t, RXQ);
	fill(f, t, TXQ);
	area = area_of(f, t, &len);
	if (len > AREA)
		len = AREA;
	require_ok(scribble_start(&scribble, area, len, rng_next(&f->rng)));
	traffic(f, t);
	scribble_stop(&scribble);
	if (t->strict)
		all_come_back(f, t);
	else
		break_is_told(f, t);
}

static void round_of_calls(struct fuzz *f, struct round *t)
{
	struct caller c;

	fill(f, t, RXQ);
	fill(f, t, TXQ);
	require_ok(caller_start(&c, &f->s.g, rng_next(&f->rng),
				!f->s.g.cfg.rings_apart));
	traffic(f, t);
	caller_stop(&c);
	require_ok(guest_rewind(&f->s.g));
}

/* With rewritten addresses the device writes anywhere in guest memory. */
static bool is_strict(const struct fuzz *f, const struct round *t)
{
	if (t->target == CONTROL ||
	    (t->target == DESCRIPTORS && f->s.g.cfg.packed))
		return false;
	return t->target == EVENTS || t->q == TXQ || f->s.g.cfg.rings_apart;
}

static void open_rx(struct fuzz *f)
{
	unsigned int i, n = f->s.g.q[RXQ].ring.num;

	f->s.g.rx_repost = true;
	for (i = 0; i < n && i < 8; i++)
		require_ok(guest_post_rx(&f->s.g, 4096, &layout_one));
}

static int socktype(const struct fuzz *f)
{
	return f->streams ? SOCK_STREAM : SOCK_SEQPACKET;
}

/* Data in flight are lost; a new connection works. */
static void works_again(struct fuzz *f)
{
	close(f->s.fd);
	close(f->s.listener);
	conn_free(&f->s.c);
	f->s.g.bad_used = 0;
	f->s.g.missed_calls = 0;
	open_rx(f);
	packet_list_purge(&f->s.g.inbox);
	session_connect(&f->s, socktype(f));
	if (f->streams)
		session_exchange(&f->s, 10000);
	guest_check(&f->s.g);
}

static void start_anew(struct fuzz *f)
{
	unsigned int i;

	guest_restart(&f->s.g);
	for (i = 0; i < NUM_QUEUES; i++)
		guest_ring_error(&f->s.g, i, 0);
	f->s.g.rx_repost = false;
}

void fuzz_rewrite_life(struct fuzz *f)
{
	unsigned int i, n = 1 + rng_below(&f->rng, ROUNDS);

	fuzz_place_slots(f);
	open_rx(f);
	session_connect(&f->s, socktype(f));
	start_anew(f);
	for (i = 0; i < n; i++) {
		struct round t = {
			.target = rng_below(&f->rng, TARGETS),
			.q = rng_below(&f->rng, NUM_QUEUES),
		};

		f->step++;
		if (rng_one_in(&f->rng, 4)) {
			f->what = "ioctls";
			round_of_calls(f, &t);
		} else {
			f->what = "memory rewritten";
			t.strict = is_strict(f, &t);
			round_of_rewriting(f, &t);
		}
		start_anew(f);
	}
	f->what = "a connection afterwards";
	works_again(f);
	close(f->s.fd);
	close(f->s.listener);
	conn_free(&f->s.c);
}
