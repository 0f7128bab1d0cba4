# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Both modules, side by side. Sourced by check.sh.

# Without debugging options, with which it takes three times as long.
group_parity()
{
	build_plain && build_ring || return 0
	compare_modules plain parity reload
}

group_sockets()
{
	build_debug && build_ring || return 0
	compare_modules debug sockets leak reload
}

# compare_modules KIND PROGRAM CHECK...: compares mvsock with vhost_vsock, also with
# --upstream.
compare_modules()
{
	local kind=$1 program=$2

	shift 2
	new_run "$WORK/$GROUP-$program"
	set_env JOB parity
	set_env MODULES "$(modules_for "$(uml_dir "$kind")" "$BUILD/uml-$kind/mvsock.ko" | paste -sd' ')"
	set_env OTHER "$(modules_for "$(uml_dir "$kind")" vhost_vsock | paste -sd' ')"
	set_env PROGRAMS "$BUILD/testing/$program"
	set_env TIMEOUT 600
	set_env CHECKS "$*"
	boot_uml "$kind" 1300 || true
	report_tap "$program"
	report_kernel "$@"
}
