/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver that writes random rings, chains and packets, most of them valid, and then corrupts
 * some.
 */
#ifndef _MVSOCK_KUNIT_FUZZ_DRIVER_H
#define _MVSOCK_KUNIT_FUZZ_DRIVER_H

#include "fuzz_layout.h"
#include "fuzz_model.h"

#define FUZZ_FIELDS	64
#define FUZZ_GUEST_CID	0x100000005ULL	/* more than 32 bits: all must be compared */
#define FUZZ_HOST_CID	2

/**
 * struct fuzz_field - a field that the device reads
 * @uaddr: its address
 * @width: its size in bytes
 */
struct fuzz_field {
	u64 uaddr;
	u32 width;
};

/**
 * struct fuzz_driver - the driver of one virtqueue
 * @m: the virtqueue, and the memory
 * @rnd: state of its random numbers
 * @layout: the buffers of the chain that it writes
 * @next: the next position to make available, as in &struct model
 * @fields: some of the fields that it wrote, to be corrupted
 * @nfields: number of recorded fields, of which the last ones are kept
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
