/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's side of a virtqueue in this process's memory, split or packed.
 *
 * Which descriptors are free, and which chain is in flight, is kept outside of
 * the ring, so that a chain's descriptors may hold anything.
 */
#ifndef MVS_RING_RING_H
#define MVS_RING_RING_H

#include <linux/virtio_ring.h>

#include "util.h"

/* A descriptor's size in either layout, and in an indirect table. */
#define RING_DESC_LEN 16

/* One descriptor's worth of a buffer. */
struct seg {
	__u64 addr;
	__u32 len;
	bool write;	/* the device writes it */
};

/* A chain in flight; named by its head, or packed by its Buffer ID. */
struct ring_chain {
	unsigned int n;	/* descriptors; 0: not in flight */
	unsigned int head;
	__u32 seq;	/* the how many-th it was to be pushed */
	__u64 room;	/* bytes that the device may write */
	void *token;
};

/* A position in a packed ring. */
struct ring_place {
	unsigned int index;
	bool wrap;
};

/* Such a position in VHOST_SET_VRING_BASE and in an event's off_wrap. */
#define PLACE_WRAP 0x8000U

struct ring_split {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	__u16 avail_idx;	/* as published with the next ring_publish() */
	__u16 kicked_idx;	/* avail_idx when the device was last looked at */
	__u16 last_used;
	__u16 *free;		/* queue of free descriptors */
	unsigned int first_free;
	__u16 *link;		/* next descriptor of the same chain */
};

struct ring_packed {
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver;
	struct vring_packed_desc_event *device;
	struct ring_place avail;	/* where the next chain goes */
	struct ring_place used;		/* where the next used one is looked for */
	unsigned int added;		/* descriptors since the last look */
	__u16 *flags;			/* as they are published */
	__u16 *pushed;			/* chains that are not published yet */
	unsigned int npushed;
	__u16 *ids;			/* stack of free Buffer IDs */
	unsigned int nids;
	int alias;			/* chain with another ID, or -1 */
	__u16 alias_id;
};

/* What was negotiated. */
struct ring_features {
	bool packed;
	bool event_idx;
	bool in_order;
};

struct ring_ops;

struct ring {
	unsigned int num;
	struct ring_features f;
	const struct ring_ops *ops;

	/* as VHOST_SET_VRING_ADDR has them */
	void *desc_area;
	void *driver_area;
	void *device_area;

	/* the driver's own */
	unsigned int nfree;
	__u32 npushed;
	__u32 nused;
	struct ring_chain *chain;
	__u16 *idx;	/* descriptors of the chain that is being added */
	union {
		struct ring_split s;
		struct ring_packed p;
	};
};

/* Bytes that a ring takes, all three parts together. */
size_t ring_bytes(const struct ring_features *f, unsigned int num);

/* Where a ring starts after a reset, for VHOST_SET_VRING_BASE. */
__u32 ring_first_base(const struct ring_features *f);

/**
 * ring_init() - lay an empty ring
 * @r: the ring
 * @num: its size; a power of two if it is split
 * @mem: ring_bytes() bytes, 16-byte aligned
 * @f: what was negotiated
 * @base: where it starts, as VHOST_SET_VRING_BASE has it; both places of a
 *	packed ring are the same
 *
 * Return: 0 or -ENOMEM.
 */
int ring_init(struct ring *r, unsigned int num, void *mem,
	      const struct ring_features *f, __u32 base);
void ring_free(struct ring *r);

/* Forget all chains in flight and start again at @base. */
void ring_reset(struct ring *r, __u32 base);

/* Where the driver is, and where the device is by what it has used, both as
 * VHOST_SET_VRING_BASE has it.
 */
__u32 ring_base(const struct ring *r);
__u32 ring_device_base(const struct ring *r);

/**
 * ring_take() - take descriptors for one chain, to be filled by the caller
 * @r: the ring
 * @n: how many
 * @idx: where their indices go; packed ones follow one another
 * @token: returned with the used entry
 *
 * Return: the chain, or -ENOSPC if there are not so many.
 */
int ring_take(struct ring *r, unsigned int n, __u16 *idx, void *token);

/* Write descriptor @i, whatever sense it makes. Packed: AVAIL and USED are not
 * in @flags, but come from where it is; there is no @next.
 */
void ring_set_desc(struct ring *r, __u16 i, __u64 addr, __u32 len, __u16 flags,
		   __u16 next);

/* Packed: another Buffer ID for one chain, after its descriptors are set. */
void ring_set_id(struct ring *r, int chain, __u16 id);

/* Make @chain available; the device sees it after ring_publish(). A split ring
 * takes any number for it.
 */
void ring_push(struct ring *r, __u16 chain);
void ring_publish(struct ring *r);

/* Does the device want to be kicked for what was published since last asked? */
bool ring_kick_wanted(struct ring *r);

/* Take descriptors, fill them with @segs, push the chain. It, or -ENOSPC. */
int ring_add(struct ring *r, const struct seg *segs, unsigned int n,
	     void *token);

/* Same with one indirect descriptor, whose table of @n entries is @table. */
int ring_add_indirect(struct ring *r, const struct seg *segs, unsigned int n,
		      void *table, __u64 table_gpa, void *token);

/* Fill an indirect table; or one entry of it, whatever sense it makes. */
void ring_fill_table(const struct ring *r, void *table, const struct seg *segs,
		     unsigned int n);
void ring_set_entry(const struct ring *r, void *entry, __u64 addr, __u32 len,
		    __u16 flags, __u16 next);

/**
 * ring_get_used() - take the next used entry
 * @r: the ring
 * @len: where its length goes
 * @token: where the chain's token goes
 *
 * Return: the chain, -EAGAIN if there is none, -EPROTO if the device returned
 * one that is not in flight, more bytes than it had room for, or with IN_ORDER
 * not the oldest.
 */
int ring_get_used(struct ring *r, __u32 *len, void **token);

/* Are there used entries? */
bool ring_has_used(const struct ring *r);

/* Ask for an interrupt at the next used entry; ask for none. */
void ring_arm(struct ring *r);
void ring_disarm(struct ring *r);

#endif
