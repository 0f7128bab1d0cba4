/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Groups: which guests may talk to one another.
 *
 * Two guests may if they share a group. By default a guest is in none.
 */
#ifndef _MVSOCK_GROUP_H
#define _MVSOCK_GROUP_H

#include <linux/types.h>

/* Size of a group's name, with its terminating 0. */
#define MVS_GROUP_NAME	32

/* Maximum number of groups that a guest is in. */
#define MVS_GROUPS_MAX	16

bool mvs_group_shared(u32 scope, u32 cid, u32 other);
int mvs_group_add(u32 scope, u32 cid, const char *name);
int mvs_group_del(u32 scope, u32 cid, const char *name);
unsigned int mvs_group_changes(u32 scope);
bool mvs_group_next(u32 scope, u32 *cid, unsigned int *i, char *name);
int mvs_group_init(void);
void mvs_group_exit(void);

#endif /* _MVSOCK_GROUP_H */
