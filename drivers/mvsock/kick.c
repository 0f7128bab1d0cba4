// SPDX-License-Identifier: GPL-2.0
/*
 * Kicks: available buffer notifications, by an eventfd.
 *
 * A kick wakes the worker, or a reader that sleeps in recv() and takes the chains itself.
 */
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/sched/task.h>

#include <mvsock/compat.h>
#include <mvsock/device.h>

/* Interval, in ns, at which an expected task is checked. */
#define MVS_GUARD_NS	NSEC_PER_MSEC

/* Intervals that it may have waited for its CPU. */
#define MVS_GUARD_MAX	20

static void kick_start_guard(struct mvs_kick *kick)
{
	hrtimer_start(&kick->guard, ns_to_ktime(MVS_GUARD_NS),
		      HRTIMER_MODE_REL_SOFT);
}

/* Returns false if the task is not, or not any longer, expected. */
static bool kick_end_expectation(struct mvs_kick *kick,
				 struct task_struct *task)
{
	if (cmpxchg(&kick->expected, task, NULL) != task)
		return false;
	put_task_struct(task);
	return true;
}

/* Wait for the task once more, MVS_GUARD_MAX times at most, if it only waits for its CPU. */
static bool kick_wait_longer(struct mvs_kick *kick,
			     struct task_struct *expected)
{
	u32 waits = READ_ONCE(kick->waits);

	if (waits == MVS_GUARD_MAX || !mvs_task_waits_for_cpu(expected))
		return false;
	WRITE_ONCE(kick->waits, waits + 1);
	return true;
}

/*
 * In softirq: if nothing has happened since the last expiry, the worker looks in place of
 * the task that did not, and the timer stops.
 */
static enum hrtimer_restart kick_guard_expired(struct hrtimer *timer)
{
	struct mvs_kick *kick = container_of(timer, struct mvs_kick, guard);
	struct mvs_vq *vq = container_of(kick, struct mvs_vq, kick);
	struct task_struct *expected;

	/*
	 * The timer has stopped before the check. Pairs with the cmpxchg() in
	 * kick_expect().
	 */
	smp_mb();
	/* RCU keeps the task, if it comes meanwhile and puts the reference. */
	rcu_read_lock();
	expected = READ_ONCE(kick->expected);
	if (!READ_ONCE(kick->quiet) ||
	    (expected && kick_wait_longer(kick, expected))) {
		WRITE_ONCE(kick->quiet, true);
		kick_start_guard(kick);
	} else if (expected && kick_end_expectation(kick, expected)) {
		WRITE_ONCE(kick->let_down, true);
		WRITE_ONCE(kick->readers, NULL);
		mvs_device_wake(vq->device, vq->index);
	}
	rcu_read_unlock();
	return HRTIMER_NORESTART;
}

/* Returns false, without effect, if another task is expected already. */
static bool kick_expect(struct mvs_kick *kick, struct task_struct *task)
{
	WRITE_ONCE(kick->quiet, false);
	WRITE_ONCE(kick->waits, 0);
	get_task_struct(task);
	/* Before the timer is checked. Pairs with the barrier in kick_guard_expired(). */
	if (cmpxchg(&kick->expected, NULL, task)) {
		put_task_struct(task);
		return false;
	}
	if (!hrtimer_is_queued(&kick->guard))
		kick_start_guard(kick);
	return true;
}

/*
 * Wake the first task in recv()'s wait loop, by its wait function: of a connected socket's
 * waiters no others have it. Returns false if there is none, or it is awake already.
 */
static bool kick_wake_first(struct mvs_kick *kick, wait_queue_head_t *readers)
{
	wait_queue_entry_t *wait;

	lockdep_assert_held(&readers->lock);
	list_for_each_entry(wait, &readers->head, entry) {
		if (wait->func != autoremove_wake_function)
			continue;
		if (!kick_expect(kick, wait->private))
			return true;
		return wait->func(wait, TASK_INTERRUPTIBLE, 0, NULL) ||
		       !kick_end_expectation(kick, wait->private);
	}
	return false;
}

/*
 * AIO may signal an eventfd under the lock of a socket's wait queue, so this must not wait for
 * that lock under the eventfd's.
 */
static bool kick_try_wake_first(struct mvs_kick *kick,
				wait_queue_head_t *readers)
{
	bool woken;

	if (!spin_trylock(&readers->lock))
		return false;
	woken = kick_wake_first(kick, readers);
	spin_unlock(&readers->lock);
	return woken;
}

/* Returns true if a reader looks in place of the worker. */
static bool kick_wake_reader(struct mvs_kick *kick)
{
	wait_queue_head_t *readers;
	bool woken = false;

	if (READ_ONCE(kick->expected))
		return true;
	if (!READ_ONCE(kick->readers))
		return false;
	/* RCU keeps the queue, if its socket is closed meanwhile. */
	rcu_read_lock();
	readers = xchg(&kick->readers, NULL);
	if (readers)
		woken = kick_try_wake_first(kick, readers);
	rcu_read_unlock();
	return woken;
}

/* Called under the wait queue's lock with interrupts off: only wake. */
static int kick_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
		       void *key)
{
	struct mvs_kick *kick = container_of(wait, struct mvs_kick, wait);

	if (key_to_poll(key) & EPOLLIN) {
		mvs_count(&kick->count, 1);
		if (!kick_wake_reader(kick))
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
	hrtimer_setup(&kick->guard, kick_guard_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
	init_waitqueue_func_entry(&kick->wait, kick_wakeup);
	init_poll_funcptr(&kick->table, kick_listen);
}

/**
 * mvs_kick_start - listen to the eventfd, if there is one
 * @kick: the kick, which may listen already
 * @worker: the worker to wake; it is woken at once as well, for kicks that came before
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
 * mvs_kick_stop - stop listening; no task is woken after it has returned
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

/**
 * mvs_kick_calm - drop the expected task and the reader
 * @kick: the kick, which is stopped
 *
 * Context: process, with the virtqueue's mutex held.
 */
void mvs_kick_calm(struct mvs_kick *kick)
{
	struct task_struct *expected;

	hrtimer_cancel(&kick->guard);
	WRITE_ONCE(kick->readers, NULL);
	expected = xchg(&kick->expected, NULL);
	if (expected)
		put_task_struct(expected);
}

/**
 * mvs_kick_divert - have the next kick wake a reader in place of the worker
 * @kick: the kick
 * @readers: the wait queue of a socket; mvs_kick_undivert() is called before it is freed,
 *	which is done by RCU
 *
 * A task that sleeps in recv() there is woken, and has to call mvs_kick_awaits() then. If it
 * does not, the worker is woken a little later; if there is none, at once.
 *
 * Context: process.
 */
void mvs_kick_divert(struct mvs_kick *kick, wait_queue_head_t *readers)
{
	if (READ_ONCE(kick->readers) != readers)
		WRITE_ONCE(kick->readers, readers);
}

/**
 * mvs_kick_undivert - have kicks wake the worker again
 * @kick: the kick
 *
 * Context: process.
 */
void mvs_kick_undivert(struct mvs_kick *kick)
{
	WRITE_ONCE(kick->let_down, false);
	if (READ_ONCE(kick->readers))
		WRITE_ONCE(kick->readers, NULL);
}

/**
 * mvs_kick_promise - expect the calling task to look for chains soon, without a kick
 * @kick: the kick
 *
 * As with mvs_kick_divert() the worker does it if the task does not. No effect if another task
 * is expected already: two that promise in turns would delay the look for ever.
 *
 * Context: process, with the virtqueue's mutex held; it runs.
 */
void mvs_kick_promise(struct mvs_kick *kick)
{
	if (!READ_ONCE(kick->expected))
		kick_expect(kick, current);
}

/**
 * mvs_kick_take - end the expectation of the calling task, if there is one
 * @kick: the kick
 *
 * Return: true if there was one: the caller looks for chains now, or wakes the worker.
 */
bool mvs_kick_take(struct mvs_kick *kick)
{
	if (!mvs_kick_awaits(kick))
		return false;
	WRITE_ONCE(kick->quiet, false);
	/*
	 * A full barrier: either the caller sees the chains that follow, or their kick
	 * finds no expected task.
	 */
	return kick_end_expectation(kick, current);
}
