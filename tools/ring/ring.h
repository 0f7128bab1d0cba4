/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's side of a split virtqueue in this process's memory.
 *
 * Which descriptors are free, and which chain a head stands for, is kept
 * outside of the ring, so that a chain's descriptors may hold anything.
 */
#ifndef MVS_RING_RING_H
#define MVS_RING_RING_H

#include <linux/virtio_ring.h>

#include "util.h"

/* One descriptor's worth of a buffer. */
struct seg {
	__u64 addr;
	__u32 len;
	bool write;	/* the device writes it */
};

struct ring {
	unsigned int num;
	bool event_idx;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;

	/* the driver's own */
	__u16 avail_idx;	/* as published with the next ring_publish() */
	__u16 kicked_idx;	/* avail_idx when the device was last looked at */
	__u16 last_used;
	unsigned int nfree;
	__u16 *free;		/* stack of free descriptors */
	__u16 *link;		/* next descriptor of the same chain */
	__u16 *count;		/* of the chain that starts here; 0: none */
	void **token;
};

/* Bytes that a ring takes, all three parts together. */
size_t ring_bytes(unsigned int num);

/**
 * ring_init() - lay an empty ring
 * @r: the ring
 * @num: its size
 * @mem: ring_bytes(@num) bytes, 16-byte aligned
 * @event_idx: VIRTIO_RING_F_EVENT_IDX was negotiated
 * @base: index that the first chain gets
 *
 * Return: 0 or -ENOMEM.
 */
int ring_init(struct ring *r, unsigned int num, void *mem, bool event_idx,
	      __u16 base);
void ring_free(struct ring *r);

/* Forget all chains in flight and start again at @base. */
void ring_reset(struct ring *r, __u16 base);

/**
 * ring_take() - take descriptors for one chain, to be filled by the caller
 * @r: the ring
 * @n: how many
 * @idx: where their indices go; the first is the head
 * @token: returned with the used entry
 *
 * Return: 0, or -ENOSPC if there are not so many.
 */
int ring_take(struct ring *r, unsigned int n, __u16 *idx, void *token);

/* Write descriptor @i, whatever sense it makes. */
void ring_set_desc(struct ring *r, __u16 i, __u64 addr, __u32 len, __u16 flags,
		   __u16 next);

/* Put @head in the available ring; the device sees it after ring_publish(). */
void ring_push(struct ring *r, __u16 head);
void ring_publish(struct ring *r);

/* Does the device want to be kicked for what was published since last asked? */
bool ring_kick_wanted(struct ring *r);

/* Take descriptors, fill them with @segs, push the chain. The head or -ENOSPC. */
int ring_add(struct ring *r, const struct seg *segs, unsigned int n,
	     void *token);

/* Same with one indirect descriptor, whose table of @n entries is @table. */
int ring_add_indirect(struct ring *r, const struct seg *segs, unsigned int n,
		      struct vring_desc *table, __u64 table_gpa, void *token);

/* Fill an indirect table. */
void ring_fill_table(struct vring_desc *table, const struct seg *segs,
		     unsigned int n);

/**
 * ring_get_used() - take the next used entry
 * @r: the ring
 * @len: where its length goes
 * @token: where the chain's token goes
 *
 * Return: the head, -EAGAIN if there is none, -EPROTO if the device returned
 * a head that is not in flight.
 */
int ring_get_used(struct ring *r, __u32 *len, void **token);

/* Are there used entries? */
bool ring_has_used(const struct ring *r);

/* Ask for an interrupt at the next used entry. */
void ring_arm(struct ring *r);

#endif
