# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2015,SC2034,SC2154 # sourced by host.sh, whose variables it has
#
# The job "migrate": a guest under traffic is saved and loaded, is migrated through a
# file, and live to another QEMU, also with postcopy. After each of these, the guest's driver
# gets the event "transport reset", and resets its connections.

job_migrate()
{
	# The disk for savevm; the guest does not see it.
	qemu-img create -q -f qcow2 /dev/shm/disk 1G || return
	# All of the memory is read, and user-mode Linux maps each page separately, of which
	# its own host allows 65530 for a process.
	options="-m 160"
	guest_options monitor "-drive if=none,id=disk,file=/dev/shm/disk"
	guest_start || return
	tell "the guest is up, $(seconds) s after power-on"
	run_steps savevm_and_loadvm through_a_file_with_the_same_CID live_with_another_CID \
		live_with_memory_that_follows
	kill "$source" 2>/dev/null
}

# guest_options MONITOR OPTIONS
guest_options()
{
	MONITOR=/dev/shm/$1
	GUEST_OPTIONS="$options -monitor unix:$MONITOR,server=on,wait=off $2"
}

# The guest has connections when it is saved, and others when it is loaded.
step_savevm_and_loadvm()
{
	traffic_start || return
	hmp_done "savevm one" || return
	traffic_moves || fail "after savevm" || return
	traffic_stop && traffic_start || return
	hmp_done "loadvm one" || return
	traffic_ended_there && told_of_new_driver && traffic_again
}

migration_is_over()
{
	hmp "info migrate" >/dev/shm/migration
	grep -qE '^Migration status: (completed|failed|cancelled)' /dev/shm/migration
}

# migrate URI [COMMAND]: sends that command to QEMU meanwhile.
migrate()
{
	hmp_done "migrate -d \"$1\"" || return
	[ $# = 1 ] || hmp_done "$2" || return
	wait_for 60 migration_is_over && grep -q 'status: completed' /dev/shm/migration && return
	cat /dev/shm/migration "$OUT/qemu.log"
	return 1
}

# Ends the QEMU from which the guest migrated.
source_stop()
{
	kill "$source"
	wait "$source"
	traffic_ended_here
}

step_through_a_file_with_the_same_CID()
{
	traffic_start && migrate "exec:cat >/dev/shm/guest" || return
	source=$QEMU
	source_stop || return
	guest_options monitor2 ""
	guest_qemu "$OUT/guest2.log" -incoming "exec:cat /dev/shm/guest"
	wait_for 60 status_is running || fail "$(cat "$OUT/qemu.log")" || return
	rm /dev/shm/guest
	traffic_ended_there && traffic_again
}

# target_start CID: starts the QEMU to which the guest migrates. MONITOR is its own, and $there
# that of the source. Both set their CID at start, and it must be unique on a host: the
# guest reads its new CID when the transport is reset.
target_start()
{
	there=$MONITOR
	CID=$1
	CONTROL=$((6700 + 100 * CID))
	guest_options "monitor$CID" ""
	source=$QEMU
	guest_qemu "$OUT/guest$CID.log" -incoming unix:/dev/shm/migration.socket
	wait_for 30 status_is "paused (inmigrate)" || fail "$(cat "$OUT/qemu.log")"
}

target_goes_on()
{
	MONITOR=/dev/shm/monitor$CID
	wait_for 30 status_is running || fail "the guest does not go on" || return
	traffic_ended_there && source_stop && traffic_again
}

step_live_with_another_CID()
{
	traffic_start && target_start 4 || return
	MONITOR=$there
	migrate unix:/dev/shm/migration.socket && target_goes_on
}

# Postcopy: the guest continues before its memory has arrived, and pages are fetched on access
# by a userfaultfd. Without the bandwidth limit all pages would arrive before.
step_live_with_memory_that_follows()
{
	traffic_start && target_start 5 || return
	hmp_done "migrate_set_capability postcopy-ram on" || return
	MONITOR=$there
	hmp_done "migrate_set_capability postcopy-ram on" || return
	hmp_done "migrate_set_parameter max-bandwidth 4M" || return
	migrate unix:/dev/shm/migration.socket migrate_start_postcopy || return
	grep -q "^postcopy request count: [1-9]" /dev/shm/migration ||
		fail "no page was fetched" || return
	target_goes_on
}
