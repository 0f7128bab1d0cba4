#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# profile.sh LOAD[/GUESTS] [icount|kvm]: the instructions of a load, with vhost_vsock
# and with mvsock, by thread and by function, as counted by QEMU.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=tools/boot.sh
. "$TOP/tools/boot.sh"
# shellcheck source=tools/bench/lib.sh
. "$TOP/tools/bench/lib.sh"

DIR=$BUILD/bench

main()
{
	local load=${1:-} env=${2:-icount}

	[[ $load && $env =~ ^(icount|kvm)$ && $# -le 2 ]] ||
		die "a load is needed, and icount or kvm" "make bench-profile LOAD=h2g-64 ENV=kvm"
	bench_setup
	check_loads "$env" "$load"
	gcc -O2 -shared -fPIC -o "$DIR/plugin.so" "$TOP/tools/bench/plugin.c"
	[[ -s $DIR/symbols-$ABI ]] || read_symbols
	say "# $load: a boot with both modules"
	new_run "$DIR/profile"
	set_env BENCH_PROFILE 1
	"prepare_$env" "$load"
	"count_$env" -plugin "$DIR/plugin.so,$(plugin_options)" || {
		explain_boot >&2
		die "the load did not finish"
	}
	say "# $load at $(commit), Linux $VERSION, instructions for each message"
	python3 "$TOP/tools/bench/profile.py" "$RUN" "$DIR/symbols-$ABI" "$BUILD/testing/load"
}

prepare_icount()
{
	bench_env 1 0.2 "$1"
	stock_host bench
}

prepare_kvm()
{
	bench_env 1 1 "$1"
	kvm_host bench
}

count_icount() { boot_counting 600 "$@"; }

# Time passes as on this machine, which should have nothing else to do. The guest's kernel is at
# random addresses, so that it is not taken for the host's, but some of its modules may be.
count_kvm()
{
	boot_qemu "$(stock_kernel)" 1200 nokaslr -m 3G -smp 1 \
		-accel tcg,thread=single -cpu "$FAIR_CPU,cx16=off" "$@"
}

# read_symbols: the addresses of this kernel without randomisation; its
# System.map is not in the image.
read_symbols()
{
	say "# a boot for the kernel's symbols"
	new_run "$DIR/symbols"
	stock_host symbols
	boot_counting 600 || {
		explain_boot >&2
		die "the kernel's symbols cannot be read"
	}
	cp "$RUN/out/symbols" "$DIR/symbols-$ABI"
}

plugin_options()
{
	echo "out=$RUN/counts,switch=$(address __switch_to_asm),mark=$(address __x64_sys_sethostname)"
}

address() { awk -v symbol="$1" '$3 == symbol { print $1 }' "$DIR/symbols-$ABI"; }

main "$@"
