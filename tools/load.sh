#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# load.sh load|unload: loads mvsock.ko into this machine's own kernel, or unloads it.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

DEVICE=/dev/vhost-vsock
NEEDS=(vsock vmw_vsock_virtio_transport_common vhost_iotlb)

loaded() { [[ -d /sys/module/$1 ]]; }

# users: the processes that have the device open, as "name (process id)".
users()
{
	local fd pid

	for fd in /proc/[0-9]*/fd/*; do
		[[ $(readlink "$fd" 2>/dev/null) == "$DEVICE" ]] || continue
		pid=${fd#/proc/}
		pid=${pid%%/*}
		echo "$(cat "/proc/$pid/comm") ($pid)"
	done | sort -u | paste -sd, | sed 's/,/, /g'
}

load()
{
	local file=$TOP/mvsock.ko for_kernel

	! loaded mvsock || die "mvsock is loaded already" "to load another build: make unload && make load"
	! loaded vhost_vsock || die "vhost_vsock is loaded, and the two modules exclude each other" \
		"stop the guests that use it$(used_by), then run: sudo modprobe -r vhost_vsock"
	[[ -e $file ]] || die "there is no mvsock.ko" "run: make"
	for_kernel=$(modinfo -F vermagic "$file" | cut -d' ' -f1)
	[[ $for_kernel == "$(uname -r)" ]] ||
		die "mvsock.ko was built for Linux $for_kernel, and the running kernel is $(uname -r)" "run: make clean && make"
	modprobe -a "${NEEDS[@]}" || die "the kernel's vsock modules cannot be loaded"
	insmod "$file" || die "the kernel rejects mvsock.ko" "for the reason, run: dmesg | tail"
	say "mvsock is loaded and serves $DEVICE. QEMU gives a guest the device with:"
	say "  -device vhost-vsock-pci,guest-cid=3"
	say "It stays loaded until the next boot. Meanwhile modprobe vhost_vsock, which Kata and LXD"
	say "run, fails; with the package mvsock-dkms that command loads mvsock."
}

used_by()
{
	local users

	users=$(users)
	[[ -z $users ]] || echo ": $users"
}

unload()
{
	loaded mvsock || die "mvsock is not loaded"
	rmmod mvsock 2>/dev/null || die "mvsock is in use$(used_by)" \
		"stop these guests and close their sockets, then run: sudo make unload"
	say "mvsock is unloaded."
}

case ${1:-} in
load | unload)
	((EUID == 0)) || die "this needs root" "run: sudo make $1"
	"$1"
	;;
*)
	warn "usage: tools/load.sh load|unload"
	exit 2
	;;
esac
