// SPDX-License-Identifier: GPL-2.0
/*
 * Copies of packets for vsockmon, made only while vsockmon has a listener.
 */
#include <linux/skbuff.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>
#include <uapi/linux/vsockmon.h>

#include "tap.h"

/**
 * struct tapped - a packet
 * @hdr: its header
 * @payload: as for mvs_tap()
 */
struct tapped {
	const struct virtio_vsock_hdr *hdr;
	const struct iov_iter *payload;
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

/* A page of the program that has been swapped out since the copy stays zero here. */
static void tap_put_payload(struct sk_buff *skb, const struct iov_iter *payload,
			    u32 len)
{
	void *to = skb_put_zero(skb, len);
	struct iov_iter iter = *payload;

	iov_iter_revert(&iter, len);
	/* Read back what was copied to the program's memory. */
	iter.data_source = ITER_SOURCE;
	pagefault_disable();
	_copy_from_iter(to, len, &iter);
	pagefault_enable();
}

/* Called by vsock_deliver_tap() under RCU. */
static struct sk_buff *tap_build_skb(void *opaque)
{
	const struct tapped *packet = opaque;
	const struct virtio_vsock_hdr *hdr = packet->hdr;
	u32 len = packet->payload ? le32_to_cpu(hdr->len) : 0;
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
	if (len)
		tap_put_payload(skb, packet->payload, len);
	return skb;
}

/**
 * mvs_tap - deliver a packet to vsockmon
 * @hdr: its header
 * @payload: the iterator that its payload was copied to or from, advanced past it; or
 *	NULL when the payload was not taken
 *
 * The guest's memory is not read again: it may have changed.
 *
 * Context: process, outside of sections.
 */
void mvs_tap(const struct virtio_vsock_hdr *hdr, const struct iov_iter *payload)
{
	struct tapped packet = { hdr, payload };

	vsock_deliver_tap(tap_build_skb, &packet);
}

static struct sk_buff *tap_note_listener(void *opaque)
{
	*(bool *)opaque = true;
	return NULL;
}

/**
 * mvs_tap_listens - check whether vsockmon has a listener
 *
 * Context: any.
 * Return: true if it has.
 */
bool mvs_tap_listens(void)
{
	bool listens = false;

	vsock_deliver_tap(tap_note_listener, &listens);
	return listens;
}
