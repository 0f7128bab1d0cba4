/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two layouts of a virtqueue do differently, as ring.c uses it.
 */
#ifndef MVS_RING_RING_LAYOUT_H
#define MVS_RING_RING_LAYOUT_H

#include "ring.h"

/**
 * struct ring_ops - a layout
 * @bytes: see ring_bytes()
 * @init: find the areas in memory, get memory of the driver's own
 * @free: give that back
 * @reset: empty, at a base; all descriptors are free
 * @base: see ring_base()
 * @device_base: see ring_device_base()
 * @take: see ring_take(); there are enough descriptors
 * @set_desc: see ring_set_desc()
 * @set_entry: see ring_set_entry()
 * @push: see ring_push()
 * @publish: see ring_publish()
 * @kick_wanted: see ring_kick_wanted()
 * @has_used: see ring_has_used()
 * @read_used: the chain of the next used entry, which there is, and its
 *	length; may be any number
 * @advance_used: go on behind a used entry of so many descriptors
 * @release: make a chain's descriptors free
 * @want_calls: ask for an interrupt at the next used entry, or for none
 */
struct ring_ops {
	size_t (*bytes)(unsigned int num);
	bool (*init)(struct ring *r, void *mem);
	void (*free)(struct ring *r);
	void (*reset)(struct ring *r, __u32 base);
	__u32 (*base)(const struct ring *r);
	__u32 (*device_base)(const struct ring *r);
	int (*take)(struct ring *r, unsigned int n, __u16 *idx);
	void (*set_desc)(struct ring *r, __u16 i, __u64 addr, __u32 len,
			 __u16 flags, __u16 next);
	void (*set_entry)(void *entry, __u64 addr, __u32 len, __u16 flags,
			  __u16 next);
	void (*push)(struct ring *r, __u16 chain);
	void (*publish)(struct ring *r);
	bool (*kick_wanted)(struct ring *r);
	bool (*has_used)(const struct ring *r);
	__u32 (*read_used)(const struct ring *r, __u32 *len);
	void (*advance_used)(struct ring *r, unsigned int n);
	void (*release)(struct ring *r, __u16 chain);
	void (*want_calls)(struct ring *r, bool want);
};

extern const struct ring_ops ring_split_ops;
extern const struct ring_ops ring_packed_ops;

#endif
