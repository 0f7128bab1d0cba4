// SPDX-License-Identifier: GPL-2.0
/* The device's life from open to close: which events connections survive, and which end them. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

/* The host's socket is notified that its peer is gone. */
static void require_gone(int fd)
{
	char c;
	ssize_t n;

	require(host_poll(fd, POLLIN, 2000), "no event within 2 s");
	n = recv(fd, &c, 1, 0);
	require(n == 0 || (n < 0 && errno == ECONNRESET), "recv: %zd %s", n,
		n < 0 ? strerror(errno) : "");
	require(send(fd, "x", 1, MSG_NOSIGNAL) < 0, "it can still send");
}

static void close_resets(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1000);
	dev_close(&s.g.dev);
	require_gone(s.fd);
	session_close(&s);
}

/* Many sockets, some with pending data that the guest never takes. */
static void close_resets_many(const void *arg)
{
	struct guest_config cfg = test_config(0);
	static const __u8 buf[60000];
	struct sending sending[20];
	struct session s[20];
	int i;

	(void)arg;
	session_guest_connects(&s[0], &cfg, SOCK_STREAM);
	for (i = 1; i < 20; i++) {
		s[i].listener = host_listen(SOCK_STREAM, &s[i].c.peer_port);
		conn_init(&s[i].c, &s[0].g, VIRTIO_VSOCK_TYPE_STREAM, 100 + i,
			  s[i].c.peer_port);
		require_ok(conn_connect(&s[i].c, TIMEOUT));
		s[i].fd = host_accept(s[i].listener, TIMEOUT);
		require_ok(s[i].fd);
	}
	s[0].g.rx_repost = false;
	for (i = 0; i < 20; i++)
		host_send_begin(&sending[i], s[i].fd, buf, sizeof(buf), 0,
				TIMEOUT);
	dev_close(&s[0].g.dev);
	for (i = 0; i < 20; i++) {
		/* The first two fit; the rest of the third is queued. */
		if (i < 2)
			require_ok(host_send_end(&sending[i]));
		else if (i == 2)
			host_send_end(&sending[i]);
		else
			require_ended(&sending[i]);
		require_gone(s[i].fd);
	}
}

/* A connection that has not been accepted yet is closed, too. */
static void close_before_accept(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct guest g;
	struct conn c;
	__u32 port;
	int l, fd;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	l = host_listen(SOCK_STREAM, &port);
	require_ok(l);
	conn_init(&c, &g, VIRTIO_VSOCK_TYPE_STREAM, 9, port);
	require_ok(conn_connect(&c, TIMEOUT));
	guest_stop(&g);
	fd = host_accept(l, TIMEOUT);
	/* accept() may fail; if it succeeds, the connection has ended. */
	if (fd >= 0)
		require_gone(fd);
}

/* The next device gets the CID at once and works. */
static void cid_free(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	int i;

	(void)arg;
	for (i = 0; i < 10; i++) {
		require_ok(guest_start(&s.g, &cfg));
		s.listener = host_listen(SOCK_STREAM, &s.c.peer_port);
		require_ok(s.listener);
		conn_init(&s.c, &s.g, VIRTIO_VSOCK_TYPE_STREAM, 100 + i,
			  s.c.peer_port);
		require_ok(conn_connect(&s.c, TIMEOUT));
		s.fd = host_accept(s.listener, TIMEOUT);
		require_ok(s.fd);
		session_exchange(&s, 5000);
		session_close(&s);
	}
}

static void open_close(const void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 100; i++) {
		struct guest_config cfg = test_config(i);
		struct session s;

		if (i % 3 == 0) {
			session_guest_connects(&s, &cfg, SOCK_STREAM);
			session_exchange(&s, 1000);
			session_close(&s);
		} else if (i % 3 == 1) {
			require_ok(guest_start(&s.g, &cfg));
			guest_stop(&s.g);
		} else {
			require_ok(guest_alloc(&s.g, &cfg));
			require_ok(guest_setup(&s.g));
			guest_stop(&s.g);
		}
	}
}

/* Stop, check that nothing moves, and start at the same position. */
static void restart(struct guest *g)
{
	unsigned int i;
	__u32 base, used;

	require_ok(dev_set_running(&g->dev, 0));
	for (i = 0; i < NUM_QUEUES; i++) {
		used = ring_device_base(&g->q[i].ring);
		require_ok(dev_get_ring_base(&g->dev, i, &base));
		require(base == used, "ring %u: base 0x%x, used 0x%x", i, base,
			used);
		require_ok(dev_set_ring_base(&g->dev, i, base));
	}
	require_ok(dev_set_running(&g->dev, 1));
	/* Chains published while the device was stopped. */
	for (i = 0; i < NUM_QUEUES; i++)
		guest_kick(g, i);
}

/* The ring restarts at its beginning, so connections end: those of this guest alone. */
static void driver_afresh(const void *arg)
{
	struct guest_config cfg = test_config(0), cfg2 = test_config(1);
	struct session s, other;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_guest_connects(&other, &cfg2, SOCK_STREAM);
	session_exchange(&s, 1000);
	require_ok(dev_set_running(&s.g.dev, 0));
	require(!host_poll(s.fd, POLLIN, QUIET), "the host's socket has an event after the stop");
	require_ok(dev_set_ring_base(&s.g.dev, TXQ, test_base(&cfg, 0, true)));
	require_gone(s.fd);
	session_exchange(&other, 1000);
	session_close(&other);
	session_close(&s);
}

/* The next owner's guest has none of the previous one's connections. */
static void owner_reset(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1000);
	require_ok(dev_ioctl(&s.g.dev, VHOST_RESET_OWNER, NULL));
	require_gone(s.fd);
	session_close(&s);
}

/* Blocks are in flight in both directions while the device stops and starts. */
static void start_stop(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u64 sent = 0, got = 0, back = 0;
	__u8 out[7000], in[7000];
	struct session s;
	int i;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < 100; i++) {
		pattern_fill(out, sizeof(out), 1, sent);
		require_ok(host_send(s.fd, out, sizeof(out), 0, TIMEOUT));
		sent += sizeof(out);
		restart(&s.g);
		require_ok(conn_recv(&s.c, in, sizeof(in), TIMEOUT));
		require(pattern_check(in, sizeof(in), 1, got) < 0,
			"data differ in round %d", i);
		got += sizeof(in);
		require_ok(conn_send(&s.c, in, sizeof(in), TIMEOUT));
		restart(&s.g);
		require_ok(host_recv(s.fd, in, sizeof(in), TIMEOUT));
		require(pattern_check(in, sizeof(in), 1, back) < 0,
			"data differ on the way back in round %d", i);
		back += sizeof(in);
	}
	session_close(&s);
}

/* Nothing is transferred while the device is stopped. */
static void stopped_is_still(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct sending x;
	struct session s;
	struct seg seg;
	__u8 c;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require_ok(dev_set_running(&s.g.dev, 0));
	guest_poll(&s.g, 0);
	seg = (struct seg){ s.g.tx_gpa, HDR_LEN, false };
	require_ok(ring_add(&s.g.q[TXQ].ring, &seg, 1, NULL));
	guest_kick(&s.g, TXQ);
	host_send_begin(&x, s.fd, "x", 1, 0, TIMEOUT);
	usleep(QUIET * 1000);
	require(!ring_has_used(&s.g.q[TXQ].ring), "transmit ring moved");
	require(!ring_has_used(&s.g.q[RXQ].ring), "receive ring moved");
	require_ok(dev_set_running(&s.g.dev, 1));
	guest_kick(&s.g, TXQ);
	require_ok(conn_recv(&s.c, &c, 1, TIMEOUT));
	require(c == 'x', "data differ");
	require_ok(host_send_end(&x));
	session_exchange(&s, 1000);
	session_close(&s);
}

/* It is answered after the start; since Linux 7.2 it fails, and another one succeeds. */
static void connect_before_start(const void *arg)
{
	bool refused = host_linux() >= LINUX_REFUSES;
	struct guest_config cfg = test_config(0);
	struct session s;
	unsigned int i;

	(void)arg;
	require_ok(guest_alloc(&s.g, &cfg));
	require_ok(guest_setup(&s.g));
	s.listener = -1;
	s.fd = host_connect(SOCK_STREAM, cfg.cid, 7);
	if (refused)
		require(s.fd == -EHOSTUNREACH, "refused: %s", strerror(-s.fd));
	else
		require_ok(s.fd);
	usleep(QUIET * 1000);
	require_ok(dev_set_running(&s.g.dev, 1));
	for (i = 0; i < cfg.rx_bufs; i++)
		require_ok(guest_post_rx(&s.g, cfg.rx_size, cfg.rx_layout));
	if (refused) {
		s.fd = host_connect(SOCK_STREAM, cfg.cid, 7);
		require_ok(s.fd);
	}
	conn_init(&s.c, &s.g, VIRTIO_VSOCK_TYPE_STREAM, 7, 0);
	require_ok(conn_accept(&s.c, TIMEOUT));
	require_ok(host_connected(s.fd, TIMEOUT));
	session_exchange(&s, 1000);
	session_close(&s);
}

static void unknown_cid(const void *arg)
{
	int r;

	(void)arg;
	r = host_connect(SOCK_STREAM, test_cid(0), 7);
	require(r == -ENODEV, "%s", strerror(-r));
}

/* The device exists as long as one of its descriptors. */
static void dup_closed(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	int fd;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	fd = dup(s.g.dev.fd);
	dev_close(&s.g.dev);
	session_exchange(&s, 10000);
	s.g.dev.fd = fd;
	session_exchange(&s, 10000);
	session_close(&s);
}

/* Two guests with the same ports. */
static void two_guests(const void *arg)
{
	struct guest_config cfg0 = test_config(0), cfg1 = test_config(1);
	struct session a, b;
	int i;

	(void)arg;
	session_host_connects(&a, &cfg0, SOCK_STREAM);
	session_host_connects(&b, &cfg1, SOCK_STREAM);
	for (i = 0; i < 10; i++) {
		session_to_host(&a, 1000 + i);
		session_to_guest(&b, 2000 + i);
		session_to_guest(&a, 3000 + i);
		session_to_host(&b, 4000 + i);
	}
	/* Closing one does not close the other. */
	session_close(&a);
	session_exchange(&b, 1000);
	session_close(&b);
}

/* A guest for one connection, run until the process is killed. */
static void drive(struct guest_config *cfg, __u32 port)
{
	struct guest g;
	struct conn c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	require_ok(guest_start(&g, cfg));
	conn_init(&c, &g, VIRTIO_VSOCK_TYPE_STREAM, 5, port);
	require_ok(conn_connect(&c, TIMEOUT));
	for (;;)
		if (guest_poll(&g, 1000) < 0)
			_exit(1);
}

static void killed(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u8 buf[1000] = { 0 };
	__u32 port;
	int l, fd, i;
	pid_t pid;

	(void)arg;
	l = host_listen(SOCK_STREAM, &port);
	require_ok(l);
	for (i = 0; i < 10; i++) {
		struct guest g;

		pid = fork();
		require(pid >= 0, "fork");
		if (!pid)
			drive(&cfg, port);
		fd = host_accept(l, TIMEOUT);
		require_ok(fd);
		require_ok(host_send(fd, buf, sizeof(buf), 0, TIMEOUT));
		kill(pid, SIGKILL);
		host_send(fd, buf, sizeof(buf), 0, 10);
		require(waitpid(pid, NULL, 0) == pid, "waitpid");
		require_gone(fd);
		close(fd);
		require_ok(guest_start(&g, &cfg));
		guest_stop(&g);
	}
}

void add_life_tests(void)
{
	static const char g[] = "life";

	session_test(g, "close resets the host's socket", close_resets, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "close resets 20 sockets with data", close_resets_many,
		     NULL, 0, RINGS_SPLIT);
	session_test(g, "close before accept", close_before_accept, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "CID free after close", cid_free, NULL, 0, RINGS_BOTH);
	session_test(g, "100 devices", open_close, NULL, 0, RINGS_BOTH);
	session_test(g, "200 stops under traffic", start_stop, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "a driver that starts afresh has no connections",
		     driver_afresh, NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "a device without an owner has no connections",
		     owner_reset, NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "stopped is still", stopped_is_still, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "connect before the start", connect_before_start, NULL,
		     0, RINGS_BOTH);
	session_test(g, "unknown CID", unknown_cid, NULL, 0, RINGS_SPLIT);
	session_test(g, "descriptor duplicated, first closed", dup_closed, NULL,
		     0, RINGS_SPLIT);
	session_test(g, "two guests with the same ports", two_guests, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "case 84: owner killed with a connection", killed, NULL,
		     0, RINGS_BOTH);
}
