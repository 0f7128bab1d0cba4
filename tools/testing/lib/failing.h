/* SPDX-License-Identifier: GPL-2.0 */
/* Makes allocations and mappings fail in selected threads, by the kernel's fault injection. */
#ifndef MVS_RING_FAILING_H
#define MVS_RING_FAILING_H

#include <stdbool.h>
#include <sys/types.h>

/* Write @name of @attr, a directory of /sys/kernel/debug. Skips the running test on a kernel
 * without fault injection.
 */
void failing_set(const char *attr, const char *name, const char *value);

/* Set whether failslab and the like inject failures in this thread. */
void failing_thread(pid_t thread, bool fails);

/* The worker thread of a device of this process. */
pid_t failing_worker(void);

#endif
