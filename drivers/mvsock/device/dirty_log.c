// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of the dirty log.
 */
#include <linux/uaccess.h>
#include <linux/vhost.h>

#include <mvsock/device.h>

/* The log of a running device is checked now, that of a stopped one when it starts. */
static bool log_base_ok(const struct mvs_device *device, u64 base)
{
	const struct mvs_mem *gm = &device->mem;
	unsigned int i;

	if (!device->running)
		return true;
	for (i = 0; i < MVS_VQS; i++)
		if (!mvs_vq_log_ok(&device->vqs[i].ring, base))
			return false;
	return !gm->logging || mvs_mem_log_ok(gm->table, base);
}

static void log_store_base(struct mvs_device *device, u64 base)
{
	mvs_device_lock_vqs(device);
	device->mem.log_base = base;
	mvs_device_unlock_vqs(device);
}

static int log_store_eventfd(struct mvs_device *device, int fd)
{
	unsigned int i;
	int ret;

	mvs_device_lock_vqs(device);
	ret = mvs_set_eventfd(&device->log, fd);
	for (i = 0; i < MVS_VQS; i++)
		device->vqs[i].log = device->log;
	mvs_device_unlock_vqs(device);
	return ret;
}

/**
 * mvs_log_set_base - VHOST_SET_LOG_BASE: set the dirty log's address
 * @device: the device
 * @argp: a u64, the VMM-virtual address
 *
 * Context: process, with the device's mutex held; may sleep.
 * Return: 0 or %-EFAULT.
 */
long mvs_log_set_base(struct mvs_device *device, void __user *argp)
{
	u64 base;

	if (copy_from_user(&base, argp, sizeof(base)) ||
	    (u64)(unsigned long)base != base)
		return -EFAULT;
	base = mvs_mem_untag(base);
	if (!log_base_ok(device, base))
		return -EFAULT;
	log_store_base(device, base);
	return 0;
}

/**
 * mvs_log_set_fd - VHOST_SET_LOG_FD: set the eventfd to signal after logged writes
 * @device: the device
 * @argp: an int, the file descriptor, or VHOST_FILE_UNBIND for none
 *
 * Context: process, with the device's mutex held; may sleep.
 * Return: 0, %-EFAULT, or an error of eventfd_ctx_fdget().
 */
long mvs_log_set_fd(struct mvs_device *device, void __user *argp)
{
	int fd;

	if (get_user(fd, (int __user *)argp))
		return -EFAULT;
	return log_store_eventfd(device, fd);
}

/**
 * mvs_log_reset - undo mvs_log_set_base() and mvs_log_set_fd()
 * @device: the device
 *
 * Context: process, with the device's mutex held; may sleep.
 */
void mvs_log_reset(struct mvs_device *device)
{
	log_store_base(device, 0);
	log_store_eventfd(device, VHOST_FILE_UNBIND);
}
