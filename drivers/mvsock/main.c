// SPDX-License-Identifier: GPL-2.0
/*
 * mvsock: a vhost-vsock device that accesses guest memory through mapped pages.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>

#include <mvsock/fault.h>
#include <mvsock/group.h>
#include <mvsock/netlink.h>
#include <mvsock/policy.h>
#include <mvsock/transport.h>

#define CREATE_TRACE_POINTS
#include <mvsock/trace.h>

static int __init mvsock_init(void)
{
	int ret;

	ret = mvs_group_init();
	if (ret)
		return ret;
	ret = mvs_policy_init();
	if (ret)
		goto err_policy;
	ret = mvs_transport_register();
	if (ret == -EBUSY)
		pr_err("another host-to-guest vsock transport is loaded; unload it first (modprobe -r vhost_vsock), or stop VMware's virtual machines\n");
	if (ret)
		goto err_transport;

	ret = mvs_netlink_register();
	if (ret) {
		pr_err("can't register the netlink family: %d\n", ret);
		goto err_netlink;
	}
	/* At last: from here on a device may be open. */
	ret = mvs_device_register(&mvs_transport_device_ops);
	if (ret) {
		pr_err("can't create /dev/vhost-vsock: %d\n", ret);
		goto err_device;
	}
	mvs_proc_register();
	mvs_fault_init();
	return 0;

err_device:
	mvs_netlink_unregister();
err_netlink:
	mvs_transport_unregister();
err_transport:
	mvs_policy_exit();
err_policy:
	mvs_group_exit();
	return ret;
}

static void __exit mvsock_exit(void)
{
	mvs_fault_exit();
	mvs_proc_unregister();
	mvs_device_unregister();
	mvs_netlink_unregister();
	mvs_transport_unregister();
	mvs_policy_exit();
	mvs_group_exit();
}

module_init(mvsock_init);
module_exit(mvsock_exit);
MODULE_LICENSE("GPL");
MODULE_VERSION(MVSOCK_VERSION);
MODULE_DESCRIPTION("vhost-vsock device on mapped guest pages");
MODULE_ALIAS_MISCDEV(VHOST_VSOCK_MINOR);
MODULE_ALIAS("devname:vhost-vsock");
