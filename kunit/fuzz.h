/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzz suite: a ring, its driver, and the model that predicts the results of what the driver
 * does.
 */
#ifndef _MVSOCK_KUNIT_FUZZ_H
#define _MVSOCK_KUNIT_FUZZ_H

#include "fuzz_driver.h"

/* Maximum number of chains that the device holds. */
#define FUZZ_HELD	16

/**
 * struct fuzz - state of one test case
 * @test: the case
 * @seed: seed of the current round
 * @rnd: state of its random numbers
 * @failed: the round failed, which was reported
 * @broken: the ring broke, as predicted
 * @mem: guest memory
 * @model: the expected state of the virtqueue
 * @driver: makes its chains available
 * @ring: the virtqueue under test
 * @chain: the current chain
 * @forecast: its prediction; the second one is used where two are needed
 * @popped: the last chain was taken, and has not been given back
 * @held: chains that are still to be given back
 * @nheld: number of held chains
 * @bytes: payload of all packets to the guest
 * @buf: buffer for another payload
 * @wanted: its expected content
 * @pieces: @bytes or @buf, divided into pieces
 * @rounds: number of rounds
 * @chains: chains taken
 * @refused: chains rejected, by reason
 * @rings_broken: number of broken rings
 * @packets: valid packets from the guest
 * @written: packets to the guest
 */
struct fuzz {
	struct kunit *test;
	u64 seed;
	u64 rnd;
	bool failed;
	bool broken;
	struct fuzz_mem mem;
	struct model model;
	struct fuzz_driver driver;
	struct mvs_ring ring;
	struct mvs_chain *chain;
	struct forecast *forecast[2];
	bool popped;
	struct {
		u16 id;
		u16 ndescs;
	} held[FUZZ_HELD];
	u32 nheld;
	u8 *bytes;
	u8 *buf;
	u8 *wanted;
	struct kvec pieces[2];
	u64 rounds;
	u64 chains;
	u64 refused[MVS_REASONS];
	u64 rings_broken;
	u64 packets;
	u64 written;
};

/* Report the first failure of a round. */
#define fuzz_check(fz, ok, fmt, ...) ({					\
	struct fuzz *__fz = (fz);					\
	bool __ok = (ok);						\
									\
	if (!__ok && !__fz->failed) {					\
		__fz->failed = true;					\
		KUNIT_FAIL(__fz->test, "fuzz_seed=%llu: " fmt,		\
			   __fz->seed, ##__VA_ARGS__);			\
	}								\
	__ok;								\
})

/* fuzz_test.c */
typedef void (*fuzz_round_fn)(struct fuzz *fz);

struct fuzz *fuzz_create(struct kunit *test);
void fuzz_run(struct fuzz *fz, fuzz_round_fn round);

/* fuzz_step.c */
void fuzz_start(struct fuzz *fz);
void fuzz_step(struct fuzz *fz);
void fuzz_publish(struct fuzz *fz);
void fuzz_memory_is(struct fuzz *fz, const char *what);
const char *fuzz_chain_differs(const struct fuzz *fz, int ret,
			       const struct forecast *f);

/* fuzz_race.c */
void fuzz_rewritten(struct kunit *test);

#endif /* _MVSOCK_KUNIT_FUZZ_H */
