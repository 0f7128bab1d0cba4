// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "host.h"
#include "tap.h"

#define CGROUPS	"/sys/fs/cgroup"

bool cgroup_possible(void)
{
	return !access(CGROUPS, F_OK);
}

/* The root of the hierarchy, wherever it is mounted, if at all. */
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

static void create(struct cgroup *c)
{
	c->root = open_root();
	require_ok(host_write_file(c->root, "cgroup.subtree_control", "+memory"));
	snprintf(c->name, sizeof(c->name), "mvsock-%d", getpid());
	require(!mkdirat(c->root, c->name, 0755), "%s: %s", c->name,
		strerror(errno));
	c->dir = openat(c->root, c->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(c->dir >= 0, "%s: %s", c->name, strerror(errno));
}

bool cgroup_fork(struct cgroup *c)
{
	int to[2], from[2];

	create(c);
	require(!pipe(to) && !pipe(from), "pipe");
	c->pid = fork();
	require(c->pid >= 0, "fork");
	c->in = c->pid ? from[0] : to[0];
	c->out = c->pid ? to[1] : from[1];
	close(c->pid ? from[1] : to[1]);
	close(c->pid ? to[0] : from[0]);
	if (c->pid)
		return false;
	require_ok(host_write_file(c->dir, "cgroup.procs", "0"));
	return true;
}

void cgroup_say(const struct cgroup *c)
{
	require(write(c->out, "", 1) == 1, "pipe");
}

void cgroup_hear(const struct cgroup *c)
{
	char byte;

	require(read(c->in, &byte, 1) == 1, "the other process ended");
}

/* The number in a line of a cgroup file. */
static __u64 number(const struct cgroup *c, const char *name, const char *format)
{
	int fd = openat(c->dir, name, O_RDONLY | O_CLOEXEC);
	unsigned long long n = ~0ULL;
	char line[128];
	FILE *f;

	require(fd >= 0, "%s: %s", name, strerror(errno));
	f = fdopen(fd, "r");
	require(f, "%s: %s", name, strerror(errno));
	while (fgets(line, sizeof(line), f) && sscanf(line, format, &n) != 1)
		;
	fclose(f);
	require(n != ~0ULL, "%s has no '%s'", name, format);
	return n;
}

__u64 cgroup_charged(const struct cgroup *c)
{
	return number(c, "memory.stat", "kernel %llu");
}

__u64 cgroup_current(const struct cgroup *c)
{
	return number(c, "memory.current", "%llu");
}

void cgroup_end(struct cgroup *c)
{
	int status;

	require(waitpid(c->pid, &status, 0) == c->pid && !status,
		"the VMM failed");
	require(!unlinkat(c->root, c->name, AT_REMOVEDIR), "%s: %s", c->name,
		strerror(errno));
}
