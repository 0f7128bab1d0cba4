/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Races: a guest and programs on the host talk, while something is done to one of
 * them, over and over, at moments that a seed chooses.
 */
#ifndef MVS_RING_RACES_H
#define MVS_RING_RACES_H

#include "iommu.h"
#include "talk.h"

#define RACE_HOSTS 3	/* programs that connect, and as many that accept */

/* Connections are as they were, whatever is done. */
#define RACE_STRICT	1U
/* The guest is behind an IOMMU. */
#define RACE_IOMMU	2U
/* The guest is a process of its own, and is killed. */
#define RACE_VMM	4U
/* So are the programs on the host. */
#define RACE_PROGRAMS	8U
/* The guest resets connections as well. */
#define RACE_RUDE	16U
/* Allocations and mappings fail now and then, in programs on the host and in the device's
 * thread. Which ones, is set before; see failing.h.
 */
#define RACE_FAULTS	32U
/* The rings are packed ones, whatever the test's are. */
#define RACE_PACKED	64U
/* There are many guests: they share the CPU. */
#define RACE_CROWD	128U

struct race_run;

struct race {
	const char *name;
	unsigned int flags;
	void (*disturb)(struct race_run *r);	/* once; it takes its time itself */
};

/* A program on the host. */
struct race_host {
	struct race_run *r;
	struct rng rng;
	bool accepts;
	int fd;			/* its connection, or -1 */
	pthread_t thread;
	pid_t pid;		/* where it is a process */
};

/* Written by host programs and guests, which may be processes. */
struct race_counts {
	unsigned int whole;	/* connections that carried all */
	unsigned int cut;	/* others */
	unsigned int guests;
	__u64 bytes;		/* both ways, of those that carried all */
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
	pid_t vmm;
	bool stop_hosts;
	bool stop_guest;
	pthread_mutex_t pause_lock;
	pthread_cond_t pause_changed;
	bool pause_guest;
	bool guest_paused;
	unsigned int steps;
	unsigned int reboots;	/* twice as many; odd while there is no guest */
	struct race_counts *counts;
};

/* A race as a test: until its time is over, and a fresh device afterwards. */
void race_run(const void *arg);

/* So many, shared with the processes that are forked later. */
struct race_counts *race_counts(unsigned int n);

/* Several at once, each in a process, have guests of different numbers. */
void race_run_numbered(const struct race *race, unsigned int number,
		       struct race_counts *counts);

/* A socket of this type and flags that waits so many ms to be connected. */
int race_socket(int type, int timeout);

/* Sleep up to @us microseconds. */
void race_sleep(struct rng *rng, unsigned int us);

/* Only between the guest's rounds. */
void race_pause_guest(struct race_run *r);
void race_resume_guest(struct race_run *r);

/* One of the programs on the host, which are threads, has a connection. */
void race_await_connection(struct race_run *r);

/* The guest is another one with the same CID. */
void race_new_guest(struct race_run *r);

/* As processes: begin, or end with SIGKILL. */
void race_fork_guest(struct race_run *r);
void race_fork_host(struct race_host *h);
void race_kill(pid_t pid);

/* The listener of that kind is another one. */
void race_listen(struct race_run *r, unsigned int which);

/* What a guest must not notice. */
void race_stop_and_start(struct race_run *r);
void race_change_table(struct race_run *r);
void race_zap(struct race_run *r);

/* A device that was just opened carries data. */
void race_fresh_device(unsigned int n);

void add_connection_races(void);
void add_device_races(void);
void add_module_races(void);

#endif
