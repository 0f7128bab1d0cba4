// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family: what is listed of connections, and their reset.
 */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/mvsock.h>
#include <linux/vm_sockets.h>

#include "device_test.h"
#include "genl.h"
#include "session.h"

#define NOBODY 65534

/* --- the list --------------------------------------------------------------- */

struct listed {
	__u32 cid, local_port, remote_port, type, state, uid;
	__u64 inode, age, rx_bytes, tx_bytes, rx_queued, tx_queued;
	__u64 rx_credit, tx_credit, wait, wait_time;
	bool waits;
};

struct list {
	struct listed *conn;
	unsigned int count;
};

static void add_listed(const struct nlattr *a, int len, void *arg)
{
	struct list *list = arg;
	struct listed c = {
		.cid = genl_number(a, len, MVSOCK_A_CONN_CID),
		.local_port = genl_number(a, len, MVSOCK_A_CONN_LOCAL_PORT),
		.remote_port = genl_number(a, len, MVSOCK_A_CONN_REMOTE_PORT),
		.type = genl_number(a, len, MVSOCK_A_CONN_TYPE),
		.state = genl_number(a, len, MVSOCK_A_CONN_STATE),
		.uid = genl_number(a, len, MVSOCK_A_CONN_UID),
		.inode = genl_number(a, len, MVSOCK_A_CONN_INODE),
		.age = genl_number(a, len, MVSOCK_A_CONN_AGE),
		.rx_bytes = genl_number(a, len, MVSOCK_A_CONN_RX_BYTES),
		.tx_bytes = genl_number(a, len, MVSOCK_A_CONN_TX_BYTES),
		.rx_queued = genl_number(a, len, MVSOCK_A_CONN_RX_QUEUED),
		.tx_queued = genl_number(a, len, MVSOCK_A_CONN_TX_QUEUED),
		.rx_credit = genl_number(a, len, MVSOCK_A_CONN_RX_CREDIT),
		.tx_credit = genl_number(a, len, MVSOCK_A_CONN_TX_CREDIT),
		.wait = genl_number(a, len, MVSOCK_A_CONN_WAIT),
		.wait_time = genl_number(a, len, MVSOCK_A_CONN_WAIT_TIME),
		.waits = genl_has(a, len, MVSOCK_A_CONN_WAIT_TIME),
	};

	require(c.waits == genl_has(a, len, MVSOCK_A_CONN_WAIT),
		"a time without what it waits for, or without a time");
	list->conn = realloc(list->conn, (list->count + 1) * sizeof(c));
	require(list->conn, "out of memory");
	list->conn[list->count++] = c;
}

static struct genl open_family(void)
{
	struct genl c;

	require_ok(genl_open(&c, MVSOCK_FAMILY_NAME));
	return c;
}

/* Those of a guest, or with 0 all. */
static struct list list_of(__u32 cid)
{
	struct genl c = open_family();
	struct genl_request r = genl_request(&c, MVSOCK_CMD_CONN_GET);
	struct list list = {};

	if (cid)
		genl_add_u32(&r, MVSOCK_A_CONN_CID, cid);
	require_ok(genl_dump(&c, &r, add_listed, &list));
	genl_close(&c);
	return list;
}

/* The only one of a guest. */
static struct listed listed(__u32 cid)
{
	struct list list = list_of(cid);
	struct listed c;

	require(list.count == 1, "%u connections", list.count);
	c = list.conn[0];
	free(list.conn);
	require(c.cid == cid, "CID %u", c.cid);
	require(c.age < 60000, "age %llu", (unsigned long long)c.age);
	return c;
}

static void expect_count(__u32 cid, unsigned int want)
{
	struct list list = list_of(cid);

	require(list.count == want, "%u connections, not %u", list.count, want);
	free(list.conn);
}

static __u64 inode_of(int fd)
{
	struct stat st;

	require(!fstat(fd, &st), "fstat: %s", strerror(errno));
	return st.st_ino;
}

static const int stream = SOCK_STREAM, seqpacket = SOCK_SEQPACKET;

static void expect(const char *name, __u64 got, __u64 want)
{
	require(got == want, "%s %llu, not %llu", name, (unsigned long long)got,
		(unsigned long long)want);
}

static void open_with_data(const void *arg)
{
	struct guest_config cfg = test_config(0);
	static __u8 buf[3000];
	struct session s;
	struct listed c;

	session_guest_connects(&s, &cfg, *(const int *)arg);
	session_to_guest(&s, 1000);
	require_ok(s.c.type == VIRTIO_VSOCK_TYPE_STREAM ?
		   conn_send(&s.c, buf, sizeof(buf), TIMEOUT) :
		   conn_send_message(&s.c, buf, sizeof(buf), TIMEOUT));
	c = listed(cfg.cid);
	expect("local_port", c.local_port, s.c.peer_port);
	expect("remote_port", c.remote_port, s.c.port);
	expect("type", c.type, s.c.type);
	expect("state", c.state, MVSOCK_CONN_STATE_OPEN);
	expect("uid", c.uid, getuid());
	expect("inode", c.inode, inode_of(s.fd));
	expect("rx_bytes", c.rx_bytes, 1000);
	expect("tx_bytes", c.tx_bytes, sizeof(buf));
	expect("rx_queued", c.rx_queued, 0);
	expect("tx_queued", c.tx_queued, sizeof(buf));
	expect("tx_credit", c.tx_credit, conn_credit(&s.c));
	expect("rx_credit", c.rx_credit, CONN_BUF_ALLOC - (__u32)(1000 - s.c.told_fwd_cnt));
	require(!c.waits, "it waits");
	require_ok(host_recv(s.fd, buf, sizeof(buf), TIMEOUT));
	c = listed(cfg.cid);
	expect("tx_queued", c.tx_queued, 0);
	expect("tx_bytes", c.tx_bytes, sizeof(buf));
	session_close(&s);
}

static void connecting(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct listed c;
	struct guest g;
	int fd;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	fd = host_connect(SOCK_SEQPACKET, cfg.cid, 1024);
	require_ok(fd);
	c = listed(cfg.cid);
	expect("state", c.state, MVSOCK_CONN_STATE_CONNECTING);
	expect("type", c.type, MVSOCK_CONN_TYPE_SEQPACKET);
	expect("remote_port", c.remote_port, 1024);
	expect("inode", c.inode, inode_of(fd));
	expect("rx_credit", c.rx_credit, 0);
	close(fd);
	expect_count(cfg.cid, 0);
	guest_stop(&g);
}

static void closing(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	struct listed c;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	close(s.fd);
	c = listed(cfg.cid);
	expect("state", c.state, MVSOCK_CONN_STATE_CLOSING);
	expect("uid", c.uid, getuid());
	expect("inode", c.inode, 0);
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_RST, 0));
	expect_count(cfg.cid, 0);
	s.fd = -1;
	session_close(&s);
}

/* What waits is listed with a time, which passes; and not when it is done. */
static void expect_wait(struct session *s, unsigned int what)
{
	__u64 deadline = now_ms() + TIMEOUT;
	struct listed c;

	do {
		c = listed(s->g.cfg.cid);
		require(now_ms() < deadline, "after %llu ms it waits for %llu",
			(unsigned long long)c.wait_time,
			(unsigned long long)c.wait);
	} while (c.wait != what || c.wait_time < 100);
	require(c.wait_time <= c.age, "it waits for %llu ms, at an age of %llu",
		(unsigned long long)c.wait_time, (unsigned long long)c.age);
}

static void waits_for_buffers(const void *arg)
{
	struct sending sending;
	struct session s;
	static __u8 buf[1000];

	session_no_rx(&s, *(const int *)arg);
	host_send_begin(&sending, s.fd, buf, sizeof(buf), 0, TIMEOUT);
	expect_wait(&s, MVSOCK_CONN_WAIT_BUFFERS);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	guest_kick(&s.g, RXQ);
	require_ok(host_send_end(&sending));
	require(!listed(s.g.cfg.cid).waits, "it still waits");
	session_close(&s);
}

/* The rest of a message, which no program waits with. */
static void message_waits(const void *arg)
{
	static __u8 buf[6000];
	struct session s;
	struct listed c;

	(void)arg;
	session_no_rx(&s, SOCK_SEQPACKET);
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	guest_kick(&s.g, RXQ);
	require_ok(host_send(s.fd, buf, sizeof(buf), 0, TIMEOUT));
	expect_wait(&s, MVSOCK_CONN_WAIT_BUFFERS);
	c = listed(s.g.cfg.cid);
	expect("rx_bytes", c.rx_bytes, sizeof(buf));
	expect("rx_queued", c.rx_queued, sizeof(buf) - (4096 - HDR_LEN));
	session_close(&s);
}

static void waits_for_credit(const void *arg)
{
	struct guest_config cfg = test_config(0);
	static __u8 buf[CONN_BUF_ALLOC];
	struct sending sending;
	struct session s;
	struct listed c;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	s.c.buf_alloc = 100;
	s.c.fwd_cnt = 0;
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0));
	host_send_begin(&sending, s.fd, buf, 150, 0, TIMEOUT);
	expect_wait(&s, MVSOCK_CONN_WAIT_CREDIT);
	c = listed(cfg.cid);
	expect("rx_credit", c.rx_credit, 0);
	expect("rx_bytes", c.rx_bytes, 100);
	s.c.buf_alloc = 200;
	require_ok(conn_send_op(&s.c, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0));
	require_ok(host_send_end(&sending));
	c = listed(cfg.cid);
	require(!c.waits, "it still waits");
	expect("rx_credit", c.rx_credit, 50);
	session_close(&s);
}

static void waits_for_page(const void *arg)
{
	struct seg seg = { GUEST_EDGE, 4096, true };
	struct sending sending;
	struct session s;
	int memory;

	(void)arg;
	session_no_rx(&s, SOCK_STREAM);
	memory = mem_hold(&s.g.mem.region[3]);
	require_ok(memory);
	require_ok(ring_add(&s.g.q[RXQ].ring, &seg, 1, NULL));
	guest_kick(&s.g, RXQ);
	host_send_begin(&sending, s.fd, "x", 1, 0, TIMEOUT);
	expect_wait(&s, MVSOCK_CONN_WAIT_PAGE);
	close(memory);
	require_ok(host_send_end(&sending));
	require(guest_wait_used(&s.g, RXQ) == HDR_LEN + 1, "used length");
	require(!listed(s.g.cfg.cid).waits, "it still waits");
	session_close(&s);
}

/* --- many ------------------------------------------------------------------- */

#define MANY 200

struct many {
	struct guest g;
	pid_t pid[MANY];
};

/*
 * A process that waits in connect(), until it is killed. A non-blocking connect() would keep its
 * socket, and with it the module, until its time is over.
 */
static pid_t connect_process(__u32 cid, __u32 port)
{
	const struct timeval tv = { .tv_sec = 600 };
	pid_t pid = fork();
	int fd;

	require(pid >= 0, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = socket(AF_VSOCK, SOCK_STREAM, 0);
	if (fd >= 0 && !setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT,
				   &tv, sizeof(tv)))
		host_connect_with(fd, cid, port);
	_exit(1);
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	require(waitpid(pid, NULL, 0) == pid, "waitpid");
}

/*
 * Connections that the guest does not answer, one after the other: they are listed in that order.
 */
static void connect_many(struct many *m, const struct guest_config *cfg)
{
	__u64 deadline;
	unsigned int i;

	require_ok(guest_start(&m->g, cfg));
	for (i = 0; i < MANY; i++) {
		m->pid[i] = connect_process(cfg->cid, 1 + i);
		deadline = now_ms() + TIMEOUT;
		while (counter_get(&m->g, "connections") <= i) {
			require(ms_left(deadline), "connect() does not begin");
			sched_yield();
		}
	}
}

/* Each of them once, whatever else there is. */
static void expect_many(const struct list *list, const struct many *m)
{
	bool seen[MANY] = {};
	unsigned int i, n = 0;

	for (i = 0; i < list->count; i++) {
		const struct listed *c = &list->conn[i];

		if (c->cid != m->g.cfg.cid || c->remote_port - 1 >= MANY)
			continue;
		require(!seen[c->remote_port - 1], "port %u is listed twice",
			c->remote_port);
		seen[c->remote_port - 1] = true;
		n++;
	}
	require(n == MANY, "%u of %u are listed", n, MANY);
}

/* Also while others of the guest, and other guests, come and go. */
static void come_and_go(const void *arg)
{
	struct guest_config cfg = test_config(0), other = test_config(1);
	struct list list;
	struct many m;
	unsigned int i;
	struct dev dev;
	pid_t coming;
	int fd;

	(void)arg;
	connect_many(&m, &cfg);
	coming = fork();
	if (!coming)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; !coming; i++) {
		fd = host_connect(SOCK_STREAM, cfg.cid, 100000 + i);
		require(!dev_open(&dev, cfg.path, O_RDWR) &&
			!dev_set_cid(&dev, other.cid), "a device");
		close(fd);
		dev_close(&dev);
	}
	for (i = 0; i < 100; i++) {
		list = list_of(i % 2 ? cfg.cid : 0);
		expect_many(&list, &m);
		free(list.conn);
	}
	require(!waitpid(coming, NULL, WNOHANG), "the other one has ended");
	end_process(coming);
	guest_stop(&m.g);
	for (i = 0; i < MANY; i++)
		end_process(m.pid[i]);
}

/*
 * All up to some port, and from there on every second one. The kernel prepares another message
 * when one is read.
 */
static void expect_every_second(const struct list *list, unsigned int first)
{
	unsigned int i, step = 1;
	__u32 port, before;

	for (i = 1; i < list->count; i++) {
		port = list->conn[i].remote_port;
		before = list->conn[i - 1].remote_port;
		if (i >= first && port == before + 2)
			step = 2;
		require(port == before + step, "port %u after %u", port, before);
	}
	require(step == 2 && list->conn[i - 1].remote_port == MANY,
		"%u ports, up to %u", i, list->conn[i - 1].remote_port);
}

/* Those that the reader is at, and others, go while it does something else. */
static void go_meanwhile(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct genl c = open_family();
	struct genl_request r;
	struct list list = {};
	unsigned int i, first;
	struct many m;

	(void)arg;
	connect_many(&m, &cfg);
	r = genl_request(&c, MVSOCK_CMD_CONN_GET);
	genl_add_u32(&r, MVSOCK_A_CONN_CID, cfg.cid);
	require(genl_dump_begin(&c, &r, add_listed, &list) == 1, "one message");
	first = list.count;
	for (i = 0; i < MANY; i += 2)
		end_process(m.pid[i]);
	require_ok(genl_dump_rest(&c, add_listed, &list));
	expect_every_second(&list, first);
	/* A list that nobody reads on, of a device that goes. */
	require(genl_dump_begin(&c, &r, add_listed, &list) == 1, "one message");
	guest_stop(&m.g);
	require_ok(genl_dump_rest(&c, add_listed, &list));
	genl_close(&c);
	for (i = 1; i < MANY; i += 2)
		end_process(m.pid[i]);
}

/* --- who may ---------------------------------------------------------------- */

static int reset(__u32 cid, __u32 local_port, __u32 remote_port)
{
	struct genl c = open_family();
	struct genl_request r = genl_request(&c, MVSOCK_CMD_CONN_RESET);
	int ret;

	genl_add_u32(&r, MVSOCK_A_CONN_CID, cid);
	if (local_port)
		genl_add_u32(&r, MVSOCK_A_CONN_LOCAL_PORT, local_port);
	if (remote_port)
		genl_add_u32(&r, MVSOCK_A_CONN_REMOTE_PORT, remote_port);
	ret = genl_do(&c, &r);
	genl_close(&c);
	return ret;
}

static void become_nobody(void)
{
	require(!setgroups(0, NULL) && !setgid(NOBODY) && !setuid(NOBODY),
		"setuid: %s", strerror(errno));
}

/* A user sees the own connections, and resets none. */
static void users(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	struct listed c;
	int status;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	if (!fork()) {
		become_nobody();
		expect_count(cfg.cid, 0);
		require_ok(host_connect(SOCK_STREAM, cfg.cid, 4000));
		c = listed(cfg.cid);
		expect("remote_port", c.remote_port, 4000);
		expect("uid", c.uid, NOBODY);
		require(reset(cfg.cid, 0, 4000) == -EPERM, "it may reset");
		require(reset(cfg.cid, 0, 0) == -EPERM, "it may reset all");
		expect_count(0, 1);
		_exit(0);
	}
	require(wait(&status) > 0 && !status, "status %#x", status);
	session_exchange(&s, 1000);
	session_close(&s);
}

/* --- reset ------------------------------------------------------------------ */

static void expect_reset(struct session *s)
{
	require_ok(conn_wait_reset(&s->c, TIMEOUT));
	require(host_poll(s->fd, POLLRDHUP, TIMEOUT) & POLLERR, "no error");
	require(host_error(s->fd) == -ECONNRESET, "no ECONNRESET");
}

static void reset_one(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s, other;

	session_guest_connects(&s, &cfg, *(const int *)arg);
	session_another(&other, &s, *(const int *)arg, 1);
	require(reset(cfg.cid, s.c.peer_port, other.c.port) == -ENOENT,
		"ports of two connections");
	require_ok(reset(cfg.cid, 0, other.c.port));
	expect_reset(&other);
	expect_count(cfg.cid, 1);
	session_to_guest(&s, 1000);
	require(reset(cfg.cid, 0, other.c.port) == -ENOENT, "it is still there");
	require_ok(reset(cfg.cid, s.c.peer_port, s.c.port));
	expect_reset(&s);
	neighbour_exchange(1000);
	session_close_another(&other);
	session_close(&s);
}

/* In each state; a program reads what was received before. */
static void reset_all(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s, other;
	static __u8 buf[1000];
	int fd;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_another(&other, &s, SOCK_SEQPACKET, 1);
	require_ok(conn_send(&s.c, buf, sizeof(buf), TIMEOUT));
	fd = host_connect(SOCK_STREAM, cfg.cid, 4000);
	require_ok(fd);
	close(other.fd);
	expect_count(cfg.cid, 3);
	require_ok(reset(cfg.cid, 0, 0));
	expect_count(cfg.cid, 0);
	require(reset(cfg.cid, 0, 0) == -ENOENT, "there is one left");
	require(host_connected(fd, TIMEOUT) == -ECONNRESET, "connect()");
	require_ok(conn_wait_reset(&other.c, TIMEOUT));
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	require_ok(host_recv(s.fd, buf, sizeof(buf), TIMEOUT));
	require(recv(s.fd, buf, 1, 0) < 0 && errno == ECONNRESET, "recv: %s",
		strerror(errno));
	require(send(s.fd, buf, 1, MSG_NOSIGNAL) < 0 && errno == ECONNRESET,
		"send: %s", strerror(errno));
	close(fd);
	other.fd = -1;
	session_close_another(&other);
	/* The same ports can be used again. */
	conn_free(&s.c);
	conn_init(&s.c, &s.g, VIRTIO_VSOCK_TYPE_STREAM, s.c.port, s.c.peer_port);
	require_ok(conn_connect(&s.c, TIMEOUT));
	close(s.fd);
	s.fd = host_accept(s.listener, TIMEOUT);
	require_ok(s.fd);
	session_exchange(&s, 1000);
	session_close(&s);
}

/* One that waits in send() for a guest without buffers. */
static void reset_waiting(const void *arg)
{
	static __u8 buf[1000];
	struct sending sending;
	struct session s;
	int err;

	(void)arg;
	session_no_rx(&s, SOCK_STREAM);
	host_send_begin(&sending, s.fd, buf, sizeof(buf), 0, TIMEOUT);
	expect_wait(&s, MVSOCK_CONN_WAIT_BUFFERS);
	require_ok(reset(s.g.cfg.cid, 0, s.c.port));
	err = host_send_end(&sending);
	require(err == -ECONNRESET || err == -EPIPE, "send: %s", strerror(-err));
	require_ok(guest_post_rx(&s.g, 4096, &layout_one));
	guest_kick(&s.g, RXQ);
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	session_close(&s);
}

/* Of connections that talk, whose programs and whose guest go on. */
static void reset_busy(const void *arg)
{
	struct guest_config cfg = test_config(0);
	static __u8 buf[20000];
	struct session s;
	unsigned int i;
	pid_t resetting;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	resetting = fork();
	if (!resetting)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!resetting)
		reset(cfg.cid, 0, 0);
	for (i = 0; i < 200; i++) {
		send(s.fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		conn_send_rw(&s.c, buf, sizeof(buf), 0, TIMEOUT);
		recv(s.fd, buf, sizeof(buf), MSG_DONTWAIT);
		close(s.fd);
		conn_free(&s.c);
		conn_init(&s.c, &s.g, VIRTIO_VSOCK_TYPE_STREAM, 5000 + i,
			  s.c.peer_port);
		conn_send_op(&s.c, VIRTIO_VSOCK_OP_REQUEST, 0);
		s.fd = host_accept(s.listener, TIMEOUT);
		require_ok(s.fd);
		packet_list_purge(&s.g.inbox);
	}
	kill(resetting, SIGKILL);
	waitpid(resetting, NULL, 0);
	session_close(&s);
}

/* --- requests that are wrong ------------------------------------------------ */

struct wrong {
	const char *name;
	__u8 cmd;
	bool dump;
	__u16 type;	/* of an attribute; 0: none */
	__u16 len;
	__u32 value;
	int err;
};

#define GET	MVSOCK_CMD_CONN_GET
#define RESET	MVSOCK_CMD_CONN_RESET
#define CID	MVSOCK_A_CONN_CID

static const struct wrong wrongs[] = {
	{ "reset without a CID", RESET, false, MVSOCK_A_CONN_REMOTE_PORT, 4, 1, -EINVAL },
	{ "reset of the host's CID", RESET, false, CID, 4, 2, -ERANGE },
	{ "reset of no guest", RESET, false, CID, 4, 0xfffffff0, -ENODEV },
	{ "reset with half a CID", RESET, false, CID, 2, 0, -EINVAL },
	{ "reset with a CID of 8 bytes", RESET, false, CID, 8, 0, -EINVAL },
	{ "reset with an attribute of the list", RESET, false, MVSOCK_A_CONN_STATE, 4, 1, -EINVAL },
	{ "reset with an unknown attribute", RESET, false, 1000, 4, 1, -EINVAL },
	{ "dump of resets", RESET, true, CID, 4, 0, -EOPNOTSUPP },
	{ "list of the host's CID", GET, true, CID, 4, 2, -ERANGE },
	{ "list of no guest", GET, true, CID, 4, 0xfffffff0, -ENODEV },
	{ "list with half a CID", GET, true, CID, 2, 0, -EINVAL },
	{ "list with a port", GET, true, MVSOCK_A_CONN_LOCAL_PORT, 4, 1, -EINVAL },
	{ "list without dump", GET, false, CID, 4, 0, -EOPNOTSUPP },
	{ "an unknown command", 200, false, 0, 0, 0, -EOPNOTSUPP },
	{ "no command", 0, false, 0, 0, 0, -EOPNOTSUPP },
};

static void ignore(const struct nlattr *attrs, int len, void *arg)
{
	(void)attrs;
	(void)len;
	(void)arg;
}

static void malformed(const void *arg)
{
	struct guest_config cfg = test_config(0);
	const struct wrong *w = arg;
	struct genl c = open_family();
	struct genl_request r = genl_request(&c, w->cmd);
	__u32 value[2] = { w->value ?: cfg.cid };
	struct session s;
	int ret;

	session_guest_connects(&s, &cfg, SOCK_STREAM);
	if (w->type)
		genl_add(&r, w->type, value, w->len);
	ret = w->dump ? genl_dump(&c, &r, ignore, NULL) : genl_do(&c, &r);
	require(ret == w->err, "%s, not %s", strerror(-ret), strerror(-w->err));
	expect_count(cfg.cid, 1);
	session_exchange(&s, 1000);
	session_close(&s);
}

void add_connections_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(const void *arg);
		const void *arg;
	} tests[] = {
		{ "open, a stream", open_with_data, &stream },
		{ "open, a seqpacket", open_with_data, &seqpacket },
		{ "connecting", connecting, NULL },
		{ "closing", closing, NULL },
		{ "a stream waits for buffers", waits_for_buffers, &stream },
		{ "a seqpacket waits for buffers", waits_for_buffers, &seqpacket },
		{ "the rest of a message waits for buffers", message_waits, NULL },
		{ "waits for credit", waits_for_credit, NULL },
		{ "waits for a page", waits_for_page, NULL },
		{ "some come and go during the list", come_and_go, NULL },
		{ "some go between two messages", go_meanwhile, NULL },
		{ "a user's own", users, NULL },
		{ "reset of one, a stream", reset_one, &stream },
		{ "reset of one, a seqpacket", reset_one, &seqpacket },
		{ "reset of all", reset_all, NULL },
		{ "reset of one that waits", reset_waiting, NULL },
		{ "reset of one that is busy", reset_busy, NULL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		session_test("connections", tests[i].name, tests[i].run,
			     tests[i].arg, TAP_MVSOCK, RINGS_SPLIT);
	for (i = 0; i < ARRAY_SIZE(wrongs); i++)
		session_test("connections", wrongs[i].name, malformed, &wrongs[i],
			     TAP_MVSOCK, RINGS_SPLIT);
}
