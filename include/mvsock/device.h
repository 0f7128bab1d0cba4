/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device: one open /dev/vhost-vsock, its virtqueues and its worker.
 *
 * Locks, from the outermost in:
 *
 *	device->mutex		set-up: one ioctl at a time
 *	TX vq->mutex		a virtqueue, the memory table and the IOTLB
 *	sk_lock			of the socket that a packet is for, or that sends one
 *	RX vq->mutex
 *	those of connections	see <mvsock/conn.h>
 *	gmem->fill_lock		under device->mutex alone, or by the worker without locks
 *	gmem->windows_lock, the VMM's mmap lock
 *	device->iotlb_lock	pending IOTLB misses
 *	device->worker_lock	the worker's lifetime against wakeups
 *	that of the list of devices, see proc.c
 *	gmem->lock		sections
 *	lease->lock		with interrupts off, as in the kick eventfd's lock
 */
#ifndef _MVSOCK_DEVICE_H
#define _MVSOCK_DEVICE_H

#include <linux/atomic.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/vhost_types.h>
#include <net/net_trackers.h>
#include <uapi/linux/virtio_vsock.h>

#include <mvsock/gmem.h>
#include <mvsock/lease.h>
#include <mvsock/reason.h>
#include <mvsock/ring.h>

struct file;
struct iov_iter;
struct kiocb;
struct mvs_conns;
struct mvs_device;
struct pid;
struct seq_file;
struct task_struct;
struct vhost_task;

/* virtio 1.2; <linux/virtio_vsock.h> has but VIRTIO_VSOCK_F_SEQPACKET. */
#ifndef VIRTIO_VSOCK_F_STREAM
#define VIRTIO_VSOCK_F_STREAM			0
#endif
#ifndef VIRTIO_VSOCK_F_NO_IMPLIED_STREAM
#define VIRTIO_VSOCK_F_NO_IMPLIED_STREAM	2
#endif

/* The host's own CID. */
#define MVS_HOST_CID	2

/* The virtqueues, numbered as in the specification; the third is the VMM's. */
enum {
	MVS_VQ_RX,	/* host to guest */
	MVS_VQ_TX,	/* guest to host */
	MVS_VQS
};

/**
 * struct mvs_worker - the thread that serves a device
 * @task: the thread, which shares the VMM's address space and limits; or NULL
 * @kthread: a kernel thread in its place, or NULL
 * @device: the device that it serves
 * @work: a bit for each virtqueue with work
 * @self: the thread's task, once it runs
 * @killed: it ends, or has ended, with the VMM; checked under RCU before each wakeup
 * @streak: rounds with data from the guest, in close succession, without data to it.
 *	Accessed by the worker only, as are those below.
 * @streak_end: time of the last such round, in ns of ktime_get_ns()
 * @tx_bytes: bytes received from the guest by then
 * @rx_bytes: bytes sent to the guest by then
 * @patient: the policy is SCHED_BATCH
 */
struct mvs_worker {
	struct vhost_task *task;
	struct task_struct *kthread;
	struct mvs_device *device;
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
 * struct mvs_kick - a virtqueue's kick eventfd
 * @file: the eventfd, or NULL; protected by the device's mutex
 * @wait: our entry in its wait queue
 * @wqh: that wait queue while listening, else NULL; protected by the device's
 *	mutex
 * @table: how vfs_poll() hands out the wait queue
 * @worker: the worker to wake while listening
 * @vq: index of the virtqueue
 * @count: number of kicks; written under the wait queue's lock, read without
 */
struct mvs_kick {
	struct file *file;
	wait_queue_entry_t wait;
	wait_queue_head_t *wqh;
	poll_table table;
	struct mvs_worker *worker;
	unsigned int vq;
	u64 count;
};

/**
 * struct mvs_miss - a translation that a virtqueue waits for
 * @state: none, to be reported, or reported to the VMM
 * @iova: I/O virtual address
 * @write: it is to be written
 */
struct mvs_miss {
	enum {
		MVS_MISS_NONE,
		MVS_MISS_WANTED,
		MVS_MISS_ASKED,
	} state;
	u64 iova;
	bool write;
};

/**
 * struct mvs_vq - a virtqueue of a device
 * @mutex: protects all of it but @miss and @kick; the counters are read without
 * @device: its device
 * @index: MVS_VQ_RX or MVS_VQ_TX
 * @ring: the ring, with the addresses that the VMM set
 * @chain: the chain in work
 * @call: eventfd that notifies the driver, or NULL
 * @err: eventfd that tells the VMM of a broken ring, or NULL
 * @busyloop_timeout: microseconds for which the worker looks for new chains before it
 *	asks for a kick, as set by the VMM
 * @running: started, and neither stopped nor broken since
 * @turn: budget of chains until others have their turn; RX only
 * @held: @chain could not be given back to the driver yet
 * @held_len: bytes written to that chain
 * @owed: used chains are published, a notification is pending; read by @tick without the
 *	mutex, as is @published
 * @published: number of publications
 * @tick: coalescing timer, which runs during a stream
 * @tick_published: @published when @tick was started; without the mutex, as is @ticks
 * @ticks: expiries of @tick since the last notification
 * @tick_doubled: how often the coalescing interval was doubled; written by @tick alone
 * @timer_late: mean latency of @tick and @late, in ns; written by both, without the mutex
 * @signalled: time of the last notification, in ns of ktime_get_ns()
 * @late: timer of mvs_vq_wake_in()
 * @packets: number of packets
 * @bytes: bytes of payload
 * @control: number of packets that carry neither data nor credit
 * @resets: number of RST packets
 * @direct: data packets that a program copied itself, in send() or recv()
 * @waits: how often a sender was parked
 * @signals: notifications sent to the driver
 * @rejected: chains given back unused, by reason
 * @broken: how often the ring was found broken
 * @polling: there was no chain, and kicks are suppressed: the worker is to look again at
 *	once
 * @brisk: the last kick came soon after it was asked for
 * @patient: the next packet may wait for a delayed look
 * @look_start: time of the first look that found no chain, in ns of ktime_get_ns(); 0 after
 *	one that found some
 * @streak: looks in a row that found data in one direction only
 * @outward: that direction is to the guest
 * @rx_packets: @packets of the RX virtqueue at the last look that found chains
 * @rx_bytes: its @bytes, likewise
 * @tx_bytes: @bytes of this virtqueue, likewise
 * @controls: @control of both, likewise
 * @asked: time at which a kick was asked for; 0 if none is pending; TX only
 * @owed_since: time of the first publication without a notification, or 0
 * @expired: time of a notification after an interval without a chain from the driver, or 0
 * @waited: times in a row that the driver made a chain available right after that
 * @eager: rounds for which the driver is notified at once
 * @miss: the translation that it waits for; protected by the device's iotlb_lock
 * @kick: eventfd by which the driver notifies the device; protected by the device's
 *	mutex
 * @lease: whether a reader takes the next chain; TX only; has its own lock
 */
struct mvs_vq {
	struct mutex mutex;	/* all of the virtqueue but kick */
	struct mvs_device *device;
	unsigned int index;
	struct mvs_ring ring;
	struct mvs_chain chain;
	struct eventfd_ctx *call;
	struct eventfd_ctx *err;
	u32 busyloop_timeout;
	bool running;
	unsigned int turn;
	bool held;
	u32 held_len;
	bool owed;
	u32 published;
	struct hrtimer tick;
	u32 tick_published;
	u32 ticks;
	u32 tick_doubled;
	u64 timer_late;
	u64 signalled;
	struct hrtimer late;
	u64 packets;
	u64 bytes;
	u64 control;
	u64 resets;
	u64 direct;
	u64 waits;
	u64 signals;
	u64 rejected[MVS_REASONS];
	u64 broken;
	bool polling;
	bool brisk;
	bool patient;
	u64 look_start;
	unsigned int streak;
	bool outward;
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_bytes;
	u64 controls;
	u64 asked;
	u64 owed_since;
	u64 expired;
	unsigned int waited;
	unsigned int eager;
	struct mvs_miss miss;
	struct mvs_kick kick;
	struct mvs_lease lease;
};

/**
 * struct mvs_device_ops - the layer above
 * @open: initialize its data in the device. Returns 0 or %-ENOMEM.
 * @work: serve a virtqueue for a bounded time. Returns true to be called again. Called by
 *	the worker alone.
 * @renew: the next driver, or an earlier state of this one, knows no connection. Called
 *	while the device does not run, with its mutex held.
 * @close: the device is being closed: its CID is free and it does not run
 * @free: the last reference is gone. Undoes @open.
 */
struct mvs_device_ops {
	int (*open)(struct mvs_device *device);
	bool (*work)(struct mvs_device *device, unsigned int vq);
	void (*renew)(struct mvs_device *device);
	void (*close)(struct mvs_device *device);
	void (*free)(struct mvs_device *device);
};

/**
 * struct mvs_device - one open /dev/vhost-vsock
 * @mutex: set-up; held over every ioctl that changes any of it but @cid
 * @mm: the owner's address space, referenced with mmgrab(), or NULL; protected
 *	by @mutex
 * @gmem: guest memory; its table changes under both virtqueues' mutexes
 * @vqs: the virtqueues
 * @features: acknowledged features; written under @mutex and both virtqueues' mutexes,
 *	read by the transport without
 * @backend_features: acknowledged backend features; written under @mutex, read without
 * @log: eventfd that tells the VMM of dirty memory, or NULL; changes under both
 *	virtqueues' mutexes
 * @iotlb_lock: protects the virtqueues' misses
 * @iotlb_wait: readers that wait for one
 * @running: between VHOST_VSOCK_SET_RUNNING with 1 and with 0; changes under @mutex, read
 *	without
 * @fork_owner: the worker is to be a thread of the owner's, else a kernel thread;
 *	protected by @mutex
 * @worker_lock: protects @worker against wakeups without @mutex
 * @worker: there while there is an owner; changes under @mutex and @worker_lock
 * @ops: the layer above
 * @net: the network namespace of the task that opened it
 * @net_tracker: of the reference on @net
 * @scope: the scope of its CID, mvs_net_scope() of @net
 * @cid: the guest's CID or 0; protected by the CID table's lock, read without
 * @rcu: the CID table is read under RCU
 * @ref: the file's, and one for each connection
 * @conns: the guest's connections; owned by the layer above
 * @nconns: number of connections; written under the layer above's lock, read without
 * @resets_dropped: RST packets that were dropped for too many before them; likewise
 * @list: in the list of open devices; protected by its lock, as is @owner
 * @owner: the VMM's process, or NULL
 */
struct mvs_device {
	struct mutex mutex;	/* set-up */
	struct mm_struct *mm;
	struct mvs_gmem gmem;
	struct mvs_vq vqs[MVS_VQS];
	u64 features;
	u64 backend_features;
	struct eventfd_ctx *log;
	bool running;

	spinlock_t iotlb_lock;	/* the virtqueues' misses */
	wait_queue_head_t iotlb_wait;

	bool fork_owner;
	spinlock_t worker_lock;	/* worker */
	struct mvs_worker *worker;

	const struct mvs_device_ops *ops;
	struct net *net;
	netns_tracker net_tracker;
	u32 scope;
	u32 cid;
	struct rcu_head rcu;
	refcount_t ref;
	struct mvs_conns *conns;
	u64 nconns;
	u64 resets_dropped;

	struct list_head list;
	struct pid *owner;
};

/* Add to a counter, which is written under its lock and read without. */
static inline void mvs_count(u64 *counter, u64 n)
{
	WRITE_ONCE(*counter, *counter + n);
}

/**
 * mvs_vq_count - count a packet
 * @vq: the virtqueue
 * @hdr: its header
 *
 * Context: with the virtqueue's mutex held.
 */
static inline void mvs_vq_count(struct mvs_vq *vq,
				const struct virtio_vsock_hdr *hdr)
{
	mvs_count(&vq->packets, 1);
	mvs_count(&vq->bytes, le32_to_cpu(hdr->len));
	switch (le16_to_cpu(hdr->op)) {
	case VIRTIO_VSOCK_OP_RW:
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		return;
	case VIRTIO_VSOCK_OP_RST:
		mvs_count(&vq->resets, 1);
	}
	mvs_count(&vq->control, 1);
}

/* device.c */
int mvs_device_register(const struct mvs_device_ops *ops);
void mvs_device_unregister(void);
void mvs_device_put(struct mvs_device *device);
void mvs_device_wake(struct mvs_device *device, unsigned int vq);
bool mvs_device_refuses(const struct mvs_device *device);
void mvs_device_lock_vqs(struct mvs_device *device);
void mvs_device_unlock_vqs(struct mvs_device *device);

/* cid.c */
int mvs_cid_set(struct mvs_device *device, u64 cid);
void mvs_cid_clear(struct mvs_device *device);
struct mvs_device *mvs_cid_find(u32 scope, u32 cid);
struct mvs_device *mvs_cid_get(u32 scope, u32 cid);

/* counters.c */

/**
 * typedef mvs_counter_fn - show a counter
 * @m: the file
 * @prefix: the first part of its name
 * @name: the rest of it
 * @value: its value
 */
typedef void mvs_counter_fn(struct seq_file *m, const char *prefix,
			    const char *name, u64 value);

void mvs_counters_show(struct seq_file *m, const struct mvs_device *device,
		       mvs_counter_fn *show);

/* fdinfo.c */
void mvs_device_show_fdinfo(struct seq_file *m, struct file *file);

/* iotlb.c */
void mvs_iotlb_init(struct mvs_device *device);
int mvs_iotlb_switch(struct mvs_device *device, bool on);
void mvs_iotlb_ask(struct mvs_vq *vq, const struct mvs_gmem_fault *fault);
void mvs_iotlb_forget(struct mvs_device *device);
ssize_t mvs_iotlb_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t mvs_iotlb_write(struct kiocb *iocb, struct iov_iter *from);
__poll_t mvs_iotlb_poll(struct file *file, poll_table *table);

/* log.c */
long mvs_log_set_base(struct mvs_device *device, void __user *argp);
long mvs_log_set_fd(struct mvs_device *device, void __user *argp);
void mvs_log_reset(struct mvs_device *device);

/* proc.c */
void mvs_proc_add(struct mvs_device *device);
void mvs_proc_remove(struct mvs_device *device);
void mvs_proc_set_owner(struct mvs_device *device, struct pid *owner);
void mvs_proc_register(void);
void mvs_proc_unregister(void);

/* virtqueue.c */
void mvs_vq_init(struct mvs_vq *vq, struct mvs_device *device,
		 unsigned int index);
int mvs_set_eventfd(struct eventfd_ctx **slot, int fd);
void mvs_vq_reset(struct mvs_vq *vq);
bool mvs_vq_access_ok(const struct mvs_ring *ring);
bool mvs_vq_log_ok(const struct mvs_ring *ring, u64 log_base);
void mvs_vq_set_features(struct mvs_vq *vq, u64 features);
int mvs_vq_start(struct mvs_vq *vq);
void mvs_vq_stop(struct mvs_vq *vq);
bool mvs_vq_unflushed(const struct mvs_vq *vq);
int mvs_vq_begin(struct mvs_vq *vq);
int mvs_vq_pop(struct mvs_vq *vq);
int mvs_vq_unpop(struct mvs_vq *vq, int error);
int mvs_vq_push(struct mvs_vq *vq, u32 len);
int mvs_vq_reject(struct mvs_vq *vq);
void mvs_vq_flush(struct mvs_vq *vq);
void mvs_vq_wake_in(struct mvs_vq *vq, u64 ns);
u64 mvs_vq_interval_ns(const struct mvs_vq *vq);
void mvs_vq_flush_lazily(struct mvs_vq *vq);
void mvs_vq_flush_used(struct mvs_vq *vq);

/* vring.c */
long mvs_vring_ioctl(struct mvs_device *device, unsigned int cmd,
		     void __user *argp);

/* kick.c */
void mvs_kick_init(struct mvs_kick *kick, unsigned int vq);
void mvs_kick_start(struct mvs_kick *kick, struct mvs_worker *worker);
void mvs_kick_stop(struct mvs_kick *kick);

/* worker.c */
struct mvs_worker *mvs_worker_create(struct mvs_device *device);
void mvs_worker_destroy(struct mvs_worker *worker);
void mvs_worker_queue(struct mvs_worker *worker, unsigned int vq);

#endif /* _MVSOCK_DEVICE_H */
