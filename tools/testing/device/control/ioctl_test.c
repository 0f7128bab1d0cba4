// SPDX-License-Identifier: GPL-2.0
/*
 * The result of each ioctl in each state of the device; an ioctl that fails leaves the device
 * unchanged.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "device_test.h"
#include "session.h"

struct ioctl_case {
	const char *name;
	enum state state;
	unsigned long req;
	enum arg arg;
	__u64 a;
	__u64 b;
	int err;
	bool split_only;	/* in a packed ring the result differs */
};

static const struct ioctl_case cases[] = {
	/* the owner */
	{ "case 67: memory table, no owner", FRESH, VHOST_SET_MEM_TABLE, TABLE,
	  GOOD, 0, EPERM },
	{ "case 67: reset owner, no owner", FRESH, VHOST_RESET_OWNER, U64, 0, 0,
	  EPERM },
	{ "case 67: log base, no owner", FRESH, VHOST_SET_LOG_BASE, U64, 0, 0,
	  EPERM },
	{ "case 67: log fd, no owner", FRESH, VHOST_SET_LOG_FD, INT, -1, 0,
	  EPERM },
	{ "case 67: ring size, no owner", FRESH, VHOST_SET_VRING_NUM,
	  RING_STATE, 0, 16, EPERM },
	{ "case 67: ring base, no owner", FRESH, VHOST_SET_VRING_BASE,
	  RING_STATE, 0, 0, EPERM },
	{ "case 67: get ring base, no owner", FRESH, VHOST_GET_VRING_BASE,
	  RING_STATE, 0, 0, EPERM },
	{ "case 67: ring address, no owner", FRESH, VHOST_SET_VRING_ADDR,
	  RING_ADDR, 0, AS_IS, EPERM },
	{ "case 67: kick, no owner", FRESH, VHOST_SET_VRING_KICK, RING_FILE, 0,
	  EVENTFD, EPERM },
	{ "case 67: call, no owner", FRESH, VHOST_SET_VRING_CALL, RING_FILE, 0,
	  EVENTFD, EPERM },
	{ "case 67: error, no owner", FRESH, VHOST_SET_VRING_ERR, RING_FILE, 0,
	  EVENTFD, EPERM },
	{ "case 67: start, no owner", FRESH, VHOST_VSOCK_SET_RUNNING, INT, 1, 0,
	  EPERM },
	{ "case 67: stop, no owner", FRESH, VHOST_VSOCK_SET_RUNNING, INT, 0, 0,
	  EPERM },
	{ "case 67: features, no owner", FRESH, VHOST_SET_FEATURES, U64,
	  F_VERSION_1, 0, 0 },
	{ "case 67: backend features, no owner", FRESH,
	  VHOST_SET_BACKEND_FEATURES, U64, 0, 0, 0 },
	{ "case 67: second owner", OWNED, VHOST_SET_OWNER, NONE, 0, 0, EBUSY },
	{ "case 67: second owner, running", RUNNING, VHOST_SET_OWNER, NONE, 0,
	  0, EBUSY },

	/* start and stop */
	{ "case 68: start, no memory", OWNED, VHOST_VSOCK_SET_RUNNING, INT, 1,
	  0, EFAULT },
	{ "case 68: start, no rings", MEMORY, VHOST_VSOCK_SET_RUNNING, INT, 1,
	  0, EFAULT },
	{ "start", READY, VHOST_VSOCK_SET_RUNNING, INT, 1, 0, 0 },
	{ "start with 2", READY, VHOST_VSOCK_SET_RUNNING, INT, 2, 0, 0 },
	{ "start, running", RUNNING, VHOST_VSOCK_SET_RUNNING, INT, 1, 0, 0 },
	{ "stop, not running", READY, VHOST_VSOCK_SET_RUNNING, INT, 0, 0, 0 },
	{ "stop", RUNNING, VHOST_VSOCK_SET_RUNNING, INT, 0, 0, 0 },
	{ "start, no argument", READY, VHOST_VSOCK_SET_RUNNING, NONE, 0, 0,
	  EFAULT },

	/* CID */
	{ "case 74: CID 0", OWNED, VHOST_VSOCK_SET_GUEST_CID, U64, 0, 0, EINVAL
	  },
	{ "case 74: CID 1", OWNED, VHOST_VSOCK_SET_GUEST_CID, U64, 1, 0, EINVAL
	  },
	{ "case 74: CID 2", OWNED, VHOST_VSOCK_SET_GUEST_CID, U64, 2, 0, EINVAL
	  },
	{ "case 74: CID 0xffffffff", OWNED, VHOST_VSOCK_SET_GUEST_CID, U64,
	  0xffffffff, 0, EINVAL },
	{ "case 74: CID 2^32 + 3", OWNED, VHOST_VSOCK_SET_GUEST_CID, U64,
	  BIT_ULL(32) + 3, 0, EINVAL },
	{ "case 74: CID 2^64 - 1", OWNED, VHOST_VSOCK_SET_GUEST_CID, U64, -1ULL,
	  0, EINVAL },
	{ "case 74: CID 2^32 + 3, running", RUNNING, VHOST_VSOCK_SET_GUEST_CID,
	  U64, BIT_ULL(32) + 3, 0, EINVAL },
	{ "CID, no argument", OWNED, VHOST_VSOCK_SET_GUEST_CID, NONE, 0, 0,
	  EFAULT },

	/* features */
	{ "case 75: unknown features", OWNED, VHOST_SET_FEATURES, U64,
	  UNKNOWN_FEATURES, 0, EOPNOTSUPP },
	{ "case 75: unknown features, running", RUNNING, VHOST_SET_FEATURES,
	  U64, UNKNOWN_FEATURES, 0, EOPNOTSUPP },
	{ "no features", OWNED, VHOST_SET_FEATURES, U64, 0, 0, 0 },
	{ "features, no argument", OWNED, VHOST_SET_FEATURES, NONE, 0, 0,
	  EFAULT },
	{ "get features, no argument", OWNED, VHOST_GET_FEATURES, NONE, 0, 0,
	  EFAULT },
	{ "case 75: unknown backend features", OWNED,
	  VHOST_SET_BACKEND_FEATURES, U64, BIT_ULL(63), 0, EOPNOTSUPP },
	{ "backend features, no argument", OWNED, VHOST_SET_BACKEND_FEATURES,
	  NONE, 0, 0, EFAULT },
	{ "get backend features, no argument", OWNED,
	  VHOST_GET_BACKEND_FEATURES, NONE, 0, 0, EFAULT },
	{ "memory table, no argument", OWNED, VHOST_SET_MEM_TABLE, NONE, 0, 0,
	  EFAULT },
	{ "case 77: memory table without regions", OWNED, VHOST_SET_MEM_TABLE,
	  TABLE, EMPTY, 0, 0 },
	{ "case 77: memory table with padding", OWNED, VHOST_SET_MEM_TABLE,
	  TABLE, PADDED, 0, EOPNOTSUPP },
	{ "case 77: memory table of 64 regions", OWNED, VHOST_SET_MEM_TABLE,
	  TABLE, REGIONS_64, 0, 0 },
	{ "case 77: memory table of 510 regions", OWNED, VHOST_SET_MEM_TABLE,
	  TABLE, REGIONS_510, 0, E2BIG },
	{ "case 77: memory table of 510 regions, running", RUNNING,
	  VHOST_SET_MEM_TABLE, TABLE, REGIONS_510, 0, E2BIG },
	{ "case 77: region that wraps", OWNED, VHOST_SET_MEM_TABLE, TABLE,
	  WRAPPING, 0, EFAULT },
	{ "case 77: region that wraps, running", RUNNING, VHOST_SET_MEM_TABLE,
	  TABLE, WRAPPING, 0, EFAULT },
	{ "case 77: region without bytes", OWNED, VHOST_SET_MEM_TABLE, TABLE,
	  SIZE_0, 0, EFAULT },
	{ "case 77: memory table cut short", OWNED, VHOST_SET_MEM_TABLE, TABLE,
	  SHORT, 0, EFAULT },
	{ "case 77: memory of the kernel, running", RUNNING,
	  VHOST_SET_MEM_TABLE, TABLE, KERNEL_MEMORY, 0,
	  UNLESS_ANY(EFAULT) },

	/* ring number */
	{ "case 72: size of ring 2", OWNED, VHOST_SET_VRING_NUM, RING_STATE, 2,
	  16, ENOBUFS },
	{ "case 72: size of ring 2^32 - 1", OWNED, VHOST_SET_VRING_NUM,
	  RING_STATE, 0xffffffff, 16, ENOBUFS },
	{ "case 72: base of ring 2", OWNED, VHOST_SET_VRING_BASE, RING_STATE, 2,
	  0, ENOBUFS },
	{ "case 72: get base of ring 2", OWNED, VHOST_GET_VRING_BASE,
	  RING_STATE, 2, 0, ENOBUFS },
	{ "case 72: address of ring 2", OWNED, VHOST_SET_VRING_ADDR, RING_ADDR,
	  2, AS_IS, ENOBUFS },
	{ "case 72: kick of ring 2", OWNED, VHOST_SET_VRING_KICK, RING_FILE, 2,
	  EVENTFD, ENOBUFS },
	{ "case 72: call of ring 2", OWNED, VHOST_SET_VRING_CALL, RING_FILE, 2,
	  EVENTFD, ENOBUFS },
	{ "case 72: error of ring 2", OWNED, VHOST_SET_VRING_ERR, RING_FILE, 2,
	  EVENTFD, ENOBUFS },
	{ "ring size, no argument", OWNED, VHOST_SET_VRING_NUM, NONE, 0, 0,
	  EFAULT },
	{ "ring base, no argument", OWNED, VHOST_SET_VRING_BASE, NONE, 0, 0,
	  EFAULT },
	{ "get ring base, no argument", OWNED, VHOST_GET_VRING_BASE, NONE, 0,
	  0, EFAULT },
	{ "ring address, no argument", OWNED, VHOST_SET_VRING_ADDR, NONE, 0, 0,
	  EFAULT },
	{ "kick, no argument", OWNED, VHOST_SET_VRING_KICK, NONE, 0, 0,
	  EFAULT },
	{ "call, no argument", OWNED, VHOST_SET_VRING_CALL, NONE, 0, 0,
	  EFAULT },
	{ "error, no argument", OWNED, VHOST_SET_VRING_ERR, NONE, 0, 0,
	  EFAULT },

	/* ring size and base */
	{ "case 69: ring of 0", READY, VHOST_SET_VRING_NUM, RING_STATE, 0, 0,
	  EINVAL },
	{ "case 69: ring of 3", READY, VHOST_SET_VRING_NUM, RING_STATE, 0, 3,
	  EINVAL, true },
	{ "case 69: ring of 65536", READY, VHOST_SET_VRING_NUM, RING_STATE, 0,
	  65536, EINVAL },
	{ "case 69: ring of 2^31", READY, VHOST_SET_VRING_NUM, RING_STATE, 0, 1U
	  << 31, EINVAL },
	{ "case 69: ring of 32768", READY, VHOST_SET_VRING_NUM, RING_STATE, 1,
	  32768, 0 },
	{ "case 69: ring of 1", READY, VHOST_SET_VRING_NUM, RING_STATE, 1, 1, 0
	  },
	{ "case 69: ring size, running", RUNNING, VHOST_SET_VRING_NUM,
	  RING_STATE, 0, 16, EBUSY },
	{ "case 71: ring base, running", RUNNING, VHOST_SET_VRING_BASE,
	  RING_STATE, 1, 0, EBUSY },
	{ "case 71: base of 65535", READY, VHOST_SET_VRING_BASE, RING_STATE, 0,
	  65535, 0, true },
	{ "case 71: base of 65536", READY, VHOST_SET_VRING_BASE, RING_STATE, 0,
	  65536, EINVAL, true },
	{ "case 71: base of 2^31", READY, VHOST_SET_VRING_BASE, RING_STATE, 0,
	  1U << 31, EINVAL, true },

	/* ring addresses */
	{ "case 70: available ring at an odd address", READY,
	  VHOST_SET_VRING_ADDR, RING_ADDR, 0, AVAIL_ODD, EINVAL },
	{ "case 70: used ring at an odd address", READY, VHOST_SET_VRING_ADDR,
	  RING_ADDR, 0, USED_ODD, EINVAL },
	{ "case 70: used ring aligned to 2", READY, VHOST_SET_VRING_ADDR,
	  RING_ADDR, 0, USED_BY_2, EINVAL },
	{ "case 70: log address aligned to 2", READY, VHOST_SET_VRING_ADDR,
	  RING_ADDR, 0, LOG_BY_2, EINVAL },
	{ "unknown address flags", READY, VHOST_SET_VRING_ADDR, RING_ADDR, 0,
	  BAD_FLAGS, EOPNOTSUPP },
	{ "same address, running", RUNNING, VHOST_SET_VRING_ADDR, RING_ADDR, 0,
	  AS_IS, 0 },
	{ "case 70: descriptors in the kernel, running", RUNNING,
	  VHOST_SET_VRING_ADDR, RING_ADDR, 0, KERNEL_DESC,
	  UNLESS_ANY(EINVAL) },
	{ "case 70: available ring in the kernel, running", RUNNING,
	  VHOST_SET_VRING_ADDR, RING_ADDR, 1, KERNEL_AVAIL,
	  UNLESS_ANY(EINVAL) },
	{ "case 70: used ring in the kernel, running", RUNNING,
	  VHOST_SET_VRING_ADDR, RING_ADDR, 1, KERNEL_USED,
	  UNLESS_ANY(EINVAL) },
	{ "case 70: used ring misaligned, running", RUNNING,
	  VHOST_SET_VRING_ADDR, RING_ADDR, 1, USED_BY_2, EINVAL },

	/* eventfds */
	{ "case 73: kick not open", READY, VHOST_SET_VRING_KICK, RING_FILE, 0,
	  CLOSED, EBADF },
	{ "case 73: kick is a pipe", READY, VHOST_SET_VRING_KICK, RING_FILE, 0,
	  PIPE, EINVAL },
	{ "case 73: kick is the device", READY, VHOST_SET_VRING_KICK, RING_FILE,
	  0, ITSELF, EINVAL },
	{ "case 73: kick of none", READY, VHOST_SET_VRING_KICK, RING_FILE, 0,
	  UNBIND, 0 },
	{ "case 73: call not open", RUNNING, VHOST_SET_VRING_CALL, RING_FILE, 0,
	  CLOSED, EBADF },
	{ "case 73: call is a pipe", RUNNING, VHOST_SET_VRING_CALL, RING_FILE,
	  0, PIPE, EINVAL },
	{ "case 73: call of none", RUNNING, VHOST_SET_VRING_CALL, RING_FILE, 0,
	  UNBIND, 0 },
	{ "case 73: error not open", RUNNING, VHOST_SET_VRING_ERR, RING_FILE, 0,
	  CLOSED, EBADF },
	{ "case 73: error is the device", RUNNING, VHOST_SET_VRING_ERR,
	  RING_FILE, 0, ITSELF, EINVAL },
	{ "case 73: error of none", RUNNING, VHOST_SET_VRING_ERR, RING_FILE, 0,
	  UNBIND, 0 },
	{ "case 73: kick is a pipe, running", RUNNING, VHOST_SET_VRING_KICK,
	  RING_FILE, 1, PIPE, EINVAL },

	/* requests that do not exist */
	{ "feature array (0x83)", OWNED, GET_FEATURES_ARRAY, U64, 0, 0,
	  ENOTTY },
	{ "feature array (0x83), running", RUNNING, GET_FEATURES_ARRAY, U64, 0,
	  0, ENOTTY },
	{ "another driver's ioctl", OWNED, VHOST_NET_SET_BACKEND, U64, 0, 0,
	  ENOTTY },
};

/* Advance the device by one state from @from. */
static void advance(struct guest *g, enum state from)
{
	require_ok(state_next(g, from));
}

static void bring_to(struct guest *g, enum state state)
{
	struct guest_config cfg = test_config(0);

	require_ok(state_reach(g, &cfg, state));
}

static void one_ioctl(const void *arg)
{
	const struct ioctl_case *c = arg;
	const struct call call = { c->req, c->arg, c->a, c->b };
	struct session s;
	enum state i;
	int r;

	/* The case of fd 0 needs a file that is not an eventfd. */
	require(dup2(open("/dev/null", O_RDONLY), 0) == 0, "/dev/null");
	bring_to(&s.g, c->state);
	r = call_make(&s.g, &call);
	require(r == -c->err, "%s, not %s", strerror(-r), strerror(c->err));
	if (!c->err)
		return;
	for (i = c->state; i < RUNNING; i++)
		advance(&s.g, i);
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 10000);
	session_close(&s);
}

static void features_offered(const void *arg)
{
	__u64 want = F_NOTIFY_ON_EMPTY | F_INDIRECT | F_EVENT_IDX |
		     F_ANY_LAYOUT | F_VERSION_1 | F_SEQPACKET;
	__u64 have = 0;
	struct dev d;

	(void)arg;
	require_ok(dev_open(&d, test_options.path, 0));
	require_ok(dev_get_features(&d, &have));
	require((have & want) == want, "0x%llx is not offered",
		(unsigned long long)(want & ~have));
	require(!(have & UNKNOWN_FEATURES), "unknown features are offered");
	require_ok(dev_ioctl(&d, VHOST_GET_BACKEND_FEATURES, &have));
	require_ok(dev_ioctl(&d, VHOST_SET_BACKEND_FEATURES, &have));
	require_ok(dev_set_features(&d, want));
	dev_close(&d);
}

/* What was set is read back; then the position that the device has reached. */
static void ring_base_read(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	__u32 base, used;
	int i;

	(void)arg;
	bring_to(&s.g, READY);
	for (i = 0; i < NUM_QUEUES; i++) {
		used = cfg.packed ? 0x8007ffffU - i : 65535U - i;
		require_ok(dev_set_ring_base(&s.g.dev, i, used));
		require_ok(dev_get_ring_base(&s.g.dev, i, &base));
		require(base == used, "base 0x%x", base);
	}
	guest_stop(&s.g);

	cfg.rx_bufs = 8;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1000);
	require_ok(dev_set_running(&s.g.dev, 0));
	guest_poll(&s.g, 0);
	for (i = 0; i < NUM_QUEUES; i++) {
		require_ok(dev_get_ring_base(&s.g.dev, i, &base));
		used = ring_device_base(&s.g.q[i].ring);
		require(base == used, "base 0x%x of 0x%x", base, used);
	}
	session_close(&s);
}

static void cid_taken(const void *arg)
{
	struct dev a, b;
	__u32 cid = test_cid(0);

	(void)arg;
	require_ok(dev_open(&a, test_options.path, 0));
	require_ok(dev_open(&b, test_options.path, 0));
	require_ok(dev_set_cid(&a, cid));
	require(dev_set_cid(&b, cid) == -EADDRINUSE, "not EADDRINUSE");
	require_ok(dev_set_cid(&a, cid));
	require(dev_set_cid(&b, cid) == -EADDRINUSE, "not EADDRINUSE");
	/* A new CID frees the old one; a failure frees nothing. */
	require(dev_set_cid(&a, 2) == -EINVAL, "not EINVAL");
	require(dev_set_cid(&b, cid) == -EADDRINUSE, "not EADDRINUSE");
	require_ok(dev_set_cid(&a, cid + 1));
	require_ok(dev_set_cid(&b, cid));
	require(dev_set_cid(&a, cid) == -EADDRINUSE, "not EADDRINUSE");
	dev_close(&b);
	require_ok(dev_set_cid(&a, cid));
	dev_close(&a);
}

/* As done by VMMs that get an open descriptor with the CID set. */
static void cid_again_running(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	require_ok(guest_alloc(&s.g, &cfg));
	require_ok(dev_open(&s.g.dev, cfg.path, 0));
	require_ok(dev_set_cid(&s.g.dev, cfg.cid));
	advance(&s.g, FRESH);
	advance(&s.g, OWNED);
	advance(&s.g, MEMORY);
	advance(&s.g, READY);
	session_connect(&s, SOCK_STREAM);
	require_ok(dev_set_cid(&s.g.dev, cfg.cid));
	session_exchange(&s, 1000);
	session_close(&s);
}

/* Another process has the descriptor, but may not control the device. */
static void other_process(const void *arg)
{
	struct session s;
	int status;
	pid_t pid;

	(void)arg;
	bring_to(&s.g, RUNNING);
	pid = fork();
	require(pid >= 0, "fork");
	if (!pid) {
		require(dev_set_owner(&s.g.dev) == -EBUSY, "owner");
		require(dev_set_running(&s.g.dev, 0) == -EPERM, "stop");
		require(dev_set_mem_table(&s.g.dev, &s.g.mem) == -EPERM,
			"memory table");
		require(dev_set_ring_call(&s.g.dev, 0, -1) == -EPERM, "call");
		require_ok(dev_set_cid(&s.g.dev, s.g.cfg.cid));
		_exit(0);
	}
	require(waitpid(pid, &status, 0) == pid && !status,
		"the child's status %d", status);
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 1000);
	session_close(&s);
}

/* The device is as if just opened, except for its CID, and can be set up again. */
static void reset_owner(const void *arg)
{
	struct session s;

	(void)arg;
	bring_to(&s.g, RUNNING);
	require_ok(dev_ioctl(&s.g.dev, VHOST_RESET_OWNER, NULL));
	require(dev_set_running(&s.g.dev, 1) == -EPERM, "still owned");
	advance(&s.g, FRESH);
	require(dev_set_running(&s.g.dev, 1) == -EFAULT, "still has memory");
	ring_reset(&s.g.q[RXQ].ring, 0);
	ring_reset(&s.g.q[TXQ].ring, 0);
	advance(&s.g, OWNED);
	advance(&s.g, MEMORY);
	advance(&s.g, READY);
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 1000);
	session_close(&s);
}

/* A driver that negotiates no features. */
static void no_features(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	cfg.features = 0;
	require_ok(guest_alloc(&s.g, &cfg));
	require_ok(dev_open(&s.g.dev, cfg.path, O_NONBLOCK));
	require_ok(dev_set_owner(&s.g.dev));
	advance(&s.g, OWNED);
	advance(&s.g, MEMORY);
	advance(&s.g, READY);
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 65536);
	session_close(&s);
}

/* Eventfds are replaced during traffic. */
static void eventfds_swapped(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	int i, q, call, kick;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < 50; i++) {
		for (q = 0; q < NUM_QUEUES; q++) {
			call = eventfd(0, EFD_NONBLOCK);
			kick = eventfd(0, EFD_NONBLOCK);
			require_ok(dev_set_ring_call(&s.g.dev, q, call));
			require_ok(dev_set_ring_kick(&s.g.dev, q, kick));
			close(s.g.q[q].call);
			close(s.g.q[q].kick);
			s.g.q[q].call = call;
			s.g.q[q].kick = kick;
		}
		session_exchange(&s, 3000);
	}
	session_close(&s);
}

void add_ioctl_tests(void)
{
	static const char g[] = "ioctl";
	unsigned int i;

	session_test(g, "features offered", features_offered, NULL, 0,
		     RINGS_SPLIT);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int rings = RINGS_SPLIT;

		if (cases[i].state >= READY && !cases[i].split_only)
			rings = RINGS_BOTH;
		session_test(g, cases[i].name, one_ioctl, &cases[i], 0, rings);
	}
	session_test(g, "ring base read back", ring_base_read, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "case 74: CID taken, moved, freed", cid_taken, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "case 74: CID before the owner, and again",
		     cid_again_running, NULL, 0, RINGS_SPLIT);
	session_test(g, "case 67: another process", other_process, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "owner reset", reset_owner, NULL, TAP_MVSOCK,
		     RINGS_SPLIT);
	session_test(g, "case 86: no features set", no_features, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "case 73: eventfds replaced while running",
		     eventfds_swapped, NULL, 0, RINGS_SPLIT);
}
