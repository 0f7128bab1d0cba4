/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A random guest, and a model that predicts everything the device has to do.
 *
 *	fuzz.c		options, the lives of guests
 *	fuzz_chain.c	random chains
 *	fuzz_packet.c	random packets
 *	fuzz_model.c	predicts the effects of packets from the guest
 *	fuzz_step.c	random steps, compared with the predictions
 *	fuzz_rewrite.c	guests whose memory changes, for which less is predicted
 */
#ifndef MVS_RING_FUZZ_H
#define MVS_RING_FUZZ_H

#include <poll.h>
#include <sys/eventfd.h>

#include "oracle.h"
#include "rng.h"
#include "session.h"

#define FUZZ_SLOT	(192 * 1024)	/* bytes of memory for one chain */
#define FUZZ_TX_SLOTS	8
#define FUZZ_RX_SLOTS	16
#define FUZZ_CONNS	64
#define FUZZ_RING_MAX	1024

/* Credit that a socket of the host grants: the kernel's default. */
#define HOST_BUF_ALLOC	(256 * 1024)

enum conn_state {
	CONN_FREE,
	CONN_ASKED,	/* by the host, not answered yet */
	CONN_OPEN,
	CONN_DONE,	/* ended, and the host's socket still exists */
	CONN_ENDED,	/* by the guest, and the host has unread data: RST when it closes */
	CONN_GONE,	/* the host may still have a last packet to send */
};

/**
 * struct fuzz_conn - a connection
 * @state: the host's state of it
 * @type: type of its packets
 * @port: the guest's
 * @peer_port: the host's
 * @fd: the host's socket, or -1 before it is accepted
 * @unsure: it ended in a way after which it is undefined what can be read
 * @data: data that the guest has sent and the host has not read
 * @unread: bytes in @data
 * @planned: additional bytes, in packets that are being created
 * @foreseen: bytes in packets passed to model_knows()
 * @packets: number of packets in which @data came
 * @ends: seqpacket: ends of messages in @data
 * @nends: number of @ends
 * @host_read: bytes the host has read
 * @told: bytes of @host_read of which the guest has been told
 * @rx_cnt: bytes the guest has received
 * @sent: bytes the host has sent
 * @buf_alloc: the guest's buffer size, from its last packet
 * @fwd_cnt: the guest's fwd_cnt, likewise
 * @shutdown: directions that the guest has shut down
 */
struct fuzz_conn {
	enum conn_state state;
	__u16 type;
	__u32 port;
	__u32 peer_port;
	int fd;
	bool unsure;
	__u8 *data;
	__u32 unread;
	__u32 planned;
	__u32 foreseen;
	__u32 packets;
	__u32 ends[256];
	unsigned int nends;
	__u32 host_read;
	__u32 told;
	__u32 rx_cnt;
	__u32 sent;
	__u32 buf_alloc;
	__u32 fwd_cnt;
	__u32 shutdown;
};

/* A receive chain in flight; @lo to @hi is the memory that it may touch. */
struct fuzz_rx {
	int chain;
	unsigned int slot;
	struct verdict v;
	__u64 lo;
	__u64 hi;
};

struct fuzz {
	__u64 seed;
	struct rng rng;
	unsigned int life;
	unsigned int step;
	const char *what;	/* the current action */
	struct session s;	/* for rewriting: with a connection */
	bool streams;
	bool seqpackets;
	__u64 tx_slot[FUZZ_TX_SLOTS];
	__u64 rx_slot[FUZZ_RX_SLOTS];

	/* the host's listeners, by type */
	int listener[3];
	__u32 listen_port[3];
	struct fuzz_conn conn[FUZZ_CONNS];
	struct fuzz_conn *accept[FUZZ_CONNS];	/* by the host, oldest first */
	unsigned int naccept;
	__u32 next_port;

	/* packets that the guest must get, in order */
	struct packet_list pending;
	unsigned int replies;	/* number of replies among them */

	struct fuzz_rx rx[FUZZ_RX_SLOTS];	/* oldest first */
	unsigned int nrx;
	unsigned int rx_slots;			/* bits of the used ones */

	struct counters count;
	__u64 packets[NUM_QUEUES];
	__u64 bytes[NUM_QUEUES];
};

/* --- fuzz_chain.c --- */

#define FUZZ_CANARY 0xa5

/**
 * struct fuzz_spec - description of a random chain
 * @q: queue
 * @slot: memory for it
 * @len: its length in bytes
 * @buf: its content, or NULL: FUZZ_CANARY, as in all memory from @lo to @hi
 * @faults: maximum number of errors in it
 * @lo: filled in: start of the memory that it may touch
 * @hi: filled in: end of that memory
 */
struct fuzz_spec {
	unsigned int q;
	__u64 slot;
	__u32 len;
	const void *buf;
	unsigned int faults;
	__u64 lo;
	__u64 hi;
};

/* Write the chain to a queue with a free descriptor; push it, unpublished. */
int fuzz_chain(struct fuzz *f, struct fuzz_spec *spec);

/* --- fuzz_model.c --- */

/* Check whether the host accepts packets of this type from and to the guest. */
bool model_type_allowed(const struct fuzz *f, __u16 type);

/* Add a packet that the guest must get. */
void model_expect(struct fuzz *f, const struct pkt *hdr, const void *data);

/* The header of a packet from the host's end of a connection. */
struct pkt model_host_pkt(const struct fuzz *f, const struct fuzz_conn *c,
			  __u16 op);

/* Get a record for a connection; NULL if all are in use. */
struct fuzz_conn *model_conn_new(struct fuzz *f, __u16 type, __u32 port,
				 __u32 peer_port);
unsigned int model_conns_open(const struct fuzz *f);

/* Check whether the host's handling of this packet can be predicted. Packets are checked one after
 * the other, starting with model_foresee().
 */
void model_foresee(struct fuzz *f);
bool model_knows(struct fuzz *f, const struct pkt *p);

/* The host gets a packet. */
void model_receive(struct fuzz *f, const struct pkt *p, const void *data);

/* The host rejects a packet, but knows its header; check whether that would end the good
 * connection.
 */
void model_lose(struct fuzz *f, const struct pkt *p);
bool model_harms(struct fuzz *f, const struct pkt *p);

/* The host closes the socket of a connection that has ended. */
void model_close(struct fuzz *f, struct fuzz_conn *c);

/* The guest got a packet: check that it is the next expected one, or one that may come at any time.
 */
void model_got(struct fuzz *f, const struct pkt *p, const void *data,
	       __u32 room);

/* Number of bytes that the host may still send. */
__u32 model_space(const struct fuzz_conn *c);

/* --- fuzz_packet.c --- */

#define FUZZ_NOBODY	900000	/* host ports from here on have no listener */
#define FUZZ_CONNS_MAX	8	/* maximum number of open connections */
#define FUZZ_EXTRA	2000	/* maximum number of bytes after a packet */

/* The header of a packet from the guest's end of a connection. */
struct pkt fuzz_guest_pkt(const struct fuzz *f, const struct fuzz_conn *c,
			  __u16 op);

/* A connection that is open at both ends, or NULL. */
struct fuzz_conn *fuzz_random_conn(struct fuzz *f);

/* The good connection, which is never harmed on purpose. */
bool fuzz_is_good(const struct fuzz *f, const struct fuzz_conn *c);

/* A REQUEST from a new port to a listener. */
struct pkt fuzz_request(struct fuzz *f);
struct pkt fuzz_random_packet(struct fuzz *f);

/* Make one field wrong. */
void fuzz_spoil_header(struct fuzz *f, struct pkt *p);

/* --- fuzz_step.c --- */

/* Choose memory for chains: each queue's last slot spans two regions. */
void fuzz_place_slots(struct fuzz *f);

void fuzz_steps_begin(struct fuzz *f);
void fuzz_random_step(struct fuzz *f);

/* Wait until all expected packets have come, and check all counters. */
void fuzz_sync(struct fuzz *f);

/* --- fuzz_rewrite.c --- */

void fuzz_rewrite_life(struct fuzz *f);

#endif
