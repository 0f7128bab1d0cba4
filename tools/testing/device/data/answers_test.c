// SPDX-License-Identifier: GPL-2.0
/*
 * A host's program that sends a request and waits for each answer: the driver's kick wakes it in
 * place of the worker. Whatever the program does instead of reading on, the guest's data arrive.
 */
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "device_test.h"
#include "failing.h"
#include "session.h"

#define SMALL	64U
#define ROUNDS	10000	/* maximum until a reader is expected to wait for answers */
#define DIRECT	8U	/* packets by direct reads */

/* What the reader does after an answer; sent as the first byte of each answer. */
enum then {
	ASK_AGAIN,
	WAIT,		/* for another answer, without a request */
	STOP,
	LINGER,		/* do not read any more */
	STARVE,		/* wait for a CPU that others use */
	POLL,		/* and read when there are data */
	LOOK,		/* MSG_PEEK, and do not consume the answer */
	TIME_OUT,	/* set a timeout, and read */
	LEAVE,		/* leave the socket to the others, and exit */
};

static const __u8 question[SMALL];

/* Sleep in a system call that returns whenever the task is woken. */
static void sleep_elsewhere(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigwaitinfo(&set, NULL);
	_exit(5);
}

static void take(int fd, __u8 *answer, int flags)
{
	ssize_t n = recv(fd, answer, SMALL, flags);
	int unread;

	if (n < 0 && errno == EINTR)
		sleep_elsewhere();
	if (n != SMALL)
		_exit(1);
	/* Only newer kernels support SIOCINQ. */
	if (!(flags & MSG_PEEK) && !ioctl(fd, SIOCINQ, &unread) && unread)
		_exit(6);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Spin on the first CPU with scheduling policy @policy. */
static void spin(int policy)
{
	const struct sched_param param = { 0 };

	if (host_use_cpu(0) || sched_setscheduler(0, policy, &param))
		_exit(4);
	for (;;)
		;
}

static void read_answers(int fd)
{
	const struct timeval tv = { .tv_sec = TIMEOUT / 1000 };
	const struct sigaction sa = { .sa_handler = on_signal };
	__u8 answer[SMALL] = { ASK_AGAIN };

	sigaction(SIGUSR1, &sa, NULL);
	for (;;) {
		switch (answer[0]) {
		case ASK_AGAIN:
			if (send(fd, question, SMALL, 0) != SMALL)
				_exit(2);
			break;
		case STOP:
			raise(SIGSTOP);
			break;
		case LINGER:
			sleep_elsewhere();
			break;
		case STARVE:
			spin(SCHED_IDLE);
			break;
		case POLL:
			if (!host_poll(fd, POLLIN, TIMEOUT))
				_exit(3);
			break;
		case LOOK:
			take(fd, answer, MSG_PEEK);
			break;
		case TIME_OUT:
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
			break;
		case LEAVE:
			_exit(0);
		}
		take(fd, answer, answer[0] == POLL ? MSG_DONTWAIT : 0);
	}
}

static void hear(struct session *s)
{
	__u8 in[SMALL];

	require_ok(conn_recv(&s->c, in, SMALL, TIMEOUT));
}

static void tell(struct session *s, enum then then)
{
	const __u8 out[SMALL] = { then };

	require_ok(conn_send(&s->c, out, SMALL, TIMEOUT));
}

/* Wait until the reader has taken some answers by direct reads; it has then sent a request. */
static void warm_up(struct session *s)
{
	__u64 before, direct = 0;
	unsigned int i;

	for (i = 0; i < ROUNDS && direct < DIRECT; i++) {
		before = counter_get(&s->g, "direct_receives");
		tell(s, ASK_AGAIN);
		hear(s);
		direct += counter_get(&s->g, "direct_receives") - before;
	}
	require(direct >= DIRECT, "%llu direct reads of %u answers",
		direct + 0ULL, i);
}

static pid_t begin(struct session *s, struct session *other)
{
	struct guest_config cfg = test_config(0);
	pid_t pid;

	session_guest_connects(s, &cfg, SOCK_STREAM);
	session_another(other, s, SOCK_STREAM, 1);
	require_ok(host_set_blocking(s->fd, 0));
	pid = fork();
	require(pid >= 0, "fork");
	if (!pid)
		read_answers(s->fd);
	hear(s);
	warm_up(s);
	return pid;
}

static void end(struct session *s, struct session *other)
{
	session_close_another(other);
	session_close(s);
}

static void end_reader(pid_t pid, int sig)
{
	int status;

	if (sig)
		kill(pid, sig);
	require(waitpid(pid, &status, 0) == pid, "waitpid");
	require(sig ? WIFSIGNALED(status) : !status, "the reader failed: %x",
		status);
}

/* The data to read are the guest's answer with @then. */
static void expect(struct session *s, enum then then)
{
	__u8 in[SMALL];

	require(host_poll(s->fd, POLLIN, TIMEOUT), "nothing to read");
	require_ok(host_recv(s->fd, in, SMALL, TIMEOUT));
	require(in[0] == then, "%u, not %u", in[0], then);
}

/* The reader is stopped after an answer, then while it waits; other connections are served. */
static void stopped(const void *arg)
{
	struct session s, other;
	pid_t pid = begin(&s, &other);

	(void)arg;
	tell(&s, STOP);
	wait_stopped(pid);
	session_exchange(&other, SMALL);
	tell(&s, ASK_AGAIN);
	session_exchange(&other, SMALL);
	kill(pid, SIGCONT);
	hear(&s);

	tell(&s, WAIT);
	wait_asleep(pid);
	kill(pid, SIGSTOP);
	wait_stopped(pid);
	session_exchange(&other, SMALL);
	tell(&s, ASK_AGAIN);
	session_exchange(&other, SMALL);
	kill(pid, SIGCONT);
	hear(&s);
	end_reader(pid, SIGKILL);
	end(&s, &other);
}

/* The reader is killed while it waits; another one continues. */
static void killed(const void *arg)
{
	struct session s, other;
	pid_t pid = begin(&s, &other);

	(void)arg;
	wait_asleep(pid);
	end_reader(pid, SIGKILL);
	session_exchange(&other, SMALL);
	tell(&s, STOP);
	expect(&s, STOP);
	session_to_guest(&s, SMALL);
	end(&s, &other);
}

/* The reader exits after an answer. */
static void leaves(const void *arg)
{
	struct session s, other;
	pid_t pid = begin(&s, &other);

	(void)arg;
	tell(&s, LEAVE);
	end_reader(pid, 0);
	session_exchange(&other, SMALL);
	tell(&s, STOP);
	expect(&s, STOP);
	end(&s, &other);
}

/* The reader sleeps elsewhere, after an answer or a signal; no kick wakes it there. */
static void lingers(const void *arg)
{
	const bool *interrupted = arg;
	struct session s, other;
	pid_t pid = begin(&s, &other);

	wait_asleep(pid);
	if (*interrupted)
		kill(pid, SIGUSR1);
	else
		tell(&s, LINGER);
	session_exchange(&other, SMALL);
	wait_asleep(pid);
	tell(&s, STOP);
	expect(&s, STOP);
	session_exchange(&other, SMALL);
	end_reader(pid, SIGKILL);
	end(&s, &other);
}

/* The reader gets no CPU; the worker waits for it only for a bounded time. */
static void starves(const void *arg)
{
	struct session s, other;
	pid_t hog, pid = begin(&s, &other);

	(void)arg;
	hog = fork();
	require(hog >= 0, "fork");
	if (!hog)
		spin(SCHED_OTHER);
	wait_asleep(pid);
	tell(&s, STARVE);
	session_exchange(&other, SMALL);
	tell(&s, STOP);
	expect(&s, STOP);
	end_reader(hog, SIGKILL);
	end_reader(pid, SIGKILL);
	end(&s, &other);
}

/* The reader waits in other ways, and gets each answer. */
static void waits(const void *arg)
{
	static const enum then ways[] = { WAIT, POLL, LOOK, TIME_OUT };
	struct session s, other;
	pid_t pid = begin(&s, &other);
	unsigned int i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		warm_up(&s);
		tell(&s, ways[i]);
		session_exchange(&other, SMALL);
		wait_asleep(pid);
		tell(&s, ways[i]);
		wait_asleep(pid);
		session_exchange(&other, SMALL);
		tell(&s, ASK_AGAIN);
		hear(&s);
	}
	tell(&s, LEAVE);
	end_reader(pid, 0);
	end(&s, &other);
}

/* The device stops while the reader waits, and starts again. */
static void paused(const void *arg)
{
	struct session s, other;
	pid_t pid = begin(&s, &other);

	(void)arg;
	wait_asleep(pid);
	require_ok(dev_set_running(&s.g.dev, 0));
	require_ok(dev_set_running(&s.g.dev, 1));
	tell(&s, ASK_AGAIN);
	hear(&s);
	end_reader(pid, SIGKILL);
	end(&s, &other);
}

#define LARGE (32 * 1024)

static void *read_large(void *arg)
{
	static __u8 buf[LARGE];
	int fd = *(int *)arg;

	while (recv(fd, buf, LARGE, MSG_WAITALL) == LARGE)
		;
	return NULL;
}

/* Packets that a reader waits for are counted as a whole, or not at all. */
static void large_unread(const void *arg)
{
	struct guest_config cfg = test_config(0);
	static const __u8 out[LARGE];
	pthread_t reader;
	struct session s;
	unsigned int i;
	int unread;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require_ok(host_set_blocking(s.fd, 0));
	if (ioctl(s.fd, SIOCINQ, &unread))
		tap_skip("this kernel has no SIOCINQ");
	require(!pthread_create(&reader, NULL, read_large, &s.fd),
		"pthread_create");
	for (i = 0; i < 200; i++) {
		require_ok(conn_send(&s.c, out, LARGE, TIMEOUT));
		require(!ioctl(s.fd, SIOCINQ, &unread), "SIOCINQ");
		require(unread % LARGE == 0, "%d unread", unread);
	}
	require(!shutdown(s.fd, SHUT_RD), "shutdown");
	pthread_join(reader, NULL);
	session_close(&s);
}

#define ANSWER 16000U	/* too small to be left to a reader */
#define ANSWERS 5U	/* after which a reader is expected to wait for the next one */

/* Two readers take the available data alternately, one byte each. */
struct sippers {
	int fd;
	bool stop;
	unsigned int bytes;
};

static void sip(struct sippers *r, unsigned int which)
{
	unsigned int bytes;
	char byte;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		bytes = __atomic_load_n(&r->bytes, __ATOMIC_RELAXED);
		if (bytes % 2 != which) {
			sched_yield();
			continue;
		}
		if (recv(r->fd, &byte, 1, 0) != 1)
			break;
		__atomic_store_n(&r->bytes, bytes + 1, __ATOMIC_RELAXED);
	}
}

static void *sip_even(void *arg)
{
	sip(arg, 0);
	return NULL;
}

static void *sip_odd(void *arg)
{
	sip(arg, 1);
	return NULL;
}

/* Five requests with answers, without a reader. */
static void leave_unread(struct session *s)
{
	static const __u8 answer[ANSWER];
	unsigned int i;

	for (i = 0; i < ANSWERS; i++) {
		require_ok(host_send(s->fd, question, SMALL, 0, TIMEOUT));
		hear(s);
		require_ok(conn_send(&s->c, answer, ANSWER, TIMEOUT));
	}
}

/* However long the readers take for queued data, other connections are served. */
static void in_turns(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s, other;
	struct sippers r = { 0 };
	pthread_t even, odd;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_another(&other, &s, SOCK_STREAM, 1);
	require_ok(host_set_blocking(s.fd, 0));
	leave_unread(&s);
	r.fd = s.fd;
	require(!pthread_create(&even, NULL, sip_even, &r) &&
		!pthread_create(&odd, NULL, sip_odd, &r), "pthread_create");
	while (__atomic_load_n(&r.bytes, __ATOMIC_RELAXED) < ANSWERS)
		sched_yield();
	session_exchange(&other, SMALL);
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	require(__atomic_load_n(&r.bytes, __ATOMIC_RELAXED) < ANSWERS * ANSWER,
		"only after all was read");
	pthread_join(even, NULL);
	pthread_join(odd, NULL);
	end(&s, &other);
}

/*
 * The driver in Linux sends a credit update when a request was read, and then the answer: at once,
 * while the reader polls for it, or later, after packets of another connection.
 */
static void credit_first(const void *arg)
{
	static const useconds_t delays[] = { 0, 20, 60, 200, 3000 };
	struct session s, other;
	unsigned int i;
	pid_t pid = begin(&s, &other);

	(void)arg;
	for (i = 0; i < 1000; i++) {
		require_ok(conn_credit_update(&s.c));
		if (i % 8 == 7)
			session_exchange(&other, SMALL);
		usleep(delays[i % ARRAY_SIZE(delays)]);
		tell(&s, ASK_AGAIN);
		hear(&s);
	}
	end_reader(pid, SIGKILL);
	end(&s, &other);
}

#define LEASE		"delay_mvsock_lease"
#define DELAYED		2000U	/* messages */

/*
 * Up to a maximum number, transitions of the lease take two milliseconds with this probability.
 * Call this before the test has a child or a device, as it may skip the test.
 */
static void set_delays(const char *probability)
{
	failing_set(LEASE, "task-filter", "N");
	failing_set(LEASE, "times", "500");
	failing_set(LEASE, "probability", probability);
}

/* Every answer arrives, and other connections are served. */
static void delayed(const void *arg)
{
	struct session s, other;
	unsigned int i;
	pid_t pid;

	(void)arg;
	set_delays("0");
	pid = begin(&s, &other);
	set_delays("5");
	for (i = 0; i < DELAYED; i++) {
		tell(&s, ASK_AGAIN);
		hear(&s);
		if (i % 8 == 0)
			session_exchange(&other, SMALL);
	}
	set_delays("0");
	end_reader(pid, SIGKILL);
	end(&s, &other);
}

/* Peeks first, and sees data each time. */
static void *peek_large(void *arg)
{
	static __u8 buf[LARGE];
	int fd = *(int *)arg;

	while (recv(fd, buf, LARGE, MSG_PEEK) > 0 &&
	       recv(fd, buf, LARGE, MSG_WAITALL) == LARGE)
		;
	return NULL;
}

struct large {
	int socktype;
	void *(*read)(void *fd);
	int (*send)(struct conn *c, const void *buf, __u32 len, int timeout);
};

/* The same for packets that are left to a reader; one that exits delays the guest. */
static void delayed_large(const void *arg)
{
	struct guest_config cfg = test_config(0);
	static const __u8 out[LARGE];
	const struct large *large = arg;
	struct session s, other;
	pthread_t reader;
	unsigned int i;

	set_delays("0");
	session_guest_connects(&s, &cfg, large->socktype);
	session_another(&other, &s, SOCK_STREAM, 1);
	require_ok(host_set_blocking(s.fd, 0));
	require(!pthread_create(&reader, NULL, large->read, &s.fd),
		"pthread_create");
	set_delays("5");
	for (i = 0; i < DELAYED; i++) {
		require_ok(large->send(&s.c, out, LARGE, TIMEOUT));
		if (i % 8 == 0)
			session_exchange(&other, SMALL);
	}
	set_delays("0");
	require(!shutdown(s.fd, SHUT_RD), "shutdown");
	pthread_join(reader, NULL);
	end(&s, &other);
}

void add_answers_tests(void)
{
	static const bool no = false, yes = true;
	static const struct large stream = { SOCK_STREAM, read_large, conn_send },
				  peek = { SOCK_STREAM, peek_large, conn_send },
				  seqpacket = { SOCK_SEQPACKET, read_large,
					       conn_send_message };
	static const struct {
		const char *name;
		void (*run)(const void *arg);
		const void *arg;
	} tests[] = {
		{ "a reader that is stopped", stopped },
		{ "a reader that is killed", killed },
		{ "a reader that leaves", leaves },
		{ "a reader that sleeps elsewhere", lingers, &no },
		{ "a reader that is interrupted", lingers, &yes },
		{ "a reader that starves", starves },
		{ "a reader that waits in other ways", waits },
		{ "two readers in turns", in_turns },
		{ "a credit update before each answer", credit_first },
		{ "SIOCINQ while a reader waits", large_unread },
		{ "a device that is stopped", paused },
		{ "transitions that take long", delayed },
		{ "transitions that take long, large packets", delayed_large, &stream },
		{ "transitions that take long, large packets, peeked at", delayed_large, &peek },
		{ "transitions that take long, large seqpackets", delayed_large, &seqpacket },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		session_test("answers", tests[i].name, tests[i].run,
			     tests[i].arg, TAP_MVSOCK, RINGS_BOTH);
}
