// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

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

size_t ring_bytes(unsigned int num)
{
	return desc_bytes(num) + avail_bytes(num) + used_bytes(num);
}

static __u16 *used_event(const struct ring *r)
{
	return (__u16 *)&r->avail->ring[r->num];
}

static __u16 *avail_event(const struct ring *r)
{
	return (__u16 *)&r->used->ring[r->num];
}

int ring_init(struct ring *r, unsigned int num, void *mem, bool event_idx,
	      __u16 base)
{
	r->num = num;
	r->event_idx = event_idx;
	r->desc = mem;
	r->avail = mem + desc_bytes(num);
	r->used = mem + desc_bytes(num) + avail_bytes(num);
	r->free = calloc(num, sizeof(*r->free));
	r->link = calloc(num, sizeof(*r->link));
	r->count = calloc(num, sizeof(*r->count));
	r->token = calloc(num, sizeof(*r->token));
	if (!r->free || !r->link || !r->count || !r->token) {
		ring_free(r);
		return -ENOMEM;
	}
	ring_reset(r, base);
	return 0;
}

void ring_free(struct ring *r)
{
	free(r->free);
	free(r->link);
	free(r->count);
	free(r->token);
	memset(r, 0, sizeof(*r));
}

void ring_reset(struct ring *r, __u16 base)
{
	unsigned int i;

	memset(r->desc, 0, ring_bytes(r->num));
	memset(r->count, 0, r->num * sizeof(*r->count));
	for (i = 0; i < r->num; i++)
		r->free[i] = r->num - 1 - i;
	r->nfree = r->num;
	r->avail_idx = base;
	r->kicked_idx = base;
	r->last_used = base;
	r->avail->idx = htole16(base);
	r->used->idx = htole16(base);
	*used_event(r) = htole16(base);
	*avail_event(r) = htole16(base);
}

int ring_take(struct ring *r, unsigned int n, __u16 *idx, void *token)
{
	unsigned int i;

	if (!n || n > r->nfree)
		return -ENOSPC;
	for (i = 0; i < n; i++) {
		idx[i] = r->free[--r->nfree];
		if (i)
			r->link[idx[i - 1]] = idx[i];
	}
	r->count[idx[0]] = n;
	r->token[idx[0]] = token;
	return 0;
}

void ring_set_desc(struct ring *r, __u16 i, __u64 addr, __u32 len, __u16 flags,
		   __u16 next)
{
	r->desc[i].addr = htole64(addr);
	r->desc[i].len = htole32(len);
	r->desc[i].flags = htole16(flags);
	r->desc[i].next = htole16(next);
}

void ring_push(struct ring *r, __u16 head)
{
	r->avail->ring[r->avail_idx++ & (r->num - 1)] = htole16(head);
}

void ring_publish(struct ring *r)
{
	/* The entries and descriptors before the index. */
	__atomic_store_n(&r->avail->idx, htole16(r->avail_idx),
			 __ATOMIC_RELEASE);
}

bool ring_kick_wanted(struct ring *r)
{
	__u16 old = r->kicked_idx, new = r->avail_idx;
	__u16 event, flags;

	/* The index before the device's wish: it checks in the other order. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r->kicked_idx = new;
	if (r->event_idx) {
		event = le16toh(__atomic_load_n(avail_event(r),
						__ATOMIC_RELAXED));
		return (__u16)(new - event - 1) < (__u16)(new - old);
	}
	flags = le16toh(__atomic_load_n(&r->used->flags, __ATOMIC_RELAXED));
	return !(flags & VRING_USED_F_NO_NOTIFY);
}

int ring_add(struct ring *r, const struct seg *segs, unsigned int n,
	     void *token)
{
	__u16 *idx = calloc(n, sizeof(*idx));
	unsigned int i;
	int head;

	if (!idx)
		return -ENOMEM;
	head = ring_take(r, n, idx, token);
	for (i = 0; !head && i < n; i++) {
		__u16 flags = segs[i].write ? VRING_DESC_F_WRITE : 0;
		bool last = i + 1 == n;

		if (!last)
			flags |= VRING_DESC_F_NEXT;
		ring_set_desc(r, idx[i], segs[i].addr, segs[i].len, flags,
			      last ? 0 : idx[i + 1]);
	}
	if (!head) {
		head = idx[0];
		ring_push(r, head);
	}
	free(idx);
	return head;
}

void ring_fill_table(struct vring_desc *table, const struct seg *segs,
		     unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		__u16 flags = segs[i].write ? VRING_DESC_F_WRITE : 0;

		if (i + 1 < n)
			flags |= VRING_DESC_F_NEXT;
		table[i].addr = htole64(segs[i].addr);
		table[i].len = htole32(segs[i].len);
		table[i].flags = htole16(flags);
		table[i].next = htole16(i + 1 < n ? i + 1 : 0);
	}
}

int ring_add_indirect(struct ring *r, const struct seg *segs, unsigned int n,
		      struct vring_desc *table, __u64 table_gpa, void *token)
{
	__u16 head;
	int err;

	err = ring_take(r, 1, &head, token);
	if (err)
		return err;
	ring_fill_table(table, segs, n);
	ring_set_desc(r, head, table_gpa, n * sizeof(*table),
		      VRING_DESC_F_INDIRECT, 0);
	ring_push(r, head);
	return head;
}

bool ring_has_used(const struct ring *r)
{
	return le16toh(__atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE)) !=
	       r->last_used;
}

int ring_get_used(struct ring *r, __u32 *len, void **token)
{
	struct vring_used_elem *e;
	unsigned int i, n;
	__u32 id;

	if (!ring_has_used(r))
		return -EAGAIN;
	e = &r->used->ring[r->last_used & (r->num - 1)];
	r->last_used++;
	id = le32toh(e->id);
	*len = le32toh(e->len);
	if (id >= r->num || !r->count[id])
		return -EPROTO;
	*token = r->token[id];
	n = r->count[id];
	r->count[id] = 0;
	for (i = id; n--; i = r->link[i])
		r->free[r->nfree++] = i;
	return id;
}

void ring_arm(struct ring *r)
{
	__atomic_store_n(used_event(r), htole16(r->last_used),
			 __ATOMIC_RELAXED);
	/* The wish before the caller's last look at the used ring. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
