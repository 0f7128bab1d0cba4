// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"

#define PAGE page_size()

static int open_file(const struct guest *g, enum file file)
{
	int fd[2];

	switch (file) {
	case UNBIND:
		return -1;
	case EVENTFD:
		return eventfd(0, 0);
	case CLOSED:
		return 1000;
	case MINUS_2:
		return -2;
	case PIPE:
		return pipe(fd) ? -1 : fd[0];
	default:
		return g->dev.fd;
	}
}

static struct vhost_vring_addr ring_addr(const struct guest *g, __u32 ring,
					 enum address how)
{
	const struct ring *r = &g->q[ring < NUM_QUEUES ? ring : 0].ring;
	struct vhost_vring_addr a = {
		.index = ring,
		.desc_user_addr = (uintptr_t)r->desc_area,
		.avail_user_addr = (uintptr_t)r->driver_area,
		.used_user_addr = (uintptr_t)r->device_area,
	};

	a.avail_user_addr += how == AVAIL_ODD;
	a.used_user_addr += how == USED_ODD ? 1 : how == USED_BY_2 ? 2 : 0;
	a.log_guest_addr = how == LOG_BY_2 ? 2 : 0;
	a.flags = how == BAD_FLAGS ? 2 : 0;
	if (how == KERNEL_DESC)
		a.desc_user_addr = KERNEL_ADDRESS;
	if (how == KERNEL_AVAIL)
		a.avail_user_addr = KERNEL_ADDRESS;
	if (how == KERNEL_USED)
		a.used_user_addr = KERNEL_ADDRESS;
	if (how >= LOG)
		a.flags = 1U << VHOST_VRING_F_LOG;
	if (how == LOG)
		a.log_guest_addr = g->mem.region[0].gpa;
	if (how == LOG_FAR)
		a.log_guest_addr = -VHOST_PAGE_SIZE;
	if (how == LOG_FLAG_BY_2)
		a.log_guest_addr = 2;
	return a;
}

/* The number of regions passed in memory; the table's count may differ. */
static unsigned int table_regions(const struct guest *g, enum table how)
{
	switch (how) {
	case EMPTY:
	case SHORT:
	case REGIONS_MAX:
		return 0;
	case REGIONS_64:
		return 64;
	case REGIONS_65:
		return 65;
	case REGIONS_509:
		return 509;
	case REGIONS_510:
		return 510;
	default:
		return g->mem.nregions;
	}
}

static struct vhost_memory *mem_table(const struct guest *g, enum table how,
				      size_t *size)
{
	unsigned int i, n = table_regions(g, how);
	struct vhost_memory_region *last;
	struct vhost_memory *m;

	*size = sizeof(*m) + n * sizeof(m->regions[0]);
	m = calloc(1, *size);
	if (!m)
		abort();
	m->nregions = how == SHORT ? 1 : how == REGIONS_MAX ? -1U : n;
	m->padding = how == PADDED;
	for (i = 0; i < n; i++) {
		const struct mem_region *from = &g->mem.region[i % 4];
		struct vhost_memory_region *to = &m->regions[i];

		to->guest_phys_addr = from->gpa + (i / 4) * 0x10000000ULL;
		to->memory_size = from->size;
		to->userspace_addr = (uintptr_t)from->va;
	}
	last = &m->regions[n - 1];
	if (how == OVERLAPPING)
		last->guest_phys_addr = last[-1].guest_phys_addr + 4096;
	if (how == WRAPPING)
		last->guest_phys_addr = -4096ULL;
	if (how == SIZE_0)
		last->memory_size = 0;
	if (how == ALL_SPACE) {
		last->guest_phys_addr = 0;
		last->memory_size = 0;
	}
	if (how == KERNEL_MEMORY)
		last->userspace_addr = KERNEL_ADDRESS;
	if (how == FLAGS)
		last->flags_padding = -1ULL;
	return m;
}

/* Make the call with @arg's first bytes at the end of a page, followed by unmapped memory. */
static int make(const struct guest *g, const struct call *c, const void *arg,
		size_t size)
{
	size_t there = c->cut ? c->there : size;
	size_t mapped = (there + PAGE - 1) & ~(PAGE - 1);
	__u8 *p = mmap(NULL, mapped + PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (p == MAP_FAILED || mprotect(p + mapped, PAGE, PROT_NONE))
		abort();
	r = dev_ioctl(&g->dev, c->req, memcpy(p + mapped - there, arg, there));
	munmap(p, mapped + PAGE);
	return r;
}

int call_make(const struct guest *g, const struct call *c)
{
	struct vhost_vring_state state = { c->a, c->b };
	struct vhost_vring_file file = { c->a, -1 };
	struct vhost_vring_addr addr;
	__u64 u64 = c->a;
	__u8 u8 = c->a;
	int i = c->a;
	size_t size;
	void *table;
	int r;

	switch (c->arg) {
	case U64:
		return make(g, c, &u64, sizeof(u64));
	case U8:
		return make(g, c, &u8, sizeof(u8));
	case INT:
		return make(g, c, &i, sizeof(i));
	case FD:
		i = open_file(g, c->a);
		return make(g, c, &i, sizeof(i));
	case RING_STATE:
		return make(g, c, &state, sizeof(state));
	case RING_FILE:
		file.fd = open_file(g, c->b);
		return make(g, c, &file, sizeof(file));
	case RING_ADDR:
		addr = ring_addr(g, c->a, c->b);
		return make(g, c, &addr, sizeof(addr));
	case TABLE:
		table = mem_table(g, c->a, &size);
		r = make(g, c, table, size);
		free(table);
		return r;
	default:
		return dev_ioctl(&g->dev, c->req, NULL);
	}
}

int state_next(struct guest *g, enum state from)
{
	unsigned int i;
	int err = 0;

	switch (from) {
	case FRESH:
		err = dev_set_owner(&g->dev);
		return err ?: dev_set_features(&g->dev, g->cfg.features);
	case OWNED:
		return dev_set_mem_table(&g->dev, &g->mem);
	case MEMORY:
		for (i = 0; !err && i < NUM_QUEUES; i++)
			err = guest_set_ring(g, i);
		return err ?: dev_set_cid(&g->dev, g->cfg.cid);
	default:
		err = dev_set_running(&g->dev, 1);
		for (i = 0; !err && i < g->cfg.rx_bufs; i++)
			err = guest_post_rx(g, g->cfg.rx_size,
					    g->cfg.rx_layout);
		return err;
	}
}

int state_reach(struct guest *g, const struct guest_config *cfg, enum state to)
{
	enum state i;
	int err;

	err = guest_alloc(g, cfg);
	if (err)
		return err;
	err = dev_open(&g->dev, cfg->path, 0);
	for (i = FRESH; !err && i < to; i++)
		err = state_next(g, i);
	if (err)
		guest_stop(g);
	return err;
}
