/* SPDX-License-Identifier: GPL-2.0 */
/* Test Anything Protocol: a list of named tests, each run in its own process with a time limit. */
#ifndef MVS_RING_TAP_H
#define MVS_RING_TAP_H

#include <stdio.h>
#include <unistd.h>

#include "util.h"

#ifndef __FILE_NAME__	/* gcc 12 defines it */
#define __FILE_NAME__ __FILE__
#endif

/* Only mvsock can pass this test. */
#define TAP_MVSOCK 1U
/* The following flags are the tests' own. */
#define TAP_OWN 0x100U

#define TAP_TIMEOUT 30	/* seconds, unless the options have another limit */

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
	unsigned int skip;	/* skip tests with one of these flags */
	const char *skip_why;
	char **match;		/* run only tests whose name contains one of these */
	int nmatch;
	bool list;
	unsigned int timeout;	/* time limit of a test in seconds, 0: TAP_TIMEOUT */
};

void tap_add(const char *name, void (*run)(const void *arg), const void *arg,
	     unsigned int flags);

/* The same with a name of two parts. */
void tap_add2(const char *group, const char *name,
	      void (*run)(const void *arg), const void *arg,
	      unsigned int flags);

/* Run all tests. Returns the exit status. */
int tap_run(const struct tap_options *opt);

/* The number of the running test, from 1, and its flags. */
unsigned int tap_number(void);
unsigned int tap_flags(void);

/* Call @explain when the running test fails, before it ends. */
void tap_on_failure(void (*explain)(void));

void tap_explain(void);	/* calls @explain */

/* Print a line in addition to the result. */
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

/* @expr is the negative errno @want. */
#define require_error(expr, want)					\
	do {								\
		int err_ = (expr), want_ = (want);			\
									\
		if (err_ != want_)					\
			tap_fail("%s: %s, not %s", #expr,		\
				 strerror(err_ < 0 ? -err_ : 0),	\
				 strerror(-want_));			\
	} while (0)

#endif
