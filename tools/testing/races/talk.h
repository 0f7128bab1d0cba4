/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections where each end knows what the other one sends: how much, divided into which messages,
 * and each byte, as all of it follows from the connection's ports. Received data are checked
 * against that, so that any loss, repetition or reordering is detected, and a connection that is
 * cut off must have transferred the start of the data.
 *
 * All functions end the running test on failure.
 */
#ifndef MVS_RING_TALK_H
#define MVS_RING_TALK_H

#include "conn.h"
#include "rng.h"
#include "session.h"

#define TALK_CONNS	18
#define TALK_OPENED	6	/* maximum opened by the guest */

/* One direction of a connection. */
struct talk_way {
	struct rng rng;		/* for the lengths of messages */
	__u32 seed;		/* for the bytes */
	__u64 pos;
	__u64 total;
	__u32 left;		/* of the current message */
};

/* @guest_port and @host_port are those of the connection. */
void talk_way_begin(struct talk_way *w, __u32 guest_port, __u32 host_port,
		    bool to_guest);
static inline bool talk_way_done(const struct talk_way *w)
{
	return w->pos == w->total;
}

/* The rest of the current message, or the next one. */
__u32 talk_message(struct talk_way *w);

/* Produce or check the next @len bytes, and advance past them. */
void talk_fill(struct talk_way *w, void *buf, __u32 len);
void talk_check(struct talk_way *w, const void *buf, __u32 len);

/* --- the guest's end --- */

struct talk_conn {
	bool used;
	bool opened;		/* opened by the guest */
	bool finished;		/* shut down by the guest */
	__u64 moved;		/* bytes in both directions so far, */
	__u64 since;		/* and since when, in ms */
	struct conn c;
	struct talk_way in;
	struct talk_way out;
};

/**
 * struct talk_guest - a guest that exchanges data with all host programs
 * @g: the guest
 * @rng: random numbers for its actions
 * @conn: its connections
 * @strict: none of them may end early
 * @rude: it resets some of them
 * @port: ports of the host's listeners, for streams and for seqpackets; 0 if there are none
 * @sibling: CID of another guest, of the same kind, or 0; connections with it may end early
 * @opened: number of connections that it has opened
 * @whole: connections that transferred everything
 * @whole_sibling: those of them that were with the other guest
 */
struct talk_guest {
	struct guest g;
	struct rng rng;
	struct talk_conn conn[TALK_CONNS];
	bool strict;
	bool rude;
	__u32 port[2];
	__u32 sibling;
	unsigned int opened;
	unsigned int whole;
	unsigned int whole_sibling;
};

/* Run one round of the driver's loop, and of the guest's programs. */
void talk_guest_round(struct talk_guest *t, int timeout);

/* Drop all connections. */
void talk_guest_forget(struct talk_guest *t);

/* --- the host's end --- */

/**
 * talk_host() - play the host's end of a connection
 * @fd: its socket, non-blocking
 * @rng: random numbers for the sizes of reads and writes
 * @patience: maximum time without progress, in ms
 * @bytes: set to the number of bytes transferred in both directions, if all were
 *
 * The socket stays open. If everything was transferred, the guest has been told.
 *
 * Return: 0, or a negative errno if the connection ended early, -ETIMEDOUT without progress.
 */
int talk_host(int fd, struct rng *rng, int patience, __u64 *bytes);

#endif
