// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs.h"

static int compare(const void *a, const void *b)
{
	const struct program *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static void add_program(struct programs *ps, const struct program *p)
{
	int room = ps->room ? 2 * ps->room : 256;
	struct program *more;

	if (ps->count == ps->room) {
		more = realloc(ps->program, room * sizeof(*more));
		if (!more)
			return;
		ps->program = more;
		ps->room = room;
	}
	ps->program[ps->count++] = *p;
}

static void read_command(int proc, const char *pid, char *to)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, to, COMMAND_SIZE);
		close(fd);
	}
	/* A newline follows the name, which may have others. */
	to[n > 0 ? n - 1 : 0] = 0;
}

static void read_sockets(struct programs *ps, int proc, const char *pid)
{
	struct program p = { .pid = atoi(pid) };
	struct dirent *entry;
	char text[300];
	ssize_t n;
	DIR *fds;
	int fd;

	snprintf(text, sizeof(text), "%s/fd", pid);
	fd = openat(proc, text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds = fd < 0 ? NULL : fdopendir(fd);
	if (!fds)
		return;
	read_command(proc, pid, p.command);
	while ((entry = readdir(fds))) {
		n = readlinkat(fd, entry->d_name, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = 0;
		if (sscanf(text, "socket:[%llu]", &p.inode) == 1)
			add_program(ps, &p);
	}
	closedir(fds);
}

void programs_load(struct programs *ps)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	memset(ps, 0, sizeof(*ps));
	if (!proc)
		return;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			read_sockets(ps, dirfd(proc), entry->d_name);
	closedir(proc);
	qsort(ps->program, ps->count, sizeof(*ps->program), compare);
}

void programs_free(struct programs *ps)
{
	free(ps->program);
	memset(ps, 0, sizeof(*ps));
}

const struct program *program_with(const struct programs *ps, unsigned long long inode)
{
	struct program key = { .inode = inode };

	return inode && ps->count ?
	       bsearch(&key, ps->program, ps->count, sizeof(key), compare) :
	       NULL;
}
