/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets to the guest, packets from the guest, to other guests, and readers that take packets
 * themselves.
 */
#ifndef _MVSOCK_DATA_H
#define _MVSOCK_DATA_H

#include <mvsock/conn.h>
#include <mvsock/trace.h>
#include <mvsock/virtqueue.h>

struct iov_iter;
struct msghdr;

/**
 * mvs_account - count and trace a packet that was delivered
 * @vq: its virtqueue
 * @hdr: its header
 *
 * Context: with the virtqueue's mutex held.
 */
static inline void mvs_account(struct mvs_vq *vq,
			       const struct virtio_vsock_hdr *hdr)
{
	mvs_vq_count(vq, hdr);
	if (vq->index == MVS_VQ_RX)
		trace_mvs_packet_rx(hdr);
	else
		trace_mvs_packet_tx(hdr);
}

/* rx.c */
bool mvs_rx_any_pending(const struct mvs_conns *conns);
bool mvs_rx_any_waiting(const struct mvs_conns *conns);
int mvs_rx_begin(struct mvs_vq *vq);
void mvs_rx_keep_kicks(struct mvs_device *device);
int mvs_rx_next_chain(struct mvs_vq *vq);
int mvs_rx_put(struct mvs_vq *vq, struct virtio_vsock_hdr *hdr,
	       struct iov_iter *from, u32 left);
int mvs_rx_put_control(struct mvs_vq *vq, struct virtio_vsock_hdr *hdr);

/* forward.c */
int mvs_forward(struct mvs_vq *tx, const struct virtio_vsock_hdr *hdr,
		struct mvs_device **last);
void mvs_forward_flush(struct mvs_device *to);
int mvs_forward_answer_rst(struct mvs_device *from,
			   const struct virtio_vsock_hdr *hdr);
bool mvs_forward_lost(struct mvs_device *from,
		      const struct virtio_vsock_hdr *hdr);
int mvs_forward_backlog(struct mvs_vq *rx);
void mvs_forward_forget(struct mvs_device *device);

/* send.c */
void mvs_send_pending(struct mvs_device *device);
bool mvs_send_work(struct mvs_device *device);
int mvs_send_data(struct mvs_conn *conn, struct iov_iter *from, u32 len,
		  u32 flags);
void mvs_send_flush(struct mvs_conn *conn);
int mvs_send_later(struct mvs_conn *conn, struct iov_iter *from, u32 len,
		   u32 flags);

/* recv.c */
bool mvs_recv_work(struct mvs_device *device);

/* direct.c */
bool mvs_direct_hand_over(struct mvs_conn *conn,
			  const struct virtio_vsock_hdr *hdr);
void mvs_direct_note(struct mvs_conn *conn, bool direct);
void mvs_direct_promise(struct mvs_conn *conn);
size_t mvs_direct_read(struct mvs_conn *conn, struct msghdr *msg, size_t room,
		       bool wait);
void mvs_direct_decline(struct mvs_conn *conn);

#endif /* _MVSOCK_DATA_H */
