/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A random guest, and what is known of it: all that the device has to do is
 * predicted.
 *
 *	fuzz.c		options, the lives of guests
 *	fuzz_chain.c	random chains
 *	fuzz_packet.c	random packets
 *	fuzz_model.c	what packets from the guest bring about
 *	fuzz_step.c	one random thing after the other, compared with that
 *	fuzz_rewrite.c	guests whose memory changes, of which less is known
 */
#ifndef MVS_RING_FUZZ_H
#define MVS_RING_FUZZ_H

#include <poll.h>
#include <sys/eventfd.h>

#include "oracle.h"
#include "rng.h"
#include "session.h"

#define FUZZ_SLOT	(192 * 1024)	/* of memory, for one chain */
#define FUZZ_TX_SLOTS	8
#define FUZZ_RX_SLOTS	16
#define FUZZ_CONNS	64
#define FUZZ_RING_MAX	1024

/* What a socket of the host grants: the kernel's default. */
#define HOST_BUF_ALLOC	(256 * 1024)

enum conn_state {
	CONN_FREE,
	CONN_ASKED,	/* by the host, not answered */
	CONN_OPEN,
	CONN_DONE,	/* ended, and the host's socket is still there */
	CONN_ENDED,	/* by the guest, and the host has data left: RST when it closes */
	CONN_GONE,	/* the host's may have something left to say */
};

/**
 * struct fuzz_conn - a connection
 * @state: what the host knows of it
 * @type: of packets
 * @port: the guest's
 * @peer_port: the host's
 * @fd: the host's socket, or -1 before it is accepted
 * @unsure: it has ended in a way that says nothing of what can be read
 * @data: what the guest has sent and the host not read
 * @unread: bytes of it
 * @planned: bytes more, in packets that are being laid
 * @foreseen: bytes of those that model_knows() was asked about
 * @packets: in which it came
 * @ends: seqpacket: where in @data messages end
 * @nends: how many
 * @host_read: bytes the host has read
 * @told: of which it has told the guest
 * @rx_cnt: bytes the guest has got
 * @sent: bytes the host has sent
 * @buf_alloc: what the guest said last that it grants
 * @fwd_cnt: and has taken
 * @shutdown: what the guest has shut down
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
	const char *what;	/* is being done */
	struct session s;	/* rewritten: with a connection */
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

	/* packets that the guest has to get, in order */
	struct packet_list pending;
	unsigned int replies;	/* of them */

	struct fuzz_rx rx[FUZZ_RX_SLOTS];	/* oldest first */
	unsigned int nrx;
	unsigned int rx_slots;			/* bits of those in use */

	struct counters count;
	__u64 packets[NUM_QUEUES];
	__u64 bytes[NUM_QUEUES];
};

/* --- fuzz_chain.c --- */

#define FUZZ_CANARY 0xa5

/**
 * struct fuzz_spec - a random chain that is wanted
 * @q: queue
 * @slot: memory for it
 * @len: bytes that it is to have
 * @buf: what they are, or NULL: FUZZ_CANARY, as all from @lo to @hi
 * @faults: how many things may be wrong with it
 * @lo: filled in: the memory that it may touch
 * @hi: filled in: where that ends
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

/* Lay it into a queue with a free descriptor; push it, unpublished. */
int fuzz_chain(struct fuzz *f, struct fuzz_spec *spec);

/* --- fuzz_model.c --- */

/* The host accepts packets of this type from and to the guest. */
bool model_type_allowed(const struct fuzz *f, __u16 type);

/* The guest must get this. */
void model_expect(struct fuzz *f, const struct pkt *hdr, const void *data);

/* The header of a packet from the host's end of a connection. */
struct pkt model_host_pkt(const struct fuzz *f, const struct fuzz_conn *c,
			  __u16 op);

/* A connection's record; NULL if all are in use. */
struct fuzz_conn *model_conn_new(struct fuzz *f, __u16 type, __u32 port,
				 __u32 peer_port);
unsigned int model_conns_open(const struct fuzz *f);

/* Is it known what the host does with this packet? They are asked about one after the
 * other, from model_foresee() on.
 */
void model_foresee(struct fuzz *f);
bool model_knows(struct fuzz *f, const struct pkt *p);

/* The host gets a packet. */
void model_receive(struct fuzz *f, const struct pkt *p, const void *data);

/* It refuses one, but for what its header says; would that end the good connection? */
void model_lose(struct fuzz *f, const struct pkt *p);
bool model_harms(struct fuzz *f, const struct pkt *p);

/* The host closes the socket of a connection that has ended. */
void model_close(struct fuzz *f, struct fuzz_conn *c);

/* The guest got a packet: it is the next one, or one that may come any time. */
void model_got(struct fuzz *f, const struct pkt *p, const void *data,
	       __u32 room);

/* Bytes that the host may still send. */
__u32 model_space(const struct fuzz_conn *c);

/* --- fuzz_packet.c --- */

#define FUZZ_NOBODY	900000	/* host ports from here on are nobody's */
#define FUZZ_CONNS_MAX	8	/* that are open at a time */
#define FUZZ_EXTRA	2000	/* bytes behind a packet, at most */

/* The header of a packet from the guest's end of a connection. */
struct pkt fuzz_guest_pkt(const struct fuzz *f, const struct fuzz_conn *c,
			  __u16 op);

/* One that is open at both ends, or NULL. */
struct fuzz_conn *fuzz_random_conn(struct fuzz *f);

/* It is never harmed on purpose. */
bool fuzz_is_good(const struct fuzz *f, const struct fuzz_conn *c);

/* From a new port to a listener. */
struct pkt fuzz_request(struct fuzz *f);
struct pkt fuzz_random_packet(struct fuzz *f);

/* One field becomes wrong. */
void fuzz_spoil_header(struct fuzz *f, struct pkt *p);

/* --- fuzz_step.c --- */

/* Memory for chains: the last slot of each queue lies across two regions. */
void fuzz_place_slots(struct fuzz *f);

void fuzz_steps_begin(struct fuzz *f);
void fuzz_random_step(struct fuzz *f);

/* All has come that was to come, and all counters say so. */
void fuzz_sync(struct fuzz *f);

/* --- fuzz_rewrite.c --- */

void fuzz_rewrite_life(struct fuzz *f);

#endif
