// SPDX-License-Identifier: GPL-2.0
/* MSG_ZEROCOPY and tracepoints. */
#include <fcntl.h>
#include <time.h>
#include <linux/errqueue.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device_test.h"
#include "session.h"

/* Read one completion from the error queue. */
static void require_completion(int fd)
{
	struct sock_extended_err *err;
	char control[256];
	struct msghdr msg = {
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;

	require(host_poll(fd, 0, TIMEOUT) & POLLERR, "no completion");
	require(recvmsg(fd, &msg, MSG_ERRQUEUE) >= 0, "recvmsg: %s",
		strerror(errno));
	c = CMSG_FIRSTHDR(&msg);
	require(c && c->cmsg_level == SOL_VSOCK && c->cmsg_type ==
		VSOCK_RECVERR, "no completion message");
	err = (void *)CMSG_DATA(c);
	require(err->ee_origin == SO_EE_ORIGIN_ZEROCOPY && !err->ee_errno,
		"origin %u, error %u", err->ee_origin, err->ee_errno);
}

static void zero_copy(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	size_t len = 32768;
	__u8 in[32768], *out;
	int one = 1, i;

	(void)arg;
	session_host_connects(&s, &cfg, SOCK_STREAM);
	if (setsockopt(s.fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		tap_skip("SO_ZEROCOPY: %s", strerror(errno));
	out = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(out != MAP_FAILED, "mmap");
	for (i = 0; i < 10; i++) {
		pattern_fill(out, len, i, 0);
		require_ok(host_send(s.fd, out, len, MSG_ZEROCOPY, TIMEOUT));
		require_ok(conn_recv(&s.c, in, len, TIMEOUT));
		require(pattern_check(in, len, i, 0) < 0, "data differ");
		require_completion(s.fd);
	}
	session_close(&s);
}

/* The guest takes part of the data, then the device is closed: the pages are still released. */
static void zero_copy_close(const void *arg)
{
	struct guest_config cfg = test_config(0);
	size_t len = 2 * 65536;
	struct sending sending;
	struct session s;
	int one = 1;
	__u8 *out;

	(void)arg;
	cfg.rx_bufs = 0;
	require_ok(guest_start(&s.g, &cfg));
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	session_connect(&s, SOCK_STREAM);
	if (setsockopt(s.fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		tap_skip("SO_ZEROCOPY: %s", strerror(errno));
	out = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(out != MAP_FAILED, "mmap");
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	host_send_begin(&sending, s.fd, out, len, MSG_ZEROCOPY, TIMEOUT);
	dev_close(&s.g.dev);
	require_ended(&sending);
	/* Clear the error of the reset. */
	require(host_poll(s.fd, POLLIN, TIMEOUT), "no reset");
	host_error(s.fd);
	require_completion(s.fd);
	session_close(&s);
}

#define TRACING "/sys/kernel/tracing/"

static bool put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) >= 0;

	close(fd);
	return done;
}

/* The trace's line that contains @text, or "". */
static void find_trace(const char *text, char *line, size_t size)
{
	FILE *f = fopen(TRACING "trace", "r");

	require(f, "no trace");
	while (fgets(line, size, f))
		if (strstr(line, text))
			break;
	if (feof(f))
		*line = 0;
	fclose(f);
}

/* The trace says which guest sent an invalid chain, and why it was rejected. */
static void trace_rejected(const void *arg)
{
	static const char event[] =
		TRACING "events/mvsock/mvs_chain_rejected/enable";
	struct guest_config cfg = test_config(0);
	char line[512], want[64];
	struct session s;
	struct seg seg;

	(void)arg;
	if (!put_file(event, "1"))
		tap_skip("no tracepoint: is tracefs mounted on " TRACING "?");
	require(put_file(TRACING "trace", ""), "the trace can't be cleared");
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	seg = (struct seg){ s.g.tx_gpa, 43, false };
	require_ok(guest_send_segs(&s.g, &seg, 1, TIMEOUT));
	session_exchange(&s, 1000);
	require(put_file(event, "0"), "the tracepoint stays on");

	snprintf(want, sizeof(want), "mvs_chain_rejected: cid=%llu vq=1 head=",
		 (unsigned long long)cfg.cid);
	find_trace(want, line, sizeof(line));
	require(strstr(line, " reason=too_short"), "trace: '%s'", line);
	session_close(&s);
}

void add_zerocopy_tests(void)
{
	session_test("zero copy", "completions", zero_copy, NULL, 0,
		     RINGS_SPLIT);
	session_test("zero copy", "device closed before", zero_copy_close, NULL,
		     0, RINGS_SPLIT);
	session_test("trace", "a rejected chain", trace_rejected, NULL,
		     TAP_MVSOCK, RINGS_SPLIT);
}
