// SPDX-License-Identifier: GPL-2.0
/*
 * Chains: adding buffers, and iterating over their bytes.
 */
#include <linux/mm.h>

#include "guest.h"

struct buffer {
	u64 gpa;
	u32 len;
	bool write;
};

struct add_case {
	const char *name;
	struct buffer buffers[4];
	unsigned int n;
	int ret;
	enum mvs_reason reason;
	unsigned int nsegs;
	u64 readable;
	u64 writable;
};

static const struct add_case add_cases[] = {
	{ "one readable", { { 0, 44 } }, 1, .nsegs = 1, .readable = 44 },
	{ "one writable", { { 0, 44, true } }, 1, .nsegs = 1, .writable = 44 },
	{ "readable, then writable", { { 0, 8 }, { 8, 16, true } }, 2,
	  .nsegs = 2, .readable = 8, .writable = 16 },
	{ "zero length", { { 0, 0 }, { 0, 8 }, { 8, 0 } }, 3, .nsegs = 1,
	  .readable = 8 },
	{ "zero length in a hole", { { SZ_1M, 0 }, { 0, 8 } }, 2, .nsegs = 1,
	  .readable = 8 },
	{ "the same buffer twice", { { 0, 8 }, { 0, 8 } }, 2, .nsegs = 2,
	  .readable = 16 },
	{ "apart in the VMM", { { GPA_HIGH - 4, 8 } }, 1, .nsegs = 2,
	  .readable = 8 },
	{ "up to a region's end", { { GPA_HOLE - 8, 8 } }, 1, .nsegs = 1,
	  .readable = 8 },
	{ "one byte past it", { { GPA_HOLE - 8, 9 } }, 1, -EBADMSG,
	  MVS_REASON_BAD_ADDRESS },
	{ "in a hole", { { GPA_HOLE, 8 } }, 1, -EBADMSG,
	  MVS_REASON_BAD_ADDRESS },
	{ "wraps", { { U64_MAX - 3, 8 } }, 1, -EBADMSG,
	  MVS_REASON_BAD_ADDRESS },
	{ "read-only memory, writable", { { GPA_RO, 8, true } }, 1, -EBADMSG,
	  MVS_REASON_BAD_ADDRESS },
	{ "write-only memory, readable", { { GPA_WO, 8 } }, 1, -EBADMSG,
	  MVS_REASON_BAD_ADDRESS },
	{ "readable after writable", { { 0, 8, true }, { 8, 8 } }, 2, -EBADMSG,
	  MVS_REASON_BAD_DIRECTION },
};

KUNIT_ARRAY_PARAM_DESC(add, add_cases, name);

static void add(struct kunit *test)
{
	const struct add_case *c = test->param_value;
	struct guest *guest = guest_create(test);
	struct mvs_chain *chain = &guest->chain;
	unsigned int i;
	int ret = 0;

	mvs_chain_reset(chain);
	for (i = 0; i < c->n && !ret; i++)
		ret = guest_chain_add(guest, c->buffers[i].gpa,
				      c->buffers[i].len, c->buffers[i].write);

	KUNIT_ASSERT_EQ(test, ret, c->ret);
	KUNIT_EXPECT_EQ(test, i, c->n);
	if (ret) {
		KUNIT_EXPECT_EQ(test, chain->reason, c->reason);
		return;
	}
	KUNIT_EXPECT_EQ(test, chain->nsegs, c->nsegs);
	KUNIT_EXPECT_EQ(test, chain->readable, c->readable);
	KUNIT_EXPECT_EQ(test, chain->writable, c->writable);
}

/* Buffers over the same memory may add up to more than 32 bits can represent. */
static void add_more_than_4g(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct mvs_chain *chain = &guest->chain;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0,
			vhost_iotlb_add_range(guest->gm.table, SZ_1G,
					      SZ_1G + (u64)U32_MAX - 1, 0x1000,
					      VHOST_MAP_RW));
	mvs_chain_reset(chain);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, SZ_1G,
							 U32_MAX, false));
	KUNIT_EXPECT_EQ(test, chain->readable, 3 * (u64)U32_MAX);
}

static void grow(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct mvs_chain *chain = &guest->chain;
	unsigned int i, n = 0;

	for (i = 0; i < MVS_CHAIN_SEGS_MIN; i++)
		KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, i, 1,
							 false));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			guest_chain_add(guest, i, 1, false));

	while (chain->max < MVS_CHAIN_SEGS_MAX && n++ < 32)
		KUNIT_ASSERT_EQ(test, 0, mvs_chain_grow(chain));
	KUNIT_EXPECT_EQ(test, chain->max, MVS_CHAIN_SEGS_MAX);

	mvs_chain_reset(chain);
	for (i = 0; i < MVS_CHAIN_SEGS_MAX; i++)
		KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, i, 1,
							 false));
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			guest_chain_add(guest, i, 1, false));
	KUNIT_EXPECT_EQ(test, chain->reason, MVS_REASON_TOO_LONG);
}

/* Mapped pieces end at segments, at pages and at the requested length. */
static void walk_bytes(struct kunit *test)
{
	static const u32 pieces[] = { 10, PAGE_SIZE - 10, 5, 5, 100 };
	struct guest *guest = guest_create(test);
	struct mvs_chain *chain = &guest->chain;
	u32 left = PAGE_SIZE + 110, i, n;

	mvs_chain_reset(chain);
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, 0, 10, false));
	/* On pages 0 and 1. */
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, 10,
						 PAGE_SIZE - 5, false));
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, GPA_HIGH - 5,
						 205, true));

	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		u8 *mem;

		mvs_mem_begin(&guest->gm);
		mem = mvs_chain_map(chain, &guest->gm, left, &n);
		mvs_mem_end(&guest->gm);
		KUNIT_ASSERT_NOT_NULL(test, mem);
		KUNIT_ASSERT_EQ_MSG(test, n, pieces[i], "piece %u", i);
		KUNIT_ASSERT_EQ(test, 0,
				mvs_chain_advance(chain, &guest->gm, n));
		left -= n;
	}
}

/* Readable buffers may be in pages that were mapped for reading. */
static void map_asks_for_the_right_access(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct mvs_chain *chain = &guest->chain;
	u32 n;

	mvs_mem_invalidate(&guest->gm, GUEST_LOW, GUEST_LOW + PAGE_SIZE);
	mvs_chain_reset(chain);
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, 0, 8, false));
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, 8, 8, true));

	mvs_mem_begin(&guest->gm);
	KUNIT_EXPECT_NULL(test, mvs_chain_map(chain, &guest->gm, 8, &n));
	KUNIT_EXPECT_FALSE(test, chain->fault.write);
	KUNIT_ASSERT_EQ(test, 0, mvs_chain_advance(chain, &guest->gm, 8));
	KUNIT_EXPECT_NULL(test, mvs_chain_map(chain, &guest->gm, 8, &n));
	KUNIT_EXPECT_TRUE(test, chain->fault.write);
	mvs_mem_end(&guest->gm);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(add, add_gen_params),
	KUNIT_CASE(add_more_than_4g),
	KUNIT_CASE(grow),
	KUNIT_CASE(walk_bytes),
	KUNIT_CASE(map_asks_for_the_right_access),
	{}
};

static struct kunit_suite suite = {
	.name = "mvsock_chain",
	.test_cases = cases,
};

kunit_test_suite(suite);
