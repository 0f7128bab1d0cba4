// SPDX-License-Identifier: GPL-2.0
/*
 * mvsockctl explain: what a name means, and what to do about it.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "explain.h"
#include "mvsockctl.h"

#define REJECTED "rejected_"

bool explains(const struct explanation *e, const char *error)
{
	if (!strncasecmp(error, REJECTED, strlen(REJECTED)))
		error += strlen(REJECTED);
	return !strcasecmp(error, e->name);
}

static void print_names(void)
{
	const struct explanation *e;

	for (e = explanations; e->name; e++)
		if (e == explanations || strcmp(e->name, e[-1].name))
			puts(e->name);
}

int cmd_explain(int argc, char **argv)
{
	const struct explanation *e;
	int found = 0;

	if (argc > 1)
		return usage_error("explain takes one name, not also", argv[1]);
	if (!argc) {
		print_names();
		return EXIT_FINE;
	}
	for (e = explanations; e->name; e++) {
		if (!explains(e, argv[0]))
			continue;
		printf("%s%s (%s)\n  %s\n  What to do: %s\n",
		       found++ ? "\n" : "", e->name, e->where, e->meaning,
		       e->next);
	}
	if (found)
		return EXIT_FINE;
	fprintf(stderr, "mvsockctl: there is no explanation of '%s'\n"
		"  to list the names, run: mvsockctl explain\n", argv[0]);
	return EXIT_WRONG;
}
