#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh [--upstream]: shows mvsock at work: user-mode Linux is the host, a QEMU
# in it has a stock Debian guest. With --upstream, the kernel's own vhost_vsock
# takes mvsock's place.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tools/boot.sh
. "$TOP/tools/boot.sh"

DIR=$BUILD/uml

failed()
{
	say "demo: FAILED: $1"
	exit 1
}

build()
{
	say "Building mvsock.ko for it."
	quietly "$DIR.log" build_module "$DIR" "$(uml_dir plain)" ARCH=um ||
		failed "mvsock.ko does not build; see $DIR.log"
	MODULE=$DIR/mvsock.ko
}

main()
{
	MODULE=vhost_vsock
	mkdir -p "$BUILD"
	lock "$BUILD/demo.lock" "runs make demo"
	say "Preparing: packages, a user-mode Linux for the host, Debian's kernel for the guest."
	"$TOP/tools/setup.sh" packages source uml guest vsock_test ||
		failed "something is missing; see above"
	use_cache
	[[ ${1:-} == --upstream ]] || build
	say "Booting the host."
	new_run "$BUILD/demo"
	guest_initrd
	set_env JOB demo
	set_env MODULES "$(modules_for "$(uml_dir plain)" "$MODULE" | paste -sd' ')"
	set_env GUEST_KERNEL "$(guest_kernel)"
	set_env GUEST_INITRD "$RUN/guest.cpio"
	set_env TIMEOUT 60
	verdict
}

verdict()
{
	if boot_uml plain 300; then
		say "demo: OK: messages and files go both ways, and the checksums match"
	else
		explain_boot
		failed "see above"
	fi
}

main "$@"
