// SPDX-License-Identifier: GPL-2.0
/* A device's state and counters in /proc/PID/fdinfo/FD. */
#include <linux/fs.h>
#include <linux/seq_file.h>

#include <mvsock/device.h>

static void fdinfo_show_counter(struct seq_file *m, const char *prefix,
				const char *name, u64 value)
{
	seq_printf(m, "%s%s:\t%llu\n", prefix, name, value);
}

/**
 * mvs_device_show_fdinfo - print a device's state and counters
 * @m: the file to print to
 * @file: the device's file
 */
void mvs_device_show_fdinfo(struct seq_file *m, struct file *file)
{
	const struct mvs_device *device = file->private_data;

	seq_printf(m, "cid:\t%u\n", READ_ONCE(device->cid));
	seq_printf(m, "running:\t%d\n", READ_ONCE(device->running));
	seq_printf(m, "features:\t%#llx\n", READ_ONCE(device->features));
	seq_printf(m, "connections:\t%llu\n", READ_ONCE(device->nconns));
	mvs_counters_show(m, device, fdinfo_show_counter);
}
