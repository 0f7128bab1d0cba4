/* SPDX-License-Identifier: GPL-2.0 */
/* Groups of guests that may connect to each other. */
#ifndef MVS_RING_GROUP_H
#define MVS_RING_GROUP_H

#include "util.h"

/* Put a guest into a group, or take it out; without a CID if it is 0, or a name if that is NULL.
 * Return 0 or a negative errno.
 */
int group_join(__u32 cid, const char *name);
int group_leave(__u32 cid, const char *name);

#endif
