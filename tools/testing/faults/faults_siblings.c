// SPDX-License-Identifier: GPL-2.0
/* Operations with another guest. The faults are in the worker of the one that sends. */
#include <stdlib.h>

#include "faults.h"
#include "group.h"

#define PORT_HERE 1000
#define PORT_THERE 2000
#define LENGTH 20000
#define GROUP "faults"

static void start_sibling(struct scene *s, unsigned int buffers)
{
	struct guest_config here = scene_config(s), there;

	there = test_config(0x100 | (s->round & 0xff));
	there.packed = here.packed;
	there.rx_bufs = buffers;
	s->sibling = calloc(1, sizeof(*s->sibling));
	require(s->sibling, "out of memory");
	require_ok(guest_start(s->sibling, &there));
	/* Faults are injected into the last worker. */
	scene_start(s, &here);
	require_ok(group_join(here.cid, GROUP));
	require_ok(group_join(there.cid, GROUP));
	conn_init_ends(&s->s.c, &s->s.g, PORT_HERE, &s->there, s->sibling,
		       PORT_THERE, VIRTIO_VSOCK_TYPE_STREAM);
}

void scene_end_sibling(struct scene *s)
{
	if (!s->sibling)
		return;
	require_ok(group_leave(s->s.g.cfg.cid, GROUP));
	require_ok(group_leave(s->sibling->cfg.cid, GROUP));
	conn_free(&s->there);
	guest_stop(s->sibling);
	free(s->sibling);
}

void sibling(struct scene *s) { start_sibling(s, 32); }

int guest_connects_to_sibling(struct scene *s)
{
	return conn_connect_ends(&s->s.c, &s->there, s->timeout);
}

void connected_sibling(struct scene *s)
{
	start_sibling(s, 32);
	require_ok(guest_connects_to_sibling(s));
}

/* It has a buffer for the request alone. */
void full_sibling(struct scene *s)
{
	start_sibling(s, 0);
	require_ok(guest_post_rx(s->sibling, 4096, &layout_one));
	require_ok(guest_connects_to_sibling(s));
}

int guest_sends_to_sibling(struct scene *s)
{
	static __u8 out[LENGTH], in[LENGTH];
	unsigned int i;
	int err;

	pattern_fill(out, LENGTH, s->round, 0);
	err = conn_send(&s->s.c, out, LENGTH, s->timeout);
	for (i = 0; !err && !s->sibling->rx_repost && i < 6; i++)
		err = guest_post_rx(s->sibling, 4096, &layout_one);
	err = err ?: conn_recv(&s->there, in, LENGTH, s->timeout);
	require(err || pattern_check(in, LENGTH, s->round, 0) < 0,
		"data differ");
	return err;
}
