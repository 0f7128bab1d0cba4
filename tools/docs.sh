#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# docs.sh: builds the manual. Fails if Sphinx reports a warning.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

DIR=$BUILD/docs

"$TOP/tools/setup.sh" docs source
use_cache
# From scratch: files that are up to date cause no warnings. Python's own cache would be left
# among the kernel's files.
rm -rf "$DIR"
srctree=$LINUX/source PYTHONDONTWRITEBYTECODE=1 quietly "$DIR.log" \
	sphinx-build -q -n -W --keep-going -d "$DIR/doctrees" "$TOP/Documentation" "$DIR/html" ||
	die "the manual does not build without warnings"
say "The manual is in $DIR/html/index.html."
