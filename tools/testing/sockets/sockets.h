/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scenes between a guest and the host's sockets, each written as steps:
 *
 *	"accepted; rw 10; recv 4 PEEK; recv 100"
 *
 * Steps are separated by semicolons, words by spaces. The first word is the action; "word@t"
 * applies it to the connection t instead of s. "&" before a step runs it in a thread, "%" in a
 * process; a step with the word "slowly" must take as long as a timeout of 200 ms. The result of a
 * step becomes part of the row's outcome.
 *
 * The guest has one port for each connection. The outcome has the operations and flags of the
 * packets that the guest receives, in order, and the number of bytes, whose content and credit are
 * checked. It does not have credit updates, nor the number of packets that the bytes came in.
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

/* Part of an outcome that no row may have. */
#define WRONG "WRONG"

/* The position in the data of one direction. */
struct flow {
	__u32 msg;	/* number of the message, for seqpackets */
	__u64 pos;	/* in the message, or in the stream */
};

/* One connection: the host's socket, and the guest's end. */
struct end {
	int fd;		/* -1: none */
	struct conn c;
	__u64 edge;	/* the most that the guest ever granted, as a value of rx_cnt */
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
	char told[2000];	/* of packets, since the last step that printed it */
	__u64 bytes;		/* of the packet that is being recorded */
	char bytes_slot;
	bool anything;		/* bytes are not checked */
	__u64 closed;		/* when the last socket was closed */
	bool over;		/* the remaining steps do not apply to this kernel */
};

struct verb {
	const char *name;
	void (*act)(struct scene *p, struct step *s);
};

extern const struct verb host_verbs[], guest_verbs[], wait_verbs[], io_verbs[],
	uring_verbs[], sockmap_verbs[];

/* Append to a step's result. */
void say(struct step *s, const char *fmt, ...);

/* Append a system call's result: a number, or the errno. */
void say_result(struct step *s, long result);

/* End the row: it did not reach the tested situation. */
noreturn void give_up(const char *fmt, ...);

/* The step's connection. */
struct end *end_of(struct scene *p, const struct step *s);

/* Word @i as a number, or @otherwise if there is no such word. */
long number_arg(const struct step *s, unsigned int i, long otherwise);

/* Check whether one of the words is @name. */
bool has_arg(const struct step *s, const char *name);

/* The values of names; words that have none are ignored. */
struct name {
	const char *name;
	long value;
};

long flags_arg(const struct step *s, const struct name *names);
long name_arg(const struct step *s, unsigned int i, const struct name *names);

/* Run the steps that a step consists of, on the connection @slot; their results are discarded. */
void do_steps(struct scene *p, char slot, const char *text);

/* Collect what the guest has received so far. */
void guest_look(struct scene *p);

/* Collect packets until @op arrives for @slot. */
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

/* The rows of the list, followed by those of the table of calls and states. */
unsigned int sockets_nrows(void);
const struct row *sockets_row(unsigned int i);

/* Each row has one line for each type of socket. */
extern const unsigned int sockets_ntypes;

/* Play a row, passing its results to @tell. */
void play(const struct row *r, int socktype, void (*tell)(const char *text));

/* Compare the outputs for both modules. Returns the exit status. */
int sockets_compare(const char *vhost_vsock, const char *mvsock);

#endif
