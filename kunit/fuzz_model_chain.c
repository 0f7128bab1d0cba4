// SPDX-License-Identifier: GPL-2.0
/*
 * The expected handling of chains, and of the packets in them.
 */
#include <linux/unaligned.h>

#include "fuzz_model.h"

#define F_AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define F_USED	BIT(VRING_PACKED_DESC_F_USED)

/* A descriptor of either layout. */
struct desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;	/* split */
	u16 id;		/* packed */
};

static void get_desc(struct model *m, u64 uaddr, struct desc *desc)
{
	u8 raw[16];

	fuzz_mem_get(m->mem, uaddr, raw, sizeof(raw));
	desc->addr = get_unaligned_le64(raw);
	desc->len = get_unaligned_le32(raw + 8);
	desc->id = get_unaligned_le16(raw + 12);
	desc->next = get_unaligned_le16(raw + 14);
	desc->flags = m->packed ? desc->next : desc->id;
}

/* Check that @len bytes at @gpa are all readable for the device, and in the cache. */
static bool get_gpa(struct model *m, u64 gpa, u8 *to, u32 len)
{
	if (gpa + len - 1 < gpa)
		return false;
	while (len) {
		const struct fuzz_region *r = fuzz_region_of(gpa);
		u64 uaddr;
		u32 n;

		if (!r || !r->read)
			return false;
		uaddr = r->uaddr + gpa - r->first;
		n = min_t(u64, len, r->last - gpa + 1);
		if (!fuzz_mem_reached(m->mem, uaddr, n, false))
			return false;
		fuzz_mem_get(m->mem, uaddr, to, n);
		to += n;
		gpa += n;
		len -= n;
	}
	return true;
}

static bool get_entry(struct model *m, u64 gpa, struct desc *desc)
{
	u8 raw[16];

	if (!get_gpa(m, gpa, raw, sizeof(raw)))
		return false;
	desc->addr = get_unaligned_le64(raw);
	desc->len = get_unaligned_le32(raw + 8);
	desc->flags = get_unaligned_le16(raw + (m->packed ? 14 : 12));
	desc->next = get_unaligned_le16(raw + 14);
	return true;
}

static bool refuse(struct forecast *f, enum mvs_reason reason)
{
	f->ret = -EBADMSG;
	f->reason = reason;
	return false;
}

static bool add_buffer(struct forecast *f, const struct desc *desc)
{
	bool write = desc->flags & VRING_DESC_F_WRITE;
	u64 gpa = desc->addr;
	u32 len = desc->len;

	if (!write && f->writable)
		return refuse(f, MVS_REASON_BAD_DIRECTION);

	while (len) {
		const struct fuzz_region *r = fuzz_region_of(gpa);
		u32 n;

		if (f->nsegs == MVS_CHAIN_SEGS_MAX)
			return refuse(f, MVS_REASON_TOO_LONG);
		if (gpa + len - 1 < gpa || !r || !(write ? r->write : r->read))
			return refuse(f, MVS_REASON_BAD_ADDRESS);
		n = min_t(u64, len, r->last - gpa + 1);
		f->segs[f->nsegs++] = (struct mvs_seg) {
			.uaddr = r->uaddr + gpa - r->first,
			.len = n,
		};
		f->nread += !write;
		*(write ? &f->writable : &f->readable) += n;
		gpa += n;
		len -= n;
	}
	return true;
}

/* Check whether the descriptor may refer to a table, and whether the table is possible. */
static bool table_ok(struct model *m, struct forecast *f,
		     const struct desc *ref)
{
	if (!m->indirect || ref->flags & VRING_DESC_F_NEXT || !ref->len ||
	    ref->len % 16 || ref->len / 16 > 65536)
		return refuse(f, MVS_REASON_BAD_INDIRECT);
	if (ref->addr + ref->len - 1 < ref->addr)
		return refuse(f, MVS_REASON_BAD_ADDRESS);
	return true;
}

/* A table's entries: linked in a split ring, all of them in a packed one. */
static bool add_table(struct model *m, struct forecast *f,
		      const struct desc *ref)
{
	u32 entries = ref->len / 16, i = 0, n;
	struct desc desc;

	if (!table_ok(m, f, ref))
		return false;
	if (m->packed && entries > MVS_CHAIN_SEGS_MAX)
		return refuse(f, MVS_REASON_TOO_LONG);

	for (n = 1;; n++) {
		if (i >= entries)
			return refuse(f, MVS_REASON_BAD_NEXT);
		if (n > entries || n > MVS_CHAIN_SEGS_MAX)
			return refuse(f, MVS_REASON_TOO_LONG);
		if (!get_entry(m, ref->addr + 16 * (u64)i, &desc))
			return refuse(f, MVS_REASON_BAD_ADDRESS);
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return refuse(f, MVS_REASON_BAD_INDIRECT);
		if (!add_buffer(f, &desc))
			return false;
		i = m->packed ? n : desc.next;
		if (m->packed ? n == entries : !(desc.flags & VRING_DESC_F_NEXT))
			return true;
	}
}

static void split_chain(struct model *m, struct forecast *f)
{
	u32 i = f->id, n;
	struct desc desc;

	for (n = 1;; n++) {
		u64 at = m->desc + 16 * (u64)i;

		if (i >= m->num) {
			refuse(f, MVS_REASON_BAD_NEXT);
			return;
		}
		if (n > m->num || n > MVS_CHAIN_SEGS_MAX) {
			refuse(f, MVS_REASON_TOO_LONG);
			return;
		}
		if (!fuzz_mem_reached(m->mem, at, 16, false)) {
			f->ret = -EFAULT;
			return;
		}
		get_desc(m, at, &desc);
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			add_table(m, f, &desc);
			return;
		}
		if (!add_buffer(f, &desc) || !(desc.flags & VRING_DESC_F_NEXT))
			return;
		i = desc.next;
	}
}

static void pop_split(struct model *m, struct forecast *f)
{
	u64 entry = m->avail + 4 + 2 * (m->take % m->num);
	__le16 le;

	if (m->seen == m->take) {
		if (!fuzz_mem_reached(m->mem, m->avail + 2, 2, false)) {
			f->ret = -EFAULT;
			return;
		}
		fuzz_mem_get(m->mem, m->avail + 2, &le, 2);
		if ((u16)(le16_to_cpu(le) - m->take) > m->num) {
			f->ret = -EINVAL;
			return;
		}
		f->seen = le16_to_cpu(le);
		if (f->seen == m->take) {
			f->ret = 0;
			return;
		}
	}
	if (!fuzz_mem_reached(m->mem, entry, 2, false)) {
		f->ret = -EFAULT;
		return;
	}
	fuzz_mem_get(m->mem, entry, &le, 2);
	f->id = le16_to_cpu(le);
	if (f->id >= m->num)
		f->ret = -EINVAL;
	else
		split_chain(m, f);
}

/* A chain's error is that of its first invalid descriptor, but the Buffer ID is in its last one. */
static void pop_packed(struct model *m, struct forecast *f)
{
	bool wrap = m->take < m->num, good = true;
	struct desc desc;
	u32 n;

	for (n = 1; n <= m->num; n++) {
		u64 at = m->desc + 16 * ((m->take + n - 1) % m->num);

		if (!fuzz_mem_reached(m->mem, at, 16, false)) {
			f->ret = -EFAULT;
			return;
		}
		get_desc(m, at, &desc);
		if (n == 1 && (!!(desc.flags & F_AVAIL) != wrap ||
			       !!(desc.flags & F_USED) == wrap)) {
			f->ret = 0;
			return;
		}
		f->id = desc.id;
		f->ndescs = n;
		if (good && n > MVS_CHAIN_SEGS_MAX)
			good = refuse(f, MVS_REASON_TOO_LONG);
		if (good)
			good = desc.flags & VRING_DESC_F_INDIRECT ?
			       add_table(m, f, &desc) : add_buffer(f, &desc);
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return;
	}
	f->ret = -EINVAL;
}

/* The model is not changed; see model_taken(). */
void model_pop(struct model *m, struct forecast *f)
{
	/* Segments are valid only up to nsegs. */
	memset(f, 0, offsetof(struct forecast, segs));
	f->ret = 1;
	f->ndescs = 1;
	f->seen = m->seen;
	if (m->packed)
		pop_packed(m, f);
	else
		pop_split(m, f);
}

void model_taken(struct model *m, const struct forecast *f)
{
	m->seen = f->seen;
	if (f->ret == 1 || f->ret == -EBADMSG)
		m->take = model_place(m, m->take, f->ndescs);
}

/*
 * Read or write bytes of a chain from @from on. Returns the number of bytes before the first one
 * that is in no page of the VMM.
 */
u32 model_bytes(struct model *m, const struct forecast *f, u32 from, void *buf,
		u32 len, bool write)
{
	u32 i, done = 0;

	for (i = 0; i < f->nsegs && done < len; i++) {
		u64 uaddr = f->segs[i].uaddr;
		u32 left = f->segs[i].len;
		u32 skip = min(from, left);

		from -= skip;
		uaddr += skip;
		for (left -= skip; left && done < len;) {
			u32 n = min3(left, len - done,
				     (u32)(PAGE_SIZE - offset_in_page(uaddr)));

			if (!fuzz_mem_reached(m->mem, uaddr, n, write))
				return done;
			if (write)
				fuzz_mem_expect(m->mem, uaddr, buf + done, n);
			else
				fuzz_mem_get(m->mem, uaddr, buf + done, n);
			uaddr += n;
			left -= n;
			done += n;
		}
	}
	return done;
}

/* The reasons for rejecting it, of which one must be given; 0 for a valid packet. */
u32 model_parse(struct model *m, const struct forecast *f, u64 src,
		struct virtio_vsock_hdr *hdr)
{
	u32 reasons = 0, len;

	if (f->writable)
		reasons |= MODEL_REASON(BAD_DIRECTION);
	if (f->readable < sizeof(*hdr))
		reasons |= MODEL_REASON(TOO_SHORT);
	if (reasons)
		return reasons;
	if (model_bytes(m, f, 0, hdr, sizeof(*hdr), false) < sizeof(*hdr))
		return MODEL_REASON(BAD_ADDRESS);

	len = le32_to_cpu(hdr->len);
	if (len > SZ_64K || len + sizeof(*hdr) > f->readable)
		reasons |= MODEL_REASON(BAD_LEN);
	if (le64_to_cpu(hdr->src_cid) != src)
		reasons |= MODEL_REASON(BAD_CID);
	return reasons;
}
