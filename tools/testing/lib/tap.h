/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test Anything Protocol: a list of named tests, each run in a process of its
 * own for a bounded time.
 */
#ifndef MVS_RING_TAP_H
#define MVS_RING_TAP_H

#include <stdio.h>
#include <unistd.h>

#include "util.h"

#ifndef __FILE_NAME__	/* gcc 12 has it */
#define __FILE_NAME__ __FILE__
#endif

/* Only mvsock can pass. */
#define TAP_MVSOCK 1U
/* From here on flags are the tests' own. */
#define TAP_OWN 0x100U

#define TAP_TIMEOUT 30	/* seconds, unless the options have another */

/* How a test's process ends. */
#define TAP_EXIT_FAIL 1
#define TAP_EXIT_SKIP 77

struct tap_test {
	const char *name;
	void (*run)(const void *arg);
	const void *arg;
	unsigned int flags;
};

struct tap_options {
	unsigned int skip;	/* tests with one of these flags */
	const char *skip_why;
	char **match;		/* run only tests whose name has one of these */
	int nmatch;
	bool list;
	unsigned int timeout;	/* seconds a test may take, 0: TAP_TIMEOUT */
};

void tap_add(const char *name, void (*run)(const void *arg), const void *arg,
	     unsigned int flags);

/* Same with a name made of two parts. */
void tap_add2(const char *group, const char *name,
	      void (*run)(const void *arg), const void *arg,
	      unsigned int flags);

/* Run all; the exit status. */
int tap_run(const struct tap_options *opt);

/* The number of the test that runs, from 1, and its flags. */
unsigned int tap_number(void);
unsigned int tap_flags(void);

/* Have @explain called when the running test fails, before it ends. */
void tap_on_failure(void (*explain)(void));

void tap_explain(void);	/* calls it */

/* A line beside the result. */
#define tap_note(...)							\
	do {								\
		printf("# " __VA_ARGS__);				\
		printf("\n");						\
		fflush(stdout);						\
	} while (0)

/* End the running test. */
#define tap_fail(fmt, ...)						\
	do {								\
		tap_note("%s:%d: " fmt, __FILE_NAME__, __LINE__,	\
			 ##__VA_ARGS__);				\
		tap_explain();						\
		_exit(TAP_EXIT_FAIL);					\
	} while (0)

#define tap_skip(fmt, ...)						\
	do {								\
		tap_note("skipped: " fmt, ##__VA_ARGS__);		\
		_exit(TAP_EXIT_SKIP);					\
	} while (0)

#define require(cond, ...)						\
	do {								\
		if (!(cond))						\
			tap_fail(__VA_ARGS__);				\
	} while (0)

/* @expr is 0 or a negative errno. */
#define require_ok(expr)						\
	do {								\
		int err_ = (expr);					\
									\
		if (err_ < 0)						\
			tap_fail("%s: %s", #expr, strerror(-err_));	\
	} while (0)

#endif
