#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# setup.sh PART...: prepares what `make demo` and `make check` need, if it is
# missing. Packages are installed; everything else is kept in the cache
# (see tools/lib.sh), outside of the system.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tools/suite.sh
. "$TOP/tools/suite.sh"
# shellcheck source=tools/debian.sh
. "$TOP/tools/debian.sh"
# shellcheck source=tools/machine.sh
. "$TOP/tools/machine.sh"

SOURCE_PACKAGE=linux-source-$KERNEL
IMAGE_PATTERN='-cloud-amd64$'

usage()
{
	cat <<-END
	usage: tools/setup.sh PART...
	  packages    the Debian packages in tools/packages (apt-get install)
	  qemu        a QEMU that runs kernels on two emulated processors
	  gnuplot     gnuplot, for make bench-plot
	  model       spin, for the group model of make check
	  docs        Sphinx and man-db, for make docs
	  show        the tools that the group show of make check uses
	  deb         the tools for make deb
	  debian      the root of a Debian machine, to test packages in (as root)
	  source      the kernel's source, unpacked in the cache
	  uml         user-mode Linux without debugging, for make check and make bench
	  uml-debug   user-mode Linux with KASAN, lockdep, kmemleak: make check
	  uml-smp     user-mode Linux with several processors, with KERNEL=7.3
	  arch        configured kernels of other machines, to build the module against
	  x86-kcsan   Linux for two processors in QEMU, with KCSAN: make check-race
	  x86-kasan   the same with KASAN, lockdep, kmemleak
	  machine-arm64  Linux for QEMU's arm64 machine, with compiler and busybox: make check-arch
	  guest       Debian's cloud kernel, for guests and as the stock host
	  vmlinux     the same, unpacked, for guests in user-mode Linux
	  headers     its headers, to build the module against
	  vsock_test  the kernel's own tests of vsock, linked statically
	END
}

# --- Debian packages ----------------------------------------------------------

apt_get()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
}

apt_update()
{
	say "Reading Debian's package lists (apt-get update)."
	quietly "$CACHE/log/apt-update" apt_get update
}

# missing_packages PACKAGE...
missing_packages()
{
	local installed

	installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^ii *//p') || true
	printf '%s\n' "$@" | grep -vxF -e "$installed" || true
}

part_packages()
{
	local wanted

	mapfile -t wanted < <(sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$TOP/tools/packages")
	install_packages "${wanted[@]}"
}

part_gnuplot() { install_packages gnuplot-nox; }

part_model() { install_packages spin; }

part_docs() { install_packages python3-sphinx man-db; }

part_vmtest() { install_packages iproute2 procps; }

part_show()
{
	install_packages bpftrace iproute2 libmnl-dev tcpdump trace-cmd
	get_promtool
}

# get_promtool: in $CACHE/promtool, if the machine has none: the package prometheus would also run
# a server. Without it, metrics are not checked with it.
get_promtool()
{
	local part=$CACHE/promtool.part

	[[ ! -d $CACHE/promtool ]] && ! command -v promtool >/dev/null || return 0
	say "Downloading promtool, of Debian's package prometheus."
	rm -rf "$part"
	mkdir -p "$part/tree" "$part/deb"
	CLEAN_PATHS+=("$part")
	if download_into "$part/deb" prometheus && dpkg-deb -x "$part"/deb/*.deb "$part/tree"; then
		mv "$part/tree" "$CACHE/promtool"
	else
		warn "promtool cannot be downloaded: its check is left out"
	fi
}

part_deb() { install_packages libmnl-dev dpkg-dev debhelper dh-dkms lintian; }

# install_packages PACKAGE...: installs those that are missing.
install_packages()
{
	local missing install

	mapfile -t missing < <(missing_packages "$@")
	((${#missing[@]})) || return 0
	install=(apt-get install --no-install-recommends -y "${missing[@]}")
	if ((EUID != 0)) && ! sudo_works; then
		die "these Debian packages are missing: ${missing[*]}" "as root, run: ${install[*]}"
	fi
	say "Installing Debian packages: ${missing[*]}."
	# The lists may be missing, or so old that the archive no longer has what they list.
	apt-cache show "${missing[@]}" >/dev/null 2>&1 || apt_update
	quietly "$CACHE/log/apt-install" apt_get "${install[@]:1}" && return
	apt_update
	quietly "$CACHE/log/apt-install" apt_get "${install[@]:1}" ||
		die "apt-get could not install them" "as root, run: ${install[*]}"
}

# sudo may ask for a password only on a terminal.
sudo_works()
{
	command -v sudo >/dev/null || return 1
	if [[ -t 0 ]]; then sudo -v; else sudo -n true 2>/dev/null; fi
}

# part_qemu: if the machine's QEMU is older than 8.1, Debian's backport of a later one in
# $CACHE/qemu. When the kernel on one emulated processor patches its code, the older QEMU may
# still execute the former code on another one: the kernel crashes or stalls.
part_qemu()
{
	local part=$CACHE/qemu.part APT LISTS deb

	[[ ! -d $CACHE/qemu ]] && qemu_is_old || return 0
	use_suite bookworm-backports
	say "Downloading a later QEMU from Debian's backports (13 MB)."
	rm -rf "$part"
	mkdir -p "$part/tree" "$part/deb"
	CLEAN_PATHS+=("$part")
	update_lists || true
	download_into "$part/deb" {qemu-system-{x86,common,data},seabios}/bookworm-backports ||
		die "QEMU 8.1 or later cannot be downloaded" "check the network, or install it, then run again"
	for deb in "$part"/deb/*.deb; do
		dpkg-deb -x "$deb" "$part/tree" || die "QEMU cannot be unpacked" "check the free space: df -h $CACHE"
	done
	mv "$part/tree" "$CACHE/qemu"
}

qemu_is_old()
{
	dpkg --compare-versions "$(dpkg-query -W -f '${Version}' qemu-system-x86)" lt 1:8.1
}

# --- which kernel -------------------------------------------------------------

# newest_version: "VERSION ABI" of the newest kernel of which apt knows both the source
# and the cloud image; nothing if there is none.
newest_version()
{
	local images sources version package

	mapfile -t images < <(apt-cache "${APT[@]}" pkgnames "linux-image-$KERNEL." | grep -e "$IMAGE_PATTERN")
	((${#images[@]})) || return 0
	sources=$(apt-cache "${APT[@]}" madison "$SOURCE_PACKAGE" | awk '{ print $3 }')
	apt-cache "${APT[@]}" madison "${images[@]}" | awk '{ print $3, $1 }' | sort -rV |
		while read -r version package; do
			grep -qxF "$version" <<<"$sources" || continue
			echo "$version ${package#linux-image-}"
			return
		done
}

# choose_version: sets VERSION, ABI and LINUX. apt is queried only when its lists
# are newer than its last result.
choose_version()
{
	local newest cached=

	! use_cache || cached="$VERSION $ABI"
	[[ -z $cached || $LISTS -nt $CACHE/version-$KERNEL ]] || return 0
	[[ $(dpkg --print-architecture) == amd64 ]] ||
		die "the kernels are Debian's for x86-64; this is $(dpkg --print-architecture)"
	newest=$(newest_version)
	if [[ -z $newest && -z $cached ]]; then
		update_lists || true
		newest=$(newest_version)
	fi
	[[ -n ${newest:-$cached} ]] ||
		die "apt finds no $SOURCE_PACKAGE with its cloud image" "$(suite_advice)"
	fetch_version "${newest:-$cached}" "$cached"
}

# fetch_version NEWEST CACHED: takes the newest one if its image can be downloaded,
# otherwise the cached one: there may be no network.
fetch_version()
{
	read -r VERSION ABI <<<"$1"
	LINUX=$CACHE/linux-$VERSION
	if ! unpack_image && [[ $1 != "$2" && -n $2 ]]; then
		say "Linux $VERSION cannot be downloaded: using the cached ${2% *}."
		read -r VERSION ABI <<<"$2"
		LINUX=$CACHE/linux-$VERSION
	fi
	[[ -d $LINUX/image ]] || no_image
	echo "$VERSION $ABI" >"$CACHE/version.part"
	mv "$CACHE/version.part" "$CACHE/version-$KERNEL"
}

# --- unpacked packages --------------------------------------------------------

# download FOLDER PACKAGE...: the files of these packages, in $VERSION.
download()
{
	local dir=$1 wanted

	shift
	wanted=("${@/%/=$VERSION}")
	mkdir -p "$dir"
	# As root, apt would download as a user without permission to write here.
	download_into "$dir" "${wanted[@]}" && return
	# The archive may no longer have the packages of an old list.
	((EUID == 0 || ${#APT[@]})) || sudo_works || return
	update_lists && download_into "$dir" "${wanted[@]}"
}

download_into()
{
	local dir=$1

	shift
	(cd "$dir" && quietly "$CACHE/log/apt-download" \
		apt-get -q "${APT[@]}" -o APT::Sandbox::User=root download "$@")
}

# fresh NAME: an empty temporary folder beside what it will become.
fresh()
{
	rm -rf "${LINUX:?}/$1.part"
	mkdir -p "$LINUX/$1.part"
	CLEAN_PATHS+=("$LINUX/$1.part")
}

part_source()
{
	local part=$LINUX/source.part

	if [[ ! -d $LINUX/source ]]; then
		say "Downloading the kernel's source ($SOURCE_PACKAGE $VERSION, 150 MB)."
		fresh source
		download "$part/deb" "$SOURCE_PACKAGE" ||
			die "$SOURCE_PACKAGE $VERSION cannot be downloaded" "check the network, then run again"
		say "Unpacking it in $LINUX."
		mkdir "$part/tree"
		quietly "$CACHE/log/unpack" untar_source "$part"/deb/*.deb "$part/tree" ||
			die "the kernel's source cannot be unpacked" "it needs 2 GB: check with df -h $LINUX"
		mv "$part/tree" "$LINUX/source"
	fi
	patch_source
}

# patch_source: the patch that was applied is kept in the source, as mvsock.patch.
patch_source()
{
	local patch applied=$LINUX/source/mvsock.patch

	patch=$(uml_patch)
	[[ -e $patch ]] && ! cmp -s "$patch" "$applied" || return 0
	[[ ! -e $applied ]] || patch -s -R -p1 -d "$LINUX/source" <"$applied" ||
		die "the kernel's source cannot be patched" "remove $LINUX/source and run again"
	rm -f "$applied"
	patch -s -N -p1 -d "$LINUX/source" <"$patch" ||
		die "the kernel's source cannot be patched" "remove $LINUX/source and run again"
	cp "$patch" "$applied"
}

untar_source()
{
	dpkg-deb --fsys-tarfile "$1" |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		xz -dc -T0 | tar -x -C "$2" --strip-components=1
}

# unpack NAME WHAT PACKAGE...: unpacks packages together, in $LINUX/NAME.part/tree.
unpack()
{
	local name=$1 what=$2 part=$LINUX/$1.part deb

	shift 2
	say "Downloading $what ($VERSION)."
	fresh "$name"
	download "$part/deb" "$@" || return
	mkdir "$part/tree"
	for deb in "$part"/deb/*.deb; do
		dpkg-deb -x "$deb" "$part/tree" || return
	done
}

# choose_version has unpacked it already, unless a version was cached without it.
part_guest()
{
	unpack_image || no_image
}

no_image()
{
	die "Debian's cloud kernel $VERSION cannot be downloaded" \
		"check the network and the space in $CACHE, then run again"
}

unpack_image()
{
	local tree=$LINUX/image.part/tree packages

	[[ ! -d $LINUX/image ]] || return 0
	mapfile -t packages < <(image_packages)
	unpack image "Debian's cloud kernel" "${packages[@]}" || return
	[[ -d $tree/boot ]] || arrange_image "$tree"
	mv "$tree" "$LINUX/image"
}

# The unpacked kernel: its own boot code takes many seconds to unpack it in an emulated
# machine in user-mode Linux.
part_vmlinux()
{
	[[ ! -e $LINUX/vmlinux ]] || return 0
	part_source
	fresh vmlinux
	"$LINUX/source/scripts/extract-vmlinux" "$LINUX/image/boot/vmlinuz-$ABI" \
		>"$LINUX/vmlinux.part/vmlinux" 2>"$CACHE/log/extract-vmlinux" ||
		die "the kernel in linux-image-$ABI cannot be unpacked"
	mv "$LINUX/vmlinux.part/vmlinux" "$LINUX/vmlinux"
}

# image_packages: the packages that have its files: two for later kernels.
image_packages()
{
	if apt-cache "${APT[@]}" show "linux-binary-$ABI" >/dev/null 2>&1; then
		printf '%s\n' "linux-binary-$ABI" "linux-modules-$ABI"
	else
		echo "linux-image-$ABI"
	fi
}

# arrange_image FOLDER: arranges the files of two packages as in the single one.
arrange_image()
{
	mkdir "$1/boot"
	ln "$1/usr/lib/modules/$ABI/vmlinuz" "$1/boot/vmlinuz-$ABI"
	ln -s usr/lib "$1/lib"
}

part_headers()
{
	case $KERNEL in
	6.12) unpack_headers ;;
	*) prepare_headers ;;
	esac
}

# linux-headers-6.12.1+deb12-cloud-amd64 comes with -common and linux-kbuild.
unpack_headers()
{
	local base=${ABI%-cloud-amd64} tree=$LINUX/headers.part/tree

	[[ ! -d $LINUX/headers ]] || return 0
	unpack headers "Debian's kernel headers" \
		"linux-headers-$ABI" "linux-headers-$base-common" "linux-kbuild-$base" ||
		die "Debian's kernel headers cannot be downloaded" "check the network, then run again"
	# Their Makefile expects them in /usr/src: set the path in the cache.
	sed -i "s| /usr/src/| $LINUX/headers/usr/src/|" "$tree/usr/src/linux-headers-$ABI/Makefile"
	mv "$tree" "$LINUX/headers"
}

# prepare_headers: the programs in the headers packages of later kernels do not run on
# Debian 12. The source is prepared instead, with Debian's configuration and symbol versions.
prepare_headers()
{
	local dir=$LINUX/prepared package=$LINUX/headers.part/tree make

	[[ ! -e $dir/.complete ]] || return 0
	part_source
	unpack headers "Debian's kernel headers" "linux-headers-$ABI" ||
		die "Debian's kernel headers cannot be downloaded" "check the network, then run again"
	say "Preparing the kernel's source to build modules for Debian's kernel, about a minute."
	mkdir -p "$dir"
	cp "$package/usr/src/linux-headers-$ABI"/{.config,Module.symvers} "$dir/"
	make=(make -C "$LINUX/source" O="$dir" LOCALVERSION="${ABI#"${VERSION%%-*}"}")
	quietly "$CACHE/log/prepare" "${make[@]}" olddefconfig ||
		die "the kernel's source cannot be configured"
	quietly "$CACHE/log/prepare" "${make[@]}" -j"$(nproc)" modules_prepare ||
		die "the kernel's source cannot be prepared"
	touch "$dir/.complete"
}

# --- what is built ------------------------------------------------------------

part_vsock_test()
{
	local part=$LINUX/vsock.part src=$LINUX/source/tools program

	[[ ! -d $LINUX/vsock ]] || return 0
	part_source
	say "Building the kernel's tests of vsock."
	fresh vsock
	cp "$src"/testing/vsock/{Makefile,*.[ch]} "$part/"
	# The tests' timeout in seconds: a guest in an emulated host is slower.
	sed -i 's/TIMEOUT = 10 /TIMEOUT = 30 /' "$part/timeout.h"
	# The Makefile's own flags, without -Werror and the paths that assume its folder.
	quietly "$CACHE/log/vsock_test" make -C "$part" LDFLAGS=-static \
		CFLAGS="-O2 -I. -I$src/include -D_GNU_SOURCE -Wno-pointer-sign -fno-strict-aliasing" \
		test || die "the kernel's tests of vsock do not build"
	for program in vsock_{diag,uring}_test vsock_test; do
		test_names "$part/$program.c" >"$part/$program.names"
	done
	mv "$part" "$LINUX/vsock"
}

# test_names FILE: "NUMBER NAME" of each test; vsock_uring_test lists none itself.
test_names()
{
	sed -n '/ test_cases\[\] =/,/^};/s/^\t\t\.name = "\(.*\)",$/\1/p' "$1" |
		awk '{ print NR - 1, $0 }'
}

part_uml() { build_uml plain; }

part_uml-debug() { build_uml debug; }

part_uml-smp() { build_uml smp; }

# build_uml plain|debug|smp
build_uml()
{
	part_source
	part_registers
	build_kernel "$(uml_dir "$1")" "uml-$1" "user-mode Linux $VERSION ($1), about 4 minutes" \
		all ARCH=um < <(uml_config "$1")
}

# part_registers: the program that tests the registers of user-mode Linux, and determines the
# size of the floating-point state for its configuration.
part_registers()
{
	[[ $CACHE/registers -nt $TOP/tools/rig/registers.c ]] ||
		gcc -O2 -static -D_GNU_SOURCE -o "$CACHE/registers" "$TOP/tools/rig/registers.c" ||
		die "tools/rig/registers.c does not build"
}

part_x86-kcsan() { build_x86 kcsan; }

part_x86-kasan() { build_x86 kasan; }

# build_x86 kcsan|kasan
build_x86()
{
	part_source
	build_kernel "$(x86_dir "$1")" "x86-$1" "Linux $VERSION with ${1^^}, about 8 minutes" \
		all < <(x86_config "$1")
}

# part_arch: no kernel is compiled.
part_arch()
{
	local arch

	install_packages gcc-aarch64-linux-gnu gcc-s390x-linux-gnu
	part_source
	for arch in "${ARCHES[@]}"; do
		build_kernel "$(arch_dir "$arch")" "$arch" "what modules for $arch need, a few seconds" \
			modules_prepare ARCH="$arch" CROSS_COMPILE="$(arch_compiler "$arch")" \
			< <(arch_config)
	done
}

# build_kernel FOLDER LOG WHAT GOAL [MAKE ARGUMENT...]: with the options on standard input.
build_kernel()
{
	local dir=$1 log=$CACHE/log/$2 what=$3 goal=$4 make

	shift 4
	[[ ! -e $dir/.complete ]] || return 0
	mkdir -p "$dir"
	make=(make -C "$LINUX/source" O="$dir" "$@")
	say "Building $what on 2 cores. This is done once."
	cat >"$dir/mvsock.config"
	quietly "$log" "${make[@]}" KCONFIG_ALLCONFIG="$dir/mvsock.config" allnoconfig ||
		die "$what: it cannot be configured"
	check_config "$dir"
	quietly "$log" "${make[@]}" -j"$(nproc)" "$goal" ||
		die "$what: it does not build"
	touch "$dir/.complete"
}

# check_config FOLDER: Kconfig silently drops options that it cannot satisfy.
check_config()
{
	local lost

	lost=$(grep -vxFf "$1/.config" "$1/mvsock.config") || return 0
	die "this kernel's configuration does not take: ${lost//$'\n'/ }" \
		"see the files *.config in tools/rig"
}

main()
{
	local part

	(($#)) || { usage; exit 2; }
	[[ $KERNEL == 6.12 || $KERNEL == 7.3 ]] || die "there is no KERNEL=$KERNEL" "use 6.12 or 7.3"
	for part; do
		declare -F "part_$part" >/dev/null || { usage >&2; exit 2; }
	done
	mkdir -p "$CACHE" 2>/dev/null || die "the cache $CACHE cannot be written" "set MVSOCK_CACHE to another folder"
	lock "$CACHE/lock" "prepares the cache"
	[[ $KERNEL == 6.12 ]] || use_suite trixie-backports
	for part; do
		# The parts that only install packages need no kernel version; choosing one needs packages.
		[[ $part =~ ^(packages|qemu|gnuplot|model|docs|show|deb)$ || -n ${VERSION:-} ]] || choose_version
		"part_$part"
	done
}

main "$@"
