/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two layouts of a virtqueue, as ring.c uses them. Each function runs in a section and may run
 * again: it changes no state before it is sure to succeed, and returns -EAGAIN with ring->fault
 * filled in when it missed a page.
 */
#ifndef _MVSOCK_RING_LAYOUT_H
#define _MVSOCK_RING_LAYOUT_H

#include <asm/byteorder.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_ring.h>

#include <mvsock/ring.h>

/* A descriptor in the CPU's byte order; @next is meaningless in a packed ring. */
struct mvs_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

/* split.c */
int mvs_split_start(struct mvs_ring *ring);
int mvs_split_pop(struct mvs_ring *ring, struct mvs_chain *chain);
int mvs_split_push(struct mvs_ring *ring, u16 id, u32 len);
int mvs_split_publish(struct mvs_ring *ring);
int mvs_split_need_signal(struct mvs_ring *ring);
int mvs_split_write_notify(struct mvs_ring *ring);
int mvs_split_has_avail(struct mvs_ring *ring);

/* packed.c */
int mvs_packed_start(struct mvs_ring *ring);
int mvs_packed_pop(struct mvs_ring *ring, struct mvs_chain *chain);
int mvs_packed_push(struct mvs_ring *ring, u16 id, u32 len);
int mvs_packed_publish(struct mvs_ring *ring);
int mvs_packed_need_signal(struct mvs_ring *ring);
int mvs_packed_write_notify(struct mvs_ring *ring);
int mvs_packed_has_avail(struct mvs_ring *ring);

/* access.c */
void *mvs_ring_map_iova(struct mvs_ring *ring, u64 addr, u32 len, bool write);
int mvs_ring_log_write(struct mvs_ring *ring, u64 addr, u32 len);

/*
 * The kernel address of @len bytes of the ring, a power of two to which @addr is aligned. NULL with
 * ring->fault filled in if they are not in the cache.
 */
static __always_inline void *mvs_ring_map(struct mvs_ring *ring, u64 addr,
					  u32 len, bool write)
{
	if (unlikely(ring->gm->iotlb))
		return mvs_ring_map_iova(ring, addr, len, write);
	return mvs_mem_map(ring->gm, addr, write, &ring->fault);
}

/* Copy @len bytes of the ring, a constant, from any address. */
static __always_inline int mvs_ring_read(struct mvs_ring *ring, u64 addr,
					 void *to, u32 len)
{
	if (unlikely(ring->gm->iotlb))
		return mvs_mem_read(ring->gm, addr, to, len, &ring->fault);
	return mvs_mem_read_uaddr(ring->gm, addr, to, len, &ring->fault);
}

/*
 * Log that @len bytes at @addr of the ring were written. If it succeeded once in a section, it does
 * not fail later in the same section.
 */
static inline int mvs_ring_log(struct mvs_ring *ring, u64 addr, u32 len)
{
	return unlikely(ring->log) ? mvs_ring_log_write(ring, addr, len) : 0;
}

static inline int mvs_ring_read16(struct mvs_ring *ring, u64 addr, __virtio16 *v)
{
	const __virtio16 *p = mvs_ring_map(ring, addr, sizeof(*p), false);

	if (unlikely(!p))
		return -EAGAIN;
	*v = READ_ONCE(*p);
	return 0;
}

static inline int mvs_ring_write16(struct mvs_ring *ring, u64 addr, __virtio16 v)
{
	__virtio16 *p = mvs_ring_map(ring, addr, sizeof(*p), true);

	if (unlikely(!p))
		return -EAGAIN;
	WRITE_ONCE(*p, v);
	return mvs_ring_log(ring, addr, sizeof(*p));
}

/* Check whether this descriptor, by itself, may refer to an indirect table. */
static inline bool mvs_indirect_ok(const struct mvs_ring *ring,
				   const struct mvs_desc *ref)
{
	u32 count = ref->len / sizeof(struct vring_desc);

	return ring->indirect && !(ref->flags & VRING_DESC_F_NEXT) && count &&
	       count <= U16_MAX + 1 &&
	       !(ref->len % sizeof(struct vring_desc));
}

#endif /* _MVSOCK_RING_LAYOUT_H */
