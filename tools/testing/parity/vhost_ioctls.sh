#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vhost_ioctls.sh FOLDER: prints, in C, all ioctls that FOLDER/linux/vhost.h has; as it is
# installed or in the kernel's source, which has words for its own compiler.

cat "$1/linux/vhost_types.h" "$1/linux/vhost.h" |
	sed '/#include <linux\/compiler.h>/d; s/ __user / /; s/ __counted_by([^)]*)//'
cat <<END
#include "parity.h"

const struct vhost_ioctl vhost_ioctls[] = {
END
sed -n 's/^#define[[:space:]]*VHOST_\([A-Z0-9_]*\)[[:space:]]*_IO.*/\t{ "\1", VHOST_\1 },/p' \
	"$1/linux/vhost.h"
echo "	{ 0 }"
echo "};"
