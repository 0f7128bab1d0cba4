/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers on the command line and in files. */
#ifndef MVSOCKCTL_NUMBER_H
#define MVSOCKCTL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A number of 32 bits, up to @end. */
bool parse_u32(const char *text, const char *end, uint32_t *value);

/* The CID that a guest can have: not one of the reserved ones. */
bool parse_cid(const char *text, uint32_t *cid);

#endif
