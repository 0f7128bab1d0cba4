// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications of used TX chains are delayed, as a driver with free descriptors does not wait for
 * them. A driver that does wait is notified without the delay after a while.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include "device_test.h"
#include "session.h"

#define PAGE	4096U
#define LEN	100
#define ROUNDS	300
#define SHORT	10	/* rounds without the delay; the first one may be short by chance */
#define DELAY	4000000U	/* ns, MVS_TX_NOTIFY_NS */

static void add_packet(struct session *s, unsigned int i)
{
	struct seg seg = { s->g.tx_gpa + i * PAGE, HDR_LEN + LEN, false };
	struct pkt p = conn_pkt(&s->c, VIRTIO_VSOCK_OP_RW);
	struct virtio_vsock_hdr h;

	p.len = LEN;
	h = pkt_encode(&p);
	mem_write(&s->g.mem, seg.addr, &h, HDR_LEN);
	s->c.tx_cnt += LEN;
	require_ok(ring_add(&s->g.q[TXQ].ring, &seg, 1, NULL));
}

/* Send @n packets and wait for notifications until all are used. Returns the time in ns. */
static __u64 send_and_wait(struct session *s, unsigned int n)
{
	struct ring *r = &s->g.q[TXQ].ring;
	__u64 start;
	unsigned int i, used = 0;
	eventfd_t count;
	void *token;
	__u32 len;

	for (i = 0; i < n; i++)
		add_packet(s, i);
	start = now_ns();
	ring_publish(r);
	eventfd_write(s->g.q[TXQ].kick, 1);
	while (used < n) {
		require(host_poll(s->g.q[TXQ].call, POLLIN, TIMEOUT),
			"no notification, %u of %u are used", used, n);
		eventfd_read(s->g.q[TXQ].call, &count);
		do {
			while (ring_has_used(r)) {
				require(ring_get_used(r, &len, &token) >= 0, "bad used entry");
				used++;
			}
			ring_arm(r);
		} while (ring_has_used(r));
	}
	return now_ns() - start;
}

/* A delay can't end early, so a shorter round had none. */
static void waits_for(const void *arg)
{
	struct guest_config cfg = test_config(0);
	unsigned int i, undelayed = 0;
	const unsigned int *n = arg;
	char in[2 * LEN];
	struct session s;

	session_guest_connects(&s, &cfg, SOCK_STREAM);
	ring_arm(&s.g.q[TXQ].ring);
	for (i = 0; i < ROUNDS && undelayed < SHORT; i++) {
		undelayed += send_and_wait(&s, *n) < DELAY;
		require_ok(host_recv(s.fd, in, *n * LEN, TIMEOUT));
	}
	require(undelayed == SHORT, "of %u rounds %u had no delay", i, undelayed);
	session_close(&s);
}

void add_notify_tests(void)
{
	static const unsigned int one = 1, two = 2;

	session_test("tx notify", "a driver that waits for each chain", waits_for, &one,
		     0, RINGS_BOTH);
	session_test("tx notify", "a driver that waits for two chains", waits_for, &two,
		     0, RINGS_BOTH);
}
