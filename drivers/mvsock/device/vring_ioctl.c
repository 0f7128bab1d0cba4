// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls that set up one virtqueue. The order of the checks is that of vhost, so that the same
 * mistake gets the same errno.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>
#include <linux/vhost.h>

#include <mvsock/device.h>

static long vring_set_num(struct mvs_vq *vq, void __user *argp)
{
	struct vhost_vring_state s;

	if (vq->device->running)
		return -EBUSY;
	if (copy_from_user(&s, argp, sizeof(s)))
		return -EFAULT;
	if (!s.num || s.num > U16_MAX ||
	    (!vq->ring.packed && !is_power_of_2(s.num)))
		return -EINVAL;
	/* The transport reads it without the mutex. */
	WRITE_ONCE(vq->ring.num, s.num);
	return 0;
}

/* MMU notifiers get VMM-virtual addresses without tags; I/O virtual addresses have none. */
static u64 vring_untag(const struct mvs_ring *ring, u64 addr)
{
	return ring->gm->iotlb ? addr : mvs_mem_untag(addr);
}

static long vring_set_addr(struct mvs_vq *vq, void __user *argp)
{
	struct mvs_ring ring = vq->ring;
	struct vhost_vring_addr a;

	if (copy_from_user(&a, argp, sizeof(a)))
		return -EFAULT;
	if (a.flags & ~BIT(VHOST_VRING_F_LOG))
		return -EOPNOTSUPP;
	if ((u64)(unsigned long)a.desc_user_addr != a.desc_user_addr ||
	    (u64)(unsigned long)a.used_user_addr != a.used_user_addr ||
	    (u64)(unsigned long)a.avail_user_addr != a.avail_user_addr)
		return -EFAULT;
	if (a.avail_user_addr % VRING_AVAIL_ALIGN_SIZE ||
	    a.used_user_addr % VRING_USED_ALIGN_SIZE ||
	    a.log_guest_addr % VRING_USED_ALIGN_SIZE)
		return -EINVAL;

	ring.desc = vring_untag(&ring, a.desc_user_addr);
	ring.avail = vring_untag(&ring, a.avail_user_addr);
	ring.used = vring_untag(&ring, a.used_user_addr);
	ring.log = a.flags & BIT(VHOST_VRING_F_LOG);
	ring.log_addr = a.log_guest_addr;
	if (vq->device->running &&
	    (!mvs_vq_access_ok(&ring) ||
	     !mvs_vq_log_ok(&ring, ring.gm->log_base) ||
	     (ring.packed && !IS_ALIGNED(ring.desc,
					 sizeof(struct vring_packed_desc)))))
		return -EINVAL;
	vq->ring = ring;
	/* The virtqueue may have been waiting for its addresses. */
	if (vq->device->running)
		mvs_device_wake(vq->device, vq->index);
	return 0;
}

static u32 vring_get_base(const struct mvs_vq *vq)
{
	const struct mvs_ring *ring = &vq->ring;

	return ring->packed ? ring->next_avail | (u32)ring->next_used << 16 :
			      ring->next_avail;
}

/*
 * The same base: the same driver continues where the ring stopped. Another base means a reset, or
 * an earlier state of the guest.
 */
static long vring_set_base(struct mvs_vq *vq, void __user *argp)
{
	struct vhost_vring_state s;

	if (vq->device->running)
		return -EBUSY;
	if (copy_from_user(&s, argp, sizeof(s)))
		return -EFAULT;
	/* In a packed ring the value has both positions, each with its wrap counter. */
	if (!vq->ring.packed && s.num > U16_MAX)
		return -EINVAL;
	if (s.num != vring_get_base(vq))
		vq->device->ops->renew(vq->device);
	vq->ring.next_avail = s.num;
	if (vq->ring.packed)
		vq->ring.next_used = s.num >> 16;
	return 0;
}

static long vring_put_state(const struct mvs_vq *vq, u32 num, void __user *argp)
{
	struct vhost_vring_state s = {
		.index = vq->index,
		.num = num,
	};

	return copy_to_user(argp, &s, sizeof(s)) ? -EFAULT : 0;
}

static long vring_set_busyloop_timeout(struct mvs_vq *vq, void __user *argp)
{
	struct vhost_vring_state s;

	if (copy_from_user(&s, argp, sizeof(s)))
		return -EFAULT;
	vq->busyloop_timeout = s.num;
	return 0;
}

static long vring_set_kick(struct mvs_vq *vq, void __user *argp)
{
	struct mvs_device *device = vq->device;
	struct file *file = NULL;
	struct vhost_vring_file f;

	if (copy_from_user(&f, argp, sizeof(f)))
		return -EFAULT;
	if (f.fd != VHOST_FILE_UNBIND)
		file = eventfd_fget(f.fd);
	if (IS_ERR(file))
		return PTR_ERR(file);

	mvs_kick_stop(&vq->kick);
	swap(file, vq->kick.file);
	if (device->running)
		mvs_kick_start(&vq->kick, device->waker.worker);
	if (file)
		fput(file);
	return 0;
}

static long vring_set_eventfd(struct eventfd_ctx **slot, void __user *argp)
{
	struct vhost_vring_file f;

	if (copy_from_user(&f, argp, sizeof(f)))
		return -EFAULT;
	return mvs_set_eventfd(slot, f.fd);
}

static long vring_ioctl(struct mvs_vq *vq, unsigned int cmd, void __user *argp)
{
	switch (cmd) {
	case VHOST_SET_VRING_NUM:
		return vring_set_num(vq, argp);
	case VHOST_SET_VRING_ADDR:
		return vring_set_addr(vq, argp);
	case VHOST_SET_VRING_BASE:
		return vring_set_base(vq, argp);
	case VHOST_GET_VRING_BASE:
		return vring_put_state(vq, vring_get_base(vq), argp);
	case VHOST_SET_VRING_KICK:
		return vring_set_kick(vq, argp);
	case VHOST_SET_VRING_CALL:
		return vring_set_eventfd(&vq->call, argp);
	case VHOST_SET_VRING_ERR:
		return vring_set_eventfd(&vq->err, argp);
	case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
		return vring_set_busyloop_timeout(vq, argp);
	case VHOST_GET_VRING_BUSYLOOP_TIMEOUT:
		return vring_put_state(vq, vq->busyloop_timeout, argp);
	default:
		return -ENOIOCTLCMD;
	}
}

/**
 * mvs_vring_ioctl - handle an ioctl of a virtqueue
 * @device: the device
 * @cmd: VHOST_SET_VRING_* or VHOST_GET_VRING_*
 * @argp: its argument, which begins with the index of the virtqueue
 *
 * Context: process, with the device's mutex held; may sleep.
 * Return: 0 or vhost's errno: %-EFAULT, %-ENOBUFS for an index that does not exist, %-EBUSY for a
 * setting that can't change while the device runs, %-EINVAL, %-EOPNOTSUPP, %-EBADF, %-ENOIOCTLCMD.
 */
long mvs_vring_ioctl(struct mvs_device *device, unsigned int cmd,
		     void __user *argp)
{
	struct mvs_vq *vq;
	long ret;
	u32 i;

	lockdep_assert_held(&device->mutex);
	if (get_user(i, (u32 __user *)argp))
		return -EFAULT;
	if (i >= MVS_VQS)
		return -ENOBUFS;
	vq = &device->vqs[array_index_nospec(i, MVS_VQS)];

	mutex_lock(&vq->mutex);
	ret = vring_ioctl(vq, cmd, argp);
	mutex_unlock(&vq->mutex);
	return ret;
}
