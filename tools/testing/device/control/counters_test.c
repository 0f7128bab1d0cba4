// SPDX-License-Identifier: GPL-2.0
/* A device's counters, and /proc/net/mvsock. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define LIST "/proc/net/mvsock"

static void expect(const struct guest *g, const char *name, __u64 before,
		   __u64 by)
{
	__u64 now = counter_get(g, name);

	require(now - before == by, "%s moved by %lld, not %lld", name,
		(long long)(now - before), (long long)by);
}

static void data(const void *arg)
{
	static const char *const names[] = {
		"rx_packets", "rx_bytes", "direct_sends", "tx_bytes",
	};
	__u64 before[ARRAY_SIZE(names)], signals, kicks;
	struct guest_config cfg = test_config(0);
	struct session s;
	unsigned int i;

	(void)arg;
	session_host_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		before[i] = counter_get(&s.g, names[i]);
	signals = counter_get(&s.g, "rx_signals");
	kicks = counter_get(&s.g, "tx_kicks");
	session_to_guest(&s, 1000);
	expect(&s.g, "rx_packets", before[0], 1);
	session_to_host(&s, 2000);
	expect(&s.g, "rx_bytes", before[1], 1000);
	expect(&s.g, "direct_sends", before[2], 1);
	expect(&s.g, "tx_bytes", before[3], 2000);
	require(counter_get(&s.g, "rx_signals") > signals, "no signal");
	require(counter_get(&s.g, "tx_kicks") > kicks, "no kick");
	expect(&s.g, "connections", 0, 1);
	session_close(&s);
}

static void send_waits(const void *arg)
{
	struct sending sending;
	struct session s;
	__u8 buf[1000];
	__u64 before;

	(void)arg;
	session_no_rx(&s, SOCK_STREAM);
	before = counter_get(&s.g, "send_waits");
	host_send_begin(&sending, s.fd, buf, sizeof(buf), 0, TIMEOUT);
	expect(&s.g, "send_waits", before, 1);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	require_ok(conn_recv(&s.c, buf, sizeof(buf), TIMEOUT));
	require_ok(host_send_end(&sending));
	session_close(&s);
}

static void resets(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	__u64 rx, tx;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	rx = counter_get(&s.g, "rx_resets");
	tx = counter_get(&s.g, "tx_resets");
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_RST, 0));
	expect(&s.g, "tx_resets", tx, 1);
	expect(&s.g, "connections", 0, 0);
	expect(&s.g, "rx_resets", rx, 0);
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_RW, 0));
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	expect(&s.g, "rx_resets", rx, 1);
	session_close(&s);
}

static void cache(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	__u64 misses, before;
	void *mem;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1000);
	misses = counter_get(&s.g, "cache_misses");
	require(misses, "nothing was brought in");
	before = counter_get(&s.g, "cache_invalidations");
	mem = mem_ptr(&s.g.mem, s.g.tx_gpa & -(__u64)page_size(), page_size());
	require(mem && !madvise(mem, page_size(), MADV_DONTNEED), "madvise");
	expect(&s.g, "cache_invalidations", before, 1);
	session_to_host(&s, 10);
	require(counter_get(&s.g, "cache_misses") > misses,
		"the page was not brought in again");
	session_close(&s);
}

#define LARGE 65536

static void read_large(int fd)
{
	static __u8 buf[LARGE];

	while (recv(fd, buf, LARGE, MSG_WAITALL) == LARGE)
		;
	_exit(0);
}

/* A late reader finds the data in the queue: that may happen, but not always. */
static void direct_receives(const void *arg)
{
	struct guest_config cfg = test_config(0);
	static __u8 buf[LARGE];
	unsigned int tries = 0;
	struct session s;
	__u64 before;
	pid_t reader;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	before = counter_get(&s.g, "direct_receives");
	reader = fork();
	if (!reader)
		read_large(s.fd);
	do {
		require(tries++ < 200, "none in %u tries", tries);
		wait_asleep(reader);
		require_ok(conn_send(&s.c, buf, LARGE, TIMEOUT));
	} while (counter_get(&s.g, "direct_receives") == before);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	session_close(&s);
}

/* --- /proc/net/mvsock ----------------------------------------------------- */

/* The @n-th word of a line, counted from 0. */
static const char *word(const char *line, int n, char *to, size_t size)
{
	size_t len;

	while (n--) {
		line += strcspn(line, "\n ");
		line += *line == ' ';
	}
	len = strcspn(line, "\n ");
	snprintf(to, size, "%.*s", (int)len, line);
	return to;
}

/* Value of a device's column in a list; "" if the device is not listed. */
static const char *listed_in(const char *path, __u64 cid, const char *column,
			     char *to, size_t size)
{
	char header[2048], line[2048], got[64];
	FILE *f = fopen(path, "r");
	int n = 0;

	require(f && fgets(header, sizeof(header), f), "%s", path);
	while (strcmp(word(header, n, got, sizeof(got)), column))
		require(*got && n++ < 100, "no column %s", column);
	*to = 0;
	while (fgets(line, sizeof(line), f))
		if (strtoull(line, NULL, 10) == cid)
			word(line, n, to, size);
	fclose(f);
	return to;
}

static const char *listed(__u64 cid, const char *column, char *to, size_t size)
{
	return listed_in(LIST, cid, column, to, size);
}

static void expect_listed(__u64 cid, const char *column, const char *want)
{
	char got[64];

	listed(cid, column, got, sizeof(got));
	require(!strcmp(got, want), "%s is '%s', not '%s'", column, got, want);
}

/* Each counter has the same value as in fdinfo. */
static void expect_same(const struct guest *g)
{
	char header[2048], name[64], want[64];
	FILE *f = fopen(LIST, "r");
	int n;

	require(f && fgets(header, sizeof(header), f), LIST);
	fclose(f);
	for (n = 5; *word(header, n, name, sizeof(name)); n++) {
		snprintf(want, sizeof(want), "%llu",
			 (unsigned long long)counter_get(g, name));
		expect_listed(g->cfg.cid, name, want);
	}
	require(n > 20, "%d columns", n);
}

static void states(const void *arg)
{
	struct guest_config cfg = test_config(0);
	char pid[16];
	struct guest g;

	(void)arg;
	snprintf(pid, sizeof(pid), "%d", getpid());
	require_ok(guest_alloc(&g, &cfg));
	require_ok(dev_open(&g.dev, cfg.path, O_RDWR));
	require_ok(dev_set_cid(&g.dev, cfg.cid));
	expect_listed(cfg.cid, "state", "open");
	expect_listed(cfg.cid, "pid", "0");
	expect_listed(cfg.cid, "comm", "-");
	require_ok(guest_configure(&g));
	expect_listed(cfg.cid, "state", "stopped");
	expect_listed(cfg.cid, "pid", pid);
	require_ok(dev_set_running(&g.dev, 1));
	expect_listed(cfg.cid, "state", "running");
	/* An index that is ahead by more than the ring's size breaks the ring. */
	g.q[TXQ].ring.s.avail_idx += cfg.num[TXQ] + 1;
	guest_kick(&g, TXQ);
	require(guest_ring_error(&g, TXQ, TIMEOUT), "no error eventfd");
	expect_listed(cfg.cid, "state", "broken");
	guest_stop(&g);
	expect_listed(cfg.cid, "state", "");
}

static void values(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	require(!prctl(PR_SET_NAME, "a \"\\\n\x1b\xc3\xa4"), "prctl");
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1000);
	expect_same(&s.g);
	expect_listed(cfg.cid, "comm", "a\\040\"\\134\\012\\033\\303\\244");
	expect_listed(cfg.cid, "connections", "1");
	session_close(&s);
}

static void anybody(const void *arg)
{
	struct stat st;
	int status;
	char c;

	(void)arg;
	require(!stat(LIST, &st), LIST);
	require((st.st_mode & 07777) == 0444, "mode %o", st.st_mode & 07777);
	if (!fork()) {
		int fd = setuid(65534) ? -1 : open(LIST, O_RDONLY);

		_exit(fd < 0 || read(fd, &c, 1) != 1);
	}
	require(wait(&status) > 0 && !status, "nobody can't read it");
}

struct hiding {
	const char *name;
	const char *options;	/* mount options of /proc */
	bool other;		/* the reader runs as another user than the VMM */
	bool new_pids;		/* and in another PID namespace */
	bool admin;		/* with CAP_NET_ADMIN */
	bool has_owner;
	bool sees_device, sees_pid;
};

static const struct hiding hidings[] = {
	{ "a process that all see", "", true, false, false, true, true, true },
	{ "hidepid=1", "hidepid=1", true, false, false, true, false, false },
	{ "hidepid=2", "hidepid=2", true, false, false, true, false, false },
	{ "hidepid=2, its own", "hidepid=2", false, false, false, true, true, true },
	{ "hidepid=2, the group that sees all", "hidepid=2,gid=65534", true, false,
	  false, true, true, true },
	{ "hidepid=4, of that group", "hidepid=4,gid=65534", true, false, false, true,
	  false, false },
	{ "hidepid=2, an administrator", "hidepid=2", true, false, true, true, true,
	  false },
	{ "another PID namespace", "", true, true, false, true, false, false },
	{ "no owner", "", true, false, false, false, false, false },
	{ "no owner, an administrator", "", true, false, true, false, true, false },
};

static void keep_net_admin(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct caps[2] = {
		{ .effective = 1 << CAP_NET_ADMIN, .permitted = 1 << CAP_NET_ADMIN }
	};

	require(!syscall(SYS_capset, &header, caps), "capset: %s",
		strerror(errno));
}

/* With its own mount of /proc. */
static void read_hidden(const struct hiding *h, __u32 cid)
{
	char dir[] = "/dev/shm/proc-XXXXXX", path[64], pid[32], text[32];

	require(mkdtemp(dir) && !unshare(CLONE_NEWNS) &&
		!mount("proc", dir, "proc", 0, h->options), "mount: %s",
		strerror(errno));
	snprintf(path, sizeof(path), "%s/net/mvsock", dir);
	snprintf(text, sizeof(text), "%d", getppid());
	require(!prctl(PR_SET_KEEPCAPS, h->admin), "PR_SET_KEEPCAPS");
	require(!setgroups(0, NULL) && !setgid(65534) && !setuid(65534), "setuid");
	if (h->admin)
		keep_net_admin();
	listed_in(path, cid, "pid", pid, sizeof(pid));
	if (!h->sees_device)
		require(!*pid, "it is listed, pid %s", pid);
	else
		require(!strcmp(pid, h->sees_pid ? text : "0"), "pid '%s'", pid);
	listed_in(path, cid, "comm", text, sizeof(text));
	require(!h->sees_device || !strcmp(text, "-") == !h->sees_pid, "comm '%s'",
		text);
}

static void hidden(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct hiding *h = arg;
	int status, go[2];
	struct dev dev;
	char c;

	require(!pipe(go), "pipe");
	require_ok(dev_open(&dev, cfg.path, O_RDWR));
	require_ok(dev_set_cid(&dev, cfg.cid));
	if (h->has_owner)
		require_ok(dev_set_owner(&dev));
	if (h->new_pids && unshare(CLONE_NEWPID))
		tap_skip("the kernel has no PID namespaces");
	if (!fork()) {
		require(read(go[0], &c, 1) == 1, "pipe");
		read_hidden(h, cfg.cid);
		_exit(0);
	}
	if (!h->other)
		require(!setgid(65534) && !setuid(65534), "setuid");
	require(write(go[1], "", 1) == 1, "pipe");
	require(wait(&status) > 0 && !status, "status %#x", status);
	dev_close(&dev);
}

/* Read the list while devices are opened and closed. */
static void race(const void *arg)
{
	struct guest_config cfg = test_config(0);
	pid_t reader = fork();
	struct dev dev;
	int status, i;

	(void)arg;
	if (!reader) {
		char buf[65536];

		for (i = 0; i < 500; i++) {
			int fd = open(LIST, O_RDONLY);

			while (read(fd, buf, sizeof(buf)) > 0)
				;
			close(fd);
		}
		_exit(0);
	}
	while (!waitpid(reader, &status, WNOHANG)) {
		require_ok(dev_open(&dev, cfg.path, O_RDWR));
		require_ok(dev_set_owner(&dev));
		dev_close(&dev);
	}
	require(!status, "the reader ended with %#x", status);
}

void add_counter_tests(void)
{
	unsigned int i;

	session_test("counters", "data", data, NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test("counters", "a sender waits", send_waits, NULL, TAP_MVSOCK,
		     RINGS_SPLIT);
	session_test("counters", "direct receives", direct_receives, NULL,
		     TAP_MVSOCK, RINGS_SPLIT);
	session_test("counters", "resets", resets, NULL, TAP_MVSOCK,
		     RINGS_SPLIT);
	session_test("counters", "cache", cache, NULL, TAP_MVSOCK, RINGS_SPLIT);
	tap_add2("list", "states", states, NULL, TAP_MVSOCK);
	tap_add2("list", "values", values, NULL, TAP_MVSOCK);
	tap_add2("list", "anybody reads it", anybody, NULL, TAP_MVSOCK);
	for (i = 0; i < ARRAY_SIZE(hidings); i++)
		tap_add2("list", hidings[i].name, hidden, &hidings[i], TAP_MVSOCK);
	tap_add2("list", "race with devices that come and go", race, NULL,
		 TAP_MVSOCK);
}
