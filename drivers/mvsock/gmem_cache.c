// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory: the cache of VMM pages, and what keeps it honest.
 *
 *   fill (may sleep)                       invalidation (by the VMM's mm)
 *   ----------------                       ------------------------------
 *   seq = mmu_interval_read_begin()
 *   get_user_pages_remote()                write_lock(gm->lock)
 *   write_lock(gm->lock)                     mmu_interval_set_seq()
 *     mmu_interval_read_retry()? again       drop the range's pages
 *     store the page                       write_unlock(gm->lock)
 *   write_unlock(gm->lock)                 ... and only now is the page unmapped
 *   put_page()
 *
 * So a page is in the cache only while the VMM has it mapped, and no section that
 * uses it is open when the VMM loses it.
 */
#include <kunit/visibility.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include <mvsock/gmem.h>

/* How many pages leave the cache before others may have the lock. */
#define MVS_INVALIDATE_BATCH	512

/* Tag of pages that were mapped for writing. */
#define MVS_PAGE_WRITABLE	1

/*
 * Pages are used through the kernel's direct map, in any order and from any
 * context, so they must all be in it.
 */
static_assert(!IS_ENABLED(CONFIG_HIGHMEM));

/*
 * Drop up to a batch of the pages from @first to @last. Returns the page number
 * to go on with, or 0 when all is done.
 *
 * A page mapped for writing is taken as written: who asked for it did write.
 * Marking it here is in time, as the VMM has it mapped still, and allowed, as the
 * VM does the same under its own spinning locks.
 */
static unsigned long drop_batch(struct mvs_gmem *gm, unsigned long first,
				unsigned long last)
{
	unsigned int n = 0;
	unsigned long index;
	void *entry;

	lockdep_assert_held_write(&gm->lock);

	xa_for_each_range(&gm->pages, index, entry, first, last) {
		if (n++ == MVS_INVALIDATE_BATCH)
			return index;
		if (xa_pointer_tag(entry) == MVS_PAGE_WRITABLE)
			set_page_dirty(virt_to_page(xa_untag_pointer(entry)));
		xa_erase(&gm->pages, index);
	}
	return 0;
}

static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct mvs_gmem *gm = container_of(notifier, struct mvs_gmem, notifier);
	unsigned long index = range->start >> PAGE_SHIFT;
	unsigned long last = (range->end - 1) >> PAGE_SHIFT;

	/*
	 * The sequence is set before the lock is first released, and stays until
	 * the invalidation ends: nothing comes back between two batches.
	 */
	do {
		write_lock(&gm->lock);
		mmu_interval_set_seq(notifier, cur_seq);
		index = drop_batch(gm, index, last);
		write_unlock(&gm->lock);
		if (index && mmu_notifier_range_blockable(range))
			cond_resched();
	} while (index);

	return true;
}

static const struct mmu_interval_notifier_ops notifier_ops = {
	.invalidate = invalidate,
};

/**
 * mvs_gmem_invalidate - forget pages
 * @gm: guest memory
 * @start: first VMM-virtual address
 * @end: the address after the last
 *
 * When it returns no section uses them any more.
 *
 * Context: process, outside of sections.
 */
void mvs_gmem_invalidate(struct mvs_gmem *gm, unsigned long start,
			 unsigned long end)
{
	unsigned long index = start >> PAGE_SHIFT;

	do {
		write_lock(&gm->lock);
		index = drop_batch(gm, index, (end - 1) >> PAGE_SHIFT);
		write_unlock(&gm->lock);
		cond_resched();
	} while (index);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_gmem_invalidate);

/**
 * mvs_gmem_attach - let pages of an address space be cached
 * @gm: guest memory, not attached
 * @mm: the VMM's address space, which the caller knows to be alive
 *
 * Context: process; may sleep; takes the mmap lock of @mm.
 * Return: 0 or what mmu_interval_notifier_insert() fails with.
 */
int mvs_gmem_attach(struct mvs_gmem *gm, struct mm_struct *mm)
{
	int ret;

	ret = mmu_interval_notifier_insert(&gm->notifier, mm, 0, ULONG_MAX,
					   &notifier_ops);
	if (!ret)
		gm->mm = mm;
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_gmem_attach);

/**
 * mvs_gmem_detach - undo mvs_gmem_attach() and forget all pages
 * @gm: guest memory, attached, without users
 *
 * Context: process; may sleep.
 */
void mvs_gmem_detach(struct mvs_gmem *gm)
{
	/*
	 * Pages go first: without the notifier nothing would say which of them
	 * the VMM still has.
	 */
	mvs_gmem_invalidate(gm, 0, ULONG_MAX);
	mmu_interval_notifier_remove(&gm->notifier);
	gm->mm = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_gmem_detach);

/**
 * mvs_gmem_install - put a page into the cache
 * @gm: guest memory
 * @uaddr: VMM-virtual address, anywhere in the page
 * @page: the page
 * @write: it may be written
 *
 * The one way in, so that tests can use memory of their own.
 *
 * Context: process, with @gm->lock held for writing and an entry reserved, if
 * it is not to fail for want of memory.
 * Return: 0 or %-ENOMEM.
 */
int mvs_gmem_install(struct mvs_gmem *gm, unsigned long uaddr,
		     struct page *page, bool write)
{
	void *entry = xa_tag_pointer(page_address(page),
				     write ? MVS_PAGE_WRITABLE : 0);

	lockdep_assert_held_write(&gm->lock);
	return xa_err(xa_store(&gm->pages, uaddr >> PAGE_SHIFT, entry,
			       GFP_ATOMIC));
}
EXPORT_SYMBOL_IF_KUNIT(mvs_gmem_install);

/* Get the page, and say whether the address space changed meanwhile. */
static int fill(struct mvs_gmem *gm, const struct mvs_gmem_fault *fault)
{
	unsigned long index = fault->uaddr >> PAGE_SHIFT;
	struct page *page;
	unsigned long seq;
	int locked = 1;
	long n;
	int ret;

	seq = mmu_interval_read_begin(&gm->notifier);

	mmap_read_lock(gm->mm);
	n = get_user_pages_remote(gm->mm, fault->uaddr, 1,
				  fault->write ? FOLL_WRITE : 0, &page,
				  &locked);
	if (locked)
		mmap_read_unlock(gm->mm);
	if (n != 1)
		return n == -ENOMEM || n == -EINTR ? n : -EFAULT;

	ret = xa_reserve(&gm->pages, index, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto put;

	write_lock(&gm->lock);
	if (mmu_interval_read_retry(&gm->notifier, seq))
		ret = -EAGAIN;
	else
		ret = mvs_gmem_install(gm, fault->uaddr, page, fault->write);
	write_unlock(&gm->lock);
	if (ret)
		xa_release(&gm->pages, index);
put:
	put_page(page);
	return ret;
}

/**
 * mvs_gmem_fault_in - bring in the page that a section missed
 * @gm: guest memory
 * @fault: what the section left
 *
 * Context: process, outside of sections; may sleep, for as long as it takes to
 * read a page from swap or from a userfaultfd.
 * Return: 0 (try the section again), %-EFAULT when the VMM does not have this
 * page or may not write it, %-ENOMEM, or %-EINTR when the caller was killed.
 */
int mvs_gmem_fault_in(struct mvs_gmem *gm, const struct mvs_gmem_fault *fault)
{
	int ret;

	if (!gm->mm || !mmget_not_zero(gm->mm))
		return -EFAULT;

	do {
		if (fatal_signal_pending(current))
			ret = -EINTR;
		else
			ret = fill(gm, fault);
	} while (ret == -EAGAIN);

	mmput(gm->mm);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_gmem_fault_in);

/**
 * mvs_gmem_map - where the kernel sees a VMM-virtual address
 * @gm: guest memory
 * @uaddr: VMM-virtual address
 * @write: it is to be written
 * @fault: filled in when it is not in the cache
 *
 * Context: inside a section.
 * Return: the address, good to the end of its page and of the section, or NULL:
 * end the section, mvs_gmem_fault_in() and start over.
 */
void *mvs_gmem_map(struct mvs_gmem *gm, u64 uaddr, bool write,
		   struct mvs_gmem_fault *fault)
{
	void *entry = xa_load(&gm->pages, uaddr >> PAGE_SHIFT);

	if (unlikely(!entry ||
		     (write && xa_pointer_tag(entry) != MVS_PAGE_WRITABLE))) {
		fault->uaddr = uaddr;
		fault->write = write;
		return NULL;
	}
	return xa_untag_pointer(entry) + offset_in_page(uaddr);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_gmem_map);
