// SPDX-License-Identifier: GPL-2.0
/*
 * mvsockctl connections: the connections of guests, as a table or as JSON, once or by the
 * second. mvsockctl reset: ends them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "devices.h"
#include "json.h"
#include "mvsockctl.h"
#include "netlink.h"
#include "number.h"
#include "programs.h"

static const char *const states[] = {
	[MVSOCK_CONN_STATE_CONNECTING] = "connecting",
	[MVSOCK_CONN_STATE_OPEN] = "open",
	[MVSOCK_CONN_STATE_CLOSING] = "closing",
};

static const char *const waits[] = {
	[MVSOCK_CONN_WAIT_BUFFERS] = "buffers",
	[MVSOCK_CONN_WAIT_CREDIT] = "credit",
	[MVSOCK_CONN_WAIT_PAGE] = "page",
};

#define NUMBER(c, name) ((c)->number[MVSOCK_A_CONN_ ## name])

/* A later module may have more states or reasons. */
static const char *state_of(const struct connection *c)
{
	unsigned long long n = NUMBER(c, STATE);

	return n && n < ARRAY_SIZE(states) ? states[n] : "?";
}

/* NULL if nothing waits. */
static const char *wait_of(const struct connection *c)
{
	unsigned long long n = NUMBER(c, WAIT);

	if (!c->has[MVSOCK_A_CONN_WAIT])
		return NULL;
	return n && n < ARRAY_SIZE(waits) ? waits[n] : "?";
}

/* --- a table ---------------------------------------------------------------- */

static void print_heads(bool rates)
{
	const char *per = rates ? "/s" : "";

	printf("%10s %10s %10s %-9s %-10s %7s %-15s", "CID", "GUEST-PORT",
	       "HOST-PORT", "TYPE", "STATE", "PID", "COMMAND");
	printf(" %12s%-2s %12s%-2s %10s %10s %10s %10s %-7s %9s %9s\n",
	       "TO-GUEST", per, "FROM-GUEST", per, "CREDIT", "QUEUED", "CREDIT",
	       "UNREAD", "WAITS", "MS", "AGE-S");
}

/* The counter of bytes to the guest has what a send() is about to copy, and may fall again. */
static double rate(unsigned long long now, unsigned long long before, double seconds)
{
	return now > before ? (now - before) / seconds : 0;
}

/* The bytes each way are since @old, by the second; with NULL all of them. */
static void print_line(const struct connection *c, const struct program *p,
		       const struct connection *old, double seconds)
{
	printf("%10llu %10llu %10llu %-9s %-10s %7d ",
	       NUMBER(c, CID), NUMBER(c, REMOTE_PORT), NUMBER(c, LOCAL_PORT),
	       connection_type(NUMBER(c, TYPE)), state_of(c),
	       p ? p->pid : 0);
	print_word(p ? p->command : "-", 15);
	printf(" %14.0f %14.0f",
	       rate(NUMBER(c, RX_BYTES), old ? NUMBER(old, RX_BYTES) : 0, seconds),
	       rate(NUMBER(c, TX_BYTES), old ? NUMBER(old, TX_BYTES) : 0, seconds));
	printf(" %10llu %10llu %10llu %10llu",
	       NUMBER(c, RX_CREDIT), NUMBER(c, RX_QUEUED), NUMBER(c, TX_CREDIT),
	       NUMBER(c, TX_QUEUED));
	printf(" %-7s %9llu %9llu\n",
	       wait_of(c) ?: "-",
	       NUMBER(c, WAIT_TIME), NUMBER(c, AGE) / 1000);
}

static void print_table(const struct connections *cs, const struct programs *ps)
{
	int i;

	print_heads(false);
	for (i = 0; i < cs->count; i++)
		print_line(&cs->conn[i],
			   program_with(ps, NUMBER(&cs->conn[i], INODE)), NULL, 1);
}

/* --- JSON ------------------------------------------------------------------- */

static void print_text(const char *name, const char *text)
{
	printf(", \"%s\": ", name);
	if (text)
		json_string(stdout, text);
	else
		fputs("null", stdout);
}

static void print_number(const char *name, unsigned long long number)
{
	printf(", \"%s\": %llu", name, number);
}

static void print_object(const struct connection *c, const struct program *p)
{
	printf("{\"cid\": %llu", NUMBER(c, CID));
	print_number("guest_port", NUMBER(c, REMOTE_PORT));
	print_number("host_port", NUMBER(c, LOCAL_PORT));
	print_text("type", connection_type(NUMBER(c, TYPE)));
	print_text("state", state_of(c));
	print_number("uid", NUMBER(c, UID));
	print_number("inode", NUMBER(c, INODE));
	print_number("pid", p ? p->pid : 0);
	print_text("comm", p ? p->command : NULL);
	print_number("age_ms", NUMBER(c, AGE));
	print_number("rx_bytes", NUMBER(c, RX_BYTES));
	print_number("tx_bytes", NUMBER(c, TX_BYTES));
	print_number("rx_credit", NUMBER(c, RX_CREDIT));
	print_number("rx_queued", NUMBER(c, RX_QUEUED));
	print_number("tx_credit", NUMBER(c, TX_CREDIT));
	print_number("tx_queued", NUMBER(c, TX_QUEUED));
	print_text("wait", wait_of(c));
	print_number("wait_ms", NUMBER(c, WAIT_TIME));
	putchar('}');
}

static void print_json(const struct connections *cs, const struct programs *ps)
{
	int i;

	fputs("[", stdout);
	for (i = 0; i < cs->count; i++) {
		fputs(i ? ",\n " : "", stdout);
		print_object(&cs->conn[i],
			     program_with(ps, NUMBER(&cs->conn[i], INODE)));
	}
	puts("]");
}

static int show(uint32_t cid, bool json)
{
	struct connections cs;
	struct programs ps;

	if (connections_load(&cs, cid))
		return EXIT_WRONG;
	programs_load(&ps);
	if (json)
		print_json(&cs, &ps);
	else
		print_table(&cs, &ps);
	programs_free(&ps);
	connections_free(&cs);
	return EXIT_FINE;
}

/* --- by the second ---------------------------------------------------------- */

/* Another connection may have the same ports since, and is younger. */
static bool same(const struct connection *a, const struct connection *b)
{
	return NUMBER(a, CID) == NUMBER(b, CID) &&
	       NUMBER(a, LOCAL_PORT) == NUMBER(b, LOCAL_PORT) &&
	       NUMBER(a, REMOTE_PORT) == NUMBER(b, REMOTE_PORT) &&
	       NUMBER(a, AGE) <= NUMBER(b, AGE);
}

static void print_rates(const struct connections *cs,
			const struct connections *before, double seconds)
{
	struct programs ps;
	int i, old = 0;

	programs_load(&ps);
	print_heads(true);
	for (i = 0; i < cs->count; i++) {
		const struct connection *c = &cs->conn[i];
		int at = old;

		/* Both lists have those that stay in the same order. */
		while (at < before->count && !same(&before->conn[at], c))
			at++;
		if (at < before->count)
			old = at + 1;
		print_line(c, program_with(&ps, NUMBER(c, INODE)),
			   at < before->count ? &before->conn[at] : NULL, seconds);
	}
	programs_free(&ps);
}

/* Until the reader of what is printed is gone, or the module or the guest is. */
static int watch(uint32_t cid, double seconds)
{
	struct connections before, cs;
	double last, time;

	if (connections_load(&before, cid))
		return EXIT_WRONG;
	last = clock_now();
	for (;;) {
		clock_pause(seconds);
		if (connections_load(&cs, cid)) {
			connections_free(&before);
			return EXIT_WRONG;
		}
		time = clock_now();
		clock_clear();
		print_rates(&cs, &before, time - last);
		fflush(stdout);
		connections_free(&before);
		before = cs;
		last = time;
	}
}

/* --- commands --------------------------------------------------------------- */

int cmd_connections(int argc, char **argv)
{
	bool json = false, watching = false;
	double seconds = 1;
	uint32_t cid = 0;
	int i;

	for (i = 0; i < argc; i++) {
		const char *a = argv[i];

		if (!strcmp(a, "--json"))
			json = true;
		else if (!strcmp(a, "--watch"))
			watching = true;
		else if (!strncmp(a, "--watch=", 8) && clock_parse(a + 8, &seconds))
			watching = true;
		else if (cid || !parse_u32(a, a + strlen(a), &cid) || !cid)
			return usage_error("connections takes no such argument", a);
	}
	if (json && watching)
		return usage_error("--watch prints a table, not", "--json");
	return watching ? watch(cid, seconds) : show(cid, json);
}

int cmd_reset(int argc, char **argv)
{
	const char *end, *colon;
	uint32_t cid, port;

	if (argc != 1)
		return usage_error("reset takes CID or CID:PORT, not",
				   argc ? argv[1] : "");
	end = argv[0] + strlen(argv[0]);
	colon = strchr(argv[0], ':');
	if (!parse_u32(argv[0], colon ?: end, &cid) || !cid ||
	    (colon && !parse_u32(colon + 1, end, &port)))
		return usage_error("reset takes CID or CID:PORT, not", argv[0]);
	return connections_reset(cid, colon ? &port : NULL) ? EXIT_WRONG :
							       EXIT_FINE;
}
