/* SPDX-License-Identifier: GPL-2.0 */
/* Single ioctls, valid and invalid, and the state of the device in which they are made. */
#ifndef MVS_RING_CALLS_H
#define MVS_RING_CALLS_H

#include "guest.h"

/* How far the device is set up. */
enum state {
	FRESH,
	OWNED,	/* owner, features */
	MEMORY,	/* memory table */
	READY,	/* rings, CID */
	RUNNING,
};

enum arg {
	NONE,		/* NULL */
	U64,		/* a */
	U8,		/* a */
	INT,		/* a */
	FD,		/* file a */
	RING_STATE,	/* ring a, num b */
	RING_FILE,	/* ring a, file b */
	RING_ADDR,	/* ring a, address b */
	TABLE,		/* memory table a */
};

enum file { UNBIND, EVENTFD, CLOSED, MINUS_2, PIPE, ITSELF };

enum address {
	AS_IS, AVAIL_ODD, USED_ODD, USED_BY_2, LOG_BY_2, BAD_FLAGS,
	KERNEL_DESC, KERNEL_AVAIL, KERNEL_USED,
	LOG, LOG_AT_0, LOG_FAR, LOG_FLAG_BY_2,
};

enum table {
	GOOD, EMPTY, PADDED, REGIONS_64, REGIONS_65, REGIONS_509, REGIONS_510,
	REGIONS_MAX, OVERLAPPING, WRAPPING, SIZE_0, ALL_SPACE, KERNEL_MEMORY,
	FLAGS, SHORT,
};

#define KERNEL_ADDRESS 0xffff888000000000ULL

/* Where the kernel is in an address space of its own the VMM may have any address. */
#ifdef __s390__
#define ANY_ADDRESS_OK true
#else
#define ANY_ADDRESS_OK false
#endif
/* The errno for an address that the VMM may not have, or 0. */
#define UNLESS_ANY(err) (ANY_ADDRESS_OK ? 0 : (err))

#define UNKNOWN_FEATURES (BIT_ULL(63) | BIT_ULL(20))
#define GET_FEATURES_ARRAY _IOR(VHOST_VIRTIO, 0x83, __u64)
/* Newer than some systems' <linux/vhost.h>. */
#define SET_FORK_FROM_OWNER _IOW(VHOST_VIRTIO, 0x84, __u8)
#define GET_FORK_FROM_OWNER _IOR(VHOST_VIRTIO, 0x85, __u8)
#define SET_FEATURES_ARRAY _IOW(VHOST_VIRTIO, 0x83, __u64)

struct call {
	unsigned long req;
	enum arg arg;
	__u64 a;
	__u64 b;
	bool cut;		/* only its first bytes are mapped: */
	unsigned int there;
};

/* Make @c. Returns what the ioctl returned, or a negative errno. */
int call_make(const struct guest *g, const struct call *c);

/* Open a device and bring it to state @to. 0 or a negative errno. */
int state_reach(struct guest *g, const struct guest_config *cfg,
		enum state to);

/* Advance the device by one state from @from. 0 or a negative errno. */
int state_next(struct guest *g, enum state from);

#endif
