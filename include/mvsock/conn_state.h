/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The states of a connection, and what moves it from one to another: a table that
 * knows neither sockets nor devices.
 */
#ifndef _MVSOCK_CONN_STATE_H
#define _MVSOCK_CONN_STATE_H

#include <linux/types.h>

/**
 * enum mvs_conn_state - where a connection is
 * @MVS_CONN_CLOSED: not begun, refused, or over
 * @MVS_CONN_CONNECTING: the guest was asked
 * @MVS_CONN_OPEN: data may flow, as far as neither side has shut it down
 * @MVS_CONN_ENDED: the peer is done, but the program has data to read
 * @MVS_CONN_CLOSING: the program is done, the peer was told and has to answer
 * @MVS_CONN_STATES: how many there are
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
 * enum mvs_conn_event - what happens to a connection
 * @MVS_EVENT_CONNECT: the program wants it
 * @MVS_EVENT_ACCEPT: the peer wants it, and it was taken
 * @MVS_EVENT_CANCEL: the program has given up connecting
 * @MVS_EVENT_CLOSE: the program closes its socket
 * @MVS_EVENT_TIMEOUT: the peer had its time to answer that
 * @MVS_EVENT_FAILED: a message that was begun can't be ended
 * @MVS_EVENT_REQUEST: a packet of this name, as are the next
 * @MVS_EVENT_RESPONSE:
 * @MVS_EVENT_RST:
 * @MVS_EVENT_SHUTDOWN: the peer shuts one direction down
 * @MVS_EVENT_SHUTDOWN_READ: both, and there is nothing to read
 * @MVS_EVENT_SHUTDOWN_UNREAD: both, and there is
 * @MVS_EVENT_RW: data
 * @MVS_EVENT_OVERRUN: data beyond the credit
 * @MVS_EVENT_LOST: a packet that can't be taken, whatever it had to say
 * @MVS_EVENT_CREDIT_UPDATE:
 * @MVS_EVENT_CREDIT_REQUEST:
 * @MVS_EVENT_INVALID: the packet type 0
 * @MVS_EVENT_UNKNOWN: one that does not exist
 * @MVS_EVENTS: how many there are
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
 * enum mvs_mark - packets that a connection sends when there is room
 * @MVS_MARK_REQUEST: in the order in which they go out
 * @MVS_MARK_RESPONSE:
 * @MVS_MARK_CREDIT_UPDATE:
 * @MVS_MARK_CREDIT_REQUEST:
 * @MVS_MARK_DATA: what is queued of a message
 * @MVS_MARK_SHUTDOWN:
 * @MVS_MARK_RST: the last one: nothing else follows, and what did not go out is
 *	forgotten
 * @MVS_MARKS: how many there are
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
 * struct mvs_transition - what an event does
 * @next: the state after it
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
