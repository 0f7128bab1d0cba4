// SPDX-License-Identifier: GPL-2.0
/*
 * mvsockctl: shows the state of mvsock's devices, explains errors, checks a host.
 */
#include <stdio.h>
#include <string.h>

#include "mvsockctl.h"

static const char help[] =
	"usage: mvsockctl COMMAND\n"
	"  list [--json]     list devices: guest's CID, owner, state, connections, totals\n"
	"  watch [SECONDS]   show their rates per second, every SECONDS (1)\n"
	"  connections [CID] [--json | --watch[=SECONDS]]\n"
	"                    list connections: ports, program, bytes, credit, what they wait for\n"
	"  reset CID[:PORT]  end a guest's connections, or that of one of its ports\n"
	"  group show        list the groups of guests that may talk to one another\n"
	"  group add|del NAME CID...\n"
	"                    put guests into a group, or take them out of it\n"
	"  group load [FILE...]\n"
	"                    add guests to the groups of files, by default /etc/mvsock.d/*.conf\n"
	"  group connections [--json]\n"
	"                    list the connections between guests\n"
	"  policy show       list the rules for connections between guests and the host\n"
	"  policy set [FILE...]\n"
	"                    replace them, by default by those of /etc/mvsock.d/*.rules\n"
	"  metrics           print states and counters for node_exporter's textfile collector\n"
	"  explain [ERROR]   explain the name of an error or a counter, and what to do;\n"
	"                    without one, list the names\n"
	"  doctor            check this host: modules, device, kernel, common mistakes\n"
	"  --help, --version\n"
	"Exit status: 0 success, 1 something is wrong, 2 wrong usage.\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "list", cmd_list },
	{ "watch", cmd_watch },
	{ "connections", cmd_connections },
	{ "reset", cmd_reset },
	{ "group", cmd_group },
	{ "policy", cmd_policy },
	{ "metrics", cmd_metrics },
	{ "explain", cmd_explain },
	{ "doctor", cmd_doctor },
};

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc < 2) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(help, stdout);
		return EXIT_FINE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("mvsockctl " MVSOCK_VERSION);
		return EXIT_FINE;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 2, argv + 2);
	return usage_error("there is no such command", argv[1]);
}
