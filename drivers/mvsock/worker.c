// SPDX-License-Identifier: GPL-2.0
/*
 * The worker: a thread of the VMM's, from VHOST_SET_OWNER on.
 */
#include <linux/bitops.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>

#include <mvsock/device.h>

/* Returns true when the virtqueue is to be served again. */
static bool serve(struct mvs_device *device, unsigned int index)
{
	struct mvs_vq *vq = &device->vqs[index];
	bool again;

	vq->polling = false;
	again = device->ops->work(device, index);
	if (vq->polling)
		return true;
	vq->poll_end = 0;
	return again;
}

/* Called with the task state at TASK_INTERRUPTIBLE; false lets it sleep. */
static bool run(void *data)
{
	struct mvs_worker *worker = data;
	struct mvs_device *device = worker->device;
	unsigned int vq;

	if (!READ_ONCE(worker->work))
		return false;

	__set_current_state(TASK_RUNNING);
	WRITE_ONCE(worker->self, current);
	/* TX before RX: what it answers goes out in the same round. */
	for (vq = MVS_VQS; vq--;)
		if (test_and_clear_bit(vq, &worker->work) &&
		    serve(device, vq))
			set_bit(vq, &worker->work);
	/* It may not sleep for long, when it polls. */
	cond_resched_tasks_rcu_qs();
	return true;
}

/*
 * The VMM ends, and its threads with it: the guest will not be served again. What
 * is left is undone when the device is closed, here or in another process that has
 * its file.
 */
static void killed(void *data)
{
	struct mvs_worker *worker = data;

	WRITE_ONCE(worker->killed, true);
	/* Who is about to wake the thread has done so when it is gone. */
	synchronize_rcu();
}

/**
 * mvs_worker_create - start a worker
 * @device: whom it serves
 *
 * Context: process, in the VMM: the worker becomes one of its threads, with the
 * cgroups, limits, CPUs and priority of the calling one. May sleep.
 * Return: the worker, or an ERR_PTR().
 */
struct mvs_worker *mvs_worker_create(struct mvs_device *device)
{
	struct mvs_worker *worker;
	char name[TASK_COMM_LEN];
	struct vhost_task *task;

	worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	if (!worker)
		return ERR_PTR(-ENOMEM);
	worker->device = device;

	/* The name that tools know from vhost. */
	snprintf(name, sizeof(name), "vhost-%d", current->pid);
	task = vhost_task_create(run, killed, worker, name);
	if (IS_ERR(task)) {
		kfree(worker);
		return ERR_CAST(task);
	}
	worker->task = task;
	vhost_task_start(task);
	return worker;
}

/**
 * mvs_worker_destroy - stop a worker and wait until it is gone
 * @worker: the worker, which nobody queues to any more
 *
 * Context: process; may sleep. Takes none of the locks that the worker's work may
 * take.
 */
void mvs_worker_destroy(struct mvs_worker *worker)
{
	vhost_task_stop(worker->task);
	kfree(worker);
}

/**
 * mvs_worker_queue - have a virtqueue served
 * @worker: the worker
 * @vq: the virtqueue's index
 *
 * Context: any, interrupts off included.
 */
void mvs_worker_queue(struct mvs_worker *worker, unsigned int vq)
{
	/*
	 * test_and_set_bit() orders what there is to do before the bit; pairs
	 * with the test_and_clear_bit() in run().
	 */
	if (test_and_set_bit(vq, &worker->work))
		return;
	rcu_read_lock();
	if (!READ_ONCE(worker->killed))
		vhost_task_wake(worker->task);
	rcu_read_unlock();
}
