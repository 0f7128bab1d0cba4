/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MVSOCKCTL_EXPLAIN_H
#define MVSOCKCTL_EXPLAIN_H

#include <stdbool.h>

/**
 * struct explanation - what a name means
 * @name: of an errno, a reason, or a counter
 * @where: whom it comes from
 * @meaning: what happened
 * @next: what to do
 */
struct explanation {
	const char *name;
	const char *where;
	const char *meaning;
	const char *next;
};

/* Ends with one without a name. A name may have several. */
extern const struct explanation explanations[];

/* Upper or lower case, and a reason with or without "rejected_". */
bool explains(const struct explanation *e, const char *error);

#endif
