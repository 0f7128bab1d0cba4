// SPDX-License-Identifier: GPL-2.0
/* Random packets from the guest, valid or not. */
#include "fuzz.h"

struct pkt fuzz_guest_pkt(const struct fuzz *f, const struct fuzz_conn *c,
			  __u16 op)
{
	return (struct pkt){
		.src_cid = f->s.g.cfg.cid,
		.dst_cid = HOST_CID,
		.src_port = c->port,
		.dst_port = c->peer_port,
		.type = c->type,
		.op = op,
		.buf_alloc = CONN_BUF_ALLOC,
		.fwd_cnt = c->rx_cnt,
	};
}

struct fuzz_conn *fuzz_random_conn(struct fuzz *f)
{
	struct fuzz_conn *open[FUZZ_CONNS];
	unsigned int i, n = 0;

	for (i = 0; i < FUZZ_CONNS; i++) {
		struct fuzz_conn *c = &f->conn[i];

		if (c->state == CONN_OPEN && c->fd >= 0)
			open[n++] = c;
	}
	return n ? open[rng_below(&f->rng, n)] : NULL;
}

bool fuzz_is_good(const struct fuzz *f, const struct fuzz_conn *c)
{
	return c == &f->conn[0];
}

static struct pkt data_packet(struct fuzz *f, struct fuzz_conn *c)
{
	struct pkt p = fuzz_guest_pkt(f, c, VIRTIO_VSOCK_OP_RW);
	__u32 room = HOST_BUF_ALLOC / 2 - c->unread - c->planned;

	if (c->unread + c->planned > HOST_BUF_ALLOC / 2)
		room = 0;
	if (room > MAX_PAYLOAD ||
	    (!fuzz_is_good(f, c) && rng_one_in(&f->rng, 16)))
		room = MAX_PAYLOAD;
	p.len = rng_size(&f->rng, room);
	if (c->type == VIRTIO_VSOCK_TYPE_SEQPACKET) {
		p.len += !p.len;
		if (!rng_one_in(&f->rng, 4) || c->unread > 30000)
			p.flags = VIRTIO_VSOCK_SEQ_EOM;
		if (rng_one_in(&f->rng, 4))
			p.flags |= VIRTIO_VSOCK_SEQ_EOR;
	}
	c->planned += p.len;
	return p;
}

static __u16 random_op(struct fuzz *f)
{
	return rng_one_in(&f->rng, 8) ? 0xffff : rng_below(&f->rng, 11);
}

/* Of a connection, rarely data. */
static struct pkt control_packet(struct fuzz *f, struct fuzz_conn *c)
{
	struct pkt p = fuzz_guest_pkt(f, c, random_op(f));

	if (fuzz_is_good(f, c) && (p.op == VIRTIO_VSOCK_OP_RST ||
				   p.op == VIRTIO_VSOCK_OP_SHUTDOWN))
		p.op = VIRTIO_VSOCK_OP_CREDIT_REQUEST;
	if (p.op == VIRTIO_VSOCK_OP_RW)
		return data_packet(f, c);
	p.flags = rng_one_in(&f->rng, 2) ? rng_below(&f->rng, 4) :
					   rng_next(&f->rng);
	if (fuzz_is_good(f, c) || !rng_one_in(&f->rng, 4))
		return p;
	if (rng_one_in(&f->rng, 2))
		p.type = rng_below(&f->rng, 4);
	p.buf_alloc = rng_next(&f->rng) >> rng_below(&f->rng, 64);
	p.fwd_cnt += rng_size(&f->rng, 100000) - 1000;
	return p;
}

struct pkt fuzz_request(struct fuzz *f)
{
	__u16 type = 1 + rng_below(&f->rng, 2);
	struct fuzz_conn c = {
		.type = type,
		.port = f->next_port++,
		.peer_port = f->listen_port[type],
	};

	return fuzz_guest_pkt(f, &c, VIRTIO_VSOCK_OP_REQUEST);
}

/* From and to any port, usually of no connection. */
static struct pkt stray_packet(struct fuzz *f)
{
	struct fuzz_conn *c = fuzz_random_conn(f);
	__u32 from[] = { f->next_port++, 1, c ? c->port : 2 };
	__u32 to[] = { FUZZ_NOBODY + rng_below(&f->rng, 1000), f->listen_port[1],
		       f->listen_port[2], c ? c->peer_port : FUZZ_NOBODY };
	struct fuzz_conn any = {
		.type = rng_one_in(&f->rng, 8) ? 0xffff :
			rng_below(&f->rng, 4),
		.port = from[rng_below(&f->rng, ARRAY_SIZE(from))],
		.peer_port = to[rng_below(&f->rng, ARRAY_SIZE(to))],
	};
	struct pkt p = fuzz_guest_pkt(f, &any, random_op(f));

	if (any.port == 1 || (c && any.port == c->port))
		p.op = p.op == VIRTIO_VSOCK_OP_REQUEST ?
		       VIRTIO_VSOCK_OP_CREDIT_REQUEST : p.op;
	/* It hits a connection after all: send only what does not end it. */
	if (c && any.port == c->port && any.peer_port == c->peer_port)
		return data_packet(f, c);
	p.len = 1 + rng_size(&f->rng, 100);
	return p;
}

struct pkt fuzz_random_packet(struct fuzz *f)
{
	struct fuzz_conn *c = fuzz_random_conn(f);
	unsigned int kind = rng_below(&f->rng, 16);

	if (kind == 0 && model_conns_open(f) < FUZZ_CONNS_MAX)
		return fuzz_request(f);
	if (kind < 4 || !c)
		return stray_packet(f);
	return kind < 8 ? control_packet(f, c) : data_packet(f, c);
}

void fuzz_spoil_header(struct fuzz *f, struct pkt *p)
{
	switch (rng_below(&f->rng, 5)) {
	case 0:
		p->len += 1 + rng_size(&f->rng, FUZZ_EXTRA);
		break;
	case 1:
		p->len = MAX_PAYLOAD + 1 + rng_size(&f->rng, 100);
		break;
	case 2:
		p->len = -1U - rng_below(&f->rng, 100);
		break;
	case 3:
		p->src_cid ^= BIT_ULL(rng_below(&f->rng, 64));
		break;
	default:
		p->dst_cid ^= BIT_ULL(rng_below(&f->rng, 64));
	}
}

