// SPDX-License-Identifier: GPL-2.0
/*
 * Kicks: available buffer notifications, by an eventfd.
 *
 * A kick wakes the worker, or a reader that sleeps in recv(): see <mvsock/lease.h>.
 */
#include <linux/file.h>
#include <linux/poll.h>

#include <mvsock/lease.h>
#include <mvsock/virtqueue.h>
#include <mvsock/worker.h>

/* Called with the wait queue's lock held and interrupts off, so it only wakes. */
static int kick_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
		       void *key)
{
	struct mvs_kick *kick = container_of(wait, struct mvs_kick, wait);
	struct mvs_vq *vq = container_of(kick, struct mvs_vq, kick);

	if (key_to_poll(key) & EPOLLIN) {
		mvs_count(&kick->count, 1);
		if (!mvs_lease_kick(&vq->lease))
			mvs_worker_queue(kick->worker, kick->vq);
	}
	return 0;
}

static void kick_listen(struct file *file, wait_queue_head_t *wqh,
			poll_table *table)
{
	struct mvs_kick *kick = container_of(table, struct mvs_kick, table);

	kick->wqh = wqh;
	add_wait_queue(wqh, &kick->wait);
}

/**
 * mvs_kick_init - set up a kick that has no eventfd
 * @kick: the kick
 * @vq: index of the virtqueue that it is for
 */
void mvs_kick_init(struct mvs_kick *kick, unsigned int vq)
{
	kick->file = NULL;
	kick->wqh = NULL;
	kick->worker = NULL;
	kick->vq = vq;
	init_waitqueue_func_entry(&kick->wait, kick_wakeup);
	init_poll_funcptr(&kick->table, kick_listen);
}

/**
 * mvs_kick_start - listen to the eventfd, if there is one
 * @kick: the kick, which may listen already
 * @worker: the worker to wake; also woken at once, for kicks that came earlier
 *
 * Context: process, with the device's mutex held.
 */
void mvs_kick_start(struct mvs_kick *kick, struct mvs_worker *worker)
{
	kick->worker = worker;
	if (kick->file && !kick->wqh)
		vfs_poll(kick->file, &kick->table);
	mvs_worker_queue(worker, kick->vq);
}

/**
 * mvs_kick_stop - stop listening; no task is woken after this returns
 * @kick: the kick
 *
 * Context: process, with the device's mutex held.
 */
void mvs_kick_stop(struct mvs_kick *kick)
{
	if (kick->wqh)
		remove_wait_queue(kick->wqh, &kick->wait);
	kick->wqh = NULL;
}
