// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that the parser accepts and the protocol does not, and too many of valid ones. Whatever
 * comes, the chain is used with length 0, no chain is counted as rejected, and other connections
 * and guests are not affected.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define NOBODY 999999	/* a port without a listener */

/* @a: the guest to be abused; @c2 is another connection of it. */
struct env {
	struct session a;
	struct conn c2;
	int listener2, fd2;
	struct counters before;
};

static void env_start(struct env *e, struct guest_config *cfg, int socktype)
{
	__u32 port = 0;

	session_guest_connects(&e->a, cfg, socktype);
	e->listener2 = host_listen(SOCK_STREAM, &port);
	require_ok(e->listener2);
	conn_init(&e->c2, &e->a.g, VIRTIO_VSOCK_TYPE_STREAM, 4321, port);
	require_ok(conn_connect(&e->c2, TIMEOUT));
	e->fd2 = host_accept(e->listener2, TIMEOUT);
	require_ok(e->fd2);
	e->before = counters_read(&e->a.g);
}

/* The other connection continues, and no chain was rejected. */
static void env_check(struct env *e)
{
	__u8 out[1000], in[1000];

	pattern_fill(out, sizeof(out), 3, 0);
	require_ok(conn_send(&e->c2, out, sizeof(out), TIMEOUT));
	require_ok(host_recv(e->fd2, in, sizeof(in), TIMEOUT));
	require(!memcmp(in, out, sizeof(in)), "the other connection's data");
	require_ok(host_send(e->fd2, out, sizeof(out), 0, TIMEOUT));
	require_ok(conn_recv(&e->c2, in, sizeof(in), TIMEOUT));
	require(!memcmp(in, out, sizeof(in)), "the other connection's data");
	counters_expect(&e->a.g, &e->before, NO_COUNTER, 0);
}

static void env_close(struct env *e)
{
	env_check(e);
	conn_free(&e->c2);
	close(e->fd2);
	close(e->listener2);
	session_close(&e->a);
}

static struct pkt stray(const struct guest *g, __u16 type, __u16 op)
{
	return (struct pkt){
		.src_cid = g->cfg.cid, .dst_cid = HOST_CID,
		.src_port = 77, .dst_port = NOBODY,
		.type = type, .op = op, .buf_alloc = 4096,
	};
}

/* The answer to the stray packet is RST, or there is none. */
static void require_answer(struct guest *g, bool reset)
{
	struct packet *p = guest_recv(g, reset ? TIMEOUT : QUIET);

	if (!reset) {
		require(!p, "answered by op %u", p->hdr.op);
		return;
	}
	require(p, "no answer");
	require(p->hdr.op == VIRTIO_VSOCK_OP_RST, "op %u", p->hdr.op);
	require(p->hdr.src_port == NOBODY && p->hdr.dst_port == 77 &&
		p->hdr.src_cid == HOST_CID && p->hdr.dst_cid == g->cfg.cid &&
		!p->hdr.len, "a wrong header");
	free(p);
}

/* Without a connection. */
struct stray_case {
	const char *name;
	__u16 type;
	__u16 op;
	__u32 len;
	bool silent;
};

#define STREAM VIRTIO_VSOCK_TYPE_STREAM

static const struct stray_case strays[] = {
	{ "case 48: type 0", 0, VIRTIO_VSOCK_OP_REQUEST },
	{ "case 48: type 3", 3, VIRTIO_VSOCK_OP_REQUEST },
	{ "case 48: type 0xffff", 0xffff, VIRTIO_VSOCK_OP_RW, 10 },
	{ "case 48: RST of type 3", 3, VIRTIO_VSOCK_OP_RST, 0, true },
	{ "case 49: op 0, no connection", STREAM, 0 },
	{ "case 49: op 8, no connection", STREAM, 8 },
	{ "case 49: op 0xffff, no connection", STREAM, 0xffff },
	{ "case 50: RW, no connection", STREAM, VIRTIO_VSOCK_OP_RW, 100 },
	{ "case 50: RW of no bytes, no connection", STREAM,
	  VIRTIO_VSOCK_OP_RW },
	{ "case 51: RESPONSE, no connection", STREAM,
	  VIRTIO_VSOCK_OP_RESPONSE },
	{ "case 59: SHUTDOWN, no connection", STREAM,
	  VIRTIO_VSOCK_OP_SHUTDOWN },
	{ "case 61: CREDIT_REQUEST, no connection", STREAM,
	  VIRTIO_VSOCK_OP_CREDIT_REQUEST },
	{ "case 62: RST, no connection", STREAM, VIRTIO_VSOCK_OP_RST, 0,
	  true },
	{ "case 62: RST with data, no connection", STREAM,
	  VIRTIO_VSOCK_OP_RST, 10, true },
};

static void stray_packet(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct stray_case *t = arg;
	__u8 data[100] = { 0 };
	struct pkt p;
	struct env e;
	int i;

	env_start(&e, &cfg, SOCK_STREAM);
	for (i = 0; i < 3; i++) {
		p = stray(&e.a.g, t->type, t->op);
		p.len = t->len;
		require_ok(guest_send(&e.a.g, &p, data, TIMEOUT));
		require_answer(&e.a.g, !t->silent);
	}
	session_exchange(&e.a, 1000);
	env_close(&e);
}

/* To a CID other than the host's, with a connection's ports or others: RST. */
struct cid_case {
	const char *name;
	__u64 cid;
	__u16 op;
};

static const struct cid_case cids[] = {
	{ "case 47: REQUEST to CID 1", 1, VIRTIO_VSOCK_OP_REQUEST },
	{ "case 47: REQUEST to another guest's CID", 12345,
	  VIRTIO_VSOCK_OP_REQUEST },
	{ "case 47: REQUEST to a CID over 32 bits", HOST_CID | BIT_ULL(63),
	  VIRTIO_VSOCK_OP_REQUEST },
	{ "case 47: RW to CID 0", 0, VIRTIO_VSOCK_OP_RW },
	{ "case 47: RST to CID 1", 1, VIRTIO_VSOCK_OP_RST },
};

static void other_cid(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct cid_case *t = arg;
	struct packet *answer;
	struct pkt p, want;
	struct env e;

	env_start(&e, &cfg, SOCK_STREAM);
	p = conn_pkt(&e.a.c, t->op);
	p.dst_cid = t->cid;
	require_ok(guest_send(&e.a.g, &p, NULL, TIMEOUT));
	answer = guest_recv(&e.a.g, t->op == VIRTIO_VSOCK_OP_RST ? QUIET :
			    TIMEOUT);
	require(!answer == (t->op == VIRTIO_VSOCK_OP_RST), "answered: %d",
		!!answer);
	want = (struct pkt){
		.src_cid = t->cid, .dst_cid = cfg.cid, .src_port = p.dst_port,
		.dst_port = p.src_port, .type = p.type,
		.op = VIRTIO_VSOCK_OP_RST,
	};
	require(!answer || !memcmp(&answer->hdr, &want, sizeof(want)),
		"a wrong header");
	free(answer);
	require(!host_poll(e.a.listener, POLLIN, 0), "it was accepted");
	session_exchange(&e.a, 1000);
	env_close(&e);
}

/* On a connection, which is not affected. */
struct ignored_case {
	const char *name;
	__u16 op;
	__u32 flags;
};

static const struct ignored_case ignored[] = {
	{ "case 49: op 0", 0, 0 },
	{ "case 49: op 8", 8, 0 },
	{ "case 49: op 0xffff", 0xffff, 0 },
	{ "case 51: RESPONSE on a connection", VIRTIO_VSOCK_OP_RESPONSE, 0 },
	{ "case 52: REQUEST on a connection", VIRTIO_VSOCK_OP_REQUEST, 0 },
	{ "case 59: SHUTDOWN without flags", VIRTIO_VSOCK_OP_SHUTDOWN, 0 },
	{ "case 59: SHUTDOWN with unknown flags", VIRTIO_VSOCK_OP_SHUTDOWN,
	  0xfffffffc },
	{ "CREDIT_UPDATE with flags", VIRTIO_VSOCK_OP_CREDIT_UPDATE,
	  0xffffffff },
};

static void ignored_packet(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct ignored_case *t = arg;
	struct env e;
	int i;

	env_start(&e, &cfg, SOCK_STREAM);
	for (i = 0; i < 3; i++)
		require_ok(conn_send_op(&e.a.c, t->op, t->flags));
	session_exchange(&e.a, 10000);
	env_close(&e);
}

/* To a listener. */
static void to_listener(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const __u16 *op = arg;
	struct packet *p;
	struct conn c;
	struct pkt h;
	struct env e;

	env_start(&e, &cfg, SOCK_STREAM);
	conn_init(&c, &e.a.g, STREAM, 78, e.a.c.peer_port);
	h = conn_pkt(&c, *op);
	require_ok(guest_send(&e.a.g, &h, NULL, TIMEOUT));
	p = guest_recv(&e.a.g, TIMEOUT);
	require(p && p->hdr.op == VIRTIO_VSOCK_OP_RST &&
		p->hdr.dst_port == 78, "no RST");
	free(p);
	require(!host_poll(e.a.listener, POLLIN, QUIET), "it was accepted");
	session_exchange(&e.a, 1000);
	env_close(&e);
}

#define FLOOD 300

/* Each is answered, with RESPONSE while there is room, else with RST. */
static void request_flood(const void *arg)
{
	struct guest_config cfg = test_config(0);
	unsigned int i, taken = 0, refused = 0;
	struct packet *p;
	struct conn c;
	struct pkt h;
	struct env e;

	(void)arg;
	env_start(&e, &cfg, SOCK_STREAM);
	for (i = 0; i < FLOOD; i++) {
		conn_init(&c, &e.a.g, STREAM, 10000 + i, e.a.c.peer_port);
		h = conn_pkt(&c, VIRTIO_VSOCK_OP_REQUEST);
		require_ok(guest_send(&e.a.g, &h, NULL, TIMEOUT));
		p = guest_recv(&e.a.g, TIMEOUT);
		require(p && p->hdr.dst_port == 10000 + i, "no answer to %u",
			i);
		taken += p->hdr.op == VIRTIO_VSOCK_OP_RESPONSE;
		refused += p->hdr.op == VIRTIO_VSOCK_OP_RST;
		free(p);
	}
	require(taken + refused == FLOOD && refused, "%u taken, %u refused",
		taken, refused);
	/* The backlog of host_listen() is 64. */
	require(taken <= 65, "%u taken", taken);
	session_exchange(&e.a, 1000);
	env_close(&e);
}

/* Data beyond the credit violate the protocol: the connection ends, and the data within the credit
 * can be read.
 */
static void beyond_credit(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u32 granted, sent = 0;
	static __u8 buf[65536];
	struct env e;
	ssize_t n;

	(void)arg;
	env_start(&e, &cfg, SOCK_STREAM);
	granted = e.a.c.peer_buf_alloc;
	while (sent < 4 * granted && !e.a.c.reset) {
		pattern_fill(buf, sizeof(buf), 5, sent);
		require_ok(conn_send_rw(&e.a.c, buf, sizeof(buf), 0, TIMEOUT));
		sent += sizeof(buf);
		conn_pump(&e.a.c, 0);
	}
	require_ok(conn_wait_reset(&e.a.c, TIMEOUT));
	require(sent > granted, "reset after %u of %u", sent, granted);
	sent = 0;
	while ((n = recv(e.a.fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		require(pattern_check(buf, n, 5, sent) < 0, "data differ");
		sent += n;
	}
	require(sent <= granted, "%u bytes of %u were taken", sent, granted);
	env_close(&e);
}

/* As many packets of one byte as the credit allows, without reads meanwhile. */
static void one_byte_flood(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u32 i, n = 6000;
	struct env e;
	__u8 *in;

	(void)arg;
	env_start(&e, &cfg, SOCK_STREAM);
	for (i = 0; i < n; i++) {
		__u8 byte = pattern_byte(6, i);

		require_ok(conn_send_rw(&e.a.c, &byte, 1, 0, TIMEOUT));
	}
	in = malloc(n);
	require_ok(host_recv(e.a.fd, in, n, TIMEOUT));
	require(pattern_check(in, n, 6, 0) < 0, "data differ");
	free(in);
	session_exchange(&e.a, 1000);
	env_close(&e);
}

/* Send until it would block. Returns how much that was. */
static __u32 send_all(int fd, __u32 max)
{
	static const __u8 buf[16384];
	__u32 sent = 0;
	ssize_t n;

	while (sent < max) {
		n = send(fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n <= 0)
			break;
		sent += n;
	}
	return sent;
}

/* If the guest takes nothing, the host buffers nothing; vhost_vsock buffers up to its own limit. */
static void huge_buf_alloc(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u32 sent, max = 16 << 20;
	struct session a;

	(void)arg;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&a.g, &cfg));
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	a.c.buf_alloc = 0xffffffff;
	require_ok(conn_credit_update(&a.c));
	sent = send_all(a.fd, max);
	require(test_options.upstream ? sent && sent < max : !sent,
		"%u bytes are kept", sent);
	/* Once the guest takes packets, it gets all data. */
	a.g.rx_repost = true;
	require_ok(guest_post_rx(&a.g, 65536, &layout_one));
	while (sent) {
		__u8 in[4096];
		__u32 n = sent < sizeof(in) ? sent : sizeof(in);

		require_ok(conn_recv(&a.c, in, n, TIMEOUT));
		sent -= n;
	}
	require_ok(conn_credit_update(&a.c));
	session_exchange(&a, 1000);
	session_close(&a);
}

/* The guest takes back credit that it had granted, with data in flight: no more data come until it
 * grants credit again.
 */
struct credit_case {
	const char *name;
	__u32 buf_alloc;
	__s32 fwd_cnt;	/* offset from the right value */
};

static const struct credit_case credits[] = {
	{ "case 57: buf_alloc shrinks to 0", 0, 0 },
	{ "case 57: buf_alloc shrinks to 1", 1, 0 },
	{ "case 57: buf_alloc shrinks to what is under way", 20000, 0 },
	{ "case 58: fwd_cnt goes back", CONN_BUF_ALLOC, -CONN_BUF_ALLOC },
	{ "case 58: fwd_cnt goes back by 2^31", CONN_BUF_ALLOC,
	  -0x7fffffff - 1 },
	{ "case 58: fwd_cnt is more than was sent", CONN_BUF_ALLOC, 1 << 20 },
};

static void bad_credit(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct credit_case *t = arg;
	__u8 buf[20000], in[20000];
	struct env e;
	__u32 right;

	env_start(&e, &cfg, SOCK_STREAM);
	pattern_fill(buf, sizeof(buf), 8, 0);
	require_ok(host_send(e.a.fd, buf, sizeof(buf), 0, TIMEOUT));
	right = e.a.c.fwd_cnt;
	e.a.c.buf_alloc = t->buf_alloc;
	e.a.c.fwd_cnt = right + t->fwd_cnt + (t->fwd_cnt > 0 ? 20000 : 0);
	require_ok(conn_credit_update(&e.a.c));
	require(!send_all(e.a.fd, 16384), "it keeps sending");
	e.a.c.buf_alloc = CONN_BUF_ALLOC;
	e.a.c.fwd_cnt = right;
	require_ok(conn_credit_update(&e.a.c));
	require_ok(conn_recv(&e.a.c, in, sizeof(in), TIMEOUT));
	require(!memcmp(in, buf, sizeof(in)), "data differ");
	session_exchange(&e.a, 10000);
	env_close(&e);
}

/* A message without an end uses up the credit, and then breaks the connection. */
static void endless_message(const void *arg)
{
	struct guest_config cfg = test_config(0);
	static const __u8 buf[65536];
	__u32 sent = 0;
	struct env e;
	__u8 in[16];

	(void)arg;
	env_start(&e, &cfg, SOCK_SEQPACKET);
	while (sent + sizeof(buf) <= e.a.c.peer_buf_alloc) {
		require_ok(conn_send_rw(&e.a.c, buf, sizeof(buf), 0, TIMEOUT));
		sent += sizeof(buf);
	}
	require(recv(e.a.fd, in, sizeof(in), MSG_DONTWAIT) < 0 &&
		errno == EAGAIN, "half a message is read");
	require(!e.a.c.reset, "reset within the credit");
	while (sent < 4 * e.a.c.peer_buf_alloc && !e.a.c.reset) {
		require_ok(conn_send_rw(&e.a.c, buf, sizeof(buf), 0, TIMEOUT));
		sent += sizeof(buf);
		conn_pump(&e.a.c, 0);
	}
	require_ok(conn_wait_reset(&e.a.c, TIMEOUT));
	env_close(&e);
}

#define REQUESTS 200

/* Replies for which there is no receive buffer: the device owes the connection one reply, which
 * covers all of them. vhost_vsock queues some, then takes no more packets, and sends all once there
 * is room.
 */
static void credit_request_flood(const void *arg)
{
	struct guest_config cfg = test_config(0);
	unsigned int sent = 0, got = 0, replies;
	struct session a;
	struct virtio_vsock_hdr h;
	struct packet *p;
	struct pkt pkt;
	struct seg seg;
	int i;

	(void)arg;
	cfg.num[TXQ] = 16;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&a.g, &cfg));
	require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	session_connect(&a, SOCK_STREAM);
	pkt = conn_pkt(&a.c, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	h = pkt_encode(&pkt);
	mem_write(&a.g.mem, a.g.tx_gpa, &h, HDR_LEN);
	seg = (struct seg){ a.g.tx_gpa, HDR_LEN, false };
	while (sent < REQUESTS) {
		if (ring_add(&a.g.q[TXQ].ring, &seg, 1, NULL) >= 0) {
			sent++;
			guest_notify(&a.g, TXQ);
		} else if (!guest_poll(&a.g, QUIET)) {
			break;
		}
	}
	require(test_options.upstream || sent == REQUESTS,
		"it stopped after %u requests", sent);
	replies = test_options.upstream ? sent : 1;
	neighbour_exchange(10000);
	a.g.rx_repost = true;
	for (i = 0; i < 8; i++)
		require_ok(guest_post_rx(&a.g, 4096, &layout_one));
	while (got < replies) {
		p = guest_recv(&a.g, TIMEOUT);
		require(p, "%u replies to %u requests", got, sent);
		require(p->hdr.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE, "op %u",
			p->hdr.op);
		free(p);
		got++;
	}
	require(test_options.upstream || !guest_recv(&a.g, QUIET),
		"more than one reply");
	session_exchange(&a, 1000);
	session_close(&a);
}

static void add(const char *name, void (*run)(const void *arg),
		const void *arg)
{
	session_test("packet", name, run, arg, 0, RINGS_SPLIT);
}

void add_packet_tests(void)
{
	static const __u16 response = VIRTIO_VSOCK_OP_RESPONSE;
	static const __u16 rw = VIRTIO_VSOCK_OP_RW;
	static const __u16 none, unknown = 8;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(strays); i++)
		add(strays[i].name, stray_packet, &strays[i]);
	for (i = 0; i < ARRAY_SIZE(cids); i++)
		session_test("packet", cids[i].name, other_cid, &cids[i],
			     TAP_MVSOCK, RINGS_SPLIT);
	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		add(ignored[i].name, ignored_packet, &ignored[i]);
	add("case 51: RESPONSE to a listener", to_listener, &response);
	add("case 50: RW to a listener", to_listener, &rw);
	add("case 49: op 0 to a listener", to_listener, &none);
	add("case 49: op 8 to a listener", to_listener, &unknown);
	add("case 53: REQUEST flood", request_flood, NULL);
	add("case 54: RW beyond the credit", beyond_credit, NULL);
	add("case 55: one-byte flood", one_byte_flood, NULL);
	add("case 56: buf_alloc of 4 GiB", huge_buf_alloc, NULL);
	for (i = 0; i < ARRAY_SIZE(credits); i++)
		add(credits[i].name, bad_credit, &credits[i]);
	add("case 60: message without an end", endless_message, NULL);
	session_test("packet",
		     "case 61: CREDIT_REQUEST flood, no receive buffers",
		     credit_request_flood, NULL, 0, RINGS_BOTH);
}
