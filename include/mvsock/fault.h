/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault injection: a failure to bring in a guest's page, configured in /sys/kernel/debug and
 * /proc/PID/task/TID/fail-nth; or a delay at a lease's transition, configured in /sys/kernel/debug
 * (Documentation/fault-injection in the kernel's source). Empty without
 * CONFIG_FAULT_INJECTION_DEBUG_FS.
 */
#ifndef _MVSOCK_FAULT_H
#define _MVSOCK_FAULT_H

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
void mvs_fault_init(void);
void mvs_fault_exit(void);
int mvs_fault_map(void);
void mvs_fault_delay(void);
#else
static inline void mvs_fault_init(void) {}
static inline void mvs_fault_exit(void) {}
static inline int mvs_fault_map(void) { return 0; }
static inline void mvs_fault_delay(void) {}
#endif

#endif /* _MVSOCK_FAULT_H */
