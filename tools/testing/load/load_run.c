// SPDX-License-Identifier: GPL-2.0
/* The processes of a load: they start together, end together, fail together. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "host.h"
#include "load.h"

/* Additional seconds that a process may take after its time, or for its amount of work. */
#define LIMIT		60
#define LIMIT_COUNT	600

struct load_run load_run;

/* Child processes report on one pipe that they are ready, or have failed, and wait for the end of
 * file of the other one.
 */
static int ready[2], go[2];
static pid_t children[2 * LOAD_MAX_GUESTS + 1];
static unsigned int nchildren;

static void say_ready(char what)
{
	if (write(ready[1], &what, 1) != 1)
		_exit(1);
}

void load_exit(void)
{
	say_ready('F');
	_exit(1);
}

void load_begin(struct load_end *end)
{
	char junk;

	say_ready('.');
	if (read(go[0], &junk, 1))
		load_fail("waiting for the others: %s", strerror(errno));
	end->start = now_ns();
}

static void limit_time(void)
{
	alarm(load_run.opt->count ? LIMIT_COUNT :
	      LIMIT + (unsigned int)load_run.opt->seconds);
}

static bool share(void)
{
	load_run.shared = mmap(NULL, sizeof(*load_run.shared),
			       PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return load_run.shared != MAP_FAILED;
}

void load_attach(const struct load *l, const struct load_options *opt, int fd)
{
	load_run.load = l;
	load_run.opt = opt;
	ready[1] = fd;
	go[0] = fd;
	limit_time();
	if (!share())
		load_fail("%s", strerror(errno));
}

/* Returns true in the child. */
static bool spawn(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		close(ready[0]);
		limit_time();
		return true;
	}
	if (pid > 0)
		children[nchildren++] = pid;
	else
		load_complain("fork: %s", strerror(errno));
	return false;
}

static void child_end(void)
{
	fflush(stdout);
	_exit(0);
}

static void kill_children(void)
{
	unsigned int i;

	for (i = 0; i < nchildren; i++)
		if (children[i])
			kill(children[i], SIGKILL);
}

static void forget_child(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < nchildren; i++)
		if (children[i] == pid)
			children[i] = 0;
}

/* Wait for all children. Returns whether all succeeded; if not @good, or when the first one fails,
 * all are killed.
 */
static bool wait_children(bool good)
{
	int status;
	pid_t pid;

	if (!good)
		kill_children();
	while ((pid = wait(&status)) > 0) {
		forget_child(pid);
		if (!status || !good)
			continue;
		good = false;
		if (WIFSIGNALED(status))
			load_complain("a process ended by signal %d",
				      WTERMSIG(status));
		kill_children();
	}
	nchildren = 0;
	return good;
}

static bool wait_ready(void)
{
	unsigned int i;
	char what;

	for (i = 0; i < nchildren; i++)
		if (read(ready[0], &what, 1) != 1 || what != '.')
			return false;
	return true;
}

static bool spawn_pair(unsigned int i)
{
	unsigned int before = nchildren;
	int listener;
	__u32 port;

	listener = host_listen(load_run.load->socktype, &port);
	if (listener < 0) {
		load_complain("listening: %s", strerror(-listener));
		return false;
	}
	if (spawn()) {
		load_run.opt->vm ? load_vm_host(i, listener) :
				   load_host(i, listener);
		child_end();
	}
	close(listener);
	if (spawn()) {
		load_run.opt->vm ? load_vm_guest(i, port) : load_guest(i, port);
		child_end();
	}
	return nchildren == before + 2;
}

static bool spawn_hostile(void)
{
	unsigned int before = nchildren;

	if (spawn()) {
		load_hostile();
		child_end();
	}
	return nchildren == before + 1;
}

/* Run the started children to their end, and count KVM's events meanwhile. */
static bool run_children(bool all, struct load_vm_counters *vm)
{
	const double s = load_run.opt->seconds;
	struct timespec ts = { s, (s - (time_t)s) * 1e9 };
	struct load_vm_counters before = { 0 };

	/* If all children died, read() must return the end of file. */
	close(ready[1]);
	close(go[0]);
	all = all && wait_ready() && (!load_run.opt->vm || load_vm_count(&before));
	close(go[1]);
	close(ready[0]);
	if (all && !load_run.opt->count)
		while (nanosleep(&ts, &ts) && errno == EINTR)
			;
	flag_set(&load_run.shared->stop);
	if (!wait_children(all))
		return false;
	if (!load_run.opt->vm)
		return true;
	if (!load_vm_count(vm))
		return false;
	vm->exits -= before.exits;
	vm->interrupts -= before.interrupts;
	vm->switches -= before.switches;
	return true;
}

static bool run_pairs(void)
{
	static struct load_total total;
	bool all = true;
	unsigned int i;

	for (i = 0; all && i < load_run.opt->guests; i++)
		all = spawn_pair(i);
	if (all && load_run.load->hostile)
		all = spawn_hostile();
	memset(&total, 0, sizeof(total));
	if (!run_children(all, &total.vm))
		return false;
	if (!load_add_up(&total))
		return false;
	load_print(&total);
	return true;
}

/* One process with all devices. */
static bool run_devices(void)
{
	struct load_end end;

	if (spawn()) {
		load_begin(&end);
		if (load_run.load->kind == LOAD_DEVICES)
			load_devices();
		else
			load_memory();
		child_end();
	}
	return run_children(nchildren, NULL);
}

bool load_execute(const struct load *l)
{
	bool good;

	load_run.load = l;
	if (!share() || pipe(ready) || pipe(go)) {
		load_complain("%s", strerror(errno));
		return false;
	}
	good = l->kind == LOAD_DEVICES || l->kind == LOAD_MEMORY ?
	       run_devices() : run_pairs();
	munmap(load_run.shared, sizeof(*load_run.shared));
	/* A host's socket may still send to a device that was closed. */
	load_run.first_cid += LOAD_MAX_DEVICES;
	return good;
}
