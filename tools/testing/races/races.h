/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Races: a guest and programs on the host exchange data, while one of them is disturbed again and
 * again, at moments that depend on a seed.
 */
#ifndef MVS_RING_RACES_H
#define MVS_RING_RACES_H

#include "iommu.h"
#include "talk.h"

#define RACE_HOSTS 3	/* programs that connect, and as many that accept */

/* The connections must survive the disturbance. */
#define RACE_STRICT	1U
/* The guest is behind an IOMMU. */
#define RACE_IOMMU	2U
/* The guest is a process of its own, which is killed. */
#define RACE_VMM	4U
/* So are the programs on the host. */
#define RACE_PROGRAMS	8U
/* The guest resets connections as well. */
#define RACE_RUDE	16U
/* Allocations and mappings fail now and then, in programs on the host and in the device's thread.
 * The kinds of faults are set before; see failing.h.
 */
#define RACE_FAULTS	32U
/* The rings are packed, whatever the test's kind is. */
#define RACE_PACKED	64U
/* There are many guests, which share the CPU. */
#define RACE_CROWD	128U

/* There is another guest, and connections between the two. */
#define RACE_SIBLING	256U

struct race_run;

struct race {
	const char *name;
	unsigned int flags;
	void (*disturb)(struct race_run *r);	/* one disturbance; chooses its own delays */
};

/* A program on the host. */
struct race_host {
	struct race_run *r;
	struct rng rng;
	bool accepts;
	int fd;			/* its connection, or -1 */
	pthread_t thread;
	pid_t pid;		/* if it is a process */
};

/* Written by host programs and guests, which may be processes. */
struct race_counts {
	unsigned int whole;	/* connections that transferred everything */
	unsigned int cut;	/* other connections */
	unsigned int guests;
	__u64 bytes;		/* in both directions, of those that transferred everything */
};

struct race_run {
	const struct race *race;
	struct rng rng;
	struct guest_config cfg;
	struct iommu m;
	struct talk_guest talk;
	int listener[2];	/* for streams, for seqpackets */
	struct race_host host[2 * RACE_HOSTS];
	pthread_t guest;
	struct talk_guest sibling;
	pthread_t sibling_guest;
	pid_t vmm;
	bool stop_hosts;
	bool stop_guest;
	pthread_mutex_t pause_lock;
	pthread_cond_t pause_changed;
	bool pause_guest;
	bool guest_paused;
	unsigned int steps;
	unsigned int reboots;	/* twice their number; odd while there is no guest */
	struct race_counts *counts;
};

/* Run a race as a test until its time is over, then check a new device. */
void race_run(const void *arg);

/* Allocate @n counts, shared with processes that are forked later. */
struct race_counts *race_counts(unsigned int n);

/* For several races at once, each in its own process: guests get different numbers. */
void race_run_numbered(const struct race *race, unsigned int number,
		       struct race_counts *counts);

/* The group of a guest and its sibling. */
#define RACE_GROUP "race"

/* A socket of this type, with a timeout for connect() in ms. */
int race_socket(int type, int timeout);

/* Sleep up to @us microseconds. */
void race_sleep(struct rng *rng, unsigned int us);

/* Pause the guest between two of its rounds. */
void race_pause_guest(struct race_run *r);
void race_resume_guest(struct race_run *r);

/* Wait until one of the host programs, which are threads, has a connection. */
void race_await_connection(struct race_run *r);

/* Replace the guest by another one with the same CID. */
void race_new_guest(struct race_run *r);

/* Start as processes; end with SIGKILL. */
void race_fork_guest(struct race_run *r);
void race_fork_host(struct race_host *h);
void race_kill(pid_t pid);

/* Replace the listener of this type. */
void race_listen(struct race_run *r, unsigned int which);

/* Disturbances that a guest must not notice. */
void race_stop_and_start(struct race_run *r);
void race_change_table(struct race_run *r);
void race_zap(struct race_run *r);

/* Check that a newly opened device transfers data. */
void race_fresh_device(unsigned int n);

void add_connection_races(void);
void add_device_races(void);
void add_module_races(void);

#endif
