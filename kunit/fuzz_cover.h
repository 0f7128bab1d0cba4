/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records which blocks of the code under test the fuzz suite reaches, and calls a function at each
 * of them. Neither is available without MVSOCK_COVERAGE=1.
 */
#ifndef _MVSOCK_KUNIT_FUZZ_COVER_H
#define _MVSOCK_KUNIT_FUZZ_COVER_H

#include <kunit/test.h>

#ifdef MVSOCK_COVERAGE
void fuzz_cover_begin(void (*at_block)(void));
void fuzz_cover_end(struct kunit *test);
#else
static inline void fuzz_cover_begin(void (*at_block)(void)) { }
static inline void fuzz_cover_end(struct kunit *test) { }
#endif

#endif /* _MVSOCK_KUNIT_FUZZ_COVER_H */
