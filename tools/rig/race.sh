# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # sourced by host.sh, whose variables it has
#
# Races run in addition to the other tests of the jobs "device" and "smp", if RACES has the
# program. The job "race" runs loads before them.

run_races()
{
	[ -n "$RACES" ] || return 0
	export MVSOCK_MODULE="${MODULES##* }"
	PROGRAMS=$RACES
	run_programs --seed "$FUZZ_SEED" --seconds "$RACE_SECONDS"
}

# The job of the kernels that detect races.
job_race()
{
	tell "load"
	timeout "$TIMEOUT" "$LOAD" --seconds "$RACE_SECONDS" --devices 20 >"$OUT/load" 2>&1
	job_smp
	[ ! -e /sys/kernel/debug/kcsan ] || cat /sys/kernel/debug/kcsan >"$OUT/kcsan"
}
