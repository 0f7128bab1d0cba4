// SPDX-License-Identifier: GPL-2.0
/*
 * Each kind of guest memory that VMMs use, and what the host's kernel does to it during traffic: it
 * reclaims, merges, migrates, collapses, splits and writes back pages. The guest must not notice.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGE	0x200000ULL
#define ROUNDS		40

enum ram {
	RAM_PRIVATE,	/* memory-backend-ram */
	RAM_MEMFD,	/* memory-backend-memfd */
	RAM_HUGE,	/* the same with hugetlb=on */
	RAM_DISK,	/* memory-backend-file, on a disk */
};

/* A thread that acts on the guest's memory, over and over. */
struct mover {
	void (*step)(struct mover *m);
	struct session *s;
	pthread_t thread;
	bool stop;
	unsigned int steps;
	unsigned int moved;	/* pages */
};

/* --- settings of the host's kernel --- */

static long read_number(const char *path)
{
	char line[32];
	FILE *f = fopen(path, "r");
	long n = -1;

	if (!f)
		return -1;
	if (fgets(line, sizeof(line), f))
		n = strtol(line, NULL, 0);
	fclose(f);
	return n;
}

/* --- kinds of memory --- */

static int disk_file(void)
{
	const char *disk = getenv("MVSOCK_TEST_DISK");
	char path[256];
	int fd;

	if (!disk)
		tap_skip("there is no $MVSOCK_TEST_DISK");
	snprintf(path, sizeof(path), "%s/ram-%d", disk, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	require(fd >= 0, "%s: %s", path, strerror(errno));
	unlink(path);
	return fd;
}

/* A file of @size bytes, or -1 for private memory. */
static int ram_file(enum ram ram, __u64 size)
{
	int fd = -1;

	switch (ram) {
	case RAM_PRIVATE:
		return -1;
	case RAM_MEMFD:
		fd = memfd_create("ram", 0);
		break;
	case RAM_HUGE:
		if (host_write_file(AT_FDCWD, "/proc/sys/vm/nr_hugepages", "8"))
			tap_skip("this kernel has no hugetlb pages");
		fd = memfd_create("ram", MFD_HUGETLB);
		break;
	case RAM_DISK:
		fd = disk_file();
		break;
	}
	require(fd >= 0, "no file for the memory: %s", strerror(errno));
	require(!ftruncate(fd, size), "ftruncate: %s", strerror(errno));
	return fd;
}

/*
 * Replace a region's memory by another mapping, aligned for huge pages, and tell the device.
 * Returns the memory's file.
 */
static int use_ram(struct session *s, unsigned int region, enum ram ram)
{
	struct mem_region *r = &s->g.mem.region[region];
	__u64 room = r->size + 2 * HUGE_PAGE;
	int fd = ram_file(ram, r->size);
	__u8 *p;

	p = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(p != MAP_FAILED, "mmap: %s", strerror(errno));
	p += HUGE_PAGE - (uintptr_t)p % HUGE_PAGE;
	require(mmap(p, r->size, PROT_READ | PROT_WRITE,
		     (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) |
		     MAP_FIXED, fd, 0) == p, "mmap: %s", strerror(errno));
	memcpy(p, r->va, r->size);
	r->va = p;
	require_ok(dev_set_mem_table(&s->g.dev, &s->g.mem));
	return fd;
}

/* The region that has the buffers; its memory is freed in the usual way. */
#define BUFFERS 1

static int session_with_ram(struct session *s, enum ram ram)
{
	struct guest_config cfg = test_config(0);

	session_guest_connects(s, &cfg, SOCK_STREAM);
	session_exchange(s, 10000);
	return use_ram(s, BUFFERS, ram);
}

/* The process exits, which unmaps the rest. */
static void session_end(struct session *s)
{
	session_exchange(s, 65536);
	guest_check(&s->g);
	dev_close(&s->g.dev);
}

/* --- under load --- */

static void *move(void *arg)
{
	struct mover *m = arg;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		m->step(m);
		__atomic_fetch_add(&m->steps, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
	return NULL;
}

static void mover_start(struct mover *m, struct session *s,
			void (*step)(struct mover *m))
{
	*m = (struct mover){ .step = step, .s = s };
	require(!pthread_create(&m->thread, NULL, move, m), "pthread_create");
}

static bool mover_moves(struct mover *m)
{
	return __atomic_load_n(&m->steps, __ATOMIC_RELAXED);
}

static void mover_stop(struct mover *m)
{
	__atomic_store_n(&m->stop, true, __ATOMIC_RELAXED);
	pthread_join(m->thread, NULL);
}

/* The number of moved pages, if the kernel counts them. */
static unsigned int exchange_while(struct session *s,
				   void (*step)(struct mover *m))
{
	struct mover m;
	int i;

	mover_start(&m, s, step);
	/* The thread may get the CPU late. */
	for (i = 0; i < ROUNDS || !mover_moves(&m); i++)
		session_exchange(s, 20000 + 100 * i);
	mover_stop(&m);
	return m.moved;
}

static struct mem_region *buffers(struct mover *m)
{
	return &m->s->g.mem.region[BUFFERS];
}

/* The content of shared memory stays; it only has to be mapped again. */
static void step_zap(struct mover *m)
{
	madvise(buffers(m)->va, buffers(m)->size, MADV_DONTNEED);
}

/* Written back and evicted, if there is a place to write it to. */
static void step_page_out(struct mover *m)
{
	madvise(buffers(m)->va, buffers(m)->size, MADV_PAGEOUT);
}

static void step_sync(struct mover *m)
{
	msync(buffers(m)->va, buffers(m)->size, MS_SYNC);
}

static void step_compact(struct mover *m)
{
	(void)m;
	host_write_file(AT_FDCWD, "/proc/sys/vm/compact_memory", "1");
}

/* To the other node, and back with the next step. */
static void step_migrate(struct mover *m)
{
	struct mem_region *r = buffers(m);
	unsigned int n = r->size / page_size(), i;
	void **page = calloc(n, sizeof(*page));
	int *node = calloc(n, sizeof(*node)), *status = calloc(n, sizeof(*status));

	require(page && node && status, "out of memory");
	for (i = 0; i < n; i++) {
		page[i] = r->va + i * page_size();
		node[i] = m->steps % 2;
	}
	require(syscall(SYS_move_pages, 0, (long)n, page, node, status,
			MPOL_MF_MOVE) >= 0, "move_pages: %s", strerror(errno));
	for (i = 0; i < n; i++)
		m->moved += status[i] == node[i];
	free(page);
	free(node);
	free(status);
}

/* Hot-plug: one region more, and one less. */
static void step_table(struct mover *m)
{
	struct mem mem = m->s->g.mem;

	mem.region[mem.nregions] = mem.region[2];
	mem.region[mem.nregions++].gpa = 0x40000000ULL;
	require_ok(dev_set_mem_table(&m->s->g.dev, &mem));
	require_ok(dev_set_mem_table(&m->s->g.dev, &m->s->g.mem));
}

static void step_collapse(struct mover *m)
{
	struct mem_region *r = buffers(m);

	/* A page with other permissions splits its huge page, which is collapsed again. */
	mprotect(r->va + HUGE_PAGE / 2, page_size(),
		 PROT_READ | PROT_WRITE | PROT_EXEC);
	madvise(r->va, r->size, MADV_COLLAPSE);
	mprotect(r->va + HUGE_PAGE / 2, page_size(), PROT_READ | PROT_WRITE);
	madvise(r->va, r->size, MADV_COLLAPSE);
}

static const struct moved {
	const char *name;
	enum ram ram;
	void (*step)(struct mover *m);
} moved_tests[] = {
	{ "private memory, tables changing", RAM_PRIVATE, step_table },
	{ "private memory, compaction", RAM_PRIVATE, step_compact },
	{ "memfd, pages zapped", RAM_MEMFD, step_zap },
	{ "memfd, compaction", RAM_MEMFD, step_compact },
	{ "hugetlb memfd, pages zapped", RAM_HUGE, step_zap },
	{ "hugetlb memfd, tables changing", RAM_HUGE, step_table },
	{ "file on a disk, pages zapped", RAM_DISK, step_zap },
	{ "file on a disk, written back", RAM_DISK, step_sync },
	{ "file on a disk, paged out", RAM_DISK, step_page_out },
};

/*
 * User-mode Linux does not tell other CPUs that a program's page may no longer be written: a write
 * to a page that is being merged or migrated is lost (observed with 7.3: without any device, and,
 * as a killed program of this test, with vhost_vsock).
 */
static bool loses_writes(void)
{
	char text[512] = "";
	FILE *f = fopen("/proc/cpuinfo", "r");

	require(f && fread(text, 1, sizeof(text) - 1, f), "/proc/cpuinfo");
	fclose(f);
	return strstr(text, "User Mode Linux") &&
	       sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

static void moved(const void *arg)
{
	const struct moved *t = arg;
	struct session s;

	if (t->step == step_compact && loses_writes())
		tap_skip("user-mode Linux with several processors loses writes to pages that move");
	session_with_ram(&s, t->ram);
	exchange_while(&s, t->step);
	session_end(&s);
}

static void migrated(const void *arg)
{
	const enum ram *ram = arg;
	struct session s;

	if (access("/sys/devices/system/node/node1", F_OK))
		tap_skip("this machine has one node");
	session_with_ram(&s, *ram);
	require(exchange_while(&s, step_migrate),
		"no page went to another node");
	session_end(&s);
}

static void huge_pages(const void *arg)
{
	struct session s;
	struct mem_region *r;

	(void)arg;
	session_with_ram(&s, RAM_PRIVATE);
	r = &s.g.mem.region[BUFFERS];
	if (madvise(r->va, r->size, MADV_HUGEPAGE) ||
	    madvise(r->va, r->size, MADV_COLLAPSE))
		tap_skip("this kernel has no transparent huge pages");
	exchange_while(&s, step_collapse);
	session_end(&s);
}

/* --- same-page merging --- */

#define KSM "/sys/kernel/mm/ksm/"

#define EQUAL_PAGES 64

/* Merge this many pages at the end of the buffers' region. */
static void wait_merged(struct session *s, __u8 *first)
{
	/* Not zeros: zero pages may be shared even without merging. */
	memset(first, 0x5a, EQUAL_PAGES * 4096);
	require_ok(host_write_file(AT_FDCWD, KSM "pages_to_scan", "10000"));
	require_ok(host_write_file(AT_FDCWD, KSM "sleep_millisecs", "0"));
	require_ok(host_write_file(AT_FDCWD, KSM "run", "1"));
	while (read_number(KSM "pages_sharing") < EQUAL_PAGES / 2)
		session_exchange(s, 30000);
}

/* A merged page is read-only; the device must write to a copy. */
static void merged(const void *arg)
{
	struct mem_region *r;
	struct session s;
	__u64 off;
	int i;

	(void)arg;
	if (loses_writes())
		tap_skip("user-mode Linux with several processors loses writes to such pages");
	session_with_ram(&s, RAM_PRIVATE);
	r = &s.g.mem.region[BUFFERS];
	off = r->size - EQUAL_PAGES * 4096;
	if (madvise(r->va, r->size, MADV_MERGEABLE))
		tap_skip("this kernel does not merge pages");
	wait_merged(&s, r->va + off);

	for (i = 0; i < EQUAL_PAGES / 2; i++)
		require_ok(guest_post_rx_at(&s.g, r->gpa + off + i * 4096, 4096,
					    &layout_one));
	s.g.tx_gpa = r->gpa + off + EQUAL_PAGES / 2 * 4096;
	session_exchange(&s, 200000);
	/* The other pages, to which the device has not written, are unchanged. */
	for (i = EQUAL_PAGES * 7 / 8 * 4096; i < EQUAL_PAGES * 4096; i++)
		require(r->va[off + i] == 0x5a, "byte %d has changed", i);
	/* Unmerge all pages. */
	require_ok(host_write_file(AT_FDCWD, KSM "run", "2"));
	session_exchange(&s, 200000);
	require_ok(host_write_file(AT_FDCWD, KSM "run", "0"));
	session_end(&s);
}

/* --- the balloon --- */

/* Pages that the guest gave away and took back are new ones. */
static void ballooned(const void *arg)
{
	struct session s;
	struct mem_region *r;
	int i;

	(void)arg;
	session_with_ram(&s, RAM_PRIVATE);
	use_ram(&s, 2, RAM_PRIVATE);
	r = &s.g.mem.region[2];
	s.g.tx_gpa = r->gpa;
	for (i = 0; i < 20; i++) {
		session_exchange(&s, 30000 + i);
		require(!madvise(r->va, r->size, MADV_DONTNEED), "madvise");
	}
	session_end(&s);
}

/* --- pages that the VMM loses --- */

static void expect_refused(struct session *s, const struct seg *seg)
{
	struct counters before = counters_read(&s->g);

	require_ok(guest_send_segs(&s->g, seg, 1, TIMEOUT));
	counters_expect(&s->g, &before, REJ_BAD_ADDRESS, 1);
}

static void protected_memory(const void *arg)
{
	struct mem_region *r;
	struct session s;
	struct seg seg;
	int i;

	(void)arg;
	session_with_ram(&s, RAM_PRIVATE);
	use_ram(&s, 2, RAM_PRIVATE);
	r = &s.g.mem.region[2];
	seg = (struct seg){ r->gpa, HDR_LEN + 100, false };
	for (i = 0; i < 5; i++) {
		s.g.tx_gpa = r->gpa;
		session_to_host(&s, 1000);
		require(!mprotect(r->va, r->size, PROT_NONE), "mprotect");
		expect_refused(&s, &seg);
		/* A readable page may be sent. */
		require(!mprotect(r->va, r->size, PROT_READ | PROT_WRITE),
			"mprotect");
		session_to_host(&s, 1000);
	}
	session_end(&s);
}

static void truncated_buffers(const void *arg)
{
	struct mem_region *r;
	struct session s;
	struct seg seg;
	int fd;

	(void)arg;
	session_with_ram(&s, RAM_PRIVATE);
	fd = use_ram(&s, 2, RAM_MEMFD);
	r = &s.g.mem.region[2];
	seg = (struct seg){ r->gpa, HDR_LEN + 100, false };
	s.g.tx_gpa = r->gpa;
	session_to_host(&s, 1000);
	require(!ftruncate(fd, 0), "ftruncate");
	expect_refused(&s, &seg);
	require(!ftruncate(fd, r->size), "ftruncate");
	session_to_host(&s, 1000);
	session_end(&s);
}

/* The driver has lost its rings as well: only the error can be observed. */
static void truncated_rings(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct mem_region *r;
	struct session s;
	int fd = memfd_create("rings", 0), i;

	(void)arg;
	require_ok(guest_alloc(&s.g, &cfg));
	r = &s.g.mem.region[0];
	require(fd >= 0 && !ftruncate(fd, r->size), "memfd_create");
	require(pwrite(fd, r->va, r->size, 0) == (ssize_t)r->size, "pwrite");
	require(mmap(r->va, r->size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, fd, 0) == r->va, "mmap");
	require_ok(guest_setup(&s.g));
	require_ok(dev_set_running(&s.g.dev, 1));
	require(!ftruncate(fd, 0), "ftruncate");
	for (i = 0; i < NUM_QUEUES; i++) {
		eventfd_write(s.g.q[i].kick, 1);
		/* Without packets RX is not checked. */
		require(i == RXQ || guest_ring_error(&s.g, i, TIMEOUT),
			"the ring did not break");
	}
	dev_close(&s.g.dev);
}

/* --- writes reach the file --- */

#define MARK_LEN 3000

static bool in_file(int fd, __u64 size, const __u8 *mark)
{
	__u8 *copy = malloc(size);
	bool found;

	require(copy, "out of memory");
	require(pread(fd, copy, size, 0) == (ssize_t)size, "pread");
	found = memmem(copy, size, mark, MARK_LEN);
	free(copy);
	return found;
}

/*
 * Only the device writes to the page after it was written back: it must be the device that marks it
 * dirty again.
 */
static void reaches_disk(const void *arg)
{
	__u8 mark[MARK_LEN], buf[MARK_LEN];
	struct mem_region *r;
	struct session s;
	int fd, i;

	(void)arg;
	fd = session_with_ram(&s, RAM_DISK);
	r = &s.g.mem.region[BUFFERS];
	for (i = 0; i < MARK_LEN; i++)
		mark[i] = i * 7 + i / 256;
	session_to_guest(&s, 30000);
	require(!fsync(fd), "fsync: %s", strerror(errno));
	require_ok(host_send(s.fd, mark, MARK_LEN, 0, TIMEOUT));
	require_ok(conn_recv(&s.c, buf, MARK_LEN, TIMEOUT));
	require(!memcmp(mark, buf, MARK_LEN), "other data came");

	dev_close(&s.g.dev);
	require(!munmap(r->va, r->size), "munmap");
	require(!fsync(fd), "fsync: %s", strerror(errno));
	require_ok(host_write_file(AT_FDCWD, "/proc/sys/vm/drop_caches", "3"));
	require(in_file(fd, r->size, mark), "the received data are not on disk");
}

#define PLACES	3000

/* Address ranges that the VMM has unmapped cost nothing, rather than more than a page each. */
static void left_places(const void *arg)
{
	struct mem_region *r;
	struct session s;
	__u64 before = 0;
	__u8 *area, *old;
	long long gone;
	__u64 step;
	int fd, i;

	(void)arg;
	if (!access("/sys/kernel/debug/kmemleak", F_OK))
		tap_skip("a debug kernel delays frees");
	fd = session_with_ram(&s, RAM_MEMFD);
	r = &s.g.mem.region[BUFFERS];
	step = r->size + HUGE_PAGE;
	area = mmap(NULL, PLACES * step, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	require(area != MAP_FAILED, "mmap: %s", strerror(errno));
	for (i = 0; i < PLACES; i++) {
		if (i == PLACES / 10)
			before = host_free_kib();
		old = r->va;
		r->va = mmap(area + i * step, r->size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_FIXED, fd, 0);
		require(r->va != MAP_FAILED, "mmap: %s", strerror(errno));
		require_ok(dev_set_mem_table(&s.g.dev, &s.g.mem));
		require(!munmap(old, r->size), "munmap");
		session_exchange(&s, 1);
	}
	gone = before - host_free_kib();
	/* The VMM's page tables, a page for each range; windows would be two pages more. */
	require(gone < PLACES * 6, "free memory shrank by %lld KiB", gone);
	session_end(&s);
}

void add_moving_tests(void)
{
	static const enum ram private = RAM_PRIVATE, memfd = RAM_MEMFD;
	static const char g[] = "moving";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(moved_tests); i++)
		session_test(g, moved_tests[i].name, moved, &moved_tests[i], 0,
			     RINGS_SPLIT);
	session_test(g, "private memory, migrated", migrated, &private, 0,
		     RINGS_SPLIT);
	session_test(g, "memfd, migrated", migrated, &memfd, 0, RINGS_SPLIT);
	session_test(g, "huge pages collapsed and split", huge_pages, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "equal pages merged", merged, NULL, 0, RINGS_SPLIT);
	session_test(g, "pages given away and taken again", ballooned, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "places left behind", left_places, NULL, 0,
		     RINGS_SPLIT);
	session_test(g, "buffers protected", protected_memory, NULL, TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "buffers truncated", truncated_buffers, NULL, TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "rings truncated", truncated_rings, NULL, TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "what is received reaches the disk", reaches_disk, NULL,
		     0, RINGS_BOTH);
}
