/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtqueue of a device: its ring, its eventfds and counters, its notifications. It does not know
 * the device: it is given the parts of it that it uses.
 */
#ifndef _MVSOCK_VIRTQUEUE_H
#define _MVSOCK_VIRTQUEUE_H

#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <uapi/linux/virtio_vsock.h>

#include <mvsock/lease.h>
#include <mvsock/mem.h>
#include <mvsock/reason.h>
#include <mvsock/ring.h>
#include <mvsock/worker.h>

struct file;
struct mvs_device;

/* The virtqueues, numbered as in the specification; the third one is the VMM's. */
enum {
	MVS_VQ_RX,	/* host to guest */
	MVS_VQ_TX,	/* guest to host */
	MVS_VQS
};

/*
 * A kick costs a VM exit. If the last kick came within this many intervals after it was asked for,
 * kicks stay suppressed for one interval while the worker checks for the next chain.
 */
#define MVS_BRISK	2

/*
 * Coalescing interval of used TX chains, in ns: a driver with free descriptors does not wait for
 * them. It is long compared to a round trip, which needs no TX notification.
 */
#define MVS_TX_NOTIFY_NS	(4 * NSEC_PER_MSEC)

/**
 * struct mvs_kick - a virtqueue's kick eventfd
 * @file: the eventfd, or NULL; protected by the device's mutex
 * @wait: our entry in its wait queue
 * @wqh: that wait queue while listening, else NULL; protected by the device's
 *	mutex
 * @table: poll table by which vfs_poll() passes the wait queue
 * @worker: the worker to wake, while listening
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
 * @state: no miss, to be reported, or reported to the VMM
 * @iova: I/O virtual address
 * @write: the access is a write
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
 * struct mvs_misses - the translations that a device's virtqueues wait for
 * @lock: protects @miss
 * @wait: readers that wait for a miss
 * @miss: the miss of each virtqueue
 */
struct mvs_misses {
	spinlock_t lock;	/* miss */
	wait_queue_head_t wait;
	struct mvs_miss miss[MVS_VQS];
};

/**
 * struct mvs_vq - a virtqueue of a device
 * @mutex: protects all fields but @kick; the counters are read without
 * @device: its device, for the layers above
 * @vqs: all virtqueues of the device
 * @waker: wakes the worker
 * @misses: translations for which the device waits
 * @index: MVS_VQ_RX or MVS_VQ_TX
 * @ring: the ring, with the addresses that the VMM set
 * @chain: the chain that is being handled
 * @call: eventfd that notifies the driver, or NULL
 * @err: eventfd that tells the VMM of a broken ring, or NULL
 * @log: eventfd that tells the VMM of dirty memory, the device's, or NULL
 * @busyloop_timeout: microseconds for which the worker polls for new chains before it enables
 *	kicks, as set by the VMM
 * @running: started, and neither stopped nor broken since
 * @budget: chains that may be taken before others are served; RX only
 * @held: @chain could not be given back to the driver yet
 * @held_len: bytes written to that chain
 * @unnotified: used chains are published, a notification is pending; read by @tick without the
 *	mutex, as is @published
 * @published: number of publications
 * @tick: coalescing timer, which runs during a stream
 * @tick_published: @published when @tick was started; without the mutex, as is @ticks
 * @ticks: expiries of @tick since the last notification
 * @tick_doubled: how often the coalescing interval has been doubled; written by @tick alone
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
 * @polling: there was no chain, and kicks are suppressed: the worker has to check again at once
 * @brisk: the last kick came soon after it was asked for
 * @patient: the next packet may wait for a delayed check
 * @look_start: time of the first check that found no chain, in ns of ktime_get_ns(); 0 after one
 *	that found some
 * @streak: consecutive checks that found data in one direction only
 * @outward: that direction is towards the guest
 * @rx_packets: @packets of the RX virtqueue at the last check that found chains
 * @rx_bytes: @bytes of the RX virtqueue, likewise
 * @tx_bytes: @bytes of this virtqueue, likewise
 * @controls: @control of both virtqueues, likewise
 * @polls_skipped: calls of mvs_vq_pop_soon() that do not poll
 * @asked: time at which kicks were enabled; 0 if no kick is awaited; TX only
 * @unnotified_since: time of the first publication since the last notification, or 0
 * @expired: time of a notification after an interval without a chain from the driver, or 0
 * @waited: times in a row that the driver made a chain available right after that
 * @eager: rounds for which the driver is notified as soon as it has used @batch descriptors
 * @batch: number of descriptors that it waited for
 * @kick: eventfd by which the driver notifies the device; protected by the device's
 *	mutex
 * @lease: determines whether a reader takes the next chain; TX only; has its own lock
 */
struct mvs_vq {
	struct mutex mutex;	/* all of the virtqueue but kick */
	struct mvs_device *device;
	struct mvs_vq *vqs;
	struct mvs_waker *waker;
	struct mvs_misses *misses;
	unsigned int index;
	struct mvs_ring ring;
	struct mvs_chain chain;
	struct eventfd_ctx *call;
	struct eventfd_ctx *err;
	struct eventfd_ctx *log;
	u32 busyloop_timeout;
	bool running;
	unsigned int budget;
	bool held;
	u32 held_len;
	bool unnotified;
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
	unsigned int polls_skipped;
	u64 asked;
	u64 unnotified_since;
	u64 expired;
	unsigned int waited;
	unsigned int eager;
	unsigned int batch;
	struct mvs_kick kick;
	struct mvs_lease lease;
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

/* virtqueue.c */
void mvs_vq_init(struct mvs_vq *vqs, unsigned int index, struct mvs_mem *gm,
		 struct mvs_waker *waker, struct mvs_misses *misses);
int mvs_set_eventfd(struct eventfd_ctx **slot, int fd);
void mvs_vq_reset(struct mvs_vq *vq);
bool mvs_vq_access_ok(const struct mvs_ring *ring);
bool mvs_vq_log_ok(const struct mvs_ring *ring, u64 log_base);
void mvs_vq_set_features(struct mvs_vq *vq, u64 features);
int mvs_vq_start(struct mvs_vq *vq, u64 features);
void mvs_vq_stop(struct mvs_vq *vq);
bool mvs_vq_unflushed(const struct mvs_vq *vq);
int mvs_vq_begin(struct mvs_vq *vq);
int mvs_vq_pop(struct mvs_vq *vq);
int mvs_vq_pop_soon(struct mvs_vq *vq);
void mvs_vq_poll_paid(struct mvs_vq *vq);
int mvs_vq_unpop(struct mvs_vq *vq, int error);
int mvs_vq_push(struct mvs_vq *vq, u32 len);
int mvs_vq_reject(struct mvs_vq *vq);
bool mvs_vq_publish(struct mvs_vq *vq);
void mvs_vq_signal(struct mvs_vq *vq);
void mvs_vq_flush(struct mvs_vq *vq);

/* notify.c */
void mvs_vq_init_timers(struct mvs_vq *vq);
void mvs_vq_cancel_timers(struct mvs_vq *vq);
u64 mvs_vq_interval_ns(const struct mvs_vq *vq);
u64 mvs_vq_tick_ns(const struct mvs_vq *vq);
void mvs_vq_start_tick(struct mvs_vq *vq, u32 published);
void mvs_vq_wake_in(struct mvs_vq *vq, u64 ns);
bool mvs_vq_look_again(struct mvs_vq *vq);
void mvs_vq_note_kick(struct mvs_vq *vq);

/* coalesce.c */
void mvs_vq_flush_lazily(struct mvs_vq *vq);
void mvs_vq_flush_used(struct mvs_vq *vq);

/* miss.c */
void mvs_misses_init(struct mvs_misses *misses);
void mvs_misses_forget(struct mvs_misses *misses);
void mvs_misses_ask(struct mvs_misses *misses, unsigned int vq,
		    const struct mvs_mem_fault *fault);
bool mvs_misses_take(struct mvs_misses *misses, unsigned int *vq,
		     struct mvs_miss *miss);
void mvs_misses_untake(struct mvs_misses *misses, unsigned int vq);
bool mvs_misses_pending(struct mvs_misses *misses);
bool mvs_misses_answer(struct mvs_misses *misses, unsigned int vq, u64 first,
		       u64 last);

/* kick.c */
void mvs_kick_init(struct mvs_kick *kick, unsigned int vq);
void mvs_kick_start(struct mvs_kick *kick, struct mvs_worker *worker);
void mvs_kick_stop(struct mvs_kick *kick);

#endif /* _MVSOCK_VIRTQUEUE_H */
