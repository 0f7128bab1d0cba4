/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of a table: each is played against a module, and gives an outcome, a line of text. */
#ifndef MVS_RING_ROWS_H
#define MVS_RING_ROWS_H

#include "util.h"

#define ROW_OUTCOME 2048

/**
 * struct rows - how to play them
 * @n: number of rows
 * @at_once: number of processes that play at once, as a row may wait in vain until its timeout
 * @apart: each row has a process of its own; otherwise a process is replaced only after a failure
 * @seconds: time limit for a row
 * @play: plays row @i; only what it passes to row_tell() becomes the outcome
 * @label: the start of row @i's line: name, tab, state
 */
struct rows {
	unsigned int n;
	unsigned int at_once;
	bool apart;
	unsigned int seconds;
	void (*play)(unsigned int i);
	void (*label)(unsigned int i, char *text, size_t size);
};

/*
 * Play all rows and print a line for each. Returns the exit status: 1 if the set-up of a row
 * failed.
 */
int rows_print(const struct rows *rows);

/* Append to the outcome of the current row. */
void row_tell(const char *fmt, ...);

/* Check whether the outcome is still empty. */
bool row_is_untold(void);

#endif
