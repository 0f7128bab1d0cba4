// SPDX-License-Identifier: GPL-2.0
/* The guest on which operations with faults run. */
#include <sys/mman.h>
#include <unistd.h>

#include "faults.h"

#define PAGE		4096ULL
#define LOG_SPAN	(8 * PAGE * PAGE)	/* memory covered by one page of the log */
#define LOG_LEN		((1 + NUM_QUEUES) * PAGE)
#define RX_ROOM		0x100000ULL		/* more than all receive buffers */

struct guest_config scene_config(const struct scene *s)
{
	struct guest_config cfg = test_config(s->round & 0xff);

	cfg.packed = s->kind == PACKED;
	cfg.iommu = s->kind == BEHIND_IOMMU;
	return cfg;
}

/* --- the dirty log -------------------------------------------------------- */

/* Each ring's log is in a page of its own, which is mapped when it is first used. */
static __u64 ring_log(unsigned int q)
{
	return (1 + q) * LOG_SPAN;
}

static void log_on(struct scene *s)
{
	const struct guest *g = &s->s.g;
	unsigned int q;

	require_ok(dev_set_log_base(&g->dev, (uintptr_t)s->log));
	require_ok(dev_set_features(&g->dev, g->cfg.features | F_LOG_ALL));
	for (q = 0; q < NUM_QUEUES; q++)
		require_ok(guest_set_ring_addr(g, q, true, ring_log(q)));
}

static void watch(struct scene *s, const void *p, __u64 len, __u64 gpa)
{
	struct watched *w = &s->watched[s->nwatched++];

	*w = (struct watched){ p, malloc(len), len, gpa };
	require(w->was, "out of memory");
	memcpy(w->was, p, len);
}

static void unwatch(struct scene *s)
{
	while (s->nwatched)
		free(s->watched[--s->nwatched].was);
}

static void watch_all(struct scene *s)
{
	const struct guest *g = &s->s.g;
	__u64 rx = g->tx_gpa + GUEST_TX_ROOM;
	unsigned int q;

	unwatch(s);
	/* Clear the log first, so that concurrent writes are in it or in the copies. */
	memset(s->log, 0, LOG_LEN);
	watch(s, mem_ptr(&g->mem, rx, RX_ROOM), RX_ROOM, rx);
	for (q = 0; q < NUM_QUEUES; q++) {
		const struct ring *r = &g->q[q].ring;

		watch(s, r->device_area, 4 + r->num * 8, ring_log(q));
	}
}

static void check_watched(const struct scene *s, const struct watched *w)
{
	__u64 i, page;

	for (i = 0; i < w->len; i++) {
		page = (w->gpa + i) / PAGE;
		require(w->now[i] == w->was[i] ||
			s->log[page / 64] >> (page % 64) & 1,
			"page %#llx was written, and is not logged",
			(unsigned long long)(page * PAGE));
	}
}

void scene_check_log(const struct scene *s)
{
	unsigned int i;

	for (i = 0; i < s->nwatched; i++)
		check_watched(s, &s->watched[i]);
}

/* --- the guest ------------------------------------------------------------ */

void scene_start(struct scene *s, const struct guest_config *cfg)
{
	if (s->kind == BEHIND_IOMMU)
		require_ok(iommu_start(&s->m, &s->s.g, cfg, false));
	else
		require_ok(guest_start(&s->s.g, cfg));
	if (s->kind != LOGGED)
		return;
	s->log = mmap(NULL, LOG_LEN, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(s->log != MAP_FAILED, "mmap");
	log_on(s);
}

void scene_connect(struct scene *s, int socktype)
{
	struct guest_config cfg = scene_config(s);

	scene_start(s, &cfg);
	session_connect(&s->s, socktype);
	/* Otherwise a pending IOTLB miss would look like a lack of room in the ring. */
	if (s->kind == BEHIND_IOMMU)
		require_ok(host_set_blocking(s->s.fd, s->timeout));
}

/* The memory is shared, so no content is lost. */
static void drop(void *p, size_t size)
{
	require(!madvise(p, size, MADV_DONTNEED), "madvise");
}

void scene_forget(struct scene *s)
{
	const struct mem *mem = s->m.g ? &s->m.phys : &s->s.g.mem;
	unsigned int i;

	if (s->log) {
		watch_all(s);
		drop(s->log, LOG_LEN);
	}
	for (i = 0; i < mem->nregions; i++)
		drop(mem->region[i].va, mem->region[i].size);
	if (s->m.g)
		require_ok(iommu_invalidate(&s->m, 0, GUEST_END));
}

void scene_restart(struct scene *s)
{
	if (s->m.g)
		require_ok(iommu_restart(&s->m));
	else
		guest_restart(&s->s.g);
	if (s->log)
		log_on(s);
}

void scene_end(struct scene *s)
{
	scene_end_sibling(s);
	if (s->fd >= 0)
		close(s->fd);
	if (s->s.fd >= 0)
		close(s->s.fd);
	if (s->s.listener >= 0)
		close(s->s.listener);
	if (s->s.c.g)
		conn_free(&s->s.c);
	if (s->m.g)
		iommu_halt(&s->m);
	guest_stop(&s->s.g);
	if (s->m.g)
		iommu_free(&s->m);
	unwatch(s);
	if (s->log)
		munmap(s->log, LOG_LEN);
}

__u64 scene_errors(const struct scene *s)
{
	struct counters c;

	if (s->s.g.dev.fd < 0)
		return 0;
	c = counters_read(&s->s.g);
	return c.value[BROKEN_RINGS] + c.value[REJ_BAD_ADDRESS];
}

/* --- a concurrent thread --------------------------------------------------- */

static void *run_beside(void *arg)
{
	struct scene *s = arg;

	s->err = s->act(s);
	return NULL;
}

void scene_beside(struct scene *s, int (*act)(struct scene *s))
{
	s->act = act;
	__atomic_store_n(&s->tid, 0, __ATOMIC_SEQ_CST);
	require(!pthread_create(&s->beside, NULL, run_beside, s), "thread");
}

int scene_join(struct scene *s)
{
	require(!pthread_join(s->beside, NULL), "thread");
	return s->err;
}
