/* SPDX-License-Identifier: GPL-2.0 */
/* Packet headers, in host byte order. */
#ifndef MVS_RING_PACKET_H
#define MVS_RING_PACKET_H

#include <linux/virtio_vsock.h>

#include "util.h"

#define HDR_LEN		((__u32)sizeof(struct virtio_vsock_hdr))
#define MAX_PAYLOAD	(64 * 1024U)
#define HOST_CID	2

/* The fields of a header. */
struct pkt {
	__u64 src_cid;
	__u64 dst_cid;
	__u32 src_port;
	__u32 dst_port;
	__u32 len;
	__u16 type;
	__u16 op;
	__u32 flags;
	__u32 buf_alloc;
	__u32 fwd_cnt;
};

static inline struct virtio_vsock_hdr pkt_encode(const struct pkt *p)
{
	return (struct virtio_vsock_hdr){
		.src_cid = htole64(p->src_cid),
		.dst_cid = htole64(p->dst_cid),
		.src_port = htole32(p->src_port),
		.dst_port = htole32(p->dst_port),
		.len = htole32(p->len),
		.type = htole16(p->type),
		.op = htole16(p->op),
		.flags = htole32(p->flags),
		.buf_alloc = htole32(p->buf_alloc),
		.fwd_cnt = htole32(p->fwd_cnt),
	};
}

static inline struct pkt pkt_decode(const struct virtio_vsock_hdr *h)
{
	return (struct pkt){
		.src_cid = le64toh(h->src_cid),
		.dst_cid = le64toh(h->dst_cid),
		.src_port = le32toh(h->src_port),
		.dst_port = le32toh(h->dst_port),
		.len = le32toh(h->len),
		.type = le16toh(h->type),
		.op = le16toh(h->op),
		.flags = le32toh(h->flags),
		.buf_alloc = le32toh(h->buf_alloc),
		.fwd_cnt = le32toh(h->fwd_cnt),
	};
}

#endif
