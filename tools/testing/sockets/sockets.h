/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scenes between a guest and the host's sockets, each written as steps:
 *
 *	"accepted; rw 10; recv 4 PEEK; recv 100"
 *
 * Steps are separated by semicolons, words by spaces. The first word says what
 * is done; "word@t" does it to the connection t instead of s. "&" before a step
 * has a thread of its own do it, "%" a process of its own; a step that is
 * done "slowly" has to take as long as a timeout of 200 ms. What a step found out
 * becomes a part of the row's outcome.
 *
 * The guest has one port for each connection. Of the packets that it receives
 * are told: operations and flags in their order, and how many bytes, whose
 * contents and credit are checked. Not told are credit updates, and in how many
 * packets the bytes came.
 */
#ifndef MVS_RING_SOCKETS_H
#define MVS_RING_SOCKETS_H

#include <stdnoreturn.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>

#include "conn.h"
#include "session.h"

#define MAX_WORDS 8
#define SLOTS 26
#define NOBODY 0xfffffff0U	/* a port of the host that has no listener */
#define STEP_TIMEOUT 8000	/* ms, for what must happen */

/* A part of an outcome that no row may have. */
#define WRONG "WRONG"

/* Where in its data one direction is. */
struct flow {
	__u32 msg;	/* of seqpackets */
	__u64 pos;	/* in the message, or in the stream */
};

/* One connection: the host's socket, the guest's end. */
struct end {
	int fd;		/* -1: none */
	struct conn c;
	__u64 edge;	/* the most that the guest ever granted, as rx_cnt */
	bool over;	/* the guest has ended the connection */
	struct flow host_sends, guest_gets, guest_sends, host_gets;
};

struct step {
	const struct verb *verb;
	char slot;
	unsigned int argc;
	char *arg[MAX_WORDS];
	char said[400];
};

struct scene {
	int socktype;
	struct guest g;
	struct end end[SLOTS];
	__u32 port;		/* of the listener l */
	struct packet_list seen;
	char told[2000];	/* of packets, since last asked */
	__u64 bytes;		/* of the packet that is being told */
	char bytes_slot;
	bool anything;		/* bytes are not checked */
	__u64 closed;		/* when the last socket was */
	bool over;		/* the steps that are left are not for this kernel */
};

struct verb {
	const char *name;
	void (*act)(struct scene *p, struct step *s);
};

extern const struct verb host_verbs[], guest_verbs[], wait_verbs[], io_verbs[],
	uring_verbs[], sockmap_verbs[];

/* Add to what a step says. */
void say(struct step *s, const char *fmt, ...);

/* A system call's result: a number, or the errno. */
void say_result(struct step *s, long result);

/* End the row: it did not come to what it is about. */
noreturn void give_up(const char *fmt, ...);

/* The step's connection. */
struct end *end_of(struct scene *p, const struct step *s);

/* Word @i as a number, or @otherwise if there is none. */
long number_arg(const struct step *s, unsigned int i, long otherwise);

/* Is one of the words @name? */
bool has_arg(const struct step *s, const char *name);

/* The values of names, of those words that have one. */
struct name {
	const char *name;
	long value;
};

long flags_arg(const struct step *s, const struct name *names);
long name_arg(const struct step *s, unsigned int i, const struct name *names);

/* Do steps that a step is made of, to the connection @slot; what they say is not
 * told.
 */
void do_steps(struct scene *p, char slot, const char *text);

/* Collect what the guest received until now. */
void guest_look(struct scene *p);

/* Collect until @op comes for @slot. */
void guest_await(struct scene *p, char slot, __u16 op);

/* A row of the list. */
struct row {
	const char *name;
	const char *steps;
	unsigned int types;
};

#define STREAM 1U
#define SEQPACKET 2U
#define BOTH 3U

extern const struct row rows[];
extern const unsigned int nrows;

/* These, and those of the table of calls and states. */
unsigned int sockets_nrows(void);
const struct row *sockets_row(unsigned int i);

/* Of each row there is a line for each type of socket. */
extern const unsigned int sockets_ntypes;

/* Play it, telling all through @tell. */
void play(const struct row *r, int socktype, void (*tell)(const char *text));

/* Compare what was printed in front of both modules. The exit status. */
int sockets_compare(const char *vhost_vsock, const char *mvsock);

#endif
