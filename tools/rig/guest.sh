# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The guest: loads the upstream driver and then runs commands from the host, line by
# line, on TCP port 7000 (guest_do in host.sh), until it is powered off.

echo "rig: the guest's kernel is up"
while read -r module; do
	busybox insmod "$module" || echo "rig: $module cannot be inserted"
done </rig/modules
busybox ifconfig lo 127.0.0.1 up
busybox ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
echo "rig: guest is up"
# nofork: the shell has the connection itself, and closes it when it exits.
while :; do
	socat TCP-LISTEN:7000,reuseaddr,fork EXEC:/bin/sh,nofork
	sleep 1
done
