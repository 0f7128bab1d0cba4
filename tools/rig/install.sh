# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # VERSION comes from env
#
# The jobs "install" and "upgrade" of host.sh, in a complete Debian with the package
# mvsock-dkms: its behaviour for a user.

KEPT=/etc/modprobe.d/mvsock.conf

# step NAME COMMAND...: runs it and writes a line of TAP.
step()
{
	what=$1
	steps=$((${steps:-0} + 1))
	shift
	tell "$what"
	if "$@" >"$OUT/step" 2>&1; then
		echo "ok $steps - $what"
	else
		echo "not ok $steps - $what"
		sed 's/^/# /' "$OUT/step"
	fi >>"$OUT/$JOB.tap"
}

# is WANTED GOT
is() { [ "$1" = "$2" ] || { echo "wanted '$1', got '$2'"; return 1; }; }

# is_loaded MODULE OTHER: true if the first is loaded, and the second is not.
is_loaded()
{
	busybox lsmod | grep vsock
	[ -d "/sys/module/$1" ] && [ ! -d "/sys/module/$2" ]
}

open_device() { sh -c ': <>/dev/vhost-vsock'; }

job_install()
{
	useradd --groups kvm member
	mkdir -p /etc/mvsock.d
	echo "test 3 4 # two guests" >/etc/mvsock.d/test.conf
	echo "deny to-host cid 5" >/etc/mvsock.d/test.rules
	step "DKMS has built it for this kernel" dkms_has "$VERSION"
	step "DKMS has signed it" has_signer
	step "nothing is loaded before the device is opened" nothing_loaded
	step "the device has its group and mode then" device_is_there
	step "a user outside of the group kvm can't open it" not_for_others
	step "a user in it opens it, and mvsock is loaded" for_members
	step "the device has its group and mode still" device_is_there
	step "the groups of /etc/mvsock.d are applied" groups_are_there
	step "the rules of /etc/mvsock.d are applied" rules_are_there
	step "the module tells its version" tells_version
	step "mvsockctl finds nothing wrong" mvsockctl doctor
	step "modprobe vhost_vsock loads mvsock" asked_for_vhost_vsock
	step "a guest has its connections" guest_connects
	step "one line restores vhost_vsock" one_line_undoes
	step "without the line it is mvsock again" undone_again
	echo "1..$steps" >>"$OUT/$JOB.tap"
}

job_upgrade()
{
	step "DKMS has the new version alone" dkms_has "$VERSION"
	step "it is what is loaded" open_device
	step "the module tells the new version" tells_version
	step "the package is removed" apt-get -qy remove mvsock-dkms
	step "nothing of it is left" nothing_left
	step "vhost_vsock is back" back_at_vhost_vsock
	step "the device has its group and mode" device_is_there
	echo "1..$steps" >>"$OUT/$JOB.tap"
}

dkms_has() { is "mvsock/$1, $(uname -r), x86_64: installed" "$(dkms status)"; }

has_signer() { [ -n "$(modinfo -F signer mvsock)" ]; }

nothing_loaded() { [ ! -d /sys/module/mvsock ] && [ ! -d /sys/module/vhost_vsock ]; }

device_is_there()
{
	is "crw-rw---- root kvm a:f1" "$(stat -c '%A %U %G %t:%T' /dev/vhost-vsock)"
}

not_for_others() { ! runuser -u nobody -- sh -c ': <>/dev/vhost-vsock' && nothing_loaded; }

for_members()
{
	runuser -u member -- sh -c ': <>/dev/vhost-vsock' && is_loaded mvsock vhost_vsock
}

groups_are_there() { wait_for 10 in_group 4 test && in_group 3 test; }

rules_are_there() { is "deny to-host cid 5" "$(mvsockctl policy show)"; }

in_group() { mvsockctl group show | grep -q "^ *$1 $2\$"; }

tells_version() { is "$VERSION" "$(cat /sys/module/mvsock/version)"; }

asked_for_vhost_vsock()
{
	rmmod mvsock && modprobe vhost_vsock && is_loaded mvsock vhost_vsock
}

guest_connects()
{
	modprobe "$KVM_MODULE" && guest_start && demo_message_to_guest && demo_message_to_host
	result=$?
	guest_stop
	return $result
}

# The line is in a comment of the file that it disables.
one_line_undoes()
{
	line=$(sed -n 's/^#  *\(echo .*\)/\1/p' /usr/lib/modprobe.d/mvsock.conf)
	echo "$line"
	sh -c "$(echo "$line" | sed 's/sudo //')" && wait_for 15 modprobe -r mvsock && open_device &&
		is_loaded vhost_vsock mvsock
}

undone_again()
{
	rm "$KEPT" && modprobe -r vhost_vsock && open_device && is_loaded mvsock vhost_vsock
}

nothing_left()
{
	is "" "$(dkms status)" &&
		is "" "$(ls -d /usr/src/mvsock* /var/lib/dkms/mvsock /usr/lib/modprobe.d/mvsock* "$KEPT" 2>/dev/null)" &&
		is "" "$(find /lib/modules -name 'mvsock*')"
}

back_at_vhost_vsock() { open_device && is_loaded vhost_vsock mvsock; }
