/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptor chains.
 *
 * A driver makes buffers available as chains of descriptors, each with an address, a length
 * and a direction: first the device-readable ones, then the device-writable ones (virtio 1.3,
 * 2.6). The device uses a whole chain at a time and gives it back with the number of bytes
 * written to it.
 *
 * A ring layout parses a chain's descriptors and adds them here, translated to VMM-virtual
 * segments. The packet layer then reads or writes the bytes in order, from a position on. A
 * chain that violates the specification is rejected: it is given back with length 0, for a
 * reason that is counted.
 */
#ifndef _MVSOCK_CHAIN_H
#define _MVSOCK_CHAIN_H

#include <linux/types.h>

#include <mvsock/mem.h>
#include <mvsock/reason.h>

/*
 * Maximum number of segments of a chain, as in vhost. The array starts smaller and grows, as
 * known drivers use far fewer.
 */
#define MVS_CHAIN_SEGS_MAX	1024
#define MVS_CHAIN_SEGS_MIN	32

/**
 * struct mvs_seg - a piece of a chain that is contiguous in VMM-virtual memory
 * @uaddr: VMM-virtual address
 * @len: bytes, never 0
 */
struct mvs_seg {
	u64 uaddr;
	u32 len;
};

/**
 * struct mvs_chain - a chain and a position in it
 * @id: its ID for the used ring: the index of its first descriptor, or in a packed virtqueue
 *	its Buffer ID
 * @ndescs: ring positions that it takes: 1, or in a packed virtqueue the number of its descriptors
 * @in_table: the walk has reached an indirect table, where a failed read rejects the chain and does
 *	not break the ring
 * @reason: why it was rejected, if it was
 * @nsegs: segments in use
 * @nread: how many of them, from the first on, are device-readable
 * @max: number of allocated segments
 * @segs: the segments
 * @readable: bytes the device may read
 * @writable: bytes the device may write
 * @pos: segment of the position
 * @off: offset of the position in that segment
 * @fault: page that the last access missed
 *
 * Part of a virtqueue, and protected by the same lock.
 */
struct mvs_chain {
	u16 id;
	u16 ndescs;
	bool in_table;
	enum mvs_reason reason;
	unsigned int nsegs;
	unsigned int nread;
	unsigned int max;
	struct mvs_seg *segs;
	u64 readable;
	u64 writable;
	unsigned int pos;
	u32 off;
	struct mvs_mem_fault fault;
};

int mvs_chain_init(struct mvs_chain *chain);
void mvs_chain_destroy(struct mvs_chain *chain);
int mvs_chain_grow(struct mvs_chain *chain);

/**
 * mvs_chain_refuse - set the reason for which a chain is rejected
 * @chain: the chain
 * @reason: the reason
 *
 * Return: %-EBADMSG, which means a rejected chain everywhere.
 */
static inline int mvs_chain_refuse(struct mvs_chain *chain,
				   enum mvs_reason reason)
{
	chain->reason = reason;
	return -EBADMSG;
}

/**
 * mvs_chain_reset - start an empty chain
 * @chain: the chain
 */
static inline void mvs_chain_reset(struct mvs_chain *chain)
{
	chain->in_table = false;
	chain->nsegs = 0;
	chain->nread = 0;
	chain->readable = 0;
	chain->writable = 0;
	chain->pos = 0;
	chain->off = 0;
}

/**
 * mvs_chain_add - add a descriptor's buffer
 * @chain: the chain
 * @gm: guest memory
 * @addr: its address, for mvs_mem_translate()
 * @len: bytes; 0 adds nothing
 * @write: device-writable
 * @fault: the translation that is missing, on %-EAGAIN
 *
 * A buffer that is not contiguous in VMM-virtual memory becomes several segments.
 *
 * Context: any; the caller excludes a change of the memory table and of the IOTLB.
 * Return: 0, %-EBADMSG with @chain->reason set, %-EAGAIN, or %-ENOSPC when the array has no room
 * for another segment, but the limit is not reached (see mvs_chain_grow()).
 */
static __always_inline int mvs_chain_add(struct mvs_chain *chain,
					 struct mvs_mem *gm, u64 addr, u32 len,
					 bool write,
					 struct mvs_mem_fault *fault)
{
	if (!write && chain->writable)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_DIRECTION);

	while (len) {
		struct mvs_seg *seg;
		u32 run;
		int ret;

		if (unlikely(chain->nsegs == chain->max))
			return chain->max < MVS_CHAIN_SEGS_MAX ? -ENOSPC :
			       mvs_chain_refuse(chain, MVS_REASON_TOO_LONG);
		seg = &chain->segs[chain->nsegs];
		ret = mvs_mem_translate(gm, addr, len, write, &seg->uaddr,
					&run, fault);
		if (unlikely(ret))
			return ret == -EAGAIN ? ret :
			       mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);

		seg->len = run;
		chain->nsegs++;
		if (write) {
			chain->writable += run;
		} else {
			chain->nread++;
			chain->readable += run;
		}
		addr += run;
		len -= run;
	}
	return 0;
}

/**
 * mvs_chain_map - map the bytes at the position
 * @chain: the chain, not at its end
 * @gm: guest memory
 * @max: maximum number of bytes
 * @len: set to the number of contiguous bytes, at most @max
 *
 * Only mvs_chain_advance() moves the position.
 *
 * Context: inside a section.
 * Return: the address, or NULL with @chain->fault filled in.
 */
static inline void *mvs_chain_map(struct mvs_chain *chain, struct mvs_mem *gm,
				  u32 max, u32 *len)
{
	const struct mvs_seg *seg = &chain->segs[chain->pos];
	u64 uaddr = seg->uaddr + chain->off;

	*len = min3(max, seg->len - chain->off,
		    (u32)(PAGE_SIZE - offset_in_page(uaddr)));
	return mvs_mem_map(gm, uaddr, chain->pos >= chain->nread,
			   &chain->fault);
}

/**
 * mvs_chain_move - move the position
 * @chain: the chain
 * @len: number of bytes, at most as many as mvs_chain_map() returned
 */
static inline void mvs_chain_move(struct mvs_chain *chain, u32 len)
{
	chain->off += len;
	if (chain->off == chain->segs[chain->pos].len) {
		chain->pos++;
		chain->off = 0;
	}
}

/**
 * mvs_chain_skip - move the position over several segments
 * @chain: the chain
 * @len: number of bytes, all in the chain
 */
static inline void mvs_chain_skip(struct mvs_chain *chain, u32 len)
{
	while (len) {
		u32 n = min(len, chain->segs[chain->pos].len - chain->off);

		mvs_chain_move(chain, n);
		len -= n;
	}
}

/**
 * mvs_chain_advance - move the position, and log what was written there
 * @chain: the chain
 * @gm: guest memory
 * @len: number of bytes, at most as many as mvs_chain_map() returned
 *
 * Context: inside the section that used them.
 * Return: 0, or %-EAGAIN with @chain->fault filled in and the position unchanged.
 */
static inline int mvs_chain_advance(struct mvs_chain *chain,
				    struct mvs_mem *gm, u32 len)
{
	const struct mvs_seg *seg = &chain->segs[chain->pos];

	if (unlikely(gm->logging) && chain->pos >= chain->nread &&
	    mvs_mem_log(gm, seg->uaddr + chain->off, len, &chain->fault))
		return -EAGAIN;

	mvs_chain_move(chain, len);
	return 0;
}

#endif /* _MVSOCK_CHAIN_H */
