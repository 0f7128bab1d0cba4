# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2153,SC2154 # sourced by host.sh, whose variables it has
#
# The job "vmtest": the kernel's own vmtest.sh, in /selftests. Its names for a virtual machine
# and for a shell in it, vng and ssh, are those of the rig.

job_vmtest()
{
	mkdir -p /tmp /root /run /var
	ln -sf /run /var/run
	ln -sf /proc/self/fd /dev/fd
	ln -sf /proc/self/fd/1 /dev/stdout
	mkdir -p /etc
	echo "127.0.0.1 localhost" >/etc/hosts
	export USER=root TMPDIR=/tmp
	vmtest_program vng <"$RIG/vmtest-vng.sh"
	vmtest_program ssh <"$RIG/vmtest-ssh.sh"
	# Its modules are loaded, and nobody asks for its keys.
	echo "#!/bin/sh" | vmtest_program modprobe
	echo "#!/bin/sh" | vmtest_program ssh-keygen
	# A machine in an emulated host takes longer to come up.
	sed -i 's/^readonly WAIT_QEMU=5$/readonly WAIT_QEMU=30/' /selftests/vsock/vmtest.sh
	(cd /selftests/vsock && bash ./vmtest.sh -v 2>&1) | tee "$OUT/vmtest.tap" |
		sed -nE 's/^(not )?ok [0-9]+ /rig: &/p'
}

# vmtest_program NAME: from standard input.
vmtest_program()
{
	rm -f "/bin/$1"
	cat >"/bin/$1"
	chmod +x "/bin/$1"
}
