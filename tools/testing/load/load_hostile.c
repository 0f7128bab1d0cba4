// SPDX-License-Identifier: GPL-2.0
/*
 * A malicious guest beside those of a load, which only makes work for the host: endless chains,
 * packets without a connection that must be answered, buffers too small for a packet; all of it
 * reposted as soon as it is used.
 */
#include "conn.h"
#include "load.h"

#define NUM		128
#define TABLE		1024	/* as many descriptors as a chain may have */
#define BUF_LEN		4096

static struct guest g;
static __u64 table;

static void start(void)
{
	struct guest_config cfg = guest_config(load_run.opt->path,
					       load_run.first_cid +
					       LOAD_MAX_GUESTS);
	__u8 *p;
	unsigned int i;

	cfg.features |= F_INDIRECT | F_EVENT_IDX;
	cfg.num[RXQ] = NUM;
	cfg.num[TXQ] = NUM;
	cfg.rx_bufs = 0;
	load_need(guest_start(&g, &cfg));
	table = mem_alloc(&g.mem, MEM_BUFFERS, TABLE * RING_DESC_LEN, 4096);
	p = mem_ptr(&g.mem, table, TABLE * RING_DESC_LEN);
	if (!p)
		load_fail("no memory for a table");
	/* The last descriptor links back to the first one. */
	for (i = 0; i < TABLE; i++)
		ring_set_entry(&g.q[TXQ].ring, p + i * RING_DESC_LEN, g.tx_gpa,
			       1, VRING_DESC_F_NEXT, (i + 1) % TABLE);
}

/* A packet of maximum size for a port without a listener. */
static void write_packet(void)
{
	const struct pkt p = {
		.src_cid = g.cfg.cid, .dst_cid = HOST_CID, .src_port = 99,
		.dst_port = 1, .type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = VIRTIO_VSOCK_OP_RW, .len = MAX_PAYLOAD,
	};
	struct virtio_vsock_hdr h = pkt_encode(&p);

	load_need(mem_write(&g.mem, g.tx_gpa, &h, HDR_LEN));
}

static bool add_loop(struct ring *r)
{
	__u16 i;
	int chain = ring_take(r, 1, &i, NULL);

	if (chain < 0)
		return false;
	ring_set_desc(r, i, table, TABLE * RING_DESC_LEN, VRING_DESC_F_INDIRECT,
		      0);
	ring_push(r, chain);
	return true;
}

static void refill(void)
{
	const struct seg packet = { g.tx_gpa, HDR_LEN + MAX_PAYLOAD, false };
	struct seg buf = { g.tx_gpa, HDR_LEN - 1, true };
	struct ring *r = &g.q[TXQ].ring;

	while (ring_add(r, &packet, 1, NULL) >= 0 && add_loop(r))
		;
	r = &g.q[RXQ].ring;
	while (ring_add(r, &buf, 1, NULL) >= 0)
		buf.len = buf.len < HDR_LEN ? BUF_LEN : HDR_LEN - 1;
}

static bool others_go_on(void)
{
	unsigned int i;

	for (i = 0; i < load_run.opt->guests; i++)
		if (!__atomic_load_n(&load_run.shared->pair[i].guest.end,
				     __ATOMIC_RELAXED))
			return true;
	return false;
}

void load_hostile(void)
{
	struct load_end end;
	unsigned int i;
	void *token;
	__u32 len;

	start();
	load_begin(&end);
	while (others_go_on()) {
		for (i = 0; i < NUM_QUEUES; i++)
			while (ring_get_used(&g.q[i].ring, &len, &token) >= 0)
				;
		/* The last packet to the host may have been overwritten. */
		write_packet();
		refill();
		for (i = 0; i < NUM_QUEUES; i++)
			guest_kick(&g, i);
	}
	guest_stop(&g);
}
