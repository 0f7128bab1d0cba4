// SPDX-License-Identifier: GPL-2.0
/* Operations with packets large enough to be left to a reader that waits in recv(). */
#include <unistd.h>

#include "faults.h"

#define LARGE	20000U
#define SEED	7

static int send_packet(struct scene *s)
{
	static __u8 out[LARGE];
	int err = conn_pump(&s->s.c, 0);

	if (err < 0)
		return err;
	pattern_fill(out, LARGE, SEED, 0);
	err = conn_send_rw(&s->s.c, out, LARGE, VIRTIO_VSOCK_SEQ_EOM,
			   s->timeout);
	/* Do not wait for data that will not come. */
	if (err)
		shutdown(s->s.fd, SHUT_RDWR);
	return err;
}

/* Sets @tid before it waits. */
int recv_packet(struct scene *s)
{
	static __u8 in[LARGE];
	ssize_t n;

	__atomic_store_n(&s->tid, gettid(), __ATOMIC_SEQ_CST);
	n = recv(s->s.fd, in, LARGE, MSG_WAITALL);
	if (n < 0)
		return -errno;
	if (!n)
		return -ECONNRESET;
	require(n == LARGE && pattern_check(in, LARGE, SEED, 0) < 0,
		"data differ");
	return 0;
}

static void await_reader(struct scene *s)
{
	pid_t tid;

	while (!(tid = __atomic_load_n(&s->tid, __ATOMIC_SEQ_CST)))
		usleep(1000);
	wait_asleep(tid);
}

static int send_to_reader(struct scene *s)
{
	await_reader(s);
	return send_packet(s);
}

/* A first read tells the device the reader's buffer size. */
static void begin(struct scene *s, int socktype)
{
	scene_connect(s, socktype);
	require_ok(host_set_blocking(s->s.fd, TIMEOUT));
	require_ok(send_packet(s));
	require_ok(recv_packet(s));
}

/* --- by the reader -------------------------------------------------------- */

static void await(struct scene *s, int socktype)
{
	begin(s, socktype);
	scene_beside(s, send_to_reader);
}

void awaited(struct scene *s) { await(s, SOCK_STREAM); }
void seqpacket_awaited(struct scene *s) { await(s, SOCK_SEQPACKET); }

int recv_left(struct scene *s)
{
	int err = recv_packet(s);

	return scene_join(s) ?: err;
}

/* The next packets are left to the reader, too; not all of them if it is late. */
int left_to_reader(struct scene *s)
{
	__u64 before;
	int err;

	/* The guest is going to reset the device. */
	if (scene_errors(s))
		return 0;
	before = counter_get(&s->s.g, "direct_receives");
	do {
		scene_beside(s, send_to_reader);
		err = recv_left(s);
	} while (!err && counter_get(&s->s.g, "direct_receives") == before);
	return err;
}

/* --- by the worker -------------------------------------------------------- */

void reads(struct scene *s)
{
	begin(s, SOCK_STREAM);
	scene_beside(s, recv_packet);
	await_reader(s);
}

int guest_sends_to_reader(struct scene *s)
{
	int err = send_packet(s), read = scene_join(s);

	return err ?: read;
}
