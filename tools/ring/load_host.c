// SPDX-License-Identifier: GPL-2.0
/*
 * The host's end of a load: what a simple program does with blocking sockets.
 */
#include <fcntl.h>
#include <linux/vm_sockets.h>

#include "host.h"
#include "load.h"

/* What one recv() takes, if there is so much. */
#define READ_LEN (64 * 1024)

static __u8 buf[READ_LEN];

static int accept_blocking(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static void send_bytes(int fd, struct load_end *end, __u32 len)
{
	ssize_t n;
	__u32 left;

	for (left = len; left; left -= n) {
		n = send(fd, buf, left, MSG_NOSIGNAL);
		if (n <= 0)
			load_fail("the host's send: %s", strerror(errno));
	}
	end->tx_bytes += len;
}

/* As much as there is, at most @len bytes; 0 at the end. */
static __u32 receive(int fd, struct load_end *end, __u32 len)
{
	ssize_t n = recv(fd, buf, len, 0);

	if (n < 0)
		load_fail("the host's recv: %s", strerror(errno));
	end->rx_bytes += n;
	return n;
}

static void receive_all(int fd, struct load_end *end)
{
	const struct load *l = load_run.load;
	__u32 n;

	while ((n = receive(fd, end, READ_LEN))) {
		if (l->socktype == SOCK_STREAM)
			continue;
		if (n != l->size)
			load_fail("the host got a message of %u bytes", n);
		end->rx_messages++;
	}
	if (l->socktype == SOCK_STREAM)
		end->rx_messages = end->rx_bytes / l->size;
}

static void send_all(int fd, struct load_end *end)
{
	while (load_goes_on(end->tx_messages)) {
		send_bytes(fd, end, load_run.load->size);
		end->tx_messages++;
	}
}

static void echo_all(int fd, struct load_end *end)
{
	const __u32 size = load_run.load->size;
	__u32 n, got;

	for (;;) {
		for (got = 0; got < size; got += n) {
			n = receive(fd, end, size - got);
			if (!n)
				return;
		}
		end->rx_messages++;
		send_bytes(fd, end, size);
		end->tx_messages++;
	}
}

/* One connection, which the guest opened. */
static void play_connection(struct load_end *end, int listener)
{
	int fd = load_need(accept_blocking(listener));

	load_begin(end);
	switch (load_run.load->kind) {
	case LOAD_G2H:
		receive_all(fd, end);
		break;
	case LOAD_H2G:
		send_all(fd, end);
		break;
	default:
		echo_all(fd, end);
	}
	end->end = now_ns();
	close(fd);
}

/* The host closes first: a guest that did could open more than were accepted. */
static void play_accepts(struct load_pair *p, int listener)
{
	int fd;

	load_begin(&p->host);
	for (;;) {
		fd = load_need(accept_blocking(listener));
		if (flag_get(&p->last))
			break;
		close(fd);
		p->host.rx_messages++;
	}
	p->host.end = now_ns();
	close(fd);
}

static int dial(__u32 cid)
{
	struct sockaddr_vm sa = {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = LOAD_GUEST_PORT,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return -errno;
	return fd;
}

static void play_connects(struct load_pair *p, __u32 cid)
{
	load_begin(&p->host);
	while (load_goes_on(p->host.tx_messages)) {
		close(load_need(dial(cid)));
		p->host.tx_messages++;
	}
	p->host.end = now_ns();
	flag_set(&p->last);
	close(load_need(dial(cid)));
}

void load_host(unsigned int i, int listener)
{
	struct load_pair *p = &load_run.shared->pair[i];

	/* host_listen() has it otherwise. */
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
