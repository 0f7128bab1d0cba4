// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets that are closed while they connect, are accepted, or send; connections that are listed
 * and reset by netlink.
 */
#include <linux/mvsock.h>

#include "genl.h"
#include "races.h"

static void shut_down_one(struct race_run *r)
{
	struct race_host *h = &r->host[rng_below(&r->rng, ARRAY_SIZE(r->host))];
	int fd = __atomic_load_n(&h->fd, __ATOMIC_RELAXED);

	if (fd >= 0)
		shutdown(fd, rng_below(&r->rng, 3));
	race_sleep(&r->rng, 3000);
}

/* Replace the socket's file: later calls of its program have no effect on the connection. */
static void close_one(struct race_run *r)
{
	struct race_host *h = &r->host[rng_below(&r->rng, ARRAY_SIZE(r->host))];
	int fd = __atomic_load_n(&h->fd, __ATOMIC_RELAXED), other;

	other = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	require(other >= 0, "socket: %s", strerror(errno));
	if (fd >= 0)
		dup2(other, fd);
	close(other);
	race_sleep(&r->rng, 3000);
}

static void close_connecting(struct race_run *r)
{
	int fd[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = host_connect(rng_one_in(&r->rng, 2) ? SOCK_STREAM : SOCK_SEQPACKET,
				     r->cfg.cid, 1 + rng_below(&r->rng, 1000));
	race_sleep(&r->rng, 1000);
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

static void close_listening(struct race_run *r)
{
	race_listen(r, rng_below(&r->rng, 2));
	race_sleep(&r->rng, 3000);
}

static void ignore(const struct nlattr *attrs, int len, void *arg)
{
	(void)attrs;
	(void)len;
	(void)arg;
}

/* Of this guest, or of all. */
static void list(struct race_run *r)
{
	struct genl_request request;
	struct genl c;

	require_ok(genl_open(&c, MVSOCK_FAMILY_NAME));
	request = genl_request(&c, MVSOCK_CMD_CONN_GET);
	if (rng_one_in(&r->rng, 2))
		genl_add_u32(&request, MVSOCK_A_CONN_CID, r->cfg.cid);
	require_ok(genl_dump(&c, &request, ignore, NULL));
	genl_close(&c);
	race_sleep(&r->rng, 500);
}

static void reset_all(struct race_run *r)
{
	struct genl_request request;
	struct genl c;
	int ret;

	require_ok(genl_open(&c, MVSOCK_FAMILY_NAME));
	request = genl_request(&c, MVSOCK_CMD_CONN_RESET);
	genl_add_u32(&request, MVSOCK_A_CONN_CID, r->cfg.cid);
	ret = genl_do(&c, &request);
	require(!ret || ret == -ENOENT, "reset: %s", strerror(-ret));
	genl_close(&c);
	list(r);
	race_sleep(&r->rng, 20000);
}

void add_connection_races(void)
{
	static const struct race races[] = {
		{ "shutdown, reset against send", RACE_RUDE, shut_down_one },
		{ "close against send", RACE_RUDE, close_one },
		{ "close against connect", 0, close_connecting },
		{ "reset, close against connect", RACE_RUDE, close_connecting },
		{ "close against accept", RACE_RUDE, close_listening },
		{ "netlink list", RACE_STRICT, list },
		{ "netlink reset", RACE_RUDE, reset_all },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(races); i++)
		session_test("race", races[i].name, race_run, &races[i], 0,
			     RINGS_BOTH);
}
