// SPDX-License-Identifier: GPL-2.0
/* Split virtqueues. A chain is identified by its head. */
#include "ring_layout.h"

static size_t desc_bytes(unsigned int num)
{
	return num * sizeof(struct vring_desc);
}

/* flags, idx, entries, used_event; the used ring is aligned to 4 */
static size_t avail_bytes(unsigned int num)
{
	return (6 + num * sizeof(__u16) + 3) & ~3UL;
}

static size_t used_bytes(unsigned int num)
{
	return 6 + num * sizeof(struct vring_used_elem);
}

static size_t split_bytes(unsigned int num)
{
	return desc_bytes(num) + avail_bytes(num) + used_bytes(num);
}

static __u16 *used_event(const struct ring *r)
{
	return (__u16 *)&r->s.avail->ring[r->num];
}

static __u16 *avail_event(const struct ring *r)
{
	return (__u16 *)&r->s.used->ring[r->num];
}

static bool split_init(struct ring *r, void *mem)
{
	struct ring_split *s = &r->s;

	s->desc = mem;
	s->avail = mem + desc_bytes(r->num);
	s->used = mem + desc_bytes(r->num) + avail_bytes(r->num);
	r->desc_area = s->desc;
	r->driver_area = s->avail;
	r->device_area = s->used;
	s->free = calloc(r->num, sizeof(*s->free));
	s->link = calloc(r->num, sizeof(*s->link));
	return s->free && s->link;
}

static void split_free(struct ring *r)
{
	free(r->s.free);
	free(r->s.link);
}

static void split_reset(struct ring *r, __u32 base)
{
	struct ring_split *s = &r->s;
	unsigned int i;

	for (i = 0; i < r->num; i++)
		s->free[i] = i;
	s->first_free = 0;
	s->avail_idx = base;
	s->kicked_idx = base;
	s->last_used = base;
	s->avail->idx = ring_16(r, base);
	s->used->idx = ring_16(r, base);
	*used_event(r) = ring_16(r, base);
	*avail_event(r) = ring_16(r, base);
}

static __u32 split_base(const struct ring *r)
{
	return r->s.avail_idx;
}

static __u16 used_idx(const struct ring *r)
{
	return ring_16(r, __atomic_load_n(&r->s.used->idx, __ATOMIC_ACQUIRE));
}

static __u32 split_device_base(const struct ring *r)
{
	return used_idx(r);
}

/* Descriptors are allocated in the order in which they were freed: with IN_ORDER that is the order
 * of the table, as the specification requires.
 */
static int split_take(struct ring *r, unsigned int n, __u16 *idx)
{
	struct ring_split *s = &r->s;
	unsigned int i;

	for (i = 0; i < n; i++) {
		idx[i] = s->free[s->first_free++ & (r->num - 1)];
		if (i)
			s->link[idx[i - 1]] = idx[i];
	}
	return idx[0];
}

/* The end of the queue of free descriptors is its start plus their number. */
static void split_release(struct ring *r, __u16 head)
{
	struct ring_split *s = &r->s;
	unsigned int n = r->chain[head].n;
	unsigned int end = s->first_free + r->nfree - n;
	__u16 i;

	for (i = head; n--; i = s->link[i])
		s->free[end++ & (r->num - 1)] = i;
}

static void split_set_entry(const struct ring *r, void *entry, __u64 addr,
			    __u32 len, __u16 flags, __u16 next)
{
	struct vring_desc d = {
		.addr = ring_64(r, addr),
		.len = ring_32(r, len),
		.flags = ring_16(r, flags),
		.next = ring_16(r, next),
	};

	memcpy(entry, &d, sizeof(d));
}

static void split_set_desc(struct ring *r, __u16 i, __u64 addr, __u32 len,
			   __u16 flags, __u16 next)
{
	split_set_entry(r, &r->s.desc[i], addr, len, flags, next);
}

static void split_push(struct ring *r, __u16 head)
{
	r->s.avail->ring[r->s.avail_idx++ & (r->num - 1)] = ring_16(r, head);
}

static void split_publish(struct ring *r)
{
	/* Write entries and descriptors before the index. */
	__atomic_store_n(&r->s.avail->idx, ring_16(r, r->s.avail_idx),
			 __ATOMIC_RELEASE);
}

static bool split_kick_wanted(struct ring *r)
{
	__u16 old = r->s.kicked_idx, new = r->s.avail_idx;
	__u16 event, flags;

	r->s.kicked_idx = new;
	if (r->f.event_idx) {
		event = ring_16(r, __atomic_load_n(avail_event(r),
						   __ATOMIC_RELAXED));
		return (__u16)(new - event - 1) < (__u16)(new - old);
	}
	flags = ring_16(r, __atomic_load_n(&r->s.used->flags, __ATOMIC_RELAXED));
	return !(flags & VRING_USED_F_NO_NOTIFY);
}

static bool split_has_used(const struct ring *r)
{
	return used_idx(r) != r->s.last_used;
}

static __u32 split_read_used(const struct ring *r, __u32 *len)
{
	const struct vring_used_elem *e =
		&r->s.used->ring[r->s.last_used & (r->num - 1)];

	*len = ring_32(r, e->len);
	return ring_32(r, e->id);
}

static void split_advance_used(struct ring *r, unsigned int n)
{
	(void)n;
	r->s.last_used++;
}

static void split_want_calls(struct ring *r, bool want)
{
	__u16 flags = want ? 0 : VRING_AVAIL_F_NO_INTERRUPT;

	__atomic_store_n(&r->s.avail->flags, ring_16(r, flags), __ATOMIC_RELAXED);
	/* With EVENT_IDX, suppress interrupts by an index that will not be reached soon. */
	__atomic_store_n(used_event(r), ring_16(r, r->s.last_used - !want),
			 __ATOMIC_RELAXED);
}

const struct ring_ops ring_split_ops = {
	.bytes = split_bytes,
	.init = split_init,
	.free = split_free,
	.reset = split_reset,
	.base = split_base,
	.device_base = split_device_base,
	.take = split_take,
	.set_desc = split_set_desc,
	.set_entry = split_set_entry,
	.push = split_push,
	.publish = split_publish,
	.kick_wanted = split_kick_wanted,
	.has_used = split_has_used,
	.read_used = split_read_used,
	.advance_used = split_advance_used,
	.release = split_release,
	.want_calls = split_want_calls,
};
