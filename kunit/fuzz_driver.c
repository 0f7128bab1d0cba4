// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that writes random rings and chains, and corrupts them.
 */
#include <linux/unaligned.h>

#include "fuzz_driver.h"

/* Offsets of the largest rings' areas in the 8 pages for them. */
#define SPLIT_MAX	1024
#define PACKED_MAX	1280

static void note(struct fuzz_driver *d, u64 uaddr, u32 width)
{
	d->fields[d->nfields++ % FUZZ_FIELDS] = (struct fuzz_field) {
		.uaddr = uaddr,
		.width = width,
	};
}

static void put16(struct fuzz_driver *d, u64 uaddr, u16 v)
{
	__le16 le = cpu_to_le16(v);

	fuzz_mem_put(d->m->mem, uaddr, &le, sizeof(le));
	note(d, uaddr, sizeof(le));
}

/* The fields of a descriptor, in either layout; the last two differ. */
static void note_desc(struct fuzz_driver *d, u64 uaddr)
{
	note(d, uaddr, 8);
	note(d, uaddr + 8, 4);
	note(d, uaddr + 12, 2);
	note(d, uaddr + 14, 2);
}

/* --- the ring --- */

/* A number below @n, half of the time close to @n. */
static u32 near_end(u64 *rnd, u32 n)
{
	if (fuzz_once_in(rnd, 2))
		return fuzz_below(rnd, n);
	return n - 1 - fuzz_below(rnd, min(n, 4U));
}

static u32 ring_size(u64 *rnd, bool packed)
{
	u32 max = packed ? PACKED_MAX : SPLIT_MAX;
	u32 num;

	switch (fuzz_below(rnd, 8)) {
	case 0:
		num = max;
		break;
	case 1 ... 3:
		num = 1 + fuzz_below(rnd, 8);
		break;
	default:
		num = 1 + fuzz_below(rnd, 256);
	}
	return packed ? num : roundup_pow_of_two(num);
}

/*
 * Place the areas one after the other, each at a random offset that its alignment and the memory
 * allow, so that entries cross page boundaries.
 */
static void place_areas(struct model *m, u64 *rnd)
{
	u32 avail = m->packed ? 4 : 6 + 2 * m->num;
	u32 used = m->packed ? 4 : 6 + 8 * m->num;
	u32 left = SZ_32K - 16 * m->num - avail - used - 32;
	u32 gap = fuzz_below(rnd, min(left, 3 * (u32)PAGE_SIZE));

	m->desc = GUEST_RING + round_down(gap, 16);
	m->avail = round_up(m->desc + 16 * m->num, 4) +
		   round_down(fuzz_below(rnd, left - gap + 1), 4);
	m->used = round_up(m->avail + avail, 4);
}

/* Create a ring of any kind, as the VMM and the driver set it up. */
void fuzz_driver_start(struct fuzz_driver *d)
{
	struct model *m = d->m;
	u64 *rnd = d->rnd;
	u32 all;

	d->nfields = 0;
	m->packed = fuzz_once_in(rnd, 2);
	m->event_idx = fuzz_once_in(rnd, 2);
	m->indirect = !fuzz_once_in(rnd, 4);
	m->on_empty = fuzz_once_in(rnd, 4);
	m->num = ring_size(rnd, m->packed);
	place_areas(m, rnd);

	all = m->packed ? 2 * m->num : U16_MAX + 1;
	m->take = near_end(rnd, all);
	m->give = m->packed ? near_end(rnd, all) : m->take;
	d->next = m->take;
	if (m->packed)
		return;
	put16(d, m->avail + 2, d->next);
	put16(d, m->used + 2, m->give);
}

/* Number of positions that are available and not taken yet. */
static u32 waiting(const struct fuzz_driver *d)
{
	u32 all = d->m->packed ? 2 * d->m->num : U16_MAX + 1;

	return (d->next + all - d->m->take) % all;
}

/* --- chains --- */

/* Set flags without a meaning here, except for those of availability. */
static u16 odd_flags(struct fuzz_driver *d)
{
	if (!fuzz_once_in(d->rnd, 8))
		return 0;
	return fuzz_random(d->rnd) & ~(VRING_DESC_F_NEXT | VRING_DESC_F_WRITE |
				       VRING_DESC_F_INDIRECT |
				       BIT(VRING_PACKED_DESC_F_AVAIL) |
				       BIT(VRING_PACKED_DESC_F_USED));
}

static void encode(u8 *raw, u64 addr, u32 len, u16 at12, u16 at14)
{
	put_unaligned_le64(addr, raw);
	put_unaligned_le32(len, raw + 8);
	put_unaligned_le16(at12, raw + 12);
	put_unaligned_le16(at14, raw + 14);
}

static void put_split(struct fuzz_driver *d, u32 i, u64 addr, u32 len,
		      u16 flags, u16 next)
{
	u64 at = d->m->desc + 16 * i;
	u8 raw[16];

	encode(raw, addr, len, flags | odd_flags(d), next);
	fuzz_mem_put(d->m->mem, at, raw, sizeof(raw));
	note_desc(d, at);
}

static void put_packed(struct fuzz_driver *d, u64 addr, u32 len, u16 flags)
{
	u64 at = d->m->desc + 16 * (d->next % d->m->num);
	u8 raw[16];

	flags |= odd_flags(d) | (d->next < d->m->num ?
				 BIT(VRING_PACKED_DESC_F_AVAIL) :
				 BIT(VRING_PACKED_DESC_F_USED));
	encode(raw, addr, len, fuzz_random(d->rnd), flags);
	fuzz_mem_put(d->m->mem, at, raw, sizeof(raw));
	note_desc(d, at);
	d->next = model_place(d->m, d->next, 1);
}

/*
 * Write the buffers from @from on as a table in guest memory; returns its address. Its entries may
 * be linked in any order, including backwards.
 */
static u64 put_table(struct fuzz_driver *d, const struct fuzz_layout *l,
		     u32 from, u32 entries)
{
	u64 gpa = fuzz_layout_table(d->rnd, 16 * entries);
	u32 n = l->n - from, i;

	for (i = 0; i < n; i++) {
		const struct fuzz_buffer *b = &l->buffers[from + i];
		u16 flags = b->write ? VRING_DESC_F_WRITE : 0;
		const struct fuzz_region *r;
		u8 raw[16];

		if (i + 1 < n)
			flags |= VRING_DESC_F_NEXT;
		flags |= odd_flags(d);
		if (d->m->packed)
			encode(raw, b->gpa, b->len, 0, flags);
		else
			encode(raw, b->gpa, b->len, flags, i + 1);
		fuzz_mem_put_gpa(d->m->mem, gpa + 16 * i, raw, sizeof(raw));
		r = fuzz_region_of(gpa + 16 * i);
		if (r)
			note_desc(d, r->uaddr + gpa + 16 * i - r->first);
	}
	return gpa;
}

/* @direct direct descriptors, and an indirect table for the rest, if any. */
static void put_chain(struct fuzz_driver *d, const struct fuzz_layout *l,
		      u32 direct)
{
	bool table = direct < l->n;
	u32 i, n = direct + table, entries = l->n - direct, num = d->m->num;
	u32 first = fuzz_random(d->rnd), step = fuzz_random(d->rnd) | 1;

	/* All entries of a packed table are used, those of a split one need not be. */
	if (!d->m->packed && fuzz_once_in(d->rnd, 4))
		entries += fuzz_below(d->rnd, 4);
	for (i = 0; i < n; i++) {
		const struct fuzz_buffer *b = &l->buffers[i];
		u64 addr = b->gpa;
		u32 len = b->len;
		u16 flags = b->write ? VRING_DESC_F_WRITE : 0;

		if (i == direct) {
			addr = put_table(d, l, direct, entries);
			len = 16 * entries;
			flags |= VRING_DESC_F_INDIRECT;
		} else if (i + 1 < n) {
			flags |= VRING_DESC_F_NEXT;
		}
		if (d->m->packed)
			put_packed(d, addr, len, flags);
		else
			put_split(d, (first + i * step) % num, addr, len, flags,
				  (first + (i + 1) * step) % num);
	}
	if (d->m->packed)
		return;
	put16(d, d->m->avail + 4 + 2 * (d->next % num), first % num);
	d->next = model_place(d->m, d->next, 1);
	put16(d, d->m->avail + 2, d->next);
}

/* Make a chain available, if there is room. */
void fuzz_driver_offer(struct fuzz_driver *d)
{
	u32 room = d->m->packed ? d->m->num - min(d->m->num, waiting(d)) :
				  d->m->num;
	struct fuzz_layout *l = d->layout;
	u32 direct;

	if (!room || waiting(d) >= d->m->num)
		return;
	fuzz_layout_make(l, d->m->mem, d->rnd);
	direct = l->n;
	/* Now and then even if the feature was not negotiated. */
	if (fuzz_once_in(d->rnd, d->m->indirect ? 2 : 16))
		direct = fuzz_once_in(d->rnd, 2) ? 0 : fuzz_below(d->rnd, l->n);
	if (direct > room || (direct == room && direct < l->n))
		direct = 0;
	if (d->m->indirect || direct || fuzz_once_in(d->rnd, 16))
		put_chain(d, l, direct);
}

/* Write for which used chains the driver wants a notification. */
void fuzz_driver_events(struct fuzz_driver *d)
{
	struct model *m = d->m;
	u32 event = model_place(m, m->give, fuzz_below(d->rnd, 4));

	/* Often a little behind the used position. */
	if (fuzz_once_in(d->rnd, 2))
		event = model_place(m, event, (m->packed ? 2 * m->num :
					       U16_MAX + 1) - 2);
	if (m->packed) {
		put16(d, m->avail, model_encode(m, event));
		put16(d, m->avail + 2, fuzz_below(d->rnd, 3));
	} else {
		put16(d, m->avail, fuzz_below(d->rnd, 2));
		put16(d, m->avail + 4 + 2 * m->num, event);
	}
}

/* --- corruption --- */

/* One of the fields written last; there is always one. */
const struct fuzz_field *fuzz_driver_field(struct fuzz_driver *d)
{
	return &d->fields[fuzz_below(d->rnd, min(d->nfields, FUZZ_FIELDS))];
}

/* A value that may cause errors, by itself or relative to the current value. */
static u64 bad_value(struct fuzz_driver *d, u64 now)
{
	static const u64 values[] = {
		0, 1, 15, 16, 17, 43, 44, 1024 * 16, 1025 * 16, 0x7fff, 0x8000,
		U16_MAX, SZ_64K, SZ_64K + 1, 65536 * 16, 65537 * 16, S32_MAX,
		U32_MAX, U32_MAX - 43, FUZZ_BIG, FUZZ_TOP, U64_MAX - 15,
		U64_MAX,
	};

	switch (fuzz_below(d->rnd, 8)) {
	case 0:
		return values[fuzz_below(d->rnd, ARRAY_SIZE(values))];
	case 1:
		return d->m->num - 1 + fuzz_below(d->rnd, 3);
	case 2:
		return now + 1;
	case 3:
		return now - 1;
	case 4:
		return fuzz_random(d->rnd);
	default:
		return now ^ BIT_ULL(fuzz_below(d->rnd, 16));
	}
}

/* Choose another value for a field, whose current value is in @value. */
void fuzz_driver_value(struct fuzz_driver *d, const struct fuzz_field *field,
		       u8 *value)
{
	u8 raw[8] = {};

	memcpy(raw, value, field->width);
	put_unaligned_le64(bad_value(d, get_unaligned_le64(raw)), raw);
	memcpy(value, raw, field->width);
}

void fuzz_driver_spoil(struct fuzz_driver *d)
{
	struct fuzz_mem *mem = d->m->mem;
	const struct fuzz_field *field;
	u8 value[8];

	if (!d->nfields)
		return;
	field = fuzz_driver_field(d);
	if (!fuzz_mem_byte(mem, field->uaddr) ||
	    !fuzz_mem_byte(mem, field->uaddr + field->width - 1))
		return;
	fuzz_mem_get(mem, field->uaddr, value, field->width);
	fuzz_driver_value(d, field, value);
	fuzz_mem_put(mem, field->uaddr, value, field->width);
}
