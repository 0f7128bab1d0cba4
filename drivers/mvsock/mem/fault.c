// SPDX-License-Identifier: GPL-2.0
/* Fault injection, in /sys/kernel/debug/fail_mvsock_map and delay_mvsock_lease. */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/fault-inject.h>
#include <linux/mm.h>

#include <mvsock/fault.h>

/* Milliseconds: longer than a lease lasts. */
#define MVS_FAULT_DELAY	2

static DECLARE_FAULT_ATTR(fail_map);
static DECLARE_FAULT_ATTR(delay_lease);
static struct dentry *map_dir, *lease_dir;

/* The error of a failed mapping. */
static u32 map_errno = ENOMEM;

/**
 * mvs_fault_init - register fault injection
 */
void mvs_fault_init(void)
{
	map_dir = fault_create_debugfs_attr("fail_mvsock_map", NULL, &fail_map);
	if (!IS_ERR(map_dir))
		debugfs_create_u32("errno", 0600, map_dir, &map_errno);
	/* A stack dump of an injected delay would be of no use. */
	delay_lease.verbose = 0;
	lease_dir = fault_create_debugfs_attr("delay_mvsock_lease", NULL,
					      &delay_lease);
}

/**
 * mvs_fault_exit - undo mvs_fault_init()
 */
void mvs_fault_exit(void)
{
	debugfs_remove_recursive(map_dir);
	debugfs_remove_recursive(lease_dir);
}

/**
 * mvs_fault_map - inject a failure into a mapping
 *
 * Return: 0, or the error.
 */
int mvs_fault_map(void)
{
	return should_fail(&fail_map, PAGE_SIZE) ? -(int)READ_ONCE(map_errno) : 0;
}

/**
 * mvs_fault_delay - inject a delay at a transition of a lease
 *
 * Context: any.
 */
void mvs_fault_delay(void)
{
	/* fail-nth counts calls, whatever the probability is. */
	if (READ_ONCE(delay_lease.probability) && should_fail(&delay_lease, 1))
		mdelay(MVS_FAULT_DELAY);
}
