// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory for the fuzz suite.
 */
#include <linux/mm.h>

#include "fuzz_mem.h"

#define BIG_UADDR	0x1000000100000000UL

/* In the order of their starts: where two overlap, the first one is used. */
static const struct fuzz_region regions[] = {
	{ 0, GPA_HIGH - 1, GUEST_LOW, true, true },
	{ GPA_HIGH, GPA_HOLE - 1, GUEST_HIGH, true, true },
	{ 5 * PAGE_SIZE, FUZZ_FLAT_END - 1, GUEST_LOW, true, true },
	{ GPA_RO, GPA_WO - 1, GUEST_RO, true, false },
	{ GPA_WO, GPA_WO + PAGE_SIZE - 1, GUEST_WO, false, true },
	{ FUZZ_BIG, FUZZ_BIG + SZ_8G - 1, BIG_UADDR, true, true },
	{ FUZZ_TOP, U64_MAX, GUEST_HIGH + PAGE_SIZE, true, true },
};

/* splitmix64 */
u64 fuzz_random(u64 *rnd)
{
	u64 z = *rnd += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void add_region(struct kunit *test, struct guest *guest,
		       const struct fuzz_region *r)
{
	KUNIT_ASSERT_EQ(test, 0,
			vhost_iotlb_add_range(guest->gm.table, r->first,
					      r->last, r->uaddr, VHOST_MAP_RW));
}

void fuzz_mem_init(struct kunit *test, struct fuzz_mem *mem)
{
	mem->guest = guest_create(test);
	add_region(test, mem->guest, &regions[2]);
	add_region(test, mem->guest, &regions[5]);
	add_region(test, mem->guest, &regions[6]);
	mem->shadow = kunit_kzalloc(test, GUEST_PAGES * PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem->shadow);
	KUNIT_ASSERT_EQ(test, mem->guest->n, GUEST_PAGES);
}

static bool is_read_only(const struct fuzz_mem *mem, unsigned int page)
{
	return mem->guest->uaddr[page] == GUEST_RO;
}

static void install(struct fuzz_mem *mem, unsigned int page, bool write)
{
	/* The window exists, and nothing else can fail. */
	WARN_ON(mvs_mem_install(&mem->guest->gm, mem->guest->uaddr[page],
				mem->guest->page[page], write));
	mem->cached[page] = true;
	mem->writable[page] = write;
}

/* Make all pages present, filled with zeros or with random bytes. */
void fuzz_mem_reset(struct fuzz_mem *mem, u64 *rnd)
{
	bool zero = !fuzz_once_in(rnd, 4);
	u64 *word = (u64 *)mem->shadow;
	unsigned int i;

	for (i = 0; i < GUEST_PAGES; i++)
		if (!mem->cached[i] || mem->writable[i] == is_read_only(mem, i))
			install(mem, i, !is_read_only(mem, i));

	if (zero)
		memset(mem->shadow, 0, GUEST_PAGES * PAGE_SIZE);
	else
		for (i = 0; i < GUEST_PAGES * PAGE_SIZE / sizeof(*word); i++)
			word[i] = fuzz_random(rnd);
	for (i = 0; i < GUEST_PAGES; i++)
		memcpy(page_address(mem->guest->page[i]),
		       mem->shadow + i * PAGE_SIZE, PAGE_SIZE);
}

/* Remove a page from the cache, or make it read-only there. */
void fuzz_mem_lose(struct fuzz_mem *mem, unsigned int page, bool to_write_only)
{
	unsigned long uaddr = mem->guest->uaddr[page];

	if (to_write_only && mem->cached[page]) {
		install(mem, page, false);
		return;
	}
	mvs_mem_invalidate(&mem->guest->gm, uaddr, uaddr + PAGE_SIZE);
	mem->cached[page] = false;
}

/* The address of 8 bytes that differ from the shadow, or 0. */
u64 fuzz_mem_difference(const struct fuzz_mem *mem)
{
	unsigned int i, at;

	for (i = 0; i < GUEST_PAGES; i++) {
		u64 *real = page_address(mem->guest->page[i]);
		u64 *shadow = (u64 *)(mem->shadow + i * PAGE_SIZE);

		for (at = 0; at < PAGE_SIZE / sizeof(*real); at++)
			if (real[at] != shadow[at])
				return mem->guest->uaddr[i] +
				       at * sizeof(*real);
	}
	return 0;
}

const struct fuzz_region *fuzz_region_of(u64 gpa)
{
	const struct fuzz_region *r;

	for (r = regions; r < regions + ARRAY_SIZE(regions); r++)
		if (r->first <= gpa && gpa <= r->last)
			return r;
	return NULL;
}

/* Check whether the guest's memory table gives the device access to these bytes of the VMM. */
bool fuzz_uaddr_ok(u64 uaddr, u32 len, bool write)
{
	const struct fuzz_region *r;

	for (r = regions; r < regions + ARRAY_SIZE(regions); r++) {
		u64 off = uaddr - r->uaddr, last = r->last - r->first;

		if ((write ? r->write : r->read) && len && off <= last &&
		    len - 1 <= last - off)
			return true;
	}
	return false;
}

static int page_of(const struct fuzz_mem *mem, u64 uaddr)
{
	unsigned int i;

	for (i = 0; i < GUEST_PAGES; i++)
		if (mem->guest->uaddr[i] == (uaddr & PAGE_MASK))
			return i;
	return -1;
}

/* Number of bytes from there on in the same page, at most @len. */
static u32 in_page(u64 uaddr, u32 len)
{
	return min_t(u32, len, PAGE_SIZE - offset_in_page(uaddr));
}

/* Check whether all of these bytes are in the cache. */
bool fuzz_mem_reached(const struct fuzz_mem *mem, u64 uaddr, u32 len,
		      bool write)
{
	while (len) {
		u32 n = in_page(uaddr, len);
		int i = page_of(mem, uaddr);

		if (i < 0 || !mem->cached[i] || (write && !mem->writable[i]))
			return false;
		uaddr += n;
		len -= n;
	}
	return true;
}

/* Read as the device does. */
void fuzz_mem_get(struct fuzz_mem *mem, u64 uaddr, void *to, u32 len)
{
	if (mem->watch - uaddr < len)
		mem->watched++;
	while (len) {
		u32 n = in_page(uaddr, len);

		memcpy(to, mem->shadow + page_of(mem, uaddr) * PAGE_SIZE +
		       offset_in_page(uaddr), n);
		to += n;
		uaddr += n;
		len -= n;
	}
}

/* Record a write that is expected of the device. */
void fuzz_mem_expect(struct fuzz_mem *mem, u64 uaddr, const void *from, u32 len)
{
	while (len) {
		u32 n = in_page(uaddr, len);
		int i = page_of(mem, uaddr);

		if (i >= 0)
			memcpy(mem->shadow + i * PAGE_SIZE +
			       offset_in_page(uaddr), from, n);
		from += n;
		uaddr += n;
		len -= n;
	}
}

/* Write as the driver does. Bytes outside of its pages are dropped. */
void fuzz_mem_put(struct fuzz_mem *mem, u64 uaddr, const void *from, u32 len)
{
	fuzz_mem_expect(mem, uaddr, from, len);
	while (len) {
		u32 n = in_page(uaddr, len);
		u8 *at = fuzz_mem_byte(mem, uaddr);

		if (at)
			memcpy(at, from, n);
		from += n;
		uaddr += n;
		len -= n;
	}
}

void fuzz_mem_put_gpa(struct fuzz_mem *mem, u64 gpa, const void *from, u32 len)
{
	while (len) {
		const struct fuzz_region *r = fuzz_region_of(gpa);
		u32 n = r ? min_t(u64, len, r->last - gpa + 1) : 1;

		if (r)
			fuzz_mem_put(mem, r->uaddr + gpa - r->first, from, n);
		from += n;
		gpa += n;
		len -= n;
	}
}

/* Address of a byte for the test, or NULL. */
u8 *fuzz_mem_byte(struct fuzz_mem *mem, u64 uaddr)
{
	return guest_uaddr(mem->guest, uaddr);
}
