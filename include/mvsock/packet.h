/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets: a struct virtio_vsock_hdr and its payload, from a TX chain into an skb
 * and from an skb into an RX chain. The header lies in front of the skb's data,
 * as AF_VSOCK's virtio transports have it (virtio_vsock_hdr()).
 */
#ifndef _MVSOCK_PACKET_H
#define _MVSOCK_PACKET_H

#include <linux/skbuff.h>
#include <uapi/linux/virtio_vsock.h>

#include <mvsock/chain.h>
#include <mvsock/gmem.h>

/* Payload bytes a packet may have, either way. */
#define MVS_PACKET_MAX	(64 * 1024)

int mvs_packet_parse(struct mvs_chain *chain, struct mvs_gmem *gm,
		     u64 guest_cid, u64 host_cid, struct virtio_vsock_hdr *hdr);
struct sk_buff *mvs_packet_read(struct mvs_chain *chain, struct mvs_gmem *gm,
				const struct virtio_vsock_hdr *hdr);
int mvs_packet_write(struct mvs_chain *chain, struct mvs_gmem *gm,
		     struct sk_buff *skb);

#endif /* _MVSOCK_PACKET_H */
