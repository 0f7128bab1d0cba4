/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults on purpose, one after the other: what a call or the device's worker does is
 * done again and again, and each time the next of the allocations and mappings of guest
 * pages in it fails, until none is left.
 *
 *	faults.c	which one fails, and that all works afterwards
 *	faults_guest.c	the guest that something is done to
 *	faults_ops.c	what is done
 *	faults_direct.c	what is done with large packets, and their readers
 */
#ifndef MVS_RING_FAULTS_H
#define MVS_RING_FAULTS_H

#include "iommu.h"
#include "session.h"

/* The guest, as bits of those that something is done to. */
enum kind {
	SPLIT = 1,
	PACKED = 2,
	LOGGED = 4,		/* what the device writes is to be in the dirty log */
	BEHIND_IOMMU = 8,
};

#define RINGS	(SPLIT | PACKED)
#define ALL	(RINGS | LOGGED | BEHIND_IOMMU)

struct scene;

/**
 * struct watched - memory whose changes the dirty log has to tell
 * @now: the memory
 * @was: what it was
 * @len: bytes
 * @gpa: where the log has it
 */
struct watched {
	const __u8 *now;
	__u8 *was;
	__u64 len;
	__u64 gpa;
};

/**
 * struct scene - what something is done to
 * @s: a guest, and its connection if there is one
 * @kind: of the guest
 * @fd: what was opened, or -1
 * @round: how often it has been done before
 * @timeout: how long to wait for what a fault may keep from coming, in ms
 * @m: the VMM, if @kind is BEHIND_IOMMU
 * @log: the dirty log, if it is LOGGED
 * @watched: then: what the device may write
 * @nwatched: how many there are
 * @beside: a thread that something else is done in, without faults
 * @act: what
 * @err: as what it returned
 * @tid: of the thread that is waited for there, once it is known
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
};

/**
 * struct op - what is done
 * @name: what it is
 * @kinds: of guests that it is done to
 * @worker: faults are injected into the device's worker, else into the caller of @act
 * @prepare: without faults: a guest, of which nothing is mapped yet
 * @act: with them. Returns 0 or a negative errno; what must not fail ends the test.
 * @again: without: what @act failed to do; or NULL
 * @rest: then, if there is more to do before the guest is one that works; or NULL
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

/* A guest of @s->kind that runs. */
void scene_start(struct scene *s, const struct guest_config *cfg);

/* Running, with a connection. */
void scene_connect(struct scene *s, int socktype);

/* Nothing of its memory is mapped, translated or logged any more. */
void scene_forget(struct scene *s);

/* All that the device wrote since is logged, if it is to be. */
void scene_check_log(const struct scene *s);

/* What a VMM does when the guest resets its device. */
void scene_restart(struct scene *s);

void scene_end(struct scene *s);

/* Errors that the guest's device has counted. */
__u64 scene_errors(const struct scene *s);

/* Do something else meanwhile; wait for its end. */
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

#endif
