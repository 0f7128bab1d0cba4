// SPDX-License-Identifier: GPL-2.0
/*
 * Random chains: a buffer divided at random, with descriptors in the ring, in a table, or in both;
 * then errors are added.
 */
#include "fuzz.h"

#define PIECES 8
#define TABLES (20 * 1024)	/* of a slot, for the indirect table */
#define SPAN (FUZZ_SLOT - TABLES)
#define LONG_MAX 1050		/* maximum number of descriptors of a long chain */

/* Descriptors as they are written; @next counts from the first one of the chain or table. */
struct vdesc {
	__u64 addr;
	__u32 len;
	__u16 flags;
	__u32 next;
};

/* In vdesc.next: an index of the ring. */
#define NEXT_RAW 0x10000

struct sketch {
	unsigned int q;
	__u64 slot;
	struct vdesc d[PIECES + 1];	/* in the ring */
	unsigned int nd;
	struct vdesc t[PIECES];		/* in the table */
	unsigned int nt;
	__u64 table;
	unsigned int filler;		/* additional entries in the table */
	unsigned int ring_filler;	/* additional descriptors in the ring */
	struct vdesc fill;		/* their content */
	__u64 lo, hi;
};

/* Slots that span two regions are used around the boundary. */
static __u64 edge_in(__u64 slot)
{
	static const __u64 edges[] = { GUEST_BUFFERS, GUEST_EDGE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(edges); i++)
		if (slot < edges[i] && edges[i] < slot + FUZZ_SLOT)
			return edges[i];
	return 0;
}

/* Choose the address of the first byte, with room for @len bytes and gaps of @gaps. */
static __u64 place(struct fuzz *f, __u64 slot, __u32 len, __u32 gaps)
{
	__u64 first = slot + TABLES + 64, edge = edge_in(slot), at;
	__u32 slack = SPAN - 128 - len - gaps;

	if (edge && !rng_one_in(&f->rng, 4)) {
		at = edge - rng_below(&f->rng, len + 2);
		return at < first ? first : at;
	}
	at = first + rng_size(&f->rng, slack - 3 * 4096);
	switch (rng_below(&f->rng, 4)) {
	case 0:	/* the header ends at the end of a page */
		return ((at + 4095) & ~4095ULL) + 4096 - HDR_LEN;
	case 1:	/* the payload ends there */
		return ((at + len + 4095) & ~4095ULL) - len;
	default:
		return at;
	}
}

/* Divide @len bytes into @n pieces, some of them empty. */
static void cut(struct fuzz *f, struct sketch *s, struct vdesc *p,
		unsigned int n, __u32 len)
{
	__u32 gap = rng_one_in(&f->rng, 2) ? 0 : rng_size(&f->rng, 5000);
	__u64 at = place(f, s->slot, len, n * gap);
	unsigned int i;

	s->lo = at;
	for (i = 0; i < n; i++) {
		__u32 size = i + 1 == n ? len : rng_size(&f->rng, len);

		if (i + 1 < n && rng_one_in(&f->rng, 4) && len >= HDR_LEN)
			size = HDR_LEN;
		if (size > len)
			size = len;
		p[i] = (struct vdesc){
			.addr = at,
			.len = size,
			.flags = s->q == RXQ ? VRING_DESC_F_WRITE : 0,
		};
		at += size + gap;
		len -= size;
	}
	s->hi = at - gap;
}

static void link_up(struct vdesc *p, unsigned int n)
{
	unsigned int i;

	for (i = 0; i + 1 < n; i++) {
		p[i].flags |= VRING_DESC_F_NEXT;
		p[i].next = i + 1;
	}
}

/* @direct pieces stay in the ring, the others are moved to a table. */
static void arrange(struct fuzz *f, struct sketch *s, const struct vdesc *p,
		    unsigned int n, unsigned int direct)
{
	memcpy(s->d, p, direct * sizeof(*p));
	s->nd = direct;
	s->nt = n - direct;
	memcpy(s->t, p + direct, s->nt * sizeof(*p));
	s->table = s->slot + 16 + rng_below(&f->rng, 64);
	if (s->nt) {
		s->d[s->nd++] = (struct vdesc){
			.addr = s->table,
			.len = s->nt * RING_DESC_LEN,
			.flags = VRING_DESC_F_INDIRECT |
				 (rng_one_in(&f->rng, 8) ?
				  VRING_DESC_F_WRITE : 0),
		};
	}
	link_up(s->d, s->nd);
	link_up(s->t, s->nt);
}

/* Choose the number of pieces @p has. */
static unsigned int sketch(struct fuzz *f, struct sketch *s, struct vdesc *p,
			   __u32 len)
{
	struct ring *r = &f->s.g.q[s->q].ring;
	unsigned int n = 1 + rng_below(&f->rng, PIECES), direct = n;
	bool tables = f->s.g.cfg.features & F_INDIRECT;

	if (!tables && n > r->nfree) {
		n = r->nfree;
		direct = n;
	}
	if (tables && (n > r->nfree || rng_one_in(&f->rng, 2)))
		direct = rng_below(&f->rng, n < r->nfree ? n : r->nfree);
	cut(f, s, p, n, len);
	arrange(f, s, p, n, direct);
	return n;
}

/* --- errors --- */

static struct vdesc *pick(struct fuzz *f, struct sketch *s, bool *in_ring)
{
	unsigned int i = rng_below(&f->rng, s->nd + s->nt);

	*in_ring = i < s->nd;
	return *in_ring ? &s->d[i] : &s->t[i - s->nd];
}

static void bad_address(struct fuzz *f, struct vdesc *d)
{
	const __u64 bad[] = { 0, 1, GUEST_HOLE, GUEST_HOLE + 0x1000,
			      GUEST_HOLE - d->len + 1, GUEST_END,
			      GUEST_END - d->len + 1, -1ULL, -16ULL, -d->len,
			      BIT_ULL(63), 0x00100000 - d->len };

	d->addr = bad[rng_below(&f->rng, ARRAY_SIZE(bad))];
}

static void bad_length(struct fuzz *f, const struct sketch *s, struct vdesc *d)
{
	static const __u32 bad[] = { 0xffffffff, 0x80000000, 0x01000000, 0 };

	if (d->flags & VRING_DESC_F_INDIRECT && rng_one_in(&f->rng, 2))
		d->len = rng_one_in(&f->rng, 2) ? 65537 * RING_DESC_LEN :
			 d->len + rng_below(&f->rng, 40) - 20;
	else if (d->len > FUZZ_SLOT || rng_one_in(&f->rng, 2))
		d->len = bad[rng_below(&f->rng, ARRAY_SIZE(bad))];
	else
		d->len = rng_below(&f->rng, d->len + (s->q == TXQ ? 100 : 1));
}

/* Of a split ring or table. In a receive ring the index stays within the chain's own descriptors:
 * it is hard to tell what the device writes if it writes twice.
 */
static void bad_next(struct fuzz *f, const struct sketch *s, struct vdesc *d,
		     bool in_ring)
{
	unsigned int num = in_ring ? f->s.g.q[s->q].ring.num : s->nt;
	unsigned int own = in_ring ? s->nd : s->nt;

	if (rng_one_in(&f->rng, 4)) {
		d->flags ^= VRING_DESC_F_NEXT;
		return;
	}
	d->flags |= VRING_DESC_F_NEXT;
	switch (rng_below(&f->rng, s->q == TXQ ? 4 : 3)) {
	case 0:
		d->next = NEXT_RAW | (num + rng_below(&f->rng, 3));
		break;
	case 1:
		d->next = NEXT_RAW | 0xffff;
		break;
	case 2:
		d->next = rng_below(&f->rng, own);
		break;
	default:
		d->next = NEXT_RAW | rng_below(&f->rng, num);
	}
}

static void bad_flags(struct fuzz *f, struct vdesc *d, bool in_ring)
{
	switch (rng_below(&f->rng, 3)) {
	case 0:
		d->flags |= (f->s.g.cfg.packed ? 0x7f70 : 0xfff8) &
			    rng_next(&f->rng);
		break;
	case 1:
		/* The descriptor does not refer to a table; or it does, without the feature. */
		d->flags ^= VRING_DESC_F_INDIRECT;
		break;
	default:
		/* In a packed ring NEXT makes the chain end elsewhere, and it is meaningless in a
		 * packed table.
		 */
		if (d->flags & VRING_DESC_F_INDIRECT &&
		    !(in_ring && f->s.g.cfg.packed))
			d->flags |= VRING_DESC_F_NEXT;
		else
			d->flags |= VRING_DESC_F_INDIRECT;
	}
}

/* A chain whose length is close to the limit. */
static void make_long(struct fuzz *f, struct sketch *s)
{
	unsigned int n = rng_one_in(&f->rng, 2) ?
			 LONG_MAX - rng_below(&f->rng, 40) :
			 LONG_MAX / 2 - 20 + rng_below(&f->rng, 100);
	struct vdesc *last = &s->d[s->nd - 1];

	if (s->filler || s->ring_filler)
		return;
	/* Empty buffers where the device would otherwise write twice; else buffers of a few bytes,
	 * which are two segments if they span two regions.
	 */
	s->fill = (struct vdesc){
		.addr = GUEST_EDGE - 1,
		.len = s->q == TXQ ? rng_below(&f->rng, 3) : 0,
		.flags = s->q == RXQ ? VRING_DESC_F_WRITE : 0,
	};
	if (s->nt && last->flags & VRING_DESC_F_INDIRECT) {
		s->filler = n;
		last->len += n * RING_DESC_LEN;
		s->t[s->nt - 1].flags |= VRING_DESC_F_NEXT;
		s->t[s->nt - 1].next = s->nt;
	} else if (!s->nt && s->nd + n <= f->s.g.q[s->q].ring.nfree) {
		s->ring_filler = n;
		last->flags |= VRING_DESC_F_NEXT;
		last->next = s->nd;
	}
}

static void spoil(struct fuzz *f, struct sketch *s)
{
	bool in_ring;
	struct vdesc *d = pick(f, s, &in_ring);

	switch (rng_below(&f->rng, 7)) {
	case 0:
	case 1:
		bad_address(f, d);
		break;
	case 2:
		bad_length(f, s, d);
		break;
	case 3:
		d->flags ^= VRING_DESC_F_WRITE;
		break;
	case 4:
		if (!f->s.g.cfg.packed)
			bad_next(f, s, d, in_ring);
		break;
	case 5:
		bad_flags(f, d, in_ring);
		break;
	default:
		make_long(f, s);
	}
}

/* --- writing to memory --- */

static void write_entry(struct fuzz *f, const struct sketch *s, unsigned int i,
			const struct vdesc *d)
{
	__u8 entry[RING_DESC_LEN];

	ring_set_entry(&f->s.g.q[s->q].ring, entry, d->addr, d->len, d->flags,
		       d->next);
	require_ok(mem_write(&f->s.g.mem, s->table + i * RING_DESC_LEN, entry,
			     sizeof(entry)));
}

/* Entry @i of @n of the filler. */
static struct vdesc filler(const struct sketch *s, unsigned int i,
			   unsigned int n)
{
	struct vdesc d = s->fill;

	d.flags |= i + 1 < n ? VRING_DESC_F_NEXT : 0;
	d.next = i + 1 < n ? i + 1 : 0;
	return d;
}

static void write_table(struct fuzz *f, struct sketch *s)
{
	unsigned int i, n = s->nt + s->filler;

	for (i = 0; i < n; i++) {
		struct vdesc d = i < s->nt ? s->t[i] : filler(s, i, n);

		write_entry(f, s, i, &d);
	}
	/* The entries that a longer table would have in addition. */
	require_ok(mem_fill(&f->s.g.mem, s->table + n * RING_DESC_LEN, 0,
			    4 * RING_DESC_LEN));
}

/* Before any corruption, after which the buffer's end would not be known. */
static void write_buffer(struct fuzz *f, const struct vdesc *p, unsigned int n,
			 const __u8 *buf)
{
	for (; n--; buf += p->len, p++)
		require_ok(mem_write(&f->s.g.mem, p->addr, buf, p->len));
}

static int push(struct fuzz *f, const struct sketch *s)
{
	struct ring *r = &f->s.g.q[s->q].ring;
	unsigned int i, n = s->nd + s->ring_filler;
	__u16 idx[FUZZ_RING_MAX];
	int chain = ring_take(r, n, idx, NULL);

	require_ok(chain);
	for (i = 0; i < n; i++) {
		struct vdesc d = i < s->nd ? s->d[i] : filler(s, i, n);
		__u16 next = d.next & NEXT_RAW ? d.next : idx[d.next];

		ring_set_desc(r, idx[i], d.addr, d.len, d.flags, next);
	}
	ring_push(r, chain);
	return chain;
}

int fuzz_chain(struct fuzz *f, struct fuzz_spec *spec)
{
	struct sketch s = { .q = spec->q, .slot = spec->slot };
	struct vdesc p[PIECES];
	unsigned int i, n;

	n = sketch(f, &s, p, spec->len);
	if (spec->buf)
		write_buffer(f, p, n, spec->buf);
	else
		require_ok(mem_fill(&f->s.g.mem, s.lo - 64, FUZZ_CANARY,
				    s.hi - s.lo + 128));
	for (i = 0; i < spec->faults; i++)
		spoil(f, &s);
	write_table(f, &s);
	spec->lo = s.lo - 64;
	spec->hi = s.hi + 64;
	return push(f, &s);
}
