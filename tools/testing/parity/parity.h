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
	bool repair;	/* even if it failed: it sets up more than that */
};

extern struct parity_call *parity_calls;
extern unsigned int parity_ncalls;

/* What <linux/vhost.h> names, up to one without a name: see vhost_ioctls.sh. */
struct vhost_ioctl {
	const char *name;
	unsigned long req;
};

extern const struct vhost_ioctl vhost_ioctls[];

/* Make the list of calls. */
void parity_init(void);

/* Add one, its name as printf() has it. The next one may move it. */
struct parity_call *parity_add(const struct call *call, const char *fmt, ...);

/* NULL, and every piece of the argument in turn the first that is missing. */
void parity_add_bad_pointers(const char *name, const struct call *call,
			     unsigned int size);

/* Dirty log, IOTLB. */
void parity_add_log(void);
void parity_add_iotlb(void);

/* Prints TAP; the exit status. */
int parity_compare(const char *vhost_vsock, const char *mvsock);

#endif
