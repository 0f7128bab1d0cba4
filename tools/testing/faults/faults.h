/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault injection, one fault after the other: an operation of a caller or of the device's worker is
 * repeated, and each time the next one of its allocations and mappings of guest pages fails, until
 * none is left.
 *
 *	faults.c	selects the fault, and checks that everything works afterwards
 *	faults_guest.c	the guest on which the operation runs
 *	faults_ops.c	the operations
 *	faults_direct.c	operations with large packets and their readers
 *	faults_siblings.c operations with another guest
 */
#ifndef MVS_RING_FAULTS_H
#define MVS_RING_FAULTS_H

#include "iommu.h"
#include "session.h"

/* The kinds of guests, as bits for those of an operation. */
enum kind {
	SPLIT = 1,
	PACKED = 2,
	LOGGED = 4,		/* the device's writes must be in the dirty log */
	BEHIND_IOMMU = 8,
};

#define RINGS	(SPLIT | PACKED)
#define ALL	(RINGS | LOGGED | BEHIND_IOMMU)

struct scene;

/**
 * struct watched - memory whose changes must be in the dirty log
 * @now: the memory
 * @was: its previous content
 * @len: bytes
 * @gpa: its address in the log
 */
struct watched {
	const __u8 *now;
	__u8 *was;
	__u64 len;
	__u64 gpa;
};

/**
 * struct scene - what an operation runs on
 * @s: a guest, and its connection, if any
 * @kind: kind of the guest
 * @fd: the file that was opened, or -1
 * @round: number of earlier runs
 * @timeout: in ms, for events that a fault may prevent
 * @m: the VMM, if @kind is BEHIND_IOMMU
 * @log: the dirty log, if @kind is LOGGED
 * @watched: in that case, memory that the device may write
 * @nwatched: number of elements in @watched
 * @beside: a concurrent thread, without faults
 * @act: what the thread does
 * @err: what @act returned
 * @tid: ID of a thread for which others wait, once it is known
 * @sibling: another guest, or NULL
 * @there: its end of a connection with the guest
 */
struct scene {
	struct session s;
	enum kind kind;
	int fd;
	unsigned int round;
	int timeout;

	struct iommu m;
	__u64 *log;
	struct watched watched[1 + NUM_QUEUES];
	unsigned int nwatched;

	pthread_t beside;
	int (*act)(struct scene *s);
	int err;
	pid_t tid;

	struct guest *sibling;
	struct conn there;
};

/**
 * struct op - an operation
 * @name: its name
 * @kinds: kinds of guests on which it runs
 * @worker: faults are injected into the device's worker, else into the caller of @act
 * @prepare: without faults: sets up a guest, of which nothing is mapped yet
 * @act: with faults. Returns 0 or a negative errno; a call that must not fail ends the test.
 * @again: without faults: repeats what @act failed to do; or NULL
 * @rest: afterwards: what remains to be done before the guest works; or NULL
 */
struct op {
	const char *name;
	unsigned int kinds;
	bool worker;
	void (*prepare)(struct scene *s);
	int (*act)(struct scene *s);
	int (*again)(struct scene *s);
	int (*rest)(struct scene *s);
};

extern const struct op ops[];
extern const unsigned int nops;

/* faults_guest.c */

struct guest_config scene_config(const struct scene *s);

/* Start a guest of @s->kind. */
void scene_start(struct scene *s, const struct guest_config *cfg);

/* The same, with a connection. */
void scene_connect(struct scene *s, int socktype);

/* Drop all mappings, translations and log pages of the guest's memory. */
void scene_forget(struct scene *s);

/* Check that all of the device's writes since then are logged, if they have to be. */
void scene_check_log(const struct scene *s);

/* What a VMM does when the guest resets its device. */
void scene_restart(struct scene *s);

void scene_end(struct scene *s);

/* Number of errors counted by the guest's device. */
__u64 scene_errors(const struct scene *s);

/* Run something concurrently; wait for its end. */
void scene_beside(struct scene *s, int (*act)(struct scene *s));
int scene_join(struct scene *s);

/* faults_direct.c */

void awaited(struct scene *s);
void seqpacket_awaited(struct scene *s);
int recv_left(struct scene *s);
int recv_packet(struct scene *s);
int left_to_reader(struct scene *s);
void reads(struct scene *s);
int guest_sends_to_reader(struct scene *s);

/* faults_siblings.c */

void sibling(struct scene *s);
void connected_sibling(struct scene *s);
void full_sibling(struct scene *s);
int guest_connects_to_sibling(struct scene *s);
int guest_sends_to_sibling(struct scene *s);
void scene_end_sibling(struct scene *s);

#endif
