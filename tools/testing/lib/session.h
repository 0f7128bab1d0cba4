/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests share: options, a guest with one connection, counters.
 *
 * All functions end the running test on failure.
 */
#ifndef MVS_RING_SESSION_H
#define MVS_RING_SESSION_H

#include <sys/socket.h>

#include "conn.h"
#include "host.h"
#include "tap.h"

#define TIMEOUT 5000	/* ms, for what must happen */
#define QUIET 100	/* ms, for what must not happen */

struct test_options {
	const char *path;
	__u32 cid_base;
	bool upstream;
	__u64 seed;	/* seed of a program whose tests depend on one */
	double seconds;	/* duration of these tests */
};

extern struct test_options test_options;

/* Called before the tests of test_options' device. Prints a message if it does not exist. */
bool session_begin(void);

/* main() of a program whose tests depend on a seed, which is random without --seed. Without
 * --seconds, the duration in test_options is used; a test may take @more seconds in addition.
 */
int session_main(int argc, char **argv, const char *help, unsigned int more,
		 void (*add)(void));

/* A unique CID for the @n-th device of each test of each run: a host's socket may send its RST
 * seconds after its device was closed.
 */
__u32 test_cid(unsigned int n);

/* The kinds of rings with which a test is run. */
#define RINGS_SPLIT		1U
#define RINGS_PACKED		2U
#define RINGS_SPLIT_IN_ORDER	4U
#define RINGS_PACKED_IN_ORDER	8U
#define RINGS_BOTH		(RINGS_SPLIT | RINGS_PACKED)
#define RINGS_ALL		0xfU

/* tap_add2() once for each kind in @rings. Each test has a neighbour: another guest, whose
 * connection must keep working whatever the test does.
 */
void session_test(const char *group, const char *name,
		  void (*run)(const void *arg), const void *arg,
		  unsigned int flags, unsigned int rings);

/* The default guest with the @n-th CID of this test, and its kind of ring. */
struct guest_config test_config(unsigned int n);

/* Value of VHOST_SET_VRING_BASE for a ring that starts at @index; if packed, with @wrap as both
 * wrap counters.
 */
__u32 test_base(const struct guest_config *cfg, __u16 index, bool wrap);

/* VIRTIO_VSOCK_TYPE_* of a socket's type. */
__u16 type_of_packets(int socktype);

struct session {
	struct guest g;
	struct conn c;
	int listener;	/* -1 if the host connected */
	int fd;		/* the host's socket */
};

void session_guest_connects(struct session *s, const struct guest_config *cfg,
			    int socktype);
void session_host_connects(struct session *s, const struct guest_config *cfg,
			   int socktype);

/* Connect such that no receive buffer is left in the ring; none is posted again. */
void session_no_rx(struct session *s, int socktype);

/* The same for a guest that has been started. */
void session_connect(struct session *s, int socktype);
void session_accept(struct session *s, int socktype);

void session_close(struct session *s);

/* The @n-th additional connection of @first's guest, with a listener of its own. */
void session_another(struct session *s, struct session *first, int socktype,
		     unsigned int n);
void session_close_another(struct session *s);

/* Transfer one block in each direction, and verify its content. */
void session_to_host(struct session *s, __u32 len);
void session_to_guest(struct session *s, __u32 len);
void session_exchange(struct session *s, __u32 len);

/* The device was closed: data that the guest did not take end with an error. vhost_vsock has taken
 * them already, and discards them.
 */
void require_ended(struct sending *x);

/* Check that the neighbour works now, and not only at the end of the test. */
void neighbour_exchange(__u32 len);
__u32 neighbour_cid(void);

/* What a VMM does when the guest resets its device: empty rings. */
void guest_restart(struct guest *g);

/* Wait for one used entry of a ring. Returns its length. */
__u32 guest_wait_used(struct guest *g, unsigned int q);

/* Check that the device signalled each interrupt and returned no bad used entry. */
void guest_check(const struct guest *g);

/* Check that @len bytes of guest memory from @gpa on are all @byte, except for the first @used ones
 * of a chain.
 */
void check_untouched(const struct guest *g, __u64 gpa, __u32 len, __u8 byte,
		     const struct seg *segs, unsigned int n, __u32 used);

/* Wait until the process or thread sleeps interruptibly. */
void wait_asleep(pid_t pid);

/* Wait until the child is stopped, by itself or by another process. */
void wait_stopped(pid_t pid);

/* The error counters of the device. */
enum counter {
	REJ_TOO_LONG, REJ_BAD_NEXT, REJ_BAD_INDIRECT, REJ_BAD_ADDRESS,
	REJ_BAD_DIRECTION, REJ_TOO_SHORT, REJ_BAD_LEN, REJ_BAD_CID,
	BROKEN_RINGS, NUM_COUNTERS, NO_COUNTER = NUM_COUNTERS
};

struct counters {
	__u64 value[NUM_COUNTERS];
};

const char *counter_name(enum counter which);

/* vhost_vsock has none: all are 0, and nothing is expected. */
struct counters counters_read(const struct guest *g);

/* Check that @which changed by @by since @before, and no other counter changed. */
void counters_expect(const struct guest *g, const struct counters *before,
		     enum counter which, unsigned int by);

__u64 counter_get(const struct guest *g, const char *name);

#endif
