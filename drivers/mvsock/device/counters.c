// SPDX-License-Identifier: GPL-2.0
/* Names of a device's counters. */
#include <linux/stddef.h>

#include <mvsock/device.h>

/* Offset of a counter in a device. */
#define RX(member) offsetof(struct mvs_device, vqs[MVS_VQ_RX].member)
#define TX(member) offsetof(struct mvs_device, vqs[MVS_VQ_TX].member)

/**
 * struct counter - a counter
 * @name: its name
 * @at: its offset in &struct mvs_device
 * @and: offset of another one that is added to it, or 0
 */
struct counter {
	const char *name;
	size_t at;
	size_t and;
};

static const struct counter counters[] = {
	{ "rx_packets", RX(packets) },
	{ "rx_bytes", RX(bytes) },
	{ "rx_resets", RX(resets) },
	{ "rx_signals", RX(signals) },
	{ "rx_kicks", RX(kick.count) },
	{ "tx_packets", TX(packets) },
	{ "tx_bytes", TX(bytes) },
	{ "tx_resets", TX(resets) },
	{ "tx_signals", TX(signals) },
	{ "tx_kicks", TX(kick.count) },
	{ "direct_sends", RX(direct) },
	{ "direct_receives", TX(direct) },
	{ "send_waits", RX(waits) },
	{ "resets_dropped", offsetof(struct mvs_device, resets_dropped),
	  offsetof(struct mvs_device, rsts_dropped) },
	{ "denied_requests", offsetof(struct mvs_device, denied) },
	{ "forwarded_packets", offsetof(struct mvs_device, forwarded) },
	{ "forward_waits", offsetof(struct mvs_device, forward_waits) },
	{ "forward_resets", offsetof(struct mvs_device, forward_resets) },
	{ "cache_misses", offsetof(struct mvs_device, mem.misses) },
	{ "cache_invalidations", offsetof(struct mvs_device, mem.invalidated) },
	{ "broken_rings", RX(broken), TX(broken) },
};

static u64 counter_read(const struct mvs_device *device, size_t offset)
{
	return READ_ONCE(*(const u64 *)((const char *)device + offset));
}

/**
 * mvs_counters_show - show all counters of a device
 * @m: the file
 * @device: the device; NULL shows the names with 0
 * @show: shows one counter
 *
 * The counters are read without locks, at slightly different moments: the holder of a virtqueue's
 * mutex may wait for its VMM, and that must not block a reader of counters.
 *
 * Context: any that @show may be called in.
 */
void mvs_counters_show(struct seq_file *m, const struct mvs_device *device,
		       mvs_counter_fn *show)
{
	const struct counter *c;
	unsigned int i;
	u64 value = 0;

	for (c = counters; c < counters + ARRAY_SIZE(counters); c++) {
		if (device)
			value = counter_read(device, c->at) +
				(c->and ? counter_read(device, c->and) : 0);
		show(m, "", c->name, value);
	}
	for (i = 0; i < MVS_REASONS; i++) {
		if (device)
			value = counter_read(device, RX(rejected[i])) +
				counter_read(device, TX(rejected[i]));
		show(m, "rejected_", mvs_reason_names[i], value);
	}
}
