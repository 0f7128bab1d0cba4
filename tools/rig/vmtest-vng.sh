#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2086 # lists of words
#
# vmtest-vng.sh --version | --run ... [--dry-run]: virtme-ng's command, as far as vmtest.sh of
# the kernel uses it, with the guest of the rig.

# shellcheck source=/dev/null
. /rig/env
for argument in "$@"; do
	case $argument in
	--version) echo "virtme-ng 1.41"; exit ;;
	--dry-run) exit ;;
	--qemu-opts=*) options=${argument#*=} ;;
	esac
done
# What stands for sshd in the guest listens on port 7000.
options=$(echo "$options" | sed 's/-:22 /-:7000 /')
# QEMU writes the file before its devices are there, and removes it if one fails: vmtest.sh, which
# looks for it once a second, may see it meanwhile. It gets the file when QEMU's monitor answers.
pidfile=$(echo "$options" | sed -n 's/.*--pidfile \([^ ]*\).*/\1/p')
options=$(echo "$options" | sed 's/--pidfile [^ ]*//')
monitor=/dev/shm/vng.$$
is_up() { echo "info status" | socat -t 5 - "UNIX-CONNECT:$monitor" 2>/dev/null | grep -q "VM status"; }
qemu-system-x86_64 -M q35 -accel $GUEST_ACCEL -m 256 -nodefaults -no-reboot \
	-display none -serial "file:$OUT/guest.$$.log" -global virtio-net-pci.romfile= \
	-kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" \
	-append "console=ttyS0 quiet panic=-1 KIND=guest RIG=/rig rdinit=/rig/init" \
	-monitor "unix:$monitor,server=on,wait=off" $options &
until is_up || ! kill -0 $! 2>/dev/null; do sleep 0.2; done
! kill -0 $! 2>/dev/null || echo $! >"$pidfile"
wait $!
