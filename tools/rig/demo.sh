# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # CID comes from host.sh
#
# The job "demo" of host.sh: shows the user what the module does.

MIB=64

job_demo()
{
	tell "The host is up: Linux $(uname -r), $TESTED is loaded, /dev/vhost-vsock is there."
	tell "Starting QEMU with -device vhost-vsock-pci,guest-cid=$CID and a stock Debian guest."
	guest_start || return
	tell "The guest is up: Linux $(guest_do 'uname -r' | head -n 1), with its own virtio_vsock driver."
	tell
	demo_message_to_guest && demo_message_to_host && demo_file_to_guest && demo_file_to_host
	result=$?
	tell
	guest_stop
	return $result
}

# same WHAT WANTED GOT
same()
{
	[ "$2" = "$3" ] && return
	tell "FAILED: $1: wanted '$2', got '$3'"
	return 1
}

# on_guest COMMANDS: starts them in the guest; their output is written to /dev/shm/guest.
on_guest()
{
	guest_do "$1" >/dev/shm/guest &
	GUEST_COMMANDS=$!
}

# --- messages -----------------------------------------------------------------
#
# On a slow machine a connect may time out after the listener has accepted it: the listener
# keeps running for the next one.

demo_message_to_guest()
{
	tell "1. A message to the guest, and its answer"
	on_guest "socat VSOCK-LISTEN:1001,fork SYSTEM:'read -r line; echo \"guest heard: \$line\"'"
	answer=$(echo "hello, guest" | socat -t "$TIMEOUT" - "VSOCK-CONNECT:$CID:1001,retry=600,interval=0.2")
	tell "     host  -> guest   hello, guest"
	tell "     guest -> host    $answer"
	same "the guest's answer" "guest heard: hello, guest" "$answer"
}

demo_message_to_host()
{
	tell "2. A message from the guest, and the host's answer"
	# shellcheck disable=SC2016 # the other shell expands it
	socat VSOCK-LISTEN:1002,fork SYSTEM:'read -r line; echo "host heard: $line"' &
	listener=$!
	answer=$(guest_do "echo hello, host | socat -t $TIMEOUT - VSOCK-CONNECT:2:1002,retry=600,interval=0.2" | head -n 1)
	kill $listener
	tell "     guest -> host    hello, host"
	tell "     host  -> guest   $answer"
	same "the host's answer" "host heard: hello, host" "$answer"
}

# --- files --------------------------------------------------------------------

now() { cut -d' ' -f1 /proc/uptime; }

# told_rate START END
told_rate()
{
	awk -v mib=$MIB -v t="$2" -v t0="$1" \
		'BEGIN { t -= t0; printf "%d MiB in %.1f s: %.0f MiB/s", mib, t, mib / t }'
}

# sum_here FILE and sum_there FILE: its checksum, shortened for display.
sum_here() { sha256sum "$1" | cut -c1-16; }

sum_there() { guest_do "sha256sum $1" | cut -c1-16 | head -n 1; }

demo_file_to_guest()
{
	tell "3. A file of $MIB MiB to the guest"
	dd if=/dev/urandom of=/dev/shm/file bs=1M count=$MIB 2>/dev/null
	on_guest "socat -u -b 65536 VSOCK-LISTEN:1003 CREATE:/file"
	# The time ends when the guest has received the whole file.
	start=$(now)
	socat -u -b 65536 OPEN:/dev/shm/file "VSOCK-CONNECT:$CID:1003,retry=600,interval=0.1"
	wait $GUEST_COMMANDS
	tell "     $(told_rate "$start" "$(now)")"
	compare /dev/shm/file /file
}

demo_file_to_host()
{
	tell "4. A file of $MIB MiB from the guest"
	guest_do "dd if=/dev/urandom of=/file bs=1M count=$MIB" >/dev/null
	socat -u -b 65536 VSOCK-LISTEN:1004 CREATE:/dev/shm/file &
	receiver=$!
	start=$(now)
	guest_do "socat -u -b 65536 OPEN:/file VSOCK-CONNECT:2:1004,retry=600,interval=0.1"
	wait $receiver
	tell "     $(told_rate "$start" "$(now)")"
	compare /dev/shm/file /file
}

# compare HERE THERE
compare()
{
	here=$(sum_here "$1")
	there=$(sum_there "$2")
	tell "     sha256 on the host $here..., in the guest $there..."
	same "the checksum in the guest" "$here" "$there"
}
