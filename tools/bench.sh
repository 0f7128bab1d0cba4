#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [--loads "NAME..."] [ENVIRONMENT...]: measures vhost_vsock and mvsock under
# the same loads, in turn and in one boot of each environment; prints a table, and
# saves it.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tools/boot.sh
. "$TOP/tools/boot.sh"
# shellcheck source=tools/bench/lib.sh
. "$TOP/tools/bench/lib.sh"

# Loads that are also run with many guests at once.
MANY=(g2h-64 g2h-65536 h2g-64 h2g-65536 rtt-64)
LOADS=

usage()
{
	cat <<-END
	usage: tools/bench.sh [--loads "NAME..."] [ENVIRONMENT...]
	  icount  Debian's kernel in QEMU, where an instruction takes a nanosecond
	  smp     the same kernel on two emulated processors
	  uml     user-mode Linux
	  kvm     stock guests under KVM, in a host on two processors
	A load's NAME is one of tools/testing/load's, or NAME/GUESTS.
	END
}

# --- environments -------------------------------------------------------------

# bench_env: rounds with both modules, and seconds for each load. Where instructions
# are counted, a second is a billion of them.
bench_icount()
{
	bench_env 2 0.2 "${LOADS:-$(all_loads)}" && stock_host bench && boot_counting 3000
}

# The real machine's scheduler wakes an emulated processor that sleeps. That takes
# hundreds of microseconds, and would dominate the results.
bench_smp()
{
	bench_env 7 0.3 "${LOADS:-$(all_loads)}" && stock_host bench &&
		boot_smp "$(stock_kernel)" 3000 idle=poll "$FAIR_CPU"
}

bench_uml()
{
	bench_env 7 0.2 "${LOADS:-$(all_loads)}" && uml_host bench && boot_uml plain 3000
}

bench_kvm()
{
	set_env BENCH_ACCEL "$(machine_accel)"
	bench_env 5 0.5 "${LOADS:-$(kvm_loads)}" && kvm_host bench &&
		boot_kvm 3000 idle=poll "$FAIR_CPU,cx16=off"
}

# --- main ---------------------------------------------------------------------

all_loads() { "$BUILD/testing/load" --list | with_many 8 64; }

# kvm_loads: a selection, to limit the time.
kvm_loads()
{
	"$BUILD/testing/load" --vm 3 --list | grep -vE -e '-1024$|^seq.*-65536$' | with_many 4
}

# with_many GUESTS...: the loads on standard input, and those of MANY with each of these numbers
# of guests as well.
with_many()
{
	local load

	while read -r load; do
		echo "$load"
		[[ " ${MANY[*]} " != *" $load "* ]] || printf "$load/%s\n" "$@"
	done | paste -sd' '
}

# bench ENVIRONMENT
bench()
{
	local start=$SECONDS result status=0

	say "# $1: $(usage | sed -n "s/^ *$1  *//p")"
	[[ $1 != kvm ]] || choose_accel
	new_run "$BUILD/bench/$1"
	"bench_$1" || status=$?
	((status == 0)) || explain_boot >&2
	! grep -q ' failed$' "$RUN/out/bench" || status=1
	result=$BUILD/bench/results/$(commit)-$1.txt
	{
		bench_header "$1"
		awk -f "$TOP/tools/bench/table.awk" "$RUN/out/bench"
	} >"$result"
	cat "$result"
	say "# $1: $((SECONDS - start)) s; saved in $result"
	return "$status"
}

# bench_header ENVIRONMENT
bench_header()
{
	echo "# commit: $(commit)"
	echo "# environment: $1, $(usage | sed -n "s/^ *$1  *//p")"
	echo "# kernel: $VERSION, ${ABI}"
	echo "# machine: $(nproc) of $(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)"
	echo "# date: $(date -u +%Y-%m-%d)"
	sed -n "s/^BENCH_\(ACCEL\|ROUNDS\|SECONDS\|DEVICES\)='\(.*\)'/# \L\1: \2/p" "$RUN/env"
}

main()
{
	local env status=0 envs=()

	while (($#)); do
		case $1 in
		--loads) LOADS=${2:-}; shift ;;
		icount | smp | uml | kvm) envs+=("$1") ;;
		*) usage >&2; exit 2 ;;
		esac
		shift
	done
	((${#envs[@]})) || envs=(icount smp uml kvm)
	bench_setup
	for env in "${envs[@]}"; do
		# shellcheck disable=SC2086 # words
		check_loads "$env" $LOADS
	done
	for env in "${envs[@]}"; do
		bench "$env" || status=1
	done
	return "$status"
}

main "$@"
