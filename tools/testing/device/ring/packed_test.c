// SPDX-License-Identifier: GPL-2.0
/* Packed rings: their addresses and start positions, as set by ioctls. */
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define NUM 10

static __u32 places(__u16 avail, __u16 used)
{
	return avail | (__u32)used << 16;
}

/* Set up, not running. */
static void set_up(struct session *s)
{
	struct guest_config cfg = test_config(0);

	cfg.num[RXQ] = NUM;
	cfg.num[TXQ] = NUM;
	cfg.rx_bufs = 4;
	require_ok(guest_alloc(&s->g, &cfg));
	require_ok(guest_setup(&s->g));
}

/* After the invalid setting is corrected, the device starts and works. */
static void start_right(struct session *s)
{
	unsigned int i;

	for (i = 0; i < NUM_QUEUES; i++)
		require_ok(guest_set_ring(&s->g, i));
	require_ok(dev_set_running(&s->g.dev, 1));
	for (i = 0; i < s->g.cfg.rx_bufs; i++)
		require_ok(guest_post_rx(&s->g, 4096, &layout_one));
	session_connect(s, SOCK_STREAM);
	session_exchange(s, 10000);
	session_close(s);
}

static void require_refused(const struct session *s)
{
	int err = dev_set_running(&s->g.dev, 1);

	require(err == -EINVAL, "%s", strerror(-err));
	require(counter_get(&s->g, "running") == 0, "it runs");
}

static void bad_base(const void *arg)
{
	static const __u32 bad[] = {
		NUM | NUM << 16, 0x8000 | NUM << 16, NUM | 0x8000U << 16,
		0x7fff, 0xffff, 0xffffffff, 0x7fff0000, (NUM | 0x8000U) << 16,
	};
	struct session s;
	unsigned int i, q;

	(void)arg;
	set_up(&s);
	for (q = 0; q < NUM_QUEUES; q++) {
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			require_ok(dev_set_ring_base(&s.g.dev, q, bad[i]));
			require_refused(&s);
		}
		require_ok(guest_set_ring(&s.g, q));
	}
	start_right(&s);
}

static void bad_num(const void *arg)
{
	static const __u32 bad[] = { 32769, 65535 };
	struct session s;
	unsigned int i;

	(void)arg;
	set_up(&s);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		require_ok(dev_set_ring_num(&s.g.dev, TXQ, bad[i]));
		require_refused(&s);
	}
	start_right(&s);
}

static void misaligned(const void *arg)
{
	struct session s;
	const struct ring *r = &s.g.q[TXQ].ring;
	unsigned int off;

	(void)arg;
	set_up(&s);
	for (off = 1; off < 16; off += off < 4 ? 1 : 4) {
		int err = dev_set_ring_addr(&s.g.dev, TXQ, r->desc_area + off,
					    r->driver_area, r->device_area);

		require(!err || err == -EINVAL, "%s", strerror(-err));
		if (!err)
			require_refused(&s);
	}
	start_right(&s);
}

static void misaligned_live(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	const struct ring *r = &s.g.q[TXQ].ring;
	int err;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	err = dev_set_ring_addr(&s.g.dev, TXQ, r->desc_area + 8,
				r->driver_area, r->device_area);
	require(err == -EINVAL, "%s", strerror(-err));
	session_exchange(&s, 10000);
	session_close(&s);
}

/* A size valid for one layout, started with the other one. */
static void other_layout(const void *arg)
{
	struct session s;

	(void)arg;
	set_up(&s);
	require_ok(dev_set_features(&s.g.dev, F_VERSION_1));
	require_refused(&s);
	require_ok(dev_set_features(&s.g.dev, s.g.cfg.features));
	start_right(&s);
}

/* Both positions, any of them, with either wrap counter, are accepted. */
static void any_base(const void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < 2 * NUM; i++) {
		struct guest_config cfg = test_config(i);
		__u16 rx = i % NUM | (i < NUM ? PLACE_WRAP : 0);
		__u16 tx = (i + 3) % NUM | (i & 1 ? PLACE_WRAP : 0);
		struct session s;

		/* 0 stands for the default. */
		cfg.base[RXQ] = places(rx, rx) ?: places(1, 1);
		cfg.base[TXQ] = places(tx, tx) ?: places(1, 1);
		cfg.num[RXQ] = NUM;
		cfg.num[TXQ] = NUM;
		cfg.rx_bufs = NUM;
		cfg.features |= i & 2 ? F_EVENT_IDX : 0;
		session_guest_connects(&s, &cfg, SOCK_STREAM);
		session_exchange(&s, 20000);
		session_close(&s);
	}
}

static void add(const char *name, void (*run)(const void *arg))
{
	session_test("ioctl", name, run, NULL, 0, RINGS_PACKED);
}

void add_packed_tests(void)
{
	add("case 71: places outside of the ring", bad_base);
	add("case 69: size over 32768", bad_num);
	add("case 69, 75: size of the other layout", other_layout);
	add("case 70: descriptors misaligned", misaligned);
	add("case 70: descriptors misaligned, running", misaligned_live);
	add("each place and wrap counter", any_base);
}
