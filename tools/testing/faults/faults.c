// SPDX-License-Identifier: GPL-2.0
/* Makes each allocation and each mapping fail once. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failing.h"
#include "faults.h"

#define MOST		1000	/* limit of calls in one operation that can fail */
#define SECONDS		200

/**
 * struct pass - which calls fail
 * @name: its name
 * @map_errno: the error with which mapping a guest page fails
 * @allocations: allocations fail as well
 * @stops: a ring may stop, or a chain may be given back unused: the guest waits in vain
 * @timeout: see struct scene
 */
struct pass {
	const char *name;
	int map_errno;
	bool allocations;
	bool stops;
	int timeout;
};

static const struct pass passes[] = {
	{ "no memory", ENOMEM, .allocations = true, .timeout = TIMEOUT },
	{ "no page", EFAULT, .stops = true, .timeout = 2 * QUIET },
};

static const struct {
	enum kind kind;
	const char *name;
} kinds[] = {
	{ SPLIT, "" },
	{ PACKED, ", packed" },
	{ LOGGED, ", logged" },
	{ BEHIND_IOMMU, ", behind an IOMMU" },
};

struct faulty {
	const struct op *op;
	const struct pass *pass;
	enum kind kind;
};

/* --- the kernel's fault injection ----------------------------------------- */

static void set_pass(const struct pass *pass)
{
	const char *ignore = pass->allocations ? "N" : "Y";
	char number[16];

	failing_set("failslab", "ignore-gfp-wait", ignore);
	failing_set("fail_page_alloc", "ignore-gfp-wait", ignore);
	failing_set("fail_page_alloc", "ignore-gfp-highmem", ignore);
	failing_set("fail_page_alloc", "min-order", pass->allocations ? "0" : "10");
	snprintf(number, sizeof(number), "%d", pass->map_errno);
	failing_set("fail_mvsock_map", "errno", number);
}

static int open_nth(pid_t thread)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth", thread);
	fd = open(path, O_RDWR | O_CLOEXEC);
	require(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

/* Make the @nth call from now on fail. */
static void arm(int fd, unsigned int nth)
{
	char number[16];
	int n = snprintf(number, sizeof(number), "%u", nth);

	require(pwrite(fd, number, n, 0) == n, "fail-nth: %s", strerror(errno));
}

/* Stop injecting faults. Returns whether one was injected. */
static bool disarm(int fd)
{
	char number[16] = "";

	require(pread(fd, number, sizeof(number) - 1, 0) > 0, "fail-nth");
	arm(fd, 0);
	return !atoi(number);
}

/* --- one fault after the other -------------------------------------------- */

/* Check that the guest works: another connection, and a block in each direction. */
static void check_guest(struct scene *s, bool restart)
{
	struct guest *g = &s->s.g;
	struct session other;
	unsigned int i;

	if (restart)
		scene_restart(s);
	g->rx_repost = true;
	for (i = 0; i < 4; i++)
		require_ok(guest_post_rx(g, 4096, &layout_one));
	session_another(&other, &s->s, SOCK_STREAM, 10);
	session_exchange(&other, 5000);
	session_close_another(&other);
}

static void begin(struct scene *s, const struct faulty *f, unsigned int round)
{
	memset(s, 0, sizeof(*s));
	s->s.fd = -1;
	s->s.listener = -1;
	s->s.g.dev.fd = -1;
	s->kind = f->kind;
	s->fd = -1;
	s->round = round;
	s->timeout = f->pass->timeout;
}

/* Check whether a fault may cause this error. */
static bool is_of_fault(const struct pass *pass, int err)
{
	switch (err) {
	case 0:
	case -ENOMEM:
	case -EFAULT:	/* from some ioctls, as in vhost */
	case -ENFILE:	/* from socket() */
	case -ENOBUFS:
	case -ECONNRESET:
		return true;
	case -EAGAIN:
	case -ETIMEDOUT:
		return pass->stops;
	default:
		return false;
	}
}

/*
 * Run the operation with one fault, then check that everything works. Returns whether there was a
 * fault.
 */
static bool do_once(const struct faulty *f, unsigned int nth)
{
	const struct op *op = f->op;
	struct scene s;
	__u64 errors;
	bool failed;
	int fd, err;

	begin(&s, f, nth);
	op->prepare(&s);
	scene_forget(&s);
	fd = open_nth(op->worker ? failing_worker() : gettid());
	arm(fd, nth);
	err = op->act(&s);
	failed = disarm(fd);
	close(fd);

	errors = scene_errors(&s);
	require(failed || !err || err == -ETIMEDOUT, "without a fault: %s",
		strerror(-err));
	require(is_of_fault(f->pass, err), "fault %u: %s", nth, strerror(-err));
	require(!errors || f->pass->stops, "fault %u: lack of memory was counted as an error",
		nth);
	if (err && op->again && !errors)
		require_ok(op->again(&s));
	if (op->rest && err != -ETIMEDOUT)
		require_ok(op->rest(&s));
	check_guest(&s, f->pass->stops);
	/* If a ring stopped because the log was missing, its last writes are not logged. */
	if (!f->pass->stops)
		scene_check_log(&s);
	scene_end(&s);
	return failed;
}

/*
 * Bring each page into memory first: if a program's page can't be made writable for lack of memory,
 * user-mode Linux writes to the mapped page all the same, which may be the zero page.
 */
static void take_memory(void)
{
	require(!mlockall(MCL_CURRENT) && !munlockall(), "mlockall: %s",
		strerror(errno));
}

static void fail_each(const void *arg)
{
	const struct faulty *f = arg;
	unsigned int nth = 1;

	take_memory();
	set_pass(f->pass);
	while (do_once(f, nth))
		require(++nth < MOST, "each attempt has a fault");
	tap_note("%u faults", nth - 1);
}

static const char help[] =
	"usage: faults [--list] [WORD...]\n"
	"Needs a kernel with fault injection and debugfs, and root.\n"
	"  --list   list the tests\n"
	"  WORD...  run only tests whose name has one of these\n";

static void add_tests(const struct pass *pass, const struct op *op)
{
	struct faulty *f;
	unsigned int i;
	char *name;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!(op->kinds & kinds[i].kind))
			continue;
		f = malloc(sizeof(*f));
		if (!f || asprintf(&name, "%s%s", op->name, kinds[i].name) < 0)
			abort();
		*f = (struct faulty){ op, pass, kinds[i].kind };
		tap_add2(pass->name, name, fail_each, f, 0);
		free(name);
	}
}

int main(int argc, char **argv)
{
	struct tap_options opt = { .timeout = SECONDS };
	unsigned int i, j;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	opt.list = argc > 1 && !strcmp(argv[1], "--list");
	opt.match = argv + 1 + opt.list;
	opt.nmatch = argc - 1 - opt.list;
	if (!opt.list && !session_begin())
		return 1;
	for (i = 0; i < ARRAY_SIZE(passes); i++)
		for (j = 0; j < nops; j++)
			add_tests(&passes[i], &ops[j]);
	return tap_run(&opt);
}
