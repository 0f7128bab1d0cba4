// SPDX-License-Identifier: GPL-2.0
/*
 * Behaviour of the host's sockets, and what the guest sees of it. Run with two modules in turn, and
 * compared.
 *
 *	sockets print [DEVICE]	a line for each row and type of socket
 *	sockets compare A B	compare both outputs; A is vhost_vsock, B is mvsock
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "rows.h"
#include "sockets.h"

#define AT_ONCE 12	/* rows at once: some wait for 8 seconds */

static __u32 cid_base;

static const struct {
	const char *name;
	int socktype;
	unsigned int bit;
} types[] = {
	{ "stream", SOCK_STREAM, STREAM },
	{ "seqpacket", SOCK_SEQPACKET, SEQPACKET },
};

const unsigned int sockets_ntypes = ARRAY_SIZE(types);

static void tell(const char *text)
{
	row_tell("%s%s", row_is_untold() ? "" : ", ", text);
}

static void play_row(unsigned int i)
{
	const struct row *r = sockets_row(i / ARRAY_SIZE(types));
	unsigned int type = i % ARRAY_SIZE(types);

	if (!(r->types & types[type].bit)) {
		tell("not for this type");
		return;
	}
	test_options.cid_base = cid_base + i;
	play(r, types[type].socktype, tell);
	if (row_is_untold())
		tell(WRONG ": nothing is told");
}

static void label_row(unsigned int i, char *text, size_t size)
{
	snprintf(text, size, "%s\t%s", sockets_row(i / ARRAY_SIZE(types))->name,
		 types[i % ARRAY_SIZE(types)].name);
}

int main(int argc, char **argv)
{
	const struct rows table = {
		.n = sockets_nrows() * ARRAY_SIZE(types),
		.at_once = AT_ONCE,
		.apart = true,
		.seconds = 2 * TAP_TIMEOUT,
		.play = play_row,
		.label = label_row,
	};

	cid_base = getpid() << 12;
	if (argc >= 2 && argc <= 3 && !strcmp(argv[1], "print")) {
		if (argc == 3)
			test_options.path = argv[2];
		return rows_print(&table);
	}
	if (argc == 4 && !strcmp(argv[1], "compare"))
		return sockets_compare(argv[2], argv[3]);
	fputs("usage: sockets print [DEVICE] | compare VHOST_VSOCK MVSOCK\n",
	      stderr);
	return 2;
}
