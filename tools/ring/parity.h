/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parity with vhost_vsock: the states, the calls, the differences that are meant.
 */
#ifndef MVS_RING_PARITY_H
#define MVS_RING_PARITY_H

#include "calls.h"

struct parity_state {
	const char *name;
	enum state reach;
	bool stopped;	/* after it ran */
	bool other;	/* the call comes from another process */
};

extern const struct parity_state parity_states[];
extern const unsigned int parity_nstates;

struct parity_call {
	char *name;
	struct call call;
	/* in its place; a negative errno, or what was read */
	__s64 (*special)(const struct guest *g, __u64 arg);
};

extern struct parity_call *parity_calls;
extern unsigned int parity_ncalls;

/* Make the list of calls. */
void parity_init(void);

/* Prints TAP; the exit status. */
int parity_compare(const char *vhost_vsock, const char *mvsock);

#endif
