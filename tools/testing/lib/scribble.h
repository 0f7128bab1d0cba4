/* SPDX-License-Identifier: GPL-2.0 */
/* A thread that rewrites memory while the device reads it. */
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
 * scribble_start() - start rewriting
 * @s: the thread
 * @at: start of the memory, an even address
 * @len: bytes, at most 2 * SCRIBBLE_MAX
 * @seed: seed of the values and their places
 *
 * Half of the values written are the original ones, so that much of the memory stays valid.
 *
 * Return: 0 or a negative errno.
 */
int scribble_start(struct scribble *s, void *at, size_t len, __u32 seed);

/* Stop, and restore the original content. */
void scribble_stop(struct scribble *s);

#endif
