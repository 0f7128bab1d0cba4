// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "mvsockctl.h"

int usage_error(const char *what, const char *argument)
{
	fprintf(stderr, "mvsockctl: %s: '%s'\n", what, argument);
	fputs("  run: mvsockctl --help\n", stderr);
	return EXIT_USAGE;
}
