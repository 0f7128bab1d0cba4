// SPDX-License-Identifier: GPL-2.0
/* All layouts of a packet's bytes over descriptors and memory regions. */
#include <poll.h>
#include <stdio.h>

#include "device_test.h"
#include "session.h"

#define CANARY 0xa5

static const struct layout layouts[] = {
	{ "header and payload in one descriptor", 1, { 0 } },
	{ "header, payload", 2, { 44, 0 } },
	{ "case 40: header over three descriptors", 4, { 10, 20, 14, 0 }, .gap =
	  5 },
	{ "case 40: one byte per descriptor", 1, { 1 } },
	{ "case 40: one byte per descriptor, apart", 1, { 1 }, .gap = 63 },
	{ "payload by pages", 2, { 44, 4096 } },
	{ "payload by pages, apart", 2, { 44, 4096 }, .gap = 4096 },
	{ "odd pieces", 5, { 3, 48, 1, 1000, 0 }, .gap = 13 },
	{ "header with the first bytes", 2, { 50, 0 }, .gap = 1 },
	{ "first descriptor empty", 2, { 44, 0 }, .zero_first = true },
};

struct layout_case {
	const struct layout *layout;
	bool indirect;
};

static struct layout_case layout_cases[2 * ARRAY_SIZE(layouts)];

static const __u32 lengths[] = { 1, 20, 80, 4096, 65536 };

#define LAYOUT_RING 128

/* Check that a packet of @len bytes fits the ring. */
static bool fits(const struct layout *l, __u32 len)
{
	struct seg segs[LAYOUT_RING];

	return layout_cut(l, 0, HDR_LEN + len, false, segs, LAYOUT_RING) > 0;
}

static struct guest_config layout_config(const struct layout_case *t)
{
	struct guest_config cfg = test_config(0);

	cfg.num[RXQ] = LAYOUT_RING;
	cfg.num[TXQ] = LAYOUT_RING;
	cfg.indirect = t->indirect;
	cfg.features |= t->indirect ? F_INDIRECT : 0;
	return cfg;
}

static void tx_layout(const void *arg)
{
	const struct layout_case *t = arg;
	struct guest_config cfg = layout_config(t);
	struct session s;
	unsigned int i;

	cfg.tx_layout = t->layout;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	/* Also with the header ending at the end of a page. */
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		if (fits(t->layout, lengths[i]))
			session_to_host(&s, lengths[i]);
	s.g.tx_gpa += 4096 - HDR_LEN;
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		if (fits(t->layout, lengths[i]))
			session_to_host(&s, lengths[i]);
	session_close(&s);
}

/* One packet of @len bytes into one buffer with room for it at @gpa. */
static void rx_one(struct session *s, const struct layout *l, __u64 gpa,
		   __u32 len, __u32 room)
{
	struct seg segs[GUEST_MAX_SEGS];
	__u32 span = 2 * 65536 + 32768;
	struct packet *p;
	__u8 *out;
	int n;

	n = layout_cut(l, gpa, HDR_LEN + room, true, segs, GUEST_MAX_SEGS);
	require_ok(mem_fill(&s->g.mem, gpa - 4096, CANARY, span));
	require_ok(guest_post_rx_at(&s->g, gpa, HDR_LEN + room, l));
	out = malloc(len);
	pattern_fill(out, len, len, 0);
	require_ok(host_send(s->fd, out, len, 0, TIMEOUT));
	free(out);
	p = conn_recv_packet(&s->c, TIMEOUT);
	require(p, "no packet");
	require(p->hdr.len == len, "%u bytes of %u", p->hdr.len, len);
	require(pattern_check(p->data, len, len, 0) < 0, "data differ");
	require(p->used_len == HDR_LEN + len, "used length %u", p->used_len);
	check_untouched(&s->g, gpa - 4096, span, CANARY, segs, n, p->used_len);
	free(p);
	require_ok(conn_credit_update(&s->c));
}

/* Wait until the receive ring is empty and nothing is in flight. */
static void session_one_rx(struct session *s, struct guest_config *cfg,
			   int socktype)
{
	cfg->rx_bufs = 0;
	require_ok(guest_start(&s->g, cfg));
	require_ok(guest_post_rx(&s->g, 64, &layout_one));
	session_connect(s, socktype);
}

static void rx_layout(const void *arg)
{
	const struct layout_case *t = arg;
	struct guest_config cfg = layout_config(t);
	struct session s;
	unsigned int i;

	session_one_rx(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		__u64 gpa = s.g.tx_gpa + 0x80000;

		if (!fits(t->layout, lengths[i]))
			continue;
		rx_one(&s, t->layout, gpa, lengths[i], lengths[i]);
		if (fits(t->layout, lengths[i] + 33))
			rx_one(&s, t->layout, gpa + 4000, lengths[i],
			       lengths[i] + 33);
	}
	session_close(&s);
}

/* The position in the packet at which two regions meet that are not adjacent here. */
static const __u32 edges[] = { 1, 20, 43, 44, 45, 1044, 4096, 30000 };

static void tx_over_edge(const void *arg)
{
	const struct layout *l = arg;
	struct guest_config cfg = test_config(0);
	struct session s;
	unsigned int i;

	cfg.tx_layout = l;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		s.g.tx_gpa = GUEST_EDGE - edges[i];
		session_to_host(&s, 65536);
		session_to_host(&s, 100);
	}
	/* The packet's last byte is the region's last byte. */
	s.g.tx_gpa = GUEST_END - HDR_LEN - 1000;
	session_to_host(&s, 1000);
	session_close(&s);
}

static void rx_over_edge(const void *arg)
{
	const struct layout *l = arg;
	struct guest_config cfg = test_config(0);
	struct session s;
	unsigned int i;

	session_one_rx(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < ARRAY_SIZE(edges); i++)
		rx_one(&s, l, GUEST_EDGE - edges[i], 65536, 65536);
	session_close(&s);
}

/* Receive buffers smaller than what is sent: the packet is split. */
static void rx_small(const void *arg)
{
	const __u32 *size = arg;
	struct guest_config cfg = test_config(0);
	struct session s;

	cfg.rx_size = *size;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 100);
	session_exchange(&s, *size - HDR_LEN);
	session_exchange(&s, *size - HDR_LEN + 1);
	session_exchange(&s, *size < 100 ? 2000 : 65536);
	session_close(&s);
}

/* Buffers of all sizes alternately. */
static void rx_mixed(const void *arg)
{
	static const __u32 sizes[] = { 45, 4096, 60, 1000, 46, 65580, 300 };
	struct guest_config cfg = test_config(0);
	struct session s;
	unsigned int i;

	(void)arg;
	session_one_rx(&s, &cfg, SOCK_STREAM);
	for (i = 0; i < 4 * ARRAY_SIZE(sizes); i++)
		require_ok(guest_post_rx(&s.g, sizes[i % ARRAY_SIZE(sizes)],
					 &layouts[i % 3]));
	s.g.rx_repost = true;
	session_to_guest(&s, 65536);
	session_to_guest(&s, 100);
	session_to_guest(&s, 65536);
	session_close(&s);
}

/* A control packet needs no room after its header. */
static void rx_bare_header(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&s.g, &cfg));
	require_ok(guest_post_rx(&s.g, HDR_LEN, &layout_one));
	session_connect(&s, SOCK_STREAM);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	session_to_guest(&s, 100);
	session_close(&s);
}

/* Only the last piece marks the end of the message. */
static void rx_seqpacket_split(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u32 done = 0, end = VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR;
	struct packet *p;
	struct session s;
	__u8 buf[1000];

	(void)arg;
	cfg.rx_size = HDR_LEN + 300;
	session_guest_connects(&s, &cfg, SOCK_SEQPACKET);
	pattern_fill(buf, sizeof(buf), 9, 0);
	require_ok(host_send(s.fd, buf, sizeof(buf), MSG_EOR, TIMEOUT));
	while (done < sizeof(buf)) {
		p = conn_recv_packet(&s.c, TIMEOUT);
		require(p, "no packet after %u bytes", done);
		require(pattern_check(p->data, p->hdr.len, 9, done) < 0,
			"data differ");
		done += p->hdr.len;
		require(p->hdr.flags == (done < sizeof(buf) ? 0 : end),
			"flags %u at %u", p->hdr.flags, done);
		free(p);
	}
	session_close(&s);
}

static void add_split_tests(void)
{
	static const __u32 sizes[] = { 45, 64, 100, 1024, 4096, 65580 };
	static const char g[] = "rx";
	unsigned int i;
	char *name;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (asprintf(&name, "buffers of %u bytes", sizes[i]) < 0)
			abort();
		session_test(g, name, rx_small, &sizes[i], 0, RINGS_BOTH);
		free(name);
	}
	session_test(g, "buffers of mixed sizes and layouts", rx_mixed, NULL, 0,
		     RINGS_BOTH);
	session_test(g, "case 64: header without room, control packet",
		     rx_bare_header, NULL, 0, RINGS_BOTH);
	session_test(g, "seqpacket split, end in the last piece",
		     rx_seqpacket_split, NULL, 0, RINGS_BOTH);
}

void add_layout_tests(void)
{
	unsigned int i;
	char *name;

	for (i = 0; i < ARRAY_SIZE(layout_cases); i++) {
		struct layout_case *t = &layout_cases[i];

		t->layout = &layouts[i / 2];
		t->indirect = i & 1;
		if (asprintf(&name, "%s%s", t->layout->name,
			     t->indirect ? ", indirect" : "") < 0)
			abort();
		session_test("tx", name, tx_layout, t, 0, RINGS_BOTH);
		session_test("rx", name, rx_layout, t, 0, RINGS_BOTH);
		free(name);
	}
	session_test("tx", "case 19: over the edge of two regions",
		     tx_over_edge, &layouts[0], 0, RINGS_BOTH);
	session_test("tx",
		     "case 19: over the edge of two regions, header apart",
		     tx_over_edge, &layouts[1], 0, RINGS_BOTH);
	session_test("rx", "case 19: over the edge of two regions",
		     rx_over_edge, &layouts[0], 0, RINGS_BOTH);
	session_test("rx",
		     "case 19: over the edge of two regions, header apart",
		     rx_over_edge, &layouts[1], 0, RINGS_BOTH);
	add_split_tests();
}
