// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* Home, and clear what is below. */
#define CLEAR "\033[H\033[J"

double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

void clock_pause(double seconds)
{
	struct timespec t = {
		.tv_sec = seconds,
		.tv_nsec = (seconds - (long)seconds) * 1e9,
	};

	nanosleep(&t, NULL);
}

bool clock_parse(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return !*end && end != text && *seconds >= 0.1 && *seconds <= 3600;
}

void clock_clear(void)
{
	if (isatty(STDOUT_FILENO))
		fputs(CLEAR, stdout);
}
