// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#include "talk.h"

struct host_end {
	int fd;
	bool messages;
	struct rng *rng;
	struct talk_way in;
	struct talk_way out;
	__u8 buf[MAX_PAYLOAD];
};

static int begin(struct host_end *e)
{
	struct sockaddr_vm here, there;
	socklen_t len = sizeof(here);
	int type;

	if (getsockname(e->fd, (struct sockaddr *)&here, &len))
		return -errno;
	len = sizeof(there);
	if (getpeername(e->fd, (struct sockaddr *)&there, &len))
		return -errno;
	len = sizeof(type);
	if (getsockopt(e->fd, SOL_SOCKET, SO_TYPE, &type, &len))
		return -errno;
	e->messages = type == SOCK_SEQPACKET;
	talk_way_begin(&e->in, there.svm_port, here.svm_port, false);
	talk_way_begin(&e->out, there.svm_port, here.svm_port, true);
	return 0;
}

/* Returns the number of bytes written, or a negative errno; a message is written whole. */
static int write_some(struct host_end *e)
{
	__u32 len = e->messages ? talk_message(&e->out) :
				  1 + rng_size(e->rng, MAX_PAYLOAD - 1);
	struct talk_way before = e->out;
	ssize_t n;

	if (len > e->out.total - e->out.pos)
		len = e->out.total - e->out.pos;
	talk_fill(&e->out, e->buf, len);
	n = send(e->fd, e->buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == (ssize_t)len)
		return n;
	require(n < 0 || !e->messages, "a part of a message was sent");
	e->out = before;
	/* A stopped guest will be started again; poll() does not wait for that. */
	if (n < 0 && errno == EHOSTUNREACH) {
		usleep(1000);
		return -EAGAIN;
	}
	if (n < 0)
		return -errno;
	talk_fill(&e->out, e->buf, n);
	return n;
}

static int read_some(struct host_end *e)
{
	size_t room = e->messages ? sizeof(e->buf) :
				    1 + rng_size(e->rng, sizeof(e->buf) - 1);
	ssize_t n = recv(e->fd, e->buf, room, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	if (!n)
		return -EPIPE;
	require(!e->messages || n == talk_message(&e->in),
		"a message has %zd bytes, not %u", n, talk_message(&e->in));
	talk_check(&e->in, e->buf, n);
	return n;
}

/* Memory may be short for a moment. */
static bool passes(int err)
{
	return err == -EAGAIN || err == -ENOMEM || err == -ENOBUFS || err == -EINTR;
}

/* One step in each direction that has data left. Returns whether there was progress, or a negative
 * errno.
 */
static int step(struct host_end *e)
{
	int in = -EAGAIN, out = -EAGAIN;

	if (!talk_way_done(&e->in))
		in = read_some(e);
	if (!talk_way_done(&e->out))
		out = write_some(e);
	if (in < 0 && !passes(in))
		return in;
	if (out < 0 && !passes(out))
		return out;
	return in > 0 || out > 0;
}

static int events(const struct host_end *e)
{
	return (talk_way_done(&e->in) ? 0 : POLLIN) |
	       (talk_way_done(&e->out) ? 0 : POLLOUT);
}

int talk_host(int fd, struct rng *rng, int patience, __u64 *bytes)
{
	/* Static, as allocations may fail. */
	static __thread struct host_end end;
	struct host_end *e = &end;
	__u64 deadline = now_ms() + patience;
	int err;

	e->fd = fd;
	e->rng = rng;
	err = begin(e);
	while (!err && !(talk_way_done(&e->in) && talk_way_done(&e->out))) {
		err = step(e);
		if (err > 0) {
			deadline = now_ms() + patience;
			err = 0;
		} else if (!err && !ms_left(deadline)) {
			err = -ETIMEDOUT;
		} else if (!err) {
			host_poll(fd, events(e), patience / 100);
		}
	}
	if (!err && shutdown(fd, SHUT_RDWR))
		err = -errno;
	if (!err)
		*bytes = e->in.total + e->out.total;
	return err;
}
