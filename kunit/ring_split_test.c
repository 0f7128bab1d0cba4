// SPDX-License-Identifier: GPL-2.0
/*
 * Split virtqueues: chains as a driver lays them, indices, notifications.
 */
#include <asm/byteorder.h>
#include <linux/virtio_byteorder.h>

#include "ring_rig.h"

#define NUM	RIG_NUM
#define TABLE	RIG_TABLE

#define N	VRING_DESC_F_NEXT
#define W	VRING_DESC_F_WRITE
#define I	VRING_DESC_F_INDIRECT

static struct ring_rig *create(struct kunit *test, u32 num)
{
	return rig_create(test, num, false);
}

static struct vring_avail *avail_ring(struct ring_rig *rig)
{
	return guest_uaddr(rig->guest, rig->ring.avail);
}

static struct vring_used *used_ring(struct ring_rig *rig)
{
	return guest_uaddr(rig->guest, rig->ring.used);
}

static u16 le16(__virtio16 v)
{
	return __virtio16_to_cpu(true, v);
}

static u16 used_idx(struct ring_rig *rig)
{
	return le16(used_ring(rig)->idx);
}

static void set_used_idx(struct ring_rig *rig, u16 idx)
{
	used_ring(rig)->idx = __cpu_to_virtio16(true, idx);
}

static void set_avail_idx(struct ring_rig *rig, u16 idx)
{
	avail_ring(rig)->idx = __cpu_to_virtio16(true, idx);
}

/* An entry, or, with @i = num, the used_event field after the last one. */
static void set_avail_entry(struct ring_rig *rig, u32 i, u16 v)
{
	avail_ring(rig)->ring[i] = __cpu_to_virtio16(true, v);
}

static void set_desc(struct ring_rig *rig, u32 i, u64 addr, u32 len, u16 flags,
		     u16 next)
{
	struct vring_desc *desc = guest_uaddr(rig->guest, rig->ring.desc);

	rig_set_desc(&desc[i], addr, len, flags, next);
}

/* The driver makes a chain available. */
static void offer(struct ring_rig *rig, u16 head)
{
	u16 idx = le16(avail_ring(rig)->idx);

	set_avail_entry(rig, idx % rig->ring.num, head);
	set_avail_idx(rig, idx + 1);
}

/* A chain of one descriptor, which is number @i. */
static void offer_one(struct ring_rig *rig, u32 i, u64 addr, u32 len, u16 flags)
{
	set_desc(rig, i, addr, len, flags, 0);
	offer(rig, i);
}

static void expect_used(struct kunit *test, struct ring_rig *rig, u16 idx,
			u16 id, u32 len)
{
	const struct vring_used_elem *elem =
		&used_ring(rig)->ring[idx % rig->ring.num];

	KUNIT_ASSERT_EQ(test, __virtio32_to_cpu(true, elem->id), id);
	KUNIT_ASSERT_EQ(test, __virtio32_to_cpu(true, elem->len), len);
}

/* --- chains --- */

static const struct rig_chain_case chain_cases[] = {
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
	{ "in a hole", { { GPA_HOLE, 8 } }, .reason = BAD(BAD_ADDRESS) },
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
	{ "indirect, table in a hole", { { GPA_HOLE, 16, I } },
	  .reason = BAD(BAD_ADDRESS) },
	{ "indirect, table runs into a hole",
	  { { GPA_HOLE - 8, 16, I } }, .reason = BAD(BAD_ADDRESS) },
	{ "indirect, buffer in a hole", { { TABLE, 16, I } },
	  { { GPA_HOLE, 8 } }, .reason = BAD(BAD_ADDRESS) },
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

static void lay(struct ring_rig *rig, const struct rig_chain_case *c)
{
	struct vring_desc *table = guest_gpa(rig->guest, TABLE);
	const struct rig_desc *d;
	u32 i;

	for (i = 0, d = c->desc; i < NUM; i++, d++)
		set_desc(rig, i, d->addr, d->len, d->flags, d->next);
	for (i = 0, d = c->table; i < ARRAY_SIZE(c->table); i++, d++)
		rig_set_desc(&table[i], d->addr, d->len, d->flags, d->next);
}

/* Good or bad, the chain has its number, and the next one is taken as well. */
static void chain(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	lay(rig, test->param_value);
	offer(rig, 0);
	rig_expect_case(test, rig, 0, 1);

	offer_one(rig, 7, 0, 8, 0);
	rig_expect_chain(test, rig, 7, 8);
}

/* A chain of @n descriptors of a byte each, in a table over three pages. */
static void long_indirect(struct ring_rig *rig, u32 n)
{
	struct vring_desc d;
	u32 i;

	for (i = 0; i < n; i++) {
		rig_set_desc(&d, i % 64, 1, i + 1 < n ? N : 0, i + 1);
		memcpy(guest_gpa(rig->guest, i * sizeof(d)), &d, sizeof(d));
	}
	offer_one(rig, 0, 0, n * sizeof(d), I);
}

static void chain_of_1024(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	long_indirect(rig, MVS_CHAIN_SEGS_MAX);
	rig_expect_chain(test, rig, 0, MVS_CHAIN_SEGS_MAX);
}

static void chain_of_1025(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	long_indirect(rig, MVS_CHAIN_SEGS_MAX + 1);
	rig_expect_refused(test, rig, 0, MVS_REASON_TOO_LONG);
}

/* Indirect table entries may lie on two pages, and on two regions. */
static void table_across_regions(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);
	struct vring_desc d;
	u32 i;

	rig_set_desc(&d, 0, 44, 0, 0);
	for (i = 0; i < sizeof(d); i++)
		*(u8 *)guest_gpa(rig->guest, GPA_HIGH - 8 + i) = ((u8 *)&d)[i];
	offer_one(rig, 0, GPA_HIGH - 8, sizeof(d), I);
	rig_expect_chain(test, rig, 0, 44);
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
	struct ring_rig *rig = create(test, NUM);
	u32 i;

	for (i = 0; i < NUM; i++)
		set_avail_entry(rig, i, c->head);
	set_avail_idx(rig, c->idx);
	rig->ring.next_avail = c->base;
	rig->ring.avail_idx = c->base;
	KUNIT_EXPECT_EQ(test, c->ret, rig_pop(rig));
	KUNIT_EXPECT_EQ(test, rig->ring.next_avail,
			(u16)(c->base + (c->ret == 1)));
}

static const u32 nums[] = { 1, 2, 8, 128 };

KUNIT_ARRAY_PARAM(num, nums, rig_num_desc);

/* Each index passes 65535, and with them the entry of every number. */
static void index_wrap(struct kunit *test)
{
	u32 num = *(const u32 *)test->param_value, i;
	struct ring_rig *rig = create(test, num);

	for (i = 0; i < num; i++)
		set_desc(rig, i, i, 8 + i, 0, 0);

	for (i = 0; i < 70000; i++) {
		u16 head = (i * 7) % num;

		offer(rig, head);
		rig_expect_chain(test, rig, head, 8 + head);
		KUNIT_ASSERT_EQ(test, 0, rig_give_back(rig, head, 1, i));
		KUNIT_ASSERT_EQ(test, used_idx(rig), (u16)(i + 1));
		expect_used(test, rig, i, head, i);
	}
}

/* What the VMM set as base, and what the driver left in the used ring. */
static void start_in_the_middle(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	rig->ring.next_avail = 1000;
	set_used_idx(rig, 990);
	set_avail_idx(rig, 1000);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	KUNIT_EXPECT_EQ(test, 0, rig_pop(rig));
	offer_one(rig, 3, 0, 8, 0);
	rig_expect_chain(test, rig, 3, 8);
	KUNIT_EXPECT_EQ(test, 0, rig_give_back(rig, 3, 1, 0));
	KUNIT_EXPECT_EQ(test, used_idx(rig), 991);
	KUNIT_EXPECT_EQ(test, rig->ring.next_avail, 1001);
}

static void unpop(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	offer_one(rig, 1, 0, 8, 0);
	offer_one(rig, 2, 0, 9, 0);
	rig_expect_chain(test, rig, 1, 8);
	mvs_ring_unpop(&rig->ring, &rig->guest->chain);
	rig_expect_chain(test, rig, 1, 8);
	rig_expect_chain(test, rig, 2, 9);
	KUNIT_EXPECT_EQ(test, 0, rig_pop(rig));
}

/* The VMM puts the used ring at @used. */
static void move_used_ring(struct kunit *test, struct ring_rig *rig, u64 used)
{
	rig->ring.used = used;
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
}

/* Used entries are aligned to 4 bytes only. */
static void used_entry_over_two_pages(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);
	u64 used = RIG_USED + PAGE_SIZE - 16;

	move_used_ring(test, rig, used);
	KUNIT_ASSERT_EQ(test, 0, rig_push(rig, 5, 1, 55));
	KUNIT_ASSERT_EQ(test, 0, rig_push(rig, 6, 1, 66));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(*(__virtio16 *)guest_uaddr(rig->guest, used + 2)), 2);
	KUNIT_EXPECT_EQ(test, le32_to_cpup(guest_uaddr(rig->guest, used + 12)), 6);
	KUNIT_EXPECT_EQ(test, le32_to_cpup(guest_uaddr(rig->guest, used + 16)), 66);
}

struct lost_case {
	const char *name;
	unsigned long uaddr;
	bool push;
};

static const struct lost_case lost_cases[] = {
	{ "descriptors", RIG_DESC, false },
	{ "available ring", RIG_AVAIL, false },
	{ "used ring", RIG_USED, true },
};

KUNIT_ARRAY_PARAM_DESC(lost, lost_cases, name);

/* The VMM took the ring away: an error, and nothing written anywhere. */
static void ring_lost(struct kunit *test)
{
	const struct lost_case *c = test->param_value;
	struct ring_rig *rig = create(test, NUM);

	offer_one(rig, 0, 0, 8, 0);
	guest_lose_page(rig->guest, c->uaddr);
	KUNIT_EXPECT_EQ(test, c->push ? 1 : -EFAULT, rig_pop(rig));
	KUNIT_EXPECT_EQ(test, c->push ? -EFAULT : 0, rig_push(rig, 0, 1, 0));
	if (c->push)
		KUNIT_EXPECT_EQ(test, used_idx(rig), 0);
}

/* The table is gone, which is no reason to stop the ring. */
static void table_lost(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	offer_one(rig, 3, TABLE, 16, I);
	guest_lose_page(rig->guest, GUEST_LOW + TABLE);
	rig_expect_refused(test, rig, 3, MVS_REASON_BAD_ADDRESS);

	offer_one(rig, 4, 2 * TABLE, 8, 0);
	rig_expect_chain(test, rig, 4, 8);
}

/* A chain that used a table is no excuse for the next one. */
static void ring_lost_after_a_table(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	offer_one(rig, 3, TABLE, 16, I);
	KUNIT_ASSERT_EQ(test, 1, rig_pop(rig));
	guest_lose_page(rig->guest, RIG_AVAIL);
	KUNIT_EXPECT_EQ(test, -EFAULT, rig_pop(rig));
	KUNIT_EXPECT_EQ(test, rig->ring.next_avail, 1);
}

/* --- batches --- */

/*
 * As long as the ring, over the end of it and of the index, and in another order than
 * they came: the driver sees nothing of it, and then all.
 */
static void batch(struct kunit *test)
{
	u32 num = *(const u32 *)test->param_value, i;
	struct ring_rig *rig = create(test, num);
	u16 base = -(num / 2 + 1);

	rig->ring.next_avail = base;
	set_used_idx(rig, base);
	set_avail_idx(rig, base);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	for (i = 0; i < num; i++) {
		offer_one(rig, i, i, 8, 0);
		KUNIT_ASSERT_EQ(test, 1, rig_pop(rig));
	}

	for (i = 0; i < num; i++) {
		KUNIT_ASSERT_EQ(test, 0, rig_push(rig, num - 1 - i, 1, 100 + i));
		KUNIT_ASSERT_EQ(test, used_idx(rig), base);
	}
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, used_idx(rig), (u16)(base + num));
	for (i = 0; i < num; i++)
		expect_used(test, rig, base + i, num - 1 - i, 100 + i);
}

static void batch_of_nothing(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	KUNIT_ASSERT_EQ(test, 0, rig_give_back(rig, 5, 1, 55));
	/* Not even what is there is written again. */
	set_used_idx(rig, 1234);
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, used_idx(rig), 1234);
}

/* The index is on a page before that of the entries. */
static struct ring_rig *lose_index(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);
	u64 used = RIG_USED + PAGE_SIZE - 4;

	move_used_ring(test, rig, used);
	rig_push_two(test, rig, used, 0, -EFAULT);
	KUNIT_EXPECT_EQ(test, used_idx(rig), 0);
	guest_find_page(test, rig->guest, used);
	return rig;
}

static void index_lost(struct kunit *test)
{
	struct ring_rig *rig = lose_index(test);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, used_idx(rig), 2);
}

static void index_lost_until_start(struct kunit *test)
{
	struct ring_rig *rig = lose_index(test);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_start(&rig->ring));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, used_idx(rig), 2);
	KUNIT_EXPECT_EQ(test, 0, rig_give_back(rig, 7, 1, 77));
	KUNIT_EXPECT_EQ(test, used_idx(rig), 3);
}

/* What could not be pushed is not in the batch, and does not spoil it. */
static void entry_lost(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	move_used_ring(test, rig, RIG_USED + PAGE_SIZE - 12);
	rig_push_two(test, rig, RIG_USED + PAGE_SIZE, -EFAULT, 0);
	KUNIT_EXPECT_EQ(test, used_idx(rig), 1);
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
	struct ring_rig *rig = create(test, NUM);

	set_used_idx(rig, c->before);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&rig->ring));
	rig->ring.event_idx = c->event_idx;
	/* The first time there is no last signal to compare with. */
	KUNIT_EXPECT_LE(test, 0, mvs_ring_need_signal(&rig->ring));

	rig->ring.notify_on_empty = c->on_empty;
	avail_ring(rig)->flags = __cpu_to_virtio16(true, c->flags);
	set_avail_entry(rig, NUM, c->event);
	rig_expect_signal(test, rig, c->after - c->before, c->ret);
}

static void first_signal_with_event_index(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	rig->ring.event_idx = true;
	set_avail_entry(rig, NUM, 1000);
	rig_expect_signal(test, rig, 1, 1);
	rig_expect_signal(test, rig, 1, 0);
}

/* After 65536 entries without a signal "since the last one" says nothing. */
static void signal_after_index_wrap(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);
	u32 i;

	rig->ring.event_idx = true;
	KUNIT_ASSERT_LE(test, 0, mvs_ring_need_signal(&rig->ring));
	set_avail_entry(rig, NUM, 40000);
	for (i = 0; i < 65536; i++)
		KUNIT_ASSERT_EQ(test, 0, rig_give_back(rig, 0, 1, 0));
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_need_signal(&rig->ring));
}

static u16 avail_event(struct ring_rig *rig)
{
	return le16(*(__virtio16 *)&used_ring(rig)->ring[rig->ring.num]);
}

static void notify_by_flags(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(used_ring(rig)->flags), VRING_USED_F_NO_NOTIFY);
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_enable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(used_ring(rig)->flags), 0);

	/* A chain that came between must not be slept over. */
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	offer(rig, 0);
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_enable_notify(&rig->ring));
}

static void notify_by_event_index(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	rig->ring.event_idx = true;
	set_desc(rig, 0, 0, 8, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16(used_ring(rig)->flags), 0);
	offer(rig, 0);
	offer(rig, 0);
	KUNIT_EXPECT_EQ(test, 1, rig_pop(rig));
	KUNIT_EXPECT_EQ(test, 1, rig_pop(rig));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_enable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, avail_event(rig), 2);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	offer(rig, 0);
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_enable_notify(&rig->ring));
}

static void enable_notify_sees_a_bad_index(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	set_avail_idx(rig, NUM + 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, mvs_ring_enable_notify(&rig->ring));
}

/* A chain that was only looked at is there still; one that is given is used. */
static void peek_and_give(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);
	struct mvs_chain *chain = &rig->guest->chain;
	struct mvs_mem *gm = &rig->guest->gm;

	offer_one(rig, 5, 0, 100, W);
	mvs_mem_begin(gm);
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_peek(&rig->ring, chain));
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_peek(&rig->ring, chain));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_give(&rig->ring, chain, 44));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_peek(&rig->ring, chain));
	mvs_mem_end(gm);

	KUNIT_EXPECT_EQ(test, used_idx(rig), 0);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, used_idx(rig), 1);
	expect_used(test, rig, 0, 5, 44);
	KUNIT_EXPECT_EQ(test, 0, rig_pop(rig));
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
