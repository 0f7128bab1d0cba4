// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that makes a packet available for each one that the device takes, before that is
 * published: a ring that is never empty.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define LARGE	20000U	/* large enough to be left to a reader */
#define UNUSED	(~0U)

struct endless {
	struct ring *ring;
	__u16 pos;	/* position of the next chain for the device to take */
	__u16 bare;	/* the descriptor of a packet without data */
	bool stop;
	bool late;	/* the deadline passed before it was stopped */
	pthread_t thread;
};

static void write_packet(struct session *s, __u64 at, __u16 op, __u32 len)
{
	struct pkt p = conn_pkt(&s->c, op);
	struct virtio_vsock_hdr h;

	p.len = len;
	h = pkt_encode(&p);
	s->c.tx_cnt += len;
	require_ok(mem_write(&s->g.mem, at, &h, HDR_LEN));
}

/* Set a ring's descriptor for it. */
static __u16 describe(struct ring *r, __u64 at, __u32 len)
{
	__u16 i;

	require(ring_take(r, 1, &i, NULL) >= 0, "no descriptor");
	ring_set_desc(r, i, at, len, 0, 0);
	return i;
}

/* The used entry is written before the used index. */
static bool taken(struct endless *e)
{
	struct vring_used_elem *used = &e->ring->s.used->ring[e->pos & (e->ring->num - 1)];

	if (__atomic_load_n(&used->id, __ATOMIC_RELAXED) == UNUSED)
		return false;
	__atomic_store_n(&used->id, UNUSED, __ATOMIC_RELAXED);
	return true;
}

static void *supply(void *arg)
{
	struct endless *e = arg;
	struct vring_avail *avail = e->ring->s.avail;
	__u64 deadline = now_ms() + TIMEOUT;

	while (!__atomic_load_n(&e->stop, __ATOMIC_RELAXED)) {
		if (!ms_left(deadline)) {
			e->late = true;
			break;
		}
		for (; taken(e); e->pos++) {
			avail->ring[e->pos & (e->ring->num - 1)] = ring_16(e->ring, e->bare);
			__atomic_store_n(&avail->idx,
					 ring_16(e->ring, e->pos + 1 + e->ring->num),
					 __ATOMIC_RELEASE);
		}
	}
	return NULL;
}

/* First data, then packets without data. */
static void start(struct endless *e, struct session *s)
{
	struct ring *r = &s->g.q[TXQ].ring;
	__u64 bare_gpa = s->g.tx_gpa + HDR_LEN + LARGE;
	__u16 first = describe(r, s->g.tx_gpa, HDR_LEN + LARGE);
	unsigned int i;

	*e = (struct endless){ .ring = r, .pos = r->s.avail_idx };
	e->bare = describe(r, bare_gpa, HDR_LEN);
	write_packet(s, s->g.tx_gpa, VIRTIO_VSOCK_OP_RW, LARGE);
	write_packet(s, bare_gpa, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	for (i = 0; i < r->num; i++) {
		r->s.avail->ring[i] = ring_16(r, e->bare);
		r->s.used->ring[i].id = UNUSED;
	}
	r->s.avail->ring[e->pos & (r->num - 1)] = ring_16(r, first);
	__atomic_store_n(&r->s.avail->idx, ring_16(r, e->pos + r->num),
			 __ATOMIC_RELEASE);
	require(!pthread_create(&e->thread, NULL, supply, e), "thread");
	guest_kick(&s->g, TXQ);
}

static pid_t start_reader(const struct session *s)
{
	pid_t pid = fork();
	__u8 in[LARGE];

	require(pid >= 0, "fork");
	if (pid)
		return pid;
	while (recv(s->fd, in, LARGE, MSG_WAITALL) == LARGE)
		;
	_exit(0);
}

static void send_large(struct session *s)
{
	static const __u8 out[LARGE];

	require_ok(conn_send_rw(&s->c, out, LARGE, 0, TIMEOUT));
}

/* A reading program can be killed meanwhile, and the device stopped. */
static void endless(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct endless e;
	struct session s;
	pid_t pid;
	int i;

	(void)arg;
	/* Enough that the ring does not become empty while the driver waits for a CPU. */
	cfg.num[TXQ] = 32768;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require_ok(host_set_blocking(s.fd, 0));
	pid = start_reader(&s);
	/* The reader waits with room for one packet, and takes it by a direct read. */
	for (i = 0; i < 2; i++) {
		wait_asleep(pid);
		send_large(&s);
	}
	wait_asleep(pid);
	start(&e, &s);
	usleep(QUIET * 1000);
	kill(pid, SIGKILL);
	require(waitpid(pid, NULL, 0) == pid, "waitpid");
	require_ok(dev_set_running(&s.g.dev, 0));
	__atomic_store_n(&e.stop, true, __ATOMIC_RELAXED);
	pthread_join(e.thread, NULL);
	require(!e.late, "only after the packets ended");
	close(s.fd);
	guest_stop(&s.g);
}

void add_endless_tests(void)
{
	session_test("tx race", "endless packets to a reader", endless, NULL,
		     TAP_MVSOCK, RINGS_SPLIT);
}
