# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Whether the tables of make bench say what was measured. Sourced by check.sh.

check_tables()
{
	local dir=$WORK/tables

	mkdir -p "$dir"
	cat >"$dir/old" <<-END
	mvsock rtt-64 200 round-trips/s 5 p50-us 10 messages 20 signals 1 guests
	mvsock g2h-64/8 failed
	vhost_vsock rtt-64 100 round-trips/s 10 p50-us 10 messages 80 signals 1 guests
	vhost_vsock g2h-64/8 7 messages/s 10 messages 20 signals 8 guests
	mvsock rtt-64 300 round-trips/s 5 p50-us 10 messages 20 signals 1 guests
	vhost_vsock rtt-64 100 round-trips/s 10 p50-us 10 messages 80 signals 1 guests
	END
	sed 's/^mvsock rtt-64 [23]00/mvsock rtt-64 500/' "$dir/old" >"$dir/new"
	verdict "a table has medians, ratios, and what failed" "$(diff <(bench_table "$dir/old") - <<-END
	load unit vhost_vsock mvsock ratio spread
	rtt-64 round-trips/s 100 250 2.50 40.0%
	rtt-64 p50-us 10.00 5.00 2.00 0.0%
	g2h-64/8 messages/s 7.00 - - -
	rtt-64 signals/message 8.00 2.00 4.00 0.0%
	END
	)"
	verdict "two tables are compared" "$(diff <(
		"$TOP/tools/bench-compare.sh" <(bench_table "$dir/old") <(bench_table "$dir/new") | tr -s ' '
	) - <<-END
	load unit mvsock A mvsock B ratio A ratio B change
	rtt-64 round-trips/s 250 500 2.50 5.00 +100%
	rtt-64 p50-us 5.00 5.00 2.00 2.00 +0%
	g2h-64/8 messages/s - - - - -
	rtt-64 signals/message 2.00 2.00 4.00 4.00 +0%
	END
	)"
}

bench_table() { awk -f "$TOP/tools/bench-table.awk" "$1" | tr -s ' '; }
