// SPDX-License-Identifier: GPL-2.0
/*
 * What the compiler calls at each block of the code that is covered; a part of
 * mvsock.ko where it is built with MVSOCK_COVERAGE=1. KCOV's function of this name
 * gathers for user space, a task at a time; this one asks the test.
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
