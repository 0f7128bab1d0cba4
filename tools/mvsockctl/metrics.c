// SPDX-License-Identifier: GPL-2.0
/*
 * mvsockctl metrics: the devices' states and counters in Prometheus' text format, for the textfile
 * collector of node_exporter.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "mvsockctl.h"

static const char *const states[] = { "open", "stopped", "running", "broken" };

/* What a counter's column says of itself. A later module may have others. */
static const struct {
	const char *column, *help;
} helps[] = {
	{ "rx_packets", "Packets to the guest." },
	{ "rx_bytes", "Payload to the guest." },
	{ "rx_resets", "RST packets to the guest." },
	{ "rx_signals", "Used buffer notifications of the RX virtqueue." },
	{ "rx_kicks", "Kicks of the RX virtqueue by the driver." },
	{ "tx_packets", "Packets from the guest." },
	{ "tx_bytes", "Payload from the guest." },
	{ "tx_resets", "RST packets from the guest." },
	{ "tx_signals", "Used buffer notifications of the TX virtqueue." },
	{ "tx_kicks", "Kicks of the TX virtqueue by the driver." },
	{ "direct_sends", "Data packets that send() wrote into the guest's buffers." },
	{ "direct_receives", "Data packets that recv() copied from the guest's memory." },
	{ "send_waits", "Senders that found no free buffer of the guest." },
	{ "resets_dropped", "RST packets that were dropped, as too many waited." },
	{ "forwarded_packets", "Packets from the guest to other guests." },
	{ "forward_waits", "Packets to other guests that had to wait there." },
	{ "forward_resets", "Connections with guests that do not receive, which were reset." },
	{ "cache_misses", "Pages of the VMM that were brought into the cache." },
	{ "cache_invalidations", "Pages in the cache that the VMM lost." },
	{ "broken_rings", "Rings that were found invalid." },
};

static const char *help_of(const char *column)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(helps); i++)
		if (!strcmp(helps[i].column, column))
			return helps[i].help;
	return "A counter of the device.";
}

/* True for a guest with another CID than the first @n devices. */
static bool is_new_guest(const struct devices *ds, int n, const struct device *d)
{
	unsigned long long cid = device_number(ds, d, "cid");
	int i;

	for (i = 0; i < n; i++)
		if (device_number(ds, &ds->device[i], "cid") == cid)
			return false;
	return cid;
}

/*
 * Drop what is no guest, and a second one with the same CID, whose series would have the same
 * names: of network namespaces with CIDs of their own, all are listed.
 */
static void keep_guests(struct devices *ds)
{
	int i, kept = 0;

	for (i = 0; i < ds->count; i++) {
		if (is_new_guest(ds, kept, &ds->device[i]))
			ds->device[kept++] = ds->device[i];
		else
			free(ds->device[i].line);
	}
	ds->count = kept;
}

/* A program's name, without what a text can't have. */
static void print_label(const char *text)
{
	const unsigned char *s = (const void *)text;

	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s < ' ' || *s >= 0x7f ? '?' : *s);
	}
}

static void print_family(const char *name, const char *suffix, const char *type,
			 const char *help)
{
	printf("# HELP mvsock_%s%s %s\n", name, suffix, help);
	printf("# TYPE mvsock_%s%s %s\n", name, suffix, type);
}

static void print_info(const struct devices *ds)
{
	int i;

	print_family("device", "_info", "gauge", "The process that has the guest's device.");
	for (i = 0; i < ds->count; i++) {
		printf("mvsock_device_info{cid=\"%llu\",pid=\"%llu\",command=\"",
		       device_number(ds, &ds->device[i], "cid"),
		       device_number(ds, &ds->device[i], "pid"));
		print_label(device_text(ds, &ds->device[i], "comm"));
		puts("\"} 1");
	}
}

static void print_states(const struct devices *ds)
{
	const char *state;
	unsigned int j;
	int i;

	print_family("device", "_state", "gauge", "1 for the state that the device is in.");
	for (i = 0; i < ds->count; i++) {
		state = device_text(ds, &ds->device[i], "state");
		for (j = 0; j < ARRAY_SIZE(states); j++)
			printf("mvsock_device_state{cid=\"%llu\",state=\"%s\"} %d\n",
			       device_number(ds, &ds->device[i], "cid"),
			       states[j], !strcmp(state, states[j]));
	}
}

/* @label is empty, or begins with a comma. */
static void print_samples(const struct devices *ds, const char *name,
			  const char *suffix, const char *label,
			  const char *column)
{
	int i;

	for (i = 0; i < ds->count; i++)
		printf("mvsock_%s%s{cid=\"%llu\"%s} %llu\n", name, suffix,
		       device_number(ds, &ds->device[i], "cid"), label,
		       device_number(ds, &ds->device[i], column));
}

static void print_counters(const struct devices *ds, int first)
{
	const char *column;
	char label[64];
	bool rejected = false;
	int i;

	for (i = first; i < ds->columns; i++) {
		column = ds->names.word[i];
		if (strncmp(column, "rejected_", 9)) {
			print_family(column, "_total", "counter", help_of(column));
			print_samples(ds, column, "_total", "", column);
			continue;
		}
		/* The last columns: one metric, with the reason as a label. */
		if (!rejected)
			print_family("rejected_chains", "_total", "counter",
				     "Chains that were returned unused.");
		rejected = true;
		snprintf(label, sizeof(label), ",reason=\"%s\"", column + 9);
		print_samples(ds, "rejected_chains", "_total", label, column);
	}
}

int cmd_metrics(int argc, char **argv)
{
	struct devices ds;
	int i;

	if (argc)
		return usage_error("metrics takes no such argument", argv[0]);
	if (devices_load(&ds))
		return EXIT_WRONG;
	keep_guests(&ds);
	for (i = 0; i < ds.columns && strcmp(ds.names.word[i], "connections"); i++)
		;
	print_info(&ds);
	print_states(&ds);
	print_family("connections", "", "gauge", "Connections of the guest.");
	print_samples(&ds, "connections", "", "", "connections");
	print_counters(&ds, i + 1);
	devices_free(&ds);
	return EXIT_FINE;
}
