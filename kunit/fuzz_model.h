/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The expected behaviour of a device: a second implementation of the ring, chain and packet layers,
 * written from the specification and from Documentation/errors.rst, as simple as possible, on the
 * shadow of guest memory.
 */
#ifndef _MVSOCK_KUNIT_FUZZ_MODEL_H
#define _MVSOCK_KUNIT_FUZZ_MODEL_H

#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>

#include <mvsock/packet.h>
#include <mvsock/ring.h>

#include "fuzz_mem.h"

/* Result of "does the driver want a notification?" if its setting is invalid. */
#define MODEL_EITHER	2

/**
 * struct model - a virtqueue
 * @mem: the guest's memory
 * @packed: VIRTIO_F_RING_PACKED
 * @event_idx: VIRTIO_F_EVENT_IDX
 * @indirect: VIRTIO_F_INDIRECT_DESC
 * @on_empty: VIRTIO_F_NOTIFY_ON_EMPTY
 * @num: Queue Size
 * @desc: VMM-virtual address of the Descriptor Area
 * @avail: the same of the Driver Area
 * @used: the same of the Device Area
 * @take: the next position to take. Split: the free-running 16-bit index. Packed: the position in
 *	two rounds, 0 to @num - 1 with the wrap counter set, @num to 2 * @num - 1 without
 * @give: the next position to give back to, in the same format
 * @unseen: positions given back since the last publication
 * @first: packed: the position of the first of those
 * @first_flags: packed: its flags
 * @seen: split: the driver's index when it was last read
 * @quiet: kicks are suppressed
 * @signalled: the driver was notified at least once
 * @unsaid: positions published since then
 */
struct model {
	struct fuzz_mem *mem;
	bool packed;
	bool event_idx;
	bool indirect;
	bool on_empty;
	u32 num;
	u64 desc;
	u64 avail;
	u64 used;
	u32 take;
	u32 give;
	u32 unseen;
	u32 first;
	u16 first_flags;
	u16 seen;
	bool quiet;
	bool signalled;
	u32 unsaid;
};

/**
 * struct forecast - the expected result of taking a chain
 * @ret: the result of mvs_ring_pop()
 * @reason: the reason, with %-EBADMSG
 * @id: the ID with which the chain is given back
 * @ndescs: number of positions that it takes in a packed ring; 1 in a split one
 * @seen: the driver's index afterwards
 * @nsegs: number of its segments in VMM-virtual memory
 * @nread: how many of them are device-readable
 * @readable: bytes of those
 * @writable: bytes of the others
 * @segs: the segments
 */
struct forecast {
	int ret;
	enum mvs_reason reason;
	u16 id;
	u32 ndescs;
	u16 seen;
	u32 nsegs;
	u32 nread;
	u64 readable;
	u64 writable;
	struct mvs_seg segs[MVS_CHAIN_SEGS_MAX];
};

/* fuzz_model.c */
u32 model_place(const struct model *m, u32 place, u32 n);
u16 model_encode(const struct model *m, u32 place);
int model_start(struct model *m);
int model_push(struct model *m, u16 id, u32 ndescs, u32 len);
int model_publish(struct model *m);
int model_need_signal(struct model *m);
void model_signalled(struct model *m);
int model_notify(struct model *m, bool quiet);

/* fuzz_model_chain.c */
void model_pop(struct model *m, struct forecast *f);
void model_taken(struct model *m, const struct forecast *f);
u32 model_bytes(struct model *m, const struct forecast *f, u32 from, void *buf,
		u32 len, bool write);
u32 model_parse(struct model *m, const struct forecast *f, u64 src,
		struct virtio_vsock_hdr *hdr);

/* A set of reasons, for cases where either of two is correct. */
#define MODEL_REASON(reason)	BIT(MVS_REASON_ ## reason)

#endif /* _MVSOCK_KUNIT_FUZZ_MODEL_H */
