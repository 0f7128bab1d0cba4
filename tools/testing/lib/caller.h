/* SPDX-License-Identifier: GPL-2.0 */
/* A thread that makes one ioctl after the other, whatever the device does. */
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
 * caller_start() - start the thread
 * @c: the thread
 * @g: the guest, whose device the thread uses through a descriptor of its own
 * @seed: seed of the sequence of calls
 * @bad: also pass arguments that do not fit the guest. Its rings must then be in guest memory, as
 *	the device may write past their ends.
 *
 * Return: 0 or a negative errno.
 */
int caller_start(struct caller *c, const struct guest *g, __u64 seed, bool bad);
void caller_stop(struct caller *c);

#endif
