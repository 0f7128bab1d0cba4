#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# parse.sh: times the parser, in user-mode Linux without debugging; prints a
# table of nanoseconds per chain.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=tools/boot.sh
. "$TOP/tools/boot.sh"

DIR=$BUILD/uml-plain

main()
{
	mkdir -p "$BUILD"
	lock "$BUILD/bench.lock" "runs a benchmark"
	"$TOP/tools/setup.sh" packages source uml
	use_cache
	quietly "$DIR.log" build_module "$DIR" "$(uml_dir plain)" ARCH=um ||
		die "the module does not build" "see $DIR.log"
	new_run "$BUILD/bench-parse"
	set_env JOB kunit
	set_env MODULES "$(modules_for "$(uml_dir plain)" "$DIR/mvsock.ko" | paste -sd' ')"
	set_env KUNIT_MODULES "$DIR/mvsock_kunit.ko"
	boot_uml plain 300 kunit.filter_glob=bench_parse || {
		explain_boot >&2
		die "the benchmark did not finish"
	}
	report
}

report()
{
	say "ring  layout  table     descriptors  ns a chain"
	sed -n 's/^.*# bench_parse: \([TR]X .*\)/\1/p' "$RUN/out/dmesg"
	say "$(git -C "$TOP" describe --always --dirty --abbrev=12 2>/dev/null || echo 'no commit'), Linux $VERSION, $(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)"
}

main "$@"
