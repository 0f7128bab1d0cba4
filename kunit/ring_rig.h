/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring in a guest's memory: what the tests of the two layouts share. How a driver writes chains,
 * and where it finds used ones, is up to each test.
 */
#ifndef _MVSOCK_KUNIT_RING_RIG_H
#define _MVSOCK_KUNIT_RING_RIG_H

#include <linux/virtio_ring.h>

#include <mvsock/ring.h>

#include "guest.h"

#define RIG_NUM		8

/* Addresses of the ring; the Descriptor Area has room for 1024 descriptors. */
#define RIG_DESC	GUEST_RING
#define RIG_AVAIL	(GUEST_RING + 4 * PAGE_SIZE)
#define RIG_USED	(GUEST_RING + 6 * PAGE_SIZE)

/* Where indirect tables are, in guest-physical memory. */
#define RIG_TABLE	PAGE_SIZE

/**
 * struct ring_rig - a ring, and the guest that has it
 * @guest: the guest; popped chains are in its chain
 * @ring: the device's side of the ring
 * @next: packed: the driver's next position, with its wrap counter
 */
struct ring_rig {
	struct guest *guest;
	struct mvs_ring ring;
	u16 next;
};

/**
 * struct rig_desc - a descriptor that a driver writes
 * @addr: guest-physical address
 * @len: bytes
 * @flags: its flags, without those that make it available
 * @next: split: the next one's index
 */
struct rig_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

/**
 * struct rig_chain_case - descriptors, and the expected result for the chain that starts with the
 * first
 * @name: name of the case
 * @desc: in the ring
 * @table: in the indirect table
 * @readable: device-readable bytes of a valid chain
 * @writable: its device-writable bytes
 * @reason: enum mvs_reason + 1, 0 for a valid chain
 * @no_indirect: indirect descriptors were not negotiated
 */
struct rig_chain_case {
	const char *name;
	struct rig_desc desc[RIG_NUM];
	struct rig_desc table[4];
	u64 readable;
	u64 writable;
	int reason;
	bool no_indirect;
};

struct mvs_ring rig_ring(struct guest *guest, u32 num, bool packed);
struct ring_rig *rig_create(struct kunit *test, u32 num, bool packed);
void rig_set_desc(struct vring_desc *d, u64 addr, u32 len, u16 flags, u16 next);
void rig_set_packed_desc(struct vring_packed_desc *d, u64 addr, u32 len,
			 u16 flags, u16 id);
void rig_num_desc(const u32 *num, char *desc);

int rig_pop(struct ring_rig *rig);
int rig_push(struct ring_rig *rig, u16 id, u16 ndescs, u32 len);
int rig_give_back(struct ring_rig *rig, u16 id, u16 ndescs, u32 len);

void rig_expect_chain(struct kunit *test, struct ring_rig *rig, u16 id,
		      u64 readable);
void rig_expect_refused(struct kunit *test, struct ring_rig *rig, u16 id,
			enum mvs_reason reason);
void rig_expect_case(struct kunit *test, struct ring_rig *rig, u16 id,
		     u16 ndescs);
void rig_expect_signal(struct kunit *test, struct ring_rig *rig, u16 n, int ret);
void rig_push_two(struct kunit *test, struct ring_rig *rig, u64 lost,
		  int second, int publish);

#endif /* _MVSOCK_KUNIT_RING_RIG_H */
