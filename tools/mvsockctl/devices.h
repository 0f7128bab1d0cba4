/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /proc/net/mvsock: a table with a line for each device. Columns are identified by their names, so
 * that an older mvsockctl can read the table of a newer module.
 */
#ifndef MVSOCKCTL_DEVICES_H
#define MVSOCKCTL_DEVICES_H

#include <stdio.h>

#define DEVICES_PATH "/proc/net/mvsock"

#define MAX_COLUMNS 128

/* A line; its words are in the order of the column names. */
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
 * @ds: filled in, for devices_free()
 * @f: the file to read
 *
 * Return: 0 or a negative errno: -EINVAL when it is not such a table.
 */
int devices_read(struct devices *ds, FILE *f);
void devices_free(struct devices *ds);

/* The same for the kernel's table. On failure prints the cause and what to do. */
int devices_load(struct devices *ds);

/* A word, "" if there is no such column. A process's name is returned unescaped. */
const char *device_text(const struct devices *ds, const struct device *d,
			const char *column);
unsigned long long device_number(const struct devices *ds,
				 const struct device *d, const char *column);

/* The sum of the columns whose names start with @prefix. */
unsigned long long device_sum(const struct devices *ds, const struct device *d,
			      const char *prefix);

/* The process's name, safe to print on a terminal. */
void print_command(const struct devices *ds, const struct device *d, int width);

/* The same of any text. */
void print_word(const char *text, int width);

#endif
