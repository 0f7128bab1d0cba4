// SPDX-License-Identifier: GPL-2.0
/*
 * connect(): it races with a signal at the moment of RESPONSE, and succeeds or is given up, and the
 * guest is told of the end in either case; both ports are those of another connection.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "device_test.h"
#include "rng.h"
#include "session.h"

#define TRIES	500
#define PORT	5000
#define JITTER	20000	/* maximum iterations of a delay loop */

struct connecting {
	pthread_t thread;
	int fd;
	__u32 cid;
	int err;
};

static void on_signal(int sig)
{
	(void)sig;
}

static void *do_connect(void *arg)
{
	struct connecting *c = arg;

	c->err = host_connect_with(c->fd, c->cid, PORT);
	return NULL;
}

static void spin(struct rng *rng)
{
	unsigned int n = rng_below(rng, JITTER);

	while (n--)
		__asm__ volatile("");
}

/* The guest answers, and the program gets a signal. */
static void answer(struct conn *guest, const struct connecting *c, struct rng *rng)
{
	bool signal_first = rng_one_in(rng, 2);

	if (signal_first)
		pthread_kill(c->thread, SIGUSR1);
	spin(rng);
	require_ok(conn_send_op(guest, VIRTIO_VSOCK_OP_RESPONSE, 0));
	spin(rng);
	if (!signal_first)
		pthread_kill(c->thread, SIGUSR1);
}

static void expect_end(struct conn *guest)
{
	struct packet *p;
	__u16 op;

	do {
		p = guest_recv(guest->g, TIMEOUT);
		require(p, "the guest was not told of the end");
		op = p->hdr.op;
		free(p);
	} while (op != VIRTIO_VSOCK_OP_SHUTDOWN && op != VIRTIO_VSOCK_OP_RST);
	if (op == VIRTIO_VSOCK_OP_SHUTDOWN)
		require_ok(conn_send_op(guest, VIRTIO_VSOCK_OP_RST, 0));
}

/* Returns true if the signal ended connect(). */
static bool once(struct guest *g, int socktype, struct rng *rng)
{
	struct connecting c = { .cid = g->cfg.cid };
	struct packet *request;
	struct conn guest;

	c.fd = socket(AF_VSOCK, socktype, 0);
	require(c.fd >= 0, "socket");
	require(!pthread_create(&c.thread, NULL, do_connect, &c), "thread");
	request = guest_recv(g, TIMEOUT);
	require(request && request->hdr.op == VIRTIO_VSOCK_OP_REQUEST,
		"no REQUEST");
	conn_init(&guest, g, type_of_packets(socktype), PORT,
		  request->hdr.src_port);
	free(request);
	answer(&guest, &c, rng);
	pthread_join(c.thread, NULL);
	require(!c.err || c.err == -EINTR, "connect: %s", strerror(-c.err));
	close(c.fd);
	expect_end(&guest);
	conn_free(&guest);
	return c.err;
}

static void signals(const void *arg)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct guest_config cfg = test_config(0);
	struct rng rng = { 1 };
	unsigned int i, ended = 0;
	struct guest g;

	require(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	require_ok(guest_start(&g, &cfg));
	for (i = 0; i < TRIES; i++)
		ended += once(&g, *(const int *)arg, &rng);
	tap_note("%u of %u connections were given up", ended, TRIES);
	guest_check(&g);
	guest_stop(&g);
}

/* The port of a listener that was closed can be bound again, while its connections last. */
static void same_ports(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct sockaddr_vm sa = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
	};
	struct session s;
	int fd;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	sa.svm_port = s.c.peer_port;
	close(s.listener);
	fd = socket(AF_VSOCK, SOCK_STREAM, 0);
	require(fd >= 0 && !bind(fd, (struct sockaddr *)&sa, sizeof(sa)),
		"bind: %s", strerror(errno));
	require(host_connect_with(fd, cfg.cid, s.c.port) == -EADDRINUSE,
		"not EADDRINUSE");
	session_exchange(&s, 1000);
	/* Nor does the end of this socket end the other one's connection. */
	close(fd);
	session_exchange(&s, 1000);
	s.listener = -1;
	session_close(&s);
}

void add_connect_tests(void)
{
	static const int stream = SOCK_STREAM, seqpacket = SOCK_SEQPACKET;

	session_test("connect", "against a signal, stream", signals, &stream, 0,
		     RINGS_BOTH);
	session_test("connect", "against a signal, seqpacket", signals,
		     &seqpacket, 0, RINGS_SPLIT);
	session_test("connect", "ports of another connection", same_ports,
		     NULL, TAP_MVSOCK, RINGS_SPLIT);
}
