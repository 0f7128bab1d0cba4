// SPDX-License-Identifier: GPL-2.0
/* Steps of the guest, and the recording of packets that it receives. */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "sockets.h"

#define FIRST_PORT 1000	/* port of connection a */
#define LOOK_PORT 999	/* for guest_look() */

static const char *const op_names[] = {
	[VIRTIO_VSOCK_OP_INVALID] = "INVALID",
	[VIRTIO_VSOCK_OP_REQUEST] = "REQUEST",
	[VIRTIO_VSOCK_OP_RESPONSE] = "RESPONSE",
	[VIRTIO_VSOCK_OP_RST] = "RST",
	[VIRTIO_VSOCK_OP_SHUTDOWN] = "SHUTDOWN",
	[VIRTIO_VSOCK_OP_RW] = "RW",
	[VIRTIO_VSOCK_OP_CREDIT_UPDATE] = "CREDIT_UPDATE",
	[VIRTIO_VSOCK_OP_CREDIT_REQUEST] = "CREDIT_REQUEST",
};

static __u16 packet_type(const struct scene *p)
{
	return p->socktype == SOCK_SEQPACKET ? VIRTIO_VSOCK_TYPE_SEQPACKET :
					       VIRTIO_VSOCK_TYPE_STREAM;
}

static void put(struct scene *p, const char *fmt, ...)
{
	size_t used = strlen(p->told);
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->told + used, sizeof(p->told) - used, fmt, args);
	va_end(args);
}

static void put_slot(struct scene *p, char slot)
{
	if (*p->told)
		put(p, " ");
	if (slot != 's')
		put(p, "%c:", slot);
}

/* --- received packets --- */

/* Record the contiguous bytes received so far, if any. */
static void put_bytes(struct scene *p, const char *end)
{
	if (!p->bytes)
		return;
	put_slot(p, p->bytes_slot);
	put(p, "RW %llu%s", (unsigned long long)p->bytes, end);
	p->bytes = 0;
}

static void take_data(struct scene *p, struct end *e, char slot,
		      const struct packet *k)
{
	bool eom = k->hdr.flags & VIRTIO_VSOCK_SEQ_EOM;
	bool eor = k->hdr.flags & VIRTIO_VSOCK_SEQ_EOR;
	struct flow *f = &e->guest_gets;

	if (slot != p->bytes_slot)
		put_bytes(p, "");
	p->bytes_slot = slot;
	p->bytes += k->hdr.len;
	e->c.rx_cnt += k->hdr.len;
	if (e->c.rx_cnt > e->edge)
		put(p, " " WRONG ": beyond the credit");
	if (!p->anything &&
	    pattern_check(k->data, k->hdr.len, 100 + f->msg, f->pos) >= 0)
		put(p, " " WRONG ": other data");
	f->pos += k->hdr.len;
	if (eom) {
		f->msg++;
		f->pos = 0;
	}
	if (eom || eor)
		put_bytes(p, eom && eor ? " EOM EOR" : eom ? " EOM" : " EOR");
}

static struct end *find_end(struct scene *p, const struct pkt *h)
{
	__u32 slot = h->dst_port - FIRST_PORT;
	struct end *e = &p->end[slot];

	if (slot >= SLOTS)
		return NULL;
	if (h->op == VIRTIO_VSOCK_OP_REQUEST)
		e->c.peer_port = h->src_port;
	return e;
}

static int answer(struct end *e, __u16 op, __u32 flags)
{
	__u64 edge = (__u64)e->c.fwd_cnt + e->c.buf_alloc;

	if (edge > e->edge)
		e->edge = edge;
	if (op == VIRTIO_VSOCK_OP_REQUEST || op == VIRTIO_VSOCK_OP_RESPONSE)
		e->over = false;
	else if (op == VIRTIO_VSOCK_OP_RST ||
		 (op == VIRTIO_VSOCK_OP_SHUTDOWN && flags == 3))
		e->over = true;
	return conn_send_op(&e->c, op, flags);
}

static void put_op(struct scene *p, const struct pkt *h)
{
	if (h->op < ARRAY_SIZE(op_names))
		put(p, "%s", op_names[h->op]);
	else
		put(p, "op %u", h->op);
	if (h->flags)
		put(p, " %u", h->flags);
	if (h->type != packet_type(p))
		put(p, " of type %u", h->type);
	if (h->src_cid != HOST_CID || h->dst_cid != p->g.cfg.cid)
		put(p, " " WRONG ": CID");
}

/* Record a packet. */
static void take(struct scene *p, const struct packet *k)
{
	struct end *e = find_end(p, &k->hdr);
	char slot = e ? 'a' + (e - p->end) : '?';

	if (e && k->hdr.op != VIRTIO_VSOCK_OP_RST) {
		e->c.peer_buf_alloc = k->hdr.buf_alloc;
		e->c.peer_fwd_cnt = k->hdr.fwd_cnt;
	}
	switch (k->hdr.op) {
	case VIRTIO_VSOCK_OP_RW:
		if (e)
			take_data(p, e, slot, k);
		return;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		if (!k->hdr.flags)
			return;
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		/* The request may have been sent before the guest ended the connection. */
		if (e && !e->over)
			answer(e, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
		return;
	}
	put_bytes(p, "");
	put_slot(p, slot);
	put_op(p, &k->hdr);
}

static bool take_next(struct scene *p, struct pkt *h, int timeout)
{
	struct packet *k = guest_recv(&p->g, timeout);

	if (!k)
		return false;
	*h = k->hdr;
	if (h->dst_port != LOOK_PORT)
		take(p, k);
	free(k);
	return true;
}

/* Send a packet of no connection, which is answered with RST, and wait for that. */
static void look(struct scene *p)
{
	struct pkt h = {
		.src_cid = p->g.cfg.cid,
		.dst_cid = HOST_CID,
		.src_port = LOOK_PORT,
		.dst_port = NOBODY,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = VIRTIO_VSOCK_OP_SHUTDOWN,
	};

	require_ok(guest_send(&p->g, &h, NULL, STEP_TIMEOUT));
	do {
		if (!take_next(p, &h, STEP_TIMEOUT))
			give_up("the guest gets no answer");
	} while (h.dst_port != LOOK_PORT);
}

/*
 * Receive all pending packets. The first answer may overtake packets that the worker still has to
 * send for another connection; the second one comes after them.
 */
void guest_look(struct scene *p)
{
	if (!p->g.rx_repost)
		return;
	look(p);
	look(p);
	/* The rest of a message may come later. */
	if (p->socktype == SOCK_STREAM)
		put_bytes(p, "");
}

void guest_await(struct scene *p, char slot, __u16 op)
{
	__u64 deadline = now_ms() + 12000;
	struct pkt h;

	do {
		if (!take_next(p, &h, ms_left(deadline)))
			give_up("the guest gets no %s", op_names[op]);
	} while (h.op != op || h.dst_port != FIRST_PORT + (__u32)(slot - 'a'));
}

/* sees: all packets since the last step that printed them. */
static void act_sees(struct scene *p, struct step *s)
{
	guest_look(p);
	say(s, "%s", *p->told ? p->told : "nothing");
	*p->told = '\0';
}

/* awaits OP [late]: the same, until OP arrives; late: 8 seconds after close(). */
static void act_awaits(struct scene *p, struct step *s)
{
	__u16 op = 0;

	while (op < ARRAY_SIZE(op_names) && strcmp(op_names[op], s->arg[0]))
		op++;
	guest_await(p, s->slot, op);
	if (has_arg(s, "late") && now_ms() - p->closed < 7500)
		say(s, "too soon: ");
	act_sees(p, s);
}

/* gets N: wait for N bytes; then as sees. */
static void act_gets(struct scene *p, struct step *s)
{
	struct end *e = end_of(p, s);
	__u32 until = e->c.fwd_cnt + number_arg(s, 0, 0);
	__u64 deadline = now_ms() + STEP_TIMEOUT;
	struct pkt h;

	while ((__s32)(until - e->c.rx_cnt) > 0)
		if (!take_next(p, &h, ms_left(deadline)))
			give_up("the guest gets %u bytes",
				e->c.rx_cnt - e->c.fwd_cnt);
	act_sees(p, s);
}

/* anything: from now on received bytes are not checked. */
static void act_anything(struct scene *p, struct step *s)
{
	(void)s;
	p->anything = true;
}

/* partly: as sees, including a message that is incomplete. */
static void act_partly(struct scene *p, struct step *s)
{
	guest_look(p);
	put_bytes(p, " of a message");
	act_sees(p, s);
}

/* granted: the host's buffer size for this connection, and the free part of it. */
static void act_granted(struct scene *p, struct step *s)
{
	struct end *e = end_of(p, s);

	guest_look(p);
	say(s, "%u", e->c.peer_buf_alloc);
	if (!has_arg(s, "free"))
		return;
	/* The host decides when to report it, unless it is asked. */
	require_ok(answer(e, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0));
	guest_look(p);
	say(s, " free %d", e->c.peer_buf_alloc -
	    (e->c.tx_cnt - e->c.peer_fwd_cnt));
}

/* --- packets and data that it sends --- */

/* room N: the guest's buffer size, from its next packet on. */
static void act_room(struct scene *p, struct step *s)
{
	end_of(p, s)->c.buf_alloc = number_arg(s, 0, 0);
}

/* eats [N]: read N received bytes, or all, without a CREDIT_UPDATE. */
static void act_eats(struct scene *p, struct step *s)
{
	struct end *e = end_of(p, s);

	e->c.fwd_cnt += number_arg(s, 0, e->c.rx_cnt - e->c.fwd_cnt);
}

/* op N [FLAGS] [type=N]: a packet without payload, with any op. */
static void send_op(struct scene *p, struct step *s, __u16 op, __u32 flags)
{
	struct end *e = end_of(p, s);
	__u16 type = e->c.type;

	if (has_arg(s, "TYPE_0"))
		e->c.type = 0;
	if (has_arg(s, "TYPE_1"))
		e->c.type = VIRTIO_VSOCK_TYPE_STREAM;
	if (has_arg(s, "TYPE_2"))
		e->c.type = VIRTIO_VSOCK_TYPE_SEQPACKET;
	if (has_arg(s, "TYPE_3"))
		e->c.type = 3;
	require_ok(answer(e, op, flags));
	e->c.type = type;
}

/* aims [nobody]: send further packets to the host's listener, or to a port without one. */
static void act_aims(struct scene *p, struct step *s)
{
	end_of(p, s)->c.peer_port = has_arg(s, "nobody") ? NOBODY : p->port;
}

static void act_request(struct scene *p, struct step *s)
{
	act_aims(p, s);
	send_op(p, s, VIRTIO_VSOCK_OP_REQUEST, 0);
}

/* response: to the REQUEST, for which it waits. */
static void act_response(struct scene *p, struct step *s)
{
	if (!end_of(p, s)->c.peer_port)
		guest_await(p, s->slot, VIRTIO_VSOCK_OP_REQUEST);
	send_op(p, s, VIRTIO_VSOCK_OP_RESPONSE, 0);
}

static void act_rst(struct scene *p, struct step *s)
{
	send_op(p, s, VIRTIO_VSOCK_OP_RST, 0);
}

/* shut N: SHUTDOWN; 1: receives no more, 2: sends no more. */
static void act_shut(struct scene *p, struct step *s)
{
	send_op(p, s, VIRTIO_VSOCK_OP_SHUTDOWN, number_arg(s, 0, 0));
}

static void act_update(struct scene *p, struct step *s)
{
	send_op(p, s, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
}

static void act_op(struct scene *p, struct step *s)
{
	send_op(p, s, number_arg(s, 0, 0), 0);
}

/* asks: a CREDIT_REQUEST, and whether the answer is a CREDIT_UPDATE. */
static void act_asks(struct scene *p, struct step *s)
{
	struct end *e = end_of(p, s);
	struct pkt h;

	send_op(p, s, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	do {
		if (!take_next(p, &h, STEP_TIMEOUT))
			give_up("nobody answers");
	} while (h.dst_port != e->c.port);
	say(s, "%s", op_names[h.op]);
}

static void send_data(struct scene *p, struct end *e, __u32 len, __u32 flags)
{
	struct flow *f = &e->guest_sends;
	__u8 *buf = malloc(len + 1);

	if (!buf)
		abort();
	if (p->socktype == SOCK_STREAM)
		flags &= ~VIRTIO_VSOCK_SEQ_EOM;
	pattern_fill(buf, len, f->msg, f->pos);
	require_ok(conn_send_rw(&e->c, buf, len, flags, STEP_TIMEOUT));
	f->pos += len;
	if (flags & VIRTIO_VSOCK_SEQ_EOM) {
		f->msg++;
		f->pos = 0;
	}
	free(buf);
}

/* rw N [TIMES] [part] [EOR]: a message of N bytes, whatever the credit is; part: an incomplete one.
 */
static void act_rw(struct scene *p, struct step *s)
{
	__u32 flags = has_arg(s, "part") ? 0 : VIRTIO_VSOCK_SEQ_EOM, times = 1;

	if (s->argc > 1 && *s->arg[1] >= '0' && *s->arg[1] <= '9')
		times = number_arg(s, 1, 1);
	if (has_arg(s, "EOR"))
		flags |= VIRTIO_VSOCK_SEQ_EOR;
	while (times--)
		send_data(p, end_of(p, s), number_arg(s, 0, 0), flags);
}

/* sends N: a message of N bytes, within the credit that the guest knows of. */
static void act_sends(struct scene *p, struct step *s)
{
	__u32 left = number_arg(s, 0, 0), credit, len;
	__u64 deadline = now_ms() + STEP_TIMEOUT;
	struct conn *c = &end_of(p, s)->c;
	struct pkt h;

	for (; left; left -= len) {
		while (!(credit = c->peer_buf_alloc -
				  (c->tx_cnt - c->peer_fwd_cnt)))
			if (!take_next(p, &h, ms_left(deadline)))
				give_up("%u bytes have no credit", left);
		len = left < MAX_PAYLOAD ? left : MAX_PAYLOAD;
		len = len < credit ? len : credit;
		send_data(p, end_of(p, s), len,
			  len == left ? VIRTIO_VSOCK_SEQ_EOM : 0);
	}
}

/* --- its device --- */

static void start_guest(struct scene *p, __u64 features, unsigned int rx_bufs)
{
	struct guest_config cfg = test_config(0);
	unsigned int i;

	cfg.features = features;
	cfg.rx_bufs = rx_bufs;
	require_ok(guest_start(&p->g, &cfg));
	for (i = 0; i < SLOTS; i++)
		conn_init(&p->end[i].c, &p->g, packet_type(p), FIRST_PORT + i,
			  0);
}

/* guest [deaf] [NO_SEQPACKET]: start the guest; a deaf one takes no packets yet. */
static void act_guest(struct scene *p, struct step *s)
{
	start_guest(p, F_VERSION_1 |
		    (has_arg(s, "NO_SEQPACKET") ? 0 : F_SEQPACKET),
		    has_arg(s, "deaf") ? 0 : 32);
}

static void post(struct scene *p, unsigned int n)
{
	while (n--)
		require_ok(guest_post_rx(&p->g, p->g.cfg.rx_size,
					 p->g.cfg.rx_layout));
}

/* post N: a deaf guest takes N packets. */
static void act_post(struct scene *p, struct step *s)
{
	post(p, number_arg(s, 0, 1));
}

/* hears: the guest takes all packets from now on. */
static void act_hears(struct scene *p, struct step *s)
{
	(void)s;
	p->g.rx_repost = true;
	post(p, 32);
}

/* stop, start: the VMM's SET_RUNNING. */
static void act_stop(struct scene *p, struct step *s)
{
	(void)s;
	require_ok(dev_set_running(&p->g.dev, 0));
}

static void act_start(struct scene *p, struct step *s)
{
	(void)s;
	require_ok(dev_set_running(&p->g.dev, 1));
	guest_kick(&p->g, RXQ);
	guest_kick(&p->g, TXQ);
}

/* reboot: the next driver does not know the connections; as QEMU's system_reset. */
static void act_reboot(struct scene *p, struct step *s)
{
	unsigned int i;

	(void)s;
	require_ok(dev_set_running(&p->g.dev, 0));
	for (i = 0; i < NUM_QUEUES; i++) {
		ring_reset(&p->g.q[i].ring, 0);
		require_ok(guest_set_ring(&p->g, i));
	}
	require_ok(dev_set_running(&p->g.dev, 1));
	post(p, 32);
}

/* gone: the VMM closes the device. */
static void act_gone(struct scene *p, struct step *s)
{
	(void)s;
	dev_close(&p->g.dev);
	p->g.rx_repost = false;
}

const struct verb guest_verbs[] = {
	{ "guest", act_guest },
	{ "hears", act_hears },
	{ "post", act_post },
	{ "stop", act_stop },
	{ "start", act_start },
	{ "reboot", act_reboot },
	{ "gone", act_gone },
	{ "sees", act_sees },
	{ "awaits", act_awaits },
	{ "gets", act_gets },
	{ "granted", act_granted },
	{ "room", act_room },
	{ "eats", act_eats },
	{ "aims", act_aims },
	{ "request", act_request },
	{ "anything", act_anything },
	{ "partly", act_partly },
	{ "response", act_response },
	{ "rst", act_rst },
	{ "shut", act_shut },
	{ "update", act_update },
	{ "asks", act_asks },
	{ "op", act_op },
	{ "rw", act_rw },
	{ "sends", act_sends },
	{ }
};
