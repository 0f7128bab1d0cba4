// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory: the memory table, sections, and the page cache against a real
 * address space.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/vhost_types.h>

#include "guest.h"

struct table_case {
	const char *name;
	u64 gpa;
	u64 size;
	u64 uaddr;
	int ret;
	bool ok;
};

static const struct table_case table_cases[] = {
	{ "a page", 0x1000, 0x1000, 0x10000, 0, true },
	{ "one byte", 0x1000, 1, 0x10000, 0, true },
	{ "the last byte there is", U64_MAX, 1, 0x10000, 0, true },
	{ "empty", 0x1000, 0, 0x10000, -EFAULT },
	{ "empty at zero", 0, 0, 0x10000, -EFAULT },
	{ "wraps in the guest", U64_MAX - 0xfff, 0x1001, 0x10000, -EFAULT },
	{ "wraps in the VMM", 0, 0x2000, ULONG_MAX - 0xfff, 0, false },
	{ "kernel addresses", 0, 0x1000, ULONG_MAX - 0xfff, 0, GUEST_ANY_UADDR_OK },
};

KUNIT_ARRAY_PARAM_DESC(table, table_cases, name);

static void table_create(struct kunit *test)
{
	const struct table_case *c = test->param_value;
	struct vhost_memory_region region = {
		.guest_phys_addr = c->gpa,
		.memory_size = c->size,
		.userspace_addr = c->uaddr,
	};
	struct vhost_iotlb *table = mvs_mem_table_create(&region, 1);

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(table), c->ret);
	if (!IS_ERR(table)) {
		KUNIT_EXPECT_EQ(test, mvs_mem_table_ok(table), c->ok);
		vhost_iotlb_free(table);
	}
}

static void table_none(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, mvs_mem_table_ok(NULL));
}

struct translate_case {
	const char *name;
	u64 gpa;
	u32 len;
	bool write;
	int ret;
	u64 uaddr;
	u32 run;
};

static const struct translate_case translate_cases[] = {
	{ "first byte", 0, 1, false, 0, GUEST_LOW, 1 },
	{ "whole region", 0, GPA_HIGH, true, 0, GUEST_LOW, GPA_HIGH },
	{ "last byte", GPA_HIGH - 1, 1, true, 0, GUEST_LOW + GPA_HIGH - 1, 1 },
	{ "into the next region", GPA_HIGH - 4, 8, true, 0,
	  GUEST_LOW + GPA_HIGH - 4, 4 },
	{ "next region", GPA_HIGH, 4, true, 0, GUEST_HIGH, 4 },
	{ "into a hole", GPA_HOLE - 4, 8, false, 0,
	  GUEST_HIGH + 2 * PAGE_SIZE - 4, 4 },
	{ "one past the end", GPA_HOLE, 1, false, -EFAULT },
	{ "from a hole into a region", GPA_RO - 4, 8, false, -EFAULT },
	{ "behind all of it", SZ_1M, 1, false, -EFAULT },
	{ "wraps", U64_MAX, 2, false, -EFAULT },
	{ "read of read-only", GPA_RO, 4, false, 0, GUEST_RO, 4 },
	{ "write to read-only", GPA_RO, 4, true, -EFAULT },
	{ "write to write-only", GPA_WO, 4, true, 0, GUEST_WO, 4 },
	{ "read of write-only", GPA_WO, 4, false, -EFAULT },
	{ "4 GiB less one", 0, U32_MAX, false, 0, GUEST_LOW, GPA_HIGH },
};

KUNIT_ARRAY_PARAM_DESC(translate, translate_cases, name);

static void translate(struct kunit *test)
{
	const struct translate_case *c = test->param_value;
	struct guest *guest = guest_create(test);
	u64 uaddr = 0;
	struct mvs_mem_fault fault;
	u32 run = 0;

	KUNIT_ASSERT_EQ(test, c->ret,
			mvs_mem_translate(&guest->gm, c->gpa, c->len, c->write,
					  &uaddr, &run, &fault));
	KUNIT_EXPECT_EQ(test, uaddr, c->uaddr);
	KUNIT_EXPECT_EQ(test, run, c->run);
}

/*
 * Where ranges overlap, the one with the lowest start is used, in whatever order they were added.
 */
static void translate_overlap(struct kunit *test)
{
	static const struct {
		u64 gpa;
		u64 uaddr;
	} steps[] = {
		{ 0x5800, 0x25800 },	/* the upper range alone */
		{ 0x4800, 0x14800 },	/* both */
		{ 0x5800, 0x25800 },
		{ 0x3800, 0x13800 },	/* the lower range alone */
		{ 0x4800, 0x14800 },
	};
	static const struct vhost_memory_region regions[] = {
		{ 0x4000, 0x2000, 0x24000 },
		{ 0x3000, 0x2000, 0x13000 },
	};
	struct vhost_iotlb *table = mvs_mem_table_create(regions, 2);
	struct mvs_mem_fault fault;
	struct mvs_mem gm;
	unsigned int i;
	u64 uaddr;
	u32 run;

	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	mvs_mem_init(&gm);
	mvs_mem_set_table(&gm, table);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		KUNIT_EXPECT_EQ(test, 0,
				mvs_mem_translate(&gm, steps[i].gpa, 1, false,
						  &uaddr, &run, &fault));
		KUNIT_EXPECT_EQ(test, uaddr, steps[i].uaddr);
	}
	mvs_mem_destroy(&gm);
}

static void translate_without_table(struct kunit *test)
{
	struct mvs_mem_fault fault;
	struct mvs_mem gm;
	u64 uaddr;
	u32 run;

	mvs_mem_init(&gm);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			mvs_mem_translate(&gm, 0, 1, false, &uaddr, &run,
					  &fault));
	mvs_mem_destroy(&gm);
}

/* Across pages, and across regions that are apart in the VMM. */
static void read_across(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct mvs_mem_fault fault;
	u64 gpa = GPA_HIGH - 100;
	u8 buf[200];
	u32 i;

	guest_fill(guest, gpa, 7, sizeof(buf));
	mvs_mem_begin(&guest->gm);
	KUNIT_EXPECT_EQ(test, 0, mvs_mem_read(&guest->gm, gpa, buf,
					      sizeof(buf), &fault));
	mvs_mem_end(&guest->gm);
	for (i = 0; i < sizeof(buf); i++)
		KUNIT_ASSERT_EQ(test, buf[i], (u8)(7 + i));
}

static void read_hole(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct mvs_mem_fault fault;
	u8 buf[8];

	mvs_mem_begin(&guest->gm);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			mvs_mem_read(&guest->gm, GPA_HOLE - 4, buf,
				     sizeof(buf), &fault));
	mvs_mem_end(&guest->gm);
}

/* A pointer to a page, or NULL and the page to bring in. */
static void *map(struct guest *guest, u64 uaddr, bool write,
		 struct mvs_mem_fault *fault)
{
	void *p;

	mvs_mem_begin(&guest->gm);
	p = mvs_mem_map(&guest->gm, uaddr, write, fault);
	mvs_mem_end(&guest->gm);
	return p;
}

static void map_miss(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct mvs_mem_fault fault = {};

	KUNIT_EXPECT_PTR_EQ(test, map(guest, GUEST_LOW + 5, true, &fault),
			    guest_uaddr(guest, GUEST_LOW + 5));

	KUNIT_EXPECT_NULL(test, map(guest, 0x7000, false, &fault));
	KUNIT_EXPECT_EQ(test, fault.addr, 0x7000);
	KUNIT_EXPECT_FALSE(test, fault.write);

	/* A page mapped for reading is replaced by another one when it is written. */
	KUNIT_EXPECT_NOT_NULL(test, map(guest, GUEST_RO, false, &fault));
	KUNIT_EXPECT_NULL(test, map(guest, GUEST_RO + 8, true, &fault));
	KUNIT_EXPECT_EQ(test, fault.addr, GUEST_RO + 8);
	KUNIT_EXPECT_TRUE(test, fault.write);
}

/* Without a VMM nothing can be brought in. */
static void fault_in_detached(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct mvs_mem_fault fault = { .addr = 0x7000 };

	KUNIT_EXPECT_EQ(test, -EFAULT, mvs_mem_fault_in(&guest->gm, &fault));
}

static void invalidate_range(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct mvs_mem_fault fault;

	mvs_mem_invalidate(&guest->gm, GUEST_LOW + PAGE_SIZE,
			   GUEST_LOW + 3 * PAGE_SIZE);
	KUNIT_EXPECT_NOT_NULL(test, map(guest, GUEST_LOW, true, &fault));
	KUNIT_EXPECT_NULL(test, map(guest, GUEST_LOW + PAGE_SIZE, true, &fault));
	KUNIT_EXPECT_NULL(test, map(guest, GUEST_LOW + 2 * PAGE_SIZE, false,
				    &fault));
	KUNIT_EXPECT_NOT_NULL(test, map(guest, GUEST_LOW + 3 * PAGE_SIZE, true,
					&fault));
}

/* "vhost: access vq metadata through kernel virtual address" was reverted for it */
static void invalidate_marks_dirty(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct page *written = virt_to_page(guest_uaddr(guest, GUEST_LOW));
	struct page *read = virt_to_page(guest_uaddr(guest, GUEST_RO));

	KUNIT_EXPECT_FALSE(test, PageDirty(written));
	mvs_mem_invalidate(&guest->gm, 0, ULONG_MAX);
	KUNIT_EXPECT_TRUE(test, PageDirty(written));
	KUNIT_EXPECT_FALSE(test, PageDirty(read));
	/* The cache holds no references. */
	KUNIT_EXPECT_EQ(test, page_count(written), 1);
}

/* Windows that start and end inside of the range, and one that does neither. */
static void invalidate_over_windows(struct kunit *test)
{
	unsigned long base = GUEST_LOW + SZ_1G, at;
	struct guest *guest = guest_create(test);
	struct mvs_mem_fault fault;

	for (at = base; at < base + SZ_8M; at += SZ_64K)
		KUNIT_ASSERT_EQ(test, 0,
				mvs_mem_install(&guest->gm, at,
						guest->page[0], false));

	mvs_mem_invalidate(&guest->gm, base + SZ_1M, base + SZ_8M - SZ_64K);
	for (at = base; at < base + SZ_8M; at += SZ_64K)
		KUNIT_ASSERT_EQ_MSG(test, !!map(guest, at, false, &fault),
				    at < base + SZ_1M ||
				    at >= base + SZ_8M - SZ_64K,
				    "at %#lx", at - base);
}

/* --- a real address space --- */

static int get(struct guest *guest, u64 uaddr, u8 *byte)
{
	struct mvs_mem_fault fault;

	return mvs_mem_section(&guest->gm, &fault,
			       mvs_mem_read_uaddr(&guest->gm, uaddr, byte, 1,
						  &fault));
}

static int put_byte(struct guest *guest, u64 uaddr, u8 byte,
		    struct mvs_mem_fault *fault)
{
	u8 *p = mvs_mem_map(&guest->gm, uaddr, true, fault);

	if (!p)
		return -EAGAIN;
	*p = byte;
	return 0;
}

static int put(struct guest *guest, u64 uaddr, u8 byte)
{
	struct mvs_mem_fault fault;

	return mvs_mem_section(&guest->gm, &fault,
			       put_byte(guest, uaddr, byte, &fault));
}

static void mm_read_write(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct guest *guest = guest_create_attached(test);
	u8 byte = 1;

	/* Read first: this maps the zero page, which must not be written. */
	KUNIT_EXPECT_EQ(test, 0, get(guest, addr, &byte));
	KUNIT_EXPECT_EQ(test, byte, 0);
	KUNIT_EXPECT_EQ(test, 0, put(guest, addr, 42));
	KUNIT_EXPECT_EQ(test, 0, get(guest, addr, &byte));
	KUNIT_EXPECT_EQ(test, byte, 42);
	KUNIT_EXPECT_EQ(test, 0, get(guest, addr + PAGE_SIZE, &byte));
	KUNIT_EXPECT_EQ(test, byte, 0);
	guest_vmm_exit();
}

static void mm_read_only(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ);
	struct guest *guest = guest_create_attached(test);
	u8 byte;

	KUNIT_EXPECT_EQ(test, 0, get(guest, addr, &byte));
	KUNIT_EXPECT_EQ(test, -EFAULT, put(guest, addr, 42));
	guest_vmm_exit();
}

static void mm_nothing_there(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ);
	struct guest *guest = guest_create_attached(test);
	u8 byte;

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EFAULT, get(guest, addr, &byte));
	KUNIT_EXPECT_EQ(test, -EFAULT, get(guest, ULONG_MAX - 1, &byte));
	guest_vmm_exit();
}

/* A page cache must not return stale data. */
static void mm_page_replaced_between_reads(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct guest *guest = guest_create_attached(test);
	struct mvs_mem_fault fault;
	u8 byte;

	KUNIT_ASSERT_EQ(test, 0, put(guest, addr, 42));
	KUNIT_ASSERT_EQ(test, 0, get(guest, addr, &byte));
	KUNIT_ASSERT_EQ(test, byte, 42);
	KUNIT_ASSERT_NOT_NULL(test, map(guest, addr, true, &fault));

	/* The new mapping unmaps the old one first. */
	KUNIT_ASSERT_EQ(test, addr,
			guest_vmm_map(test, addr, PROT_READ | PROT_WRITE));
	KUNIT_EXPECT_NULL(test, map(guest, addr, false, &fault));
	KUNIT_EXPECT_EQ(test, 0, get(guest, addr, &byte));
	KUNIT_EXPECT_EQ(test, byte, 0);
	guest_vmm_exit();
}

static void mm_unmapped_between_reads(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct guest *guest = guest_create_attached(test);
	u8 byte;

	KUNIT_ASSERT_EQ(test, 0, put(guest, addr, 42));
	KUNIT_ASSERT_EQ(test, 0, put(guest, addr + PAGE_SIZE, 43));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EFAULT, get(guest, addr, &byte));
	KUNIT_EXPECT_EQ(test, 0, get(guest, addr + PAGE_SIZE, &byte));
	KUNIT_EXPECT_EQ(test, byte, 43);
	guest_vmm_exit();
}

/* Address ranges that the VMM has unmapped keep no windows, except for a few. */
static void mm_windows_without_pages_go(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ), place;
	struct guest *guest = guest_create_attached(test);
	struct mvs_mem *gm = &guest->gm;
	unsigned int i;
	u8 byte;

	KUNIT_EXPECT_EQ(test, 0, get(guest, addr, &byte));
	place = round_down(addr, SZ_2M);
	for (i = 0; i <= MVS_EMPTY_WINDOWS; i++) {
		mvs_mem_trim(gm);
		place -= 2 * SZ_2M;
		KUNIT_ASSERT_EQ(test, place, guest_vmm_map(test, place, PROT_READ));
		KUNIT_EXPECT_EQ(test, 0, get(guest, place, &byte));
		KUNIT_EXPECT_EQ(test, 0, get(guest, place + PAGE_SIZE, &byte));
		KUNIT_EXPECT_EQ(test, 0, vm_munmap(place, PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, i, gm->empty);
		KUNIT_EXPECT_EQ(test, 0, vm_munmap(place + PAGE_SIZE, PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, -EFAULT, get(guest, place, &byte));
	}
	KUNIT_EXPECT_NOT_NULL(test, mvs_mem_window(gm, place / SZ_2M));
	mvs_mem_trim(gm);
	KUNIT_EXPECT_EQ(test, 0, gm->empty);
	KUNIT_EXPECT_NULL(test, mvs_mem_window(gm, place / SZ_2M));
	KUNIT_EXPECT_NOT_NULL(test, mvs_mem_window(gm, addr / SZ_2M));

	KUNIT_ASSERT_EQ(test, place, guest_vmm_map(test, place, PROT_READ));
	KUNIT_EXPECT_EQ(test, 0, get(guest, place, &byte));
	guest_vmm_exit();
}

/*
 * A guest must not make the host create windows: there is none for memory that the VMM does not
 * have.
 */
static void mm_no_window_for_nothing(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_NONE);
	struct guest *guest = guest_create_attached(test);
	u8 byte;

	KUNIT_EXPECT_EQ(test, -EFAULT, get(guest, addr, &byte));
	KUNIT_EXPECT_NULL(test, mvs_mem_window(&guest->gm, addr / SZ_2M));
	KUNIT_EXPECT_EQ(test, -EFAULT, get(guest, PAGE_SIZE, &byte));
	KUNIT_EXPECT_NULL(test, mvs_mem_window(&guest->gm, 0));
	guest_vmm_exit();
}

/* --- pages left to the worker --- */

/* A page that was never used, one that was only read, and one that the VMM does not have. */
static void mm_deferred_nothing_to_wait_for(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	unsigned long none = guest_vmm_map(test, 0, PROT_NONE);
	struct guest *guest = guest_create_attached(test);
	u8 byte = 1;

	guest->gm.deferred = true;
	KUNIT_EXPECT_EQ(test, 0, get(guest, addr, &byte));
	KUNIT_EXPECT_EQ(test, byte, 0);
	KUNIT_EXPECT_EQ(test, 0, put(guest, addr, 42));
	KUNIT_EXPECT_EQ(test, -EFAULT, get(guest, none, &byte));
	KUNIT_EXPECT_FALSE(test, guest->gm.wants);
	KUNIT_EXPECT_EQ(test, 0, mvs_mem_bring_in(&guest->gm));
	guest_vmm_exit();
}

/* While the address space changes, only the worker brings pages in. */
static void mm_deferred(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct guest *guest = guest_create_attached(test);
	u8 byte = 1;

	guest->gm.deferred = true;
	mmap_write_lock(current->mm);
	KUNIT_EXPECT_EQ(test, -ERESTART, get(guest, addr, &byte));
	mmap_write_unlock(current->mm);
	KUNIT_EXPECT_TRUE(test, guest->gm.wants);
	KUNIT_EXPECT_EQ(test, 0, mvs_mem_bring_in(&guest->gm));
	KUNIT_EXPECT_FALSE(test, guest->gm.wants);
	mmap_write_lock(current->mm);
	KUNIT_EXPECT_EQ(test, 0, get(guest, addr, &byte));
	mmap_write_unlock(current->mm);
	guest_vmm_exit();
}

/* Returns the error of a miss that would have to wait. */
static int miss(struct guest *guest, const struct mvs_mem_fault *fault)
{
	int ret;

	mmap_write_lock(current->mm);
	ret = mvs_mem_fault_in(&guest->gm, fault);
	mmap_write_unlock(current->mm);
	return ret;
}

/* The error is reported once: the VMM may map the page later. */
static void mm_deferred_nothing_there(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_NONE);
	struct guest *guest = guest_create_attached(test);
	struct mvs_mem_fault fault = { .addr = addr };
	struct mvs_mem_fault other = { .addr = addr + PAGE_SIZE };
	struct mvs_mem_fault write = { .addr = addr, .write = true };
	int i;

	guest->gm.deferred = true;
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, -ERESTART, miss(guest, &fault));
		KUNIT_EXPECT_EQ(test, -EFAULT, mvs_mem_bring_in(&guest->gm));
		KUNIT_EXPECT_EQ(test, -ERESTART, miss(guest, &other));
		KUNIT_EXPECT_EQ(test, -ERESTART, miss(guest, &write));
		KUNIT_EXPECT_EQ(test, -EFAULT, miss(guest, &fault));
	}
	KUNIT_EXPECT_NULL(test, mvs_mem_window(&guest->gm, addr / SZ_2M));
	guest_vmm_exit();
}

/* The VMM has the page, but it is taken away each time that it was brought in. */
static void mm_page_goes_each_time(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct guest *guest = guest_create_attached(test);
	struct mvs_mem_fault fault = { .addr = addr };
	unsigned int tries = 0;

	KUNIT_EXPECT_EQ(test, -ERESTART,
			mvs_mem_section(&guest->gm, &fault,
					(tries++, -EAGAIN)));
	KUNIT_EXPECT_EQ(test, tries, MVS_SECTION_TRIES);
	guest_vmm_exit();
}

static void mm_deferred_log(struct kunit *test)
{
	struct mvs_mem_fault fault = { .kind = MVS_FAULT_LOG, .write = true };
	struct guest *guest;

	fault.addr = guest_vmm_map(test, 0, PROT_NONE);
	guest = guest_create_attached(test);
	guest->gm.deferred = true;
	KUNIT_EXPECT_EQ(test, -EIO, mvs_mem_fault_in(&guest->gm, &fault));
	KUNIT_EXPECT_EQ(test, -ERESTART, miss(guest, &fault));
	KUNIT_EXPECT_EQ(test, -EFAULT, mvs_mem_bring_in(&guest->gm));
	KUNIT_EXPECT_EQ(test, -EIO, miss(guest, &fault));
	guest_vmm_exit();
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(table_create, table_gen_params),
	KUNIT_CASE(table_none),
	KUNIT_CASE_PARAM(translate, translate_gen_params),
	KUNIT_CASE(translate_overlap),
	KUNIT_CASE(translate_without_table),
	KUNIT_CASE(read_across),
	KUNIT_CASE(read_hole),
	KUNIT_CASE(map_miss),
	KUNIT_CASE(fault_in_detached),
	KUNIT_CASE(invalidate_range),
	KUNIT_CASE(invalidate_marks_dirty),
	KUNIT_CASE(invalidate_over_windows),
	KUNIT_CASE(mm_read_write),
	KUNIT_CASE(mm_read_only),
	KUNIT_CASE(mm_nothing_there),
	KUNIT_CASE(mm_page_replaced_between_reads),
	KUNIT_CASE(mm_unmapped_between_reads),
	KUNIT_CASE(mm_windows_without_pages_go),
	KUNIT_CASE(mm_no_window_for_nothing),
	KUNIT_CASE(mm_deferred_nothing_to_wait_for),
	KUNIT_CASE(mm_deferred),
	KUNIT_CASE(mm_deferred_nothing_there),
	KUNIT_CASE(mm_page_goes_each_time),
	KUNIT_CASE(mm_deferred_log),
	{}
};

static struct kunit_suite suite = {
	.name = "mvsock_mem",
	.test_cases = cases,
};

kunit_test_suite(suite);
