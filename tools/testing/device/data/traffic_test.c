// SPDX-License-Identifier: GPL-2.0
/* Traffic: connections from either side, amounts of data, ring sizes, index wrap, full rings. */
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

static void guest_connects(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1);
	session_exchange(&s, 100);
	session_exchange(&s, 65536);
	session_close(&s);
}

static void host_connects(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	session_host_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1);
	session_exchange(&s, 100);
	session_exchange(&s, 65536);
	session_close(&s);
}

static void many_sizes(const void *arg)
{
	static const __u32 sizes[] = {
		1, 2, 43, 44, 45, 127, 128, 129, 4051, 4052, 4053, 4095, 4096,
		4097, 32767, 32768, 65492, 65493, 65535, 65536, 65537, 131072,
	};
	struct guest_config cfg = test_config(0);
	struct session s;
	unsigned int i;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		session_exchange(&s, sizes[i]);
	session_close(&s);
}

/* More than the credit of either side, so that both must grant more. */
static void credit(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	int i;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < 40; i++)
		session_exchange(&s, 50000 + i);
	session_close(&s);
}

/* Two connections of one guest do not mix. */
static void two_connections(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	struct conn c2;
	__u8 out[1000], in[1000];
	__u32 port;
	int l, fd;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	l = host_listen(SOCK_STREAM, &port);
	require_ok(l);
	conn_init(&c2, &s.g, VIRTIO_VSOCK_TYPE_STREAM, 77, port);
	require_ok(conn_connect(&c2, TIMEOUT));
	fd = host_accept(l, TIMEOUT);
	require_ok(fd);
	pattern_fill(out, sizeof(out), 7, 0);
	require_ok(host_send(fd, out, sizeof(out), 0, TIMEOUT));
	session_exchange(&s, 3000);
	require_ok(conn_recv(&c2, in, sizeof(in), TIMEOUT));
	require(pattern_check(in, sizeof(in), 7, 0) < 0, "data mixed up");
	conn_free(&c2);
	close(fd);
	close(l);
	session_close(&s);
}

/* The peer's shutdown and the reset that ends a clean close. */
static void guest_closes(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	char c;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_SHUTDOWN,
				VIRTIO_VSOCK_SHUTDOWN_RCV |
				VIRTIO_VSOCK_SHUTDOWN_SEND));
	require(host_poll(s.fd, POLLIN, TIMEOUT) & POLLIN, "no end of file");
	require(recv(s.fd, &c, 1, 0) == 0, "not end of file");
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	session_close(&s);
}

/* A program that sees the end may make the guest connect again from the same port. */
static void answered_first(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	unsigned int i;

	(void)arg;
	require_ok(guest_start(&s.g, &cfg));
	for (i = 0; i < 200; i++) {
		session_connect(&s, SOCK_STREAM);
		require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_SHUTDOWN,
					VIRTIO_VSOCK_SHUTDOWN_RCV |
					VIRTIO_VSOCK_SHUTDOWN_SEND));
		require(host_poll(s.fd, POLLIN, TIMEOUT) & POLLIN,
			"the program does not see the end");
		require(!conn_wait_reset(&s.c, 0), "no RST yet, round %u", i);
		session_close_another(&s);
	}
	guest_free(&s.g);
}

static void host_closes(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	close(s.fd);
	require_ok(conn_wait_shutdown(&s.c, VIRTIO_VSOCK_SHUTDOWN_RCV |
				      VIRTIO_VSOCK_SHUTDOWN_SEND, TIMEOUT));
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_RST, 0));
	s.fd = dup(s.listener);
	session_close(&s);
}

static void guest_resets(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	char c;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_RST, 0));
	require(host_poll(s.fd, POLLIN, TIMEOUT), "no event");
	require(recv(s.fd, &c, 1, 0) <= 0, "data after a reset");
	session_close(&s);
}

/* Ring sizes and notification features. */

struct size_case {
	unsigned int num;
	bool event_idx;
	bool indirect;
};

static void ring_size(const void *arg)
{
	const struct size_case *t = arg;
	struct guest_config cfg = test_config(0);
	struct session s;
	int i;

	cfg.num[RXQ] = t->num;
	cfg.num[TXQ] = t->num;
	cfg.rx_bufs = t->num < 512 ? t->num : 512;
	cfg.rings_apart = t->num > 1024;	/* they are large */
	cfg.features |= t->event_idx ? F_EVENT_IDX : 0;
	cfg.features |= t->indirect ? F_INDIRECT : 0;
	cfg.indirect = t->indirect;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < 20; i++)
		session_exchange(&s, 1 + i * 1000);
	session_exchange(&s, 65536);
	session_close(&s);
}

#define FIRST_PORT 1000000	/* no listener on this port and later ones */
#define WRAP_TRIPS 2000

/* Round trips until the indices of both rings have wrapped, one chain at a time. Each packet is for
 * a port without a listener, and answered with one RST.
 */
static void index_wrap(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct virtio_vsock_hdr h;
	struct session s;
	struct seg seg;
	__u32 sent = 0, got = 0;
	struct packet *p;

	cfg.num[RXQ] = 8;
	cfg.num[TXQ] = 8;
	if (!cfg.packed) {
		cfg.base[RXQ] = 65536 - WRAP_TRIPS / 2;
		cfg.base[TXQ] = 65536 - WRAP_TRIPS / 3;
	}
	cfg.rx_bufs = 8;
	cfg.features |= arg ? F_EVENT_IDX : 0;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	h = pkt_encode(&(struct pkt){
		.src_cid = cfg.cid, .dst_cid = HOST_CID,
		.src_port = s.c.port, .dst_port = FIRST_PORT,
		.type = s.c.type, .op = VIRTIO_VSOCK_OP_RW });
	mem_write(&s.g.mem, s.g.tx_gpa, &h, HDR_LEN);
	seg = (struct seg){ s.g.tx_gpa, HDR_LEN, false };
	while (got < WRAP_TRIPS) {
		while (sent < WRAP_TRIPS &&
		       ring_add(&s.g.q[TXQ].ring, &seg, 1, NULL) >= 0)
			sent++;
		guest_notify(&s.g, TXQ);
		require(guest_poll(&s.g, TIMEOUT) > 0,
			"stuck after %u sent, %u received", sent, got);
		while ((p = packet_list_pop(&s.g.inbox))) {
			require(p->hdr.op == VIRTIO_VSOCK_OP_RST, "op %u",
				p->hdr.op);
			got++;
			free(p);
		}
	}
	session_exchange(&s, 65536);
	session_close(&s);
}

/* Start shortly before the wrap, as after a migration. */
static void base_near_wrap(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	int i;

	(void)arg;
	cfg.num[RXQ] = 4;
	cfg.num[TXQ] = 4;
	cfg.base[RXQ] = test_base(&cfg, cfg.packed ? 3 : 65533, true);
	cfg.base[TXQ] = test_base(&cfg, cfg.packed ? 2 : 65530, false);
	cfg.rx_bufs = 4;
	cfg.features |= F_EVENT_IDX;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < 20; i++)
		session_exchange(&s, 5000);
	session_close(&s);
}

static void rings_apart(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	cfg.rings_apart = true;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1);
	session_exchange(&s, 65536);
	session_close(&s);
}

/* The driver disables interrupts and polls. */
static void no_interrupt(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	__u64 deadline;
	eventfd_t n;
	int i;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < NUM_QUEUES; i++) {
		ring_disarm(&s.g.q[i].ring);
		while (!eventfd_read(s.g.q[i].call, &n))
			;
	}
	require_ok(host_send(s.fd, "x", 1, 0, TIMEOUT));
	deadline = now_ms() + TIMEOUT;
	while (!ring_has_used(&s.g.q[RXQ].ring) && ms_left(deadline))
		usleep(1000);
	require(ring_has_used(&s.g.q[RXQ].ring), "no packet");
	usleep(QUIET * 1000);
	require(eventfd_read(s.g.q[RXQ].call, &n), "interrupted");
	session_close(&s);
}

/* From now on the guest takes packets. */
static void open_rx(struct guest *g, unsigned int n)
{
	g->rx_repost = true;
	while (n--)
		require_ok(guest_post_rx(g, 4096, &layout_one));
}

/* Without receive buffers, the guest's data still arrive. */
static void rx_empty(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u8 buf[8192], in[8192];
	struct session s;
	int i;

	(void)arg;
	cfg.num[TXQ] = 8;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&s.g, &cfg));
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	session_connect(&s, SOCK_STREAM);
	for (i = 0; i < 25; i++) {
		pattern_fill(buf, sizeof(buf), i, 0);
		require_ok(conn_send(&s.c, buf, sizeof(buf), TIMEOUT));
		require_ok(host_recv(s.fd, in, sizeof(in), TIMEOUT));
		require(!memcmp(buf, in, sizeof(in)), "block %d differs", i);
	}
	/* Pending packets arrive once there is room. */
	open_rx(&s.g, 32);
	session_exchange(&s, 65536);
	session_close(&s);
}

/* Packets to @n ports without a listener, each answered with RST. */
static void provoke_resets(struct guest *g, unsigned int n)
{
	struct pkt p = {
		.src_cid = g->cfg.cid, .dst_cid = HOST_CID,
		.src_port = 99, .type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = VIRTIO_VSOCK_OP_RW,
	};
	struct virtio_vsock_hdr h;
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct seg seg = { g->tx_gpa + i * HDR_LEN, HDR_LEN, false };

		p.dst_port = FIRST_PORT + i;
		h = pkt_encode(&p);
		mem_write(&g->mem, seg.addr, &h, HDR_LEN);
		while (ring_add(&g->q[TXQ].ring, &seg, 1, NULL) < 0)
			/* The device may wait for room for its replies. */
			if (!guest_poll(g, 2 * QUIET) && !g->rx_repost)
				open_rx(g, 8);
		guest_notify(g, TXQ);
	}
}

/* More replies than the device queues: it may stop reading, must not lose one, and continues when
 * there are receive buffers again.
 */
static void reply_limit(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	struct packet *p;
	unsigned int i;

	(void)arg;
	cfg.num[TXQ] = 16;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&s.g, &cfg));
	provoke_resets(&s.g, 64);
	if (!s.g.rx_repost)
		open_rx(&s.g, 8);
	for (i = 0; i < 64; i++) {
		p = guest_recv(&s.g, TIMEOUT);
		require(p, "reply %u of 64 missing", i);
		require(p->hdr.op == VIRTIO_VSOCK_OP_RST &&
			p->hdr.src_port == FIRST_PORT + i,
			"reply %u: op %u port %u", i, p->hdr.op,
			p->hdr.src_port);
		free(p);
	}
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 65536);
	session_close(&s);
}

/* The transmit ring is stalled, and the host's data still arrive. */
static void tx_idle_rx_goes_on(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u8 out[4000], in[4000];
	struct session s;
	int i;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	s.c.buf_alloc = 1 << 30;	/* no credit update needed */
	require_ok(conn_credit_update(&s.c));
	for (i = 0; i < 50; i++) {
		pattern_fill(out, sizeof(out), i, 0);
		require_ok(host_send(s.fd, out, sizeof(out), 0, TIMEOUT));
		require_ok(conn_recv(&s.c, in, sizeof(in), TIMEOUT));
		require(!memcmp(out, in, sizeof(in)), "block %d differs", i);
	}
	session_close(&s);
}

/* Without a listener: the answer is RST. */
static void refused_by_host(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct guest g;
	struct conn c;
	int err;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	conn_init(&c, &g, VIRTIO_VSOCK_TYPE_STREAM, 5, 999999);
	err = conn_connect(&c, TIMEOUT);
	require(err == -ECONNRESET, "%s", strerror(-err));
	guest_check(&g);
	guest_stop(&g);
}

static void refused_by_guest(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct packet *p;
	struct guest g;
	struct conn c;
	int fd, err;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	fd = host_connect(SOCK_STREAM, cfg.cid, 5);
	require_ok(fd);
	p = guest_recv(&g, TIMEOUT);
	require(p && p->hdr.op == VIRTIO_VSOCK_OP_REQUEST, "no request");
	conn_init(&c, &g, VIRTIO_VSOCK_TYPE_STREAM, 5, p->hdr.src_port);
	require_ok(conn_send_op(&c, VIRTIO_VSOCK_OP_RST, 0));
	err = host_connected(fd, TIMEOUT);
	require(err == -ECONNRESET, "%s", strerror(-err));
	free(p);
	close(fd);
	guest_stop(&g);
}

/* Seqpacket messages in each direction, with their boundaries. */
static void seqpacket(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct msghdr msg = { 0 };
	struct packet *p;
	__u8 buf[300];
	struct iovec iov = { buf, sizeof(buf) };
	struct session s;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_SEQPACKET);
	pattern_fill(buf, 200, 3, 0);
	require_ok(conn_send_rw(&s.c, buf, 150, 0, TIMEOUT));
	require_ok(conn_send_rw(&s.c, buf + 150, 50,
				VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR,
				TIMEOUT));
	require_ok(conn_send_rw(&s.c, buf, 10, VIRTIO_VSOCK_SEQ_EOM, TIMEOUT));
	memset(buf, 0, sizeof(buf));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	require(host_poll(s.fd, POLLIN, TIMEOUT), "no message");
	require(recvmsg(s.fd, &msg, 0) == 200, "length of message 1");
	require(msg.msg_flags & MSG_EOR, "no end of record");
	require(pattern_check(buf, 200, 3, 0) < 0, "message differs");
	require(host_poll(s.fd, POLLIN, TIMEOUT), "no message 2");
	require(recvmsg(s.fd, &msg, 0) == 10, "length of message 2");
	require(!(msg.msg_flags & MSG_EOR), "end of record");

	require_ok(host_send(s.fd, "abc", 3, MSG_EOR, TIMEOUT));
	p = conn_recv_packet(&s.c, TIMEOUT);
	require(p && p->hdr.len == 3 && p->hdr.flags ==
		(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR), "bad message");
	free(p);
	require_ok(host_send(s.fd, "abcd", 4, 0, TIMEOUT));
	p = conn_recv_packet(&s.c, TIMEOUT);
	require(p && p->hdr.len == 4 && p->hdr.flags == VIRTIO_VSOCK_SEQ_EOM,
		"bad message");
	free(p);
	session_close(&s);
}

/* The counters of valid packets. */
static void counters(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u64 txp, txb, rxp, rxb;
	struct counters before;
	struct session s;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require(counter_get(&s.g, "cid") == cfg.cid, "cid");
	require(counter_get(&s.g, "running") == 1, "running");
	before = counters_read(&s.g);
	txp = counter_get(&s.g, "tx_packets");
	txb = counter_get(&s.g, "tx_bytes");
	rxp = counter_get(&s.g, "rx_packets");
	rxb = counter_get(&s.g, "rx_bytes");
	session_to_host(&s, 1000);
	require(counter_get(&s.g, "tx_packets") == txp + 1, "tx_packets");
	txb = counter_get(&s.g, "tx_bytes") - txb;
	require(txb == 1000 || txb == 1044, "tx_bytes moved by %llu",
		(unsigned long long)txb);
	/* The host grants credit for what it has read. */
	guest_poll(&s.g, QUIET);
	rxp = counter_get(&s.g, "rx_packets") - rxp;
	require(rxp <= 1, "%llu packets without data",
		(unsigned long long)rxp);
	rxp = counter_get(&s.g, "rx_packets");
	rxb = counter_get(&s.g, "rx_bytes");
	session_to_guest(&s, 2000);
	require(counter_get(&s.g, "rx_packets") == rxp + 1, "rx_packets");
	rxb = counter_get(&s.g, "rx_bytes") - rxb;
	require(rxb == 2000 || rxb == 2044, "rx_bytes moved by %llu",
		(unsigned long long)rxb);
	counters_expect(&s.g, &before, NO_COUNTER, 0);
	require_ok(dev_set_running(&s.g.dev, 0));
	require(counter_get(&s.g, "running") == 0, "running");
	session_close(&s);
}

/* A packed ring may have any size. */
static const struct size_case sizes[] = {
	{ 1, false, false }, { 2, false, false }, { 8, false, false },
	{ 256, false, false }, { 1024, false, false }, { 32768, false, false },
	{ 1, true, false }, { 2, true, false }, { 8, true, false },
	{ 256, true, false }, { 1024, true, false }, { 1, false, true },
	{ 8, false, true }, { 8, true, true }, { 1024, true, true },
	{ 3, false, false }, { 7, true, false }, { 100, false, false },
	{ 1000, true, true }, { 32767, true, false }, { 32768, true, false },
};

static bool power_of_2(unsigned int n)
{
	return !(n & (n - 1));
}

static void add_sizes(void)
{
	unsigned int i;
	char *name;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (asprintf(&name, "ring of %u%s%s", sizes[i].num,
			     sizes[i].event_idx ? ", event index" : "",
			     sizes[i].indirect ? ", indirect" : "") < 0)
			abort();
		session_test("traffic", name, ring_size, &sizes[i], 0,
			     power_of_2(sizes[i].num) ? RINGS_BOTH :
			     RINGS_PACKED);
		free(name);
	}
}

static void add(const char *name, void (*run)(const void *arg),
		unsigned int rings)
{
	session_test("traffic", name, run, NULL, 0, rings);
}

void add_traffic_tests(void)
{
	static const char g[] = "traffic";

	add("guest connects", guest_connects, RINGS_ALL);
	add("host connects", host_connects, RINGS_ALL);
	add("sizes from 1 to 128 KiB", many_sizes, RINGS_ALL);
	add("2 MB each way against credit", credit, RINGS_ALL);
	add("two connections", two_connections, RINGS_BOTH);
	add("guest shuts down", guest_closes, RINGS_SPLIT);
	session_test(g, "guest shuts down, and is answered first", answered_first,
		     NULL, TAP_MVSOCK, RINGS_BOTH);
	add("host closes", host_closes, RINGS_SPLIT);
	add("guest resets", guest_resets, RINGS_SPLIT);
	add("refused by the host", refused_by_host, RINGS_SPLIT);
	add("refused by the guest", refused_by_guest, RINGS_SPLIT);
	add("seqpacket", seqpacket, RINGS_BOTH);
	add_sizes();
	session_test(g, "indices wrap, ring of 8", index_wrap, NULL, 0,
		     RINGS_ALL);
	session_test(g, "indices wrap, ring of 8, event index", index_wrap, g,
		     0, RINGS_ALL);
	add("start before the wrap", base_near_wrap, RINGS_ALL);
	add("rings outside of guest memory", rings_apart, RINGS_BOTH);
	add("driver wants no interrupts", no_interrupt, RINGS_BOTH);
	add("case 65: no receive buffers, transmit goes on", rx_empty,
	    RINGS_BOTH);
	add("case 61, 65: more replies than room", reply_limit, RINGS_BOTH);
	add("no transmit, receive goes on", tx_idle_rx_goes_on, RINGS_BOTH);
	session_test(g, "counters of traffic", counters, NULL, TAP_MVSOCK,
		     RINGS_SPLIT);
}
