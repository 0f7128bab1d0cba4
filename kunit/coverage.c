// SPDX-License-Identifier: GPL-2.0
/*
 * The function that the compiler calls at each block of instrumented code; part of mvsock.ko if
 * that is built with MVSOCK_COVERAGE=1. KCOV's function of this name collects for user space, one
 * task at a time; this one calls the test.
 */
#include <kunit/visibility.h>
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/instruction_pointer.h>

#include "coverage.h"

mvs_coverage_fn mvs_coverage_block;
EXPORT_SYMBOL_IF_KUNIT(mvs_coverage_block);

void __sanitizer_cov_trace_pc(void)
{
	mvs_coverage_fn block = READ_ONCE(mvs_coverage_block);

	if (block)
		block(_RET_IP_);
}
