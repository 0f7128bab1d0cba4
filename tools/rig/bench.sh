# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2086,SC2153,SC2154 # lists of words; variables of host.sh
#
# The job "bench" of host.sh: the same loads with one module and the other in turn,
# in the same boot. A line of OUT/bench is "MODULE LOAD[/GUESTS] NUMBER UNIT...".

job_bench()
{
	sleep $BENCH_SETTLE
	round=1
	while [ $round -le $BENCH_ROUNDS ]; do
		bench_module mvsock && unload "$TESTED.ko" && insert $OTHER &&
			bench_module vhost_vsock && unload "${OTHER##*/}" &&
			insert "${MODULES##* }" || return
		round=$((round + 1))
	done
}

# bench_module NAME
bench_module()
{
	for word in $BENCH_LOADS; do
		# What a device weighs is the same in each round.
		[ $round = 1 ] || [ $word != memory ] || continue
		if bench_load $word; then
			read -r _ figures <line
		else
			figures=failed
		fi
		echo "$1 $word $figures" >>"$OUT/bench"
		tell "$(printf '%d/%d %-11s %-15s' $round $BENCH_ROUNDS $1 $word) ${figures%% [0-9]* messages *}"
	done
	! [ "$BENCH_PROFILE" ] || symbols | grep '\[' >"$OUT/symbols-$1"
}

# bench_load LOAD[/GUESTS]: its line goes to the file line. Many guests need longer
# until each had its turn.
bench_load()
{
	guests=${1#"${1%/*}"}
	guests=${guests#/}
	guests=${guests:-1}
	seconds=$(busybox awk "BEGIN { print $BENCH_SECONDS * (1 + int($guests / 8) / 4) }")
	bench_mark
	timeout "$TIMEOUT" "$PROGRAMS" --seconds $seconds --devices $BENCH_DEVICES \
		--guests $guests "${1%/*}" >line 2>>"$OUT/errors"
	result=$?
	bench_mark
	return $result
}

# tools/bench-plugin.c counts between one call of sethostname() and the next.
bench_mark() { ! [ "$BENCH_PROFILE" ] || busybox hostname mark; }

symbols() { grep -i ' [tw] ' /proc/kallsyms; }

job_symbols() { symbols | grep -v '\[' >"$OUT/symbols"; }
