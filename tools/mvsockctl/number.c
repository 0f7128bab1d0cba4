// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "number.h"

#define FIRST_CID 3

bool parse_u32(const char *text, const char *end, uint32_t *value)
{
	unsigned long long n;
	char *stop;

	if (*text < '0' || *text > '9')
		return false;
	n = strtoull(text, &stop, 10);
	*value = n;
	return stop == end && n <= UINT32_MAX;
}

bool parse_cid(const char *text, uint32_t *cid)
{
	return parse_u32(text, text + strlen(text), cid) &&
	       *cid >= FIRST_CID && *cid < UINT32_MAX;
}
