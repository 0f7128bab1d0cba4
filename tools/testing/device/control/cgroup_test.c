// SPDX-License-Identifier: GPL-2.0
/* Memory cgroups: unread data from a guest are charged to its VMM, whichever process reads them. */
#include <unistd.h>
#include <linux/vm_sockets.h>

#include "cgroup.h"
#include "device_test.h"
#include "session.h"

#define GUEST_PORT	1234
#define MIB		0x100000ULL
#define UNREAD		(4 * MIB)

/* The kernel flushes the per-CPU statistics every two seconds. */
static void wait_charged(const struct cgroup *c, __u64 from, __u64 to)
{
	__u64 deadline = now_ms() + 2 * TIMEOUT, n;

	while ((n = cgroup_charged(c)) < from || n >= to) {
		require(ms_left(deadline), "%llu bytes are charged", n + 0ULL);
		usleep(100000);
	}
}

/* The VMM's process, in its cgroup: it connects, sends, and exits, each step when it is told to. */
static void vmm(const struct cgroup *cgroup, __u32 port)
{
	static __u8 buf[UNREAD];
	struct guest_config cfg = test_config(0);
	struct guest g;
	struct conn c;

	require_ok(guest_start(&g, &cfg));
	conn_init(&c, &g, VIRTIO_VSOCK_TYPE_STREAM, GUEST_PORT, port);
	require_ok(conn_connect(&c, TIMEOUT));
	require_ok(conn_send(&c, buf, MIB, TIMEOUT));
	cgroup_say(cgroup);
	cgroup_hear(cgroup);
	require_ok(conn_send(&c, buf, UNREAD, TIMEOUT));
	cgroup_say(cgroup);
	cgroup_hear(cgroup);
	conn_free(&c);
	guest_stop(&g);
	_exit(0);
}

/* With a buffer for all that the guest sends. */
static int listen_with_room(__u32 *port)
{
	unsigned long long size = UNREAD + MIB;
	int fd = host_listen(SOCK_STREAM, port);

	require_ok(fd);
	require(!setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &size,
			    sizeof(size)) &&
		!setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size,
			    sizeof(size)), "buffer: %s", strerror(errno));
	return fd;
}

static void read_all(int fd, __u64 len)
{
	static __u8 buf[UNREAD];

	require_ok(host_recv(fd, buf, len, TIMEOUT));
}

static void unread(const void *arg)
{
	struct cgroup c;
	__u32 port = 0;
	__u64 before;
	int listener, fd;

	(void)arg;
	listener = listen_with_room(&port);
	if (cgroup_fork(&c))
		vmm(&c, port);

	fd = host_accept(listener, TIMEOUT);
	require_ok(fd);
	cgroup_hear(&c);
	read_all(fd, MIB);
	before = cgroup_charged(&c);
	cgroup_say(&c);
	cgroup_hear(&c);
	wait_charged(&c, before + UNREAD - MIB, ~0ULL);
	read_all(fd, UNREAD);
	wait_charged(&c, 0, before + MIB);
	cgroup_say(&c);
	cgroup_end(&c);
}

/* Only if the kernel has memory cgroups. */
void add_cgroup_tests(void)
{
	if (cgroup_possible())
		session_test("cgroup", "what was not read", unread, NULL,
			     TAP_MVSOCK, RINGS_SPLIT);
}
