/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The worker: the thread that serves a device's virtqueues, from VHOST_SET_OWNER on.
 */
#ifndef _MVSOCK_WORKER_H
#define _MVSOCK_WORKER_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct mvs_mem;
struct mvs_vq;
struct task_struct;
struct vhost_task;

/**
 * struct mvs_worker - the thread that serves a device
 * @task: the thread, which shares the VMM's address space and limits; or NULL
 * @kthread: a kernel thread used instead of @task, or NULL
 * @serve: callback that serves a virtqueue for a bounded time; returns true to be called again
 * @gm: guest memory, whose missing pages it brings in
 * @vqs: the virtqueues that it serves
 * @work: a bit for each virtqueue with work
 * @self: the thread's task, once it runs
 * @killed: the thread exits, or has exited, with the VMM; checked under RCU before each wakeup
 * @streak: rounds with data from the guest, in close succession, without data to the guest.
 *	Accessed by the worker only, as are the fields below.
 * @streak_end: time of the last such round, in ns of ktime_get_ns()
 * @tx_bytes: bytes received from the guest until then
 * @rx_bytes: bytes sent to the guest until then
 * @patient: the policy is SCHED_BATCH
 */
struct mvs_worker {
	struct vhost_task *task;
	struct task_struct *kthread;
	bool (*serve)(struct mvs_vq *vq);
	struct mvs_mem *gm;
	struct mvs_vq *vqs;
	unsigned long work;
	struct task_struct *self;
	bool killed;
	unsigned int streak;
	u64 streak_end;
	u64 tx_bytes;
	u64 rx_bytes;
	bool patient;
};

/**
 * struct mvs_waker - a reference to a device's worker, for waking it
 * @lock: protects @worker
 * @worker: the worker, or NULL
 */
struct mvs_waker {
	spinlock_t lock;	/* worker */
	struct mvs_worker *worker;
};

struct mvs_worker *mvs_worker_create(bool (*serve)(struct mvs_vq *vq),
				     struct mvs_mem *gm, struct mvs_vq *vqs,
				     bool own_thread);
void mvs_worker_destroy(struct mvs_worker *worker);
void mvs_worker_queue(struct mvs_worker *worker, unsigned int vq);
bool mvs_worker_runs(const struct mvs_worker *worker);

void mvs_waker_init(struct mvs_waker *waker);
void mvs_waker_set(struct mvs_waker *waker, struct mvs_worker *worker);
void mvs_waker_wake(struct mvs_waker *waker, unsigned int vq);

#endif /* _MVSOCK_WORKER_H */
