// SPDX-License-Identifier: GPL-2.0
/*
 * What happens at the same time as traffic, on two processors if there are two.
 */
#include <getopt.h>
#include <stdio.h>
#include <sys/random.h>

#include "races.h"

static const char help[] =
	"usage: races [--dev PATH] [--seed N] [--seconds N] [WORD...]\n"
	"  --dev PATH   device file (" DEV_PATH ")\n"
	"  --seed N     of what happens when (random)\n"
	"  --seconds N  for each race (1)\n"
	"  WORD...      run only those whose name has one of these\n"
	"With the file of mvsock in $MVSOCK_MODULE, that is removed and inserted, too.\n";

__u64 races_seed;
double races_seconds = 1;

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct tap_options opt = { 0 };
	int c;

	if (getrandom(&races_seed, 4, 0) != 4)
		races_seed = now_ms();
	while ((c = getopt_long(argc, argv, "d:s:t:h", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			test_options.path = optarg;
			break;
		case 's':
			races_seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			races_seconds = strtod(optarg, NULL);
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			fputs(help, stderr);
			return 2;
		}
	}
	if (!session_begin())
		return 1;
	opt.match = argv + optind;
	opt.nmatch = argc - optind;
	opt.timeout = races_seconds + 4 * TAP_TIMEOUT;
	printf("# races --seed 0x%llx --seconds %g\n",
	       (unsigned long long)races_seed, races_seconds);
	add_connection_races();
	add_device_races();
	add_module_races();
	return tap_run(&opt);
}
