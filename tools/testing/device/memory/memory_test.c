// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that changes under the device: pages are replaced, unmapped, shared by a fork; a new
 * memory table.
 */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "calls.h"
#include "device_test.h"
#include "session.h"

/* As after a balloon: the device must not keep the previous pages. */
static void region_replaced(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const unsigned int *region = arg;
	struct mem_region *r;
	struct session s;
	int i;

	session_guest_connects(&s, &cfg, SOCK_STREAM);
	r = &s.g.mem.region[*region];
	for (i = 0; i < 5; i++) {
		session_exchange(&s, 20000 + i);
		/* Pages are not replaced atomically: what the device writes meanwhile is lost. */
		usleep(QUIET * 1000);
		require_ok(mem_replace(&s.g.mem, r->gpa, r->size));
	}
	session_exchange(&s, 65536);
	session_close(&s);
}

/* Private pages are copied when the parent of a fork writes to them. */
static void fork_in_between(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	pid_t pid[5];
	int i;

	(void)arg;
	cfg.rings_apart = true;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < 5; i++) {
		session_exchange(&s, 20000);
		pid[i] = fork();
		require(pid[i] >= 0, "fork");
		if (!pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
	}
	session_exchange(&s, 65536);
	for (i = 0; i < 5; i++)
		kill(pid[i], SIGKILL);
	session_close(&s);
}

/* A chain whose memory was unmapped is returned, and the ring continues. */
static void tx_buffer_unmapped(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct counters before;
	struct session s;
	struct seg seg;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	before = counters_read(&s.g);
	/* Use it once, so that the device may cache its pages. */
	s.g.tx_gpa = GUEST_EDGE;
	session_to_host(&s, 1000);
	munmap(s.g.mem.region[3].va, s.g.mem.region[3].size);
	seg = (struct seg){ GUEST_EDGE, HDR_LEN + 1000, false };
	require_ok(guest_send_segs(&s.g, &seg, 1, TIMEOUT));
	counters_expect(&s.g, &before, REJ_BAD_ADDRESS, 1);
	s.g.tx_gpa = mem_alloc(&s.g.mem, 1, 0x20000, 4096);
	session_exchange(&s, 1000);
	/* The map of this process has changed: do not touch the remaining mappings. */
	dev_close(&s.g.dev);
}

static void rx_buffer_unmapped(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct counters before;
	struct sending x;
	struct session s;
	struct seg seg;
	void *token;
	__u32 len;
	__u8 c;

	(void)arg;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&s.g, &cfg));
	/* With a unique size, so that the buffer is not reused. */
	require_ok(guest_post_rx_at(&s.g, GUEST_EDGE, 2048, &layout_one));
	session_connect(&s, SOCK_STREAM);
	before = counters_read(&s.g);
	munmap(s.g.mem.region[3].va, s.g.mem.region[3].size);
	seg = (struct seg){ GUEST_EDGE, 4096, true };
	require_ok(ring_add(&s.g.q[RXQ].ring, &seg, 1, NULL));
	guest_kick(&s.g, RXQ);
	host_send_begin(&x, s.fd, "x", 1, 0, TIMEOUT);
	require(host_poll(s.g.q[RXQ].call, POLLIN, TIMEOUT), "no interrupt");
	usleep(1000);
	require(ring_get_used(&s.g.q[RXQ].ring, &len, &token) >= 0 && !len,
		"the chain was not used with length 0");
	counters_expect(&s.g, &before, REJ_BAD_ADDRESS, 1);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	require_ok(conn_recv(&s.c, &c, 1, TIMEOUT));
	require(c == 'x', "the packet was lost");
	require_ok(host_send_end(&x));
	dev_close(&s.g.dev);
}

/* Memory hot-plug: a new table while running. */
static void new_table(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	int i;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < 10; i++) {
		__u64 gpa = 0x10000000ULL + i * 0x1000000ULL;

		session_exchange(&s, 30000);
		require_ok(mem_add(&s.g.mem, gpa, 0x100000));
		require_ok(dev_set_mem_table(&s.g.dev, &s.g.mem));
		s.g.tx_gpa = gpa;
	}
	session_exchange(&s, 65536);
	session_close(&s);
}

/* A region removed from the table is a hole from then on. */
static void smaller_table(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct counters before;
	struct session s;
	struct mem cut;
	struct seg seg;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	before = counters_read(&s.g);
	seg = (struct seg){ GUEST_EDGE, HDR_LEN + 100, false };
	s.g.tx_gpa = GUEST_EDGE;
	session_to_host(&s, 100);
	cut = s.g.mem;
	cut.nregions = 3;
	require_ok(dev_set_mem_table(&s.g.dev, &cut));
	require_ok(guest_send_segs(&s.g, &seg, 1, TIMEOUT));
	counters_expect(&s.g, &before, REJ_BAD_ADDRESS, 1);
	require_ok(dev_set_mem_table(&s.g.dev, &s.g.mem));
	session_exchange(&s, 65536);
	session_close(&s);
}

/* The table has other pages for the same guest-physical addresses. */
static void moved_table(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct mem_region old;
	struct session s;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 1000);
	old = s.g.mem.region[1];
	s.g.mem.region[1].va = mmap(NULL, old.size, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(s.g.mem.region[1].va != MAP_FAILED, "mmap");
	require_ok(dev_set_mem_table(&s.g.dev, &s.g.mem));
	munmap(old.va, old.size);
	session_exchange(&s, 65536);
	guest_check(&s.g);
	dev_close(&s.g.dev);
}

/* Where regions overlap, the one with the lower start is used; after its end, the other one. */
static void overlapping(const void *arg)
{
	const __u64 low = 0x00f80000, size = 0x100000, end = low + size;
	struct guest_config cfg = test_config(0);
	__u8 out[2 * 256 - HDR_LEN], in[sizeof(out)];
	struct mem m, seen = { .nregions = 2 };
	struct virtio_vsock_hdr h;
	struct counters before;
	struct session s;
	struct seg seg = { end - 256, 512, false };
	struct pkt p;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	before = counters_read(&s.g);
	m = s.g.mem;
	require_ok(mem_add(&m, low, size));
	require_ok(mem_add(&m, GUEST_BUFFERS + size, size));
	require_ok(dev_set_mem_table(&s.g.dev, &m));
	/* The last bytes of the new region, and those that follow in region 2. */
	seen.region[0] = m.region[4];
	seen.region[1] = m.region[2];
	require_ok(mem_fill(&s.g.mem, seg.addr, 0xee, seg.len));
	p = conn_pkt(&s.c, VIRTIO_VSOCK_OP_RW);
	p.len = sizeof(out);
	h = pkt_encode(&p);
	pattern_fill(out, sizeof(out), 3, 0);
	mem_write(&seen, seg.addr, &h, HDR_LEN);
	mem_write(&seen, seg.addr + HDR_LEN, out, sizeof(out));
	require_ok(guest_send_segs(&s.g, &seg, 1, TIMEOUT));
	require_ok(host_recv(s.fd, in, sizeof(in), TIMEOUT));
	require(!memcmp(in, out, sizeof(in)), "data differ");
	s.c.tx_cnt += sizeof(out);
	/* Region 1 starts before the region that overlaps it. */
	s.g.tx_gpa = GUEST_BUFFERS + size;
	session_exchange(&s, 20000);
	counters_expect(&s.g, &before, NO_COUNTER, 0);
	session_close(&s);
}

#ifdef __aarch64__
#define TAG (0x2aULL << 56)

static void *tagged(const void *p)
{
	return (void *)((uintptr_t)p | TAG);
}

/* The VMM gives addresses with tags (arm64); what it drops is invalidated without them. */
static void tagged_addresses(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct mem_region *r;
	struct session s;
	unsigned int i;

	(void)arg;
	require(!prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE, 0, 0, 0), "prctl: %m");
	require_ok(guest_alloc(&s.g, &cfg));
	for (i = 0; i < s.g.mem.nregions; i++)
		s.g.mem.region[i].va = tagged(s.g.mem.region[i].va);
	for (i = 0; i < NUM_QUEUES; i++) {
		struct ring *ring = &s.g.q[i].ring;

		ring->desc_area = tagged(ring->desc_area);
		ring->driver_area = tagged(ring->driver_area);
		ring->device_area = tagged(ring->device_area);
	}
	require_ok(guest_setup(&s.g));
	require_ok(state_next(&s.g, READY));
	session_connect(&s, SOCK_STREAM);
	for (i = 0; i < 3; i++) {
		session_exchange(&s, 20000 + i);
		r = &s.g.mem.region[MEM_BUFFERS];
		require(!madvise(r->va, r->size, MADV_DONTNEED), "madvise: %m");
	}
	session_close(&s);
}
#endif

void add_memory_tests(void)
{
	static const unsigned int of_rings, of_buffers = 1;
	static const char g[] = "memory";

#ifdef __aarch64__
	session_test(g, "addresses with tags", tagged_addresses, NULL, 0,
		     RINGS_BOTH);
#endif
	session_test(g, "buffers' pages replaced", region_replaced, &of_buffers,
		     0, RINGS_BOTH);
	session_test(g, "rings' pages replaced", region_replaced, &of_rings, 0,
		     RINGS_BOTH);
	session_test(g, "forks while running", fork_in_between, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "case 78: transmit buffer unmapped", tx_buffer_unmapped,
		     NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "case 78: receive buffer unmapped", rx_buffer_unmapped,
		     NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "regions added while running", new_table, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "region removed while running", smaller_table, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "region moved while running", moved_table, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "case 77: overlapping regions", overlapping, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
}
