// SPDX-License-Identifier: GPL-2.0
/* Invalid rings: the ring stops, its error eventfd is signalled, and everything else continues. */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define BROKEN_RING 16

struct broken_case {
	const char *name;
	__u16 jump;	/* of the available index */
	bool bad_head;
	__u16 head;
	bool no_end;	/* packed: NEXT in every descriptor */
};

static const struct broken_case cases[] = {
	{ "case 1: index jumps by the ring's size + 1", .jump = BROKEN_RING + 1
	  },
	{ "case 2: index goes back by one", .jump = 0xffff },
	{ "case 1: index jumps by half", .jump = 0x8000 },
	{ "case 4: head is the ring's size", .bad_head = true, .head =
	  BROKEN_RING },
	{ "case 4: head is 65535", .bad_head = true, .head = 0xffff },
	{ "case 13: chain without an end", .no_end = true },
};

struct broken_test {
	const struct broken_case *c;
	unsigned int q;
};

static struct broken_test broken_tests[2 * ARRAY_SIZE(cases)];

/* A guest whose ring is going to break. */
static void start(struct session *a, bool apart, bool indirect)
{
	struct guest_config cfg = test_config(0);

	cfg.indirect = indirect;
	cfg.features |= indirect ? F_INDIRECT : 0;
	cfg.num[RXQ] = BROKEN_RING;
	cfg.num[TXQ] = BROKEN_RING;
	cfg.rings_apart = apart;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&a->g, &cfg));
	require_ok(guest_post_rx(&a->g, 4096, &layout_one));
	session_connect(a, SOCK_STREAM);
}

static void push_endless(struct session *s, unsigned int q)
{
	struct ring *r = &s->g.q[q].ring;
	__u16 dir = q == RXQ ? VRING_DESC_F_WRITE : 0;
	__u16 idx[BROKEN_RING];
	unsigned int i;
	int chain;

	chain = ring_take(r, BROKEN_RING, idx, NULL);
	require_ok(chain);
	for (i = 0; i < BROKEN_RING; i++)
		ring_set_desc(r, idx[i], s->g.tx_gpa + i * 64, 64,
			      VRING_DESC_F_NEXT | dir, 0);
	ring_push(r, chain);
}

static void break_ring(struct session *s, const struct broken_test *t,
		       struct sending *x)
{
	struct ring *r = &s->g.q[t->q].ring;

	/* The device checks the receive ring when it has a packet. */
	if (t->q == RXQ)
		host_send_begin(x, s->fd, "x", 1, 0, TIMEOUT);
	if (t->c->no_end)
		push_endless(s, t->q);
	else if (t->c->bad_head)
		ring_push(r, t->c->head);
	else
		r->s.avail_idx += t->c->jump;
	guest_kick(&s->g, t->q);
}

/* The other ring of the same device. */
static void check_other_ring(struct session *s, unsigned int broken)
{
	struct sending y;
	__u8 c;

	if (broken == TXQ) {
		host_send_begin(&y, s->fd, "y", 1, 0, TIMEOUT);
		require_ok(guest_post_rx(&s->g, 4096, &layout_one));
		require_ok(conn_recv(&s->c, &c, 1, TIMEOUT));
		require(c == 'y', "data differ");
		require_ok(host_send_end(&y));
	} else {
		session_to_host(s, 1000);
	}
}

static void broken(const void *arg)
{
	const struct broken_test *t = arg;
	struct counters before;
	struct sending x;
	struct session a;
	char c;
	int i;

	start(&a, false, false);
	before = counters_read(&a.g);
	break_ring(&a, t, &x);
	require(guest_ring_error(&a.g, t->q, TIMEOUT), "no error eventfd");
	counters_expect(&a.g, &before, BROKEN_RINGS, 1);
	guest_kick(&a.g, t->q);
	usleep(QUIET * 1000);
	require(!ring_has_used(&a.g.q[t->q].ring), "the ring did not stop");
	counters_expect(&a.g, &before, BROKEN_RINGS, 1);
	check_other_ring(&a, t->q);
	neighbour_exchange(65536);

	guest_restart(&a.g);
	a.g.rx_repost = true;
	for (i = 0; i < 4; i++)
		require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	if (t->q == RXQ) {
		require_ok(conn_recv(&a.c, &c, 1, TIMEOUT));
		require(c == 'x', "the packet was lost");
		require_ok(host_send_end(&x));
	}
	session_exchange(&a, 10000);
	session_close(&a);
}

/* Rings whose memory faults. */

struct fault_test {
	const char *name;
	unsigned int q;
	bool read_only;
	bool indirect;	/* of the chains before the fault */
};

static const struct fault_test fault_tests[] = {
	{ "case 8: transmit ring unmapped", TXQ, false },
	{ "case 8: receive ring unmapped", RXQ, false },
	{ "case 8: transmit ring made read-only", TXQ, true },
	{ "case 8: receive ring made read-only", RXQ, true },
	{ "case 8: transmit ring unmapped after an indirect chain", TXQ,
	  .indirect = true },
	{ "case 8: receive ring unmapped after an indirect chain", RXQ,
	  .indirect = true },
};

static void fault(const void *arg)
{
	const struct fault_test *t = arg;
	struct session a;
	struct guest_queue *q = &a.g.q[t->q];
	struct counters before;
	struct sending x;
	struct seg seg;

	start(&a, true, t->indirect);
	before = counters_read(&a.g);
	if (t->q == RXQ)
		host_send_begin(&x, a.fd, "x", 1, 0, TIMEOUT);
	seg = (struct seg){ a.g.tx_gpa, 4096, t->q == RXQ };
	ring_add(&q->ring, &seg, 1, NULL);
	ring_publish(&q->ring);
	if (t->read_only) {
		require(!mprotect(q->mem, q->mapped, PROT_READ), "mprotect");
	} else {
		require(!munmap(q->mem, q->mapped), "munmap");
		q->mapped = 0;
	}
	eventfd_write(q->kick, 1);
	require(guest_ring_error(&a.g, t->q, TIMEOUT), "no error eventfd");
	if (!test_options.upstream)
		counters_expect(&a.g, &before, BROKEN_RINGS, 1);
	neighbour_exchange(65536);
	dev_close(&a.g.dev);
	if (t->q == RXQ)
		require_ended(&x);
}

/* A send that finds no room in the ring is retried. */
static void send_ten(const struct session *s)
{
	int n, err;

	for (n = 0; n < 10; n++) {
		err = host_send(s->fd, "x", 1, 0, 0);
		require(!err || err == -ETIMEDOUT, "%s", strerror(-err));
	}
}

/* Both rings are unmapped under load, then the device is closed. */
static void fault_both(const void *arg)
{
	struct session a;
	unsigned int i;

	(void)arg;
	start(&a, true, false);
	send_ten(&a);
	for (i = 0; i < NUM_QUEUES; i++)
		munmap(a.g.q[i].mem, a.g.q[i].mapped);
	for (i = 0; i < NUM_QUEUES; i++)
		eventfd_write(a.g.q[i].kick, 1);
	send_ten(&a);
	neighbour_exchange(65536);
	/* Stopping works, too. */
	require_ok(dev_set_running(&a.g.dev, 0));
	dev_close(&a.g.dev);
	neighbour_exchange(65536);
}

void add_broken_tests(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(broken_tests); i++) {
		struct broken_test *t = &broken_tests[i];

		t->c = &cases[i / 2];
		t->q = i & 1;
		session_test(t->q == TXQ ? "tx ring" : "rx ring", t->c->name,
			     broken, t, 0,
			     t->c->no_end ? RINGS_PACKED : RINGS_SPLIT);
	}
	for (i = 0; i < ARRAY_SIZE(fault_tests); i++)
		session_test("ring", fault_tests[i].name, fault,
			     &fault_tests[i], 0, RINGS_BOTH);
	session_test("ring", "case 8: both unmapped under load", fault_both,
		     NULL, 0, RINGS_BOTH);
}
