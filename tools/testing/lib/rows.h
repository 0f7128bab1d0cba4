/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of a table: each is played in front of a module, and what came of it is
 * its outcome, a line of text.
 */
#ifndef MVS_RING_ROWS_H
#define MVS_RING_ROWS_H

#include "util.h"

#define ROW_OUTCOME 2048

/**
 * struct rows - how to play them
 * @n: how many there are
 * @at_once: how many processes play, as a row may wait for what does not come
 * @apart: each row has a process of its own; else only those behind one that
 *	failed have a new one
 * @seconds: that a row may take
 * @play: play row @i; what it does not tell with row_tell() is lost
 * @label: how row @i begins when it is printed: name, tab, state
 */
struct rows {
	unsigned int n;
	unsigned int at_once;
	bool apart;
	unsigned int seconds;
	void (*play)(unsigned int i);
	void (*label)(unsigned int i, char *text, size_t size);
};

/* Play all, print a line for each. The exit status. */
int rows_print(const struct rows *rows);

/* Append to what is known of the row that is played. */
void row_tell(const char *fmt, ...);

/* Has nothing been told yet? */
bool row_is_untold(void);

#endif
