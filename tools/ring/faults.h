/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults on purpose, one after the other: what a call or the device's worker does is
 * done again and again, and each time the next of the allocations and mappings of guest
 * pages in it fails, until none is left.
 *
 *	faults.c	which one fails, and that all works afterwards
 *	faults_ops.c	what is done
 */
#ifndef MVS_RING_FAULTS_H
#define MVS_RING_FAULTS_H

#include "session.h"

/**
 * struct scene - what something is done to
 * @s: a guest, and its connection if there is one
 * @fd: what @act opened, or -1
 * @round: how often it has been done before
 * @timeout: how long @act waits for what a fault may keep from coming, in ms
 */
struct scene {
	struct session s;
	int fd;
	unsigned int round;
	int timeout;
};

/**
 * struct op - what is done
 * @name: what it is
 * @worker: faults are for the device's worker, else for who calls @act
 * @prepare: without faults: a guest, of which nothing is mapped yet
 * @act: with them. Returns 0 or a negative errno; what must not fail ends the test.
 * @again: without: what @act failed to do; or NULL
 * @rest: then, if there is more to do before the guest is one that works; or NULL
 */
struct op {
	const char *name;
	bool worker;
	void (*prepare)(struct scene *s);
	int (*act)(struct scene *s);
	int (*again)(struct scene *s);
	int (*rest)(struct scene *s);
};

extern const struct op ops[];
extern const unsigned int nops;

#endif
