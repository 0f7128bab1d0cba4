// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that the kernel can't map: with an uncorrectable error, so that the VMM has lost the
 * page, or secret memory. A chain there is rejected; a ring or a dirty log there breaks the
 * virtqueue or makes the start fail, and the neighbour is not affected.
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define PAGE	page_size()

/* Make a page of shared memory lose its content. Returns an errno. */
static int poison(void *page)
{
	pid_t pid = fork();
	int status;

	require(pid >= 0, "fork");
	/* A process that injects the error gets SIGBUS if it has mapped the page. */
	if (!pid)
		_exit(madvise(page, PAGE, MADV_HWPOISON) ? errno : 0);
	require(waitpid(pid, &status, 0) == pid, "waitpid");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
		return 0;
	require(WIFEXITED(status), "status 0x%x", status);
	return WEXITSTATUS(status);
}

/* Replace the page by a page of secret memory. Returns an errno. */
static int hide(void *page)
{
	int fd = syscall(SYS_memfd_secret, 0);

	if (fd < 0)
		return errno;
	require(!ftruncate(fd, PAGE), "ftruncate");
	require(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     fd, 0) == page, "mmap");
	close(fd);
	memset(page, 0, PAGE);
	return 0;
}

struct kind {
	const char *name;
	int (*take)(void *page);
	bool readable;	/* readable by the VMM */
};

static const struct kind kinds[] = {
	{ "lost to an error", poison, false },
	{ "secret", hide, true },
};

static void *new_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	require(page != MAP_FAILED, "mmap");
	memset(page, 0, PAGE);
	return page;
}

/* Not all kernels support secret memory. */
static void need(const struct kind *kind)
{
	void *page = new_page();

	if (kind->take(page))
		tap_skip("this kernel has no such memory");
	munmap(page, PAGE);
}

static void take(const struct kind *kind, void *page)
{
	int err = kind->take(page);

	require(!err, "%s", strerror(err));
}

static void take_ring(const struct kind *kind, const struct guest_queue *q)
{
	size_t off;

	for (off = 0; off < q->mapped; off += PAGE)
		take(kind, q->mem + off);
}

static void *edge(const struct session *s)
{
	return s->g.mem.region[3].va;
}

static void transmit_buffer(const void *arg)
{
	struct seg seg = { GUEST_EDGE, HDR_LEN + 1000, false };
	struct guest_config cfg = test_config(0);
	const struct kind *kind = arg;
	struct counters before;
	struct session s;
	__u64 gpa;

	need(kind);
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	/* The page is used before, so that the device has it in its cache. */
	gpa = s.g.tx_gpa;
	s.g.tx_gpa = GUEST_EDGE;
	session_to_host(&s, 1000);
	s.g.tx_gpa = gpa;
	before = counters_read(&s.g);
	take(kind, edge(&s));
	require_ok(guest_send_segs(&s.g, &seg, 1, TIMEOUT));
	counters_expect(&s.g, &before, REJ_BAD_ADDRESS, 1);
	session_exchange(&s, 1000);
	session_close(&s);
}

static void receive_buffer(const void *arg)
{
	struct seg seg = { GUEST_EDGE, PAGE, true };
	const struct kind *kind = arg;
	struct counters before;
	struct sending x;
	struct session s;
	char c = 0;

	need(kind);
	session_no_rx(&s, SOCK_STREAM);
	before = counters_read(&s.g);
	memset(edge(&s), 0, PAGE);
	take(kind, edge(&s));
	require_ok(ring_add(&s.g.q[RXQ].ring, &seg, 1, NULL));
	guest_kick(&s.g, RXQ);
	host_send_begin(&x, s.fd, "x", 1, 0, TIMEOUT);
	require(!guest_wait_used(&s.g, RXQ), "used length");
	counters_expect(&s.g, &before, REJ_BAD_ADDRESS, 1);
	require_ok(guest_post_rx(&s.g, PAGE, &layout_one));
	require_ok(conn_recv(&s.c, &c, 1, TIMEOUT));
	require(c == 'x', "the packet was lost");
	require_ok(host_send_end(&x));
	session_close(&s);
}

/* The driver must not touch it either, so it only kicks. */
static void ring(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct kind *kind = arg;
	struct counters before;
	struct session s;

	need(kind);
	cfg.rings_apart = true;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1000);
	before = counters_read(&s.g);
	take_ring(kind, &s.g.q[TXQ]);
	require(!eventfd_write(s.g.q[TXQ].kick, 1), "kick");
	require(guest_ring_error(&s.g, TXQ, TIMEOUT), "no error eventfd");
	counters_expect(&s.g, &before, BROKEN_RINGS, 1);
	dev_close(&s.g.dev);
}

/* Find a line in the kernel's log that contains all of @words. */
static bool logged(const char *words)
{
	static char log[1 << 20];
	int n = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof(log) - 1);

	require(n > 0, "klogctl");
	log[n] = 0;
	return strstr(log, words);
}

static void start(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct kind *kind = arg;
	struct session s;
	int err;

	need(kind);
	cfg.rings_apart = true;
	require_ok(guest_alloc(&s.g, &cfg));
	require_ok(guest_setup(&s.g));
	take_ring(kind, &s.g.q[TXQ]);
	err = dev_set_running(&s.g.dev, 1);
	require(err == -EFAULT, "%s", strerror(-err));
	require(!counter_get(&s.g, "running"), "it runs");
	if (kind->readable)
		require(logged(": memory that the kernel can't map is refused"),
			"the log does not say why");
	dev_close(&s.g.dev);
}

static void dirty_log(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct kind *kind = arg;
	void *log = new_page();
	struct counters before;
	struct sending x;
	struct session s;

	need(kind);
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require_ok(dev_set_log_base(&s.g.dev, (uintptr_t)log));
	require_ok(dev_set_features(&s.g.dev, s.g.cfg.features |
				    1ULL << VHOST_F_LOG_ALL));
	session_to_guest(&s, 1000);
	before = counters_read(&s.g);
	take(kind, log);
	host_send_begin(&x, s.fd, "x", 1, 0, TIMEOUT);
	require(guest_ring_error(&s.g, RXQ, TIMEOUT), "no error eventfd");
	counters_expect(&s.g, &before, BROKEN_RINGS, 1);
	dev_close(&s.g.dev);
	host_send_end(&x);
}

void add_unmappable_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(const void *arg);
	} tests[] = {
		{ "transmit buffer", transmit_buffer },
		{ "receive buffer", receive_buffer },
		{ "ring", ring },
		{ "ring at start", start },
		{ "dirty log", dirty_log },
	};
	char name[64];
	unsigned int i, k;

	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		for (i = 0; i < ARRAY_SIZE(tests); i++) {
			snprintf(name, sizeof(name), "%s, %s", tests[i].name,
				 kinds[k].name);
			session_test("unmappable", name, tests[i].run, &kinds[k],
				     TAP_MVSOCK, RINGS_BOTH);
		}
}
