// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: it has every page that the device writes, and no other.
 *
 * The device's writes are determined while it is stopped: a page is compared with its content when
 * the log was cleared. Receive buffers are first filled with one byte value, so that each write to
 * them shows.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "device_test.h"
#include "group.h"
#include "iommu.h"
#include "session.h"

#define PAGE	4096ULL
#define POISON	0x5a
#define LOG_LEN	(2 * (IOMMU_GPA / PAGE / 8))

struct log_session {
	struct session s;
	struct iommu m;		/* if s.g.cfg.iommu */
	__u64 *log;
	__u8 *rings;		/* previous content of the rings' region */
	bool rings_logged;
};

/* --- the VMM's side --- */

/* With the guest-physical address of the Device Area, as VMMs set it. */
static int set_ring_addr(const struct log_session *t, unsigned int q, bool log)
{
	const struct guest *g = &t->s.g;

	return guest_set_ring_addr(g, q, log,
				   mem_gpa(&g->mem, g->q[q].ring.device_area));
}

static void set_logging(struct log_session *t, bool on)
{
	struct guest *g = &t->s.g;
	unsigned int q;

	if (on)
		require_ok(dev_set_log_base(&g->dev, (uintptr_t)t->log));
	require_ok(dev_set_features(&g->dev, g->cfg.features |
				    (on ? F_LOG_ALL : 0)));
	for (q = 0; q < NUM_QUEUES; q++)
		require_ok(set_ring_addr(t, q, on));
	t->rings_logged = on;
}

static __u64 page_gpa(const struct log_session *t, __u64 at)
{
	return t->s.g.cfg.iommu ? iommu_gpa(&t->m, at) : at;
}

static bool is_logged(const struct log_session *t, __u64 at)
{
	__u64 page = page_gpa(t, at) / PAGE;

	return t->log[page / 64] >> (page % 64) & 1;
}

/* As VMMs do it while the device runs. */
static __u64 fetch(__u64 *word)
{
	return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
}

static unsigned int clear_log(struct log_session *t)
{
	unsigned int i, n = 0;

	for (i = 0; i < LOG_LEN / sizeof(*t->log); i++)
		if (t->log[i])
			n += __builtin_popcountll(fetch(&t->log[i]));
	return n;
}

/* --- rounds --- */

static __u64 rx_first(const struct guest *g)
{
	return g->tx_gpa + GUEST_TX_ROOM;
}

static __u64 rx_end(const struct guest *g)
{
	return g->mem.region[1].gpa + g->mem.region[1].next;
}

/* Start again. Behind an IOMMU this needs the translations that SET_FEATURES dropped. */
static void run(struct log_session *t)
{
	struct guest *g = &t->s.g;
	unsigned int q;

	if (g->cfg.iommu)
		require_ok(iommu_tell_used(&t->m));
	require_ok(dev_set_running(&g->dev, 1));
	/* vhost_vsock left kicks disabled; QEMU kicks, too. */
	for (q = 0; test_options.upstream && q < NUM_QUEUES; q++)
		guest_kick(g, q);
}

/* With the device stopped, save the current content and clear the log. */
static void round_begin(struct log_session *t)
{
	struct guest *g = &t->s.g;
	struct mem_region *r = &g->mem.region[0];

	require_ok(dev_set_running(&g->dev, 0));
	clear_log(t);
	memcpy(t->rings, r->va, r->next);
	mem_fill(&g->mem, rx_first(g), POISON, rx_end(g) - rx_first(g));
	run(t);
}

/* True for bytes written by the device alone: in the Device Area, and in a packed ring in used
 * descriptors (those that the driver has reused are no longer used).
 */
static bool device_wrote(const struct log_session *t, const struct ring *r,
			 __u64 at)
{
	const struct guest *g = &t->s.g;
	const __u8 *now = mem_ptr(&g->mem, at, 1);
	size_t off = at - g->mem.region[0].gpa;
	const __u8 *area = r->device_area;
	size_t len = r->f.packed ? 4 : 4 + r->num * 8 +
				       (r->f.event_idx ? 2 : 0);

	if (now >= area && now < area + len)
		return *now != t->rings[off];
	area = r->desc_area;
	if (r->f.packed && now >= area && now < area + r->num * 16) {
		size_t i = (now - area) / 16;
		__u16 flags = le16toh(r->p.desc[i].flags);

		return !(flags >> 7 & 1) == !(flags >> 15 & 1) &&
		       *now != t->rings[off];
	}
	return false;
}

/* Check whether the device may write to this page of the ring at all. */
static bool is_devices(const struct log_session *t, const struct ring *r,
		       __u64 page)
{
	const struct guest *g = &t->s.g;
	__u64 desc = mem_gpa(&g->mem, r->desc_area);
	__u64 used = mem_gpa(&g->mem, r->device_area);
	__u64 end = used + (r->f.packed ? 4 : 6 + r->num * 8);

	return (page + PAGE > used && page < end) ||
	       (r->f.packed && page + PAGE > desc &&
		page < desc + r->num * 16);
}

static void check_ring_page(const struct log_session *t, __u64 page)
{
	const struct guest *g = &t->s.g;
	bool logged = is_logged(t, page), may = false;
	unsigned int q;
	__u64 at;

	for (q = 0; q < NUM_QUEUES; q++) {
		const struct ring *r = &g->q[q].ring;

		may |= is_devices(t, r, page);
		for (at = page; t->rings_logged && at < page + PAGE; at++)
			require(!device_wrote(t, r, at) || logged,
				"ring %u was written at %#llx, unlogged", q,
				(unsigned long long)at);
	}
	require(!logged || (may && t->rings_logged),
		"page %#llx of the rings is logged",
		(unsigned long long)page);
}

static bool was_written(const struct guest *g, __u64 page)
{
	const __u8 *p = mem_ptr(&g->mem, page, PAGE);
	__u64 first = rx_first(g), end = rx_end(g), i;

	for (i = 0; i < PAGE; i++)
		if (page + i >= first && page + i < end && p[i] != POISON)
			return true;
	return false;
}

/* @rings: all writes of the device to the rings since then had to be logged. */
static void round_end(struct log_session *t, bool rings)
{
	struct guest *g = &t->s.g;
	unsigned int i, n = 0;

	require_ok(dev_set_running(&g->dev, 0));
	for (i = 0; i < g->mem.nregions; i++) {
		const struct mem_region *r = &g->mem.region[i];
		__u64 at;

		for (at = r->gpa; at < r->gpa + r->size; at += PAGE) {
			bool logged = is_logged(t, at);

			n += logged;
			if (i == 0 && at < r->gpa + r->next) {
				if (rings)
					check_ring_page(t, at);
				continue;
			}
			require(logged == was_written(g, at),
				"page %#llx was %swritten and is %slogged",
				(unsigned long long)at, logged ? "not " : "",
				logged ? "" : "not ");
		}
	}
	i = clear_log(t);
	require(i == n, "%u pages logged that the guest does not have", i - n);
	run(t);
}

/* --- sessions --- */

struct log_case {
	const char *name;
	unsigned int num;
	bool event_idx;
	bool iommu;
	bool unaligned;		/* used entries cross a page boundary */
	struct layout layout;	/* of receive buffers */
};

static const struct log_case log_cases[] = {
	{ "traffic", 256, .layout = { "", 1, { 0 } } },
	{ "traffic, event index", 256, .event_idx = true,
	  .layout = { "", 1, { 0 } } },
	{ "traffic, rings over many pages", 1024, .event_idx = true,
	  .layout = { "", 1, { 0 } } },
	{ "traffic, buffers in pieces", 256,
	  .layout = { "", 4, { 11, 33, 1000, 0 }, 5000 } },
	{ "traffic behind an IOMMU", 256, .iommu = true,
	  .layout = { "", 1, { 0 } } },
	{ "traffic behind an IOMMU, rings over many pages", 1024,
	  .event_idx = true, .iommu = true, .layout = { "", 1, { 0 } } },
};

static void start(struct log_session *t, const struct log_case *c,
		  __u32 base)
{
	struct guest_config cfg = test_config(0);

	memset(t, 0, sizeof(*t));
	t->log = mmap(NULL, LOG_LEN, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	t->rings = malloc(0x100000);
	require(t->log != MAP_FAILED && t->rings, "out of memory");
	cfg.num[RXQ] = c->num;
	cfg.num[TXQ] = c->num;
	cfg.base[RXQ] = base;
	cfg.features |= c->event_idx ? F_EVENT_IDX : 0;
	cfg.rx_layout = &c->layout;
	cfg.rx_bufs = 24;
	cfg.iommu = c->iommu;
	if (c->iommu)
		require_ok(iommu_start(&t->m, &t->s.g, &cfg, false));
	else
		require_ok(guest_start(&t->s.g, &cfg));
}

static void end(struct log_session *t)
{
	bool iommu = t->s.g.cfg.iommu;

	session_close(&t->s);
	if (iommu)
		iommu_free(&t->m);
	munmap(t->log, LOG_LEN);
	free(t->rings);
}

static void start_default(struct log_session *t)
{
	start(t, &log_cases[0], 0);
	session_connect(&t->s, SOCK_STREAM);
	session_exchange(&t->s, 1000);
}

/* --- tests --- */

static void traffic(const void *arg)
{
	static const __u32 sizes[] = { 1, 100, 4052, 4053, 20000, 65536 };
	struct log_session t;
	unsigned int i;

	start(&t, arg, 0);
	session_connect(&t.s, SOCK_STREAM);
	session_exchange(&t.s, 1000);
	set_logging(&t, true);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		round_begin(&t);
		session_exchange(&t.s, sizes[i]);
		round_end(&t, true);
	}
	/* Nothing is written, so only what a start writes is logged. */
	round_begin(&t);
	round_end(&t, true);
	end(&t);
}

/* What another guest sends is logged as well, and what this one sends to it. */
static void another_guest(const void *arg)
{
	static const __u32 sizes[] = { 1, 100, 4052, 20000 };
	struct guest_config cfg = test_config(1);
	static __u8 out[20000], in[20000];
	struct conn here, there;
	struct log_session t;
	struct guest other;
	unsigned int i;

	start(&t, arg, 0);
	session_connect(&t.s, SOCK_STREAM);
	require_ok(guest_start(&other, &cfg));
	require_ok(group_join(cfg.cid, "log"));
	require_ok(group_join(t.s.g.cfg.cid, "log"));
	conn_init_ends(&there, &other, 1000, &here, &t.s.g, 2000,
		       VIRTIO_VSOCK_TYPE_STREAM);
	require_ok(conn_connect_ends(&there, &here, TIMEOUT));
	set_logging(&t, true);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		round_begin(&t);
		pattern_fill(out, sizes[i], i, 0);
		require_ok(conn_send(&there, out, sizes[i], TIMEOUT));
		require_ok(conn_recv(&here, in, sizes[i], TIMEOUT));
		require(pattern_check(in, sizes[i], i, 0) < 0, "data differ");
		require_ok(conn_send(&here, out, sizes[i], TIMEOUT));
		require_ok(conn_recv(&there, in, sizes[i], TIMEOUT));
		round_end(&t, true);
	}
	require_ok(group_leave(cfg.cid, "log"));
	require_ok(group_leave(t.s.g.cfg.cid, "log"));
	conn_free(&here);
	conn_free(&there);
	guest_stop(&other);
	end(&t);
}

/* Each used entry by itself, up to and beyond one that crosses a page boundary. */
static void entry_on_two_pages(const void *arg)
{
	struct log_session t;
	const struct ring *r = &t.s.g.q[RXQ].ring;
	unsigned int i, entry;
	__u64 used;

	start(&t, arg, 240);
	session_connect(&t.s, SOCK_STREAM);
	set_logging(&t, true);
	used = mem_gpa(&t.s.g.mem, r->device_area);
	entry = (PAGE - used % PAGE - 4) / 8;
	require((used + 4 + entry * 8) % PAGE == PAGE - 4 && entry > 245 &&
		entry < 260, "entry %u does not cross a page boundary", entry);
	for (i = 0; i < 20; i++) {
		round_begin(&t);
		session_to_guest(&t.s, 100 + i);
		round_end(&t, true);
	}
	end(&t);
}

/* Logging is enabled and disabled as VMMs do it when a migration starts and ends. */
static void toggled(const void *arg)
{
	struct log_session t;
	int i;

	start(&t, arg, 0);
	session_connect(&t.s, SOCK_STREAM);
	session_exchange(&t.s, 1000);
	for (i = 0; i < 4; i++) {
		round_begin(&t);
		set_logging(&t, true);
		session_exchange(&t.s, 10000);
		/* The start's writes to the rings were not logged. */
		round_end(&t, false);
		round_begin(&t);
		session_exchange(&t.s, 10001);
		round_end(&t, true);

		set_logging(&t, false);
		clear_log(&t);
		session_exchange(&t.s, 10002);
		require(!clear_log(&t), "it is still logged");
	}
	end(&t);
}

/* The VMM fetches and clears the log during traffic: no page that changes after that is missed.
 * Finally it has the same memory as the guest.
 */
static void fetched_under_traffic(const void *arg)
{
	struct log_session t;
	struct guest *g = &t.s.g;
	__u8 *copy, out[40000], in[40000];
	struct sending sending;
	__u64 first, len, at;
	int i;

	start(&t, arg, 0);
	session_connect(&t.s, SOCK_STREAM);
	session_exchange(&t.s, 1000);
	first = rx_first(g) & -PAGE;
	len = (rx_end(g) - first + PAGE - 1) & -PAGE;
	copy = malloc(len);
	require(copy, "out of memory");
	set_logging(&t, true);
	clear_log(&t);
	mem_read(&g->mem, first, copy, len);
	for (i = 0; i < 50; i++) {
		pattern_fill(out, sizeof(out), i, 0);
		host_send_beside(&sending, t.s.fd, out, sizeof(out), 0, TIMEOUT);
		if (i % 2)
			usleep(100);
		for (at = 0; at < len; at += PAGE) {
			__u64 page = page_gpa(&t, first + at) / PAGE;
			__u64 bit = 1ULL << page % 64;

			if (__atomic_fetch_and(&t.log[page / 64], ~bit,
					       __ATOMIC_SEQ_CST) & bit)
				mem_read(&g->mem, first + at, copy + at, PAGE);
		}
		require_ok(conn_recv(&t.s.c, in, sizeof(in), TIMEOUT));
		require_ok(host_send_end(&sending));
		require(pattern_check(in, sizeof(in), i, 0) < 0, "data differ");
	}
	require_ok(dev_set_running(&g->dev, 0));
	for (at = 0; at < len; at += PAGE)
		require(is_logged(&t, first + at) ||
			!memcmp(copy + at, mem_ptr(&g->mem, first + at, PAGE),
				PAGE),
			"page %#llx changed, unlogged",
			(unsigned long long)(first + at));
	run(&t);
	session_exchange(&t.s, 1000);
	free(copy);
	end(&t);
}

/* Only the ring is logged without LOG_ALL, and only the packets without the ring's flag. */
static void one_alone(const void *arg)
{
	const bool *ring = arg;
	struct log_session t;
	struct guest *g = &t.s.g;
	unsigned int n;

	start_default(&t);
	set_logging(&t, true);
	if (*ring) {
		require_ok(dev_set_features(&g->dev, g->cfg.features));
	} else {
		require_ok(set_ring_addr(&t, RXQ, false));
		require_ok(set_ring_addr(&t, TXQ, false));
		t.rings_logged = false;
	}
	if (!*ring) {
		round_begin(&t);
		session_exchange(&t.s, 10000);
		round_end(&t, true);
	} else {
		__u64 at = rx_first(g);

		clear_log(&t);
		session_exchange(&t.s, 10000);
		for (; at < rx_end(g); at += PAGE)
			require(!is_logged(&t, at), "a packet was logged");
		n = clear_log(&t);
		require(n, "the rings were not logged");
	}
	end(&t);
}

/* Rings without a guest-physical address: the log uses the address that the VMM gives. */
static void ring_elsewhere(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u64 gpa = 0x2000000, at;
	struct log_session t = { 0 };
	struct guest *g = &t.s.g;
	unsigned int q;

	(void)arg;
	t.log = mmap(NULL, LOG_LEN, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(t.log != MAP_FAILED, "mmap");
	cfg.rings_apart = true;
	session_guest_connects(&t.s, &cfg, SOCK_STREAM);
	require_ok(dev_set_log_base(&g->dev, (uintptr_t)t.log));
	for (q = 0; q < NUM_QUEUES; q++) {
		const struct ring *r = &g->q[q].ring;
		struct vhost_vring_addr a = {
			.index = q,
			.flags = 1U << VHOST_VRING_F_LOG,
			.desc_user_addr = (uintptr_t)r->desc_area,
			.avail_user_addr = (uintptr_t)r->driver_area,
			.used_user_addr = (uintptr_t)r->device_area,
			.log_guest_addr = gpa + q * PAGE,
		};

		require_ok(dev_ioctl(&g->dev, VHOST_SET_VRING_ADDR, &a));
	}
	session_exchange(&t.s, 1000);
	require_ok(dev_set_running(&g->dev, 0));
	for (at = gpa; at < gpa + NUM_QUEUES * PAGE; at += PAGE)
		require(is_logged(&t, at), "the ring was not logged");
	require(clear_log(&t) == NUM_QUEUES, "something else was logged");
	session_close(&t.s);
}

/* The same memory at two guest-physical addresses: both are dirty. */
static void seen_twice(const void *arg)
{
	struct log_session t;
	struct guest *g = &t.s.g;
	__u64 again = 0x4000000, at;
	struct mem both;

	(void)arg;
	start_default(&t);
	both = g->mem;
	both.region[both.nregions] = both.region[1];
	both.region[both.nregions++].gpa = again;
	require_ok(dev_set_mem_table(&g->dev, &both));
	set_logging(&t, true);
	round_begin(&t);
	session_to_guest(&t.s, 20000);
	require_ok(dev_set_running(&g->dev, 0));
	for (at = 0; at < g->mem.region[1].size; at += PAGE) {
		bool written = was_written(g, g->mem.region[1].gpa + at);

		require(is_logged(&t, g->mem.region[1].gpa + at) == written &&
			is_logged(&t, again + at) == written,
			"page %#llx", (unsigned long long)at);
	}
	run(&t);
	session_exchange(&t.s, 1000);
	end(&t);
}

struct lost_case {
	const char *name;
	bool ring;	/* also logs the ring */
	bool read_only;
};

static const struct lost_case lost_cases[] = {
	{ "log unmapped", true, false },
	{ "log unmapped, packets alone", false, false },
	{ "log made read-only", true, true },
	{ "log made read-only, packets alone", false, true },
};

/* The log is not mapped: the ring stops. The guest is not at fault, and its chain is still there
 * when the log is mapped.
 */
static void log_lost(const void *arg)
{
	const struct lost_case *c = arg;
	struct counters before;
	struct log_session t;
	struct guest *g = &t.s.g;
	struct sending x;
	char ch = 0;

	start_default(&t);
	set_logging(&t, true);
	if (!c->ring) {
		require_ok(set_ring_addr(&t, RXQ, false));
		require_ok(set_ring_addr(&t, TXQ, false));
	}
	session_exchange(&t.s, 1000);
	/* The device may still take the guest's last packets: that ring would break, too. */
	usleep(QUIET * 1000);
	before = counters_read(g);
	if (c->read_only)
		require(!mprotect(t.log, LOG_LEN, PROT_READ), "mprotect");
	else
		require(!munmap(t.log, LOG_LEN), "munmap");
	host_send_begin(&x, t.s.fd, "x", 1, 0, TIMEOUT);
	require(guest_ring_error(g, RXQ, TIMEOUT), "no error eventfd");
	counters_expect(g, &before, BROKEN_RINGS, 1);
	require(!guest_poll(g, 0), "a chain was used");
	neighbour_exchange(1000);

	if (c->read_only)
		require(!mprotect(t.log, LOG_LEN, PROT_READ | PROT_WRITE),
			"mprotect");
	else
		require(mmap(t.log, LOG_LEN, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
			t.log, "mmap");
	require_ok(dev_set_running(&g->dev, 1));
	require_ok(conn_recv(&t.s.c, &ch, 1, TIMEOUT));
	require(ch == 'x', "the packet was lost");
	require_ok(host_send_end(&x));
	session_exchange(&t.s, 10000);
	counters_expect(g, &before, BROKEN_RINGS, 1);
	end(&t);
}

static int set_log_fd(const struct log_session *t, int fd)
{
	return dev_ioctl(&t->s.g.dev, VHOST_SET_LOG_FD, &fd);
}

static void log_fd(const void *arg)
{
	struct log_session t;
	int a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, EFD_NONBLOCK);
	const bool *ring = arg;
	eventfd_t n;

	start_default(&t);
	require_ok(set_log_fd(&t, a));
	session_exchange(&t.s, 1000);
	require(eventfd_read(a, &n), "signalled while nothing is logged");
	set_logging(&t, true);
	if (*ring)
		require_ok(dev_set_features(&t.s.g.dev, t.s.g.cfg.features));
	session_exchange(&t.s, 1000);
	require(host_poll(a, POLLIN, TIMEOUT), "not signalled");
	/* After this the previous eventfd is not used any more. */
	require_ok(set_log_fd(&t, b));
	eventfd_read(a, &n);
	session_exchange(&t.s, 1000);
	require(eventfd_read(a, &n), "the previous one was signalled");
	require(host_poll(b, POLLIN, TIMEOUT), "not signalled");
	require(set_log_fd(&t, 99) == -EBADF, "no file");
	require(set_log_fd(&t, t.s.fd) == -EINVAL, "no eventfd");
	eventfd_read(b, &n);
	session_exchange(&t.s, 1000);
	require(host_poll(b, POLLIN, TIMEOUT), "a failure changed it");
	require_ok(set_log_fd(&t, VHOST_FILE_UNBIND));
	eventfd_read(b, &n);
	session_exchange(&t.s, 1000);
	require(eventfd_read(b, &n), "signalled after it was taken away");
	close(a);
	close(b);
	end(&t);
}

/* Logging without a base, and with an invalid one. */
static void no_base(const void *arg)
{
	static const __u64 bad[] = {
		~0ULL, ~0ULL - 4096, 1ULL << 63, 0xffff800000000000,
	};
	struct counters before;
	struct log_session t;
	struct guest *g = &t.s.g;
	struct sending x;
	unsigned int i;
	char ch = 0;
	int err;

	(void)arg;
	start_default(&t);
	before = counters_read(g);
	for (i = 0; i < (ANY_ADDRESS_OK ? 1 : ARRAY_SIZE(bad)); i++) {
		/* Nothing is logged, so any valid address is accepted. */
		err = dev_set_log_base(&g->dev, bad[i]);
		require(!err || err == -EFAULT, "%s", strerror(-err));
		if (err)
			continue;
		err = dev_set_features(&g->dev, g->cfg.features | F_LOG_ALL);
		require(err == -EFAULT, "features: %s", strerror(-err));
		err = set_ring_addr(&t, RXQ, true);
		require(err == -EINVAL, "ring: %s", strerror(-err));
		session_exchange(&t.s, 1000);
	}
	/* Without a base the log is at 0, where nothing is mapped. */
	require_ok(dev_set_log_base(&g->dev, 0));
	require_ok(dev_set_features(&g->dev, g->cfg.features | F_LOG_ALL));
	host_send_begin(&x, t.s.fd, "x", 1, 0, TIMEOUT);
	require(guest_ring_error(g, RXQ, TIMEOUT), "no error eventfd");
	counters_expect(g, &before, BROKEN_RINGS, 1);
	require_ok(dev_set_log_base(&g->dev, (uintptr_t)t.log));
	require(dev_set_log_base(&g->dev, bad[0]) == -EFAULT,
		"an invalid base was accepted");
	run(&t);
	require_ok(conn_recv(&t.s.c, &ch, 1, TIMEOUT));
	require(ch == 'x', "the packet was lost");
	require_ok(host_send_end(&x));
	session_to_guest(&t.s, 1000);
	end(&t);
}

void add_log_tests(void)
{
	static const bool ring = true, packets;
	static const char g[] = "log";
	unsigned int i;

	/* vhost_vsock logs the rings, but not the packets' writes. */
	for (i = 0; i < ARRAY_SIZE(log_cases); i++)
		session_test(g, log_cases[i].name, traffic, &log_cases[i],
			     TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "used entry on two pages", entry_on_two_pages,
		     &log_cases[2], TAP_MVSOCK, RINGS_SPLIT);
	session_test(g, "used entry on two pages, behind an IOMMU",
		     entry_on_two_pages, &log_cases[5], TAP_MVSOCK,
		     RINGS_SPLIT);
	session_test(g, "turned on and off", toggled, &log_cases[0],
		     TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "turned on and off, behind an IOMMU", toggled,
		     &log_cases[4], TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "fetched under traffic", fetched_under_traffic,
		     &log_cases[0], TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "fetched under traffic, behind an IOMMU",
		     fetched_under_traffic, &log_cases[4], TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "another guest", another_guest, &log_cases[0],
		     TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "another guest, behind an IOMMU", another_guest,
		     &log_cases[4], TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "rings alone", one_alone, &ring, 0, RINGS_BOTH);
	session_test(g, "packets alone", one_alone, &packets, TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "rings outside of the guest's memory", ring_elsewhere,
		     NULL, 0, RINGS_SPLIT);
	session_test(g, "memory that is seen twice", seen_twice, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
	for (i = 0; i < ARRAY_SIZE(lost_cases); i++)
		session_test(g, lost_cases[i].name, log_lost, &lost_cases[i],
			     TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "eventfd", log_fd, &packets, 0, RINGS_BOTH);
	session_test(g, "eventfd, rings alone", log_fd, &ring, 0, RINGS_BOTH);
	session_test(g, "case 76: no log, and none where it would be", no_base,
		     NULL, TAP_MVSOCK, RINGS_BOTH);
}
