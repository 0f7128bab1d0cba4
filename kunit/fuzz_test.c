// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzz suite: random rings, chains and packets, and random calls. It runs in rounds. Each has a
 * ring of its own, and as its seed that of the round before plus one: a failure with fuzz_seed=N is
 * reproduced by the first round of a run with that seed.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "fuzz.h"
#include "fuzz_cover.h"

static unsigned long long fuzz_seed;
module_param(fuzz_seed, ullong, 0444);
MODULE_PARM_DESC(fuzz_seed, "Seed of the fuzz suite's first round; 0 takes a random one");

static unsigned int fuzz_seconds = 10;
module_param(fuzz_seconds, uint, 0444);
MODULE_PARM_DESC(fuzz_seconds, "Seconds that the fuzz suite takes");

static void *alloc(struct kunit *test, size_t size)
{
	void *p = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

struct fuzz *fuzz_create(struct kunit *test)
{
	struct fuzz *fz = alloc(test, sizeof(*fz));
	u32 i;

	fz->test = test;
	fuzz_mem_init(test, &fz->mem);
	fz->chain = &fz->mem.guest->chain;
	fz->model.mem = &fz->mem;
	fz->driver.m = &fz->model;
	fz->driver.rnd = &fz->rnd;
	fz->driver.layout = alloc(test, sizeof(*fz->driver.layout));
	fz->forecast[0] = alloc(test, sizeof(*fz->forecast[0]));
	fz->forecast[1] = alloc(test, sizeof(*fz->forecast[1]));
	fz->buf = alloc(test, MVS_PACKET_MAX);
	fz->wanted = alloc(test, MVS_PACKET_MAX);
	fz->bytes = alloc(test, MVS_PACKET_MAX);
	for (i = 0; i < MVS_PACKET_MAX; i++)
		fz->bytes[i] = fuzz_random(&fz->rnd);
	return fz;
}

/* Run rounds until the time is up, or one fails. */
void fuzz_run(struct fuzz *fz, fuzz_round_fn round)
{
	ktime_t start = ktime_get();
	ktime_t end = ktime_add_ms(start, fuzz_seconds * MSEC_PER_SEC / 2);

	kunit_info(fz->test, "fuzz_seed=%llu", fuzz_seed);
	do {
		fz->seed = fuzz_seed + fz->rounds++;
		fz->rnd = fz->seed;
		round(fz);
		cond_resched();
	} while (!fz->failed && ktime_before(ktime_get(), end));
	kunit_info(fz->test, "%llu rounds in %lld ms: %llu chains, %llu packets from the guest, %llu to it, %llu rings broken",
		   fz->rounds, ktime_ms_delta(ktime_get(), start), fz->chains,
		   fz->packets, fz->written, fz->rings_broken);
}

static void round_as_foretold(struct fuzz *fz)
{
	u32 steps;

	fuzz_start(fz);
	for (steps = fuzz_below(&fz->rnd, 100);
	     steps && !fz->failed && !fz->broken; steps--)
		fuzz_step(fz);
}

static void fuzz_foretold(struct kunit *test)
{
	struct fuzz *fz = fuzz_create(test);
	u64 refused = 0;
	u32 i;

	fuzz_cover_begin(NULL);
	fuzz_run(fz, round_as_foretold);
	fuzz_cover_end(test);
	for (i = 0; i < MVS_REASONS; i++) {
		refused += fz->refused[i];
		/* If a reason never occurs, the generated input is not good enough. */
		if (fz->rounds > 1000)
			KUNIT_EXPECT_GT_MSG(test, fz->refused[i], 0, "reason %u", i);
	}
	kunit_info(test, "%llu chains refused", refused);
}

static int init_suite(struct kunit_suite *suite)
{
	if (!fuzz_seed)
		fuzz_seed = get_random_u32();
	return 0;
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(fuzz_foretold),
	KUNIT_CASE_SLOW(fuzz_rewritten),
	{}
};

/* Named differently from the other suites, so that it does not run with them. */
static struct kunit_suite suite = {
	.name = "fuzz_mvsock",
	.suite_init = init_suite,
	.test_cases = cases,
};

kunit_test_suite(suite);
