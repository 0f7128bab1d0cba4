/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that depend only on the seed, on every machine. */
#ifndef MVS_RING_RNG_H
#define MVS_RING_RNG_H

#include "util.h"

struct rng {
	__u64 state;
};

/* Vigna's splitmix64. */
static inline __u64 rng_next(struct rng *r)
{
	__u64 z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* A number below @n, which is not 0. */
static inline __u32 rng_below(struct rng *r, __u32 n)
{
	return (rng_next(r) >> 32) % n;
}

static inline bool rng_one_in(struct rng *r, __u32 n)
{
	return !rng_below(r, n);
}

/* A number from 0 to @max, small ones as likely as large ones. */
static inline __u32 rng_size(struct rng *r, __u32 max)
{
	static const __u32 steps[] = { 4, 64, 1024, 8192 };
	__u32 below = steps[rng_below(r, ARRAY_SIZE(steps))];

	if (rng_one_in(r, 8) || below > max)
		below = max + 1;
	return rng_below(r, below);
}

static inline void rng_fill(struct rng *r, void *buf, size_t len)
{
	__u8 *p = buf;
	__u64 v;

	for (; len >= sizeof(v); p += sizeof(v), len -= sizeof(v)) {
		v = rng_next(r);
		memcpy(p, &v, sizeof(v));
	}
	v = rng_next(r);
	memcpy(p, &v, len);
}

#endif
