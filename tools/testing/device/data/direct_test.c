// SPDX-License-Identifier: GPL-2.0
/*
 * Large packets to the host: a waiting reader copies them from the guest's memory. If it does not
 * come, no data are lost, and other connections do not wait.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "device_test.h"
#include "rng.h"
#include "session.h"

#define TOTAL (2U * 1024 * 1024)
#define LARGE 20000U	/* large enough to be left to a reader */

/* Send one packet when there is credit for it. */
static void send_packet(struct session *s, const __u8 *buf, __u32 len, __u32 flags)
{
	while (conn_credit(&s->c) < len)
		require(conn_pump(&s->c, TIMEOUT) > 0, "no credit for %u", len);
	require_ok(conn_send_rw(&s->c, buf, len, flags, TIMEOUT));
}

/* --- all sizes --- */

struct message {
	__u32 len;
	__u32 first;	/* length of the first of two packets; 0 if there is one */
	__u32 flags;
};

/* Both ends derive the next size from the seed. */
static struct message next_message(struct rng *rng)
{
	struct message m = { .flags = VIRTIO_VSOCK_SEQ_EOM };

	m.len = 1 + rng_below(rng, rng_one_in(rng, 4) ? 1000 : MAX_PAYLOAD);
	if (rng_one_in(rng, 4))
		m.first = rng_below(rng, m.len);
	if (rng_one_in(rng, 2))
		m.flags |= VIRTIO_VSOCK_SEQ_EOR;
	return m;
}

struct reader {
	int fd;
	__u32 room;	/* the rest of a message is truncated */
	pthread_t thread;
};

static void *read_stream(void *arg)
{
	const struct reader *r = arg;
	static __u8 in[MAX_PAYLOAD];
	__u64 pos = 0;
	ssize_t n;

	while ((n = recv(r->fd, in, r->room, 0)) > 0) {
		require(pattern_check(in, n, 1, pos) < 0, "at %llu it differs",
			pos + 0ULL);
		pos += n;
	}
	require(!n && pos == TOTAL, "%llu bytes, then %zd", pos + 0ULL, n);
	return NULL;
}

static void *read_messages(void *arg)
{
	const struct reader *r = arg;
	static __u8 in[MAX_PAYLOAD];
	struct rng rng = { 1 };
	__u64 pos = 0;

	while (pos < TOTAL) {
		struct iovec iov = { in, r->room };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		struct message m = next_message(&rng);
		__u32 len = m.len < r->room ? m.len : r->room;
		ssize_t n = recvmsg(r->fd, &msg, MSG_TRUNC);

		require(n == m.len, "at %llu: %zd, not %u", pos + 0ULL, n, m.len);
		require(!(msg.msg_flags & MSG_TRUNC) == (m.len <= r->room),
			"MSG_TRUNC of %u", m.len);
		require(!(msg.msg_flags & MSG_EOR) ==
			!(m.flags & VIRTIO_VSOCK_SEQ_EOR), "MSG_EOR");
		require(pattern_check(in, len, 1, pos) < 0, "at %llu it differs",
			pos + 0ULL);
		pos += m.len;
	}
	require(!recv(r->fd, in, 1, 0), "one too many");
	return NULL;
}

static void send_stream(struct session *s)
{
	static __u8 out[MAX_PAYLOAD];
	struct rng rng = { 1 };
	__u64 pos = 0;

	while (pos < TOTAL) {
		__u32 len = next_message(&rng).len;

		if (len > TOTAL - pos)
			len = TOTAL - pos;
		pattern_fill(out, len, 1, pos);
		send_packet(s, out, len, 0);
		pos += len;
	}
}

static void send_messages(struct session *s)
{
	static __u8 out[MAX_PAYLOAD];
	struct rng rng = { 1 };
	__u64 pos = 0;

	while (pos < TOTAL) {
		struct message m = next_message(&rng);

		pattern_fill(out, m.len, 1, pos);
		if (m.first)
			send_packet(s, out, m.first, 0);
		send_packet(s, out + m.first, m.len - m.first, m.flags);
		pos += m.len;
	}
}

/* Packets of all sizes, to readers with room for all of a packet or for part of it. */
static void sizes(const void *arg)
{
	static const __u32 rooms[] = { MAX_PAYLOAD, 30000 };
	const int *socktype = arg;
	bool stream = *socktype == SOCK_STREAM;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		struct guest_config cfg = test_config(i);
		struct reader r;
		struct session s;

		session_guest_connects(&s, &cfg, *socktype);
		require_ok(host_set_blocking(s.fd, TIMEOUT));
		r = (struct reader){ s.fd, rooms[i] };
		require(!pthread_create(&r.thread, NULL, stream ? read_stream :
					read_messages, &r), "thread");
		if (stream)
			send_stream(&s);
		else
			send_messages(&s);
		require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_SHUTDOWN,
					VIRTIO_VSOCK_SHUTDOWN_SEND));
		pthread_join(r.thread, NULL);
		session_close(&s);
	}
}

/* --- readers that do not come --- */

/* A process that reads the test's messages, one after the other; or asks for each one. */
static pid_t start_reader(const struct session *s, bool asks)
{
	pid_t pid = fork();
	__u8 in[LARGE];
	__u32 i;

	require(pid >= 0, "fork");
	if (pid)
		return pid;
	for (i = 0; (!asks || send(s->fd, &i, sizeof(i), 0) == sizeof(i)) &&
	     recv(s->fd, in, LARGE, MSG_WAITALL) == LARGE; i++)
		if (pattern_check(in, LARGE, i, 0) >= 0)
			_exit(1);
	_exit(0);
}

static void send_large(struct session *s, __u32 seed)
{
	__u8 out[LARGE];

	pattern_fill(out, LARGE, seed, 0);
	send_packet(s, out, LARGE, VIRTIO_VSOCK_SEQ_EOM);
}

static void recv_large(struct session *s, __u32 seed, int flags)
{
	__u8 in[LARGE];
	ssize_t n = recv(s->fd, in, LARGE, flags);

	require(n == LARGE, "%zd bytes: %s", n, strerror(errno));
	require(pattern_check(in, LARGE, seed, 0) < 0, "data differ");
}

/* Two messages to a reader that takes both, and waits for the next one. */
static pid_t begin(struct session *s, int socktype)
{
	struct guest_config cfg = test_config(0);
	pid_t pid;
	__u32 i;

	session_guest_connects(s, &cfg, socktype);
	require_ok(host_set_blocking(s->fd, TIMEOUT));
	pid = start_reader(s, false);
	for (i = 0; i < 2; i++) {
		wait_asleep(pid);
		send_large(s, i);
	}
	wait_asleep(pid);
	return pid;
}

static int end_reader(pid_t pid)
{
	int status;

	require(waitpid(pid, &status, 0) == pid, "waitpid");
	return status;
}

/* The reader is stopped, while other connections of its guest are served; then it continues. */
static void stopped(const void *arg)
{
	struct session s, other;
	const int *socktype = arg;
	pid_t pid = begin(&s, *socktype);

	session_another(&other, &s, SOCK_STREAM, 1);
	kill(pid, SIGSTOP);
	wait_stopped(pid);
	send_large(&s, 2);
	session_exchange(&other, 1000);
	send_large(&s, 3);
	session_exchange(&other, 1000);
	kill(pid, SIGCONT);
	send_large(&s, 4);
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_SHUTDOWN,
				VIRTIO_VSOCK_SHUTDOWN_SEND));
	require(!end_reader(pid), "the reader failed");
	session_close_another(&other);
	session_close(&s);
}

/* The reader is killed; the next one gets the data that were left to it. */
static void killed(const void *arg)
{
	const int *socktype = arg;
	struct session s;
	pid_t pid = begin(&s, *socktype);

	kill(pid, SIGSTOP);
	wait_stopped(pid);
	send_large(&s, 2);
	kill(pid, SIGKILL);
	end_reader(pid);
	recv_large(&s, 2, 0);
	send_large(&s, 3);
	recv_large(&s, 3, 0);
	session_close(&s);
}

/* The socket is closed with its process: the guest gets SHUTDOWN, and is served. */
static void closed(const void *arg)
{
	const int *socktype = arg;
	struct session s, other;
	pid_t pid = begin(&s, *socktype);

	kill(pid, SIGSTOP);
	wait_stopped(pid);
	close(s.fd);
	s.fd = -1;	/* only the child has it now */
	send_large(&s, 2);
	kill(pid, SIGKILL);
	end_reader(pid);
	require_ok(conn_wait_shutdown(&s.c, VIRTIO_VSOCK_SHUTDOWN_RCV |
				      VIRTIO_VSOCK_SHUTDOWN_SEND, TIMEOUT));
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_RST, 0));
	session_another(&other, &s, SOCK_STREAM, 1);
	session_exchange(&other, 1000);
	session_close_another(&other);
	session_close(&s);
}

/* --- other ways to read --- */

#define ROUNDS 1000	/* maximum */
#define IN_A_ROW 6	/* answers by direct reads */

/* A reader that waits for each answer takes all of them directly, however many there were. */
static void asked(const void *arg)
{
	struct guest_config cfg = test_config(0);
	unsigned int in_a_row = 0;
	const int *socktype = arg;
	struct session s;
	__u64 direct;
	pid_t pid;
	__u32 i, n;

	session_guest_connects(&s, &cfg, *socktype);
	require_ok(host_set_blocking(s.fd, 0));
	pid = start_reader(&s, true);
	for (i = 0; i < ROUNDS && in_a_row < IN_A_ROW; i++) {
		require_ok(conn_recv(&s.c, &n, sizeof(n), TIMEOUT));
		wait_asleep(pid);
		direct = counter_get(&s.g, "direct_receives");
		send_large(&s, i);
		/* On a slow machine the worker may be faster. */
		if (counter_get(&s.g, "direct_receives") > direct)
			in_a_row++;
		else
			in_a_row = 0;
	}
	require(in_a_row == IN_A_ROW, "%u messages, at most %u in a row directly",
		i, IN_A_ROW);
	kill(pid, SIGKILL);
	end_reader(pid);
	session_close(&s);
}

/* A reader whose wait ended without data takes later data directly. */
static void polled(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const int *socktype = arg;
	struct session s;
	__u8 in[LARGE];
	__u32 i;

	session_guest_connects(&s, &cfg, *socktype);
	send_large(&s, 0);
	require_ok(host_set_blocking(s.fd, QUIET));
	recv_large(&s, 0, 0);
	require(recv(s.fd, in, LARGE, 0) < 0 && errno == EAGAIN, "no timeout");
	for (i = 1; i < 4; i++) {
		send_large(&s, i);
		require(host_poll(s.fd, POLLIN, TIMEOUT), "nothing to read");
		recv_large(&s, i, MSG_PEEK | MSG_DONTWAIT);
		recv_large(&s, i, MSG_DONTWAIT);
		require(recv(s.fd, in, LARGE, MSG_DONTWAIT) < 0 &&
			errno == EAGAIN, "one too many");
	}
	session_close(&s);
}

static void *look_and_read(void *arg)
{
	struct session *s = arg;
	__u32 i;

	for (i = 0; i < 8; i++) {
		recv_large(s, i, MSG_PEEK);
		recv_large(s, i, 0);
	}
	return NULL;
}

/* MSG_PEEK sees the data of the next recv(). */
static void looked_at(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const int *socktype = arg;
	struct session s;
	pthread_t thread;
	__u32 i;

	session_guest_connects(&s, &cfg, *socktype);
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	require(!pthread_create(&thread, NULL, look_and_read, &s), "thread");
	for (i = 0; i < 8; i++)
		send_large(&s, i);
	pthread_join(thread, NULL);
	session_close(&s);
}

void add_direct_tests(void)
{
	static const struct {
		const char *name;
		int socktype;
	} types[] = {
		{ "direct, streams", SOCK_STREAM },
		{ "direct, seqpackets", SOCK_SEQPACKET },
	};
	static const struct {
		const char *name;
		void (*run)(const void *arg);
		unsigned int rings;
	} tests[] = {
		{ "packets of all sizes", sizes, RINGS_ALL },
		{ "a reader that is stopped", stopped, RINGS_BOTH },
		{ "a reader that is killed", killed, RINGS_BOTH },
		{ "a reader whose socket is closed", closed, RINGS_BOTH },
		{ "a reader that asks for each", asked, RINGS_BOTH },
		{ "a reader that polls", polled, RINGS_BOTH },
		{ "a reader that peeks first", looked_at, RINGS_BOTH },
	};
	unsigned int i, t;

	for (t = 0; t < ARRAY_SIZE(types); t++)
		for (i = 0; i < ARRAY_SIZE(tests); i++)
			session_test(types[t].name, tests[i].name, tests[i].run,
				     &types[t].socktype, 0, tests[i].rings);
}
