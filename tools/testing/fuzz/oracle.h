/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a device has to make of a chain, by the rules alone: an implementation
 * of its own, to compare the device with.
 */
#ifndef MVS_RING_ORACLE_H
#define MVS_RING_ORACLE_H

#include "guest.h"
#include "session.h"

/**
 * struct verdict - what a chain is
 * @reason: why it has to come back unused, or NO_COUNTER
 * @n: how many of @segs there are
 * @segs: its buffers, each in one region of the guest's memory
 * @readable: bytes the device may read
 * @writable: bytes the device may write
 */
struct verdict {
	enum counter reason;
	unsigned int n;
	struct seg segs[GUEST_MAX_SEGS];
	__u64 readable;
	__u64 writable;
};

/**
 * oracle_chain() - judge a chain
 * @g: the guest
 * @q: its queue
 * @chain: in flight there; whether it is published already makes no difference
 * @v: where the verdict goes. Direction and length are judged for a transmit
 *	queue's header, or a receive queue's header without payload.
 */
void oracle_chain(const struct guest *g, unsigned int q, int chain,
		  struct verdict *v);

#endif
