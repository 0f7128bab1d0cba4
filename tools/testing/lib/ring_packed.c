// SPDX-License-Identifier: GPL-2.0
/* Packed virtqueues. A chain is identified by its Buffer ID. */
#include "ring_layout.h"

#define F_AVAIL BIT_ULL(VRING_PACKED_DESC_F_AVAIL)
#define F_USED BIT_ULL(VRING_PACKED_DESC_F_USED)

static size_t packed_bytes(unsigned int num)
{
	return num * sizeof(struct vring_packed_desc) +
	       2 * sizeof(struct vring_packed_desc_event);
}

static bool packed_init(struct ring *r, void *mem)
{
	struct ring_packed *p = &r->p;

	p->desc = mem;
	p->driver = mem + r->num * sizeof(*p->desc);
	p->device = p->driver + 1;
	r->desc_area = p->desc;
	r->driver_area = p->driver;
	r->device_area = p->device;
	p->flags = calloc(r->num, sizeof(*p->flags));
	p->pushed = calloc(r->num, sizeof(*p->pushed));
	p->ids = calloc(r->num, sizeof(*p->ids));
	return p->flags && p->pushed && p->ids;
}

static void packed_free(struct ring *r)
{
	free(r->p.flags);
	free(r->p.pushed);
	free(r->p.ids);
}

static void place_move(const struct ring *r, struct ring_place *p,
		       unsigned int n)
{
	p->index += n;
	if (p->index >= r->num) {
		p->index -= r->num;
		p->wrap = !p->wrap;
	}
}

static struct ring_place place_decode(__u16 v)
{
	return (struct ring_place){ v & ~PLACE_WRAP, v & PLACE_WRAP };
}

static __u16 place_encode(struct ring_place p)
{
	return p.index | (p.wrap ? PLACE_WRAP : 0);
}

/* Descriptors before the used position were used in this round, the others in the previous one. */
static void packed_reset(struct ring *r, __u32 base)
{
	struct ring_packed *p = &r->p;
	unsigned int i;

	p->avail = place_decode(base);
	p->used = place_decode(base >> 16);
	for (i = 0; i < r->num; i++) {
		bool wrap = p->used.wrap == (i < p->used.index);

		p->desc[i].flags = htole16(wrap ? F_AVAIL | F_USED : 0);
		p->ids[i] = r->num - 1 - i;
	}
	p->nids = r->num;
	p->added = 0;
	p->npushed = 0;
	p->alias = -1;
}

static __u32 both_places(struct ring_place avail, struct ring_place used)
{
	return place_encode(avail) | (__u32)place_encode(used) << 16;
}

static __u32 packed_base(const struct ring *r)
{
	return both_places(r->p.avail, r->p.used);
}

static int packed_take(struct ring *r, unsigned int n, __u16 *idx)
{
	struct ring_packed *p = &r->p;
	__u16 id = p->ids[--p->nids];
	unsigned int i;

	for (i = 0; i < n; i++) {
		idx[i] = p->avail.index;
		p->flags[idx[i]] = p->avail.wrap ? F_AVAIL : F_USED;
		p->desc[idx[i]].id = htole16(id);
		place_move(r, &p->avail, 1);
	}
	return id;
}

static void packed_release(struct ring *r, __u16 id)
{
	if (r->p.alias == id)
		r->p.alias = -1;
	r->p.ids[r->p.nids++] = id;
}

static void packed_set_desc(struct ring *r, __u16 i, __u64 addr, __u32 len,
			    __u16 flags, __u16 next)
{
	struct vring_packed_desc *d = &r->p.desc[i];

	(void)next;
	d->addr = htole64(addr);
	d->len = htole32(len);
	r->p.flags[i] = (r->p.flags[i] & (F_AVAIL | F_USED)) | flags;
}

static void packed_set_entry(const struct ring *r, void *entry, __u64 addr,
			     __u32 len, __u16 flags, __u16 next)
{
	struct vring_packed_desc d = {
		.addr = htole64(addr),
		.len = htole32(len),
		.flags = htole16(flags),
	};

	(void)r;
	(void)next;
	memcpy(entry, &d, sizeof(d));
}

void ring_set_id(struct ring *r, int chain, __u16 id)
{
	const struct ring_chain *c = &r->chain[chain];
	unsigned int i;

	for (i = 0; i < c->n; i++)
		r->p.desc[(c->head + i) % r->num].id = htole16(id);
	r->p.alias = chain;
	r->p.alias_id = id;
}

static void packed_push(struct ring *r, __u16 id)
{
	r->p.pushed[r->p.npushed++] = id;
}

/* The first descriptor's flags make a chain available, so they come last. */
static void publish_chain(struct ring *r, const struct ring_chain *c)
{
	struct ring_packed *p = &r->p;
	unsigned int i;

	for (i = c->n; i--;) {
		unsigned int at = (c->head + i) % r->num;

		__atomic_store_n(&p->desc[at].flags, htole16(p->flags[at]),
				 __ATOMIC_RELEASE);
	}
	p->added += c->n;
}

static void packed_publish(struct ring *r)
{
	unsigned int i;

	for (i = 0; i < r->p.npushed; i++)
		publish_chain(r, &r->chain[r->p.pushed[i]]);
	r->p.npushed = 0;
}

static bool packed_kick_wanted(struct ring *r)
{
	struct ring_packed *p = &r->p;
	__u16 flags, off_wrap, event, new = p->avail.index, added = p->added;
	struct ring_place at;

	p->added = 0;
	flags = le16toh(__atomic_load_n(&p->device->flags, __ATOMIC_ACQUIRE));
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !r->f.event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	off_wrap = le16toh(__atomic_load_n(&p->device->off_wrap,
					   __ATOMIC_RELAXED));
	at = place_decode(off_wrap);
	event = at.index;
	/* A position of the previous round is this far before the first one of this round. */
	if (at.wrap != p->avail.wrap)
		event -= r->num;
	return (__u16)(new - event - 1) < added;
}

static bool is_used(const struct ring *r, struct ring_place at)
{
	__u16 flags = le16toh(__atomic_load_n(&r->p.desc[at.index].flags,
					      __ATOMIC_ACQUIRE));

	return !!(flags & F_AVAIL) == at.wrap && !!(flags & F_USED) == at.wrap;
}

static bool packed_has_used(const struct ring *r)
{
	return is_used(r, r->p.used);
}

static __u32 used_id(const struct ring *r, struct ring_place at)
{
	__u16 id = le16toh(r->p.desc[at.index].id);

	return r->p.alias >= 0 && id == r->p.alias_id ? (__u32)r->p.alias : id;
}

/* The length is valid only with WRITE. */
static __u32 packed_read_used(const struct ring *r, __u32 *len)
{
	const struct vring_packed_desc *d = &r->p.desc[r->p.used.index];

	*len = le16toh(d->flags) & VRING_DESC_F_WRITE ? le32toh(d->len) : 0;
	return used_id(r, r->p.used);
}

static void packed_advance_used(struct ring *r, unsigned int n)
{
	place_move(r, &r->p.used, n);
}

/* The device holds no chain for longer than it takes to use it, so its next available position
 * equals its next used one.
 */
static __u32 packed_device_base(const struct ring *r)
{
	struct ring_place at = r->p.used;
	unsigned int seen = 0;

	while (seen < r->num && is_used(r, at)) {
		__u32 id = used_id(r, at);
		unsigned int n = id < r->num && r->chain[id].n ?
				 r->chain[id].n : 1;

		place_move(r, &at, n);
		seen += n;
	}
	return both_places(at, at);
}

static void packed_want_calls(struct ring *r, bool want)
{
	struct vring_packed_desc_event *e = r->p.driver;
	__u16 flags = want ? VRING_PACKED_EVENT_FLAG_ENABLE :
			     VRING_PACKED_EVENT_FLAG_DISABLE;

	if (want && r->f.event_idx) {
		flags = VRING_PACKED_EVENT_FLAG_DESC;
		__atomic_store_n(&e->off_wrap, htole16(place_encode(r->p.used)),
				 __ATOMIC_RELAXED);
	}
	/* Write the position before the flags that make it valid. */
	__atomic_store_n(&e->flags, htole16(flags), __ATOMIC_RELEASE);
}

const struct ring_ops ring_packed_ops = {
	.bytes = packed_bytes,
	.init = packed_init,
	.free = packed_free,
	.reset = packed_reset,
	.base = packed_base,
	.device_base = packed_device_base,
	.take = packed_take,
	.set_desc = packed_set_desc,
	.set_entry = packed_set_entry,
	.push = packed_push,
	.publish = packed_publish,
	.kick_wanted = packed_kick_wanted,
	.has_used = packed_has_used,
	.read_used = packed_read_used,
	.advance_used = packed_advance_used,
	.release = packed_release,
	.want_calls = packed_want_calls,
};
