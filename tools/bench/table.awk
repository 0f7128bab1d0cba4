# SPDX-License-Identifier: GPL-2.0
#
# Makes a table of what tools/rig/bench.sh measured: medians of all rounds; how many
# times better mvsock is than vhost_vsock; and how far apart the rounds of either are.

# add UNIT VALUE: to the values of this line's module and load, a string of numbers.
function add(unit, value)
{
	if (!(($2, unit) in seen)) {
		seen[$2, unit] = 1
		rows[++nrows] = $2 SUBSEP unit
	}
	values[$1, $2, unit] = values[$1, $2, unit] " " value
}

# sort TEXT V: its numbers, in order, to V. How many they are.
function sort(text, v,    n, i, j, x)
{
	n = split(text, v, " ")
	for (i = 2; i <= n; i++) {
		x = v[i]
		for (j = i - 1; j > 0 && v[j] + 0 > x + 0; j--)
			v[j + 1] = v[j]
		v[j + 1] = x
	}
	return n
}

function median(text,    v, n)
{
	n = sort(text, v)
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

# From the least to the most, in percent.
function range(text,    v, n)
{
	n = sort(text, v)
	return v[n] > v[1] ? 100 * (v[n] - v[1]) / median(text) : 0
}

function spread(a, b)
{
	if (split(a, _, " ") < 2)
		return "-"
	a = range(a)
	b = range(b)
	return sprintf("%.1f%%", a > b ? a : b)
}

# More a second is better, and less of anything else.
function ratio(unit, v, m)
{
	if (v * m == 0)
		return "-"
	return sprintf("%.2f", unit ~ /\/s$/ ? m / v : v / m)
}

function figure(x)
{
	return sprintf(x < 1 ? "%.3f" : x < 100 ? "%.2f" : "%.0f", x)
}

function line(load, unit, v, m, times, apart)
{
	printf "%-15s %-22s %12s %12s %7s %7s\n", load, unit, v, m, times, apart
}

# A load that failed with one module has no ratio.
function row(load, unit,    v, m)
{
	v = values["vhost_vsock", load, unit]
	m = values["mvsock", load, unit]
	if (v != "" && m != "")
		line(load, unit, figure(median(v)), figure(median(m)),
		     ratio(unit, median(v), median(m)), spread(v, m))
	else
		line(load, unit, v == "" ? "-" : figure(median(v)),
		     m == "" ? "-" : figure(median(m)), "-", "-")
}

function is_cost(unit)
{
	return unit ~ /^(guest-packets|host-packets|signals|kicks)$/ && $2 !~ /\// ||
	       unit ~ /^(exits|interrupts|switches)$/
}

$3 != "failed" {
	messages = 0
	for (i = 3; i < NF; i += 2) {
		unit = $(i + 1)
		if (unit == "messages")
			messages = $i
		else if (unit ~ /(\/s|-us|-bytes)$/)
			add(unit, $i)
		else if (is_cost(unit))
			add(unit "/message", $i / messages)
	}
}

END {
	line("load", "unit", "vhost_vsock", "mvsock", "ratio", "spread")
	for (costs = 0; costs < 2; costs++)
		for (i = 1; i <= nrows; i++) {
			split(rows[i], name, SUBSEP)
			if ((name[2] ~ /\/message$/) == costs)
				row(name[1], name[2])
		}
}
