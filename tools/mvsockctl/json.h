/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MVSOCKCTL_JSON_H
#define MVSOCKCTL_JSON_H

#include <stdio.h>

/* Print a string with quotes; a byte that is not valid UTF-8 becomes U+FFFD. */
void json_string(FILE *f, const char *s);

#endif
