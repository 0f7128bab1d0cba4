// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"

/* Split a line into words. Returns their number. */
static int split(struct device *d)
{
	char *save = NULL, *word;
	int n = 0;

	for (word = strtok_r(d->line, "\n ", &save); word;
	     word = strtok_r(NULL, "\n ", &save)) {
		if (n == MAX_COLUMNS)
			return -1;
		d->word[n++] = word;
	}
	return n;
}

/* "\040" is a space: undo, in place, the kernel's escaping. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' &&
		    s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 |
				(s[3] - '0');
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

static int column_of(const struct devices *ds, const char *name)
{
	int i;

	for (i = 0; i < ds->columns; i++)
		if (!strcmp(ds->names.word[i], name))
			return i;
	return -1;
}

/* Returns 1, 0 at the end, or a negative errno. */
static int read_line(struct device *d, FILE *f)
{
	size_t size = 0;

	d->line = NULL;
	if (getline(&d->line, &size, f) >= 0)
		return 1;
	free(d->line);
	d->line = NULL;
	return ferror(f) ? -EIO : 0;
}

static int add_device(struct devices *ds, const struct device *d)
{
	struct device *more;

	more = realloc(ds->device, (ds->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	ds->device = more;
	more[ds->count++] = *d;
	return 0;
}

static int read_devices(struct devices *ds, FILE *f)
{
	struct device d;
	int comm, ret;

	ret = read_line(&ds->names, f);
	if (ret <= 0)
		return ret ?: -EINVAL;
	ds->columns = split(&ds->names);
	comm = column_of(ds, "comm");
	if (comm < 0 || column_of(ds, "cid") < 0)
		return -EINVAL;
	while ((ret = read_line(&d, f)) > 0) {
		ret = add_device(ds, &d);
		if (ret) {
			free(d.line);
			return ret;
		}
		if (split(&ds->device[ds->count - 1]) != ds->columns)
			return -EINVAL;
		unescape(ds->device[ds->count - 1].word[comm]);
	}
	return ret;
}

int devices_read(struct devices *ds, FILE *f)
{
	int ret;

	memset(ds, 0, sizeof(*ds));
	ret = read_devices(ds, f);
	if (ret)
		devices_free(ds);
	return ret;
}

void devices_free(struct devices *ds)
{
	while (ds->count)
		free(ds->device[--ds->count].line);
	free(ds->device);
	free(ds->names.line);
	memset(ds, 0, sizeof(*ds));
}

int devices_load(struct devices *ds)
{
	FILE *f = fopen(DEVICES_PATH, "r");
	int ret;

	if (!f) {
		ret = -errno;
		fprintf(stderr, "mvsockctl: " DEVICES_PATH ": %s\n",
			strerror(-ret));
		if (ret == -ENOENT)
			fputs("  mvsock is not loaded, or this is a network namespace of its own;\n"
			      "  run: mvsockctl doctor\n", stderr);
		return ret;
	}
	ret = devices_read(ds, f);
	fclose(f);
	if (ret)
		fprintf(stderr, "mvsockctl: " DEVICES_PATH ": %s\n"
			"  mvsockctl is of another version than the module; run: mvsockctl doctor\n",
			strerror(-ret));
	return ret;
}

const char *device_text(const struct devices *ds, const struct device *d,
			const char *column)
{
	int i = column_of(ds, column);

	return i < 0 ? "" : d->word[i];
}

unsigned long long device_number(const struct devices *ds,
				 const struct device *d, const char *column)
{
	return strtoull(device_text(ds, d, column), NULL, 0);
}

unsigned long long device_sum(const struct devices *ds, const struct device *d,
			      const char *prefix)
{
	unsigned long long sum = 0;
	int i;

	for (i = 0; i < ds->columns; i++)
		if (!strncmp(ds->names.word[i], prefix, strlen(prefix)))
			sum += strtoull(d->word[i], NULL, 0);
	return sum;
}

void print_command(const struct devices *ds, const struct device *d, int width)
{
	print_word(device_text(ds, d, "comm"), width);
}

void print_word(const char *text, int width)
{
	const unsigned char *s = (const void *)text;

	for (; *s; s++, width--)
		putchar(*s < ' ' || *s >= 0x7f ? '?' : *s);
	printf("%*s", width > 0 ? width : 0, "");
}
