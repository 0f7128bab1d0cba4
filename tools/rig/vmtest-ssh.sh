#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vmtest-ssh.sh ... -p PORT localhost [--] [COMMAND...]: ssh, as far as vmtest.sh of the
# kernel uses it: has the guest behind that port run a command, or what is on standard
# input, and returns its status.

while [ "$1" != localhost ]; do
	[ "$1" != -p ] || port=$2
	shift
done
shift
[ "$1" != -- ] || shift
if [ $# -gt 0 ]; then commands=$*; else commands=$(cat); fi
# The guest's own sh would take its own programs for the system's.
encoded=$(echo "$commands" | base64 -w 0)
# With a pipe for its output, as from sshd: the end of what is sent to the guest is not that of
# what comes from there, for a socat that reads its own standard output.
printf '%s\n' "file=\$(mktemp); echo $encoded | base64 -d >\$file" \
	"{ bash \$file; echo \$? >\$file.status; } | cat" \
	"echo; echo \"status \$(cat \$file.status)\"" |
	socat -t 600 - "TCP:127.0.0.1:$port" |
	awk '/^status [0-9]+$/ { status = $2; next } { print; fflush() }
	END { exit status == "" ? 255 : status }'
