/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest behind an IOMMU, and its VMM. The guest's memory map then has I/O virtual addresses in
 * place of guest-physical ones, its pages are anywhere in physical memory, and a thread reads IOTLB
 * misses from the device and answers them, a page at a time.
 */
#ifndef MVS_RING_IOMMU_H
#define MVS_RING_IOMMU_H

#include <pthread.h>

#include "guest.h"

#define IOMMU_PAGE	((__u64)page_size())
#define IOMMU_GPA	0x40000000ULL	/* start of physical memory */
#define IOMMU_SPARE	256		/* frames that are not used by any page at first */
#define IOMMU_HELD	64

struct iommu;

/* Callback for IOTLB misses, with @m->lock held. */
typedef void (*iommu_answer_fn)(struct iommu *m, __u64 iova, __u8 perm);

/**
 * struct iommu - the VMM's side
 * @g: the guest
 * @v1: messages are struct vhost_msg, else struct vhost_msg_v2
 * @phys: the physical memory, one region
 * @memory: a file with its pages, of which both views are mappings
 * @npages: number of the guest's pages
 * @nframes: number of pages of physical memory
 * @frame: the frame of each page
 * @spare: the next free frame
 * @lock: protects the following fields against the thread
 * @answer: callback for misses
 * @questions: number of misses so far
 * @held: misses that iommu_hold() holds back
 * @nheld: their number
 * @hold_from: start of the range whose misses iommu_hold() holds back
 * @hold_to: its end
 */
struct iommu {
	struct guest *g;
	bool v1;
	struct mem phys;
	int memory;
	unsigned int npages;
	unsigned int nframes;
	__u32 *frame;
	unsigned int spare;

	pthread_t thread;
	int stop;

	pthread_mutex_t lock;
	iommu_answer_fn answer;
	unsigned int questions;
	struct vhost_iotlb_msg held[IOMMU_HELD];
	unsigned int nheld;
	__u64 hold_from;
	__u64 hold_to;
};

/**
 * iommu_setup() - set up a guest that does not run yet, without the thread
 * @m: the VMM's side
 * @g: the guest
 * @cfg: its configuration; @cfg->iommu must be set
 * @v1: version of messages
 *
 * The translation of the first page of each used ring is sent to the device, as VMMs do before a
 * start.
 *
 * Return: 0 or a negative errno.
 */
int iommu_setup(struct iommu *m, struct guest *g,
		const struct guest_config *cfg, bool v1);

/* Start and stop the thread that answers misses. */
int iommu_run(struct iommu *m);
void iommu_halt(struct iommu *m);

/* iommu_setup(), iommu_run(), SET_RUNNING(1), post receive buffers. */
int iommu_start(struct iommu *m, struct guest *g,
		const struct guest_config *cfg, bool v1);

/* What a VMM does when the guest resets its device: empty rings. */
int iommu_restart(struct iommu *m);

/* Undo iommu_setup(); the caller stops the guest. */
void iommu_free(struct iommu *m);

/* Send the device the translation of the first page of each ring's Device Area. */
int iommu_tell_used(struct iommu *m);

/* The address of an I/O virtual address in this process, and its guest-physical address. */
void *iommu_ptr(const struct iommu *m, __u64 iova);
__u64 iommu_gpa(const struct iommu *m, __u64 iova);

/* Send messages. Returns what write() returned, or a negative errno. */
int iommu_tell(const struct iommu *m, __u64 iova, __u64 size, const void *va,
	       __u8 perm);
int iommu_invalidate(const struct iommu *m, __u64 iova, __u64 size);

/* Read a miss. 0, or a negative errno; -ENODATA if there was no message. */
int iommu_ask(const struct iommu *m, struct vhost_iotlb_msg *msg);

/* The default answer: translate the page, with all permissions. */
void iommu_answer(struct iommu *m, __u64 iova, __u8 perm);

/* Set the callback for misses from now on. */
void iommu_answer_by(struct iommu *m, iommu_answer_fn answer);
unsigned int iommu_questions(struct iommu *m);

/* Hold back misses of a range; wait until there is one; answer all that were held back. */
void iommu_hold(struct iommu *m, __u64 from, __u64 to);
bool iommu_wait_held(struct iommu *m, int timeout);
void iommu_release(struct iommu *m);

/* Answer new misses, but none of those that were held back. */
void iommu_forget(struct iommu *m);

/**
 * iommu_move() - move a page to another frame
 * @m: the VMM's side
 * @iova: anywhere in the page
 *
 * The device is told that the translation is invalid, the page's content is copied, and the old
 * frame is filled with bytes that must not be read or changed any more.
 *
 * Return: the old frame's address in this process.
 */
void *iommu_move(struct iommu *m, __u64 iova);

/* Check that these bytes are as iommu_move() left them. */
bool iommu_untouched(const void *page);

#endif
