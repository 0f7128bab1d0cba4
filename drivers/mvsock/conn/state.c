// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a connection.
 *
 *	CLOSED --connect--> CONNECTING --RESPONSE--> OPEN --close--> CLOSING
 *	   '--------accept---------------------------^ |               | RST,
 *	                                     SHUTDOWN  v               | or too
 *	                             CLOSED <--close-- ENDED           v late
 *	                                                             CLOSED
 */
#include <kunit/visibility.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include <mvsock/conn_state.h>

#define STAY(state)		{ MVS_CONN_ ## state, MVS_MARK_NONE, 0 }
#define GO(state, mark)		{ MVS_CONN_ ## state, MVS_MARK_ ## mark, 0 }
#define FAIL(mark, errno)	{ MVS_CONN_CLOSED, MVS_MARK_ ## mark, errno }

/**
 * struct line - an entry of the state table
 * @state: the state
 * @event: the event
 * @then: the transition
 */
struct line {
	enum mvs_conn_state state;
	enum mvs_conn_event event;
	struct mvs_transition then;
};

/*
 * Packets for a closed connection never get here: it is not found, and they are answered
 * with RST.
 */
static const struct line lines[] = {
	{ MVS_CONN_CLOSED, MVS_EVENT_CONNECT, GO(CONNECTING, REQUEST) },
	{ MVS_CONN_CLOSED, MVS_EVENT_ACCEPT, GO(OPEN, RESPONSE) },

	{ MVS_CONN_CONNECTING, MVS_EVENT_RESPONSE, STAY(OPEN) },
	{ MVS_CONN_CONNECTING, MVS_EVENT_RST, FAIL(NONE, ECONNRESET) },
	{ MVS_CONN_CONNECTING, MVS_EVENT_INVALID, STAY(CONNECTING) },
	{ MVS_CONN_CONNECTING, MVS_EVENT_CANCEL, STAY(CLOSED) },

	{ MVS_CONN_OPEN, MVS_EVENT_CLOSE, GO(CLOSING, SHUTDOWN) },
	{ MVS_CONN_OPEN, MVS_EVENT_FAILED, FAIL(RST, ENOMEM) },
	{ MVS_CONN_OPEN, MVS_EVENT_RST, STAY(CLOSED) },
	{ MVS_CONN_OPEN, MVS_EVENT_SHUTDOWN_READ, GO(CLOSED, RST) },
	{ MVS_CONN_OPEN, MVS_EVENT_SHUTDOWN_UNREAD, STAY(ENDED) },
	{ MVS_CONN_OPEN, MVS_EVENT_OVERRUN, FAIL(RST, ENOBUFS) },
	/* The error is reported after the data received before it: see mvs_conn_abort(). */
	{ MVS_CONN_OPEN, MVS_EVENT_LOST, GO(CLOSED, RST) },
	{ MVS_CONN_OPEN, MVS_EVENT_CREDIT_REQUEST, GO(OPEN, CREDIT_UPDATE) },

	{ MVS_CONN_ENDED, MVS_EVENT_CLOSE, GO(CLOSED, RST) },

	{ MVS_CONN_CLOSING, MVS_EVENT_CREDIT_REQUEST,
	  GO(CLOSING, CREDIT_UPDATE) },
	{ MVS_CONN_CLOSING, MVS_EVENT_RST, STAY(CLOSED) },
	{ MVS_CONN_CLOSING, MVS_EVENT_LOST, GO(CLOSED, RST) },
	{ MVS_CONN_CLOSING, MVS_EVENT_SHUTDOWN_READ, GO(CLOSED, RST) },
	{ MVS_CONN_CLOSING, MVS_EVENT_SHUTDOWN_UNREAD, GO(CLOSED, RST) },
	{ MVS_CONN_CLOSING, MVS_EVENT_TIMEOUT, GO(CLOSED, RST) },
};

/* All other events are ignored, except for an unexpected answer to a REQUEST. */
static const struct mvs_transition others[MVS_CONN_STATES] = {
	[MVS_CONN_CLOSED]	= STAY(CLOSED),
	[MVS_CONN_CONNECTING]	= FAIL(RST, EPROTO),
	[MVS_CONN_OPEN]		= STAY(OPEN),
	[MVS_CONN_ENDED]	= STAY(ENDED),
	[MVS_CONN_CLOSING]	= STAY(CLOSING),
};

/**
 * mvs_conn_transition - look up the transition for an event
 * @state: the connection's state
 * @event: the event
 *
 * Return: the next state, the packet to send, and the socket's error.
 */
struct mvs_transition mvs_conn_transition(enum mvs_conn_state state,
					  enum mvs_conn_event event)
{
	const struct line *line;

	for (line = lines; line < lines + ARRAY_SIZE(lines); line++)
		if (line->state == state && line->event == event)
			return line->then;
	return others[state];
}
EXPORT_SYMBOL_IF_KUNIT(mvs_conn_transition);
