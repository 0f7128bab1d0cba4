/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loads: what guests and the host's sockets do, and what they count.
 *
 * Each guest is a process of its own, as a VMM is, and so is the host's program at the other end.
 * They share the following data with the process that started them, which tells them when to start
 * and to stop, and compares their counts.
 */
#ifndef MVS_RING_LOAD_H
#define MVS_RING_LOAD_H

#include <stdio.h>
#include <stdnoreturn.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

#define LOAD_MAX_GUESTS 64
#define LOAD_MAX_DEVICES 4096

enum load_kind {
	LOAD_G2H,		/* messages to the host */
	LOAD_H2G,		/* messages to the guest */
	LOAD_RTT,		/* the guest sends, the host echoes */
	LOAD_CONNECT_G2H,	/* connections opened and closed by the guest */
	LOAD_CONNECT_H2G,	/* the same, by the host */
	LOAD_DEVICES,
	LOAD_MEMORY,
};

struct load {
	const char *name;
	enum load_kind kind;
	int socktype;
	__u32 size;		/* of a message */
	bool hostile;		/* together with a malicious guest */
	/* For virtual machines only: */
	unsigned int pause;	/* us before each message */
	bool flood;		/* together with messages to the host from the same guest */
};

struct load_options {
	const char *path;
	double seconds;
	__u64 count;		/* amount of work of each guest, instead of seconds; or 0 */
	unsigned int guests;
	unsigned int devices;
	__u32 vm;		/* CID of the first guest, if guests are virtual machines */
};

/* One end of a connection. In loads that open connections each one counts as a message; a stream's
 * message is received when all of its bytes are.
 */
struct load_end {
	__u64 start;		/* ns */
	__u64 end;
	__u64 tx_messages;
	__u64 tx_bytes;
	__u64 rx_messages;
	__u64 rx_bytes;
};

/* Histogram of round trip times in ns: 64 buckets for each power of two. */
#define HIST_SUB	64
#define HIST_BUCKETS	(59 * HIST_SUB)

struct load_hist {
	__u32 n[HIST_BUCKETS];
};

struct load_pair {
	struct load_end guest;
	struct load_end host;
	bool last;		/* the next connection is not counted */
	__u64 guest_packets;
	__u64 host_packets;
	__u64 signals;		/* interrupts for the guest */
	__u64 kicks;
	struct load_hist hist;
};

struct load_shared {
	bool stop;		/* start no more messages */
	struct load_pair pair[LOAD_MAX_GUESTS];
};

/* The current load, its options, and its results. */
struct load_run {
	const struct load *load;
	const struct load_options *opt;
	struct load_shared *shared;
	__u64 first_cid;	/* of this load's devices */
};

extern struct load_run load_run;

/* Run one load and print its line: its name, and numbers, each followed by its meaning. Returns
 * false, after printing an error, if it failed.
 */
bool load_execute(const struct load *l);

/* Print an error. */
#define load_complain(fmt, ...)						\
	fprintf(stderr, "load: %s: " fmt "\n", load_run.load->name,	\
		##__VA_ARGS__)

/* The same, and end this process, and with it the load. */
#define load_fail(...)							\
	do {								\
		load_complain(__VA_ARGS__);				\
		load_exit();						\
	} while (0)

noreturn void load_exit(void);

/* @expr is a descriptor, 0, or a negative errno. */
#define load_need(expr)							\
	({								\
		int r_ = (expr);					\
									\
		if (r_ < 0)						\
			load_fail("%s: %s", #expr, strerror(-r_));	\
		r_;							\
	})

/* This process plays one end of @l for a parent at the other end of @fd. */
void load_attach(const struct load *l, const struct load_options *opt, int fd);

/* This end is set up: wait for the others, and record the time. */
void load_begin(struct load_end *end);

/* For the two flags, which are set by another process. */
static inline bool flag_get(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static inline void flag_set(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

/* Check whether to start the next message, after @done of them. */
static inline bool load_goes_on(__u64 done)
{
	return load_run.opt->count ? done < load_run.opt->count :
				     !flag_get(&load_run.shared->stop);
}

/* The two ends of pair @i; the host's end accepts connections from @listener, whose port is @port.
 */
void load_guest(unsigned int i, __u32 port);
void load_host(unsigned int i, int listener);

/* The same with a virtual machine; the guest's end runs there. */
void load_vm_guest(unsigned int i, __u32 port);
void load_vm_host(unsigned int i, int listener);

/* In the guest: play an end of each requested load. Daemonizes once it listens; returns the exit
 * status.
 */
int load_serve(void);

/* Blocking sockets; an error ends the load. */
int load_dial(int socktype, __u32 cid, __u32 port);
int load_accept(int listener);
void load_send_message(int fd, struct load_end *end);
/* False if the connection ends before its last byte. */
bool load_receive_message(int fd, struct load_end *end);
/* Continue as long as the load runs; continue until the connection ends. */
void load_send_all(int fd, struct load_end *end);
void load_receive_all(int fd, struct load_end *end);

/* An additional guest, which takes as much of the host as it can until the others have finished. */
void load_hostile(void);

/* Port on which guests listen. */
#define LOAD_GUEST_PORT 1234

/* Counters of the host's kernel, for all virtual machines, and its context switches. */
struct load_vm_counters {
	__u64 exits;
	__u64 interrupts;	/* injected */
	__u64 switches;
};

/* Sums over all pairs: the time is that from the first start to the last end. */
struct load_total {
	double seconds;
	__u64 messages;
	__u64 guest_packets;
	__u64 host_packets;
	__u64 signals;
	__u64 kicks;
	struct load_vm_counters vm;
	struct load_hist hist;
};

/* Read them. False if they cannot be. */
bool load_vm_count(struct load_vm_counters *c);

void load_hist_add(struct load_hist *h, __u64 ns);

/* Add up all pairs in @t, which is zeroed. False if a count is wrong. */
bool load_add_up(struct load_total *t);
void load_print(const struct load_total *t);

/* Loads with many devices; they print their results. */
void load_devices(void);
void load_memory(void);

#endif
