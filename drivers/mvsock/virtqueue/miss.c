// SPDX-License-Identifier: GPL-2.0
/*
 * Translations for which virtqueues wait. A virtqueue has at most one miss, so no queue of misses
 * can grow.
 */
#include <linux/poll.h>
#include <linux/wait.h>

#include <mvsock/virtqueue.h>

/**
 * mvs_misses_init - set up the misses of a device
 * @misses: the misses, zeroed
 */
void mvs_misses_init(struct mvs_misses *misses)
{
	spin_lock_init(&misses->lock);
	init_waitqueue_head(&misses->wait);
}

/**
 * mvs_misses_forget - drop all pending misses
 * @misses: the misses
 *
 * Context: process.
 */
void mvs_misses_forget(struct mvs_misses *misses)
{
	unsigned int i;

	spin_lock(&misses->lock);
	for (i = 0; i < MVS_VQS; i++)
		misses->miss[i].state = MVS_MISS_NONE;
	spin_unlock(&misses->lock);
}

/**
 * mvs_misses_ask - report a miss to the VMM
 * @misses: the misses
 * @vq: index of the virtqueue that waits for it
 * @fault: the miss
 *
 * Context: process.
 */
void mvs_misses_ask(struct mvs_misses *misses, unsigned int vq,
		    const struct mvs_mem_fault *fault)
{
	spin_lock(&misses->lock);
	misses->miss[vq] = (struct mvs_miss) {
		.state = MVS_MISS_WANTED,
		.iova = fault->addr,
		.write = fault->write,
	};
	spin_unlock(&misses->lock);
	wake_up_interruptible_poll(&misses->wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * mvs_misses_take - take a miss that was not reported to the VMM yet
 * @misses: the misses
 * @vq: set to the index of the virtqueue that waits for it
 * @miss: set to the miss
 *
 * Context: process.
 * Return: true, or false if there is none.
 */
bool mvs_misses_take(struct mvs_misses *misses, unsigned int *vq,
		     struct mvs_miss *miss)
{
	unsigned int i;

	spin_lock(&misses->lock);
	for (i = 0; i < MVS_VQS; i++)
		if (misses->miss[i].state == MVS_MISS_WANTED)
			break;
	if (i < MVS_VQS) {
		misses->miss[i].state = MVS_MISS_ASKED;
		*miss = misses->miss[i];
		*vq = i;
	}
	spin_unlock(&misses->lock);
	return i < MVS_VQS;
}

/**
 * mvs_misses_untake - undo mvs_misses_take(), as the miss did not reach the VMM
 * @misses: the misses
 * @vq: index of the virtqueue that waits for it
 *
 * Context: process.
 */
void mvs_misses_untake(struct mvs_misses *misses, unsigned int vq)
{
	spin_lock(&misses->lock);
	if (misses->miss[vq].state == MVS_MISS_ASKED)
		misses->miss[vq].state = MVS_MISS_WANTED;
	spin_unlock(&misses->lock);
	/* Other readers may be waiting for it. */
	wake_up_interruptible_poll(&misses->wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * mvs_misses_pending - check for a miss that was not reported to the VMM yet
 * @misses: the misses
 *
 * Context: process.
 * Return: true if there is one.
 */
bool mvs_misses_pending(struct mvs_misses *misses)
{
	bool pending = false;
	unsigned int i;

	spin_lock(&misses->lock);
	for (i = 0; i < MVS_VQS; i++)
		pending |= misses->miss[i].state == MVS_MISS_WANTED;
	spin_unlock(&misses->lock);
	return pending;
}

/**
 * mvs_misses_answer - drop a virtqueue's miss if a translation answers it
 * @misses: the misses
 * @vq: index of the virtqueue
 * @first: first I/O virtual address of the translation
 * @last: last I/O virtual address of the translation
 *
 * Context: process.
 * Return: true if it does: the caller wakes the virtqueue.
 */
bool mvs_misses_answer(struct mvs_misses *misses, unsigned int vq, u64 first,
		       u64 last)
{
	struct mvs_miss *miss = &misses->miss[vq];
	bool found;

	spin_lock(&misses->lock);
	found = miss->state != MVS_MISS_NONE && miss->iova >= first &&
		miss->iova <= last;
	if (found)
		miss->state = MVS_MISS_NONE;
	spin_unlock(&misses->lock);
	return found;
}
