# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The root of a Debian 12 machine, in which packages are tested. Sourced by setup.sh,
# which makes it, and by check.sh, for tools/check/install.sh.

# in_root ROOT COMMAND...: runs it there, with a /proc that is unmounted when it ends; all
# processes that it started are killed then.
in_root()
{
	local root=$1

	shift
	unshare --pid --fork --kill-child --mount-proc="$root/proc" chroot "$root" \
		env DEBIAN_FRONTEND=noninteractive HOME=/root "$@"
}

# part_debian: $LINUX/debian.tar, the root of a machine with this kernel, its headers
# and QEMU. DKMS, the compiler and libmnl are in apt's cache there, not installed: the packages
# have to depend on what they need.
part_debian()
{
	local root=$LINUX/debian.part/root deb=$LINUX/debian.part/root/deb
	local base=${ABI%-cloud-amd64}

	[[ ! -e $LINUX/debian.tar ]] || return 0
	((EUID == 0)) || die "only root can make a Debian root" "run the same command as root"
	install_packages debootstrap
	say "Making a Debian 12 root with Linux $VERSION, a few minutes. This is done once."
	fresh debian
	quietly "$CACHE/log/debootstrap" debootstrap --variant=minbase \
		--include=ca-certificates,systemd-sysv,udev,kmod,dbus \
		bookworm "$root" "$(debian_mirror Debian)" || die "debootstrap fails"
	debian_apt "$root"
	download "$deb" "linux-image-$ABI" "linux-headers-$ABI" "linux-headers-$base-common" \
		"linux-kbuild-$base" || die "Debian's kernel cannot be downloaded"
	quietly "$CACHE/log/debian" debian_install "$root" || die "the Debian root cannot be finished"
	rm -rf "$deb"
	tar -C "$root" -cf "$LINUX/debian.part/tar" .
	mv "$LINUX/debian.part/tar" "$LINUX/debian.tar"
}

# debian_apt ROOT: makes apt there use the same mirror and proxy as here.
debian_apt()
{
	local mirror

	mirror=$(debian_mirror Debian)
	cat >"$1/etc/apt/sources.list" <<-END
	deb $mirror bookworm main
	deb $mirror bookworm-updates main
	deb $(debian_mirror Debian-Security) bookworm-security main
	END
	apt-config dump | grep -E '^Acquire::(https?|Check|Retries)' >"$1/etc/apt/apt.conf.d/90host" || true
	echo 'APT::Install-Recommends "false";' >>"$1/etc/apt/apt.conf.d/90host"
}

# debian_install ROOT
debian_install()
{
	in_root "$1" apt-get -q update &&
		in_root "$1" sh -c 'apt-get -qy install busybox-static socat qemu-system-x86 initramfs-tools /deb/*.deb' &&
		in_root "$1" apt-get -qy --download-only install dkms libmnl0
}
