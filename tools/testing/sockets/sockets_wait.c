// SPDX-License-Identifier: GPL-2.0
/* Steps of the host: poll and epoll, and sockets shared with or passed to other processes. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sockets.h"

/* poll() and epoll use the same bits. */
static const struct name events[] = {
	{ "IN", POLLIN }, { "OUT", POLLOUT }, { "RDHUP", POLLRDHUP },
	{ "ERR", POLLERR }, { "HUP", POLLHUP }, { "NVAL", POLLNVAL },
	{ "PRI", POLLPRI }, { "RDNORM", POLLRDNORM },
	{ "WRNORM", POLLWRNORM }, { "RDBAND", POLLRDBAND },
	{ "WRBAND", POLLWRBAND }, { "ET", (long)EPOLLET },
	{ "ONESHOT", EPOLLONESHOT }, { }
};

static void say_events(struct step *s, long mask)
{
	const struct name *n;
	bool any = false;

	for (n = events; n->name; n++) {
		if (!(mask & n->value))
			continue;
		say(s, "%s%s", any ? "|" : "", n->name);
		any = true;
	}
	if (!any)
		say(s, "nothing");
}

static void poll_for(struct scene *p, struct step *s, int mask, int timeout)
{
	struct pollfd f = { .fd = end_of(p, s)->fd, .events = mask };

	if (poll(&f, 1, timeout) < 0)
		say_result(s, -errno);
	else
		say_events(s, f.revents);
}

/* poll: all current events. */
static void act_poll(struct scene *p, struct step *s)
{
	poll_for(p, s, ~(POLLNVAL | POLLERR | POLLHUP) & 0x3fff, 0);
}

/* polls EVENT...: wait without a timeout. */
static void act_polls(struct scene *p, struct step *s)
{
	poll_for(p, s, flags_arg(s, events), -1);
}

/* until EVENT...: wait for an event, without printing it. */
static void act_until(struct scene *p, struct step *s)
{
	if (!host_poll(end_of(p, s)->fd, flags_arg(s, events), 12000))
		give_up("there is no event");
}

/* --- epoll --- */

static int epoll_fd = -1;

static void epoll_set(struct scene *p, struct step *s, int op)
{
	struct epoll_event e = { .events = flags_arg(s, events) };

	if (epoll_ctl(epoll_fd, op, end_of(p, s)->fd, &e))
		say_result(s, -errno);
}

/* epoll EVENT...: watch for these events. */
static void act_epoll(struct scene *p, struct step *s)
{
	if (epoll_fd < 0)
		epoll_fd = epoll_create1(0);
	epoll_set(p, s, EPOLL_CTL_ADD);
}

static void act_rearm(struct scene *p, struct step *s)
{
	epoll_set(p, s, EPOLL_CTL_MOD);
}

static void epoll_for(struct step *s, int timeout)
{
	struct epoll_event e = { 0 };
	int n = epoll_wait(epoll_fd, &e, 1, timeout);

	if (n < 0)
		say_result(s, -errno);
	else
		say_events(s, e.events);
}

/* events: those that epoll reports now. */
static void act_events(struct scene *p, struct step *s)
{
	(void)p;
	epoll_for(s, 0);
}

/* epolls: wait without a timeout. */
static void act_epolls(struct scene *p, struct step *s)
{
	(void)p;
	epoll_for(s, -1);
}

/* --- SIGIO --- */

static atomic_bool had_sigio;

static void on_sigio(int number)
{
	(void)number;
	atomic_store(&had_sigio, true);
}

static void act_async(struct scene *p, struct step *s)
{
	int fd = end_of(p, s)->fd;

	signal(SIGIO, on_sigio);
	if (fcntl(fd, F_SETOWN, getpid()) || fcntl(fd, F_SETFL, O_ASYNC))
		say_result(s, -errno);
}

/* sigio: whether there was one since the last sigio step. */
static void act_sigio(struct scene *p, struct step *s)
{
	(void)p;
	say(s, atomic_exchange(&had_sigio, false) ? "yes" : "no");
}

/* --- other processes and descriptors --- */

static pid_t holder;
static int hold_pipe[2];

/* holds: another process has the sockets, too, but not the device. */
static void act_holds(struct scene *p, struct step *s)
{
	char c;

	(void)s;
	if (pipe(hold_pipe))
		give_up("pipe: %m");
	holder = fork();
	if (holder < 0)
		give_up("fork: %m");
	if (!holder) {
		close(p->g.dev.fd);
		close(hold_pipe[1]);
		_exit(read(hold_pipe[0], &c, 1));
	}
	close(hold_pipe[0]);
}

/* releases: that process exits. */
static void act_releases(struct scene *p, struct step *s)
{
	(void)p;
	(void)s;
	close(hold_pipe[1]);
	waitpid(holder, NULL, 0);
}

/* dup: the connection that is named gets a duplicate of s's descriptor. */
static void act_dup(struct scene *p, struct step *s)
{
	end_of(p, s)->fd = dup(p->end['s' - 'a'].fd);
}

static int mail[2] = { -1, -1 };

struct letter {
	struct msghdr m;
	struct iovec iov;
	char byte;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
};

static void write_letter(struct letter *l)
{
	*l = (struct letter){ 0 };
	l->iov = (struct iovec){ &l->byte, 1 };
	l->m = (struct msghdr){
		.msg_iov = &l->iov,
		.msg_iovlen = 1,
		.msg_control = &l->control,
		.msg_controllen = sizeof(l->control),
	};
}

/* mails: the socket is in flight through a Unix socket, without any other reference. */
static void act_mails(struct scene *p, struct step *s)
{
	struct letter l;

	if (mail[0] < 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, mail))
		give_up("socketpair: %m");
	write_letter(&l);
	l.control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&l.control.header), &end_of(p, s)->fd, sizeof(int));
	if (sendmsg(mail[0], &l.m, 0) != 1)
		give_up("sendmsg: %m");
	close(end_of(p, s)->fd);
	end_of(p, s)->fd = -1;
}

/* takes: receive the socket in flight. */
static void act_takes(struct scene *p, struct step *s)
{
	struct letter l;

	write_letter(&l);
	if (recvmsg(mail[1], &l.m, 0) != 1)
		give_up("recvmsg: %m");
	memcpy(&end_of(p, s)->fd, CMSG_DATA(&l.control.header), sizeof(int));
}

/* loses: drop the socket in flight. */
static void act_loses(struct scene *p, struct step *s)
{
	(void)p;
	(void)s;
	close(mail[0]);
	close(mail[1]);
}

const struct verb wait_verbs[] = {
	{ "poll", act_poll },
	{ "polls", act_polls },
	{ "until", act_until },
	{ "epoll", act_epoll },
	{ "rearm", act_rearm },
	{ "events", act_events },
	{ "epolls", act_epolls },
	{ "async", act_async },
	{ "sigio", act_sigio },
	{ "holds", act_holds },
	{ "releases", act_releases },
	{ "dup", act_dup },
	{ "mails", act_mails },
	{ "takes", act_takes },
	{ "loses", act_loses },
	{ }
};
