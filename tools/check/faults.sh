# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Fault injection: allocations and mappings fail one after another. Sourced by check.sh.

group_faults()
{
	build_debug && build_ring || return 0
	new_run "$WORK/faults"
	set_env JOB device
	set_env MODULES "$(modules_for "$(uml_dir debug)" "$BUILD/uml-debug/mvsock.ko" | paste -sd' ')"
	set_env PROGRAMS "$BUILD/testing/faults"
	set_env TIMEOUT 1500
	set_env CHECKS "leak reload"
	# The kernel logs the stack of each fault: not on the console, with loglevel=4.
	boot_uml debug 1800 log_buf_len=16M loglevel=4 || true
	report_tap faults
	[[ ! -e $RUN/out/dmesg ]] || take_out_faults
	report_kernel leak reload
}

# take_out_faults: moves them from the kernel log to RUN/out/faults, and prints their number.
take_out_faults()
{
	mv "$RUN/out/dmesg" "$RUN/out/dmesg.all"
	: >"$RUN/out/faults"
	awk -v faults="$RUN/out/faults" '
	/FAULT_INJECTION: forcing a failure/ { inside = 1 }
	inside && !/^(FAULT_INJECTION|name |CPU: |Tainted: |Stack:|Call Trace:| )/ { inside = 0 }
	inside { print >faults; next }
	{ print }' "$RUN/out/dmesg.all" >"$RUN/out/dmesg"
	fault_sites "$RUN/out/faults" >"$RUN/out/sites"
	say "  $(awk '/^# [0-9]+ faults$/ { n += $2 } END { print n + 0 }' "$RUN/out/faults.tap") faults;" \
		"$(grep -c '+' "$RUN/out/sites") places in the module: $RUN/out/sites"
}

# fault_sites FILE: "KIND PLACE" of each, once: the innermost function of the module on the
# stack that is not a wrapper of allocations or mappings; else "outside". Entries with offset 0
# are not return addresses. Allocations with __GFP_NOWARN are not in the log.
fault_sites()
{
	awk '
	function done() { if (kind != "") print kind, place }
	/^FAULT_INJECTION/ { done(); kind = ""; place = "outside" }
	/^name / { kind = $2; sub(/,/, "", kind) }
	/\+0x0\// { next }
	/ (__kmalloc[a-z_]*|kmem_cache_alloc[a-z_]*|get_free_pages_noprof|get_zeroed_page_noprof)\+/ ||
	/ (mvs_fault_map|mem_get_page(_now)?|mvs_mem_get_window|mem_fault_window(_now)?|mem_fill(_mm)?(_now)?|mvs_mem_fault_in)\+/ { place = "outside"; next }
	place == "outside" && /\[mvsock\]$/ { place = $(NF - 1) }
	END { done() }' "$1" | sort -u
}
