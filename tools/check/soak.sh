# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Guests under traffic for a long time. Sourced by check.sh.

group_soak()
{
	local seconds

	seconds=$(soak_seconds)
	build_debug && build_ring && build_traffic || return 0
	say "  to repeat this: make soak HOURS=$SOAK_HOURS SEED=$FUZZ_SEED"
	new_run "$WORK/soak"
	guest_initrd "" "$BUILD/helpers/traffic"
	set_env JOB soak
	set_env PROGRAMS "$BUILD/testing/soak"
	set_env TRAFFIC "$BUILD/helpers/traffic"
	set_env FUZZ_SEED "$FUZZ_SEED"
	set_env SOAK_SECONDS "$seconds"
	set_env TIMEOUT 60
	uml_guest_env
	# Unmerged caches show whose objects leak.
	boot_uml debug $((seconds + 1200)) slab_nomerge || true
	report_tap soak
	report_tap traffic
	report_tap allocated
	report_kernel leak reload
}

soak_seconds()
{
	[[ $SOAK_HOURS =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "--hours needs a number, such as 8 or 0.5"
	awk -v hours="$SOAK_HOURS" 'BEGIN { printf "%d\n", hours * 3600 }'
}
