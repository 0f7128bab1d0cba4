// SPDX-License-Identifier: GPL-2.0
/* Connections between two guests, and the groups that allow them. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/mvsock.h>

#include "device_test.h"
#include "genl.h"
#include "group.h"
#include "iommu.h"
#include "session.h"

#define BLOCK MAX_PAYLOAD
#define PORT_A 1000
#define PORT_B 2000

/* What the module allows: MVS_FLOWS_MAX, MVS_AHEAD_MAX. */
#define FLOWS_MAX 1024
#define BACKLOG_MAX (512 * 1024)

static const int stream = SOCK_STREAM, seqpacket = SOCK_SEQPACKET;

static const struct layout layout_apart = {
	.name = "header apart",
	.n = 3,
	.piece = { HDR_LEN, 7, 0 },
	.gap = 16,
};

/* --- two guests --- */

struct pair {
	struct guest a, b;
	struct conn ca, cb;
};

/* The ends of a connection that the first guest opens; the @n-th of the pair. */
static void pair_ends(struct pair *p, struct conn *a, struct conn *b,
		      int socktype, unsigned int n)
{
	conn_init_ends(a, &p->a, PORT_A + n, b, &p->b, PORT_B,
		       type_of_packets(socktype));
}

static void connect_ends(struct conn *a, struct conn *b)
{
	require_ok(conn_connect_ends(a, b, TIMEOUT));
}

static void pair_start_both(struct pair *p, const struct guest_config *first,
			    const struct guest_config *second)
{
	require_ok(guest_start(&p->a, first));
	require_ok(guest_start(&p->b, second));
}

static void pair_start(struct pair *p, const struct guest_config *second)
{
	struct guest_config first = test_config(0);

	pair_start_both(p, &first, second);
}

static void pair_join(struct pair *p)
{
	require_ok(group_join(p->a.cfg.cid, "test"));
	require_ok(group_join(p->b.cfg.cid, "test"));
}

static void pair_leave(struct pair *p)
{
	require_ok(group_leave(p->a.cfg.cid, "test"));
	require_ok(group_leave(p->b.cfg.cid, "test"));
}

/* Two guests with a connection. */
static void pair_connect(struct pair *p, const struct guest_config *second,
			 int socktype)
{
	pair_start(p, second);
	pair_join(p);
	pair_ends(p, &p->ca, &p->cb, socktype, 0);
	connect_ends(&p->ca, &p->cb);
}

static void pair_close(struct pair *p)
{
	pair_leave(p);
	guest_check(&p->a);
	guest_check(&p->b);
	conn_free(&p->ca);
	conn_free(&p->cb);
	guest_stop(&p->a);
	guest_stop(&p->b);
}

static void send_pattern(struct conn *c, __u32 len, __u8 seed)
{
	static __u8 buf[BLOCK];

	pattern_fill(buf, len, seed, 0);
	require_ok(c->type == VIRTIO_VSOCK_TYPE_STREAM ?
		   conn_send(c, buf, len, TIMEOUT) :
		   conn_send_message(c, buf, len, TIMEOUT));
}

/* A message may come in several packets, of which only the last one ends it. */
static void expect_pattern(struct conn *c, __u32 len, __u8 seed)
{
	static __u8 buf[BLOCK];
	struct packet *p;
	__u32 done = 0;

	if (c->type == VIRTIO_VSOCK_TYPE_STREAM) {
		require_ok(conn_recv(c, buf, len, TIMEOUT));
	} else {
		do {
			p = conn_recv_packet(c, TIMEOUT);
			require(p, "no packet");
			require(done + p->hdr.len <= len, "too long");
			memcpy(buf + done, p->data, p->hdr.len);
			done += p->hdr.len;
			require(!!(p->hdr.flags & VIRTIO_VSOCK_SEQ_EOM) ==
				(done == len), "end after %u of %u", done, len);
			free(p);
		} while (done < len);
	}
	require(pattern_check(buf, len, seed, 0) < 0, "data differ");
}

static void transfer(struct conn *from, struct conn *to, __u32 len)
{
	send_pattern(from, len, len % 251);
	expect_pattern(to, len, len % 251);
}

static void transfer_sizes(struct pair *p)
{
	static const __u32 sizes[] = { 1, 100, 4052, 4053, 10000, BLOCK };
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			transfer(&p->ca, &p->cb, sizes[i]);
			transfer(&p->cb, &p->ca, sizes[i]);
		}
	}
}

/* --- behind an IOMMU --- */

/* The guests that are behind one; the second one also waits for a translation. */
static const unsigned int iommu_first = 1, iommu_second = 2, iommu_both = 3;

static void start_behind_iommu(struct guest *g, struct iommu *m, unsigned int n,
			       bool behind)
{
	struct guest_config cfg = test_config(n);

	cfg.iommu = behind;
	require_ok(behind ? iommu_start(m, g, &cfg, false) :
			    guest_start(g, &cfg));
}

/* A packet waits for the translation of the other guest's buffers; packets to the host do not. */
static void wait_for_translation(struct pair *p, struct iommu *m)
{
	__u64 from = p->b.tx_gpa + GUEST_TX_ROOM, len = 0x400000;
	struct conn c;
	__u32 port = 0;
	int listener = host_listen(SOCK_STREAM, &port), fd;

	iommu_hold(m, from, from + len);
	require(iommu_invalidate(m, from, len) > 0, "invalidate");
	send_pattern(&p->ca, BLOCK, 9);
	require(iommu_wait_held(m, TIMEOUT), "no IOTLB miss");
	conn_init(&c, &p->a, VIRTIO_VSOCK_TYPE_STREAM, PORT_A + 1, port);
	require_ok(conn_connect(&c, TIMEOUT));
	fd = host_accept(listener, TIMEOUT);
	require_ok(fd);
	close(fd);
	close(listener);
	conn_free(&c);
	iommu_release(m);
	expect_pattern(&p->cb, BLOCK, 9);
}

static void behind_iommu(const void *arg)
{
	unsigned int behind = *(const unsigned int *)arg;
	struct iommu m, n;
	struct pair p;

	start_behind_iommu(&p.a, &m, 0, behind & iommu_first);
	start_behind_iommu(&p.b, &n, 1, behind & iommu_second);
	pair_join(&p);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	connect_ends(&p.ca, &p.cb);
	transfer_sizes(&p);
	if (behind & iommu_second)
		wait_for_translation(&p, &n);
	transfer_sizes(&p);
	pair_close(&p);
	if (behind & iommu_first)
		iommu_free(&m);
	if (behind & iommu_second)
		iommu_free(&n);
}

/* --- what is allowed --- */

static void expect_refused(struct conn *c)
{
	require_ok(conn_send_op(c, VIRTIO_VSOCK_OP_REQUEST, 0));
	require_ok(conn_wait_reset(c, TIMEOUT));
	c->reset = false;
}

static void expect_nothing(struct guest *g)
{
	struct packet *p = guest_recv(g, QUIET);

	require(!p, "a packet with op %u", p ? p->hdr.op : 0);
}

static void not_without_a_group(const void *arg)
{
	struct guest_config second = test_config(1);
	struct pair p;

	(void)arg;
	pair_start(&p, &second);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	expect_refused(&p.ca);
	require_ok(group_join(p.a.cfg.cid, "one"));
	expect_refused(&p.ca);
	require_ok(group_join(p.b.cfg.cid, "other"));
	expect_refused(&p.ca);
	expect_nothing(&p.b);
	/* The second of several groups. */
	require_ok(group_join(p.b.cfg.cid, "one"));
	connect_ends(&p.ca, &p.cb);
	transfer(&p.ca, &p.cb, 100);
	require_ok(group_leave(p.a.cfg.cid, "one"));
	require_ok(group_leave(p.b.cfg.cid, "one"));
	require_ok(group_leave(p.b.cfg.cid, "other"));
	guest_stop(&p.a);
	guest_stop(&p.b);
}

struct listed {
	__u32 cid;
	unsigned int count;
};

static void count_group(const struct nlattr *attrs, int len, void *arg)
{
	struct listed *l = arg;

	l->count += genl_number(attrs, len, MVSOCK_A_GROUP_CID) == l->cid;
}

static unsigned int groups_of(__u32 cid)
{
	struct listed l = { .cid = cid };
	struct genl_request r;
	struct genl c;

	require_ok(genl_open(&c, MVSOCK_FAMILY_NAME));
	r = genl_request(&c, MVSOCK_CMD_GROUP_GET);
	require_ok(genl_dump(&c, &r, count_group, &l));
	genl_close(&c);
	return l.count;
}

static void count_flow(const struct nlattr *attrs, int len, void *arg)
{
	struct listed *l = arg;

	l->count += genl_number(attrs, len, MVSOCK_A_FLOW_CID) == l->cid &&
		    genl_has(attrs, len, MVSOCK_A_FLOW_ANSWERED);
}

/* Those that this guest opened, and the other one has answered. */
static unsigned int flows_of(__u32 cid)
{
	struct listed l = { .cid = cid };
	struct genl_request r;
	struct genl c;

	require_ok(genl_open(&c, MVSOCK_FAMILY_NAME));
	r = genl_request(&c, MVSOCK_CMD_FLOW_GET);
	require_ok(genl_dump(&c, &r, count_flow, &l));
	genl_close(&c);
	return l.count;
}

static void bad_groups(const void *arg)
{
	static const char longest[] = "0123456789012345678901234567890";
	__u32 cid = test_cid(0);
	unsigned int i;
	char name[8];

	(void)arg;
	require_error(group_join(0, "name"), -EINVAL);
	require_error(group_join(cid, NULL), -EINVAL);
	require_error(group_join(cid, ""), -EINVAL);
	require_error(group_join(2, "name"), -ERANGE);
	require_error(group_leave(cid, "name"), -ENOENT);
	require_ok(group_join(cid, longest));
	require_error(group_join(cid, longest), -EEXIST);
	require_error(group_join(cid, "01234567890123456789012345678901"), -EINVAL);
	require(groups_of(cid) == 1, "not in one group");
	for (i = 1; i < 16; i++) {
		snprintf(name, sizeof(name), "%u", i);
		require_ok(group_join(cid, name));
	}
	require_error(group_join(cid, "more"), -ENOSPC);
	require(groups_of(cid) == 16, "not in 16 groups");
	require(!groups_of(cid + 1), "the next CID is in a group");
	for (i = 1; i < 16; i++) {
		snprintf(name, sizeof(name), "%u", i);
		require_ok(group_leave(cid, name));
	}
	require_ok(group_leave(cid, longest));
	require(!groups_of(cid), "still in a group");
}

/* A list that does not fit into one answer. */
static void many_groups(const void *arg)
{
	__u32 cid = test_cid(0);
	unsigned int i;

	(void)arg;
	for (i = 0; i < 1000; i++)
		require_ok(group_join(0x40000000 + i, "a name of thirty characters...."));
	require_ok(group_join(cid, "test"));
	require(groups_of(cid) == 1, "not in the list");
	require(groups_of(0x40000000 + 999) == 1, "the last one is not in the list");
	for (i = 0; i < 1000; i++)
		require_ok(group_leave(0x40000000 + i, "a name of thirty characters...."));
	require_ok(group_leave(cid, "test"));
}

/* --- data --- */

static void both_ways(const void *arg)
{
	struct guest_config second = test_config(1);
	struct pair p;

	pair_connect(&p, &second, *(const int *)arg);
	transfer_sizes(&p);
	require(counter_get(&p.a, "forwarded_packets") > 10, "not counted");
	pair_close(&p);
}

/* The second guest's buffers: those that can't be written in one section, too. */
static void buffers(const void *arg)
{
	static const __u32 sizes[] = { 64, 100, 4096, 5000, 16384, 80000 };
	struct guest_config second = test_config(1);
	struct pair p;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		second.rx_size = sizes[i];
		second.rx_bufs = sizes[i] > 16384 ? 16 : 32;
		second.rx_layout = arg;
		pair_connect(&p, &second, i % 2 ? SOCK_STREAM : SOCK_SEQPACKET);
		transfer_sizes(&p);
		pair_close(&p);
	}
}

/* The second guest has the other kind of ring, indirect tables, and events. */
static void other_ring(const void *arg)
{
	struct guest_config second = test_config(1);
	struct pair p;

	(void)arg;
	second.packed = !second.packed;
	second.indirect = true;
	second.features |= F_INDIRECT | F_EVENT_IDX;
	pair_connect(&p, &second, SOCK_STREAM);
	transfer_sizes(&p);
	pair_close(&p);
}

/* --- a guest without buffers --- */

/* Room for the answer to the first guest's requests, and none for data. */
static struct guest_config without_buffers(void)
{
	struct guest_config cfg = test_config(1);

	cfg.rx_bufs = 0;
	return cfg;
}

static void post(struct guest *g, unsigned int n)
{
	while (n--)
		require_ok(guest_post_rx(g, 4096, &layout_one));
}

/* Two guests with a connection, the second one without buffers. */
static void pair_connect_full(struct pair *p, int socktype)
{
	const struct guest_config second = without_buffers();

	pair_start(p, &second);
	pair_join(p);
	pair_ends(p, &p->ca, &p->cb, socktype, 0);
	post(&p->b, 1);
	connect_ends(&p->ca, &p->cb);
}

/* What can't be sent waits, and other connections go on. */
static void no_buffers(const void *arg)
{
	struct conn host;
	struct pair p;
	int listener, fd;
	__u32 port;

	pair_connect_full(&p, *(const int *)arg);
	listener = host_listen(SOCK_STREAM, &port);
	require(listener >= 0, "listen");
	send_pattern(&p.ca, BLOCK, 1);
	send_pattern(&p.ca, 10000, 2);
	send_pattern(&p.ca, 1, 3);
	conn_init(&host, &p.a, VIRTIO_VSOCK_TYPE_STREAM, 55, port);
	require_ok(conn_connect(&host, TIMEOUT));
	fd = host_accept(listener, TIMEOUT);
	require(fd >= 0, "accept");
	require(counter_get(&p.a, "forward_waits") >= 3, "nothing waits");
	p.b.rx_repost = true;
	post(&p.b, 5);
	expect_pattern(&p.cb, BLOCK, 1);
	expect_pattern(&p.cb, 10000, 2);
	expect_pattern(&p.cb, 1, 3);
	transfer_sizes(&p);
	conn_free(&host);
	close(fd);
	close(listener);
	pair_close(&p);
}

/*
 * A packet of which a part was sent at once, and then others that are sent whole, at the same
 * places of a small ring.
 */
static void in_parts(const void *arg)
{
	struct guest_config first = test_config(0), second = without_buffers();
	unsigned int i, n;
	struct pair p;

	(void)arg;
	first.num[TXQ] = 4;
	pair_start_both(&p, &first, &second);
	pair_join(&p);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	post(&p.b, 1);
	connect_ends(&p.ca, &p.cb);
	for (i = 0; i < 32; i++) {
		post(&p.b, 1 + i % 3);
		send_pattern(&p.ca, 20000, i);
		post(&p.b, 6 - i % 3);
		expect_pattern(&p.cb, 20000, i);
		/* Once around the ring, and again with its other wrap counter. */
		post(&p.b, 12);
		for (n = 0; n < 12; n++)
			transfer(&p.ca, &p.cb, 1000 + n);
	}
	pair_close(&p);
}

/* Send packets, whatever the credit is. */
static void fill(struct conn *c, unsigned int n)
{
	static __u8 buf[BLOCK];

	while (n--)
		require_ok(conn_send_rw(c, buf, BLOCK, VIRTIO_VSOCK_SEQ_EOM,
					TIMEOUT));
}

/* Send more than may wait. */
static void overfill(struct conn *c)
{
	fill(c, BACKLOG_MAX / BLOCK + 1);
}

/* A guest that does not read must not stop another one. */
static void too_much_waits(const void *arg)
{
	struct pair p;

	(void)arg;
	pair_connect_full(&p, SOCK_STREAM);
	overfill(&p.ca);
	require_ok(conn_wait_reset(&p.ca, TIMEOUT));
	require(counter_get(&p.a, "forward_resets") == 1, "not counted");
	/* What waited was dropped. */
	post(&p.b, 1);
	require_ok(conn_wait_reset(&p.cb, TIMEOUT));
	require(!p.cb.rx_cnt, "%u bytes", p.cb.rx_cnt);
	pair_close(&p);
}

/* A guest that takes a little at a time holds the other one up for no longer. */
static void slow_guest(const void *arg)
{
	__u64 deadline = now_ms() + TIMEOUT;
	struct pair p;

	(void)arg;
	pair_connect_full(&p, SOCK_STREAM);
	while (!p.ca.reset) {
		require(ms_left(deadline), "no reset");
		post(&p.b, 1);
		guest_poll(&p.b, 0);
		require_ok(conn_send_rw(&p.ca, "", 1, 0, TIMEOUT));
		overfill(&p.ca);
		conn_pump(&p.ca, 0);
	}
	packet_list_purge(&p.b.inbox);
	pair_close(&p);
}

/* One guest that does not receive, and one whose packets always go through its backlog. */
static void other_guest_goes_on(const void *arg)
{
	struct guest_config third = test_config(2);
	struct conn here, there;
	struct guest g;
	struct pair p;

	(void)arg;
	third.rx_layout = &layout_apart;
	pair_connect_full(&p, SOCK_STREAM);
	require_ok(guest_start(&g, &third));
	require_ok(group_join(third.cid, "test"));
	conn_init(&here, &p.a, VIRTIO_VSOCK_TYPE_STREAM, 3000, 4000);
	conn_init(&there, &g, VIRTIO_VSOCK_TYPE_STREAM, 4000, 3000);
	here.peer_cid = third.cid;
	there.peer_cid = p.a.cfg.cid;
	connect_ends(&here, &there);
	fill(&p.ca, BACKLOG_MAX / BLOCK);
	transfer(&here, &there, BLOCK);
	transfer(&there, &here, BLOCK);
	require_ok(conn_wait_reset(&p.ca, TIMEOUT));
	require(!here.reset && !there.reset, "the wrong one was reset");
	require_ok(group_leave(third.cid, "test"));
	guest_stop(&g);
	conn_free(&here);
	conn_free(&there);
	pair_close(&p);
}

/* A program of the host that waits for buffers gets some, whatever else waits for them. */
static void program_goes_on(const void *arg)
{
	struct guest_config second = without_buffers();
	static __u8 out[100], in[100];
	struct sending sending;
	struct conn host;
	unsigned int i;
	struct pair p;
	int fd;

	(void)arg;
	pair_start(&p, &second);
	pair_join(&p);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	post(&p.b, 2);
	connect_ends(&p.ca, &p.cb);
	conn_init(&host, &p.b, VIRTIO_VSOCK_TYPE_STREAM, 55, 0);
	fd = host_connect(SOCK_STREAM, p.b.cfg.cid, 55);
	require(fd >= 0, "connect");
	require_ok(conn_accept(&host, TIMEOUT));
	require_ok(host_connected(fd, TIMEOUT));
	fill(&p.ca, 4);
	host_send_beside(&sending, fd, out, sizeof(out), 0, TIMEOUT);
	/* Four packets take 68 buffers. */
	for (i = 0; i < 20 && !host.rxq.first; i++) {
		post(&p.b, 1);
		conn_pump(&host, QUIET);
	}
	require_ok(conn_recv(&host, in, sizeof(in), QUIET));
	require_ok(host_send_end(&sending));
	close(fd);
	conn_free(&host);
	packet_list_purge(&p.b.inbox);
	pair_close(&p);
}

/* The ring goes on as soon as there is room. */
static void waits_for_room(const void *arg)
{
	struct guest_config second = without_buffers();
	static __u8 buf[BLOCK];
	struct pair p;
	__u32 left;

	(void)arg;
	pair_start(&p, &second);
	pair_join(&p);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	p.cb.buf_alloc = 4 * BACKLOG_MAX;
	post(&p.b, 1);
	connect_ends(&p.ca, &p.cb);
	for (left = BACKLOG_MAX; left >= BLOCK; left -= BLOCK)
		require_ok(conn_send_rw(&p.ca, buf, BLOCK, 0, TIMEOUT));
	require(conn_send_rw(&p.ca, buf, BLOCK, 0, QUIET) == -ETIMEDOUT,
		"a packet that has no room was taken");
	p.b.rx_repost = true;
	post(&p.b, 50);
	for (left = BACKLOG_MAX + BLOCK; left; left -= BLOCK)
		require_ok(conn_recv(&p.cb, buf, BLOCK, TIMEOUT));
	require(!counter_get(&p.a, "forward_resets"), "a reset");
	guest_stop(&p.b);
	require_ok(conn_wait_reset(&p.ca, TIMEOUT));
	pair_leave(&p);
	conn_free(&p.ca);
	conn_free(&p.cb);
	guest_stop(&p.a);
}

/* --- the end of a guest --- */

enum end { CLOSE_A, CLOSE_B, RESTART_A, RESTART_B, LEAVE };

static const enum end close_a = CLOSE_A, close_b = CLOSE_B,
	restart_a = RESTART_A, restart_b = RESTART_B, leaves = LEAVE;

static void restart(struct guest *g)
{
	require_ok(guest_rewind(g));
	guest_restart(g);
}

static void ends(const void *arg)
{
	struct guest_config second = test_config(1);
	enum end end = *(const enum end *)arg;
	struct pair p;

	pair_connect(&p, &second, SOCK_STREAM);
	transfer(&p.ca, &p.cb, 1000);
	switch (end) {
	case CLOSE_A:
		guest_stop(&p.a);
		break;
	case CLOSE_B:
		guest_stop(&p.b);
		break;
	case RESTART_A:
		restart(&p.a);
		break;
	case RESTART_B:
		restart(&p.b);
		break;
	case LEAVE:
		require_ok(group_leave(p.b.cfg.cid, "test"));
		require_ok(conn_wait_reset(&p.ca, TIMEOUT));
		require_ok(conn_wait_reset(&p.cb, TIMEOUT));
		expect_refused(&p.ca);
		require_ok(group_join(p.b.cfg.cid, "test"));
		connect_ends(&p.ca, &p.cb);
		pair_close(&p);
		return;
	}
	if (end == CLOSE_A || end == RESTART_A)
		require_ok(conn_wait_reset(&p.cb, TIMEOUT));
	else
		require_ok(conn_wait_reset(&p.ca, TIMEOUT));
	pair_leave(&p);
	conn_free(&p.ca);
	conn_free(&p.cb);
	if (end != CLOSE_A)
		guest_stop(&p.a);
	if (end != CLOSE_B)
		guest_stop(&p.b);
}

/* A driver may use the ports of a connection again as soon as it has ended. */
static void ports_again(const void *arg)
{
	const __u32 both = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND;
	struct guest_config second = test_config(1);
	unsigned int i;
	struct pair p;

	(void)arg;
	pair_connect(&p, &second, SOCK_STREAM);
	for (i = 0; i < 100; i++) {
		require_ok(conn_send_op(&p.ca, VIRTIO_VSOCK_OP_SHUTDOWN, both));
		require_ok(conn_wait_shutdown(&p.cb, both, TIMEOUT));
		require_ok(conn_send_op(&p.cb, VIRTIO_VSOCK_OP_RST, 0));
		require_ok(conn_wait_reset(&p.ca, TIMEOUT));
		p.ca.reset = false;
		p.cb.peer_shutdown = 0;
		connect_ends(&p.ca, &p.cb);
	}
	transfer_sizes(&p);
	pair_close(&p);
}

/* What was sent before is received before the end. */
static void closed_after_data(const void *arg)
{
	struct pair p;

	(void)arg;
	pair_connect_full(&p, SOCK_STREAM);
	send_pattern(&p.ca, BLOCK, 1);
	pair_leave(&p);
	require_ok(conn_wait_reset(&p.ca, TIMEOUT));
	pair_join(&p);
	p.b.rx_repost = true;
	post(&p.b, 1);
	require_ok(conn_wait_reset(&p.cb, TIMEOUT));
	require(!p.cb.rx_cnt, "data of a connection that was not allowed");
	p.b.rx_repost = false;
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 1);
	connect_ends(&p.ca, &p.cb);
	send_pattern(&p.ca, BLOCK, 1);
	guest_stop(&p.a);
	p.b.rx_repost = true;
	post(&p.b, 10);
	expect_pattern(&p.cb, BLOCK, 1);
	require_ok(conn_wait_reset(&p.cb, TIMEOUT));
	require_ok(group_leave(p.a.cfg.cid, "test"));
	require_ok(group_leave(p.b.cfg.cid, "test"));
	conn_free(&p.ca);
	conn_free(&p.cb);
	guest_stop(&p.b);
}

/* Packets wait for a guest that is closed. */
static void closed_with_backlog(const void *arg)
{
	struct guest_config second = without_buffers();
	struct pair p;

	(void)arg;
	pair_connect_full(&p, SOCK_STREAM);
	overfill(&p.ca);
	guest_stop(&p.b);
	require_ok(conn_wait_reset(&p.ca, TIMEOUT));
	require_ok(guest_start(&p.b, &second));
	p.b.rx_repost = true;
	post(&p.b, 32);
	p.ca.reset = false;
	conn_free(&p.cb);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 1);
	connect_ends(&p.ca, &p.cb);
	transfer_sizes(&p);
	pair_close(&p);
}

/* --- at the same time --- */

#define ROUNDS 100

/* One guest's driver, in a thread of its own. */
struct driver {
	struct conn *c;
	__u8 out;
	__u8 in;
	pthread_t thread;
};

static void *send_and_receive(void *arg)
{
	static __thread __u8 out[BLOCK], in[BLOCK];
	struct driver *d = arg;
	unsigned int i;

	pattern_fill(out, BLOCK, d->out, 0);
	for (i = 0; i < ROUNDS; i++) {
		require_ok(conn_send(d->c, out, BLOCK, TIMEOUT));
		require_ok(conn_recv(d->c, in, BLOCK, TIMEOUT));
		require(pattern_check(in, BLOCK, d->in, 0) < 0, "data differ");
	}
	return NULL;
}

static void both_at_once(const void *arg)
{
	struct guest_config second = test_config(1);
	struct driver d[2];
	struct pair p;
	unsigned int i;

	(void)arg;
	pair_connect(&p, &second, SOCK_STREAM);
	/* Each side needs the other one's credit, which it has not been sent yet. */
	transfer(&p.ca, &p.cb, 1);
	transfer(&p.cb, &p.ca, 1);
	d[0] = (struct driver){ .c = &p.ca, .out = 1, .in = 2 };
	d[1] = (struct driver){ .c = &p.cb, .out = 2, .in = 1 };
	for (i = 0; i < 2; i++)
		require(!pthread_create(&d[i].thread, NULL, send_and_receive,
					&d[i]), "thread");
	for (i = 0; i < 2; i++)
		pthread_join(d[i].thread, NULL);
	pair_close(&p);
}

/* Send packets, whether there is a connection or not, until told to stop. */
static void *flood(void *arg)
{
	static __u8 buf[20000];
	struct conn c = *(struct conn *)arg;

	while (!__atomic_load_n(&((struct conn *)arg)->reset,
				__ATOMIC_RELAXED)) {
		require_ok(conn_send_op(&c, VIRTIO_VSOCK_OP_REQUEST, 0));
		require_ok(conn_send_rw(&c, buf, sizeof(buf), 0, TIMEOUT));
		packet_list_purge(&c.g->inbox);
	}
	return NULL;
}

static void closed_in_a_flood(const void *arg)
{
	struct guest_config second = test_config(1);
	pthread_t thread;
	struct pair p;
	unsigned int i;

	(void)arg;
	pair_start(&p, &second);
	pair_join(&p);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	require(!pthread_create(&thread, NULL, flood, &p.ca), "thread");
	for (i = 0; i < ROUNDS; i++) {
		guest_poll(&p.b, 1 + i % 5);
		if (i % 3 == 1) {
			restart(&p.b);
			packet_list_purge(&p.b.inbox);
		} else if (i % 3 == 2) {
			guest_stop(&p.b);
			require_ok(guest_start(&p.b, &second));
		}
	}
	__atomic_store_n(&p.ca.reset, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	/* Another port: requests of the flood may still come. */
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 1);
	p.ca.peer_port = PORT_B + 1;
	p.cb.port = PORT_B + 1;
	connect_ends(&p.ca, &p.cb);
	transfer_sizes(&p);
	pair_close(&p);
}

/* --- hostile guests --- */

static void expect_answer(struct conn *c, struct pkt h, bool reset)
{
	require_ok(guest_send(c->g, &h, NULL, TIMEOUT));
	if (reset)
		require_ok(conn_wait_reset(c, TIMEOUT));
	else
		require(conn_wait_reset(c, QUIET) == -ETIMEDOUT, "a reset");
	c->reset = false;
}

static void forged(const void *arg)
{
	struct guest_config second = test_config(1);
	struct counters before;
	struct conn self;
	struct pair p;
	struct pkt h;

	(void)arg;
	pair_start(&p, &second);
	pair_join(&p);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	before = counters_read(&p.a);
	h = conn_pkt(&p.ca, VIRTIO_VSOCK_OP_REQUEST);
	h.src_cid = p.b.cfg.cid;
	require_ok(guest_send(&p.a, &h, NULL, TIMEOUT));
	counters_expect(&p.a, &before, REJ_BAD_CID, 1);
	/* Data, and answers, of no connection. */
	expect_answer(&p.ca, conn_pkt(&p.ca, VIRTIO_VSOCK_OP_RW), true);
	expect_answer(&p.ca, conn_pkt(&p.ca, VIRTIO_VSOCK_OP_RESPONSE), true);
	expect_answer(&p.ca, conn_pkt(&p.ca, VIRTIO_VSOCK_OP_RST), false);
	expect_answer(&p.ca, conn_pkt(&p.ca, VIRTIO_VSOCK_OP_INVALID), true);
	expect_answer(&p.ca, conn_pkt(&p.ca, 8), true);
	/* To itself, and to CIDs that no guest can have. */
	self = p.ca;
	self.peer_cid = p.a.cfg.cid;
	expect_refused(&self);
	self.peer_cid = p.b.cfg.cid + (1ULL << 32);
	expect_refused(&self);
	self.peer_cid = 0xffffffff;
	expect_refused(&self);
	self.peer_cid = 1;
	expect_refused(&self);
	expect_nothing(&p.b);
	pair_close(&p);
}

/* Send a packet whose header claims one byte more than its chain has. */
static void send_truncated(struct conn *c, __u32 len)
{
	struct pkt rw = conn_pkt(c, VIRTIO_VSOCK_OP_RW);
	struct guest *g = c->g;
	struct virtio_vsock_hdr h;
	struct seg seg;

	rw.len = len;
	h = pkt_encode(&rw);
	require_ok(mem_write(&g->mem, g->tx_gpa, &h, HDR_LEN));
	seg = (struct seg){ g->tx_gpa, HDR_LEN + len - 1, false };
	require_ok(guest_send_segs(g, &seg, 1, TIMEOUT));
}

/* A packet that is longer than its chain resets the connection at both ends. */
static void truncated(const void *arg)
{
	struct guest_config second = test_config(1);
	struct counters before;
	struct pair p;

	(void)arg;
	pair_connect(&p, &second, SOCK_STREAM);
	before = counters_read(&p.a);
	send_truncated(&p.ca, 1000);
	counters_expect(&p.a, &before, REJ_BAD_LEN, 1);
	require_ok(conn_wait_reset(&p.ca, TIMEOUT));
	require_ok(conn_wait_reset(&p.cb, TIMEOUT));
	pair_close(&p);
}

static void too_many_flows(const void *arg)
{
	struct guest_config second = test_config(1);
	struct conn a, b;
	unsigned int i;
	struct pair p;

	(void)arg;
	pair_start(&p, &second);
	pair_join(&p);
	for (i = 0; i < FLOWS_MAX; i++) {
		pair_ends(&p, &a, &b, SOCK_STREAM, i);
		connect_ends(&a, &b);
	}
	pair_ends(&p, &a, &b, SOCK_STREAM, i);
	expect_refused(&a);
	/* Some may be listed twice. */
	require(flows_of(p.a.cfg.cid) >= FLOWS_MAX, "some are not listed");
	require(!flows_of(p.b.cfg.cid), "the other guest has opened some");
	/* One that is reset makes room. */
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	require_ok(conn_send_op(&p.ca, VIRTIO_VSOCK_OP_RST, 0));
	require_ok(conn_wait_reset(&p.cb, TIMEOUT));
	connect_ends(&a, &b);
	pair_close(&p);
	require(!flows_of(p.a.cfg.cid), "some are still listed");
}

/* Requests that are not answered make room for others: a connect() that was given up is one. */
static void unanswered(const void *arg)
{
	struct guest_config second = test_config(1);
	struct conn a, b;
	unsigned int i;
	struct pair p;

	(void)arg;
	pair_start(&p, &second);
	pair_join(&p);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	connect_ends(&p.ca, &p.cb);
	transfer(&p.cb, &p.ca, 100);
	for (i = 1; i < FLOWS_MAX + 10; i++) {
		pair_ends(&p, &a, &b, SOCK_STREAM, i);
		require_ok(conn_send_op(&a, VIRTIO_VSOCK_OP_REQUEST, 0));
		guest_poll(&p.b, 0);
	}
	require_ok(conn_accept(&b, TIMEOUT));
	transfer(&p.ca, &p.cb, 100);
	packet_list_purge(&p.b.inbox);
	pair_close(&p);
}

/* A guest that does not take its resets, of connections that it breaks over and over. */
static void resets_without_end(const void *arg)
{
	struct guest_config first = test_config(0), second = test_config(1);
	struct conn host;
	unsigned int i;
	struct pair p;
	__u32 port;
	int fd;

	(void)arg;
	first.rx_bufs = 0;
	pair_start_both(&p, &first, &second);
	pair_join(&p);
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 0);
	for (i = 0; i < 5000; i++) {
		require_ok(conn_send_op(&p.ca, VIRTIO_VSOCK_OP_REQUEST, 0));
		send_truncated(&p.ca, 1);
		guest_poll(&p.b, 0);
		packet_list_purge(&p.b.inbox);
	}
	require(counter_get(&p.a, "resets_dropped") > 3000, "none was dropped");
	/* The other guest's packets do not wait for this one. */
	fd = host_listen(SOCK_STREAM, &port);
	require(fd >= 0, "listen");
	conn_init(&host, &p.b, VIRTIO_VSOCK_TYPE_STREAM, 55, port);
	require_ok(conn_connect(&host, QUIET));
	conn_free(&host);
	close(fd);
	pair_leave(&p);
	conn_free(&p.ca);
	conn_free(&p.cb);
	guest_stop(&p.a);
	guest_stop(&p.b);
}

/* A guest's own RST is not dropped, whatever other guests have sent before. */
static void reset_behind_others(const void *arg)
{
	struct guest_config third = test_config(2);
	struct conn c = { 0 };
	unsigned int i, op;
	struct guest g;
	struct pair p;

	(void)arg;
	pair_connect_full(&p, SOCK_STREAM);
	require_ok(guest_start(&g, &third));
	require_ok(group_join(third.cid, "test"));
	for (op = VIRTIO_VSOCK_OP_REQUEST; op <= VIRTIO_VSOCK_OP_RST;
	     op += VIRTIO_VSOCK_OP_RST - VIRTIO_VSOCK_OP_REQUEST) {
		for (i = 0; i < FLOWS_MAX; i++) {
			conn_init(&c, &g, VIRTIO_VSOCK_TYPE_STREAM, 5000 + i, PORT_B);
			c.peer_cid = p.b.cfg.cid;
			require_ok(conn_send_op(&c, op, 0));
		}
	}
	require_ok(conn_send_op(&p.ca, VIRTIO_VSOCK_OP_RST, 0));
	p.b.rx_repost = true;
	post(&p.b, 64);
	require_ok(conn_wait_reset(&p.cb, TIMEOUT));
	require(!counter_get(&p.b, "resets_dropped"), "some were dropped");
	require_ok(group_leave(third.cid, "test"));
	conn_free(&c);
	guest_stop(&g);
	pair_leave(&p);
	conn_free(&p.ca);
	conn_free(&p.cb);
	guest_stop(&p.a);
	guest_stop(&p.b);
}

/* A guest without buffers makes another one send RSTs: they must not stop that one. */
static void answers_to_a_flood(const void *arg)
{
	const struct guest_config second = without_buffers();
	unsigned int i, refused = 0;
	struct packet *q;
	struct conn host;
	struct pair p;
	__u32 port = 0;
	int fd;

	(void)arg;
	pair_start(&p, &second);
	pair_join(&p);
	fd = host_listen(SOCK_STREAM, &port);
	for (i = 0; i < 6000; i++) {
		pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, i);
		require_ok(conn_send_op(&p.cb, VIRTIO_VSOCK_OP_REQUEST, 0));
		guest_poll(&p.a, 0);
		while ((q = packet_list_pop(&p.a.inbox))) {
			conn_init_ends(&p.ca, &p.a, q->hdr.dst_port, &p.cb, &p.b,
				       q->hdr.src_port, VIRTIO_VSOCK_TYPE_STREAM);
			require_ok(conn_send_op(&p.ca, VIRTIO_VSOCK_OP_RST, 0));
			refused++;
			free(q);
		}
	}
	/* As many as it may have connections: their RSTs wait for buffers. */
	require(refused == FLOWS_MAX, "%u were answered", refused);
	conn_init(&host, &p.a, VIRTIO_VSOCK_TYPE_STREAM, 55, port);
	require_ok(conn_connect(&host, QUIET));
	require(!counter_get(&p.a, "forward_waits"), "its packets wait");
	conn_free(&host);
	close(fd);
	pair_close(&p);
}

static void another_cid(const void *arg)
{
	struct guest_config second = test_config(1);
	struct pair p;

	(void)arg;
	pair_connect(&p, &second, SOCK_STREAM);
	require_ok(dev_set_cid(&p.a.dev, test_cid(2)));
	require_ok(conn_wait_reset(&p.cb, TIMEOUT));
	require_ok(dev_set_cid(&p.a.dev, p.a.cfg.cid));
	pair_ends(&p, &p.ca, &p.cb, SOCK_STREAM, 1);
	connect_ends(&p.ca, &p.cb);
	pair_close(&p);
}

void add_siblings_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(const void *arg);
		const void *arg;
		unsigned int rings;
	} tests[] = {
		{ "refused without a common group", not_without_a_group, NULL,
		  RINGS_SPLIT },
		{ "bad groups", bad_groups, NULL, RINGS_SPLIT },
		{ "many groups", many_groups, NULL, RINGS_SPLIT },
		{ "both ways, stream", both_ways, &stream, RINGS_ALL },
		{ "both ways, seqpacket", both_ways, &seqpacket, RINGS_ALL },
		{ "buffers of one piece", buffers, &layout_one, RINGS_BOTH },
		{ "buffers with the header apart", buffers, &layout_apart,
		  RINGS_BOTH },
		{ "another kind of ring", other_ring, NULL, RINGS_ALL },
		{ "the first guest is behind an IOMMU", behind_iommu,
		  &iommu_first, RINGS_BOTH },
		{ "the second guest is behind an IOMMU", behind_iommu,
		  &iommu_second, RINGS_BOTH },
		{ "both guests are behind an IOMMU", behind_iommu, &iommu_both,
		  RINGS_BOTH },
		{ "no buffers, stream", no_buffers, &stream, RINGS_ALL },
		{ "no buffers, seqpacket", no_buffers, &seqpacket, RINGS_ALL },
		{ "part of a packet", in_parts, NULL, RINGS_ALL },
		{ "too much waits", too_much_waits, NULL, RINGS_ALL },
		{ "a slow guest", slow_guest, NULL, RINGS_SPLIT },
		{ "another guest goes on", other_guest_goes_on, NULL,
		  RINGS_BOTH },
		{ "a program goes on", program_goes_on, NULL, RINGS_BOTH },
		{ "the ring waits for room", waits_for_room, NULL, RINGS_ALL },
		{ "the first guest is closed", ends, &close_a, RINGS_BOTH },
		{ "the second guest is closed", ends, &close_b, RINGS_BOTH },
		{ "the first guest is reset", ends, &restart_a, RINGS_BOTH },
		{ "the second guest is reset", ends, &restart_b, RINGS_BOTH },
		{ "the group is left", ends, &leaves, RINGS_BOTH },
		{ "ports are used again", ports_again, NULL, RINGS_BOTH },
		{ "a guest is closed, its packets wait", closed_after_data,
		  NULL, RINGS_BOTH },
		{ "a guest is closed, packets wait for it",
		  closed_with_backlog, NULL, RINGS_BOTH },
		{ "both at once", both_at_once, NULL, RINGS_ALL },
		{ "a guest is closed and reset in a flood", closed_in_a_flood,
		  NULL, RINGS_BOTH },
		{ "forged packets", forged, NULL, RINGS_BOTH },
		{ "a truncated packet", truncated, NULL, RINGS_BOTH },
		{ "too many connections", too_many_flows, NULL, RINGS_SPLIT },
		{ "requests that are not answered", unanswered, NULL,
		  RINGS_SPLIT },
		{ "resets without end", resets_without_end, NULL, RINGS_BOTH },
		{ "a reset behind many others", reset_behind_others, NULL,
		  RINGS_BOTH },
		{ "answers to a flood of requests", answers_to_a_flood, NULL,
		  RINGS_BOTH },
		{ "a guest gets another CID", another_cid, NULL, RINGS_SPLIT },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		session_test("siblings", tests[i].name, tests[i].run,
			     tests[i].arg, TAP_MVSOCK, tests[i].rings);
}
