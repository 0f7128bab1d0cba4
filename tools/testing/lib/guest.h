/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest: its memory, two rings with their eventfds, a device, and the driver's loop that posts
 * receive buffers and collects packets.
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

#define GUEST_BUFFERS	0x00200000ULL	/* region 1, directly after region 0 */
#define GUEST_HOLE	0x00a00000ULL	/* first address after region 1 */
#define GUEST_EDGE	0x01100000ULL	/* between regions 2 and 3 */
#define GUEST_END	0x01200000ULL	/* first address after all memory */

#define GUEST_MAX_SEGS	1024
#define GUEST_TX_ROOM	0x200000ULL	/* for a packet to send, at tx_gpa */

/* Index of the region for rings, and of the one for buffers. */
enum { MEM_RINGS, MEM_BUFFERS };

struct guest_config {
	const char *path;
	__u64 cid;
	__u64 features;
	unsigned int num[NUM_QUEUES];
	__u32 base[NUM_QUEUES];	/* 0: as after a reset */
	unsigned int rx_bufs;	/* number posted at start; 0: the caller posts them */
	__u32 rx_size;
	const struct layout *rx_layout;
	const struct layout *tx_layout;
	bool packed;		/* layout of both rings */
	bool in_order;		/* used in the order they were made available */
	bool indirect;		/* chains of both rings */
	bool rings_apart;	/* rings outside of guest memory */
	bool iommu;		/* see iommu.h */
};

struct guest_queue {
	struct ring ring;
	int kick;
	int call;
	int err;
	void *mem;
	size_t mapped;	/* 0 if in guest memory */
};

/* A received packet. */
struct packet {
	struct packet *next;
	struct pkt hdr;
	__u32 used_len;
	__u32 taken;	/* for a reader of the payload: bytes taken */
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
	bool rx_repost;		/* repost a received buffer at once */

	/* where guest_send() puts its packet, and the indirect table for it */
	__u64 tx_gpa;
	__u64 tx_table;

	/* violations by the device */
	unsigned int missed_calls;	/* used entries without an interrupt */
	unsigned int bad_used;		/* not in flight, or with a wrong length */
};

void packet_list_init(struct packet_list *l);
void packet_list_add(struct packet_list *l, struct packet *p);
struct packet *packet_list_pop(struct packet_list *l);
void packet_list_purge(struct packet_list *l);

/* The default: two rings of 128, and 32 receive buffers of 4 KiB. */
struct guest_config guest_config(const char *path, __u64 cid);

/**
 * guest_alloc() - allocate memory, rings and eventfds; no device yet
 * @g: the guest
 * @cfg: its configuration
 *
 * Return: 0 or a negative errno.
 */
int guest_alloc(struct guest *g, const struct guest_config *cfg);
void guest_free(struct guest *g);

/* Set up a ring of the device: NUM, BASE, ADDR, CALL, ERR, KICK. */
int guest_set_ring(struct guest *g, unsigned int q);

/* Set only its addresses. With @log, the device has to log its writes to the Device Area, whose
 * guest-physical address is @log_gpa.
 */
int guest_set_ring_addr(const struct guest *g, unsigned int q, bool log,
			__u64 log_gpa);

/* Stop the device and set both rings' bases to the start, wherever its rings are. */
int guest_rewind(struct guest *g);

/* guest_set_ring() for a stopped device: an empty ring that starts where it stopped. */
int guest_empty_ring(struct guest *g, unsigned int q);

/* Open the device and set owner, features, memory, rings, CID; it does not run yet. */
int guest_setup(struct guest *g);

/* The same for a device that is open. */
int guest_configure(struct guest *g);

/* guest_alloc(), guest_setup(), SET_RUNNING(1), post receive buffers. */
int guest_start(struct guest *g, const struct guest_config *cfg);

/* Close the device and free all resources. */
void guest_stop(struct guest *g);

/* Post one more receive buffer of @size bytes; publish it, and kick if the device wants that. */
int guest_post_rx(struct guest *g, __u32 size, const struct layout *l);

/* The same, with the buffer's first piece at @gpa. */
int guest_post_rx_at(struct guest *g, __u64 gpa, __u32 size,
		     const struct layout *l);

/* Publish what was pushed, and kick: the first if the device wants that (returns whether it did),
 * the second in any case.
 */
bool guest_notify(struct guest *g, unsigned int q);
void guest_kick(struct guest *g, unsigned int q);

/**
 * guest_poll() - run one round of the driver's loop
 * @g: the guest
 * @timeout: how long to wait for an interrupt, in ms
 *
 * Collects used chains of both rings. Waits only if there are none.
 *
 * Return: number of used chains, 0 after the timeout, or a negative errno.
 */
int guest_poll(struct guest *g, int timeout);

/* Receive the next packet; the caller frees it. NULL after @timeout ms. */
struct packet *guest_recv(struct guest *g, int timeout);

/* A chain in flight in the transmit ring. */
struct tx {
	bool done;
	__u32 len;
};

/* Poll until @tx has been used. 0 or -ETIMEDOUT. */
int guest_wait_tx(struct guest *g, const struct tx *tx, int timeout);

/**
 * guest_send_segs() - send a chain whose content is in memory already, and wait for it
 * @g: the guest
 * @segs: the chain
 * @n: number of its descriptors
 * @timeout: in ms
 *
 * Return: 0, -ETIMEDOUT, -ENOSPC.
 */
int guest_send_segs(struct guest *g, const struct seg *segs, unsigned int n,
		    int timeout);

/* Send a packet with the layout configured for the guest, and wait for it. */
int guest_send(struct guest *g, const struct pkt *hdr, const void *payload,
	       int timeout);

/* Returns whether the ring's error eventfd is signalled within @timeout ms. */
bool guest_ring_error(struct guest *g, unsigned int q, int timeout);

#endif
