// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sys/eventfd.h>

#include "load_driver.h"

/* Maximum that a program's read() takes. */
#define READ_LEN (64 * 1024U)

/* Memory for packets to the host: a driver needs no more than the credit that a host's socket
 * grants, and returned memory is reused first.
 */
#define TX_MEM (1024 * 1024U)

static __u32 min(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

/* --- memory and rings ----------------------------------------------------- */

static void pool_fill(struct driver *d, struct drv_pool *p, unsigned int n,
		      __u32 stride, __u32 align)
{
	struct mem *m = &d->g.mem;
	struct drv_slot *s;

	for (s = p->slot; s < p->slot + n; s++) {
		s->gpa = mem_alloc(m, MEM_BUFFERS, stride, align);
		s->table_gpa = mem_alloc(m, MEM_BUFFERS, 2 * RING_DESC_LEN,
					 RING_DESC_LEN);
		if (!s->gpa || !s->table_gpa)
			load_fail("no memory in the guest");
		s->hdr = mem_ptr(m, s->gpa, stride);
		s->table = mem_ptr(m, s->table_gpa, 2 * RING_DESC_LEN);
		/* Touch the pages, as otherwise the host would have to bring them in. */
		memset(s->hdr, 0x5a, stride);
		p->free[p->nfree++] = s;
	}
}

/* One interrupt for both rings, so that waiting for it takes one system call. */
static void share_interrupt(struct driver *d)
{
	int fd = d->g.q[RXQ].call;

	close(d->g.q[TXQ].call);
	d->g.q[TXQ].call = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (d->g.q[TXQ].call < 0 || fcntl(fd, F_SETFL, 0))
		load_fail("fcntl: %s", strerror(errno));
}

static void notify(struct driver *d, unsigned int q)
{
	d->pair->kicks += guest_notify(&d->g, q);
}

static void post_rx(struct driver *d)
{
	struct ring *r = &d->g.q[RXQ].ring;
	struct drv_pool *p = &d->rx;

	while (p->nfree) {
		struct drv_slot *s = p->free[--p->nfree];
		const struct seg seg = { s->gpa, DRV_RX_LEN, true };

		load_need(ring_add(r, &seg, 1, s));
	}
	notify(d, RXQ);
}

void drv_start(struct driver *d, const char *path, __u64 cid,
	       struct load_pair *pair, __u32 tx_len)
{
	struct guest_config cfg = guest_config(path, cid);
	__u32 stride = (HDR_LEN + tx_len + 63) & ~63U;
	unsigned int n = TX_MEM / stride;

	memset(d, 0, sizeof(*d));
	d->pair = pair;
	d->window = ~0U;
	cfg.features |= F_INDIRECT | F_EVENT_IDX;
	cfg.num[RXQ] = DRV_NUM;
	cfg.num[TXQ] = DRV_NUM;
	load_need(guest_alloc(&d->g, &cfg));
	share_interrupt(d);
	pool_fill(d, &d->rx, DRV_NUM, 4096, 4096);
	pool_fill(d, &d->tx, min(n, DRV_NUM), stride, 64);
	load_need(guest_setup(&d->g));
	load_need(dev_set_running(&d->g.dev, 1));
	post_rx(d);
}

/* Interrupts for which nothing waited are counted as well. */
void drv_stop(struct driver *d)
{
	eventfd_t n;
	int fd = d->g.q[RXQ].call;

	if (!fcntl(fd, F_SETFL, O_NONBLOCK) && !eventfd_read(fd, &n))
		d->pair->signals += n;
	guest_stop(&d->g);
}

void drv_wait(struct driver *d)
{
	eventfd_t n;

	if (eventfd_read(d->g.q[RXQ].call, &n))
		load_fail("eventfd: %s", strerror(errno));
	d->pair->signals += n;
}

/* --- to the host ---------------------------------------------------------- */

/* Take the used buffers of a ring back into @p; @take, if any, is called for each of them. */
static unsigned int reap(struct driver *d, struct ring *r, struct drv_pool *p,
			 void (*take)(struct driver *d, struct drv_slot *s, __u32 len))
{
	unsigned int n = 0;
	void *token;
	__u32 len;
	int head;

	do {
		ring_disarm(r);
		while ((head = ring_get_used(r, &len, &token)) >= 0) {
			p->free[p->nfree++] = token;
			if (take)
				take(d, token, len);
			n++;
		}
		if (head == -EPROTO)
			load_fail("a bad used entry");
		ring_arm(r);
	} while (ring_has_used(r));
	return n;
}

static unsigned int reap_tx(struct driver *d)
{
	return reap(d, &d->g.q[TXQ].ring, &d->tx, NULL);
}

static struct drv_slot *get_tx_slot(struct driver *d)
{
	while (!d->tx.nfree && !reap_tx(d))
		drv_wait(d);
	return d->tx.free[--d->tx.nfree];
}

static void send_packet(struct driver *d, const struct pkt *h)
{
	struct ring *r = &d->g.q[TXQ].ring;
	struct drv_slot *s = get_tx_slot(d);
	const struct seg segs[] = {
		{ s->gpa, HDR_LEN },
		{ s->gpa + HDR_LEN, h->len },
	};

	*s->hdr = pkt_encode(h);
	if (h->len)
		load_need(ring_add_indirect(r, segs, 2, s->table, s->table_gpa,
					    s));
	else
		load_need(ring_add(r, segs, 1, s));
	d->pair->guest_packets++;
	notify(d, TXQ);
}

/* Every packet reports how much the guest has read. */
static struct pkt packet(struct driver *d, __u16 op)
{
	d->told_fwd_cnt = d->fwd_cnt;
	return (struct pkt){
		.src_cid = d->g.cfg.cid,
		.dst_cid = HOST_CID,
		.src_port = d->port,
		.dst_port = d->peer_port,
		.type = d->type,
		.op = op,
		.buf_alloc = DRV_BUF_ALLOC,
		.fwd_cnt = d->fwd_cnt,
	};
}

static void send_op(struct driver *d, __u16 op, __u32 flags)
{
	struct pkt h = packet(d, op);

	h.flags = flags;
	send_packet(d, &h);
}

__u32 drv_send(struct driver *d, __u32 left, __u32 flags)
{
	__u32 unread = d->tx_cnt - d->peer_fwd_cnt;
	__u32 window = min(d->window, d->peer_buf_alloc);
	__u32 len = min(left, MAX_PAYLOAD);
	struct pkt h;

	len = min(len, window > unread ? window - unread : 0);
	if (!len || !d->tx.nfree)
		return 0;
	h = packet(d, VIRTIO_VSOCK_OP_RW);
	h.len = len;
	h.flags = len == left ? flags : 0;
	d->tx_cnt += len;
	send_packet(d, &h);
	return len;
}

void drv_flush(struct driver *d)
{
	while (d->g.q[TXQ].ring.nfree < DRV_NUM)
		if (!drv_reap(d))
			drv_wait(d);
}

/* --- from the host -------------------------------------------------------- */

/* As virtio_transport_stream_do_dequeue(): send an update when the host may soon have to wait, or
 * the reader has to.
 */
static void read_stream(struct driver *d)
{
	__u32 n;

	while (d->unread) {
		n = min(d->unread, READ_LEN);
		d->unread -= n;
		d->fwd_cnt += n;
		if (!d->unread || DRV_BUF_ALLOC - (d->fwd_cnt - d->told_fwd_cnt) <
				  MAX_PAYLOAD)
			send_op(d, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	}
}

/* As virtio_transport_seqpacket_do_dequeue(): send an update for each message. */
static void read_messages(struct driver *d)
{
	for (; d->unread_messages; d->unread_messages--) {
		d->fwd_cnt += load_run.load->size;
		d->pair->guest.rx_messages++;
		send_op(d, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	}
}

void drv_read(struct driver *d)
{
	if (d->type == VIRTIO_VSOCK_TYPE_STREAM)
		read_stream(d);
	else
		read_messages(d);
}

static void take_data(struct driver *d, const struct pkt *h)
{
	d->pair->guest.rx_bytes += h->len;
	if (d->type == VIRTIO_VSOCK_TYPE_STREAM) {
		d->unread += h->len;
		return;
	}
	d->message += h->len;
	if (!(h->flags & VIRTIO_VSOCK_SEQ_EOM))
		return;
	if (d->message != load_run.load->size)
		load_fail("the guest got a message of %u bytes", d->message);
	d->message = 0;
	d->unread_messages++;
}

static void new_connection(struct driver *d, __u32 port, __u32 peer_port)
{
	d->port = port;
	d->peer_port = peer_port;
	d->fwd_cnt = 0;
	d->tx_cnt = 0;
	d->answered = false;
	d->closing = false;
	d->reset = false;
	d->peer_closed = false;
}

static void take_request(struct driver *d, const struct pkt *h)
{
	d->accepted++;
	new_connection(d, d->port, h->src_port);
	send_op(d, VIRTIO_VSOCK_OP_RESPONSE, 0);
}

/* The program reads the rest, sees the end, and closes its socket, too. */
static void take_shutdown(struct driver *d)
{
	drv_read(d);
	d->peer_closed = true;
	send_op(d, VIRTIO_VSOCK_OP_RST, 0);
}

static void take_reset(struct driver *d, const struct pkt *h)
{
	/* Linux may send a second RST when it closes its socket. */
	if (h->dst_port != d->port)
		return;
	if (!d->closing)
		load_fail("the host reset the connection");
	d->reset = true;
}

static void take_packet(struct driver *d, const struct pkt *h)
{
	if (h->op == VIRTIO_VSOCK_OP_RST) {
		take_reset(d, h);
		return;
	}
	if (h->dst_port != d->port || h->dst_cid != d->g.cfg.cid ||
	    h->type != d->type)
		load_fail("a packet of another connection");
	d->peer_buf_alloc = h->buf_alloc;
	d->peer_fwd_cnt = h->fwd_cnt;
	switch (h->op) {
	case VIRTIO_VSOCK_OP_RW:
		take_data(d, h);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		send_op(d, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
		break;
	case VIRTIO_VSOCK_OP_REQUEST:
		take_request(d, h);
		break;
	case VIRTIO_VSOCK_OP_RESPONSE:
		d->answered = true;
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		take_shutdown(d);
		break;
	default:
		load_fail("a packet with op %u", h->op);
	}
}

static void take_buffer(struct driver *d, struct drv_slot *s, __u32 len)
{
	const struct pkt h = pkt_decode(s->hdr);

	if (len != HDR_LEN + (__u64)h.len)
		load_fail("%u bytes used of a packet of %u", len, h.len);
	d->pair->host_packets++;
	take_packet(d, &h);
}

static unsigned int reap_rx(struct driver *d)
{
	unsigned int n = reap(d, &d->g.q[RXQ].ring, &d->rx, take_buffer);

	if (d->rx.nfree > DRV_NUM / 2)
		post_rx(d);
	return n;
}

unsigned int drv_reap(struct driver *d)
{
	return reap_rx(d) + reap_tx(d);
}

/* --- connections ---------------------------------------------------------- */

void drv_connect(struct driver *d, __u16 type, __u32 port, __u32 peer_port)
{
	d->type = type;
	new_connection(d, port, peer_port);
	send_op(d, VIRTIO_VSOCK_OP_REQUEST, 0);
	while (!d->answered)
		if (!drv_reap(d))
			drv_wait(d);
}

void drv_close(struct driver *d)
{
	d->closing = true;
	send_op(d, VIRTIO_VSOCK_OP_SHUTDOWN,
		VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND);
	while (!d->reset)
		if (!drv_reap(d))
			drv_wait(d);
}
