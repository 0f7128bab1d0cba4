// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces: which guests and sockets can reach one another. "global" namespaces, as all
 * were before Linux 7.0, share their CIDs; a "local" one has its own.
 */
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <linux/mvsock.h>

#include "device_test.h"
#include "genl.h"
#include "session.h"

#define NETNS		"/proc/self/ns/net"
#define CHILD_MODE	"/proc/sys/net/vsock/child_ns_mode"
#define PORT		4321

static int this_netns(void)
{
	int fd = open(NETNS, O_RDONLY | O_CLOEXEC);

	require(fd >= 0, NETNS ": %s", strerror(errno));
	return fd;
}

static void enter(int netns)
{
	require(!setns(netns, CLONE_NEWNET), "setns: %s", strerror(errno));
}

static int enter_new(void)
{
	require(!unshare(CLONE_NEWNET), "unshare: %s", strerror(errno));
	return this_netns();
}

/* Set the mode of child namespaces. A namespace accepts that only once. */
static void make_children_local(void)
{
	int fd = open(CHILD_MODE, O_WRONLY | O_CLOEXEC);

	require(fd >= 0 && write(fd, "local", 5) == 5, CHILD_MODE ": %s",
		strerror(errno));
	close(fd);
}

/* A connection to the guest, which is closed, and one from it, which stays open, with the same
 * ports for every guest.
 */
static void connect_both_ways(struct session *s)
{
	session_accept(s, SOCK_STREAM);
	session_exchange(s, 5000);
	require_ok(conn_send_op(&s->c, VIRTIO_VSOCK_OP_RST, 0));
	close(s->fd);
	conn_free(&s->c);

	s->listener = host_listen_on(SOCK_STREAM, PORT);
	require_ok(s->listener);
	conn_init(&s->c, &s->g, VIRTIO_VSOCK_TYPE_STREAM, PORT, PORT);
	require_ok(conn_connect(&s->c, TIMEOUT));
	s->fd = host_accept(s->listener, TIMEOUT);
	require_ok(s->fd);
}

static void require_no_guest(__u32 cid)
{
	int fd = host_connect(SOCK_STREAM, cid, PORT);

	require(fd == -ENODEV, "connect to a guest of another namespace: %s",
		fd < 0 ? strerror(-fd) : "done");
}

static void require_cid_taken(const struct guest_config *cfg)
{
	struct guest g;
	int err = guest_start(&g, cfg);

	require(err == -EADDRINUSE, "a second guest with the CID: %s",
		strerror(-err));
}

struct listing {
	__u32 cid;
	unsigned int count;	/* connections of that guest */
};

static void count_listed(const struct nlattr *attrs, int len, void *arg)
{
	struct listing *l = arg;

	l->count += genl_number(attrs, len, MVSOCK_A_CONN_CID) == l->cid;
}

/* By the netlink family, which only mvsock has. */
static void require_listed(__u32 cid, unsigned int want)
{
	struct listing l = { .cid = cid };
	struct genl_request r;
	struct genl c;

	if (test_options.upstream)
		return;
	require_ok(genl_open(&c, MVSOCK_FAMILY_NAME));
	r = genl_request(&c, MVSOCK_CMD_CONN_GET);
	require_ok(genl_dump(&c, &r, count_listed, &l));
	require(l.count == want, "%u connections are listed, not %u", l.count,
		want);
	genl_close(&c);
}

/* A guest of the first namespace is reachable from others, and its CID is taken there. */
static void global(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	int first = this_netns();

	(void)arg;
	require_ok(guest_start(&s.g, &cfg));
	close(enter_new());
	connect_both_ways(&s);
	session_exchange(&s, 5000);
	require_cid_taken(&cfg);
	require_listed(cfg.cid, 1);
	enter(first);
	require_cid_taken(&cfg);
	session_exchange(&s, 5000);
	session_close(&s);
	close(first);
}

#define SPACES 3

static void local(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s[SPACES];
	int netns[SPACES], middle;
	unsigned int i;

	(void)arg;
	netns[0] = this_netns();
	middle = enter_new();
	make_children_local();
	for (i = 1; i < SPACES; i++) {
		enter(middle);
		netns[i] = enter_new();
		require_no_guest(cfg.cid);
	}
	for (i = 0; i < SPACES; i++) {
		enter(netns[i]);
		require_listed(cfg.cid, 0);
		require_ok(guest_start(&s[i].g, &cfg));
		connect_both_ways(&s[i]);
		require_cid_taken(&cfg);
	}
	for (i = 0; i < SPACES; i++)
		session_exchange(&s[i], 5000);
	for (i = 0; i < SPACES; i++) {
		enter(netns[i]);
		require_listed(cfg.cid, 1);
	}
	for (i = 0; i < SPACES; i++) {
		session_close(&s[i]);
		enter(netns[i]);
		require_no_guest(cfg.cid);
		if (i + 1 < SPACES)
			session_exchange(&s[i + 1], 5000);
		close(netns[i]);
	}
	close(middle);
}

/* Only if the kernel has such namespaces. */
void add_netns_tests(void)
{
	if (!access(NETNS, F_OK))
		session_test("netns", "global", global, NULL, 0, RINGS_SPLIT);
	if (!access(CHILD_MODE, F_OK))
		session_test("netns", "local", local, NULL, 0, RINGS_SPLIT);
}
