// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a connection: the effect of each event in each state.
 *
 * The expected effects are those of the specification (virtio 1.3, 5.10.6), and where it does not
 * define any, those of vhost_vsock, on which AF_VSOCK's programs and guests rely.
 */
#include <kunit/test.h>

#include <mvsock/conn_state.h>

/**
 * struct wanted - the expected effect of an event
 * @known: the table has an entry for the event
 * @never: it does not happen in this state; if it did, it could at most close the connection
 * @then: the expected transition
 */
struct wanted {
	bool known;
	bool never;
	struct mvs_transition then;
};

#define NEVER		{ .known = true, .never = true }
#define DO(state, mark, errno) {					\
	.known = true,							\
	.then = { MVS_CONN_ ## state, MVS_MARK_ ## mark, errno },	\
}

/* No connection: calls of its program and late packets have no effect. */
#define NOTHING		DO(CLOSED, NONE, 0)

static const struct wanted closed[MVS_EVENTS] = {
	[MVS_EVENT_CONNECT] = DO(CONNECTING, REQUEST, 0),
	[MVS_EVENT_ACCEPT] = DO(OPEN, RESPONSE, 0),
	/* connect() gave up after the peer had already refused. */
	[MVS_EVENT_CANCEL] = NOTHING,
	[MVS_EVENT_CLOSE] = NOTHING,
	/* The peer's answer and the timeout came at the same time. */
	[MVS_EVENT_TIMEOUT] = NOTHING,
	[MVS_EVENT_FAILED] = NOTHING,
	/* The connection existed when the packet came: no second answer. */
	[MVS_EVENT_REQUEST] = NOTHING,
	[MVS_EVENT_RESPONSE] = NOTHING,
	[MVS_EVENT_RST] = NOTHING,
	[MVS_EVENT_SHUTDOWN] = NOTHING,
	[MVS_EVENT_SHUTDOWN_READ] = NOTHING,
	[MVS_EVENT_SHUTDOWN_UNREAD] = NOTHING,
	[MVS_EVENT_RW] = NOTHING,
	[MVS_EVENT_OVERRUN] = NOTHING,
	[MVS_EVENT_LOST] = NOTHING,
	[MVS_EVENT_CREDIT_UPDATE] = NOTHING,
	[MVS_EVENT_CREDIT_REQUEST] = NOTHING,
	[MVS_EVENT_INVALID] = NOTHING,
	[MVS_EVENT_UNKNOWN] = NOTHING,
};

/* Only RESPONSE and RST answer REQUEST. The op 0 is ignored, as by vhost_vsock. */
#define WRONG_ANSWER	DO(CLOSED, RST, EPROTO)

static const struct wanted connecting[MVS_EVENTS] = {
	[MVS_EVENT_CONNECT] = NEVER,
	[MVS_EVENT_ACCEPT] = NEVER,
	/* A late RESPONSE finds no connection, and is answered with RST. */
	[MVS_EVENT_CANCEL] = DO(CLOSED, NONE, 0),
	[MVS_EVENT_CLOSE] = NEVER,
	[MVS_EVENT_TIMEOUT] = NEVER,
	[MVS_EVENT_FAILED] = NEVER,
	[MVS_EVENT_REQUEST] = WRONG_ANSWER,
	[MVS_EVENT_RESPONSE] = DO(OPEN, NONE, 0),
	[MVS_EVENT_RST] = DO(CLOSED, NONE, ECONNRESET),
	[MVS_EVENT_SHUTDOWN] = WRONG_ANSWER,
	[MVS_EVENT_SHUTDOWN_READ] = WRONG_ANSWER,
	[MVS_EVENT_SHUTDOWN_UNREAD] = WRONG_ANSWER,
	[MVS_EVENT_RW] = WRONG_ANSWER,
	[MVS_EVENT_OVERRUN] = WRONG_ANSWER,
	[MVS_EVENT_LOST] = WRONG_ANSWER,
	[MVS_EVENT_CREDIT_UPDATE] = WRONG_ANSWER,
	[MVS_EVENT_CREDIT_REQUEST] = WRONG_ANSWER,
	[MVS_EVENT_INVALID] = DO(CONNECTING, NONE, 0),
	[MVS_EVENT_UNKNOWN] = WRONG_ANSWER,
};

#define STAYS_OPEN	DO(OPEN, NONE, 0)

static const struct wanted open[MVS_EVENTS] = {
	[MVS_EVENT_CONNECT] = NEVER,
	[MVS_EVENT_ACCEPT] = NEVER,
	/*
	 * The peer answered while connect() gave up: close() ends the connection in an orderly way.
	 */
	[MVS_EVENT_CANCEL] = STAYS_OPEN,
	[MVS_EVENT_CLOSE] = DO(CLOSING, SHUTDOWN, 0),
	[MVS_EVENT_TIMEOUT] = NEVER,
	[MVS_EVENT_FAILED] = DO(CLOSED, RST, ENOMEM),
	/* Packets that the peer has no reason to send are ignored, as by vhost_vsock. */
	[MVS_EVENT_REQUEST] = STAYS_OPEN,
	[MVS_EVENT_RESPONSE] = STAYS_OPEN,
	/* The program reads the remaining data, and then the end of file; that is no error. */
	[MVS_EVENT_RST] = DO(CLOSED, NONE, 0),
	[MVS_EVENT_SHUTDOWN] = STAYS_OPEN,
	/* "Clean disconnect": a side without unread data answers with RST. */
	[MVS_EVENT_SHUTDOWN_READ] = DO(CLOSED, RST, 0),
	[MVS_EVENT_SHUTDOWN_UNREAD] = DO(ENDED, NONE, 0),
	[MVS_EVENT_RW] = STAYS_OPEN,
	/* A stream with missing data must not continue. */
	[MVS_EVENT_OVERRUN] = DO(CLOSED, RST, ENOBUFS),
	[MVS_EVENT_LOST] = DO(CLOSED, RST, 0),
	[MVS_EVENT_CREDIT_UPDATE] = STAYS_OPEN,
	[MVS_EVENT_CREDIT_REQUEST] = DO(OPEN, CREDIT_UPDATE, 0),
	[MVS_EVENT_INVALID] = STAYS_OPEN,
	[MVS_EVENT_UNKNOWN] = STAYS_OPEN,
};

/* The peer has finished, and waits for RST, which is sent when the program closes. */
#define STAYS_ENDED	DO(ENDED, NONE, 0)

static const struct wanted ended[MVS_EVENTS] = {
	[MVS_EVENT_CONNECT] = NEVER,
	[MVS_EVENT_ACCEPT] = NEVER,
	[MVS_EVENT_CANCEL] = STAYS_ENDED,
	[MVS_EVENT_CLOSE] = DO(CLOSED, RST, 0),
	[MVS_EVENT_TIMEOUT] = NEVER,
	[MVS_EVENT_FAILED] = NEVER,
	/* The connection was open when the packet came. */
	[MVS_EVENT_REQUEST] = STAYS_ENDED,
	[MVS_EVENT_RESPONSE] = STAYS_ENDED,
	[MVS_EVENT_RST] = STAYS_ENDED,
	[MVS_EVENT_SHUTDOWN] = STAYS_ENDED,
	[MVS_EVENT_SHUTDOWN_READ] = STAYS_ENDED,
	[MVS_EVENT_SHUTDOWN_UNREAD] = STAYS_ENDED,
	[MVS_EVENT_RW] = STAYS_ENDED,
	[MVS_EVENT_OVERRUN] = STAYS_ENDED,
	[MVS_EVENT_LOST] = STAYS_ENDED,
	[MVS_EVENT_CREDIT_UPDATE] = STAYS_ENDED,
	[MVS_EVENT_CREDIT_REQUEST] = STAYS_ENDED,
	[MVS_EVENT_INVALID] = STAYS_ENDED,
	[MVS_EVENT_UNKNOWN] = STAYS_ENDED,
};

/*
 * SHUTDOWN was sent, and nothing is read any more. The peer answers with RST, or shuts down its
 * side.
 */
#define STAYS_CLOSING	DO(CLOSING, NONE, 0)

static const struct wanted closing[MVS_EVENTS] = {
	[MVS_EVENT_CONNECT] = NEVER,
	[MVS_EVENT_ACCEPT] = NEVER,
	[MVS_EVENT_CANCEL] = STAYS_CLOSING,
	[MVS_EVENT_CLOSE] = STAYS_CLOSING,
	[MVS_EVENT_TIMEOUT] = DO(CLOSED, RST, 0),
	[MVS_EVENT_FAILED] = STAYS_CLOSING,
	[MVS_EVENT_REQUEST] = STAYS_CLOSING,
	[MVS_EVENT_RESPONSE] = STAYS_CLOSING,
	[MVS_EVENT_RST] = DO(CLOSED, NONE, 0),
	[MVS_EVENT_SHUTDOWN] = STAYS_CLOSING,
	[MVS_EVENT_SHUTDOWN_READ] = DO(CLOSED, RST, 0),
	[MVS_EVENT_SHUTDOWN_UNREAD] = DO(CLOSED, RST, 0),
	[MVS_EVENT_RW] = STAYS_CLOSING,
	[MVS_EVENT_OVERRUN] = STAYS_CLOSING,
	[MVS_EVENT_LOST] = DO(CLOSED, RST, 0),
	[MVS_EVENT_CREDIT_UPDATE] = STAYS_CLOSING,
	/* Without a reader there is no room for data to report. */
	[MVS_EVENT_CREDIT_REQUEST] = DO(CLOSING, CREDIT_UPDATE, 0),
	[MVS_EVENT_INVALID] = STAYS_CLOSING,
	[MVS_EVENT_UNKNOWN] = STAYS_CLOSING,
};

struct state_case {
	const char *name;
	enum mvs_conn_state state;
	const struct wanted *wanted;
};

static const struct state_case state_cases[] = {
	{ "closed", MVS_CONN_CLOSED, closed },
	{ "connecting", MVS_CONN_CONNECTING, connecting },
	{ "open", MVS_CONN_OPEN, open },
	{ "ended", MVS_CONN_ENDED, ended },
	{ "closing", MVS_CONN_CLOSING, closing },
};

KUNIT_ARRAY_PARAM_DESC(state, state_cases, name);

static_assert(ARRAY_SIZE(state_cases) == MVS_CONN_STATES);

static void transition(struct kunit *test)
{
	const struct state_case *c = test->param_value;
	enum mvs_conn_event event;

	for (event = 0; event < MVS_EVENTS; event++) {
		const struct wanted *w = &c->wanted[event];
		struct mvs_transition t = mvs_conn_transition(c->state, event);

		KUNIT_EXPECT_TRUE_MSG(test, w->known, "event %u", event);
		if (w->never) {
			KUNIT_EXPECT_TRUE_MSG(test, t.next == c->state ||
					      t.next == MVS_CONN_CLOSED,
					      "event %u: next %u", event, t.next);
			KUNIT_EXPECT_TRUE_MSG(test, t.send == MVS_MARK_RST ||
					      t.send == MVS_MARK_NONE,
					      "event %u: send %u", event, t.send);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, t.next, w->then.next, "event %u", event);
		KUNIT_EXPECT_EQ_MSG(test, t.send, w->then.send, "event %u", event);
		KUNIT_EXPECT_EQ_MSG(test, t.error, w->then.error, "event %u",
				    event);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(transition, state_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "mvsock_conn_state",
	.test_cases = cases,
};

kunit_test_suite(suite);
