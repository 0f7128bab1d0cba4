// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

#define GUEST_PORT 1234

struct test_options test_options = { .path = DEV_PATH };

static const char *const counter_names[NUM_COUNTERS] = {
	[REJ_TOO_LONG] = "rejected_too_long",
	[REJ_BAD_NEXT] = "rejected_bad_next",
	[REJ_BAD_INDIRECT] = "rejected_bad_indirect",
	[REJ_BAD_ADDRESS] = "rejected_bad_address",
	[REJ_BAD_DIRECTION] = "rejected_bad_direction",
	[REJ_TOO_SHORT] = "rejected_too_short",
	[REJ_BAD_LEN] = "rejected_bad_len",
	[REJ_BAD_CID] = "rejected_bad_cid",
	[BROKEN_RINGS] = "broken_rings",
};

/* Returns -1, or the exit status for main() to return. */
static int seed_options(int argc, char **argv, const char *help)
{
	static const struct option options[] = {
		{ "dev", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	if (getrandom(&test_options.seed, 4, 0) != 4)
		test_options.seed = now_ms();
	while ((c = getopt_long(argc, argv, "d:s:t:h", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			test_options.path = optarg;
			break;
		case 's':
			test_options.seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			test_options.seconds = strtod(optarg, NULL);
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			fputs(help, stderr);
			return 2;
		}
	}
	return -1;
}

int session_main(int argc, char **argv, const char *help, unsigned int more,
		 void (*add)(void))
{
	struct tap_options opt = { 0 };
	int status;

	status = seed_options(argc, argv, help);
	if (status >= 0)
		return status;
	if (!session_begin())
		return 1;
	opt.match = argv + optind;
	opt.nmatch = argc - optind;
	opt.timeout = test_options.seconds + more;
	printf("# %s --seed 0x%llx --seconds %g\n",
	       program_invocation_short_name,
	       (unsigned long long)test_options.seed, test_options.seconds);
	add();
	return tap_run(&opt);
}

bool session_begin(void)
{
	if (access(test_options.path, R_OK | W_OK)) {
		printf("Bail out! %s: %s\n", test_options.path,
		       strerror(errno));
		return false;
	}
	/* Another run in the same boot gets other CIDs. */
	test_options.cid_base = now_ms() / 1000 * 512;
	signal(SIGPIPE, SIG_IGN);
	return true;
}

__u32 test_cid(unsigned int n)
{
	__u32 test = test_options.cid_base + tap_number();

	/* Never a reserved CID: bit 30 is set, bit 31 is not. */
	return 0x40000000 | (test & 0x3ffff) << 12 | (n & 0xfff);
}

#define TAP_PACKED	TAP_OWN
#define TAP_IN_ORDER	(TAP_OWN << 1)

struct guest_config test_config(unsigned int n)
{
	struct guest_config cfg = guest_config(test_options.path, test_cid(n));

	cfg.packed = tap_flags() & TAP_PACKED;
	cfg.in_order = tap_flags() & TAP_IN_ORDER;
	return cfg;
}

__u32 test_base(const struct guest_config *cfg, __u16 index, bool wrap)
{
	if (!cfg->packed)
		return index;
	index |= wrap ? PLACE_WRAP : 0;
	return index | (__u32)index << 16;
}

struct test {
	void (*run)(const void *arg);
	const void *arg;
};

static struct session neighbour;

static void run_beside_neighbour(const void *arg)
{
	struct guest_config cfg = test_config(0xfff);
	const struct test *t = arg;

	session_guest_connects(&neighbour, &cfg, SOCK_STREAM);
	neighbour_exchange(100);
	t->run(t->arg);
	neighbour_exchange(10000);
	session_close(&neighbour);
}

void session_test(const char *group, const char *name,
		  void (*run)(const void *arg), const void *arg,
		  unsigned int flags, unsigned int rings)
{
	static const struct {
		const char *name;
		unsigned int flags;
	} kinds[] = {
		{ "", 0 },
		{ ", packed", TAP_PACKED | TAP_MVSOCK },
		{ ", in order", TAP_IN_ORDER | TAP_MVSOCK },
		{ ", packed, in order",
		  TAP_PACKED | TAP_IN_ORDER | TAP_MVSOCK },
	};
	struct test *t = malloc(sizeof(*t));
	unsigned int i;
	char *full;

	if (!t)
		abort();
	*t = (struct test){ run, arg };
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!(rings & 1U << i))
			continue;
		if (asprintf(&full, "%s%s", name, kinds[i].name) < 0)
			abort();
		tap_add2(group, full, run_beside_neighbour, t,
			 flags | kinds[i].flags);
		free(full);
	}
}

__u16 type_of_packets(int socktype)
{
	return socktype == SOCK_STREAM ? VIRTIO_VSOCK_TYPE_STREAM :
					 VIRTIO_VSOCK_TYPE_SEQPACKET;
}

void session_connect(struct session *s, int socktype)
{
	__u32 port = 0;

	s->listener = host_listen(socktype, &port);
	require_ok(s->listener);
	conn_init(&s->c, &s->g, type_of_packets(socktype), GUEST_PORT, port);
	require_ok(conn_connect(&s->c, TIMEOUT));
	s->fd = host_accept(s->listener, TIMEOUT);
	require_ok(s->fd);
}

void session_accept(struct session *s, int socktype)
{
	s->listener = -1;
	s->fd = host_connect(socktype, s->g.cfg.cid, GUEST_PORT);
	require_ok(s->fd);
	conn_init(&s->c, &s->g, type_of_packets(socktype), GUEST_PORT, 0);
	require_ok(conn_accept(&s->c, TIMEOUT));
	require_ok(host_connected(s->fd, TIMEOUT));
}

void session_guest_connects(struct session *s, const struct guest_config *cfg,
			    int socktype)
{
	require_ok(guest_start(&s->g, cfg));
	session_connect(s, socktype);
}

void session_host_connects(struct session *s, const struct guest_config *cfg,
			   int socktype)
{
	require_ok(guest_start(&s->g, cfg));
	session_accept(s, socktype);
}

void session_no_rx(struct session *s, int socktype)
{
	struct guest_config cfg = test_config(0);

	cfg.rx_bufs = 0;
	require_ok(guest_start(&s->g, &cfg));
	require_ok(guest_post_rx(&s->g, 4096, &layout_one));
	session_connect(s, socktype);
}

void session_close(struct session *s)
{
	guest_check(&s->g);
	close(s->fd);
	if (s->listener >= 0)
		close(s->listener);
	conn_free(&s->c);
	guest_stop(&s->g);
}

void session_another(struct session *s, struct session *first, int socktype,
		     unsigned int n)
{
	__u32 port = 0;

	s->listener = host_listen(socktype, &port);
	require_ok(s->listener);
	conn_init(&s->c, &first->g, type_of_packets(socktype), GUEST_PORT + n, port);
	require_ok(conn_connect(&s->c, TIMEOUT));
	s->fd = host_accept(s->listener, TIMEOUT);
	require_ok(s->fd);
}

void session_close_another(struct session *s)
{
	close(s->fd);
	close(s->listener);
	conn_free(&s->c);
}

static void *block(__u32 len)
{
	void *p = malloc(len ?: 1);

	require(p, "out of memory");
	return p;
}

void session_to_host(struct session *s, __u32 len)
{
	void *out = block(len), *in = block(len);
	__u32 seed = len + 1;

	pattern_fill(out, len, seed, 0);
	require_ok(conn_send(&s->c, out, len, TIMEOUT));
	require_ok(host_recv(s->fd, in, len, TIMEOUT));
	require(pattern_check(in, len, seed, 0) < 0,
		"host got other data at byte %ld of %u",
		pattern_check(in, len, seed, 0), len);
	free(in);
	free(out);
}

void session_to_guest(struct session *s, __u32 len)
{
	void *out = block(len), *in = block(len);
	struct sending sending;
	__u32 seed = len + 2;

	pattern_fill(out, len, seed, 0);
	host_send_begin(&sending, s->fd, out, len, 0, TIMEOUT);
	require_ok(conn_recv(&s->c, in, len, TIMEOUT));
	require_ok(host_send_end(&sending));
	require(pattern_check(in, len, seed, 0) < 0,
		"guest got other data at byte %ld of %u",
		pattern_check(in, len, seed, 0), len);
	free(in);
	free(out);
}

void session_exchange(struct session *s, __u32 len)
{
	session_to_host(s, len);
	session_to_guest(s, len);
}

void require_ended(struct sending *x)
{
	int err = host_send_end(x);

	require(test_options.upstream ? !err :
		err == -EPIPE || err == -ECONNRESET, "%s", strerror(-err));
}

void neighbour_exchange(__u32 len)
{
	session_exchange(&neighbour, len);
}

__u32 neighbour_cid(void)
{
	return test_cid(0xfff);
}

void guest_restart(struct guest *g)
{
	unsigned int i;

	require_ok(dev_set_running(&g->dev, 0));
	require_ok(dev_set_features(&g->dev, g->cfg.features));
	require_ok(dev_set_mem_table(&g->dev, &g->mem));
	require_ok(dev_set_cid(&g->dev, g->cfg.cid));
	for (i = 0; i < NUM_QUEUES; i++)
		require_ok(guest_empty_ring(g, i));
	require_ok(dev_set_running(&g->dev, 1));
	/* vhost_vsock left kicks disabled; QEMU kicks, too. */
	for (i = 0; test_options.upstream && i < NUM_QUEUES; i++)
		guest_kick(g, i);
}

__u32 guest_wait_used(struct guest *g, unsigned int q)
{
	__u64 deadline = now_ms() + TIMEOUT;
	void *token;
	__u32 len;
	int chain;

	while ((chain = ring_get_used(&g->q[q].ring, &len, &token)) ==
	       -EAGAIN) {
		eventfd_t n;

		require(ms_left(deadline), "the chain was not used");
		host_poll(g->q[q].call, POLLIN, 50);
		eventfd_read(g->q[q].call, &n);
	}
	require(chain >= 0, "used entry of a chain not in flight");
	require(!ring_has_used(&g->q[q].ring), "two used entries");
	return len;
}

void guest_check(const struct guest *g)
{
	require(!g->missed_calls, "%u used entries without an interrupt",
		g->missed_calls);
	require(!g->bad_used, "%u bad used entries", g->bad_used);
}

/* Overwrite the part of a segment that lies in @len bytes from @gpa on, as if it was not used. */
static void unuse(__u8 *mem, __u64 gpa, __u32 len, __u8 byte, __u64 addr,
		  __u32 size)
{
	while (size--) {
		if (addr - gpa < len)
			mem[addr - gpa] = byte;
		addr++;
	}
}

void check_untouched(const struct guest *g, __u64 gpa, __u32 len, __u8 byte,
		     const struct seg *segs, unsigned int n, __u32 used)
{
	__u8 *mem = block(len);
	unsigned int i;
	__u32 size;

	require_ok(mem_read(&g->mem, gpa, mem, len));
	for (i = 0; i < n && used; i++, used -= size) {
		size = segs[i].len < used ? segs[i].len : used;
		unuse(mem, gpa, len, byte, segs[i].addr, size);
	}
	for (i = 0; i < len; i++)
		require(mem[i] == byte, "byte at %u of the area written", i);
	free(mem);
}

void wait_asleep(pid_t pid)
{
	__u64 deadline = now_ms() + TIMEOUT;
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		require(ms_left(deadline), "%d does not sleep", pid);
		usleep(1000);
		f = fopen(path, "r");
		require(f, "%s", path);
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(f);
	} while (state != 'S');
}

void wait_stopped(pid_t pid)
{
	int status;

	require(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status),
		"%d does not stop: %x", pid, status);
}

const char *counter_name(enum counter which)
{
	return counter_names[which];
}

struct counters counters_read(const struct guest *g)
{
	struct counters c = { 0 };
	unsigned int i;

	for (i = 0; !test_options.upstream && i < NUM_COUNTERS; i++)
		require(!dev_counter(&g->dev, counter_names[i], &c.value[i]),
			"no counter %s", counter_names[i]);
	return c;
}

void counters_expect(const struct guest *g, const struct counters *before,
		     enum counter which, unsigned int by)
{
	struct counters now = counters_read(g);
	unsigned int i;

	for (i = 0; !test_options.upstream && i < NUM_COUNTERS; i++)
		require(now.value[i] - before->value[i] ==
			(i == which ? by : 0),
			"%s moved by %lld, %s", counter_names[i],
			(long long)(now.value[i] - before->value[i]),
			which == NO_COUNTER ? "none should" :
			i == which ? "not as it should" :
			counter_names[which]);
}

__u64 counter_get(const struct guest *g, const char *name)
{
	__u64 v = 0;

	require(!dev_counter(&g->dev, name, &v), "no counter %s", name);
	return v;
}
