// SPDX-License-Identifier: GPL-2.0
/* The CID table: devices by CID, in each scope. */
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/vm_sockets.h>
#include <linux/xarray.h>
#include <net/af_vsock.h>

#include <mvsock/device.h>

static_assert(MVS_HOST_CID == VMADDR_CID_HOST);

/* Indexed by mvs_cid_index(). Entries change under the mutex and are read under RCU. */
static DEFINE_XARRAY(cids);
static DEFINE_MUTEX(cids_mutex);

/* Called under the mutex. */
static BLOCKING_NOTIFIER_HEAD(cids_chain);

/**
 * mvs_cid_find - find a device
 * @scope: the scope, from mvs_net_scope()
 * @cid: a guest's CID
 *
 * Context: inside an RCU read section, which the device outlives.
 * Return: the device, or NULL.
 */
struct mvs_device *mvs_cid_find(u32 scope, u32 cid)
{
	return xa_load(&cids, mvs_cid_index(scope, cid));
}

/**
 * mvs_cid_get - find a device and take a reference
 * @scope: the scope, from mvs_net_scope()
 * @cid: a guest's CID
 *
 * Context: any.
 * Return: the device with a reference, for mvs_device_put(); or NULL.
 */
struct mvs_device *mvs_cid_get(u32 scope, u32 cid)
{
	struct mvs_device *device;

	rcu_read_lock();
	device = mvs_cid_find(scope, cid);
	if (device && !refcount_inc_not_zero(&device->ref))
		device = NULL;
	rcu_read_unlock();
	return device;
}

/**
 * mvs_cid_next - find the next device of a scope and take a reference
 * @scope: the scope, from mvs_net_scope()
 * @cid: the CID after which to look, 0 to begin with the first; set to the device's
 *
 * Context: any.
 * Return: the device with the next CID, with a reference, for mvs_device_put(); or NULL.
 */
struct mvs_device *mvs_cid_next(u32 scope, u32 *cid)
{
	unsigned long index = mvs_cid_index(scope, *cid);
	struct mvs_device *device;

	rcu_read_lock();
	do {
		device = xa_find_after(&cids, &index, mvs_cid_index(scope, U32_MAX),
				       XA_PRESENT);
	} while (device && !refcount_inc_not_zero(&device->ref));
	rcu_read_unlock();
	*cid = index;
	return device;
}

/**
 * mvs_cid_register_notifier - be told of CIDs that devices get and lose
 * @nb: called in the order of the changes, with true if a device got the CID, and a
 *	&struct mvs_cid_change
 *
 * Context: process; may sleep.
 */
void mvs_cid_register_notifier(struct notifier_block *nb)
{
	blocking_notifier_chain_register(&cids_chain, nb);
}

/**
 * mvs_cid_unregister_notifier - undo mvs_cid_register_notifier()
 * @nb: not called any more after this returns
 *
 * Context: process; may sleep.
 */
void mvs_cid_unregister_notifier(struct notifier_block *nb)
{
	blocking_notifier_chain_unregister(&cids_chain, nb);
}

static void cid_tell(const struct mvs_device *device, u32 cid, bool added)
{
	struct mvs_cid_change change = { .net = device->net, .cid = cid };

	lockdep_assert_held(&cids_mutex);
	blocking_notifier_call_chain(&cids_chain, added, &change);
}

static void cid_store(struct mvs_device *device, u32 cid)
{
	WRITE_ONCE(device->cid, cid);
	WRITE_ONCE(device->mem.cid, cid);
}

/**
 * mvs_cid_set - set or change a device's CID
 * @device: the device
 * @cid: the CID, as the VMM gave it
 *
 * Context: process; may sleep.
 * Return: 0, also when it has that CID already; %-EINVAL for a reserved CID or one of more than 32
 * bits; %-EADDRINUSE when another device of its scope has it, or this host is a guest itself and it
 * is the host's own CID; %-ENOMEM.
 */
int mvs_cid_set(struct mvs_device *device, u64 cid)
{
	u32 old;
	int ret;

	if (cid <= VMADDR_CID_HOST || cid >= U32_MAX)
		return -EINVAL;
	if (vsock_find_cid(cid))
		return -EADDRINUSE;

	mutex_lock(&cids_mutex);
	old = device->cid;
	if (old == cid) {
		ret = 0;
		goto out;
	}

	ret = xa_insert(&cids, mvs_cid_index(device->scope, cid), device,
			GFP_KERNEL);
	if (ret) {
		ret = ret == -EBUSY ? -EADDRINUSE : ret;
		goto out;
	}
	cid_store(device, cid);
	if (old) {
		xa_erase(&cids, mvs_cid_index(device->scope, old));
		cid_tell(device, old, false);
	}
	cid_tell(device, cid, true);
out:
	mutex_unlock(&cids_mutex);
	return ret;
}

/**
 * mvs_cid_clear - remove a device from the table
 * @device: the device, which may have no CID
 *
 * A lookup that found it earlier may use it until the end of an RCU grace period.
 *
 * Context: process; may sleep.
 */
void mvs_cid_clear(struct mvs_device *device)
{
	mutex_lock(&cids_mutex);
	if (device->cid) {
		xa_erase(&cids, mvs_cid_index(device->scope, device->cid));
		cid_tell(device, device->cid, false);
	}
	cid_store(device, 0);
	mutex_unlock(&cids_mutex);
}
