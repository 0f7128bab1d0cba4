// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory: the cache of VMM pages, and how it is kept coherent with the VMM's mappings.
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
 * So a page is in the cache only while the VMM has it mapped, and no section that uses it is open
 * when the VMM loses it.
 */
#include <kunit/visibility.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <mvsock/mem.h>
#include <mvsock/trace.h>

/*
 * Pages are accessed through the kernel's direct map, in any order and from any context, so they
 * must all be in it.
 */
static_assert(!IS_ENABLED(CONFIG_HIGHMEM));

/*
 * Drop the window's pages from @first to @last. Returns their number.
 *
 * A page mapped for writing counts as written: it was brought in for a write. It is still mapped by
 * the VMM here, so it is marked dirty in time; set_page_dirty() under a spinlock is allowed, as the
 * kernel's mm code does the same.
 */
static unsigned int mem_drop_pages(struct mvs_window *window,
				   unsigned long first, unsigned long last)
{
	unsigned long base = window->number * MVS_WINDOW_PAGES;
	unsigned long *page, *end;
	unsigned int dropped = 0;

	lockdep_assert_held_write(&window->gm->lock);

	first = max(first, base) - base;
	last = min(last - base, MVS_WINDOW_PAGES - 1);
	end = &window->pages[last];
	for (page = &window->pages[first]; page <= end; page++) {
		if (*page & MVS_PAGE_WRITABLE)
			set_page_dirty(virt_to_page((void *)*page));
		dropped += !!*page;
		*page = 0;
	}
	window->cached -= dropped;
	if (dropped && !window->cached)
		WRITE_ONCE(window->gm->empty, window->gm->empty + 1);
	return dropped;
}

static bool mem_invalidate_window(struct mmu_interval_notifier *notifier,
				  const struct mmu_notifier_range *range,
				  unsigned long cur_seq)
{
	struct mvs_window *window = container_of(notifier, struct mvs_window,
						 notifier);
	struct mvs_mem *gm = window->gm;
	unsigned int dropped;

	write_lock(&gm->lock);
	mmu_interval_set_seq(notifier, cur_seq);
	dropped = mem_drop_pages(window, range->start >> PAGE_SHIFT,
				 (range->end - 1) >> PAGE_SHIFT);
	WRITE_ONCE(gm->invalidated, gm->invalidated + dropped);
	write_unlock(&gm->lock);
	if (dropped)
		trace_mvs_cache_invalidated(READ_ONCE(gm->cid), range->start,
					    range->end, dropped);
	return true;
}

static const struct mmu_interval_notifier_ops notifier_ops = {
	.invalidate = mem_invalidate_window,
};

static int mem_cmp_window(const void *number, const struct rb_node *node)
{
	const struct mvs_window *window = rb_entry(node, struct mvs_window, node);
	unsigned long n = *(const unsigned long *)number;

	return n < window->number ? -1 : n > window->number;
}

static bool mem_less_window(struct rb_node *a, const struct rb_node *b)
{
	const struct mvs_window *window = rb_entry(a, struct mvs_window, node);

	return mem_cmp_window(&window->number, b) < 0;
}

/**
 * mvs_mem_window - find a window
 * @gm: guest memory
 * @number: VMM-virtual address / 2 MiB
 *
 * Context: inside a section, or where no windows are created or freed.
 * Return: the window, or NULL.
 */
struct mvs_window *mvs_mem_window(const struct mvs_mem *gm,
				  unsigned long number)
{
	return rb_entry_safe(rb_find(&number, &gm->windows, mem_cmp_window),
			     struct mvs_window, node);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_window);

static void mem_free_window(struct mvs_window *window)
{
	if (window->notifier.mm)
		mmu_interval_notifier_remove(&window->notifier);
	kfree(window->pages);
	kfree(window);
}

static struct mvs_window *mem_create_window(struct mvs_mem *gm,
					    unsigned long number)
{
	struct mvs_window *window;
	int ret;

	window = kzalloc(sizeof(*window), GFP_KERNEL_ACCOUNT);
	if (!window)
		return ERR_PTR(-ENOMEM);
	window->gm = gm;
	window->number = number;
	window->pages = kcalloc(MVS_WINDOW_PAGES, sizeof(*window->pages),
				GFP_KERNEL_ACCOUNT);
	if (!window->pages) {
		ret = -ENOMEM;
		goto err;
	}

	if (gm->mm) {
		ret = mmu_interval_notifier_insert(&window->notifier, gm->mm,
						   number * SZ_2M,
						   SZ_2M, &notifier_ops);
		if (ret) {
			window->notifier.mm = NULL;
			goto err;
		}
	}
	write_lock(&gm->lock);
	rb_add(&window->node, &gm->windows, mem_less_window);
	WRITE_ONCE(gm->empty, gm->empty + 1);
	write_unlock(&gm->lock);
	return window;

err:
	mem_free_window(window);
	return ERR_PTR(ret);
}

/**
 * mvs_mem_find_window - get the window that contains an address, if it exists
 * @gm: guest memory
 * @uaddr: VMM-virtual address
 *
 * Context: process, outside of sections.
 * Return: the window, until mvs_mem_put_window(); or NULL.
 */
struct mvs_window *mvs_mem_find_window(struct mvs_mem *gm, unsigned long uaddr)
{
	struct mvs_window *window;

	mvs_mem_begin(gm);
	window = mvs_mem_window(gm, uaddr / SZ_2M);
	if (window)
		atomic_inc(&window->users);
	mvs_mem_end(gm);
	return window;
}

/**
 * mvs_mem_get_window - get the window that contains an address
 * @gm: guest memory
 * @uaddr: VMM-virtual address, of a page that the VMM has: a guest must not be able to make the
 *	host create windows for other addresses
 *
 * It is created if it does not exist, charged to the VMM.
 *
 * Context: process; may sleep.
 * Return: the window, until mvs_mem_put_window(); or an ERR_PTR().
 */
struct mvs_window *mvs_mem_get_window(struct mvs_mem *gm, unsigned long uaddr)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(gm->mm), *own;
	unsigned long number = uaddr / SZ_2M;
	struct mvs_window *window;

	mutex_lock(&gm->windows_lock);
	own = set_active_memcg(memcg);
	window = mvs_mem_window(gm, number) ?: mem_create_window(gm, number);
	if (!IS_ERR(window))
		atomic_inc(&window->users);
	set_active_memcg(own);
	mutex_unlock(&gm->windows_lock);
	mem_cgroup_put(memcg);
	return window;
}

/**
 * mvs_mem_put_window - end the use of a window
 * @window: the window
 */
void mvs_mem_put_window(struct mvs_window *window)
{
	atomic_dec(&window->users);
}

/* Remove a window from the tree, unless it has pages or is about to get one. */
static bool mem_remove_empty(struct mvs_window *window)
{
	struct mvs_mem *gm = window->gm;
	struct mvs_window **recent;
	bool empty;

	write_lock(&gm->lock);
	empty = !window->cached && !atomic_read(&window->users);
	if (empty) {
		rb_erase(&window->node, &gm->windows);
		recent = mvs_mem_recent(gm, window->number);
		if (*recent == window)
			*recent = NULL;
		WRITE_ONCE(gm->empty, gm->empty - 1);
	}
	write_unlock(&gm->lock);
	return empty;
}

/**
 * mvs_mem_trim - free windows without pages, if there are many
 * @gm: guest memory
 *
 * When the VMM unmaps memory its pages leave the cache, but their windows stay. Pages that are
 * moved also leave windows empty for a moment, so a number of empty ones is tolerated.
 *
 * Context: process, the VMM's, outside of sections, without a lock that a program needs, as it
 * waits for changes to the VMM's address space.
 */
void mvs_mem_trim(struct mvs_mem *gm)
{
	struct mvs_window *window, *next;
	struct rb_node *node;
	LIST_HEAD(removed);

	if (READ_ONCE(gm->empty) <= MVS_EMPTY_WINDOWS)
		return;
	/* A stopping device frees all windows. */
	mutex_lock(&gm->fill_lock);
	mutex_lock(&gm->windows_lock);
	for (node = rb_first(&gm->windows); node;) {
		window = rb_entry(node, struct mvs_window, node);
		node = rb_next(node);
		if (mem_remove_empty(window))
			list_add(&window->removed, &removed);
		cond_resched();
	}
	mutex_unlock(&gm->windows_lock);
	list_for_each_entry_safe(window, next, &removed, removed)
		mem_free_window(window);
	mutex_unlock(&gm->fill_lock);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_trim);

/**
 * mvs_mem_invalidate - drop pages from the cache
 * @gm: guest memory
 * @start: first VMM-virtual address
 * @end: the address after the last
 *
 * After this returns, no section uses them.
 *
 * Context: process, outside of sections; may sleep.
 */
void mvs_mem_invalidate(struct mvs_mem *gm, unsigned long start,
			unsigned long end)
{
	unsigned long first = start >> PAGE_SHIFT;
	unsigned long last = (end - 1) >> PAGE_SHIFT;
	struct mvs_window *window;
	struct rb_node *node;

	mutex_lock(&gm->windows_lock);
	for (node = rb_first(&gm->windows); node; node = rb_next(node)) {
		window = rb_entry(node, struct mvs_window, node);
		if (window->number < first / MVS_WINDOW_PAGES ||
		    window->number > last / MVS_WINDOW_PAGES)
			continue;
		write_lock(&gm->lock);
		mem_drop_pages(window, first, last);
		write_unlock(&gm->lock);
	}
	mutex_unlock(&gm->windows_lock);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_invalidate);

/**
 * mvs_mem_forget - drop all pages and windows from the cache
 * @gm: guest memory, without users
 *
 * Context: process; may sleep.
 */
void mvs_mem_forget(struct mvs_mem *gm)
{
	struct mvs_window *window, *next;

	/* Pages are marked dirty while the notifiers are still registered. */
	mvs_mem_invalidate(gm, 0, ULONG_MAX);

	memset(gm->recent, 0, sizeof(gm->recent));
	rbtree_postorder_for_each_entry_safe(window, next, &gm->windows, node) {
		mem_free_window(window);
		cond_resched();
	}
	gm->windows = RB_ROOT;
	gm->empty = 0;
}

/**
 * mvs_mem_attach - enable the cache for an address space
 * @gm: guest memory; without users, or attached to it already
 * @mm: the VMM's address space, which outlives the attachment
 * @deferred: a worker calls mvs_mem_bring_in()
 */
void mvs_mem_attach(struct mvs_mem *gm, struct mm_struct *mm, bool deferred)
{
	gm->mm = mm;
	gm->deferred = deferred;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_attach);

/**
 * mvs_mem_detach - undo mvs_mem_attach() and drop all pages
 * @gm: guest memory, attached or not, without users
 *
 * Context: process; may sleep.
 */
void mvs_mem_detach(struct mvs_mem *gm)
{
	mutex_lock(&gm->fill_lock);
	mvs_mem_forget(gm);
	gm->mm = NULL;
	write_lock(&gm->lock);
	gm->wants = false;
	gm->absent = false;
	gm->logged = false;
	write_unlock(&gm->lock);
	mutex_unlock(&gm->fill_lock);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_detach);

static void mem_install_page(struct mvs_window *window, unsigned long uaddr,
			     struct page *page, bool write)
{
	unsigned long *entry = &window->pages[uaddr % SZ_2M / PAGE_SIZE];
	struct mvs_mem *gm = window->gm;

	lockdep_assert_held_write(&gm->lock);
	if (!window->cached)
		WRITE_ONCE(gm->empty, gm->empty - 1);
	window->cached += !*entry;
	*entry = (unsigned long)page_address(page) |
		 (write ? MVS_PAGE_WRITABLE : 0);
}

/**
 * mvs_mem_install - put a page that is not a VMM's into the cache
 * @gm: guest memory, not attached
 * @uaddr: VMM-virtual address, anywhere in the page
 * @page: the page, which outlives the cache
 * @write: it may be written
 *
 * For tests, which use memory of their own.
 *
 * Context: process; may sleep.
 * Return: 0 or %-ENOMEM.
 */
int mvs_mem_install(struct mvs_mem *gm, unsigned long uaddr,
		    struct page *page, bool write)
{
	struct mvs_window *window = mvs_mem_get_window(gm, uaddr);

	if (IS_ERR(window))
		return PTR_ERR(window);
	write_lock(&gm->lock);
	mem_install_page(window, uaddr, page, write);
	write_unlock(&gm->lock);
	mvs_mem_put_window(window);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_install);

/**
 * mvs_mem_store - put a page of the VMM into the cache
 * @window: its window
 * @fault: the miss
 * @page: the page, whose reference is dropped
 * @seq: of mmu_interval_read_begin(), before the page was looked up
 *
 * Nothing is stored if the address space has changed since then.
 *
 * Context: process; may sleep.
 */
void mvs_mem_store(struct mvs_window *window, const struct mvs_mem_fault *fault,
		   struct page *page, unsigned long seq)
{
	struct mvs_mem *gm = window->gm;
	bool installed;

	write_lock(&gm->lock);
	installed = !mmu_interval_read_retry(&window->notifier, seq);
	if (installed) {
		mem_install_page(window, fault->addr, page, fault->write);
		WRITE_ONCE(gm->misses, gm->misses + 1);
	}
	write_unlock(&gm->lock);
	if (installed)
		trace_mvs_cache_miss(READ_ONCE(gm->cid), fault->addr,
				     fault->write);

	/* The notifier reports when the page is unmapped; until then no reference is needed. */
	put_page(page);
}

/**
 * mvs_mem_map_slow - mvs_mem_map() for an address that is not in a recent window
 * @gm: guest memory
 * @uaddr: VMM-virtual address
 * @write: it is to be written
 * @fault: filled in when it is not in the cache
 *
 * Context: inside a section.
 * Return: as mvs_mem_map().
 */
void *mvs_mem_map_slow(struct mvs_mem *gm, u64 uaddr, bool write,
		       struct mvs_mem_fault *fault)
{
	unsigned long number = uaddr / SZ_2M, page = 0;
	struct mvs_window *window = mvs_mem_window(gm, number);

	if (window) {
		WRITE_ONCE(*mvs_mem_recent(gm, number), window);
		page = window->pages[uaddr % SZ_2M / PAGE_SIZE];
	}
	if (!page || (write && !(page & MVS_PAGE_WRITABLE))) {
		*fault = (struct mvs_mem_fault) {
			.addr = uaddr,
			.kind = MVS_FAULT_PAGE,
			.write = write,
		};
		return NULL;
	}
	return (void *)(page & PAGE_MASK) + offset_in_page(uaddr);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_map_slow);
