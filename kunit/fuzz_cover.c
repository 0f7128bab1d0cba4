// SPDX-License-Identifier: GPL-2.0
/*
 * Records which blocks of the code under test the fuzz suite reaches. tools/check/coverage.sh maps
 * them to source lines.
 */
#include <linux/bitmap.h>
#include <linux/sizes.h>

#include <mvsock/chain.h>

#include "coverage.h"
#include "fuzz_cover.h"

/* All of the module's code is within this distance of mvs_chain_init(). */
#define REACH	SZ_128K

#define PER_LINE	12

static DECLARE_BITMAP(reached, 2 * REACH);
static void (*call)(void);

static void block(unsigned long address)
{
	unsigned long at = address - (unsigned long)mvs_chain_init + REACH;

	if (at < 2 * REACH)
		__set_bit(at, reached);
	if (call)
		call();
}

void fuzz_cover_begin(void (*at_block)(void))
{
	call = at_block;
	WRITE_ONCE(mvs_coverage_block, block);
}

/* All blocks reached since the module was loaded, as offsets from mvs_chain_init(). */
void fuzz_cover_end(struct kunit *test)
{
	char line[PER_LINE * 8 + 1];
	unsigned long at;
	int n = 0, len = 0;

	WRITE_ONCE(mvs_coverage_block, NULL);
	for_each_set_bit(at, reached, 2 * REACH) {
		len += scnprintf(line + len, sizeof(line) - len, " %ld",
				 (long)at - REACH);
		if (++n % PER_LINE == 0) {
			kunit_info(test, "reached:%s", line);
			len = 0;
		}
	}
	if (len)
		kunit_info(test, "reached:%s", line);
}
