// SPDX-License-Identifier: GPL-2.0
/* IOTLB messages: read(), write() and poll() of the device. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "device_test.h"
#include "iommu.h"
#include "session.h"

#define MSG_LEN ((ssize_t)sizeof(struct vhost_msg_v2))

static struct guest_config config(void)
{
	struct guest_config cfg = test_config(0);

	cfg.iommu = true;
	/* Of several pages, so that more is missed than was translated in advance. */
	cfg.num[RXQ] = 512;
	cfg.num[TXQ] = 512;
	return cfg;
}

/* Started, with IOTLB misses that are not answered. */
static void start_unanswered(struct iommu *m, struct guest *g, bool v1)
{
	struct guest_config cfg = config();

	require_ok(iommu_setup(m, g, &cfg, v1));
	require_ok(dev_set_running(&g->dev, 1));
}

/* Once they are answered, everything works. */
static void end_answered(struct iommu *m, struct session *s)
{
	int i;

	require_ok(iommu_run(m));
	for (i = 0; i < 16; i++)
		require_ok(guest_post_rx(&s->g, 4096, &layout_one));
	session_connect(s, SOCK_STREAM);
	session_exchange(s, 20000);
	session_close(s);
	iommu_free(m);
}

/* Answer misses until there are none for a while. */
static void answer_all(struct iommu *m)
{
	struct vhost_iotlb_msg msg;

	while (host_poll(m->g->dev.fd, POLLIN, QUIET)) {
		require_ok(iommu_ask(m, &msg));
		iommu_answer(m, msg.iova, msg.perm);
	}
}

/* Both rings first miss their descriptors. */
static void require_question(const struct iommu *m,
			     const struct vhost_iotlb_msg *msg)
{
	const struct guest *g = m->g;
	__u64 rx = mem_gpa(&g->mem, g->q[RXQ].ring.desc_area);
	__u64 tx = mem_gpa(&g->mem, g->q[TXQ].ring.desc_area);

	require(msg->type == VHOST_IOTLB_MISS, "type %u", msg->type);
	require(msg->iova - rx < 8192 || msg->iova - tx < 8192,
		"IOTLB miss at %#llx", (unsigned long long)msg->iova);
	require(msg->perm == VHOST_ACCESS_RO || msg->perm == VHOST_ACCESS_WO,
		"permission %u", msg->perm);
}

/* --- read() and poll() --- */

static void asks(const void *arg)
{
	const bool *v1 = arg;
	struct vhost_iotlb_msg msg;
	struct iommu m;
	struct session s;

	start_unanswered(&m, &s.g, *v1);
	require(host_poll(s.g.dev.fd, POLLIN, TIMEOUT) == POLLIN,
		"no IOTLB miss");
	require_ok(iommu_ask(&m, &msg));
	require_question(&m, &msg);
	end_answered(&m, &s);
}

/* The padding between fields must not leak kernel memory. */
static void no_leak(const void *arg)
{
	union {
		__u8 bytes[sizeof(struct vhost_msg_v2)];
		struct vhost_msg_v2 msg;
	} in;
	size_t end = offsetof(struct vhost_msg_v2, iotlb.type) + 1;
	struct iommu m;
	struct session s;
	int n = 0;

	(void)arg;
	start_unanswered(&m, &s.g, false);
	while (host_poll(s.g.dev.fd, POLLIN, QUIET)) {
		size_t i;

		memset(&in, 0xff, sizeof(in));
		require(read(s.g.dev.fd, &in, sizeof(in)) == MSG_LEN, "read");
		require(!in.msg.asid && !in.msg.iotlb.size &&
			!in.msg.iotlb.uaddr, "an unused field is not 0");
		for (i = end; i < sizeof(in); i++)
			require(!in.bytes[i], "byte %zu is %#x", i,
				in.bytes[i]);
		iommu_answer(&m, in.msg.iotlb.iova, 0);
		n++;
	}
	require(n > 0, "no IOTLB miss");
	end_answered(&m, &s);
}

/* A miss that could not be read is still pending. */
static void unreadable(const void *arg)
{
	struct vhost_iotlb_msg msg;
	__u8 buf[MSG_LEN];
	struct iommu m;
	struct session s;
	void *nothing;
	ssize_t n;

	(void)arg;
	nothing = mmap(NULL, IOMMU_PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	start_unanswered(&m, &s.g, false);
	require(host_poll(s.g.dev.fd, POLLIN, TIMEOUT), "no IOTLB miss");
	for (n = 0; n < MSG_LEN; n++)
		require(read(s.g.dev.fd, buf, n) == 0, "read %zd bytes", n);
	require(read(s.g.dev.fd, nothing, MSG_LEN) <= 0, "a read to an invalid buffer succeeded");
	require(host_poll(s.g.dev.fd, POLLIN, TIMEOUT), "it is lost");
	require_ok(iommu_ask(&m, &msg));
	require_question(&m, &msg);
	end_answered(&m, &s);
}

static void non_blocking(const void *arg)
{
	struct vhost_iotlb_msg msg;
	struct iommu m;
	struct session s;
	int fl, err;

	(void)arg;
	start_unanswered(&m, &s.g, false);
	answer_all(&m);
	fl = fcntl(s.g.dev.fd, F_GETFL);
	require(!fcntl(s.g.dev.fd, F_SETFL, fl | O_NONBLOCK), "F_SETFL");
	err = iommu_ask(&m, &msg);
	require(err == -EAGAIN, "%s", strerror(-err));
	require(!host_poll(s.g.dev.fd, POLLIN, 0), "poll");
	require(!fcntl(s.g.dev.fd, F_SETFL, fl), "F_SETFL");
	end_answered(&m, &s);
}

/* Without an IOMMU a read would block for ever. */
static void not_behind_one(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct vhost_iotlb_msg msg;
	struct iommu m = { 0 };
	struct session s;
	int err;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	m.g = &s.g;
	err = iommu_ask(&m, &msg);
	require(err == -EBADFD, "read: %s", strerror(-err));
	err = iommu_tell(&m, 0, IOMMU_PAGE, s.g.mem.region[0].va, 3);
	require(err == -EFAULT, "update: %s", strerror(-err));
	err = iommu_invalidate(&m, 0, IOMMU_PAGE);
	require(err == -EFAULT, "invalidate: %s", strerror(-err));
	require(!host_poll(s.g.dev.fd, POLLIN, 0), "poll");
	session_exchange(&s, 1000);
	session_close(&s);
}

/* --- blocked readers --- */

/* A process that waits in read() on the same file; its exit status is the error. */
static pid_t start_reader(const struct iommu *m)
{
	pid_t pid = fork();

	require(pid >= 0, "fork");
	if (!pid) {
		struct vhost_iotlb_msg msg;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(-iommu_ask(m, &msg));
	}
	return pid;
}

static int reader_status(pid_t pid)
{
	__u64 deadline = now_ms() + TIMEOUT;
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		require(ms_left(deadline), "the reader still waits");
		usleep(1000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void reader_wakes(const void *arg)
{
	struct iommu m;
	struct session s;
	pid_t pid;

	(void)arg;
	start_unanswered(&m, &s.g, false);
	answer_all(&m);
	pid = start_reader(&m);
	wait_asleep(pid);
	/* The kick makes the device access the ring. */
	require(iommu_invalidate(&m, 0, ~0ULL) > 0, "invalidate");
	guest_kick(&s.g, TXQ);
	require(!reader_status(pid), "the reader failed");
	end_answered(&m, &s);
}

enum ending { NO_IOMMU, RESET_OWNER, KILLED };

static const enum ending endings[] = { NO_IOMMU, RESET_OWNER, KILLED };

static void reader_left(const void *arg)
{
	const enum ending *ending = arg;
	struct iommu m;
	struct session s;
	int status;
	pid_t pid;

	start_unanswered(&m, &s.g, false);
	answer_all(&m);
	pid = start_reader(&m);
	wait_asleep(pid);
	if (*ending == NO_IOMMU)
		require_ok(dev_set_features(&s.g.dev, F_VERSION_1));
	else if (*ending == RESET_OWNER)
		require_ok(dev_ioctl(&s.g.dev, VHOST_RESET_OWNER, NULL));
	else
		dev_close(&s.g.dev);
	if (*ending == KILLED) {
		struct dev other;

		/* The reader is now the last user of the device. */
		require_ok(dev_open(&other, s.g.cfg.path, 0));
		require(dev_set_cid(&other, s.g.cfg.cid) == -EADDRINUSE,
			"the device is gone");
		kill(pid, SIGKILL);
		require(reader_status(pid) < 0, "it was not killed");
		require_ok(dev_set_cid(&other, s.g.cfg.cid));
		dev_close(&other);
	} else {
		status = reader_status(pid);
		require(status == EBADFD, "%s", strerror(status));
	}
	guest_stop(&s.g);
	iommu_free(&m);
}

/* --- write() --- */

static void short_write(const void *arg)
{
	struct vhost_msg_v2 v2 = { .type = VHOST_IOTLB_MSG_V2 };
	/* Up to the end of the fields; the padding after them may be missing. */
	ssize_t least = offsetof(struct vhost_msg_v2, iotlb) +
			sizeof(struct vhost_iotlb_msg), n, ret;
	struct iommu m;
	struct session s;
	void *nothing;

	(void)arg;
	nothing = mmap(NULL, IOMMU_PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	start_unanswered(&m, &s.g, false);
	v2.iotlb.type = VHOST_IOTLB_INVALIDATE;
	v2.iotlb.iova = GUEST_HOLE;
	v2.iotlb.size = IOMMU_PAGE;
	for (n = 0; n <= MSG_LEN; n++) {
		ret = write(s.g.dev.fd, &v2, n);
		require(n < least ? ret < 0 && errno == EINVAL :
			ret == MSG_LEN, "%zd bytes: %zd, %m", n, ret);
	}
	require(write(s.g.dev.fd, nothing, MSG_LEN) < 0 && errno == EINVAL,
		"from an invalid buffer: %m");
	for (n = -2; n <= 4; n++) {
		v2.type = n;
		ret = write(s.g.dev.fd, &v2, sizeof(v2));
		require(n == VHOST_IOTLB_MSG || n == VHOST_IOTLB_MSG_V2 ?
			ret == MSG_LEN : ret < 0 && errno == EINVAL,
			"form %zd: %zd, %m", n, ret);
	}
	v2.type = VHOST_IOTLB_MSG_V2;
	for (n = 0; n < 256; n++) {
		if (n == VHOST_IOTLB_UPDATE || n == VHOST_IOTLB_INVALIDATE)
			continue;
		v2.iotlb.type = n;
		require(write(s.g.dev.fd, &v2, sizeof(v2)) < 0 &&
			errno == EFAULT, "type %zd: %m", n);
	}
	end_answered(&m, &s);
}

struct range_case {
	__u64 iova, size, uaddr;
	__u8 perm;
	int err;
};

static void ranges(const void *arg)
{
	static const __u64 all = ~0ULL;
	static const struct range_case cases[] = {
		{ 0, 0, 0, 3, -EINVAL },
		{ 0x1000, 0, 0x1000, 3, -EINVAL },
		{ all, 0, 0, 0, -EINVAL },
		{ 0, all, 0, 3, UNLESS_ANY(-EFAULT) },
		{ 1, all, 0, 3, UNLESS_ANY(-EFAULT) },
		{ 2, all, 0, 3, -EFAULT },
		{ all, 2, 0x1000, 3, -EFAULT },
		{ 0x1000, all, 0x1000, 0, -EFAULT },
		{ 0, 0x1000, all - 0xffe, 3, -EFAULT },
		{ 0, 0x1000, all - 0xfff, 3, UNLESS_ANY(-EFAULT) },
		{ 0, 0x1000, 1ULL << 63, 3, UNLESS_ANY(-EFAULT) },
		{ 0, 0x1000, 1ULL << 63, 1, UNLESS_ANY(-EFAULT) },
		{ 0, 0x1000, 1ULL << 63, 2, UNLESS_ANY(-EFAULT) },
		/* Useless, and harmless. */
		{ 0, 0x1000, 1ULL << 63, 0 },
		{ 1, all, 0, 0 },
		{ all, 1, 0x1000, 3 },
	};
	int empty = host_linux() >= LINUX_INVALIDATES_BYTES ? -EFAULT : MSG_LEN;
	struct iommu m;
	struct session s;
	unsigned int i;
	int n;

	(void)arg;
	start_unanswered(&m, &s.g, false);
	/* Otherwise a ring would take the useless one as its answer, and stop. */
	answer_all(&m);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct range_case *c = &cases[i];

		n = iommu_tell(&m, c->iova, c->size,
			       (void *)(unsigned long)c->uaddr, c->perm);
		require(c->err ? n == c->err : n == MSG_LEN, "%u: %d", i, n);
	}
	/* Invalidate in all possible ways; the rings must be translated again. */
	require(iommu_invalidate(&m, 0, 0) == empty, "all of it");
	require(iommu_invalidate(&m, 1, all) == MSG_LEN, "all but byte 0");
	require(iommu_invalidate(&m, 0, all) == MSG_LEN, "all but the last");
	require(iommu_invalidate(&m, 0x5000, 0) == empty, "nothing");
	require(iommu_invalidate(&m, all, all) == MSG_LEN, "over the end");
	guest_kick(&s.g, TXQ);
	guest_kick(&s.g, RXQ);
	end_answered(&m, &s);
}

#define FLOOD 100000

static void flood(const void *arg)
{
	struct guest_config cfg = config();
	__u64 before, after;
	struct iommu m;
	struct session s;
	__u64 i;

	(void)arg;
	require_ok(iommu_start(&m, &s.g, &cfg, false));
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 1000);
	before = host_free_kib();
	for (i = 0; i < FLOOD; i++)
		if (iommu_tell(&m, GUEST_END + i * IOMMU_PAGE, IOMMU_PAGE,
			       m.phys.region[0].va, 3) != MSG_LEN)
			tap_fail("update %llu", (unsigned long long)i);
	after = host_free_kib();
	/* If they were kept, they would take at least 64 bytes each, and with KASAN far more. */
	require(before < after + FLOOD * 64 / 1024,
		"free memory shrank by %lld KiB", (long long)(before - after));
	session_exchange(&s, 65536);
	session_close(&s);
	iommu_free(&m);
}

/* A process adds and removes translations as fast as it can, while others are served. */
static void update_flood(const void *arg)
{
	struct guest_config cfg = config();
	struct iommu m;
	struct session s;
	int status, i;
	pid_t pid;

	(void)arg;
	require_ok(iommu_start(&m, &s.g, &cfg, false));
	session_connect(&s, SOCK_STREAM);
	pid = fork();
	require(pid >= 0, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			iommu_invalidate(&m, 0x00200000, 0x800000);
			iommu_invalidate(&m, 0, ~0ULL);
		}
	}
	for (i = 0; i < 20; i++)
		session_exchange(&s, 5000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	session_exchange(&s, 65536);
	session_close(&s);
	iommu_free(&m);
}

void add_iotlb_tests(void)
{
	static const bool yes = true, no;
	static const char g[] = "iotlb";

	session_test(g, "question", asks, &no, 0, RINGS_BOTH);
	session_test(g, "question, first form", asks, &yes, 0, RINGS_BOTH);
	session_test(g, "no byte more than the question", no_leak, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "question that can't be read", unreadable, NULL,
		     TAP_MVSOCK, RINGS_SPLIT);
	session_test(g, "read without waiting", non_blocking, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "not behind an IOMMU", not_behind_one, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "reader waits for a question", reader_wakes, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "reader waits, no IOMMU any more", reader_left,
		     &endings[NO_IOMMU], TAP_MVSOCK, RINGS_SPLIT);
	session_test(g, "reader waits, owner reset", reader_left,
		     &endings[RESET_OWNER], TAP_MVSOCK, RINGS_SPLIT);
	session_test(g, "reader waits, device closed elsewhere", reader_left,
		     &endings[KILLED], 0, RINGS_SPLIT);
	session_test(g, "case 82: short and senseless writes", short_write,
		     NULL, 0, RINGS_SPLIT);
	session_test(g, "case 79: ranges", ranges, NULL, 0, RINGS_SPLIT);
	session_test(g, "case 81: updates without end", flood, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "void again and again under traffic", update_flood,
		     NULL, 0, RINGS_BOTH);
}
