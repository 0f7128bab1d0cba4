// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#define MIB 0x100000ULL

struct rx_buf {
	struct rx_buf *next;
	__u32 size;
	const struct layout *layout;
	__u64 gpa;
	__u64 table;
	unsigned int n;
	struct seg segs[];
};

void packet_list_init(struct packet_list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

void packet_list_add(struct packet_list *l, struct packet *p)
{
	p->next = NULL;
	*l->last = p;
	l->last = &p->next;
}

struct packet *packet_list_pop(struct packet_list *l)
{
	struct packet *p = l->first;

	if (p) {
		l->first = p->next;
		if (!p->next)
			l->last = &l->first;
	}
	return p;
}

void packet_list_purge(struct packet_list *l)
{
	struct packet *p;

	while ((p = packet_list_pop(l)))
		free(p);
}

struct guest_config guest_config(const char *path, __u64 cid)
{
	return (struct guest_config){
		.path = path,
		.cid = cid,
		.features = F_VERSION_1 | F_SEQPACKET,
		.num = { 128, 128 },
		.rx_bufs = 32,
		.rx_size = 4096,
		.rx_layout = &layout_one,
		.tx_layout = &layout_one,
	};
}

static int alloc_memory(struct guest *g)
{
	static const struct { __u64 gpa, size; } map[] = {
		{ 0x00100000, 1 * MIB },
		{ GUEST_BUFFERS, 8 * MIB },
		{ 0x01000000, 1 * MIB },
		{ 0x01100000, 1 * MIB },
	};
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(map); i++) {
		err = mem_add(&g->mem, map[i].gpa, map[i].size);
		if (err)
			return err;
	}
	g->tx_table = mem_alloc(&g->mem, MEM_BUFFERS,
				GUEST_MAX_SEGS * RING_DESC_LEN, 16);
	/* The largest packet, and gaps between its pieces. */
	g->tx_gpa = mem_alloc(&g->mem, MEM_BUFFERS, GUEST_TX_ROOM, 4096);
	return 0;
}

static int alloc_queue(struct guest *g, unsigned int i)
{
	struct ring_features f = {
		.packed = g->cfg.packed,
		.event_idx = g->cfg.features & F_EVENT_IDX,
		.in_order = g->cfg.in_order,
		.legacy = !(g->cfg.features & F_VERSION_1),
	};
	struct guest_queue *q = &g->q[i];
	size_t bytes = ring_bytes(&f, g->cfg.num[i]);

	q->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	q->call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	q->err = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (q->kick < 0 || q->call < 0 || q->err < 0)
		return -errno;
	if (g->cfg.rings_apart) {
		/* Shared even with child processes, so that no write after a fork copies pages. */
		q->mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (q->mem == MAP_FAILED)
			return -errno;
		q->mapped = bytes;
	} else {
		__u64 gpa = mem_alloc(&g->mem, MEM_RINGS, bytes, 4096);

		q->mem = mem_ptr(&g->mem, gpa, bytes);
		if (!q->mem)
			return -ENOMEM;
	}
	return ring_init(&q->ring, g->cfg.num[i], q->mem, &f,
			 g->cfg.base[i] ?: ring_first_base(&f));
}

int guest_alloc(struct guest *g, const struct guest_config *cfg)
{
	unsigned int i;
	int err;

	memset(g, 0, sizeof(*g));
	g->cfg = *cfg;
	g->cfg.features |= cfg->packed ? F_PACKED : 0;
	g->cfg.features |= cfg->in_order ? F_IN_ORDER : 0;
	g->cfg.features |= cfg->iommu ? F_ACCESS_PLATFORM : 0;
	g->dev.fd = -1;
	for (i = 0; i < NUM_QUEUES; i++)
		g->q[i] = (struct guest_queue){ .kick = -1, -1, -1 };
	g->rx_repost = cfg->rx_bufs;
	packet_list_init(&g->inbox);
	err = alloc_memory(g);
	for (i = 0; !err && i < NUM_QUEUES; i++)
		err = alloc_queue(g, i);
	if (err)
		guest_free(g);
	return err;
}

void guest_free(struct guest *g)
{
	struct rx_buf *b;
	unsigned int i;

	packet_list_purge(&g->inbox);
	while ((b = g->rx_bufs)) {
		g->rx_bufs = b->next;
		free(b);
	}
	for (i = NUM_QUEUES; i--;) {
		struct guest_queue *q = &g->q[i];

		ring_free(&q->ring);
		if (q->mapped)
			munmap(q->mem, q->mapped);
		close(q->err);
		close(q->call);
		close(q->kick);
	}
	mem_free(&g->mem);
}

/* Behind an IOMMU the addresses of rings are I/O virtual, as those of buffers are. */
static __u64 ring_addr(const struct guest *g, const void *area)
{
	return g->cfg.iommu ? mem_gpa(&g->mem, area) : (uintptr_t)area;
}

int guest_set_ring_addr(const struct guest *g, unsigned int i, bool log,
			__u64 log_gpa)
{
	const struct ring *r = &g->q[i].ring;
	struct vhost_vring_addr a = {
		.index = i,
		.flags = log ? 1U << VHOST_VRING_F_LOG : 0,
		.desc_user_addr = ring_addr(g, r->desc_area),
		.avail_user_addr = ring_addr(g, r->driver_area),
		.used_user_addr = ring_addr(g, r->device_area),
		.log_guest_addr = log_gpa,
	};

	return dev_ioctl(&g->dev, VHOST_SET_VRING_ADDR, &a);
}

int guest_set_ring(struct guest *g, unsigned int i)
{
	const struct guest_queue *q = &g->q[i];
	const struct ring *r = &q->ring;
	int err;

	err = dev_set_ring_num(&g->dev, i, r->num);
	if (!err)
		err = dev_set_ring_base(&g->dev, i, ring_base(r));
	if (!err)
		err = guest_set_ring_addr(g, i, false, 0);
	if (!err)
		err = dev_set_ring_call(&g->dev, i, q->call);
	if (!err)
		err = dev_set_ring_err(&g->dev, i, q->err);
	if (!err)
		err = dev_set_ring_kick(&g->dev, i, q->kick);
	return err;
}

int guest_configure(struct guest *g)
{
	unsigned int i;
	int err;

	err = dev_set_owner(&g->dev);
	if (!err)
		err = dev_set_features(&g->dev, g->cfg.features);
	if (!err)
		err = dev_set_mem_table(&g->dev, &g->mem);
	for (i = 0; !err && i < NUM_QUEUES; i++)
		err = guest_set_ring(g, i);
	if (!err)
		err = dev_set_cid(&g->dev, g->cfg.cid);
	return err;
}

int guest_rewind(struct guest *g)
{
	unsigned int i;
	int err;

	err = dev_set_running(&g->dev, 0);
	if (!err)
		err = dev_set_features(&g->dev, g->cfg.features);
	for (i = 0; !err && i < NUM_QUEUES; i++)
		err = dev_set_ring_base(&g->dev, i,
					ring_first_base(&g->q[i].ring.f));
	return err;
}

int guest_empty_ring(struct guest *g, unsigned int i)
{
	__u32 base;
	int err;

	/* Keep the base: a ring that starts at another one would belong to another driver. */
	err = dev_get_ring_base(&g->dev, i, &base);
	if (err)
		return err;
	ring_reset(&g->q[i].ring, base);
	return guest_set_ring(g, i);
}

int guest_setup(struct guest *g)
{
	int err = dev_open(&g->dev, g->cfg.path, 0);

	return err ?: guest_configure(g);
}

int guest_start(struct guest *g, const struct guest_config *cfg)
{
	unsigned int i;
	int err;

	err = guest_alloc(g, cfg);
	if (err)
		return err;
	err = guest_setup(g);
	if (!err)
		err = dev_set_running(&g->dev, 1);
	for (i = 0; !err && i < cfg->rx_bufs; i++)
		err = guest_post_rx(g, cfg->rx_size, cfg->rx_layout);
	if (err)
		guest_stop(g);
	return err;
}

void guest_stop(struct guest *g)
{
	dev_close(&g->dev);
	guest_free(g);
}

void guest_kick(struct guest *g, unsigned int q)
{
	ring_publish(&g->q[q].ring);
	ring_kick_wanted(&g->q[q].ring);
	eventfd_write(g->q[q].kick, 1);
}

bool guest_notify(struct guest *g, unsigned int q)
{
	ring_publish(&g->q[q].ring);
	if (!ring_kick_wanted(&g->q[q].ring))
		return false;
	eventfd_write(g->q[q].kick, 1);
	return true;
}

static int push_segs(struct guest *g, unsigned int q, const struct seg *segs,
		     unsigned int n, __u64 table, void *token)
{
	struct ring *r = &g->q[q].ring;

	if (!g->cfg.indirect)
		return ring_add(r, segs, n, token);
	return ring_add_indirect(r, segs, n,
				 mem_ptr(&g->mem, table, n * RING_DESC_LEN),
				 table, token);
}

/* @gpa 0: at any free address. */
static struct rx_buf *rx_buf_new(struct guest *g, __u64 gpa, __u32 size,
				 const struct layout *l)
{
	struct seg segs[GUEST_MAX_SEGS];
	struct rx_buf *b;
	int n;

	/* Lay the buffer out at address 0 first, to find out how much memory it spans. */
	n = layout_cut(l, 0, size, true, segs, GUEST_MAX_SEGS);
	if (n <= 0)
		return NULL;
	b = calloc(1, sizeof(*b) + n * sizeof(b->segs[0]));
	if (!b)
		return NULL;
	b->size = size;
	b->layout = l;
	b->n = n;
	b->gpa = gpa ?: mem_alloc(&g->mem, MEM_BUFFERS,
				  segs[n - 1].addr + segs[n - 1].len, 1);
	if (g->cfg.indirect)
		b->table = mem_alloc(&g->mem, MEM_BUFFERS,
				     n * RING_DESC_LEN, 16);
	if (!b->gpa || (g->cfg.indirect && !b->table)) {
		free(b);
		return NULL;
	}
	layout_cut(l, b->gpa, size, true, b->segs, n);
	return b;
}

/* Reuse a returned buffer of this size and layout, or allocate a new one. */
static struct rx_buf *rx_buf_get(struct guest *g, __u32 size,
				 const struct layout *l)
{
	struct rx_buf **p, *b;

	for (p = &g->rx_bufs; (b = *p); p = &b->next)
		if (b->size == size && b->layout == l) {
			*p = b->next;
			return b;
		}
	return rx_buf_new(g, 0, size, l);
}

static void rx_buf_put(struct guest *g, struct rx_buf *b)
{
	b->next = g->rx_bufs;
	g->rx_bufs = b;
}

static int push_rx(struct guest *g, struct rx_buf *b)
{
	int err = push_segs(g, RXQ, b->segs, b->n, b->table, b);

	if (err >= 0)
		return 0;
	rx_buf_put(g, b);
	return err;
}

static int post_rx(struct guest *g, struct rx_buf *b)
{
	int err = b ? push_rx(g, b) : -ENOMEM;

	if (!err)
		guest_notify(g, RXQ);
	return err;
}

int guest_post_rx(struct guest *g, __u32 size, const struct layout *l)
{
	return post_rx(g, rx_buf_get(g, size, l));
}

int guest_post_rx_at(struct guest *g, __u64 gpa, __u32 size,
		     const struct layout *l)
{
	return post_rx(g, rx_buf_new(g, gpa, size, l));
}

/* Move the packet of a used receive buffer to the inbox. */
static int take_packet(struct guest *g, const struct rx_buf *b, __u32 len)
{
	struct virtio_vsock_hdr hdr;
	struct packet *p;

	if (len < HDR_LEN || len > b->size) {
		g->bad_used++;
		return 0;
	}
	p = malloc(sizeof(*p) + len);
	if (!p)
		return -ENOMEM;
	segs_read(&g->mem, b->segs, b->n, 0, &hdr, HDR_LEN);
	segs_read(&g->mem, b->segs, b->n, HDR_LEN, p->data, len - HDR_LEN);
	p->hdr = pkt_decode(&hdr);
	p->used_len = len;
	p->taken = 0;
	if (p->hdr.len != len - HDR_LEN)
		g->bad_used++;
	packet_list_add(&g->inbox, p);
	return 0;
}

static int reap_rx(struct guest *g)
{
	int n = 0, head, err = 0;
	void *token;
	__u32 len;

	while ((head = ring_get_used(&g->q[RXQ].ring, &len, &token)) >= 0) {
		struct rx_buf *b = token;

		n++;
		/* A buffer posted by the test itself, into which nothing may be written. */
		if (!b) {
			g->bad_used += len != 0;
			continue;
		}
		err = take_packet(g, b, len);
		if (err)
			return err;
		if (g->rx_repost)
			err = push_rx(g, b);
		else
			rx_buf_put(g, b);
		if (err)
			return err;
	}
	if (n && g->rx_repost)
		guest_notify(g, RXQ);
	if (head == -EPROTO)
		g->bad_used++;
	return n;
}

static int reap_tx(struct guest *g)
{
	void *token;
	__u32 len;
	int n = 0, head;

	while ((head = ring_get_used(&g->q[TXQ].ring, &len, &token)) >= 0) {
		struct tx *tx = token;

		n++;
		if (!tx)
			continue;
		tx->done = true;
		tx->len = len;
	}
	if (head == -EPROTO)
		g->bad_used++;
	return n;
}

static int reap(struct guest *g)
{
	int rx = reap_rx(g);

	return rx < 0 ? rx : rx + reap_tx(g);
}

static bool has_used(const struct guest *g)
{
	return ring_has_used(&g->q[RXQ].ring) || ring_has_used(&g->q[TXQ].ring);
}

static int poll_once(struct guest *g, int timeout)
{
	struct pollfd fds[NUM_QUEUES] = {
		{ .fd = g->q[RXQ].call, .events = POLLIN },
		{ .fd = g->q[TXQ].call, .events = POLLIN },
	};
	eventfd_t junk;
	int n, i;

	n = reap(g);
	if (n || !timeout)
		return n;
	/* Discard interrupts for chains that were reaped above. */
	for (i = 0; i < NUM_QUEUES; i++) {
		eventfd_read(g->q[i].call, &junk);
		ring_arm(&g->q[i].ring);
	}
	if (!has_used(g)) {
		n = poll(fds, NUM_QUEUES, timeout);
		if (n < 0 && errno != EINTR)
			return -errno;
		/* The interrupt may come a little later than the index. */
		if (!n && has_used(g) && poll(fds, NUM_QUEUES, 2000) == 0)
			g->missed_calls++;
	}
	return reap(g);
}

int guest_poll(struct guest *g, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	int n;

	/* An interrupt may belong to chains that were reaped before it was seen. */
	do {
		n = poll_once(g, timeout ? ms_left(deadline) : 0);
	} while (!n && timeout && ms_left(deadline));
	return n;
}

struct packet *guest_recv(struct guest *g, int timeout)
{
	__u64 deadline = now_ms() + timeout;

	do {
		if (!g->inbox.first && guest_poll(g, ms_left(deadline)) < 0)
			return NULL;
	} while (!g->inbox.first && ms_left(deadline));
	return packet_list_pop(&g->inbox);
}

int guest_wait_tx(struct guest *g, const struct tx *tx, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	int n;

	while (!tx->done) {
		n = guest_poll(g, ms_left(deadline));
		if (n <= 0)
			return n ?: -ETIMEDOUT;
	}
	return 0;
}

int guest_send_segs(struct guest *g, const struct seg *segs, unsigned int n,
		    int timeout)
{
	struct tx tx = { 0 };
	int head, r;

	head = push_segs(g, TXQ, segs, n, g->tx_table, &tx);
	if (head < 0)
		return head;
	guest_notify(g, TXQ);
	r = guest_wait_tx(g, &tx, timeout);
	/* A late used entry must not refer to this stack frame. */
	if (r)
		g->q[TXQ].ring.chain[head].token = NULL;
	return r;
}

int guest_send(struct guest *g, const struct pkt *hdr, const void *payload,
	       int timeout)
{
	struct virtio_vsock_hdr h = pkt_encode(hdr);
	struct seg segs[GUEST_MAX_SEGS];
	int n;

	n = layout_cut(g->cfg.tx_layout, g->tx_gpa, HDR_LEN + hdr->len, false,
		       segs, GUEST_MAX_SEGS);
	if (n < 0)
		return n;
	segs_write(&g->mem, segs, n, 0, &h, HDR_LEN);
	segs_write(&g->mem, segs, n, HDR_LEN, payload, hdr->len);
	return guest_send_segs(g, segs, n, timeout);
}

bool guest_ring_error(struct guest *g, unsigned int q, int timeout)
{
	struct pollfd fd = { .fd = g->q[q].err, .events = POLLIN };
	eventfd_t junk;

	if (poll(&fd, 1, timeout) != 1)
		return false;
	return !eventfd_read(g->q[q].err, &junk);
}
