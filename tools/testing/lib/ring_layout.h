/* SPDX-License-Identifier: GPL-2.0 */
/* The operations that differ between the two layouts of a virtqueue, as ring.c uses them. */
#ifndef MVS_RING_RING_LAYOUT_H
#define MVS_RING_RING_LAYOUT_H

#include "ring.h"

/**
 * struct ring_ops - operations of a layout
 * @bytes: see ring_bytes()
 * @init: locate the areas in memory, and allocate the driver's state
 * @free: free the driver's state
 * @reset: empty the ring, at a base; all descriptors are free
 * @base: see ring_base()
 * @device_base: see ring_device_base()
 * @take: see ring_take(); there are enough descriptors
 * @set_desc: see ring_set_desc()
 * @set_entry: see ring_set_entry()
 * @push: see ring_push()
 * @publish: see ring_publish()
 * @kick_wanted: see ring_kick_wanted()
 * @has_used: see ring_has_used()
 * @read_used: the chain and the length of the next used entry, which exists; the chain may be any
 *	number
 * @advance_used: advance past a used entry of so many descriptors
 * @release: free a chain's descriptors
 * @want_calls: enable an interrupt at the next used entry, or disable interrupts
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
	void (*set_entry)(const struct ring *r, void *entry, __u64 addr,
			  __u32 len, __u16 flags, __u16 next);
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
