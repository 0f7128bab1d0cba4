/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver that lays random rings, chains and packets, most of them good, and then
 * spoils some.
 */
#ifndef _MVSOCK_KUNIT_FUZZ_DRIVER_H
#define _MVSOCK_KUNIT_FUZZ_DRIVER_H

#include "fuzz_layout.h"
#include "fuzz_model.h"

#define FUZZ_FIELDS	64
#define FUZZ_GUEST_CID	0x100000005ULL	/* more than 32 bits: all must count */
#define FUZZ_HOST_CID	2

/**
 * struct fuzz_field - something that the device reads
 * @uaddr: where
 * @width: its bytes
 */
struct fuzz_field {
	u64 uaddr;
	u32 width;
};

/**
 * struct fuzz_driver - the driver of one virtqueue
 * @m: the virtqueue, and the memory
 * @rnd: its source of numbers
 * @layout: the buffers of the chain that it lays
 * @next: what it makes available next, in the places of &struct model
 * @fields: some of what it laid, to be spoilt
 * @nfields: how many were noted, of which the last are kept
 */
struct fuzz_driver {
	struct model *m;
	u64 *rnd;
	struct fuzz_layout *layout;
	u32 next;
	struct fuzz_field fields[FUZZ_FIELDS];
	u32 nfields;
};

void fuzz_driver_start(struct fuzz_driver *d);
void fuzz_driver_offer(struct fuzz_driver *d);
void fuzz_driver_events(struct fuzz_driver *d);
const struct fuzz_field *fuzz_driver_field(struct fuzz_driver *d);
void fuzz_driver_value(struct fuzz_driver *d, const struct fuzz_field *field,
		       u8 *value);
void fuzz_driver_spoil(struct fuzz_driver *d);

#endif /* _MVSOCK_KUNIT_FUZZ_DRIVER_H */
