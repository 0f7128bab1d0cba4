// SPDX-License-Identifier: GPL-2.0
#include "oracle.h"

struct desc {
	__u64 addr;
	__u32 len;
	__u16 flags;
	__u16 next;
};

static bool refuse(struct verdict *v, enum counter reason)
{
	v->reason = reason;
	return false;
}

/* Number of bytes from @gpa to the end of its region, 0 in a hole. */
static __u64 run(const struct mem *m, __u64 gpa)
{
	unsigned int i;

	for (i = 0; i < m->nregions; i++)
		if (gpa - m->region[i].gpa < m->region[i].size)
			return m->region[i].size - (gpa - m->region[i].gpa);
	return 0;
}

static bool add(struct verdict *v, const struct mem *m, const struct desc *d)
{
	bool write = d->flags & VRING_DESC_F_WRITE;
	__u64 addr = d->addr, n;
	__u32 left = d->len;

	if (!write && v->writable)
		return refuse(v, REJ_BAD_DIRECTION);
	for (; left; addr += n, left -= n) {
		if (v->n == GUEST_MAX_SEGS)
			return refuse(v, REJ_TOO_LONG);
		n = run(m, addr);
		if (!n || addr + left - 1 < addr)
			return refuse(v, REJ_BAD_ADDRESS);
		if (n > left)
			n = left;
		v->segs[v->n++] = (struct seg){ addr, n, write };
		*(write ? &v->writable : &v->readable) += n;
	}
	return true;
}

/* Entries are the same in both layouts, except for the order of the last two fields. */
static bool read_entry(const struct guest *g, __u64 gpa, struct desc *d)
{
	const struct ring *r = &g->q[TXQ].ring;	/* as the other one */
	struct vring_packed_desc p;
	struct vring_desc s;

	if (mem_read(&g->mem, gpa, &s, sizeof(s)))
		return false;
	memcpy(&p, &s, sizeof(p));
	*d = (struct desc){
		.addr = ring_64(r, s.addr),
		.len = ring_32(r, s.len),
		.flags = ring_16(r, g->cfg.packed ? p.flags : s.flags),
		.next = ring_16(r, s.next),
	};
	return true;
}

static bool table_ok(const struct guest *g, const struct desc *d)
{
	return g->cfg.features & F_INDIRECT &&
	       !(d->flags & VRING_DESC_F_NEXT) && d->len &&
	       !(d->len % RING_DESC_LEN) && d->len / RING_DESC_LEN <= 65536;
}

/* All entries of a packed table are used, in order. */
static bool more(const struct guest *g, const struct desc *d, __u32 *i,
		 __u32 count)
{
	if (g->cfg.packed)
		return ++*i < count;
	*i = d->next;
	return d->flags & VRING_DESC_F_NEXT;
}

static bool table(const struct guest *g, const struct desc *ref,
		  struct verdict *v)
{
	__u32 count = ref->len / RING_DESC_LEN, i = 0, found = 0;
	struct desc d;

	if (!table_ok(g, ref))
		return refuse(v, REJ_BAD_INDIRECT);
	if (ref->addr + ref->len - 1 < ref->addr)
		return refuse(v, REJ_BAD_ADDRESS);
	if (g->cfg.packed && count > GUEST_MAX_SEGS)
		return refuse(v, REJ_TOO_LONG);
	do {
		if (i >= count)
			return refuse(v, REJ_BAD_NEXT);
		if (found++ == count || found > GUEST_MAX_SEGS)
			return refuse(v, REJ_TOO_LONG);
		if (!read_entry(g, ref->addr + i * RING_DESC_LEN, &d))
			return refuse(v, REJ_BAD_ADDRESS);
		if (d.flags & VRING_DESC_F_INDIRECT)
			return refuse(v, REJ_BAD_INDIRECT);
		if (!add(v, &g->mem, &d))
			return false;
	} while (more(g, &d, &i, count));
	return true;
}

static struct desc read_desc(const struct ring *r, __u32 i)
{
	const struct vring_packed_desc *p = &r->p.desc[i];
	const struct vring_desc *s = &r->s.desc[i];

	if (r->f.packed)
		return (struct desc){ le64toh(p->addr), le32toh(p->len),
				      r->p.flags[i], (i + 1) % r->num };
	return (struct desc){ ring_64(r, s->addr), ring_32(r, s->len),
			      ring_16(r, s->flags), ring_16(r, s->next) };
}

static bool walk(const struct guest *g, const struct ring *r, __u32 i,
		 struct verdict *v)
{
	__u32 found = 0;
	struct desc d;

	do {
		if (i >= r->num)
			return refuse(v, REJ_BAD_NEXT);
		if (found++ == r->num || found > GUEST_MAX_SEGS)
			return refuse(v, REJ_TOO_LONG);
		d = read_desc(r, i);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (!table(g, &d, v))
				return false;
		} else if (!add(v, &g->mem, &d)) {
			return false;
		}
		i = d.next;
		/* Nothing may follow a split table. */
	} while (d.flags & VRING_DESC_F_NEXT);
	return true;
}

void oracle_chain(const struct guest *g, unsigned int q, int chain,
		  struct verdict *v)
{
	const struct ring *r = &g->q[q].ring;

	v->reason = NO_COUNTER;
	v->n = 0;
	v->readable = 0;
	v->writable = 0;
	if (!walk(g, r, r->chain[chain].head, v))
		return;
	if (q == TXQ ? v->writable : v->readable)
		v->reason = REJ_BAD_DIRECTION;
	else if (v->readable + v->writable < HDR_LEN)
		v->reason = REJ_TOO_SHORT;
}
