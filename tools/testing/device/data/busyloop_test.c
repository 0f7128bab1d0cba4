// SPDX-License-Identifier: GPL-2.0
/*
 * VHOST_SET_VRING_BUSYLOOP_TIMEOUT: for a while the device polls for chains itself, without a kick.
 * It does so only while no other task wants the CPU: on a single CPU it yields to this process, and
 * enables kicks as usual.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define LONG 10000000U	/* us, longer than a test takes */
#define ABSURD 0xffffffffU
#define TRIES 1000
#define STREAK 5

/* The @n-th CPU of a set that contains it. */
static int nth_cpu(const cpu_set_t *set, int n)
{
	int cpu = 0;

	while (!CPU_ISSET(cpu, set) || n--)
		cpu++;
	return cpu;
}

/* A connection, without receive buffers. */
static void start(struct session *s, bool event_idx)
{
	struct guest_config cfg = test_config(0);

	cfg.rx_bufs = 0;
	cfg.features |= event_idx ? F_EVENT_IDX : 0;
	require_ok(guest_start(&s->g, &cfg));
	require_ok(guest_post_rx(&s->g, 4096, &layout_one));
	session_connect(s, SOCK_STREAM);
}

static void set_timeouts(struct session *s, __u32 us)
{
	unsigned int q;

	for (q = 0; q < NUM_QUEUES; q++)
		require_ok(dev_set_ring_busyloop(&s->g.dev, q, us));
}

/* A packet that needs no answer, or a buffer for one. */
static void add_chain(struct session *s, unsigned int q)
{
	struct pkt p = conn_pkt(&s->c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	struct virtio_vsock_hdr h = pkt_encode(&p);
	struct seg seg = { s->g.tx_gpa, HDR_LEN, false };

	if (q == RXQ)
		seg = (struct seg){ s->g.tx_gpa + 4096, 4096, true };
	else
		mem_write(&s->g.mem, seg.addr, &h, HDR_LEN);
	require_ok(ring_add(&s->g.q[q].ring, &seg, 1, NULL));
	ring_publish(&s->g.q[q].ring);
}

static void wait_for_used(struct session *s, unsigned int q, const char *how)
{
	struct ring *r = &s->g.q[q].ring;
	__u64 deadline = now_ms() + TIMEOUT;
	void *token;
	__u32 len;

	while (!ring_has_used(r)) {
		require(ms_left(deadline), "a chain %s was not used", how);
		sched_yield();
	}
	require(ring_get_used(r, &len, &token) >= 0, "bad used entry");
}

/* Have a chain used. Returns true if that took a kick. */
static bool use_chain(struct session *s, unsigned int q)
{
	add_chain(s, q);
	if (!ring_kick_wanted(&s->g.q[q].ring)) {
		wait_for_used(s, q, "for which no kick was wanted");
		return false;
	}
	eventfd_write(s->g.q[q].kick, 1);
	wait_for_used(s, q, "that was kicked for");
	return true;
}

/* The same when the device has just found no chain. */
static bool takes_kick(struct session *s, unsigned int q)
{
	struct sending x;
	bool kick;

	if (q == RXQ)
		host_send_begin(&x, s->fd, "x", 1, 0, TIMEOUT);
	/* After the second chain, RX has been checked as well since the first one. */
	use_chain(s, TXQ);
	use_chain(s, TXQ);
	/*
	 * Without the ioctl's timeout, the device polls for less than this where chains come
	 * quickly.
	 */
	usleep(1000);
	kick = use_chain(s, q);
	if (q == RXQ)
		require_ok(host_send_end(&x));
	return kick;
}

/*
 * Wait until chains repeatedly need a kick, or none, as given by @kick: several times in a row,
 * because the device may poll for another reason, or may have had to stop polling.
 */
static bool comes_to(struct session *s, unsigned int q, bool kick)
{
	int i, streak = 0;

	for (i = 0; i < TRIES && streak < STREAK; i++)
		streak = takes_kick(s, q) == kick ? streak + 1 : 0;
	return streak == STREAK;
}

struct looks {
	const char *name;
	unsigned int q;
	bool event_idx;
};

static const struct looks looks[] = {
	{ "tx", TXQ, false },
	{ "tx, event index", TXQ, true },
	{ "rx", RXQ, false },
	{ "rx, event index", RXQ, true },
};

static void looks_itself(const void *arg)
{
	const struct looks *t = arg;
	cpu_set_t allowed;
	struct session s;
	bool alone;

	require(!sched_getaffinity(0, sizeof(allowed), &allowed), "affinity");
	alone = CPU_COUNT(&allowed) == 1;
	/*
	 * The worker gets the CPU of the thread that starts it. On one CPU with the driver, where a
	 * scheduler may leave both, each would keep the other from running.
	 */
	require_ok(host_use_cpu(nth_cpu(&allowed, 0)));
	start(&s, t->event_idx);
	require_ok(host_use_cpu(nth_cpu(&allowed, !alone)));
	require(comes_to(&s, t->q, true), "no timeout, no kick");
	require_ok(dev_set_ring_busyloop(&s.g.dev, t->q, LONG));
	require(comes_to(&s, t->q, alone), "it %s for kicks",
		alone ? "does not ask" : "goes on asking");
	require_ok(dev_set_ring_busyloop(&s.g.dev, t->q, 0));
	require(comes_to(&s, t->q, true), "no timeout any more, no kick");
	session_close(&s);
}

/* The device polls for packets, and for buffers for pending data. */
static void look_forever(struct session *s)
{
	int err;

	start(s, false);
	set_timeouts(s, ABSURD);
	use_chain(s, TXQ);
	err = host_send(s->fd, "x", 1, 0, 0);
	require(err == (test_options.upstream ? 0 : -ETIMEDOUT), "%s",
		strerror(-err));
}

static int stop(const struct session *s)
{
	return dev_set_running(&s->g.dev, 0);
}

static int reset(const struct session *s)
{
	return dev_ioctl(&s->g.dev, VHOST_RESET_OWNER, NULL);
}

static int new_table(const struct session *s)
{
	return dev_set_mem_table(&s->g.dev, &s->g.mem);
}

static int new_timeout(const struct session *s)
{
	return dev_set_ring_busyloop(&s->g.dev, TXQ, ABSURD);
}

static int close_device(const struct session *s)
{
	struct dev d = s->g.dev;

	dev_close(&d);
	return 0;
}

struct call_test {
	const char *name;
	int (*call)(const struct session *s);
};

static const struct call_test call_tests[] = {
	{ "stopped meanwhile", stop },
	{ "reset meanwhile", reset },
	{ "new memory table meanwhile", new_table },
	{ "new timeout meanwhile", new_timeout },
	{ "closed meanwhile", close_device },
};

static void call_meanwhile(const void *arg)
{
	const struct call_test *t = arg;
	struct session s;
	__u64 start;

	look_forever(&s);
	neighbour_exchange(100000);
	start = now_ms();
	require_ok(t->call(&s));
	require(now_ms() - start < TIMEOUT, "it took %llu ms",
		(unsigned long long)(now_ms() - start));
	if (t->call != close_device)
		dev_close(&s.g.dev);
	close(s.fd);
}

/* The process exits, although the polling thread is one of its own. */
static void killed_meanwhile(const void *arg)
{
	__u64 deadline;
	int ready[2];
	pid_t pid;
	char c;

	(void)arg;
	require(!pipe(ready), "pipe");
	pid = fork();
	require(pid >= 0, "fork");
	if (!pid) {
		struct session s;

		look_forever(&s);
		require(write(ready[1], "", 1) == 1, "write");
		pause();
	}
	close(ready[1]);
	require(read(ready[0], &c, 1) == 1, "the other process failed");
	neighbour_exchange(100000);
	kill(pid, SIGKILL);
	deadline = now_ms() + TIMEOUT;
	while (waitpid(pid, NULL, WNOHANG) != pid) {
		require(ms_left(deadline), "the process is still alive");
		usleep(1000);
	}
}

void add_busyloop_tests(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(looks); i++)
		session_test("busyloop", looks[i].name, looks_itself, &looks[i],
			     TAP_MVSOCK, RINGS_BOTH);
	for (i = 0; i < ARRAY_SIZE(call_tests); i++)
		session_test("busyloop", call_tests[i].name, call_meanwhile,
			     &call_tests[i], 0, RINGS_SPLIT);
	session_test("busyloop", "killed meanwhile", killed_meanwhile, NULL, 0,
		     RINGS_SPLIT);
}
