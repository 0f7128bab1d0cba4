# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Random input. Sourced by check.sh.

# Half of the time is for the parsers alone, half for the whole device.
group_fuzz()
{
	local dir=$BUILD/uml-fuzz half=$((FUZZ_SECONDS / 2))

	built "$dir" "$(uml_dir debug)" ARCH=um MVSOCK_COVERAGE=1 || return 0
	build_ring || return 0
	say "  to repeat this: make fuzz SECONDS=$FUZZ_SECONDS SEED=$FUZZ_SEED"
	new_run "$WORK/fuzz"
	set_env JOB fuzz
	set_env MODULES "$(modules_for "$(uml_dir debug)" "$dir/mvsock.ko" | paste -sd' ')"
	set_env KUNIT_MODULES "$dir/mvsock_kunit.ko"
	set_env PROGRAMS "$BUILD/testing/fuzz"
	set_env FUZZ_SEED "$FUZZ_SEED"
	set_env FUZZ_SECONDS "$half"
	set_env TIMEOUT $((half + 60))
	set_env CHECKS "leak reload"
	boot_uml debug $((FUZZ_SECONDS + 300)) kunit.filter_glob=fuzz_mvsock || true
	report_kunit
	report_tap fuzz
	sed -n '/reached:/d; s/^    # \(fuzz_[a-z]*: [0-9]\)/  \1/p' "$RUN/kunit.tap"
	report_coverage "$dir"
	report_kernel leak reload
}

# report_coverage FOLDER: how much of the code under test the KUnit suite reached.
report_coverage()
{
	local listing=$BUILD/uml-fuzz-listing objects

	copy_module_source "$listing"
	# Only of existing sources: objects of removed ones may be left.
	# shellcheck disable=SC2046 # words
	objects=$(cd "$1" && grep -ls __sanitizer_cov_trace_pc \
		$(cd "$listing" && printf '%s\n' drivers/mvsock/*/*.c | sed 's/c$/o/'))
	# shellcheck disable=SC2086 # words
	quietly "$listing.log" make -C "$(uml_dir debug)" M="$listing" ARCH=um \
		MVSOCK_COVERAGE=1 KCFLAGS=-mcmodel=small $objects || return 0
	"$TOP/tools/check/coverage.sh" "$1" "$listing" "$RUN/kunit.tap" >"$RUN/coverage.txt"
	awk 'NF == 3 { print "  " $1 ": reached " $2 " of " $3 " lines" }' "$RUN/coverage.txt"
	say "  lines that were not reached: $RUN/coverage.txt"
}
