// SPDX-License-Identifier: GPL-2.0
/*
 * A load whose guest is a virtual machine: programs with sockets at both ends.
 *
 * The guest's end gets its commands on a separate connection, on which it behaves like a child of
 * load_run.c: it reports that it is ready, and starts at the end of file of the other direction.
 * Then it sends its counts.
 */
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "host.h"
#include "load.h"

#define CONTROL_PORT 1233

/* The command to the guest's end, which runs the same program. */
struct vm_request {
	char name[32];
	enum load_kind kind;
	int socktype;
	__u32 size;
	__u32 pause;
	bool flood;
	__u32 port;		/* the host's port */
	double seconds;
	__u64 count;
};

static void write_all(int fd, const void *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	if (n != (ssize_t)len)
		load_fail("telling the other end: %s", strerror(errno));
}

/* False if the other end has closed. */
static bool read_all(int fd, void *data, size_t len)
{
	return recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

/* --- connections --------------------------------------------------------------
 *
 * One after the other: the end that opened a connection waits until the other end has closed
 * it. The last one carries a byte, and is not counted.
 */

/* Linux may report ENOTCONN when both ends have shut down. */
static bool ended(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return !n || (n < 0 && errno == ENOTCONN);
}

static void dials(struct load_end *end, __u32 cid, __u32 port)
{
	bool last = false;
	int fd;

	while (!last) {
		fd = load_dial(SOCK_STREAM, cid, port);
		last = !load_goes_on(end->tx_messages);
		if (last)
			write_all(fd, "", 1);
		else
			end->tx_messages++;
		shutdown(fd, SHUT_WR);
		if (!ended(fd))
			load_fail("a connection was reset: %s", strerror(errno));
		close(fd);
	}
	end->end = now_ns();
}

static void accepts(struct load_end *end, int listener)
{
	ssize_t n;
	char byte;
	int fd;

	for (;;) {
		fd = load_accept(listener);
		n = recv(fd, &byte, 1, 0);
		if (n < 0)
			load_fail("a connection was reset: %s", strerror(errno));
		close(fd);
		if (n)
			break;
		end->rx_messages++;
	}
	end->end = now_ns();
}

/* --- a flood ------------------------------------------------------------------
 *
 * A second connection, between separate processes, until the guest's process is killed.
 */

static pid_t flood_begin(int fd, void (*play)(int fd, struct load_end *end))
{
	struct load_end end = { 0 };
	pid_t pid = load_need(fork());

	if (pid) {
		close(fd);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	play(fd, &end);
	_exit(0);
}

static void flood_send(int fd, struct load_end *end)
{
	for (;;)
		load_send_message(fd, end);
}

/* --- the host's side ---------------------------------------------------------- */

static __u32 cid_of(unsigned int i)
{
	return load_run.opt->vm + i;
}

/* The flood's connection is accepted first. */
static void host_take_flood(int listener)
{
	if (fcntl(listener, F_SETFL, 0))
		load_fail("fcntl: %s", strerror(errno));
	flood_begin(load_accept(listener), load_receive_all);
}

void load_vm_host(unsigned int i, int listener)
{
	struct load_end *end = &load_run.shared->pair[i].host;

	if (load_run.load->flood)
		host_take_flood(listener);
	switch (load_run.load->kind) {
	case LOAD_CONNECT_G2H:
		if (fcntl(listener, F_SETFL, 0))
			load_fail("fcntl: %s", strerror(errno));
		load_begin(end);
		accepts(end, listener);
		break;
	case LOAD_CONNECT_H2G:
		load_begin(end);
		dials(end, cid_of(i), LOAD_GUEST_PORT);
		break;
	default:
		load_host(i, listener);
	}
}

/* The guest's clock is a different one. */
static void take_report(int fd, struct load_pair *p)
{
	const __u64 start = p->guest.start;

	if (!read_all(fd, &p->guest, sizeof(p->guest)) ||
	    (load_run.load->kind == LOAD_RTT &&
	     !read_all(fd, &p->hist, sizeof(p->hist))))
		load_fail("the guest's end failed; its console says why");
	p->guest.end += start - p->guest.start;
	p->guest.start = start;
}

void load_vm_guest(unsigned int i, __u32 port)
{
	const struct load *l = load_run.load;
	struct load_pair *p = &load_run.shared->pair[i];
	struct vm_request r = {
		.kind = l->kind, .socktype = l->socktype, .size = l->size,
		.pause = l->pause, .flood = l->flood, .port = port,
		.seconds = load_run.opt->seconds, .count = load_run.opt->count,
	};
	int fd = load_dial(SOCK_STREAM, cid_of(i), CONTROL_PORT);
	char what;

	snprintf(r.name, sizeof(r.name), "%s", l->name);
	write_all(fd, &r, sizeof(r));
	if (!read_all(fd, &what, 1) || what != '.')
		load_fail("the guest's end failed; its console says why");
	load_begin(&p->guest);
	shutdown(fd, SHUT_WR);
	take_report(fd, p);
	close(fd);
}

static bool read_counter(const char *path, const char *format, __u64 *n)
{
	FILE *f = fopen(path, "r");
	bool good = false;
	char line[4096];

	while (f && !good && fgets(line, sizeof(line), f))
		good = sscanf(line, format, n) == 1;
	if (!good)
		load_complain("%s cannot be read", path);
	if (f)
		fclose(f);
	return good;
}

/* KVM's counters are sums over all virtual machines. */
bool load_vm_count(struct load_vm_counters *c)
{
	return read_counter("/sys/kernel/debug/kvm/exits", "%llu", &c->exits) &&
	       read_counter("/sys/kernel/debug/kvm/irq_injections", "%llu",
			    &c->interrupts) &&
	       read_counter("/proc/stat", "ctxt %llu", &c->switches);
}

/* --- the guest's side --------------------------------------------------------- */

/* As load_begin(), with a child process that stops the load. */
static void begin(struct load_end *end)
{
	const double s = load_run.opt->seconds;

	load_begin(end);
	if (load_run.opt->count || fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	usleep(s * 1e6);
	flag_set(&load_run.shared->stop);
	_exit(0);
}

static void round_trips(int fd, struct load_pair *p)
{
	struct load_end *end = &p->guest;
	__u64 before = end->start, now;

	while (load_goes_on(end->tx_messages)) {
		if (load_run.load->pause) {
			usleep(load_run.load->pause);
			before = now_ns();
		}
		load_send_message(fd, end);
		if (!load_receive_message(fd, end))
			load_fail("the host closed the connection");
		now = now_ns();
		load_hist_add(&p->hist, now - before);
		before = now;
	}
}

static void play_connection(struct load_pair *p, __u32 port)
{
	struct load_end *end = &p->guest;
	pid_t flood = 0;
	int fd;

	if (load_run.load->flood)
		flood = flood_begin(load_dial(SOCK_STREAM, VMADDR_CID_HOST, port),
				    flood_send);
	fd = load_dial(load_run.load->socktype, VMADDR_CID_HOST, port);
	begin(end);
	switch (load_run.load->kind) {
	case LOAD_G2H:
		load_send_all(fd, end);
		break;
	case LOAD_H2G:
		load_receive_all(fd, end);
		break;
	default:
		round_trips(fd, p);
	}
	end->end = now_ns();
	/* Kill it first: it might see the other end close, and report that as a failure. */
	if (flood)
		kill(flood, SIGKILL);
	close(fd);
}

static void play_accepts(struct load_end *end)
{
	int listener = load_need(host_listen_on(SOCK_STREAM, LOAD_GUEST_PORT));

	if (fcntl(listener, F_SETFL, 0))
		load_fail("fcntl: %s", strerror(errno));
	begin(end);
	accepts(end, listener);
}

/* One load, requested on @fd. */
static void serve_one(int fd)
{
	static struct load_options opt;
	static struct load l;
	struct vm_request r;
	struct load_pair *p;

	if (!read_all(fd, &r, sizeof(r)))
		return;
	opt.seconds = r.seconds;
	opt.count = r.count;
	opt.vm = VMADDR_CID_HOST;
	l = (struct load) {
		.name = r.name, .kind = r.kind, .socktype = r.socktype,
		.size = r.size, .pause = r.pause, .flood = r.flood,
	};
	load_attach(&l, &opt, fd);
	p = &load_run.shared->pair[0];
	switch (l.kind) {
	case LOAD_CONNECT_G2H:
		begin(&p->guest);
		dials(&p->guest, VMADDR_CID_HOST, r.port);
		break;
	case LOAD_CONNECT_H2G:
		play_accepts(&p->guest);
		break;
	default:
		play_connection(p, r.port);
	}
	write_all(fd, &p->guest, sizeof(p->guest));
	if (l.kind == LOAD_RTT)
		write_all(fd, &p->hist, sizeof(p->hist));
}

int load_serve(void)
{
	int listener = host_listen_on(SOCK_STREAM, CONTROL_PORT), fd;

	if (listener < 0 || fcntl(listener, F_SETFL, 0)) {
		fprintf(stderr, "load: listening: %s\n",
			strerror(listener < 0 ? -listener : errno));
		return 1;
	}
	/* When the caller continues, there must be a listener. */
	if (fork())
		return 0;
	signal(SIGCHLD, SIG_IGN);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (!fork()) {
			serve_one(fd);
			_exit(0);
		}
		close(fd);
	}
	perror("load: accept");
	return 1;
}
