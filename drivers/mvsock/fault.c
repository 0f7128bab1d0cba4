// SPDX-License-Identifier: GPL-2.0
/* Fault injection, in /sys/kernel/debug/fail_mvsock_map. */
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/fault-inject.h>
#include <linux/mm.h>

#include <mvsock/fault.h>

static DECLARE_FAULT_ATTR(fail_map);
static struct dentry *dir;

/* The error of a failed mapping. */
static u32 map_errno = ENOMEM;

/**
 * mvs_fault_init - register fault injection for mappings
 */
void mvs_fault_init(void)
{
	dir = fault_create_debugfs_attr("fail_mvsock_map", NULL, &fail_map);
	if (!IS_ERR(dir))
		debugfs_create_u32("errno", 0600, dir, &map_errno);
}

/**
 * mvs_fault_exit - undo mvs_fault_init()
 */
void mvs_fault_exit(void)
{
	debugfs_remove_recursive(dir);
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
