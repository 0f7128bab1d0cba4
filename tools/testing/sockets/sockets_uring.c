// SPDX-License-Identifier: GPL-2.0
/* Steps of the host through io_uring: one ring, one request at a time. */
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/io_uring.h>

#include "sockets.h"

#define ENTRIES 8
#define MAX_BYTES 65536

static struct {
	int fd;
	void *sq, *cq;
	struct io_uring_params p;
	struct io_uring_sqe *sqes;
} ring = { .fd = -1 };

/* What is needed when the pending request completes. */
static struct {
	struct scene *p;
	struct end *e;
	__u8 op;
	size_t len;
	struct sockaddr_vm sa;
	__u8 data[MAX_BYTES];
} req;

static void *map(size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
		       what);

	if (p == MAP_FAILED)
		give_up("mmap: %m");
	return p;
}

static void ring_setup(void)
{
	const struct io_uring_params *p = &ring.p;

	if (ring.fd >= 0)
		return;
	ring.fd = syscall(__NR_io_uring_setup, ENTRIES, &ring.p);
	if (ring.fd < 0)
		give_up("io_uring_setup: %m");
	ring.sq = map(p->sq_off.array + p->sq_entries * sizeof(__u32),
		      IORING_OFF_SQ_RING);
	ring.cq = map(p->cq_off.cqes +
		      p->cq_entries * sizeof(struct io_uring_cqe),
		      IORING_OFF_CQ_RING);
	ring.sqes = map(p->sq_entries * sizeof(struct io_uring_sqe),
			IORING_OFF_SQES);
}

static long enter(unsigned int submit, unsigned int wait)
{
	return syscall(__NR_io_uring_enter, ring.fd, submit, wait,
		       IORING_ENTER_GETEVENTS, NULL, 0);
}

static void submit(const struct io_uring_sqe *sqe)
{
	atomic_uint *tail = ring.sq + ring.p.sq_off.tail;
	__u32 *array = ring.sq + ring.p.sq_off.array;
	__u32 i = atomic_load(tail) & (ring.p.sq_entries - 1);

	ring.sqes[i] = *sqe;
	array[i] = i;
	atomic_fetch_add(tail, 1);
	if (enter(1, 0) != 1)
		give_up("io_uring_enter: %m");
}

static const struct name ops[] = {
	{ "recv", IORING_OP_RECV }, { "send", IORING_OP_SEND },
	{ "sendzc", IORING_OP_SEND_ZC }, { "accept", IORING_OP_ACCEPT },
	{ "connect", IORING_OP_CONNECT }, { "poll", IORING_OP_POLL_ADD },
	{ "shutdown", IORING_OP_SHUTDOWN }, { "close", IORING_OP_CLOSE },
	{ }
};

static bool sends(void)
{
	return req.op == IORING_OP_SEND || req.op == IORING_OP_SEND_ZC;
}

static void point_to_data(struct io_uring_sqe *sqe)
{
	const struct flow *f = &req.e->host_sends;

	if (sends())
		pattern_fill(req.data, req.len, 100 + f->msg, f->pos);
	sqe->addr = (unsigned long)req.data;
	sqe->len = req.len;
}

static void point_to_address(struct io_uring_sqe *sqe)
{
	req.sa = (struct sockaddr_vm){
		.svm_family = AF_VSOCK,
		.svm_cid = req.p->g.cfg.cid,
		.svm_port = req.e->c.port,
	};
	sqe->addr = (unsigned long)&req.sa;
	sqe->off = sizeof(req.sa);
}

/* uring OP [N] [WAITALL]: start a request. */
static void act_uring(struct scene *p, struct step *s)
{
	struct io_uring_sqe sqe = { .fd = end_of(p, s)->fd };

	ring_setup();
	req.p = p;
	req.e = end_of(p, s);
	req.op = name_arg(s, 0, ops);
	req.len = number_arg(s, 1, 0);
	sqe.opcode = req.op;
	sqe.msg_flags = has_arg(s, "WAITALL") ? MSG_WAITALL : 0;
	if (req.op == IORING_OP_RECV || sends())
		point_to_data(&sqe);
	else if (req.op == IORING_OP_CONNECT)
		point_to_address(&sqe);
	else if (req.op == IORING_OP_ACCEPT)
		sqe.fd = p->end['l' - 'a'].fd;
	else if (req.op == IORING_OP_POLL_ADD)
		sqe.poll_events = POLLIN;
	else if (req.op == IORING_OP_SHUTDOWN)
		sqe.len = req.len;
	submit(&sqe);
}

/* uring_cancel: cancel the pending request. */
static void act_cancel(struct scene *p, struct step *s)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_ASYNC_CANCEL,
		.cancel_flags = IORING_ASYNC_CANCEL_ANY,
		.user_data = 1,
	};

	(void)p;
	(void)s;
	submit(&sqe);
}

/* Update the connection with the request's result. */
static void take_result(struct step *s, int n)
{
	struct flow *f = sends() ? &req.e->host_sends : &req.e->host_gets;

	if (n >= 0 && req.op == IORING_OP_ACCEPT)
		req.e->fd = n;
	if (n < 0 || (!sends() && req.op != IORING_OP_RECV))
		return;
	if (!sends() && pattern_check(req.data, n, f->msg, f->pos) >= 0)
		say(s, " " WRONG ": other data");
	if (req.p->socktype == SOCK_STREAM)
		f->pos += n;
	else
		f->msg++;
}

static void say_completion(struct step *s, const struct io_uring_cqe *c)
{
	if (*s->said)
		say(s, " ");
	if (c->user_data)
		say(s, "cancel: ");
	if (c->flags & IORING_CQE_F_NOTIF)
		say(s, "notification: ");
	else if (!c->user_data)
		take_result(s, c->res);
	say_result(s, !c->user_data && c->res > 0 &&
		   req.op == IORING_OP_ACCEPT ? 0 : c->res);
	if (c->flags & IORING_CQE_F_MORE)
		say(s, " and more");
}

/* reaps [N]: wait for N completions, and print all that are available. */
static void act_reaps(struct scene *p, struct step *s)
{
	atomic_uint *head = ring.cq + ring.p.cq_off.head;
	atomic_uint *tail = ring.cq + ring.p.cq_off.tail;
	struct io_uring_cqe *cqes = ring.cq + ring.p.cq_off.cqes;

	(void)p;
	if (enter(0, number_arg(s, 0, 0)) < 0)
		give_up("io_uring_enter: %m");
	if (atomic_load(head) == atomic_load(tail))
		say(s, "nothing");
	while (atomic_load(head) != atomic_load(tail)) {
		__u32 i = atomic_load(head) & (ring.p.cq_entries - 1);

		say_completion(s, &cqes[i]);
		atomic_fetch_add(head, 1);
	}
}

const struct verb uring_verbs[] = {
	{ "uring", act_uring },
	{ "uring_cancel", act_cancel },
	{ "reaps", act_reaps },
	{ }
};
