// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "conn.h"

#define SEND_TIMEOUT 5000

void conn_init(struct conn *c, struct guest *g, __u16 type, __u32 port,
	       __u32 peer_port)
{
	memset(c, 0, sizeof(*c));
	c->g = g;
	c->type = type;
	c->port = port;
	c->peer_cid = HOST_CID;
	c->peer_port = peer_port;
	c->buf_alloc = CONN_BUF_ALLOC;
	packet_list_init(&c->rxq);
}

void conn_free(struct conn *c)
{
	packet_list_purge(&c->rxq);
}

struct pkt conn_pkt(const struct conn *c, __u16 op)
{
	return (struct pkt){
		.src_cid = c->g->cfg.cid,
		.dst_cid = c->peer_cid,
		.src_port = c->port,
		.dst_port = c->peer_port,
		.type = c->type,
		.op = op,
		.buf_alloc = c->buf_alloc,
		.fwd_cnt = c->fwd_cnt,
	};
}

/* Account the credit that a packet grants to the peer; granted credit is never taken back. */
static void tell_credit(struct conn *c)
{
	__s64 room = (__s64)c->buf_alloc - (__s32)(c->rx_cnt - c->fwd_cnt);

	c->told_fwd_cnt = c->fwd_cnt;
	if (room > c->room)
		c->room = room;
}

void conn_init_ends(struct conn *a, struct guest *from, __u32 from_port,
		    struct conn *b, struct guest *to, __u32 to_port, __u16 type)
{
	conn_init(a, from, type, from_port, to_port);
	conn_init(b, to, type, to_port, from_port);
	a->peer_cid = to->cfg.cid;
	b->peer_cid = from->cfg.cid;
}

int conn_send_op(struct conn *c, __u16 op, __u32 flags)
{
	struct pkt p = conn_pkt(c, op);

	p.flags = flags;
	tell_credit(c);
	return guest_send(c->g, &p, NULL, SEND_TIMEOUT);
}

int conn_credit_update(struct conn *c)
{
	return conn_send_op(c, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
}

/* Handle a packet of this connection. Takes ownership of @p. */
static int handle(struct conn *c, struct packet *p)
{
	const struct pkt h = p->hdr;
	bool data = h.op == VIRTIO_VSOCK_OP_RW;
	int err = 0;

	if (h.src_cid != c->peer_cid || h.dst_cid != c->g->cfg.cid ||
	    data != !!h.len)
		err = -EPROTO;
	if (h.op != VIRTIO_VSOCK_OP_RST) {
		if (h.type != c->type)
			err = -EPROTO;
		c->peer_buf_alloc = h.buf_alloc;
		c->peer_fwd_cnt = h.fwd_cnt;
	}
	switch (h.op) {
	case VIRTIO_VSOCK_OP_RESPONSE:
		c->answered = true;
		break;
	case VIRTIO_VSOCK_OP_RST:
		c->reset = true;
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		c->peer_shutdown |= h.flags;
		break;
	case VIRTIO_VSOCK_OP_RW:
		c->rx_cnt += h.len;
		c->room -= h.len;
		if (c->room < 0)
			err = -EPROTO;
		packet_list_add(&c->rxq, p);
		return err;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		err = err ?: conn_credit_update(c);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	default:
		err = -EPROTO;
	}
	free(p);
	return err;
}

static bool ours(const struct conn *c, const struct pkt *h)
{
	return h->dst_port == c->port && h->src_port == c->peer_port &&
	       h->src_cid == c->peer_cid;
}

/* Split the inbox into other connections' packets and ours, then handle ours: sending an answer may
 * receive more.
 */
static int take_ours(struct conn *c)
{
	struct packet_list all = c->g->inbox, mine;
	struct packet *p;
	int n = 0, err = 0;

	if (!all.first)
		return 0;
	packet_list_init(&mine);
	packet_list_init(&c->g->inbox);
	while ((p = packet_list_pop(&all)))
		packet_list_add(ours(c, &p->hdr) ? &mine : &c->g->inbox, p);
	for (; (p = packet_list_pop(&mine)); n++)
		err = handle(c, p) ?: err;
	return err ?: n;
}

int conn_pump(struct conn *c, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	int n;

	/* A used transmit buffer also wakes the driver. */
	do {
		n = take_ours(c);
		if (n)
			return n;
		n = guest_poll(c->g, ms_left(deadline));
	} while (n >= 0 && ms_left(deadline));
	return n < 0 ? n : take_ours(c);
}

/* Poll until @cond(@c, @arg), a reset, or the timeout. */
static int pump_until(struct conn *c, bool (*cond)(const struct conn *c, __u32 arg),
		      __u32 arg, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	int r;

	for (;;) {
		r = conn_pump(c, 0);
		if (r < 0)
			return r;
		if (cond(c, arg))
			return 0;
		if (c->reset)
			return -ECONNRESET;
		if (!ms_left(deadline))
			return -ETIMEDOUT;
		r = conn_pump(c, ms_left(deadline));
		if (r < 0)
			return r;
	}
}

static bool is_answered(const struct conn *c, __u32 arg)
{
	(void)arg;
	return c->answered;
}

static bool is_reset(const struct conn *c, __u32 arg)
{
	(void)arg;
	return c->reset;
}

static bool has_packet(const struct conn *c, __u32 arg)
{
	(void)arg;
	return c->rxq.first;
}

__u32 conn_credit(const struct conn *c)
{
	return c->peer_buf_alloc - (c->tx_cnt - c->peer_fwd_cnt);
}

static bool has_credit(const struct conn *c, __u32 arg)
{
	(void)arg;
	return conn_credit(c);
}

int conn_connect(struct conn *c, int timeout)
{
	int err = conn_send_op(c, VIRTIO_VSOCK_OP_REQUEST, 0);

	return err ?: pump_until(c, is_answered, 0, timeout);
}

int conn_accept(struct conn *c, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	struct packet *p;
	bool found;

	do {
		p = guest_recv(c->g, ms_left(deadline));
		if (!p)
			return -ETIMEDOUT;
		/* Other packets are of previous connections. */
		found = p->hdr.dst_port == c->port &&
			p->hdr.src_cid == c->peer_cid &&
			p->hdr.op == VIRTIO_VSOCK_OP_REQUEST &&
			p->hdr.type == c->type;
		if (found) {
			c->peer_port = p->hdr.src_port;
			c->peer_buf_alloc = p->hdr.buf_alloc;
			c->peer_fwd_cnt = p->hdr.fwd_cnt;
		}
		free(p);
	} while (!found);
	return conn_send_op(c, VIRTIO_VSOCK_OP_RESPONSE, 0);
}

int conn_connect_ends(struct conn *a, struct conn *b, int timeout)
{
	int err;

	a->answered = false;
	err = conn_send_op(a, VIRTIO_VSOCK_OP_REQUEST, 0) ?:
	      conn_accept(b, timeout) ?: pump_until(a, is_answered, 0, timeout);
	return err ?: b->peer_port == a->port ? 0 : -EPROTO;
}

int conn_send_rw(struct conn *c, const void *buf, __u32 len, __u32 flags,
		 int timeout)
{
	struct pkt p = conn_pkt(c, VIRTIO_VSOCK_OP_RW);

	p.len = len;
	p.flags = flags;
	tell_credit(c);
	c->tx_cnt += len;
	return guest_send(c->g, &p, buf, timeout);
}

int conn_send(struct conn *c, const void *buf, __u32 len, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	int err;

	while (len) {
		__u32 n = len < MAX_PAYLOAD ? len : MAX_PAYLOAD;

		err = pump_until(c, has_credit, 0, ms_left(deadline));
		if (err)
			return err;
		if (n > conn_credit(c))
			n = conn_credit(c);
		err = conn_send_rw(c, buf, n, 0, ms_left(deadline));
		if (err)
			return err;
		buf += n;
		len -= n;
	}
	return 0;
}

static bool has_packet_credit(const struct conn *c, __u32 arg)
{
	(void)arg;
	return conn_credit(c) >= MAX_PAYLOAD;
}

int conn_send_message(struct conn *c, const void *buf, __u32 len, int timeout)
{
	__u64 deadline = now_ms() + timeout;

	return pump_until(c, has_packet_credit, 0, timeout) ?:
	       conn_send_rw(c, buf, len, VIRTIO_VSOCK_SEQ_EOM, ms_left(deadline));
}

/* Send a CREDIT_UPDATE before half of the credit is used up that the peer knows of. */
static int grant(struct conn *c, __u32 len)
{
	c->fwd_cnt += len;
	if (c->fwd_cnt - c->told_fwd_cnt < c->buf_alloc / 2)
		return 0;
	return conn_credit_update(c);
}

int conn_recv(struct conn *c, void *buf, __u32 len, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	struct packet *p;
	__u32 n;
	int err;

	for (; len; buf += n, len -= n) {
		err = pump_until(c, has_packet, 0, ms_left(deadline));
		if (err)
			return err;
		p = c->rxq.first;
		n = p->hdr.len - p->taken;
		if (n > len)
			n = len;
		memcpy(buf, p->data + p->taken, n);
		p->taken += n;
		if (p->taken == p->hdr.len)
			free(packet_list_pop(&c->rxq));
		err = grant(c, n);
		if (err)
			return err;
	}
	return 0;
}

struct packet *conn_recv_packet(struct conn *c, int timeout)
{
	struct packet *p;

	if (pump_until(c, has_packet, 0, timeout))
		return NULL;
	p = packet_list_pop(&c->rxq);
	grant(c, p->hdr.len);
	return p;
}

int conn_wait_reset(struct conn *c, int timeout)
{
	return pump_until(c, is_reset, 0, timeout);
}

static bool is_shut_down(const struct conn *c, __u32 flags)
{
	return (c->peer_shutdown & flags) == flags;
}

int conn_wait_shutdown(struct conn *c, __u32 flags, int timeout)
{
	return pump_until(c, is_shut_down, flags, timeout);
}
