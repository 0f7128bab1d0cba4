// SPDX-License-Identifier: GPL-2.0
/*
 * Each call of a program in each state that a guest can cause for its socket: generated rows, which
 * follow those of the list.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sockets.h"

struct part {
	const char *name;
	const char *steps;
};

/* The guest has a connection. */
static const struct part states[] = {
	{ "open", "accepted" },
	{ "unread", "accepted; rw 10" },
	{ "shut 1", "accepted; shut 1" },
	{ "shut 2", "accepted; shut 2" },
	{ "unread, shut 2", "accepted; rw 10; shut 2" },
	{ "unread, shut 3", "accepted; rw 10; shut 3" },
	{ "no credit", "guest; room 0; accepted" },
	{ "connecting", "guest; socket; nonblock; connect; sees" },
};

/*
 * The guest has ended the connection. Results of sending to it then differ intentionally, and so
 * does recv() after shutdown(): the list has rows for that.
 */
static const struct part ended[] = {
	{ "shut 3", "accepted; shut 3; sees" },
	{ "RST", "accepted; rst" },
	{ "unread, RST", "accepted; rw 10; rst" },
	{ "shutdown wr, shut 3", "accepted; shutdown wr; sees; shut 3; sees" },
	{ "refused", "guest; socket; nonblock; connect; sees; rst" },
};

/* Calls that shut down come last. */
static const struct part calls[] = {
	{ "recv", "set rcvtimeo 50; recv 20; recv 20" },
	{ "recv, PEEK", "set rcvtimeo 50; recv 20 PEEK; recv 4" },
	{ "send", "set sndtimeo 50; send 5; send 5" },
	{ "connect", "nonblock; connect" },
	{ "options", "set size 1000; get size; set lowat 5; outq" },
	{ "shutdown rd", "shutdown rd" },
	{ "shutdown wr", "shutdown wr" },
	{ "shutdown rdwr", "shutdown rdwr" },
};

#define NCALLS	ARRAY_SIZE(calls)
#define NENDED	(NCALLS - 3)	/* calls after the end of a connection */
#define NOPEN	(ARRAY_SIZE(states) * NCALLS)
#define NTABLE	(NOPEN + ARRAY_SIZE(ended) * NENDED)

/* What a program can observe afterwards. */
#define READS	"recv 20 PEEK DONTWAIT; recv 20 DONTWAIT; recv 20 DONTWAIT"
#define OTHERS	"poll; send 5 DONTWAIT; poll; err"

static struct row compose(const struct part *state, const struct part *call,
			  const char *seen)
{
	struct row row = { .types = BOTH };
	char *name, *steps;

	if (asprintf(&name, "%s: then %s", state->name, call->name) < 0 ||
	    asprintf(&steps, "%s; %s; %s", state->steps, call->steps, seen) < 0)
		abort();
	row.name = name;
	row.steps = steps;
	return row;
}

static struct row make(unsigned int i)
{
	if (i < NOPEN)
		return compose(&states[i / NCALLS], &calls[i % NCALLS],
			       OTHERS "; " READS "; sees; close; sees");
	i -= NOPEN;
	return compose(&ended[i / NENDED], &calls[i % NENDED],
		       READS "; " OTHERS);
}

unsigned int sockets_nrows(void)
{
	return nrows + NTABLE;
}

const struct row *sockets_row(unsigned int i)
{
	static struct row table[NTABLE];

	if (i < nrows)
		return &rows[i];
	i -= nrows;
	if (!table[i].name)
		table[i] = make(i);
	return &table[i];
}
