// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of packets for vsockmon, made when somebody listens.
 */
#include <linux/skbuff.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>
#include <uapi/linux/vsockmon.h>

#include <mvsock/packet.h>
#include <mvsock/tap.h>

/**
 * struct tapped - a packet
 * @hdr: its header
 * @chain: where it is in the guest's memory
 * @gm: that memory
 */
struct tapped {
	const struct virtio_vsock_hdr *hdr;
	const struct mvs_chain *chain;
	struct mvs_gmem *gm;
};

static u16 tap_op(u16 op)
{
	switch (op) {
	case VIRTIO_VSOCK_OP_REQUEST:
	case VIRTIO_VSOCK_OP_RESPONSE:
		return AF_VSOCK_OP_CONNECT;
	case VIRTIO_VSOCK_OP_RST:
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		return AF_VSOCK_OP_DISCONNECT;
	case VIRTIO_VSOCK_OP_RW:
		return AF_VSOCK_OP_PAYLOAD;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		return AF_VSOCK_OP_CONTROL;
	default:
		return AF_VSOCK_OP_UNKNOWN;
	}
}

/* Called by vsock_deliver_tap() under RCU. */
static struct sk_buff *build(void *opaque)
{
	const struct tapped *packet = opaque;
	const struct virtio_vsock_hdr *hdr = packet->hdr;
	u32 len = le32_to_cpu(hdr->len);
	struct af_vsockmon_hdr mon = {
		.src_cid = hdr->src_cid,
		.dst_cid = hdr->dst_cid,
		.src_port = hdr->src_port,
		.dst_port = hdr->dst_port,
		.op = cpu_to_le16(tap_op(le16_to_cpu(hdr->op))),
		.transport = cpu_to_le16(AF_VSOCK_TRANSPORT_VIRTIO),
		.len = cpu_to_le16(sizeof(*hdr)),
	};
	struct sk_buff *skb;

	skb = alloc_skb(sizeof(mon) + sizeof(*hdr) + len, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_put_data(skb, &mon, sizeof(mon));
	skb_put_data(skb, hdr, sizeof(*hdr));
	/* The pages were there a moment ago; if one is not, it stays zero. */
	mvs_packet_peek(packet->chain, packet->gm, skb_put_zero(skb, len), len);
	return skb;
}

/**
 * mvs_tap - let vsockmon see a packet
 * @hdr: its header
 * @chain: the chain that it is in, and that is not the driver's yet
 * @gm: guest memory
 *
 * Context: process, outside of sections.
 */
void mvs_tap(const struct virtio_vsock_hdr *hdr, const struct mvs_chain *chain,
	     struct mvs_gmem *gm)
{
	struct tapped packet = { hdr, chain, gm };

	vsock_deliver_tap(build, &packet);
}
