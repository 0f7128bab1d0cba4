/* SPDX-License-Identifier: GPL-2.0 */
/* How a packet's bytes are divided into descriptors. */
#ifndef MVS_RING_LAYOUT_H
#define MVS_RING_LAYOUT_H

#include "mem.h"
#include "ring.h"

#define LAYOUT_PIECES 6

/**
 * struct layout - how to divide a buffer
 * @name: for messages
 * @n: number of elements in @piece
 * @piece: sizes of the first pieces; the last size repeats to the end; 0 takes all the rest
 * @gap: unused bytes of memory between pieces
 * @zero_first: start with an empty descriptor
 */
struct layout {
	const char *name;
	unsigned int n;
	__u32 piece[LAYOUT_PIECES];
	__u32 gap;
	bool zero_first;
};

/* The whole buffer in one descriptor. */
extern const struct layout layout_one;

/**
 * layout_cut() - divide a buffer
 * @l: the layout
 * @gpa: address of the first piece
 * @len: length of all pieces together
 * @write: device-writable
 * @segs: set to the pieces
 * @max: size of @segs
 *
 * Return: number of pieces, or -ENOSPC.
 */
int layout_cut(const struct layout *l, __u64 gpa, __u32 len, bool write,
	       struct seg *segs, unsigned int max);

/* Copy to and from a chain's buffers, from byte @off of the chain. */
int segs_write(const struct mem *m, const struct seg *segs, unsigned int n,
	       __u64 off, const void *buf, __u64 len);
int segs_read(const struct mem *m, const struct seg *segs, unsigned int n,
	      __u64 off, void *buf, __u64 len);

#endif
