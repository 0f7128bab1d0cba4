# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The groups with two processors. Sourced by check.sh.

group_smp()
{
	[[ $MODULE != mvsock ]] || build_stock || return 0
	build_ring || return 0
	smp_run /bin
	ring_initrd loop vsockmon "$(tested "$BUILD/stock")"
	boot_stock 1000 || true
	report_smp
}

group_umlsmp()
{
	[[ $MODULE != mvsock ]] || build_smp || return 0
	build_ring || return 0
	smp_run "$BUILD/testing"
	set_env MODULES "$(modules_for "$(uml_dir smp)" vsockmon "$(tested "$BUILD/uml-smp")" | paste -sd' ')"
	boot_uml smp 1000 || true
	report_smp
	[[ $MODULE == mvsock ]] || return 0
	compare_modules smp sockets reload
	kunit_run umlsmp-kunit smp reload
}

# smp_run FOLDER: the folder of the programs, as seen by the host.
smp_run()
{
	new_run "$WORK/$GROUP"
	set_env JOB smp
	set_env PROGRAMS "$1/device_test $1/fuzz"
	set_env WORDS "moving rewritten endless busyloop netns cgroup grow trace race answers linger unmappable connect: siblings policy:"
	races_env "$1/races" 1
	set_env FUZZ_SECONDS $((FUZZ_SECONDS / 2))
	set_env TIMEOUT 600
	set_env CHECKS "reload"
}

report_smp()
{
	report_tap device_test
	report_tap fuzz
	report_tap races
	report_kernel reload
}
