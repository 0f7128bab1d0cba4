// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rows.h"
#include "tap.h"

#define MAX_AT_ONCE 32

/* A process that plays rows. Like the following data, in memory shared by all processes. */
struct player {
	pid_t pid;
	unsigned int row;
};

struct table {
	struct player player[MAX_AT_ONCE];
	atomic_uint next;
	char outcome[][ROW_OUTCOME];
};

static struct table *table;
static unsigned int playing;
static unsigned int set_ups_failed;

static void tell(unsigned int i, const char *fmt, va_list args)
{
	char *outcome = table->outcome[i];
	size_t used = strlen(outcome);

	vsnprintf(outcome + used, ROW_OUTCOME - used, fmt, args);
}

void row_tell(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tell(playing, fmt, args);
	va_end(args);
}

bool row_is_untold(void)
{
	return !*table->outcome[playing];
}

static void play_rows(const struct rows *rows, struct player *p)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Discard what it prints: only the outcome counts. */
	require(dup2(open("/dev/null", O_RDWR), 0) == 0 && dup2(0, 1) == 1,
		"/dev/null");
	do {
		playing = atomic_fetch_add(&table->next, 1);
		if (playing >= rows->n)
			break;
		p->row = playing;
		alarm(rows->seconds);
		rows->play(playing);
	} while (!rows->apart);
	_exit(0);
}

static void start_player(const struct rows *rows, struct player *p)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	require(pid >= 0, "fork");
	if (!pid)
		play_rows(rows, p);
	p->pid = pid;
}

/* Two modules in front of which nothing could be set up would have the same outcome. */
static void tell_failure(void)
{
	if (row_is_untold()) {
		set_ups_failed++;
		row_tell("set-up");
	}
	row_tell(", failed");
}

/* Wait for a process, and start another one. Returns true if no rows are left for that. */
static bool end_player(const struct rows *rows)
{
	struct player *p = table->player;
	int status;
	pid_t pid;

	pid = wait(&status);
	while (p < table->player + rows->at_once && p->pid != pid)
		p++;
	require(p < table->player + rows->at_once, "wait");
	playing = p->row;
	if (WIFSIGNALED(status))
		row_tell(", killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		tell_failure();
	if (atomic_load(&table->next) >= rows->n)
		return true;
	start_player(rows, p);
	return false;
}

int rows_print(const struct rows *rows)
{
	size_t size = sizeof(*table) + (size_t)rows->n * ROW_OUTCOME;
	unsigned int i, ended = 0;
	char label[200];

	table = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(table != MAP_FAILED && rows->at_once <= MAX_AT_ONCE, "mmap");
	for (i = 0; i < rows->at_once; i++)
		start_player(rows, &table->player[i]);
	while (ended < rows->at_once)
		ended += end_player(rows);
	for (i = 0; i < rows->n; i++) {
		rows->label(i, label, sizeof(label));
		printf("%s\t%s\n", label, table->outcome[i]);
	}
	if (set_ups_failed)
		fprintf(stderr, "%u of %u rows: their set-up failed\n", set_ups_failed,
			rows->n);
	return set_ups_failed ? 1 : 0;
}
