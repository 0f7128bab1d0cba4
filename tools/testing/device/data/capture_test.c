// SPDX-License-Identifier: GPL-2.0
/*
 * Packet capture: vsockmon sees exactly what went to the other end, whatever happens to the guest's
 * memory.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/vsockmon.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_test.h"
#include "netlink.h"
#include "scribble.h"
#include "session.h"

#define MONITOR	"mvsmon0"
#define ROUNDS	100
#define FROM_GUEST	4000	/* payload of a packet, too small for a direct read */
#define LARGE		65536

static void set_up(const char *name, bool up)
{
	struct ifreq req = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	require(!ioctl(fd, SIOCGIFFLAGS, &req), "SIOCGIFFLAGS");
	if (up)
		req.ifr_flags |= IFF_UP;
	else
		req.ifr_flags &= ~IFF_UP;
	require(!ioctl(fd, SIOCSIFFLAGS, &req), "SIOCSIFFLAGS");
	close(fd);
}

static long captured(const char *name)
{
	char path[128];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/class/net/%s/statistics/rx_packets", name);
	f = fopen(path, "r");
	if (!f)
		tap_skip("%s: %s", path, strerror(errno));
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

static void add_monitor(void)
{
	int err = netlink_add_link(MONITOR, "vsockmon");

	if (err)
		tap_skip("no vsockmon: %s", strerror(-err));
	set_up(MONITOR, true);
}

static void del_monitor(void)
{
	set_up(MONITOR, false);
	netlink_del_link(MONITOR);
}

/* A capture device sees each packet once, in both directions. */
static void capture(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	long before, n;
	int i;

	(void)arg;
	add_monitor();
	before = captured(MONITOR);
	cfg.rx_size = 65536 + HDR_LEN;
	cfg.rx_bufs = 4;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	n = captured(MONITOR) - before;
	require(n == 2, "%ld packets of a handshake", n);
	for (i = 0; i < 10; i++)
		session_to_guest(&s, 1000);
	n = captured(MONITOR) - before - n;
	require(n == 10, "%ld packets of 10", n);
	session_to_host(&s, 1000);
	session_close(&s);
	del_monitor();
}

/* A socket that receives what the monitor device does. */
static int open_monitor(void)
{
	struct sockaddr_ll sa = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
	};
	int size = 8 << 20, fd;

	add_monitor();
	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	if (fd < 0)
		tap_skip("no AF_PACKET: %s", strerror(errno));
	sa.sll_ifindex = if_nametoindex(MONITOR);
	require(!setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)),
		"SO_RCVBUFFORCE");
	require(!bind(fd, (struct sockaddr *)&sa, sizeof(sa)), "bind");
	return fd;
}

static void close_monitor(int fd)
{
	close(fd);
	del_monitor();
}

/* The payload of the next data packets from @cid, @len bytes in all. */
static void monitored(int fd, __u64 cid, __u8 *data, __u32 len)
{
	static __u8 buf[LARGE + 1024];
	const struct af_vsockmon_hdr *mon = (void *)buf;
	__u32 done = 0;
	ssize_t n;

	while (done < len) {
		require(host_poll(fd, POLLIN, TIMEOUT), "nothing was captured");
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		require(n >= (ssize_t)sizeof(*mon) + HDR_LEN, "%zd bytes", n);
		n -= sizeof(*mon) + HDR_LEN;
		if (le64toh(mon->src_cid) != cid ||
		    le16toh(mon->op) != AF_VSOCK_OP_PAYLOAD)
			continue;
		require(n && n <= len - done, "%zd bytes, not %u", n,
			len - done);
		memcpy(data + done, buf + sizeof(*mon) + HDR_LEN, n);
		done += n;
	}
}

/* In either direction, whichever path the bytes take. */
static void contents(const void *arg)
{
	static const __u32 sizes[] = { 1, 1000, 20000, LARGE };
	static __u8 out[LARGE], in[LARGE], seen[LARGE];
	const int *socktype = arg;
	struct guest_config cfg = test_config(0);
	struct session s;
	unsigned int i;
	int fd = open_monitor();

	session_guest_connects(&s, &cfg, *socktype);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		__u32 len = sizes[i];

		pattern_fill(out, len, i, 0);
		require_ok(conn_send_rw(&s.c, out, len, VIRTIO_VSOCK_SEQ_EOM,
					TIMEOUT));
		require_ok(host_recv(s.fd, in, len, TIMEOUT));
		monitored(fd, cfg.cid, seen, len);
		require(!memcmp(seen, out, len), "from the guest: %u", len);
		require_ok(host_send(s.fd, out, len, 0, TIMEOUT));
		require_ok(conn_recv(&s.c, in, len, TIMEOUT));
		monitored(fd, HOST_CID, seen, len);
		require(!memcmp(seen, out, len), "to the guest: %u", len);
	}
	session_close(&s);
	close_monitor(fd);
}

static void read_once(const struct session *s)
{
	static __u8 in[LARGE];

	/* Touch the buffer: if it is not in memory, the data go through the queue. */
	memset(in, 1, LARGE);
	_exit(recv(s->fd, in, LARGE, MSG_WAITALL) != LARGE);
}

/* A waiting program takes data from the guest's memory itself, if it runs in time. */
static void by_reader(const void *arg)
{
	static __u8 out[LARGE], seen[LARGE];
	struct guest_config cfg = test_config(0);
	int fd = open_monitor(), status;
	struct session s;
	unsigned int i;
	pid_t pid;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	require_ok(host_set_blocking(s.fd, TIMEOUT));
	for (i = 0; i < 20; i++) {
		pid = fork();
		if (!pid)
			read_once(&s);
		wait_asleep(pid);
		pattern_fill(out, LARGE, i, 0);
		require_ok(conn_send(&s.c, out, LARGE, TIMEOUT));
		require(waitpid(pid, &status, 0) == pid && !status, "recv()");
		monitored(fd, cfg.cid, seen, LARGE);
		require(!memcmp(seen, out, LARGE), "other data were captured");
	}
	tap_note("%llu packets were taken", (unsigned long long)
		 counter_get(&s.g, "direct_receives"));
	session_close(&s);
	close_monitor(fd);
}

/* The capture has what the host's program got, although the guest rewrites its memory. */
static void rewritten(const void *arg)
{
	static __u8 out[FROM_GUEST], in[FROM_GUEST], seen[FROM_GUEST];
	struct guest_config cfg = test_config(0);
	static struct scribble scribble;
	struct session s;
	unsigned int i;
	__u8 *payload;
	int fd = open_monitor();

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	payload = mem_ptr(&s.g.mem, s.g.tx_gpa + HDR_LEN, FROM_GUEST);
	require(payload, "the packet is not in one piece");
	for (i = 0; i < ROUNDS; i++) {
		pattern_fill(out, sizeof(out), i, 0);
		require_ok(scribble_start(&scribble, payload, FROM_GUEST, i));
		require_ok(conn_send_rw(&s.c, out, sizeof(out), 0, TIMEOUT));
		require_ok(host_recv(s.fd, in, sizeof(in), TIMEOUT));
		scribble_stop(&scribble);
		monitored(fd, cfg.cid, seen, sizeof(seen));
		require(!memcmp(seen, in, sizeof(in)),
			"round %u: other data were captured", i);
	}
	session_close(&s);
	close_monitor(fd);
}

/* The payload was not taken, so the capture has none. */
static void for_nobody(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u8 buf[4096], data[100] = { 1, 2, 3 };
	struct af_vsockmon_hdr *mon = (void *)buf;
	struct session s;
	struct pkt p;
	ssize_t n;
	int fd;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	fd = open_monitor();
	p = conn_pkt(&s.c, VIRTIO_VSOCK_OP_RW);
	p.src_port++;
	p.len = sizeof(data);
	require_ok(guest_send(&s.g, &p, data, TIMEOUT));
	do {
		require(host_poll(fd, POLLIN, TIMEOUT), "nothing was captured");
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	} while (n >= (ssize_t)sizeof(*mon) &&
		 le64toh(mon->src_cid) != cfg.cid);
	require(n == sizeof(*mon) + HDR_LEN, "%zd bytes", n);
	session_close(&s);
	close_monitor(fd);
}

void add_capture_tests(void)
{
	static const int stream = SOCK_STREAM, seqpacket = SOCK_SEQPACKET;
	static const char g[] = "capture";

	session_test(g, "vsockmon", capture, NULL, 0, RINGS_SPLIT);
	session_test(g, "CVE-2026-46207: contents", contents, &stream,
		     TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "CVE-2026-46207: contents, seqpacket", contents,
		     &seqpacket, TAP_MVSOCK, RINGS_BOTH);
	session_test(g, "taken by the reader", by_reader, NULL, TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "payload rewritten", rewritten, NULL, TAP_MVSOCK,
		     RINGS_BOTH);
	session_test(g, "a packet for nobody", for_nobody, NULL,
		     TAP_MVSOCK, RINGS_BOTH);
}
