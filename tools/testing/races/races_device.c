// SPDX-License-Identifier: GPL-2.0
/* What the VMM, the host's kernel and signals do to a device under load. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "caller.h"
#include "group.h"
#include "races.h"

#define CALLERS 8

void race_stop_and_start(struct race_run *r)
{
	require_ok(dev_set_running(&r->talk.g.dev, 0));
	race_sleep(&r->rng, 2000);
	require_ok(dev_set_running(&r->talk.g.dev, 1));
	race_sleep(&r->rng, 5000);
}

static void reboot(struct race_run *r)
{
	race_sleep(&r->rng, 100000);
	race_new_guest(r);
}

/* One region more, and one less. */
void race_change_table(struct race_run *r)
{
	struct mem mem = r->talk.g.mem;

	mem.region[mem.nregions] = mem.region[2];
	mem.region[mem.nregions++].gpa = 0x40000000ULL;
	require_ok(dev_set_mem_table(&r->talk.g.dev, &mem));
	race_sleep(&r->rng, 1000);
	require_ok(dev_set_mem_table(&r->talk.g.dev, &r->talk.g.mem));
	race_sleep(&r->rng, 1000);
}

/* The content of shared memory stays; it only has to be mapped again. */
void race_zap(struct race_run *r)
{
	const struct mem_region *b = &r->talk.g.mem.region[MEM_BUFFERS];
	__u64 from = rng_below(&r->rng, b->size / page_size()) * page_size();

	require(!madvise(b->va + from, b->size - from, MADV_DONTNEED), "madvise");
	race_sleep(&r->rng, 1000);
}

/* Private memory is then shared for copy-on-write. */
static void fork_vmm(struct race_run *r)
{
	pid_t pid = fork();

	require(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		race_sleep(&r->rng, 1000);
		_exit(0);
	}
	race_sleep(&r->rng, 2000);
	require(waitpid(pid, NULL, 0) == pid, "waitpid");
}

/* The driver's memory is unmapped while the host sends. */
static void unmap(struct race_run *r)
{
	const struct mem_region *b;

	race_sleep(&r->rng, 20000);
	race_pause_guest(r);
	b = &r->talk.g.mem.region[rng_one_in(&r->rng, 4) ? MEM_RINGS : MEM_BUFFERS];
	/* Replaced by another mapping in one step, so that nothing else is mapped there. */
	require(mmap(b->va, b->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		     -1, 0) == b->va, "mmap: %s", strerror(errno));
	race_sleep(&r->rng, 2000);
	race_new_guest(r);
}

/* The guest is told a little later, and drops its connections. */
static void change_cid(struct race_run *r)
{
	__u32 cid = test_cid(1 + rng_below(&r->rng, 100));

	require_ok(dev_set_cid(&r->talk.g.dev, cid));
	__atomic_store_n(&r->cfg.cid, cid, __ATOMIC_RELAXED);
	race_pause_guest(r);
	talk_guest_forget(&r->talk);
	r->talk.g.cfg.cid = cid;
	race_resume_guest(r);
	race_sleep(&r->rng, 20000);
}

/* Half of the time wait for a connection, however long the kernel takes for one. */
static void kill_vmm(struct race_run *r)
{
	if (rng_one_in(&r->rng, 2))
		race_await_connection(r);
	race_sleep(&r->rng, 40000);
	race_kill(r->vmm);
	race_fork_guest(r);
}

static void kill_program(struct race_run *r)
{
	struct race_host *h = &r->host[rng_below(&r->rng, ARRAY_SIZE(r->host))];

	race_sleep(&r->rng, 5000);
	race_kill(h->pid);
	race_fork_host(h);
}

/* The driver ignores what happens to its rings meanwhile. */
static void call_ioctls(struct race_run *r)
{
	struct caller c[CALLERS];
	unsigned int i;

	race_sleep(&r->rng, 20000);
	race_pause_guest(r);
	for (i = 0; i < CALLERS; i++)
		require_ok(caller_start(&c[i], &r->talk.g, rng_next(&r->rng), true));
	race_sleep(&r->rng, 50000);
	for (i = 0; i < CALLERS; i++)
		caller_stop(&c[i]);
	race_new_guest(r);
}

/* The VMM provides a page's translation again when the device misses it. */
static void invalidate(struct race_run *r)
{
	const struct mem_region *b = &r->talk.g.mem.region[MEM_BUFFERS];
	__u64 page = rng_below(&r->rng, b->size / IOMMU_PAGE) * IOMMU_PAGE;
	__u64 size = rng_one_in(&r->rng, 8) ? b->size - page : IOMMU_PAGE;

	require(iommu_invalidate(&r->m, b->gpa + page, size) > 0, "write");
	race_sleep(&r->rng, 500);
}

/* The connections between the guests are reset. */
static void leave_group(struct race_run *r)
{
	race_sleep(&r->rng, 40000);
	require_ok(group_leave(r->talk.sibling, RACE_GROUP));
	race_sleep(&r->rng, 2000);
	require_ok(group_join(r->talk.sibling, RACE_GROUP));
}

void add_device_races(void)
{
	static const struct race races[] = {
		{ "stop and start", RACE_STRICT, race_stop_and_start },
		{ "reboot", RACE_STRICT, reboot },
		{ "memory tables", RACE_STRICT, race_change_table },
		{ "MADV_DONTNEED", RACE_STRICT, race_zap },
		{ "fork of the VMM", RACE_STRICT, fork_vmm },
		{ "munmap", 0, unmap },
		{ "CIDs", 0, change_cid },
		{ "kill of the VMM", RACE_VMM, kill_vmm },
		{ "kill of host programs", RACE_PROGRAMS, kill_program },
		{ "8 threads of ioctls", 0, call_ioctls },
		{ "IOTLB invalidations", RACE_STRICT | RACE_IOMMU, invalidate },
		{ "two guests, stop and start", RACE_STRICT | RACE_SIBLING,
		  race_stop_and_start },
		{ "two guests, reboot", RACE_STRICT | RACE_SIBLING, reboot },
		{ "two guests, MADV_DONTNEED", RACE_STRICT | RACE_SIBLING,
		  race_zap },
		{ "two guests, their group", RACE_STRICT | RACE_SIBLING,
		  leave_group },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(races); i++)
		session_test("race", races[i].name, race_run, &races[i],
			     races[i].flags & RACE_SIBLING ? TAP_MVSOCK : 0,
			     RINGS_BOTH);
}
