/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies of packets for vsockmon.
 */
#ifndef _MVSOCK_TAP_H
#define _MVSOCK_TAP_H

#include <linux/uio.h>
#include <uapi/linux/virtio_vsock.h>

void mvs_tap(const struct virtio_vsock_hdr *hdr,
	     const struct iov_iter *payload);
bool mvs_tap_listens(void);

#endif /* _MVSOCK_TAP_H */
