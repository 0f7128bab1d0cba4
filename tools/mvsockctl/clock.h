/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is shown again and again: how often, and on what.
 */
#ifndef MVSOCKCTL_CLOCK_H
#define MVSOCKCTL_CLOCK_H

#include <stdbool.h>

double clock_now(void);
void clock_pause(double seconds);

/* A time between two tables, from 0.1 to 3600 seconds. */
bool clock_parse(const char *text, double *seconds);

/* On a terminal, clear the screen. */
void clock_clear(void);

#endif
