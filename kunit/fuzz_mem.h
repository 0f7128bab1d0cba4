/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory for the fuzz suite: that of guest.h, with more regions over it, and with a shadow
 * that has the expected value of each byte. The driver's writes go to both, the expected writes of
 * the device to the shadow alone.
 *
 *	guest-physical		VMM-virtual
 *	pages 5 - 6		GUEST_LOW	overlaps: page 5 is GUEST_HIGH's
 *						still
 *	4 GiB - 12 GiB		-		no pages
 *	the last page there is	GUEST_HIGH + PAGE_SIZE
 */
#ifndef _MVSOCK_KUNIT_FUZZ_MEM_H
#define _MVSOCK_KUNIT_FUZZ_MEM_H

#include "guest.h"

/* Contiguous readable and writable memory, from address 0 on. */
#define FUZZ_FLAT_END	(7 * (u32)PAGE_SIZE)
#define FUZZ_BIG	SZ_4G
#define FUZZ_TOP	(U64_MAX - PAGE_SIZE + 1)

/**
 * struct fuzz_region - guest-physical memory
 * @first: its first address
 * @last: its last address
 * @uaddr: its VMM-virtual start
 * @read: the device may read it
 * @write: the device may write it
 */
struct fuzz_region {
	u64 first;
	u64 last;
	u64 uaddr;
	bool read;
	bool write;
};

/**
 * struct fuzz_mem - guest memory and its expected content
 * @guest: the memory
 * @shadow: the expected content, page by page as in @guest
 * @cached: the page is in the cache
 * @writable: it is there for writing
 * @watch: VMM-virtual address of a byte to watch
 * @watched: how often fuzz_mem_get() has read that byte
 */
struct fuzz_mem {
	struct guest *guest;
	u8 *shadow;
	bool cached[GUEST_PAGES];
	bool writable[GUEST_PAGES];
	u64 watch;
	u32 watched;
};

/* Reproducible random numbers: the state is the seed. */
u64 fuzz_random(u64 *rnd);

/* A number from 0 to @n - 1. */
static inline u32 fuzz_below(u64 *rnd, u32 n)
{
	return (fuzz_random(rnd) >> 32) * n >> 32;
}

/* True once in @n times, on average. */
static inline bool fuzz_once_in(u64 *rnd, u32 n)
{
	return !fuzz_below(rnd, n);
}

void fuzz_mem_init(struct kunit *test, struct fuzz_mem *mem);
void fuzz_mem_reset(struct fuzz_mem *mem, u64 *rnd);
void fuzz_mem_lose(struct fuzz_mem *mem, unsigned int page, bool to_write_only);
u64 fuzz_mem_difference(const struct fuzz_mem *mem);

const struct fuzz_region *fuzz_region_of(u64 gpa);
bool fuzz_uaddr_ok(u64 uaddr, u32 len, bool write);

bool fuzz_mem_reached(const struct fuzz_mem *mem, u64 uaddr, u32 len,
		      bool write);
void fuzz_mem_get(struct fuzz_mem *mem, u64 uaddr, void *to, u32 len);
void fuzz_mem_put(struct fuzz_mem *mem, u64 uaddr, const void *from, u32 len);
void fuzz_mem_put_gpa(struct fuzz_mem *mem, u64 gpa, const void *from, u32 len);
void fuzz_mem_expect(struct fuzz_mem *mem, u64 uaddr, const void *from,
		     u32 len);
u8 *fuzz_mem_byte(struct fuzz_mem *mem, u64 uaddr);

#endif /* _MVSOCK_KUNIT_FUZZ_MEM_H */
