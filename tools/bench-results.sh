# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Tables of bench.sh. Sourced.

# bench_table FILE: a table of what rig/bench.sh measured: medians of all rounds, and
# how many times better mvsock is than vhost_vsock: more a second, or less of anything
# else.
bench_table()
{
	awk '
	function median(list,  n, v, i, j, x) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++) {
			x = v[i] + 0
			for (j = i - 1; j > 0 && v[j] + 0 > x; j--)
				v[j + 1] = v[j]
			v[j + 1] = x
		}
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	function add(module, load, unit, value) {
		if (!((load, unit) in seen)) {
			seen[load, unit] = 1
			key[++nkeys] = load SUBSEP unit
		}
		value_of[module, load, unit] = value_of[module, load, unit] " " value
	}
	function row(load, unit,  v, m, ratio) {
		v = value_of["vhost_vsock", load, unit]
		m = value_of["mvsock", load, unit]
		v = v == "" ? "-" : median(v)
		m = m == "" ? "-" : median(m)
		ratio = "-"
		if (v != "-" && m != "-" && v * m > 0)
			ratio = sprintf("%.2f", unit ~ /\/s$/ ? m / v : v / m)
		printf "%-15s %-26s %12s %12s %7s\n", load, unit, figure(v), figure(m), ratio
	}
	function figure(x) {
		return x == "-" ? x : sprintf(x < 100 ? "%.2f" : "%.0f", x)
	}
	$3 == "failed" { add($1, $2, "failed", 1); next }
	{
		messages = 0
		for (i = 3; i < NF; i += 2) {
			unit = $(i + 1)
			if (unit == "messages")
				messages = $i
			else if (unit ~ /\/s$|-us$|-bytes$/)
				add($1, $2, unit, $i)
			else if (messages && $2 !~ /\// && unit ~ /packets$|signals|kicks/)
				add($1, $2, unit "/message", $i / messages)
		}
	}
	END {
		printf "%-15s %-26s %12s %12s %7s\n", "load", "unit", "vhost_vsock", "mvsock", "ratio"
		for (i = 1; i <= nkeys; i++) {
			split(key[i], k, SUBSEP)
			if (k[2] !~ /\/message$/)
				row(k[1], k[2])
		}
		for (i = 1; i <= nkeys; i++) {
			split(key[i], k, SUBSEP)
			if (k[2] ~ /\/message$/)
				row(k[1], k[2])
		}
	}' "$1"
}
