/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device file: one function for each ioctl, so that tests can make them in any sequence.
 *
 * All return 0 (or what the ioctl returned) or a negative errno.
 */
#ifndef MVS_RING_DEVICE_H
#define MVS_RING_DEVICE_H

#include <linux/vhost.h>

#include "mem.h"

#define DEV_PATH "/dev/vhost-vsock"

/* Virtqueue numbers. The event queue is handled by the VMM. */
enum { RXQ, TXQ, NUM_QUEUES };

/* Features of both the rings and the vsock device. */
#define F_NOTIFY_ON_EMPTY	BIT_ULL(24)
#define F_LOG_ALL		BIT_ULL(VHOST_F_LOG_ALL)
#define F_ANY_LAYOUT		BIT_ULL(27)
#define F_INDIRECT		BIT_ULL(28)
#define F_EVENT_IDX		BIT_ULL(29)
#define F_VERSION_1		BIT_ULL(32)
#define F_ACCESS_PLATFORM	BIT_ULL(33)
#define F_PACKED		BIT_ULL(34)
#define F_IN_ORDER		BIT_ULL(35)
#define F_STREAM		BIT_ULL(0)
#define F_SEQPACKET		BIT_ULL(1)
#define F_NO_IMPLIED_STREAM	BIT_ULL(2)

#define BACKEND_IOTLB_MSG_V2	BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2)

struct dev {
	int fd;
};

int dev_open(struct dev *d, const char *path, int flags);
void dev_close(struct dev *d);
int dev_ioctl(const struct dev *d, unsigned long req, const void *arg);

int dev_set_owner(const struct dev *d);
int dev_get_features(const struct dev *d, __u64 *features);
int dev_set_features(const struct dev *d, __u64 features);
int dev_set_backend_features(const struct dev *d, __u64 features);
int dev_set_mem_table(const struct dev *d, const struct mem *m);
int dev_set_log_base(const struct dev *d, __u64 base);

int dev_set_ring_num(const struct dev *d, __u32 ring, __u32 num);
int dev_set_ring_base(const struct dev *d, __u32 ring, __u32 base);
int dev_get_ring_base(const struct dev *d, __u32 ring, __u32 *base);
int dev_set_ring_addr(const struct dev *d, __u32 ring, const void *desc,
		      const void *avail, const void *used);
int dev_set_ring_kick(const struct dev *d, __u32 ring, int fd);
int dev_set_ring_call(const struct dev *d, __u32 ring, int fd);
int dev_set_ring_err(const struct dev *d, __u32 ring, int fd);
int dev_set_ring_busyloop(const struct dev *d, __u32 ring, __u32 us);

int dev_set_cid(const struct dev *d, __u64 cid);
int dev_set_running(const struct dev *d, int running);

/**
 * dev_counter() - read one line of /proc/self/fdinfo
 * @d: open device
 * @name: the line's name
 * @value: set to its value
 *
 * Return: 0, or -ENOENT if there is no such line.
 */
int dev_counter(const struct dev *d, const char *name, __u64 *value);

#endif
