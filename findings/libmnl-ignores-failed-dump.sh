#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# libmnl takes a list that the kernel could not make for a complete one.
#
# Version:   libmnl 1.0.4 (Debian's libmnl0 and libmnl-dev 1.0.4-3), any Linux since 4.20
# Function:  mnl_cb_run()
#
# A dump of netlink ends with NLMSG_DONE, whose payload is 0 or the error because of which it ended
# early. One would expect mnl_cb_run() to return -1 with that errno, as it does for NLMSG_ERROR. It
# returns 0 (MNL_CB_STOP) in either case, and does not touch errno: a program that prints a list
# prints an empty or a short one, and exits with 0. A program can pass its own callback for
# NLMSG_DONE to mnl_cb_run2().
#
# Seen, for the addresses of an interface that does not exist, with NETLINK_GET_STRICT_CHK:
#
#	NLMSG_DONE has the error -19
#	mnl_cb_run() returns 0, errno 0
#
# It needs the network, apt-get, gcc, a few MB in the temporary folder, and half a minute.
set -euo pipefail

PACKAGES=(libmnl0=1.0.4-3 libmnl-dev=1.0.4-3)
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

# get PACKAGE=VERSION...: these, unpacked in $DIR/root.
get()
{
	local apt=$DIR/apt deb options

	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$DIR/root"
	: >"$apt/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main" \
		>"$apt/sources.list"
	options=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=-
		-o "Dir::State::Lists=$apt/lists" -o "Dir::State::Status=$apt/status"
		-o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1)
	apt-get "${options[@]}" update
	apt-get "${options[@]}" install --download-only --no-install-recommends -y "$@"
	for deb in "$apt"/cache/archives/libmnl*.deb; do dpkg-deb -x "$deb" "$DIR/root"; done
}

get "${PACKAGES[@]}"
cd "$DIR"
cat >list.c <<'C'
#include <errno.h>
#include <stdio.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

int main(void)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	char buf[8192] = { 0 };
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *m;
	int on = 1, ret;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on)) < 0)
		return 2;
	h->nlmsg_type = RTM_GETADDR;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = 1;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifa_family = AF_INET;
	m->ifa_index = 0x7ffffff0;
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return 2;
	ret = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (ret < 0 || h->nlmsg_type != NLMSG_DONE)
		return 2;
	printf("NLMSG_DONE has the error %d\n", *(int *)mnl_nlmsg_get_payload(h));
	errno = 0;
	ret = mnl_cb_run(buf, ret, 1, mnl_socket_get_portid(nl), NULL, NULL);
	printf("mnl_cb_run() returns %d, errno %d\n", ret, errno);
	return 0;
}
C
lib=root/usr/lib/x86_64-linux-gnu
gcc -isystem root/usr/include list.c -o list "$(echo "$lib"/libmnl.so.0.*)"
LD_LIBRARY_PATH=$lib ./list | tee seen
cmp -s seen - <<END || { echo "the output is another one"; exit 1; }
NLMSG_DONE has the error -19
mnl_cb_run() returns 0, errno 0
END
echo "as described"
