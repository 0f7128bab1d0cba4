# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2086,SC2153,SC2154 # lists of words; variables of host.sh
#
# The job "bench" of host.sh: the same loads with one module and the other in turn,
# in the same boot. A line of OUT/bench is "MODULE LOAD[/GUESTS] NUMBER UNIT...".

job_bench()
{
	BOOTS=0
	bench_guests_stop
	sleep $BENCH_SETTLE
	round=1
	while [ $round -le $BENCH_ROUNDS ]; do
		bench_module mvsock && unload "$TESTED.ko" && insert $OTHER &&
			bench_module vhost_vsock && unload "${OTHER##*/}" &&
			insert "${MODULES##* }" || return
		round=$((round + 1))
	done
}

# bench_module NAME: each module has guests of its own; it is removed after their QEMUs ended.
bench_module()
{
	for word in $BENCH_LOADS; do
		# The memory of a device is the same in each round.
		[ $round = 1 ] || [ $word != memory ] || continue
		if bench_load $word; then
			read -r _ figures <line
		else
			figures=failed
			tell "$(tail -n 1 "$OUT/errors")"
			bench_guests_lost
		fi
		echo "$1 $word $figures" >>"$OUT/bench"
		tell "$(printf '%d/%d %-11s %-15s' $round $BENCH_ROUNDS $1 $word) ${figures%% [0-9]* messages *}"
	done
	! [ "$BENCH_PROFILE" ] || symbols | grep '\[' >"$OUT/symbols-$1"
	bench_guests_stop
}

# bench_guests N: starts guests until N run, from CID 3 on, with the other end of the load,
# whose errors are on their console.
bench_guests()
{
	while [ $RUNNING -lt $1 ]; do
		CID=$((3 + RUNNING))
		CONTROL=$((7000 + 10 * RUNNING))
		guest_start || return
		BOOTS=$((BOOTS + 1))
		mv "$OUT/guest.log" "$OUT/guest-$BOOTS.log" # QEMU continues to write to it
		QEMUS="$QEMUS $QEMU"
		RUNNING=$((RUNNING + 1))
		guest_do "load --serve </dev/null >/dev/console 2>&1" || return
	done
}

# bench_guests_lost: reports those that are gone, with their last message. The next load gets
# new guests.
bench_guests_lost()
{
	boot=$((BOOTS - RUNNING))
	for QEMU in $QEMUS; do
		boot=$((boot + 1))
		! guest_is_gone || tell "gone: $boot: $(tail -n 1 "$OUT/guest-$boot.log")"
	done
	bench_guests_stop
}

bench_guests_stop()
{
	for QEMU in $QEMUS; do
		guest_stop
	done
	QEMUS=
	RUNNING=0
}

# bench_load LOAD[/GUESTS]: writes its result to the file line. Many guests run longer, so
# that each gets CPU time.
bench_load()
{
	guests=${1#"${1%/*}"}
	guests=${guests#/}
	guests=${guests:-1}
	! [ "$BENCH_KVM" ] || bench_guests $guests >>"$OUT/errors" || return
	seconds=$(busybox awk "BEGIN { print $BENCH_SECONDS * (1 + int($guests / 8) / 4) }")
	bench_mark
	timeout "$TIMEOUT" "$PROGRAMS" --seconds $seconds --devices $BENCH_DEVICES ${BENCH_KVM:+--vm 3} \
		--guests $guests "${1%/*}" >line 2>>"$OUT/errors"
	result=$?
	bench_mark
	return $result
}

# tools/bench/plugin.c counts between one call of sethostname() and the next.
bench_mark() { ! [ "$BENCH_PROFILE" ] || busybox hostname mark; }

symbols() { grep -i ' [tw] ' /proc/kallsyms; }

job_symbols() { symbols | grep -v '\[' >"$OUT/symbols"; }
