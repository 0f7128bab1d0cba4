// SPDX-License-Identifier: GPL-2.0
/* The lease of a virtqueue: see <mvsock/lease.h>. */
#include <linux/lockdep.h>

#include <kunit/visibility.h>

#include <mvsock/compat.h>
#include <mvsock/fault.h>
#include <mvsock/lease.h>
#include <mvsock/virtqueue.h>
#include <mvsock/worker.h>

/* Maximum duration of a lease, in intervals of mvs_vq_interval_ns(). */
#define MVS_LEASE_INTERVALS	2

/* The next state, for each event and state. */
#define ROW(none, armed, held) {					\
	[MVS_LEASE_NONE] = MVS_LEASE_ ## none,				\
	[MVS_LEASE_ARMED] = MVS_LEASE_ ## armed,			\
	[MVS_LEASE_HELD] = MVS_LEASE_ ## held,				\
}

static const enum mvs_lease_state next[MVS_LEASE_EVENTS][MVS_LEASE_STATES] = {
	[MVS_LEASE_ARM]		= ROW(ARMED, ARMED, HELD),
	[MVS_LEASE_DISARM]	= ROW(NONE, NONE, HELD),
	[MVS_LEASE_KICK]	= ROW(NONE, HELD, HELD),
	[MVS_LEASE_GRANT]	= ROW(HELD, HELD, HELD),
	[MVS_LEASE_END]		= ROW(NONE, NONE, NONE),
	[MVS_LEASE_EXPIRE]	= ROW(NONE, ARMED, NONE),
};

/**
 * mvs_lease_next - look up the transition for an event
 * @state: the state
 * @event: the event
 *
 * Return: the next state.
 */
enum mvs_lease_state mvs_lease_next(enum mvs_lease_state state,
				    enum mvs_lease_event event)
{
	return next[event][state];
}
EXPORT_SYMBOL_IF_KUNIT(mvs_lease_next);

/* Apply an event. Called with the lock held. */
static void lease_apply(struct mvs_lease *lease, enum mvs_lease_event event)
{
	enum mvs_lease_state old = lease->state;

	lockdep_assert_held(&lease->lock);
	/* Written after the connection. Pairs with the acquire in mvs_lease_held_by(). */
	smp_store_release(&lease->state, mvs_lease_next(old, event));
	if (lease->state != MVS_LEASE_ARMED)
		lease->readers = NULL;
	if (lease->state != MVS_LEASE_HELD || old == MVS_LEASE_HELD)
		return;
	WRITE_ONCE(lease->missed, false);
	lease->until = ktime_get_ns() + MVS_LEASE_INTERVALS *
		       mvs_vq_interval_ns(container_of(lease, struct mvs_vq, lease));
	/* A running timer is not restarted: at its expiry it is moved to the end of this lease. */
	if (!lease->ticking)
		hrtimer_start(&lease->timer, ns_to_ktime(lease->until),
			      HRTIMER_MODE_ABS_SOFT);
	lease->ticking = true;
}

/* In softirq. */
static enum hrtimer_restart lease_timer_expired(struct hrtimer *timer)
{
	struct mvs_lease *lease = container_of(timer, struct mvs_lease, timer);
	struct mvs_vq *vq = container_of(lease, struct mvs_vq, lease);
	bool held, expired;

	spin_lock_irq(&lease->lock);
	expired = ktime_get_ns() >= lease->until && mvs_lease_held(lease);
	if (expired) {
		lease_apply(lease, MVS_LEASE_EXPIRE);
		WRITE_ONCE(lease->missed, true);
	}
	held = mvs_lease_held(lease);
	if (held)
		hrtimer_set_expires(timer, ns_to_ktime(lease->until));
	lease->ticking = held;
	spin_unlock_irq(&lease->lock);
	if (expired)
		mvs_waker_wake(vq->waker, vq->index);
	return held ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

/**
 * mvs_lease_init - set up a lease that no reader holds
 * @lease: the lease, a virtqueue's, zeroed
 */
void mvs_lease_init(struct mvs_lease *lease)
{
	spin_lock_init(&lease->lock);
	hrtimer_setup(&lease->timer, lease_timer_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_lease_init);

/**
 * mvs_lease_stop - end the lease, whoever holds it
 * @lease: the lease; its virtqueue's kick is stopped
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 */
void mvs_lease_stop(struct mvs_lease *lease)
{
	spin_lock_irq(&lease->lock);
	lease_apply(lease, MVS_LEASE_END);
	spin_unlock_irq(&lease->lock);
	hrtimer_cancel(&lease->timer);
	lease->ticking = false;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_lease_stop);

/**
 * mvs_lease_arm - have the next kick wake a reader in place of the worker
 * @lease: the lease
 * @conn: the connection; mvs_lease_end() is called before it is freed
 * @readers: the wait queue of its socket
 *
 * No effect if the lease is held: its holder checks for chains before the next kick matters.
 *
 * Context: process.
 */
void mvs_lease_arm(struct mvs_lease *lease, const struct mvs_conn *conn,
		   wait_queue_head_t *readers)
{
	spin_lock_irq(&lease->lock);
	lease_apply(lease, MVS_LEASE_ARM);
	if (lease->state == MVS_LEASE_ARMED) {
		WRITE_ONCE(lease->conn, conn);
		lease->readers = readers;
	}
	spin_unlock_irq(&lease->lock);
	mvs_fault_delay();
}
EXPORT_SYMBOL_IF_KUNIT(mvs_lease_arm);

/**
 * mvs_lease_disarm - have kicks wake the worker again
 * @lease: the lease; no effect if it is held
 *
 * Context: process.
 */
void mvs_lease_disarm(struct mvs_lease *lease)
{
	if (READ_ONCE(lease->state) != MVS_LEASE_ARMED)
		return;
	spin_lock_irq(&lease->lock);
	lease_apply(lease, MVS_LEASE_DISARM);
	spin_unlock_irq(&lease->lock);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_lease_disarm);

/*
 * Wake the first task in recv()'s wait loop, by its wait function: of the waiters on a connected
 * socket, only recv() uses that one. Returns false if there is none, or if it is awake already: it
 * may have checked for data before it held the lease.
 */
static bool lease_wake_first(wait_queue_head_t *readers)
{
	wait_queue_entry_t *wait;

	lockdep_assert_held(&readers->lock);
	list_for_each_entry(wait, &readers->head, entry)
		if (wait->func == autoremove_wake_function)
			return wait->func(wait, TASK_INTERRUPTIBLE, 0, NULL);
	return false;
}

/*
 * AIO may signal an eventfd with the lock of a socket's wait queue held, so do not wait for that
 * lock with the eventfd's lock held.
 */
static bool lease_try_wake_first(wait_queue_head_t *readers)
{
	bool woken;

	if (!spin_trylock(&readers->lock))
		return false;
	woken = lease_wake_first(readers);
	spin_unlock(&readers->lock);
	return woken;
}

/**
 * mvs_lease_kick - have a kick wake a reader, if the lease is armed
 * @lease: the lease
 *
 * Context: any, with interrupts off.
 * Return: false if the worker has to be woken.
 */
bool mvs_lease_kick(struct mvs_lease *lease)
{
	wait_queue_head_t *readers;
	bool held;

	if (READ_ONCE(lease->state) == MVS_LEASE_NONE)
		return false;
	mvs_fault_delay();
	spin_lock(&lease->lock);
	readers = lease->readers;
	if (lease->state == MVS_LEASE_ARMED) {
		/* Set before the reader runs, which checks whether it holds the lease. */
		lease_apply(lease, MVS_LEASE_KICK);
		if (!lease_try_wake_first(readers))
			lease_apply(lease, MVS_LEASE_END);
	}
	held = lease->state == MVS_LEASE_HELD;
	spin_unlock(&lease->lock);
	return held;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_lease_kick);

/**
 * mvs_lease_grant - leave the next chain to a connection's reader
 * @lease: the lease, of a running virtqueue
 * @conn: the connection
 *
 * Kicks are suppressed, or there is a chain: the reader is woken, or is going to call recv().
 *
 * Context: process, with the virtqueue's mutex held.
 * Return: false if the lease is held already: two connections that renew it in turns would delay
 * the check for chains for ever.
 */
bool mvs_lease_grant(struct mvs_lease *lease, const struct mvs_conn *conn)
{
	bool granted;

	spin_lock_irq(&lease->lock);
	granted = lease->state != MVS_LEASE_HELD;
	if (granted) {
		WRITE_ONCE(lease->conn, conn);
		lease_apply(lease, MVS_LEASE_GRANT);
	}
	spin_unlock_irq(&lease->lock);
	mvs_fault_delay();
	return granted;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_lease_grant);

/**
 * mvs_lease_end - end a connection's lease
 * @lease: the lease
 * @conn: the connection; no effect if it does not have the lease
 *
 * Either the caller sees chains that become available from now on, or their kick wakes the worker.
 *
 * Context: process.
 * Return: true if the lease was held: the caller must check for chains now, or wake the worker.
 */
bool mvs_lease_end(struct mvs_lease *lease, const struct mvs_conn *conn)
{
	bool held = false;

	mvs_fault_delay();
	spin_lock_irq(&lease->lock);
	if (lease->conn == conn) {
		held = lease->state == MVS_LEASE_HELD;
		lease_apply(lease, MVS_LEASE_END);
	}
	spin_unlock_irq(&lease->lock);
	mvs_fault_delay();
	return held;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_lease_end);

/**
 * mvs_lease_missed - check whether a connection's reader let its last lease expire
 * @lease: the lease
 * @conn: the connection
 *
 * Context: process.
 * Return: true the first time after it did.
 */
bool mvs_lease_missed(struct mvs_lease *lease, const struct mvs_conn *conn)
{
	bool missed;

	if (likely(!READ_ONCE(lease->missed)))
		return false;
	spin_lock_irq(&lease->lock);
	missed = lease->missed && lease->conn == conn;
	if (missed)
		WRITE_ONCE(lease->missed, false);
	spin_unlock_irq(&lease->lock);
	return missed;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_lease_missed);
