// SPDX-License-Identifier: GPL-2.0
/* Rules for connections between guests and the host, and events of devices. */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/mvsock.h>

#include "cgroup.h"
#include "device_test.h"
#include "genl.h"
#include "policy.h"
#include "session.h"

#define GUEST_PORT	1234
#define NOBODY		65534
#define RULES_MAX	1024

/* Rules as they are written here: all programs, all ports, unless more is said. */
#define TO_GUEST(...) { .direction = MVSOCK_DIRECTION_TO_GUEST, ##__VA_ARGS__ }
#define TO_HOST(...) { .direction = MVSOCK_DIRECTION_TO_HOST, ##__VA_ARGS__ }

#define SET(...) do {								\
		const struct rule list[] = { __VA_ARGS__ };			\
										\
		require_ok(policy_set(list, ARRAY_SIZE(list)));			\
	} while (0)

static void clear(void)
{
	require_ok(policy_set(NULL, 0));
}

static void expect_denied(const struct guest *g, __u64 n)
{
	__u64 denied = counter_get(g, "denied_requests");

	require(denied == n, "%llu were denied, not %llu", denied + 0ULL, n + 0ULL);
}

/* --- from programs of the host --- */

static void program_denied(__u32 cid, __u32 port)
{
	require_error(host_connect(SOCK_STREAM, cid, port), -EPERM);
}

/* The guest refuses it, as nothing listens there: it has seen the request. */
static void program_allowed(struct guest *g, __u32 port)
{
	int fd = host_connect(SOCK_STREAM, g->cfg.cid, port);
	struct conn c;

	require_ok(fd);
	conn_init(&c, g, VIRTIO_VSOCK_TYPE_STREAM, port, 0);
	require_ok(conn_accept(&c, TIMEOUT));
	require_ok(host_connected(fd, TIMEOUT));
	require_ok(conn_send_op(&c, VIRTIO_VSOCK_OP_RST, 0));
	require(host_poll(fd, POLLRDHUP, TIMEOUT) & POLLRDHUP, "it is not reset");
	close(fd);
	conn_free(&c);
}

static void to_guest(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct packet *p;
	struct guest g;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	SET(TO_GUEST(.cid = cfg.cid));
	program_denied(cfg.cid, GUEST_PORT);
	require_error(host_connect(SOCK_SEQPACKET, cfg.cid, GUEST_PORT), -EPERM);
	p = guest_recv(&g, QUIET);
	require(!p, "a packet with op %u", p ? p->hdr.op : 0);
	expect_denied(&g, 2);
	clear();
	program_allowed(&g, GUEST_PORT);
	expect_denied(&g, 2);
	guest_stop(&g);
}

/* A socket whose connect() was denied may be used again. */
static void again(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct guest g;
	struct conn c;
	int fd;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	SET(TO_GUEST(.cid = cfg.cid, .port_max = GUEST_PORT));
	fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	require(fd >= 0, "socket");
	require_error(host_connect_with(fd, cfg.cid, GUEST_PORT), -EPERM);
	require_error(host_connect_with(fd, cfg.cid, GUEST_PORT + 1), -EINPROGRESS);
	conn_init(&c, &g, VIRTIO_VSOCK_TYPE_STREAM, GUEST_PORT + 1, 0);
	require_ok(conn_accept(&c, TIMEOUT));
	require_ok(host_connected(fd, TIMEOUT));
	close(fd);
	clear();
	conn_free(&c);
	guest_stop(&g);
}

static void first_decides(const void *arg)
{
	struct guest_config cfg = test_config(0), other = test_config(1);
	struct guest g, h;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	require_ok(guest_start(&h, &other));
	/* For one guest and for all in turn, in both orders. */
	SET(TO_GUEST(.cid = cfg.cid, .port_min = 10, .port_max = 20, .allow = true),
	    TO_GUEST(.port_min = 15, .port_max = 30),
	    TO_GUEST(.cid = cfg.cid, .port_min = 25, .port_max = 25, .allow = true),
	    TO_GUEST(.port_min = 40, .port_max = 40, .allow = true),
	    TO_GUEST(.cid = cfg.cid, .port_min = 35));
	program_allowed(&g, 9);
	program_allowed(&g, 10);
	program_allowed(&g, 20);
	program_denied(cfg.cid, 21);
	program_denied(cfg.cid, 25);
	program_denied(cfg.cid, 30);
	program_allowed(&g, 31);
	program_denied(cfg.cid, 35);
	program_allowed(&g, 40);
	program_denied(cfg.cid, 41);
	program_denied(other.cid, 15);
	program_denied(other.cid, 30);
	program_allowed(&h, 41);
	/* CIDs whose rules share a list. */
	SET(TO_GUEST(.cid = cfg.cid + 256), TO_GUEST(.cid = cfg.cid, .allow = true),
	    TO_GUEST());
	program_allowed(&g, 1);
	program_denied(other.cid, 1);
	clear();
	guest_stop(&g);
	guest_stop(&h);
}

static void existing(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct session s;

	(void)arg;
	session_guest_connects(&s, &cfg, SOCK_STREAM);
	SET(TO_GUEST(), TO_HOST());
	session_exchange(&s, 5000);
	clear();
	session_close(&s);
}

/* Run a part of a test in another process, as it changes its user. */
static void in_child(void (*run)(const struct guest_config *cfg),
		     const struct guest_config *cfg)
{
	int status;

	if (!fork()) {
		run(cfg);
		_exit(0);
	}
	require(wait(&status) > 0 && !status, "status %#x", status);
}

static void nobody_connects(const struct guest_config *cfg)
{
	require(!setgroups(0, NULL) && !setegid(NOBODY) && !seteuid(NOBODY),
		"seteuid: %s", strerror(errno));
	program_denied(cfg->cid, GUEST_PORT);
	require_error(policy_set(NULL, 0), -EPERM);
	require_error(policy_get(NULL, 0), -EPERM);
}

static void by_user(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct guest g;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	SET(TO_GUEST(.cid = cfg.cid, .has_uid = true, .allow = true), TO_GUEST());
	in_child(nobody_connects, &cfg);
	program_allowed(&g, GUEST_PORT);
	SET(TO_GUEST(.cid = cfg.cid, .has_uid = true, .uid = NOBODY));
	in_child(nobody_connects, &cfg);
	program_allowed(&g, GUEST_PORT);
	clear();
	guest_stop(&g);
}

static __u64 number_of(int dir)
{
	struct stat st;

	require(!fstat(dir, &st), "fstat: %s", strerror(errno));
	return st.st_ino;
}

static void by_cgroup(const void *arg)
{
	struct guest_config cfg = test_config(0);
	struct cgroup c;
	struct guest g;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	if (cgroup_fork(&c)) {
		cgroup_say(&c);
		cgroup_hear(&c);
		program_denied(cfg.cid, GUEST_PORT);
		cgroup_say(&c);
		cgroup_hear(&c);
		program_denied(cfg.cid, GUEST_PORT);
		_exit(0);
	}
	cgroup_hear(&c);
	SET(TO_GUEST(.cid = cfg.cid, .cgroup = number_of(c.dir)));
	program_allowed(&g, GUEST_PORT);
	cgroup_say(&c);
	cgroup_hear(&c);
	/* It is below the root's. */
	SET(TO_GUEST(.cid = cfg.cid, .cgroup = number_of(c.root)));
	program_denied(cfg.cid, GUEST_PORT);
	cgroup_say(&c);
	cgroup_end(&c);
	clear();
	guest_stop(&g);
}

/* --- from guests --- */

static void to_host(const void *arg)
{
	struct guest_config cfg = test_config(0), other = test_config(1);
	__u32 port = 0, open_port = 0;
	int listener, fd, accepted;
	struct guest g, h;
	struct conn c, d;

	(void)arg;
	listener = host_listen(SOCK_STREAM, &port);
	fd = host_listen(SOCK_STREAM, &open_port);
	require_ok(guest_start(&g, &cfg));
	require_ok(guest_start(&h, &other));
	SET(TO_HOST(.cid = cfg.cid, .port_min = open_port, .port_max = open_port,
		    .allow = true), TO_HOST(.cid = cfg.cid));
	conn_init(&c, &g, VIRTIO_VSOCK_TYPE_STREAM, GUEST_PORT, port);
	require_ok(conn_send_op(&c, VIRTIO_VSOCK_OP_REQUEST, 0));
	require_ok(conn_wait_reset(&c, TIMEOUT));
	require_error(host_accept(listener, QUIET), -ETIMEDOUT);
	expect_denied(&g, 1);
	conn_init(&d, &g, VIRTIO_VSOCK_TYPE_STREAM, GUEST_PORT, open_port);
	require_ok(conn_connect(&d, TIMEOUT));
	conn_free(&d);
	conn_init(&d, &h, VIRTIO_VSOCK_TYPE_STREAM, GUEST_PORT, port);
	require_ok(conn_connect(&d, TIMEOUT));
	accepted = host_accept(listener, TIMEOUT);
	require_ok(accepted);
	program_allowed(&g, GUEST_PORT + 1);
	clear();
	close(accepted);
	close(listener);
	close(fd);
	conn_free(&c);
	conn_free(&d);
	guest_stop(&g);
	guest_stop(&h);
}

/* --- lists of rules --- */

static void bad_rules(const void *arg)
{
	static const struct {
		struct rule rule;
		int err;
	} bad[] = {
		{ { .allow = true }, -EINVAL },
		{ { .direction = 3 }, -ERANGE },
		{ TO_GUEST(.cid = 2), -ERANGE },
		{ TO_GUEST(.port_min = 2, .port_max = 1), -EINVAL },
		{ TO_GUEST(.has_uid = true, .uid = ~0U), -EINVAL },
		{ TO_HOST(.has_uid = true, .uid = 1), -EINVAL },
	};
	struct rule rules[2] = { TO_GUEST(.cid = 77, .allow = true) }, got;
	unsigned int i;

	(void)arg;
	require_ok(policy_set(rules, 1));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		rules[1] = bad[i].rule;
		require_error(policy_set(rules, 2), bad[i].err);
		require(policy_get(&got, 1) == 1 && got.cid == 77 && got.allow,
			"the rules have changed");
	}
	clear();
	require(!policy_get(&got, 1), "there are rules");
}

static void many_rules(const void *arg)
{
	static struct rule rules[RULES_MAX + 1], got[RULES_MAX];
	struct guest_config cfg = test_config(0);
	struct guest g;
	unsigned int i;

	(void)arg;
	require_ok(guest_start(&g, &cfg));
	for (i = 0; i <= RULES_MAX; i++)
		rules[i] = (struct rule)TO_GUEST(.cid = i % 3 ? cfg.cid : 0,
						 .port_min = i + 1, .port_max = i + 1,
						 .allow = i % 2,
						 .has_uid = !(i % 5));
	require_error(policy_set(rules, RULES_MAX + 1), -ENOSPC);
	require_ok(policy_set(rules, RULES_MAX));
	require(policy_get(got, RULES_MAX) == RULES_MAX, "there are not so many");
	for (i = 0; i < RULES_MAX; i++)
		require(!memcmp(&got[i], &rules[i], sizeof(*got)), "rule %u", i);
	for (i = 0; i < RULES_MAX; i += 97) {
		if (i % 2)
			program_allowed(&g, i + 1);
		else
			program_denied(cfg.cid, i + 1);
	}
	program_allowed(&g, RULES_MAX + 1);
	require(policy_change_is_seen(rules, RULES_MAX), "a list changes unseen");
	require(policy_change_is_seen(NULL, 0), "a list ends unseen");
	guest_stop(&g);
}

/* --- events --- */

static void take_cid(const struct nlattr *attrs, int len, void *arg)
{
	*(__u32 *)arg = genl_number(attrs, len, MVSOCK_A_DEVICE_CID);
}

/* Other tests' devices may still be closed. */
static void expect_event(const struct genl *c, __u8 want, __u32 cid)
{
	__u32 got = 0;
	__u8 cmd = 0;

	while (got != cid)
		require_ok(genl_event(c, TIMEOUT, &cmd, take_cid, &got));
	require(cmd == want, "event %u, not %u", cmd, want);
}

static void events(const void *arg)
{
	struct guest_config cfg = test_config(0);
	__u32 other = test_cid(1);
	struct genl c;
	struct guest g;

	(void)arg;
	require_ok(genl_open(&c, MVSOCK_FAMILY_NAME));
	require_ok(genl_listen(&c, MVSOCK_FAMILY_NAME, MVSOCK_MCGRP_DEVICES));
	require_ok(guest_start(&g, &cfg));
	expect_event(&c, MVSOCK_CMD_DEVICE_ADD, cfg.cid);
	require_ok(dev_set_cid(&g.dev, cfg.cid));
	require_ok(dev_set_cid(&g.dev, other));
	expect_event(&c, MVSOCK_CMD_DEVICE_DEL, cfg.cid);
	expect_event(&c, MVSOCK_CMD_DEVICE_ADD, other);
	guest_stop(&g);
	expect_event(&c, MVSOCK_CMD_DEVICE_DEL, other);
	genl_close(&c);
}

void add_policy_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(const void *arg);
	} tests[] = {
		{ "a program is denied", to_guest },
		{ "a denied socket connects again", again },
		{ "the first rule decides", first_decides },
		{ "connections that exist go on", existing },
		{ "by user", by_user },
		{ "a guest is denied", to_host },
		{ "bad rules", bad_rules },
		{ "many rules", many_rules },
		{ "events of devices", events },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		session_test("policy", tests[i].name, tests[i].run, NULL,
			     TAP_MVSOCK, RINGS_SPLIT);
	if (cgroup_possible())
		session_test("policy", "by cgroup", by_cgroup, NULL, TAP_MVSOCK,
			     RINGS_SPLIT);
}
