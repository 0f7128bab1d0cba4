// SPDX-License-Identifier: GPL-2.0
/*
 * What a simple program does with blocking sockets, at either end of a load.
 */
#include <linux/vm_sockets.h>

#include "load.h"

/* Maximum for one recv(). */
#define READ_LEN (64 * 1024)

/* Linux resets a seqpacket connection when about 450 messages are unread, however small they are,
 * in guests as in vhost_vsock. The ring driver handles that itself; programs in virtual machines
 * get a message each time that this many messages were read, and have at most twice as many unread.
 */
#define SEQ_READ 128

static __u8 buf[READ_LEN];

static bool counts_messages(void)
{
	return load_run.opt->vm && load_run.load->socktype == SOCK_SEQPACKET;
}

static void tell_read(int fd)
{
	if (send(fd, buf, 1, MSG_NOSIGNAL) != 1)
		load_fail("send: %s", strerror(errno));
}

/* Wait until fewer than @unread of the sent messages are unread. */
static void wait_read(int fd, const struct load_end *end, __u64 *read, __u32 unread)
{
	for (; end->tx_messages - *read >= unread; *read += SEQ_READ)
		if (recv(fd, buf, 1, 0) != 1)
			load_fail("recv: %s", strerror(errno));
}

int load_dial(int socktype, __u32 cid, __u32 port)
{
	struct sockaddr_vm sa = {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = port,
	};
	int fd = socket(AF_VSOCK, socktype | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		load_fail("connecting to %u:%u: %s", cid, port, strerror(errno));
	return fd;
}

int load_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		load_fail("accept: %s", strerror(errno));
	return fd;
}

void load_send_message(int fd, struct load_end *end)
{
	__u32 left;
	ssize_t n;

	for (left = load_run.load->size; left; left -= n) {
		n = send(fd, buf, left, MSG_NOSIGNAL);
		if (n <= 0)
			load_fail("send: %s", strerror(errno));
	}
	end->tx_bytes += load_run.load->size;
	end->tx_messages++;
}

/* Receive as much as there is, at most @len bytes; 0 at the end. */
static __u32 receive(int fd, struct load_end *end, __u32 len)
{
	ssize_t n = recv(fd, buf, len, 0);

	if (n < 0)
		load_fail("recv: %s", strerror(errno));
	end->rx_bytes += n;
	return n;
}

bool load_receive_message(int fd, struct load_end *end)
{
	const __u32 size = load_run.load->size;
	__u32 n, got;

	for (got = 0; got < size; got += n) {
		n = receive(fd, end, size - got);
		if (!n)
			return false;
	}
	end->rx_messages++;
	return true;
}

void load_receive_all(int fd, struct load_end *end)
{
	const struct load *l = load_run.load;
	__u32 n;

	while ((n = receive(fd, end, READ_LEN))) {
		if (l->socktype == SOCK_STREAM)
			continue;
		if (n != l->size)
			load_fail("a message of %u bytes came", n);
		end->rx_messages++;
		if (counts_messages() && !(end->rx_messages % SEQ_READ))
			tell_read(fd);
	}
	if (l->socktype == SOCK_STREAM)
		end->rx_messages = end->rx_bytes / l->size;
}

void load_send_all(int fd, struct load_end *end)
{
	__u64 read = 0;

	while (load_goes_on(end->tx_messages)) {
		load_send_message(fd, end);
		if (counts_messages())
			wait_read(fd, end, &read, 2 * SEQ_READ);
	}
	/* Data that were not read before the close may be lost. */
	if (counts_messages())
		wait_read(fd, end, &read, SEQ_READ);
}
