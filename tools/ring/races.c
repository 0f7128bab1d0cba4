// SPDX-License-Identifier: GPL-2.0
/*
 * What happens at the same time as traffic, on two processors if there are two.
 */
#include <getopt.h>
#include <stdio.h>

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
	struct tap_options opt = { 0 };
	int status;

	status = session_options(argc, argv, help, &races_seed, &races_seconds);
	if (status >= 0)
		return status;
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
