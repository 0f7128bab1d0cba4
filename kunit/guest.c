// SPDX-License-Identifier: GPL-2.0
/*
 * A guest for tests.
 */
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>

#include "guest.h"

static void add_page(struct kunit *test, struct guest *guest,
		     unsigned long uaddr, bool write)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_LT(test, guest->n, GUEST_PAGES);
	guest->uaddr[guest->n] = uaddr;
	guest->page[guest->n++] = page;

	KUNIT_ASSERT_EQ(test, 0,
			mvs_mem_install(&guest->gm, uaddr, page, write));
}

static void add_region(struct kunit *test, struct guest *guest, u64 gpa,
		       u64 size, u64 uaddr, unsigned int perm)
{
	KUNIT_ASSERT_EQ(test, 0,
			vhost_iotlb_add_range(guest->gm.table, gpa,
					      gpa + size - 1, uaddr, perm));
}

static void guest_destroy(void *ctx)
{
	struct guest *guest = ctx;
	unsigned int i;

	mvs_chain_destroy(&guest->chain);
	mvs_mem_destroy(&guest->gm);
	for (i = 0; i < guest->n; i++) {
		/* The cache marked the pages dirty that it considers written. */
		ClearPageDirty(guest->page[i]);
		__free_page(guest->page[i]);
	}
}

struct guest *guest_create(struct kunit *test)
{
	struct guest *guest = kunit_kzalloc(test, sizeof(*guest), GFP_KERNEL);
	unsigned long off;

	KUNIT_ASSERT_NOT_NULL(test, guest);
	mvs_mem_init(&guest->gm);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, guest_destroy, guest));
	KUNIT_ASSERT_EQ(test, 0, mvs_chain_init(&guest->chain));

	guest->gm.table = mvs_mem_table_create(NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(guest->gm.table));
	add_region(test, guest, 0, GPA_HIGH, GUEST_LOW, VHOST_MAP_RW);
	add_region(test, guest, GPA_HIGH, 2 * PAGE_SIZE, GUEST_HIGH,
		   VHOST_MAP_RW);
	add_region(test, guest, GPA_RO, PAGE_SIZE, GUEST_RO, VHOST_MAP_RO);
	add_region(test, guest, GPA_WO, PAGE_SIZE, GUEST_WO, VHOST_MAP_WO);

	for (off = 0; off < GPA_HIGH; off += PAGE_SIZE)
		add_page(test, guest, GUEST_LOW + off, true);
	for (off = 0; off < 2 * PAGE_SIZE; off += PAGE_SIZE)
		add_page(test, guest, GUEST_HIGH + off, true);
	add_page(test, guest, GUEST_RO, false);
	add_page(test, guest, GUEST_WO, true);
	for (off = 0; off < 8 * PAGE_SIZE; off += PAGE_SIZE)
		add_page(test, guest, GUEST_RING + off, true);
	return guest;
}

/* Address of a byte for the test, whether it is in the cache or not. */
void *guest_uaddr(struct guest *guest, u64 uaddr)
{
	unsigned int i;

	for (i = 0; i < guest->n; i++)
		if (guest->uaddr[i] == (uaddr & PAGE_MASK))
			return page_address(guest->page[i]) +
			       offset_in_page(uaddr);
	return NULL;
}

/* Remove the page of an address from the cache; put it back. */
void guest_lose_page(struct guest *guest, u64 uaddr)
{
	mvs_mem_invalidate(&guest->gm, uaddr, uaddr + 1);
}

void guest_find_page(struct kunit *test, struct guest *guest, u64 uaddr)
{
	struct page *page = virt_to_page(guest_uaddr(guest, uaddr));

	KUNIT_ASSERT_EQ(test, 0, mvs_mem_install(&guest->gm, uaddr, page, true));
}

void *guest_gpa(struct guest *guest, u64 gpa)
{
	const struct vhost_iotlb_map *map;

	map = vhost_iotlb_itree_first(guest->gm.table, gpa, gpa);
	return map ? guest_uaddr(guest, map->addr + gpa - map->start) : NULL;
}

/* Add a buffer to the guest's chain. */
int guest_chain_add(struct guest *guest, u64 gpa, u32 len, bool write)
{
	return mvs_chain_add(&guest->chain, &guest->gm, gpa, len, write,
			     &guest->chain.fault);
}

/* Bytes that count up from @first. */
void guest_fill(struct guest *guest, u64 gpa, u8 first, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		*(u8 *)guest_gpa(guest, gpa + i) = first + i;
}

void guest_expect(struct kunit *test, struct guest *guest, u64 gpa, u8 first,
		  u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		KUNIT_ASSERT_EQ_MSG(test, *(u8 *)guest_gpa(guest, gpa + i),
				    (u8)(first + i), "byte %u of %u", i, len);
}

/* --- a real address space --- */

/* Two pages of a program, at any address or at @addr. */
unsigned long guest_vmm_map(struct kunit *test, unsigned long addr,
			    unsigned long prot)
{
	unsigned long flags = MAP_PRIVATE | MAP_ANONYMOUS;

	addr = kunit_vm_mmap(test, NULL, addr, 2 * PAGE_SIZE, prot,
			     addr ? flags | MAP_FIXED : flags, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

/*
 * The end of the VMM. A kthread that keeps its address space until it exits does not free all of
 * it.
 */
void guest_vmm_exit(void)
{
	struct mm_struct *mm = current->mm;

	kthread_unuse_mm(mm);
	mmput(mm);
}

static void detach(void *gm)
{
	mvs_mem_detach(gm);
}

/* A guest whose VMM has what guest_vmm_map() mapped, in addition to the guest's memory. */
struct guest *guest_create_attached(struct kunit *test)
{
	struct guest *guest = guest_create(test);

	mvs_mem_attach(&guest->gm, current->mm, false);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, detach, &guest->gm));
	return guest;
}
