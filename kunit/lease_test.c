// SPDX-License-Identifier: GPL-2.0
/* The lease of a virtqueue: its transitions, and its expiry. */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/wait.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>

/* Milliseconds after which a lease is considered not to expire. */
#define PATIENCE	10000

/**
 * struct rig - a virtqueue with a lease, and two connections
 * @device: its device, which has no worker
 * @conn: the connection that has the lease
 * @other: another connection
 * @readers: the wait queue of the first one's socket
 * @wait: this task's entry in it
 */
struct rig {
	struct mvs_device device;
	struct mvs_conn conn;
	struct mvs_conn other;
	wait_queue_head_t readers;
	struct wait_queue_entry wait;
};

static struct mvs_lease *lease_of(struct rig *rig)
{
	return &rig->device.vqs[MVS_VQ_TX].lease;
}

static void stop(void *ctx)
{
	struct rig *rig = ctx;

	finish_wait(&rig->readers, &rig->wait);
	mvs_lease_stop(lease_of(rig));
}

static struct rig *create(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	spin_lock_init(&rig->device.waker.lock);
	rig->device.vqs[MVS_VQ_TX].waker = &rig->device.waker;
	rig->device.vqs[MVS_VQ_TX].index = MVS_VQ_TX;
	init_waitqueue_head(&rig->readers);
	init_wait(&rig->wait);
	mvs_lease_init(lease_of(rig));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, stop, rig));
	return rig;
}

/* As the kick's eventfd does. */
static bool kick(struct rig *rig)
{
	bool left;

	local_irq_disable();
	left = mvs_lease_kick(lease_of(rig));
	local_irq_enable();
	return left;
}

/* For the lease, this task sleeps in recv(). */
static void fall_asleep(struct rig *rig)
{
	mvs_lease_arm(lease_of(rig), &rig->conn, &rig->readers);
	prepare_to_wait(&rig->readers, &rig->wait, TASK_INTERRUPTIBLE);
}

/* --- the table ------------------------------------------------------------ */

static void lease_transitions(struct kunit *test)
{
	static const enum mvs_lease_state wanted[MVS_LEASE_EVENTS][MVS_LEASE_STATES] = {
		/* in turn: NONE, ARMED, HELD */
		[MVS_LEASE_ARM] = { MVS_LEASE_ARMED, MVS_LEASE_ARMED, MVS_LEASE_HELD },
		[MVS_LEASE_DISARM] = { MVS_LEASE_NONE, MVS_LEASE_NONE, MVS_LEASE_HELD },
		[MVS_LEASE_KICK] = { MVS_LEASE_NONE, MVS_LEASE_HELD, MVS_LEASE_HELD },
		[MVS_LEASE_GRANT] = { MVS_LEASE_HELD, MVS_LEASE_HELD, MVS_LEASE_HELD },
		[MVS_LEASE_END] = { MVS_LEASE_NONE, MVS_LEASE_NONE, MVS_LEASE_NONE },
		[MVS_LEASE_EXPIRE] = { MVS_LEASE_NONE, MVS_LEASE_ARMED, MVS_LEASE_NONE },
	};
	unsigned int event, state;

	for (event = 0; event < MVS_LEASE_EVENTS; event++)
		for (state = 0; state < MVS_LEASE_STATES; state++)
			KUNIT_EXPECT_EQ_MSG(test, wanted[event][state],
					    mvs_lease_next(state, event),
					    "state %u, event %u", state, event);
}

/* --- a reader that comes back in time ------------------------------------- */

static void lease_is_one_connections(struct kunit *test)
{
	struct rig *rig = create(test);
	struct mvs_lease *lease = lease_of(rig);
	bool granted, others, twice, held, others_held, ended;

	KUNIT_EXPECT_FALSE(test, mvs_lease_end(lease, &rig->conn));

	/* The timer runs as a softirq: the lease does not expire meanwhile. */
	local_bh_disable();
	granted = mvs_lease_grant(lease, &rig->conn);
	others = mvs_lease_grant(lease, &rig->other);
	twice = mvs_lease_grant(lease, &rig->conn);
	held = mvs_lease_held_by(lease, &rig->conn);
	others_held = mvs_lease_held_by(lease, &rig->other) ||
		      mvs_lease_end(lease, &rig->other);
	ended = mvs_lease_end(lease, &rig->conn);
	local_bh_enable();

	KUNIT_EXPECT_TRUE(test, granted);
	/* Two connections that take turns would postpone the expiry for ever. */
	KUNIT_EXPECT_FALSE(test, others);
	KUNIT_EXPECT_FALSE(test, twice);
	KUNIT_EXPECT_TRUE(test, held);
	KUNIT_EXPECT_FALSE(test, others_held);
	KUNIT_EXPECT_TRUE(test, ended);
	KUNIT_EXPECT_FALSE(test, mvs_lease_held(lease));
	KUNIT_EXPECT_FALSE(test, mvs_lease_end(lease, &rig->conn));
}

static void lease_stops(struct kunit *test)
{
	struct rig *rig = create(test);
	struct mvs_lease *lease = lease_of(rig);

	KUNIT_EXPECT_TRUE(test, mvs_lease_grant(lease, &rig->conn));
	mvs_lease_stop(lease);
	KUNIT_EXPECT_FALSE(test, mvs_lease_held(lease));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&lease->timer));
	KUNIT_EXPECT_TRUE(test, mvs_lease_grant(lease, &rig->other));
}

static void lease_kick_wakes_reader(struct kunit *test)
{
	struct rig *rig = create(test);
	struct mvs_lease *lease = lease_of(rig);
	bool left, kept, held;

	local_bh_disable();
	fall_asleep(rig);
	left = kick(rig);
	kept = kick(rig);
	held = mvs_lease_end(lease, &rig->conn);
	local_bh_enable();

	/* The wakeup removed this task's entry, and made it runnable. */
	KUNIT_EXPECT_EQ(test, get_current_state(), (unsigned int)TASK_RUNNING);
	KUNIT_EXPECT_TRUE(test, list_empty(&rig->wait.entry));
	KUNIT_EXPECT_TRUE(test, left);
	KUNIT_EXPECT_TRUE(test, kept);
	KUNIT_EXPECT_TRUE(test, held);
}

/* --- no reader ------------------------------------------------------------ */

static void lease_kick_finds_nobody(struct kunit *test)
{
	struct rig *rig = create(test);
	struct mvs_lease *lease = lease_of(rig);

	KUNIT_EXPECT_FALSE(test, kick(rig));
	mvs_lease_arm(lease, &rig->conn, &rig->readers);
	KUNIT_EXPECT_FALSE(test, kick(rig));
	KUNIT_EXPECT_EQ(test, lease->state, MVS_LEASE_NONE);

	/* A reader that is awake may have checked already. */
	fall_asleep(rig);
	__set_current_state(TASK_RUNNING);
	KUNIT_EXPECT_FALSE(test, kick(rig));
	KUNIT_EXPECT_EQ(test, lease->state, MVS_LEASE_NONE);

	/* poll() has another wait function. */
	finish_wait(&rig->readers, &rig->wait);
	init_waitqueue_entry(&rig->wait, current);
	add_wait_queue(&rig->readers, &rig->wait);
	mvs_lease_arm(lease, &rig->conn, &rig->readers);
	KUNIT_EXPECT_FALSE(test, kick(rig));
	remove_wait_queue(&rig->readers, &rig->wait);
	init_wait(&rig->wait);
}

/* The eventfd may be signalled with the wait queue's lock held. */
static void lease_kick_does_not_wait(struct kunit *test)
{
	struct rig *rig = create(test);
	bool left;

	if (!IS_ENABLED(CONFIG_SMP))
		kunit_skip(test, "nothing else can hold a lock");
	fall_asleep(rig);
	spin_lock_irq(&rig->readers.lock);
	left = mvs_lease_kick(lease_of(rig));
	spin_unlock_irq(&rig->readers.lock);
	__set_current_state(TASK_RUNNING);
	KUNIT_EXPECT_FALSE(test, left);
}

static void lease_disarms(struct kunit *test)
{
	struct rig *rig = create(test);
	struct mvs_lease *lease = lease_of(rig);
	bool left;

	fall_asleep(rig);
	mvs_lease_disarm(lease);
	left = kick(rig);
	__set_current_state(TASK_RUNNING);
	KUNIT_EXPECT_FALSE(test, left);

	/* After the end of a socket nothing refers to its wait queue. */
	mvs_lease_arm(lease, &rig->conn, &rig->readers);
	KUNIT_EXPECT_FALSE(test, mvs_lease_end(lease, &rig->conn));
	KUNIT_EXPECT_NULL(test, lease->readers);
	KUNIT_EXPECT_FALSE(test, kick(rig));
}

static void expect_expiry(struct kunit *test, struct rig *rig)
{
	struct mvs_lease *lease = lease_of(rig);
	unsigned int ms;

	for (ms = 0; mvs_lease_held(lease) && ms < PATIENCE; ms++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_FALSE(test, mvs_lease_held(lease));
	KUNIT_EXPECT_FALSE(test, mvs_lease_missed(lease, &rig->other));
	KUNIT_EXPECT_TRUE(test, mvs_lease_missed(lease, &rig->conn));
	KUNIT_EXPECT_FALSE(test, mvs_lease_missed(lease, &rig->conn));
}

static void lease_expires(struct kunit *test)
{
	struct rig *rig = create(test);
	struct mvs_lease *lease = lease_of(rig);
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, mvs_lease_grant(lease, &rig->conn));
	expect_expiry(test, rig);

	/* With a timer that was still running for a lease ended in time, and for a kick. */
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_TRUE(test, mvs_lease_grant(lease, &rig->conn));
		mvs_lease_end(lease, &rig->conn);
	}
	fall_asleep(rig);
	kick(rig);
	expect_expiry(test, rig);
}

static struct kunit_case lease_cases[] = {
	KUNIT_CASE(lease_transitions),
	KUNIT_CASE(lease_is_one_connections),
	KUNIT_CASE(lease_stops),
	KUNIT_CASE(lease_kick_wakes_reader),
	KUNIT_CASE(lease_kick_finds_nobody),
	KUNIT_CASE(lease_kick_does_not_wait),
	KUNIT_CASE(lease_disarms),
	KUNIT_CASE(lease_expires),
	{}
};

static struct kunit_suite lease_suite = {
	.name = "mvsock_lease",
	.test_cases = lease_cases,
};

kunit_test_suite(lease_suite);
