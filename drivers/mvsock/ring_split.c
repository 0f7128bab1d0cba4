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
 *
 * Each operation runs in a section of guest memory; when that misses a page, the
 * page is brought in and the operation starts over, so an operation keeps nothing
 * before it is sure to succeed.
 *
 * All of it is the guest's, and changes at any time: each field is read once, and
 * only what was read is checked and used.
 */
#include <asm/barrier.h>
#include <asm/byteorder.h>
#include <kunit/visibility.h>
#include <linux/nospec.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_ring.h>

#include <mvsock/ring.h>

/* A descriptor in the CPU's byte order. */
struct desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

static u16 to_cpu16(const struct mvs_ring *ring, __virtio16 v)
{
	return __virtio16_to_cpu(ring->le, v);
}

static int read16(struct mvs_ring *ring, u64 uaddr, u16 *v)
{
	const __virtio16 *p = mvs_gmem_map(ring->gm, uaddr, false,
					   &ring->fault);

	if (unlikely(!p))
		return -EAGAIN;
	*v = to_cpu16(ring, READ_ONCE(*p));
	return 0;
}

static int write16(struct mvs_ring *ring, u64 uaddr, u16 v)
{
	__virtio16 *p = mvs_gmem_map(ring->gm, uaddr, true, &ring->fault);

	if (unlikely(!p))
		return -EAGAIN;
	WRITE_ONCE(*p, __cpu_to_virtio16(ring->le, v));
	return 0;
}

static u64 avail_flags(const struct mvs_ring *ring)
{
	return ring->avail + offsetof(struct vring_avail, flags);
}

static u64 avail_idx(const struct mvs_ring *ring)
{
	return ring->avail + offsetof(struct vring_avail, idx);
}

/* The entry, or with @i = num the used_event field behind the last one. */
static u64 avail_entry(const struct mvs_ring *ring, u32 i)
{
	return ring->avail + offsetof(struct vring_avail, ring) +
	       i * sizeof(__virtio16);
}

static u64 used_flags(const struct mvs_ring *ring)
{
	return ring->used + offsetof(struct vring_used, flags);
}

static u64 used_idx(const struct mvs_ring *ring)
{
	return ring->used + offsetof(struct vring_used, idx);
}

/* The entry, or with @i = num the avail_event field behind the last one. */
static u64 used_entry(const struct mvs_ring *ring, u32 i)
{
	return ring->used + offsetof(struct vring_used, ring) +
	       i * sizeof(struct vring_used_elem);
}

static struct desc desc_to_cpu(const struct mvs_ring *ring,
			       const struct vring_desc *d)
{
	return (struct desc) {
		.addr = __virtio64_to_cpu(ring->le, d->addr),
		.len = __virtio32_to_cpu(ring->le, d->len),
		.flags = __virtio16_to_cpu(ring->le, d->flags),
		.next = __virtio16_to_cpu(ring->le, d->next),
	};
}

static int read_desc(struct mvs_ring *ring, u32 i, struct desc *desc)
{
	struct vring_desc d;
	int ret;

	i = array_index_nospec(i, ring->num);
	ret = mvs_gmem_read_uaddr(ring->gm, ring->desc + i * sizeof(d), &d,
				  sizeof(d), &ring->fault);
	if (!ret)
		*desc = desc_to_cpu(ring, &d);
	return ret;
}

static int read_indirect(struct mvs_ring *ring, u64 table, u32 i,
			 struct desc *desc)
{
	struct vring_desc d;
	int ret;

	ret = mvs_gmem_read(ring->gm, table + i * sizeof(d), &d, sizeof(d),
			    &ring->fault);
	if (!ret)
		*desc = desc_to_cpu(ring, &d);
	return ret;
}

static int add_desc(struct mvs_ring *ring, struct mvs_chain *chain,
		    const struct desc *desc)
{
	return mvs_chain_add(chain, ring->gm, desc->addr, desc->len,
			     desc->flags & VRING_DESC_F_WRITE);
}

/*
 * A table of descriptors elsewhere in guest memory, in the place of the rest of
 * the chain. @ref refers to it; whether that says WRITE does not matter (virtio
 * 1.3, 2.7.5.3.2).
 */
static int walk_indirect(struct mvs_ring *ring, struct mvs_chain *chain,
			 const struct desc *ref)
{
	u32 count = ref->len / sizeof(struct vring_desc);
	u32 i = 0, found = 0;
	struct desc desc;
	int ret;

	if (!ring->indirect || ref->flags & VRING_DESC_F_NEXT || !count ||
	    ref->len % sizeof(struct vring_desc) || count > U16_MAX + 1)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_INDIRECT);

	do {
		if (i >= count)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_NEXT);
		if (++found > min(count, MVS_CHAIN_SEGS_MAX))
			return mvs_chain_refuse(chain, MVS_REASON_TOO_LONG);

		ret = read_indirect(ring, ref->addr, i, &desc);
		if (ret == -EFAULT)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);
		if (ret)
			return ret;
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_INDIRECT);

		ret = add_desc(ring, chain, &desc);
		if (ret)
			return ret;
		i = desc.next;
	} while (desc.flags & VRING_DESC_F_NEXT);

	return 0;
}

static int walk(struct mvs_ring *ring, struct mvs_chain *chain)
{
	u32 i = chain->head, found = 0;
	struct desc desc;
	int ret;

	do {
		if (i >= ring->num)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_NEXT);
		if (++found > min(ring->num, MVS_CHAIN_SEGS_MAX))
			return mvs_chain_refuse(chain, MVS_REASON_TOO_LONG);

		ret = read_desc(ring, i, &desc);
		if (ret)
			return ret;
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return walk_indirect(ring, chain, &desc);

		ret = add_desc(ring, chain, &desc);
		if (ret)
			return ret;
		i = desc.next;
	} while (desc.flags & VRING_DESC_F_NEXT);

	return 0;
}

/* Look at the driver's index. Returns 1 when there are entries to take. */
static int update_avail_idx(struct mvs_ring *ring)
{
	u16 idx;
	int ret;

	ret = read16(ring, avail_idx(ring), &idx);
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

static int pop(struct mvs_ring *ring, struct mvs_chain *chain)
{
	u16 head;
	int ret;

	if (ring->avail_idx == ring->next_avail) {
		ret = update_avail_idx(ring);
		if (ret <= 0)
			return ret;
	}

	ret = read16(ring, avail_entry(ring, ring->next_avail & (ring->num - 1)),
		     &head);
	if (ret)
		return ret;
	/* Nothing can be given back that has no number. */
	if (unlikely(head >= ring->num))
		return -EINVAL;

	mvs_chain_reset(chain, head);
	ret = walk(ring, chain);
	return ret ?: 1;
}

/**
 * mvs_ring_pop - take the next chain that the driver made available
 * @ring: the ring
 * @chain: filled in, with its position at the first byte
 *
 * Context: process, outside of sections; may sleep.
 * Return: 1 with a chain, 0 when there is none; %-EBADMSG with a chain that must
 * be given back unused (@chain->head and @chain->reason are set); %-ENOMEM or
 * %-EINTR with nothing changed; any other error when the ring can't be trusted or
 * reached any more.
 */
int mvs_ring_pop(struct mvs_ring *ring, struct mvs_chain *chain)
{
	int ret;

	do {
		ret = mvs_gmem_section(ring->gm, &ring->fault,
				       pop(ring, chain));
		if (likely(ret != -ENOSPC))
			break;
		ret = mvs_chain_grow(chain);
	} while (!ret);

	if (ret == 1 || ret == -EBADMSG)
		ring->next_avail++;
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_pop);

/**
 * mvs_ring_unpop - put back the chain that was taken last
 * @ring: the ring
 *
 * Only for a chain that was not pushed.
 */
void mvs_ring_unpop(struct mvs_ring *ring)
{
	ring->next_avail--;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_unpop);

static int push(struct mvs_ring *ring, u16 head, u32 len)
{
	u64 entry = used_entry(ring, ring->next_used & (ring->num - 1));
	__virtio32 *elem_id, *elem_len;
	__virtio16 *idx;

	/* An entry is aligned to 4 bytes only: it may lie on two pages. */
	elem_id = mvs_gmem_map(ring->gm,
			       entry + offsetof(struct vring_used_elem, id),
			       true, &ring->fault);
	elem_len = mvs_gmem_map(ring->gm,
				entry + offsetof(struct vring_used_elem, len),
				true, &ring->fault);
	idx = mvs_gmem_map(ring->gm, used_idx(ring), true, &ring->fault);
	if (unlikely(!elem_id || !elem_len || !idx))
		return -EAGAIN;

	WRITE_ONCE(*elem_id, __cpu_to_virtio32(ring->le, head));
	WRITE_ONCE(*elem_len, __cpu_to_virtio32(ring->le, len));
	/*
	 * The entry, and what was written to the chain, before the index that
	 * covers it. Pairs with the driver's barrier after it reads used->idx.
	 */
	smp_wmb();
	WRITE_ONCE(*idx, __cpu_to_virtio16(ring->le, ring->next_used + 1));
	return 0;
}

/**
 * mvs_ring_push - give a chain back to the driver
 * @ring: the ring
 * @head: the chain's first descriptor
 * @len: bytes written to the chain
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0, or the error of mvs_gmem_fault_in(): the ring can't be reached.
 */
int mvs_ring_push(struct mvs_ring *ring, u16 head, u32 len)
{
	u16 used;
	int ret;

	ret = mvs_gmem_section(ring->gm, &ring->fault, push(ring, head, len));
	if (ret)
		return ret;

	used = ++ring->next_used;
	/* After 65536 entries an old mark would look like a new one. */
	if (unlikely((u16)(used - ring->signalled) == 0))
		ring->signalled_valid = false;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_push);

static int need_signal(struct mvs_ring *ring)
{
	u16 event, flags;
	int ret;

	if (ring->notify_on_empty && ring->avail_idx == ring->next_avail)
		return 1;

	if (!ring->event_idx) {
		ret = read16(ring, avail_flags(ring), &flags);
		return ret ?: !(flags & VRING_AVAIL_F_NO_INTERRUPT);
	}

	ret = read16(ring, avail_entry(ring, ring->num), &event);
	if (ret)
		return ret;
	return !ring->signalled_valid ||
	       vring_need_event(event, ring->next_used, ring->signalled);
}

/**
 * mvs_ring_need_signal - does the driver want to hear of the used entries?
 * @ring: the ring
 *
 * Takes it that the driver is signalled when this says so.
 *
 * Context: process, outside of sections; may sleep.
 * Return: 1, 0, or an error of mvs_gmem_fault_in().
 */
int mvs_ring_need_signal(struct mvs_ring *ring)
{
	int ret;

	/*
	 * The used index before the driver's wish: one of the two sees the
	 * other's write. Pairs with the driver's barrier between writing
	 * used_event or flags and looking at used->idx again.
	 */
	smp_mb();

	ret = mvs_gmem_section(ring->gm, &ring->fault, need_signal(ring));

	if (ret >= 0) {
		ring->signalled = ring->next_used;
		ring->signalled_valid = true;
	}
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_need_signal);

/* Tell the driver whether it is to kick. */
static int write_notify(struct mvs_ring *ring)
{
	if (!ring->event_idx)
		return write16(ring, used_flags(ring),
			       ring->no_notify ? VRING_USED_F_NO_NOTIFY : 0);
	if (!ring->no_notify)
		return write16(ring, used_entry(ring, ring->num),
			       ring->avail_idx);
	/* No new avail_event, no kick. */
	return 0;
}

/**
 * mvs_ring_disable_notify - tell the driver that no kick is needed
 * @ring: the ring
 *
 * A hint: kicks may come all the same.
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0 or an error of mvs_gmem_fault_in().
 */
int mvs_ring_disable_notify(struct mvs_ring *ring)
{
	if (ring->no_notify)
		return 0;
	ring->no_notify = true;
	return mvs_gmem_section(ring->gm, &ring->fault, write_notify(ring));
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_disable_notify);

/**
 * mvs_ring_enable_notify - ask the driver for a kick
 * @ring: the ring
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0, 1 when chains came meanwhile for which no kick may come, or an error
 * as mvs_ring_pop() has it.
 */
int mvs_ring_enable_notify(struct mvs_ring *ring)
{
	int ret;

	if (!ring->no_notify)
		return 0;
	ring->no_notify = false;
	ret = mvs_gmem_section(ring->gm, &ring->fault, write_notify(ring));
	if (ret)
		return ret;

	/*
	 * The wish before another look at the index: one of the two sees the
	 * other's write. Pairs with the driver's barrier between writing
	 * avail->idx and reading avail_event or flags.
	 */
	smp_mb();

	ret = mvs_gmem_section(ring->gm, &ring->fault, update_avail_idx(ring));
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_enable_notify);

static int start(struct mvs_ring *ring)
{
	int ret;

	ret = write16(ring, used_flags(ring), 0);
	if (ret)
		return ret;
	return read16(ring, used_idx(ring), &ring->next_used);
}

/**
 * mvs_ring_start - begin to use a ring
 * @ring: the ring, with all that the VMM sets
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0, or %-EFAULT when the used ring can't be read and written.
 */
int mvs_ring_start(struct mvs_ring *ring)
{
	int ret;

	ring->no_notify = false;
	ring->signalled_valid = false;
	ring->avail_idx = ring->next_avail;

	ret = mvs_gmem_section(ring->gm, &ring->fault, start(ring));
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_start);
