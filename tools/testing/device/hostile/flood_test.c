// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that requires more answers than it has receive buffers for: the host queues a bounded
 * number of answers, and keeps working.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define RESETS	1024U	/* maximum that wait for a chain */
#define NOBODY	999999	/* a port without a listener */

static void open_rx(struct guest *g, unsigned int n)
{
	g->rx_repost = true;
	while (n--)
		require_ok(guest_post_rx(g, 4096, &layout_one));
}

/* --- more resets than are queued --- */

#define TX_RING		16
#define STRAYS		(RESETS + 500)

static unsigned int fill_tx(struct guest *g, unsigned int max)
{
	struct ring *r = &g->q[TXQ].ring;
	struct pkt p = {
		.src_cid = g->cfg.cid, .dst_cid = HOST_CID, .src_port = 99,
		.dst_port = NOBODY, .type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = VIRTIO_VSOCK_OP_RW,
	};
	struct virtio_vsock_hdr h = pkt_encode(&p);
	struct seg seg = { g->tx_gpa, HDR_LEN, false };
	unsigned int n = 0;

	mem_write(&g->mem, g->tx_gpa, &h, HDR_LEN);
	while (n < max && ring_add(r, &seg, 1, NULL) >= 0)
		n++;
	guest_kick(g, TXQ);
	return n;
}

/* Exactly @n of them arrive. */
static void recv_resets(struct guest *g, unsigned int n)
{
	struct packet *p;
	unsigned int i;

	for (i = 0; i < n; i++) {
		p = guest_recv(g, TIMEOUT);
		require(p && p->hdr.op == VIRTIO_VSOCK_OP_RST, "%u resets of %u",
			i, n);
		free(p);
	}
	require(!guest_recv(g, QUIET), "a packet after %u resets", n);
}

/* The driver gets each of its chains back, whatever happens to the answers. */
static void more_resets(const void *arg)
{
	struct guest_config cfg = test_config(0);
	unsigned int sent = 0;
	struct session s;

	(void)arg;
	cfg.num[TXQ] = TX_RING;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&s.g, &cfg));
	while (sent < STRAYS || s.g.q[TXQ].ring.nfree < TX_RING) {
		sent += fill_tx(&s.g, STRAYS - sent);
		require(guest_poll(&s.g, TIMEOUT) > 0,
			"%u packets, and no more are taken", sent);
	}
	neighbour_exchange(1000);
	require(counter_get(&s.g, "resets_dropped") == STRAYS - RESETS,
		"%llu are counted as dropped",
		counter_get(&s.g, "resets_dropped") + 0ULL);
	open_rx(&s.g, 4);
	recv_resets(&s.g, RESETS);
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 10000);
	session_close(&s);
}

/* --- more ended connections than queued resets --- */

#define ENDED	(RESETS + 1000)

/* The guest opens and ends it, the program accepts and closes it. */
static void come_and_go(struct session *s, unsigned int i)
{
	struct conn c;
	int fd;

	conn_init(&c, &s->g, VIRTIO_VSOCK_TYPE_STREAM, 10000 + i,
		  s->c.peer_port);
	require_ok(conn_send_op(&c, VIRTIO_VSOCK_OP_REQUEST, 0));
	fd = host_accept(s->listener, TIMEOUT);
	require_ok(fd);
	require_ok(conn_send_op(&c, VIRTIO_VSOCK_OP_SHUTDOWN,
				VIRTIO_VSOCK_SHUTDOWN_RCV |
				VIRTIO_VSOCK_SHUTDOWN_SEND));
	close(fd);
}

/* Only the reset of each remains, of which a bounded number wait for a chain. */
static void more_ends(const void *arg)
{
	struct session s;
	unsigned int i;

	(void)arg;
	session_no_rx(&s, SOCK_STREAM);
	for (i = 0; i < ENDED; i++)
		come_and_go(&s, i);
	require(counter_get(&s.g, "resets_dropped") == ENDED - RESETS,
		"%llu are counted as dropped",
		counter_get(&s.g, "resets_dropped") + 0ULL);
	neighbour_exchange(1000);
	open_rx(&s.g, 4);
	recv_resets(&s.g, RESETS);
	session_exchange(&s, 10000);
	session_close(&s);
}

/* --- refused connections from both sides --- */

#define CLOSED_PORT	500000U	/* first of the host's and of the guest's closed ports */
#define GOOD_PORT	77U
#define FLOOD		1000U
#define ROUNDS		30
#define OUT		4096U
#define SLOT		4096U
#define TX_SLOTS	64U

/*
 * A guest that behaves like Linux: its packets are sent in order, and while as many answers are
 * pending as the transmit ring has entries, it takes no packets.
 */
struct stock {
	struct guest g;
	struct pkt out[OUT];
	unsigned int first;
	unsigned int nout;
	unsigned int answers;
	__u64 free;	/* free transmit slots */
	unsigned int resets;
	unsigned int good;
};

static void stock_queue(struct stock *s, __u16 op, __u32 src, __u32 dst)
{
	require(s->nout < OUT, "too much to send");
	s->out[(s->first + s->nout++) % OUT] = (struct pkt){
		.src_cid = s->g.cfg.cid, .dst_cid = HOST_CID, .src_port = src,
		.dst_port = dst, .type = VIRTIO_VSOCK_TYPE_STREAM, .op = op,
		.buf_alloc = 65536,
	};
}

static void stock_post(struct stock *s, unsigned int slot)
{
	struct seg seg = { s->g.tx_gpa + (TX_SLOTS + slot) * SLOT, SLOT, true };

	require_ok(ring_add(&s->g.q[RXQ].ring, &seg, 1,
			    (void *)(unsigned long)slot));
}

static void stock_start(struct stock *s)
{
	struct guest_config cfg = test_config(0);
	unsigned int i;

	cfg.num[TXQ] = TX_SLOTS;
	cfg.num[RXQ] = TX_SLOTS;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&s->g, &cfg));
	s->free = ~0ULL;
	for (i = 0; i < TX_SLOTS; i++)
		stock_post(s, i);
	guest_notify(&s->g, RXQ);
}

static void stock_send(struct stock *s)
{
	struct ring *r = &s->g.q[TXQ].ring;
	struct virtio_vsock_hdr h;
	struct pkt *p;
	void *token;
	__u32 len;
	int slot;

	while (ring_get_used(r, &len, &token) >= 0)
		s->free |= 1ULL << (unsigned long)token;
	while (s->nout && s->free) {
		struct seg seg = { .len = HDR_LEN };

		p = &s->out[s->first];
		s->first = (s->first + 1) % OUT;
		s->nout--;
		s->answers -= p->op != VIRTIO_VSOCK_OP_REQUEST;
		h = pkt_encode(p);
		slot = __builtin_ctzll(s->free);
		seg.addr = s->g.tx_gpa + slot * SLOT;
		mem_write(&s->g.mem, seg.addr, &h, HDR_LEN);
		require_ok(ring_add(r, &seg, 1, (void *)(unsigned long)slot));
		s->free &= ~(1ULL << slot);
	}
	guest_notify(&s->g, TXQ);
}

static void stock_answer(struct stock *s, const struct pkt *p)
{
	switch (p->op) {
	case VIRTIO_VSOCK_OP_REQUEST:
		s->answers++;
		stock_queue(s, p->dst_port == GOOD_PORT ?
			    VIRTIO_VSOCK_OP_RESPONSE : VIRTIO_VSOCK_OP_RST,
			    p->dst_port, p->src_port);
		break;
	case VIRTIO_VSOCK_OP_RST:
		/* Others belong to connections that succeeded and were closed. */
		s->resets += p->src_port == NOBODY;
		break;
	case VIRTIO_VSOCK_OP_RESPONSE:
		s->good++;
		break;
	}
}

static bool stock_recv(struct stock *s)
{
	struct ring *r = &s->g.q[RXQ].ring;
	struct virtio_vsock_hdr h;
	bool any = false;
	struct pkt p;
	void *token;
	__u32 len;

	while (s->answers < TX_SLOTS && ring_get_used(r, &len, &token) >= 0) {
		mem_read(&s->g.mem, s->g.tx_gpa +
			 (TX_SLOTS + (unsigned long)token) * SLOT, &h, HDR_LEN);
		p = pkt_decode(&h);
		stock_answer(s, &p);
		stock_post(s, (unsigned long)token);
		any = true;
	}
	guest_notify(&s->g, RXQ);
	return any;
}

static void stock_run(struct stock *s)
{
	bool any = stock_recv(s);

	stock_send(s);
	if (!any)
		usleep(1000);
}

/* What each end sends to closed ports of the other. */
static void stock_flood(struct stock *s)
{
	unsigned int resets = s->resets + FLOOD;
	__u64 end = now_ms() + 2 * TIMEOUT;
	static int fd[FLOOD];
	unsigned int i;

	for (i = 0; i < FLOOD; i++)
		stock_queue(s, VIRTIO_VSOCK_OP_REQUEST, CLOSED_PORT + i, NOBODY);
	for (i = 0; i < FLOOD; i++) {
		fd[i] = host_connect(SOCK_STREAM, s->g.cfg.cid, CLOSED_PORT + i);
		require_ok(fd[i]);
	}
	while (s->resets != resets) {
		require(ms_left(end), "%u to send, %u answers, %u resets missing",
			s->nout, s->answers, resets - s->resets);
		stock_run(s);
	}
	for (i = 0; i < FLOOD; i++)
		close(fd[i]);
}

/* A connection in each direction succeeds within two seconds. */
static void stock_connect(struct stock *s)
{
	unsigned int good = s->good + 1;
	__u64 end = now_ms() + 2000;
	int listener, fd;
	__u32 port = 0;

	listener = host_listen(SOCK_STREAM, &port);
	require_ok(listener);
	stock_queue(s, VIRTIO_VSOCK_OP_REQUEST, 1, port);
	fd = host_connect(SOCK_STREAM, s->g.cfg.cid, GOOD_PORT);
	require_ok(fd);
	while (s->good != good || host_connected(fd, 0)) {
		require(ms_left(end), "no connection %s",
			s->good == good ? "to the guest" : "to the host");
		stock_run(s);
	}
	close(fd);
	close(listener);
}

static void both_sides(const void *arg)
{
	struct rlimit files = { 2 * FLOOD, 2 * FLOOD };
	static struct stock s;
	unsigned int i;

	(void)arg;
	require(!setrlimit(RLIMIT_NOFILE, &files), "files");
	stock_start(&s);
	for (i = 0; i < ROUNDS; i++) {
		stock_flood(&s);
		stock_connect(&s);
		neighbour_exchange(100);
	}
	dev_close(&s.g.dev);
}

void add_flood_tests(void)
{
	session_test("flood", "resets that find no room", more_resets, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
	session_test("flood", "connections that end and find no room", more_ends,
		     NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test("flood", "refused connections from both sides", both_sides,
		     NULL, TAP_MVSOCK, RINGS_SPLIT);
}
