# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The ring driver's tests, in user-mode Linux. Sourced by check.sh.

group_device()
{
	[[ $MODULE != mvsock ]] || build_debug || return 0
	build_ring || return 0
	new_run "$WORK/device"
	set_env JOB device
	set_env MODULES "$(modules_for "$(uml_dir debug)" vsockmon "$(tested "$BUILD/uml-debug")" | paste -sd' ')"
	set_env PROGRAMS "$BUILD/testing/device_test"
	set_env TIMEOUT 1200
	set_env CHECKS "leak reload"
	races_env "$BUILD/testing/races" 1
	boot_uml debug 1800 || true
	report_tap device_test
	report_tap races
	report_kernel leak reload
}
