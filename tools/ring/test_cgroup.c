// SPDX-License-Identifier: GPL-2.0
/*
 * Memory cgroups: unread data of a guest are charged to its VMM, whoever
 * is to read it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#include "device_test.h"
#include "session.h"

#define CGROUPS		"/sys/fs/cgroup"
#define GUEST_PORT	1234
#define MIB		0x100000ULL
#define UNREAD		(4 * MIB)

/* The hierarchy's root, wherever it is mounted, if at all. */
static int open_root(void)
{
	char dir[64];
	int fd;

	snprintf(dir, sizeof(dir), "%.40s/cgroups-XXXXXX",
		 getenv("TMPDIR") ?: "/tmp");
	require(mkdtemp(dir), "%s: %s", dir, strerror(errno));
	require(!mount("none", dir, "cgroup2", 0, NULL), "mount: %s",
		strerror(errno));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	require(fd >= 0, "%s: %s", dir, strerror(errno));
	return fd;
}

static int write_at(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -errno : 0;
}

/* Bytes that the kernel has for those in a cgroup. */
static __u64 charged(int cgroup)
{
	int fd = openat(cgroup, "memory.stat", O_RDONLY | O_CLOEXEC);
	unsigned long long n = ~0ULL;
	char line[128];
	FILE *f;

	require(fd >= 0, "memory.stat: %s", strerror(errno));
	f = fdopen(fd, "r");
	while (f && fgets(line, sizeof(line), f) &&
	       sscanf(line, "kernel %llu", &n) != 1)
		;
	fclose(f);
	require(n != ~0ULL, "memory.stat has no 'kernel'");
	return n;
}

/* The kernel adds up what its processors counted every two seconds. */
static void wait_charged(int cgroup, __u64 from, __u64 to)
{
	__u64 deadline = now_ms() + 2 * TIMEOUT, n;

	while ((n = charged(cgroup)) < from || n >= to) {
		require(ms_left(deadline), "%llu bytes are charged", n + 0ULL);
		usleep(100000);
	}
}

static void say(int fd)
{
	require(write(fd, "", 1) == 1, "pipe");
}

static void hear(int fd)
{
	char c;

	require(read(fd, &c, 1) == 1, "the other process ended");
}

/* The VMM's process, in its cgroup: connects, sends, and ends, each when it is told. */
static void vmm(int cgroup, __u32 port, int in, int out)
{
	static __u8 buf[UNREAD];
	struct guest_config cfg = test_config(0);
	struct guest g;
	struct conn c;

	require_ok(write_at(cgroup, "cgroup.procs", "0"));
	require_ok(guest_start(&g, &cfg));
	conn_init(&c, &g, VIRTIO_VSOCK_TYPE_STREAM, GUEST_PORT, port);
	require_ok(conn_connect(&c, TIMEOUT));
	require_ok(conn_send(&c, buf, MIB, TIMEOUT));
	say(out);
	hear(in);
	require_ok(conn_send(&c, buf, UNREAD, TIMEOUT));
	say(out);
	hear(in);
	conn_free(&c);
	guest_stop(&g);
	_exit(0);
}

/* With room for all that the guest sends. */
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
	int root = open_root(), to_vmm[2], from_vmm[2], listener, cgroup, fd;
	char name[32];
	__u32 port = 0;
	__u64 before;
	int status;
	pid_t pid;

	(void)arg;
	require_ok(write_at(root, "cgroup.subtree_control", "+memory"));
	snprintf(name, sizeof(name), "mvsock-%d", getpid());
	require(!mkdirat(root, name, 0755), "%s: %s", name, strerror(errno));
	cgroup = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	listener = listen_with_room(&port);
	require(!pipe(to_vmm) && !pipe(from_vmm), "pipe");
	pid = fork();
	require(pid >= 0, "fork");
	if (!pid) {
		close(to_vmm[1]);
		vmm(cgroup, port, to_vmm[0], from_vmm[1]);
	}
	close(from_vmm[1]);

	fd = host_accept(listener, TIMEOUT);
	require_ok(fd);
	hear(from_vmm[0]);
	read_all(fd, MIB);
	before = charged(cgroup);
	say(to_vmm[1]);
	hear(from_vmm[0]);
	wait_charged(cgroup, before + UNREAD - MIB, ~0ULL);
	read_all(fd, UNREAD);
	wait_charged(cgroup, 0, before + MIB);
	say(to_vmm[1]);
	require(waitpid(pid, &status, 0) == pid && !status, "the VMM failed");
	require(!unlinkat(root, name, AT_REMOVEDIR), "%s: %s", name,
		strerror(errno));
}

/* Where the kernel has them. */
void add_cgroup_tests(void)
{
	if (!access(CGROUPS, F_OK))
		session_test("cgroup", "what was not read", unread, NULL,
			     TAP_MVSOCK, RINGS_SPLIT);
}
