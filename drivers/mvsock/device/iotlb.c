// SPDX-License-Identifier: GPL-2.0
/*
 * IOTLB messages. A virtqueue that misses a translation waits; the VMM reads the miss, writes the
 * translation, and the virtqueue continues.
 */
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/uio.h>
#include <linux/vhost.h>
#include <linux/wait.h>

#include <mvsock/compat.h>
#include <mvsock/device.h>

/* A message of either version: they differ in @type alone. */
union message {
	struct vhost_msg v1;
	struct vhost_msg_v2 v2;
};

static_assert(sizeof(struct vhost_msg) == sizeof(struct vhost_msg_v2));
static_assert(offsetof(struct vhost_msg, type) ==
	      offsetof(struct vhost_msg_v2, type));
static_assert(offsetof(struct vhost_msg, iotlb) ==
	      offsetof(struct vhost_msg_v2, iotlb));

/**
 * mvs_iotlb_switch - enable or disable translation by an IOTLB
 * @device: the device
 * @on: enable, with an empty IOTLB even if it was enabled before
 *
 * A change invalidates the rings' addresses.
 *
 * Context: process, with the device's mutex held; may sleep.
 * Return: 0 or %-ENOMEM, with nothing changed.
 */
int mvs_iotlb_switch(struct mvs_device *device, bool on)
{
	struct vhost_iotlb *iotlb = NULL;
	unsigned int i;

	/* The common case: no guest IOMMU. */
	if (!on && !device->mem.iotlb)
		return 0;
	if (on) {
		iotlb = mvs_mem_iotlb_create();
		if (!iotlb)
			return -ENOMEM;
	}
	mvs_device_lock_vqs(device);
	for (i = 0; i < MVS_VQS && on != !!device->mem.iotlb; i++) {
		struct mvs_ring *ring = &device->vqs[i].ring;

		ring->desc = 0;
		ring->avail = 0;
		ring->used = 0;
	}
	mvs_mem_set_iotlb(&device->mem, iotlb);
	mvs_device_unlock_vqs(device);
	mvs_misses_forget(&device->misses);
	/*
	 * A virtqueue that waited for a translation has to be served again, as kicks are
	 * suppressed.
	 */
	for (i = 0; i < MVS_VQS; i++)
		mvs_device_wake(device, i);
	wake_up_interruptible_poll(&device->misses.wait,
				   EPOLLIN | EPOLLRDNORM);
	return 0;
}

/**
 * mvs_iotlb_read - read_iter() of the device: report a miss
 * @iocb: of the open device
 * @to: destination, with room for a struct vhost_msg, or nothing is read
 *
 * Context: process; waits for a miss unless the file is %O_NONBLOCK.
 * Return: bytes; %-EAGAIN; %-EBADFD when the guest is not behind an IOMMU;
 * %-ERESTARTSYS.
 */
ssize_t mvs_iotlb_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct mvs_device *device = iocb->ki_filp->private_data;
	struct mvs_misses *misses = &device->misses;
	union message m;
	struct mvs_miss miss;
	bool taken = false;
	unsigned int vq;
	ssize_t ret;

	if (iov_iter_count(to) < sizeof(m))
		return 0;
	if (iocb->ki_filp->f_flags & O_NONBLOCK) {
		if (!mvs_misses_take(misses, &vq, &miss))
			return -EAGAIN;
	} else {
		ret = wait_event_interruptible(misses->wait,
					       (taken = mvs_misses_take(misses, &vq, &miss)) ||
					       !READ_ONCE(device->mem.iotlb));
		if (ret)
			return ret;
		if (!taken)
			return -EBADFD;
	}

	/* It is copied to user space with its padding. */
	memset(&m, 0, sizeof(m));
	m.v1.type = READ_ONCE(device->backend_features) &
		    BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2) ?
		    VHOST_IOTLB_MSG_V2 : VHOST_IOTLB_MSG;
	m.v1.iotlb.iova = miss.iova;
	m.v1.iotlb.perm = miss.write ? VHOST_ACCESS_WO : VHOST_ACCESS_RO;
	m.v1.iotlb.type = VHOST_IOTLB_MISS;
	ret = copy_to_iter(&m, sizeof(m), to);
	if (ret != sizeof(m))
		mvs_misses_untake(misses, vq);
	return ret;
}

/**
 * mvs_iotlb_poll - poll() of the device, for missing translations
 * @file: the open device
 * @table: poll table
 *
 * Return: %EPOLLIN when there is a miss to read, else 0.
 */
__poll_t mvs_iotlb_poll(struct file *file, poll_table *table)
{
	struct mvs_device *device = file->private_data;

	poll_wait(file, &device->misses.wait, table);
	return mvs_misses_pending(&device->misses) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* Wake the virtqueues that waited for this translation. */
static void iotlb_answer_miss(struct mvs_device *device,
			      const struct vhost_iotlb_msg *msg)
{
	unsigned int i;

	for (i = 0; i < MVS_VQS; i++)
		if (mvs_misses_answer(&device->misses, i, msg->iova,
				      msg->iova + msg->size - 1))
			mvs_device_wake(device, i);
}

static int iotlb_process_msg(struct mvs_device *device,
			     const struct vhost_iotlb_msg *msg)
{
	struct mvs_mem *gm = &device->mem;
	int ret = -EFAULT;

	mutex_lock(&device->mutex);
	mvs_device_lock_vqs(device);
	if (gm->iotlb && msg->type == VHOST_IOTLB_UPDATE) {
		ret = mvs_mem_iotlb_update(gm, msg->iova, msg->size,
					   msg->uaddr, msg->perm);
		if (!ret)
			iotlb_answer_miss(device, msg);
	} else if (gm->iotlb && msg->type == VHOST_IOTLB_INVALIDATE &&
		   (msg->size || mvs_invalidates_nothing())) {
		mvs_mem_iotlb_invalidate(gm, msg->iova, msg->size);
		ret = 0;
	}
	mvs_device_unlock_vqs(device);
	mutex_unlock(&device->mutex);
	return ret;
}

/**
 * mvs_iotlb_write - write_iter() of the device: update or invalidate a translation
 * @iocb: of the open device
 * @from: a struct vhost_msg or struct vhost_msg_v2; the padding after its last field may be missing
 *
 * After this returns, an invalidated translation is not used any more.
 *
 * Context: process; may sleep.
 * Return: bytes of a message, %-EINVAL when it is malformed, %-EFAULT when its range is
 * invalid.
 */
ssize_t mvs_iotlb_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct vhost_iotlb_msg msg;
	size_t rest;
	int type;

	if (copy_from_iter(&type, sizeof(type), from) != sizeof(type))
		return -EINVAL;
	switch (type) {
	case VHOST_IOTLB_MSG:
		rest = offsetof(struct vhost_msg, iotlb) - sizeof(type);
		break;
	case VHOST_IOTLB_MSG_V2:
		rest = offsetof(struct vhost_msg_v2, iotlb) - sizeof(type);
		break;
	default:
		return -EINVAL;
	}
	iov_iter_advance(from, rest);
	if (copy_from_iter(&msg, sizeof(msg), from) != sizeof(msg) ||
	    (msg.type == VHOST_IOTLB_UPDATE && !msg.size))
		return -EINVAL;

	return iotlb_process_msg(iocb->ki_filp->private_data, &msg) ?:
	       sizeof(union message);
}
