/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /proc/net/mvsock: a table with a line for each device. Columns go by their names, so
 * that an older mvsockctl reads what a newer module has.
 */
#ifndef MVSOCKCTL_DEVICES_H
#define MVSOCKCTL_DEVICES_H

#include <stdio.h>

#define DEVICES_PATH "/proc/net/mvsock"

#define MAX_COLUMNS 128

/* A line; its words are as the columns' names. */
struct device {
	char *word[MAX_COLUMNS];
	char *line;
};

struct devices {
	struct device names;
	struct device *device;
	int columns;
	int count;
};

/**
 * devices_read() - read a table
 * @ds: what was read, for devices_free()
 * @f: where from
 *
 * Return: 0 or a negative errno: -EINVAL when it is no such table.
 */
int devices_read(struct devices *ds, FILE *f);
void devices_free(struct devices *ds);

/* The same of the kernel's table. On failure says why, and what to do. */
int devices_load(struct devices *ds);

/* A word, "" if there is no such column. What the process calls itself is as it does. */
const char *device_text(const struct devices *ds, const struct device *d,
			const char *column);
unsigned long long device_number(const struct devices *ds,
				 const struct device *d, const char *column);

/* The sum of those columns whose names begin with @prefix. */
unsigned long long device_sum(const struct devices *ds, const struct device *d,
			      const char *prefix);

/* What the process calls itself, fit for a terminal. */
void print_command(const struct devices *ds, const struct device *d, int width);

#endif
