# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The ring driver's races, on kernels that detect them. Sourced by check.sh.

RACE_SECONDS=4
# Stalls are not reported: an emulated processor stalls while others use its real one.
RACE_OPTIONS=rcupdate.rcu_cpu_stall_suppress=1

# races_env PROGRAM SECONDS: the program, and the duration of each race.
races_env()
{
	set_env RACES "$1"
	set_env FUZZ_SEED "$FUZZ_SEED"
	set_env RACE_SECONDS "$2"
}

# KCSAN watches one access in skip_watch, and waits udelay microseconds for another
# processor: more often and for longer than by default, as processors are emulated.
KCSAN_OPTIONS="kcsan.skip_watch=300 kcsan.udelay_task=1000 kcsan.udelay_interrupt=200"

group_race()
{
	build_ring || return 0
	# With KCSAN a disk is too slow: there only the races move memory.
	race_on kcsan "$KCSAN_OPTIONS loglevel=3" "senders load:" reload
	race_on kasan page_poison=1 "senders load: moving rewritten endless come" leak reload
}

# race_on kcsan|kasan KERNEL_OPTIONS WORDS CHECK...: WORDS select the tests of device_test.
race_on()
{
	local kind=$1 append=$2 words=$3

	shift 3
	built "$BUILD/x86-$kind" "$(x86_dir "$kind")" || return 0
	say "  Linux with ${kind^^}"
	new_run "$WORK/race-$kind"
	set_env JOB race
	set_env LOAD /bin/load
	set_env PROGRAMS "/bin/device_test /bin/fuzz"
	set_env WORDS "$words"
	set_env FUZZ_SECONDS "$FUZZ_SECONDS"
	set_env TIMEOUT 3000
	set_env CHECKS "$*"
	races_env /bin/races "$RACE_SECONDS"
	MODULES_DIR=$(x86_dir "$kind") ring_initrd "$BUILD/x86-$kind/mvsock.ko"
	boot_x86 "$kind" 7200 "$RACE_OPTIONS $append" || true
	[[ $kind != kcsan ]] || sort_races
	report_load
	report_tap device_test
	report_tap fuzz
	report_tap races
	[[ $kind != kcsan ]] || report_races
	report_kernel "$@"
}

# sort_races: moves KCSAN's reports from the kernel log to races-in-module and
# races-elsewhere. A race is attributed to the module if one of its accesses is not marked and
# is in a function of the module, or in one that the module calls directly. Deeper accesses, and
# those of the kernel where the module's own one is marked, are attributed to the kernel.
sort_races()
{
	[[ -e $RUN/out/dmesg ]] || return 0
	mv "$RUN/out/dmesg" "$RUN/out/dmesg-all"
	touch "$RUN/out/races-in-module" "$RUN/out/races-elsewhere"
	: >"$RUN/out/dmesg"
	awk -v out="$RUN/out/" '
	{ line = $0; sub(/^\[ *[0-9.]+\] ?(\[ *[CT][0-9]+\] ?)?/, "", line) }
	line ~ /^=+$/ {
		if (report) print text > out (ours ? "races-in-module" : "races-elsewhere")
		report = ours = depth = 0
		text = ""
		next
	}
	line ~ /BUG: KCSAN/ { report = 1 }
	!report { print > out "dmesg"; next }
	{ text = text line "\n" }
	line ~ /^(read|write|read-write|assert no .*) .*to 0x.* by / {
		depth = 1
		marked = line ~ /\(marked/
		next
	}
	depth && depth <= 2 { ours = ours || (!marked && line ~ /\[mvsock\]/); depth++ }
	' "$RUN/out/dmesg-all"
}

report_races()
{
	[[ -e $RUN/out/races-in-module ]] || return 0
	verdict "KCSAN watches" "$(grep -q '^setup_watchpoints: [1-9]' "$RUN/out/kcsan" ||
		cat "$RUN/out/kcsan" 2>&1)"
	verdict "KCSAN reports no race of the module's" "$(head -n 80 "$RUN/out/races-in-module")"
	say "  elsewhere in the kernel: $(grep -c 'BUG: KCSAN' "$RUN/out/races-elsewhere")," \
		"in $RUN/out/races-elsewhere"
}
