// SPDX-License-Identifier: GPL-2.0
#include "talk.h"

#define LONGEST 60000	/* length of a message */

void talk_way_begin(struct talk_way *w, __u32 guest_port, __u32 host_port,
		    bool to_guest)
{
	static const __u64 most[] = { 300, 10000, 100000, 400000 };

	*w = (struct talk_way){
		.rng = { (__u64)guest_port << 32 | host_port },
		.seed = guest_port * 31 + host_port * 2 + to_guest,
	};
	if (to_guest)
		w->rng.state = rng_next(&w->rng);
	w->total = 1 + rng_below(&w->rng,
				 most[rng_below(&w->rng, ARRAY_SIZE(most))]);
}

/* Start a message when the previous one is complete. */
static void next_message(struct talk_way *w)
{
	if (w->left)
		return;
	w->left = 1 + rng_size(&w->rng, LONGEST - 1);
	if (w->left > w->total - w->pos)
		w->left = w->total - w->pos;
}

__u32 talk_message(struct talk_way *w)
{
	next_message(w);
	return w->left;
}

static void pass(struct talk_way *w, __u32 len)
{
	__u32 n;

	for (; len; len -= n) {
		next_message(w);
		n = len < w->left ? len : w->left;
		w->pos += n;
		w->left -= n;
	}
}

void talk_fill(struct talk_way *w, void *buf, __u32 len)
{
	pattern_fill(buf, len, w->seed, w->pos);
	pass(w, len);
}

void talk_check(struct talk_way *w, const void *buf, __u32 len)
{
	require(len <= w->total - w->pos, "more data than were sent: %u after %llu of %llu",
		len, (unsigned long long)w->pos, (unsigned long long)w->total);
	require(pattern_check(buf, len, w->seed, w->pos) < 0,
		"other data came at byte %llu",
		(unsigned long long)w->pos + pattern_check(buf, len, w->seed, w->pos));
	pass(w, len);
}
