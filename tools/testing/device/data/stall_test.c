// SPDX-License-Identifier: GPL-2.0
/* A guest that takes the host's data slowly, not at all, or no longer. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <linux/sockios.h>

#include "device_test.h"
#include "session.h"

/* From now on the guest takes packets again. */
static void open_rx(struct guest *g, unsigned int n)
{
	g->rx_repost = true;
	while (n--)
		require_ok(guest_post_rx(g, 4096, &layout_one));
}

/* --- blocked senders --- */

struct interrupter {
	pthread_t thread;
	bool stop;
};

static void on_signal(int sig)
{
	(void)sig;
}

static void *interrupt(void *arg)
{
	struct interrupter *i = arg;

	while (!__atomic_load_n(&i->stop, __ATOMIC_RELAXED)) {
		pthread_kill(i->thread, SIGUSR1);
		usleep(10000);
	}
	return NULL;
}

/* A signal ends a send() that waits. */
static void send_interrupted(int fd)
{
	static const struct sigaction action = { .sa_handler = on_signal };
	struct interrupter i = { .thread = pthread_self() };
	pthread_t thread;
	ssize_t n;
	int err;

	require(!sigaction(SIGUSR1, &action, NULL), "sigaction");
	require(!pthread_create(&thread, NULL, interrupt, &i), "thread");
	n = send(fd, "x", 1, MSG_NOSIGNAL);
	err = errno;
	__atomic_store_n(&i.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	require(n < 0 && err == EINTR, "send: %zd, %s", n, strerror(err));
}

static void require_none_queued(int fd)
{
	int n = -1;

	require(!ioctl(fd, SIOCOUTQ, &n) && !n, "SIOCOUTQ: %d bytes", n);
}

/* A sender that waits for the guest can time out. */
static void ends_of_waiting(const void *arg)
{
	struct session s;
	__u64 start;

	(void)arg;
	session_no_rx(&s, SOCK_STREAM);
	require(send(s.fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EAGAIN,
		"non-blocking: %s", strerror(errno));
	require(!host_poll(s.fd, POLLOUT, 0), "it can be written");
	require_none_queued(s.fd);

	require_ok(host_set_blocking(s.fd, QUIET));
	start = now_ms();
	require(send(s.fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EAGAIN,
		"with a timeout: %s", strerror(errno));
	require(now_ms() - start >= QUIET / 2, "it did not wait");
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	send_interrupted(s.fd);
	require_none_queued(s.fd);

	open_rx(&s.g, 4);
	require_ok(fcntl(s.fd, F_SETFL, O_NONBLOCK));
	session_exchange(&s, 10000);
	require_none_queued(s.fd);
	session_close(&s);
}

#define WAITERS 4

/* Several senders wait, and each chain serves one of them. None is forgotten. */
static void waiters(const void *arg)
{
	struct session s[WAITERS];
	struct sending sending[WAITERS];
	struct guest *g = &s[0].g;
	unsigned int i;
	char c;

	(void)arg;
	session_no_rx(&s[0], SOCK_STREAM);
	for (i = 1; i < WAITERS; i++) {
		require_ok(guest_post_rx(g, 4096, &layout_one));
		session_another(&s[i], &s[0], SOCK_STREAM, i);
	}
	for (i = 0; i < WAITERS; i++)
		host_send_begin(&sending[i], s[i].fd, "w", 1, 0, TIMEOUT);
	for (i = 0; i < WAITERS; i++) {
		require(!guest_poll(g, 0), "a packet too many");
		require_ok(guest_post_rx(g, 4096, &layout_one));
		require(guest_poll(g, TIMEOUT) == 1, "not a single packet");
	}
	for (i = 0; i < WAITERS; i++) {
		require_ok(conn_recv(&s[i].c, &c, 1, TIMEOUT));
		require(c == 'w', "data differ");
		require_ok(host_send_end(&sending[i]));
	}
	open_rx(g, 4);
	session_exchange(&s[0], 10000);
	for (i = 1; i < WAITERS; i++)
		session_close_another(&s[i]);
	session_close(&s[0]);
}

/* --- in the middle of a message --- */

#define MESSAGE 60000U
#define FIRST_CHAINS 5

/* Part of a message has reached the guest. Returns the length of that part. */
static __u32 begin_message(struct session *s, struct sending *sending,
			   const __u8 *message)
{
	__u32 len = 0;
	int i;

	session_no_rx(s, SOCK_SEQPACKET);
	for (i = 0; i < FIRST_CHAINS; i++)
		require_ok(guest_post_rx(&s->g, 4096, &layout_one));
	require_ok(host_set_blocking(s->fd, TIMEOUT));
	host_send_beside(sending, s->fd, message, MESSAGE, 0, TIMEOUT);
	for (i = 0; i < FIRST_CHAINS; i++) {
		struct packet *p = conn_recv_packet(&s->c, TIMEOUT);

		require(p && !p->hdr.flags, "piece %d", i);
		len += p->hdr.len;
		free(p);
	}
	return len;
}

/* The guest stops refilling its ring, and continues later. */
static void stops_within(const void *arg)
{
	static __u8 message[MESSAGE], in[MESSAGE];
	struct sending sending;
	struct session s;
	__u32 len, flags;

	(void)arg;
	pattern_fill(message, MESSAGE, 1, 0);
	len = begin_message(&s, &sending, message);
	require(!guest_poll(&s.g, QUIET), "there was no chain");
	neighbour_exchange(1000);
	open_rx(&s.g, 2);
	for (flags = 0; !flags; ) {
		struct packet *p = conn_recv_packet(&s.c, TIMEOUT);

		require(p && len + p->hdr.len <= MESSAGE, "no end");
		memcpy(in + len, p->data, p->hdr.len);
		require(pattern_check(in + len, p->hdr.len, 1, len) < 0,
			"data differ");
		len += p->hdr.len;
		flags = p->hdr.flags;
		free(p);
	}
	require(len == MESSAGE && flags == VIRTIO_VSOCK_SEQ_EOM,
		"%u bytes, flags %u", len, flags);
	require_ok(host_send_end(&sending));
	session_close(&s);
}

/* The guest resets the connection instead, or its device is closed. The rest of the message may
 * have been queued by then, in which case the sender gets no error.
 */
static void ends_within(const void *arg)
{
	static const __u8 message[MESSAGE];
	const bool *closed = arg;
	struct sending sending;
	struct session s;
	int err;

	begin_message(&s, &sending, message);
	if (*closed)
		dev_close(&s.g.dev);
	else
		require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_RST, 0));
	err = host_send_end(&sending);
	require(!err || err == -EPIPE || err == -ECONNRESET, "%s",
		strerror(-err));
	neighbour_exchange(1000);
	session_close(&s);
}

/* --- memory --- */

#define PAGE 4096U
#define PIECE(size) ((size) - HDR_LEN)
#define BLOCK (8 * PIECE(PAGE) + 2 * PIECE(PAGE / 2))

/* One chain of the sender's block. */
static __u32 take_piece(struct session *s, __u8 *in, __u32 size, __u64 gpa)
{
	require_ok(gpa ? guest_post_rx_at(&s->g, gpa, size, &layout_one) :
			 guest_post_rx(&s->g, size, &layout_one));
	require_ok(conn_recv(&s->c, in, PIECE(size), TIMEOUT));
	return PIECE(size);
}

/* Chains whose memory is unmapped while a sender waits are rejected, or filled if the memory is
 * mapped again; no byte is lost.
 */
static void memory_within(const void *arg)
{
	static __u8 out[BLOCK], in[BLOCK];
	struct mem_region *r;
	struct counters before;
	struct sending sending;
	struct session s;
	struct seg seg;
	__u32 at = 0;

	(void)arg;
	session_no_rx(&s, SOCK_STREAM);
	r = &s.g.mem.region[3];
	before = counters_read(&s.g);
	pattern_fill(out, BLOCK, 3, 0);
	host_send_begin(&sending, s.fd, out, BLOCK, 0, TIMEOUT);
	while (at < 4 * PIECE(PAGE))
		at += take_piece(&s, in + at, PAGE, 0);

	/* With a unique size, so that the buffer is not reused. */
	at += take_piece(&s, in + at, PAGE / 2, GUEST_EDGE);
	require(!madvise(r->va, r->size, MADV_DONTNEED), "madvise");
	at += take_piece(&s, in + at, PAGE / 2, GUEST_EDGE);

	require(!munmap(r->va, r->size), "munmap");
	seg = (struct seg){ GUEST_EDGE, PAGE, true };
	require_ok(ring_add(&s.g.q[RXQ].ring, &seg, 1, NULL));
	guest_kick(&s.g, RXQ);
	require(!guest_wait_used(&s.g, RXQ), "used length");
	counters_expect(&s.g, &before, REJ_BAD_ADDRESS, 1);
	while (at < BLOCK)
		at += take_piece(&s, in + at, PAGE, 0);
	require(pattern_check(in, BLOCK, 3, 0) < 0, "data differ");
	require_ok(host_send_end(&sending));
	dev_close(&s.g.dev);
}

/* --- credit --- */

/* The guest has room, but grants it only on request: one CREDIT_REQUEST per stall. */
static void asked_for_credit(const void *arg)
{
	static __u8 out[CONN_BUF_ALLOC + 1000];
	struct guest_config cfg = test_config(0);
	unsigned int asked = 0, i;
	struct sending sending;
	struct packet *p;
	struct session s;
	__u64 end;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	host_send_begin(&sending, s.fd, out, sizeof(out), 0, 2 * TIMEOUT);
	for (end = now_ms() + TIMEOUT; s.c.rx_cnt < sizeof(out); ) {
		require(ms_left(end), "%u bytes of %zu, and no CREDIT_REQUEST",
			s.c.rx_cnt, sizeof(out));
		s.c.fwd_cnt = s.c.rx_cnt;
		require_ok(conn_pump(&s.c, QUIET));
	}
	require_ok(host_send_end(&sending));

	s.c.buf_alloc = 0;
	require_ok(conn_credit_update(&s.c));
	for (i = 0; i < 3; i++)
		require(send(s.fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0,
			"sent without credit");
	while ((p = guest_recv(&s.g, QUIET))) {
		asked += p->hdr.op == VIRTIO_VSOCK_OP_CREDIT_REQUEST;
		free(p);
	}
	require(asked == 1, "%u CREDIT_REQUESTs", asked);
	s.c.buf_alloc = CONN_BUF_ALLOC;
	s.c.fwd_cnt = s.c.rx_cnt;
	require_ok(conn_credit_update(&s.c));
	conn_free(&s.c);
	packet_list_init(&s.c.rxq);
	session_exchange(&s, 1000);
	session_close(&s);
}

/*
 * Programs, and the kernel's own test of io_uring, rely on a packet of a stream being sent whole or
 * not at all in non-blocking mode.
 */
static void whole_or_not(const void *arg)
{
	struct session s;
	__u8 in[10000], out[10000];

	(void)arg;
	pattern_fill(out, sizeof(out), 3, 0);
	session_no_rx(&s, SOCK_STREAM);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	require(send(s.fd, out, sizeof(out), MSG_DONTWAIT) == sizeof(out),
		"not all of it was sent");
	require(send(s.fd, out, sizeof(out), MSG_DONTWAIT) < 0 && errno == EAGAIN,
		"sent what must wait");
	require(!host_poll(s.fd, POLLOUT, 0), "writable");
	open_rx(&s.g, 8);
	require_ok(conn_recv(&s.c, in, sizeof(in), TIMEOUT));
	require(pattern_check(in, sizeof(in), 3, 0) < 0, "other data");
	require(host_poll(s.fd, POLLOUT, TIMEOUT), "not writable");
	session_exchange(&s, 1000);
	session_close(&s);
}

/* How a lingering close(), with the rest of a message unsent, ends. */
enum linger_end {
	ALL_SENT,
	RESET,
};

static void *close_slowly(void *arg)
{
	int *fd = arg;

	close(*fd);
	__atomic_store_n(fd, -1, __ATOMIC_RELEASE);
	return NULL;
}

static void require_closed(const int *fd, int timeout)
{
	__u64 end = now_ms() + timeout;

	while (__atomic_load_n(fd, __ATOMIC_ACQUIRE) >= 0) {
		require(ms_left(end), "close() waits for more");
		usleep(1000);
	}
}

/*
 * close() waits until the rest is sent, and no longer; before Linux 6.16 until the guest has
 * answered SHUTDOWN.
 */
static void lingers(const void *arg)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 2 * TIMEOUT / 1000 };
	const enum linger_end *how = arg;
	pthread_t closer;
	struct session s;
	__u8 out[10000];

	pattern_fill(out, sizeof(out), 3, 0);
	session_no_rx(&s, SOCK_SEQPACKET);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	require(send(s.fd, out, sizeof(out), MSG_DONTWAIT) == sizeof(out),
		"not all of it was sent");
	require(!setsockopt(s.fd, SOL_SOCKET, SO_LINGER, &linger,
			    sizeof(linger)), "SO_LINGER");
	require(!pthread_create(&closer, NULL, close_slowly, &s.fd), "thread");
	usleep(100000);
	require(__atomic_load_n(&s.fd, __ATOMIC_ACQUIRE) >= 0,
		"close() did not wait");
	if (*how == ALL_SENT) {
		open_rx(&s.g, 8);
		require_ok(conn_wait_shutdown(&s.c, VIRTIO_VSOCK_SHUTDOWN_RCV |
					      VIRTIO_VSOCK_SHUTDOWN_SEND, TIMEOUT));
	}
	if (*how == RESET || host_linux() < LINUX(6, 16))
		require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_RST, 0));
	require_closed(&s.fd, TIMEOUT);
	pthread_join(closer, NULL);
	session_close(&s);
}

void add_stall_tests(void)
{
	static const enum linger_end all_sent = ALL_SENT, reset_meanwhile = RESET;
	static const bool reset = false, closed = true;
	static const struct {
		const char *name;
		void (*run)(const void *arg);
		const void *arg;
	} tests[] = {
		{ "a sender that waits for room", ends_of_waiting },
		{ "four wait for one chain after the other", waiters },
		{ "no chains within a message", stops_within },
		{ "reset within a message", ends_within, &reset },
		{ "closed within a message", ends_within, &closed },
		{ "memory taken away within a send()", memory_within },
		{ "peer asked for credit", asked_for_credit },
		{ "a packet of a stream, whole or not", whole_or_not },
		{ "linger until all is sent", lingers, &all_sent },
		{ "linger until a reset", lingers, &reset_meanwhile },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		session_test("stall", tests[i].name, tests[i].run, tests[i].arg,
			     TAP_MVSOCK, RINGS_BOTH);
}
