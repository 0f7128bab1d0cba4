// SPDX-License-Identifier: GPL-2.0
/*
 * Split virtqueues: chains as a driver lays them, indices, notifications.
 */
#include <asm/byteorder.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_ring.h>

#include <mvsock/ring.h>

#include "guest.h"

#define NUM	8
#define DESC	GUEST_RING
#define AVAIL	(GUEST_RING + SZ_8K)
#define USED	(GUEST_RING + SZ_16K)

/* Where indirect tables are, in guest-physical memory. */
#define TABLE	0x1000

#define N	VRING_DESC_F_NEXT
#define W	VRING_DESC_F_WRITE
#define I	VRING_DESC_F_INDIRECT

struct rig {
	struct guest *guest;
	struct mvs_ring ring;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

static struct rig *rig_create(struct kunit *test, u32 num)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->guest = guest_create(test);
	rig->ring = (struct mvs_ring) {
		.gm = &rig->guest->gm,
		.num = num,
		.desc = DESC,
		.avail = AVAIL,
		.used = USED,
		.le = true,
		.indirect = true,
	};
	rig->desc = guest_uaddr(rig->guest, DESC);
	rig->avail = guest_uaddr(rig->guest, AVAIL);
	rig->used = guest_uaddr(rig->guest, USED);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	return rig;
}

static u16 le16(__virtio16 v)
{
	return __virtio16_to_cpu(true, v);
}

static void set_desc(struct vring_desc *d, u64 addr, u32 len, u16 flags,
		     u16 next)
{
	d->addr = __cpu_to_virtio64(true, addr);
	d->len = __cpu_to_virtio32(true, len);
	d->flags = __cpu_to_virtio16(true, flags);
	d->next = __cpu_to_virtio16(true, next);
}

static void set_avail_idx(struct rig *rig, u16 idx)
{
	rig->avail->idx = __cpu_to_virtio16(true, idx);
}

/* The driver makes a chain available. */
static void offer(struct rig *rig, u16 head)
{
	u16 idx = le16(rig->avail->idx);

	rig->avail->ring[idx % rig->ring.num] = __cpu_to_virtio16(true, head);
	set_avail_idx(rig, idx + 1);
}

static int pop(struct rig *rig)
{
	return mvs_ring_pop(&rig->ring, &rig->guest->chain);
}

static int push(struct rig *rig, u16 id, u32 len)
{
	struct mvs_chain chain = { .id = id, .ndescs = 1 };

	return mvs_ring_push(&rig->ring, &chain, len);
}

/* A batch of one. */
static int give_back(struct rig *rig, u16 id, u32 len)
{
	return push(rig, id, len) ?: mvs_ring_publish(&rig->ring);
}

/* --- chains --- */

struct desc_init {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

struct chain_case {
	const char *name;
	struct desc_init desc[NUM];
	struct desc_init table[4];
	u64 readable;
	u64 writable;
	int reason;	/* enum mvs_reason + 1, 0 for a good chain */
	bool no_indirect;
};

#define BAD(reason) (MVS_REASON_ ## reason + 1)

static const struct chain_case chain_cases[] = {
	{ "one descriptor", { { 0, 44 } }, .readable = 44 },
	{ "one writable", { { 0, 100, W } }, .writable = 100 },
	{ "three, readable and writable",
	  { { 0, 44, N, 2 }, { 200, 5, W }, { 100, 10, N, 1 } },
	  .readable = 54, .writable = 5 },
	{ "as many as the ring has",
	  { { 0, 1, N, 1 }, { 1, 1, N, 2 }, { 2, 1, N, 3 }, { 3, 1, N, 4 },
	    { 4, 1, N, 5 }, { 5, 1, N, 6 }, { 6, 1, N, 7 }, { 7, 1 } },
	  .readable = 8 },
	{ "zero length", { { 0, 0, N, 1 }, { 0, 8 } }, .readable = 8 },
	{ "nothing but zero length", { { 0, 0 } } },
	{ "unknown flags", { { 0, 8, 0xfff8 } }, .readable = 8 },
	{ "next without NEXT", { { 0, 8, 0, 0xffff } }, .readable = 8 },
	{ "points to itself", { { 0, 1, N, 0 } }, .reason = BAD(TOO_LONG) },
	{ "two-node loop", { { 0, 1, N, 1 }, { 1, 1, N, 0 } },
	  .reason = BAD(TOO_LONG) },
	{ "loop behind a good part",
	  { { 0, 1, N, 1 }, { 1, 1, N, 2 }, { 2, 1, N, 1 } },
	  .reason = BAD(TOO_LONG) },
	{ "next = num", { { 0, 1, N, NUM } }, .reason = BAD(BAD_NEXT) },
	{ "next = 65535", { { 0, 1, N, 0xffff } }, .reason = BAD(BAD_NEXT) },
	{ "in a hole", { { SZ_32K, 8 } }, .reason = BAD(BAD_ADDRESS) },
	{ "address wraps", { { U64_MAX, 8 } }, .reason = BAD(BAD_ADDRESS) },
	{ "length 4 GiB less one", { { 0, U32_MAX } },
	  .reason = BAD(BAD_ADDRESS) },
	{ "readable after writable", { { 0, 8, N | W, 1 }, { 8, 8 } },
	  .reason = BAD(BAD_DIRECTION) },

	{ "indirect", { { TABLE, 16, I } }, { { 0, 44 } }, .readable = 44 },
	{ "indirect, three", { { TABLE, 48, I } },
	  { { 0, 44, N, 1 }, { 50, 6, N, 2 }, { 60, 7, W } },
	  .readable = 50, .writable = 7 },
	{ "indirect, any order", { { TABLE, 48, I } },
	  { { 0, 44, N, 2 }, { 60, 7, W }, { 50, 6, N, 1 } },
	  .readable = 50, .writable = 7 },
	{ "indirect, table larger than the chain", { { TABLE, 64, I } },
	  { { 0, 44, N, 1 }, { 50, 6 } }, .readable = 50 },
	{ "indirect with WRITE, which means nothing",
	  { { TABLE, 16, I | W } }, { { 0, 44 } }, .readable = 44 },
	{ "direct, then indirect", { { 100, 9, N, 1 }, { TABLE, 16, I } },
	  { { 0, 44 } }, .readable = 53 },
	{ "indirect table unaligned", { { TABLE + 7, 16, I } }, { { 0, 0 } } },
	{ "indirect, length 0", { { TABLE, 0, I } },
	  .reason = BAD(BAD_INDIRECT) },
	{ "indirect, length 15", { { TABLE, 15, I } },
	  .reason = BAD(BAD_INDIRECT) },
	{ "indirect, length 17", { { TABLE, 17, I } },
	  .reason = BAD(BAD_INDIRECT) },
	{ "indirect, 65537 entries", { { TABLE, 65537 * 16, I } },
	  .reason = BAD(BAD_INDIRECT) },
	{ "indirect, 65536 entries, first in use only",
	  { { TABLE, 65536 * 16, I } }, { { 0, 8 } }, .readable = 8 },
	{ "indirect and NEXT", { { TABLE, 16, I | N, 1 }, { 0, 8 } },
	  { { 0, 8 } }, .reason = BAD(BAD_INDIRECT) },
	{ "indirect, nested", { { TABLE, 16, I } }, { { TABLE, 16, I } },
	  .reason = BAD(BAD_INDIRECT) },
	{ "indirect, not negotiated", { { TABLE, 16, I } }, { { 0, 8 } },
	  .reason = BAD(BAD_INDIRECT), .no_indirect = true },
	{ "indirect, table in a hole", { { SZ_32K, 16, I } },
	  .reason = BAD(BAD_ADDRESS) },
	{ "indirect, table runs into a hole",
	  { { SZ_16K + SZ_8K - 8, 16, I } }, .reason = BAD(BAD_ADDRESS) },
	{ "indirect, buffer in a hole", { { TABLE, 16, I } },
	  { { SZ_32K, 8 } }, .reason = BAD(BAD_ADDRESS) },
	{ "indirect, next = entries", { { TABLE, 32, I } },
	  { { 0, 8, N, 2 } }, .reason = BAD(BAD_NEXT) },
	{ "indirect, loop", { { TABLE, 32, I } },
	  { { 0, 1, N, 1 }, { 0, 1, N, 0 } }, .reason = BAD(TOO_LONG) },
	{ "indirect, readable after writable", { { TABLE, 32, I } },
	  { { 0, 1, N | W, 1 }, { 0, 1 } }, .reason = BAD(BAD_DIRECTION) },
	{ "indirect, readable after a direct writable one",
	  { { 0, 1, N | W, 1 }, { TABLE, 16, I } }, { { 0, 1 } },
	  .reason = BAD(BAD_DIRECTION) },
};

KUNIT_ARRAY_PARAM_DESC(chain, chain_cases, name);

static void lay(struct rig *rig, const struct chain_case *c)
{
	struct vring_desc *table = guest_gpa(rig->guest, TABLE);
	u32 i;

	for (i = 0; i < NUM; i++)
		set_desc(&rig->desc[i], c->desc[i].addr, c->desc[i].len,
			 c->desc[i].flags, c->desc[i].next);
	for (i = 0; i < ARRAY_SIZE(c->table); i++)
		set_desc(&table[i], c->table[i].addr, c->table[i].len,
			 c->table[i].flags, c->table[i].next);
}

/* Good or bad, the chain has its number, and the next one is taken as well. */
static void chain(struct kunit *test)
{
	const struct chain_case *c = test->param_value;
	struct rig *rig = rig_create(test, NUM);
	struct mvs_chain *chain = &rig->guest->chain;
	int ret;

	lay(rig, c);
	rig->ring.indirect = !c->no_indirect;
	offer(rig, 0);

	ret = pop(rig);
	KUNIT_EXPECT_EQ(test, chain->id, 0);
	if (c->reason) {
		KUNIT_EXPECT_EQ(test, ret, -EBADMSG);
		KUNIT_EXPECT_EQ(test, chain->reason, c->reason - 1);
	} else {
		KUNIT_EXPECT_EQ(test, ret, 1);
		KUNIT_EXPECT_EQ(test, chain->readable, c->readable);
		KUNIT_EXPECT_EQ(test, chain->writable, c->writable);
	}
	KUNIT_EXPECT_EQ(test, 0, pop(rig));

	set_desc(&rig->desc[7], 0, 8, 0, 0);
	offer(rig, 7);
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	KUNIT_EXPECT_EQ(test, chain->id, 7);
	KUNIT_EXPECT_EQ(test, chain->readable, 8);
}

/* A chain of @n descriptors of a byte each, in a table over three pages. */
static void long_indirect(struct rig *rig, u32 n)
{
	struct vring_desc d;
	u32 i;

	for (i = 0; i < n; i++) {
		u64 at = i * sizeof(d);

		set_desc(&d, i % 64, 1, i + 1 < n ? N : 0, i + 1);
		memcpy(guest_gpa(rig->guest, at), &d, sizeof(d));
	}
	set_desc(&rig->desc[0], 0, n * sizeof(d), I, 0);
	offer(rig, 0);
}

static void chain_of_1024(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	long_indirect(rig, MVS_CHAIN_SEGS_MAX);
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	KUNIT_EXPECT_EQ(test, rig->guest->chain.readable, MVS_CHAIN_SEGS_MAX);
}

static void chain_of_1025(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	long_indirect(rig, MVS_CHAIN_SEGS_MAX + 1);
	KUNIT_EXPECT_EQ(test, -EBADMSG, pop(rig));
	KUNIT_EXPECT_EQ(test, rig->guest->chain.reason, MVS_REASON_TOO_LONG);
}

/* Indirect table entries may lie on two pages, and on two regions. */
static void table_across_regions(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);
	struct vring_desc d;
	u32 i;

	set_desc(&d, 0, 44, 0, 0);
	for (i = 0; i < sizeof(d); i++)
		*(u8 *)guest_gpa(rig->guest, SZ_16K - 8 + i) = ((u8 *)&d)[i];
	set_desc(&rig->desc[0], SZ_16K - 8, sizeof(d), I, 0);
	offer(rig, 0);
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	KUNIT_EXPECT_EQ(test, rig->guest->chain.readable, 44);
}

/* --- indices --- */

struct avail_case {
	const char *name;
	u16 base;
	u16 idx;
	u16 head;
	int ret;
};

static const struct avail_case avail_cases[] = {
	{ "nothing new", 5, 5, 0, 0 },
	{ "one", 5, 6, 0, 1 },
	{ "a full ring", 5, 5 + NUM, 0, 1 },
	{ "more than a full ring", 5, 6 + NUM, 0, -EINVAL },
	{ "backwards", 5, 4, 0, -EINVAL },
	{ "far ahead", 5, 0x8000, 0, -EINVAL },
	{ "over the end of the index", 0xffff, 3, 0, 1 },
	{ "backwards over it", 0, 0xffff, 0, -EINVAL },
	{ "head = num", 5, 6, NUM, -EINVAL },
	{ "head = 65535", 5, 6, 0xffff, -EINVAL },
	{ "head = num - 1", 5, 6, NUM - 1, 1 },
};

KUNIT_ARRAY_PARAM_DESC(avail, avail_cases, name);

static void avail(struct kunit *test)
{
	const struct avail_case *c = test->param_value;
	struct rig *rig = rig_create(test, NUM);
	u32 i;

	for (i = 0; i < NUM; i++)
		rig->avail->ring[i] = __cpu_to_virtio16(true, c->head);
	set_avail_idx(rig, c->idx);
	rig->ring.next_avail = c->base;
	rig->ring.avail_idx = c->base;
	KUNIT_EXPECT_EQ(test, c->ret, pop(rig));
	KUNIT_EXPECT_EQ(test, rig->ring.next_avail,
			(u16)(c->base + (c->ret == 1)));
}

static const u32 nums[] = { 1, 2, 8, 128 };

static void num_desc(const u32 *num, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "num %u", *num);
}

KUNIT_ARRAY_PARAM(num, nums, num_desc);

/* Each index passes 65535, and with them the entry of every number. */
static void index_wrap(struct kunit *test)
{
	u32 num = *(const u32 *)test->param_value, i;
	struct rig *rig = rig_create(test, num);

	for (i = 0; i < num; i++)
		set_desc(&rig->desc[i], i, 8 + i, 0, 0);

	for (i = 0; i < 70000; i++) {
		struct vring_used_elem *elem = &rig->used->ring[i % num];
		u16 head = (i * 7) % num;

		offer(rig, head);
		KUNIT_ASSERT_EQ(test, 1, pop(rig));
		KUNIT_ASSERT_EQ(test, rig->guest->chain.id, head);
		KUNIT_ASSERT_EQ(test, rig->guest->chain.readable, 8 + head);
		KUNIT_ASSERT_EQ(test, 0, give_back(rig, head, i));
		KUNIT_ASSERT_EQ(test, le16(rig->used->idx), (u16)(i + 1));
		KUNIT_ASSERT_EQ(test, __virtio32_to_cpu(true, elem->id), head);
		KUNIT_ASSERT_EQ(test, __virtio32_to_cpu(true, elem->len), i);
	}
}

/* What the VMM set as base, and what the driver left in the used ring. */
static void start_in_the_middle(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	rig->ring.next_avail = 1000;
	rig->used->idx = __cpu_to_virtio16(true, 990);
	set_avail_idx(rig, 1000);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	KUNIT_EXPECT_EQ(test, 0, pop(rig));
	set_desc(&rig->desc[3], 0, 8, 0, 0);
	offer(rig, 3);
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	KUNIT_EXPECT_EQ(test, 0, give_back(rig, 3, 0));
	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 991);
	KUNIT_EXPECT_EQ(test, rig->ring.next_avail, 1001);
}

static void unpop(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	set_desc(&rig->desc[1], 0, 8, 0, 0);
	set_desc(&rig->desc[2], 0, 9, 0, 0);
	offer(rig, 1);
	offer(rig, 2);
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	mvs_ring_unpop(&rig->ring, &rig->guest->chain);
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	KUNIT_EXPECT_EQ(test, rig->guest->chain.id, 1);
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	KUNIT_EXPECT_EQ(test, rig->guest->chain.id, 2);
	KUNIT_EXPECT_EQ(test, 0, pop(rig));
}

/* Used entries are aligned to 4 bytes only. */
static void used_entry_over_two_pages(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);
	u64 used = USED + PAGE_SIZE - 16;

	rig->ring.used = used;
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	KUNIT_ASSERT_EQ(test, 0, push(rig, 5, 55));
	KUNIT_ASSERT_EQ(test, 0, push(rig, 6, 66));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, *(u16 *)guest_uaddr(rig->guest, used + 2), 2);
	KUNIT_EXPECT_EQ(test, *(u32 *)guest_uaddr(rig->guest, used + 12), 6);
	KUNIT_EXPECT_EQ(test, *(u32 *)guest_uaddr(rig->guest, used + 16), 66);
}

struct lost_case {
	const char *name;
	unsigned long uaddr;
	bool push;
};

static const struct lost_case lost_cases[] = {
	{ "descriptors", DESC, false },
	{ "available ring", AVAIL, false },
	{ "used ring", USED, true },
};

KUNIT_ARRAY_PARAM_DESC(lost, lost_cases, name);

/* The VMM took the ring away: an error, and nothing written anywhere. */
static void ring_lost(struct kunit *test)
{
	const struct lost_case *c = test->param_value;
	struct rig *rig = rig_create(test, NUM);

	set_desc(&rig->desc[0], 0, 8, 0, 0);
	offer(rig, 0);
	guest_lose_page(rig->guest, c->uaddr);
	KUNIT_EXPECT_EQ(test, c->push ? 1 : -EFAULT, pop(rig));
	KUNIT_EXPECT_EQ(test, c->push ? -EFAULT : 0,
			push(rig, 0, 0));
	if (c->push)
		KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 0);
}

/* The table is gone, which is no reason to stop the ring. */
static void table_lost(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	set_desc(&rig->desc[3], TABLE, 16, I, 0);
	offer(rig, 3);
	guest_lose_page(rig->guest, GUEST_LOW + TABLE);
	KUNIT_EXPECT_EQ(test, -EBADMSG, pop(rig));
	KUNIT_EXPECT_EQ(test, rig->guest->chain.reason, MVS_REASON_BAD_ADDRESS);
	KUNIT_EXPECT_EQ(test, rig->guest->chain.id, 3);

	set_desc(&rig->desc[4], 0x2000, 8, 0, 0);
	offer(rig, 4);
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	KUNIT_EXPECT_EQ(test, rig->guest->chain.id, 4);
}

/* A chain that used a table is no excuse for the next one. */
static void ring_lost_after_a_table(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	set_desc(&rig->desc[3], TABLE, 16, I, 0);
	offer(rig, 3);
	KUNIT_ASSERT_EQ(test, 1, pop(rig));
	guest_lose_page(rig->guest, AVAIL);
	KUNIT_EXPECT_EQ(test, -EFAULT, pop(rig));
	KUNIT_EXPECT_EQ(test, rig->ring.next_avail, 1);
}

/* --- batches --- */

static void expect_used(struct kunit *test, struct rig *rig, u16 idx, u16 id,
			u32 len)
{
	const struct vring_used_elem *elem = &rig->used->ring[idx % rig->ring.num];

	KUNIT_EXPECT_EQ(test, __virtio32_to_cpu(true, elem->id), id);
	KUNIT_EXPECT_EQ(test, __virtio32_to_cpu(true, elem->len), len);
}

/*
 * As long as the ring, over the end of it and of the index, and in another order than
 * they came: the driver sees nothing of it, and then all.
 */
static void batch(struct kunit *test)
{
	u32 num = *(const u32 *)test->param_value, i;
	struct rig *rig = rig_create(test, num);
	u16 base = -(num / 2 + 1);

	rig->ring.next_avail = base;
	rig->used->idx = __cpu_to_virtio16(true, base);
	set_avail_idx(rig, base);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	for (i = 0; i < num; i++) {
		set_desc(&rig->desc[i], i, 8, 0, 0);
		offer(rig, i);
		KUNIT_ASSERT_EQ(test, 1, pop(rig));
	}

	for (i = 0; i < num; i++) {
		KUNIT_ASSERT_EQ(test, 0, push(rig, num - 1 - i, 100 + i));
		KUNIT_ASSERT_EQ(test, le16(rig->used->idx), base);
	}
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), (u16)(base + num));
	for (i = 0; i < num; i++)
		expect_used(test, rig, base + i, num - 1 - i, 100 + i);
}

static void batch_of_nothing(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	KUNIT_ASSERT_EQ(test, 0, give_back(rig, 5, 55));
	/* Not even what is there is written again. */
	rig->used->idx = __cpu_to_virtio16(true, 1234);
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 1234);
}

/* The index is on a page before that of the entries. */
static struct rig *lose_index(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);
	u64 used = USED + PAGE_SIZE - 4;

	rig->ring.used = used;
	rig->used = guest_uaddr(rig->guest, used);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	KUNIT_ASSERT_EQ(test, 0, push(rig, 5, 55));
	guest_lose_page(rig->guest, used);
	KUNIT_ASSERT_EQ(test, 0, push(rig, 6, 66));
	KUNIT_EXPECT_EQ(test, -EFAULT, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 0);
	guest_find_page(test, rig->guest, used);
	return rig;
}

static void index_lost(struct kunit *test)
{
	struct rig *rig = lose_index(test);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 2);
}

static void index_lost_until_start(struct kunit *test)
{
	struct rig *rig = lose_index(test);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_start(&rig->ring));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 2);
	KUNIT_EXPECT_EQ(test, 0, give_back(rig, 7, 77));
	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 3);
}

/* What could not be pushed is not in the batch, and does not spoil it. */
static void entry_lost(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);
	u64 used = USED + PAGE_SIZE - 12;

	rig->ring.used = used;
	rig->used = guest_uaddr(rig->guest, used);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	KUNIT_ASSERT_EQ(test, 0, push(rig, 5, 55));
	guest_lose_page(rig->guest, USED + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -EFAULT, push(rig, 6, 66));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 1);
	expect_used(test, rig, 0, 5, 55);
}

/* --- notifications --- */

struct signal_case {
	const char *name;
	bool event_idx;
	bool on_empty;
	u16 flags;
	u16 event;
	u16 before;	/* used index at the last signal */
	u16 after;
	int ret;
};

static const struct signal_case signal_cases[] = {
	{ "flags clear", false, false, 0, 0, 0, 1, 1 },
	{ "NO_INTERRUPT", false, false, VRING_AVAIL_F_NO_INTERRUPT, 0, 0, 1, 0 },
	{ "garbage in flags", false, false, 0xfffe, 0, 0, 1, 1 },
	{ "NO_INTERRUPT, but empty", false, true, VRING_AVAIL_F_NO_INTERRUPT, 0,
	  0, 1, 1 },
	{ "event reached", true, false, 0, 0, 0, 1, 1 },
	{ "event not reached", true, false, 0, 5, 0, 1, 0 },
	{ "event passed long ago", true, false, 0, 0, 3, 4, 0 },
	{ "event inside a batch", true, false, 0, 5, 3, 9, 1 },
	{ "event at the end of a batch", true, false, 0, 8, 3, 9, 1 },
	{ "event one behind a batch", true, false, 0, 9, 3, 9, 0 },
	{ "event over the end of the index", true, false, 0, 0xffff, 0xfffe, 3,
	  1 },
	{ "flags mean nothing with event index", true, false,
	  VRING_AVAIL_F_NO_INTERRUPT, 0, 0, 1, 1 },
};

KUNIT_ARRAY_PARAM_DESC(signal, signal_cases, name);

static void signal(struct kunit *test)
{
	const struct signal_case *c = test->param_value;
	struct rig *rig = rig_create(test, NUM);
	u16 i;

	rig->used->idx = __cpu_to_virtio16(true, c->before);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	rig->ring.event_idx = c->event_idx;
	/* The first time there is no last signal to compare with. */
	KUNIT_EXPECT_LE(test, 0, mvs_ring_need_signal(&rig->ring));

	rig->ring.notify_on_empty = c->on_empty;
	rig->avail->flags = __cpu_to_virtio16(true, c->flags);
	rig->avail->ring[NUM] = __cpu_to_virtio16(true, c->event);
	for (i = c->before; i != c->after; i++)
		KUNIT_ASSERT_EQ(test, 0, push(rig, 0, 0));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, c->ret, mvs_ring_need_signal(&rig->ring));
}

static void first_signal_with_event_index(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	rig->ring.event_idx = true;
	rig->avail->ring[NUM] = __cpu_to_virtio16(true, 1000);
	KUNIT_ASSERT_EQ(test, 0, give_back(rig, 0, 0));
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_need_signal(&rig->ring));
	KUNIT_ASSERT_EQ(test, 0, give_back(rig, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_need_signal(&rig->ring));
}

/* After 65536 entries without a signal "since the last one" says nothing. */
static void signal_after_index_wrap(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);
	u32 i;

	rig->ring.event_idx = true;
	KUNIT_ASSERT_LE(test, 0, mvs_ring_need_signal(&rig->ring));
	rig->avail->ring[NUM] = __cpu_to_virtio16(true, 40000);
	for (i = 0; i < 65536; i++)
		KUNIT_ASSERT_EQ(test, 0, give_back(rig, 0, 0));
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_need_signal(&rig->ring));
}

static u16 avail_event(struct rig *rig)
{
	return le16(*(__virtio16 *)&rig->used->ring[rig->ring.num]);
}

static void notify_by_flags(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->flags), VRING_USED_F_NO_NOTIFY);
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_enable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->flags), 0);

	/* A chain that came between must not be slept over. */
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	offer(rig, 0);
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_enable_notify(&rig->ring));
}

static void notify_by_event_index(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	rig->ring.event_idx = true;
	set_desc(&rig->desc[0], 0, 8, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->flags), 0);
	offer(rig, 0);
	offer(rig, 0);
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	KUNIT_EXPECT_EQ(test, 1, pop(rig));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_enable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, avail_event(rig), 2);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	offer(rig, 0);
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_enable_notify(&rig->ring));
}

static void enable_notify_sees_a_bad_index(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	set_avail_idx(rig, NUM + 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, mvs_ring_enable_notify(&rig->ring));
}

/* A chain that was only looked at is there still; one that is given is used. */
static void peek_and_give(struct kunit *test)
{
	struct rig *rig = rig_create(test, NUM);
	struct mvs_chain *chain = &rig->guest->chain;
	struct mvs_mem *gm = &rig->guest->gm;

	set_desc(&rig->desc[5], 0, 100, W, 0);
	offer(rig, 5);
	mvs_mem_begin(gm);
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_peek(&rig->ring, chain));
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_peek(&rig->ring, chain));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_give(&rig->ring, chain, 44));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_peek(&rig->ring, chain));
	mvs_mem_end(gm);

	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 0);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(rig->used->idx), 1);
	KUNIT_EXPECT_EQ(test, __virtio32_to_cpu(true, rig->used->ring[0].id), 5);
	KUNIT_EXPECT_EQ(test, __virtio32_to_cpu(true, rig->used->ring[0].len), 44);
	KUNIT_EXPECT_EQ(test, 0, pop(rig));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(chain, chain_gen_params),
	KUNIT_CASE(chain_of_1024),
	KUNIT_CASE(chain_of_1025),
	KUNIT_CASE(table_across_regions),
	KUNIT_CASE_PARAM(avail, avail_gen_params),
	KUNIT_CASE_PARAM(index_wrap, num_gen_params),
	KUNIT_CASE(start_in_the_middle),
	KUNIT_CASE(unpop),
	KUNIT_CASE(used_entry_over_two_pages),
	KUNIT_CASE_PARAM(ring_lost, lost_gen_params),
	KUNIT_CASE(table_lost),
	KUNIT_CASE(ring_lost_after_a_table),
	KUNIT_CASE_PARAM(batch, num_gen_params),
	KUNIT_CASE(batch_of_nothing),
	KUNIT_CASE(index_lost),
	KUNIT_CASE(index_lost_until_start),
	KUNIT_CASE(entry_lost),
	KUNIT_CASE_PARAM(signal, signal_gen_params),
	KUNIT_CASE(first_signal_with_event_index),
	KUNIT_CASE(signal_after_index_wrap),
	KUNIT_CASE(notify_by_flags),
	KUNIT_CASE(notify_by_event_index),
	KUNIT_CASE(enable_notify_sees_a_bad_index),
	KUNIT_CASE(peek_and_give),
	{}
};

static struct kunit_suite suite = {
	.name = "mvsock_ring_split",
	.test_cases = cases,
};

kunit_test_suite(suite);
