/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtqueues: taking chains that the driver made available, and giving them back
 * used.
 */
#ifndef _MVSOCK_RING_H
#define _MVSOCK_RING_H

#include <linux/types.h>

#include <mvsock/chain.h>
#include <mvsock/gmem.h>

/**
 * struct mvs_ring - the device's side of a split virtqueue
 * @gm: the memory it lies in, and its buffers
 * @num: Queue Size, a power of two
 * @desc: VMM-virtual address of the descriptor table
 * @avail: VMM-virtual address of the available ring
 * @used: VMM-virtual address of the used ring
 * @le: fields are little-endian
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated
 * @notify_on_empty: VIRTIO_F_NOTIFY_ON_EMPTY was negotiated
 * @next_avail: the available entry to take next
 * @avail_idx: what the driver's index was when last looked at
 * @next_used: the used entry to write next
 * @signalled: @next_used when the driver was last signalled
 * @signalled_valid: @signalled is known
 * @no_notify: the driver was told that no kick is needed
 * @fault: page that the last access missed
 *
 * The ring has no lock: the caller serializes. All of it but the fields that the
 * VMM sets (@num to @notify_on_empty, @next_avail) is the ring layer's.
 */
struct mvs_ring {
	struct mvs_gmem *gm;
	u32 num;
	u64 desc;
	u64 avail;
	u64 used;
	bool le;
	bool event_idx;
	bool indirect;
	bool notify_on_empty;
	u16 next_avail;
	u16 avail_idx;
	u16 next_used;
	u16 signalled;
	bool signalled_valid;
	bool no_notify;
	struct mvs_gmem_fault fault;
};

int mvs_ring_start(struct mvs_ring *ring);
int mvs_ring_pop(struct mvs_ring *ring, struct mvs_chain *chain);
void mvs_ring_unpop(struct mvs_ring *ring);
int mvs_ring_push(struct mvs_ring *ring, u16 head, u32 len);
int mvs_ring_need_signal(struct mvs_ring *ring);
int mvs_ring_disable_notify(struct mvs_ring *ring);
int mvs_ring_enable_notify(struct mvs_ring *ring);

#endif /* _MVSOCK_RING_H */
