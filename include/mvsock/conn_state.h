/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The states of a connection and their transitions: a table without access to sockets and
 * devices.
 */
#ifndef _MVSOCK_CONN_STATE_H
#define _MVSOCK_CONN_STATE_H

#include <linux/types.h>

/**
 * enum mvs_conn_state - the state of a connection
 * @MVS_CONN_CLOSED: not connected yet, refused, or closed
 * @MVS_CONN_CONNECTING: REQUEST is sent, or pending
 * @MVS_CONN_OPEN: established; either direction may be shut down
 * @MVS_CONN_ENDED: the peer has shut down both directions, and there are unread data
 * @MVS_CONN_CLOSING: the program has closed; the peer has to answer SHUTDOWN
 * @MVS_CONN_STATES: number of states
 */
enum mvs_conn_state {
	MVS_CONN_CLOSED,
	MVS_CONN_CONNECTING,
	MVS_CONN_OPEN,
	MVS_CONN_ENDED,
	MVS_CONN_CLOSING,
	MVS_CONN_STATES
};

/**
 * enum mvs_conn_event - an event of a connection
 * @MVS_EVENT_CONNECT: connect()
 * @MVS_EVENT_ACCEPT: a REQUEST that a listener has queued
 * @MVS_EVENT_CANCEL: connect() was interrupted or timed out
 * @MVS_EVENT_CLOSE: close()
 * @MVS_EVENT_TIMEOUT: the peer did not answer SHUTDOWN in time
 * @MVS_EVENT_FAILED: the rest of a message can't be queued
 * @MVS_EVENT_REQUEST: a packet with this op; likewise the next ones
 * @MVS_EVENT_RESPONSE:
 * @MVS_EVENT_RST:
 * @MVS_EVENT_SHUTDOWN: the peer shuts down one direction
 * @MVS_EVENT_SHUTDOWN_READ: it shuts down both, without unread data
 * @MVS_EVENT_SHUTDOWN_UNREAD: it shuts down both, with unread data
 * @MVS_EVENT_RW: data
 * @MVS_EVENT_OVERRUN: data beyond the credit
 * @MVS_EVENT_LOST: a packet whose chain was rejected
 * @MVS_EVENT_CREDIT_UPDATE:
 * @MVS_EVENT_CREDIT_REQUEST:
 * @MVS_EVENT_INVALID: the op 0
 * @MVS_EVENT_UNKNOWN: an op that does not exist
 * @MVS_EVENTS: number of events
 */
enum mvs_conn_event {
	MVS_EVENT_CONNECT,
	MVS_EVENT_ACCEPT,
	MVS_EVENT_CANCEL,
	MVS_EVENT_CLOSE,
	MVS_EVENT_TIMEOUT,
	MVS_EVENT_FAILED,
	MVS_EVENT_REQUEST,
	MVS_EVENT_RESPONSE,
	MVS_EVENT_RST,
	MVS_EVENT_SHUTDOWN,
	MVS_EVENT_SHUTDOWN_READ,
	MVS_EVENT_SHUTDOWN_UNREAD,
	MVS_EVENT_RW,
	MVS_EVENT_OVERRUN,
	MVS_EVENT_LOST,
	MVS_EVENT_CREDIT_UPDATE,
	MVS_EVENT_CREDIT_REQUEST,
	MVS_EVENT_INVALID,
	MVS_EVENT_UNKNOWN,
	MVS_EVENTS
};

/**
 * enum mvs_mark - pending packets of a connection, in the order in which they are sent
 * @MVS_MARK_REQUEST:
 * @MVS_MARK_RESPONSE:
 * @MVS_MARK_CREDIT_UPDATE:
 * @MVS_MARK_CREDIT_REQUEST:
 * @MVS_MARK_DATA: the queued rest of a message
 * @MVS_MARK_SHUTDOWN:
 * @MVS_MARK_RST: the last one: other pending packets are dropped
 * @MVS_MARKS: number of kinds
 * @MVS_MARK_NONE: no packet
 */
enum mvs_mark {
	MVS_MARK_REQUEST,
	MVS_MARK_RESPONSE,
	MVS_MARK_CREDIT_UPDATE,
	MVS_MARK_CREDIT_REQUEST,
	MVS_MARK_DATA,
	MVS_MARK_SHUTDOWN,
	MVS_MARK_RST,
	MVS_MARKS,
	MVS_MARK_NONE = MVS_MARKS
};

/**
 * struct mvs_transition - the effect of an event
 * @next: the next state
 * @send: a packet to send, or %MVS_MARK_NONE
 * @error: the socket's error, or 0
 */
struct mvs_transition {
	enum mvs_conn_state next;
	enum mvs_mark send;
	int error;
};

struct mvs_transition mvs_conn_transition(enum mvs_conn_state state,
					  enum mvs_conn_event event);

#endif /* _MVSOCK_CONN_STATE_H */
