/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What vsockmon sees.
 */
#ifndef _MVSOCK_TAP_H
#define _MVSOCK_TAP_H

#include <uapi/linux/virtio_vsock.h>

#include <mvsock/chain.h>
#include <mvsock/gmem.h>

void mvs_tap(const struct virtio_vsock_hdr *hdr, const struct mvs_chain *chain,
	     struct mvs_gmem *gm);

#endif /* _MVSOCK_TAP_H */
