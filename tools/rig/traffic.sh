# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2015,SC2086,SC2153,SC2154 # sourced by host.sh, whose variables it has
#
# What the jobs with a guest under traffic share: steps and their results, QEMU's
# monitor, and tools/testing/guest/traffic.c at both ends.

MONITOR=/dev/shm/monitor
PORT=1100

# --- steps --------------------------------------------------------------------

# run_steps STEP...: functions step_STEP, up to the first that fails; what it prints
# explains that. The results are a TAP file.
run_steps()
{
	tap=$OUT/traffic.tap
	echo "1..$#" >"$tap"
	number=0
	for step in "$@"; do
		number=$((number + 1))
		run_step "$(echo "$step" | tr _ ' ')" "step_$step" || break
	done
	end_kill
	guest_stop
}

# run_step NAME FUNCTION
run_step()
{
	start=$(seconds)
	"$2" >/dev/shm/step 2>&1
	status=$?
	tell "$1, $(($(seconds) - start)) s"
	if [ $status = 0 ]; then
		echo "ok $number - $1" >>"$tap"
	elif [ $status = 77 ]; then
		echo "ok $number - $1 # SKIP $(tail -n 1 /dev/shm/step)" >>"$tap"
	else
		guest_explain >>/dev/shm/step 2>&1
		{ sed 's/^/# /' /dev/shm/step; echo "not ok $number - $1"; } >>"$tap"
		return 1
	fi
}

fail()
{
	echo "$*"
	return 1
}

# --- QEMU's monitor -----------------------------------------------------------

# hmp COMMAND: prints the answer, among what the monitor makes of a terminal.
hmp() { printf '%s\n' "$1" | socat -t 30 - "UNIX-CONNECT:$MONITOR" | tr -d '\r'; }

# hmp_done COMMAND: fails if QEMU says an error, which it prints.
hmp_done() { ! hmp "$1" | grep Error; }

status_is() { hmp "info status" | grep -q "^VM status: $1"; }

# --- traffic ------------------------------------------------------------------
#
# Two streams, one from each side, and two connections that nobody uses.

# guest_end COMMANDS: of both.sh, in the guest.
guest_end() { guest_do "PORT=$PORT TRAFFIC=traffic; . /rig/both.sh; $1"; }

# blame WHAT: and what the programs say; fails.
blame()
{
	echo "$1; on the host:"
	end_tells
	echo "in the guest:"
	guest_end end_tells
	return 1
}

traffic_start()
{
	end_serve || blame "the host does not listen" || return
	guest_end "end_serve" || blame "the guest does not listen" || return
	end_connect "$CID" || blame "the host does not connect" || return
	guest_end "end_connect 2 && end_moves" || blame "the guest's stream does not begin" || return
	end_moves || blame "the host's stream does not begin"
}

traffic_moves()
{
	end_moves || blame "the host's stream stands still" || return
	guest_end end_moves || blame "the guest's stream stands still"
}

traffic_stop()
{
	end_stop || blame "the host's stream does not end well" || return
	guest_end end_stop || blame "the guest's stream does not end well"
}

# traffic_ended_here, traffic_ended_there: the programs are told.
traffic_ended_here() { end_ends || blame "the host's programs are not told"; }

traffic_ended_there() { guest_end end_ends || blame "the guest's programs are not told"; }

# vhost_vsock tells of a device that is gone, and leaves it to the next driver to
# answer what is sent to the last.
told_of_new_driver() { [ "$TESTED" = vhost_vsock ] || traffic_ended_here; }

# traffic_again: new connections work.
traffic_again() { traffic_start && traffic_stop; }
