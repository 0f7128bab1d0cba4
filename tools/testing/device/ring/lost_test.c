// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that are rejected after the device has read their destination: their content is lost, so
 * their connection does not continue as if nothing had happened. Both ends are notified, after the
 * data before.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

#define BEFORE 1000	/* bytes that arrive */

enum lost_by { OVER_MAX, OVER_CHAIN, NO_PAGE };

struct lost {
	const char *name;
	enum lost_by by;
	int socktype;
	enum counter reason;
};

/* A packet with header @p, whose payload the device can't access. */
static void send_lost(struct guest *g, enum lost_by by, struct pkt p)
{
	struct seg segs[2] = { { GUEST_EDGE - HDR_LEN, HDR_LEN, false },
			       { GUEST_EDGE, 4096, false } };
	struct virtio_vsock_hdr h;

	p.len = by == NO_PAGE ? 4096 : by == OVER_CHAIN ? 4097 :
				 MAX_PAYLOAD + 1;
	if (by == OVER_MAX)
		segs[1].len = p.len;
	if (by == NO_PAGE)
		munmap(g->mem.region[3].va, page_size());
	h = pkt_encode(&p);
	require_ok(mem_write(&g->mem, segs[0].addr, &h, HDR_LEN));
	require_ok(guest_send_segs(g, segs, 2, TIMEOUT));
}

/* Map again what was unmapped, as the guest's memory is freed at the end. */
static void undo(struct guest *g)
{
	void *va = g->mem.region[3].va;

	require(mmap(va, page_size(), PROT_READ | PROT_WRITE,
		     MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, -1, 0) == va, "mmap");
}

static void check_before(int fd)
{
	__u8 in[BEFORE];

	require_ok(host_recv(fd, in, sizeof(in), TIMEOUT));
	require(pattern_check(in, sizeof(in), 3, 0) < 0, "data differ");
}

static void on_connection(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct lost *t = arg;
	struct counters before;
	__u8 out[BEFORE], byte;
	struct session s, other;
	int err;

	session_guest_connects(&s, &cfg, t->socktype);
	session_another(&other, &s, SOCK_STREAM, 1);
	before = counters_read(&s.g);
	pattern_fill(out, sizeof(out), 3, 0);
	require_ok(conn_send_rw(&s.c, out, sizeof(out), VIRTIO_VSOCK_SEQ_EOM,
				TIMEOUT));
	send_lost(&s.g, t->by, conn_pkt(&s.c, VIRTIO_VSOCK_OP_RW));
	counters_expect(&s.g, &before, t->reason, 1);
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	check_before(s.fd);
	err = host_recv(s.fd, &byte, 1, TIMEOUT);
	/* AF_VSOCK's recv() of seqpackets checks for the error only before it waits. */
	if (t->socktype == SOCK_SEQPACKET && err == -EPIPE)
		err = host_error(s.fd);
	require(err == -ECONNRESET, "recv(): %s", strerror(-err));
	err = host_send(s.fd, &byte, 1, 0, TIMEOUT);
	require(err == -EPIPE || err == -ECONNRESET, "send(): %s", strerror(-err));
	undo(&s.g);
	session_exchange(&other, 1000);
	session_close_another(&other);
	session_close(&s);
}

/* A reader that waits in recv() is woken at once. */
static void wakes_reader(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct counters before;
	struct session s;
	__u8 byte;
	pid_t pid;
	int err;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	before = counters_read(&s.g);
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	pid = fork();
	if (!pid) {
		err = recv(s.fd, &byte, 1, 0) < 0 ? errno : 0;
		_exit(err == ECONNRESET ? 0 : 1);
	}
	wait_asleep(pid);
	send_lost(&s.g, OVER_CHAIN, conn_pkt(&s.c, VIRTIO_VSOCK_OP_RW));
	counters_expect(&s.g, &before, REJ_BAD_LEN, 1);
	require(waitpid(pid, &err, 0) == pid && !err, "recv(): 0x%x", err);
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	session_close(&s);
}

/* With another guest's CID: no connection is reset. */
static void of_another(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct counters before;
	struct session s;
	struct pkt p;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	before = counters_read(&s.g);
	p = conn_pkt(&s.c, VIRTIO_VSOCK_OP_RW);
	p.src_cid++;
	send_lost(&s.g, OVER_CHAIN, p);
	counters_expect(&s.g, &before, REJ_BAD_CID, 1);
	session_exchange(&s, 1000);
	session_close(&s);
}

/* Without a connection the answer is RST, except to RST. */
static void for_nobody(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct counters before;
	struct packet *answer;
	struct session s;
	struct pkt p;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	before = counters_read(&s.g);
	p = conn_pkt(&s.c, VIRTIO_VSOCK_OP_REQUEST);
	p.src_port++;
	send_lost(&s.g, OVER_CHAIN, p);
	answer = guest_recv(&s.g, TIMEOUT);
	require(answer && answer->hdr.op == VIRTIO_VSOCK_OP_RST &&
		answer->hdr.dst_port == p.src_port, "no RST");
	free(answer);
	p.op = VIRTIO_VSOCK_OP_RST;
	send_lost(&s.g, OVER_CHAIN, p);
	require(!guest_recv(&s.g, QUIET), "RST is answered");
	counters_expect(&s.g, &before, REJ_BAD_LEN, 2);
	session_exchange(&s, 1000);
	session_close(&s);
}

/* Packets that answer connect(), or report a reset by the guest, take effect all the same. */
static void answers(const void *arg)
{
	static const __u16 ops[] = { VIRTIO_VSOCK_OP_RESPONSE,
				     VIRTIO_VSOCK_OP_RST };
	static const int errors[] = { -EPROTO, -ECONNRESET };
	struct guest_config cfg = test_config(0);
	struct packet *request;
	unsigned int i;
	struct guest g;
	struct pkt p;
	int fd, err;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		fd = host_connect(SOCK_STREAM, cfg.cid, 77);
		require_ok(fd);
		request = guest_recv(&g, TIMEOUT);
		require(request && request->hdr.op == VIRTIO_VSOCK_OP_REQUEST,
			"no REQUEST");
		p = (struct pkt){
			.src_cid = cfg.cid, .dst_cid = HOST_CID,
			.src_port = 77, .dst_port = request->hdr.src_port,
			.type = VIRTIO_VSOCK_TYPE_STREAM, .op = ops[i],
		};
		free(request);
		send_lost(&g, OVER_CHAIN, p);
		err = host_connected(fd, TIMEOUT);
		require(err == errors[i], "op %u: %s", ops[i], strerror(-err));
		close(fd);
		/* RST is not answered. */
		require(!guest_recv(&g, i ? QUIET : TIMEOUT) == !!i, "op %u: RST",
			ops[i]);
	}
	guest_stop(&g);
}

void add_lost_tests(void)
{
	static const struct lost all[] = {
		{ "over 64 KiB", OVER_MAX, SOCK_STREAM, REJ_BAD_LEN },
		{ "over 64 KiB, seqpacket", OVER_MAX, SOCK_SEQPACKET,
		  REJ_BAD_LEN },
		{ "over the chain", OVER_CHAIN, SOCK_STREAM, REJ_BAD_LEN },
		{ "over the chain, seqpacket", OVER_CHAIN, SOCK_SEQPACKET,
		  REJ_BAD_LEN },
		{ "a page that the VMM has not", NO_PAGE, SOCK_STREAM,
		  REJ_BAD_ADDRESS },
		{ "a page that the VMM has not, seqpacket", NO_PAGE,
		  SOCK_SEQPACKET, REJ_BAD_ADDRESS },
	};
	static const char g[] = "lost packet";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		session_test(g, all[i].name, on_connection, &all[i],
			     TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "wakes the reader", wakes_reader, NULL, TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "of another guest's CID", of_another, NULL, TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "for nobody", for_nobody, NULL, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "answers to connect()", answers, NULL, TAP_MVSOCK,
		     RINGS_BOTH);
}
