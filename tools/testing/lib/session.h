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
	__u64 seed;	/* of a program whose tests follow from one */
	double seconds;	/* that these take */
};

extern struct test_options test_options;

/* Before the tests of test_options' device. If it is not there, says so. */
bool session_begin(void);

/* main() of a program whose tests follow from a seed, which is a random one without
 * --seed. Without --seconds, those of test_options count; a test may take @more of them.
 */
int session_main(int argc, char **argv, const char *help, unsigned int more,
		 void (*add)(void));

/* A CID of its own for the @n-th device of each test of each run: a host's
 * socket may send its RST seconds after its device went away.
 */
__u32 test_cid(unsigned int n);

/* Which rings a test is run with. */
#define RINGS_SPLIT		1U
#define RINGS_PACKED		2U
#define RINGS_SPLIT_IN_ORDER	4U
#define RINGS_PACKED_IN_ORDER	8U
#define RINGS_BOTH		(RINGS_SPLIT | RINGS_PACKED)
#define RINGS_ALL		0xfU

/* tap_add2() once for each kind in @rings. Beside each test there is a
 * neighbour: another guest, whose connection works whatever happens.
 */
void session_test(const char *group, const char *name,
		  void (*run)(const void *arg), const void *arg,
		  unsigned int flags, unsigned int rings);

/* The default guest with the @n-th CID of this test, and its kind of ring. */
struct guest_config test_config(unsigned int n);

/* VHOST_SET_VRING_BASE's value for a ring that starts at @index; packed, with
 * @wrap as both wrap counters.
 */
__u32 test_base(const struct guest_config *cfg, __u16 index, bool wrap);

/* VIRTIO_VSOCK_TYPE_* of a socket's type. */
__u16 type_of_packets(int socktype);

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

/* No receive buffer is left in the ring, and none is posted again. */
void session_no_rx(struct session *s, int socktype);

/* On a guest that is started. */
void session_connect(struct session *s, int socktype);
void session_accept(struct session *s, int socktype);

void session_close(struct session *s);

/* The @n-th other connection of @first's guest, on a listener of its own. */
void session_another(struct session *s, struct session *first, int socktype,
		     unsigned int n);
void session_close_another(struct session *s);

/* One block each way, contents verified. */
void session_to_host(struct session *s, __u32 len);
void session_to_guest(struct session *s, __u32 len);
void session_exchange(struct session *s, __u32 len);

/* The device was closed: what the guest did not take ends with an error. Upstream
 * has taken it, to throw it away.
 */
void require_ended(struct sending *x);

/* The neighbour works now, and not only when the test is over. */
void neighbour_exchange(__u32 len);
__u32 neighbour_cid(void);

/* What a VMM does when the guest resets its device: empty rings. */
void guest_restart(struct guest *g);

/* Wait for one used entry of a ring; its length. */
__u32 guest_wait_used(struct guest *g, unsigned int q);

/* The device gave each interrupt and no bad used entry. */
void guest_check(const struct guest *g);

/* Of @len bytes of the guest's memory from @gpa on, all are @byte but the first
 * @used ones of a chain.
 */
void check_untouched(const struct guest *g, __u64 gpa, __u32 len, __u8 byte,
		     const struct seg *segs, unsigned int n, __u32 used);

/* Until the process or thread sleeps, interruptibly. */
void wait_asleep(pid_t pid);

/* Until the child is stopped, by itself or another. */
void wait_stopped(pid_t pid);

/* All that the device counts of errors. */
enum counter {
	REJ_TOO_LONG, REJ_BAD_NEXT, REJ_BAD_INDIRECT, REJ_BAD_ADDRESS,
	REJ_BAD_DIRECTION, REJ_TOO_SHORT, REJ_BAD_LEN, REJ_BAD_CID,
	BROKEN_RINGS, NUM_COUNTERS, NO_COUNTER = NUM_COUNTERS
};

struct counters {
	__u64 value[NUM_COUNTERS];
};

const char *counter_name(enum counter which);

/* Upstream has none: all 0, and nothing is expected. */
struct counters counters_read(const struct guest *g);

/* @which moved by @by since @before, no other moved. */
void counters_expect(const struct guest *g, const struct counters *before,
		     enum counter which, unsigned int by);

__u64 counter_get(const struct guest *g, const char *name);

#endif
