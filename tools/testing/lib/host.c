// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
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

int host_set_blocking(int fd, int timeout)
{
	struct timeval tv = { timeout / 1000, timeout % 1000 * 1000 };

	if (fcntl(fd, F_SETFL, 0) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		return -errno;
	return 0;
}

static int new_socket(int socktype)
{
	int fd = socket(AF_VSOCK, socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Close @fd and keep errno. */
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

int host_connect_with(int fd, __u32 cid, __u32 port)
{
	struct sockaddr_vm sa = {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = port,
	};

	return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
}

int host_connect(int socktype, __u32 cid, __u32 port)
{
	int fd = new_socket(socktype), err;

	if (fd < 0)
		return fd;
	err = host_connect_with(fd, cid, port);
	if (!err || err == -EINPROGRESS)
		return fd;
	close(fd);
	return err;
}

int host_connected(int fd, int timeout)
{
	if (!host_poll(fd, POLLOUT, timeout))
		return -ETIMEDOUT;
	return host_error(fd);
}

/* Send as much as there is room for now. 0, or a negative errno. */
static int send_some(struct sending *s)
{
	ssize_t n;

	while (s->len) {
		n = send(s->fd, s->buf, s->len, s->flags | MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
		s->buf += n;
		s->len -= n;
	}
	return 0;
}

static bool may_go_on(int err)
{
	return err == -EAGAIN || err == -EHOSTUNREACH;
}

/* Wait until a send that failed with @err may succeed. poll() does not wait for a stopped guest. */
static bool wait_for_room(int fd, int err, int timeout)
{
	if (err == -EAGAIN)
		return host_poll(fd, POLLOUT, timeout);
	usleep(1000);
	return timeout;
}

static int send_all(struct sending *s)
{
	__u64 deadline = now_ms() + s->timeout;
	int err;

	while (may_go_on(err = send_some(s)))
		if (!wait_for_room(s->fd, err, ms_left(deadline)))
			return -ETIMEDOUT;
	return err;
}

int host_send(int fd, const void *buf, size_t len, int flags, int timeout)
{
	struct sending s = { fd, buf, len, flags, timeout };

	return send_all(&s);
}

static void *send_rest(void *arg)
{
	struct sending *s = arg;

	s->err = send_all(s);
	return NULL;
}

static void start_thread(struct sending *s)
{
	s->waits = true;
	if (pthread_create(&s->thread, NULL, send_rest, s))
		abort();
}

void host_send_begin(struct sending *s, int fd, const void *buf, size_t len,
		     int flags, int timeout)
{
	*s = (struct sending){ fd, buf, len, flags, timeout };
	s->err = send_some(s);
	if (may_go_on(s->err))
		start_thread(s);
}

void host_send_beside(struct sending *s, int fd, const void *buf, size_t len,
		      int flags, int timeout)
{
	*s = (struct sending){ fd, buf, len, flags, timeout };
	start_thread(s);
}

int host_send_end(struct sending *s)
{
	if (s->waits)
		pthread_join(s->thread, NULL);
	s->waits = false;
	return s->err;
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

unsigned int host_linux(void)
{
	unsigned int major, minor;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		abort();
	return LINUX(major, minor);
}

int host_use_cpu(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
}

int host_write_file(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CLOEXEC), err = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	if (n != (ssize_t)strlen(text))
		err = n < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

__s64 host_meminfo_kib(const char *name)
{
	size_t len = strlen(name);
	char line[128];
	__s64 kib = -ENOENT;
	FILE *f = fopen("/proc/meminfo", "r");

	if (!f)
		abort();
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ':') {
			kib = strtoll(line + len + 1, NULL, 10);
			break;
		}
	fclose(f);
	return kib;
}

__u64 host_free_kib(void)
{
	return host_meminfo_kib("MemFree");
}
