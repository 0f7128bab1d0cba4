// SPDX-License-Identifier: GPL-2.0
/*
 * The host's end of a load: what a simple program does with blocking sockets.
 */
#include <fcntl.h>

#include "load.h"

/* One connection, which the guest opened. */
static void play_connection(struct load_end *end, int listener)
{
	int fd = load_accept(listener);

	load_begin(end);
	switch (load_run.load->kind) {
	case LOAD_G2H:
		load_receive_all(fd, end);
		break;
	case LOAD_H2G:
		load_send_all(fd, end);
		break;
	default:
		while (load_receive_message(fd, end))
			load_send_message(fd, end);
	}
	end->end = now_ns();
	close(fd);
}

/* The host closes first: otherwise a guest could open more connections than were accepted. */
static void play_accepts(struct load_pair *p, int listener)
{
	int fd;

	load_begin(&p->host);
	for (;;) {
		fd = load_accept(listener);
		if (flag_get(&p->last))
			break;
		close(fd);
		p->host.rx_messages++;
	}
	p->host.end = now_ns();
	close(fd);
}

static void play_connects(struct load_pair *p, __u32 cid)
{
	load_begin(&p->host);
	while (load_goes_on(p->host.tx_messages)) {
		close(load_dial(SOCK_STREAM, cid, LOAD_GUEST_PORT));
		p->host.tx_messages++;
	}
	p->host.end = now_ns();
	flag_set(&p->last);
	close(load_dial(SOCK_STREAM, cid, LOAD_GUEST_PORT));
}

void load_host(unsigned int i, int listener)
{
	struct load_pair *p = &load_run.shared->pair[i];

	/* host_listen() returns a non-blocking socket. */
	if (fcntl(listener, F_SETFL, 0))
		load_fail("fcntl: %s", strerror(errno));
	switch (load_run.load->kind) {
	case LOAD_CONNECT_G2H:
		play_accepts(p, listener);
		break;
	case LOAD_CONNECT_H2G:
		play_connects(p, load_run.first_cid + i);
		break;
	default:
		play_connection(&p->host, listener);
	}
}
