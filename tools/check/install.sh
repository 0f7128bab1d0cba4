# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks that the packages have one version, install, and can be removed. Sourced by check.sh.

# check_versions: all files must have the version of VERSION.
check_versions()
{
	local wanted where found

	wanted=$(cat "$TOP/VERSION")
	while read -r where found; do
		[[ $found == "$wanted" ]] || echo "$where has '$found', VERSION has '$wanted'"
	done <<-END
	dkms.conf $(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$TOP/dkms.conf")
	debian/changelog $(sed -n '1s/.*(\(.*\)).*/\1/p' "$TOP/debian/changelog")
	CHANGELOG.md $(sed -n 's/^## \[*\([0-9][^] ]*\).*/\1/p' "$TOP/CHANGELOG.md" | head -n 1)
	END
}

# The packages are installed in a Debian root, where DKMS builds the module. A machine
# boots from it; then the next version is installed over this one, and it boots again.
group_install()
{
	local root=$WORK/debian version

	((EUID == 0)) || die "only root can install packages in a Debian root" \
		"run: sudo make check-long GROUP=install"
	version=$(cat "$TOP/VERSION")
	packages "$version" && packages "$version+1" || return 0
	verdict "lintian has nothing to say" \
		"$(lintian --allow-root "$WORK/deb-$version"/build/deb/*.changes 2>&1)"
	rm -rf "$root"
	mkdir "$root"
	CLEAN_PATHS+=("$root")
	tar -C "$root" -xf "$LINUX/debian.tar"
	if put_in "$root" "$version" "they install, and DKMS builds the module"; then
		debian_run install "$root" "$version"
	fi
	if put_in "$root" "$version+1" "the next version takes their place"; then
		debian_run upgrade "$root" "$version+1"
	fi
}

# packages VERSION: builds the packages of these sources in $WORK/deb-VERSION/build/deb.
packages()
{
	local dir=$WORK/deb-$1

	rm -rf "$dir"
	copy_sources "$dir"
	echo "$1" >"$dir/VERSION"
	sed -i "/^PACKAGE_VERSION/s/\".*\"/\"$1\"/" "$dir/dkms.conf"
	sed -i "1s/(.*)/($1)/" "$dir/debian/changelog"
	quietly "$dir.log" "$dir/tools/deb.sh" && return
	not_ok "the packages build, version $1" < <(tail -n 20 "$dir.log")
	return 1
}

# put_in ROOT VERSION NAME
put_in()
{
	local log=$WORK/apt-$2.log

	mkdir -p "$1/deb"
	cp "$WORK/deb-$2"/build/deb/*.deb "$1/deb/"
	# shellcheck disable=SC2016 # the other shell expands it
	if quietly "$log" in_root "$1" sh -c 'apt-get -qy install /deb/*.deb'; then
		ok "$3"
	else
		not_ok "$3" < <(tail -n 20 "$log"
			cat "$1"/var/lib/dkms/mvsock/*/build/make.log 2>/dev/null | tail -n 20)
		return 1
	fi
	rm -r "$1/deb"
}

# debian_run JOB ROOT VERSION: boots a machine from it and reports its results.
debian_run()
{
	local root=$2

	new_run "$WORK/$1"
	guest_initrd ""
	set_env JOB "$1"
	set_env VERSION "$3"
	set_env GUEST_KERNEL /rig/vmlinuz
	set_env GUEST_ACCEL "kvm -cpu host"
	set_env KVM_MODULE "$(kvm_module)"
	set_env GUEST_INITRD /rig/guest.cpio
	set_env TIMEOUT 120
	rm -rf "$root/rig"
	mkdir "$root/rig"
	cp "$RUN"/{init,*.sh,env} "$root/rig/"
	mv "$RUN/guest.cpio" "$root/rig/"
	cp "$(stock_kernel)" "$root/rig/vmlinuz"
	debian_unit >"$root/etc/systemd/system/rig.service"
	quietly "$RUN/mke2fs.log" mke2fs -q -t ext4 -d "$root" "$RUN/disk" 4G || {
		not_ok "a disk is made" <"$RUN/mke2fs.log"
		return 0
	}
	boot_disk 3600 "$root/boot" || true
	rm "$RUN/disk"
	report_tap "$1"
	report_kernel
}

# debian_unit: the service that runs the job.
debian_unit()
{
	cat <<-END
	[Service]
	Environment=KIND=debian RIG=/rig
	ExecStart=/bin/sh /rig/init
	StandardOutput=tty
	StandardError=tty
	TTYPath=/dev/console
	END
}

# boot_disk SECONDS BOOT: runs the service alone on the basic system. Stalls are not reported:
# an emulated processor stalls while others use its real one.
boot_disk()
{
	boot "$1" "$(late_qemu)" -M q35 -m 2G -smp 2 \
		-accel "$(machine_accel)" -cpu "$(machine_cpu "$EMULATED_CPU")" \
		-nodefaults -no-reboot -display none -serial stdio -serial "file:$RUN/out.tar" \
		-drive "file=$RUN/disk,format=raw,if=virtio,cache=unsafe" \
		-kernel "$2/vmlinuz-$ABI" -initrd "$2/initrd.img-$ABI" \
		-append "root=/dev/vda rw quiet console=ttyS0 panic=-1 oops=panic log_buf_len=4M systemd.unit=rig.service nowatchdog rcupdate.rcu_cpu_stall_suppress=1"
}
