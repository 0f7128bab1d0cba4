// SPDX-License-Identifier: GPL-2.0
/*
 * What a device says of itself in /proc/PID/fdinfo/FD.
 */
#include <linux/fs.h>
#include <linux/seq_file.h>

#include <mvsock/device.h>

/* Counters of one virtqueue, taken together. */
struct counters {
	u64 packets;
	u64 bytes;
	u64 broken;
	u64 rejected[MVS_REASONS];
};

static void read_counters(struct mvs_vq *vq, struct counters *c)
{
	mutex_lock(&vq->mutex);
	c->packets = vq->packets;
	c->bytes = vq->bytes;
	c->broken = vq->broken;
	memcpy(c->rejected, vq->rejected, sizeof(c->rejected));
	mutex_unlock(&vq->mutex);
}

/**
 * mvs_device_show_fdinfo - print a device's state and counters
 * @m: where to
 * @file: the device's file
 *
 * Context: process; may sleep, for as long as a virtqueue is being served.
 */
void mvs_device_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct mvs_device *device = file->private_data;
	struct counters rx, tx;
	unsigned int i;

	read_counters(&device->vqs[MVS_VQ_RX], &rx);
	read_counters(&device->vqs[MVS_VQ_TX], &tx);

	seq_printf(m, "cid:\t%u\n", READ_ONCE(device->cid));
	seq_printf(m, "running:\t%d\n", !!READ_ONCE(device->worker));
	seq_printf(m, "features:\t%#llx\n", READ_ONCE(device->features));
	seq_printf(m, "rx_packets:\t%llu\n", rx.packets);
	seq_printf(m, "rx_bytes:\t%llu\n", rx.bytes);
	seq_printf(m, "tx_packets:\t%llu\n", tx.packets);
	seq_printf(m, "tx_bytes:\t%llu\n", tx.bytes);
	seq_printf(m, "broken_rings:\t%llu\n", rx.broken + tx.broken);
	for (i = 0; i < MVS_REASONS; i++)
		seq_printf(m, "rejected_%s:\t%llu\n", mvs_reason_names[i],
			   rx.rejected[i] + tx.rejected[i]);
}
