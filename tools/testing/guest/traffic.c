// SPDX-License-Identifier: GPL-2.0
/*
 * Checked traffic, for both ends of a connection:
 *
 *	traffic serve PORT		send back received data, on each connection
 *	traffic stream CID PORT FILE	send a pattern, check the data sent back;
 *					with TRAFFIC_PAUSE_US between chunks
 *	traffic hold CID PORT		connect, and wait for the end
 *	traffic flood CID PORT N	start N connections at once, and wait for
 *					the ends of all: there is no listener
 *
 * Each one daemonizes when it listens or is connected, and prints its process ID. FILE has the
 * number of bytes that came back correctly. SIGTERM ends a stream: data in flight must still come
 * back, and nothing after them. A line "WHAT: ... after N bytes" says how a connection ended.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"

#define CHUNK 16384
/* Maximum of data in flight. Both ends have room for more. */
#define WINDOW (8 * CHUNK)
#define CONNECT_TIMEOUT 20000
/* Default pause between chunks: an emulated guest has other things to do. */
#define PAUSE_US 10000
#define FOREVER INT_MAX

/* Daemonize: let the caller continue. Returns 0 or a negative errno. */
static int background(const char *state)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid)
		_exit(0);
	printf("%s %d\n", state, getpid());
	fflush(stdout);
	return 0;
}

/* How a connection ended, as an exit status. */
static int ended(const char *what, int err, __u64 bytes)
{
	printf("%s: %s after %llu bytes\n", what, strerror(-err), bytes);
	fflush(stdout);
	return err ? 1 : 0;
}

/*
 * Returns the number of bytes, or how the connection ended: 0 or a negative errno. A reset
 * connection reads like a closed one, except for its error.
 */
static ssize_t recv_some(int fd, void *buf, size_t len)
{
	ssize_t n = recv(fd, buf, len, 0);

	if (n < 0)
		return -errno;
	return n ?: host_error(fd);
}

static int echo(int fd)
{
	char buf[CHUNK];
	__u64 bytes = 0;
	ssize_t n;
	int r;

	for (;;) {
		host_poll(fd, POLLIN, FOREVER);
		n = recv_some(fd, buf, sizeof(buf));
		if (n <= 0)
			return ended("serve", n, bytes);
		bytes += n;
		r = host_send(fd, buf, n, 0, FOREVER);
		if (r)
			return ended("serve", r, bytes);
	}
}

static int serve(__u32 port)
{
	__u64 deadline = now_ms() + CONNECT_TIMEOUT;
	int listener, fd;

	/* The previous server may have been killed just before. */
	do {
		listener = host_listen_on(SOCK_STREAM, port);
	} while (listener == -EADDRINUSE && ms_left(deadline) &&
		 !usleep(PAUSE_US));
	if (listener < 0)
		return ended("listen", listener, 0);
	signal(SIGCHLD, SIG_IGN);
	if (background("listening"))
		return 1;
	for (;;) {
		fd = host_accept(listener, FOREVER);
		if (fd < 0)
			return ended("accept", fd, 0);
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			_exit(echo(fd));
		}
		close(fd);
	}
}

struct stream {
	int fd, progress, signals;
	unsigned int pause_us;
	bool closed;
	__u64 sent, came;
};

static int stream_send(struct stream *s)
{
	char buf[CHUNK];
	ssize_t n;

	pattern_fill(buf, sizeof(buf), 0, s->sent);
	n = send(s->fd, buf, sizeof(buf), MSG_NOSIGNAL);
	/* A stopped guest continues after some time. */
	if (n < 0 && errno != EAGAIN && errno != EHOSTUNREACH)
		return -errno;
	if (n > 0)
		s->sent += n;
	if (s->pause_us)
		usleep(s->pause_us);
	return 0;
}

/* Returns 1 as long as more may come, then how the connection ended. */
static int stream_recv(struct stream *s)
{
	char buf[CHUNK], text[32];
	ssize_t n;

	n = recv_some(s->fd, buf, sizeof(buf));
	if (n == -EAGAIN)
		return 1;
	if (!n)
		return s->closed && s->came == s->sent ? 0 : -EPIPE;
	if (n < 0)
		return n;
	if (pattern_check(buf, n, 0, s->came) >= 0)
		return -EBADMSG;
	s->came += n;
	sprintf(text, "%llu\n", s->came);
	return pwrite(s->progress, text, strlen(text), 0) < 0 ? -errno : 1;
}

static bool asked_to_end(struct stream *s)
{
	struct signalfd_siginfo info;

	return read(s->signals, &info, sizeof(info)) == sizeof(info);
}

static int stream_run(struct stream *s)
{
	int events, r;

	do {
		if (!s->closed && asked_to_end(s)) {
			shutdown(s->fd, SHUT_WR);
			s->closed = true;
		}
		events = POLLIN;
		if (!s->closed && s->sent - s->came < WINDOW)
			events |= POLLOUT;
		/* Wake up from time to time, to check for SIGTERM. */
		events = host_poll(s->fd, events, 100);
		r = 1;
		if (events & ~POLLOUT)
			r = stream_recv(s);
		if (r > 0 && events & POLLOUT)
			r = stream_send(s) ?: 1;
	} while (r > 0);
	return r;
}

static int connect_to(__u32 cid, __u32 port)
{
	int fd = host_connect(SOCK_STREAM, cid, port), r;

	if (fd < 0)
		return fd;
	r = host_connected(fd, CONNECT_TIMEOUT) ?: background("connected");
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

static int stream(__u32 cid, __u32 port, const char *path)
{
	const char *pause = getenv("TRAFFIC_PAUSE_US");
	struct stream s = { .pause_us = pause ? atoi(pause) : PAUSE_US };
	sigset_t term;
	int r;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	s.signals = signalfd(-1, &term, SFD_NONBLOCK);
	s.progress = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (s.signals < 0 || s.progress < 0)
		return ended(path, -errno, 0);
	s.fd = connect_to(cid, port);
	if (s.fd < 0)
		return ended("connect", s.fd, 0);
	r = stream_run(&s);
	return ended("stream", r, s.came);
}

static int hold(__u32 cid, __u32 port)
{
	int fd = connect_to(cid, port);
	char byte;

	if (fd < 0)
		return ended("connect", fd, 0);
	host_poll(fd, POLLIN, FOREVER);
	return ended("hold", recv_some(fd, &byte, 1), 0);
}

static int flood(unsigned int cid, unsigned int port, unsigned int n)
{
	const struct rlimit files = { n + 16, n + 16 };
	unsigned int i, connected = 0;
	__u64 end;
	int *fd = calloc(n, sizeof(*fd));

	if (!fd || setrlimit(RLIMIT_NOFILE, &files))
		return ended("flood", -errno, 0);
	for (i = 0; i < n; i++) {
		fd[i] = host_connect(SOCK_STREAM, cid, port);
		if (fd[i] < 0)
			return ended("flood", fd[i], i);
	}
	end = now_ms() + CONNECT_TIMEOUT;
	for (i = 0; i < n; i++) {
		connected += !host_connected(fd[i], ms_left(end));
		close(fd[i]);
	}
	return ended("flood", connected ? -EISCONN : 0, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 3 && !strcmp(what, "serve"))
		return serve(atoi(argv[2]));
	if (argc == 5 && !strcmp(what, "stream"))
		return stream(atoi(argv[2]), atoi(argv[3]), argv[4]);
	if (argc == 4 && !strcmp(what, "hold"))
		return hold(atoi(argv[2]), atoi(argv[3]));
	if (argc == 5 && !strcmp(what, "flood"))
		return flood(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
	fputs("usage: traffic serve PORT | stream CID PORT FILE | hold CID PORT |\n"
	      "               flood CID PORT N\n", stderr);
	return 2;
}
