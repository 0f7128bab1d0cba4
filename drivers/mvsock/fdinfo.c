// SPDX-License-Identifier: GPL-2.0
/*
 * What a device says of itself in /proc/PID/fdinfo/FD.
 */
#include <linux/fs.h>
#include <linux/seq_file.h>

#include <mvsock/device.h>

/**
 * mvs_device_show_fdinfo - print a device's state and counters
 * @m: where to
 * @file: the device's file
 *
 * The counters are read while they move, so they may be of slightly different
 * moments. Their mutexes are not taken: a virtqueue may wait for its VMM, which
 * must not keep anybody from looking.
 */
void mvs_device_show_fdinfo(struct seq_file *m, struct file *file)
{
	const struct mvs_device *device = file->private_data;
	const struct mvs_vq *rx = &device->vqs[MVS_VQ_RX];
	const struct mvs_vq *tx = &device->vqs[MVS_VQ_TX];
	unsigned int i;

	seq_printf(m, "cid:\t%u\n", READ_ONCE(device->cid));
	seq_printf(m, "running:\t%d\n", READ_ONCE(device->running));
	seq_printf(m, "features:\t%#llx\n", READ_ONCE(device->features));
	seq_printf(m, "rx_packets:\t%llu\n", READ_ONCE(rx->packets));
	seq_printf(m, "rx_bytes:\t%llu\n", READ_ONCE(rx->bytes));
	seq_printf(m, "tx_packets:\t%llu\n", READ_ONCE(tx->packets));
	seq_printf(m, "tx_bytes:\t%llu\n", READ_ONCE(tx->bytes));
	seq_printf(m, "broken_rings:\t%llu\n",
		   READ_ONCE(rx->broken) + READ_ONCE(tx->broken));
	for (i = 0; i < MVS_REASONS; i++)
		seq_printf(m, "rejected_%s:\t%llu\n", mvs_reason_names[i],
			   READ_ONCE(rx->rejected[i]) +
			   READ_ONCE(tx->rejected[i]));
}
