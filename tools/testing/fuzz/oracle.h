/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a device has to handle a chain according to the specification: an independent implementation,
 * for comparison with the device.
 */
#ifndef MVS_RING_ORACLE_H
#define MVS_RING_ORACLE_H

#include "guest.h"
#include "session.h"

/**
 * struct verdict - the expected result for a chain
 * @reason: why it has to be given back unused, or NO_COUNTER
 * @n: number of @segs
 * @segs: its buffers, each within one region of the guest's memory
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
 * @chain: a chain in flight there, published or not
 * @v: set to the verdict. Direction and length are checked for a transmit queue's header, or for a
 *	receive queue's header without payload.
 */
void oracle_chain(const struct guest *g, unsigned int q, int chain,
		  struct verdict *v);

#endif
