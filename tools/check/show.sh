# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The group show: what mvsockctl and other tools show of a device. Sourced by check.sh.

SHOW_TOOLS=$BUILD/mvsockctl

# All tools run in user-mode Linux, whose root is the machine's own, except for bpftrace, which
# needs BPF on tracepoints: Debian's kernel has that.
group_show()
{
	build_debug && build_stock && build_ring && build_mvsockctl || return 0
	show_texts
	show_uml
	show_stock
}

build_mvsockctl()
{
	build "mvsockctl builds" "$SHOW_TOOLS" make -C "$TOP/tools/mvsockctl" O="$SHOW_TOOLS"
}

# Tests without a device: each reason, and each counter that indicates a problem, is explained.
show_texts()
{
	local names

	mapfile -t names < <(show_names)
	new_run "$WORK/show-texts"
	"$SHOW_TOOLS/mvsockctl_test" "${names[@]}" >"$RUN/out/mvsockctl_test.tap" || true
	report_tap mvsockctl_test
}

show_names()
{
	reasons | sed 's/^/rejected_/'
	counters | grep -E '_(resets|waits|requests|misses|invalidations|rings)$'
}

# show_examples: the examples of the manual, without the prompts.
show_examples() { sed -n 's/^    [$#] //p' "$TOP/Documentation/observability.rst"; }

show_uml()
{
	new_run "$WORK/show"
	show_examples >"$RUN/examples"
	install -D -m 644 "$TOP/debian/mvsock.modprobe" "$RUN/package/mvsock.conf"
	set_env JOB show
	set_env TOOLS "$SHOW_TOOLS"
	set_env MODULES "$(modules_for "$(uml_dir debug)" vsockmon vsock_diag "$BUILD/uml-debug/mvsock.ko" | paste -sd' ')"
	set_env OTHER "$(modules_for "$(uml_dir debug)" vhost_vsock | paste -sd' ')"
	set_env PROMTOOL "$(command -v promtool || command -v "$CACHE/promtool/usr/bin/promtool" || true)"
	set_env PROGRAMS "$BUILD/testing/show"
	set_env WORDS "mvsockctl ss tcpdump trace-cmd examples"
	set_env TIMEOUT 400
	set_env CHECKS "leak reload"
	boot_uml debug 600 || true
	report_tap show
	report_tap hosts
	report_kernel leak reload
}

# On one processor: enabling a tracepoint patches running code, and of several emulated
# processors in QEMU, each a thread of its own, one may take the change for a breakpoint.
show_stock()
{
	local root

	new_run "$WORK/show-stock"
	root=$RUN/root
	set_env JOB show
	set_env TOOLS /bin
	set_env PROGRAMS /bin/show
	set_env WORDS "bpftrace trace-cmd"
	set_env OTHER ""
	set_env TIMEOUT 500
	set_env CHECKS reload
	stage_base "$root" "$BUILD/stock/mvsock.ko"
	stage "$root" "$(command -v bpftrace)" "$(command -v trace-cmd)"
	cp "$BUILD/testing/show" "$root/bin/"
	show_examples >"$root/rig/examples"
	pack_host "$root"
	boot_qemu "$(stock_kernel)" 900 "" -accel tcg -smp 1 -cpu "$EMULATED_CPU" || true
	report_tap show
	report_kernel reload
}
