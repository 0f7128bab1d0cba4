/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/mvsock.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_MVSOCK_H
#define _UAPI_LINUX_MVSOCK_H

#define MVSOCK_FAMILY_NAME	"mvsock"
#define MVSOCK_FAMILY_VERSION	1

/**
 * enum mvsock_conn_type - type of a connection
 * @MVSOCK_CONN_TYPE_STREAM: bytes in order
 * @MVSOCK_CONN_TYPE_SEQPACKET: messages in order
 */
enum mvsock_conn_type {
	MVSOCK_CONN_TYPE_STREAM = 1,
	MVSOCK_CONN_TYPE_SEQPACKET,
};

/**
 * enum mvsock_conn_state - state of a connection
 * @MVSOCK_CONN_STATE_CONNECTING: the guest has not answered the host's request
 *   yet
 * @MVSOCK_CONN_STATE_OPEN: established; either direction may be shut down
 * @MVSOCK_CONN_STATE_CLOSING: the program has closed its socket, and the guest
 *   has to answer
 */
enum mvsock_conn_state {
	MVSOCK_CONN_STATE_CONNECTING = 1,
	MVSOCK_CONN_STATE_OPEN,
	MVSOCK_CONN_STATE_CLOSING,
};

/**
 * enum mvsock_conn_wait - what data to the guest wait for
 * @MVSOCK_CONN_WAIT_BUFFERS: the guest has no free receive buffer
 * @MVSOCK_CONN_WAIT_CREDIT: the guest's program has to read first
 * @MVSOCK_CONN_WAIT_PAGE: a page of the guest's memory, or its translation by
 *   the IOMMU
 */
enum mvsock_conn_wait {
	MVSOCK_CONN_WAIT_BUFFERS = 1,
	MVSOCK_CONN_WAIT_CREDIT,
	MVSOCK_CONN_WAIT_PAGE,
};

/**
 * enum mvsock_direction - direction of connections
 * @MVSOCK_DIRECTION_TO_GUEST: a program of the host connects to a guest
 * @MVSOCK_DIRECTION_TO_HOST: a guest connects to the host
 */
enum mvsock_direction {
	MVSOCK_DIRECTION_TO_GUEST = 1,
	MVSOCK_DIRECTION_TO_HOST,
};

enum {
	MVSOCK_A_CONN_CID = 1,
	MVSOCK_A_CONN_LOCAL_PORT,
	MVSOCK_A_CONN_REMOTE_PORT,
	MVSOCK_A_CONN_TYPE,
	MVSOCK_A_CONN_STATE,
	MVSOCK_A_CONN_UID,
	MVSOCK_A_CONN_INODE,
	MVSOCK_A_CONN_AGE,
	MVSOCK_A_CONN_RX_BYTES,
	MVSOCK_A_CONN_TX_BYTES,
	MVSOCK_A_CONN_RX_QUEUED,
	MVSOCK_A_CONN_TX_QUEUED,
	MVSOCK_A_CONN_RX_CREDIT,
	MVSOCK_A_CONN_TX_CREDIT,
	MVSOCK_A_CONN_WAIT,
	MVSOCK_A_CONN_WAIT_TIME,

	__MVSOCK_A_CONN_MAX,
	MVSOCK_A_CONN_MAX = (__MVSOCK_A_CONN_MAX - 1)
};

enum {
	MVSOCK_A_GROUP_CID = 1,
	MVSOCK_A_GROUP_NAME,

	__MVSOCK_A_GROUP_MAX,
	MVSOCK_A_GROUP_MAX = (__MVSOCK_A_GROUP_MAX - 1)
};

enum {
	MVSOCK_A_RULE_DIRECTION = 1,
	MVSOCK_A_RULE_ALLOW,
	MVSOCK_A_RULE_CID,
	MVSOCK_A_RULE_PORT_MIN,
	MVSOCK_A_RULE_PORT_MAX,
	MVSOCK_A_RULE_UID,
	MVSOCK_A_RULE_CGROUP,

	__MVSOCK_A_RULE_MAX,
	MVSOCK_A_RULE_MAX = (__MVSOCK_A_RULE_MAX - 1)
};

enum {
	MVSOCK_A_POLICY_RULE = 1,

	__MVSOCK_A_POLICY_MAX,
	MVSOCK_A_POLICY_MAX = (__MVSOCK_A_POLICY_MAX - 1)
};

enum {
	MVSOCK_A_FLOW_CID = 1,
	MVSOCK_A_FLOW_PORT,
	MVSOCK_A_FLOW_PEER_CID,
	MVSOCK_A_FLOW_PEER_PORT,
	MVSOCK_A_FLOW_TYPE,
	MVSOCK_A_FLOW_ANSWERED,
	MVSOCK_A_FLOW_AGE,

	__MVSOCK_A_FLOW_MAX,
	MVSOCK_A_FLOW_MAX = (__MVSOCK_A_FLOW_MAX - 1)
};

enum {
	MVSOCK_A_DEVICE_CID = 1,

	__MVSOCK_A_DEVICE_MAX,
	MVSOCK_A_DEVICE_MAX = (__MVSOCK_A_DEVICE_MAX - 1)
};

enum {
	MVSOCK_CMD_CONN_GET = 1,
	MVSOCK_CMD_CONN_RESET,
	MVSOCK_CMD_GROUP_GET,
	MVSOCK_CMD_GROUP_ADD,
	MVSOCK_CMD_GROUP_DEL,
	MVSOCK_CMD_POLICY_GET,
	MVSOCK_CMD_POLICY_SET,
	MVSOCK_CMD_FLOW_GET,
	MVSOCK_CMD_DEVICE_ADD,
	MVSOCK_CMD_DEVICE_DEL,

	__MVSOCK_CMD_MAX,
	MVSOCK_CMD_MAX = (__MVSOCK_CMD_MAX - 1)
};

#define MVSOCK_MCGRP_DEVICES	"devices"

#endif /* _UAPI_LINUX_MVSOCK_H */
