// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor chains.
 */
#include <kunit/visibility.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <mvsock/chain.h>

/**
 * mvs_chain_init - get memory for the segments of chains
 * @chain: the chain
 *
 * Return: 0 or %-ENOMEM.
 */
int mvs_chain_init(struct mvs_chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	chain->segs = kmalloc_array(MVS_CHAIN_SEGS_MIN, sizeof(*chain->segs),
				    GFP_KERNEL_ACCOUNT);
	if (!chain->segs)
		return -ENOMEM;
	chain->max = MVS_CHAIN_SEGS_MIN;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_init);

/**
 * mvs_chain_destroy - undo mvs_chain_init()
 * @chain: the chain
 */
void mvs_chain_destroy(struct mvs_chain *chain)
{
	kfree(chain->segs);
	chain->segs = NULL;
	chain->max = 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_destroy);

/**
 * mvs_chain_grow - make room for more segments
 * @chain: the chain; what it held is lost
 *
 * Context: process; may sleep.
 * Return: 0, %-ENOMEM, or %-EBADMSG when it has as many as a chain may have.
 */
int mvs_chain_grow(struct mvs_chain *chain)
{
	unsigned int max = 2 * chain->max;
	struct mvs_seg *segs;

	if (chain->max == MVS_CHAIN_SEGS_MAX)
		return mvs_chain_refuse(chain, MVS_REASON_TOO_LONG);

	segs = kmalloc_array(max, sizeof(*segs), GFP_KERNEL_ACCOUNT);
	if (!segs)
		return -ENOMEM;
	kfree(chain->segs);
	chain->segs = segs;
	chain->max = max;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_grow);

/**
 * mvs_chain_reset - begin a chain
 * @chain: the chain
 */
void mvs_chain_reset(struct mvs_chain *chain)
{
	chain->in_table = false;
	chain->nsegs = 0;
	chain->nread = 0;
	chain->readable = 0;
	chain->writable = 0;
	chain->pos = 0;
	chain->off = 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_reset);

/**
 * mvs_chain_add - add a descriptor's buffer
 * @chain: the chain
 * @gm: guest memory
 * @gpa: guest-physical address
 * @len: bytes; 0 adds nothing
 * @write: device-writable
 *
 * A buffer that is not contiguous in the VMM becomes several segments.
 *
 * Context: any; the caller excludes a change of the memory table.
 * Return: 0, %-EBADMSG with @chain->reason set, or %-ENOSPC when there is no room
 * for another segment (see mvs_chain_grow()).
 */
int mvs_chain_add(struct mvs_chain *chain, const struct mvs_gmem *gm, u64 gpa,
		  u32 len, bool write)
{
	if (!write && chain->writable)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_DIRECTION);

	while (len) {
		struct mvs_seg *seg;
		u32 run;

		if (chain->nsegs == chain->max)
			return -ENOSPC;
		seg = &chain->segs[chain->nsegs];
		if (mvs_gmem_translate(gm, gpa, len, write, &seg->uaddr, &run))
			return mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);

		seg->len = run;
		chain->nsegs++;
		if (write) {
			chain->writable += run;
		} else {
			chain->nread++;
			chain->readable += run;
		}
		gpa += run;
		len -= run;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_add);

/**
 * mvs_chain_map - where the kernel sees the bytes at the position
 * @chain: the chain, not at its end
 * @gm: guest memory
 * @max: bytes wanted
 * @len: bytes there are in one piece, at most @max
 *
 * The position moves only by mvs_chain_advance().
 *
 * Context: inside a section.
 * Return: the address, or NULL with @chain->fault filled in.
 */
void *mvs_chain_map(struct mvs_chain *chain, struct mvs_gmem *gm, u32 max,
		    u32 *len)
{
	const struct mvs_seg *seg = &chain->segs[chain->pos];
	u64 uaddr = seg->uaddr + chain->off;

	*len = min3(max, seg->len - chain->off,
		    (u32)(PAGE_SIZE - offset_in_page(uaddr)));
	return mvs_gmem_map(gm, uaddr, chain->pos >= chain->nread,
			    &chain->fault);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_map);

/**
 * mvs_chain_advance - move the position
 * @chain: the chain
 * @len: by so many bytes, as mvs_chain_map() gave
 */
void mvs_chain_advance(struct mvs_chain *chain, u32 len)
{
	chain->off += len;
	if (chain->off == chain->segs[chain->pos].len) {
		chain->pos++;
		chain->off = 0;
	}
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_advance);
