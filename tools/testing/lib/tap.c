// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tap.h"

#define SLOW 1000	/* ms; longer tests are reported */

static struct tap_test *tests;
static unsigned int ntests;
static unsigned int running;
static unsigned int running_flags;
static unsigned int timeout = TAP_TIMEOUT;
static void (*on_failure)(void);

void tap_add(const char *name, void (*run)(const void *arg), const void *arg,
	     unsigned int flags)
{
	struct tap_test *t;

	t = realloc(tests, (ntests + 1) * sizeof(*tests));
	if (!t)
		abort();
	tests = t;
	tests[ntests++] = (struct tap_test){ name, run, arg, flags };
}

void tap_add2(const char *group, const char *name,
	      void (*run)(const void *arg), const void *arg,
	      unsigned int flags)
{
	char *full;

	if (asprintf(&full, "%s: %s", group, name) < 0)
		abort();
	tap_add(full, run, arg, flags);
}

unsigned int tap_number(void)
{
	return running;
}

unsigned int tap_flags(void)
{
	return running_flags;
}

void tap_on_failure(void (*explain)(void))
{
	on_failure = explain;
}

void tap_explain(void)
{
	if (on_failure)
		on_failure();
}

static bool wanted(const struct tap_test *t, const struct tap_options *opt)
{
	int i;

	for (i = 0; i < opt->nmatch; i++)
		if (strstr(t->name, opt->match[i]))
			return true;
	return !opt->nmatch;
}

/* Wait for @pid; kill it at its timeout. -1 if it can't be killed. */
static int reap(pid_t pid)
{
	__u64 deadline = now_ms() + (timeout + 2) * 1000;
	bool killed = false;
	int status;

	for (;;) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		if (!ms_left(deadline)) {
			if (killed)
				return -1;
			kill(pid, SIGKILL);
			killed = true;
			deadline = now_ms() + 10000;
		}
		usleep(2000);
	}
}

static int run_one(const struct tap_test *t)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -1;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(timeout);
		t->run(t->arg);
		fflush(stdout);
		_exit(0);
	}
	return reap(pid);
}

/* Print the result line. Returns true unless the test failed. */
static bool report(const struct tap_test *t, int status)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		printf("ok %u - %s\n", running, t->name);
		return true;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == TAP_EXIT_SKIP) {
		printf("ok %u - %s # SKIP\n", running, t->name);
		return true;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("# not done after %u s\n", timeout);
	else if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	printf("not ok %u - %s\n", running, t->name);
	return false;
}

int tap_run(const struct tap_options *opt)
{
	unsigned int i, total = 0, failed = 0;
	__u64 start;
	int status;

	timeout = opt->timeout ?: TAP_TIMEOUT;
	for (i = 0; i < ntests; i++)
		total += wanted(&tests[i], opt);
	printf("TAP version 13\n1..%u\n", total);
	for (i = 0; i < ntests; i++) {
		const struct tap_test *t = &tests[i];

		if (!wanted(t, opt))
			continue;
		running++;
		running_flags = t->flags;
		if (opt->list || t->flags & opt->skip) {
			printf("ok %u - %s # SKIP%s%s\n", running, t->name,
			       opt->list ? "" : " ",
			       opt->list ? "" : opt->skip_why);
			continue;
		}
		start = now_ms();
		status = run_one(t);
		if (now_ms() - start >= SLOW)
			printf("# %u took %llu ms\n", running,
			       (unsigned long long)(now_ms() - start));
		if (status == -1) {
			printf("not ok %u - %s\nBail out! it can't be killed\n",
			       running, t->name);
			return 1;
		}
		failed += !report(t, status);
		fflush(stdout);
	}
	printf("# %u of %u failed\n", failed, total);
	return failed ? 1 : 0;
}
