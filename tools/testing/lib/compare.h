/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What two modules did, line by line: "name, tab, state, tab, outcome".
 */
#ifndef MVS_RING_COMPARE_H
#define MVS_RING_COMPARE_H

#include "util.h"

/*
 * What mvsock does otherwise on purpose; all are patterns, those of outcomes may have
 * "?(this)" for what may be there. Each must be seen, on kernels from @since on and
 * before @before, as LINUX() has them; 0: on all.
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
 * @n: names, each a test
 * @states: lines of each
 * @name: the @i-th
 * @never: patterns of outcomes that neither module may have, up to NULL
 * @differences: those that are meant. If the pattern is an answer and ", *", only
 *	what stands before the first comma of the outcome may differ. If both
 *	patterns begin with "*", and have nothing else like that, only what follows
 *	may.
 * @ndifferences: how many
 */
struct compare {
	unsigned int n;
	unsigned int states;
	const char *(*name)(unsigned int i);
	const char *const *never;
	struct difference *differences;
	unsigned int ndifferences;
};

/* Compare two files. Prints TAP; the exit status. */
int compare(const struct compare *c, const char *vhost_vsock,
	    const char *mvsock);

#endif
