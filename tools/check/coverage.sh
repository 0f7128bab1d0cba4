#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# coverage.sh FOLDER LISTING LOG: prints how much of the code under test the fuzz suite
# reached. FOLDER has mvsock.ko, built with MVSOCK_COVERAGE=1, and LISTING the same
# objects built with -mcmodel=small: with the default code model all calls go through
# registers, and can't be found. LOG has the addresses that were reached.
#
# Prints "FILE N M", N of the M lines of FILE that begin a block, and for each of
# the others "FILE:LINE".
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# lines OBJECT: FILE:LINE of each address in .text on standard input.
lines() { addr2line -e "$1" -j .text | sed -n 's|.*/drivers/mvsock/\([a-z_./]*:[0-9][0-9]*\).*|\1|p'; }

# all FOLDER: the lines with a coverage call, at the beginning of each block.
all()
{
	local object

	for object in "$1"/drivers/mvsock/*/*.o; do
		objdump -dr -j .text "$object" |
			sed -n 's/^\s*\([0-9a-f]*\): R_.*__sanitizer_cov_trace_pc.*/\1/p' |
			lines "$object"
	done
}

# reached FOLDER LOG: the lines that were reached. A return address follows the call.
reached()
{
	local base

	base=$((0x$(nm "$1/mvsock.ko" | awk '$3 == "mvs_chain_init" { print $1 }')))
	sed -n 's/.*# fuzz_[a-z]*: reached://p' "$2" | tr ' ' '\n' |
		awk -v base="$base" 'NF { printf "%x\n", base + $1 - 1 }' |
		lines "$1/mvsock.ko"
}

awk -F: '
NR == FNR { reached[$0] = 1; next }
{ total[$1]++; if ($0 in reached) n[$1]++; else missed[$0] }
END {
	for (file in total) print file, n[file] + 0, total[file]
	for (line in missed) print line
}' <(reached "$1" "$3") <(all "$2" | sort -u) | sort
