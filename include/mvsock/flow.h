/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections between two guests, of which the host only forwards the packets.
 *
 * A flow is what the host remembers of such a connection: its addresses, so that one guest gets a
 * RST when the other one is gone. Credit and state are the guests' own.
 *
 * Packets that a guest has no buffers for, or that can't be copied at once, are its backlog. For
 * the guest that sends they are the packets ahead, whose size is bounded. RSTs of flows go through
 * the backlog, too. Those that guests send are never dropped, and do not count as packets ahead: a
 * guest sends them because of another one's requests. Until they are sent their flows count as the
 * opener's. Those of the host are up to %MVS_RESETS_MAX for each guest.
 *
 * Locks: those of the flows and of the backlogs do not nest with each other or with those of
 * connections.
 */
#ifndef _MVSOCK_FLOW_H
#define _MVSOCK_FLOW_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/sizes.h>
#include <uapi/linux/virtio_vsock.h>

#include <mvsock/queue.h>

struct mvs_conns;
struct mvs_device;
struct mvs_flow;

/* Maximum number of flows that a guest opened. */
#define MVS_FLOWS_MAX	1024

/* Maximum number of bytes of a guest's packets ahead, plus one packet. */
#define MVS_AHEAD_MAX	SZ_512K

/**
 * struct mvs_flow_key - the addresses of both ends, the lower CID first
 * @scope: the scope of the CIDs, from mvs_net_scope()
 * @cid: the guests
 * @port: their ports
 */
struct mvs_flow_key {
	u32 scope;
	u32 cid[2];
	u32 port[2];
};

/**
 * struct mvs_flow_end - one guest's end of a flow
 * @list: entry in the device's list of flows
 * @flow: the flow
 * @device: its device, which stays while the flow is in the table
 * @rst: the RST for this guest, from the other one, allocated in advance
 */
struct mvs_flow_end {
	struct list_head list;
	struct mvs_flow *flow;
	struct mvs_device *device;
	struct mvs_backlog *rst;
};

/**
 * struct mvs_flow - a connection between two guests
 * @node: in the lookup table, by @key
 * @key: its addresses
 * @ends: in the order of @key; protected by the flows' lock
 * @opener: the device of the guest that asked for the connection
 * @answered: the other guest has sent a packet
 * @type: VIRTIO_VSOCK_TYPE_*
 * @since: jiffies when it was opened
 * @rcu: for freeing, as the table is read under RCU
 */
struct mvs_flow {
	struct rhash_head node;
	struct mvs_flow_key key;
	struct mvs_flow_end ends[2];
	struct mvs_device *opener;
	bool answered;
	u16 type;
	u64 since;
	struct rcu_head rcu;
};

/**
 * struct mvs_flow_view - what can be told of a flow
 * @cid: the guest that asked for the connection
 * @port: its port
 * @peer_cid: the other guest
 * @peer_port: its port
 * @type: VIRTIO_VSOCK_TYPE_*
 * @answered: the other guest has sent a packet
 * @age: milliseconds since it was opened
 */
struct mvs_flow_view {
	u32 cid;
	u32 port;
	u32 peer_cid;
	u32 peer_port;
	u16 type;
	bool answered;
	u64 age;
};

/**
 * struct mvs_siblings - what a guest has with other guests
 * @flows: its ends of flows; protected by the flows' lock
 * @nflows: number of flows that it opened, with @nended at most %MVS_FLOWS_MAX; likewise
 * @backlog: packets that wait for this guest's buffers; protected by the backlogs' lock, as are the
 *	next five
 * @nrsts: number of RSTs from the host in @backlog
 * @nended: number of flows that it opened whose RST, from one of the guests, waits in a backlog
 * @ahead: this guest's packets in other guests' backlogs, the oldest first
 * @bytes: bytes in @ahead
 * @blocked: the TX virtqueue waits for room in @ahead
 * @forwarded: payload bytes of a packet that were forwarded before its chain was put back;
 *	protected by the TX virtqueue's mutex, as is the next one
 * @position: @next_avail of the ring behind that chain
 * @yielded: the last round of the RX virtqueue was for programs; protected by its mutex
 * @stalled: a packet waited in @backlog for too long, and @backlog has not been empty since;
 *	written by several tasks, a hint
 */
struct mvs_siblings {
	struct list_head flows;
	unsigned int nflows;
	struct list_head backlog;
	unsigned int nrsts;
	unsigned int nended;
	struct list_head ahead;
	u32 bytes;
	bool blocked;
	u32 forwarded;
	u16 position;
	bool yielded;
	bool stalled;
};

/**
 * struct mvs_backlog - a packet in a backlog
 * @list: entry in @backlog of the guest that it is for; empty while it is being sent
 * @ahead: entry in @ahead of the guest that sent it; empty for a RST of a flow
 * @rst: a RST of a flow, from the host
 * @opener: if it is a RST of a flow, from the guest: the guest that had opened the flow, with a
 *	reference
 * @dropped: its connection was reset while it was being sent
 * @from: that guest, with a reference
 * @since: time at which it was added, in ns of ktime_get_ns()
 * @size: bytes by which it counts against %MVS_AHEAD_MAX
 * @hdr: its header
 * @data: its payload
 * @left: bytes in @data
 */
struct mvs_backlog {
	struct list_head list;
	struct list_head ahead;
	bool rst;
	struct mvs_device *opener;
	bool dropped;
	struct mvs_device *from;
	u64 since;
	u32 size;
	struct virtio_vsock_hdr hdr;
	struct mvs_queue data;
	u32 left;
};

/* flow.c */
int mvs_flow_init_table(void);
void mvs_flow_destroy_table(void);
int mvs_flow_open(struct mvs_device *from, struct mvs_device *to,
		  const struct virtio_vsock_hdr *hdr);
bool mvs_flow_exists(const struct mvs_device *from, const struct mvs_device *to,
		     const struct virtio_vsock_hdr *hdr);
struct mvs_backlog *mvs_flow_take_rst(struct mvs_device *from,
				      const struct virtio_vsock_hdr *hdr);
bool mvs_flow_reset(struct mvs_device *from,
		    const struct virtio_vsock_hdr *hdr);
void mvs_flows_recheck(struct mvs_device *device);
void mvs_flows_enter(struct rhashtable_iter *walk);
void mvs_flow_get_view(const struct mvs_flow *flow, struct mvs_flow_view *view);
void mvs_flows_forget(struct mvs_device *device);

/* backlog.c */
bool mvs_backlog_any(const struct mvs_conns *conns);
bool mvs_backlog_has_room(struct mvs_device *from);
bool mvs_backlog_oldest(struct mvs_device *from, struct virtio_vsock_hdr *hdr,
			u64 *since);
struct mvs_backlog *mvs_backlog_create(struct mvs_device *from,
				       const struct virtio_vsock_hdr *hdr,
				       u32 len);
bool mvs_backlog_add(struct mvs_device *to, struct mvs_backlog *packet);
void mvs_backlog_set_opener(struct mvs_backlog *packet,
			    struct mvs_device *opener);
unsigned int mvs_backlog_ended(struct mvs_device *opener);
void mvs_backlog_add_rst(struct mvs_device *to, struct mvs_backlog *packet);
struct mvs_backlog *mvs_backlog_get(struct mvs_device *to);
void mvs_backlog_unget(struct mvs_device *to, struct mvs_backlog *packet);
void mvs_backlog_free(struct mvs_backlog *packet);
void mvs_backlog_drop(struct mvs_device *from,
		      const struct virtio_vsock_hdr *hdr);
void mvs_backlog_purge(struct mvs_device *to);

#endif /* _MVSOCK_FLOW_H */
