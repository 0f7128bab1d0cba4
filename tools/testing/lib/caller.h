/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread that calls one ioctl after the other, whatever the device does.
 */
#ifndef MVS_RING_CALLER_H
#define MVS_RING_CALLER_H

#include <pthread.h>

#include "guest.h"
#include "rng.h"

struct caller {
	const struct guest *g;
	struct dev dev;
	struct rng rng;
	bool bad;
	bool stop;
	pthread_t thread;
};

/**
 * caller_start() - begin to call
 * @c: the thread
 * @g: whose device, through a descriptor of its own
 * @seed: of what is called
 * @bad: also with arguments that do not fit the guest. Its rings must lie in
 *	its memory, as the device may then write behind them.
 *
 * Return: 0 or a negative errno.
 */
int caller_start(struct caller *c, const struct guest *g, __u64 seed, bool bad);
void caller_stop(struct caller *c);

#endif
