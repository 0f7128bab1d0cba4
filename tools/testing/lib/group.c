// SPDX-License-Identifier: GPL-2.0
#include <linux/mvsock.h>

#include "genl.h"
#include "group.h"

static int change(__u8 cmd, __u32 cid, const char *name)
{
	struct genl_request r;
	struct genl c;
	int err = genl_open(&c, MVSOCK_FAMILY_NAME);

	if (err)
		return err;
	r = genl_request(&c, cmd);
	if (cid)
		genl_add_u32(&r, MVSOCK_A_GROUP_CID, cid);
	if (name)
		genl_add(&r, MVSOCK_A_GROUP_NAME, name, strlen(name) + 1);
	err = genl_do(&c, &r);
	genl_close(&c);
	return err;
}

int group_join(__u32 cid, const char *name)
{
	return change(MVSOCK_CMD_GROUP_ADD, cid, name);
}

int group_leave(__u32 cid, const char *name)
{
	return change(MVSOCK_CMD_GROUP_DEL, cid, name);
}
