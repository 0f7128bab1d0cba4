// SPDX-License-Identifier: GPL-2.0
/*
 * The worker: a thread of the VMM, or a kernel thread, from VHOST_SET_OWNER on.
 */
#include <linux/bitops.h>
#include <linux/cgroup.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>
#include <uapi/linux/sched/types.h>

#include <mvsock/mem.h>
#include <mvsock/virtqueue.h>
#include <mvsock/worker.h>

/* Number of rounds with data that make a stream, and the maximum gap between two of them, in ns. */
#define MVS_STREAK_MIN		16
#define MVS_STREAK_GAP_NS	(4 * NSEC_PER_MSEC)

/* Nice level and slice stay as the VMM or an administrator has set them. */
static void worker_set_policy(int policy)
{
	const struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = policy,
		.sched_nice = task_nice(current),
		.sched_runtime = current->se.custom_slice ?
				 current->se.slice : 0,
	};

	sched_setattr_nocheck(current, &attr);
}

/*
 * A worker that preempts the driver at its kick finds one packet each time, at the cost of two
 * context switches. During a stream it is SCHED_BATCH, which does not preempt. A policy that was
 * set from outside is kept.
 */
static void worker_set_patience(struct mvs_worker *worker)
{
	bool patient = worker->streak >= MVS_STREAK_MIN;

	if (patient && !worker->patient && current->policy == SCHED_NORMAL) {
		worker_set_policy(SCHED_BATCH);
		worker->patient = true;
	} else if (!patient && worker->patient) {
		if (current->policy == SCHED_BATCH)
			worker_set_policy(SCHED_NORMAL);
		worker->patient = false;
	}
}

/* Data sent to the guest may answer a request, so this is no stream. */
static void worker_end_round(struct mvs_worker *worker)
{
	const struct mvs_vq *vqs = worker->vqs;
	u64 tx_bytes = READ_ONCE(vqs[MVS_VQ_TX].bytes);
	u64 rx_bytes = READ_ONCE(vqs[MVS_VQ_RX].bytes);
	u64 now;

	if (rx_bytes != worker->rx_bytes) {
		worker->streak = 0;
	} else if (tx_bytes != worker->tx_bytes) {
		now = ktime_get_ns();
		worker->streak = now - worker->streak_end < MVS_STREAK_GAP_NS ?
				 worker->streak + 1 : 0;
		worker->streak_end = now;
	}
	worker->tx_bytes = tx_bytes;
	worker->rx_bytes = rx_bytes;
	worker_set_patience(worker);
}

/* Called with the task state set to TASK_INTERRUPTIBLE; if it returns false the worker sleeps. */
static bool worker_run(void *data)
{
	struct mvs_worker *worker = data;
	unsigned int vq;

	if (!READ_ONCE(worker->work))
		return false;

	__set_current_state(TASK_RUNNING);
	WRITE_ONCE(worker->self, current);
	/* Nothing wakes the worker when memory is free again. */
	if (mvs_mem_bring_in(worker->gm) == -ENOMEM)
		schedule_timeout_killable(1);
	mvs_mem_trim(worker->gm);
	/* TX before RX: answers are sent in the same round. */
	for (vq = MVS_VQS; vq--;)
		if (test_and_clear_bit(vq, &worker->work) &&
		    worker->serve(&worker->vqs[vq]))
			set_bit(vq, &worker->work);
	worker_end_round(worker);
	/* A polling worker may not sleep for a long time. */
	cond_resched_tasks_rcu_qs();
	return true;
}

/*
 * The VMM exits, and its threads with it: the guest is not served any more. The rest is cleaned up
 * when the device is closed, by this process or by another one that has the file.
 */
static void worker_killed(void *data)
{
	struct mvs_worker *worker = data;

	WRITE_ONCE(worker->killed, true);
	/* Wakeups in progress end before the thread is gone. */
	synchronize_rcu();
}

/* The loop of vhost_task, but without signals, which a kernel thread does not get. */
static int worker_run_kthread(void *data)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		if (worker_run(data))
			cond_resched();
		else
			schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int worker_start_kthread(struct mvs_worker *worker, const char *name)
{
	struct task_struct *task;
	int ret;

	task = kthread_run(worker_run_kthread, worker, "%s", name);
	if (IS_ERR(task))
		return PTR_ERR(task);
	ret = cgroup_attach_task_all(current, task);
	if (ret) {
		kthread_stop(task);
		return ret;
	}
	worker->kthread = task;
	return 0;
}

static int worker_start_task(struct mvs_worker *worker, const char *name)
{
	struct vhost_task *task;

	task = vhost_task_create(worker_run, worker_killed, worker, name);
	if (IS_ERR(task))
		return PTR_ERR(task);
	worker->task = task;
	vhost_task_start(task);
	return 0;
}

/**
 * mvs_worker_create - start a worker
 * @serve: callback that serves a virtqueue for a bounded time; returns true to be called again
 * @gm: guest memory, whose missing pages it brings in
 * @vqs: the virtqueues that it serves, which outlive the worker
 * @own_thread: create a thread of the VMM, with the cgroups, limits, CPUs and priority of the
 *	calling one; otherwise a kernel thread in the same cgroups
 *
 * Context: process, in the VMM; may sleep.
 * Return: the worker, or an ERR_PTR().
 */
struct mvs_worker *mvs_worker_create(bool (*serve)(struct mvs_vq *vq),
				     struct mvs_mem *gm, struct mvs_vq *vqs,
				     bool own_thread)
{
	struct mvs_worker *worker;
	char name[TASK_COMM_LEN];
	int ret;

	worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	if (!worker)
		return ERR_PTR(-ENOMEM);
	worker->serve = serve;
	worker->gm = gm;
	worker->vqs = vqs;

	/* The same name as vhost's, for tools that rely on it. */
	snprintf(name, sizeof(name), "vhost-%d", current->pid);
	ret = own_thread ? worker_start_task(worker, name) :
			   worker_start_kthread(worker, name);
	if (ret) {
		kfree(worker);
		return ERR_PTR(ret);
	}
	return worker;
}

/**
 * mvs_worker_destroy - stop a worker and wait until it has exited
 * @worker: the worker; no work is queued any more
 *
 * Context: process; may sleep. The caller must hold none of the locks that the worker may take.
 */
void mvs_worker_destroy(struct mvs_worker *worker)
{
	if (worker->task)
		vhost_task_stop(worker->task);
	else
		kthread_stop(worker->kthread);
	kfree(worker);
}

/**
 * mvs_worker_queue - queue work for a virtqueue and wake the worker
 * @worker: the worker
 * @vq: the virtqueue's index
 *
 * Context: any, interrupts off included.
 */
void mvs_worker_queue(struct mvs_worker *worker, unsigned int vq)
{
	/*
	 * test_and_set_bit() orders the work before the bit. Pairs with the test_and_clear_bit() in
	 * worker_run().
	 */
	if (test_and_set_bit(vq, &worker->work))
		return;
	if (!worker->task) {
		wake_up_process(worker->kthread);
		return;
	}
	rcu_read_lock();
	if (!READ_ONCE(worker->killed))
		vhost_task_wake(worker->task);
	rcu_read_unlock();
}

/**
 * mvs_worker_runs - check whether the calling task is the worker
 * @worker: the worker
 *
 * Return: true if it is.
 */
bool mvs_worker_runs(const struct mvs_worker *worker)
{
	return READ_ONCE(worker->self) == current;
}

/**
 * mvs_waker_init - set up a waker without a worker
 * @waker: the waker
 */
void mvs_waker_init(struct mvs_waker *waker)
{
	spin_lock_init(&waker->lock);
	waker->worker = NULL;
}

/**
 * mvs_waker_set - set or remove the worker
 * @waker: the waker
 * @worker: the worker, or NULL: the previous one is not woken any more
 *
 * Context: process.
 */
void mvs_waker_set(struct mvs_waker *waker, struct mvs_worker *worker)
{
	spin_lock_bh(&waker->lock);
	waker->worker = worker;
	spin_unlock_bh(&waker->lock);
}

/**
 * mvs_waker_wake - have a virtqueue served, if there is a worker
 * @waker: the waker
 * @vq: the virtqueue's index
 *
 * Context: process or softirq.
 */
void mvs_waker_wake(struct mvs_waker *waker, unsigned int vq)
{
	spin_lock_bh(&waker->lock);
	if (waker->worker)
		mvs_worker_queue(waker->worker, vq);
	spin_unlock_bh(&waker->lock);
}
