# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What machines of other architectures need: compilers and emulators, which are installed; a
# kernel, its headers and busybox, which are kept in the cache. Sourced by setup.sh.

part_machine-arm64() { build_machine arm64; }

# build_machine MACHINE
build_machine()
{
	local packages

	mapfile -t packages < <(machine_packages "$1")
	install_packages "${packages[@]}"
	part_source
	fetch_user "$1"
	build_kernel "$(machine_dir "$1")" "machine-$1" "Linux $VERSION for $1, about 10 minutes" \
		all ARCH="$1" CROSS_COMPILE="$(arch_compiler "$1")" \
		< <(machine_config "$1")
}

# machine_packages MACHINE: those of Debian.
machine_packages()
{
	echo "libc6-dev-$1-cross"
	case $1 in
	arm64) printf '%s\n' gcc-aarch64-linux-gnu qemu-system-arm ;;
	esac
}

# fetch_user MACHINE: what its programs need. The headers of Debian's cross compilers are older
# than the kernel.
fetch_user()
{
	local name=user-$1 part=$LINUX/user-$1.part

	[[ ! -d $LINUX/$name ]] || return 0
	say "Downloading busybox for $1."
	fresh "$name"
	fetch_busybox "$1" "$part/deb" ||
		die "busybox for $1 cannot be downloaded" "check the network, then run again"
	mkdir "$part/tree"
	dpkg-deb --fsys-tarfile "$part"/deb/*.deb | tar -xO --wildcards '*bin/busybox' >"$part/tree/busybox" ||
		die "busybox for $1 cannot be unpacked" "check the free space: df -h $CACHE"
	chmod +x "$part/tree/busybox"
	quietly "$CACHE/log/$name" make -C "$LINUX/source" O="$part/build" ARCH="$1" \
		INSTALL_HDR_PATH="$part/tree" headers_install ||
		die "the kernel's headers for $1 cannot be installed" "remove $LINUX/source and run again"
	mv "$part/tree" "$LINUX/$name"
}

# fetch_busybox ARCHITECTURE FOLDER
fetch_busybox()
{
	# shellcheck disable=SC2034 # set by use_suite, for update_lists and download_into
	local APT LISTS

	use_suite bookworm "$1"
	mkdir -p "$2"
	update_lists && download_into "$2" busybox-static
}
