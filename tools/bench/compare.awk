# SPDX-License-Identifier: GPL-2.0
#
# Prints two results of bench.sh side by side, in the order of the first one. What
# changed is the ratio: at another time or on another machine, both of its parts do.

function line(load, unit, a, b, ratio_a, ratio_b, change)
{
	printf "%-15s %-22s %12s %12s %8s %8s %8s\n", load, unit, a, b, ratio_a, ratio_b, change
}

FNR == 1 { file++ }
/^# (commit|environment|machine|date):/ { print substr("AB", file, 1) substr($0, 2) }
/^#/ || $1 == "load" { next }
{
	mvsock[file, $1, $2] = $4
	ratio[file, $1, $2] = $5
}
file == 1 { rows[++nrows] = $1 SUBSEP $2 }

END {
	line("load", "unit", "mvsock A", "mvsock B", "ratio A", "ratio B", "change")
	for (i = 1; i <= nrows; i++) {
		a = 1 SUBSEP rows[i]
		b = 2 SUBSEP rows[i]
		if (!(b in ratio))
			continue
		split(rows[i], name, SUBSEP)
		change = ratio[a] * ratio[b] ? sprintf("%+.0f%%", 100 * (ratio[b] / ratio[a] - 1)) : "-"
		line(name[1], name[2], mvsock[a], mvsock[b], ratio[a], ratio[b], change)
	}
}
