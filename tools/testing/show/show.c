// SPDX-License-Identifier: GPL-2.0
/*
 * The output of tools for a device with known traffic: mvsockctl, ss, tcpdump, trace-cmd, bpftrace.
 * The commands are the examples of the manual, one on each line of the file in $MVSOCK_EXAMPLES.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

#define COMMAND_TIMEOUT 250	/* seconds: bpftrace has to start a compiler */

static char output[256 * 1024];

/* --- commands --------------------------------------------------------------- */

/* The start of each example that the tests use. */
static const char *const tested[] = {
	"mvsockctl list --json", "mvsockctl list", "mvsockctl watch",
	"mvsockctl connections --json", "mvsockctl connections --watch",
	"mvsockctl connections", "mvsockctl reset ", "mvsockctl metrics", "mv ",
	"mvsockctl explain", "mvsockctl doctor", "ss ", "ip link add",
	"ip link set", "tcpdump ", "trace-cmd record", "trace-cmd report",
	"bpftrace -l", "bpftrace -e", "cat /proc/net/mvsock",
};

static FILE *open_examples(void)
{
	const char *path = getenv("MVSOCK_EXAMPLES");
	FILE *f = path ? fopen(path, "r") : NULL;

	require(f, "no examples in $MVSOCK_EXAMPLES");
	return f;
}

/* The example that starts with this text. */
static const char *find_example(const char *begin)
{
	static char line[1024];
	FILE *f = open_examples();
	bool found = false;

	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, begin, strlen(begin));
	fclose(f);
	require(found, "the manual has no example of '%s'", begin);
	line[strcspn(line, "\n")] = 0;
	return line;
}

static void read_output(int fd)
{
	ssize_t n, len = 0;

	while ((n = pread(fd, output + len, sizeof(output) - 1 - len, len)) > 0)
		len += n;
	output[len] = 0;
	close(fd);
}

/* Start a command with its output in a file. */
static pid_t start(const char *command, int *fd)
{
	pid_t pid;

	*fd = open(".", O_TMPFILE | O_RDWR, 0600);
	require(*fd >= 0, "temporary file: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		dup2(*fd, 1);
		dup2(*fd, 2);
		signal(SIGPIPE, SIG_DFL);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	return pid;
}

/* Run it, with traffic if there is a session. Returns its exit status. */
static int run_beside(struct session *s, const char *command)
{
	int fd, status;
	pid_t pid = start(command, &fd);

	while (!waitpid(pid, &status, s ? WNOHANG : 0)) {
		session_exchange(s, 1000);
		usleep(1000);
	}
	read_output(fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void explain_output(void)
{
	char *line, *save = NULL;
	int i = 0;

	for (line = strtok_r(output, "\n", &save); line && i++ < 15;
	     line = strtok_r(NULL, "\n", &save))
		tap_note("%s", line);
}

static void expect_status(int status, int want, const char *command)
{
	require(status == want, "'%s' ends with %d, not %d", command, status,
		want);
}

static void run(const char *command)
{
	expect_status(run_beside(NULL, command), 0, command);
}

static void run_example(struct session *s, const char *begin)
{
	const char *command = find_example(begin);

	expect_status(run_beside(s, command), 0, command);
}

static void expect_text(const char *text)
{
	require(strstr(output, text), "'%s' is not in what it prints", text);
}

/* The line that contains @text. */
static char *line_with(const char *text)
{
	static char line[4096];
	const char *at, *begin;

	at = strstr(output, text);
	require(at, "'%s' is not in what it prints", text);
	for (begin = at; begin > output && begin[-1] != '\n'; begin--)
		;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(begin, "\n"), begin);
	return line;
}

/* --- mvsockctl -------------------------------------------------------------- */

static void begin(struct session *s)
{
	struct guest_config cfg = test_config(0);

	tap_on_failure(explain_output);
	session_guest_connects(s, &cfg, SOCK_STREAM);
	session_exchange(s, 1000);
}

static void test_list(const void *arg)
{
	unsigned long long pid, conns, packets[2], bytes[2], rejected;
	char state[16], comm[16], cid[32];
	struct session s;
	struct seg seg;

	(void)arg;
	begin(&s);
	seg = (struct seg){ s.g.tx_gpa, 43, false };
	require_ok(guest_send_segs(&s.g, &seg, 1, TIMEOUT));
	run_example(NULL, "cat /proc/net/mvsock");
	expect_text("cid pid comm state");
	run_example(NULL, "mvsockctl list");
	snprintf(cid, sizeof(cid), "%llu", (unsigned long long)s.g.cfg.cid);
	require(sscanf(line_with(cid),
		       "%*u %llu %15s %15s %llu %llu %llu %llu %llu %llu", &pid,
		       comm, state, &conns, &packets[0], &bytes[0], &packets[1],
		       &bytes[1], &rejected) == 9, "a line has other columns");
	require(pid == (unsigned int)getpid() && !strcmp(comm, "show"),
		"owner is %llu '%s'", pid, comm);
	require(!strcmp(state, "running") && conns == 1 && rejected == 1,
		"state %s, %llu connections, %llu rejected", state, conns,
		rejected);
	require(bytes[0] == 1000 && bytes[1] == 1000 &&
		packets[0] == counter_get(&s.g, "rx_packets") &&
		packets[1] == counter_get(&s.g, "tx_packets"),
		"%llu/%llu bytes", bytes[0], bytes[1]);
	session_close(&s);
	run_example(NULL, "mvsockctl list");
	require(!strstr(output, cid), "it is listed after it was closed");
}

static void test_list_json(const void *arg)
{
	char command[1024], want[256];
	struct session s;

	(void)arg;
	begin(&s);
	require(!prctl(PR_SET_NAME, "a \"\\\n\xff"), "prctl");
	snprintf(command, sizeof(command), "%s | python3 -c '\n"
		 "import json, sys\n"
		 "d, = [d for d in json.load(sys.stdin) if d[\"cid\"] == %llu]\n"
		 "print(d[\"pid\"], json.dumps(d[\"comm\"]), d[\"state\"],\n"
		 "      d[\"rx_bytes\"], d[\"tx_bytes\"], d[\"direct_sends\"])'",
		 find_example("mvsockctl list --json"),
		 (unsigned long long)s.g.cfg.cid);
	run(command);
	snprintf(want, sizeof(want),
		 "%d \"a \\\"\\\\\\n\\ufffd\" running 1000 1000 1\n", getpid());
	require(!strcmp(output, want), "not '%s'", want);
	session_close(&s);
}

static void test_watch(const void *arg)
{
	double to_guest, to_guest_bytes;
	char command[256], cid[32];
	struct session s;

	(void)arg;
	begin(&s);
	snprintf(command, sizeof(command), "%s | head -n 4",
		 find_example("mvsockctl watch"));
	expect_status(run_beside(&s, command), 0, command);
	require(!strchr(output, '\033'), "escape sequences in a pipe");
	snprintf(cid, sizeof(cid), "%llu", (unsigned long long)s.g.cfg.cid);
	require(sscanf(line_with(cid), "%*u %*u %*s running 1 %lf %lf",
		       &to_guest, &to_guest_bytes) == 2,
		"a line has other columns");
	require(to_guest >= 1 && to_guest_bytes >= 1000 * to_guest - 1000,
		"%f packets, %f bytes", to_guest, to_guest_bytes);
	session_close(&s);
}

/* --- connections ------------------------------------------------------------ */

/* The example with other ports, or none. */
static const char *reset_example(const char *ports)
{
	static char command[64];
	unsigned int cid, port;

	require(sscanf(find_example("mvsockctl reset "),
		       "mvsockctl reset %u:%u", &cid, &port) == 2,
		"no CID and port in the example");
	snprintf(command, sizeof(command), "mvsockctl reset %s", ports);
	return command;
}

/* With 300 bytes that the host's program has not read. */
static void begin_unread(struct session *s)
{
	static __u8 buf[300];

	begin(s);
	require_ok(conn_send(&s->c, buf, sizeof(buf), TIMEOUT));
}

static void test_connections(const void *arg)
{
	unsigned long long to, from, to_credit, queued, from_credit, unread;
	char type[16], state[16], comm[16], waits[16], address[64];
	unsigned int host_port, pid;
	struct session s;

	(void)arg;
	begin_unread(&s);
	run_example(NULL, "mvsockctl connections");
	snprintf(address, sizeof(address), "%llu %10u",
		 (unsigned long long)s.g.cfg.cid, s.c.port);
	require(sscanf(line_with(address),
		       "%*u %*u %u %15s %15s %u %15s %llu %llu %llu %llu %llu %llu %15s",
		       &host_port, type, state, &pid, comm, &to, &from,
		       &to_credit, &queued, &from_credit, &unread, waits) == 12,
		"a line has other columns");
	require(host_port == s.c.peer_port && !strcmp(type, "stream") &&
		!strcmp(state, "open") && !strcmp(waits, "-"),
		"port %u, %s, %s, waits for %s", host_port, type, state, waits);
	require(pid == (unsigned int)getpid() && !strcmp(comm, "show"),
		"program is %u '%s'", pid, comm);
	require(to == 1000 && from == 1300 && unread == 300 && !queued,
		"%llu/%llu bytes, %llu unread, %llu queued", to, from, unread,
		queued);
	require(from_credit == conn_credit(&s.c) && to_credit,
		"credit %llu/%llu", to_credit, from_credit);
	session_close(&s);
	run_example(NULL, "mvsockctl connections");
	require(!strstr(output, address), "it is listed when it is gone");
}

static void test_connections_json(const void *arg)
{
	char command[1024], want[256];
	struct session s;

	(void)arg;
	begin_unread(&s);
	snprintf(command, sizeof(command), "%s %llu | python3 -c '\n"
		 "import json, sys\n"
		 "c, = json.load(sys.stdin)\n"
		 "print(c[\"guest_port\"], c[\"host_port\"], c[\"state\"], c[\"pid\"],\n"
		 "      c[\"comm\"], c[\"uid\"], c[\"tx_queued\"], c[\"wait\"])'",
		 find_example("mvsockctl connections --json"),
		 (unsigned long long)s.g.cfg.cid);
	run(command);
	snprintf(want, sizeof(want), "%u %u open %d show %u 300 None\n",
		 s.c.port, s.c.peer_port, getpid(), getuid());
	require(!strcmp(output, want), "not '%s'", want);
	session_close(&s);
}

static void test_connections_watch(const void *arg)
{
	char command[256], address[64];
	struct session s;
	double to, from;

	(void)arg;
	begin(&s);
	snprintf(command, sizeof(command), "%s %llu | head -n 4",
		 find_example("mvsockctl connections --watch"),
		 (unsigned long long)s.g.cfg.cid);
	expect_status(run_beside(&s, command), 0, command);
	snprintf(address, sizeof(address), "%llu %10u",
		 (unsigned long long)s.g.cfg.cid, s.c.port);
	require(sscanf(line_with(address), "%*u %*u %*u %*s %*s %*u %*s %lf %lf",
		       &to, &from) == 2, "a line has other columns");
	require(to >= 1000 && from >= 1000, "%f/%f bytes", to, from);
	session_close(&s);
}

static void test_reset(const void *arg)
{
	struct session s, other;
	char ports[32];

	(void)arg;
	begin(&s);
	session_another(&other, &s, SOCK_STREAM, 1);
	snprintf(ports, sizeof(ports), "%llu:%u",
		 (unsigned long long)s.g.cfg.cid, other.c.port);
	run(reset_example(ports));
	require_ok(conn_wait_reset(&other.c, TIMEOUT));
	session_exchange(&s, 1000);
	expect_status(run_beside(NULL, reset_example(ports)), 1, "reset");
	expect_text("no such connection");
	*strchr(ports, ':') = 0;
	run(reset_example(ports));
	require_ok(conn_wait_reset(&s.c, TIMEOUT));
	expect_status(run_beside(NULL, "mvsockctl reset 4294967294"), 1, "reset");
	expect_text("no guest has the CID 4294967294");
	expect_status(run_beside(NULL, "mvsockctl reset 3:x"), 2, "reset");
	expect_status(run_beside(NULL, "mvsockctl connections x"), 2, "CID");
	session_close_another(&other);
	session_close(&s);
}

/* --- metrics ---------------------------------------------------------------- */

static void expect_metric(const struct session *s, const char *name,
			  const char *label, const char *value)
{
	char text[128];

	snprintf(text, sizeof(text), "\nmvsock_%s{cid=\"%llu\"%s} %s\n", name,
		 (unsigned long long)s->g.cfg.cid, label, value);
	expect_text(text);
}

static void expect_not_allowed(const char *command)
{
	char without[128];

	snprintf(without, sizeof(without), "setpriv --bounding-set -net_admin %s",
		 command);
	expect_status(run_beside(NULL, without), 1, command);
	expect_text("CAP_NET_ADMIN");
}

/* Groups of CIDs that are not in use. */
static void test_group(const void *arg)
{
	(void)arg;
	tap_on_failure(explain_output);
	run("mvsockctl group add 'a group' 4000000001 4000000002");
	run("mvsockctl group add 'a group' 4000000002");
	run("printf '# comment\nother 4000000001 # one\n\n' >f && mvsockctl group load f && rm f");
	run("mvsockctl group show");
	require(strstr(output, "4000000001 a group\n4000000001 other\n4000000002 a group\n"),
		"the groups are not listed");
	run("mvsockctl group del 'a group' 4000000001 4000000002 4000000003");
	run("mvsockctl group del other 4000000001");
	run("mvsockctl group show");
	require(!strstr(output, "40000000"), "a group is still there");
	run("mvsockctl group load");
	expect_status(run_beside(NULL, "mvsockctl group load /nowhere"), 1, "load");
	expect_status(run_beside(NULL, "printf 'a\\nb c' >f && mvsockctl group load f"), 1, "load");
	expect_text("line 2 of f");
	expect_status(run_beside(NULL, "mvsockctl group add x 2"), 2, "add");
	expect_status(run_beside(NULL, "mvsockctl group add x"), 2, "add");
	expect_status(run_beside(NULL, "mvsockctl group"), 2, "group");
	expect_status(run_beside(NULL, "mvsockctl group add '' 3"), 1, "add");
	expect_text("is no name of a group");
	expect_not_allowed("mvsockctl group add x 3");
	expect_not_allowed("mvsockctl group show");
}

/* A connection between two guests. */
static void test_group_connections(const void *arg)
{
	struct guest_config second = test_config(1);
	struct session s;
	struct conn a, b;
	struct guest g;
	char want[128];

	(void)arg;
	begin(&s);
	require_ok(guest_start(&g, &second));
	snprintf(want, sizeof(want), "mvsockctl group add show %llu %llu",
		 (unsigned long long)s.g.cfg.cid, (unsigned long long)second.cid);
	run(want);
	conn_init_ends(&a, &s.g, 1000, &b, &g, 2000, VIRTIO_VSOCK_TYPE_STREAM);
	require_ok(conn_connect_ends(&a, &b, TIMEOUT));
	run("mvsockctl group connections");
	snprintf(want, sizeof(want), "%10llu       1000 %10llu       2000 stream    answered",
		 (unsigned long long)s.g.cfg.cid, (unsigned long long)second.cid);
	expect_text(want);
	run("mvsockctl group connections --json | python3 -c 'import json, sys\n"
	    "for c in json.load(sys.stdin): print(c[\"port\"], c[\"peer_port\"], c[\"answered\"])'");
	require(!strcmp(output, "1000 2000 True\n"), "another connection");
	expect_not_allowed("mvsockctl group connections");
	expect_status(run_beside(NULL, "mvsockctl group connections 3"), 2, "CID");
	snprintf(want, sizeof(want), "mvsockctl group del show %llu %llu",
		 (unsigned long long)s.g.cfg.cid, (unsigned long long)second.cid);
	run(want);
	require_ok(conn_wait_reset(&a, TIMEOUT));
	run("mvsockctl group connections | wc -l");
	require(!strcmp(output, "1\n"), "it is still listed");
	conn_free(&a);
	conn_free(&b);
	guest_stop(&g);
	session_close(&s);
}

/* What is shown can be set again. */
static void test_policy(const void *arg)
{
	static const char rules[] =
		"allow to-guest cid 4000000001 port 22 uid 0\n"
		"deny to-guest cid 4000000001\n"
		"deny to-host port 1-1023\n";
	char command[256];

	(void)arg;
	tap_on_failure(explain_output);
	snprintf(command, sizeof(command), "printf '# comment\n\n%s' | mvsockctl policy set -",
		 rules);
	run(command);
	run("mvsockctl policy show");
	require(!strcmp(output, rules), "other rules are listed");
	run("mvsockctl policy show >f && mvsockctl policy set f f");
	run("mvsockctl policy show | wc -l");
	expect_text("6");
	expect_status(run_beside(NULL, "printf 'deny to-host\nallow x' | mvsockctl policy set -"),
		      1, "set");
	expect_text("line 2 of the input; nothing was changed");
	expect_status(run_beside(NULL, "mvsockctl policy set f /nowhere"), 1, "set");
	run("mvsockctl policy show | wc -l");
	expect_text("6");
	run("yes deny to-host | head -n 1025 >f");
	expect_status(run_beside(NULL, "mvsockctl policy set f"), 1, "set");
	expect_text("more than 1024 rules");
	run("yes deny to-host cid 4000000001 | head -n 1024 | mvsockctl policy set -");
	run("mvsockctl policy show | wc -l");
	expect_text("1024");
	expect_not_allowed("mvsockctl policy set -");
	expect_not_allowed("mvsockctl policy show");
	expect_status(run_beside(NULL, "mvsockctl policy set ."), 1, "set of a folder");
	expect_text("nothing was changed");
	run("mvsockctl policy show | wc -l");
	expect_text("1024");
	run("rm f && mvsockctl policy set && mvsockctl policy show");
	require(!*output, "there are rules");
	expect_status(run_beside(NULL, "mvsockctl policy"), 2, "policy");
}

static void test_metrics(const void *arg)
{
	const char *promtool = getenv("MVSOCK_PROMTOOL"), *command;
	struct session s;
	char check[256];
	struct dev dev;

	(void)arg;
	begin(&s);
	/* A guest without a CID is none yet. */
	require_ok(dev_open(&dev, s.g.cfg.path, O_RDWR));
	command = find_example("mvsockctl metrics");
	run("mvsockctl metrics");
	expect_metric(&s, "connections", "", "1");
	expect_metric(&s, "device_state", ",state=\"running\"", "1");
	expect_metric(&s, "device_state", ",state=\"broken\"", "0");
	expect_metric(&s, "rx_bytes_total", "", "1000");
	expect_metric(&s, "tx_bytes_total", "", "1000");
	expect_metric(&s, "rejected_chains_total", ",reason=\"bad_cid\"", "0");
	require(!strstr(output, "cid=\"0\""), "a device without a CID");
	require(strchr(command, '>'), "the example writes no file");
	if (promtool && *promtool) {
		snprintf(check, sizeof(check), "mvsockctl metrics | %s check metrics",
			 promtool);
		run(check);
		require(!*output, "promtool has something to say");
	}
	dev_close(&dev);
	session_close(&s);
}

static void test_explain(const void *arg)
{
	(void)arg;
	tap_on_failure(explain_output);
	run_example(NULL, "mvsockctl explain");
	expect_text("What to do:");
	expect_status(run_beside(NULL, "mvsockctl explain none"), 1, "explain");
	expect_status(run_beside(NULL, "mvsockctl none"), 2, "a command");
	expect_status(run_beside(NULL, "mvsockctl list --none"), 2, "list");
	expect_status(run_beside(NULL, "mvsockctl watch 0"), 2, "watch");
	run("mvsockctl --help");
	run("mvsockctl --version");
}

static void test_doctor(const void *arg)
{
	struct session s;
	struct seg seg;

	(void)arg;
	begin(&s);
	run_example(NULL, "mvsockctl doctor");
	expect_text("nothing is wrong");
	seg = (struct seg){ s.g.tx_gpa, 43, false };
	require_ok(guest_send_segs(&s.g, &seg, 1, TIMEOUT));
	run("mvsockctl doctor");
	expect_text("rejected_too_short 1; mvsockctl explain");
	s.g.q[TXQ].ring.s.avail_idx += s.g.cfg.num[TXQ] + 1;
	guest_kick(&s.g, TXQ);
	require(guest_ring_error(&s.g, TXQ, TIMEOUT), "the ring works");
	expect_status(run_beside(NULL, "mvsockctl doctor"), 1, "doctor");
	expect_text("a ring is broken");
	session_close(&s);
}

/* --- other tools ------------------------------------------------------------- */

static void test_ss(const void *arg)
{
	char host[32], guest[32];
	struct session s;
	char *line;

	(void)arg;
	begin(&s);
	run_example(NULL, "ss ");
	snprintf(guest, sizeof(guest), "%llu:%u",
		 (unsigned long long)s.g.cfg.cid, s.c.port);
	snprintf(host, sizeof(host), "2:%u", s.c.peer_port);
	line = line_with(guest);
	require(strstr(line, host) && strstr(line, "ESTAB"), "'%s'", line);
	session_close(&s);
}

static void test_capture(const void *arg)
{
	struct session s;
	char text[64];

	(void)arg;
	begin(&s);
	run_example(NULL, "ip link add");
	run_example(NULL, "ip link set");
	run_example(&s, "tcpdump ");
	snprintf(text, sizeof(text), "%llu.%u",
		 (unsigned long long)s.g.cfg.cid, s.c.port);
	expect_text(text);
	run("ip link del vsockmon0");
	session_close(&s);
}

static void test_trace(const void *arg)
{
	char to[128], from[128];
	struct session s;

	(void)arg;
	begin(&s);
	run_example(&s, "trace-cmd record");
	run_example(NULL, "trace-cmd report");
	snprintf(to, sizeof(to), "2:%u -> %llu:%u STREAM RW len=1000",
		 s.c.peer_port, (unsigned long long)s.g.cfg.cid, s.c.port);
	snprintf(from, sizeof(from), "%llu:%u -> 2:%u STREAM RW len=1000",
		 (unsigned long long)s.g.cfg.cid, s.c.port, s.c.peer_port);
	require(strstr(line_with(to), "mvs_packet_rx:"), "another event");
	require(strstr(line_with(from), "mvs_packet_tx:"), "another event");
	run("rm trace.dat");
	session_close(&s);
}

static void test_bpftrace(const void *arg)
{
	struct session s;
	char text[64];

	(void)arg;
	begin(&s);
	run_example(NULL, "bpftrace -l");
	expect_text("tracepoint:mvsock:mvs_packet_tx");
	expect_text("tracepoint:mvsock:mvs_chain_rejected");
	run_example(&s, "bpftrace -e");
	snprintf(text, sizeof(text), "[%llu]: ",
		 (unsigned long long)s.g.cfg.cid);
	require(strtoull(strstr(line_with(text), ": ") + 2, NULL, 10) >= 1000,
		"no bytes");
	session_close(&s);
}

static void test_examples(const void *arg)
{
	FILE *f = open_examples();
	unsigned int i, n = 0;
	char line[1024];

	(void)arg;
	while (fgets(line, sizeof(line), f)) {
		for (i = 0; i < ARRAY_SIZE(tested); i++)
			if (!strncmp(line, tested[i], strlen(tested[i])))
				break;
		require(i < ARRAY_SIZE(tested), "nothing tests '%s'", line);
		n++;
	}
	require(n >= ARRAY_SIZE(tested), "%u examples", n);
	fclose(f);
}

int main(int argc, char **argv)
{
	struct tap_options opt = {
		.match = argv + 1,
		.nmatch = argc - 1,
		.timeout = COMMAND_TIMEOUT,
	};

	if (!session_begin())
		return 1;
	tap_add("mvsockctl list", test_list, NULL, 0);
	tap_add("mvsockctl list --json", test_list_json, NULL, 0);
	tap_add("mvsockctl watch", test_watch, NULL, 0);
	tap_add("mvsockctl connections", test_connections, NULL, 0);
	tap_add("mvsockctl connections --json", test_connections_json, NULL, 0);
	tap_add("mvsockctl connections --watch", test_connections_watch, NULL, 0);
	tap_add("mvsockctl reset", test_reset, NULL, 0);
	tap_add("mvsockctl group", test_group, NULL, 0);
	tap_add("mvsockctl group connections", test_group_connections, NULL, 0);
	tap_add("mvsockctl policy", test_policy, NULL, 0);
	tap_add("mvsockctl metrics", test_metrics, NULL, 0);
	tap_add("mvsockctl explain", test_explain, NULL, 0);
	tap_add("mvsockctl doctor", test_doctor, NULL, 0);
	tap_add("ss", test_ss, NULL, 0);
	tap_add("tcpdump", test_capture, NULL, 0);
	tap_add("trace-cmd", test_trace, NULL, 0);
	tap_add("bpftrace", test_bpftrace, NULL, 0);
	tap_add("all examples are tested", test_examples, NULL, 0);
	return tap_run(&opt);
}
