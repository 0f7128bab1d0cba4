/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations and mappings that fail in threads that are chosen for it, as the kernel's
 * fault injection has it.
 */
#ifndef MVS_RING_FAILING_H
#define MVS_RING_FAILING_H

#include <stdbool.h>
#include <sys/types.h>

/* Set what @attr, a folder of /sys/kernel/debug, has under @name. A kernel without
 * fault injection skips the running test.
 */
void failing_set(const char *attr, const char *name, const char *value);

/* What is set of failslab and the like is for threads that shall. */
void failing_thread(pid_t thread, bool fails);

/* The thread that a device has in this process. */
pid_t failing_worker(void);

#endif
