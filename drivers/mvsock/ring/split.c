// SPDX-License-Identifier: GPL-2.0
/*
 * Split virtqueues.
 *
 *   driver writes                    device writes
 *   -------------                    -------------
 *   desc[num]    the buffers         used: flags (do not kick me)
 *   avail: flags (do not signal me)        idx
 *          idx, ring[num] of heads         ring[num] of { head, length }
 *          used_event (signal me at this)  avail_event (kick me at this)
 */
#include <asm/barrier.h>
#include <linux/nospec.h>
#include <linux/virtio_ring.h>

#include "layout.h"

static __always_inline int split_read16(struct mvs_ring *ring, u64 uaddr,
					u16 *v)
{
	__virtio16 raw;
	int ret;

	ret = mvs_ring_read16(ring, uaddr, &raw);
	if (!ret)
		*v = __virtio16_to_cpu(ring->le, raw);
	return ret;
}

static int split_write16(struct mvs_ring *ring, u64 uaddr, u16 v)
{
	return mvs_ring_write16(ring, uaddr, __cpu_to_virtio16(ring->le, v));
}

static u64 split_avail_flags(const struct mvs_ring *ring)
{
	return ring->avail + offsetof(struct vring_avail, flags);
}

static u64 split_avail_idx(const struct mvs_ring *ring)
{
	return ring->avail + offsetof(struct vring_avail, idx);
}

/* Address of an entry, or, with @i = num, of the used_event field after the last one. */
static u64 split_avail_entry(const struct mvs_ring *ring, u32 i)
{
	return ring->avail + offsetof(struct vring_avail, ring) +
	       i * sizeof(__virtio16);
}

static u64 split_used_flags(const struct mvs_ring *ring)
{
	return ring->used + offsetof(struct vring_used, flags);
}

static u64 split_used_idx(const struct mvs_ring *ring)
{
	return ring->used + offsetof(struct vring_used, idx);
}

/* Address of an entry, or, with @i = num, of the avail_event field after the last one. */
static u64 split_used_entry(const struct mvs_ring *ring, u32 i)
{
	return ring->used + offsetof(struct vring_used, ring) +
	       i * sizeof(struct vring_used_elem);
}

/**
 * struct table - a table of descriptors: the ring's, or an indirect one
 * @addr: its address
 * @count: its descriptors
 * @indirect: it is an indirect table
 * @driver_addr: @addr is the driver's, to be translated, and not VMM-virtual
 * @mapped: its kernel address, or NULL when it is not contiguous
 */
struct table {
	u64 addr;
	u32 count;
	bool indirect;
	bool driver_addr;
	const void *mapped;
};

/*
 * Map a table once for all its descriptors: each one's index comes from the previous one, so that
 * their loads can't overlap.
 */
static __always_inline int split_map_table(struct mvs_ring *ring,
					   struct table *table)
{
	u32 run, len = table->count * sizeof(struct vring_desc);
	u64 uaddr = table->addr;
	int ret;

	table->mapped = NULL;
	if (table->driver_addr) {
		ret = mvs_mem_translate(ring->gm, table->addr, len, false,
					&uaddr, &run, &ring->fault);
		if (ret)
			return ret;
		if (run < len)
			return 0;
	}
	if (offset_in_page(uaddr) + len > PAGE_SIZE)
		return 0;
	table->mapped = mvs_mem_map(ring->gm, uaddr, false, &ring->fault);
	return table->mapped ? 0 : -EAGAIN;
}

static __always_inline int split_read_desc(struct mvs_ring *ring,
					   const struct table *table, u32 i,
					   struct mvs_desc *desc)
{
	struct vring_desc d;
	int ret = 0;

	i = array_index_nospec(i, table->count);
	if (likely(table->mapped)) {
		__builtin_memcpy(&d, table->mapped + i * sizeof(d), sizeof(d));
		/* Only the copy is used from here on: the memory may change. */
		barrier();
	} else if (table->driver_addr) {
		ret = mvs_mem_read(ring->gm, table->addr + i * sizeof(d), &d,
				   sizeof(d), &ring->fault);
	} else {
		ret = mvs_mem_read_uaddr(ring->gm,
					 table->addr + i * sizeof(d), &d,
					 sizeof(d), &ring->fault);
	}
	if (unlikely(ret))
		return ret;

	*desc = (struct mvs_desc) {
		.addr = __virtio64_to_cpu(ring->le, d.addr),
		.len = __virtio32_to_cpu(ring->le, d.len),
		.flags = __virtio16_to_cpu(ring->le, d.flags),
		.next = __virtio16_to_cpu(ring->le, d.next),
	};
	return 0;
}

/*
 * Continue in the indirect table that @ref refers to; WRITE in @ref is ignored (virtio 1.3,
 * 2.7.5.3.2).
 */
static int split_enter_indirect(struct mvs_ring *ring, struct mvs_chain *chain,
				struct table *table, const struct mvs_desc *ref)
{
	int ret;

	if (table->indirect || !mvs_indirect_ok(ring, ref))
		return mvs_chain_refuse(chain, MVS_REASON_BAD_INDIRECT);

	chain->in_table = true;
	*table = (struct table) {
		.addr = ref->addr,
		.count = ref->len / sizeof(struct vring_desc),
		.indirect = true,
		.driver_addr = true,
	};
	ret = split_map_table(ring, table);
	if (ret == -EFAULT)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);
	return ret;
}

static int split_walk(struct mvs_ring *ring, struct mvs_chain *chain)
{
	struct table table = {
		.addr = ring->desc,
		.count = ring->num,
		.driver_addr = ring->gm->iotlb,
	};
	u32 i = chain->id, found = 0;
	struct mvs_desc desc;
	int ret;

	ret = split_map_table(ring, &table);
	if (ret)
		return ret;
	do {
		if (i >= table.count)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_NEXT);
		if (++found > min(table.count, MVS_CHAIN_SEGS_MAX))
			return mvs_chain_refuse(chain, MVS_REASON_TOO_LONG);

		ret = split_read_desc(ring, &table, i, &desc);
		if (ret == -EFAULT && table.indirect)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);
		if (unlikely(ret))
			return ret;
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			ret = split_enter_indirect(ring, chain, &table, &desc);
			if (ret)
				return ret;
			/* Continue with its first entry. */
			i = 0;
			found = 0;
			desc.flags = VRING_DESC_F_NEXT;
			continue;
		}

		ret = mvs_chain_add(chain, ring->gm, desc.addr, desc.len,
				    desc.flags & VRING_DESC_F_WRITE,
				    &ring->fault);
		if (unlikely(ret))
			return ret;
		i = desc.next;
	} while (desc.flags & VRING_DESC_F_NEXT);

	return 0;
}

/**
 * mvs_split_has_avail - check for chains that the driver made available
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 1 if there are any, 0 if not; %-EAGAIN with @ring->fault filled in; %-EINVAL when the
 * driver's index is impossible.
 */
int mvs_split_has_avail(struct mvs_ring *ring)
{
	u16 idx;
	int ret;

	ret = split_read16(ring, split_avail_idx(ring), &idx);
	if (ret)
		return ret;
	if (unlikely((u16)(idx - ring->next_avail) > ring->num))
		return -EINVAL;

	ring->avail_idx = idx;
	/*
	 * Entries and descriptors are read after the index that covers them.
	 * Pairs with the driver's barrier before it writes avail->idx.
	 */
	smp_rmb();
	return idx != ring->next_avail;
}

/**
 * mvs_split_pop - get the next chain, for mvs_ring_pop()
 * @ring: the ring; its position is not advanced
 * @chain: filled in
 *
 * Context: inside a section.
 * Return: 1 with a chain, 0 when there is none; %-EBADMSG when it must be given back unused;
 * %-EAGAIN with @ring->fault filled in; %-ENOSPC: see mvs_chain_grow(); %-EFAULT or %-EINVAL when
 * the ring is inconsistent or can't be accessed.
 */
int mvs_split_pop(struct mvs_ring *ring, struct mvs_chain *chain)
{
	u16 head;
	int ret;

	if (ring->avail_idx == ring->next_avail) {
		ret = mvs_split_has_avail(ring);
		if (ret <= 0)
			return ret;
	}

	ret = split_read16(ring,
			   split_avail_entry(ring, ring->next_avail &
					     (ring->num - 1)), &head);
	if (ret)
		return ret;
	/* A chain without a valid ID can't be given back. */
	if (unlikely(head >= ring->num))
		return -EINVAL;

	mvs_chain_reset(chain);
	chain->id = head;
	chain->ndescs = 1;
	ret = split_walk(ring, chain);
	return ret ?: 1;
}

/**
 * mvs_split_push - write a used entry, which mvs_split_publish() makes visible
 * @ring: the ring; its position is not advanced
 * @id: the chain's ID
 * @len: bytes written to it
 *
 * Context: inside a section.
 * Return: 0, or %-EAGAIN with @ring->fault filled in.
 */
int mvs_split_push(struct mvs_ring *ring, u16 id, u32 len)
{
	u64 entry = split_used_entry(ring, ring->next_used & (ring->num - 1));
	u64 second = entry + offsetof(struct vring_used_elem, len);
	__virtio32 *elem_id, *elem_len;

	elem_id = mvs_ring_map(ring, entry, sizeof(*elem_id), true);
	if (unlikely(!elem_id))
		return -EAGAIN;
	elem_len = elem_id + 1;
	/* An entry is aligned to 4 bytes only: it may cross a page boundary. */
	if (unlikely(ring->gm->iotlb || !offset_in_page(second))) {
		elem_len = mvs_ring_map(ring, second, sizeof(*elem_len), true);
		if (!elem_len)
			return -EAGAIN;
	}

	WRITE_ONCE(*elem_id, __cpu_to_virtio32(ring->le, id));
	WRITE_ONCE(*elem_len, __cpu_to_virtio32(ring->le, len));
	return mvs_ring_log(ring, entry, sizeof(struct vring_used_elem));
}

/**
 * mvs_split_publish - write the index that covers all used entries
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 0, or %-EAGAIN with @ring->fault filled in.
 */
int mvs_split_publish(struct mvs_ring *ring)
{
	u64 at = split_used_idx(ring);
	__virtio16 *idx;

	idx = mvs_ring_map(ring, at, sizeof(*idx), true);
	if (unlikely(!idx || mvs_ring_log(ring, at, sizeof(*idx))))
		return -EAGAIN;
	/*
	 * The entries, and the data in their chains, before the index that covers them.
	 * Pairs with the driver's barrier after it reads used->idx.
	 */
	smp_wmb();
	WRITE_ONCE(*idx, __cpu_to_virtio16(ring->le, ring->next_used));
	return mvs_ring_log(ring, at, sizeof(*idx));
}

/**
 * mvs_split_need_signal - check whether the driver wants a used buffer notification
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 1, 0, or %-EAGAIN with @ring->fault filled in.
 */
int mvs_split_need_signal(struct mvs_ring *ring)
{
	u16 event, flags;
	int ret;

	if (ring->notify_on_empty && ring->avail_idx == ring->next_avail)
		return 1;

	if (!ring->event_idx) {
		ret = split_read16(ring, split_avail_flags(ring), &flags);
		return ret ?: !(flags & VRING_AVAIL_F_NO_INTERRUPT);
	}

	ret = split_read16(ring, split_avail_entry(ring, ring->num), &event);
	if (ret)
		return ret;
	return ring->unsignalled == MVS_RING_NEVER_SIGNALLED ||
	       vring_need_event(event, ring->next_used,
				ring->next_used - ring->unsignalled);
}

/**
 * mvs_split_write_notify - enable or suppress kicks, as @ring->no_notify says
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 0, or %-EAGAIN with @ring->fault filled in.
 */
int mvs_split_write_notify(struct mvs_ring *ring)
{
	if (!ring->event_idx)
		return split_write16(ring, split_used_flags(ring),
				     ring->no_notify ?
				     VRING_USED_F_NO_NOTIFY : 0);
	if (!ring->no_notify)
		return split_write16(ring, split_used_entry(ring, ring->num),
				     ring->avail_idx);
	/* A stale avail_event suppresses kicks. */
	return 0;
}

/**
 * mvs_split_start - start using a ring, for mvs_ring_start()
 * @ring: the ring
 *
 * Context: inside a section.
 * Return: 0; %-EINVAL when the size is no power of two; %-EAGAIN with
 * @ring->fault filled in.
 */
int mvs_split_start(struct mvs_ring *ring)
{
	int ret;

	if (!is_power_of_2(ring->num))
		return -EINVAL;
	ret = split_write16(ring, split_used_flags(ring), 0);
	/* The index does not cover the unpublished entries yet. */
	if (ret || ring->unpublished)
		return ret;
	return split_read16(ring, split_used_idx(ring), &ring->next_used);
}
