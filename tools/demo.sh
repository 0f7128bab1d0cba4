#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh [--upstream]: demonstrates mvsock: Debian's kernel in QEMU is the host, which has
# a stock Debian guest under KVM. With --upstream, the kernel's own vhost_vsock is used
# instead of mvsock.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tools/boot.sh
. "$TOP/tools/boot.sh"

DIR=$BUILD/stock

failed()
{
	say "demo: FAILED: $1"
	exit 1
}

build()
{
	say "Building mvsock.ko for it."
	quietly "$DIR.log" build_module "$DIR" "$(headers_dir)" ||
		failed "mvsock.ko does not build; see $DIR.log"
	MODULE=$DIR/mvsock.ko
}

main()
{
	MODULE=vhost_vsock
	mkdir -p "$BUILD"
	lock "$BUILD/demo.lock" "runs make demo"
	say "Preparing: packages, Debian's kernel and its headers."
	"$TOP/tools/setup.sh" packages qemu guest headers || failed "something is missing; see above"
	use_cache
	choose_accel
	[[ ${1:-} == --upstream ]] || build
	say "Booting the host."
	new_run "$BUILD/demo"
	guest_initrd ""
	set_env JOB demo
	set_env TIMEOUT 60
	kvm_initrd "$MODULE"
	verdict
}

verdict()
{
	if boot_kvm 300; then
		say "demo: OK: messages and files arrive in both directions, and the checksums match"
	else
		explain_boot
		failed "see above"
	fi
}

main "$@"
