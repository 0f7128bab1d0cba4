/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lease of a virtqueue determines what takes the next chain: the worker, or a reader in recv().
 *
 * Kicks wake the worker, or, while the lease is armed, a reader of one connection. The lease is
 * held by a reader that was woken, or by one that is expected to come back: meanwhile kicks wake
 * nothing, and the worker takes no chains. A lease that is not ended in time expires, and the
 * worker continues. So whatever readers do, something always checks for the next chain.
 */
#ifndef _MVSOCK_LEASE_H
#define _MVSOCK_LEASE_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

struct mvs_conn;

/**
 * enum mvs_lease_state - what takes the next chain
 * @MVS_LEASE_NONE: the worker
 * @MVS_LEASE_ARMED: a reader that sleeps, from the next kick on
 * @MVS_LEASE_HELD: a reader that was woken, or is expected back
 * @MVS_LEASE_STATES: their number
 */
enum mvs_lease_state {
	MVS_LEASE_NONE,
	MVS_LEASE_ARMED,
	MVS_LEASE_HELD,
	MVS_LEASE_STATES
};

/**
 * enum mvs_lease_event - what changes that
 * @MVS_LEASE_ARM: a reader is about to sleep
 * @MVS_LEASE_DISARM: readers are not expected to wait for the next data any more
 * @MVS_LEASE_KICK: a kick
 * @MVS_LEASE_GRANT: a packet is left to a reader, or a reader is expected back
 * @MVS_LEASE_END: the reader checks for chains now, or does not want them; or no reader sleeps
 * @MVS_LEASE_EXPIRE: it did neither in time
 * @MVS_LEASE_EVENTS: their number
 */
enum mvs_lease_event {
	MVS_LEASE_ARM,
	MVS_LEASE_DISARM,
	MVS_LEASE_KICK,
	MVS_LEASE_GRANT,
	MVS_LEASE_END,
	MVS_LEASE_EXPIRE,
	MVS_LEASE_EVENTS
};

/**
 * struct mvs_lease - the lease of a virtqueue
 * @lock: protects the following fields; taken with interrupts off, inside the kick eventfd's lock
 * @state: what takes the next chain; read without the lock as a hint
 * @conn: the connection whose readers have the lease, or had the last one; only compared, never
 *	dereferenced
 * @readers: the wait queue of its socket while the lease is armed, else NULL
 * @timer: expiry timer; not stopped when a lease is ended in time
 * @ticking: @timer is running
 * @until: end of the lease while it is held, in ns of ktime_get_ns()
 * @missed: the last lease of @conn expired
 *
 * @last: the connection that received the last data from the guest; only compared. Written, as is
 *	@answers, under the virtqueue's mutex, read without
 * @answers: data packets in a row that each answered data sent to the guest; negative after
 *	a lease expired
 */
struct mvs_lease {
	spinlock_t lock;	/* the lease */
	enum mvs_lease_state state;
	const struct mvs_conn *conn;
	wait_queue_head_t *readers;
	struct hrtimer timer;
	bool ticking;
	u64 until;
	bool missed;

	const struct mvs_conn *last;
	int answers;
};

/**
 * mvs_lease_held - check whether the next chain is left to a reader
 * @lease: the lease
 *
 * Return: true if it is; when the lease ends, the worker is woken or the reader checks for chains.
 */
static inline bool mvs_lease_held(const struct mvs_lease *lease)
{
	return READ_ONCE(lease->state) == MVS_LEASE_HELD;
}

/**
 * mvs_lease_held_by - check whether the next chain is left to a connection's reader
 * @lease: the lease
 * @conn: the connection
 *
 * Return: true if it is, or was a moment ago; the reader then calls mvs_lease_end().
 */
static inline bool mvs_lease_held_by(const struct mvs_lease *lease,
				     const struct mvs_conn *conn)
{
	/* Pairs with the release in lease_apply(). */
	return smp_load_acquire(&lease->state) == MVS_LEASE_HELD &&
	       READ_ONCE(lease->conn) == conn;
}

enum mvs_lease_state mvs_lease_next(enum mvs_lease_state state,
				    enum mvs_lease_event event);
void mvs_lease_init(struct mvs_lease *lease);
void mvs_lease_stop(struct mvs_lease *lease);
void mvs_lease_arm(struct mvs_lease *lease, const struct mvs_conn *conn,
		   wait_queue_head_t *readers);
void mvs_lease_disarm(struct mvs_lease *lease);
bool mvs_lease_kick(struct mvs_lease *lease);
bool mvs_lease_grant(struct mvs_lease *lease, const struct mvs_conn *conn);
bool mvs_lease_end(struct mvs_lease *lease, const struct mvs_conn *conn);
bool mvs_lease_missed(struct mvs_lease *lease, const struct mvs_conn *conn);

#endif /* _MVSOCK_LEASE_H */
