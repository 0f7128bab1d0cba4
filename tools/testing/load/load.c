// SPDX-License-Identifier: GPL-2.0
/* Puts load on /dev/vhost-vsock, whichever module provides it, and measures. */
#include <getopt.h>
#include <signal.h>

#include "device.h"
#include "load.h"

static const struct load loads[] = {
	{ "g2h-64", LOAD_G2H, SOCK_STREAM, 64 },
	{ "g2h-1024", LOAD_G2H, SOCK_STREAM, 1024 },
	{ "g2h-4096", LOAD_G2H, SOCK_STREAM, 4096 },
	{ "g2h-65536", LOAD_G2H, SOCK_STREAM, 65536 },
	{ "h2g-64", LOAD_H2G, SOCK_STREAM, 64 },
	{ "h2g-1024", LOAD_H2G, SOCK_STREAM, 1024 },
	{ "h2g-4096", LOAD_H2G, SOCK_STREAM, 4096 },
	{ "h2g-65536", LOAD_H2G, SOCK_STREAM, 65536 },
	{ "seq-g2h-64", LOAD_G2H, SOCK_SEQPACKET, 64 },
	{ "seq-g2h-1024", LOAD_G2H, SOCK_SEQPACKET, 1024 },
	{ "seq-g2h-4096", LOAD_G2H, SOCK_SEQPACKET, 4096 },
	{ "seq-g2h-65536", LOAD_G2H, SOCK_SEQPACKET, 65536 },
	{ "seq-h2g-64", LOAD_H2G, SOCK_SEQPACKET, 64 },
	{ "seq-h2g-1024", LOAD_H2G, SOCK_SEQPACKET, 1024 },
	{ "seq-h2g-4096", LOAD_H2G, SOCK_SEQPACKET, 4096 },
	{ "seq-h2g-65536", LOAD_H2G, SOCK_SEQPACKET, 65536 },
	{ "rtt-64", LOAD_RTT, SOCK_STREAM, 64 },
	{ "rtt-4096", LOAD_RTT, SOCK_STREAM, 4096 },
	{ "rtt-64-hostile", LOAD_RTT, SOCK_STREAM, 64, .hostile = true },
	{ "rtt-64-slow", LOAD_RTT, SOCK_STREAM, 64, .pause = 1000 },
	{ "rtt-64-flood", LOAD_RTT, SOCK_STREAM, 64, .flood = true },
	{ "connect-g2h", LOAD_CONNECT_G2H, SOCK_STREAM },
	{ "connect-h2g", LOAD_CONNECT_H2G, SOCK_STREAM },
	{ "devices", LOAD_DEVICES },
	{ "memory", LOAD_MEMORY },
};

static const char help[] =
	"usage: load [OPTION...] [LOAD...]\n"
	"Plays guests under load in front of " DEV_PATH ". Prints a line a load:\n"
	"numbers, each followed by what it is.\n"
	"  --dev PATH   another device\n"
	"  --seconds N  how long each takes (2)\n"
	"  --count N    messages, round trips or connections of each guest instead\n"
	"  --guests N   at the same time (1)\n"
	"  --devices N  of the loads \"devices\" and \"memory\" (1000)\n"
	"  --vm CID     guests are virtual machines from this CID on, in each of which\n"
	"               \"load --serve\" runs; KVM's counters are printed as well\n"
	"  --serve      play the guest's end, in the background\n"
	"  --list       the loads' names\n"
	"Round trips begin in the guest.\n";

static bool parse_number(const char *text, double min, double max, double *n)
{
	char *end;

	*n = strtod(text, &end);
	return !*end && *n >= min && *n <= max;
}

/* Parse an option with a number. False if it is invalid. */
static bool set_option(struct load_options *opt, int c, const char *text)
{
	double n;

	switch (c) {
	case 's':
		return parse_number(text, 0.01, 300, &opt->seconds);
	case 'c':
		if (!parse_number(text, 1, 1e15, &n))
			return false;
		opt->count = n;
		return true;
	case 'g':
		if (!parse_number(text, 1, LOAD_MAX_GUESTS, &n))
			return false;
		opt->guests = n;
		return true;
	case 'n':
		if (!parse_number(text, 1, LOAD_MAX_DEVICES, &n))
			return false;
		opt->devices = n;
		return true;
	case 'v':
		if (!parse_number(text, 3, 1e9, &n))
			return false;
		opt->vm = n;
		return true;
	}
	return false;
}

/* Virtual machines run loads of programs only; some loads run only there. */
static bool usable(const struct load *l)
{
	return load_run.opt->vm ? l->kind < LOAD_DEVICES && !l->hostile :
				  !l->pause && !l->flood;
}

static const struct load *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(loads); i++)
		if (!strcmp(loads[i].name, name) && usable(&loads[i]))
			return &loads[i];
	return NULL;
}

/* Run the named loads, or all. Returns the exit status. */
static int run(char **names, int n)
{
	unsigned int i;
	int status = 0;

	for (i = 0; i < (n ? (unsigned int)n : ARRAY_SIZE(loads)); i++) {
		const struct load *l = n ? find(names[i]) : &loads[i];

		if (usable(l) && !load_execute(l))
			status = 1;
	}
	return status;
}

static void list(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(loads); i++)
		if (usable(&loads[i]))
			puts(loads[i].name);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", required_argument, NULL, 'd' },
		{ "seconds", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "guests", required_argument, NULL, 'g' },
		{ "devices", required_argument, NULL, 'n' },
		{ "vm", required_argument, NULL, 'v' },
		{ "serve", no_argument, NULL, 'S' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	static struct load_options opt = {
		.path = DEV_PATH,
		.seconds = 2,
		.guests = 1,
		.devices = 1000,
	};
	int c, i;

	load_run.opt = &opt;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'l' || c == 'h') {
			if (c == 'l')
				list();
			else
				fputs(help, stdout);
			return 0;
		}
		if (c == 'S')
			return load_serve();
		if (c == 'd') {
			opt.path = optarg;
		} else if (!set_option(&opt, c, optarg)) {
			fputs(help, stderr);
			return 2;
		}
	}
	for (i = optind; i < argc; i++)
		if (!find(argv[i])) {
			fprintf(stderr, "load: there is no load \"%s\"\n", argv[i]);
			return 2;
		}
	signal(SIGPIPE, SIG_IGN);
	/* Another run in the same boot gets other CIDs. */
	load_run.first_cid = 0x40000000 + now_ms() / 1000 % 0x1000 * 0x10000;
	return run(argv + optind, argc - optind);
}
