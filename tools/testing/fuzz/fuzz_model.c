// SPDX-License-Identifier: GPL-2.0
/*
 * Predicts what the host does with packets: which connections exist, what each end has to read,
 * which answers the guest must get.
 */
#include "fuzz.h"

#define SHUTDOWN_ALL (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

bool model_type_allowed(const struct fuzz *f, __u16 type)
{
	return type == VIRTIO_VSOCK_TYPE_SEQPACKET ? f->seqpackets : f->streams;
}

static bool is_reply(const struct pkt *p)
{
	return p->op == VIRTIO_VSOCK_OP_RST ||
	       p->op == VIRTIO_VSOCK_OP_RESPONSE ||
	       p->op == VIRTIO_VSOCK_OP_CREDIT_UPDATE;
}

void model_expect(struct fuzz *f, const struct pkt *hdr, const void *data)
{
	struct packet *p = calloc(1, sizeof(*p) + hdr->len);

	require(p, "out of memory");
	p->hdr = *hdr;
	memcpy(p->data, data, hdr->len);
	packet_list_add(&f->pending, p);
	f->replies += is_reply(hdr);
}

struct pkt model_host_pkt(const struct fuzz *f, const struct fuzz_conn *c,
			  __u16 op)
{
	return (struct pkt){
		.src_cid = HOST_CID,
		.dst_cid = f->s.g.cfg.cid,
		.src_port = c->peer_port,
		.dst_port = c->port,
		.type = c->type,
		.op = op,
		.buf_alloc = HOST_BUF_ALLOC,
		.fwd_cnt = c->host_read,
	};
}

static void expect_op(struct fuzz *f, const struct fuzz_conn *c, __u16 op)
{
	struct pkt p = model_host_pkt(f, c, op);

	model_expect(f, &p, NULL);
}

/* A connection's pending packets without data. */
static struct packet **find_pending(struct fuzz *f, const struct fuzz_conn *c,
				    __u16 op)
{
	struct packet **at, *p;

	for (at = &f->pending.first; (p = *at); at = &p->next)
		if (p->hdr.op == op && p->hdr.src_port == c->peer_port &&
		    p->hdr.dst_port == c->port)
			return at;
	return NULL;
}

static void forget_pending(struct fuzz *f, const struct fuzz_conn *c, __u16 op)
{
	struct packet **at = find_pending(f, c, op), *p;

	if (!at)
		return;
	p = *at;
	*at = p->next;
	if (!p->next)
		f->pending.last = at;
	f->replies -= is_reply(&p->hdr);
	free(p);
}

/* A connection ends: what has not been sent yet is dropped. */
static void expect_no_more(struct fuzz *f, const struct fuzz_conn *c)
{
	forget_pending(f, c, VIRTIO_VSOCK_OP_RESPONSE);
	forget_pending(f, c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

/* A connection ends: RST replaces its pending packets. */
static void expect_last(struct fuzz *f, const struct fuzz_conn *c)
{
	expect_no_more(f, c);
	expect_op(f, c, VIRTIO_VSOCK_OP_RST);
}

/* An answer that belongs to no connection; a RST is not answered. */
static void expect_reset(struct fuzz *f, const struct pkt *p)
{
	struct pkt rst = {
		.src_cid = p->dst_cid,
		.dst_cid = f->s.g.cfg.cid,
		.src_port = p->dst_port,
		.dst_port = p->src_port,
		.type = p->type,
		.op = VIRTIO_VSOCK_OP_RST,
	};

	if (p->op != VIRTIO_VSOCK_OP_RST)
		model_expect(f, &rst, NULL);
}

struct fuzz_conn *model_conn_new(struct fuzz *f, __u16 type, __u32 port,
				 __u32 peer_port)
{
	unsigned int i;

	for (i = 0; i < FUZZ_CONNS; i++) {
		struct fuzz_conn *c = &f->conn[i];
		__u8 *data = c->data;

		if (c->state != CONN_FREE)
			continue;
		*c = (struct fuzz_conn){
			.state = CONN_OPEN,
			.type = type,
			.port = port,
			.peer_port = peer_port,
			.fd = -1,
			.data = data ?: malloc(HOST_BUF_ALLOC),
			.buf_alloc = CONN_BUF_ALLOC,
		};
		require(c->data, "out of memory");
		return c;
	}
	return NULL;
}

unsigned int model_conns_open(const struct fuzz *f)
{
	unsigned int i, n = 0;

	for (i = 0; i < FUZZ_CONNS; i++)
		n += f->conn[i].state == CONN_OPEN;
	return n;
}

/* The connection to which packets between these ports belong. */
static struct fuzz_conn *find(struct fuzz *f, __u32 port, __u32 peer_port)
{
	unsigned int i;

	for (i = 0; i < FUZZ_CONNS; i++) {
		struct fuzz_conn *c = &f->conn[i];

		if ((c->state == CONN_ASKED || c->state == CONN_OPEN) &&
		    c->port == port && c->peer_port == peer_port)
			return c;
	}
	return NULL;
}

__u32 model_space(const struct fuzz_conn *c)
{
	__u32 most = c->buf_alloc < HOST_BUF_ALLOC ? c->buf_alloc :
						     HOST_BUF_ALLOC;
	__u32 under_way = c->sent - c->fwd_cnt;

	if (c->shutdown & VIRTIO_VSOCK_SHUTDOWN_RCV)
		return 0;
	return under_way < most ? most - under_way : 0;
}

static void receive_data(struct fuzz *f, struct fuzz_conn *c,
			 const struct pkt *p, const void *data)
{
	if (c->unread + p->len > HOST_BUF_ALLOC) {
		expect_last(f, c);
		c->state = CONN_GONE;
		c->unsure = true;
		return;
	}
	memcpy(c->data + c->unread, data, p->len);
	c->unread += p->len;
	c->packets++;
	if (c->type == VIRTIO_VSOCK_TYPE_SEQPACKET &&
	    p->flags & VIRTIO_VSOCK_SEQ_EOM)
		c->ends[c->nends++] = c->unread;
}

/* While there are unread data, the host sends RST only when it closes. */
static void receive_shutdown(struct fuzz *f, struct fuzz_conn *c,
			     const struct pkt *p)
{
	c->shutdown |= p->flags & SHUTDOWN_ALL;
	if (c->shutdown != SHUTDOWN_ALL)
		return;
	if (c->unread) {
		c->state = CONN_ENDED;
	} else {
		expect_last(f, c);
		c->state = CONN_GONE;
	}
}

/*
 * RST is sent, unless the guest has a new connection with the same ports, which the RST would hit.
 */
void model_close(struct fuzz *f, struct fuzz_conn *c)
{
	if (c->state == CONN_ENDED && !find(f, c->port, c->peer_port))
		expect_last(f, c);
	c->state = CONN_GONE;
}

/* The host waits for a RESPONSE. */
static void receive_answer(struct fuzz *f, struct fuzz_conn *c,
			   const struct pkt *p)
{
	c->buf_alloc = p->buf_alloc;
	c->fwd_cnt = p->fwd_cnt;
	if (p->op == VIRTIO_VSOCK_OP_RESPONSE) {
		c->state = CONN_OPEN;
		return;
	}
	c->state = CONN_GONE;
	if (p->op != VIRTIO_VSOCK_OP_RST)
		expect_op(f, c, VIRTIO_VSOCK_OP_RST);
}

static void receive_on(struct fuzz *f, struct fuzz_conn *c, const struct pkt *p,
		       const void *data)
{
	if (c->state == CONN_ASKED) {
		receive_answer(f, c, p);
		return;
	}
	c->buf_alloc = p->buf_alloc;
	c->fwd_cnt = p->fwd_cnt;
	switch (p->op) {
	case VIRTIO_VSOCK_OP_RW:
		receive_data(f, c, p, data);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		/* A pending update already covers this one. */
		if (!find_pending(f, c, VIRTIO_VSOCK_OP_CREDIT_UPDATE))
			expect_op(f, c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		receive_shutdown(f, c, p);
		break;
	case VIRTIO_VSOCK_OP_RST:
		expect_no_more(f, c);
		c->state = CONN_DONE;
		break;
	}
}

static bool is_listener(const struct fuzz *f, const struct pkt *p)
{
	return p->dst_port && p->dst_port == f->listen_port[p->type];
}

static void receive_request(struct fuzz *f, const struct pkt *p)
{
	struct fuzz_conn *c = model_conn_new(f, p->type, p->src_port,
					     p->dst_port);

	require(c, "more connections than the model has");
	c->buf_alloc = p->buf_alloc;
	c->fwd_cnt = p->fwd_cnt;
	f->accept[f->naccept++] = c;
	expect_op(f, c, VIRTIO_VSOCK_OP_RESPONSE);
}

void model_foresee(struct fuzz *f)
{
	unsigned int i;

	for (i = 0; i < FUZZ_CONNS; i++)
		f->conn[i].foreseen = 0;
}

/*
 * Two cases can't be predicted: the effect of an empty message on the socket's reader; and whether
 * there is credit where there is room of which the guest was not known to be told, as it may have
 * been told meanwhile.
 */
bool model_knows(struct fuzz *f, const struct pkt *p)
{
	struct fuzz_conn *c = find(f, p->src_port, p->dst_port);

	if (p->op != VIRTIO_VSOCK_OP_RW)
		return true;
	if (p->type == VIRTIO_VSOCK_TYPE_SEQPACKET && !p->len)
		return false;
	if (!c || c->type != p->type)
		return true;
	c->foreseen += p->len;
	return c->unread + c->foreseen > HOST_BUF_ALLOC ||
	       c->host_read - c->told + c->unread + c->foreseen <=
	       HOST_BUF_ALLOC;
}

void model_receive(struct fuzz *f, const struct pkt *p, const void *data)
{
	bool known = p->type == VIRTIO_VSOCK_TYPE_STREAM ||
		     p->type == VIRTIO_VSOCK_TYPE_SEQPACKET;
	struct fuzz_conn *c;

	f->packets[TXQ]++;
	f->bytes[TXQ] += p->len;
	if (p->dst_cid != HOST_CID ||
	    (known && !model_type_allowed(f, p->type))) {
		expect_reset(f, p);
		return;
	}
	c = find(f, p->src_port, p->dst_port);
	if (known && c && c->type == p->type)
		receive_on(f, c, p, data);
	else if (known && !c && is_listener(f, p) &&
		 p->op == VIRTIO_VSOCK_OP_REQUEST)
		receive_request(f, p);
	else
		expect_reset(f, p);
}

/* The connection to which a rejected packet belonged. */
static struct fuzz_conn *loser(struct fuzz *f, const struct pkt *p)
{
	struct fuzz_conn *c = find(f, p->src_port, p->dst_port);

	return c && p->dst_cid == HOST_CID && c->type == p->type ? c : NULL;
}

bool model_harms(struct fuzz *f, const struct pkt *p)
{
	struct fuzz_conn *c = loser(f, p);

	return c && fuzz_is_good(f, c);
}

void model_lose(struct fuzz *f, const struct pkt *p)
{
	struct fuzz_conn *c = loser(f, p);

	if (!c) {
		expect_reset(f, p);
	} else if (p->op == VIRTIO_VSOCK_OP_RST) {
		expect_no_more(f, c);
		c->state = CONN_DONE;
	} else {
		expect_last(f, c);
		c->state = CONN_GONE;
	}
}

static bool on(const struct fuzz_conn *c, const struct pkt *p)
{
	return c->state != CONN_FREE && c->port == p->dst_port &&
	       c->peer_port == p->src_port && c->type == p->type;
}

/*
 * A grant of or a request for credit, or an answer that was not dropped when its connection ended.
 */
static bool may_come(struct fuzz *f, const struct pkt *p)
{
	unsigned int i;

	for (i = 0; i < FUZZ_CONNS; i++) {
		struct fuzz_conn *c = &f->conn[i];

		if (!on(c, p) || p->len || p->src_cid != HOST_CID ||
		    p->dst_cid != f->s.g.cfg.cid ||
		    p->buf_alloc != HOST_BUF_ALLOC)
			continue;
		if ((p->op == VIRTIO_VSOCK_OP_CREDIT_UPDATE ||
		     p->op == VIRTIO_VSOCK_OP_CREDIT_REQUEST) &&
		    p->fwd_cnt - c->told <= c->host_read - c->told) {
			c->told = p->fwd_cnt;
			return true;
		}
		if (c->state == CONN_GONE && p->op == VIRTIO_VSOCK_OP_RESPONSE)
			return true;
	}
	return false;
}

static bool same(const struct pkt *a, const struct pkt *b)
{
	struct virtio_vsock_hdr x = pkt_encode(a), y = pkt_encode(b);

	return !memcmp(&x, &y, sizeof(x));
}

static void delivered(struct fuzz *f, const struct packet *p)
{
	unsigned int i;

	for (i = 0; i < FUZZ_CONNS; i++)
		if (on(&f->conn[i], &p->hdr) &&
		    f->conn[i].state == CONN_OPEN)
			f->conn[i].told = p->hdr.fwd_cnt;
	f->replies -= is_reply(&p->hdr);
	free(packet_list_pop(&f->pending));
}

/* The part of the next packet that fits into @room bytes of payload. */
static struct pkt next_piece(const struct packet *p, __u32 room)
{
	struct pkt h = p->hdr;

	h.len -= p->taken;
	if (h.len > room) {
		h.len = room;
		h.flags &= ~(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
	}
	return h;
}

/* The credit in a packet is that of the moment when it is sent. */
static void tell_late(struct fuzz *f, struct pkt *piece, const struct pkt *p)
{
	unsigned int i;

	for (i = 0; i < FUZZ_CONNS; i++)
		if (on(&f->conn[i], p) &&
		    p->fwd_cnt - piece->fwd_cnt <=
		    f->conn[i].host_read - piece->fwd_cnt)
			piece->fwd_cnt = p->fwd_cnt;
}

static void got_data(struct fuzz *f, const struct pkt *p)
{
	unsigned int i;

	for (i = 0; i < FUZZ_CONNS; i++)
		if (on(&f->conn[i], p))
			f->conn[i].rx_cnt += p->len;
}

static void fail_packet(const struct pkt *got, const struct packet *want)
{
	const struct pkt *w = &want->hdr;

	tap_note("got: type %u op %u ports %u to %u len %u flags 0x%x credit %u/%u",
		 got->type, got->op, got->src_port, got->dst_port, got->len,
		 got->flags, got->fwd_cnt, got->buf_alloc);
	if (!want)
		tap_fail("an unexpected packet");
	tap_fail("not: type %u op %u ports %u to %u len %u less %u flags 0x%x credit %u/%u",
		 w->type, w->op, w->src_port, w->dst_port, w->len, want->taken,
		 w->flags, w->fwd_cnt, w->buf_alloc);
}

/* Move the packet that this packet's connection expects to the front. There is no order between
 * connections, nor with the resets of packets that have a connection's ports but do not belong to
 * it: these have another type, or grant nothing.
 */
static void put_first(struct packet_list *l, const struct pkt *p)
{
	struct packet **at = &l->first, *want;

	while ((want = *at) && (want->hdr.src_port != p->src_port ||
				want->hdr.dst_port != p->dst_port ||
				want->hdr.type != p->type ||
				want->hdr.buf_alloc != p->buf_alloc))
		at = &want->next;
	if (!want || at == &l->first)
		return;
	*at = want->next;
	if (!want->next)
		l->last = at;
	want->next = l->first;
	l->first = want;
}

void model_got(struct fuzz *f, const struct pkt *p, const void *data,
	       __u32 room)
{
	struct packet *want;
	struct pkt piece;

	put_first(&f->pending, p);
	want = f->pending.first;
	f->packets[RXQ]++;
	f->bytes[RXQ] += p->len;
	if (want) {
		piece = next_piece(want, room);
		tell_late(f, &piece, p);
	}
	if (!want || !same(&piece, p)) {
		if (!may_come(f, p))
			fail_packet(p, want);
		return;
	}
	if (memcmp(data, want->data + want->taken, p->len))
		tap_fail("data of %u bytes differ, %u of %u came before",
			 p->len, want->taken, want->hdr.len);
	got_data(f, p);
	want->taken += p->len;
	if (want->taken == want->hdr.len)
		delivered(f, want);
}
