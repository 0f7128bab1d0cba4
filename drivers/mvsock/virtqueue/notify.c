// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications of a virtqueue: the interval by which they are coalesced, its timers, and when
 * kicks stay suppressed.
 */
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#include <mvsock/compat.h>
#include <mvsock/virtqueue.h>
#include <mvsock/worker.h>

/*
 * Minimum interval, in ns, by which notifications are coalesced: used buffer notifications of a
 * stream are delayed, and the worker checks for the next chain in place of a kick. It is short
 * compared to the time for waking a driver.
 */
#define MVS_TICK_NS	(50 * NSEC_PER_USEC)

/*
 * Scale the interval with the measured timer latency: where timers expire late, interrupts and
 * kicks are expensive. Factor and maximum.
 */
#define MVS_TICK_LATE		8
#define MVS_TICK_MAX_NS		(400 * NSEC_PER_USEC)

/* How many times at most the interval doubles while a stream lasts. */
#define MVS_TICK_DOUBLINGS	3

/*
 * Number of consecutive checks for chains, with data in one direction, that make a stream, whose
 * next packet may wait.
 */
#define MVS_STREAM_MIN	8U

/*
 * A driver that makes a chain available within this time, in ns, after it was notified of used TX
 * chains has waited for them. After this many times in a row it is notified as soon as the same
 * number of descriptors is used, for MVS_EAGER rounds, or until it makes more available.
 */
#define MVS_WAITED_NS	(500 * NSEC_PER_USEC)
#define MVS_WAITED_MIN	2
#define MVS_EAGER	4096

static void vq_note_latency(struct mvs_vq *vq, const struct hrtimer *timer)
{
	/* The timer may have been restarted meanwhile, with a later expiry. */
	s64 late = -data_race(ktime_to_ns(hrtimer_expires_remaining(timer)));

	if (late >= 0)
		WRITE_ONCE(vq->timer_late, (7 * READ_ONCE(vq->timer_late) + late) / 8);
}

/* In softirq. */
static enum hrtimer_restart vq_late_expired(struct hrtimer *timer)
{
	struct mvs_vq *vq = container_of(timer, struct mvs_vq, late);

	vq_note_latency(vq, timer);
	mvs_waker_wake(vq->waker, vq->index);
	return HRTIMER_NORESTART;
}

/**
 * mvs_vq_interval_ns - get the interval by which notifications are coalesced
 * @vq: the virtqueue
 *
 * Context: any.
 * Return: nanoseconds: %MVS_TICK_NS, or up to %MVS_TICK_MAX_NS where timers expire late.
 */
u64 mvs_vq_interval_ns(const struct mvs_vq *vq)
{
	return clamp(READ_ONCE(vq->timer_late) * MVS_TICK_LATE, MVS_TICK_NS,
		     MVS_TICK_MAX_NS);
}

/**
 * mvs_vq_tick_ns - get the coalescing interval of a stream
 * @vq: the virtqueue
 *
 * Context: any.
 * Return: nanoseconds.
 */
u64 mvs_vq_tick_ns(const struct mvs_vq *vq)
{
	return mvs_vq_interval_ns(vq) << READ_ONCE(vq->tick_doubled);
}

/**
 * mvs_vq_start_tick - start the coalescing timer
 * @vq: the virtqueue
 * @published: the number of publications
 *
 * Context: with the virtqueue's mutex held, or in the timer.
 */
void mvs_vq_start_tick(struct mvs_vq *vq, u32 published)
{
	WRITE_ONCE(vq->tick_published, published);
	hrtimer_start(&vq->tick, ns_to_ktime(mvs_vq_tick_ns(vq)),
		      HRTIMER_MODE_REL_SOFT);
}

/*
 * In softirq: restart the timer while the stream lasts; otherwise the worker notifies the driver.
 */
static enum hrtimer_restart vq_tick_expired(struct hrtimer *timer)
{
	struct mvs_vq *vq = container_of(timer, struct mvs_vq, tick);
	u32 published, doubled = vq->tick_doubled;

	vq_note_latency(vq, timer);
	/*
	 * The timer has stopped before unnotified is checked. Pairs with the barrier in
	 * mvs_vq_flush_lazily().
	 */
	smp_mb();
	if (!READ_ONCE(vq->unnotified))
		return HRTIMER_NORESTART;
	published = READ_ONCE(vq->published);
	WRITE_ONCE(vq->ticks, READ_ONCE(vq->ticks) + 1);
	if (published != READ_ONCE(vq->tick_published)) {
		WRITE_ONCE(vq->tick_doubled,
			   min(doubled + 1, MVS_TICK_DOUBLINGS));
		mvs_vq_start_tick(vq, published);
	} else {
		WRITE_ONCE(vq->tick_doubled, doubled - !!doubled);
		mvs_waker_wake(vq->waker, vq->index);
	}
	return HRTIMER_NORESTART;
}

/**
 * mvs_vq_init_timers - set up a virtqueue's timers
 * @vq: the virtqueue
 */
void mvs_vq_init_timers(struct mvs_vq *vq)
{
	hrtimer_setup(&vq->late, vq_late_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
	hrtimer_setup(&vq->tick, vq_tick_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
}

/**
 * mvs_vq_cancel_timers - stop a virtqueue's timers
 * @vq: the virtqueue
 *
 * Context: process; may sleep.
 */
void mvs_vq_cancel_timers(struct mvs_vq *vq)
{
	hrtimer_cancel(&vq->late);
	hrtimer_cancel(&vq->tick);
}

/**
 * mvs_vq_wake_in - have the worker serve a virtqueue after a delay
 * @vq: the virtqueue
 * @ns: the maximum delay
 *
 * Context: with the virtqueue's mutex held.
 */
void mvs_vq_wake_in(struct mvs_vq *vq, u64 ns)
{
	lockdep_assert_held(&vq->mutex);
	if (!hrtimer_is_queued(&vq->late) ||
	    ktime_to_ns(hrtimer_get_remaining(&vq->late)) > (s64)ns)
		hrtimer_start(&vq->late, ns_to_ktime(ns),
			      HRTIMER_MODE_REL_SOFT);
}

/*
 * True if the next packet may wait: in MVS_STREAM_MIN consecutive checks, data went in one
 * direction only, and only credit packets in the other. If the data come from the guest, no packet
 * at all was sent since the last check, as the guest might have waited for it.
 */
static bool vq_packet_can_wait(struct mvs_vq *vq)
{
	const struct mvs_vq *rx = &vq->vqs[MVS_VQ_RX];
	u64 packets = READ_ONCE(rx->packets), bytes = READ_ONCE(rx->bytes);
	u64 control = READ_ONCE(rx->control) + vq->control;
	bool in = vq->bytes != vq->tx_bytes, out = bytes != vq->rx_bytes;
	bool quiet = packets == vq->rx_packets;

	if ((in && out) || control != vq->controls)
		vq->streak = 0;
	else if ((in || out) && vq->outward != out)
		vq->streak = 1;
	else if (in || out)
		vq->streak = min(vq->streak + 1, MVS_STREAM_MIN);
	if (in || out)
		vq->outward = out;
	vq->controls = control;
	vq->rx_packets = packets;
	vq->rx_bytes = bytes;
	vq->tx_bytes = vq->bytes;
	return (vq->outward || quiet) && vq->streak == MVS_STREAM_MIN;
}

/*
 * Poll, if this is the worker and its CPU has nothing else to run. Other tasks wake the worker,
 * which exists while a virtqueue runs.
 */
static bool vq_poll(struct mvs_vq *vq, bool worker)
{
	if (!worker) {
		mvs_waker_wake(vq->waker, vq->index);
		return true;
	}
	vq->polling = !need_resched() && !signal_pending(current);
	return vq->polling;
}

/**
 * mvs_vq_look_again - decide whether kicks stay suppressed although there is no chain
 * @vq: the virtqueue
 *
 * Context: process, with the virtqueue's mutex held.
 * Return: true if the worker checks for the next chain in place of a kick, by polling, or after a
 * delay if the next packet may wait.
 */
bool mvs_vq_look_again(struct mvs_vq *vq)
{
	u64 now, age, interval;
	bool worker;

	now = ktime_get_ns();
	if (!vq->look_start) {
		vq->look_start = now;
		vq->patient = vq_packet_can_wait(vq);
	}
	age = now - vq->look_start;
	/* The worker exists while a virtqueue runs. */
	worker = mvs_worker_runs(vq->waker->worker);
	if (age < vq->busyloop_timeout * (u64)NSEC_PER_USEC &&
	    vq_poll(vq, worker))
		return true;
	interval = mvs_vq_interval_ns(vq);
	if (vq->brisk && age < interval) {
		if (worker && single_task_running() && vq_poll(vq, true))
			return true;
		if (vq->patient) {
			mvs_vq_wake_in(vq, interval - age);
			return true;
		}
	}
	vq->brisk = false;
	return false;
}

/**
 * mvs_vq_note_kick - account the first chain after kicks were enabled
 * @vq: the virtqueue
 *
 * Context: process, with the virtqueue's mutex held.
 */
void mvs_vq_note_kick(struct mvs_vq *vq)
{
	u64 now = ktime_get_ns();

	vq->brisk = now - vq->asked < MVS_BRISK * mvs_vq_interval_ns(vq);
	/* Was the driver idle until it was notified of used TX chains? */
	if (vq->expired) {
		vq->waited = now - vq->expired < MVS_WAITED_NS ? vq->waited + 1 : 0;
		if (vq->waited == MVS_WAITED_MIN) {
			vq->waited = 0;
			vq->eager = MVS_EAGER;
		}
		vq->expired = 0;
	}
	vq->asked = 0;
}
