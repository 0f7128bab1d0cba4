# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Each load, briefly. Sourced by check.sh.

group_load()
{
	[[ $MODULE != mvsock ]] || build_plain || return 0
	build_ring || return 0
	new_run "$WORK/load"
	set_env JOB load
	set_env MODULES "$(modules_for "$(uml_dir plain)" "$(tested "$BUILD/uml-plain")" | paste -sd' ')"
	set_env PROGRAMS "$BUILD/testing/load"
	set_env TIMEOUT 100
	set_env CHECKS "reload"
	boot_uml plain 200 || true
	report_load
	check_tables
	report_kernel reload
	load_kvm
}

report_load()
{
	local name

	for name in $("$BUILD/testing/load" --list); do
		verdict "$name" "$(grep -qs "^$name: " "$RUN/out/load" ||
			tail -n 3 "$RUN/out/load" 2>&1)"
	done
}
