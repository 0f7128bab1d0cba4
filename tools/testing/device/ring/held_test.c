// SPDX-License-Identifier: GPL-2.0
/*
 * A used chain that can't be given back for lack of memory is held until there is some. If the VMM
 * stops the device before, the driver still gets the chain, or the VMM is notified that the ring
 * broke.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "device_test.h"
#include "failing.h"
#include "session.h"

#define MAP	"fail_mvsock_map"
#define MOST	16	/* mappings, more than a packet needs */

/* Fail all mappings but the first @good ones. */
static void fail_all_but(unsigned int good)
{
	char space[16];

	snprintf(space, sizeof(space), "%u", good * 4096 + 1);
	failing_set(MAP, "errno", "12");
	failing_set(MAP, "task-filter", "Y");
	failing_set(MAP, "verbose", "0");
	failing_set(MAP, "times", "-1");
	failing_set(MAP, "space", space);
	failing_set(MAP, "probability", "100");
	failing_thread(gettid(), true);
}

static void fail_none(void)
{
	failing_thread(gettid(), false);
	failing_set(MAP, "probability", "0");
	failing_set(MAP, "space", "0");
}

static void check_stopped(struct guest *g, __u64 broken, unsigned int good)
{
	bool broke = counter_get(g, "broken_rings") != broken;
	unsigned int q;
	__u32 base;

	for (q = 0; q < NUM_QUEUES; q++) {
		require_ok(dev_get_ring_base(&g->dev, q, &base));
		guest_poll(g, 0);
		require(broke || base == ring_device_base(&g->q[q].ring),
			"fault %u, ring %u: base 0x%x, used 0x%x", good, q, base,
			ring_device_base(&g->q[q].ring));
	}
	require(broke == (guest_ring_error(g, RXQ, 0) ||
			  guest_ring_error(g, TXQ, 0)),
		"fault %u: the error eventfd", good);
}

static void stopped(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	unsigned int good, i;
	__u64 broken;

	(void)arg;
	for (good = 0; good < MOST; good++) {
		session_guest_connects(&s, &cfg, SOCK_STREAM);
		broken = counter_get(&s.g, "broken_rings");
		/* Shared, so that no mapping is lost. */
		for (i = 0; i < s.g.mem.nregions; i++)
			require(!madvise(s.g.mem.region[i].va,
					 s.g.mem.region[i].size,
					 MADV_DONTNEED), "madvise");
		fail_all_but(good);
		send(s.fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		require_ok(dev_set_running(&s.g.dev, 0));
		fail_none();
		check_stopped(&s.g, broken, good);
		session_close(&s);
	}
}

void add_held_tests(void)
{
	session_test("held chain", "the device is stopped", stopped, NULL,
		     TAP_MVSOCK, RINGS_ALL);
}
