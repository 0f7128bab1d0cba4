# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # sourced by host.sh, whose variables it has
#
# The job "siblings": the kernel's tests between two guests in a group.

FIRST_CID=3 FIRST_CONTROL=7000
SECOND_CID=4 SECOND_CONTROL=7010

# first_guest, second_guest: the guest that other functions mean from here on.
first_guest()
{
	CID=$FIRST_CID CONTROL=$FIRST_CONTROL QEMU=$first GUEST_LOG=$OUT/guest.log
}

second_guest()
{
	CID=$SECOND_CID CONTROL=$SECOND_CONTROL QEMU=$second GUEST_LOG=$OUT/guest2.log
}

# manual_example: the two lines of siblings.rst.
manual_example()
{
	second_guest
	guest_do "$SIBLINGS_LISTEN >/dev/null 2>&1 &"
	first_guest
	wait_for 10 guest_do "$SIBLINGS_CONNECT </dev/null | grep UTC" >"$OUT/example.log" 2>&1
	status=$?
	[ $status = 0 ] || printf 'not '
	echo "ok 1 - the manual's example with socat"
	sed 's/^/# /' "$OUT/example.log"
	echo 1..1
}

job_siblings()
{
	"$TOOLS/mvsockctl" group add siblings $FIRST_CID $SECOND_CID || return
	first_guest
	guest_start || return
	first=$QEMU
	second_guest
	# What the server says over TCP is 20 ms behind: vsock_test 17 and 21 expect that what it
	# sent over vsock before has arrived.
	NET_OPTIONS=,tx=timer,x-txtimer=20000000
	guest_start || return
	second=$QEMU
	QEMUS="$first $second"
	first_guest
	tell "the guests are up, $(seconds) s after power-on"
	for program in $VSOCK_TESTS; do
		vsock_direction "$program" guest-guest
	done
	manual_example >"$OUT/example.tap"
	for end in second_guest first_guest; do
		$end
		! guest_is_gone || guest_explain >"$OUT/guest.end"
	done
	device_info >"$OUT/fdinfo"
	guest_stop
	second_guest
	guest_stop
	[ ! -e "$OUT/guest.end" ]
}
