/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread that rewrites memory while the device looks at it.
 */
#ifndef MVS_RING_SCRIBBLE_H
#define MVS_RING_SCRIBBLE_H

#include <pthread.h>

#include "util.h"

#define SCRIBBLE_MAX 4096

struct scribble {
	__u16 *at;
	size_t n;	/* 16-bit words */
	__u32 seed;
	bool stop;
	pthread_t thread;
	__u16 before[SCRIBBLE_MAX];
};

/**
 * scribble_start() - begin to rewrite
 * @s: the thread
 * @at: even address
 * @len: bytes, at most 2 * SCRIBBLE_MAX
 * @seed: of what is written where
 *
 * Half of what is written is what was there at first, so that much of it makes
 * sense.
 *
 * Return: 0 or a negative errno.
 */
int scribble_start(struct scribble *s, void *at, size_t len, __u32 seed);

/* Stop, and write back what was there. */
void scribble_stop(struct scribble *s);

#endif
