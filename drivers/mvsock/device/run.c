// SPDX-License-Identifier: GPL-2.0
/*
 * Starting and stopping a device, and functions that other parts need while it runs.
 */
#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/virtio_vsock.h>

#include <mvsock/compat.h>
#include <mvsock/device.h>
#include <mvsock/trace.h>

/**
 * mvs_device_lock_vqs - lock both virtqueues, for data that both use
 * @device: the device
 *
 * TX comes first: handling a packet from the guest may send one to it.
 */
void mvs_device_lock_vqs(struct mvs_device *device)
{
	mutex_lock(&device->vqs[MVS_VQ_TX].mutex);
	mutex_lock(&device->vqs[MVS_VQ_RX].mutex);
}

/**
 * mvs_device_unlock_vqs - undo mvs_device_lock_vqs()
 * @device: the device
 */
void mvs_device_unlock_vqs(struct mvs_device *device)
{
	mutex_unlock(&device->vqs[MVS_VQ_RX].mutex);
	mutex_unlock(&device->vqs[MVS_VQ_TX].mutex);
}

/**
 * mvs_device_wake - have a virtqueue served, if the device has an owner
 * @device: the device
 * @vq: index of the virtqueue
 *
 * Context: process or softirq; in an RCU read section if the caller has the device
 * from the CID table.
 */
void mvs_device_wake(struct mvs_device *device, unsigned int vq)
{
	mvs_waker_wake(&device->waker, vq);
}

/**
 * mvs_device_refuses - check whether sends to this device fail at once because it is stopped
 * @device: the device
 *
 * Return: true if they fail with %-EHOSTUNREACH: see mvs_refuses_unready().
 */
bool mvs_device_refuses(const struct mvs_device *device)
{
	return mvs_refuses_unready() && !READ_ONCE(device->running);
}

/**
 * mvs_device_allows_type - check a connection's type against the negotiated features
 * @device: the device
 * @type: VIRTIO_VSOCK_TYPE_STREAM or VIRTIO_VSOCK_TYPE_SEQPACKET
 *
 * Streams are implied unless NO_IMPLIED_STREAM was negotiated.
 *
 * Return: true if it is allowed.
 */
bool mvs_device_allows_type(const struct mvs_device *device, u16 type)
{
	u64 features = READ_ONCE(device->features);

	if (type == VIRTIO_VSOCK_TYPE_SEQPACKET)
		return features & BIT_ULL(VIRTIO_VSOCK_F_SEQPACKET);
	return features & BIT_ULL(VIRTIO_VSOCK_F_STREAM) ||
	       !(features & BIT_ULL(VIRTIO_VSOCK_F_NO_IMPLIED_STREAM));
}

/* Stop a virtqueue, which publishes its used chains; without its mutex while that has to wait. */
static void device_stop_vq(struct mvs_device *device, struct mvs_vq *vq)
{
	int ret = 0;

	mutex_lock(&vq->mutex);
	mvs_vq_flush(vq);
	while (!ret && mvs_vq_unflushed(vq) && READ_ONCE(device->mem.wants)) {
		mutex_unlock(&vq->mutex);
		ret = mvs_mem_bring_in(&device->mem);
		mutex_lock(&vq->mutex);
		mvs_vq_flush(vq);
	}
	mvs_vq_stop(vq);
	mutex_unlock(&vq->mutex);
}

static void device_stop_vqs(struct mvs_device *device)
{
	unsigned int i;

	for (i = 0; i < MVS_VQS; i++)
		device_stop_vq(device, &device->vqs[i]);
}

/*
 * Wait for the page that a start missed, or for a moment if a page was taken away each time it was
 * brought in.
 */
static int device_wait_for_page(struct mvs_mem *gm)
{
	if (READ_ONCE(gm->wants))
		return mvs_mem_bring_in(gm);
	usleep_range(500, 1000);
	return signal_pending(current) ? -EINTR : 0;
}

/* Start a virtqueue, dropping its mutex while that waits for the VMM's memory. */
static long device_start_vq(struct mvs_device *device, struct mvs_vq *vq)
{
	long ret;

	do {
		mutex_lock(&vq->mutex);
		ret = mvs_vq_start(vq, device->features);
		mutex_unlock(&vq->mutex);
		if (ret != -ERESTART)
			return ret;
		ret = device_wait_for_page(&device->mem);
		/*
		 * -EFAULT may be for another virtqueue's page; for one of this virtqueue's, the
		 * next try fails too.
		 */
	} while (!ret || ret == -EFAULT);
	return ret;
}

static long device_start_vqs(struct mvs_device *device)
{
	unsigned int i;
	long ret = 0;

	for (i = 0; i < MVS_VQS && !ret; i++)
		ret = device_start_vq(device, &device->vqs[i]);
	return ret;
}

/**
 * mvs_device_stop - stop a device
 * @device: the device, running or not
 *
 * After this returns, nothing accesses the rings or the guest's memory.
 *
 * Context: process, with the device's mutex held; may sleep.
 */
void mvs_device_stop(struct mvs_device *device)
{
	unsigned int i;

	lockdep_assert_held(&device->mutex);
	if (device->running)
		trace_mvs_device_stop(READ_ONCE(device->cid), device->features);
	/*
	 * Cleared before the virtqueues stop, so that senders do not mistake them for broken ones.
	 */
	WRITE_ONCE(device->running, false);
	for (i = 0; i < MVS_VQS; i++)
		mvs_kick_stop(&device->vqs[i].kick);
	device_stop_vqs(device);
	mvs_misses_forget(&device->misses);
	mvs_mem_detach(&device->mem);
}

/**
 * mvs_device_table_ok - check a memory table, and the dirty log if that is enabled
 * @device: the device
 * @table: the memory table, or NULL
 *
 * Return: true if a running device may use it.
 */
bool mvs_device_table_ok(const struct mvs_device *device,
			 const struct vhost_iotlb *table)
{
	const struct mvs_mem *gm = &device->mem;

	return mvs_mem_table_ok(table) &&
	       (!gm->logging || mvs_mem_log_ok(table, gm->log_base));
}

/**
 * mvs_device_start - start a device, or the broken virtqueues of a running one
 * @device: the device, with an owner
 *
 * Context: process, with the device's mutex held; may sleep.
 * Return: 0, or an error, after which it is stopped: %-EFAULT when its memory, rings or log can't
 * be accessed; see mvs_vq_start().
 */
long mvs_device_start(struct mvs_device *device)
{
	unsigned int i;
	long ret;

	lockdep_assert_held(&device->mutex);
	if (!mvs_device_table_ok(device, device->mem.table))
		return -EFAULT;

	mvs_mem_attach(&device->mem, device->mm, true);
	ret = device_start_vqs(device);
	if (ret) {
		mvs_device_stop(device);
		/* Registering an address space's first notifier may be interrupted. */
		return ret == -EINTR ? -ERESTARTNOINTR : ret;
	}
	WRITE_ONCE(device->running, true);
	trace_mvs_device_start(READ_ONCE(device->cid), device->features);
	for (i = 0; i < MVS_VQS; i++)
		mvs_kick_start(&device->vqs[i].kick, device->waker.worker);
	return 0;
}
