/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests share: options, a guest with one connection, counters.
 *
 * All of it ends the running test on failure.
 */
#ifndef MVS_RING_SESSION_H
#define MVS_RING_SESSION_H

#include <sys/socket.h>

#include "conn.h"
#include "host.h"
#include "tap.h"

#define TIMEOUT 5000	/* ms, for what must happen */
#define QUIET 100	/* ms, for what must not */

struct test_options {
	const char *path;
	__u32 cid_base;
	bool upstream;
};

extern struct test_options test_options;

/* A CID of its own for the @n-th device of each test of each run: a host's
 * socket may send its RST seconds after its device went away.
 */
__u32 test_cid(unsigned int n);

/* The default guest with the @n-th CID of this test. */
struct guest_config test_config(unsigned int n);

struct session {
	struct guest g;
	struct conn c;
	int listener;	/* -1 if the host connected */
	int fd;		/* the host's end */
};

void session_guest_connects(struct session *s, const struct guest_config *cfg,
			    int socktype);
void session_host_connects(struct session *s, const struct guest_config *cfg,
			   int socktype);

/* On a guest that is started. */
void session_connect(struct session *s, int socktype);
void session_accept(struct session *s, int socktype);

void session_close(struct session *s);

/* One block each way, contents verified. */
void session_to_host(struct session *s, __u32 len);
void session_to_guest(struct session *s, __u32 len);
void session_exchange(struct session *s, __u32 len);

/* The device gave each interrupt and no bad used entry. */
void guest_check(const struct guest *g);

/* All that the device counts of errors. */
enum counter {
	REJ_TOO_LONG, REJ_BAD_NEXT, REJ_BAD_INDIRECT, REJ_BAD_ADDRESS,
	REJ_BAD_DIRECTION, REJ_TOO_SHORT, REJ_BAD_LEN, REJ_BAD_CID,
	BROKEN_RINGS, NUM_COUNTERS, NO_COUNTER = NUM_COUNTERS
};

struct counters {
	__u64 value[NUM_COUNTERS];
};

/* Upstream has none: all 0, and nothing is expected. */
struct counters counters_read(const struct guest *g);

/* @which moved by @by since @before, no other moved. */
void counters_expect(const struct guest *g, const struct counters *before,
		     enum counter which, unsigned int by);

__u64 counter_get(const struct guest *g, const char *name);

#endif
