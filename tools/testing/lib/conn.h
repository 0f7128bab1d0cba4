/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's end of connections: enough of the protocol to talk to a socket of the host, or to
 * another guest, with credit in both directions.
 *
 * Functions return 0 or a negative errno; -EPROTO if the device's packets violate the protocol,
 * -ECONNRESET after RST. Packets for other ports stay in the guest's inbox.
 */
#ifndef MVS_RING_CONN_H
#define MVS_RING_CONN_H

#include "guest.h"

#define CONN_BUF_ALLOC (256 * 1024)

struct conn {
	struct guest *g;
	__u16 type;
	__u32 port;
	__u64 peer_cid;	/* the host, unless the caller sets another guest */
	__u32 peer_port;

	/* the credit that we grant */
	__u32 buf_alloc;
	__u32 rx_cnt;
	__u32 fwd_cnt;
	__u32 told_fwd_cnt;
	__s64 room;	/* what the peer may still send, as it knows */

	/* the credit that the peer grants */
	__u32 tx_cnt;
	__u32 peer_buf_alloc;
	__u32 peer_fwd_cnt;

	struct packet_list rxq;
	__u32 peer_shutdown;
	bool answered;
	bool reset;
};

void conn_init(struct conn *c, struct guest *g, __u16 type, __u32 port,
	       __u32 peer_port);

/* The two ends of a connection between guests, which conn_connect_ends() opens: @a asks for it. */
void conn_init_ends(struct conn *a, struct guest *from, __u32 from_port,
		    struct conn *b, struct guest *to, __u32 to_port, __u16 type);
int conn_connect_ends(struct conn *a, struct conn *b, int timeout);

/* Drop received data that were not read. Sends nothing. */
void conn_free(struct conn *c);

/* Build the header of a packet of this connection, and send the packet. */
struct pkt conn_pkt(const struct conn *c, __u16 op);
int conn_send_op(struct conn *c, __u16 op, __u32 flags);

/* REQUEST to a listener of the host, then wait for the RESPONSE. */
int conn_connect(struct conn *c, int timeout);

/* Wait for a REQUEST to @c's port and answer it. Sets @c's peer port. */
int conn_accept(struct conn *c, int timeout);

/* Number of bytes that may be sent to the peer now. */
__u32 conn_credit(const struct conn *c);

/* Send within the peer's credit, in packets of at most 64 KiB. */
int conn_send(struct conn *c, const void *buf, __u32 len, int timeout);

/* Send a seqpacket in one packet, of at most 64 KiB. */
int conn_send_message(struct conn *c, const void *buf, __u32 len, int timeout);

/* Send one packet, whatever the credit is. */
int conn_send_rw(struct conn *c, const void *buf, __u32 len, __u32 flags,
		 int timeout);

/* Read exactly @len bytes of the stream, granting credit for them. */
int conn_recv(struct conn *c, void *buf, __u32 len, int timeout);

/* Receive the next RW packet, unchanged; the caller frees it. NULL after @timeout ms. */
struct packet *conn_recv_packet(struct conn *c, int timeout);

int conn_credit_update(struct conn *c);

/* Take this connection's packets out of the inbox. */
int conn_pump(struct conn *c, int timeout);

int conn_wait_reset(struct conn *c, int timeout);
int conn_wait_shutdown(struct conn *c, __u32 flags, int timeout);

#endif
