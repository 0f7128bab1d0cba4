// SPDX-License-Identifier: GPL-2.0
/* Actions that race with traffic, on two CPUs if there are two. */
#include "races.h"

static const char help[] =
	"usage: races [--dev PATH] [--seed N] [--seconds N] [WORD...]\n"
	"  --dev PATH   device file (" DEV_PATH ")\n"
	"  --seed N     of what happens when (random)\n"
	"  --seconds N  for each race (1)\n"
	"  WORD...      run only those whose name has one of these\n"
	"With the file of mvsock in $MVSOCK_MODULE, that is removed and inserted, too.\n";

static void add_races(void)
{
	/* First, because closed sockets of the others may hold the module for 8 seconds. */
	add_module_races();
	add_connection_races();
	add_device_races();
}

int main(int argc, char **argv)
{
	test_options.seconds = 1;
	return session_main(argc, argv, help, 4 * TAP_TIMEOUT, add_races);
}
