/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device: one open /dev/vhost-vsock.
 *
 * Locks, from the outermost in:
 *
 *	device->mutex		set-up: one ioctl at a time
 *	TX vq->mutex		a virtqueue, the memory table and the IOTLB
 *	sk_lock			of the socket that a packet is for, or that sends one
 *	RX vq->mutex
 *	those of connections	see <mvsock/conn.h>
 *	mem->fill_lock		under device->mutex alone, or by the worker without locks
 *	mem->windows_lock, the VMM's mmap lock
 *	misses->lock		pending IOTLB misses
 *	waker->lock		the worker's lifetime against wakeups
 *	that of the list of devices, see proc.c
 *	mem->lock		sections
 *	lease->lock		with interrupts off, as in the kick eventfd's lock
 */
#ifndef _MVSOCK_DEVICE_H
#define _MVSOCK_DEVICE_H

#include <linux/eventfd.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/vhost_types.h>
#include <net/net_trackers.h>

#include <mvsock/mem.h>
#include <mvsock/virtqueue.h>
#include <mvsock/worker.h>

struct file;
struct iov_iter;
struct kiocb;
struct mvs_conns;
struct mvs_device;
struct net;
struct notifier_block;
struct pid;
struct seq_file;
struct user_namespace;

/* virtio 1.2; of these, <linux/virtio_vsock.h> has only VIRTIO_VSOCK_F_SEQPACKET. */
#ifndef VIRTIO_VSOCK_F_STREAM
#define VIRTIO_VSOCK_F_STREAM			0
#endif
#ifndef VIRTIO_VSOCK_F_NO_IMPLIED_STREAM
#define VIRTIO_VSOCK_F_NO_IMPLIED_STREAM	2
#endif

/* The host's own CID. */
#define MVS_HOST_CID	2

/**
 * struct mvs_device_ops - callbacks of the layer above
 * @open: initialize its data in the device. Returns 0 or %-ENOMEM.
 * @work: serve a virtqueue for a bounded time. Returns true to be called again. Called by
 *	the worker alone.
 * @renew: reset the connections: the next driver, or an earlier state of this one, knows none.
 *	Called while the device does not run, with its mutex held.
 * @rename: the device has another CID. Called without its mutex.
 * @close: the device is being closed: its CID is free and it does not run
 * @free: the last reference was dropped. Undoes @open.
 */
struct mvs_device_ops {
	int (*open)(struct mvs_device *device);
	bool (*work)(struct mvs_vq *vq);
	void (*renew)(struct mvs_device *device);
	void (*rename)(struct mvs_device *device);
	void (*close)(struct mvs_device *device);
	void (*free)(struct mvs_device *device);
};

/**
 * struct mvs_device - one open /dev/vhost-vsock
 * @mutex: setup; held during every ioctl that changes any field but @cid
 * @mm: the owner's address space, referenced with mmgrab(), or NULL; protected
 *	by @mutex
 * @mem: guest memory; its table changes under both virtqueues' mutexes
 * @vqs: the virtqueues
 * @features: acknowledged features; written under @mutex and both virtqueues' mutexes,
 *	read by the transport without
 * @backend_features: acknowledged backend features; written under @mutex, read without
 * @log: eventfd that tells the VMM of dirty memory, or NULL; changes under both
 *	virtqueues' mutexes, as do their copies
 * @misses: translations that the virtqueues wait for
 * @running: between VHOST_VSOCK_SET_RUNNING with 1 and with 0; changes under @mutex, read
 *	without
 * @fork_owner: create the worker as a thread of the owner, else as a kernel thread; protected by
 *	@mutex
 * @waker: has a worker while there is an owner; changes under @mutex
 * @ops: the layer above
 * @net: the network namespace of the task that opened it
 * @net_tracker: tracker of the reference on @net
 * @user_ns: the user namespace that owns @net, with a reference of its own: it outlives @net
 * @scope: the scope of its CID, mvs_net_scope() of @net
 * @cid: the guest's CID or 0; protected by the CID table's lock, read without
 * @rcu: for freeing, as the CID table is read under RCU
 * @ref: reference count: the file's reference, and one for each connection
 * @conns: the guest's connections; owned by the layer above
 * @nconns: number of connections; written under the layer above's lock, read without
 * @resets_dropped: RST packets that were dropped because too many were queued; likewise
 * @forwarded: packets from this guest that were forwarded to others; written under the TX
 *	virtqueue's mutex, read without, as are the next two
 * @forward_waits: how many of them had to wait in a backlog
 * @forward_resets: connections that were reset because a packet waited for too long
 * @rsts_dropped: RST packets of connections with other guests that were dropped because too many
 *	waited; written under the backlogs' lock
 * @denied: connections that a rule denied, in both directions; written under the layer above's lock
 * @list: entry in the list of open devices; protected by that list's lock, as is @owner
 * @owner: the VMM's process, or NULL
 */
struct mvs_device {
	struct mutex mutex;	/* set-up */
	struct mm_struct *mm;
	struct mvs_mem mem;
	struct mvs_vq vqs[MVS_VQS];
	u64 features;
	u64 backend_features;
	struct eventfd_ctx *log;
	bool running;

	struct mvs_misses misses;

	bool fork_owner;
	struct mvs_waker waker;

	const struct mvs_device_ops *ops;
	struct net *net;
	netns_tracker net_tracker;
	struct user_namespace *user_ns;
	u32 scope;
	u32 cid;
	struct rcu_head rcu;
	refcount_t ref;
	struct mvs_conns *conns;
	u64 nconns;
	u64 resets_dropped;
	u64 forwarded;
	u64 forward_waits;
	u64 forward_resets;
	u64 rsts_dropped;
	u64 denied;

	struct list_head list;
	struct pid *owner;
};

/* device.c */
int mvs_device_register(const struct mvs_device_ops *ops);
void mvs_device_unregister(void);
void mvs_device_put(struct mvs_device *device);

/* run.c */
bool mvs_device_table_ok(const struct mvs_device *device,
			 const struct vhost_iotlb *table);
long mvs_device_start(struct mvs_device *device);
void mvs_device_stop(struct mvs_device *device);
void mvs_device_wake(struct mvs_device *device, unsigned int vq);
bool mvs_device_refuses(const struct mvs_device *device);
bool mvs_device_allows_type(const struct mvs_device *device, u16 type);
void mvs_device_lock_vqs(struct mvs_device *device);
void mvs_device_unlock_vqs(struct mvs_device *device);

/**
 * mvs_cid_index - get the index of a CID in tables of all scopes
 * @scope: the scope, from mvs_net_scope()
 * @cid: the CID
 *
 * Return: the index.
 */
static inline unsigned long mvs_cid_index(u32 scope, u32 cid)
{
	BUILD_BUG_ON(BITS_PER_LONG < 64);
	return (unsigned long)scope << 32 | cid;
}

/**
 * struct mvs_cid_change - a CID that a device got or lost
 * @net: the network namespace of the device
 * @cid: the CID
 */
struct mvs_cid_change {
	struct net *net;
	u32 cid;
};

/* cid.c */
void mvs_cid_register_notifier(struct notifier_block *nb);
void mvs_cid_unregister_notifier(struct notifier_block *nb);
int mvs_cid_set(struct mvs_device *device, u64 cid);
void mvs_cid_clear(struct mvs_device *device);
struct mvs_device *mvs_cid_find(u32 scope, u32 cid);
struct mvs_device *mvs_cid_get(u32 scope, u32 cid);
struct mvs_device *mvs_cid_next(u32 scope, u32 *cid);

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
int mvs_iotlb_switch(struct mvs_device *device, bool on);
ssize_t mvs_iotlb_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t mvs_iotlb_write(struct kiocb *iocb, struct iov_iter *from);
__poll_t mvs_iotlb_poll(struct file *file, poll_table *table);

/* dirty_log.c */
long mvs_log_set_base(struct mvs_device *device, void __user *argp);
long mvs_log_set_fd(struct mvs_device *device, void __user *argp);
void mvs_log_reset(struct mvs_device *device);

/* proc.c */
void mvs_proc_add(struct mvs_device *device);
void mvs_proc_remove(struct mvs_device *device);
void mvs_proc_set_owner(struct mvs_device *device, struct pid *owner);
void mvs_proc_register(void);
void mvs_proc_unregister(void);

/* vring_ioctl.c */
long mvs_vring_ioctl(struct mvs_device *device, unsigned int cmd,
		     void __user *argp);

#endif /* _MVSOCK_DEVICE_H */
