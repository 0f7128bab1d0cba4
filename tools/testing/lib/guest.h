/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest: memory, two rings with their eventfds, a device, and the driver's
 * loop that posts receive buffers and collects packets.
 *
 * Default memory map (guest-physical):
 *
 *	0x00100000  1 MiB	region 0: rings
 *	0x00200000  8 MiB	region 1: buffers; touches region 0
 *	0x00a00000		hole
 *	0x01000000  1 MiB	region 2
 *	0x01100000  1 MiB	region 3: touches region 2
 */
#ifndef MVS_RING_GUEST_H
#define MVS_RING_GUEST_H

#include "device.h"
#include "layout.h"
#include "packet.h"
#include "ring.h"

#define GUEST_BUFFERS	0x00200000ULL	/* region 1, right behind region 0 */
#define GUEST_HOLE	0x00a00000ULL	/* just past region 1 */
#define GUEST_EDGE	0x01100000ULL	/* between regions 2 and 3 */
#define GUEST_END	0x01200000ULL	/* past all memory */

#define GUEST_MAX_SEGS	1024
#define GUEST_TX_ROOM	0x200000ULL	/* for a packet to send, at tx_gpa */

/* Regions for rings and for buffers. */
enum { MEM_RINGS, MEM_BUFFERS };

struct guest_config {
	const char *path;
	__u64 cid;
	__u64 features;
	unsigned int num[NUM_QUEUES];
	__u32 base[NUM_QUEUES];	/* 0: as after a reset */
	unsigned int rx_bufs;	/* posted at start; 0: the caller posts */
	__u32 rx_size;
	const struct layout *rx_layout;
	const struct layout *tx_layout;
	bool packed;		/* layout of both rings */
	bool in_order;		/* used in the order they were made available */
	bool indirect;		/* chains of both rings */
	bool rings_apart;	/* rings outside of the guest's memory */
	bool iommu;		/* see iommu.h */
};

struct guest_queue {
	struct ring ring;
	int kick;
	int call;
	int err;
	void *mem;
	size_t mapped;	/* if not in guest memory */
};

/* A received packet. */
struct packet {
	struct packet *next;
	struct pkt hdr;
	__u32 used_len;
	__u32 taken;	/* by a reader of the payload */
	__u8 data[];
};

struct packet_list {
	struct packet *first;
	struct packet **last;
};

struct rx_buf;

struct guest {
	struct guest_config cfg;
	struct mem mem;
	struct dev dev;
	struct guest_queue q[NUM_QUEUES];
	struct packet_list inbox;
	struct rx_buf *rx_bufs;
	bool rx_repost;		/* give a received buffer back at once */

	/* where guest_send() lays its packet, and an indirect table for it */
	__u64 tx_gpa;
	__u64 tx_table;

	/* what went wrong with the device's side */
	unsigned int missed_calls;	/* used entries without their interrupt */
	unsigned int bad_used;		/* not in flight, or a wrong length */
};

void packet_list_init(struct packet_list *l);
void packet_list_add(struct packet_list *l, struct packet *p);
struct packet *packet_list_pop(struct packet_list *l);
void packet_list_purge(struct packet_list *l);

/* The default: both rings of 128, 32 receive buffers of 4 KiB. */
struct guest_config guest_config(const char *path, __u64 cid);

/**
 * guest_alloc() - memory, rings and eventfds; no device yet
 * @g: the guest
 * @cfg: what it shall be
 *
 * Return: 0 or a negative errno.
 */
int guest_alloc(struct guest *g, const struct guest_config *cfg);
void guest_free(struct guest *g);

/* Give a ring to the device: NUM, BASE, ADDR, CALL, ERR, KICK. */
int guest_set_ring(struct guest *g, unsigned int q);

/* Its addresses alone. With @log, what the device writes there is to be logged, its Device
 * Area from @log_gpa on.
 */
int guest_set_ring_addr(const struct guest *g, unsigned int q, bool log,
			__u64 log_gpa);

/* Stop the device, wherever its rings are, with both at their beginning. */
int guest_rewind(struct guest *g);

/* guest_set_ring() of a device that is stopped: empty, and where it stopped. */
int guest_empty_ring(struct guest *g, unsigned int q);

/* Open the device; owner, features, memory, rings, CID; not running. */
int guest_setup(struct guest *g);

/* Same on a device that is open. */
int guest_configure(struct guest *g);

/* guest_alloc(), guest_setup(), SET_RUNNING(1), receive buffers. */
int guest_start(struct guest *g, const struct guest_config *cfg);

/* Close the device, free all. */
void guest_stop(struct guest *g);

/* Post one more receive buffer of @size bytes; publish and kick if wanted. */
int guest_post_rx(struct guest *g, __u32 size, const struct layout *l);

/* Same, the buffer's first piece at @gpa. */
int guest_post_rx_at(struct guest *g, __u64 gpa, __u32 size,
		     const struct layout *l);

/* Publish what was pushed and kick if the device wants it (and tell whether it
 * did), or in any case.
 */
bool guest_notify(struct guest *g, unsigned int q);
void guest_kick(struct guest *g, unsigned int q);

/**
 * guest_poll() - one round of the driver's loop
 * @g: the guest
 * @timeout: how long to wait for an interrupt, in ms
 *
 * Collects what both rings returned. Waits only if that is nothing.
 *
 * Return: how many chains came back, 0 after the timeout, or a negative errno.
 */
int guest_poll(struct guest *g, int timeout);

/* The next packet, to be freed by the caller; NULL after @timeout ms. */
struct packet *guest_recv(struct guest *g, int timeout);

/* A chain of the transmit ring on its way. */
struct tx {
	bool done;
	__u32 len;
};

/* Poll until @tx came back. 0 or -ETIMEDOUT. */
int guest_wait_tx(struct guest *g, const struct tx *tx, int timeout);

/**
 * guest_send_segs() - send a chain that is already written, wait for it
 * @g: the guest
 * @segs: the chain
 * @n: its descriptors
 * @timeout: in ms
 *
 * Return: 0, -ETIMEDOUT, -ENOSPC.
 */
int guest_send_segs(struct guest *g, const struct seg *segs, unsigned int n,
		    int timeout);

/* Send a packet laid out as the guest is configured, wait for it. */
int guest_send(struct guest *g, const struct pkt *hdr, const void *payload,
	       int timeout);

/* Has the ring's error eventfd been signalled within @timeout ms? */
bool guest_ring_error(struct guest *g, unsigned int q, int timeout);

#endif
