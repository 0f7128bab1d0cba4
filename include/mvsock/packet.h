/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets: a struct virtio_vsock_hdr and its payload, in one chain (virtio 1.3, 5.10.6).
 *
 * A packet from the guest is a TX chain, all device-readable. A packet to the guest is written to
 * an RX chain, all device-writable; a payload that does not fit is split into several packets. The
 * host's memory for the payload is an iov_iter.
 */
#ifndef _MVSOCK_PACKET_H
#define _MVSOCK_PACKET_H

#include <linux/uio.h>
#include <uapi/linux/virtio_vsock.h>

#include <mvsock/chain.h>
#include <mvsock/mem.h>

/* Maximum payload of a packet, in bytes, in either direction. */
#define MVS_PACKET_MAX	(64 * 1024)

int mvs_packet_parse(struct mvs_chain *chain, struct mvs_mem *gm,
		     u64 guest_cid, struct virtio_vsock_hdr *hdr);
int mvs_packet_read(struct mvs_chain *chain, struct mvs_mem *gm, u32 len,
		    struct iov_iter *to);
int mvs_packet_room(struct mvs_chain *chain);
int mvs_packet_write(struct mvs_chain *chain, struct mvs_mem *gm,
		     struct virtio_vsock_hdr *hdr, struct iov_iter *from,
		     u32 left);
int mvs_packet_write_page(struct mvs_chain *chain, struct mvs_mem *gm,
			  struct virtio_vsock_hdr *hdr, struct iov_iter *from,
			  u32 left);
int mvs_packet_relay(const struct mvs_chain *from, struct mvs_mem *from_gm,
		     struct mvs_chain *to, struct mvs_mem *to_gm,
		     struct virtio_vsock_hdr *hdr, u32 left);

#endif /* _MVSOCK_PACKET_H */
