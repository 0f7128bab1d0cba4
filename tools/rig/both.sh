# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2086,SC2094,SC2153,SC2154 # PORT and TRAFFIC are set where it is sourced
#
# Functions for host and guest: waiting, and an end of the traffic. An end
# has a server, a stream and an idle connection (tools/testing/guest/traffic.c),
# whose files are in the current folder.
#
# In a guest that is emulated twice, starting a program takes a large part of a
# second: builtins cost nothing.

# wait_for SECONDS COMMAND...
wait_for()
{
	left=$(($1 * 5))
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.2
	done
}

end_kill()
{
	for log in serve stream hold; do
		[ ! -e $log ] || ! read -r _ pid <$log || kill -KILL "$pid" 2>/dev/null
	done
}

# end_serve: ends former programs and starts the server.
end_serve()
{
	end_kill
	"$TRAFFIC" serve $PORT >serve 2>&1 </dev/null
}

# end_connect CID
end_connect()
{
	"$TRAFFIC" stream "$1" $PORT progress >stream 2>&1 </dev/null &&
		"$TRAFFIC" hold "$1" $PORT >hold 2>&1 </dev/null
}

beyond() { read -r now <progress && [ "$now" -gt "$1" ]; }

# end_moves: waits until the stream has received more bytes.
end_moves()
{
	read -r before <progress || before=0
	wait_for 30 beyond "$before"
}

stream_has_ended() { grep -q '^stream:' stream; }

# end_stop: stops the stream, which must receive all data in flight.
end_stop()
{
	read -r _ pid <stream
	kill "$pid"
	wait_for 30 stream_has_ended
	grep -q '^stream: Success after' stream
}

all_have_ended()
{
	count=0
	for log in serve stream hold; do
		while read -r what _; do
			[ "$what" != $log: ] || count=$((count + 1))
		done <$log
	done
	[ $count = 4 ]
}

# end_ends: all connections end within 10 seconds: two opened here, two opened there.
end_ends() { wait_for 10 all_have_ended; }

end_tells()
{
	for log in serve stream hold; do
		echo "$log: $(cat $log)"
	done
}
