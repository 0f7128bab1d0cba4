// SPDX-License-Identifier: GPL-2.0
/*
 * Walks over a device's connections, while these come and go: each that is there all the time is
 * visited once, and none twice.
 *
 * The list is in the order of attachment, and each connection has its number in that order. While a
 * walk is in progress, a removal moves it on. A walk that is paused, which may be for as long as a
 * program likes, is in no list. It has a reference on the last connection that it has passed: if
 * that is still there it goes on from it, otherwise from the first one with a greater number.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/af_vsock.h>

#include <mvsock/conn.h>

/* Connections that are skipped before the lock is released for a moment. */
#define WALK_STEPS	128

/**
 * mvs_walk_init - prepare a walk over a device's connections
 * @walk: the walk, paused
 * @conns: the connections, which stay until mvs_walk_end(); those that are attached from now on
 *	are not visited
 *
 * Context: process.
 */
void mvs_walk_init(struct mvs_walk *walk, struct mvs_conns *conns)
{
	*walk = (struct mvs_walk) { .conns = conns };
	spin_lock(&conns->lock);
	walk->end = conns->serial;
	spin_unlock(&conns->lock);
}

/**
 * mvs_walk_resume - begin or continue a walk
 * @walk: the walk, paused
 *
 * The caller does not return to user space before mvs_walk_pause(): each removal looks at all walks
 * in progress.
 *
 * Context: process.
 */
void mvs_walk_resume(struct mvs_walk *walk)
{
	struct mvs_conns *conns = walk->conns;

	spin_lock(&conns->lock);
	walk->next = walk->last && walk->last->in_table ? &walk->last->all :
							  conns->all.next;
	list_add(&walk->list, &conns->walks);
	spin_unlock(&conns->lock);
}

/**
 * mvs_walk_pause - pause a walk
 * @walk: the walk
 *
 * Context: process.
 */
void mvs_walk_pause(struct mvs_walk *walk)
{
	spin_lock(&walk->conns->lock);
	list_del(&walk->list);
	spin_unlock(&walk->conns->lock);
}

/**
 * mvs_walk_end - undo mvs_walk_init()
 * @walk: the walk, paused
 *
 * Context: process, without spinning locks held.
 */
void mvs_walk_end(struct mvs_walk *walk)
{
	if (walk->last)
		mvs_conn_put(walk->last);
	walk->last = NULL;
}

/**
 * mvs_walk_get - get the next connection
 * @walk: the walk, resumed
 *
 * Context: process; may sleep.
 * Return: the connection, for mvs_walk_pass() or mvs_conn_release(), after which the next call
 * returns it again; or NULL at the end.
 */
struct mvs_conn *mvs_walk_get(struct mvs_walk *walk)
{
	struct mvs_conns *conns = walk->conns;
	struct mvs_conn *conn = NULL;
	unsigned int steps = 0;

	spin_lock(&conns->lock);
	while (walk->next != &conns->all) {
		conn = list_entry(walk->next, struct mvs_conn, all);
		if (conn->serial > walk->passed)
			break;
		conn = NULL;
		walk->next = walk->next->next;
		if (++steps % WALK_STEPS == 0) {
			spin_unlock(&conns->lock);
			cond_resched();
			spin_lock(&conns->lock);
		}
	}
	if (conn && conn->serial > walk->end)
		conn = NULL;
	if (conn) {
		refcount_inc(&conn->ref);
		sock_hold(sk_vsock(conn->vsk));
	}
	spin_unlock(&conns->lock);
	return conn;
}

/**
 * mvs_walk_pass - go on to the next connection
 * @walk: the walk
 * @conn: what mvs_walk_get() returned, which is released
 *
 * Context: process, without spinning locks held.
 */
void mvs_walk_pass(struct mvs_walk *walk, struct mvs_conn *conn)
{
	struct sock *sk = sk_vsock(conn->vsk);

	mvs_walk_end(walk);
	walk->last = conn;
	walk->passed = conn->serial;
	sock_put(sk);
}

/* A sender that was refused for lack of credit waits no more once there is as much. */
static enum mvs_wait conn_waits_for(const struct mvs_conn *conn)
{
	lockdep_assert_held(&conn->lock);
	if (conn->parked)
		return conn->parked_for;
	if (conn->tx_left)
		return MVS_WAIT_BUFFERS;
	if (conn->open && conn->blocked &&
	    mvs_credit_space(&conn->credit) < READ_ONCE(conn->wanted))
		return MVS_WAIT_CREDIT;
	return MVS_WAIT_NONE;
}

/* Milliseconds since @then; 0 if that is 0. */
static u64 conn_age(unsigned long then)
{
	return then ? jiffies64_to_msecs(jiffies - then) : 0;
}

/**
 * mvs_conn_get_view - get what is shown of a connection
 * @conn: the connection
 * @view: filled in, at one moment, except for the state
 *
 * The state is read without the socket's lock, whose holder may wait for its program's memory or
 * for the VMM.
 *
 * Context: any.
 */
void mvs_conn_get_view(struct mvs_conn *conn, struct mvs_conn_view *view)
{
	const struct mvs_credit *credit = &conn->credit;

	view->state = READ_ONCE(conn->state);
	view->age = conn_age(conn->since);
	spin_lock(&conn->lock);
	view->rx_bytes = credit->tx_cnt;
	view->tx_bytes = credit->rx_cnt;
	view->rx_queued = conn->tx_left;
	view->tx_queued = conn->rx_bytes;
	view->rx_credit = mvs_credit_space(credit);
	view->tx_credit = mvs_credit_known(credit);
	view->wait = conn_waits_for(conn);
	view->wait_time = conn_age(READ_ONCE(conn->stalled));
	spin_unlock(&conn->lock);
}

/* --- the end of all connections --------------------------------------------- */

static void conns_purge_resets(struct mvs_conns *conns)
{
	struct mvs_reset *reset, *next;
	LIST_HEAD(resets);

	spin_lock(&conns->lock);
	list_splice_init(&conns->resets, &resets);
	conns->nresets = 0;
	spin_unlock(&conns->lock);
	list_for_each_entry_safe(reset, next, &resets, list)
		kfree(reset);
}

/* Only pending requests are of use to the next driver. */
static void conns_purge_pending(struct mvs_conns *conns)
{
	struct mvs_conn *conn;
	LIST_HEAD(pending);

	spin_lock(&conns->lock);
	list_splice_init(&conns->pending, &pending);
	while ((conn = list_first_entry_or_null(&pending, struct mvs_conn,
						pending))) {
		if (conn->in_table) {
			list_move_tail(&conn->pending, &conns->pending);
			continue;
		}
		list_del_init(&conn->pending);
		WRITE_ONCE(conn->forgotten, true);
		conn->marks = 0;
		spin_unlock(&conns->lock);
		mvs_conn_put(conn);
		spin_lock(&conns->lock);
	}
	spin_unlock(&conns->lock);
}

/**
 * mvs_conns_forget - reset a device's connections, as the guest has forgotten them
 * @conns: the connections; no packets are received meanwhile
 * @all: also those whose REQUEST was not sent yet
 *
 * Context: process.
 */
void mvs_conns_forget(struct mvs_conns *conns, bool all)
{
	struct mvs_conn *conn;
	struct mvs_walk walk;

	if (all) {
		spin_lock(&conns->lock);
		conns->closed = true;
		spin_unlock(&conns->lock);
	}
	mvs_walk_init(&walk, conns);
	mvs_walk_resume(&walk);
	while ((conn = mvs_walk_get(&walk))) {
		if (all || !(READ_ONCE(conn->marks) & BIT(MVS_MARK_REQUEST)))
			mvs_conn_abort(conn);
		mvs_walk_pass(&walk, conn);
	}
	mvs_walk_pause(&walk);
	mvs_walk_end(&walk);
	conns_purge_pending(conns);
	conns_purge_resets(conns);
}
