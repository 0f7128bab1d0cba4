// SPDX-License-Identifier: GPL-2.0
/*
 * Every ioctl with every argument that could go wrong, in every state of a
 * device: what it answers, and what it leaves behind. To be run in front of two
 * modules in turn, and compared.
 *
 *	parity print [DEVICE]	one line for each state and call
 *	parity compare A B	what both printed; A is vhost_vsock, B is mvsock
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parity.h"
#include "session.h"

#define OUTCOME 160
#define BATCHES 8	/* at once, as a row may wait for what does not come */

struct row {
	const struct parity_state *state;
	const struct parity_call *call;
	char outcome[OUTCOME];
};

/* Rows that one process runs, every BATCHES-th; a new process those behind one
 * that failed. In memory that all processes share, as the rows are.
 */
struct batch {
	pid_t pid;
	unsigned int next;
};

static struct row *rows;
static unsigned int nrows;

/* Append to what is known of the row. */
static void tell(struct row *r, const char *fmt, ...)
{
	size_t used = strlen(r->outcome);
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->outcome + used, OUTCOME - used, fmt, args);
	va_end(args);
}

static void tell_result(struct row *r, __s64 result)
{
	if (result < 0)
		tell(r, "%s", strerrorname_np(-result));
	else
		tell(r, "%llx", (unsigned long long)result);
}

/* What can be read back: where the rings are. */
static void tell_bases(struct row *r, const struct guest *g)
{
	unsigned int i;
	__u32 base;
	int err;

	for (i = 0; i < NUM_QUEUES; i++) {
		tell(r, ", base ");
		err = dev_get_ring_base(&g->dev, i, &base);
		tell_result(r, err ? err : (__s64)base);
	}
}

static __s64 make_call(struct row *r, const struct guest *g)
{
	const struct parity_call *c = r->call;
	__s64 result = c->special ? c->special(g, c->call.a) :
				    call_make(g, &c->call);

	tell_result(r, result);
	return result;
}

/* The call comes from a process that is not the owner. */
static __s64 other_makes_call(struct row *r, const struct guest *g)
{
	int status;
	pid_t pid;

	pid = fork();
	require(pid >= 0, "fork");
	if (!pid)
		_exit(make_call(r, g) < 0);
	require(waitpid(pid, &status, 0) == pid, "waitpid");
	return -status;
}

/* A call that succeeded may have changed anything. What fails here fails again
 * at the start.
 */
static void set_up_again(struct guest *g)
{
	unsigned int i;

	dev_set_owner(&g->dev);
	dev_set_features(&g->dev, g->cfg.features);
	dev_set_mem_table(&g->dev, &g->mem);
	dev_set_cid(&g->dev, g->cfg.cid);
	for (i = 0; i < NUM_QUEUES; i++) {
		struct guest_queue *q = &g->q[i];
		struct ring *r = &q->ring;

		dev_set_ring_num(&g->dev, i, r->num);
		dev_set_ring_base(&g->dev, i, ring_device_base(r));
		dev_set_ring_addr(&g->dev, i, r->desc_area, r->driver_area,
				  r->device_area);
		dev_set_ring_call(&g->dev, i, q->call);
		dev_set_ring_err(&g->dev, i, q->err);
		dev_set_ring_kick(&g->dev, i, q->kick);
	}
}

/* The remaining steps of a set-up; how far they get. Nothing is repaired after
 * a call that failed, so that it shows if it changed something.
 */
static int start_device(struct row *r, struct guest *g, bool repair)
{
	enum state i;
	int err = 0;

	if (repair)
		set_up_again(g);
	for (i = r->state->reach; !err && i < RUNNING; i++) {
		if (i == FRESH && repair)
			continue;
		err = state_next(g, i);
	}
	if (!err && r->state->reach == RUNNING)
		err = dev_set_running(&g->dev, 1);
	tell(r, ", start ");
	tell_result(r, err);
	return err;
}

static void run_row(struct row *r)
{
	struct guest_config cfg = test_config(0);
	struct session s;
	__s64 result;

	require_ok(state_reach(&s.g, &cfg, r->state->reach));
	if (r->state->stopped)
		require_ok(dev_set_running(&s.g.dev, 0));
	result = r->state->other ? other_makes_call(r, &s.g) :
				   make_call(r, &s.g);
	tell_bases(r, &s.g);
	if (start_device(r, &s.g, result >= 0 || r->call->repair)) {
		guest_stop(&s.g);
		return;
	}
	guest_kick(&s.g, RXQ);
	guest_kick(&s.g, TXQ);
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 3000);
	session_close(&s);
	tell(r, ", works");
}

static void run_batch(struct batch *b)
{
	__u32 cid_base = test_options.cid_base;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Why data did not come is of no interest. */
	require(dup2(open("/dev/null", O_RDWR), 0) == 0 && dup2(0, 1) == 1,
		"/dev/null");
	for (; b->next < nrows; b->next += BATCHES) {
		alarm(TAP_TIMEOUT);
		test_options.cid_base = cid_base + b->next;
		run_row(&rows[b->next]);
	}
	_exit(0);
}

static void start_batch(struct batch *b)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	require(pid >= 0, "fork");
	if (!pid)
		run_batch(b);
	b->pid = pid;
}

/* Wait for a process; true if it came to the end of its batch. */
static bool end_batch(struct batch *batches)
{
	struct batch *b = batches;
	int status;
	pid_t pid;

	pid = wait(&status);
	while (b < batches + BATCHES && b->pid != pid)
		b++;
	require(b < batches + BATCHES, "wait");
	if (b->next >= nrows)
		return true;
	if (WIFSIGNALED(status))
		tell(&rows[b->next], ", killed by signal %d", WTERMSIG(status));
	b->next += BATCHES;
	start_batch(b);
	return false;
}

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	require(p != MAP_FAILED, "mmap");
	return p;
}

static int print(void)
{
	struct batch *batches = shared(BATCHES * sizeof(*batches));
	unsigned int i, ended = 0;

	nrows = parity_nstates * parity_ncalls;
	rows = shared(nrows * sizeof(*rows));
	for (i = 0; i < nrows; i++) {
		rows[i].state = &parity_states[i % parity_nstates];
		rows[i].call = &parity_calls[i / parity_nstates];
	}
	for (i = 0; i < BATCHES; i++) {
		batches[i].next = i;
		start_batch(&batches[i]);
	}
	while (ended < BATCHES)
		ended += end_batch(batches);
	for (i = 0; i < nrows; i++)
		printf("%s\t%s\t%s\n", rows[i].call->name, rows[i].state->name,
		       rows[i].outcome);
	return 0;
}

int main(int argc, char **argv)
{
	test_options.cid_base = getpid() << 12;
	signal(SIGPIPE, SIG_IGN);
	parity_init();
	if (argc >= 2 && argc <= 3 && !strcmp(argv[1], "print")) {
		if (argc == 3)
			test_options.path = argv[2];
		return print();
	}
	if (argc == 4 && !strcmp(argv[1], "compare"))
		return parity_compare(argv[2], argv[3]);
	fputs("usage: parity print [DEVICE] | compare VHOST_VSOCK MVSOCK\n",
	      stderr);
	return 2;
}
