// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory: bringing pages of the VMM into the cache.
 *
 * The context that needs a page brings it in, unless that has to wait: for a disk, or for the VMM,
 * whose userfaultfd may have to resolve the fault. In that case the page is left to the device's
 * worker, one page at a time:
 *
 *   a section misses a page           the worker
 *   -----------------------           ----------
 *   wanted = fault, wants = true
 *   -ERESTART: wakes the worker  -->  takes @wanted, brings it in without the caller's locks,
 *                                     and serves the virtqueues again
 *   misses the same page again   <--  absent = true, if the VMM does not have it
 *   -EFAULT, absent = false
 *
 * A miss that is overwritten by another one is repeated when the worker retries its virtqueue. A
 * page that is taken away each time it was brought in does not become @wanted: the section fails
 * with -ERESTART as well, and is retried after a while.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <kunit/visibility.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include <mvsock/fault.h>
#include <mvsock/mem.h>

static unsigned int mem_gup_flags(const struct mvs_mem_fault *fault)
{
	return fault->write ? FOLL_WRITE : 0;
}

/* Log the first page that the VMM has but the kernel can't map: the guest sees only a failure. */
static void mem_warn_unmappable(struct mvs_mem *gm,
				const struct mvs_mem_fault *fault)
{
	const struct vm_area_struct *vma = vma_lookup(gm->mm, fault->addr);

	if (!vma || !(vma->vm_flags & (fault->write ? VM_WRITE : VM_READ)) ||
	    xchg(&gm->logged, true))
		return;
	pr_notice_ratelimited("CID %u: memory that the kernel can't map is refused, at 0x%llx\n",
			      READ_ONCE(gm->cid), fault->addr);
}

/* Get the VMM's page at an address, with a reference; may wait for the VMM. */
static struct page *mem_get_page(struct mvs_mem *gm,
				 const struct mvs_mem_fault *fault)
{
	struct mm_struct *mm = gm->mm;
	struct page *page;
	int locked = 1;
	long n;

	if (mmap_read_lock_killable(mm))
		return ERR_PTR(-EINTR);
	/*
	 * A tagged address would resolve to the page as well, but notifiers report addresses
	 * without the tag: the page would stay in the cache for ever.
	 */
	if (untagged_addr_remote(mm, fault->addr) != fault->addr)
		n = -EFAULT;
	else
		n = get_user_pages_remote(mm, fault->addr, 1,
					  mem_gup_flags(fault), &page, &locked);
	if (n == -EFAULT && locked)
		mem_warn_unmappable(gm, fault);
	if (locked)
		mmap_read_unlock(mm);

	if (n == 1)
		return page;
	return ERR_PTR(n == -ENOMEM || n == -EINTR ? n : -EFAULT);
}

/* mvs_mem_get_window(), if the VMM has the page. */
static struct mvs_window *mem_fault_window(struct mvs_mem *gm,
					   const struct mvs_mem_fault *fault)
{
	struct mvs_window *window = mvs_mem_find_window(gm, fault->addr);
	struct page *page;

	if (window)
		return window;
	page = mem_get_page(gm, fault);
	if (IS_ERR(page))
		return ERR_CAST(page);
	put_page(page);
	return mvs_mem_get_window(gm, fault->addr);
}

/* Returns 0, even without a page if the address space changed meanwhile. */
static int mem_fill(struct mvs_mem *gm, const struct mvs_mem_fault *fault)
{
	struct mvs_window *window = mem_fault_window(gm, fault);
	struct page *page;
	unsigned long seq;

	if (IS_ERR(window))
		return PTR_ERR(window);
	seq = mmu_interval_read_begin(&window->notifier);
	page = mem_get_page(gm, fault);
	if (!IS_ERR(page))
		mvs_mem_store(window, fault, page, seq);
	mvs_mem_put_window(window);
	return PTR_ERR_OR_ZERO(page);
}

/* mem_get_page() that does not wait for the page: returns %-ERESTART if it would have to. */
static struct page *mem_get_page_now(struct mvs_mem *gm,
				     const struct mvs_mem_fault *fault)
{
	struct mm_struct *mm = gm->mm;
	struct page *page;
	long n = -EFAULT;

	mmap_assert_locked(mm);
	if (untagged_addr_remote(mm, fault->addr) == fault->addr)
		n = get_user_pages_remote(mm, fault->addr, 1,
					  mem_gup_flags(fault) | FOLL_NOWAIT,
					  &page, NULL);
	if (n == 1)
		return page;
	if (!n)
		return ERR_PTR(-ERESTART);
	if (n == -EFAULT)
		mem_warn_unmappable(gm, fault);
	return ERR_PTR(n == -ENOMEM || n == -EINTR ? n : -EFAULT);
}

/* Number of attempts to lock the address space, about 0.1 ms apart. */
#define LOCK_TRIES	20

/*
 * The lock is usually held for a moment only, which is no reason to leave the page to the worker.
 */
static bool mem_lock_soon(struct mm_struct *mm)
{
	unsigned int tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (mmap_read_trylock(mm))
			return true;
		usleep_range(50, 100);
	}
	return false;
}

/* mem_fault_window() that does not wait for the page: returns %-ERESTART if it would have to. */
static struct mvs_window *mem_fault_window_now(struct mvs_mem *gm,
					       const struct mvs_mem_fault *fault)
{
	struct mvs_window *window = mvs_mem_find_window(gm, fault->addr);
	struct page *page;

	if (window)
		return window;
	if (!mem_lock_soon(gm->mm))
		return ERR_PTR(-ERESTART);
	page = mem_get_page_now(gm, fault);
	mmap_read_unlock(gm->mm);
	if (IS_ERR(page))
		return ERR_CAST(page);
	put_page(page);
	return mvs_mem_get_window(gm, fault->addr);
}

/* mem_fill() that does not wait for the page: returns %-ERESTART if it would have to. */
static int mem_fill_now(struct mvs_mem *gm,
			const struct mvs_mem_fault *fault)
{
	struct mvs_window *window = mem_fault_window_now(gm, fault);
	struct page *page = ERR_PTR(-ERESTART);
	unsigned long seq;

	if (IS_ERR(window))
		return PTR_ERR(window);
	if (mem_lock_soon(gm->mm)) {
		/*
		 * This may wait for the kernel's changes to the address space, but not for a page.
		 */
		seq = mmu_interval_read_begin(&window->notifier);
		page = mem_get_page_now(gm, fault);
		mmap_read_unlock(gm->mm);
		if (!IS_ERR(page))
			mvs_mem_store(window, fault, page, seq);
	}
	mvs_mem_put_window(window);
	return PTR_ERR_OR_ZERO(page);
}

static bool mem_same_page(const struct mvs_mem_fault *a,
			  const struct mvs_mem_fault *b)
{
	return a->addr >> PAGE_SHIFT == b->addr >> PAGE_SHIFT &&
	       a->write == b->write && a->kind == b->kind;
}

/*
 * Leave a page to mvs_mem_bring_in(). Returns %-ERESTART, or %-EFAULT once if bringing it in has
 * failed.
 */
static int mem_defer_fill(struct mvs_mem *gm,
			  const struct mvs_mem_fault *fault)
{
	bool absent;

	write_lock(&gm->lock);
	absent = gm->absent && mem_same_page(&gm->failed, fault);
	if (absent) {
		WRITE_ONCE(gm->absent, false);
	} else {
		gm->wanted = *fault;
		WRITE_ONCE(gm->wants, true);
	}
	write_unlock(&gm->lock);
	return absent ? -EFAULT : -ERESTART;
}

static bool mem_take_wanted(struct mvs_mem *gm, struct mvs_mem_fault *fault)
{
	bool wants;

	write_lock(&gm->lock);
	wants = gm->wants;
	WRITE_ONCE(gm->wants, false);
	*fault = gm->wanted;
	write_unlock(&gm->lock);
	return wants;
}

/* Clear @absent: the VMM has the page now, or the failure has been reported. */
static void mem_forget_absent(struct mvs_mem *gm,
			      const struct mvs_mem_fault *fault)
{
	if (!READ_ONCE(gm->absent))
		return;
	write_lock(&gm->lock);
	if (mem_same_page(&gm->failed, fault))
		WRITE_ONCE(gm->absent, false);
	write_unlock(&gm->lock);
}

/* mem_fill(), in an address space that has users. mmput() may take long, so it is deferred. */
static int mem_fill_mm(struct mvs_mem *gm, const struct mvs_mem_fault *fault)
{
	int ret;

	if (!gm->mm || !mmget_not_zero(gm->mm))
		return -EFAULT;
	ret = mem_fill(gm, fault);
	mmput_async(gm->mm);
	return ret;
}

/* The same without waiting: if it would have to wait, see mem_defer_fill(). */
static int mem_fill_mm_now(struct mvs_mem *gm,
			   const struct mvs_mem_fault *fault)
{
	int ret = -ERESTART;

	if (!gm->mm || !mmget_not_zero(gm->mm))
		return -EFAULT;
	/* A userfaultfd fails at once for an exiting task, whether that would wait or not. */
	if (!(current->flags & PF_EXITING))
		ret = mem_fill_now(gm, fault);
	mmput_async(gm->mm);
	if (ret == -ERESTART)
		return mem_defer_fill(gm, fault);
	mem_forget_absent(gm, fault);
	return ret;
}

/**
 * mvs_mem_bring_in - bring in the page that a section missed last
 * @gm: guest memory
 *
 * Sections that failed with %-ERESTART have to be retried after this. If the VMM does not have the
 * page, the next section that misses it fails with %-EFAULT.
 *
 * Context: process, the VMM's; may sleep, for as long as it takes to read a page from swap or
 * from a userfaultfd.
 * Return: 0, also if there is no page to bring in; otherwise an error of mvs_mem_fault_in().
 */
int mvs_mem_bring_in(struct mvs_mem *gm)
{
	struct mvs_mem_fault fault;
	int ret = 0;

	if (!READ_ONCE(gm->wants))
		return 0;
	mutex_lock(&gm->fill_lock);
	if (mem_take_wanted(gm, &fault)) {
		ret = fatal_signal_pending(current) ? -EINTR :
						      mem_fill_mm(gm, &fault);
		write_lock(&gm->lock);
		gm->failed = fault;
		WRITE_ONCE(gm->absent, ret == -EFAULT);
		write_unlock(&gm->lock);
	}
	mutex_unlock(&gm->fill_lock);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_bring_in);

/**
 * mvs_mem_fault_in - bring in the page that a section missed
 * @gm: guest memory
 * @fault: the miss
 *
 * Context: process, outside of sections; may sleep.
 * Return: 0 (try the section again); %-ERESTART when it is left to mvs_mem_bring_in(); %-EFAULT
 * when the VMM does not have this page, or may not write it; %-EIO when it is a page of the dirty
 * log; %-EINPROGRESS when it needs a translation that must be requested from the VMM; %-ENOMEM;
 * %-EINTR when the caller was killed.
 */
int mvs_mem_fault_in(struct mvs_mem *gm, const struct mvs_mem_fault *fault)
{
	int ret;

	if (fault->kind == MVS_FAULT_MISS)
		return -EINPROGRESS;
	if (fault->kind == MVS_FAULT_DENIED)
		return -EFAULT;
	if (fatal_signal_pending(current))
		return -EINTR;
	ret = mvs_fault_map();
	if (!ret)
		ret = gm->deferred ? mem_fill_mm_now(gm, fault) :
				     mem_fill_mm(gm, fault);
	/* The dirty log is not guest memory. */
	return ret == -EFAULT && fault->kind == MVS_FAULT_LOG ? -EIO : ret;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_fault_in);
