// SPDX-License-Identifier: GPL-2.0
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "cgroup.h"

#define ROOT "/sys/fs/cgroup"

unsigned long long cgroup_number(const char *path)
{
	unsigned long long number = 0;
	struct statfs fs;
	struct stat st;
	char *full, *end;

	if (!strcmp(path, "none"))
		return CGROUP_NONE;
	if (*path >= '1' && *path <= '9') {
		number = strtoull(path, &end, 10);
		return *end ? 0 : number;
	}
	if (*path != '/' || asprintf(&full, ROOT "%s", path) < 0)
		return 0;
	if (!statfs(full, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC &&
	    !stat(full, &st) && S_ISDIR(st.st_mode))
		number = st.st_ino;
	free(full);
	return number;
}

/* nftw() has no argument for its function. */
static unsigned long long wanted;
static char *found;

static int compare(const char *path, const struct stat *st, int type,
		   struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_D || st->st_ino != wanted)
		return 0;
	path += strlen(ROOT);
	found = strdup(*path ? path : "/");
	return 1;
}

char *cgroup_path(unsigned long long number)
{
	wanted = number;
	found = NULL;
	nftw(ROOT, compare, 16, FTW_PHYS | FTW_MOUNT);
	return found;
}
