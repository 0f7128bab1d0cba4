/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtqueues: taking chains that the driver made available, and giving them back used.
 *
 * A chain that is given back becomes visible to the driver when it is published. The driver is
 * notified of published chains, and notifies the device of available ones, unless that is
 * suppressed (virtio 1.3, 2.7.7, 2.7.10, 2.8).
 */
#ifndef _MVSOCK_RING_H
#define _MVSOCK_RING_H

#include <linux/types.h>

#include <mvsock/chain.h>
#include <mvsock/mem.h>

/**
 * struct mvs_ring - the device's side of a virtqueue
 * @gm: the guest memory that has the ring and its buffers
 * @num: Queue Size; a power of two in a split ring
 * @desc: address of the Descriptor Area: VMM-virtual, or I/O virtual behind an IOMMU
 * @avail: address of the Driver Area, likewise
 * @used: address of the Device Area, likewise
 * @log: writes to the ring are logged, if writes to guest memory are
 * @log_addr: guest-physical address of the Device Area, for the log
 * @le: fields are little-endian
 * @packed: VIRTIO_F_RING_PACKED was negotiated, else the ring is split
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated
 * @notify_on_empty: VIRTIO_F_NOTIFY_ON_EMPTY was negotiated
 * @next_avail: next position to take from: in a split ring the available entry, in a packed
 *	one the descriptor, with the wrap counter in bit 15
 * @next_used: next position to give back to, in the same format
 * @unpublished: used but unpublished positions, counted as in @next_used
 * @first_used: packed: position of the first unpublished one
 * @first_flags: packed: the flags that publish it, and all that follow
 * @avail_idx: split: the driver's index when it was last read
 * @unsignalled: positions published since the last notification, counted as in @next_used;
 *	%MVS_RING_NEVER_SIGNALLED before the first one
 * @no_notify: kicks are suppressed
 * @fault: the last miss
 *
 * The ring has no lock: the caller serializes. All fields but those that the VMM sets (@num to
 * @next_used) are private to the ring layer.
 */
struct mvs_ring {
	struct mvs_mem *gm;
	u32 num;
	u64 desc;
	u64 avail;
	u64 used;
	bool log;
	u64 log_addr;
	bool le;
	bool packed;
	bool event_idx;
	bool indirect;
	bool notify_on_empty;
	u16 next_avail;
	u16 next_used;
	u32 unpublished;
	u16 first_used;
	u16 first_flags;
	u16 avail_idx;
	bool no_notify;
	u32 unsignalled;
	struct mvs_mem_fault fault;
};

/* The wrap counter in @next_avail and @next_used of a packed ring. */
#define MVS_PACKED_WRAP	0x8000U

/* More than any index can run ahead, so that every event has been passed. */
#define MVS_RING_NEVER_SIGNALLED	(U16_MAX + 1)

int mvs_ring_start(struct mvs_ring *ring);
int mvs_ring_prefetch(struct mvs_ring *ring);
void mvs_ring_sizes(const struct mvs_ring *ring, size_t *desc, size_t *avail,
		    size_t *used);
int mvs_ring_pop(struct mvs_ring *ring, struct mvs_chain *chain);
void mvs_ring_unpop(struct mvs_ring *ring, const struct mvs_chain *chain);
int mvs_ring_push(struct mvs_ring *ring, const struct mvs_chain *chain,
		  u32 len);
int mvs_ring_peek(struct mvs_ring *ring, struct mvs_chain *chain);
int mvs_ring_give(struct mvs_ring *ring, const struct mvs_chain *chain,
		  u32 len);
int mvs_ring_publish(struct mvs_ring *ring);
int mvs_ring_need_signal(struct mvs_ring *ring);
int mvs_ring_disable_notify(struct mvs_ring *ring);
int mvs_ring_enable_notify(struct mvs_ring *ring);

#endif /* _MVSOCK_RING_H */
