# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2015,SC2034,SC2094,SC2154 # sourced by host.sh, whose variables it has
#
# The job "life": what happens to a guest, its driver and its QEMU while
# connections are open.

job_life()
{
	GUEST_OPTIONS="-action reboot=reset -monitor unix:$MONITOR,server=on,wait=off -device pcie-root-port,id=rp"
	DEVICE_OPTIONS=",id=vsock,bus=rp"
	guest_start || return
	tell "the guest is up, $(seconds) s after power-on"
	run_steps streams_between_host_and_guest stop_and_cont \
		floods_of_refused_connections_from_both_sides \
		unbind_and_bind_of_the_vsock_driver unbind_and_bind_of_the_PCI_driver \
		unplug_and_plug_with_queue_reset_off reboot kill_of_QEMU \
		the_CID_is_free_for_another_QEMU
}

step_streams_between_host_and_guest() { traffic_again; }

step_stop_and_cont()
{
	traffic_start || return
	for round in 1 2 3; do
		hmp stop >/dev/null
		status_is paused || fail "QEMU does not stop" || return
		hmp cont >/dev/null
		traffic_moves || return
	done
	traffic_stop
}

# Each side has answers that the other one must receive first. Afterwards connections must work
# again at once.
step_floods_of_refused_connections_from_both_sides()
{
	for round in 1 2 3; do
		guest_do "traffic flood 2 9999 1000 >/flood 2>&1 &"
		"$TRAFFIC" flood "$CID" 9999 1000 >flood 2>&1 || blame "round $round: $(cat flood)" || return
		wait_for 30 guest_do "grep '^flood: Success' /flood" >/dev/null ||
			blame "round $round: in the guest: $(guest_do 'cat /flood')" || return
		traffic_again || return
	done
}

# --- the driver ---------------------------------------------------------------

# rebind DRIVER DEVICE: folders in the guest.
rebind()
{
	traffic_start || return
	guest_do "basename \$(readlink -f $2) >/name && cat /name >$1/unbind" || return
	traffic_ended_there || return
	guest_do "cat /name >$1/bind" || return
	told_of_new_driver && traffic_again
}

VSOCK_DRIVER=/sys/bus/virtio/drivers/vmw_vsock_virtio_transport
# The only device on its bus.
VSOCK_PCI='/sys/bus/pci/devices/0000:01:00.0'

step_unbind_and_bind_of_the_vsock_driver() { rebind $VSOCK_DRIVER "$VSOCK_DRIVER/virtio*"; }

step_unbind_and_bind_of_the_PCI_driver() { rebind /sys/bus/pci/drivers/virtio-pci $VSOCK_PCI; }

# --- the device ---------------------------------------------------------------

driver_is_bound() { guest_do "ls -d $VSOCK_DRIVER/virtio*" >/dev/null; }

step_unplug_and_plug_with_queue_reset_off()
{
	traffic_start || return
	hmp "device_del vsock" >/dev/null
	traffic_ended_here && traffic_ended_there || return
	hmp "device_add vhost-vsock-pci,id=vsock,bus=rp,guest-cid=$CID,queue_reset=off"
	wait_for 30 driver_is_bound || fail "the guest does not see it" || return
	traffic_again
}

# --- the guest ----------------------------------------------------------------

boots() { [ "$(grep -c '^rig: guest is up' "$OUT/guest.log")" -ge "$1" ]; }

step_reboot()
{
	traffic_start || return
	guest_do "sync; (sleep 1; reboot -f) >/dev/null 2>&1 &" >/dev/null
	wait_for 120 boots 2 || fail "the guest does not come up again" || return
	wait_for 30 guest_do true >/dev/null 2>&1 || fail "the guest does not answer" || return
	told_of_new_driver && traffic_again
}

step_kill_of_QEMU()
{
	traffic_start || return
	kill -KILL "$QEMU"
	traffic_ended_here
}

# It sets the CID before it starts its guest, and exits if the CID is in use.
step_the_CID_is_free_for_another_QEMU()
{
	GUEST_OPTIONS="$GUEST_OPTIONS -S"
	guest_qemu "$OUT/other.log"
	wait_for 30 status_is paused || fail "$(cat "$OUT/qemu.log")" || return
}
