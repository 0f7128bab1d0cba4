// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "config.h"

char config_value(FILE *f, const char *option)
{
	size_t n = strlen(option);
	char line[256];

	rewind(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, option, n) && line[n] == '=' &&
		    (line[n + 1] == 'y' || line[n + 1] == 'm'))
			return line[n + 1];
	return 'n';
}
