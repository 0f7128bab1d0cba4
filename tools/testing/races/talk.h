/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections whose two ends know what the other one sends: how much, cut into
 * which messages, and each byte, as it all follows from the connection's ports. What
 * comes is checked against that, so nothing can be lost, repeated or reordered unseen,
 * and a connection that is cut off has carried the beginning of what was sent.
 *
 * All of it ends the running test on failure.
 */
#ifndef MVS_RING_TALK_H
#define MVS_RING_TALK_H

#include "conn.h"
#include "rng.h"
#include "session.h"

#define TALK_CONNS	12
#define TALK_OPENED	6	/* by the guest, at most */

/* One direction of a connection. */
struct talk_way {
	struct rng rng;		/* of the lengths of messages */
	__u32 seed;		/* of the bytes */
	__u64 pos;
	__u64 total;
	__u32 left;		/* of the message that is under way */
};

/* @guest_port and @host_port are the connection's. */
void talk_way_begin(struct talk_way *w, __u32 guest_port, __u32 host_port,
		    bool to_guest);
static inline bool talk_way_done(const struct talk_way *w)
{
	return w->pos == w->total;
}

/* What is left of the message that is under way, or of the next one. */
__u32 talk_message(struct talk_way *w);

/* Lay the next @len bytes, check them; they are passed then. */
void talk_fill(struct talk_way *w, void *buf, __u32 len);
void talk_check(struct talk_way *w, const void *buf, __u32 len);

/* --- the guest's end --- */

struct talk_conn {
	bool used;
	bool opened;		/* by the guest */
	struct conn c;
	struct talk_way in;
	struct talk_way out;
};

/**
 * struct talk_guest - a guest that talks with everybody
 * @g: the guest
 * @rng: of what it does
 * @conn: its connections
 * @strict: none of them may end early
 * @rude: it resets some of them
 * @port: the host's listeners, for streams and for seqpackets
 * @opened: how many it has opened
 * @whole: connections that carried all
 */
struct talk_guest {
	struct guest g;
	struct rng rng;
	struct talk_conn conn[TALK_CONNS];
	bool strict;
	bool rude;
	__u32 port[2];
	unsigned int opened;
	unsigned int whole;
};

/* One round of the driver's loop, and of the guest's programs. */
void talk_guest_round(struct talk_guest *t, int timeout);

/* Forget all connections. */
void talk_guest_forget(struct talk_guest *t);

/* --- the host's end --- */

/**
 * talk_host() - play the host's end of a connection
 * @fd: its socket, non-blocking
 * @rng: of the sizes of what is read and written at once
 * @patience: how long nothing may happen, in ms
 * @bytes: set to how many were carried both ways, if all were
 *
 * The socket stays open. When all was carried it was told to the guest.
 *
 * Return: 0, or a negative errno if it ended early, -ETIMEDOUT if nothing happened.
 */
int talk_host(int fd, struct rng *rng, int patience, __u64 *bytes);

#endif
