// SPDX-License-Identifier: GPL-2.0
/*
 * Packed virtqueues: chains as a driver lays them, wrap counters, event
 * suppression.
 */
#include <asm/byteorder.h>

#include "ring_rig.h"

#define NUM	RIG_NUM
#define TABLE	RIG_TABLE

#define N	VRING_DESC_F_NEXT
#define W	VRING_DESC_F_WRITE
#define I	VRING_DESC_F_INDIRECT

#define F_AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define F_USED	BIT(VRING_PACKED_DESC_F_USED)
#define WRAP	MVS_PACKED_WRAP

static struct ring_rig *create(struct kunit *test, u32 num)
{
	return rig_create(test, num, true);
}

/* Looked up each time, as the areas' pages are not contiguous here. */
static struct vring_packed_desc *desc_at(struct ring_rig *rig, u16 place)
{
	return guest_uaddr(rig->guest, rig->ring.desc + (place & ~WRAP) *
			   sizeof(struct vring_packed_desc));
}

static struct vring_packed_desc_event *device_area(struct ring_rig *rig)
{
	return guest_uaddr(rig->guest, rig->ring.used);
}

/* The driver says what it wants to be notified of. */
static void set_event(struct ring_rig *rig, u16 flags, u16 off_wrap)
{
	struct vring_packed_desc_event *driver =
		guest_uaddr(rig->guest, rig->ring.avail);

	driver->flags = cpu_to_le16(flags);
	driver->off_wrap = cpu_to_le16(off_wrap);
}

/* The place @n descriptors behind @place. */
static u16 behind(const struct ring_rig *rig, u16 place, u32 n)
{
	u32 i = (place & ~WRAP) + n;

	return i < rig->ring.num ? place + n : (i - rig->ring.num) | (~place & WRAP);
}

/* The driver writes its next descriptor; @flags without AVAIL and USED. */
static void put_desc(struct ring_rig *rig, u64 addr, u32 len, u16 flags, u16 id)
{
	flags |= rig->next & WRAP ? F_AVAIL : F_USED;
	rig_set_packed_desc(desc_at(rig, rig->next), addr, len, flags, id);
	rig->next = behind(rig, rig->next, 1);
}

/* A chain of @n descriptors of the same memory; only the last one's Buffer ID counts. */
static void put_chain(struct ring_rig *rig, u32 n, u64 addr, u32 len, u16 id)
{
	while (--n)
		put_desc(rig, addr, len, N, ~id);
	put_desc(rig, addr, len, 0, id);
}

/* --- chains --- */

static const struct rig_chain_case chain_cases[] = {
	{ "one descriptor", { { 0, 44 } }, .readable = 44 },
	{ "one writable", { { 0, 100, W } }, .writable = 100 },
	{ "three, readable and writable",
	  { { 0, 44, N }, { 100, 10, N }, { 200, 5, W } },
	  .readable = 54, .writable = 5 },
	{ "as many as the ring has",
	  { { 0, 1, N }, { 1, 1, N }, { 2, 1, N }, { 3, 1, N }, { 4, 1, N },
	    { 5, 1, N }, { 6, 1, N }, { 7, 1 } }, .readable = 8 },
	{ "zero length", { { 0, 0, N }, { 0, 8 } }, .readable = 8 },
	{ "unknown flags", { { 0, 8, 0x7f78 } }, .readable = 8 },
	{ "in a hole", { { GPA_HOLE, 8 } }, .reason = BAD(BAD_ADDRESS) },
	{ "in a hole, not last", { { 0, 8, N }, { GPA_HOLE, 8, N }, { 0, 8 } },
	  .reason = BAD(BAD_ADDRESS) },
	{ "address wraps", { { U64_MAX, 8 } }, .reason = BAD(BAD_ADDRESS) },
	{ "readable after writable",
	  { { 0, 8, N | W }, { 8, 8, N }, { 16, 8 } },
	  .reason = BAD(BAD_DIRECTION) },

	{ "indirect", { { TABLE, 16, I } }, { { 0, 44 } }, .readable = 44 },
	{ "indirect, three", { { TABLE, 48, I } },
	  { { 0, 44 }, { 50, 6 }, { 60, 7, W } },
	  .readable = 50, .writable = 7 },
	{ "indirect, NEXT means nothing", { { TABLE, 32, I } },
	  { { 0, 44, N }, { 50, 6, N } }, .readable = 50 },
	{ "indirect with WRITE, which means nothing",
	  { { TABLE, 16, I | W } }, { { 0, 44 } }, .readable = 44 },
	{ "direct, then indirect", { { 100, 9, N }, { TABLE, 16, I } },
	  { { 0, 44 } }, .readable = 53 },
	{ "indirect, length 0", { { TABLE, 0, I } },
	  .reason = BAD(BAD_INDIRECT) },
	{ "indirect, length 17", { { TABLE, 17, I } },
	  .reason = BAD(BAD_INDIRECT) },
	{ "indirect, 65537 entries", { { TABLE, 65537 * 16, I } },
	  .reason = BAD(BAD_INDIRECT) },
	{ "indirect, 1025 entries", { { TABLE, 1025 * 16, I } },
	  .reason = BAD(TOO_LONG) },
	{ "indirect and NEXT", { { TABLE, 16, I | N }, { 0, 8 } },
	  { { 0, 8 } }, .reason = BAD(BAD_INDIRECT) },
	{ "indirect, nested", { { TABLE, 16, I } },
	  { { TABLE, 16, I } }, .reason = BAD(BAD_INDIRECT) },
	{ "indirect, not negotiated", { { TABLE, 16, I } },
	  { { 0, 8 } }, .reason = BAD(BAD_INDIRECT), .no_indirect = true },
	{ "indirect, table in a hole", { { GPA_HOLE, 16, I } },
	  .reason = BAD(BAD_ADDRESS) },
	{ "indirect, table runs into a hole",
	  { { GPA_HOLE - 8, 16, I } }, .reason = BAD(BAD_ADDRESS) },
	{ "indirect, buffer in a hole", { { TABLE, 16, I } },
	  { { GPA_HOLE, 8 } }, .reason = BAD(BAD_ADDRESS) },
	{ "indirect, readable after writable", { { TABLE, 32, I } },
	  { { 0, 1, W }, { 0, 1 } }, .reason = BAD(BAD_DIRECTION) },
};

KUNIT_ARRAY_PARAM_DESC(chain, chain_cases, name);

/* Returns the length of the chain, whose last descriptor alone has its Buffer ID, @id. */
static u16 lay(struct ring_rig *rig, const struct rig_chain_case *c, u16 id)
{
	struct vring_packed_desc *table = guest_gpa(rig->guest, TABLE);
	const struct rig_desc *d;
	bool more;
	u32 i;

	for (i = 0, d = c->table; i < ARRAY_SIZE(c->table); i++, d++)
		rig_set_packed_desc(&table[i], d->addr, d->len, d->flags, 0);
	for (i = 0, more = true; more; i++) {
		d = &c->desc[i];
		more = d->flags & N;
		put_desc(rig, d->addr, d->len, d->flags, more ? ~id : id);
	}
	return i;
}

/* Good or bad, the chain has its number and its length in descriptors. */
static void chain(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	rig_expect_case(test, rig, 0x1234, lay(rig, test->param_value, 0x1234));
	put_desc(rig, 0, 8, 0, 7);
	rig_expect_chain(test, rig, 7, 8);
}

/* Without a last descriptor there is no Buffer ID to give back. */
static void chain_without_end(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);
	u32 i;

	for (i = 0; i < NUM; i++)
		put_desc(rig, 0, 1, N, i);
	KUNIT_EXPECT_EQ(test, -EINVAL, rig_pop(rig));
	KUNIT_EXPECT_EQ(test, rig->ring.next_avail, WRAP);
}

/* More than a chain may have, but with an end. */
static void chain_of_1025(struct kunit *test)
{
	struct ring_rig *rig = create(test, 1200);

	/* The last one lies over the Driver Area, which does not matter here. */
	put_chain(rig, 1025, 0, 1, 1024);
	rig_expect_refused(test, rig, 1024, MVS_REASON_TOO_LONG);
	KUNIT_EXPECT_EQ(test, rig->guest->chain.ndescs, 1025);
}

/* Over two regions each, so that the limit comes before the end. */
static void segments_over_the_limit(struct kunit *test)
{
	struct ring_rig *rig = create(test, 600);

	put_chain(rig, 600, GPA_HIGH - 1, 2, 599);
	rig_expect_refused(test, rig, 599, MVS_REASON_TOO_LONG);
	KUNIT_EXPECT_EQ(test, rig->guest->chain.ndescs, 600);
}

/* --- places --- */

struct avail_case {
	const char *name;
	u16 place;
	u16 flags;
	int ret;
};

static const struct avail_case avail_cases[] = {
	{ "available, wrap 1", WRAP, F_AVAIL, 1 },
	{ "used, wrap 1", WRAP, F_AVAIL | F_USED, 0 },
	{ "fresh memory, wrap 1", WRAP, 0, 0 },
	{ "of the next round, wrap 1", WRAP, F_USED, 0 },
	{ "available, wrap 0", 0, F_USED, 1 },
	{ "used, wrap 0", 0, 0, 0 },
	{ "of the round before, wrap 0", 0, F_AVAIL | F_USED, 0 },
	{ "of the next round, wrap 0", 0, F_AVAIL, 0 },
};

KUNIT_ARRAY_PARAM_DESC(avail, avail_cases, name);

static void avail(struct kunit *test)
{
	const struct avail_case *c = test->param_value;
	struct ring_rig *rig = create(test, NUM);

	rig->ring.next_avail = c->place | 3;
	desc_at(rig, 3)->flags = cpu_to_le16(c->flags);
	KUNIT_EXPECT_EQ(test, c->ret, rig_pop(rig));
}

static const u32 nums[] = { 1, 2, 3, 7, 8, 100 };

KUNIT_ARRAY_PARAM(num, nums, rig_num_desc);

/* Chains of one to three descriptors, over many rounds of any size. */
static void wrap_counters(struct kunit *test)
{
	u32 num = *(const u32 *)test->param_value, i;
	struct ring_rig *rig = create(test, num);

	for (i = 0; i < 5000; i++) {
		u32 n = 1 + i % min(num, 3U);
		u16 used = rig->ring.next_used;
		struct vring_packed_desc *d = desc_at(rig, used);

		put_chain(rig, n, 0, 8, i);
		rig_expect_chain(test, rig, i, 8 * n);

		/* Undone and done again, it is the same. */
		mvs_ring_unpop(&rig->ring, &rig->guest->chain);
		rig_expect_chain(test, rig, i, 8 * n);

		KUNIT_ASSERT_EQ(test, 0, rig_give_back(rig, i, n, i));
		KUNIT_ASSERT_EQ(test, rig->ring.next_used, rig->next);
		KUNIT_ASSERT_EQ(test, rig->ring.next_avail, rig->next);
		KUNIT_ASSERT_EQ(test, le16_to_cpu(d->id), i);
		KUNIT_ASSERT_EQ(test, le32_to_cpu(d->len), i);
		KUNIT_ASSERT_EQ(test, le16_to_cpu(d->flags) & ~W,
				used & WRAP ? F_AVAIL | F_USED : 0);
		KUNIT_ASSERT_EQ(test, !!(le16_to_cpu(d->flags) & W), i > 0);
		KUNIT_ASSERT_EQ(test, 0, rig_pop(rig));
	}
}

struct start_case {
	const char *name;
	u32 num;
	u64 desc;
	u16 next_avail;
	u16 next_used;
	int ret;
};

static const struct start_case start_cases[] = {
	{ "as at reset", NUM, RIG_DESC, WRAP, WRAP, 0 },
	{ "in the middle", NUM, RIG_DESC, 5, WRAP | 7, 0 },
	{ "no power of two", 7, RIG_DESC, 6, 6, 0 },
	{ "32768", 32768, RIG_DESC, WRAP | 32767, WRAP | 32767, 0 },
	{ "32769", 32769, RIG_DESC, WRAP, WRAP, -EINVAL },
	{ "available place outside", NUM, RIG_DESC, NUM, WRAP, -EINVAL },
	{ "used place outside", NUM, RIG_DESC, WRAP, WRAP | NUM, -EINVAL },
	{ "descriptors misaligned", NUM, RIG_DESC + 8, WRAP, WRAP, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(start, start_cases, name);

static void start(struct kunit *test)
{
	const struct start_case *c = test->param_value;
	struct ring_rig *rig = create(test, NUM);

	rig->ring.num = c->num;
	rig->ring.desc = c->desc;
	rig->ring.next_avail = c->next_avail;
	rig->ring.next_used = c->next_used;
	KUNIT_EXPECT_EQ(test, c->ret, mvs_ring_start(&rig->ring));
}

static void ring_lost(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	put_desc(rig, 0, 8, 0, 0);
	guest_lose_page(rig->guest, RIG_DESC);
	KUNIT_EXPECT_EQ(test, -EFAULT, rig_pop(rig));
	KUNIT_EXPECT_EQ(test, -EFAULT, rig_push(rig, 0, 1, 0));
	KUNIT_EXPECT_EQ(test, rig->ring.next_used, WRAP);
}

/* Its second entry would be at address 0. */
static void table_wraps(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	KUNIT_ASSERT_EQ(test, 0,
			vhost_iotlb_add_range(rig->guest->gm.table,
					      U64_MAX - PAGE_SIZE + 1, U64_MAX,
					      GUEST_HIGH, VHOST_MAP_RW));
	put_desc(rig, U64_MAX - 15, 32, I, 7);
	rig_expect_refused(test, rig, 7, MVS_REASON_BAD_ADDRESS);
}

/* The table is gone, which is no reason to stop the ring. */
static void table_lost(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	put_desc(rig, TABLE, 16, I, 3);
	guest_lose_page(rig->guest, GUEST_LOW + TABLE);
	rig_expect_refused(test, rig, 3, MVS_REASON_BAD_ADDRESS);

	put_desc(rig, 2 * TABLE, 8, 0, 4);
	rig_expect_chain(test, rig, 4, 8);
}

/* --- batches --- */

/* What a driver that is at @place sees: does it begin a used chain? */
static bool used_at(struct ring_rig *rig, u16 place)
{
	u16 flags = le16_to_cpu(desc_at(rig, place)->flags);

	return !!(flags & F_AVAIL) == !!(place & WRAP) &&
	       !!(flags & F_USED) == !!(place & WRAP);
}

/*
 * As long as the ring, over the end of it, and in another order than they came: the
 * driver, which looks at the first, sees nothing of it, and then all.
 */
static void batch(struct kunit *test)
{
	u32 num = *(const u32 *)test->param_value, i;
	struct ring_rig *rig = create(test, num);
	u16 base = WRAP | (num - 1 - num / 3), place = base;

	rig->next = base;
	rig->ring.next_avail = base;
	rig->ring.next_used = base;
	for (i = 0; i < num; i++)
		put_desc(rig, i, 8, 0, i);
	for (i = 0; i < num; i++)
		KUNIT_ASSERT_EQ(test, 1, rig_pop(rig));
	KUNIT_ASSERT_EQ(test, 0, rig_pop(rig));

	for (i = 0; i < num; i++) {
		KUNIT_ASSERT_EQ(test, 0, rig_push(rig, num - 1 - i, 1, i));
		KUNIT_ASSERT_FALSE(test, used_at(rig, base));
	}
	KUNIT_EXPECT_EQ(test, 0, rig_pop(rig));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	for (i = 0; i < num; i++, place = behind(rig, place, 1)) {
		const struct vring_packed_desc *d = desc_at(rig, place);

		KUNIT_EXPECT_TRUE(test, used_at(rig, place));
		KUNIT_EXPECT_EQ(test, le16_to_cpu(d->id), num - 1 - i);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(d->len), i);
		KUNIT_EXPECT_EQ(test, !!(le16_to_cpu(d->flags) & W), i > 0);
	}
	KUNIT_EXPECT_FALSE(test, used_at(rig, place));
	KUNIT_EXPECT_EQ(test, rig->ring.next_used, place);
}

/* Chains of 1 to 4 descriptors, the longest first. */
static void batch_of_long_chains(struct kunit *test)
{
	struct ring_rig *rig = create(test, 10);
	u16 place = WRAP;
	u32 n;

	for (n = 1; n <= 4; n++) {
		put_chain(rig, n, 0, 8, n);
		rig_expect_chain(test, rig, n, 8 * n);
	}
	for (n = 4; n; n--)
		KUNIT_ASSERT_EQ(test, 0, rig_push(rig, n, n, 0));
	KUNIT_EXPECT_FALSE(test, used_at(rig, place));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	for (n = 4; n; n--) {
		KUNIT_EXPECT_TRUE(test, used_at(rig, place));
		KUNIT_EXPECT_EQ(test, le16_to_cpu(desc_at(rig, place)->id), n);
		place = behind(rig, place, n);
	}
	KUNIT_EXPECT_EQ(test, rig->ring.next_used, place);
	KUNIT_EXPECT_EQ(test, place, 0);
}

static void batch_of_nothing(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	KUNIT_ASSERT_EQ(test, 0, rig_give_back(rig, 5, 1, 55));
	/* It is the driver's again. */
	desc_at(rig, 0)->flags = cpu_to_le16(0x1234);
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(desc_at(rig, 0)->flags), 0x1234);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(desc_at(rig, 1)->flags), 0);
}

/* The first of two is the last place of a page. */
static struct ring_rig *lose_first(struct kunit *test)
{
	struct ring_rig *rig = create(test, 300);

	rig->ring.next_used = WRAP | 255;
	rig_push_two(test, rig, RIG_DESC, 0, -EFAULT);
	KUNIT_EXPECT_FALSE(test, used_at(rig, WRAP | 255));
	guest_find_page(test, rig->guest, RIG_DESC);
	return rig;
}

static void first_lost(struct kunit *test)
{
	struct ring_rig *rig = lose_first(test);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_TRUE(test, used_at(rig, WRAP | 255));
	KUNIT_EXPECT_TRUE(test, used_at(rig, WRAP | 256));
}

static void first_lost_until_start(struct kunit *test)
{
	struct ring_rig *rig = lose_first(test);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_start(&rig->ring));
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_publish(&rig->ring));
	KUNIT_EXPECT_TRUE(test, used_at(rig, WRAP | 255));
	KUNIT_EXPECT_TRUE(test, used_at(rig, WRAP | 256));
	KUNIT_EXPECT_EQ(test, rig->ring.next_used, WRAP | 257);
}

/* What could not be pushed is not in the batch, and does not spoil it. */
static void second_lost(struct kunit *test)
{
	struct ring_rig *rig = create(test, 300);

	rig->ring.next_used = WRAP | 255;
	rig_push_two(test, rig, RIG_DESC + PAGE_SIZE, -EFAULT, 0);
	KUNIT_EXPECT_TRUE(test, used_at(rig, WRAP | 255));
	KUNIT_EXPECT_FALSE(test, used_at(rig, WRAP | 256));
	KUNIT_EXPECT_EQ(test, rig->ring.next_used, WRAP | 256);
}

/* --- event suppression --- */

struct signal_case {
	const char *name;
	bool event_idx;
	u16 flags;
	u16 off_wrap;
	u16 before;	/* place at the last signal */
	u16 n;		/* descriptors given back since */
	int ret;
};

#define ENABLE	VRING_PACKED_EVENT_FLAG_ENABLE
#define DISABLE	VRING_PACKED_EVENT_FLAG_DISABLE
#define PLACE	VRING_PACKED_EVENT_FLAG_DESC

static const struct signal_case signal_cases[] = {
	{ "enabled", false, ENABLE, 0, WRAP, 1, 1 },
	{ "disabled", false, DISABLE, 0, WRAP, 1, 0 },
	{ "disabled, with event index", true, DISABLE, 0, WRAP, 1, 0 },
	{ "enabled, with event index", true, ENABLE, WRAP | 5, WRAP, 1, 1 },
	{ "place, not negotiated", false, PLACE, WRAP | 5, WRAP, 1, 1 },
	{ "reserved flags", true, 3, WRAP | 5, WRAP, 1, 1 },
	{ "place reached", true, PLACE, WRAP | 0, WRAP | 0, 1, 1 },
	{ "place not reached", true, PLACE, WRAP | 5, WRAP | 0, 1, 0 },
	{ "place inside a batch", true, PLACE, WRAP | 3, WRAP | 1, 4, 1 },
	{ "place one behind a batch", true, PLACE, WRAP | 5, WRAP | 1, 4, 0 },
	{ "place passed long ago", true, PLACE, WRAP | 0, WRAP | 3, 2, 0 },
	{ "place before the turn", true, PLACE, WRAP | 7, WRAP | 6, 3, 1 },
	{ "place behind the turn", true, PLACE, 0, WRAP | 6, 3, 1 },
	{ "place on the next round, not reached", true, PLACE, 2, WRAP | 6, 3,
	  0 },
	{ "place of the round before", true, PLACE, WRAP | 2, WRAP | 6, 3, 0 },
	{ "turn to wrap 1", true, PLACE, WRAP | 0, 7, 2, 1 },
};

KUNIT_ARRAY_PARAM_DESC(signal, signal_cases, name);

static void signal(struct kunit *test)
{
	const struct signal_case *c = test->param_value;
	struct ring_rig *rig = create(test, NUM);

	rig->ring.next_used = c->before;
	/* The first time there is no last signal to compare with. */
	KUNIT_EXPECT_LE(test, 0, mvs_ring_need_signal(&rig->ring));

	rig->ring.event_idx = c->event_idx;
	set_event(rig, c->flags, c->off_wrap);
	rig_expect_signal(test, rig, c->n, c->ret);
}

static void first_signal_with_place(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	rig->ring.event_idx = true;
	set_event(rig, PLACE, WRAP | 6);
	rig_expect_signal(test, rig, 1, 1);
	rig_expect_signal(test, rig, 1, 0);
}

static void notify(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(device_area(rig)->flags), DISABLE);
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_enable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(device_area(rig)->flags), ENABLE);

	/* A chain that came between must not be slept over. */
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	put_desc(rig, 0, 8, 0, 0);
	KUNIT_EXPECT_EQ(test, 1, mvs_ring_enable_notify(&rig->ring));
}

static void notify_by_place(struct kunit *test)
{
	struct ring_rig *rig = create(test, NUM);

	rig->ring.event_idx = true;
	rig->ring.next_avail = 5;
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_disable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(device_area(rig)->flags), DISABLE);
	KUNIT_EXPECT_EQ(test, 0, mvs_ring_enable_notify(&rig->ring));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(device_area(rig)->flags), PLACE);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(device_area(rig)->off_wrap), 5);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(chain, chain_gen_params),
	KUNIT_CASE(chain_without_end),
	KUNIT_CASE(chain_of_1025),
	KUNIT_CASE(segments_over_the_limit),
	KUNIT_CASE_PARAM(avail, avail_gen_params),
	KUNIT_CASE_PARAM(wrap_counters, num_gen_params),
	KUNIT_CASE_PARAM(start, start_gen_params),
	KUNIT_CASE(ring_lost),
	KUNIT_CASE(table_lost),
	KUNIT_CASE(table_wraps),
	KUNIT_CASE_PARAM(batch, num_gen_params),
	KUNIT_CASE(batch_of_long_chains),
	KUNIT_CASE(batch_of_nothing),
	KUNIT_CASE(first_lost),
	KUNIT_CASE(first_lost_until_start),
	KUNIT_CASE(second_lost),
	KUNIT_CASE_PARAM(signal, signal_gen_params),
	KUNIT_CASE(first_signal_with_place),
	KUNIT_CASE(notify),
	KUNIT_CASE(notify_by_place),
	{}
};

static struct kunit_suite suite = {
	.name = "mvsock_ring_packed",
	.test_cases = cases,
};

kunit_test_suite(suite);
