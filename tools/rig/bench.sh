# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2086,SC2153 # lists of words; variables of host.sh
#
# The job "bench" of host.sh: the same loads with one module and the other in turn,
# in the same boot. A line of OUT/bench is "MODULE LOAD[/GUESTS] NUMBER UNIT...".

job_bench()
{
	sleep $BENCH_SETTLE
	round=1
	while [ $round -le $BENCH_ROUNDS ]; do
		bench_loads mvsock && unload "$TESTED.ko" && insert $OTHER &&
			bench_loads vhost_vsock && unload "${OTHER##*/}" &&
			insert "${MODULES##* }" || return
		round=$((round + 1))
	done
}

# bench_loads MODULE: what it is called in the results.
bench_loads()
{
	for word in $BENCH_LOADS; do
		load=${word%/*}
		guests=${word#"$load"}
		guests=${guests#/}
		# What a device weighs is the same in each round.
		[ $round = 1 ] || [ $load != memory ] || continue
		timeout "$TIMEOUT" "$PROGRAMS" --seconds $BENCH_SECONDS --devices $BENCH_DEVICES \
			--guests ${guests:-1} $load >line 2>>"$OUT/errors" || {
			tell "$1 fails at $word"
			echo "$1 $word failed" >>"$OUT/bench"
			continue
		}
		read -r _ figures <line
		echo "$1 $word $figures" >>"$OUT/bench"
		tell "$(busybox printf '%d/%d %-11s %-15s' $round $BENCH_ROUNDS $1 $word) ${figures%% [0-9]* messages *}"
	done
}
