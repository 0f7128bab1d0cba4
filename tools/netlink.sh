#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# netlink.sh [FOLDER]: generates the netlink family's header, policies and operations from
# Documentation/netlink/specs/mvsock.yaml with the kernel's own generator, in the project or in
# FOLDER. Needs the kernel's source in the cache, python3-yaml and python3-jsonschema.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SPEC=Documentation/netlink/specs/mvsock.yaml

# generate FILE MODE PART
generate()
{
	mkdir -p "$(dirname "$OUT/$1")"
	python3 "$LINUX/source/tools/net/ynl/ynl-gen-c.py" --spec "$SPEC" --mode "$2" "--$3" -o "$OUT/$1"
}

use_cache || die "there is no kernel source in $CACHE" "run: tools/setup.sh source"
OUT=$(realpath "${1:-$TOP}")
tree=$(mktemp -d)
CLEAN_PATHS+=("$tree")
mkdir -p "$tree/$(dirname "$SPEC")"
cp "$TOP/$SPEC" "$tree/$SPEC"
# The generator looks for the schema beside the specification, and for the top of the tree, from
# which it names the specification, by a file MAINTAINERS.
cp "$LINUX/source/Documentation/netlink/genetlink.yaml" "$tree/Documentation/netlink/"
touch "$tree/MAINTAINERS"
cd "$tree"
generate include/uapi/linux/mvsock.h uapi header
generate drivers/mvsock/netlink/netlink-gen.h kernel header
generate drivers/mvsock/netlink/netlink-gen.c kernel source
