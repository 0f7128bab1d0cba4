// SPDX-License-Identifier: GPL-2.0
/*
 * Coalescing of used buffer notifications: publish at once, notify later.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>

#include <mvsock/virtqueue.h>

/*
 * Intervals after which the driver of a stream is notified, unless it has suppressed notifications.
 */
#define MVS_TICKS_MAX	2

/**
 * mvs_vq_flush_lazily - publish used chains and coalesce the notification
 * @vq: the virtqueue, which may have been found broken since
 *
 * For streams: the driver is not notified before half of the ring is used or an interval has
 * passed, as it would otherwise wake up for each packet. The next mvs_vq_flush() notifies it, or,
 * if there is none, the worker.
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 */
void mvs_vq_flush_lazily(struct mvs_vq *vq)
{
	if (!mvs_vq_publish(vq))
		return;
	/*
	 * unnotified is set before the timer is checked: either the timer has stopped, or
	 * vq_tick_expired() sees unnotified. Pairs with the barrier there.
	 */
	smp_mb();
	if (vq->ring.unsignalled < vq->ring.num / 2 &&
	    READ_ONCE(vq->ticks) < MVS_TICKS_MAX) {
		if (hrtimer_is_queued(&vq->tick))
			return;
		/* A single packet is notified at once. */
		if (ktime_get_ns() - vq->signalled < mvs_vq_tick_ns(vq)) {
			mvs_vq_start_tick(vq, vq->published);
			return;
		}
	}
	mvs_vq_signal(vq);
}

/**
 * mvs_vq_flush_used - publish used TX chains and delay the notification
 * @vq: the virtqueue, which may have been found broken since
 *
 * A driver with free descriptors does not wait for used chains. It is notified when half of the
 * ring is used or %MVS_TX_NOTIFY_NS have passed; or without delay, for as many descriptors as it
 * waited for, if it was observed to wait for the notification.
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 */
void mvs_vq_flush_used(struct mvs_vq *vq)
{
	u64 now, left;

	if (!mvs_vq_publish(vq))
		return;
	/* A driver that waits for used chains has no other one available. */
	if (vq->ring.unsignalled > max(vq->chain.ndescs, vq->batch))
		vq->eager = 0;
	if ((vq->eager && vq->ring.unsignalled >= vq->batch) ||
	    vq->ring.unsignalled >= vq->ring.num / 2) {
		vq->eager -= !!vq->eager;
		mvs_vq_signal(vq);
		return;
	}
	now = ktime_get_ns();
	if (!vq->unnotified_since)
		vq->unnotified_since = now;
	left = vq->unnotified_since + MVS_TX_NOTIFY_NS - now;
	if ((s64)left > 0) {
		mvs_vq_wake_in(vq, left);
		return;
	}
	/*
	 * If the driver has made no chain available since then, it may be waiting for this
	 * notification.
	 */
	vq->batch = vq->ring.unsignalled;
	vq->expired = vq->asked && (s64)(vq->asked - vq->unnotified_since) <
				   (s64)(MVS_BRISK * mvs_vq_interval_ns(vq)) ?
		      now : 0;
	mvs_vq_signal(vq);
}
