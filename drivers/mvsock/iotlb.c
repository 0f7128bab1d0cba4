// SPDX-License-Identifier: GPL-2.0
/*
 * The IOTLB's messages. A virtqueue that meets an address without a translation waits;
 * the VMM reads which one it is, writes what it translates to, and the virtqueue goes
 * on. A virtqueue waits for one translation at a time, so that there is no queue that
 * could grow.
 */
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/uio.h>
#include <linux/vhost.h>
#include <linux/wait.h>

#include <mvsock/compat.h>
#include <mvsock/device.h>

/* A message in either form, which differ in @type alone. */
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
 * mvs_iotlb_init - set up what is asked of the VMM: nothing
 * @device: the device, zeroed
 */
void mvs_iotlb_init(struct mvs_device *device)
{
	spin_lock_init(&device->iotlb_lock);
	init_waitqueue_head(&device->iotlb_wait);
}

/**
 * mvs_iotlb_forget - wait for no translations any more
 * @device: the device
 *
 * Context: process.
 */
void mvs_iotlb_forget(struct mvs_device *device)
{
	unsigned int i;

	spin_lock(&device->iotlb_lock);
	for (i = 0; i < MVS_VQS; i++)
		device->vqs[i].miss.state = MVS_MISS_NONE;
	spin_unlock(&device->iotlb_lock);
}

/**
 * mvs_iotlb_switch - put the guest behind an IOMMU, or take it from there
 * @device: the device
 * @on: behind one, with an IOTLB that is empty, even if there was one before
 *
 * Where the rings are is unknown then, unless they were behind one before.
 *
 * Context: process, with the device's mutex held; may sleep.
 * Return: 0 or %-ENOMEM, with nothing changed.
 */
int mvs_iotlb_switch(struct mvs_device *device, bool on)
{
	struct vhost_iotlb *iotlb = NULL;
	unsigned int i;

	/* So it is with nearly every guest, each time that one starts. */
	if (!on && !device->gmem.iotlb)
		return 0;
	if (on) {
		iotlb = mvs_gmem_iotlb_create();
		if (!iotlb)
			return -ENOMEM;
	}
	mvs_device_lock_vqs(device);
	for (i = 0; i < MVS_VQS && on != !!device->gmem.iotlb; i++) {
		struct mvs_ring *ring = &device->vqs[i].ring;

		ring->desc = 0;
		ring->avail = 0;
		ring->used = 0;
	}
	mvs_gmem_set_iotlb(&device->gmem, iotlb);
	mvs_device_unlock_vqs(device);
	mvs_iotlb_forget(device);
	/* Who waited looks what it misses now: the driver was told not to kick. */
	for (i = 0; i < MVS_VQS; i++)
		mvs_device_wake(device, i);
	wake_up_interruptible_poll(&device->iotlb_wait, EPOLLIN | EPOLLRDNORM);
	return 0;
}

/**
 * mvs_iotlb_ask - ask the VMM for a translation
 * @vq: the virtqueue that waits for it; it is woken when the answer comes
 * @fault: what it missed
 *
 * Context: process, with the virtqueue's mutex held.
 */
void mvs_iotlb_ask(struct mvs_vq *vq, const struct mvs_gmem_fault *fault)
{
	struct mvs_device *device = vq->device;

	spin_lock(&device->iotlb_lock);
	vq->miss = (struct mvs_miss) {
		.state = MVS_MISS_WANTED,
		.iova = fault->addr,
		.write = fault->write,
	};
	spin_unlock(&device->iotlb_lock);
	wake_up_interruptible_poll(&device->iotlb_wait, EPOLLIN | EPOLLRDNORM);
}

/* A virtqueue whose miss is in @state, or NULL. */
static struct mvs_vq *find_miss(struct mvs_device *device, int state)
{
	unsigned int i;

	lockdep_assert_held(&device->iotlb_lock);
	for (i = 0; i < MVS_VQS; i++)
		if (device->vqs[i].miss.state == state)
			return &device->vqs[i];
	return NULL;
}

/*
 * Take a question that the VMM does not know yet; false when there is none. @msg is
 * zeroed.
 */
static bool take_miss(struct mvs_device *device, struct mvs_vq **vq,
		      struct vhost_iotlb_msg *msg)
{
	spin_lock(&device->iotlb_lock);
	*vq = find_miss(device, MVS_MISS_WANTED);
	if (*vq) {
		struct mvs_miss *miss = &(*vq)->miss;

		miss->state = MVS_MISS_ASKED;
		msg->iova = miss->iova;
		msg->perm = miss->write ? VHOST_ACCESS_WO : VHOST_ACCESS_RO;
		msg->type = VHOST_IOTLB_MISS;
	}
	spin_unlock(&device->iotlb_lock);
	return *vq;
}

/* It did not reach the VMM. */
static void untake_miss(struct mvs_vq *vq)
{
	spin_lock(&vq->device->iotlb_lock);
	if (vq->miss.state == MVS_MISS_ASKED)
		vq->miss.state = MVS_MISS_WANTED;
	spin_unlock(&vq->device->iotlb_lock);
	/* Others may wait to read it. */
	wake_up_interruptible_poll(&vq->device->iotlb_wait,
				   EPOLLIN | EPOLLRDNORM);
}

/**
 * mvs_iotlb_read - read_iter() of the device: a translation that is missing
 * @iocb: of the open device
 * @to: room for a struct vhost_msg, or nothing is read
 *
 * Context: process; waits for one unless the file is %O_NONBLOCK.
 * Return: bytes; %-EAGAIN; %-EBADFD when the guest is not behind an IOMMU;
 * %-ERESTARTSYS.
 */
ssize_t mvs_iotlb_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct mvs_device *device = iocb->ki_filp->private_data;
	struct mvs_vq *vq;
	union message m;
	ssize_t ret;

	if (iov_iter_count(to) < sizeof(m))
		return 0;
	/* All of it goes to user space, what is between the fields as well. */
	memset(&m, 0, sizeof(m));

	if (iocb->ki_filp->f_flags & O_NONBLOCK) {
		if (!take_miss(device, &vq, &m.v1.iotlb))
			return -EAGAIN;
	} else {
		ret = wait_event_interruptible(device->iotlb_wait,
					       take_miss(device, &vq, &m.v1.iotlb) ||
					       !READ_ONCE(device->gmem.iotlb));
		if (ret)
			return ret;
		if (!vq)
			return -EBADFD;
	}

	m.v1.type = READ_ONCE(device->backend_features) &
		    BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2) ?
		    VHOST_IOTLB_MSG_V2 : VHOST_IOTLB_MSG;
	ret = copy_to_iter(&m, sizeof(m), to);
	if (ret != sizeof(m))
		untake_miss(vq);
	return ret;
}

/**
 * mvs_iotlb_poll - poll() of the device: is a translation missing?
 * @file: the open device
 * @table: poll table
 *
 * Return: %EPOLLIN when the VMM has a question to read, else 0.
 */
__poll_t mvs_iotlb_poll(struct file *file, poll_table *table)
{
	struct mvs_device *device = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &device->iotlb_wait, table);
	spin_lock(&device->iotlb_lock);
	if (find_miss(device, MVS_MISS_WANTED))
		mask = EPOLLIN | EPOLLRDNORM;
	spin_unlock(&device->iotlb_lock);
	return mask;
}

/* Those that waited for what came now go on. */
static void answer(struct mvs_device *device, const struct vhost_iotlb_msg *msg)
{
	unsigned int i;

	for (i = 0; i < MVS_VQS; i++) {
		struct mvs_miss *miss = &device->vqs[i].miss;
		bool found;

		spin_lock(&device->iotlb_lock);
		found = miss->state != MVS_MISS_NONE &&
			miss->iova >= msg->iova &&
			miss->iova <= msg->iova + msg->size - 1;
		if (found)
			miss->state = MVS_MISS_NONE;
		spin_unlock(&device->iotlb_lock);
		if (found)
			mvs_device_wake(device, i);
	}
}

static int process(struct mvs_device *device, const struct vhost_iotlb_msg *msg)
{
	struct mvs_gmem *gm = &device->gmem;
	int ret = -EFAULT;

	mutex_lock(&device->mutex);
	mvs_device_lock_vqs(device);
	if (gm->iotlb && msg->type == VHOST_IOTLB_UPDATE) {
		ret = mvs_gmem_iotlb_update(gm, msg->iova, msg->size,
					    msg->uaddr, msg->perm);
		if (!ret)
			answer(device, msg);
	} else if (gm->iotlb && msg->type == VHOST_IOTLB_INVALIDATE &&
		   (msg->size || mvs_invalidates_nothing())) {
		mvs_gmem_iotlb_invalidate(gm, msg->iova, msg->size);
		ret = 0;
	}
	mvs_device_unlock_vqs(device);
	mutex_unlock(&device->mutex);
	return ret;
}

/**
 * mvs_iotlb_write - write_iter() of the device: a translation that came or went
 * @iocb: of the open device
 * @from: a struct vhost_msg or struct vhost_msg_v2; may end with its last field
 *
 * When it returns nothing uses a translation any more that went.
 *
 * Context: process; may sleep.
 * Return: bytes of such a message, %-EINVAL when it is none, %-EFAULT when what it says
 * can't be.
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

	return process(iocb->ki_filp->private_data, &msg) ?:
	       sizeof(union message);
}
