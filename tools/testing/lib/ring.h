/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's side of a virtqueue in this process's memory, split or packed.
 *
 * Free descriptors and chains in flight are tracked outside of the ring, so that a chain's
 * descriptors may have any content.
 */
#ifndef MVS_RING_RING_H
#define MVS_RING_RING_H

#include <linux/virtio_ring.h>

#include "util.h"

/* Size of a descriptor in either layout, and in an indirect table. */
#define RING_DESC_LEN 16

/* The buffer of one descriptor. */
struct seg {
	__u64 addr;
	__u32 len;
	bool write;	/* device-writable */
};

/* A chain in flight, identified by its head, or in a packed ring by its Buffer ID. */
struct ring_chain {
	unsigned int n;	/* number of descriptors; 0: not in flight */
	unsigned int head;
	__u32 seq;	/* sequence number of its push */
	__u64 room;	/* device-writable bytes */
	void *token;
};

/* A position in a packed ring. */
struct ring_place {
	unsigned int index;
	bool wrap;
};

/* Such a position as in VHOST_SET_VRING_BASE and in an event's off_wrap. */
#define PLACE_WRAP 0x8000U

struct ring_split {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	__u16 avail_idx;	/* published by the next ring_publish() */
	__u16 kicked_idx;	/* avail_idx at the last check whether to kick */
	__u16 last_used;
	__u16 *free;		/* queue of free descriptors */
	unsigned int first_free;
	__u16 *link;		/* next descriptor of the same chain */
};

struct ring_packed {
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver;
	struct vring_packed_desc_event *device;
	struct ring_place avail;	/* position of the next chain to make available */
	struct ring_place used;		/* position of the next used chain */
	unsigned int added;		/* descriptors since the last check whether to kick */
	__u16 *flags;			/* to be written when published */
	__u16 *pushed;			/* chains that are not published yet */
	unsigned int npushed;
	__u16 *ids;			/* stack of free Buffer IDs */
	unsigned int nids;
	int alias;			/* chain with another ID, or -1 */
	__u16 alias_id;
};

/* The negotiated features. */
struct ring_features {
	bool packed;
	bool event_idx;
	bool in_order;
	bool legacy;	/* not VERSION_1: numbers in the byte order of the processor */
};

struct ring_ops;

struct ring {
	unsigned int num;
	struct ring_features f;
	const struct ring_ops *ops;

	/* as in VHOST_SET_VRING_ADDR */
	void *desc_area;
	void *driver_area;
	void *device_area;

	/* state of the driver */
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

/* Convert to or from the byte order of the ring. Packed rings have VERSION_1. */
static inline __u16 ring_16(const struct ring *r, __u16 v)
{
	return r->f.legacy ? v : htole16(v);
}

static inline __u32 ring_32(const struct ring *r, __u32 v)
{
	return r->f.legacy ? v : htole32(v);
}

static inline __u64 ring_64(const struct ring *r, __u64 v)
{
	return r->f.legacy ? v : htole64(v);
}

/* Size of a ring in bytes, with all three areas. */
size_t ring_bytes(const struct ring_features *f, unsigned int num);

/* A ring's base after a reset, for VHOST_SET_VRING_BASE. */
__u32 ring_first_base(const struct ring_features *f);

/**
 * ring_init() - initialize an empty ring
 * @r: the ring
 * @num: its size; a power of two if it is split
 * @mem: ring_bytes() bytes, 16-byte aligned
 * @f: the negotiated features
 * @base: where it starts, as in VHOST_SET_VRING_BASE; both positions of a packed ring are the same
 *
 * Return: 0 or -ENOMEM.
 */
int ring_init(struct ring *r, unsigned int num, void *mem,
	      const struct ring_features *f, __u32 base);
void ring_free(struct ring *r);

/* Forget all chains in flight and start again at @base. */
void ring_reset(struct ring *r, __u32 base);

/* The driver's position, and the device's according to what it has used, both as in
 * VHOST_SET_VRING_BASE.
 */
__u32 ring_base(const struct ring *r);
__u32 ring_device_base(const struct ring *r);

/**
 * ring_take() - take descriptors for one chain, to be filled by the caller
 * @r: the ring
 * @n: number of descriptors
 * @idx: set to their indices, which are consecutive in a packed ring
 * @token: returned with the used entry
 *
 * Return: the chain, or -ENOSPC if there are not enough.
 */
int ring_take(struct ring *r, unsigned int n, __u16 *idx, void *token);

/* Write descriptor @i with any content, valid or not. In a packed ring AVAIL and USED are not taken
 * from @flags, but follow from the position, and there is no @next.
 */
void ring_set_desc(struct ring *r, __u16 i, __u64 addr, __u32 len, __u16 flags,
		   __u16 next);

/* Packed: use another Buffer ID for one chain, after its descriptors have been set. */
void ring_set_id(struct ring *r, int chain, __u16 id);

/* Make @chain available; the device sees it after ring_publish(). In a split ring @chain may be any
 * number.
 */
void ring_push(struct ring *r, __u16 chain);
void ring_publish(struct ring *r);

/* Check whether the device wants a kick for what was published since the last check. */
bool ring_kick_wanted(struct ring *r);

/* Take descriptors, fill them with @segs, push the chain. Returns the chain, or -ENOSPC. */
int ring_add(struct ring *r, const struct seg *segs, unsigned int n,
	     void *token);

/* The same with one indirect descriptor, whose table of @n entries is @table. */
int ring_add_indirect(struct ring *r, const struct seg *segs, unsigned int n,
		      void *table, __u64 table_gpa, void *token);

/* Fill an indirect table, or write one entry of it with any content, valid or not. */
void ring_fill_table(const struct ring *r, void *table, const struct seg *segs,
		     unsigned int n);
void ring_set_entry(const struct ring *r, void *entry, __u64 addr, __u32 len,
		    __u16 flags, __u16 next);

/**
 * ring_get_used() - take the next used entry
 * @r: the ring
 * @len: set to its length
 * @token: set to the chain's token
 *
 * Return: the chain, -EAGAIN if there is none, -EPROTO if the device returned
 * one that is not in flight, more bytes than it had room for, or with IN_ORDER
 * not the oldest.
 */
int ring_get_used(struct ring *r, __u32 *len, void **token);

/* Check for used entries. */
bool ring_has_used(const struct ring *r);

/* Enable an interrupt at the next used entry; disable interrupts. */
void ring_arm(struct ring *r);
void ring_disarm(struct ring *r);

#endif
