/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzz suite: a ring, its driver, and the model that foretells what becomes of
 * what the driver does.
 */
#ifndef _MVSOCK_KUNIT_FUZZ_H
#define _MVSOCK_KUNIT_FUZZ_H

#include "fuzz_driver.h"

/* Chains that the device has, at most. */
#define FUZZ_HELD	16

/**
 * struct fuzz - a run of one case
 * @test: the case
 * @seed: what the round in work grows from
 * @rnd: its source of numbers
 * @failed: the round went wrong, and was reported
 * @broken: the ring was found broken, as foretold
 * @mem: guest memory
 * @model: the virtqueue, as it must be
 * @driver: makes its chains available
 * @ring: the virtqueue, as it is
 * @chain: the chain in work
 * @forecast: what it must be; the second one where two are needed
 * @popped: the last chain was taken, and not given back
 * @held: chains to be given back
 * @nheld: how many
 * @bytes: payload of all that is sent to the guest
 * @buf: room for another payload
 * @wanted: what that must be
 * @pieces: @bytes or @buf, in pieces
 * @rounds: how many rounds there were
 * @chains: chains taken
 * @refused: chains refused, by reason
 * @rings_broken: rings found broken
 * @packets: good packets from the guest
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

/* Report the first thing that goes wrong in a round. */
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
