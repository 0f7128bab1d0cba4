/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory: from a driver's addresses to memory that the kernel can access.
 *
 *   guest-physical --- memory table ---.
 *                                      +---> VMM-virtual --- page cache ---> kernel
 *   I/O virtual ------ IOTLB ----------'
 *
 * The memory table comes from VHOST_SET_MEM_TABLE. Behind an IOMMU the driver's addresses,
 * including those of the rings, are I/O virtual instead, and the IOTLB caches the VMM's
 * translations. The page cache has the kernel's address of each VMM-virtual page that was used. It
 * holds no references: MMU notifiers remove a page before the VMM loses it. The cache consists of
 * windows of 2 MiB of the VMM's address space, each with its own notifier, so that other mappings
 * of the VMM do not matter. A window is created when one of its pages is first used.
 *
 * Memory is accessed in sections. A pointer obtained in a section is valid until its end. A section
 * does not sleep and is short (a page of payload, and one packet's metadata), because an
 * invalidation waits for it. On a miss the section fails with -EAGAIN; the page is brought in
 * outside the section, which then starts over. mvs_mem_section() does all of this.
 *
 * The VMM can delay a page for any time: a userfaultfd may have to provide its content. Only the
 * device's worker, and the VMM's ioctls, wait for that, without locks that a program may need; all
 * other callers fail with -ERESTART meanwhile.
 */
#ifndef _MVSOCK_MEM_H
#define _MVSOCK_MEM_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/vhost_iotlb.h>
#include <linux/vhost_types.h>

struct vhost_memory_region;

/* Pages in a window. */
#define MVS_WINDOW_PAGES	(SZ_2M / PAGE_SIZE)

/* Number of windows that can be found without a search; a power of two. */
#define MVS_RECENT_WINDOWS	64

/*
 * If no more windows than this are empty, mvs_mem_trim() keeps them: moving memory empties them for
 * a moment.
 */
#define MVS_EMPTY_WINDOWS	16

/* Set in the address of a page that was mapped for writing. */
#define MVS_PAGE_WRITABLE	1UL

/**
 * struct mvs_window - the cached pages of 2 MiB of VMM-virtual addresses
 * @number: VMM-virtual address / 2 MiB
 * @pages: for each page its kernel address with MVS_PAGE_WRITABLE, or 0; protected by the lock of
 *	@gm
 * @cached: number of @pages in the cache; likewise
 * @users: number of tasks that bring in a page; incremented under the lock of @gm or its
 *	@windows_lock
 * @gm: the guest memory that it belongs to
 * @node: node in @gm->windows
 * @removed: entry in the list of windows that mvs_mem_trim() frees
 * @notifier: reports which of the pages the VMM unmaps; has no mm in a test
 */
struct mvs_window {
	unsigned long number;
	unsigned long *pages;
	unsigned int cached;
	atomic_t users;
	struct mvs_mem *gm;
	struct rb_node node;
	struct list_head removed;
	struct mmu_interval_notifier notifier;
};

/**
 * enum mvs_fault_kind - what a section missed
 * @MVS_FAULT_PAGE: a page of the guest
 * @MVS_FAULT_LOG: a page of the dirty log
 * @MVS_FAULT_MISS: a translation that the VMM has not provided yet
 * @MVS_FAULT_DENIED: nothing that could be brought in: a ring at an address where none is allowed
 */
enum mvs_fault_kind {
	MVS_FAULT_PAGE,
	MVS_FAULT_LOG,
	MVS_FAULT_MISS,
	MVS_FAULT_DENIED,
};

/**
 * struct mvs_mem_fault - what a section missed
 * @addr: VMM-virtual address, or the I/O virtual address of an IOTLB miss
 * @kind: the kind of what is missing
 * @write: the access was a write
 */
struct mvs_mem_fault {
	u64 addr;
	enum mvs_fault_kind kind;
	bool write;
};

/**
 * struct mvs_mem - the memory of one guest
 * @table: guest-physical ranges and the VMM-virtual addresses behind them, NULL
 *	before the first memory table. Protected by the caller: translation and
 *	replacement exclude each other (by the virtqueues' mutexes).
 * @iotlb: I/O virtual ranges, likewise, or NULL when there is no IOMMU
 * @hit: the range of @iotlb, or else of @table, that was used last, or NULL; a hint,
 *	read and written by concurrent translations
 * @logging: writes are logged, as the VMM migrates the guest. Changes as @table does, and so does
 *	@log_base.
 * @log_base: VMM-virtual address of the dirty log, with a bit for each 4 KiB of
 *	guest-physical memory
 * @mm: the VMM's address space while attached, else NULL; changes only while
 *	there are no users
 * @lock: held for reading in a section, for writing while pages are added and removed
 * @windows: all &struct mvs_window, by their numbers; added and removed under @lock and
 *	@windows_lock
 * @empty: number of windows without pages; changes under @lock, read without
 * @misses: number of pages that were brought in; changes under @lock, as does @invalidated; both
 *	are read without
 * @invalidated: number of cached pages that the VMM unmapped or moved
 * @cid: the guest's CID, for traces; set by the user
 * @windows_lock: serializes adding and removing windows
 * @deferred: pages that would have to be waited for are left to mvs_mem_bring_in(); set while there
 *	are no users
 * @wants: mvs_mem_bring_in() has to bring in @wanted; protected by @lock, as are the next three;
 *	read without, as is @absent
 * @wanted: a page that a section missed
 * @absent: the VMM does not have @failed
 * @failed: the page that mvs_mem_bring_in() last tried to bring in
 * @logged: a page that the kernel can't map was reported in the kernel log; once for each start
 * @fill_lock: held by mvs_mem_bring_in() and mvs_mem_trim(); keeps @mm and the windows valid
 * @recent: recently used windows, indexed by a hash of their numbers; a hint, read and
 *	written by concurrent sections
 */
struct mvs_mem {
	struct vhost_iotlb *table;
	struct vhost_iotlb *iotlb;
	const struct vhost_iotlb_map *hit;
	bool logging;
	u64 log_base;
	struct mm_struct *mm;
	rwlock_t lock;	/* the windows, and their pages */
	struct rb_root windows;
	unsigned int empty;
	u64 misses;
	u64 invalidated;
	u32 cid;
	struct mutex windows_lock;	/* windows that come and go */
	struct mvs_window *recent[MVS_RECENT_WINDOWS];
	bool deferred;
	bool wants;
	struct mvs_mem_fault wanted;
	bool absent;
	struct mvs_mem_fault failed;
	bool logged;
	struct mutex fill_lock;	/* @mm and the windows stay */
};

void mvs_mem_init(struct mvs_mem *gm);
void mvs_mem_destroy(struct mvs_mem *gm);
void mvs_mem_attach(struct mvs_mem *gm, struct mm_struct *mm, bool deferred);
void mvs_mem_detach(struct mvs_mem *gm);
u64 mvs_mem_untag(u64 uaddr);

struct vhost_iotlb *
mvs_mem_table_create(const struct vhost_memory_region *regions, u32 n);
bool mvs_mem_table_ok(const struct vhost_iotlb *table);
void mvs_mem_set_table(struct mvs_mem *gm, struct vhost_iotlb *table);
struct vhost_iotlb *mvs_mem_iotlb_create(void);
void mvs_mem_set_iotlb(struct mvs_mem *gm, struct vhost_iotlb *iotlb);
int mvs_mem_iotlb_update(struct mvs_mem *gm, u64 iova, u64 size, u64 uaddr,
			 unsigned int perm);
void mvs_mem_iotlb_invalidate(struct mvs_mem *gm, u64 iova, u64 size);

bool mvs_mem_log_ok(const struct vhost_iotlb *table, u64 log_base);
bool mvs_mem_log_range_ok(u64 log_base, u64 gpa, u64 size);
int mvs_mem_log(struct mvs_mem *gm, u64 uaddr, u32 len,
		struct mvs_mem_fault *fault);
int mvs_mem_log_gpa(struct mvs_mem *gm, u64 gpa, u32 len,
		    struct mvs_mem_fault *fault);

int mvs_mem_fault_in(struct mvs_mem *gm, const struct mvs_mem_fault *fault);
int mvs_mem_bring_in(struct mvs_mem *gm);
int mvs_mem_install(struct mvs_mem *gm, unsigned long uaddr,
		    struct page *page, bool write);
void mvs_mem_forget(struct mvs_mem *gm);
void mvs_mem_invalidate(struct mvs_mem *gm, unsigned long start,
			unsigned long end);
struct mvs_window *mvs_mem_window(const struct mvs_mem *gm,
				  unsigned long number);
struct mvs_window *mvs_mem_find_window(struct mvs_mem *gm, unsigned long uaddr);
struct mvs_window *mvs_mem_get_window(struct mvs_mem *gm, unsigned long uaddr);
void mvs_mem_put_window(struct mvs_window *window);
void mvs_mem_trim(struct mvs_mem *gm);
void mvs_mem_store(struct mvs_window *window, const struct mvs_mem_fault *fault,
		   struct page *page, unsigned long seq);

/**
 * mvs_mem_begin - begin a section
 * @gm: guest memory
 *
 * Context: any but interrupts. No sleeping until mvs_mem_end().
 */
static inline void mvs_mem_begin(struct mvs_mem *gm)
	__acquires(&gm->lock)
{
	read_lock(&gm->lock);
}

/**
 * mvs_mem_try_begin - begin a section inside one of another guest's memory
 * @gm: guest memory
 *
 * Context: as for mvs_mem_begin().
 * Return: false if it would have to wait.
 */
#define mvs_mem_try_begin(gm)	read_trylock(&(gm)->lock)

/**
 * mvs_mem_end - end a section; its pointers are invalid from here on
 * @gm: guest memory
 */
static inline void mvs_mem_end(struct mvs_mem *gm)
	__releases(&gm->lock)
{
	read_unlock(&gm->lock);
}

/*
 * How often a section starts over before it is given up for a while: more often than any section
 * needs pages. A page that is brought in may be taken away again at once, over and over; that does
 * not mean that the VMM does not have it.
 */
#define MVS_SECTION_TRIES	1000

/**
 * mvs_mem_section - evaluate an expression in a section
 * @gm: guest memory
 * @fault: where the expression stores the page that it missed
 * @expr: expression of type int, %-EAGAIN when it missed a page; may be evaluated more than once
 *
 * Context: process; may sleep between two sections.
 * Return: the value of @expr, the error of mvs_mem_fault_in(), or %-ERESTART when it was evaluated
 * %MVS_SECTION_TRIES times: try again later.
 */
#define mvs_mem_section(gm, fault, expr) ({				\
	struct mvs_mem *__gm = (gm);					\
	unsigned int __tries = MVS_SECTION_TRIES;			\
	int __ret;							\
									\
	do {								\
		mvs_mem_begin(__gm);					\
		__ret = (expr);						\
		mvs_mem_end(__gm);					\
		if (likely(__ret != -EAGAIN))				\
			break;						\
		__ret = --__tries ? mvs_mem_fault_in(__gm, fault) :	\
				    -ERESTART;				\
	} while (!__ret);						\
	__ret;								\
})

void *mvs_mem_map_slow(struct mvs_mem *gm, u64 uaddr, bool write,
		       struct mvs_mem_fault *fault);
const struct vhost_iotlb_map *mvs_mem_find(struct mvs_mem *gm, u64 addr);
int mvs_mem_memory_error(const void *mem);
int mvs_mem_read_pieces(struct mvs_mem *gm, u64 uaddr, void *to, u32 len,
			struct mvs_mem_fault *fault);
int mvs_mem_read_ranges(struct mvs_mem *gm, u64 addr, void *to, u32 len,
			struct mvs_mem_fault *fault);

/* The error for an address that has no translation. */
static inline int mvs_mem_miss(const struct mvs_mem *gm, u64 addr, bool write,
			       struct mvs_mem_fault *fault)
{
	if (!gm->iotlb)
		return -EFAULT;
	*fault = (struct mvs_mem_fault) {
		.addr = addr,
		.kind = MVS_FAULT_MISS,
		.write = write,
	};
	return -EAGAIN;
}

/* The slot of a window if it was used recently; otherwise it has NULL or another window. */
static inline struct mvs_window **mvs_mem_recent(struct mvs_mem *gm,
						 unsigned long number)
{
	/* Memory is often aligned to more than all the windows together, so hash the number. */
	return &gm->recent[hash_long(number, ilog2(MVS_RECENT_WINDOWS))];
}

/**
 * mvs_mem_map - map a VMM-virtual address
 * @gm: guest memory
 * @uaddr: VMM-virtual address
 * @write: for writing
 * @fault: filled in when it is not in the cache
 *
 * Context: inside a section.
 * Return: the address, valid up to the end of its page and until the end of the section; or NULL:
 * end the section, call mvs_mem_fault_in() and start over.
 */
static inline void *mvs_mem_map(struct mvs_mem *gm, u64 uaddr, bool write,
				struct mvs_mem_fault *fault)
{
	unsigned long number = uaddr / SZ_2M, page;
	const struct mvs_window *window;

	window = READ_ONCE(*mvs_mem_recent(gm, number));
	if (likely(window && window->number == number)) {
		page = window->pages[uaddr % SZ_2M / PAGE_SIZE];
		if (likely(write ? page & MVS_PAGE_WRITABLE : page))
			return (void *)(page & PAGE_MASK) +
			       offset_in_page(uaddr);
	}
	return mvs_mem_map_slow(gm, uaddr, write, fault);
}

/**
 * mvs_mem_translate - translate a driver's address to VMM-virtual
 * @gm: guest memory
 * @addr: guest-physical, or I/O virtual behind an IOMMU
 * @len: number of bytes wanted, at least 1
 * @write: for writing
 * @uaddr: set to the VMM-virtual address
 * @run: set to the number of contiguous bytes from there on, at most @len
 * @fault: the translation that is missing, on %-EAGAIN
 *
 * Context: any; the caller excludes a change of the table and of the IOTLB.
 * Return: 0; %-EFAULT when @addr is not in the guest's memory, may not be accessed
 * in this way, or @addr + @len wraps; %-EAGAIN on an IOTLB miss.
 */
static inline int mvs_mem_translate(struct mvs_mem *gm, u64 addr, u32 len,
				    bool write, u64 *uaddr, u32 *run,
				    struct mvs_mem_fault *fault)
{
	const struct vhost_iotlb_map *map = READ_ONCE(gm->hit);

	if (unlikely(addr + len - 1 < addr))
		return -EFAULT;
	if (unlikely(!map || addr < map->start || addr > map->last)) {
		map = mvs_mem_find(gm, addr);
		if (!map)
			return mvs_mem_miss(gm, addr, write, fault);
	}
	if (unlikely(!(map->perm & (write ? VHOST_MAP_WO : VHOST_MAP_RO))))
		return -EFAULT;

	*uaddr = map->addr + (addr - map->start);
	*run = min_t(u64, len, map->last - addr + 1);
	return 0;
}

/**
 * mvs_mem_read_uaddr - copy from VMM-virtual addresses
 * @gm: guest memory
 * @uaddr: VMM-virtual address of the source
 * @to: destination
 * @len: bytes, a constant; a few, as this is for metadata
 * @fault: what was missing, on %-EAGAIN
 *
 * Each byte is read once, so @to is safe from later changes.
 *
 * Context: inside a section.
 * Return: 0, %-EAGAIN, or %-EFAULT after a memory error, which only copies across pages notice.
 */
static __always_inline int mvs_mem_read_uaddr(struct mvs_mem *gm, u64 uaddr,
					      void *to, u32 len,
					      struct mvs_mem_fault *fault)
{
	const void *from;

	if (unlikely(offset_in_page(uaddr) + len > PAGE_SIZE))
		return mvs_mem_read_pieces(gm, uaddr, to, len, fault);

	from = mvs_mem_map(gm, uaddr, false, fault);
	if (unlikely(!from))
		return -EAGAIN;
	/* Where memcpy() is a call, it would cost more than the copy. */
	__builtin_memcpy(to, from, len);
	/* Only the copy is used from here on: the memory may change. */
	barrier();
	return 0;
}

/**
 * mvs_mem_read - copy from a driver's address
 * @gm: guest memory
 * @addr: source, an address for mvs_mem_translate(); may cross ranges and pages
 * @to: destination
 * @len: bytes, a constant; a few, as this is for metadata
 * @fault: what was missing, on %-EAGAIN
 *
 * Context: inside a section.
 * Return: 0, %-EAGAIN, or %-EFAULT as from mvs_mem_translate() or after a memory error.
 */
static __always_inline int mvs_mem_read(struct mvs_mem *gm, u64 addr, void *to,
					u32 len, struct mvs_mem_fault *fault)
{
	u64 uaddr;
	u32 run;
	int ret;

	ret = mvs_mem_translate(gm, addr, len, false, &uaddr, &run, fault);
	if (unlikely(ret))
		return ret;
	if (unlikely(run < len))
		return mvs_mem_read_ranges(gm, addr, to, len, fault);
	return mvs_mem_read_uaddr(gm, uaddr, to, len, fault);
}

#endif /* _MVSOCK_MEM_H */
