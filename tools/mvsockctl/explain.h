/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MVSOCKCTL_EXPLAIN_H
#define MVSOCKCTL_EXPLAIN_H

#include <stdbool.h>

/**
 * struct explanation - the explanation of a name
 * @name: an errno, a reason, or a counter
 * @where: where it occurs
 * @meaning: what happened
 * @next: what to do
 */
struct explanation {
	const char *name;
	const char *where;
	const char *meaning;
	const char *next;
};

/* Ends with an entry without a name. A name may have several entries. */
extern const struct explanation explanations[];

/* Ignores case; a reason may be given with or without "rejected_". */
bool explains(const struct explanation *e, const char *error);

#endif
