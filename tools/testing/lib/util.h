/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers that every part of the ring driver uses: time, data patterns. */
#ifndef MVS_RING_UTIL_H
#define MVS_RING_UTIL_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT_ULL(n) (1ULL << (n))

/* Of this machine: what mmap() and its like go by. */
static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static inline __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static inline __u64 now_ms(void)
{
	return now_ns() / 1000000;
}

/* Milliseconds from now to @deadline, 0 if it has passed. */
static inline int ms_left(__u64 deadline)
{
	__u64 now = now_ms();

	return now < deadline ? (int)(deadline - now) : 0;
}

/* Each position of each stream has its own byte, so a shifted or swapped block is detected. */
static inline __u8 pattern_byte(__u32 seed, __u64 pos)
{
	return pos * 167 + (pos >> 8) * 13 + (pos >> 16) * 7 + seed * 59;
}

static inline void pattern_fill(void *buf, size_t len, __u32 seed, __u64 pos)
{
	__u8 *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = pattern_byte(seed, pos + i);
}

/* The offset of the first differing byte, or -1. */
static inline long pattern_check(const void *buf, size_t len, __u32 seed,
				 __u64 pos)
{
	const __u8 *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != pattern_byte(seed, pos + i))
			return i;
	return -1;
}

#endif
