// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory: the memory table, and reading through it and the IOTLB.
 */
#include <kunit/visibility.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <linux/vhost_types.h>

#include <mvsock/mem.h>

/**
 * mvs_mem_init - initialize guest memory without a memory table
 * @gm: guest memory
 */
void mvs_mem_init(struct mvs_mem *gm)
{
	gm->table = NULL;
	gm->iotlb = NULL;
	gm->hit = NULL;
	gm->logging = false;
	gm->log_base = 0;
	gm->mm = NULL;
	rwlock_init(&gm->lock);
	gm->windows = RB_ROOT;
	gm->empty = 0;
	gm->logged = false;
	gm->misses = 0;
	gm->invalidated = 0;
	gm->cid = 0;
	mutex_init(&gm->windows_lock);
	memset(gm->recent, 0, sizeof(gm->recent));
	gm->deferred = false;
	gm->wants = false;
	gm->absent = false;
	mutex_init(&gm->fill_lock);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_init);

/**
 * mvs_mem_destroy - undo mvs_mem_init()
 * @gm: guest memory, detached
 *
 * Context: process; no users left.
 */
void mvs_mem_destroy(struct mvs_mem *gm)
{
	WARN_ON_ONCE(gm->mm);
	mvs_mem_forget(gm);
	mvs_mem_set_table(gm, NULL);
	mvs_mem_set_iotlb(gm, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_destroy);

/**
 * mvs_mem_untag - remove the tag of a VMM-virtual address
 * @uaddr: the address
 *
 * Invalidations come without tags. An address that the VMM may not use, such as one with a tag
 * before it has enabled tagged addresses, is left as it is: access_ok() refuses it, as in vhost.
 *
 * Context: a system call of the VMM.
 * Return: the address to store.
 */
u64 mvs_mem_untag(u64 uaddr)
{
	if (!access_ok((void __user *)(unsigned long)uaddr, 1))
		return uaddr;
	return untagged_addr(uaddr);
}

/**
 * mvs_mem_table_create - create a memory table
 * @regions: the VMM's regions, copied from user space
 * @n: number of regions
 *
 * Where regions overlap, the one with the lowest guest-physical start is used. Tags in addresses
 * are removed, as MMU notifiers report addresses without them.
 *
 * Return: the table, freed with vhost_iotlb_free(). %-EFAULT when a region is empty or wraps, or
 * when memory is short (as in vhost), %-ENOMEM when not even the table could be allocated.
 */
struct vhost_iotlb *
mvs_mem_table_create(const struct vhost_memory_region *regions, u32 n)
{
	struct vhost_iotlb *table;
	u32 i;

	/* The number of ranges is not limited here: the VMM decides. */
	table = vhost_iotlb_alloc(U32_MAX, 0);
	if (!table)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < n; i++) {
		const struct vhost_memory_region *r = &regions[i];

		if (!r->memory_size ||
		    vhost_iotlb_add_range(table, r->guest_phys_addr,
					  r->guest_phys_addr + r->memory_size - 1,
					  mvs_mem_untag(r->userspace_addr),
					  VHOST_MAP_RW)) {
			vhost_iotlb_free(table);
			return ERR_PTR(-EFAULT);
		}
	}
	return table;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_table_create);

/**
 * mvs_mem_table_ok - check a memory table for a running device
 * @table: memory table, or NULL
 *
 * Return: true when there is one and all of it is in user space.
 */
bool mvs_mem_table_ok(const struct vhost_iotlb *table)
{
	const struct vhost_iotlb_map *map;

	if (!table)
		return false;

	list_for_each_entry(map, &table->list, link)
		if (map->addr > ULONG_MAX - map->size + 1 ||
		    !access_ok((void __user *)(unsigned long)map->addr,
			       map->size))
			return false;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_table_ok);

/* Replace a set of ranges, and free the old one. */
static void mem_replace_ranges(struct mvs_mem *gm, struct vhost_iotlb **ranges,
			       struct vhost_iotlb *new)
{
	gm->hit = NULL;
	swap(new, *ranges);
	vhost_iotlb_free(new);
}

/**
 * mvs_mem_set_table - replace the memory table
 * @gm: guest memory, without users
 * @table: the new one, or NULL
 *
 * Frees the old one.
 */
void mvs_mem_set_table(struct mvs_mem *gm, struct vhost_iotlb *table)
{
	mem_replace_ranges(gm, &gm->table, table);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_set_table);

/**
 * mvs_mem_set_iotlb - enable or disable translation by an IOTLB
 * @gm: guest memory, without users
 * @iotlb: an IOTLB, or NULL
 *
 * Frees the old one.
 */
void mvs_mem_set_iotlb(struct mvs_mem *gm, struct vhost_iotlb *iotlb)
{
	mem_replace_ranges(gm, &gm->iotlb, iotlb);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_set_iotlb);

/**
 * mvs_mem_find - find the range of an address
 * @gm: guest memory
 * @addr: guest-physical, or I/O virtual behind an IOMMU
 *
 * Context: any; the caller excludes a change of the table and of the IOTLB.
 * Return: the range, or NULL.
 */
const struct vhost_iotlb_map *mvs_mem_find(struct mvs_mem *gm, u64 addr)
{
	struct vhost_iotlb *ranges = gm->iotlb ?: gm->table;
	const struct vhost_iotlb_map *map;

	if (!ranges)
		return NULL;
	map = vhost_iotlb_itree_first(ranges, addr, addr);
	/* Valid as a hint only if no other range that starts lower overlaps it. */
	if (map && vhost_iotlb_itree_first(ranges, map->start,
					   map->start) == map)
		WRITE_ONCE(gm->hit, map);
	return map;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_find);

/**
 * mvs_mem_memory_error - report a memory error that a copy encountered
 * @mem: kernel address in the page that was read
 *
 * The kernel unmaps the page from the VMM.
 *
 * Context: any.
 * Return: %-EFAULT.
 */
int mvs_mem_memory_error(const void *mem)
{
	memory_failure_queue(page_to_pfn(virt_to_page(mem)), 0);
	return -EFAULT;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_memory_error);

/**
 * mvs_mem_read_pieces - mvs_mem_read_uaddr() across page boundaries
 * @gm: guest memory
 * @uaddr: VMM-virtual address of the source
 * @to: destination
 * @len: bytes
 * @fault: what was missing, on %-EAGAIN
 *
 * Context: inside a section.
 * Return: 0, %-EAGAIN, or %-EFAULT after a memory error.
 */
int mvs_mem_read_pieces(struct mvs_mem *gm, u64 uaddr, void *to, u32 len,
			struct mvs_mem_fault *fault)
{
	while (len) {
		u32 n = min_t(u32, len, PAGE_SIZE - offset_in_page(uaddr));
		const void *from = mvs_mem_map(gm, uaddr, false, fault);

		if (!from)
			return -EAGAIN;
		if (copy_mc_to_kernel(to, from, n))
			return mvs_mem_memory_error(from);
		to += n;
		uaddr += n;
		len -= n;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_read_pieces);

/**
 * mvs_mem_read_ranges - mvs_mem_read() across range boundaries
 * @gm: guest memory
 * @addr: source
 * @to: destination
 * @len: bytes
 * @fault: what was missing, on %-EAGAIN
 *
 * Context: inside a section.
 * Return: 0, %-EAGAIN, or %-EFAULT as from mvs_mem_translate() or after a
 * memory error.
 */
int mvs_mem_read_ranges(struct mvs_mem *gm, u64 addr, void *to, u32 len,
			struct mvs_mem_fault *fault)
{
	while (len) {
		u64 uaddr;
		u32 run;
		int ret;

		ret = mvs_mem_translate(gm, addr, len, false, &uaddr, &run,
					fault);
		if (ret)
			return ret;
		ret = mvs_mem_read_pieces(gm, uaddr, to, run, fault);
		if (ret)
			return ret;
		to += run;
		addr += run;
		len -= run;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_read_ranges);
