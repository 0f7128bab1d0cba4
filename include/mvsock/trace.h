/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mvsock

#if !defined(_MVSOCK_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MVSOCK_TRACE_H

#include <linux/tracepoint.h>
#include <uapi/linux/virtio_vsock.h>

/* Tools parse the format, and do not know the kernel's enums. */
TRACE_DEFINE_ENUM(VIRTIO_VSOCK_OP_REQUEST);
TRACE_DEFINE_ENUM(VIRTIO_VSOCK_OP_RESPONSE);
TRACE_DEFINE_ENUM(VIRTIO_VSOCK_OP_RST);
TRACE_DEFINE_ENUM(VIRTIO_VSOCK_OP_SHUTDOWN);
TRACE_DEFINE_ENUM(VIRTIO_VSOCK_OP_RW);
TRACE_DEFINE_ENUM(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
TRACE_DEFINE_ENUM(VIRTIO_VSOCK_OP_CREDIT_REQUEST);
TRACE_DEFINE_ENUM(VIRTIO_VSOCK_TYPE_STREAM);
TRACE_DEFINE_ENUM(VIRTIO_VSOCK_TYPE_SEQPACKET);

#define mvs_show_op(op) __print_symbolic(op,				\
	{ VIRTIO_VSOCK_OP_REQUEST,		"REQUEST" },		\
	{ VIRTIO_VSOCK_OP_RESPONSE,		"RESPONSE" },		\
	{ VIRTIO_VSOCK_OP_RST,			"RST" },		\
	{ VIRTIO_VSOCK_OP_SHUTDOWN,		"SHUTDOWN" },		\
	{ VIRTIO_VSOCK_OP_RW,			"RW" },			\
	{ VIRTIO_VSOCK_OP_CREDIT_UPDATE,	"CREDIT_UPDATE" },	\
	{ VIRTIO_VSOCK_OP_CREDIT_REQUEST,	"CREDIT_REQUEST" })

#define mvs_show_type(type) __print_symbolic(type,			\
	{ VIRTIO_VSOCK_TYPE_STREAM,		"STREAM" },		\
	{ VIRTIO_VSOCK_TYPE_SEQPACKET,		"SEQPACKET" })

/* The fields are those of struct virtio_vsock_hdr in the specification. */
DECLARE_EVENT_CLASS(mvs_packet,
	TP_PROTO(const struct virtio_vsock_hdr *hdr),
	TP_ARGS(hdr),
	TP_STRUCT__entry(
		__field(u32, src_cid)
		__field(u32, src_port)
		__field(u32, dst_cid)
		__field(u32, dst_port)
		__field(u16, type)
		__field(u16, op)
		__field(u32, len)
		__field(u32, flags)
		__field(u32, buf_alloc)
		__field(u32, fwd_cnt)
	),
	TP_fast_assign(
		__entry->src_cid = le64_to_cpu(hdr->src_cid);
		__entry->src_port = le32_to_cpu(hdr->src_port);
		__entry->dst_cid = le64_to_cpu(hdr->dst_cid);
		__entry->dst_port = le32_to_cpu(hdr->dst_port);
		__entry->type = le16_to_cpu(hdr->type);
		__entry->op = le16_to_cpu(hdr->op);
		__entry->len = le32_to_cpu(hdr->len);
		__entry->flags = le32_to_cpu(hdr->flags);
		__entry->buf_alloc = le32_to_cpu(hdr->buf_alloc);
		__entry->fwd_cnt = le32_to_cpu(hdr->fwd_cnt);
	),
	TP_printk("%u:%u -> %u:%u %s %s len=%u flags=%#x buf_alloc=%u fwd_cnt=%u",
		  __entry->src_cid, __entry->src_port,
		  __entry->dst_cid, __entry->dst_port,
		  mvs_show_type(__entry->type), mvs_show_op(__entry->op),
		  __entry->len, __entry->flags, __entry->buf_alloc,
		  __entry->fwd_cnt)
);

/* RX: to the guest. */
DEFINE_EVENT(mvs_packet, mvs_packet_rx,
	TP_PROTO(const struct virtio_vsock_hdr *hdr),
	TP_ARGS(hdr)
);

/* TX: from the guest. */
DEFINE_EVENT(mvs_packet, mvs_packet_tx,
	TP_PROTO(const struct virtio_vsock_hdr *hdr),
	TP_ARGS(hdr)
);

DECLARE_EVENT_CLASS(mvs_device,
	TP_PROTO(u32 cid, u64 features),
	TP_ARGS(cid, features),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(u64, features)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->features = features;
	),
	TP_printk("cid=%u features=%#llx", __entry->cid, __entry->features)
);

DEFINE_EVENT(mvs_device, mvs_device_start,
	TP_PROTO(u32 cid, u64 features),
	TP_ARGS(cid, features)
);

DEFINE_EVENT(mvs_device, mvs_device_stop,
	TP_PROTO(u32 cid, u64 features),
	TP_ARGS(cid, features)
);

TRACE_EVENT(mvs_chain_rejected,
	TP_PROTO(u32 cid, unsigned int vq, u16 desc,
		 const char *reason),
	TP_ARGS(cid, vq, desc, reason),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(unsigned int, vq)
		__field(u16, desc)
		__string(reason, reason)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->vq = vq;
		__entry->desc = desc;
		__assign_str(reason);
	),
	TP_printk("cid=%u vq=%u head=%u reason=%s", __entry->cid, __entry->vq,
		  __entry->desc, __get_str(reason))
);

TRACE_EVENT(mvs_ring_broken,
	TP_PROTO(u32 cid, unsigned int vq, int error),
	TP_ARGS(cid, vq, error),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(unsigned int, vq)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->vq = vq;
		__entry->error = error;
	),
	TP_printk("cid=%u vq=%u error=%d", __entry->cid, __entry->vq,
		  __entry->error)
);

/* A page of the VMM was brought into the cache. */
TRACE_EVENT(mvs_cache_miss,
	TP_PROTO(u32 cid, u64 address, bool write),
	TP_ARGS(cid, address, write),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(u64, address)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->address = address;
		__entry->write = write;
	),
	TP_printk("cid=%u address=%#llx write=%d", __entry->cid,
		  __entry->address, __entry->write)
);

/* The VMM took pages away, or moved them, that were in the cache. */
TRACE_EVENT(mvs_cache_invalidated,
	TP_PROTO(u32 cid, unsigned long start, unsigned long end,
		 unsigned int pages),
	TP_ARGS(cid, start, end, pages),
	TP_STRUCT__entry(
		__field(u32, cid)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(unsigned int, pages)
	),
	TP_fast_assign(
		__entry->cid = cid;
		__entry->start = start;
		__entry->end = end;
		__entry->pages = pages;
	),
	TP_printk("cid=%u start=%#lx end=%#lx pages=%u", __entry->cid,
		  __entry->start, __entry->end, __entry->pages)
);

#endif /* _MVSOCK_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH mvsock
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
