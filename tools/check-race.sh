# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The ring driver's races, on kernels that look for them. Sourced by check.sh.

RACE_SECONDS=6
# How long an emulated processor stands still is the business of those that it shares a
# real one with.
RACE_OPTIONS=rcupdate.rcu_cpu_stall_suppress=1

# races_env PROGRAM SECONDS: for each race.
races_env()
{
	set_env RACES "$1"
	set_env FUZZ_SEED "$FUZZ_SEED"
	set_env RACE_SECONDS "$2"
}

group_race()
{
	build_ring || return 0
	race_on kcsan "$RACE_OPTIONS loglevel=3" reload
	race_on kasan "$RACE_OPTIONS page_poison=1" leak reload
}

# race_on kcsan|kasan KERNEL_OPTIONS CHECK...
race_on()
{
	local kind=$1 append=$2

	shift 2
	built "$BUILD/x86-$kind" "$(x86_dir "$kind")" || return 0
	say "  Linux with ${kind^^}"
	new_run "$WORK/race-$kind"
	set_env JOB smp
	set_env PROGRAMS "/bin/device_test /bin/fuzz"
	set_env WORDS "moving race order load data"
	set_env FUZZ_SECONDS "$FUZZ_SECONDS"
	set_env TIMEOUT 1200
	set_env CHECKS "$*"
	races_env /bin/races "$RACE_SECONDS"
	MODULES_DIR=$(x86_dir "$kind") ring_initrd "$BUILD/x86-$kind/mvsock.ko"
	boot_x86 "$kind" 3600 "$append" || true
	[[ $kind != kcsan ]] || sort_races
	report_tap device_test
	report_tap fuzz
	report_tap races
	[[ $kind != kcsan ]] || report_races
	report_kernel "$@"
}

# sort_races: takes KCSAN's reports out of the kernel's log, into races-in-module, where
# the module has to do with it, and races-elsewhere.
sort_races()
{
	[[ -e $RUN/out/dmesg ]] || return 0
	mv "$RUN/out/dmesg" "$RUN/out/dmesg-all"
	touch "$RUN/out/races-in-module" "$RUN/out/races-elsewhere"
	: >"$RUN/out/dmesg"
	awk -v out="$RUN/out/" '
	{ line = $0; sub(/^\[ *[0-9.]+\] ?(\[ *[CT][0-9]+\] ?)?/, "", line) }
	line ~ /^=+$/ {
		if (report) print text > out (text ~ /\[mvsock\]/ ? "races-in-module" : "races-elsewhere")
		report = 0
		text = ""
		next
	}
	line ~ /BUG: KCSAN/ { report = 1 }
	report { text = text line "\n"; next }
	{ print > out "dmesg" }' "$RUN/out/dmesg-all"
}

report_races()
{
	[[ -e $RUN/out/races-in-module ]] || return 0
	verdict "KCSAN reports no race of the module's" "$(head -n 80 "$RUN/out/races-in-module")"
	say "  $(grep -c 'BUG: KCSAN' "$RUN/out/races-elsewhere") elsewhere in the kernel: $RUN/out/races-elsewhere"
}
