// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vhost-vsock: open and close, owner, features, memory.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>

#include <mvsock/compat.h>
#include <mvsock/device.h>

/* The features that vhost_vsock offers. */
#define MVS_FEATURES (BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY) |	\
		      BIT_ULL(VHOST_F_LOG_ALL) |		\
		      BIT_ULL(VIRTIO_F_ANY_LAYOUT) |		\
		      BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |	\
		      BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |	\
		      BIT_ULL(VIRTIO_F_VERSION_1) |		\
		      BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) |	\
		      BIT_ULL(VIRTIO_VSOCK_F_SEQPACKET))

#define MVS_BACKEND_FEATURES	BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2)

/*
 * Maximum number of memory regions. vhost's default is 64, but VMMs read vhost's module parameter,
 * which does not apply here: the limit is the number of slots KVM had when that parameter was
 * added.
 */
#define MVS_REGIONS_MAX		509

/*
 * Some VMMs pass all offered features on to their guest, even those they do not know, and a packed
 * virtqueue needs a VMM that sets its base. So features that vhost_vsock does not offer are off
 * unless the administrator enables them.
 */
static bool packed;
module_param(packed, bool, 0444);
MODULE_PARM_DESC(packed, "Offer VIRTIO_F_RING_PACKED (default: N)");

static bool in_order;
module_param(in_order, bool, 0444);
MODULE_PARM_DESC(in_order, "Offer VIRTIO_F_IN_ORDER (default: N)");

static bool no_implied_stream;
module_param(no_implied_stream, bool, 0444);
MODULE_PARM_DESC(no_implied_stream,
		 "Offer VIRTIO_VSOCK_F_NO_IMPLIED_STREAM and _STREAM (default: N)");

#ifdef CONFIG_VHOST_ENABLE_FORK_OWNER_CONTROL
static bool fork_from_owner_default = true;
module_param(fork_from_owner_default, bool, 0444);
MODULE_PARM_DESC(fork_from_owner_default,
		 "Workers are threads of the VMM, unless it says otherwise (default: Y)");
#else
#define fork_from_owner_default true
#endif

/* Set once at module init, for all devices. */
static const struct mvs_device_ops *device_ops;

/**
 * mvs_device_put - drop a reference
 * @device: the device
 *
 * Once the file's reference is dropped the device is inactive, but its memory stays valid.
 *
 * Context: process, without spinning locks held.
 */
void mvs_device_put(struct mvs_device *device)
{
	/* The transport may still hold the device from a lookup by CID. */
	if (refcount_dec_and_test(&device->ref)) {
		device->ops->free(device);
		put_user_ns(device->user_ns);
		kfree_rcu(device, rcu);
	}
}

static long device_check_owner(const struct mvs_device *device)
{
	return device->mm == current->mm ? 0 : -EPERM;
}

static long device_set_running(struct mvs_device *device, void __user *argp)
{
	int running;
	long ret;

	if (copy_from_user(&running, argp, sizeof(running)))
		return -EFAULT;

	mutex_lock(&device->mutex);
	ret = device_check_owner(device);
	if (!ret && running)
		ret = mvs_device_start(device);
	else if (!ret)
		mvs_device_stop(device);
	mutex_unlock(&device->mutex);
	return ret;
}

static long device_set_cid(struct mvs_device *device, void __user *argp)
{
	u32 old = READ_ONCE(device->cid);
	u64 cid;
	int ret;

	if (copy_from_user(&cid, argp, sizeof(cid)))
		return -EFAULT;
	ret = mvs_cid_set(device, cid);
	if (!ret && old && old != cid)
		device->ops->rename(device);
	return ret;
}

static long device_put_u64(u64 value, void __user *argp)
{
	return copy_to_user(argp, &value, sizeof(value)) ? -EFAULT : 0;
}

static void device_apply_features(struct mvs_device *device, u64 features)
{
	unsigned int i;

	mvs_device_lock_vqs(device);
	WRITE_ONCE(device->features, features);
	device->mem.logging = features & BIT_ULL(VHOST_F_LOG_ALL);
	for (i = 0; i < MVS_VQS; i++)
		mvs_vq_set_features(&device->vqs[i], features);
	mvs_device_unlock_vqs(device);
}

/* As in vhost, lack of memory is also reported as EFAULT. */
static long device_change_features(struct mvs_device *device, u64 features)
{
	const struct mvs_mem *gm = &device->mem;

	lockdep_assert_held(&device->mutex);
	if (features & BIT_ULL(VHOST_F_LOG_ALL) && device->running &&
	    !mvs_mem_log_ok(gm->table, gm->log_base))
		return -EFAULT;
	if (mvs_iotlb_switch(device,
			     features & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM)))
		return -EFAULT;
	device_apply_features(device, features);
	return 0;
}

static u64 device_offered_features(void)
{
	u64 features = MVS_FEATURES;

	if (packed)
		features |= BIT_ULL(VIRTIO_F_RING_PACKED);
	if (in_order)
		features |= BIT_ULL(VIRTIO_F_IN_ORDER);
	if (no_implied_stream)
		features |= BIT_ULL(VIRTIO_VSOCK_F_STREAM) |
			    BIT_ULL(VIRTIO_VSOCK_F_NO_IMPLIED_STREAM);
	return features;
}

static long device_set_features(struct mvs_device *device, void __user *argp)
{
	u64 features;
	long ret;

	if (copy_from_user(&features, argp, sizeof(features)))
		return -EFAULT;
	if (features & ~device_offered_features())
		return -EOPNOTSUPP;

	mutex_lock(&device->mutex);
	ret = device_change_features(device, features);
	mutex_unlock(&device->mutex);
	return ret;
}

static long device_set_backend_features(struct mvs_device *device,
					void __user *argp)
{
	u64 features;

	if (copy_from_user(&features, argp, sizeof(features)))
		return -EFAULT;
	if (features & ~MVS_BACKEND_FEATURES)
		return -EOPNOTSUPP;

	mutex_lock(&device->mutex);
	WRITE_ONCE(device->backend_features, features);
	mutex_unlock(&device->mutex);
	return 0;
}

/*
 * The worker belongs to the owner from the start, as in vhost: it gets the limits, the CPUs and the
 * priority of the thread that set up the VMM, while VHOST_VSOCK_SET_RUNNING may come from a vCPU
 * thread.
 */
static long device_set_owner(struct mvs_device *device)
{
	struct mvs_worker *worker;

	if (device->mm)
		return -EBUSY;
	worker = mvs_worker_create(device->ops->work, &device->mem, device->vqs,
				   device->fork_owner);
	if (IS_ERR(worker))
		return -ENOMEM;	/* as in vhost, whatever the error was */
	mmgrab(current->mm);
	device->mm = current->mm;
	mvs_waker_set(&device->waker, worker);
	mvs_proc_set_owner(device, get_task_pid(current, PIDTYPE_TGID));
	return 0;
}

/*
 * The kind of worker that VHOST_SET_OWNER creates, on kernels where vhost has that choice.
 */
static long device_fork_ioctl(struct mvs_device *device, unsigned int cmd,
			      void __user *argp)
{
#ifdef CONFIG_VHOST_ENABLE_FORK_OWNER_CONTROL
	u8 __user *valp = argp;
	u8 val;

	lockdep_assert_held(&device->mutex);
	switch (cmd) {
	case VHOST_SET_FORK_FROM_OWNER:
		if (device->mm)
			return -EBUSY;
		if (get_user(val, valp))
			return -EFAULT;
		if (val != VHOST_FORK_OWNER_TASK &&
		    val != VHOST_FORK_OWNER_KTHREAD)
			return -EINVAL;
		device->fork_owner = val == VHOST_FORK_OWNER_TASK;
		return 0;
	case VHOST_GET_FORK_FROM_OWNER:
		val = device->fork_owner ? VHOST_FORK_OWNER_TASK :
					   VHOST_FORK_OWNER_KTHREAD;
		return put_user(val, valp);
	}
#endif
	return -ENOIOCTLCMD;
}

static void device_reset_owner(struct mvs_device *device)
{
	struct mvs_worker *worker = device->waker.worker;
	unsigned int i;

	mvs_device_stop(device);
	if (worker) {
		mvs_waker_set(&device->waker, NULL);
		mvs_worker_destroy(worker);
		mmdrop(device->mm);
		device->mm = NULL;
		mvs_proc_set_owner(device, NULL);
	}
	device->fork_owner = fork_from_owner_default;
	for (i = 0; i < MVS_VQS; i++)
		mvs_vq_reset(&device->vqs[i]);
	mvs_log_reset(device);
	WRITE_ONCE(device->backend_features, 0);
	mvs_iotlb_switch(device, false);
	device_apply_features(device, 0);
}

static void device_set_table(struct mvs_device *device,
			     struct vhost_iotlb *table)
{
	mvs_device_lock_vqs(device);
	mvs_mem_set_table(&device->mem, table);
	mvs_device_unlock_vqs(device);
}

static long device_set_mem_table(struct mvs_device *device, void __user *argp)
{
	struct vhost_memory __user *m = argp;
	struct vhost_memory_region *regions;
	struct vhost_iotlb *table;
	struct vhost_memory mem;

	if (copy_from_user(&mem, m, sizeof(mem)))
		return -EFAULT;
	if (mem.padding)
		return -EOPNOTSUPP;
	if (mem.nregions > MVS_REGIONS_MAX)
		return -E2BIG;

	regions = memdup_array_user(m->regions, mem.nregions, sizeof(*regions));
	if (IS_ERR(regions))
		return PTR_ERR(regions);
	table = mvs_mem_table_create(regions, mem.nregions);
	kfree(regions);
	if (IS_ERR(table))
		return PTR_ERR(table);

	if (device->running && !mvs_device_table_ok(device, table)) {
		vhost_iotlb_free(table);
		return -EFAULT;
	}
	device_set_table(device, table);
	return 0;
}

static long device_owner_ioctl(struct mvs_device *device, unsigned int cmd,
			       void __user *argp)
{
	long ret;

	lockdep_assert_held(&device->mutex);
	if (cmd == VHOST_SET_OWNER)
		return device_set_owner(device);

	ret = device_fork_ioctl(device, cmd, argp);
	if (ret != -ENOIOCTLCMD)
		return ret;

	ret = device_check_owner(device);
	if (ret)
		return ret;

	switch (cmd) {
	case VHOST_RESET_OWNER:
		device_reset_owner(device);
		device_set_table(device, NULL);
		/* Bases are 0 again, and the rings may belong to the next driver. */
		device->ops->renew(device);
		return 0;
	case VHOST_SET_MEM_TABLE:
		return device_set_mem_table(device, argp);
	case VHOST_SET_LOG_BASE:
		return mvs_log_set_base(device, argp);
	case VHOST_SET_LOG_FD:
		return mvs_log_set_fd(device, argp);
	case VHOST_SET_VRING_NUM:
	case VHOST_SET_VRING_ADDR:
	case VHOST_SET_VRING_BASE:
	case VHOST_GET_VRING_BASE:
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
	case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
	case VHOST_GET_VRING_BUSYLOOP_TIMEOUT:
		return mvs_vring_ioctl(device, cmd, argp);
	default:
		return -ENOIOCTLCMD;
	}
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct mvs_device *device = file->private_data;
	void __user *argp = (void __user *)arg;
	long ret;

	switch (cmd) {
	case VHOST_VSOCK_SET_GUEST_CID:
		return device_set_cid(device, argp);
	case VHOST_VSOCK_SET_RUNNING:
		return device_set_running(device, argp);
	case VHOST_GET_FEATURES:
		return device_put_u64(device_offered_features(), argp);
	case VHOST_SET_FEATURES:
		return device_set_features(device, argp);
	case VHOST_GET_BACKEND_FEATURES:
		return device_put_u64(MVS_BACKEND_FEATURES, argp);
	case VHOST_SET_BACKEND_FEATURES:
		return device_set_backend_features(device, argp);
	default:
		mutex_lock(&device->mutex);
		ret = device_owner_ioctl(device, cmd, argp);
		mutex_unlock(&device->mutex);
		return ret;
	}
}

static int device_open(struct inode *inode, struct file *file)
{
	struct mvs_device *device;
	unsigned int i;

	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return -ENOMEM;

	device->net = get_net_track(current->nsproxy->net_ns,
				    &device->net_tracker, GFP_KERNEL);
	device->scope = mvs_net_scope(device->net);
	device->ops = device_ops;
	if (device->ops->open(device)) {
		put_net_track(device->net, &device->net_tracker);
		kfree(device);
		return -ENOMEM;
	}
	device->user_ns = get_user_ns(device->net->user_ns);
	refcount_set(&device->ref, 1);
	mutex_init(&device->mutex);
	device->fork_owner = fork_from_owner_default;
	mvs_waker_init(&device->waker);
	mvs_misses_init(&device->misses);
	mvs_mem_init(&device->mem);
	for (i = 0; i < MVS_VQS; i++) {
		mvs_vq_init(device->vqs, i, &device->mem, &device->waker,
			    &device->misses);
		device->vqs[i].device = device;
	}
	device_apply_features(device, 0);
	file->private_data = device;
	mvs_proc_add(device);
	return 0;
}

static int device_close(struct inode *inode, struct file *file)
{
	struct mvs_device *device = file->private_data;

	mvs_proc_remove(device);
	mutex_lock(&device->mutex);
	device_reset_owner(device);
	mutex_unlock(&device->mutex);
	/* Sockets of the next device with this CID must not be mistaken for this device's. */
	mvs_cid_clear(device);
	device->ops->close(device);
	put_net_track(device->net, &device->net_tracker);
	mvs_mem_destroy(&device->mem);
	mvs_device_put(device);
	return 0;
}

static const struct file_operations device_fops = {
	.owner		= THIS_MODULE,
	.open		= device_open,
	.release	= device_close,
	.unlocked_ioctl	= device_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.read_iter	= mvs_iotlb_read,
	.write_iter	= mvs_iotlb_write,
	.poll		= mvs_iotlb_poll,
	.llseek		= noop_llseek,
	.show_fdinfo	= mvs_device_show_fdinfo,
};

static struct miscdevice misc = {
	.minor	= VHOST_VSOCK_MINOR,
	.name	= "vhost-vsock",
	.fops	= &device_fops,
};

/**
 * mvs_device_register - register /dev/vhost-vsock
 * @ops: callbacks of the layer above
 *
 * Return: 0 or the error of misc_register().
 */
int mvs_device_register(const struct mvs_device_ops *ops)
{
	device_ops = ops;
	return misc_register(&misc);
}

/**
 * mvs_device_unregister - undo mvs_device_register()
 *
 * No device is open, as an open device holds a reference on the module.
 */
void mvs_device_unregister(void)
{
	misc_deregister(&misc);
}
