// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#include "host.h"

int host_poll(int fd, int events, int timeout)
{
	struct pollfd p = { .fd = fd, .events = events };
	int r;

	do {
		r = poll(&p, 1, timeout);
	} while (r < 0 && errno == EINTR);
	return r > 0 ? p.revents : 0;
}

int host_error(int fd)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return -err;
}

static int new_socket(int socktype)
{
	int fd = socket(AF_VSOCK, socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Close @fd, keep the error that was. */
static int fail(int fd)
{
	int err = -errno;

	close(fd);
	return err;
}

int host_listen_on(int socktype, __u32 port)
{
	struct sockaddr_vm sa = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = port,
	};
	int fd = new_socket(socktype);

	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 64))
		return fail(fd);
	return fd;
}

int host_listen(int socktype, __u32 *port)
{
	struct sockaddr_vm sa;
	socklen_t len = sizeof(sa);
	int fd = host_listen_on(socktype, VMADDR_PORT_ANY);

	if (fd < 0)
		return fd;
	if (getsockname(fd, (struct sockaddr *)&sa, &len))
		return fail(fd);
	*port = sa.svm_port;
	return fd;
}

int host_accept(int fd, int timeout)
{
	int r;

	if (!host_poll(fd, POLLIN, timeout))
		return -ETIMEDOUT;
	r = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return r < 0 ? -errno : r;
}

int host_connect(int socktype, __u32 cid, __u32 port)
{
	struct sockaddr_vm sa = {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = port,
	};
	int fd = new_socket(socktype);

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) &&
	    errno != EINPROGRESS)
		return fail(fd);
	return fd;
}

int host_connected(int fd, int timeout)
{
	if (!host_poll(fd, POLLOUT, timeout))
		return -ETIMEDOUT;
	return host_error(fd);
}

int host_send(int fd, const void *buf, size_t len, int flags, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	ssize_t n;

	while (len) {
		n = send(fd, buf, len, flags | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			buf += n;
			len -= n;
		} else if (!host_poll(fd, POLLOUT, ms_left(deadline))) {
			return -ETIMEDOUT;
		}
	}
	return 0;
}

int host_recv(int fd, void *buf, size_t len, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	ssize_t n;

	while (len) {
		n = recv(fd, buf, len, 0);
		if (!n)
			return -EPIPE;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			buf += n;
			len -= n;
		} else if (!host_poll(fd, POLLIN, ms_left(deadline))) {
			return -ETIMEDOUT;
		}
	}
	return 0;
}
