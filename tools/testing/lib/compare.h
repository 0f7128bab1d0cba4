/* SPDX-License-Identifier: GPL-2.0 */
/* Compares what two modules did, line by line: "name, tab, state, tab, outcome". */
#ifndef MVS_RING_COMPARE_H
#define MVS_RING_COMPARE_H

#include "util.h"

/*
 * An intended difference between mvsock and vhost_vsock. All strings are patterns; in those of
 * outcomes "?(this)" marks optional text. Each difference must be seen on kernels from @since on
 * and before @before, both as in LINUX(); 0 means no limit.
 */
struct difference {
	const char *name;
	const char *vhost_vsock;
	const char *mvsock;
	const char *why;
	unsigned int since;
	unsigned int before;
	bool seen;
};

/**
 * struct compare - what to compare
 * @n: number of names, each of which is a test
 * @states: number of lines for each name
 * @name: returns the @i-th name
 * @never: patterns of outcomes that neither module may have, ended by NULL
 * @differences: intended differences. If the pattern is an answer and ", *", only the text before
 *	the first comma of the outcome may differ. If both patterns begin with "*", and have no
 *	other wildcard, only the text after it may differ.
 * @ndifferences: number of intended differences
 */
struct compare {
	unsigned int n;
	unsigned int states;
	const char *(*name)(unsigned int i);
	const char *const *never;
	struct difference *differences;
	unsigned int ndifferences;
};

/* Compare two files. Prints TAP. Returns the exit status. */
int compare(const struct compare *c, const char *vhost_vsock,
	    const char *mvsock);

#endif
