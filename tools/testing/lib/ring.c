// SPDX-License-Identifier: GPL-2.0
/*
 * What both layouts have in common: which chains are in flight, and checks that the device gives
 * back the right ones.
 */
#include "ring_layout.h"

#define ROOM_UNKNOWN (~0ULL)

static const struct ring_ops *ops_of(const struct ring_features *f)
{
	return f->packed ? &ring_packed_ops : &ring_split_ops;
}

size_t ring_bytes(const struct ring_features *f, unsigned int num)
{
	return ops_of(f)->bytes(num);
}

__u32 ring_first_base(const struct ring_features *f)
{
	return f->packed ? PLACE_WRAP | PLACE_WRAP << 16 : 0;
}

int ring_init(struct ring *r, unsigned int num, void *mem,
	      const struct ring_features *f, __u32 base)
{
	memset(r, 0, sizeof(*r));
	r->num = num;
	r->f = *f;
	r->ops = ops_of(f);
	r->chain = calloc(num, sizeof(*r->chain));
	r->idx = calloc(num, sizeof(*r->idx));
	if (!r->ops->init(r, mem) || !r->chain || !r->idx) {
		ring_free(r);
		return -ENOMEM;
	}
	ring_reset(r, base);
	return 0;
}

void ring_free(struct ring *r)
{
	if (r->ops)
		r->ops->free(r);
	free(r->idx);
	free(r->chain);
	memset(r, 0, sizeof(*r));
}

void ring_reset(struct ring *r, __u32 base)
{
	memset(r->desc_area, 0, ring_bytes(&r->f, r->num));
	memset(r->chain, 0, r->num * sizeof(*r->chain));
	r->nfree = r->num;
	r->npushed = 0;
	r->nused = 0;
	r->ops->reset(r, base);
}

__u32 ring_base(const struct ring *r)
{
	return r->ops->base(r);
}

__u32 ring_device_base(const struct ring *r)
{
	return r->ops->device_base(r);
}

int ring_take(struct ring *r, unsigned int n, __u16 *idx, void *token)
{
	int chain;

	if (!n || n > r->nfree)
		return -ENOSPC;
	chain = r->ops->take(r, n, idx);
	r->nfree -= n;
	r->chain[chain] = (struct ring_chain){
		.n = n,
		.head = idx[0],
		.room = ROOM_UNKNOWN,
		.token = token,
	};
	return chain;
}

void ring_set_desc(struct ring *r, __u16 i, __u64 addr, __u32 len, __u16 flags,
		   __u16 next)
{
	r->ops->set_desc(r, i, addr, len, flags, next);
}

void ring_set_entry(const struct ring *r, void *entry, __u64 addr, __u32 len,
		    __u16 flags, __u16 next)
{
	r->ops->set_entry(r, entry, addr, len, flags, next);
}

void ring_push(struct ring *r, __u16 chain)
{
	if (chain < r->num)
		r->chain[chain].seq = r->npushed;
	r->npushed++;
	r->ops->push(r, chain);
}

void ring_publish(struct ring *r)
{
	r->ops->publish(r);
}

bool ring_kick_wanted(struct ring *r)
{
	/* Make the chains visible before reading the device's event suppression: the device does so
	 * in the opposite order.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return r->ops->kick_wanted(r);
}

static __u16 seg_flags(const struct seg *segs, unsigned int n, unsigned int i)
{
	return (segs[i].write ? VRING_DESC_F_WRITE : 0) |
	       (i + 1 < n ? VRING_DESC_F_NEXT : 0);
}

static __u64 seg_room(const struct seg *segs, unsigned int n)
{
	__u64 room = 0;

	while (n--)
		room += segs[n].write ? segs[n].len : 0;
	return room;
}

int ring_add(struct ring *r, const struct seg *segs, unsigned int n,
	     void *token)
{
	unsigned int i;
	int chain;

	chain = ring_take(r, n, r->idx, token);
	if (chain < 0)
		return chain;
	for (i = 0; i < n; i++)
		ring_set_desc(r, r->idx[i], segs[i].addr, segs[i].len,
			      seg_flags(segs, n, i),
			      i + 1 < n ? r->idx[i + 1] : 0);
	r->chain[chain].room = seg_room(segs, n);
	ring_push(r, chain);
	return chain;
}

void ring_fill_table(const struct ring *r, void *table, const struct seg *segs,
		     unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		ring_set_entry(r, table + i * RING_DESC_LEN, segs[i].addr,
			       segs[i].len, seg_flags(segs, n, i),
			       i + 1 < n ? i + 1 : 0);
}

int ring_add_indirect(struct ring *r, const struct seg *segs, unsigned int n,
		      void *table, __u64 table_gpa, void *token)
{
	__u16 i;
	int chain;

	chain = ring_take(r, 1, &i, token);
	if (chain < 0)
		return chain;
	ring_fill_table(r, table, segs, n);
	ring_set_desc(r, i, table_gpa, n * RING_DESC_LEN,
		      VRING_DESC_F_INDIRECT, 0);
	r->chain[chain].room = seg_room(segs, n);
	ring_push(r, chain);
	return chain;
}

bool ring_has_used(const struct ring *r)
{
	return r->ops->has_used(r);
}

int ring_get_used(struct ring *r, __u32 *len, void **token)
{
	struct ring_chain *c;
	bool good;
	__u32 id;

	if (!ring_has_used(r))
		return -EAGAIN;
	id = r->ops->read_used(r, len);
	c = id < r->num && r->chain[id].n ? &r->chain[id] : NULL;
	r->ops->advance_used(r, c ? c->n : 1);
	if (!c)
		return -EPROTO;
	*token = c->token;
	good = *len <= c->room &&
	       (!r->f.in_order || c->seq == r->nused);
	r->nused++;
	r->nfree += c->n;
	r->ops->release(r, id);
	c->n = 0;
	return good ? (int)id : -EPROTO;
}

void ring_arm(struct ring *r)
{
	r->ops->want_calls(r, true);
	/* Write the event suppression before the caller checks the used ring again. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void ring_disarm(struct ring *r)
{
	r->ops->want_calls(r, false);
}
