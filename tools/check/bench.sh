# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks that the tables of make bench show the measured values, and that its loads run with
# guests under KVM. Sourced by check.sh.

# Each kind of load, and one load with two guests.
KVM_LOADS=(g2h-64 h2g-4096 seq-g2h-64 seq-h2g-64 rtt-64 rtt-64-flood connect-g2h connect-h2g rtt-64/2)

# load_kvm: with both modules, as in make bench.
load_kvm()
{
	local module load

	build_stock || return 0
	new_run "$WORK/load-kvm"
	bench_env 1 0.1 "${KVM_LOADS[*]}"
	set_env BENCH_SETTLE 0
	set_env CHECKS reload
	kvm_host bench
	boot_kvm 900 || true
	for module in mvsock vhost_vsock; do
		for load in "${KVM_LOADS[@]}"; do
			verdict "$load, guests under KVM, $module" "$(kvm_failure "$module $load")"
		done
	done
	report_kernel reload
}

# kvm_failure "MODULE LOAD": prints nothing if it ran and its counts are not zero.
kvm_failure()
{
	grep -qsE "^$1 .* [1-9][0-9]* exits [1-9][0-9]* interrupts [1-9][0-9]* switches " "$RUN/out/bench" ||
		{ grep -s "^$1 " "$RUN/out/bench"; tail -n 3 "$RUN/out/errors" 2>&1; }
}

check_tables()
{
	local dir=$WORK/tables

	mkdir -p "$dir"
	cat >"$dir/old" <<-END
	mvsock rtt-64 200 round-trips/s 5 p50-us 10 messages 20 signals 1 guests
	mvsock g2h-64/8 failed
	vhost_vsock rtt-64 100 round-trips/s 10 p50-us 10 messages 80 signals 1 guests
	vhost_vsock g2h-64/8 7 messages/s 10 messages 20 signals 8 guests
	mvsock rtt-64/4 100 round-trips/s 10 messages 30 exits 20 interrupts 5 switches 4 guests
	vhost_vsock rtt-64/4 100 round-trips/s 10 messages 60 exits 20 interrupts 5 switches 4 guests
	mvsock rtt-64 300 round-trips/s 5 p50-us 10 messages 20 signals 1 guests
	vhost_vsock rtt-64 100 round-trips/s 10 p50-us 10 messages 80 signals 1 guests
	END
	sed 's/^mvsock rtt-64 [23]00/mvsock rtt-64 500/' "$dir/old" >"$dir/new"
	verdict "a table has medians, ratios, and what failed" "$(diff <(bench_table "$dir/old") - <<-END
	load unit vhost_vsock mvsock ratio spread
	rtt-64 round-trips/s 100 250 2.50 40.0%
	rtt-64 p50-us 10.00 5.00 2.00 0.0%
	g2h-64/8 messages/s 7.00 - - -
	rtt-64/4 round-trips/s 100 100 1.00 -
	rtt-64 signals/message 8.00 2.00 4.00 0.0%
	rtt-64/4 exits/message 6.00 3.00 2.00 -
	rtt-64/4 interrupts/message 2.00 2.00 1.00 -
	rtt-64/4 switches/message 0.500 0.500 1.00 -
	END
	)"
	verdict "two tables are compared" "$(diff <(
		"$TOP/tools/bench/compare.sh" <(bench_table "$dir/old") <(bench_table "$dir/new") | tr -s ' '
	) - <<-END
	load unit mvsock A mvsock B ratio A ratio B change
	rtt-64 round-trips/s 250 500 2.50 5.00 +100%
	rtt-64 p50-us 5.00 5.00 2.00 2.00 +0%
	g2h-64/8 messages/s - - - - -
	rtt-64/4 round-trips/s 100 100 1.00 1.00 +0%
	rtt-64 signals/message 2.00 2.00 4.00 4.00 +0%
	rtt-64/4 exits/message 3.00 3.00 2.00 2.00 +0%
	rtt-64/4 interrupts/message 2.00 2.00 1.00 1.00 +0%
	rtt-64/4 switches/message 0.500 0.500 1.00 1.00 +0%
	END
	)"
}

bench_table() { awk -f "$TOP/tools/bench/table.awk" "$1" | tr -s ' '; }
