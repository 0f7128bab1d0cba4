// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory: the dirty log, which tells a VMM that migrates its guest what the device has
 * written.
 *
 * The VMM clears a bit before it copies the page. So the device sets a bit after the write: if the
 * VMM copied the page before the write, it copies it again.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/uaccess.h>

#include <mvsock/mem.h>

/* Bytes per bit, whatever PAGE_SIZE is. */
#define MVS_LOG_PAGE	SZ_4K

/**
 * mvs_mem_log_range_ok - check the addresses of a range's dirty log
 * @log_base: VMM-virtual address of the log
 * @gpa: guest-physical address
 * @size: bytes
 *
 * Return: true when all of it is in user space.
 */
bool mvs_mem_log_range_ok(u64 log_base, u64 gpa, u64 size)
{
	u64 offset = gpa / MVS_LOG_PAGE / 8;

	if (offset > ULONG_MAX - log_base)
		return false;
	return access_ok((void __user *)(unsigned long)(log_base + offset),
			 (size + MVS_LOG_PAGE * 8 - 1) / MVS_LOG_PAGE / 8);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_log_range_ok);

/**
 * mvs_mem_log_ok - check the addresses of a guest's dirty log
 * @table: memory table, or NULL
 * @log_base: VMM-virtual address of the log
 *
 * Return: true when there is a table and all of its log is in user space.
 */
bool mvs_mem_log_ok(const struct vhost_iotlb *table, u64 log_base)
{
	const struct vhost_iotlb_map *map;

	if (!table)
		return false;
	list_for_each_entry(map, &table->list, link)
		if (!mvs_mem_log_range_ok(log_base, map->start, map->size))
			return false;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_log_ok);

/**
 * mvs_mem_log_gpa - log that guest-physical memory was written
 * @gm: guest memory that is logged
 * @gpa: guest-physical address
 * @len: bytes, not 0; a page or a few
 * @fault: the page of the log that is missing, on %-EAGAIN
 *
 * Context: inside the section that wrote it.
 * Return: 0 or %-EAGAIN.
 */
int mvs_mem_log_gpa(struct mvs_mem *gm, u64 gpa, u32 len,
		    struct mvs_mem_fault *fault)
{
	u64 page = gpa / MVS_LOG_PAGE, last = (gpa + len - 1) / MVS_LOG_PAGE;

	/*
	 * Order the data before the bit. Pairs with the VMM's barrier between clearing the bit and
	 * copying.
	 */
	smp_wmb();
	for (; page <= last; page++) {
		u64 uaddr = gm->log_base + page / 8;
		void *log = mvs_mem_map(gm, uaddr, true, fault);

		if (!log) {
			fault->kind = MVS_FAULT_LOG;
			return -EAGAIN;
		}
		log -= offset_in_page(log);
		set_bit(offset_in_page(uaddr) * 8 + page % 8, log);
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_log_gpa);

/**
 * mvs_mem_log - log that guest memory was written
 * @gm: guest memory that is logged
 * @uaddr: VMM-virtual address
 * @len: bytes, not 0; a page or a few
 * @fault: the page of the log that is missing, on %-EAGAIN
 *
 * It is logged in each range that maps it, as several may map the same memory. Memory in no range
 * needs no log.
 *
 * Context: inside the section that wrote it.
 * Return: 0 or %-EAGAIN.
 */
int mvs_mem_log(struct mvs_mem *gm, u64 uaddr, u32 len,
		struct mvs_mem_fault *fault)
{
	const struct vhost_iotlb_map *map;

	list_for_each_entry(map, &gm->table->list, link) {
		u64 first = max(uaddr, map->addr);
		u64 last = min(uaddr + len - 1, map->addr + map->size - 1);
		int ret;

		if (first > last)
			continue;
		ret = mvs_mem_log_gpa(gm, map->start + (first - map->addr),
				      last - first + 1, fault);
		if (ret)
			return ret;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_log);
