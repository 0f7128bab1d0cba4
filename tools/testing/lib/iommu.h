/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest behind an IOMMU, and the VMM that has it: what the guest's memory map calls
 * guest-physical is I/O virtual then, its pages lie anywhere in the physical
 * memory, and a thread reads from the device which translations it misses, and tells
 * them a page at a time.
 */
#ifndef MVS_RING_IOMMU_H
#define MVS_RING_IOMMU_H

#include <pthread.h>

#include "guest.h"

#define IOMMU_PAGE	4096ULL
#define IOMMU_GPA	0x40000000ULL	/* where the physical memory begins */
#define IOMMU_SPARE	256		/* frames of it that no page has at first */
#define IOMMU_HELD	64

struct iommu;

/* What the VMM does about a question, with @m->lock held. */
typedef void (*iommu_answer_fn)(struct iommu *m, __u64 iova, __u8 perm);

/**
 * struct iommu - the VMM's side
 * @g: whose it is
 * @v1: messages are struct vhost_msg, else struct vhost_msg_v2
 * @phys: the physical memory, one region
 * @memory: a file with its pages, which both views are mappings of
 * @npages: pages that the guest has
 * @nframes: pages that the physical memory has
 * @frame: which frame each page lies in
 * @spare: the next frame that is free
 * @lock: protects what follows against the thread
 * @answer: what to do about questions
 * @questions: how many there were
 * @held: those that iommu_hold() kept
 * @nheld: how many
 * @hold_from: the range whose questions iommu_hold() keeps
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
 * iommu_setup() - a guest that is set up but does not run, and no thread yet
 * @m: the VMM's side
 * @g: the guest
 * @cfg: what it shall be; @cfg->iommu must be set
 * @v1: the form of messages
 *
 * The first page of each used ring is told, as VMMs do before a start.
 *
 * Return: 0 or a negative errno.
 */
int iommu_setup(struct iommu *m, struct guest *g,
		const struct guest_config *cfg, bool v1);

/* The thread that answers. */
int iommu_run(struct iommu *m);
void iommu_halt(struct iommu *m);

/* iommu_setup(), iommu_run(), SET_RUNNING(1), receive buffers. */
int iommu_start(struct iommu *m, struct guest *g,
		const struct guest_config *cfg, bool v1);

/* What a VMM does when the guest resets its device: empty rings. */
int iommu_restart(struct iommu *m);

/* Undo iommu_setup(); the guest is its owner's to stop. */
void iommu_free(struct iommu *m);

/* Tell the device of each ring the page that its Device Area begins in. */
int iommu_tell_used(struct iommu *m);

/* Where an I/O virtual address is in this process, and guest-physical. */
void *iommu_ptr(const struct iommu *m, __u64 iova);
__u64 iommu_gpa(const struct iommu *m, __u64 iova);

/* Messages; what write() returned, or a negative errno. */
int iommu_tell(const struct iommu *m, __u64 iova, __u64 size, const void *va,
	       __u8 perm);
int iommu_invalidate(const struct iommu *m, __u64 iova, __u64 size);

/* Read a question. 0, or a negative errno; -ENODATA if there was no message. */
int iommu_ask(const struct iommu *m, struct vhost_iotlb_msg *msg);

/* The default answer: the page, with all permissions. */
void iommu_answer(struct iommu *m, __u64 iova, __u8 perm);

/* Set what is done about questions from now on. */
void iommu_answer_by(struct iommu *m, iommu_answer_fn answer);
unsigned int iommu_questions(struct iommu *m);

/* Keep questions about a range; wait until there is one; answer all that came. */
void iommu_hold(struct iommu *m, __u64 from, __u64 to);
bool iommu_wait_held(struct iommu *m, int timeout);
void iommu_release(struct iommu *m);

/* Answer those that come, but none that was kept. */
void iommu_forget(struct iommu *m);

/**
 * iommu_move() - give a page another frame
 * @m: the VMM's side
 * @iova: anywhere in the page
 *
 * The device is told that the translation is void, the page's content moves, and
 * where it was is filled with bytes that must not be read nor change any more.
 *
 * Return: where it was in this process.
 */
void *iommu_move(struct iommu *m, __u64 iova);

/* Are these bytes as iommu_move() left them? */
bool iommu_untouched(const void *page);

#endif
