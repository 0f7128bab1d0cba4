/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's driver under load: packets on their way in both rings at the same
 * time, nothing copied and no memory got for a packet.
 *
 * As in the guests of QEMU with Linux 6.12: rings of 128, a receive buffer of 3776
 * bytes for header and payload together, posted anew when half of them are gone; a
 * packet with payload in a table of two descriptors, one without in a descriptor;
 * after each round of used entries an interrupt is asked for.
 */
#ifndef MVS_RING_LOAD_DRIVER_H
#define MVS_RING_LOAD_DRIVER_H

#include "guest.h"
#include "load.h"

#define DRV_NUM		128
#define DRV_RX_LEN	3776U
#define DRV_BUF_ALLOC	(256 * 1024U)

/* A packet's memory, header first. */
struct drv_slot {
	struct virtio_vsock_hdr *hdr;
	__u64 gpa;
	void *table;
	__u64 table_gpa;
};

/* Slots that are not in flight; the last one to come back is the first to go. */
struct drv_pool {
	struct drv_slot slot[DRV_NUM];
	struct drv_slot *free[DRV_NUM];
	unsigned int nfree;
};

struct driver {
	struct guest g;
	struct load_pair *pair;
	struct drv_pool rx;
	struct drv_pool tx;

	/* the connection */
	__u16 type;
	__u32 port;
	__u32 peer_port;
	__u32 fwd_cnt;
	__u32 told_fwd_cnt;
	__u32 tx_cnt;
	__u32 peer_buf_alloc;
	__u32 peer_fwd_cnt;
	__u32 window;		/* if less than the host's credit */
	bool answered;
	bool closing;		/* RST is what comes now */
	bool reset;
	bool peer_closed;
	unsigned int accepted;	/* connections of the host's */

	/* received, and not read by the guest's program */
	__u32 unread;		/* stream: bytes */
	__u32 unread_messages;	/* seqpacket */
	__u32 message;		/* bytes of a message that has no end yet */
};

/**
 * drv_start() - start a device with a driver
 * @d: the driver
 * @path: of the device
 * @cid: its CID
 * @pair: where packets, kicks and interrupts are counted
 * @tx_len: the longest payload it will send
 */
void drv_start(struct driver *d, const char *path, __u64 cid,
	       struct load_pair *pair, __u32 tx_len);
void drv_stop(struct driver *d);

/* Take what the device gave back in both rings. Returns how many chains. */
unsigned int drv_reap(struct driver *d);

/* Wait for an interrupt; there may have been one for what was reaped already. */
void drv_wait(struct driver *d);

/* A stream of this type, to the host's @peer_port. */
void drv_connect(struct driver *d, __u16 type, __u32 port, __u32 peer_port);

/* The connection's next @left bytes or as many as credit and the ring allow in a
 * packet: how many those were. The last bytes have @flags.
 */
__u32 drv_send(struct driver *d, __u32 left, __u32 flags);

/* What a program does that reads all that has come, and the driver for it: credit
 * by Linux's rule.
 */
void drv_read(struct driver *d);

/* Shut down both ways, and wait for the host's RST. */
void drv_close(struct driver *d);

/* Wait until all packets to the host were taken. */
void drv_flush(struct driver *d);

#endif
