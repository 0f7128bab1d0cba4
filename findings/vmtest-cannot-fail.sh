#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Two of the kernel's tests of vsock's namespaces can't fail.
#
# Version:   Linux 7.3.4 (Debian's linux-source-7.3 7.3.4-1~bpo13+1), OpenSSH 9.2p1
# File:      tools/testing/selftests/vsock/vmtest.sh
# Tests:     ns_diff_global_vm_connect_to_local_host_fails,
#            ns_diff_local_vm_connect_to_local_host_fails
#
# They want to see that a guest does not reach a listener in another namespace. So the guest
# sends "TEST" to it, by
#
#	vm_ssh ... -- bash -c "echo TEST | socat STDIN VSOCK-CONNECT:2:PORT"
#
# and a test passes if the listener did not get "TEST". But ssh joins its arguments with blanks,
# and the other side's shell splits them again. That runs `bash -c echo TEST`, which prints an
# empty line, since TEST is its $0, and has socat send that. So the listener gets an empty line
# if the guest reaches it, that is not "TEST", and the test passes.
#
# Seen: what the other side's shell is given, and what socat reads:
#
#	bash -c echo TEST | socat STDIN VSOCK-CONNECT:2:12345
#	0a
#
# With the command in quotes of its own socat reads "TEST".
#
# Here a small SSH server, which has a shell run what it is given as sshd has, takes the guest's
# place. It needs the network, apt-get, 400 MB in the temporary folder, and about two minutes.
set -euo pipefail

SOURCE=linux-source-7.3=7.3.4-1~bpo13+1
PACKAGES=(openssh-client=1:9.2p1-2+deb12u10 python3-paramiko=2.12.0-2 python3-nacl=1.5.0-2
	python3-bcrypt=3.2.2-1 python3-cryptography=38.0.4-3+deb12u1 python3-cffi-backend=1.15.1-5+b1
	python3-six=1.16.0-4)
FILE=tools/testing/selftests/vsock/vmtest.sh
DIR=$(mktemp -d)
SERVER=
trap '[[ -z $SERVER ]] || kill "$SERVER" 2>/dev/null || true; rm -rf "$DIR"' EXIT

# get SUITE PACKAGE=VERSION...: unpacked in $DIR/root.
get()
{
	local suite=$1 apt=$DIR/apt-$1 deb options

	shift
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/deb" "$DIR/root"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" \
		>"$apt/sources.list"
	options=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=-
		-o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
	apt-get "${options[@]}" update
	(cd "$apt/deb" && apt-get "${options[@]}" download "$@")
	for deb in "$apt"/deb/*.deb; do dpkg-deb -x "$deb" "$DIR/root"; done
}

# The server: anybody may log in; it prints its port, and the command that it is given.
serve()
{
	PYTHONPATH=$DIR/root/usr/lib/python3/dist-packages exec python3 - "$DIR" <<-'END'
	import os, socket, subprocess, sys, threading
	import paramiko

	class Server(paramiko.ServerInterface):
	    done = threading.Event()
	    def get_allowed_auths(self, username): return "none"
	    def check_auth_none(self, username): return paramiko.AUTH_SUCCESSFUL
	    def check_channel_request(self, kind, chanid): return paramiko.OPEN_SUCCEEDED
	    def check_channel_exec_request(self, channel, command):
	        with open(sys.argv[1] + "/command", "wb") as f: f.write(command + b"\n")
	        subprocess.run([b"/bin/bash", b"-c", command], stdin=subprocess.DEVNULL)
	        channel.send_exit_status(0)
	        threading.Timer(1, self.done.set).start()
	        return True

	listener = socket.create_server(("127.0.0.1", 0))
	with open(sys.argv[1] + "/port.part", "w") as f: f.write(str(listener.getsockname()[1]))
	os.rename(sys.argv[1] + "/port.part", sys.argv[1] + "/port")
	key = paramiko.RSAKey.generate(2048)
	while True:
	    transport = paramiko.Transport(listener.accept()[0])
	    transport.add_server_key(key)
	    server = Server()
	    transport.start_server(server=server)
	    server.done.wait(20)
	    server.done.clear()
	    transport.close()
	END
}

# over_ssh WORD...: as vm_ssh in vmtest.sh has it. What socat reads there goes to $DIR/read.
over_ssh()
{
	rm -f "$DIR/read" "$DIR/command"
	"$DIR/root/usr/bin/ssh" -q -F none -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no \
		-p "$(cat "$DIR/port")" localhost "$@" </dev/null || true
}

check()
{
	[[ $2 == "$3" ]] || { echo "changed: $1: '$2', it was '$3'"; exit 1; }
	echo "$1: $2"
}

get bookworm "${PACKAGES[@]}"
get trixie-backports "$SOURCE"
xz -dc "$DIR"/root/usr/src/linux-source-7.3.tar.xz |
	tar -xO --occurrence=1 "linux-source-7.3/$FILE" >"$DIR/vmtest.sh" 2>/dev/null || true
# shellcheck disable=SC2016 # as it is in the file
check "tests with that command" \
	"$(grep -c '^		bash -c "echo TEST | socat STDIN VSOCK-CONNECT:2:${port}"' "$DIR/vmtest.sh")" 2
# shellcheck disable=SC2016
check "tests that pass without TEST" "$(grep -c 'if \[\[ "${result}" != TEST \]\]' "$DIR/vmtest.sh")" 3

# What stands for socat keeps what it reads.
mkdir "$DIR/bin"
printf '#!/bin/sh\ncat >%q\n' "$DIR/read" >"$DIR/bin/socat"
chmod +x "$DIR/bin/socat"
export PATH=$DIR/bin:$PATH
serve 2>"$DIR/server.log" &
SERVER=$!
for _ in {1..100}; do [[ ! -e $DIR/port ]] || break; sleep 0.1; done

port=12345
over_ssh -- bash -c "echo TEST | socat STDIN VSOCK-CONNECT:2:${port}"
check "the other side's shell is given" "$(cat "$DIR/command")" \
	"bash -c echo TEST | socat STDIN VSOCK-CONNECT:2:12345"
check "socat reads" "$(od -An -tx1 "$DIR/read" | tr -d ' \n')" 0a
over_ssh -- "bash -c 'echo TEST | socat STDIN VSOCK-CONNECT:2:${port}'"
check "in quotes of its own socat reads" "$(cat "$DIR/read")" TEST
