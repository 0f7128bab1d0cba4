#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# compare.sh A B: prints two results of bench.sh side by side.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

[[ -r ${1:-} && -r ${2:-} ]] || die "two results are needed" \
	"make bench-compare A=Documentation/benchmarks/icount.txt B=build/bench/results/..."
awk -f "$TOP/tools/bench/compare.awk" "$1" "$2"
