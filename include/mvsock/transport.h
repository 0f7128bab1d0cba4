/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The transport: AF_VSOCK sockets on one side, devices on the other.
 */
#ifndef _MVSOCK_TRANSPORT_H
#define _MVSOCK_TRANSPORT_H

#include <mvsock/device.h>

extern const struct mvs_device_ops mvs_transport_device_ops;

int mvs_transport_register(void);
void mvs_transport_unregister(void);

#endif /* _MVSOCK_TRANSPORT_H */
