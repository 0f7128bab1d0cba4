// SPDX-License-Identifier: GPL-2.0
/*
 * Which socket types a guest may use, by the features that it negotiated (virtio 1.3, 5.10.3), in
 * both directions.
 */
#include <stdio.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define PORT 55

struct type_case {
	const char *name;
	__u64 features;
	bool streams;
	bool seqpackets;
};

static const struct type_case cases[] = {
	{ "no feature", 0, true, false },
	{ "STREAM", F_STREAM, true, false },
	{ "SEQPACKET", F_SEQPACKET, true, true },
	{ "STREAM and SEQPACKET", F_STREAM | F_SEQPACKET, true, true },
	{ "NO_IMPLIED_STREAM", F_NO_IMPLIED_STREAM, false, false },
	{ "NO_IMPLIED_STREAM and STREAM", F_NO_IMPLIED_STREAM | F_STREAM, true,
	  false },
	{ "NO_IMPLIED_STREAM and SEQPACKET", F_NO_IMPLIED_STREAM | F_SEQPACKET,
	  false, true },
	{ "NO_IMPLIED_STREAM, STREAM and SEQPACKET", F_NO_IMPLIED_STREAM |
	  F_STREAM | F_SEQPACKET, true, true },
};

/* One message in each direction; on a stream just bytes. */
static void exchange(struct session *s)
{
	__u8 out[500], in[500];

	pattern_fill(out, sizeof(out), 4, 0);
	require_ok(conn_send_rw(&s->c, out, sizeof(out), VIRTIO_VSOCK_SEQ_EOM,
				TIMEOUT));
	require_ok(host_recv(s->fd, in, sizeof(in), TIMEOUT));
	require(!memcmp(in, out, sizeof(in)), "host got other data");
	require_ok(host_send(s->fd, out, sizeof(out), 0, TIMEOUT));
	memset(in, 0, sizeof(in));
	require_ok(conn_recv(&s->c, in, sizeof(in), TIMEOUT));
	require(!memcmp(in, out, sizeof(in)), "guest got other data");
}

static void hang_up(struct session *s)
{
	require_ok(conn_send_op(&s->c, VIRTIO_VSOCK_OP_RST, 0));
	close(s->fd);
	if (s->listener >= 0)
		close(s->listener);
	conn_free(&s->c);
}

static void allowed(struct session *s, int socktype)
{
	session_connect(s, socktype);
	exchange(s);
	hang_up(s);
	session_accept(s, socktype);
	exchange(s);
	hang_up(s);
}

/* The answer to a packet from @port is RST. The host's last packets of closed connections may come
 * before it.
 */
static void require_reset(struct session *s, __u16 type, __u32 peer_port,
			  __u32 port)
{
	struct packet *p;
	bool found;

	do {
		p = guest_recv(&s->g, TIMEOUT);
		require(p, "port %u: no answer", port);
		found = p->hdr.dst_port == port;
		require(!found || (p->hdr.op == VIRTIO_VSOCK_OP_RST &&
				   p->hdr.type == type &&
				   p->hdr.src_port == peer_port),
			"port %u: answered by op %u", port, p->hdr.op);
		free(p);
	} while (!found);
}

/* Each packet is answered with RST, except RST itself; the host gets an error. */
static void refused(struct session *s, int socktype, int err)
{
	static const __u16 ops[] = { VIRTIO_VSOCK_OP_REQUEST,
		VIRTIO_VSOCK_OP_RST, VIRTIO_VSOCK_OP_RW,
		VIRTIO_VSOCK_OP_CREDIT_REQUEST, 99 };
	__u16 type = socktype == SOCK_STREAM ? VIRTIO_VSOCK_TYPE_STREAM :
					       VIRTIO_VSOCK_TYPE_SEQPACKET;
	__u32 port = 0;
	int l = host_listen(socktype, &port), fd;
	struct conn c;
	unsigned int i;

	require_ok(l);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		conn_init(&c, &s->g, type, PORT + i, port);
		require_ok(conn_send_op(&c, ops[i], 0));
		if (ops[i] != VIRTIO_VSOCK_OP_RST)
			require_reset(s, type, port, PORT + i);
	}
	require(host_accept(l, 0) == -ETIMEDOUT, "the host has a connection");
	close(l);
	fd = host_connect(socktype, s->g.cfg.cid, PORT);
	require(fd == -err, "the host's connect: %s", fd < 0 ? strerror(-fd) :
		"done");
}

static void types(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct type_case *t = arg;
	struct counters before;
	struct session s;

	cfg.features = F_VERSION_1 | t->features;
	require_ok(guest_start(&s.g, &cfg));
	before = counters_read(&s.g);
	if (t->streams)
		allowed(&s, SOCK_STREAM);
	else
		refused(&s, SOCK_STREAM, ENETUNREACH);
	if (t->seqpackets)
		allowed(&s, SOCK_SEQPACKET);
	else
		refused(&s, SOCK_SEQPACKET, ESOCKTNOSUPPORT);
	counters_expect(&s.g, &before, NO_COUNTER, 0);
	guest_check(&s.g);
	guest_stop(&s.g);
}

void add_type_tests(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		session_test("types", cases[i].name, types, &cases[i],
			     TAP_MVSOCK, RINGS_BOTH);
}
