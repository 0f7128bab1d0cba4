// SPDX-License-Identifier: GPL-2.0
/*
 * Access to a ring's fields in guest memory: the slow paths; the common case is inline.
 */
#include <linux/align.h>

#include "layout.h"

/**
 * mvs_ring_map_iova - mvs_ring_map() of an I/O virtual address
 * @ring: the ring
 * @addr: the address
 * @len: bytes, a power of two to which @addr is aligned
 * @write: for writing
 *
 * Context: inside a section.
 * Return: their kernel address, or NULL with @ring->fault filled in.
 */
void *mvs_ring_map_iova(struct mvs_ring *ring, u64 addr, u32 len, bool write)
{
	u64 uaddr;
	u32 run;
	int ret;

	ret = mvs_mem_translate(ring->gm, addr, len, write, &uaddr, &run,
				&ring->fault);
	if (ret == -EAGAIN)
		return NULL;
	/* A translation may lead anywhere: the field must not cross a page boundary. */
	if (ret || run < len || !IS_ALIGNED(uaddr, len)) {
		ring->fault = (struct mvs_mem_fault) {
			.addr = addr,
			.kind = MVS_FAULT_DENIED,
			.write = write,
		};
		return NULL;
	}
	return mvs_mem_map(ring->gm, uaddr, write, &ring->fault);
}

/* If its translations differ, a write may go to several VMM-virtual addresses. */
static int ring_log_iova(struct mvs_ring *ring, u64 addr, u32 len)
{
	while (len) {
		u64 uaddr;
		u32 run;
		int ret;

		ret = mvs_mem_translate(ring->gm, addr, len, true, &uaddr,
					&run, &ring->fault) ?:
		      mvs_mem_log(ring->gm, uaddr, run, &ring->fault);
		if (ret)
			return ret;
		addr += run;
		len -= run;
	}
	return 0;
}

/**
 * mvs_ring_log_write - the slow path of mvs_ring_log()
 * @ring: the ring, whose writes are logged
 * @addr: address of the written field
 * @len: its size in bytes
 *
 * Context: inside a section.
 * Return: 0, or %-EAGAIN with @ring->fault filled in.
 */
int mvs_ring_log_write(struct mvs_ring *ring, u64 addr, u32 len)
{
	size_t descs = ring->num * sizeof(struct vring_packed_desc);

	if (ring->gm->iotlb)
		return ring_log_iova(ring, addr, len);
	if (ring->packed && addr - ring->desc < descs)
		return mvs_mem_log(ring->gm, addr, len, &ring->fault);
	/*
	 * The log address of the Device Area is the VMM's, and need not be in its memory
	 * table.
	 */
	return mvs_mem_log_gpa(ring->gm, ring->log_addr + (addr - ring->used),
			       len, &ring->fault);
}
