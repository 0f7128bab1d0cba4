// SPDX-License-Identifier: GPL-2.0
/*
 * Virtqueues of both layouts.
 *
 * Each operation runs in a section of guest memory; if that misses a page, the page is
 * brought in and the operation starts over.
 *
 * The guest may change all of a ring at any time: each field is read once, and only the
 * value read is checked and used.
 */
#include <asm/barrier.h>
#include <kunit/visibility.h>

#include "layout.h"

/* Evaluate split_@op or packed_@op in a section. */
#define in_section(ring, op, ...) ({					\
	struct mvs_ring *__ring = (ring);				\
	mvs_mem_section(__ring->gm, &__ring->fault, __ring->packed ?	\
			mvs_packed_ ## op(__ring, ##__VA_ARGS__) :	\
			mvs_split_ ## op(__ring, ##__VA_ARGS__));	\
})

/* Advance @pos, which is @next_avail or @next_used, by @n. */
static u16 ring_advance(const struct mvs_ring *ring, u16 pos, u32 n)
{
	u32 index;

	if (!ring->packed)
		return pos + n;

	index = (pos & ~MVS_PACKED_WRAP) + n;
	if (index < ring->num)
		return pos + n;
	return (index - ring->num) | (~pos & MVS_PACKED_WRAP);
}

/* Undo ring_advance(). */
static u16 ring_go_back(const struct mvs_ring *ring, u16 pos, u32 n)
{
	u32 index;

	if (!ring->packed)
		return pos - n;

	index = pos & ~MVS_PACKED_WRAP;
	if (index >= n)
		return pos - n;
	return (index + ring->num - n) | (~pos & MVS_PACKED_WRAP);
}

static int ring_prefetch_area(struct mvs_ring *ring, u64 addr, size_t len,
			      bool write)
{
	while (len) {
		u64 uaddr;
		u32 run;
		int ret;

		ret = mvs_mem_translate(ring->gm, addr, len, write, &uaddr,
					&run, &ring->fault);
		if (ret)
			return ret == -EAGAIN ? -EINPROGRESS : ret;
		addr += run;
		len -= run;
	}
	return 0;
}

/**
 * mvs_ring_sizes - get the sizes of a ring's parts
 * @ring: the ring
 * @desc: bytes of the Descriptor Area
 * @avail: of the Driver Area
 * @used: of the Device Area
 */
void mvs_ring_sizes(const struct mvs_ring *ring, size_t *desc, size_t *avail,
		    size_t *used)
{
	size_t event = ring->event_idx ? sizeof(__virtio16) : 0;
	size_t num = ring->num;

	static_assert(sizeof(struct vring_desc) ==
		      sizeof(struct vring_packed_desc));

	*desc = num * sizeof(struct vring_desc);
	if (ring->packed) {
		*avail = sizeof(struct vring_packed_desc_event);
		*used = sizeof(struct vring_packed_desc_event);
		return;
	}
	*avail = sizeof(struct vring_avail) + num * sizeof(__virtio16) + event;
	*used = sizeof(struct vring_used) +
		num * sizeof(struct vring_used_elem) + event;
}

/**
 * mvs_ring_prefetch - check that the IOTLB, if there is one, translates all of a ring
 * @ring: the ring
 *
 * After this, and until the IOTLB changes, only buffers and indirect tables can miss.
 *
 * Context: any; the caller excludes a change of the IOTLB.
 * Return: 0; %-EINPROGRESS with @ring->fault filled in; %-EFAULT when a part lacks the required
 * access permission.
 */
int mvs_ring_prefetch(struct mvs_ring *ring)
{
	size_t desc, avail, used;

	if (!ring->gm->iotlb)
		return 0;
	mvs_ring_sizes(ring, &desc, &avail, &used);
	return ring_prefetch_area(ring, ring->desc, desc, ring->packed) ?:
	       ring_prefetch_area(ring, ring->avail, avail, false) ?:
	       ring_prefetch_area(ring, ring->used, used, true);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_prefetch);

/**
 * mvs_ring_start - start using a ring
 * @ring: the ring, with all fields that the VMM sets
 *
 * Used chains that were not published when the ring broke still have to be published.
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0; %-EFAULT when the Device Area can't be read and written; %-EINPROGRESS when the IOTLB
 * has no translation for it; %-EINVAL when the size or the positions do not fit the layout; %-EIO
 * when the dirty log can't be accessed; %-ERESTART.
 */
int mvs_ring_start(struct mvs_ring *ring)
{
	ring->no_notify = false;
	ring->unsignalled = MVS_RING_NEVER_SIGNALLED;
	ring->avail_idx = ring->next_avail;
	return in_section(ring, start);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_start);

/**
 * mvs_ring_pop - take the next chain that the driver made available
 * @ring: the ring
 * @chain: filled in, with its position at the first byte
 *
 * Context: process, outside of sections; may sleep.
 * Return: 1 with a chain, 0 when there is none; %-EBADMSG with a chain that must be given back
 * unused (@chain->id and @chain->reason are set); %-ENOMEM, %-EINTR, %-ERESTART, or, with
 * @ring->fault filled in, %-EINPROGRESS, with nothing changed; any other error when the ring is
 * inconsistent or can't be accessed any more.
 */
int mvs_ring_pop(struct mvs_ring *ring, struct mvs_chain *chain)
{
	int ret;

	/* Not initialized by a pop that fails before the first descriptor. */
	chain->in_table = false;
	do {
		ret = in_section(ring, pop, chain);
		if (likely(ret == 1))
			goto taken;
		if (ret != -ENOSPC)
			break;
		ret = mvs_chain_grow(chain);
	} while (!ret);

	if (ret == -EFAULT && chain->in_table)
		ret = mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);
	if (ret != -EBADMSG)
		return ret;
taken:
	ring->next_avail = ring_advance(ring, ring->next_avail, chain->ndescs);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_pop);

/**
 * mvs_ring_unpop - put back the chain that was taken last
 * @ring: the ring
 * @chain: the chain, not pushed
 */
void mvs_ring_unpop(struct mvs_ring *ring, const struct mvs_chain *chain)
{
	ring->next_avail = ring_go_back(ring, ring->next_avail, chain->ndescs);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_unpop);

static void ring_count_push(struct mvs_ring *ring,
			    const struct mvs_chain *chain)
{
	ring->next_used = ring_advance(ring, ring->next_used, chain->ndescs);
	ring->unpublished += chain->ndescs;
}

/**
 * mvs_ring_push - give a chain back to the driver, unpublished
 * @ring: the ring
 * @chain: the chain
 * @len: bytes written to it
 *
 * Chains may be given back in another order than they were taken.
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0, or the error of mvs_mem_fault_in(): the ring can't be accessed.
 */
int mvs_ring_push(struct mvs_ring *ring, const struct mvs_chain *chain, u32 len)
{
	int ret;

	ret = in_section(ring, push, chain->id, len);
	if (!ret)
		ring_count_push(ring, chain);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_push);

/**
 * mvs_ring_peek - look at the next chain
 * @ring: the ring
 * @chain: filled in, with its position at the first byte
 *
 * Together with mvs_ring_give() this takes a chain and gives it back in one section, in place of
 * mvs_ring_pop() and mvs_ring_push().
 *
 * Context: inside a section.
 * Return: 1; on any other value call mvs_ring_pop(), which handles all cases.
 */
int mvs_ring_peek(struct mvs_ring *ring, struct mvs_chain *chain)
{
	return ring->packed ? mvs_packed_pop(ring, chain) :
			      mvs_split_pop(ring, chain);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_peek);

/**
 * mvs_ring_give - take a chain and give it back to the driver, unpublished
 * @ring: the ring
 * @chain: the chain, from mvs_ring_peek()
 * @len: bytes written to it
 *
 * Context: inside the section of mvs_ring_peek().
 * Return: 0, or an error with nothing changed.
 */
int mvs_ring_give(struct mvs_ring *ring, const struct mvs_chain *chain, u32 len)
{
	int ret;

	ret = ring->packed ? mvs_packed_push(ring, chain->id, len) :
			     mvs_split_push(ring, chain->id, len);
	if (unlikely(ret))
		return ret;
	ring->next_avail = ring_advance(ring, ring->next_avail, chain->ndescs);
	ring_count_push(ring, chain);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_give);

/**
 * mvs_ring_publish - publish all chains that were given back
 * @ring: the ring
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0, or the error of mvs_mem_fault_in() with nothing changed: this may be called again.
 */
int mvs_ring_publish(struct mvs_ring *ring)
{
	int ret;

	if (!ring->unpublished)
		return 0;
	ret = in_section(ring, publish);
	if (ret)
		return ret;

	ring->unsignalled = min(ring->unsignalled + ring->unpublished,
				MVS_RING_NEVER_SIGNALLED);
	ring->unpublished = 0;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_publish);

/**
 * mvs_ring_need_signal - check whether the driver wants a used buffer notification
 * @ring: the ring, with all of them published
 *
 * The caller has to notify the driver if this returns 1.
 *
 * Context: process, outside of sections; may sleep.
 * Return: 1, 0, or an error of mvs_mem_fault_in().
 */
int mvs_ring_need_signal(struct mvs_ring *ring)
{
	int ret;

	/*
	 * Publish the used index before the driver's event suppression is read: one of the two sees
	 * the other's write. Pairs with the driver's barrier between enabling notifications and
	 * checking for used chains.
	 */
	smp_mb();

	ret = in_section(ring, need_signal);
	if (ret >= 0)
		ring->unsignalled = 0;
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_need_signal);

/**
 * mvs_ring_disable_notify - suppress kicks
 * @ring: the ring
 *
 * This is a hint: kicks may still come.
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0 or an error of mvs_mem_fault_in().
 */
int mvs_ring_disable_notify(struct mvs_ring *ring)
{
	if (ring->no_notify)
		return 0;
	ring->no_notify = true;
	return in_section(ring, write_notify);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_disable_notify);

/**
 * mvs_ring_enable_notify - enable kicks
 * @ring: the ring
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0; 1 when chains became available meanwhile, without a kick; or an error of
 * mvs_ring_pop().
 */
int mvs_ring_enable_notify(struct mvs_ring *ring)
{
	int ret;

	if (!ring->no_notify)
		return 0;
	ring->no_notify = false;
	ret = in_section(ring, write_notify);
	if (ret) {
		ring->no_notify = true;
		return ret;
	}

	/*
	 * Write the event suppression before the ring is checked again: one of the two sees the
	 * other's write. Pairs with the driver's barrier between making a chain available and
	 * checking whether to kick.
	 */
	smp_mb();

	return in_section(ring, has_avail);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_ring_enable_notify);
