// SPDX-License-Identifier: GPL-2.0
/* Steps of the host: other calls for reading and writing. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sockets.h"

#define MAX_BYTES 65536

static __u8 data[MAX_BYTES];

static void say_call(struct step *s, long r)
{
	say_result(s, r < 0 ? -errno : r);
}

static size_t fill(struct scene *p, struct step *s)
{
	struct flow *f = &end_of(p, s)->host_sends;
	size_t len = number_arg(s, 0, 0);

	pattern_fill(data, len, 100 + f->msg, f->pos);
	return len;
}

static void sent(struct scene *p, struct step *s, ssize_t n)
{
	struct flow *f = &end_of(p, s)->host_sends;

	say_call(s, n);
	if (n <= 0)
		return;
	if (p->socktype == SOCK_SEQPACKET)
		f->msg++;
	else
		f->pos += n;
}

static void received(struct scene *p, struct step *s, ssize_t n)
{
	struct flow *f = &end_of(p, s)->host_gets;

	say_call(s, n);
	if (n <= 0)
		return;
	if (pattern_check(data, n, f->msg, f->pos) >= 0)
		say(s, " " WRONG ": other data");
	if (p->socktype == SOCK_SEQPACKET)
		f->msg++;
	else
		f->pos += n;
}

static void act_write(struct scene *p, struct step *s)
{
	size_t len = fill(p, s);

	sent(p, s, write(end_of(p, s)->fd, data, len));
}

static void act_read(struct scene *p, struct step *s)
{
	received(p, s, read(end_of(p, s)->fd, data, number_arg(s, 0, 0)));
}

/* writev, readv N M: with two pieces. */
static void act_writev(struct scene *p, struct step *s)
{
	size_t first = number_arg(s, 1, 0);
	struct iovec iov[2] = {
		{ data, first }, { data + first, fill(p, s) - first }
	};

	sent(p, s, writev(end_of(p, s)->fd, iov, 2));
}

static void act_readv(struct scene *p, struct step *s)
{
	size_t first = number_arg(s, 1, 0);
	struct iovec iov[2] = {
		{ data, first }, { data + first, number_arg(s, 0, 0) - first }
	};

	received(p, s, readv(end_of(p, s)->fd, iov, 2));
}

static void new_pipe(int *fds)
{
	if (pipe2(fds, O_NONBLOCK))
		give_up("pipe: %m");
}

static void close_pipe(const int *fds)
{
	close(fds[0]);
	close(fds[1]);
}

/* splice_in N: from the socket, through a pipe. */
static void act_splice_in(struct scene *p, struct step *s)
{
	unsigned int flags = has_arg(s, "NONBLOCK") ? SPLICE_F_NONBLOCK : 0;
	ssize_t n;
	int fds[2];

	new_pipe(fds);
	n = splice(end_of(p, s)->fd, NULL, fds[1], NULL, number_arg(s, 0, 0),
		   flags);
	if (n > 0 && read(fds[0], data, MAX_BYTES) != n)
		give_up("read from pipe");
	received(p, s, n);
	close_pipe(fds);
}

static void act_splice_out(struct scene *p, struct step *s)
{
	size_t len = fill(p, s);
	int fds[2];

	new_pipe(fds);
	if (write(fds[1], data, len) != (ssize_t)len)
		give_up("write to pipe");
	sent(p, s, splice(fds[0], NULL, end_of(p, s)->fd, NULL, len, 0));
	close_pipe(fds);
}

static void act_sendfile(struct scene *p, struct step *s)
{
	int fd = memfd_create("sendfile", MFD_CLOEXEC);
	size_t len = fill(p, s);
	off_t from = 0;

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		give_up("memfd: %m");
	sent(p, s, sendfile(end_of(p, s)->fd, fd, &from, len));
	close(fd);
}

/* sendmmsg, recvmmsg N COUNT: COUNT messages at once. */
static void act_sendmmsg(struct scene *p, struct step *s)
{
	size_t len = number_arg(s, 0, 0), count = number_arg(s, 1, 1), i;
	struct flow *f = &end_of(p, s)->host_sends;
	struct mmsghdr m[8] = { 0 };
	struct iovec iov[8];
	int n;

	for (i = 0; i < count && i < ARRAY_SIZE(m); i++) {
		bool stream = p->socktype == SOCK_STREAM;

		iov[i] = (struct iovec){ data + i * len, len };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
		pattern_fill(data + i * len, len,
			     100 + f->msg + (stream ? 0 : i),
			     f->pos + (stream ? i * len : 0));
	}
	n = sendmmsg(end_of(p, s)->fd, m, i, MSG_DONTWAIT);
	say_call(s, n);
	for (i = 0; n > 0 && i < (size_t)n; i++) {
		say(s, " %u", m[i].msg_len);
		if (p->socktype == SOCK_SEQPACKET)
			f->msg++;
		else
			f->pos += m[i].msg_len;
	}
}

const struct verb io_verbs[] = {
	{ "write", act_write },
	{ "read", act_read },
	{ "writev", act_writev },
	{ "readv", act_readv },
	{ "splice_in", act_splice_in },
	{ "splice_out", act_splice_out },
	{ "sendfile", act_sendfile },
	{ "sendmmsg", act_sendmmsg },
	{ }
};
