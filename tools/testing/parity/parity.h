/* SPDX-License-Identifier: GPL-2.0 */
/* Parity with vhost_vsock: the states, the calls, and the intended differences. */
#ifndef MVS_RING_PARITY_H
#define MVS_RING_PARITY_H

#include "calls.h"

struct parity_state {
	const char *name;
	enum state reach;
	bool stopped;	/* after it has run */
	bool other;	/* the call comes from another process */
};

extern const struct parity_state parity_states[];
extern const unsigned int parity_nstates;

struct parity_call {
	char *name;
	struct call call;
	/* called instead of @call; returns a negative errno, or the value read */
	__s64 (*special)(const struct guest *g, __u64 arg);
	bool repair;	/* even if it failed, as it consists of several calls */
};

extern struct parity_call *parity_calls;
extern unsigned int parity_ncalls;

/* The requests in <linux/vhost.h>, ended by one without a name: see vhost_ioctls.sh. */
struct vhost_ioctl {
	const char *name;
	unsigned long req;
};

extern const struct vhost_ioctl vhost_ioctls[];

/* Make the list of calls. */
void parity_init(void);

/* Add a call, with a name as for printf(). Adding another one may move it. */
struct parity_call *parity_add(const struct call *call, const char *fmt, ...);

/* Add the call with NULL, and with different numbers of the argument's first bytes mapped. */
void parity_add_bad_pointers(const char *name, const struct call *call,
			     unsigned int size);

/* Calls for the dirty log and the IOTLB. */
void parity_add_log(void);
void parity_add_iotlb(void);

/* Prints TAP. Returns the exit status. */
int parity_compare(const char *vhost_vsock, const char *mvsock);

#endif
