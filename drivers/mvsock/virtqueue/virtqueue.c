// SPDX-License-Identifier: GPL-2.0
/*
 * A device's virtqueue: the ring, its eventfds and counters, and the handling of a driver that
 * breaks the rules.
 */
#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/uaccess.h>
#include <linux/vhost.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include <mvsock/trace.h>
#include <mvsock/virtqueue.h>

const char *const mvs_reason_names[MVS_REASONS] = {
	[MVS_REASON_TOO_LONG]		= "too_long",
	[MVS_REASON_BAD_NEXT]		= "bad_next",
	[MVS_REASON_BAD_INDIRECT]	= "bad_indirect",
	[MVS_REASON_BAD_ADDRESS]	= "bad_address",
	[MVS_REASON_BAD_DIRECTION]	= "bad_direction",
	[MVS_REASON_TOO_SHORT]		= "too_short",
	[MVS_REASON_BAD_LEN]		= "bad_len",
	[MVS_REASON_BAD_CID]		= "bad_cid",
};

/* Delay, in ns, before the worker retries what failed. */
#define MVS_RETRY_NS		NSEC_PER_MSEC

/* Number of attempts, about 1 ms each, to publish used chains at stop when memory is short. */
#define MVS_STOP_TRIES	100

/* Number of calls of mvs_vq_pop_soon() that do not poll, after one that polled in vain. */
#define MVS_POLLS_SKIPPED	8

static struct lock_class_key mutex_keys[MVS_VQS];

/**
 * mvs_vq_init - set up a virtqueue
 * @vqs: the virtqueues of its device, zeroed
 * @index: its index
 * @gm: guest memory
 * @waker: of the worker that serves it
 * @misses: of its device
 */
void mvs_vq_init(struct mvs_vq *vqs, unsigned int index, struct mvs_mem *gm,
		 struct mvs_waker *waker, struct mvs_misses *misses)
{
	struct mvs_vq *vq = &vqs[index];

	mutex_init(&vq->mutex);
	/* One lock class for each: sockets' locks nest between a device's two virtqueues. */
	lockdep_set_class(&vq->mutex, &mutex_keys[index]);
	vq->vqs = vqs;
	vq->index = index;
	vq->waker = waker;
	vq->misses = misses;
	vq->ring.gm = gm;
	/* As in vhost: usable without VHOST_SET_VRING_NUM. */
	vq->ring.num = 1;
	mvs_vq_init_timers(vq);
	mvs_kick_init(&vq->kick, index);
	mvs_lease_init(&vq->lease);
}

/**
 * mvs_set_eventfd - replace an eventfd
 * @slot: the eventfd; protected by the caller
 * @fd: the file descriptor, or %VHOST_FILE_UNBIND for none
 *
 * Context: process; may sleep.
 * Return: 0, or the error of eventfd_ctx_fdget(), with @slot unchanged.
 */
int mvs_set_eventfd(struct eventfd_ctx **slot, int fd)
{
	struct eventfd_ctx *ctx = NULL;

	if (fd != VHOST_FILE_UNBIND)
		ctx = eventfd_ctx_fdget(fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);

	swap(ctx, *slot);
	if (ctx)
		eventfd_ctx_put(ctx);
	return 0;
}

/**
 * mvs_vq_reset - reset all settings made by the VMM
 * @vq: the virtqueue, stopped
 *
 * The counters stay.
 *
 * Context: process, with the device's mutex held; may sleep.
 */
void mvs_vq_reset(struct mvs_vq *vq)
{
	mutex_lock(&vq->mutex);
	if (vq->kick.file)
		fput(vq->kick.file);
	vq->kick.file = NULL;
	mvs_set_eventfd(&vq->call, VHOST_FILE_UNBIND);
	mvs_set_eventfd(&vq->err, VHOST_FILE_UNBIND);
	vq->busyloop_timeout = 0;
	vq->ring = (struct mvs_ring) {
		.gm = vq->ring.gm,
		.num = 1,
	};
	mutex_unlock(&vq->mutex);
}

/**
 * mvs_vq_access_ok - check that a ring lies in user space
 * @ring: the ring
 *
 * Whether the VMM has mapped it is checked on use, and so are I/O virtual addresses.
 *
 * Return: true if all of it is in user space.
 */
bool mvs_vq_access_ok(const struct mvs_ring *ring)
{
	size_t desc, avail, used;

	if (ring->gm->iotlb)
		return true;
	mvs_ring_sizes(ring, &desc, &avail, &used);
	return access_ok((void __user *)(unsigned long)ring->desc, desc) &&
	       access_ok((void __user *)(unsigned long)ring->avail, avail) &&
	       access_ok((void __user *)(unsigned long)ring->used, used);
}

/**
 * mvs_vq_log_ok - check the addresses of the dirty log of a ring's Device Area
 * @ring: the ring
 * @log_base: VMM-virtual address of the dirty log
 *
 * Return: true if they are valid, or the ring is not logged.
 */
bool mvs_vq_log_ok(const struct mvs_ring *ring, u64 log_base)
{
	size_t desc, avail, used;

	if (!ring->log || ring->gm->iotlb)
		return true;
	mvs_ring_sizes(ring, &desc, &avail, &used);
	return mvs_mem_log_range_ok(log_base, ring->log_addr, used);
}

/*
 * Set what a running ring keeps until it is started again. If the layout changes, used chains that
 * were not published when the ring broke are lost.
 */
static void vq_set_layout(struct mvs_vq *vq, u64 features)
{
	bool packed = features & BIT_ULL(VIRTIO_F_RING_PACKED);

	if (vq->ring.packed != packed) {
		vq->ring.unpublished = 0;
		vq->held = false;
	}
	vq->ring.packed = packed;
	vq->ring.le = features & BIT_ULL(VIRTIO_F_VERSION_1) ||
		      virtio_legacy_is_little_endian();
}

/**
 * mvs_vq_set_features - apply negotiated features
 * @vq: the virtqueue
 * @features: feature bits
 *
 * Context: with the virtqueue's mutex held.
 */
void mvs_vq_set_features(struct mvs_vq *vq, u64 features)
{
	struct mvs_ring *ring = &vq->ring;

	lockdep_assert_held(&vq->mutex);
	if (!vq->running)
		vq_set_layout(vq, features);
	ring->event_idx = features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	ring->indirect = features & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
	ring->notify_on_empty = features & BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY);
}

/**
 * mvs_vq_start - start using a virtqueue
 * @vq: the virtqueue; no effect if it runs
 * @features: negotiated features
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 0; %-EFAULT when the ring, or its log, can't be accessed; %-EINVAL when the size or the
 * base do not fit the layout; %-ENOMEM; %-EINTR; %-ERESTART: try again after mvs_mem_bring_in(),
 * without the mutex.
 */
int mvs_vq_start(struct mvs_vq *vq, u64 features)
{
	int ret;

	lockdep_assert_held(&vq->mutex);
	mvs_vq_set_features(vq, features);
	if (!mvs_vq_access_ok(&vq->ring) ||
	    !mvs_vq_log_ok(&vq->ring, vq->ring.gm->log_base))
		return -EFAULT;
	if (vq->running)
		return 0;

	if (!vq->chain.segs) {
		ret = mvs_chain_init(&vq->chain);
		if (ret)
			return ret;
	}
	ret = mvs_ring_start(&vq->ring);
	/* As in vhost: at start all translations must be present, and the log mapped. */
	if (ret == -EINPROGRESS || ret == -EIO)
		ret = -EFAULT;
	if (ret)
		return ret;
	vq->running = true;
	/* Publish the chains that were used before the ring broke. */
	mvs_vq_flush(vq);
	return 0;
}

/* The ring is invalid or inaccessible: stop using it, and signal the VMM's error eventfd. */
static void vq_break_ring(struct mvs_vq *vq, int error)
{
	if (!vq->running)
		return;
	vq->running = false;
	mvs_count(&vq->broken, 1);
	trace_mvs_ring_broken(READ_ONCE(vq->ring.gm->cid), vq->index, error);
	if (vq->err)
		eventfd_signal(vq->err);
}

/**
 * mvs_vq_unflushed - check for used chains that could not be published yet
 * @vq: the virtqueue
 *
 * Context: with the virtqueue's mutex held.
 * Return: true if there are any.
 */
bool mvs_vq_unflushed(const struct mvs_vq *vq)
{
	return vq->running && (vq->held || vq->ring.unpublished);
}

/*
 * The last flush: the driver never gets what is not published now. A lack of memory may pass, but
 * the VMM waits for that only for a bounded time.
 */
static void vq_flush_all(struct mvs_vq *vq)
{
	unsigned int tries = MVS_STOP_TRIES;

	mvs_vq_flush(vq);
	while (mvs_vq_unflushed(vq)) {
		if (!--tries || fatal_signal_pending(current)) {
			vq_break_ring(vq, -ENOMEM);
			break;
		}
		usleep_range(500, 1000);
		mvs_vq_flush(vq);
	}
}

/**
 * mvs_vq_stop - undo mvs_vq_start()
 * @vq: the virtqueue, running or not
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 */
void mvs_vq_stop(struct mvs_vq *vq)
{
	lockdep_assert_held(&vq->mutex);
	vq_flush_all(vq);
	/* Reading whether the driver wants this notification has failed. */
	if (vq->unnotified && vq->call)
		eventfd_signal(vq->call);
	WRITE_ONCE(vq->unnotified, false);
	mvs_vq_cancel_timers(vq);
	mvs_lease_stop(&vq->lease);
	vq->ring.unpublished = 0;
	vq->held = false;
	vq->running = false;
	mvs_chain_destroy(&vq->chain);
}

/*
 * True for transient errors: lack of memory, perhaps only in the cgroup of the calling program; a
 * calling program that is killed; a page that the worker has to bring in, or that was taken away
 * each time it was brought in. The worker retries.
 */
static bool vq_error_passes(struct mvs_vq *vq, int ret)
{
	switch (ret) {
	case -ERESTART:
		if (READ_ONCE(vq->ring.gm->wants)) {
			mvs_waker_wake(vq->waker, vq->index);
			return true;
		}
		fallthrough;
	case -ENOMEM:
	case -EINTR:
		mvs_vq_wake_in(vq, MVS_RETRY_NS);
		return true;
	}
	return false;
}

/* Handle an error: retry later, request a translation, or break the ring. Returns @ret. */
static int vq_check_error(struct mvs_vq *vq, int ret)
{
	if (likely(ret >= 0) || vq_error_passes(vq, ret))
		return ret;
	if (ret == -EINPROGRESS)
		mvs_misses_ask(vq->misses, vq->index, &vq->ring.fault);
	else
		vq_break_ring(vq, ret);
	return ret;
}

/*
 * False after a switch to or from an IOMMU, until the VMM has set the ring's addresses, which wakes
 * the worker.
 */
static bool vq_has_addrs(const struct mvs_ring *ring)
{
	return ring->desc || ring->avail || ring->used;
}

/**
 * mvs_vq_begin - start taking chains: suppress kicks until there are none
 * @vq: the virtqueue, running
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 1; 0 when the VMM has not set the ring's addresses yet; an error of
 * mvs_vq_pop().
 */
int mvs_vq_begin(struct mvs_vq *vq)
{
	int ret;

	lockdep_assert_held(&vq->mutex);
	vq->polling = false;
	if (!vq_has_addrs(&vq->ring))
		return 0;
	ret = mvs_ring_prefetch(&vq->ring) ?:
	      mvs_ring_disable_notify(&vq->ring);
	return vq_check_error(vq, ret) ?: 1;
}

/*
 * No chain, and kicks are suppressed: poll for an interval, unless another task, such as the
 * driver's thread, has to run on this CPU. Returns as mvs_ring_pop().
 */
static int vq_pop_polled(struct mvs_vq *vq)
{
	u64 end = ktime_get_ns() + mvs_vq_interval_ns(vq);
	int ret = 0;

	if (!single_task_running())
		return 0;
	/* The driver may be waiting for the previous chain. */
	mvs_vq_publish(vq);
	vq->polls_skipped = MVS_POLLS_SKIPPED;
	while (!ret && single_task_running() && !need_resched() &&
	       !signal_pending(current) && ktime_get_ns() < end) {
		cpu_relax();
		ret = mvs_ring_pop(&vq->ring, &vq->chain);
	}
	return ret;
}

/*
 * No chain: enable kicks, after polling if a chain is expected soon. Returns 0, or as
 * mvs_ring_pop() if a chain became available meanwhile.
 */
static int vq_pop_late(struct mvs_vq *vq, bool soon)
{
	int ret;

	ret = soon ? vq_pop_polled(vq) : 0;
	if (ret)
		return ret;
	if (unlikely(vq->brisk || vq->busyloop_timeout) &&
	    mvs_vq_look_again(vq))
		return 0;
	if (vq->index == MVS_VQ_TX && !vq->asked)
		vq->asked = ktime_get_ns();
	ret = mvs_ring_enable_notify(&vq->ring);
	if (ret <= 0)
		return ret;
	ret = mvs_ring_disable_notify(&vq->ring);
	return ret ?: mvs_ring_pop(&vq->ring, &vq->chain);
}

/*
 * Push the held chain, for which mvs_vq_push() failed. Returns 0; an error to retry later; or an
 * error after which the ring is broken.
 */
static int vq_push_held(struct mvs_vq *vq)
{
	int ret;

	if (likely(!vq->held))
		return 0;
	ret = mvs_ring_push(&vq->ring, &vq->chain, vq->held_len);
	if (vq_error_passes(vq, ret))
		return ret;
	vq->held = false;
	if (ret)
		vq_break_ring(vq, ret);
	return ret;
}

static int vq_pop(struct mvs_vq *vq, bool soon)
{
	int ret;

	lockdep_assert_held(&vq->mutex);
	ret = vq_push_held(vq);
	if (unlikely(ret))
		return ret;
	ret = mvs_ring_pop(&vq->ring, &vq->chain) ?: vq_pop_late(vq, soon);
	if (ret == 1) {
		vq->look_start = 0;
		if (vq->asked)
			mvs_vq_note_kick(vq);
		return 1;
	}
	if (ret == -EBADMSG)
		return mvs_vq_reject(vq) ?: -EBADMSG;
	return vq_check_error(vq, ret);
}

/**
 * mvs_vq_pop - take the next chain into @vq->chain
 * @vq: the virtqueue, running
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 1; 0 when there is none, and kicks are enabled or the worker checks again by itself;
 * %-EBADMSG when an invalid one was given back to the driver; %-ENOMEM, %-EINTR or %-ERESTART with
 * nothing changed, after which the worker is woken; %-EINPROGRESS when an IOTLB miss was reported,
 * whose answer wakes the worker; any other error when the ring is broken, and was stopped.
 */
int mvs_vq_pop(struct mvs_vq *vq)
{
	return vq_pop(vq, false);
}

/**
 * mvs_vq_pop_soon - take the next chain, which is expected very soon
 * @vq: the virtqueue, running
 *
 * As mvs_vq_pop(), but if there is no chain it polls before it enables kicks: for 50 us, or up to
 * 400 us where timers expire late, unless another task has to run. The next calls do not poll,
 * unless the caller reports by mvs_vq_poll_paid() that the chain was the expected one.
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: see mvs_vq_pop().
 */
int mvs_vq_pop_soon(struct mvs_vq *vq)
{
	bool poll = !vq->polls_skipped;

	vq->polls_skipped -= !poll;
	return vq_pop(vq, poll);
}

/**
 * mvs_vq_poll_paid - have the next mvs_vq_pop_soon() poll
 * @vq: the virtqueue, whose last mvs_vq_pop_soon() took the expected chain
 *
 * Context: with the virtqueue's mutex held.
 */
void mvs_vq_poll_paid(struct mvs_vq *vq)
{
	vq->polls_skipped = 0;
}

/**
 * mvs_vq_unpop - put @vq->chain back, to be taken again
 * @vq: the virtqueue
 * @error: the reason: 0, %-ENOMEM, %-EINTR, %-ERESTART, or an error that stops the virtqueue
 *
 * Context: with the virtqueue's mutex held.
 * Return: @error.
 */
int mvs_vq_unpop(struct mvs_vq *vq, int error)
{
	lockdep_assert_held(&vq->mutex);
	mvs_ring_unpop(&vq->ring, &vq->chain);
	return vq_check_error(vq, error);
}

/**
 * mvs_vq_push - give @vq->chain back to the driver
 * @vq: the virtqueue
 * @len: bytes written to it
 *
 * It is published by mvs_vq_flush(), which the caller must call before it releases the
 * mutex. When memory is short, or the caller was killed, it is held until the next call.
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 0, or an error when the ring is broken.
 */
int mvs_vq_push(struct mvs_vq *vq, u32 len)
{
	int ret;

	lockdep_assert_held(&vq->mutex);
	ret = mvs_ring_push(&vq->ring, &vq->chain, len);
	if (unlikely(vq_error_passes(vq, ret))) {
		vq->held = true;
		vq->held_len = len;
		return 0;
	}
	/* The driver would never get this chain back. */
	if (unlikely(ret))
		vq_break_ring(vq, ret);
	return ret;
}

/**
 * mvs_vq_reject - give @vq->chain back unused, for @vq->chain.reason
 * @vq: the virtqueue
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 0, or an error when the ring is broken.
 */
int mvs_vq_reject(struct mvs_vq *vq)
{
	struct mvs_chain *chain = &vq->chain;

	mvs_count(&vq->rejected[chain->reason], 1);
	trace_mvs_chain_rejected(READ_ONCE(vq->ring.gm->cid), vq->index,
				 chain->id, mvs_reason_names[chain->reason]);
	/* Invalid chains may be the longest ones to walk. */
	cond_resched();
	return mvs_vq_push(vq, 0);
}

/**
 * mvs_vq_publish - publish the used chains
 * @vq: the virtqueue, which may have been found broken since
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: true if a notification may be due.
 */
bool mvs_vq_publish(struct mvs_vq *vq)
{
	int ret;

	lockdep_assert_held(&vq->mutex);
	if (!vq_has_addrs(&vq->ring))
		return false;
	vq_push_held(vq);
	if (!vq->ring.unpublished)
		return vq->unnotified;
	ret = mvs_ring_publish(&vq->ring);
	if (unlikely((vq->ring.gm->logging || vq->ring.log) && vq->log))
		eventfd_signal(vq->log);
	if (unlikely(ret)) {
		/* The driver waits for these chains. */
		if (!vq_error_passes(vq, ret))
			vq_break_ring(vq, ret);
		return vq->unnotified;
	}
	WRITE_ONCE(vq->published, vq->published + 1);
	WRITE_ONCE(vq->unnotified, true);
	return true;
}

/**
 * mvs_vq_signal - notify the driver of published chains, unless it has suppressed that
 * @vq: the virtqueue
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 */
void mvs_vq_signal(struct mvs_vq *vq)
{
	int wanted = vq_check_error(vq, mvs_ring_need_signal(&vq->ring));

	/* The worker will read whether the driver wants it. */
	if (unlikely(wanted == -ERESTART))
		return;
	WRITE_ONCE(vq->unnotified, false);
	WRITE_ONCE(vq->ticks, 0);
	vq->unnotified_since = 0;
	vq->signalled = ktime_get_ns();
	/* On an error, notify as well. */
	if (!wanted || !vq->call)
		return;
	mvs_count(&vq->signals, 1);
	eventfd_signal(vq->call);
}

/**
 * mvs_vq_flush - publish used chains and notify the driver
 * @vq: the virtqueue, which may have been found broken since
 *
 * No notification is sent if the driver has suppressed it.
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 */
void mvs_vq_flush(struct mvs_vq *vq)
{
	if (mvs_vq_publish(vq))
		mvs_vq_signal(vq);
}
