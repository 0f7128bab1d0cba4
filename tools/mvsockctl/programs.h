/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which program has a socket, as far as /proc shows the caller the descriptors of others.
 */
#ifndef MVSOCKCTL_PROGRAMS_H
#define MVSOCKCTL_PROGRAMS_H

#include <stdint.h>
#include <sys/types.h>

#define COMMAND_SIZE 16

struct program {
	unsigned long long inode;
	pid_t pid;
	char command[COMMAND_SIZE];
};

struct programs {
	struct program *program;	/* by inode */
	int count;
	int room;
};

/* All sockets of all processes; those that can't be read are left out. */
void programs_load(struct programs *ps);
void programs_free(struct programs *ps);

/* The program with the socket; NULL if it is not known. */
const struct program *program_with(const struct programs *ps, unsigned long long inode);

#endif
