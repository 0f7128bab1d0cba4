// SPDX-License-Identifier: GPL-2.0
/*
 * Random steps. A step after which the model can't tell exactly what the host sends ends with a
 * barrier, so that everything is a function of the seed.
 */
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <unistd.h>

#include "fuzz.h"

#define BATCH FUZZ_TX_SLOTS

static __u8 buffer[HDR_LEN + 2 * MAX_PAYLOAD + FUZZ_EXTRA];

/* --- used entries --- */

static void wait_for_used(struct fuzz *f, unsigned int q)
{
	struct guest_queue *gq = &f->s.g.q[q];
	eventfd_t n;

	while (!ring_has_used(&gq->ring)) {
		ring_arm(&gq->ring);
		if (ring_has_used(&gq->ring))
			return;
		if (!host_poll(gq->call, POLLIN, TIMEOUT))
			tap_fail("ring %u: %s", q, ring_has_used(&gq->ring) ?
				 "no interrupt" : "no chain was used");
		eventfd_read(gq->call, &n);
	}
}

static __u32 take_used(struct fuzz *f, unsigned int q, int want)
{
	void *token;
	__u32 len;
	int chain;

	wait_for_used(f, q);
	chain = ring_get_used(&f->s.g.q[q].ring, &len, &token);
	require(chain == want, "ring %u: chain %d was used, not %d", q, chain,
		want);
	return len;
}

/* --- the receive ring --- */

static void drop_rx(struct fuzz *f)
{
	f->rx_slots &= ~(1U << f->rx[0].slot);
	memmove(&f->rx[0], &f->rx[1], --f->nrx * sizeof(f->rx[0]));
}

static void rx_refused(struct fuzz *f, const struct verdict *v)
{
	const struct packet *p = f->pending.first;
	enum counter reason = v->reason;

	if (reason == NO_COUNTER && p && p->taken < p->hdr.len &&
	    v->writable == HDR_LEN)
		reason = REJ_TOO_SHORT;
	require(reason != NO_COUNTER, "a valid chain of %llu bytes was used with length 0",
		(unsigned long long)v->writable);
	f->count.value[reason]++;
}

static void reap_rx(struct fuzz *f)
{
	const struct fuzz_rx *rx = &f->rx[0];
	__u32 len = take_used(f, RXQ, rx->chain);
	struct virtio_vsock_hdr h;
	struct pkt p;

	if (!len) {
		rx_refused(f, &rx->v);
		drop_rx(f);
		return;
	}
	require(rx->v.reason == NO_COUNTER, "an invalid chain (%s) was used with length %u",
		counter_name(rx->v.reason), len);
	require(len >= HDR_LEN && len <= rx->v.writable,
		"length %u in a chain of %llu", len,
		(unsigned long long)rx->v.writable);
	require_ok(segs_read(&f->s.g.mem, rx->v.segs, rx->v.n, 0, &h, HDR_LEN));
	p = pkt_decode(&h);
	require(p.len == len - HDR_LEN, "length %u, with %u in the header", len,
		p.len);
	require_ok(segs_read(&f->s.g.mem, rx->v.segs, rx->v.n, HDR_LEN, buffer,
			     p.len));
	check_untouched(&f->s.g, rx->lo, rx->hi - rx->lo, FUZZ_CANARY, rx->v.segs,
			rx->v.n, len);
	model_got(f, &p, buffer, rx->v.writable - HDR_LEN);
	drop_rx(f);
}

/* As many as there is room for. */
static void wait_rx(struct fuzz *f)
{
	while (f->pending.first && f->nrx)
		reap_rx(f);
}

static void reap_all_rx(struct fuzz *f)
{
	while (f->nrx && ring_has_used(&f->s.g.q[RXQ].ring))
		reap_rx(f);
}

static void notify(struct fuzz *f, unsigned int q)
{
	if (rng_one_in(&f->rng, 4))
		guest_kick(&f->s.g, q);
	else
		guest_notify(&f->s.g, q);
}

static bool post_rx(struct fuzz *f, __u32 len, unsigned int faults)
{
	struct fuzz_rx *rx = &f->rx[f->nrx];
	struct fuzz_spec spec = { .q = RXQ, .len = len, .faults = faults };

	if (f->nrx == FUZZ_RX_SLOTS || !f->s.g.q[RXQ].ring.nfree)
		return false;
	rx->slot = __builtin_ctz(~f->rx_slots);
	f->rx_slots |= 1U << rx->slot;
	spec.slot = f->rx_slot[rx->slot];
	rx->chain = fuzz_chain(f, &spec);
	rx->lo = spec.lo;
	rx->hi = spec.hi;
	oracle_chain(&f->s.g, RXQ, rx->chain, &rx->v);
	f->nrx++;
	return true;
}

static void post_some_rx(struct fuzz *f)
{
	unsigned int n = 1 + rng_below(&f->rng, 6);

	while (n--) {
		__u32 len = HDR_LEN + rng_size(&f->rng, MAX_PAYLOAD);

		if (rng_one_in(&f->rng, 12))
			len = rng_below(&f->rng, HDR_LEN);
		if (!post_rx(f, len, rng_one_in(&f->rng, 2) ? 0 :
			     1 + rng_below(&f->rng, 2)))
			break;
	}
	notify(f, RXQ);
	wait_rx(f);
}

/* Wait until the guest has received all packets that are known to be pending. */
static void drain(struct fuzz *f)
{
	while (f->pending.first) {
		if (!f->nrx) {
			post_rx(f, HDR_LEN + 1 +
				rng_size(&f->rng, MAX_PAYLOAD), 0);
			notify(f, RXQ);
		}
		wait_rx(f);
	}
}

/* --- the transmit ring --- */

struct tx_chain {
	int chain;
	struct verdict v;
	struct pkt p;
};

/* The packet layer's verdict on the chain. */
static enum counter judge(struct fuzz *f, struct tx_chain *t)
{
	struct virtio_vsock_hdr h;

	oracle_chain(&f->s.g, TXQ, t->chain, &t->v);
	if (t->v.reason != NO_COUNTER)
		return t->v.reason;
	require_ok(segs_read(&f->s.g.mem, t->v.segs, t->v.n, 0, &h, HDR_LEN));
	t->p = pkt_decode(&h);
	if (t->p.src_cid != f->s.g.cfg.cid)
		return REJ_BAD_CID;
	if (t->p.len > MAX_PAYLOAD || t->p.len > t->v.readable - HDR_LEN)
		return REJ_BAD_LEN;
	return NO_COUNTER;
}

/* Make a chain invalid, together with those that run into it. */
static void defuse(struct fuzz *f, const struct tx_chain *t)
{
	struct ring *r = &f->s.g.q[TXQ].ring;
	const struct ring_chain *c = &r->chain[t->chain];

	ring_set_desc(r, c->head, 0, 1, c->n > 1 ? VRING_DESC_F_NEXT : 0, 0);
}

static void foresee(struct fuzz *f, struct tx_chain *t, unsigned int n)
{
	unsigned int i;

	model_foresee(f);
	for (i = 0; i < n; i++) {
		enum counter reason = judge(f, &t[i]);

		if ((reason == NO_COUNTER && !model_knows(f, &t[i].p)) ||
		    (reason == REJ_BAD_LEN && model_harms(f, &t[i].p))) {
			defuse(f, &t[i]);
			model_foresee(f);
			i = -1U;
		}
	}
	for (i = 0; i < n; i++) {
		enum counter reason = judge(f, &t[i]);

		if (reason != NO_COUNTER) {
			f->count.value[reason]++;
			if (reason == REJ_BAD_LEN)
				model_lose(f, &t[i].p);
			continue;
		}
		require_ok(segs_read(&f->s.g.mem, t[i].v.segs, t[i].v.n, HDR_LEN,
				     buffer, t[i].p.len));
		model_receive(f, &t[i].p, buffer);
	}
}

/* Predict the effects of the pushed chains, run them, and compare. */
static void send_chains(struct fuzz *f, struct tx_chain *t, unsigned int n)
{
	unsigned int i;
	__u32 len;

	foresee(f, t, n);
	notify(f, TXQ);
	for (i = 0; i < n; i++) {
		len = take_used(f, TXQ, t[i].chain);
		require(!len, "transmit chain %u of %u has length %u", i, n,
			len);
	}
}

static void lay_packet(struct fuzz *f, struct tx_chain *t, unsigned int slot,
		       const struct pkt *p, __u32 len, unsigned int faults)
{
	struct virtio_vsock_hdr h = pkt_encode(p);
	struct fuzz_spec spec = {
		.q = TXQ, .slot = f->tx_slot[slot], .len = len, .buf = buffer,
		.faults = faults,
	};

	memcpy(buffer, &h, HDR_LEN);
	if (len > HDR_LEN)
		rng_fill(&f->rng, buffer + HDR_LEN, len - HDR_LEN);
	t->chain = fuzz_chain(f, &spec);
}

/* A packet without errors. */
static void send_packet(struct fuzz *f, const struct pkt *p)
{
	static struct tx_chain t;

	lay_packet(f, &t, 0, p, HDR_LEN + p->len, 0);
	send_chains(f, &t, 1);
}

/*
 * A packet whose answer comes after all that the host has sent before. Resets are sent first,
 * though, and packets that find no chain after them wait for the next one.
 */
static void barrier(struct fuzz *f)
{
	struct fuzz_conn none = {
		.type = f->streams ? VIRTIO_VSOCK_TYPE_STREAM :
				     VIRTIO_VSOCK_TYPE_SEQPACKET,
		.port = f->next_port++,
		.peer_port = FUZZ_NOBODY,
	};
	struct pkt p = fuzz_guest_pkt(f, &none, VIRTIO_VSOCK_OP_CREDIT_UPDATE);

	drain(f);
	send_packet(f, &p);
	drain(f);
	/* Packets that found a chain came together with the answer. */
	reap_all_rx(f);
}

/* --- random packets --- */

static void push_random(struct fuzz *f, struct tx_chain *t, unsigned int slot)
{
	struct pkt p = fuzz_random_packet(f);
	__u32 len = HDR_LEN + p.len;
	unsigned int faults = 0;

	if (rng_one_in(&f->rng, 4))
		len += rng_size(&f->rng, FUZZ_EXTRA);
	if (rng_one_in(&f->rng, 8))
		fuzz_spoil_header(f, &p);
	if (rng_one_in(&f->rng, 16))
		len = rng_below(&f->rng, HDR_LEN + 20);
	if (rng_one_in(&f->rng, 3))
		faults = 1 + rng_below(&f->rng, 2);
	lay_packet(f, t, slot, &p, len, faults);
}

/* --- the host's sockets --- */

static void take_off(struct fuzz_conn *c, __u32 len)
{
	memmove(c->data, c->data + len, c->unread - len);
	c->unread -= len;
	c->host_read += len;
}

static void read_stream(struct fuzz_conn *c)
{
	__u32 len = c->unread;

	require_ok(host_recv(c->fd, buffer, len, TIMEOUT));
	require(!memcmp(buffer, c->data, len),
		"host: %u bytes of the stream differ", len);
	take_off(c, len);
}

/*
 * A reader that waits for messages takes large ones by direct reads, one at a time. Credit may then
 * be granted once more often than when all of them are queued, which can't be predicted.
 */
static void read_messages(struct fuzz_conn *c)
{
	static __u8 message[HOST_BUF_ALLOC + 1];
	__u32 start = 0;
	unsigned int i;

	for (i = 0; i < c->nends; i++) {
		__u32 len = c->ends[i] - start;
		ssize_t n = recv(c->fd, message, sizeof(message),
				 MSG_DONTWAIT);

		require(n == len, "host: message of %zd bytes, not %u", n, len);
		require(!memcmp(message, c->data + start, len),
			"host: message of %u bytes differs", len);
		start = c->ends[i];
	}
	take_off(c, start);
	c->nends = 0;
}

/* Read everything: a partial read would grant the rest again later. */
static void host_read(struct fuzz_conn *c)
{
	if (c->type == VIRTIO_VSOCK_TYPE_SEQPACKET)
		read_messages(c);
	else if (c->unread)
		read_stream(c);
	c->packets = 0;
}

static void accept_all(struct fuzz *f)
{
	unsigned int i;

	for (i = 0; i < f->naccept; i++) {
		struct fuzz_conn *c = f->accept[i];

		c->fd = host_accept(f->listener[c->type], TIMEOUT);
		require_ok(c->fd);
	}
	f->naccept = 0;
}

/* The socket of a connection that has ended. */
static void host_bury(struct fuzz *f, struct fuzz_conn *c)
{
	__u8 byte;
	int err;

	if (!c->unsure) {
		host_read(c);
		err = host_recv(c->fd, &byte, 1, TIMEOUT);
		require(err == -EPIPE || err == -ECONNRESET,
			"host: the end of port %u: %s", c->port,
			strerror(-err));
	}
	close(c->fd);
	c->fd = -1;
	model_close(f, c);
}

/* What the host's programs do about the packets. */
static void settle(struct fuzz *f)
{
	bool unsure = false;
	unsigned int i;

	accept_all(f);
	for (i = 0; i < FUZZ_CONNS; i++) {
		struct fuzz_conn *c = &f->conn[i];

		c->planned = 0;
		if (c->state == CONN_FREE || c->fd < 0)
			continue;
		if (c->state != CONN_OPEN)
			host_bury(f, c);
		else if (c->unread && (c->packets > 40 ||
				       c->unread > HOST_BUF_ALLOC / 4 ||
				       rng_one_in(&f->rng, 2)))
			host_read(c);
		else
			continue;
		unsure = true;
	}
	if (unsure)
		barrier(f);
	for (i = 0; unsure && i < FUZZ_CONNS; i++)
		if (f->conn[i].state == CONN_GONE)
			f->conn[i].state = CONN_FREE;
}

/* --- steps --- */

static void step_transmit(struct fuzz *f)
{
	static struct tx_chain t[BATCH];
	const struct ring *r = &f->s.g.q[TXQ].ring;
	unsigned int i, n = 1 + rng_below(&f->rng, BATCH);

	/* With more pending answers the device would stop taking packets. */
	if (f->replies + n > r->num)
		drain(f);
	for (i = 0; i < n && r->nfree && i < r->num; i++)
		push_random(f, &t[i], i);
	send_chains(f, t, i);
	wait_rx(f);
	settle(f);
}

static void step_host_send(struct fuzz *f)
{
	struct fuzz_conn *c = fuzz_random_conn(f);
	__u32 len, space = c ? model_space(c) : 0;
	static __u8 out[MAX_PAYLOAD];
	struct sending sending;
	struct pkt p;
	int flags = 0;

	if (!c || c->shutdown & VIRTIO_VSOCK_SHUTDOWN_RCV)
		return;
	if (!space) {
		require(send(c->fd, buffer, 1, MSG_NOSIGNAL) < 0 &&
			errno == EAGAIN, "host: sends without credit");
		return;
	}
	len = space < MAX_PAYLOAD ? space : MAX_PAYLOAD;
	/* Now and then all credit is used up. */
	if (!rng_one_in(&f->rng, 3))
		len = 1 + rng_size(&f->rng, len - 1);
	p = model_host_pkt(f, c, VIRTIO_VSOCK_OP_RW);
	p.len = len;
	if (c->type == VIRTIO_VSOCK_TYPE_SEQPACKET) {
		flags = rng_one_in(&f->rng, 2) ? MSG_EOR : 0;
		p.flags = VIRTIO_VSOCK_SEQ_EOM |
			  (flags ? VIRTIO_VSOCK_SEQ_EOR : 0);
	}
	rng_fill(&f->rng, out, len);
	/* Data may overtake packets of other connections that find no room. */
	drain(f);
	model_expect(f, &p, out);
	c->sent += len;
	/* It may be longer than the ring's room. */
	require_ok(host_set_blocking(c->fd, TIMEOUT));
	host_send_beside(&sending, c->fd, out, len, flags, TIMEOUT);
	drain(f);
	require_ok(host_send_end(&sending));
	require_ok(fcntl(c->fd, F_SETFL, O_NONBLOCK));
}

static __u32 local_port(int fd)
{
	struct sockaddr_vm sa;
	socklen_t len = sizeof(sa);

	require(!getsockname(fd, (struct sockaddr *)&sa, &len), "getsockname");
	return sa.svm_port;
}

static void step_host_connect(struct fuzz *f)
{
	static const __u16 answers[] = {
		VIRTIO_VSOCK_OP_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE,
		VIRTIO_VSOCK_OP_RST, VIRTIO_VSOCK_OP_RW,
	};
	__u16 type = f->streams && (!f->seqpackets || rng_one_in(&f->rng, 2)) ?
		     VIRTIO_VSOCK_TYPE_STREAM : VIRTIO_VSOCK_TYPE_SEQPACKET;
	struct fuzz_conn *c;
	struct pkt p;
	int fd;

	if (model_conns_open(f) >= FUZZ_CONNS_MAX)
		return;
	fd = host_connect(type == VIRTIO_VSOCK_TYPE_STREAM ? SOCK_STREAM :
			  SOCK_SEQPACKET, f->s.g.cfg.cid, f->next_port);
	require_ok(fd);
	c = model_conn_new(f, type, f->next_port++, local_port(fd));
	require(c, "too many connections");
	c->fd = fd;
	c->state = CONN_ASKED;
	p = model_host_pkt(f, c, VIRTIO_VSOCK_OP_REQUEST);
	model_expect(f, &p, NULL);
	drain(f);
	p = fuzz_guest_pkt(f, c, answers[rng_below(&f->rng, ARRAY_SIZE(answers))]);
	send_packet(f, &p);
	drain(f);
	if (c->state == CONN_OPEN) {
		require_ok(host_connected(fd, TIMEOUT));
		return;
	}
	require(host_connected(fd, TIMEOUT) < 0,
		"host: connected by an answer of op %u", p.op);
	close(fd);
	c->state = CONN_FREE;
}

static void step_host_close(struct fuzz *f)
{
	struct fuzz_conn *c = fuzz_random_conn(f);
	struct pkt p;

	if (!c || fuzz_is_good(f, c))
		return;
	p = model_host_pkt(f, c, VIRTIO_VSOCK_OP_SHUTDOWN);
	p.flags = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND;
	model_expect(f, &p, NULL);
	close(c->fd);
	c->fd = -1;
	drain(f);
	p = fuzz_guest_pkt(f, c, VIRTIO_VSOCK_OP_RST);
	send_packet(f, &p);
	c->state = CONN_FREE;
}

/* Stop, and continue at the same position. */
static void step_restart(struct fuzz *f)
{
	unsigned int i;
	__u32 base, used;

	require_ok(dev_set_running(&f->s.g.dev, 0));
	for (i = 0; i < NUM_QUEUES; i++) {
		used = ring_device_base(&f->s.g.q[i].ring);
		require_ok(dev_get_ring_base(&f->s.g.dev, i, &base));
		require(base == used, "ring %u: base 0x%x, used 0x%x", i, base,
			used);
		require_ok(dev_set_ring_base(&f->s.g.dev, i, base));
	}
	require_ok(dev_set_mem_table(&f->s.g.dev, &f->s.g.mem));
	require_ok(dev_set_running(&f->s.g.dev, 1));
	for (i = 0; i < NUM_QUEUES; i++)
		guest_kick(&f->s.g, i);
}

/* As a balloon does. */
static void step_replace_pages(struct fuzz *f)
{
	struct mem_region *r = &f->s.g.mem.region[rng_below(&f->rng, 4)];
	__u64 page = page_size();
	__u64 off = rng_below(&f->rng, r->size / page - 4) * page;

	require_ok(mem_replace(&f->s.g.mem, r->gpa + off,
			       page * (1 + rng_below(&f->rng, 4))));
}

/* An invalid ring stops; then the guest starts again. */
static void step_break(struct fuzz *f)
{
	struct ring *r = &f->s.g.q[TXQ].ring;
	__u16 idx[FUZZ_RING_MAX];
	unsigned int i;
	int chain;

	drain(f);
	if (r->f.packed) {
		chain = ring_take(r, r->num, idx, NULL);
		require_ok(chain);
		for (i = 0; i < r->num; i++)
			ring_set_desc(r, idx[i], f->tx_slot[0], 64,
				      VRING_DESC_F_NEXT, 0);
		ring_push(r, chain);
	} else if (rng_one_in(&f->rng, 2)) {
		ring_push(r, r->num + rng_below(&f->rng, 0x10000 - r->num));
	} else {
		r->s.avail_idx += r->num + 1 +
				  rng_below(&f->rng, 0xffff - r->num);
	}
	guest_kick(&f->s.g, TXQ);
	require(guest_ring_error(&f->s.g, TXQ, TIMEOUT), "no error eventfd");
	f->count.value[BROKEN_RINGS]++;
	/* A credit request, for which nothing waited, may be in the receive ring. */
	require_ok(dev_set_running(&f->s.g.dev, 0));
	reap_all_rx(f);
	guest_restart(&f->s.g);
	f->nrx = 0;
	f->rx_slots = 0;
}

void fuzz_sync(struct fuzz *f)
{
	static const char *const names[NUM_QUEUES][2] = {
		{ "rx_packets", "rx_bytes" }, { "tx_packets", "tx_bytes" },
	};
	struct counters now;
	unsigned int i;

	barrier(f);
	now = counters_read(&f->s.g);
	for (i = 0; i < NUM_COUNTERS; i++)
		require(now.value[i] == f->count.value[i],
			"%s is %llu, not %llu", counter_name(i),
			(unsigned long long)now.value[i],
			(unsigned long long)f->count.value[i]);
	for (i = 0; i < NUM_QUEUES; i++) {
		require(counter_get(&f->s.g, names[i][0]) == f->packets[i],
			"%s is not %llu", names[i][0],
			(unsigned long long)f->packets[i]);
		require(counter_get(&f->s.g, names[i][1]) == f->bytes[i],
			"%s is not %llu", names[i][1],
			(unsigned long long)f->bytes[i]);
	}
}

static const struct {
	const char *name;
	unsigned int weight;
	void (*run)(struct fuzz *f);
} steps[] = {
	{ "packets from the guest", 40, step_transmit },
	{ "receive buffers", 24, post_some_rx },
	{ "the host sends", 24, step_host_send },
	{ "the host connects", 2, step_host_connect },
	{ "the host closes", 1, step_host_close },
	{ "stop and start", 1, step_restart },
	{ "pages replaced", 4, step_replace_pages },
	{ "a broken ring", 1, step_break },
	{ "comparing counters", 3, fuzz_sync },
};

void fuzz_random_step(struct fuzz *f)
{
	unsigned int i, total = 0, at;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		total += steps[i].weight;
	at = rng_below(&f->rng, total);
	for (i = 0; at >= steps[i].weight; i++)
		at -= steps[i].weight;
	f->step++;
	f->what = steps[i].name;
	steps[i].run(f);
}

void fuzz_place_slots(struct fuzz *f)
{
	unsigned int i;

	for (i = 0; i < FUZZ_TX_SLOTS; i++)
		f->tx_slot[i] = i + 1 == FUZZ_TX_SLOTS ?
			GUEST_EDGE - FUZZ_SLOT / 2 :
			mem_alloc(&f->s.g.mem, 1, FUZZ_SLOT, 4096);
	for (i = 0; i < FUZZ_RX_SLOTS; i++)
		f->rx_slot[i] = i + 1 == FUZZ_RX_SLOTS ?
			GUEST_BUFFERS - FUZZ_SLOT / 2 :
			mem_alloc(&f->s.g.mem, 1, FUZZ_SLOT, 4096);
}

void fuzz_steps_begin(struct fuzz *f)
{
	static const int socktype[] = { 0, SOCK_STREAM, SOCK_SEQPACKET };
	struct pkt p;
	__u16 type;

	fuzz_place_slots(f);
	for (type = 1; type < ARRAY_SIZE(socktype); type++) {
		f->listener[type] = host_listen(socktype[type],
						&f->listen_port[type]);
		require_ok(f->listener[type]);
	}
	f->next_port = 1000;
	/* The good connection. */
	p = fuzz_request(f);
	p.type = f->streams ? VIRTIO_VSOCK_TYPE_STREAM :
			      VIRTIO_VSOCK_TYPE_SEQPACKET;
	p.dst_port = f->listen_port[p.type];
	send_packet(f, &p);
	drain(f);
	settle(f);
}
