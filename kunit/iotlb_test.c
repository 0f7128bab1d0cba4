// SPDX-License-Identifier: GPL-2.0
/*
 * A guest behind an IOMMU: translations that the VMM has provided, and ones that it has not.
 */
#include "ring_rig.h"

/* I/O virtual addresses. */
#define IOVA		0x7000000000UL
#define RING_IOVA	0x100000000UL

/* Not an address of a VMM, on any architecture. */
#define KERNEL		(ULONG_MAX - SZ_1G + 1)

static struct guest *create(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct vhost_iotlb *iotlb = mvs_mem_iotlb_create();

	KUNIT_ASSERT_NOT_NULL(test, iotlb);
	mvs_mem_set_iotlb(&guest->gm, iotlb);
	return guest;
}

/* Like an update, but to memory that is not a VMM's. */
static void map(struct kunit *test, struct guest *guest, u64 iova, u64 size,
		u64 uaddr, unsigned int perm)
{
	guest->gm.hit = NULL;
	KUNIT_ASSERT_EQ(test, 0,
			vhost_iotlb_add_range(guest->gm.iotlb, iova,
					      iova + size - 1, uaddr, perm));
}

static int translate(struct guest *guest, u64 iova, bool write, u64 *uaddr,
		     struct mvs_mem_fault *fault)
{
	u32 run;

	return mvs_mem_translate(&guest->gm, iova, 1, write, uaddr, &run,
				 fault);
}

static void miss_and_answer(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_mem_fault fault;
	u64 uaddr;

	KUNIT_ASSERT_EQ(test, -EAGAIN,
			translate(guest, IOVA + 5, true, &uaddr, &fault));
	KUNIT_EXPECT_EQ(test, fault.kind, MVS_FAULT_MISS);
	KUNIT_EXPECT_EQ(test, fault.addr, IOVA + 5);
	KUNIT_EXPECT_TRUE(test, fault.write);
	KUNIT_EXPECT_EQ(test, -EINPROGRESS,
			mvs_mem_fault_in(&guest->gm, &fault));

	map(test, guest, IOVA, PAGE_SIZE, GUEST_LOW, VHOST_MAP_RO);
	KUNIT_EXPECT_EQ(test, 0,
			translate(guest, IOVA + 5, false, &uaddr, &fault));
	KUNIT_EXPECT_EQ(test, uaddr, GUEST_LOW + 5);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			translate(guest, IOVA + 5, true, &uaddr, &fault));

	mvs_mem_iotlb_invalidate(&guest->gm, IOVA, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			translate(guest, IOVA + 5, false, &uaddr, &fault));
	/* The memory table is not used until the IOMMU is removed. */
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			translate(guest, 0, false, &uaddr, &fault));
	mvs_mem_set_iotlb(&guest->gm, NULL);
	KUNIT_EXPECT_EQ(test, 0, translate(guest, 0, false, &uaddr, &fault));
	KUNIT_EXPECT_EQ(test, uaddr, GUEST_LOW);
}

struct update_case {
	const char *name;
	u64 iova;
	u64 size;
	u64 uaddr;
	unsigned int perm;
	int ret;
};

#define REFUSED (GUEST_ANY_UADDR_OK ? 0 : -EFAULT)

static const struct update_case update_cases[] = {
	{ "a page", IOVA, SZ_4K, SZ_1M, VHOST_ACCESS_RW, 0 },
	{ "a page to be read", IOVA, SZ_4K, SZ_1M, VHOST_ACCESS_RO, 0 },
	{ "of the kernel", IOVA, SZ_4K, KERNEL, VHOST_ACCESS_RW, REFUSED },
	{ "of the kernel, to be written", IOVA, SZ_4K, KERNEL,
	  VHOST_ACCESS_WO, REFUSED },
	{ "over the end of the VMM", IOVA, SZ_4K, ULONG_MAX - SZ_4K + 2,
	  VHOST_ACCESS_RW, -EFAULT },
	{ "over the end, of no use", IOVA, SZ_4K, ULONG_MAX - SZ_4K + 2, 0,
	  -EFAULT },
	{ "over the end of its own space", U64_MAX - SZ_4K + 2, SZ_4K, SZ_1M,
	  VHOST_ACCESS_RW, -EFAULT },
	{ "the whole space", 0, U64_MAX, 0, VHOST_ACCESS_RW, REFUSED },
};

KUNIT_ARRAY_PARAM_DESC(update, update_cases, name);

static void update(struct kunit *test)
{
	const struct update_case *c = test->param_value;
	struct guest *guest = create(test);

	KUNIT_EXPECT_EQ(test, c->ret,
			mvs_mem_iotlb_update(&guest->gm, c->iova, c->size,
					     c->uaddr, c->perm));
	KUNIT_EXPECT_EQ(test, guest->gm.iotlb->nmaps, !c->ret);
}

/* The oldest translations are dropped; the one found last may be among them. */
static void flood(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_mem_fault fault;
	u64 uaddr;
	u32 i;

	for (i = 0; i < 5000; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				mvs_mem_iotlb_update(&guest->gm,
						     IOVA + i * SZ_4K, SZ_4K,
						     SZ_1M + i * SZ_4K,
						     VHOST_ACCESS_RW));
		KUNIT_ASSERT_EQ(test, 0, translate(guest, IOVA + i * SZ_4K,
						   true, &uaddr, &fault));
		KUNIT_ASSERT_EQ(test, uaddr, SZ_1M + i * SZ_4K);
	}
	KUNIT_EXPECT_EQ(test, guest->gm.iotlb->nmaps, 2048);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			translate(guest, IOVA, true, &uaddr, &fault));
}

/* --- rings --- */

static const struct ring_case {
	const char *name;
	bool packed;
} ring_cases[] = {
	{ "split", false },
	{ "packed", true },
};

KUNIT_ARRAY_PARAM_DESC(ring, ring_cases, name);

/* Pages that are adjacent for the driver are in reverse order here. */
#define DESC_PAGES	2
#define NUM		(DESC_PAGES * PAGE_SIZE / sizeof(struct vring_desc))
#define AVAIL_IOVA	(RING_IOVA + 16 * PAGE_SIZE)
#define USED_IOVA	(RING_IOVA + SZ_128K)
#define AVAIL_UADDR	(GUEST_RING + 2 * PAGE_SIZE)
#define USED_UADDR	(GUEST_RING + 4 * PAGE_SIZE)

static struct mvs_ring create_ring(struct kunit *test, struct guest *guest)
{
	const struct ring_case *c = test->param_value;
	struct mvs_ring ring = rig_ring(guest, NUM, c->packed);

	map(test, guest, RING_IOVA, PAGE_SIZE, GUEST_RING + PAGE_SIZE,
	    VHOST_MAP_RW);
	map(test, guest, RING_IOVA + PAGE_SIZE, PAGE_SIZE, GUEST_RING,
	    VHOST_MAP_RW);
	map(test, guest, AVAIL_IOVA, 2 * PAGE_SIZE, AVAIL_UADDR, VHOST_MAP_RO);
	map(test, guest, USED_IOVA, 4 * PAGE_SIZE, USED_UADDR, VHOST_MAP_RW);
	ring.desc = RING_IOVA;
	ring.avail = AVAIL_IOVA;
	ring.used = USED_IOVA;
	return ring;
}

/* One chain, with one device-readable buffer. */
static void offer(struct guest *guest, bool packed, u64 iova)
{
	void *desc = guest_uaddr(guest, GUEST_RING + PAGE_SIZE);
	struct vring_avail *avail = guest_uaddr(guest, AVAIL_UADDR);

	if (packed) {
		rig_set_packed_desc(desc, iova, 8,
				    BIT(VRING_PACKED_DESC_F_AVAIL), 7);
		return;
	}
	rig_set_desc(desc, iova, 8, 0, 0);
	avail->ring[0] = 0;
	avail->idx = __cpu_to_virtio16(true, 1);
}

/* After a miss the chain is still available. */
static void ring(struct kunit *test)
{
	const struct ring_case *c = test->param_value;
	struct guest *guest = create(test);
	struct mvs_ring ring = create_ring(test, guest);
	struct mvs_chain *chain = &guest->chain;
	struct vring_used *used = guest_uaddr(guest, USED_UADDR);
	struct vring_packed_desc *desc = guest_uaddr(guest,
						     GUEST_RING + PAGE_SIZE);
	u16 next = ring.next_avail;

	KUNIT_ASSERT_EQ(test, 0, mvs_ring_prefetch(&ring));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&ring));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_pop(&ring, chain));

	offer(guest, c->packed, IOVA + 100);
	KUNIT_EXPECT_EQ(test, -EINPROGRESS, mvs_ring_pop(&ring, chain));
	KUNIT_EXPECT_EQ(test, ring.fault.addr, IOVA + 100);
	KUNIT_EXPECT_FALSE(test, ring.fault.write);
	KUNIT_EXPECT_EQ(test, ring.next_avail, next);

	map(test, guest, IOVA, PAGE_SIZE, GUEST_LOW, VHOST_MAP_RO);
	KUNIT_ASSERT_EQ(test, 1, mvs_ring_pop(&ring, chain));
	KUNIT_EXPECT_EQ(test, chain->nsegs, 1);
	KUNIT_EXPECT_EQ(test, chain->segs[0].uaddr, GUEST_LOW + 100);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, chain, 0));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&ring));
	if (c->packed)
		KUNIT_EXPECT_EQ(test, le16_to_cpu(desc->flags),
				BIT(VRING_PACKED_DESC_F_AVAIL) |
				BIT(VRING_PACKED_DESC_F_USED));
	else
		KUNIT_EXPECT_EQ(test, __virtio16_to_cpu(true, used->idx), 1);
}

static void ring_that_is_missing(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_ring ring = create_ring(test, guest);

	mvs_mem_iotlb_invalidate(&guest->gm, RING_IOVA + PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -EINPROGRESS, mvs_ring_prefetch(&ring));
	KUNIT_EXPECT_EQ(test, ring.fault.addr, RING_IOVA + PAGE_SIZE);

	mvs_mem_iotlb_invalidate(&guest->gm, USED_IOVA, 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -EINPROGRESS, mvs_ring_start(&ring));
	KUNIT_EXPECT_EQ(test, ring.fault.addr & PAGE_MASK, USED_IOVA);
}

static void ring_that_is_read_only(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_ring ring = create_ring(test, guest);

	mvs_mem_iotlb_invalidate(&guest->gm, USED_IOVA, 4 * PAGE_SIZE);
	map(test, guest, USED_IOVA, 4 * PAGE_SIZE, USED_UADDR, VHOST_MAP_RO);
	KUNIT_EXPECT_EQ(test, -EFAULT, mvs_ring_prefetch(&ring));
	KUNIT_EXPECT_EQ(test, -EFAULT, mvs_ring_start(&ring));
}

/* Otherwise an access could cross the end of the page, or of the range. */
static void ring_at_an_odd_place(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_ring ring = create_ring(test, guest);

	mvs_mem_iotlb_invalidate(&guest->gm, USED_IOVA, 4 * PAGE_SIZE);
	map(test, guest, USED_IOVA, 2 * PAGE_SIZE, USED_UADDR + PAGE_SIZE - 1,
	    VHOST_MAP_RW);
	KUNIT_EXPECT_EQ(test, -EFAULT, mvs_ring_start(&ring));

	mvs_mem_iotlb_invalidate(&guest->gm, USED_IOVA, 4 * PAGE_SIZE);
	map(test, guest, USED_IOVA, 1, USED_UADDR, VHOST_MAP_RW);
	map(test, guest, USED_IOVA + 1, 2 * PAGE_SIZE, USED_UADDR + 1, VHOST_MAP_RW);
	KUNIT_EXPECT_EQ(test, -EFAULT, mvs_ring_start(&ring));
}

static struct kunit_case iotlb_cases[] = {
	KUNIT_CASE(miss_and_answer),
	KUNIT_CASE_PARAM(update, update_gen_params),
	KUNIT_CASE(flood),
	KUNIT_CASE_PARAM(ring, ring_gen_params),
	KUNIT_CASE_PARAM(ring_that_is_missing, ring_gen_params),
	KUNIT_CASE_PARAM(ring_that_is_read_only, ring_gen_params),
	KUNIT_CASE_PARAM(ring_at_an_odd_place, ring_gen_params),
	{}
};

static struct kunit_suite iotlb_suite = {
	.name = "mvsock_iotlb",
	.test_cases = iotlb_cases,
};

kunit_test_suite(iotlb_suite);
