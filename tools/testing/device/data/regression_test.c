// SPDX-License-Identifier: GPL-2.0
/* Regressions: former bugs between a connection, its socket and the rings. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <linux/vm_sockets.h>

#include "device_test.h"
#include "session.h"

#define BLOCK MAX_PAYLOAD
#define PORT 77

static const int stream = SOCK_STREAM, seqpacket = SOCK_SEQPACKET;

/* --- large packets for a waiting reader --- */

/* Far more than one recv() needs. */
#define MANY_SLEEPS 20

struct reading {
	int fd;
	void *buf;
	int flags;
	ssize_t n;
	int err;
	long sleeps;
	pid_t tid;
	pthread_t thread;
};

static long sleeps_of_thread(void)
{
	struct rusage usage;

	require(!getrusage(RUSAGE_THREAD, &usage), "getrusage");
	return usage.ru_nvcsw;
}

static void *read_block(void *arg)
{
	struct reading *r = arg;
	long before = sleeps_of_thread();

	__atomic_store_n(&r->tid, gettid(), __ATOMIC_RELEASE);
	r->n = recv(r->fd, r->buf, BLOCK, r->flags);
	r->err = errno;
	r->sleeps = sleeps_of_thread() - before;
	return NULL;
}

/* From now on the device knows how much room a reader has. */
static void read_once(struct session *s)
{
	static __u8 in[BLOCK];

	require_ok(conn_send_rw(&s->c, "o", 1, VIRTIO_VSOCK_SEQ_EOM, TIMEOUT));
	require(recv(s->fd, in, BLOCK, 0) == 1 && in[0] == 'o', "first recv");
}

/* Start a thread that waits in recv(). */
static void reading_begin(struct reading *r, int fd, void *buf, int flags)
{
	*r = (struct reading){ .fd = fd, .buf = buf, .flags = flags };
	require(!pthread_create(&r->thread, NULL, read_block, r), "thread");
	while (!__atomic_load_n(&r->tid, __ATOMIC_ACQUIRE))
		usleep(1000);
	wait_asleep(r->tid);
}

/* The packet is not passed back and forth between reader and device. */
static void reading_end(struct reading *r)
{
	pthread_join(r->thread, NULL);
	require(r->sleeps < MANY_SLEEPS, "it slept %ld times", r->sleeps);
}

/* Write a packet with a block to the guest's memory. */
static struct seg lay_block(struct conn *c)
{
	struct pkt p = conn_pkt(c, VIRTIO_VSOCK_OP_RW);
	struct guest *g = c->g;
	static __u8 out[BLOCK];
	struct virtio_vsock_hdr h;

	p.len = BLOCK;
	p.flags = VIRTIO_VSOCK_SEQ_EOM;
	h = pkt_encode(&p);
	pattern_fill(out, BLOCK, 1, 0);
	require_ok(mem_write(&g->mem, g->tx_gpa, &h, HDR_LEN));
	require_ok(mem_write(&g->mem, g->tx_gpa + HDR_LEN, out, BLOCK));
	return (struct seg){ g->tx_gpa, HDR_LEN + BLOCK, false };
}

static void send_block(struct conn *c)
{
	struct seg seg = lay_block(c);

	c->tx_cnt += BLOCK;
	require_ok(guest_send_segs(c->g, &seg, 1, TIMEOUT));
}

static void require_block(const void *buf, ssize_t n)
{
	require(n == BLOCK, "%zd bytes: %s", n, strerror(errno));
	require(pattern_check(buf, BLOCK, 1, 0) < 0, "data differ");
}

/* One block in each direction. Streams and messages. */
static void exchange(struct session *s)
{
	static __u8 in[BLOCK];

	send_block(&s->c);
	require_block(in, recv(s->fd, in, BLOCK, 0));
	session_to_guest(s, 1000);
}

static void session_reader(struct session *s, int socktype)
{
	struct guest_config cfg = test_config(0);

	session_guest_connects(s, &cfg, socktype);
	require_ok(host_set_blocking(s->fd, TIMEOUT));
	read_once(s);
}

static void *map_block(int prot)
{
	void *p = mmap(NULL, BLOCK, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(p != MAP_FAILED, "mmap");
	return p;
}

/* None of the buffer's pages is in memory yet. */
static void fresh_buffer(const void *arg)
{
	void *buf = map_block(PROT_READ | PROT_WRITE);
	const int *socktype = arg;
	struct session s;
	struct reading r;

	session_reader(&s, *socktype);
	reading_begin(&r, s.fd, buf, 0);
	send_block(&s.c);
	reading_end(&r);
	require_block(buf, r.n);
	exchange(&s);
	session_close(&s);
}

/* The next recv() returns what this one could not take. */
static void bad_buffer(const void *arg)
{
	void *none = map_block(PROT_NONE);
	static __u8 in[BLOCK];
	struct session s;
	struct reading r;

	(void)arg;
	session_reader(&s, SOCK_STREAM);
	reading_begin(&r, s.fd, none, 0);
	send_block(&s.c);
	reading_end(&r);
	require(r.n < 0 && r.err == EFAULT, "%zd, %s", r.n, strerror(r.err));
	require_block(in, recv(s.fd, in, BLOCK, 0));
	exchange(&s);
	session_close(&s);
}

/* A payload in memory that the VMM does not have is rejected, and its connection reset. */
static void bad_payload(const void *arg)
{
	const int *socktype = arg;
	struct counters before;
	static __u8 in[BLOCK];
	struct session s, other;
	struct reading r;
	struct seg segs[2];

	session_reader(&s, *socktype);
	before = counters_read(&s.g);
	require(!mprotect(s.g.mem.region[3].va, BLOCK, PROT_NONE), "mprotect");
	reading_begin(&r, s.fd, in, 0);

	segs[0] = lay_block(&s.c);
	segs[0].len = HDR_LEN;
	segs[1] = (struct seg){ GUEST_EDGE, BLOCK, false };
	require_ok(ring_add(&s.g.q[TXQ].ring, segs, 2, NULL));
	guest_notify(&s.g, TXQ);
	require(!guest_wait_used(&s.g, TXQ), "used length");
	counters_expect(&s.g, &before, REJ_BAD_ADDRESS, 1);

	/* Lost data end the connection, and the reader gets an error. */
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	reading_end(&r);
	require(r.n <= 0, "%zd bytes", r.n);
	session_another(&other, &s, SOCK_STREAM, 1);
	session_exchange(&other, 1000);
	exchange(&other);
	session_close_another(&other);
	session_close(&s);
}

/* --- MSG_PEEK --- */

struct peek_case {
	int socktype;
	int lowat;
};

static void set_lowat(int fd, int lowat)
{
	require(!setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)),
		"SO_RCVLOWAT: %s", strerror(errno));
}

static void require_no_more(int fd)
{
	char c;

	require(recv(fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN,
		"there is more");
}

/* A blocking MSG_PEEK sees the data of the next recv(). */
static void peek(const void *arg)
{
	const struct peek_case *t = arg;
	static __u8 in[BLOCK];
	struct session s;
	struct reading r;

	session_reader(&s, t->socktype);
	/* Without a timeout, which would hide a missing wakeup. */
	require_ok(host_set_blocking(s.fd, 0));
	set_lowat(s.fd, t->lowat);
	/* The buffer must be in memory, or there is no direct read. */
	memset(in, 0xff, BLOCK);
	reading_begin(&r, s.fd, in, MSG_PEEK);
	send_block(&s.c);
	reading_end(&r);
	require_block(in, r.n);

	set_lowat(s.fd, 1);
	memset(in, 0, BLOCK);
	require_block(in, recv(s.fd, in, BLOCK, 0));
	require_no_more(s.fd);
	exchange(&s);
	session_close(&s);
}

/* The same without blocking, while the packet is left to a reader that has gone. */
static void peek_at_once(const void *arg)
{
	const int *socktype = arg;
	static __u8 in[BLOCK];
	struct tx tx = { 0 };
	struct session s;
	struct seg seg;
	ssize_t n;

	session_reader(&s, *socktype);
	require_ok(host_set_blocking(s.fd, 10));
	require(recv(s.fd, in, BLOCK, 0) < 0 && errno == EAGAIN, "recv");

	seg = lay_block(&s.c);
	s.c.tx_cnt += BLOCK;
	require_ok(ring_add(&s.g.q[TXQ].ring, &seg, 1, &tx));
	guest_notify(&s.g, TXQ);
	memset(in, 0xff, BLOCK);
	/* The worker handles it, and leaves it to the reader for a while. */
	usleep(1000);
	n = recv(s.fd, in, BLOCK, MSG_PEEK | MSG_DONTWAIT);
	if (n >= 0 || errno != EAGAIN)
		require_block(in, n);
	require_ok(guest_wait_tx(&s.g, &tx, TIMEOUT));
	require(host_poll(s.fd, POLLIN, TIMEOUT) == POLLIN, "nothing to read");
	memset(in, 0, BLOCK);
	require_block(in, recv(s.fd, in, BLOCK, MSG_PEEK | MSG_DONTWAIT));
	memset(in, 0, BLOCK);
	require_block(in, recv(s.fd, in, BLOCK, MSG_DONTWAIT));
	require_no_more(s.fd);
	exchange(&s);
	session_close(&s);
}

/* --- kicks that a reader waits for --- */

/* The guest has ended a connection of which the host has unread data, and opens one with the same
 * ports.
 */
static void begin_again(struct session *ended, struct session *s)
{
	struct conn *c = &ended->c;

	require_ok(conn_send_rw(c, "unread", 6, VIRTIO_VSOCK_SEQ_EOM, TIMEOUT));
	require_ok(conn_send_op(c, VIRTIO_VSOCK_OP_SHUTDOWN,
				VIRTIO_VSOCK_SHUTDOWN_RCV |
				VIRTIO_VSOCK_SHUTDOWN_SEND));
	s->listener = -1;
	conn_init(&s->c, &ended->g, c->type, c->port, c->peer_port);
	require_ok(conn_connect(&s->c, TIMEOUT));
	s->fd = host_accept(ended->listener, TIMEOUT);
	require_ok(s->fd);
}

static void close_ended(struct session *s)
{
	close(s->fd);
	s->fd = -1;
}

/* A sender waits for a chain; the end of another connection, about which the guest gets no packet,
 * takes none. The driver still has to kick.
 */
static void kick_after_end(const void *arg)
{
	struct session s, again, third;
	struct sending sending;
	char c;

	(void)arg;
	session_no_rx(&s, SOCK_STREAM);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	begin_again(&s, &again);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	session_another(&third, &s, SOCK_STREAM, 1);

	host_send_begin(&sending, third.fd, "w", 1, 0, TIMEOUT);
	require(sending.waits, "there was a chain");
	close_ended(&s);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	require_ok(conn_recv(&third.c, &c, 1, TIMEOUT));
	require(c == 'w', "data differ");
	require_ok(host_send_end(&sending));

	session_close_another(&third);
	session_close_another(&again);
	session_close(&s);
}

/* The same with a reader that takes the first of two chains before the driver checks whether to
 * kick.
 */
static void kick_after_send(const void *arg)
{
	struct session s, other;
	struct sending sending;
	unsigned int i;
	struct seg seg;
	__u32 len;
	void *token;

	(void)arg;
	session_no_rx(&s, SOCK_STREAM);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	session_another(&other, &s, SOCK_STREAM, 1);

	host_send_begin(&sending, s.fd, "w", 1, 0, TIMEOUT);
	require(sending.waits, "there was a chain");
	for (i = 0; i < 2; i++) {
		seg = (struct seg){ GUEST_EDGE + i * 4096, 4096, true };
		require_ok(ring_add(&s.g.q[RXQ].ring, &seg, 1, NULL));
	}
	ring_publish(&s.g.q[RXQ].ring);
	require_ok(host_send(other.fd, "o", 1, 0, TIMEOUT));
	guest_notify(&s.g, RXQ);
	require_ok(host_send_end(&sending));
	for (i = 0; i < 2; i++) {
		require_ok(ring_get_used(&s.g.q[RXQ].ring, &len, &token));
		require(len == HDR_LEN + 1, "%u bytes", len);
	}
	session_close_another(&other);
	session_close(&s);
}

/* --- connections that have ended --- */

/* What the program does with a connection that the guest has ended does not affect the next one
 * with the same ports.
 */
static void ended_is_silent(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const int *socktype = arg;
	static const __u64 room = 131072;
	struct session s, again;
	struct packet *p;

	session_guest_connects(&s, &cfg, *socktype);
	begin_again(&s, &again);
	require(!shutdown(s.fd, SHUT_RDWR), "shutdown: %s", strerror(errno));
	require(!setsockopt(s.fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &room,
			    sizeof(room)), "room: %s", strerror(errno));
	close_ended(&s);

	require_ok(host_send(again.fd, "x", 1, 0, TIMEOUT));
	p = guest_recv(&s.g, TIMEOUT);
	require(p && p->hdr.op == VIRTIO_VSOCK_OP_RW, "operation %d",
		p ? p->hdr.op : -1);
	free(p);
	exchange(&again);
	require(!again.c.peer_shutdown && !again.c.reset, "it ended, too");
	require(!s.g.inbox.first, "a packet too many");
	session_close_another(&again);
	session_close(&s);
}

/* --- connect() again --- */

/* The guest's driver restarts with empty rings and no connections. */
static void reboot(struct guest *g)
{
	unsigned int i;

	require_ok(guest_rewind(g));
	for (i = 0; i < NUM_QUEUES; i++)
		require_ok(guest_empty_ring(g, i));
	require_ok(dev_set_running(&g->dev, 1));
	for (i = 0; i < g->cfg.rx_bufs; i++)
		require_ok(guest_post_rx(g, g->cfg.rx_size, g->cfg.rx_layout));
}

/* The socket @fd connects to @s's guest, which answers now. */
static void connect_again(struct session *s, int fd, int socktype)
{
	s->fd = fd;
	s->listener = -1;
	require_ok(fcntl(fd, F_SETFL, O_NONBLOCK));
	require(host_connect_with(fd, s->g.cfg.cid, PORT) == -EINPROGRESS,
		"connect: %s", strerror(errno));
	conn_init(&s->c, &s->g, type_of_packets(socktype), PORT, 0);
	require_ok(conn_accept(&s->c, TIMEOUT));
	require_ok(host_connected(fd, TIMEOUT));
	exchange(s);
	require(!s->g.inbox.first, "a packet too many");
}

struct again_case {
	int socktype;
	bool flag;	/* close the device; interrupt connect() */
};

/* The guest has received the REQUEST, and its device is reset or closed before it answers. */
static void after_reset(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct again_case *t = arg;
	struct session s;
	struct packet *p;
	int fd, err;

	require_ok(guest_start(&s.g, &cfg));
	fd = host_connect(t->socktype, cfg.cid, PORT);
	require_ok(fd);
	p = guest_recv(&s.g, TIMEOUT);
	require(p && p->hdr.op == VIRTIO_VSOCK_OP_REQUEST, "no request");
	free(p);
	if (t->flag) {
		guest_stop(&s.g);
		require_ok(guest_start(&s.g, &cfg));
	} else {
		reboot(&s.g);
	}
	require_ok(host_set_blocking(fd, TIMEOUT));
	err = host_connect_with(fd, cfg.cid, PORT);
	require(err == -ECONNRESET, "connect: %s", strerror(-err));
	connect_again(&s, fd, t->socktype);
	session_close(&s);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void set_connect_timeout(int fd, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	require(!setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv,
			    sizeof(tv)), "timeout: %s", strerror(errno));
}

/* Wait for a guest that does not answer. Returns the result of connect(). */
static int connect_in_vain(int fd, __u32 cid, bool interrupted)
{
	static const struct sigaction action = { .sa_handler = on_signal };
	static const struct itimerspec often = {
		{ .tv_nsec = 10000000 }, { .tv_nsec = 10000000 },
	};
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1,
	};
	timer_t timer;
	int err;

	require_ok(host_set_blocking(fd, TIMEOUT));
	if (!interrupted) {
		set_connect_timeout(fd, QUIET);
		err = host_connect_with(fd, cid, PORT);
		set_connect_timeout(fd, TIMEOUT);
		return err;
	}
	require(!sigaction(SIGUSR1, &action, NULL) &&
		!timer_create(CLOCK_MONOTONIC, &event, &timer) &&
		!timer_settime(timer, 0, &often, NULL), "timer");
	err = host_connect_with(fd, cid, PORT);
	timer_delete(timer);
	return err;
}

/* The guest, which had no chain for the REQUEST, now has some, and gets no REQUEST. */
static void expect_unasked(struct session *s, int socktype)
{
	require_ok(guest_post_rx(&s->g, 4096, &layout_one));
	require_ok(guest_post_rx(&s->g, 4096, &layout_one));
	session_connect(s, socktype);
	require(!s->g.inbox.first, "the request came");
}

static void require_given_up(int fd, const struct again_case *t, __u32 cid)
{
	int err = connect_in_vain(fd, cid, t->flag);

	require(err == (t->flag ? -EINTR : -ETIMEDOUT), "connect: %s",
		strerror(-err));
}

/* The guest had no chain for the REQUEST and never gets it; another guest, to which the same socket
 * connects, gets one.
 */
static void elsewhere(const void *arg)
{
	struct guest_config cfg = test_config(0), cfg2 = test_config(1);
	const struct again_case *t = arg;
	struct session first, second;
	int fd;

	cfg.rx_bufs = 0;
	require_ok(guest_start(&first.g, &cfg));
	require_ok(guest_start(&second.g, &cfg2));
	fd = host_connect(t->socktype, cfg.cid, PORT);
	require_ok(fd);
	require_given_up(fd, t, cfg.cid);
	expect_unasked(&first, t->socktype);
	connect_again(&second, fd, t->socktype);
	session_close(&first);
	session_close(&second);
}

/*
 * The chain for the REQUEST is in memory that is held back, and when the memory becomes available
 * the connect() has been given up: the next packet gets the chain.
 */
static void given_up_late(const void *arg)
{
	struct seg seg = { GUEST_EDGE, 4096, true };
	struct guest_config cfg = test_config(0);
	const struct again_case *t = arg;
	struct virtio_vsock_hdr h;
	int fd, next, memory;
	struct session s;

	cfg.rx_bufs = 0;
	require_ok(guest_start(&s.g, &cfg));
	memory = mem_hold(&s.g.mem.region[3]);
	require_ok(memory);
	fd = host_connect(t->socktype, cfg.cid, PORT);
	require_ok(fd);
	require_ok(ring_add(&s.g.q[RXQ].ring, &seg, 1, NULL));
	guest_kick(&s.g, RXQ);
	require(host_poll(memory, POLLIN, TIMEOUT), "nothing accesses the memory");

	require_given_up(fd, t, cfg.cid);
	close(memory);
	next = host_connect(t->socktype, cfg.cid, PORT + 1);
	require_ok(next);
	require(guest_wait_used(&s.g, RXQ) == HDR_LEN, "used length");
	require_ok(mem_read(&s.g.mem, seg.addr, &h, sizeof(h)));
	require(pkt_decode(&h).dst_port == PORT + 1, "the request came");
	expect_unasked(&s, t->socktype);
	close(fd);
	close(next);
	session_close(&s);
}

/* --- credit for a waiting reader --- */

#define SENT	150000U		/* the guest then knows of 112144 bytes of room */
#define READ	100000U		/* without telling the guest */
#define MORE	250000U		/* less than the socket's buffer */

static __u8 out[READ + MORE], in[READ + MORE];

static void *read_more(void *arg)
{
	const struct session *s = arg;

	require(recv(s->fd, in + READ, MORE, MSG_WAITALL) == MORE, "recv: %s",
		strerror(errno));
	return NULL;
}

/*
 * A reader that is about to sleep sends a CREDIT_UPDATE to a buffer that has to be brought in. That
 * may sleep, which must not be done in the task state of the reader's wait loop.
 */
static void credit_to_nowhere(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct mem_region *r;
	pthread_t thread;
	struct session s;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	pattern_fill(out, sizeof(out), 1, 0);
	require_ok(conn_send(&s.c, out, SENT, TIMEOUT));
	require(recv(s.fd, in, SENT, MSG_PEEK | MSG_WAITALL) == SENT &&
		recv(s.fd, in, READ, 0) == READ, "recv: %s", strerror(errno));
	r = &s.g.mem.region[MEM_BUFFERS];
	require(!madvise(r->va, r->size, MADV_DONTNEED), "madvise");
	require(!pthread_create(&thread, NULL, read_more, &s), "thread");
	require_ok(conn_send(&s.c, out + SENT, sizeof(out) - SENT, TIMEOUT));
	pthread_join(thread, NULL);
	require(pattern_check(in, sizeof(in), 1, 0) < 0, "data differ");
	session_close(&s);
}

static const struct again_case again[] = {
	{ SOCK_STREAM }, { SOCK_STREAM, true },
	{ SOCK_SEQPACKET }, { SOCK_SEQPACKET, true },
};

static const struct peek_case peeks[] = {
	{ SOCK_STREAM, 1 }, { SOCK_STREAM, 2 * BLOCK }, { SOCK_SEQPACKET, 1 },
};

void add_regression_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(const void *arg);
		const void *arg;
	} tests[] = {
		{ "fresh buffer, stream", fresh_buffer, &stream },
		{ "fresh buffer, seqpacket", fresh_buffer, &seqpacket },
		{ "buffer that can't be written", bad_buffer },
		{ "payload that is not there, stream", bad_payload, &stream },
		{ "payload that is not there, seqpacket", bad_payload,
		  &seqpacket },
		{ "MSG_PEEK, stream", peek, &peeks[0] },
		{ "MSG_PEEK with SO_RCVLOWAT", peek, &peeks[1] },
		{ "MSG_PEEK, seqpacket", peek, &peeks[2] },
		{ "MSG_PEEK at once, stream", peek_at_once, &stream },
		{ "MSG_PEEK at once, seqpacket", peek_at_once, &seqpacket },
		{ "kick behind a connection's end", kick_after_end },
		{ "kick behind another's send()", kick_after_send },
		{ "ports used again, stream", ended_is_silent, &stream },
		{ "ports used again, seqpacket", ended_is_silent, &seqpacket },
		{ "connect() after a reset, stream", after_reset, &again[0] },
		{ "connect() after a close, stream", after_reset, &again[1] },
		{ "connect() after a reset, seqpacket", after_reset,
		  &again[2] },
		{ "connect() after a close, seqpacket", after_reset,
		  &again[3] },
		{ "connect() elsewhere after a timeout, stream", elsewhere,
		  &again[0] },
		{ "connect() elsewhere after a signal, stream", elsewhere,
		  &again[1] },
		{ "connect() elsewhere after a timeout, seqpacket", elsewhere,
		  &again[2] },
		{ "connect() elsewhere after a signal, seqpacket", elsewhere,
		  &again[3] },
		{ "connect() given up while the guest is asked", given_up_late,
		  &again[0] },
		{ "connect() given up by a signal while the guest is asked",
		  given_up_late, &again[3] },
		{ "credit update of a waiting reader, to a buffer that is not there",
		  credit_to_nowhere },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		session_test("regression", tests[i].name, tests[i].run, tests[i].arg,
			     TAP_MVSOCK, RINGS_BOTH);
}
