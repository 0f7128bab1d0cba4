// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that the VMM has to bring in and does not, as in a postcopy migration with a slow
 * source. Only the device's worker waits for it.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "device_test.h"
#include "session.h"

/* Address of the memory that is held back. */
#define HELD	GUEST_EDGE
#define LEN	1000U

static const int stream = SOCK_STREAM, seqpacket = SOCK_SEQPACKET;

static int hold(const struct session *s)
{
	int memory = mem_hold(&s->g.mem.region[3]);

	require_ok(memory);
	return memory;
}

/* A connection to a guest whose only receive buffer is in memory that is held back. */
static int connect_held(struct session *s, int socktype)
{
	struct seg seg = { HELD, 4096, true };
	int memory;

	session_no_rx(s, socktype);
	memory = hold(s);
	require_ok(ring_add(&s->g.q[RXQ].ring, &seg, 1, NULL));
	guest_kick(&s->g, RXQ);
	return memory;
}

static void expect_x(struct session *s)
{
	struct packet *p = conn_recv_packet(&s->c, TIMEOUT);

	require(p && p->hdr.len == 1 && p->data[0] == 'x',
		"the packet was lost");
	free(p);
}

static void send_in_vain(int fd)
{
	require(send(fd, "x", 1, MSG_DONTWAIT) < 0 && errno == EAGAIN,
		"send: %s", strerror(errno));
}

/* send() finds a chain whose memory is not present: with MSG_DONTWAIT it does not block. */
static void send_with_dontwait(const void *arg)
{
	struct session s;
	int memory;

	memory = connect_held(&s, *(const int *)arg);
	send_in_vain(s.fd);
	require(host_poll(memory, POLLIN, TIMEOUT), "nothing accesses the memory");
	/* The first POLLOUT may be due to the chain, before its memory was found to be missing. */
	send_in_vain(s.fd);
	require(!host_poll(s.fd, POLLOUT, QUIET), "POLLOUT");
	neighbour_exchange(LEN);
	close(memory);
	require(host_poll(s.fd, POLLOUT, TIMEOUT), "no POLLOUT");
	require_ok(host_send(s.fd, "x", 1, 0, TIMEOUT));
	require(guest_wait_used(&s.g, RXQ) == HDR_LEN + 1, "used length");
	session_close(&s);
}

/* The same without MSG_DONTWAIT: the socket's lock is free meanwhile. */
static void send_that_waits(const void *arg)
{
	__u64 size = 256 * 1024;
	struct sending x;
	struct session s;
	int memory;

	memory = connect_held(&s, *(const int *)arg);
	host_send_begin(&x, s.fd, "x", 1, 0, TIMEOUT);
	require(host_poll(memory, POLLIN, TIMEOUT), "nothing accesses the memory");
	require(!setsockopt(s.fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size,
			    sizeof(size)), "setsockopt: %s", strerror(errno));
	close(memory);
	require_ok(host_send_end(&x));
	require(guest_wait_used(&s.g, RXQ) == HDR_LEN + 1, "used length");
	session_close(&s);
}

/* Make a packet available whose payload is in memory that is held back. */
static void send_held(struct session *s, __u64 header)
{
	struct seg segs[] = { { header, HDR_LEN, false }, { HELD, LEN, false } };
	struct pkt p = conn_pkt(&s->c, VIRTIO_VSOCK_OP_RW);
	struct virtio_vsock_hdr h;

	p.len = LEN;
	if (s->c.type == VIRTIO_VSOCK_TYPE_SEQPACKET)
		p.flags = VIRTIO_VSOCK_SEQ_EOM;
	s->c.tx_cnt += LEN;
	h = pkt_encode(&p);
	require_ok(mem_write(&s->g.mem, header, &h, sizeof(h)));
	require_ok(ring_add(&s->g.q[TXQ].ring, segs, 2, NULL));
	guest_kick(&s->g, TXQ);
}

/* The guest's packet has to wait; the other direction, and a reader, do not. */
static void packet_of_the_guest(const void *arg)
{
	static __u8 in[LEN], zeros[LEN];
	struct guest_config cfg = test_config(0);
	struct session s;
	__u64 header;
	int memory;

	session_guest_connects(&s, &cfg, *(const int *)arg);
	header = mem_alloc(&s.g.mem, MEM_BUFFERS, HDR_LEN, 16);
	memory = hold(&s);
	send_held(&s, header);
	require(host_poll(memory, POLLIN, TIMEOUT), "nothing accesses the memory");
	require(recv(s.fd, in, LEN, MSG_DONTWAIT) < 0 && errno == EAGAIN,
		"recv: %s", strerror(errno));
	require_ok(host_send(s.fd, "x", 1, 0, TIMEOUT));
	expect_x(&s);
	neighbour_exchange(LEN);
	close(memory);
	memset(in, 1, sizeof(in));
	require_ok(host_recv(s.fd, in, LEN, TIMEOUT));
	require(!memcmp(in, zeros, LEN), "data differ");
	guest_wait_used(&s.g, TXQ);
	session_close(&s);
}

void add_absent_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(const void *arg);
	} tests[] = {
		{ "send() with MSG_DONTWAIT", send_with_dontwait },
		{ "send() that waits", send_that_waits },
		{ "a packet of the guest's", packet_of_the_guest },
	};
	char name[80];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		snprintf(name, sizeof(name), "%s, stream", tests[i].name);
		session_test("absent memory", name, tests[i].run, &stream,
			     TAP_MVSOCK, RINGS_BOTH);
		snprintf(name, sizeof(name), "%s, seqpacket", tests[i].name);
		session_test("absent memory", name, tests[i].run, &seqpacket,
			     TAP_MVSOCK, RINGS_BOTH);
	}
}
