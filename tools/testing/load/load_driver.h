/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's driver under load: packets are in flight in both rings at the same time; nothing is
 * copied, and no memory is allocated for a packet.
 *
 * As in Linux 6.12 guests of QEMU: rings of 128; receive buffers of 3776 bytes for header and
 * payload together, reposted when half of them are used; a packet with payload takes a table of two
 * descriptors, one without a single descriptor; interrupts are enabled after each round of used
 * entries.
 */
#ifndef MVS_RING_LOAD_DRIVER_H
#define MVS_RING_LOAD_DRIVER_H

#include "guest.h"
#include "load.h"

#define DRV_NUM		128
#define DRV_RX_LEN	3776U
#define DRV_BUF_ALLOC	(256 * 1024U)

/* The memory of a packet, starting with its header. */
struct drv_slot {
	struct virtio_vsock_hdr *hdr;
	__u64 gpa;
	void *table;
	__u64 table_gpa;
};

/* Slots that are not in flight; the last one returned is used first. */
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
	bool closing;		/* RST is expected now */
	bool reset;
	bool peer_closed;
	unsigned int accepted;	/* connections opened by the host */

	/* received, and not read by the guest's program yet */
	__u32 unread;		/* stream: bytes */
	__u32 unread_messages;	/* seqpacket */
	__u32 message;		/* bytes of an incomplete message */
};

/**
 * drv_start() - start a device with a driver
 * @d: the driver
 * @path: path of the device
 * @cid: its CID
 * @pair: counts packets, kicks and interrupts
 * @tx_len: maximum payload that it will send
 */
void drv_start(struct driver *d, const char *path, __u64 cid,
	       struct load_pair *pair, __u32 tx_len);
void drv_stop(struct driver *d);

/* Reap used chains of both rings. Returns their number. */
unsigned int drv_reap(struct driver *d);

/* Wait for an interrupt; there may already have been one for chains that were reaped. */
void drv_wait(struct driver *d);

/* Open a connection of this type to the host's @peer_port. */
void drv_connect(struct driver *d, __u16 type, __u32 port, __u32 peer_port);

/* Send the connection's next @left bytes, or as many as credit and ring allow in one packet.
 * Returns how many. The last bytes have @flags.
 */
__u32 drv_send(struct driver *d, __u32 left, __u32 flags);

/* What a program that reads all received data does, and its driver: credit as granted by Linux. */
void drv_read(struct driver *d);

/* Shut down both directions, and wait for the host's RST. */
void drv_close(struct driver *d);

/* Wait until all packets to the host have been used. */
void drv_flush(struct driver *d);

#endif
