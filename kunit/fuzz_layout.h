/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Buffers for a chain: how packets are divided, and the addresses of the pieces.
 */
#ifndef _MVSOCK_KUNIT_FUZZ_LAYOUT_H
#define _MVSOCK_KUNIT_FUZZ_LAYOUT_H

#include "fuzz_mem.h"

/* Somewhat more than a chain may have. */
#define FUZZ_BUFFERS	1030

struct fuzz_buffer {
	u64 gpa;
	u32 len;
	bool write;
};

/**
 * struct fuzz_layout - the buffers of a chain
 * @n: number of buffers, at least one
 * @buffers: the buffers
 */
struct fuzz_layout {
	u32 n;
	struct fuzz_buffer buffers[FUZZ_BUFFERS];
};

void fuzz_layout_make(struct fuzz_layout *l, struct fuzz_mem *mem, u64 *rnd);
u64 fuzz_layout_table(u64 *rnd, u32 len);

#endif /* _MVSOCK_KUNIT_FUZZ_LAYOUT_H */
