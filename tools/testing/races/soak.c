// SPDX-License-Identifier: GPL-2.0
/*
 * Guests and programs on the host exchange data for a long time, while the guests reboot, their
 * memory moves, and, with half of them, allocations and mappings fail.
 */
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "failing.h"
#include "races.h"

#define GUESTS		8
#define SAY_MS		10000
#define FAIL_PERCENT	"1"

static const char help[] =
	"usage: soak [--dev PATH] [--seed N] [--seconds N]\n"
	"  --dev PATH   device file (" DEV_PATH ")\n"
	"  --seed N     of what happens when (random)\n"
	"  --seconds N  how long (10)\n"
	"How far it is, it says on standard error. The kernel has to have fault injection.\n";

static void disturb(struct race_run *r)
{
	static void (*const what[])(struct race_run *r) = {
		race_zap, race_zap, race_zap, race_change_table,
		race_change_table, race_stop_and_start, race_stop_and_start,
		race_new_guest,
	};

	race_sleep(&r->rng, 1000000);
	what[rng_below(&r->rng, ARRAY_SIZE(what))](r);
}

/* Each kind of ring, with and without faults. */
static const struct race kinds[] = {
	{ "soak", RACE_CROWD | RACE_STRICT, disturb },
	{ "soak", RACE_CROWD | RACE_STRICT | RACE_PACKED, disturb },
	{ "soak", RACE_CROWD | RACE_FAULTS, disturb },
	{ "soak", RACE_CROWD | RACE_FAULTS | RACE_PACKED, disturb },
};

/* In selected threads, at random, without a limit. */
static void set_faults(void)
{
	static const char *const attrs[] = {
		"failslab", "fail_page_alloc", "fail_mvsock_map",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		failing_set(attrs[i], "task-filter", "Y");
		failing_set(attrs[i], "verbose", "0");
		failing_set(attrs[i], "times", "-1");
		failing_set(attrs[i], "probability", FAIL_PERCENT);
	}
	failing_set("failslab", "ignore-gfp-wait", "N");
	failing_set("fail_page_alloc", "ignore-gfp-wait", "N");
	failing_set("fail_page_alloc", "min-order", "0");
}

static void start_guest(unsigned int number, struct race_counts *counts)
{
	pid_t pid = fork();

	require(pid >= 0, "fork: %s", strerror(errno));
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	race_run_numbered(&kinds[number % ARRAY_SIZE(kinds)], number, counts);
	fflush(stdout);
	_exit(0);
}

static void say(const struct race_counts *counts, double seconds)
{
	struct race_counts sum = { 0 };
	unsigned int i;

	for (i = 0; i < GUESTS; i++) {
		sum.whole += counts[i].whole;
		sum.cut += counts[i].cut;
		sum.guests += counts[i].guests;
		sum.bytes += counts[i].bytes;
	}
	fprintf(stderr, "%.0f of %.0f s: %u connections whole, %u cut off, %llu MB, %u guests\n",
		seconds, test_options.seconds, sum.whole, sum.cut,
		(unsigned long long)sum.bytes / 1000000, sum.guests);
}

/* Check whether another process has failed. The remaining ones end with this process. */
static bool one_ended(void)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	require(pid >= 0, "waitpid: %s", strerror(errno));
	require(!pid || !status, "a guest failed");
	return pid;
}

static void soak(const void *arg)
{
	struct race_counts *counts = race_counts(GUESTS);
	__u64 start = now_ms(), next = start + SAY_MS;
	unsigned int i, ended = 0;

	(void)arg;
	set_faults();
	fflush(stdout);
	for (i = 0; i < GUESTS; i++)
		start_guest(i, &counts[i]);
	while (ended < GUESTS) {
		if (one_ended()) {
			ended++;
		} else if (!ms_left(next)) {
			say(counts, (now_ms() - start) / 1000.0);
			next += SAY_MS;
		} else {
			usleep(100000);
		}
	}
	say(counts, (now_ms() - start) / 1000.0);
}

static void add_soak(void)
{
	tap_add("8 guests lose, repeat and reorder nothing", soak, NULL, 0);
}

int main(int argc, char **argv)
{
	test_options.seconds = 10;
	return session_main(argc, argv, help, 8 * TAP_TIMEOUT, add_soak);
}
