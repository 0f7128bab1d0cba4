/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_VSOCK sockets: the effects of events.
 */
#ifndef _MVSOCK_SOCKET_H
#define _MVSOCK_SOCKET_H

#include <mvsock/conn.h>

struct vsock_transport;

bool mvs_socket_readable(struct mvs_conn *conn, u64 target);
bool mvs_socket_awaited(struct mvs_conn *conn);
bool mvs_socket_event(struct mvs_conn *conn, enum mvs_conn_event event,
		      const struct virtio_vsock_hdr *hdr);
bool mvs_socket_accept(struct mvs_device *device,
		       const struct mvs_conn_key *key,
		       const struct virtio_vsock_hdr *hdr);
int mvs_socket_register(void);
void mvs_socket_unregister(void);
int mvs_socket_init(struct vsock_sock *vsk, struct vsock_sock *parent);
void mvs_socket_destruct(struct vsock_sock *vsk);
int mvs_socket_connect(struct vsock_sock *vsk);
int mvs_socket_cancel(struct vsock_sock *vsk);
int mvs_socket_shutdown(struct vsock_sock *vsk, int mode);
void mvs_socket_fail(struct vsock_sock *vsk);
void mvs_socket_release(struct vsock_sock *vsk);

#endif /* _MVSOCK_SOCKET_H */
