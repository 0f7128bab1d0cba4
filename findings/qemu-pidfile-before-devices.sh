#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# QEMU's pidfile does not say that the virtual machine is there.
#
# Version:   QEMU 7.2.22 (Debian's qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3), strace 6.1
# Option:    -pidfile FILE
#
# One would expect the file to appear when start-up is over, as that of a daemon does. QEMU writes
# it before it creates the devices, and removes it again if one of them fails. A script that
# starts a second guest with a CID that is taken and waits for the file, as the kernel's
# tools/testing/selftests/vsock/vmtest.sh does, may find it there, with the number of a process
# that is about to end: the test ns_global_same_cid_fails then says that both guests run.
#
# Seen, with a vhost-vsock device that can't be had: the file is opened first, the device fails, and
# the file is removed.
#
#	openat(AT_FDCWD, "pid", O_WRONLY|O_CREAT|O_CLOEXEC, 0600)
#	write(2, "vhost_set_owner failed: Inappropriate ioctl for device", 54)
#	unlink("pid")
#
# A monitor (-monitor, -qmp) answers only when all devices are there. It needs the network, apt-get,
# 600 MB in the temporary folder, and about two minutes.
set -euo pipefail

PACKAGES=(qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 strace=6.1-0.1)
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

# get PACKAGE=VERSION...: these and what they depend on, unpacked in $DIR/root.
get()
{
	local apt=$DIR/apt deb options

	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$DIR/root"
	: >"$apt/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main" \
		>"$apt/sources.list"
	options=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=-
		-o "Dir::State::Lists=$apt/lists" -o "Dir::State::Status=$apt/status"
		-o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1)
	apt-get "${options[@]}" update
	apt-get "${options[@]}" install --download-only --no-install-recommends -y "$@"
	for deb in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$deb" "$DIR/root"; done
}

get "${PACKAGES[@]}"
cd "$DIR"
# With their own libraries, whatever the machine has.
lib=root/usr/lib/x86_64-linux-gnu
start=(root/lib64/ld-linux-x86-64.so.2 --library-path "root/lib/x86_64-linux-gnu:$lib:$lib/pulseaudio")
export QEMU_MODULE_DIR=$DIR/$lib/qemu
status=0
"${start[@]}" root/usr/bin/strace -s 200 -f -o trace -e trace=openat,unlink,write \
	"${start[@]}" root/usr/bin/qemu-system-x86_64 -L root/usr/share/seabios \
	-M q35 -nodefaults -display none -pidfile pid \
	-device vhost-vsock-pci,guest-cid=3,romfile=,vhostfd=7 7<>/dev/null 2>errors || status=$?
grep -oE '(openat|unlink)\([^)]*\bpid".*|write\(2, .*ioctl.*' trace | sed "s,$DIR/,," | tee seen
((status == 1)) || { echo "QEMU's status is $status, not 1"; exit 1; }
grep -q 'Inappropriate ioctl' errors || { cat errors; exit 1; }
mapfile -t lines < <(grep -oE '^(openat|write|unlink)' seen)
[[ ${lines[*]} == "openat write unlink" ]] || { echo "the order is another one"; exit 1; }
echo "as described"
