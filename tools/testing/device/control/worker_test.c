// SPDX-License-Identifier: GPL-2.0
/*
 * The worker's scheduling policy is that of the VMM, except that the worker does not preempt a
 * driver that sends a stream.
 */
#include <sched.h>
#include <sys/resource.h>

#include "device_test.h"
#include "failing.h"
#include "session.h"

#define ROUNDS	100	/* consecutive rounds, more than make a stream */
#define TRIES	10000

struct policy_test {
	const char *name;
	int policy;
	int nice;
	int in_stream;
};

static const struct policy_test policy_tests[] = {
	{ "in a stream", SCHED_OTHER, 0, SCHED_BATCH },
	{ "in a stream, nice", SCHED_OTHER, 5, SCHED_BATCH },
	{ "batch anyway", SCHED_BATCH, 0, SCHED_BATCH },
	{ "idle", SCHED_IDLE, 0, SCHED_IDLE },
};

static void expect(pid_t worker, int policy, int nice, const char *when)
{
	require(sched_getscheduler(worker) == policy, "policy %d %s",
		sched_getscheduler(worker), when);
	require(getpriority(PRIO_PROCESS, worker) == nice, "nice %d %s",
		getpriority(PRIO_PROCESS, worker), when);
}

/* On a machine with other load the gaps between the packets may be too long. */
static void send_stream(struct session *s, pid_t worker, int policy)
{
	int i;

	for (i = 0; i < ROUNDS || (i < TRIES &&
				   sched_getscheduler(worker) != policy); i++)
		session_to_host(s, 1);
}

static void worker_policy(const void *arg)
{
	const struct sched_param param = { 0 };
	struct guest_config cfg = test_config(0);
	const struct policy_test *t = arg;
	struct session s;
	pid_t worker;

	require(!sched_setscheduler(0, t->policy, &param) &&
		!setpriority(PRIO_PROCESS, 0, t->nice), "%s", strerror(errno));
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	worker = failing_worker();
	expect(worker, t->policy, t->nice, "at first");
	send_stream(&s, worker, t->in_stream);
	expect(worker, t->in_stream, t->nice, "in a stream");
	session_to_guest(&s, 1);
	/* The round with the first packet has ended when the round with the second one starts. */
	session_to_host(&s, 1);
	session_to_host(&s, 1);
	expect(worker, t->policy, t->nice, "after an answer");
	session_close(&s);
}

void add_worker_tests(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(policy_tests); i++)
		session_test("worker", policy_tests[i].name, worker_policy,
			     &policy_tests[i], TAP_MVSOCK, RINGS_SPLIT);
}
