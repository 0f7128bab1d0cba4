// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on purpose, in /sys/kernel/debug/fail_mvsock_map.
 */
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/fault-inject.h>
#include <linux/mm.h>

#include <mvsock/fault.h>

static DECLARE_FAULT_ATTR(fail_map);
static struct dentry *dir;

/* What a mapping fails with. */
static u32 map_errno = ENOMEM;

/**
 * mvs_fault_init - offer to have mappings fail
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
 * mvs_fault_map - is this mapping to fail?
 *
 * Return: 0, or the error.
 */
int mvs_fault_map(void)
{
	return should_fail(&fail_map, PAGE_SIZE) ? -(int)READ_ONCE(map_errno) : 0;
}
