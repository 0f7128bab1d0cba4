// SPDX-License-Identifier: GPL-2.0
/*
 * Steps of the host: system calls on sockets, and what they return.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/errqueue.h>
#include <linux/sockios.h>

#include "sockets.h"

#define PAGE 4096UL

static const struct name msg_flags[] = {
	{ "PEEK", MSG_PEEK }, { "WAITALL", MSG_WAITALL },
	{ "TRUNC", MSG_TRUNC }, { "DONTWAIT", MSG_DONTWAIT },
	{ "OOB", MSG_OOB }, { "EOR", MSG_EOR }, { "MORE", MSG_MORE },
	{ "ZEROCOPY", MSG_ZEROCOPY }, { "NOSIGNAL", MSG_NOSIGNAL },
	{ "ERRQUEUE", MSG_ERRQUEUE }, { }
};

static void say_call(struct step *s, long r)
{
	say_result(s, r < 0 ? -errno : r);
}

/* --- connecting --- */

static struct sockaddr_vm address(__u32 cid, __u32 port)
{
	return (struct sockaddr_vm){
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = port,
	};
}

static void new_socket(struct scene *p, struct end *e)
{
	e->fd = socket(AF_VSOCK, p->socktype | SOCK_CLOEXEC, 0);
	if (e->fd < 0)
		give_up("socket: %m");
}

/* socket [plain]: with a long timeout for connect(), so that other steps are in time however slow
 * the machine is. A non-blocking connect() keeps the module from being unloaded for that long.
 */
static void act_socket(struct scene *p, struct step *s)
{
	new_socket(p, end_of(p, s));
	if (!has_arg(s, "plain"))
		do_steps(p, s->slot, "set conntimeo 10000");
}

static struct end *listener(struct scene *p)
{
	return &p->end['l' - 'a'];
}

/* A socket bound to a free port. */
static void act_bound(struct scene *p, struct step *s)
{
	struct sockaddr_vm sa = address(VMADDR_CID_ANY, VMADDR_PORT_ANY);
	socklen_t len = sizeof(sa);
	struct end *l = listener(p);

	(void)s;
	new_socket(p, l);
	if (bind(l->fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    getsockname(l->fd, (struct sockaddr *)&sa, &len))
		give_up("bind: %m");
	p->port = sa.svm_port;
}

/* bind any | same | absent | guest: an address. */
static void act_bind(struct scene *p, struct step *s)
{
	struct sockaddr_vm sa = address(VMADDR_CID_ANY, VMADDR_PORT_ANY);

	if (has_arg(s, "same"))
		sa.svm_port = p->port;
	if (has_arg(s, "absent"))
		sa.svm_cid = test_cid(1);
	if (has_arg(s, "guest"))
		sa.svm_cid = p->g.cfg.cid;
	if (has_arg(s, "host"))
		sa.svm_cid = VMADDR_CID_HOST;
	say_call(s, bind(end_of(p, s)->fd, (struct sockaddr *)&sa, sizeof(sa)));
}

/* listen [BACKLOG] */
static void act_listen(struct scene *p, struct step *s)
{
	if (listener(p)->fd < 0)
		act_bound(p, s);
	if (listen(listener(p)->fd, number_arg(s, 0, 64)))
		say_call(s, -1);
}

/* accept [NONBLOCK]: the result becomes the connection that the step names. */
static void act_accept(struct scene *p, struct step *s)
{
	int fd = accept4(listener(p)->fd, NULL, NULL,
			 has_arg(s, "NONBLOCK") ? SOCK_NONBLOCK : 0);

	if (fd >= 0)
		end_of(p, s)->fd = fd;
	say_call(s, fd < 0 ? fd : 0);
}

/* connect [absent | host | any | hypervisor | local | short | UNSPEC] */
static void act_connect(struct scene *p, struct step *s)
{
	static const struct name cids[] = {
		{ "host", VMADDR_CID_HOST }, { "any", VMADDR_CID_ANY },
		{ "local", 1 }, { }
	};
	struct sockaddr_vm sa = address(flags_arg(s, cids),
					end_of(p, s)->c.port);

	if (has_arg(s, "absent"))
		sa.svm_cid = test_cid(1);
	else if (!sa.svm_cid && !has_arg(s, "hypervisor"))
		sa.svm_cid = p->g.cfg.cid;
	if (has_arg(s, "UNSPEC"))
		sa.svm_family = AF_UNSPEC;
	if (end_of(p, s)->fd < 0)
		new_socket(p, end_of(p, s));
	say_call(s, connect(end_of(p, s)->fd, (struct sockaddr *)&sa,
			    has_arg(s, "short") ? 8 : sizeof(sa)));
}

/* accepted: the guest has connected to the host. */
static void act_accepted(struct scene *p, struct step *s)
{
	if (!p->g.q[0].mem)
		do_steps(p, s->slot, "guest");
	if (listener(p)->fd < 0)
		do_steps(p, s->slot, "listen");
	do_steps(p, s->slot, "request; awaits RESPONSE; accept");
	if (end_of(p, s)->fd < 0)
		give_up("accept");
}

/* connected: the host has connected to the guest. */
static void act_connected(struct scene *p, struct step *s)
{
	if (!p->g.q[0].mem)
		do_steps(p, s->slot, "guest");
	if (end_of(p, s)->fd < 0)
		do_steps(p, s->slot, "socket");
	do_steps(p, s->slot,
		 "nonblock; connect; response; until OUT; nonblock off");
	if (host_error(end_of(p, s)->fd))
		give_up("connect");
	*p->told = '\0';
}

/* --- data --- */

/* A buffer of N bytes, of which all, half (CUT) or none (BAD) are mapped. */
static void *buffer(const struct step *s, size_t len)
{
	size_t there = has_arg(s, "BAD") ? 0 : has_arg(s, "CUT") ? len / 2 : len;
	size_t size = (len / PAGE + 3) * PAGE;
	__u8 *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		give_up("mmap: %m");
	if (there == len)
		return map;
	/* The mapped part ends at the end of a page. */
	munmap(map + size - PAGE, PAGE);
	return map + size - PAGE - there;
}

/* send N [FLAGS] [BAD | CUT] [TO]: TO: with an address. The buffer is not freed. */
static void act_send(struct scene *p, struct step *s)
{
	struct sockaddr_vm sa = address(p->g.cfg.cid, end_of(p, s)->c.port);
	struct end *e = end_of(p, s);
	struct flow *f = &e->host_sends;
	size_t len = number_arg(s, 0, 0);
	struct iovec iov = { buffer(s, len), len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (!has_arg(s, "BAD") && !has_arg(s, "CUT"))
		pattern_fill(iov.iov_base, len, 100 + f->msg, f->pos);
	if (has_arg(s, "TO")) {
		m.msg_name = &sa;
		m.msg_namelen = sizeof(sa);
	}
	n = sendmsg(e->fd, &m, flags_arg(s, msg_flags));
	say_call(s, n);
	if (n >= 0 && p->socktype == SOCK_SEQPACKET)
		f->msg++;
	else if (n > 0)
		f->pos += n;
}

static void check_received(struct scene *p, struct step *s, const void *buf,
			   ssize_t n, bool peek)
{
	struct flow *f = &end_of(p, s)->host_gets;
	ssize_t len = number_arg(s, 0, 0);

	if (n < 0 || (!n && !len))
		return;
	if (pattern_check(buf, n < len ? n : len, f->msg, f->pos) >= 0)
		say(s, " " WRONG ": other data");
	if (!peek && p->socktype == SOCK_STREAM)
		f->pos += n;
	if (!peek && n && p->socktype == SOCK_SEQPACKET)
		f->msg++;
}

/* recv N [FLAGS] [BAD | CUT] */
static void act_recv(struct scene *p, struct step *s)
{
	size_t len = number_arg(s, 0, 0);
	struct iovec iov = { buffer(s, len), len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	long flags = flags_arg(s, msg_flags);
	ssize_t n;

	n = recvmsg(end_of(p, s)->fd, &m, flags);
	say_call(s, n);
	if (n >= 0)
		say(s, "%s%s", m.msg_flags & MSG_TRUNC ? " TRUNC" : "",
		    m.msg_flags & MSG_EOR ? " EOR" : "");
	if (!has_arg(s, "BAD") && !has_arg(s, "CUT") && !has_arg(s, "OTHER"))
		check_received(p, s, iov.iov_base, n, flags & MSG_PEEK);
}

/* skips: a message that the host could not read was dropped. */
static void act_skips(struct scene *p, struct step *s)
{
	end_of(p, s)->host_gets.msg++;
}

/* completions: those of MSG_ZEROCOPY that have arrived. */
static void act_completions(struct scene *p, struct step *s)
{
	struct sock_extended_err *err;
	union {
		struct cmsghdr align;
		char buf[256];
	} control;
	struct msghdr m = { .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	host_poll(end_of(p, s)->fd, POLLERR, STEP_TIMEOUT);
	if (recvmsg(end_of(p, s)->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
		say_call(s, -1);
		return;
	}
	c = CMSG_FIRSTHDR(&m);
	if (!c) {
		say(s, "no control message");
		return;
	}
	err = (struct sock_extended_err *)CMSG_DATA(c);
	say(s, "%u to %u level %d type %d errno %u origin %u code %u",
	    err->ee_info, err->ee_data, c->cmsg_level, c->cmsg_type,
	    err->ee_errno, err->ee_origin, err->ee_code);
}

/* --- ending connections --- */

static void act_close(struct scene *p, struct step *s)
{
	struct end *e = end_of(p, s);

	p->closed = now_ms();
	say_call(s, close(e->fd));
	e->fd = -1;
}

static void act_shutdown(struct scene *p, struct step *s)
{
	static const struct name how[] = {
		{ "rd", SHUT_RD }, { "wr", SHUT_WR }, { "rdwr", SHUT_RDWR },
		{ "3", 3 }, { }
	};

	say_call(s, shutdown(end_of(p, s)->fd, name_arg(s, 0, how)));
}

/* --- options and state --- */

enum option_type { INT_OPTION, U64_OPTION, TIME_OPTION, LINGER_OPTION };

struct option {
	const char *name;
	int level;
	int number;
	enum option_type type;
};

static const struct option options[] = {
	{ "size", AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, U64_OPTION },
	{ "min", AF_VSOCK, SO_VM_SOCKETS_BUFFER_MIN_SIZE, U64_OPTION },
	{ "max", AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, U64_OPTION },
	{ "conntimeo", AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW,
	  TIME_OPTION },
	{ "peerid", AF_VSOCK, SO_VM_SOCKETS_PEER_HOST_VM_ID, U64_OPTION },
	{ "trusted", AF_VSOCK, SO_VM_SOCKETS_TRUSTED, U64_OPTION },
	{ "nonblock_txrx", AF_VSOCK, SO_VM_SOCKETS_NONBLOCK_TXRX, U64_OPTION },
	{ "lowat", SOL_SOCKET, SO_RCVLOWAT, INT_OPTION },
	{ "sndbuf", SOL_SOCKET, SO_SNDBUF, INT_OPTION },
	{ "zerocopy", SOL_SOCKET, SO_ZEROCOPY, INT_OPTION },
	{ "type", SOL_SOCKET, SO_TYPE, INT_OPTION },
	{ "domain", SOL_SOCKET, SO_DOMAIN, INT_OPTION },
	{ "listening", SOL_SOCKET, SO_ACCEPTCONN, INT_OPTION },
	{ "err", SOL_SOCKET, SO_ERROR, INT_OPTION },
	{ "rcvtimeo", SOL_SOCKET, SO_RCVTIMEO, TIME_OPTION },
	{ "sndtimeo", SOL_SOCKET, SO_SNDTIMEO, TIME_OPTION },
	{ "linger", SOL_SOCKET, SO_LINGER, LINGER_OPTION },
};

static const struct option *find_option(const struct step *s)
{
	unsigned int i;

	for (i = 0; s->argc && i < ARRAY_SIZE(options); i++)
		if (!strcmp(options[i].name, s->arg[0]))
			return &options[i];
	give_up("there is no such option");
}

union option_value {
	int number;
	__u64 large;
	struct timeval time;
	struct linger linger;
};

static socklen_t option_size(enum option_type type)
{
	static const socklen_t sizes[] = {
		[INT_OPTION] = sizeof(int), [U64_OPTION] = sizeof(__u64),
		[TIME_OPTION] = sizeof(struct timeval),
		[LINGER_OPTION] = sizeof(struct linger),
	};

	return sizes[type];
}

/* set OPTION VALUE [of l] [size N]: times are in milliseconds. */
static void act_set(struct scene *p, struct step *s)
{
	const struct option *o = find_option(s);
	union option_value v = { 0 };
	long value = number_arg(s, 1, 0);

	switch (o->type) {
	case INT_OPTION:
		v.number = value;
		break;
	case U64_OPTION:
		v.large = value;
		break;
	case TIME_OPTION:
		v.time.tv_sec = value / 1000;
		v.time.tv_usec = value % 1000 * 1000;
		break;
	case LINGER_OPTION:
		v.linger.l_onoff = value >= 0;
		v.linger.l_linger = value;
		break;
	}
	if (setsockopt(end_of(p, s)->fd, o->level, o->number, &v,
		       number_arg(s, 2, option_size(o->type))))
		say_call(s, -1);
}

/* get OPTION */
static void act_get(struct scene *p, struct step *s)
{
	const struct option *o = find_option(s);
	socklen_t len = number_arg(s, 1, option_size(o->type));
	union option_value v = { 0 };

	if (getsockopt(end_of(p, s)->fd, o->level, o->number, &v, &len)) {
		say_call(s, -1);
		return;
	}
	if (o->type == U64_OPTION)
		say(s, "%llu", (unsigned long long)v.large);
	else if (o->type == TIME_OPTION)
		say(s, "%ld ms", v.time.tv_sec * 1000 + v.time.tv_usec / 1000);
	else
		say(s, "%d", v.number);
}

/* err: SO_ERROR, which clears it. */
static void act_err(struct scene *p, struct step *s)
{
	say_result(s, host_error(end_of(p, s)->fd));
}

/* name, peer: symbolic, as numbers differ in each run. */
static void say_address(struct scene *p, struct step *s,
			const struct sockaddr_vm *sa)
{
	if (sa->svm_cid == VMADDR_CID_ANY)
		say(s, "CID any");
	else if (sa->svm_cid == p->g.cfg.cid)
		say(s, "CID guest");
	else
		say(s, "CID %u", sa->svm_cid);
	if (sa->svm_port == VMADDR_PORT_ANY)
		say(s, " port any");
	else if (sa->svm_port == p->port)
		say(s, " port of listener");
	else if (sa->svm_port == end_of(p, s)->c.port)
		say(s, " port of guest");
	else if (sa->svm_port == end_of(p, s)->c.peer_port)
		say(s, " port of connection");
	else
		say(s, " another port");
	say(s, " flags %u", sa->svm_flags);
}

static void act_name(struct scene *p, struct step *s)
{
	bool peer = !strcmp(s->verb->name, "peer");
	struct sockaddr_vm sa = { 0 };
	socklen_t len = sizeof(sa);
	int fd = end_of(p, s)->fd;
	int r = peer ? getpeername(fd, (struct sockaddr *)&sa, &len) :
		       getsockname(fd, (struct sockaddr *)&sa, &len);

	if (r < 0)
		say_call(s, r);
	else
		say_address(p, s, &sa);
}

/* outq, inq: bytes not sent, bytes not read. */
static void act_queue(struct scene *p, struct step *s)
{
	unsigned long req = !strcmp(s->verb->name, "inq") ? SIOCINQ : SIOCOUTQ;
	int n = -1, r = ioctl(end_of(p, s)->fd, req, &n);

	say_call(s, r < 0 ? r : n);
}

/* nonblock [off] */
static void act_nonblock(struct scene *p, struct step *s)
{
	int off = has_arg(s, "off");

	if (fcntl(end_of(p, s)->fd, F_SETFL, off ? 0 : O_NONBLOCK))
		say_call(s, -1);
}

/* dgram [raw]: create a socket of a type that is not supported for guests. */
static void act_dgram(struct scene *p, struct step *s)
{
	struct end *e = end_of(p, s);

	(void)p;
	e->fd = socket(AF_VSOCK, has_arg(s, "raw") ? SOCK_RAW : SOCK_DGRAM, 0);
	say_call(s, e->fd < 0 ? e->fd : 0);
}

const struct verb host_verbs[] = {
	{ "socket", act_socket },
	{ "dgram", act_dgram },
	{ "bound", act_bound },
	{ "bind", act_bind },
	{ "listen", act_listen },
	{ "accept", act_accept },
	{ "connect", act_connect },
	{ "accepted", act_accepted },
	{ "connected", act_connected },
	{ "send", act_send },
	{ "recv", act_recv },
	{ "skips", act_skips },
	{ "completions", act_completions },
	{ "close", act_close },
	{ "shutdown", act_shutdown },
	{ "set", act_set },
	{ "get", act_get },
	{ "err", act_err },
	{ "name", act_name },
	{ "peer", act_name },
	{ "outq", act_queue },
	{ "inq", act_queue },
	{ "nonblock", act_nonblock },
	{ }
};
