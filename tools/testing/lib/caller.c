// SPDX-License-Identifier: GPL-2.0
#include <sys/eventfd.h>
#include <unistd.h>

#include "caller.h"

static bool spoil(struct caller *c)
{
	return c->bad && rng_one_in(&c->rng, 3);
}

static void call_num(struct caller *c, unsigned int q)
{
	static const __u32 nums[] = { 0, 1, 2, 3, 64, 32768, 65535, 65536 };
	__u32 num = c->g->q[q].ring.num;

	if (spoil(c))
		num = nums[rng_below(&c->rng, ARRAY_SIZE(nums))];
	dev_set_ring_num(&c->dev, q, num);
}

static void call_addr(struct caller *c, unsigned int q)
{
	const struct ring *r = &c->g->q[q].ring;
	void *addr[] = { r->desc_area, r->driver_area, r->device_area };
	/* The last address is just before the guest's memory. */
	void *bad[] = { NULL, addr[0] + 1, addr[0] + 8,
			c->g->mem.region[0].va - 16 };

	if (spoil(c))
		addr[rng_below(&c->rng, 3)] =
			bad[rng_below(&c->rng, ARRAY_SIZE(bad))];
	dev_set_ring_addr(&c->dev, q, addr[0], addr[1], addr[2]);
}

static void call_base(struct caller *c, unsigned int q)
{
	__u32 base = ring_first_base(&c->g->q[q].ring.f);

	if (spoil(c))
		base = rng_next(&c->rng) >> rng_below(&c->rng, 64);
	dev_set_ring_base(&c->dev, q, base);
}

static void call_file(struct caller *c, unsigned int q)
{
	const struct guest_queue *gq = &c->g->q[q];
	bool none = rng_one_in(&c->rng, 2);
	int fd = spoil(c) ? 0 : -1;

	switch (rng_below(&c->rng, 3)) {
	case 0:
		dev_set_ring_kick(&c->dev, q, none ? fd : gq->kick);
		break;
	case 1:
		dev_set_ring_call(&c->dev, q, none ? fd : gq->call);
		break;
	default:
		dev_set_ring_err(&c->dev, q, none ? fd : gq->err);
	}
}

static void call_features(struct caller *c)
{
	__u64 features = c->g->cfg.features;

	if (spoil(c))
		features ^= BIT_ULL(rng_below(&c->rng, 40));
	dev_set_features(&c->dev, features);
}

static void call_mem_table(struct caller *c)
{
	struct mem m = c->g->mem;

	if (spoil(c)) {
		struct mem_region *r = &m.region[rng_below(&c->rng, 4)];

		switch (rng_below(&c->rng, 3)) {
		case 0:
			r->size = 0;
			break;
		case 1:
			r->gpa = -4096ULL;
			break;
		default:
			m.nregions = rng_below(&c->rng, 4);
		}
	}
	dev_set_mem_table(&c->dev, &m);
}

/* Any ioctl; the device may refuse each of them. */
static void call_one(struct caller *c)
{
	unsigned int q = rng_below(&c->rng, 2);
	__u32 base;

	switch (rng_below(&c->rng, 12)) {
	case 0:
		dev_set_running(&c->dev, rng_below(&c->rng, 2));
		break;
	case 1:
		call_mem_table(c);
		break;
	case 2:
		call_num(c, q);
		break;
	case 3:
		call_addr(c, q);
		break;
	case 4:
		call_base(c, q);
		break;
	case 5:
		dev_get_ring_base(&c->dev, q, &base);
		break;
	case 6:
	case 7:
		call_file(c, q);
		break;
	case 8:
		call_features(c);
		break;
	case 9:
		dev_set_cid(&c->dev, spoil(c) ? rng_below(&c->rng, 3) :
			    c->g->cfg.cid);
		break;
	case 10:
		dev_set_owner(&c->dev);
		break;
	default:
		eventfd_write(c->g->q[q].kick, 1);
	}
}

static void *run(void *arg)
{
	struct caller *c = arg;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED))
		call_one(c);
	return NULL;
}

int caller_start(struct caller *c, const struct guest *g, __u64 seed, bool bad)
{
	int err;

	*c = (struct caller){
		.g = g,
		.dev = { dup(g->dev.fd) },
		.rng = { seed },
		.bad = bad,
	};
	if (c->dev.fd < 0)
		return -errno;
	err = -pthread_create(&c->thread, NULL, run, c);
	if (err)
		close(c->dev.fd);
	return err;
}

void caller_stop(struct caller *c)
{
	__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
	pthread_join(c->thread, NULL);
	close(c->dev.fd);
}
