// SPDX-License-Identifier: GPL-2.0
/*
 * Full load in both directions, during which the guest stops, resets its connections, or
 * disappears; or the host's sockets do.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "device_test.h"
#include "session.h"

#define CONNS 4
#define BLOCK 4000U
#define LOAD (64 * 1024)	/* bytes in each direction of each connection before the cut */

enum cut { NOTHING, STOP, RESET, CLOSE, KILL, HOST_CLOSES };

/* Messages between the guest's process and the test. */
struct shared {
	int cut;
	int done;	/* the last command that the guest has executed */
};

static void thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	require(!pthread_create(thread, NULL, run, arg), "thread");
}

/* --- the guest, in its own process --- */

static void carry_out(struct guest *g, struct conn *c, int cut)
{
	unsigned int i;

	switch (cut) {
	case STOP:
		require_ok(dev_set_running(&g->dev, 0));
		usleep(QUIET * 1000);
		require_ok(dev_set_running(&g->dev, 1));
		break;
	case RESET:
		for (i = 0; i < CONNS; i++)
			require_ok(conn_send_op(&c[i], VIRTIO_VSOCK_OP_RST, 0));
		break;
	case CLOSE:
		dev_close(&g->dev);
		break;
	}
}

/* Received data are checked and read, but only up to this amount, as more arrive meanwhile. Then a
 * block is sent, if there is credit for it.
 */
static void turn(struct conn *c, __u64 *in, __u64 *out)
{
	static __u8 buf[MAX_PAYLOAD];
	__u64 most = *in + 4 * BLOCK;

	require(conn_pump(c, 0) >= 0, "the device violates the protocol");
	while (*in < most && c->rxq.first && !c->reset) {
		__u32 len = c->rxq.first->hdr.len;

		require_ok(conn_recv(c, buf, len, TIMEOUT));
		require(pattern_check(buf, len, c->port, *in) < 0,
			"the guest got other data");
		*in += len;
	}
	if (c->reset || c->peer_shutdown || conn_credit(c) < BLOCK)
		return;
	pattern_fill(buf, BLOCK, c->port, *out);
	require_ok(conn_send_rw(c, buf, BLOCK, 0, TIMEOUT));
	*out += BLOCK;
}

static void play_guest(const struct guest_config *cfg, const __u32 *ports,
		       struct shared *shared)
{
	__u64 in[CONNS] = { 0 }, out[CONNS] = { 0 };
	struct conn c[CONNS];
	struct guest g;
	int cut, i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	require_ok(guest_start(&g, cfg));
	for (i = 0; i < CONNS; i++) {
		conn_init(&c[i], &g, VIRTIO_VSOCK_TYPE_STREAM, 100 + i,
			  ports[i]);
		require_ok(conn_connect(&c[i], TIMEOUT));
	}
	for (;;) {
		cut = __atomic_load_n(&shared->cut, __ATOMIC_SEQ_CST);
		if (cut != shared->done)
			carry_out(&g, c, cut);
		__atomic_store_n(&shared->done, cut, __ATOMIC_SEQ_CST);
		if (cut == CLOSE || cut == RESET)
			pause();
		for (i = 0; i < CONNS; i++)
			turn(&c[i], &in[i], &out[i]);
		guest_poll(&g, 1);
	}
}

/* --- the host's sockets --- */

struct end {
	int fd;
	__u32 seed;
	__u64 in, out;
	pthread_t reader, writer;
};

static void *read_all(void *arg)
{
	__u8 buf[8192];
	struct end *e = arg;
	ssize_t n;

	while ((n = recv(e->fd, buf, sizeof(buf), 0)) > 0) {
		require(pattern_check(buf, n, e->seed, e->in) < 0,
			"the host got other data");
		__atomic_add_fetch(&e->in, n, __ATOMIC_SEQ_CST);
	}
	require(!n || errno == ECONNRESET, "recv: %s", strerror(errno));
	return NULL;
}

static void *write_all(void *arg)
{
	__u8 buf[8192];
	struct end *e = arg;
	ssize_t n;

	do {
		pattern_fill(buf, sizeof(buf), e->seed, e->out);
		n = send(e->fd, buf, sizeof(buf), MSG_NOSIGNAL);
		if (n > 0)
			__atomic_add_fetch(&e->out, n, __ATOMIC_SEQ_CST);
		else if (errno == EHOSTUNREACH)
			usleep(1000);	/* newer kernels refuse while it is stopped */
	} while (n > 0 || errno == EHOSTUNREACH);
	require(errno == EPIPE || errno == ECONNRESET, "send: %s",
		strerror(errno));
	return NULL;
}

static __u64 received(struct end *e)
{
	return __atomic_load_n(&e->in, __ATOMIC_SEQ_CST);
}

static __u64 sent(struct end *e)
{
	return __atomic_load_n(&e->out, __ATOMIC_SEQ_CST);
}

/* Fail only if nothing moves, so that slow machines pass. */
static void wait_carried(struct end *e, __u64 in, __u64 out)
{
	__u64 deadline = now_ms() + 2 * TIMEOUT, before = 0;

	while (received(e) < in || sent(e) < out) {
		__u64 moved = received(e) + sent(e);

		if (moved != before)
			deadline = now_ms() + 2 * TIMEOUT;
		before = moved;
		require(ms_left(deadline),
			"seed %u is stuck: %llu of %llu in, %llu of %llu out",
			e->seed, received(e) + 0ULL, in + 0ULL, sent(e) + 0ULL,
			out + 0ULL);
		usleep(1000);
	}
}

/* Wait until each has transferred this much more in each direction. */
static void wait_load(struct end *e)
{
	__u64 in[CONNS], out[CONNS];
	int i;

	for (i = 0; i < CONNS; i++) {
		in[i] = received(&e[i]) + LOAD;
		out[i] = sent(&e[i]) + LOAD;
	}
	for (i = 0; i < CONNS; i++)
		wait_carried(&e[i], in[i], out[i]);
}

static void wait_done(struct shared *shared, int cut)
{
	__u64 deadline = now_ms() + TIMEOUT;

	while (__atomic_load_n(&shared->done, __ATOMIC_SEQ_CST) != cut) {
		require(ms_left(deadline), "the guest is stuck");
		usleep(1000);
	}
}

static void cut_off(struct end *e, struct shared *shared, int cut, pid_t pid)
{
	int i;

	if (cut == KILL) {
		kill(pid, SIGKILL);
		return;
	}
	for (i = 0; i < CONNS && cut == HOST_CLOSES; i++)
		shutdown(e[i].fd, SHUT_RDWR);
	if (cut == HOST_CLOSES)
		return;
	__atomic_store_n(&shared->cut, cut, __ATOMIC_SEQ_CST);
	wait_done(shared, cut);
	/* Transfers that were stopped continue. */
	if (cut == STOP) {
		wait_load(e);
		kill(pid, SIGKILL);
	}
}

static void cut(const void *arg)
{
	const enum cut *cut = arg;
	struct guest_config cfg = test_config(0);
	int listeners[CONNS], i;
	struct end e[CONNS] = { 0 };
	struct shared *shared;
	__u32 ports[CONNS];
	struct guest g;
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(shared != MAP_FAILED, "mmap");
	for (i = 0; i < CONNS; i++) {
		listeners[i] = host_listen(SOCK_STREAM, &ports[i]);
		require_ok(listeners[i]);
	}
	pid = fork();
	require(pid >= 0, "fork");
	if (!pid)
		play_guest(&cfg, ports, shared);
	for (i = 0; i < CONNS; i++) {
		e[i].fd = host_accept(listeners[i], TIMEOUT);
		require_ok(e[i].fd);
		e[i].seed = 100 + i;
		require_ok(host_set_blocking(e[i].fd, 2 * TIMEOUT));
		thread_start(&e[i].reader, read_all, &e[i]);
		thread_start(&e[i].writer, write_all, &e[i]);
	}
	wait_load(e);
	cut_off(e, shared, *cut, pid);
	for (i = 0; i < CONNS; i++) {
		pthread_join(e[i].reader, NULL);
		pthread_join(e[i].writer, NULL);
		close(e[i].fd);
		close(listeners[i]);
	}
	kill(pid, SIGKILL);
	require(waitpid(pid, NULL, 0) == pid, "waitpid");
	/* The CID is free again. */
	require_ok(guest_start(&g, &cfg));
	guest_stop(&g);
}

void add_cut_tests(void)
{
	static const struct {
		const char *name;
		enum cut cut;
	} tests[] = {
		{ "the device stops, and goes on", STOP },
		{ "the guest resets", RESET },
		{ "the device is closed", CLOSE },
		{ "the VMM is killed", KILL },
		{ "the host shuts down", HOST_CLOSES },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		session_test("under load", tests[i].name, cut, &tests[i].cut, 0,
			     RINGS_BOTH);
}
