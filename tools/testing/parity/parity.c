// SPDX-License-Identifier: GPL-2.0
/*
 * Every ioctl with every argument that could be invalid, in every state of a device: its result,
 * and the resulting state. Run with two modules in turn, and compared.
 *
 *	parity print [DEVICE]	one line for each state and call
 *	parity compare A B	compare both outputs; A is vhost_vsock, B is mvsock
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parity.h"
#include "rows.h"
#include "session.h"

#define AT_ONCE 8

static __u32 cid_base;

static void tell_result(__s64 result)
{
	if (result < 0)
		row_tell("%s", strerrorname_np(-result));
	else
		row_tell("%llx", (unsigned long long)result);
}

/* The state that can be read back: the rings' bases. */
static void tell_bases(const struct guest *g)
{
	unsigned int i;
	__u32 base;
	int err;

	for (i = 0; i < NUM_QUEUES; i++) {
		row_tell(", base ");
		err = dev_get_ring_base(&g->dev, i, &base);
		tell_result(err ? err : (__s64)base);
	}
}

static __s64 make_call(const struct parity_call *c, const struct guest *g)
{
	__s64 result = c->special ? c->special(g, c->call.a) :
				    call_make(g, &c->call);

	tell_result(result);
	return result;
}

/* The call comes from a process that is not the owner. */
static __s64 other_makes_call(const struct parity_call *c,
			      const struct guest *g)
{
	int status;
	pid_t pid;

	pid = fork();
	require(pid >= 0, "fork");
	if (!pid)
		_exit(make_call(c, g) < 0);
	require(waitpid(pid, &status, 0) == pid, "waitpid");
	return -status;
}

/* A successful call may have changed anything, so set everything up again. An error here occurs
 * again at the start.
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

/* Execute the remaining steps of a setup. Returns how far they got. Nothing is repaired after a
 * call that failed, so that it shows if the call changed anything.
 */
static int start_device(enum state reach, struct guest *g, bool repair)
{
	enum state i;
	int err = 0;

	if (repair)
		set_up_again(g);
	for (i = reach; !err && i < RUNNING; i++) {
		if (i == FRESH && repair)
			continue;
		err = state_next(g, i);
	}
	if (!err && reach == RUNNING)
		err = dev_set_running(&g->dev, 1);
	row_tell(", start ");
	tell_result(err);
	return err;
}

static void play_row(unsigned int i)
{
	const struct parity_state *state = &parity_states[i % parity_nstates];
	const struct parity_call *call = &parity_calls[i / parity_nstates];
	struct guest_config cfg;
	struct session s;
	__s64 result;

	test_options.cid_base = cid_base + i;
	cfg = test_config(0);
	require_ok(state_reach(&s.g, &cfg, state->reach));
	if (state->stopped)
		require_ok(dev_set_running(&s.g.dev, 0));
	result = state->other ? other_makes_call(call, &s.g) :
				make_call(call, &s.g);
	tell_bases(&s.g);
	if (start_device(state->reach, &s.g, result >= 0 || call->repair)) {
		guest_stop(&s.g);
		return;
	}
	guest_kick(&s.g, RXQ);
	guest_kick(&s.g, TXQ);
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 3000);
	session_close(&s);
	row_tell(", works");
}

static void label_row(unsigned int i, char *text, size_t size)
{
	snprintf(text, size, "%s\t%s", parity_calls[i / parity_nstates].name,
		 parity_states[i % parity_nstates].name);
}

static int print(void)
{
	const struct rows rows = {
		.n = parity_nstates * parity_ncalls,
		.at_once = AT_ONCE,
		.seconds = TAP_TIMEOUT,
		.play = play_row,
		.label = label_row,
	};

	return rows_print(&rows);
}

int main(int argc, char **argv)
{
	cid_base = getpid() << 12;
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
