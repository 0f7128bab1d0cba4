# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The kernels in which bench.sh and profile.sh measure. Sourced after boot.sh.

# bench_setup: prepares everything that they need.
bench_setup()
{
	mkdir -p "$BUILD/bench/results"
	lock "$BUILD/bench.lock" "runs a benchmark"
	"$TOP/tools/setup.sh" packages qemu source uml guest headers vsock_test
	use_cache
	quietly "$BUILD/testing.log" make -C "$TOP/tools/testing" O="$BUILD/testing" ||
		die "the ring driver does not build" "see $BUILD/testing.log"
}

# check_loads ENVIRONMENT NAME[/GUESTS]...
check_loads()
{
	local word options=()

	[[ $1 != kvm ]] || options=(--vm 3)
	for word in "${@:2}"; do
		grep -qxF -e "${word%/*}" <("$BUILD/testing/load" "${options[@]}" --list) ||
			die "there is no load '$word'" "see tools/testing/load/load.c"
	done
}

# bench_env ROUNDS SECONDS LOADS
bench_env()
{
	set_env BENCH_ROUNDS "$1"
	set_env BENCH_SECONDS "$2"
	set_env BENCH_LOADS "$3"
	set_env BENCH_DEVICES 1000
	set_env BENCH_SETTLE 20
	set_env TIMEOUT 200
}

# uml_host JOB
uml_host()
{
	local dir

	dir=$(uml_dir plain)
	bench_module "$BUILD/uml-plain" "$dir" ARCH=um
	set_env JOB "$1"
	set_env PROGRAMS "$BUILD/testing/load"
	set_env MODULES "$(modules_for "$dir" "$BUILD/uml-plain/mvsock.ko" | paste -sd' ')"
	set_env OTHER "$(modules_for "$dir" vhost_vsock | paste -sd' ')"
}

# stock_host JOB: makes RUN/stock.cpio: Debian's kernel with both modules.
stock_host()
{
	local root=$RUN/root

	bench_module "$BUILD/stock" "$(headers_dir)"
	stage_base "$root" "$BUILD/stock/mvsock.ko"
	cp "$BUILD/testing/load" "$root/bin/"
	set_env JOB "$1"
	set_env PROGRAMS /bin/load
	stage_other "$root" vhost_vsock
	pack_host "$root"
}

# kvm_host JOB: likewise for guests under KVM.
kvm_host()
{
	bench_module "$BUILD/stock" "$(headers_dir)"
	guest_initrd "" "$BUILD/testing/load"
	set_env JOB "$1"
	set_env BENCH_KVM 1
	set_env PROGRAMS "$BUILD/testing/load"
	stage_other "$RUN/root" vhost_vsock
	kvm_initrd "$BUILD/stock/mvsock.ko" "$BUILD/testing/load"
}

# bench_module FOLDER KDIR [ARGUMENT...]: builds the module.
bench_module()
{
	quietly "$1.log" build_module "$@" || die "the module does not build" "see $1.log"
}

commit()
{
	git -C "$TOP" describe --always --dirty --exclude='*' --abbrev=12 2>/dev/null || echo unknown
}
