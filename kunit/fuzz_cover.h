/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which blocks of the code under test the fuzz suite reaches, and a call at each of
 * them. Without MVSOCK_COVERAGE=1 neither is to be had.
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
