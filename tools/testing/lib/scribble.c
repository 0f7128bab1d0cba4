// SPDX-License-Identifier: GPL-2.0
#include <sched.h>

#include "scribble.h"

/* Marsaglia's xorshift. */
static __u32 next(__u32 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static __u16 value(struct scribble *s, size_t i)
{
	static const __u16 telling[] = { 0, 1, 2, 4, 16, 0x7fff, 0x8000,
					 0xffff };
	__u32 r = next(&s->seed);

	if (r & 1)
		return s->before[i];
	if (r & 2)
		return telling[(r >> 8) % ARRAY_SIZE(telling)];
	/* A value close to the previous one. */
	if (r & 4)
		return s->before[i] + (r >> 8) % 9 - 4;
	return r >> 8;
}

static void *run(void *arg)
{
	struct scribble *s = arg;
	unsigned int round = 0;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		size_t i = next(&s->seed) % s->n;

		__atomic_store_n(&s->at[i], value(s, i), __ATOMIC_RELAXED);
		/* Give the device a chance to run on the same processor. */
		if (!(++round % 64))
			sched_yield();
	}
	return NULL;
}

int scribble_start(struct scribble *s, void *at, size_t len, __u32 seed)
{
	if (len > 2 * SCRIBBLE_MAX)
		return -E2BIG;
	s->at = at;
	s->n = len / 2;
	s->seed = seed ?: 1;
	s->stop = false;
	memcpy(s->before, at, len);
	return -pthread_create(&s->thread, NULL, run, s);
}

void scribble_stop(struct scribble *s)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	pthread_join(s->thread, NULL);
	memcpy(s->at, s->before, 2 * s->n);
}
