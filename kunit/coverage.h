/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MVSOCK_KUNIT_COVERAGE_H
#define _MVSOCK_KUNIT_COVERAGE_H

/* Called at each block of instrumented code, with an address in the block. */
typedef void (*mvs_coverage_fn)(unsigned long address);

extern mvs_coverage_fn mvs_coverage_block;

void __sanitizer_cov_trace_pc(void);

#endif /* _MVSOCK_KUNIT_COVERAGE_H */
