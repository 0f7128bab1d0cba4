# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2086,SC2154 # sourced by host.sh, whose variables it has
#
# The job "show" of host.sh: the output of tools, also on a host that has another module, or
# none.

job_show()
{
	export PATH="$TOOLS:$PATH" MVSOCK_EXAMPLES="$RIG/examples" MVSOCK_PROMTOOL="${PROMTOOL:-}"
	run_programs $WORDS
	[ -z "$OTHER" ] || show_hosts >"$OUT/hosts.tap"
}

# result NUMBER NAME: reports the status of the last command.
result()
{
	if [ $? = 0 ]; then echo "ok $1 - $2"; else echo "not ok $1 - $2"; fi
}

show_hosts()
{
	# The modprobe configuration of a Debian without the package: there is none here.
	mkdir -p /dev/shm/bare
	echo "install vhost_vsock insmod /lib/vhost_vsock.ko" >/dev/shm/bare/a.conf
	echo "alias char-major-10-241 vhost_vsock" >>/dev/shm/bare/a.conf
	echo "1..8"
	exec 9</proc/net/mvsock
	unload "$TESTED.ko" && ! cat <&9 2>/dev/null
	result 1 "an open list does not keep the module from being removed, and fails afterwards"
	exec 9<&-
	doctor_says 1 "mvsock is not loaded"
	result 2 "doctor sees that no module is loaded"
	MODPROBE_OPTIONS="-C /dev/shm/bare" doctor_says 1 "WRONG .*loads vhost_vsock"
	result 3 "doctor sees that the device file brings vhost_vsock"
	MODPROBE_OPTIONS="-C $RIG/package" doctor_says 1 "note .*loads mvsock"
	result 4 "doctor sees that the device file brings mvsock"
	insert $OTHER && doctor_says 1 "vhost_vsock is loaded instead of mvsock"
	result 5 "doctor sees that vhost_vsock is loaded"
	unload "$(basename "${OTHER##* }")" && insert "${MODULES##* }" &&
		doctor_says 0 "mvsock is loaded"
	result 6 "doctor sees that mvsock is back"
	MODPROBE_OPTIONS="-C /dev/shm/bare" doctor_says 1 "WRONG .*load vhost_vsock by name"
	result 7 "doctor sees that modprobe vhost_vsock fails"
	MODPROBE_OPTIONS="-C $RIG/package" doctor_says 0 "nothing is wrong"
	result 8 "doctor finds nothing wrong with the package's modprobe.d"
}

# doctor_says STATUS TEXT
doctor_says()
{
	mvsockctl doctor >/dev/shm/doctor
	[ $? = "$1" ] && grep -q "$2" /dev/shm/doctor && return
	sed 's/^/# /' /dev/shm/doctor
	return 1
}
