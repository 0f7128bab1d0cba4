// SPDX-License-Identifier: GPL-2.0
/* Large amounts of data: many senders and readers, random sizes, tiny messages. */
#include <pthread.h>
#include <stdio.h>
#include <linux/vm_sockets.h>

#include "device_test.h"
#include "rng.h"
#include "session.h"

#define THREADS 8

static void thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	require(!pthread_create(thread, NULL, run, arg), "thread");
}

/* --- order --- */

#define RECORDS 400
#define RECORD 16U	/* credit is granted in multiples of it */

struct record {
	__u32 sender;
	__u32 number;
	__u64 check;
};

struct sender {
	int fd;
	__u32 id;
	__u32 len;	/* of a message, which starts with a record */
	__u32 count;
	pthread_t thread;
};

static void *send_records(void *arg)
{
	const struct sender *s = arg;
	__u8 *buf = malloc(s->len);
	struct record *r = (struct record *)buf;

	require(buf, "out of memory");
	pattern_fill(buf, s->len, s->id, 0);
	*r = (struct record){ .sender = s->id };
	for (; r->number < s->count; r->number++) {
		r->check = ~(__u64)r->number * (s->id + 1);
		require(send(s->fd, buf, s->len, MSG_NOSIGNAL) ==
			(ssize_t)s->len, "sender %u, %u: %s", s->id, r->number,
			strerror(errno));
	}
	free(buf);
	return NULL;
}

/* The next record of its sender. */
static void check_record(const struct record *r, __u32 *next)
{
	require(r->sender < THREADS, "sender %u", r->sender);
	require(r->number == next[r->sender], "%u of sender %u, not %u",
		r->number, r->sender, next[r->sender]);
	require(r->check == ~(__u64)r->number * (r->sender + 1), "the record differs");
	next[r->sender]++;
}

/* Each sender's records arrive in order and complete. */
static void one_socket(const void *arg)
{
	const int *socktype = arg;
	struct guest_config cfg = test_config(0);
	struct sender senders[THREADS];
	__u32 next[THREADS] = { 0 };
	struct session s;
	struct record r;
	int i;

	cfg.rx_bufs = 8;
	session_guest_connects(&s, &cfg, *socktype);
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	for (i = 0; i < THREADS; i++) {
		senders[i] = (struct sender){ s.fd, i, RECORD, RECORDS };
		thread_start(&senders[i].thread, send_records, &senders[i]);
	}
	for (i = 0; i < THREADS * RECORDS; i++) {
		require_ok(conn_recv(&s.c, &r, RECORD, TIMEOUT));
		check_record(&r, next);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(senders[i].thread, NULL);
	session_close(&s);
}

static void eight_sockets(const void *arg)
{
	const int *socktype = arg;
	struct guest_config cfg = test_config(0);
	struct sender senders[THREADS];
	__u32 next[THREADS][THREADS] = { 0 };
	struct session s[THREADS];
	struct record r;
	int i, n;

	cfg.rx_bufs = 8;
	session_guest_connects(&s[0], &cfg, *socktype);
	for (i = 1; i < THREADS; i++)
		session_another(&s[i], &s[0], *socktype, i);
	for (i = 0; i < THREADS; i++) {
		require_ok(host_set_blocking(s[i].fd, TIMEOUT));
		senders[i] = (struct sender){ s[i].fd, i, RECORD, RECORDS };
		thread_start(&senders[i].thread, send_records, &senders[i]);
	}
	for (n = 0; n < RECORDS; n++)
		for (i = 0; i < THREADS; i++) {
			require_ok(conn_recv(&s[i].c, &r, RECORD, TIMEOUT));
			require((int)r.sender == i, "data of another socket");
			check_record(&r, next[i]);
		}
	for (i = 0; i < THREADS; i++)
		pthread_join(senders[i].thread, NULL);
	for (i = 1; i < THREADS; i++)
		session_close_another(&s[i]);
	session_close(&s[0]);
}

/* --- messages of several writers and readers --- */

#define LONG_MESSAGE 6000U	/* takes two receive buffers */
#define LONG_MESSAGES 50

/* Concurrent messages are not interleaved, however little room there is. */
static void two_writers(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u8 buf[2 * LONG_MESSAGE];
	struct sender senders[2];
	__u32 next[THREADS] = { 0 };
	struct session s;
	__u32 len;
	int i;

	(void)arg;
	cfg.rx_bufs = 1;
	session_guest_connects(&s, &cfg, SOCK_SEQPACKET);
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	for (i = 0; i < 2; i++) {
		senders[i] = (struct sender){ s.fd, i, LONG_MESSAGE,
					      LONG_MESSAGES };
		thread_start(&senders[i].thread, send_records, &senders[i]);
	}
	for (i = 0; i < 2 * LONG_MESSAGES; i++) {
		struct record *r = (struct record *)buf;
		struct packet *p;
		__u32 flags;

		len = 0;
		do {
			p = conn_recv_packet(&s.c, TIMEOUT);
			require(p && len + p->hdr.len <= LONG_MESSAGE,
				"message %d is mixed with another one", i);
			memcpy(buf + len, p->data, p->hdr.len);
			len += p->hdr.len;
			flags = p->hdr.flags;
			free(p);
		} while (!(flags & VIRTIO_VSOCK_SEQ_EOM));
		require(len == LONG_MESSAGE, "message of %u", len);
		check_record(r, next);
		require(pattern_check(buf + RECORD, LONG_MESSAGE - RECORD,
				      r->sender, RECORD) < 0, "the record differs");
	}
	for (i = 0; i < 2; i++)
		pthread_join(senders[i].thread, NULL);
	session_close(&s);
}

struct reader {
	int fd;
	unsigned int got;
	__u8 *seen;	/* an array of RECORDS for each reader */
	pthread_t thread;
};

static void *read_records(void *arg)
{
	struct reader *t = arg;
	__u32 last = 0, number;
	ssize_t n;

	while ((n = recv(t->fd, &number, sizeof(number), 0)) > 0) {
		require(n == sizeof(number) && number < RECORDS, "torn");
		require(!t->got || number > last, "%u after %u", number, last);
		t->seen[number]++;
		last = number;
		t->got++;
	}
	require(!n, "recv: %s", strerror(errno));
	return NULL;
}

/* Each message goes to one of two readers, which gets its messages in order. */
static void two_readers(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u8 seen[2][RECORDS] = { 0 };
	struct reader r[2];
	struct session s;
	__u32 i;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_SEQPACKET);
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	for (i = 0; i < 2; i++) {
		r[i] = (struct reader){ s.fd, 0, seen[i] };
		thread_start(&r[i].thread, read_records, &r[i]);
	}
	for (i = 0; i < RECORDS; i++)
		require_ok(conn_send_rw(&s.c, &i, sizeof(i),
					VIRTIO_VSOCK_SEQ_EOM, TIMEOUT));
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_SHUTDOWN,
				VIRTIO_VSOCK_SHUTDOWN_SEND));
	for (i = 0; i < 2; i++)
		pthread_join(r[i].thread, NULL);
	for (i = 0; i < RECORDS; i++)
		require(seen[0][i] + seen[1][i] == 1, "message %u came %u times",
			i, seen[0][i] + seen[1][i]);
	session_close(&s);
}

/* --- random sizes in both directions --- */

#define FLOW 1048576U
#define FLOW_MAX 16000

/* Both ends derive sizes and bytes from the seed. */
struct flow {
	int fd;
	struct rng rng;
	__u32 seed;
	__u64 pos;
	pthread_t thread;
};

static __u32 next_size(struct flow *f)
{
	return 1 + rng_size(&f->rng, FLOW_MAX - 1);
}

static void *write_flow(void *arg)
{
	static __u8 buf[FLOW_MAX];
	struct flow *f = arg;

	while (f->pos < FLOW) {
		__u32 len = next_size(f);

		pattern_fill(buf, len, f->seed, f->pos);
		require(send(f->fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len,
			"send at %llu: %s", (unsigned long long)f->pos,
			strerror(errno));
		f->pos += len;
	}
	return NULL;
}

/* On seqpackets each recv() returns a message; on streams up to this many bytes. */
static void *read_flow(void *arg)
{
	static __u8 buf[FLOW_MAX];
	struct flow *f = arg;
	int socktype = 0;

	getsockopt(f->fd, SOL_SOCKET, SO_TYPE, &socktype, &(socklen_t){ 4 });
	while (f->pos < FLOW) {
		__u32 len = next_size(f);
		ssize_t n = recv(f->fd, buf, sizeof(buf), 0);

		require(n > 0, "recv at %llu: %s", (unsigned long long)f->pos,
			strerror(errno));
		require(socktype == SOCK_STREAM || n == (ssize_t)len,
			"message of %zd, not %u", n, len);
		require(pattern_check(buf, n, f->seed, f->pos) < 0,
			"the host got other data");
		f->pos += n;
	}
	return NULL;
}

/* The host never acknowledges more bytes than the guest has sent, or fewer than before. */
static void check_credit(const struct conn *c, __u32 *fwd_cnt)
{
	require((__s32)(c->tx_cnt - c->peer_fwd_cnt) >= 0 &&
		(__s32)(c->peer_fwd_cnt - *fwd_cnt) >= 0, "fwd_cnt is %u",
		c->peer_fwd_cnt);
	*fwd_cnt = c->peer_fwd_cnt;
}

/* The guest sends a message, if there is credit for it. */
static void flow_out(struct conn *c, struct flow *f, __u32 *len)
{
	static __u8 buf[FLOW_MAX];

	if (f->pos >= FLOW || conn_credit(c) < *len)
		return;
	pattern_fill(buf, *len, f->seed, f->pos);
	require_ok(conn_send_rw(c, buf, *len, VIRTIO_VSOCK_SEQ_EOM, TIMEOUT));
	f->pos += *len;
	*len = next_size(f);
}

static void flow_in(struct conn *c, struct flow *f)
{
	static __u8 buf[MAX_PAYLOAD];
	__u32 len;

	while (c->rxq.first) {
		len = c->rxq.first->hdr.len;
		require_ok(conn_recv(c, buf, len, TIMEOUT));
		require(pattern_check(buf, len, f->seed, f->pos) < 0,
			"the guest got other data");
		f->pos += len;
	}
}

static void both_ways(const void *arg)
{
	const int *socktype = arg;
	struct guest_config cfg = test_config(0);
	struct flow out = { 0, { 1 }, 1 }, in = { 0, { 2 }, 2 };
	struct flow writer, reader;
	__u64 deadline = now_ms() + 4 * TIMEOUT;
	__u32 len = next_size(&out), fwd_cnt;
	struct session s;

	session_guest_connects(&s, &cfg, *socktype);
	fwd_cnt = s.c.peer_fwd_cnt;
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	writer = (struct flow){ s.fd, { 2 }, 2 };
	reader = (struct flow){ s.fd, { 1 }, 1 };
	thread_start(&writer.thread, write_flow, &writer);
	thread_start(&reader.thread, read_flow, &reader);
	while (out.pos < FLOW || in.pos < FLOW) {
		require(ms_left(deadline), "stuck at %llu out, %llu in",
			(unsigned long long)out.pos,
			(unsigned long long)in.pos);
		flow_out(&s.c, &out, &len);
		require_ok(conn_pump(&s.c, out.pos < FLOW ? 1 : 100));
		flow_in(&s.c, &in);
		check_credit(&s.c, &fwd_cnt);
		require(!s.c.reset, "reset");
	}
	pthread_join(writer.thread, NULL);
	pthread_join(reader.thread, NULL);
	require(reader.pos == out.pos && writer.pos == in.pos, "bytes are lost");
	session_close(&s);
}

/* --- tiny messages --- */

#define ROOM 262144U
#define EMPTY_ROOM 4096U

/* Set the size of the host's buffer. */
static void session_with_room(struct session *s, struct guest_config *cfg,
			      int socktype, __u64 room)
{
	static const int sizes[] = {
		SO_VM_SOCKETS_BUFFER_MIN_SIZE, SO_VM_SOCKETS_BUFFER_SIZE,
	};
	unsigned int i;

	session_guest_connects(s, cfg, socktype);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		require(!setsockopt(s->fd, AF_VSOCK, sizes[i], &room,
				    sizeof(room)), "room: %s", strerror(errno));
}

/* Send the packet in the guest's memory @n times, as many as fit at a time. Stops when the host
 * resets the connection; returns how many were sent.
 */
static __u32 send_same(struct session *s, const struct pkt *p, __u32 n)
{
	struct virtio_vsock_hdr h = pkt_encode(p);
	struct seg seg = { s->g.tx_gpa, HDR_LEN + p->len, false };
	struct ring *r = &s->g.q[TXQ].ring;
	__u32 sent = 0;

	mem_write(&s->g.mem, s->g.tx_gpa, &h, HDR_LEN);
	mem_write(&s->g.mem, s->g.tx_gpa + HDR_LEN, "m", p->len);
	while (sent < n && !s->c.reset) {
		while (sent < n && ring_add(r, &seg, 1, NULL) >= 0)
			sent++;
		guest_notify(&s->g, TXQ);
		while (r->nfree < r->num)
			require(guest_poll(&s->g, TIMEOUT) > 0,
				"stuck after %u", sent);
		require_ok(conn_pump(&s->c, 0));
	}
	return sent;
}

#define AT_ONCE 256

/* Receive @n messages of one byte each. */
static void read_tiny(int fd, __u32 n)
{
	static char in[AT_ONCE][2];
	struct mmsghdr m[AT_ONCE] = { 0 };
	struct iovec iov[AT_ONCE];
	int i, got;

	for (i = 0; i < AT_ONCE; i++) {
		iov[i] = (struct iovec){ in[i], sizeof(in[i]) };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	for (; n; n -= got) {
		got = recvmmsg(fd, m, n < AT_ONCE ? n : AT_ONCE, MSG_DONTWAIT,
			       NULL);
		require(got > 0, "%u are missing: %s", n, strerror(errno));
		for (i = 0; i < got; i++)
			require(m[i].msg_len == 1 && in[i][0] == 'm',
				"a message of %u", m[i].msg_len);
	}
}

/* As many one-byte messages as the credit allows, unread. */
static void tiny(const void *arg)
{
	const int *socktype = arg;
	struct guest_config cfg = test_config(0);
	static __u8 in[ROOM];
	struct session s;
	struct pkt p;
	__u32 n, i;

	cfg.num[TXQ] = 1024;
	session_guest_connects(&s, &cfg, *socktype);
	require(s.c.peer_buf_alloc == ROOM, "credit of %u", s.c.peer_buf_alloc);
	p = conn_pkt(&s.c, VIRTIO_VSOCK_OP_RW);
	p.len = 1;
	p.flags = VIRTIO_VSOCK_SEQ_EOM;
	n = send_same(&s, &p, ROOM);
	/* vhost_vsock counts the kernel memory that each packet takes. */
	if (test_options.upstream && s.c.reset) {
		tap_note("reset after %u packets at most", n);
		require(host_error(s.fd) == -ENOBUFS, "not ENOBUFS");
		session_close(&s);
		return;
	}
	require(!s.c.reset, "reset after %u", n);
	s.c.tx_cnt = ROOM;
	if (*socktype == SOCK_SEQPACKET) {
		read_tiny(s.fd, ROOM);
	} else {
		require_ok(host_recv(s.fd, in, ROOM, TIMEOUT));
		for (i = 0; i < ROOM; i++)
			require(in[i] == 'm', "byte %u", i);
	}
	require(recv(s.fd, in, 1, 0) < 0 && errno == EAGAIN, "one too many");
	session_to_guest(&s, 1000);
	session_close(&s);
}

/* Empty messages take no credit, but their number is limited. */
static void empty_messages(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	struct pkt p;
	__u32 n;

	(void)arg;
	cfg.num[TXQ] = 256;
	session_with_room(&s, &cfg, SOCK_SEQPACKET, EMPTY_ROOM);
	p = conn_pkt(&s.c, VIRTIO_VSOCK_OP_RW);
	p.flags = VIRTIO_VSOCK_SEQ_EOM;
	n = send_same(&s, &p, EMPTY_ROOM);
	require(!s.c.reset, "reset after %u", n);
	send_same(&s, &p, 1);
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	require(host_error(s.fd) == -ENOBUFS, "not ENOBUFS");
	neighbour_exchange(1000);
	session_close(&s);
}

void add_data_tests(void)
{
	static const struct {
		const char *name;
		int socktype;
	} types[] = {
		{ "streams", SOCK_STREAM }, { "seqpackets", SOCK_SEQPACKET },
	};
	static const struct {
		const char *name;
		void (*run)(const void *arg);
		unsigned int rings;
	} both[] = {
		{ "order of 8 senders on a socket", one_socket, RINGS_ALL },
		{ "order of 8 senders on 8 sockets", eight_sockets, RINGS_ALL },
		{ "random sizes both ways", both_ways, RINGS_ALL },
		{ "a buffer full of one-byte packets", tiny, RINGS_SPLIT },
	};
	char group[32];
	unsigned int i, t;

	for (t = 0; t < ARRAY_SIZE(types); t++) {
		snprintf(group, sizeof(group), "data, %s", types[t].name);
		for (i = 0; i < ARRAY_SIZE(both); i++)
			session_test(group, both[i].name, both[i].run,
				     &types[t].socktype, 0, both[i].rings);
	}
	session_test("data", "messages of two writers", two_writers, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
	session_test("data", "messages to two readers", two_readers, NULL, 0,
		     RINGS_BOTH);
	session_test("data", "messages without a byte", empty_messages, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
}
