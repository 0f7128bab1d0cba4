// SPDX-License-Identifier: GPL-2.0
/* mvsockctl watch: rates of the counters, in events per second. */
#include "clock.h"
#include "devices.h"
#include "mvsockctl.h"

/* The same device in another table, or NULL: a CID may now belong to another process. */
static const struct device *find(const struct devices *in,
				 const struct devices *ds,
				 const struct device *d)
{
	unsigned long long cid = device_number(ds, d, "cid");
	unsigned long long pid = device_number(ds, d, "pid");
	int i;

	for (i = 0; i < in->count; i++)
		if (device_number(in, &in->device[i], "cid") == cid &&
		    device_number(in, &in->device[i], "pid") == pid)
			return &in->device[i];
	return NULL;
}

/* How far a counter has increased: 0 if it went back, as after a reload of the module. */
static unsigned long long moved(const struct devices *ds,
				const struct device *d,
				const struct devices *before,
				const struct device *old, const char *column)
{
	unsigned long long now = device_number(ds, d, column);
	unsigned long long then = old ? device_number(before, old, column) : now;

	return now > then ? now - then : 0;
}

static void print_rates(const struct devices *ds, const struct devices *before,
			double seconds)
{
	static const struct {
		const char *column;
		int width;
	} rates[] = {
		{ "rx_packets", 10 }, { "rx_bytes", 12 }, { "tx_packets", 10 },
		{ "tx_bytes", 12 }, { "rx_signals", 8 }, { "tx_signals", 8 },
		{ "tx_kicks", 8 }, { "send_waits", 8 }, { "cache_misses", 8 },
	};
	const struct device *d, *old;
	unsigned int j;
	int i;

	printf("%10s %7s %-15s %-7s %5s %10s %12s %10s %12s %8s %8s %8s %8s %8s\n",
	       "CID", "PID", "COMMAND", "STATE", "CONNS", "TO-GUEST/s",
	       "BYTES/s", "FROM-G./s", "BYTES/s", "RXSIG/s", "TXSIG/s",
	       "KICKS/s", "WAITS/s", "MISSES/s");
	for (i = 0; i < ds->count; i++) {
		d = &ds->device[i];
		old = find(before, ds, d);
		printf("%10llu %7llu ", device_number(ds, d, "cid"),
		       device_number(ds, d, "pid"));
		print_command(ds, d, 15);
		printf(" %-7s %5llu", device_text(ds, d, "state"),
		       device_number(ds, d, "connections"));
		for (j = 0; j < ARRAY_SIZE(rates); j++)
			printf(" %*.0f", rates[j].width,
			       moved(ds, d, before, old, rates[j].column) /
			       seconds);
		putchar('\n');
	}
}

/* Until the reader of the output has gone, or the module has. */
static int watch(double seconds)
{
	struct devices before, ds;
	double last, time;

	if (devices_load(&before))
		return EXIT_WRONG;
	last = clock_now();
	for (;;) {
		clock_pause(seconds);
		if (devices_load(&ds)) {
			devices_free(&before);
			return EXIT_WRONG;
		}
		time = clock_now();
		clock_clear();
		print_rates(&ds, &before, time - last);
		fflush(stdout);
		devices_free(&before);
		before = ds;
		last = time;
	}
}

int cmd_watch(int argc, char **argv)
{
	double seconds = 1;

	if (argc > 1)
		return usage_error("watch takes no such argument", argv[1]);
	if (argc && !clock_parse(argv[0], &seconds))
		return usage_error("seconds are from 0.1 to 3600, not", argv[0]);
	return watch(seconds);
}
