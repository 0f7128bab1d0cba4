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
 *	gmem->windows_lock, the VMM's mmap lock
 *	device->iotlb_lock	translations that are waited for
 *	device->worker_lock	the worker's life against who wakes it
 *	that of the list of devices, see proc.c
 *	gmem->lock		sections
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
 * @device: whom it serves
 * @work: a bit for each virtqueue that has something to do
 * @self: the thread as it knows itself, once it runs
 * @killed: it ends, or has ended, with the VMM; who wakes it looks under RCU
 * @streak: rounds in which it had data from the guest, close upon one another, since
 *	there were data for the guest. Its own, as are those below.
 * @streak_end: when the last round with data was, in ns of ktime_get_ns()
 * @tx_bytes: what had come from the guest by then
 * @rx_bytes: what had gone to it
 * @patient: it does not preempt the driver
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
 * struct mvs_kick - a kick eventfd that is listened to
 * @file: the eventfd, or NULL; protected by the device's mutex
 * @wait: our entry in its wait queue
 * @wqh: that wait queue while listening, else NULL; protected by the device's
 *	mutex
 * @table: how vfs_poll() hands out the wait queue
 * @worker: whom to wake while listening
 * @vq: what for
 * @reader: a task that is to be woken in the worker's place, with a reference, or NULL
 * @expected: a task that is about to look for chains, with a reference, or NULL
 * @guard: runs while there are such tasks, and sees to it that they look
 * @quiet: nothing has happened since @guard last ran
 * @waits: so often @guard has found that @expected waits for a CPU
 * @let_down: a task did not look, since mvs_kick_undivert() was last called
 * @count: kicks so far; changes under the wait queue's lock, of which there is one at a
 *	time, read without
 */
struct mvs_kick {
	struct file *file;
	wait_queue_entry_t wait;
	wait_queue_head_t *wqh;
	poll_table table;
	struct mvs_worker *worker;
	unsigned int vq;
	struct task_struct *reader;
	struct task_struct *expected;
	struct hrtimer guard;
	bool quiet;
	u32 waits;
	bool let_down;
	u64 count;
};

/**
 * struct mvs_miss - a translation that a virtqueue waits for
 * @state: whether there is one, and whether the VMM knows
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
 * @device: whose it is
 * @index: MVS_VQ_RX or MVS_VQ_TX
 * @ring: the ring, with the addresses that the VMM set
 * @chain: the chain in work
 * @call: eventfd that signals the driver, or NULL
 * @err: eventfd that tells the VMM of a broken ring, or NULL
 * @busyloop_timeout: microseconds for which the worker looks for new chains before it
 *	asks for a kick, as set by the VMM
 * @running: started, and neither stopped nor broken since
 * @turn: chains that may be taken until others have their turn; of RX
 * @held: @chain is to be given back, which could not be done yet
 * @held_len: with so many bytes written to it
 * @owed: the driver sees what it has not been asked about; read by @tick without the
 *	mutex, as is @published
 * @published: how often something was published
 * @tick: runs while packets flow, and sees to what is owed
 * @tick_published: what @published was when @tick was started; without the mutex, as is
 *	@ticks
 * @ticks: since the driver was last asked
 * @tick_doubled: how often the time between two ticks was doubled; changed by @tick alone
 * @tick_late: how late @tick comes, in ns: the mean of the last ones
 * @signalled: when the driver was last asked, in ns of ktime_get_ns()
 * @late: wakes the worker, as mvs_vq_wake_in() says
 * @packets: packets that went through
 * @bytes: their payload
 * @resets: those of them that were RST
 * @direct: data packets that a program copied itself, in send() or recv()
 * @waits: how often a sender found no room, and was parked
 * @signals: how often the driver was signalled
 * @rejected: chains given back unused, by reason
 * @broken: how often the ring could not be trusted any more
 * @polling: there was no chain, and no kick was asked for: the worker is to look
 *	again at once
 * @brisk: the last kick came so soon that a look would have found what it was for
 * @patient: what comes next can wait for a look
 * @look_start: since when there is none to be found, in ns of ktime_get_ns(); 0 while there
 *	are some
 * @streak: so many looks in a row were those of a stream to the host
 * @rx_packets: what the RX virtqueue's @packets were at the last look that found any
 * @rx_bytes: likewise its @bytes
 * @tx_bytes: likewise those of this one
 * @asked: when a kick was asked for, likewise; 0 if it was not, or came; of TX
 * @owed_since: when the first chain was published that the driver was not asked about, or 0
 * @expired: when it was signalled because time had passed in which it did nothing, or 0
 * @waited: so often in a row it had something to do at once then
 * @eager: for so many rounds to come it is signalled at once
 * @miss: the translation that it waits for; protected by the device's iotlb_lock
 * @kick: eventfd by which the driver tells of new chains; protected by the
 *	device's mutex
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
	u64 tick_late;
	u64 signalled;
	struct hrtimer late;
	u64 packets;
	u64 bytes;
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
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_bytes;
	u64 asked;
	u64 owed_since;
	u64 expired;
	unsigned int waited;
	unsigned int eager;
	struct mvs_miss miss;
	struct mvs_kick kick;
};

/**
 * struct mvs_device_ops - the layer above
 * @open: set up what it keeps in the device. Returns 0 or %-ENOMEM.
 * @work: serve a virtqueue for a bounded while. Returns true when it is to be
 *	called again. Called by the worker alone.
 * @renew: the device is set up for another driver, or for an earlier state of this
 *	one, which knows nothing of what went before. Called while it does not run,
 *	with the device's mutex held.
 * @close: the device goes away: its CID is free and it does not run
 * @free: nobody refers to the device any more. Undoes @open.
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
 * @features: what the VMM acknowledged; changes under @mutex and both
 *	virtqueues' mutexes, read by the transport without
 * @backend_features: what the VMM acknowledged of the backend's; changes under
 *	@mutex, read without
 * @log: eventfd that tells the VMM of dirty memory, or NULL; changes under both
 *	virtqueues' mutexes
 * @iotlb_lock: protects the virtqueues' misses
 * @iotlb_wait: who reads them
 * @running: between VHOST_VSOCK_SET_RUNNING with 1 and with 0; changes under @mutex, read
 *	without
 * @fork_owner: the worker is to be a thread of the owner's, else a kernel thread;
 *	protected by @mutex
 * @worker_lock: protects @worker against who wakes it without @mutex
 * @worker: there while there is an owner; changes under @mutex and @worker_lock
 * @ops: the layer above
 * @net: the network namespace of who opened it
 * @net_tracker: of the reference on @net
 * @scope: in which it has its CID, as mvs_net_scope() has it for @net
 * @cid: the guest's CID or 0; protected by the CID table's lock, read without
 * @rcu: the CID table is read under RCU
 * @ref: the file's, and one for each connection
 * @conns: the guest's connections, which are the layer above's
 * @nconns: how many there are; changes under the layer above's lock, read without
 * @resets_dropped: resets that found too many before them; likewise
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

/* Add to a counter, which only who has its lock changes, and which is read without. */
static inline void mvs_count(u64 *counter, u64 n)
{
	WRITE_ONCE(*counter, *counter + n);
}

/**
 * mvs_vq_count - count a packet that went through
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
	if (unlikely(hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST)))
		mvs_count(&vq->resets, 1);
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
 * @m: where to
 * @prefix: what its name begins with
 * @name: the rest of that
 * @value: what was counted
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
int mvs_vq_begin(struct mvs_vq *vq);
int mvs_vq_pop(struct mvs_vq *vq);
int mvs_vq_unpop(struct mvs_vq *vq, int error);
int mvs_vq_push(struct mvs_vq *vq, u32 len);
int mvs_vq_reject(struct mvs_vq *vq);
void mvs_vq_flush(struct mvs_vq *vq);
void mvs_vq_wake_in(struct mvs_vq *vq, u64 ns);
void mvs_vq_flush_lazily(struct mvs_vq *vq);
void mvs_vq_flush_used(struct mvs_vq *vq);

/* vring.c */
long mvs_vring_ioctl(struct mvs_device *device, unsigned int cmd,
		     void __user *argp);

/* kick.c */
void mvs_kick_init(struct mvs_kick *kick, unsigned int vq);
void mvs_kick_start(struct mvs_kick *kick, struct mvs_worker *worker);
void mvs_kick_stop(struct mvs_kick *kick);
void mvs_kick_calm(struct mvs_kick *kick);
void mvs_kick_divert(struct mvs_kick *kick);
void mvs_kick_undivert(struct mvs_kick *kick);
void mvs_kick_promise(struct mvs_kick *kick);
bool mvs_kick_take(struct mvs_kick *kick);

/**
 * mvs_kick_awaits - is the calling task expected to look for chains?
 * @kick: the kick
 *
 * Return: whether mvs_kick_take() is due.
 */
static inline bool mvs_kick_awaits(const struct mvs_kick *kick)
{
	return READ_ONCE(kick->expected) == current;
}

/* worker.c */
struct mvs_worker *mvs_worker_create(struct mvs_device *device);
void mvs_worker_destroy(struct mvs_worker *worker);
void mvs_worker_queue(struct mvs_worker *worker, unsigned int vq);

#endif /* _MVSOCK_DEVICE_H */
