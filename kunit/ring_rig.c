// SPDX-License-Identifier: GPL-2.0
/*
 * A ring in a guest's memory, for tests of either layout.
 */
#include <asm/byteorder.h>
#include <linux/virtio_byteorder.h>

#include "ring_rig.h"

/* A ring as after a reset, before mvs_ring_start(). */
struct mvs_ring rig_ring(struct guest *guest, u32 num, bool packed)
{
	u16 first = packed ? MVS_PACKED_WRAP : 0;

	return (struct mvs_ring) {
		.gm = &guest->gm,
		.num = num,
		.desc = RIG_DESC,
		.avail = RIG_AVAIL,
		.used = RIG_USED,
		.le = true,
		.packed = packed,
		.indirect = true,
		.next_avail = first,
		.next_used = first,
	};
}

struct ring_rig *rig_create(struct kunit *test, u32 num, bool packed)
{
	struct ring_rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->guest = guest_create(test);
	rig->ring = rig_ring(rig->guest, num, packed);
	rig->next = rig->ring.next_avail;
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	return rig;
}

void rig_set_desc(struct vring_desc *d, u64 addr, u32 len, u16 flags, u16 next)
{
	*d = (struct vring_desc) {
		.addr = __cpu_to_virtio64(true, addr),
		.len = __cpu_to_virtio32(true, len),
		.flags = __cpu_to_virtio16(true, flags),
		.next = __cpu_to_virtio16(true, next),
	};
}

void rig_set_packed_desc(struct vring_packed_desc *d, u64 addr, u32 len,
			 u16 flags, u16 id)
{
	*d = (struct vring_packed_desc) {
		.addr = cpu_to_le64(addr),
		.len = cpu_to_le32(len),
		.id = cpu_to_le16(id),
		.flags = cpu_to_le16(flags),
	};
}

/* The name of a case that is a ring's size. */
void rig_num_desc(const u32 *num, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "num %u", *num);
}

int rig_pop(struct ring_rig *rig)
{
	return mvs_ring_pop(&rig->ring, &rig->guest->chain);
}

int rig_push(struct ring_rig *rig, u16 id, u16 ndescs, u32 len)
{
	struct mvs_chain chain = { .id = id, .ndescs = ndescs };

	return mvs_ring_push(&rig->ring, &chain, len);
}

/* A batch of one. */
int rig_give_back(struct ring_rig *rig, u16 id, u16 ndescs, u32 len)
{
	return rig_push(rig, id, ndescs, len) ?: mvs_ring_publish(&rig->ring);
}

/* Check that the next chain is a valid one. */
void rig_expect_chain(struct kunit *test, struct ring_rig *rig, u16 id,
		      u64 readable)
{
	KUNIT_ASSERT_EQ(test, 1, rig_pop(rig));
	KUNIT_ASSERT_EQ(test, rig->guest->chain.id, id);
	KUNIT_ASSERT_EQ(test, rig->guest->chain.readable, readable);
}

/* Check that the next chain is rejected, but can be given back. */
void rig_expect_refused(struct kunit *test, struct ring_rig *rig, u16 id,
			enum mvs_reason reason)
{
	KUNIT_EXPECT_EQ(test, -EBADMSG, rig_pop(rig));
	KUNIT_EXPECT_EQ(test, rig->guest->chain.id, id);
	KUNIT_EXPECT_EQ(test, rig->guest->chain.reason, reason);
}

/* Check that the next chain, which is the last one, is as the current case of @test expects. */
void rig_expect_case(struct kunit *test, struct ring_rig *rig, u16 id,
		     u16 ndescs)
{
	const struct rig_chain_case *c = test->param_value;

	rig->ring.indirect = !c->no_indirect;
	if (c->reason) {
		rig_expect_refused(test, rig, id, c->reason - 1);
	} else {
		rig_expect_chain(test, rig, id, c->readable);
		KUNIT_EXPECT_EQ(test, rig->guest->chain.writable, c->writable);
	}
	KUNIT_EXPECT_EQ(test, rig->guest->chain.ndescs, ndescs);
	KUNIT_EXPECT_EQ(test, 0, rig_pop(rig));
}

/* Check whether the driver has to be notified after a batch of @n descriptors. */
void rig_expect_signal(struct kunit *test, struct ring_rig *rig, u16 n, int ret)
{
	u16 i;

	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, 0, rig_push(rig, i, 1, 0));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, ret, mvs_ring_need_signal(&rig->ring));
}

/*
 * A batch of two, with the page at @lost removed from the cache in between: checks the results for
 * the second one, and for the batch.
 */
void rig_push_two(struct kunit *test, struct ring_rig *rig, u64 lost,
		  int second, int publish)
{
	KUNIT_ASSERT_EQ(test, 0, rig_push(rig, 5, 1, 55));
	guest_lose_page(rig->guest, lost);
	KUNIT_EXPECT_EQ(test, second, rig_push(rig, 6, 1, 66));
	KUNIT_EXPECT_EQ(test, publish, mvs_ring_publish(&rig->ring));
}
