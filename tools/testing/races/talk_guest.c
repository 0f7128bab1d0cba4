// SPDX-License-Identifier: GPL-2.0
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "talk.h"

#define EOM		VIRTIO_VSOCK_SEQ_EOM
#define SHUTDOWN_BOTH	(VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)
#define OPEN_ONE_IN	8	/* rounds */
#define RUDE_ONE_IN	40
#define HUNG		20000	/* ms without a byte between guests */

#define SIBLING_PORTS	2000	/* first of the ports that a guest connects to in the other one */

static struct talk_conn *find_conn(struct talk_guest *t, __u32 port, __u32 peer_cid,
				   __u32 peer_port)
{
	unsigned int i;

	for (i = 0; i < TALK_CONNS; i++) {
		struct talk_conn *tc = &t->conn[i];

		if (tc->used && tc->c.port == port && tc->c.peer_cid == peer_cid &&
		    tc->c.peer_port == peer_port)
			return tc;
	}
	return NULL;
}

/* In a connection of two guests, the one that opened it is the guest, the other one the host. */
static void begin_ways(struct talk_conn *tc)
{
	bool host = tc->c.peer_cid != VMADDR_CID_HOST && !tc->opened;
	__u32 guest_port = host ? tc->c.peer_port : tc->c.port;
	__u32 host_port = host ? tc->c.port : tc->c.peer_port;

	talk_way_begin(&tc->in, guest_port, host_port, !host);
	talk_way_begin(&tc->out, guest_port, host_port, host);
}

/* A new connection; NULL if there are enough, or this one exists. */
static struct talk_conn *new_conn(struct talk_guest *t, __u16 type, __u32 port,
				  __u32 peer_cid, __u32 peer_port, bool opened)
{
	struct talk_conn *tc;
	unsigned int i;

	for (i = 0; i < TALK_CONNS && t->conn[i].used; i++)
		;
	if (i == TALK_CONNS || find_conn(t, port, peer_cid, peer_port))
		return NULL;
	tc = &t->conn[i];
	*tc = (struct talk_conn){ .used = true, .opened = opened };
	conn_init(&tc->c, &t->g, type, port, peer_port);
	tc->c.peer_cid = peer_cid;
	begin_ways(tc);
	return tc;
}

static void drop(struct talk_guest *t, struct talk_conn *tc)
{
	conn_free(&tc->c);
	t->opened -= tc->opened;
	tc->used = false;
}

void talk_guest_forget(struct talk_guest *t)
{
	unsigned int i;

	for (i = 0; i < TALK_CONNS; i++)
		if (t->conn[i].used)
			drop(t, &t->conn[i]);
}

/* A stopped or broken ring takes no packets, which is an error only in strict mode. */
static void must_send(struct talk_guest *t, int err)
{
	require(!err || !t->strict, "the guest cannot send: %s", strerror(-err));
}

static void refuse(struct talk_guest *t, const struct pkt *h)
{
	struct conn c;

	conn_init(&c, &t->g, h->type, h->dst_port, h->src_port);
	c.peer_cid = h->src_cid;
	must_send(t, conn_send_op(&c, VIRTIO_VSOCK_OP_RST, 0));
}

/* A packet of no connection. */
static void stray(struct talk_guest *t, const struct pkt *h)
{
	struct talk_conn *tc;

	if (h->op == VIRTIO_VSOCK_OP_RST)
		return;
	tc = h->op == VIRTIO_VSOCK_OP_REQUEST ?
	     new_conn(t, h->type, h->dst_port, h->src_cid, h->src_port, false) :
	     NULL;
	if (!tc) {
		refuse(t, h);
		return;
	}
	tc->c.answered = true;
	tc->c.peer_buf_alloc = h->buf_alloc;
	tc->c.peer_fwd_cnt = h->fwd_cnt;
	must_send(t, conn_send_op(&tc->c, VIRTIO_VSOCK_OP_RESPONSE, 0));
}

static void open_one(struct talk_guest *t)
{
	unsigned int which = rng_below(&t->rng, ARRAY_SIZE(t->port));
	bool sibling = t->sibling && rng_one_in(&t->rng, 2);
	__u32 port = sibling ? SIBLING_PORTS + which : t->port[which];
	struct talk_conn *tc;

	if (t->opened == TALK_OPENED || !port)
		return;
	tc = new_conn(t, which ? VIRTIO_VSOCK_TYPE_SEQPACKET :
				 VIRTIO_VSOCK_TYPE_STREAM,
		      1024 + rng_below(&t->rng, 1 << 30),
		      sibling ? t->sibling : VMADDR_CID_HOST, port, true);
	if (!tc)
		return;
	t->opened++;
	must_send(t, conn_send_op(&tc->c, VIRTIO_VSOCK_OP_REQUEST, 0));
}

static void read_all(struct talk_conn *tc)
{
	struct packet *p;

	while (tc->c.rxq.first) {
		p = conn_recv_packet(&tc->c, 0);
		if (tc->c.type == VIRTIO_VSOCK_TYPE_SEQPACKET)
			require((p->hdr.len == talk_message(&tc->in)) ==
				!!(p->hdr.flags & EOM),
				"a message ends at another position");
		talk_check(&tc->in, p->data, p->hdr.len);
		free(p);
	}
}

static void write_some(struct talk_guest *t, struct talk_conn *tc)
{
	static __thread __u8 buf[MAX_PAYLOAD];
	__u32 credit = conn_credit(&tc->c), len = 1 + rng_size(&t->rng, MAX_PAYLOAD - 1);
	bool message = tc->c.type == VIRTIO_VSOCK_TYPE_SEQPACKET;
	__u32 left = message ? talk_message(&tc->out) : tc->out.total - tc->out.pos;

	if (len > left)
		len = left;
	if (len > credit)
		len = credit;
	if (!len)
		return;
	talk_fill(&tc->out, buf, len);
	must_send(t, conn_send_rw(&tc->c, buf, len,
				  message && len == left ? EOM : 0, TIMEOUT));
}

static bool broken(const struct talk_conn *tc)
{
	return tc->c.reset || (tc->c.peer_shutdown & SHUTDOWN_BOTH) == SHUTDOWN_BOTH;
}

/* The other end has closed or reset the connection. */
static void over(struct talk_guest *t, struct talk_conn *tc)
{
	bool whole = talk_way_done(&tc->in) && talk_way_done(&tc->out);

	require(whole || !t->strict || tc->c.peer_cid != VMADDR_CID_HOST,
		"a connection that %s opened is %s with %llu of %llu bytes in and %llu of %llu out",
		tc->opened ? "the guest" : "the host", tc->c.reset ? "reset" : "shut down",
		(unsigned long long)tc->in.pos, (unsigned long long)tc->in.total,
		(unsigned long long)tc->out.pos, (unsigned long long)tc->out.total);
	t->whole += whole;
	t->whole_sibling += whole && tc->c.peer_cid != VMADDR_CID_HOST;
	if (!tc->c.reset)
		must_send(t, conn_send_op(&tc->c, VIRTIO_VSOCK_OP_RST, 0));
	drop(t, tc);
}

/* Between guests the one that opened the connection ends it, once. */
static void finish(struct talk_guest *t, struct talk_conn *tc)
{
	if (tc->c.peer_cid == VMADDR_CID_HOST || !tc->opened || tc->finished ||
	    !talk_way_done(&tc->in) || !talk_way_done(&tc->out))
		return;
	tc->finished = true;
	must_send(t, conn_send_op(&tc->c, VIRTIO_VSOCK_OP_SHUTDOWN, SHUTDOWN_BOTH));
}

/* A program of the host has a timeout; a connection between guests has this one. */
static void watch(struct talk_conn *tc)
{
	__u64 moved = tc->in.pos + tc->out.pos;

	if (tc->c.peer_cid == VMADDR_CID_HOST)
		return;
	if (!tc->since || moved != tc->moved) {
		tc->moved = moved;
		tc->since = now_ms();
	}
	require(now_ms() - tc->since < HUNG,
		"a connection between guests stands still after %llu bytes",
		(unsigned long long)moved);
}

static void serve(struct talk_guest *t, struct talk_conn *tc)
{
	int n = conn_pump(&tc->c, 0);

	require(n >= 0, "the device violates the protocol");
	read_all(tc);
	watch(tc);
	if (broken(tc)) {
		over(t, tc);
	} else if (t->rude && rng_one_in(&t->rng, RUDE_ONE_IN)) {
		must_send(t, conn_send_op(&tc->c, VIRTIO_VSOCK_OP_RST, 0));
		drop(t, tc);
	} else if (tc->c.answered && !talk_way_done(&tc->out)) {
		write_some(t, tc);
	} else {
		finish(t, tc);
	}
}

/* Packets of no connection are put aside first: sending an answer may receive more. */
static void strays(struct talk_guest *t)
{
	struct packet_list all = t->g.inbox, rest;
	struct packet *p;

	if (!all.first)
		return;
	packet_list_init(&rest);
	packet_list_init(&t->g.inbox);
	while ((p = packet_list_pop(&all)))
		packet_list_add(find_conn(t, p->hdr.dst_port, p->hdr.src_cid,
					  p->hdr.src_port) ?
				&t->g.inbox : &rest, p);
	while ((p = packet_list_pop(&rest))) {
		stray(t, &p->hdr);
		free(p);
	}
}

void talk_guest_round(struct talk_guest *t, int timeout)
{
	unsigned int i;

	require(guest_poll(&t->g, timeout) >= 0, "guest_poll");
	for (i = 0; i < TALK_CONNS; i++)
		if (t->conn[i].used)
			serve(t, &t->conn[i]);
	strays(t);
	if (rng_one_in(&t->rng, OPEN_ONE_IN))
		open_one(t);
}
