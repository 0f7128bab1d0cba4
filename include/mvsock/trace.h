/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mvsock

#if !defined(_MVSOCK_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MVSOCK_TRACE_H

#include <linux/tracepoint.h>

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

#endif /* _MVSOCK_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH mvsock
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
