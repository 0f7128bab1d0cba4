/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a packet's bytes are cut into descriptors.
 */
#ifndef MVS_RING_LAYOUT_H
#define MVS_RING_LAYOUT_H

#include "mem.h"
#include "ring.h"

#define LAYOUT_PIECES 6

/**
 * struct layout - a recipe
 * @name: for messages
 * @n: how many of @piece are given
 * @piece: sizes of the first pieces; the last one repeats to the end; 0 takes
 *	what is left
 * @gap: bytes of memory between pieces
 * @zero_first: start with a descriptor of no bytes
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
 * layout_cut() - cut a buffer
 * @l: the recipe
 * @gpa: where the first piece starts
 * @len: length of all pieces together
 * @write: the device writes them
 * @segs: where the pieces go
 * @max: how many may go there
 *
 * Return: how many, or -ENOSPC.
 */
int layout_cut(const struct layout *l, __u64 gpa, __u32 len, bool write,
	       struct seg *segs, unsigned int max);

/* Copy into and out of a chain's buffers, from byte @off of the chain. */
int segs_write(const struct mem *m, const struct seg *segs, unsigned int n,
	       __u64 off, const void *buf, __u64 len);
int segs_read(const struct mem *m, const struct seg *segs, unsigned int n,
	      __u64 off, void *buf, __u64 len);

#endif
