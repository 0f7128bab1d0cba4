/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory: from guest-physical addresses to bytes the kernel can touch.
 *
 *   guest-physical --- memory table ---> VMM-virtual --- page cache ---> kernel
 *
 * The memory table is what VHOST_SET_MEM_TABLE gave. The page cache holds, for
 * each VMM-virtual page that was used, where the kernel sees it. It takes no
 * reference on the pages: MMU notifiers tell when the VMM loses one, and the page
 * leaves the cache before that happens. The cache is made of windows, each of 2 MiB
 * of the VMM and with a notifier of its own, so that what the VMM does elsewhere
 * does not matter; a window comes when one of its pages is first used.
 *
 * Access happens in sections. A pointer got inside a section is good until its
 * end. A section does not sleep and is short (a page of payload, or one packet's
 * metadata), because an invalidation waits for it. What is not in the cache makes
 * what runs in the section fail with -EAGAIN; it is brought in outside, and the
 * section starts over. mvs_gmem_section() does all of this.
 */
#ifndef _MVSOCK_GMEM_H
#define _MVSOCK_GMEM_H

#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/vhost_iotlb.h>
#include <linux/xarray.h>

struct vhost_memory_region;

/* Pages in a window. */
#define MVS_WINDOW_PAGES	(SZ_2M / PAGE_SIZE)

/**
 * struct mvs_gmem - the memory of one guest
 * @table: guest-physical ranges and the VMM-virtual addresses behind them, NULL
 *	before the first memory table. The users' business: who translates must
 *	exclude who replaces it (the device does so by its virtqueues' mutexes).
 * @mm: the VMM's address space while attached, else NULL; changes only while
 *	there are no users
 * @lock: held for reading in a section, for writing while pages come and go
 * @windows: VMM-virtual address / 2 MiB to &struct mvs_window; they come under
 *	@windows_lock, and go when there are no users
 * @windows_lock: serializes new windows
 */
struct mvs_gmem {
	struct vhost_iotlb *table;
	struct mm_struct *mm;
	rwlock_t lock;	/* the windows' pages */
	struct xarray windows;
	struct mutex windows_lock;	/* new windows */
};

/**
 * struct mvs_gmem_fault - the page that a section did not find
 * @uaddr: VMM-virtual address
 * @write: it was to be written
 */
struct mvs_gmem_fault {
	unsigned long uaddr;
	bool write;
};

void mvs_gmem_init(struct mvs_gmem *gm);
void mvs_gmem_destroy(struct mvs_gmem *gm);
void mvs_gmem_attach(struct mvs_gmem *gm, struct mm_struct *mm);
void mvs_gmem_detach(struct mvs_gmem *gm);

struct vhost_iotlb *
mvs_gmem_table_create(const struct vhost_memory_region *regions, u32 n);
bool mvs_gmem_table_ok(const struct vhost_iotlb *table);

int mvs_gmem_fault_in(struct mvs_gmem *gm, const struct mvs_gmem_fault *fault);
int mvs_gmem_install(struct mvs_gmem *gm, unsigned long uaddr,
		     struct page *page, bool write);
void mvs_gmem_forget(struct mvs_gmem *gm);
void mvs_gmem_invalidate(struct mvs_gmem *gm, unsigned long start,
			 unsigned long end);

/**
 * mvs_gmem_begin - begin a section
 * @gm: guest memory
 *
 * Context: any but interrupts. No sleeping until mvs_gmem_end().
 */
static inline void mvs_gmem_begin(struct mvs_gmem *gm)
	__acquires(&gm->lock)
{
	read_lock(&gm->lock);
}

/**
 * mvs_gmem_end - end a section; what was mapped in it is gone
 * @gm: guest memory
 */
static inline void mvs_gmem_end(struct mvs_gmem *gm)
	__releases(&gm->lock)
{
	read_unlock(&gm->lock);
}

/*
 * How often a section may start over. It needs a few pages, each of which is there
 * after one fault unless the VMM takes it away again at once: one that goes on
 * doing so has a guest without memory.
 */
#define MVS_SECTION_TRIES	1000

/**
 * mvs_gmem_section - evaluate an expression in a section
 * @gm: guest memory
 * @fault: where the expression leaves the page that it missed
 * @expr: gives an int, %-EAGAIN for a page that was missed; may be evaluated more
 *	than once
 *
 * Context: process; may sleep between two sections.
 * Return: what @expr gives, or the error of mvs_gmem_fault_in().
 */
#define mvs_gmem_section(gm, fault, expr) ({				\
	struct mvs_gmem *__gm = (gm);					\
	unsigned int __tries = MVS_SECTION_TRIES;			\
	int __ret;							\
									\
	do {								\
		mvs_gmem_begin(__gm);					\
		__ret = (expr);						\
		mvs_gmem_end(__gm);					\
		if (likely(__ret != -EAGAIN))				\
			break;						\
		__ret = --__tries ? mvs_gmem_fault_in(__gm, fault) :	\
				    -EFAULT;				\
	} while (!__ret);						\
	__ret;								\
})

void *mvs_gmem_map(struct mvs_gmem *gm, u64 uaddr, bool write,
		   struct mvs_gmem_fault *fault);
int mvs_gmem_translate(const struct mvs_gmem *gm, u64 gpa, u32 len, bool write,
		       u64 *uaddr, u32 *run);
int mvs_gmem_read_uaddr(struct mvs_gmem *gm, u64 uaddr, void *to, u32 len,
			struct mvs_gmem_fault *fault);
int mvs_gmem_read(struct mvs_gmem *gm, u64 gpa, void *to, u32 len,
		  struct mvs_gmem_fault *fault);

#endif /* _MVSOCK_GMEM_H */
