// SPDX-License-Identifier: GPL-2.0
/*
 * Packed virtqueues.
 *
 *   Descriptor Area   desc[num] of { addr, len, id, flags }, written by both
 *   Driver Area       off_wrap, flags: the used chains for which the driver wants a notification
 *   Device Area       off_wrap, flags: the available chains for which the device wants a kick
 *
 * A chain's descriptors follow one another, and the last one has its Buffer ID. It is available
 * when AVAIL in the first one's flags equals our wrap counter and USED does not, and used when both
 * do. The fields are little-endian: there is no legacy driver for this layout.
 */
#include <asm/barrier.h>
#include <linux/align.h>
#include <linux/virtio_ring.h>

#include "layout.h"

#define F_AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define F_USED	BIT(VRING_PACKED_DESC_F_USED)

static u16 packed_index(u16 pos)
{
	return pos & ~MVS_PACKED_WRAP;
}

static bool packed_wrap(u16 pos)
{
	return pos & MVS_PACKED_WRAP;
}

static u64 packed_desc_at(const struct mvs_ring *ring, u32 i)
{
	return ring->desc + i * sizeof(struct vring_packed_desc);
}

static __always_inline void packed_desc_to_cpu(const struct vring_packed_desc *d,
					       struct mvs_desc *desc, u16 *id)
{
	desc->addr = le64_to_cpu(d->addr);
	desc->len = le32_to_cpu(d->len);
	desc->flags = le16_to_cpu(d->flags);
	*id = le16_to_cpu(d->id);
}

static int packed_read_flags(struct mvs_ring *ring, u32 i, u16 *flags)
{
	__virtio16 v;
	int ret;

	ret = mvs_ring_read16(ring, packed_desc_at(ring, i) +
			      offsetof(struct vring_packed_desc, flags), &v);
	if (!ret)
		*flags = __virtio16_to_cpu(true, v);
	return ret;
}

/* Returns 1 when there is a chain, with its first descriptor's flags. */
static int packed_next_flags(struct mvs_ring *ring, u16 *flags)
{
	bool wrap = packed_wrap(ring->next_avail);
	int ret;

	ret = packed_read_flags(ring, packed_index(ring->next_avail), flags);
	if (ret)
		return ret;
	if (!!(*flags & F_AVAIL) != wrap || !!(*flags & F_USED) == wrap)
		return 0;
	/*
	 * The rest of the chain is read after the flags that make it available. Pairs with
	 * the driver's barrier before it writes these flags.
	 */
	smp_rmb();
	return 1;
}

/* Entries follow one another up to the end of the table; only WRITE counts. */
static int packed_walk_indirect(struct mvs_ring *ring, struct mvs_chain *chain,
				const struct mvs_desc *ref)
{
	u32 i, count = ref->len / sizeof(struct vring_packed_desc);
	struct vring_packed_desc d;
	struct mvs_desc desc;
	u16 id;
	int ret;

	if (!mvs_indirect_ok(ring, ref))
		return mvs_chain_refuse(chain, MVS_REASON_BAD_INDIRECT);
	if (ref->addr + (ref->len - 1) < ref->addr)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);
	if (count > MVS_CHAIN_SEGS_MAX)
		return mvs_chain_refuse(chain, MVS_REASON_TOO_LONG);

	chain->in_table = true;
	for (i = 0; i < count; i++) {
		ret = mvs_mem_read(ring->gm, ref->addr + i * sizeof(d), &d,
				   sizeof(d), &ring->fault);
		if (ret == -EFAULT)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);
		if (ret)
			return ret;
		packed_desc_to_cpu(&d, &desc, &id);
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_INDIRECT);
		ret = mvs_chain_add(chain, ring->gm, desc.addr, desc.len,
				    desc.flags & VRING_DESC_F_WRITE,
				    &ring->fault);
		if (ret)
			return ret;
	}
	return 0;
}

static int packed_add_desc(struct mvs_ring *ring, struct mvs_chain *chain,
			   const struct mvs_desc *desc)
{
	if (desc->flags & VRING_DESC_F_INDIRECT)
		return packed_walk_indirect(ring, chain, desc);
	return mvs_chain_add(chain, ring->gm, desc->addr, desc->len,
			     desc->flags & VRING_DESC_F_WRITE, &ring->fault);
}

/*
 * A rejected chain is walked to its end, too: its Buffer ID, which is needed to give it back, is in
 * the last descriptor. A chain without an end breaks the ring.
 */
static int packed_walk(struct mvs_ring *ring, struct mvs_chain *chain,
		       u16 flags)
{
	u32 i = packed_index(ring->next_avail), found = 0;
	struct vring_packed_desc d;
	struct mvs_desc desc;
	int ret, refused = 0;

	do {
		if (found == ring->num)
			return -EINVAL;
		chain->in_table = false;
		ret = mvs_ring_read(ring, packed_desc_at(ring, i), &d,
				    sizeof(d));
		if (ret)
			return ret;
		packed_desc_to_cpu(&d, &desc, &chain->id);
		/*
		 * The first descriptor's flags have been read before, and must not be read twice.
		 */
		if (!found++)
			desc.flags = flags;
		chain->ndescs = found;
		if (!refused && found > MVS_CHAIN_SEGS_MAX)
			refused = mvs_chain_refuse(chain, MVS_REASON_TOO_LONG);
		if (!refused) {
			ret = packed_add_desc(ring, chain, &desc);
			if (ret == -EBADMSG)
				refused = ret;
			else if (ret)
				return ret;
		}
		if (++i == ring->num)
			i = 0;
	} while (desc.flags & VRING_DESC_F_NEXT);

	return refused;
}

/**
 * mvs_packed_pop - get the next chain, for mvs_ring_pop()
 * @ring: the ring; its position is not advanced
 * @chain: filled in
 *
 * Context: inside a section.
 * Return: 1 with a chain, 0 when there is none; %-EBADMSG when it must be given back unused;
 * %-EAGAIN with @ring->fault filled in; %-ENOSPC: see mvs_chain_grow(); %-EFAULT or %-EINVAL when
 * the ring is inconsistent or can't be accessed.
 */
int mvs_packed_pop(struct mvs_ring *ring, struct mvs_chain *chain)
{
	u16 flags;
	int ret;

	ret = packed_next_flags(ring, &flags);
	if (ret <= 0)
		return ret;
	mvs_chain_reset(chain);
	ret = packed_walk(ring, chain, flags);
	return ret ?: 1;
}

/**
 * mvs_packed_push - write a used descriptor at the next used position
 * @ring: the ring; its position is not advanced
 * @id: the chain's Buffer ID
 * @len: bytes written to it
 *
 * The driver checks the positions in order, so all of them become visible with the first
 * one (virtio 1.3, 2.8).
 *
 * Context: inside a section.
 * Return: 0, or %-EAGAIN with @ring->fault filled in.
 */
int mvs_packed_push(struct mvs_ring *ring, u16 id, u32 len)
{
	u16 flags = packed_wrap(ring->next_used) ? F_AVAIL | F_USED : 0;
	u64 at = packed_desc_at(ring, packed_index(ring->next_used));
	struct vring_packed_desc *d;

	/*
	 * Aligned to its size, so it is in one page. The log is checked before the write as well:
	 * once the descriptor is used it belongs to the driver, and the write can't be repeated.
	 */
	d = mvs_ring_map(ring, at, sizeof(*d), true);
	if (unlikely(!d || mvs_ring_log(ring, at, sizeof(*d))))
		return -EAGAIN;

	/* The length is valid only with the flag WRITE. */
	if (len)
		flags |= VRING_DESC_F_WRITE;
	WRITE_ONCE(d->id, cpu_to_le16(id));
	WRITE_ONCE(d->len, cpu_to_le32(len));
	if (ring->unpublished) {
		WRITE_ONCE(d->flags, cpu_to_le16(flags));
	} else {
		ring->first_used = ring->next_used;
		ring->first_flags = flags;
	}
	return mvs_ring_log(ring, at, sizeof(*d));
}

/**
 * mvs_packed_publish - write the flags of the first used descriptor, which the driver polls
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 0, or %-EAGAIN with @ring->fault filled in.
 */
int mvs_packed_publish(struct mvs_ring *ring)
{
	u64 at = packed_desc_at(ring, packed_index(ring->first_used)) +
		 offsetof(struct vring_packed_desc, flags);
	__le16 *flags;

	flags = mvs_ring_map(ring, at, sizeof(*flags), true);
	if (unlikely(!flags || mvs_ring_log(ring, at, sizeof(*flags))))
		return -EAGAIN;
	/*
	 * All used descriptors, and the data in their chains, before the flags that make
	 * them used. Pairs with the driver's barrier after it reads these flags.
	 */
	smp_wmb();
	WRITE_ONCE(*flags, cpu_to_le16(ring->first_flags));
	return mvs_ring_log(ring, at, sizeof(*flags));
}

/**
 * mvs_packed_need_signal - check whether the driver wants a used buffer notification
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 1, 0, or %-EAGAIN with @ring->fault filled in.
 */
int mvs_packed_need_signal(struct mvs_ring *ring)
{
	u16 off_wrap, used = packed_index(ring->next_used);
	__virtio16 v;
	u16 off;
	int ret;

	ret = mvs_ring_read16(ring, ring->avail +
			      offsetof(struct vring_packed_desc_event, flags),
			      &v);
	if (ret)
		return ret;
	switch (__virtio16_to_cpu(true, v)) {
	case VRING_PACKED_EVENT_FLAG_DISABLE:
		return 0;
	case VRING_PACKED_EVENT_FLAG_DESC:
		if (ring->event_idx)
			break;
		fallthrough;
	default:
		return 1;
	}

	/* off_wrap is read after the flags that make it valid. */
	smp_rmb();
	ret = mvs_ring_read16(ring, ring->avail +
			      offsetof(struct vring_packed_desc_event, off_wrap),
			      &v);
	if (ret)
		return ret;
	if (ring->unsignalled == MVS_RING_NEVER_SIGNALLED)
		return 1;

	off_wrap = __virtio16_to_cpu(true, v);
	off = packed_index(off_wrap);
	/* A position of the previous round is this far before the first one of this round. */
	if (packed_wrap(off_wrap) != packed_wrap(ring->next_used))
		off -= ring->num;
	return vring_need_event(off, used, used - ring->unsignalled);
}

/**
 * mvs_packed_write_notify - enable or suppress kicks, as @ring->no_notify says
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 0, or %-EAGAIN with @ring->fault filled in.
 */
int mvs_packed_write_notify(struct mvs_ring *ring)
{
	struct vring_packed_desc_event *event;
	__virtio16 *off_wrap, *flags;
	u16 wish;

	off_wrap = mvs_ring_map(ring, ring->used +
				offsetof(typeof(*event), off_wrap),
				sizeof(*off_wrap), true);
	flags = mvs_ring_map(ring, ring->used + offsetof(typeof(*event), flags),
			     sizeof(*flags), true);
	if (unlikely(!off_wrap || !flags))
		return -EAGAIN;

	if (ring->no_notify) {
		wish = VRING_PACKED_EVENT_FLAG_DISABLE;
	} else if (ring->event_idx) {
		wish = VRING_PACKED_EVENT_FLAG_DESC;
		WRITE_ONCE(*off_wrap, __cpu_to_virtio16(true, ring->next_avail));
		/*
		 * off_wrap before the flags that make it valid. Pairs with the driver's
		 * barrier between reading the two.
		 */
		smp_wmb();
	} else {
		wish = VRING_PACKED_EVENT_FLAG_ENABLE;
	}
	WRITE_ONCE(*flags, __cpu_to_virtio16(true, wish));
	return mvs_ring_log(ring, ring->used, sizeof(*event));
}

/**
 * mvs_packed_has_avail - check for chains that the driver made available
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 1 if there are any, 0 if not; %-EAGAIN with @ring->fault filled in.
 */
int mvs_packed_has_avail(struct mvs_ring *ring)
{
	u16 flags;

	return packed_next_flags(ring, &flags);
}

/**
 * mvs_packed_start - start using a ring, for mvs_ring_start()
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 0; %-EINVAL when an address, the size or a position is invalid; %-EAGAIN with
 * @ring->fault filled in.
 */
int mvs_packed_start(struct mvs_ring *ring)
{
	if (!IS_ALIGNED(ring->desc, sizeof(struct vring_packed_desc)) ||
	    ring->num > MVS_PACKED_WRAP ||
	    packed_index(ring->next_avail) >= ring->num ||
	    packed_index(ring->next_used) >= ring->num)
		return -EINVAL;
	return mvs_packed_write_notify(ring);
}
