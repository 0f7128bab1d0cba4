// SPDX-License-Identifier: GPL-2.0
/*
 * mvsockctl list: the devices, as a table or as JSON.
 */
#include <string.h>

#include "devices.h"
#include "json.h"
#include "mvsockctl.h"

static void print_table(const struct devices *ds)
{
	const struct device *d;
	int i;

	printf("%10s %7s %-15s %-7s %5s %12s %15s %12s %15s %8s\n", "CID",
	       "PID", "COMMAND", "STATE", "CONNS", "TO-GUEST", "BYTES",
	       "FROM-GUEST", "BYTES", "REJECTED");
	for (i = 0; i < ds->count; i++) {
		d = &ds->device[i];
		printf("%10llu %7llu ", device_number(ds, d, "cid"),
		       device_number(ds, d, "pid"));
		print_command(ds, d, 15);
		printf(" %-7s %5llu %12llu %15llu %12llu %15llu %8llu\n",
		       device_text(ds, d, "state"),
		       device_number(ds, d, "connections"),
		       device_number(ds, d, "rx_packets"),
		       device_number(ds, d, "rx_bytes"),
		       device_number(ds, d, "tx_packets"),
		       device_number(ds, d, "tx_bytes"),
		       device_sum(ds, d, "rejected_"));
	}
}

static int is_text(const char *column)
{
	return !strcmp(column, "comm") || !strcmp(column, "state") ||
	       !strcmp(column, "features");
}

static void print_object(const struct devices *ds, const struct device *d)
{
	int i;

	for (i = 0; i < ds->columns; i++) {
		fputs(i ? ", " : "{", stdout);
		json_string(stdout, ds->names.word[i]);
		fputs(": ", stdout);
		if (is_text(ds->names.word[i]))
			json_string(stdout, d->word[i]);
		else
			printf("%llu", device_number(ds, d, ds->names.word[i]));
	}
	fputs("}", stdout);
}

static void print_json(const struct devices *ds)
{
	int i;

	fputs("[", stdout);
	for (i = 0; i < ds->count; i++) {
		fputs(i ? ",\n " : "", stdout);
		print_object(ds, &ds->device[i]);
	}
	puts("]");
}

int cmd_list(int argc, char **argv)
{
	int json = argc == 1 && !strcmp(argv[0], "--json");
	struct devices ds;

	if (argc > json)
		return usage_error("list takes no such argument", argv[json]);
	if (devices_load(&ds))
		return EXIT_WRONG;
	if (json)
		print_json(&ds);
	else
		print_table(&ds);
	devices_free(&ds);
	return EXIT_FINE;
}
