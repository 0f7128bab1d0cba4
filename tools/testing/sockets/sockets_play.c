// SPDX-License-Identifier: GPL-2.0
/* Plays a row's steps, one after the other, some of them in a thread or a process. */
#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sockets.h"

#define MAX_STEPS 64

/* A step that runs in a thread, as it may block. */
static struct job {
	struct scene *p;
	struct step *s;
	pthread_t thread;
	atomic_int tid;
	atomic_bool done;
	bool running;
} job;

static atomic_uint signals;	/* received by the job's thread */
static void (*tell)(const char *text);

void say(struct step *s, const char *fmt, ...)
{
	size_t used = strlen(s->said);
	va_list args;

	va_start(args, fmt);
	vsnprintf(s->said + used, sizeof(s->said) - used, fmt, args);
	va_end(args);
}

void say_result(struct step *s, long result)
{
	if (result < 0)
		say(s, "%s", strerrorname_np(-result));
	else
		say(s, "%ld", result);
}

void give_up(const char *fmt, ...)
{
	char text[200] = WRONG ", ended: ";
	size_t used = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + used, sizeof(text) - used, fmt, args);
	va_end(args);
	tell(text);
	_exit(1);
}

struct end *end_of(struct scene *p, const struct step *s)
{
	return &p->end[s->slot - 'a'];
}

long number_arg(const struct step *s, unsigned int i, long otherwise)
{
	char *end;
	long n;

	if (i >= s->argc)
		return otherwise;
	n = strtol(s->arg[i], &end, 0);
	if (*end)
		give_up("%s: '%s' is no number", s->verb->name, s->arg[i]);
	return n;
}

bool has_arg(const struct step *s, const char *name)
{
	unsigned int i;

	for (i = 0; i < s->argc; i++)
		if (!strcmp(s->arg[i], name))
			return true;
	return false;
}

long flags_arg(const struct step *s, const struct name *names)
{
	long flags = 0;

	for (; names->name; names++)
		if (has_arg(s, names->name))
			flags |= names->value;
	return flags;
}

long name_arg(const struct step *s, unsigned int i, const struct name *names)
{
	for (; i < s->argc && names->name; names++)
		if (!strcmp(s->arg[i], names->name))
			return names->value;
	give_up("%s: what?", s->verb->name);
}

static const struct verb *find_verb(const char *name);

/* Split @text, which is modified. */
static void parse_step(struct step *s, char def, char *text)
{
	char *word = strtok_r(text, " ", &text), *slot;

	*s = (struct step){ .slot = def };
	slot = strchr(word, '@');
	if (slot) {
		*slot = '\0';
		s->slot = slot[1];
	}
	s->verb = find_verb(word);
	while ((word = strtok_r(text, " ", &text)) && s->argc < MAX_WORDS)
		s->arg[s->argc++] = word;
}

/* A step and its result: one part of the outcome. */
static void tell_step(const char *text, const struct step *s)
{
	char part[600];

	if (!*s->said)
		return;
	snprintf(part, sizeof(part), "%s = %s", text, s->said);
	tell(part);
}

static __thread atomic_uint sigpipes;	/* delivered to the sending thread */

static void on_sigpipe(int number)
{
	(void)number;
	atomic_fetch_add(&sigpipes, 1);
}

static void act(struct scene *p, struct step *s)
{
	unsigned int before = atomic_load(&sigpipes);
	__u64 start = now_ms();

	s->verb->act(p, s);
	if (atomic_load(&sigpipes) != before)
		say(s, " SIGPIPE");
	/* A CPU with a late tick may wake its sleepers too early. */
	if (has_arg(s, "slowly") && now_ms() - start < 100)
		say(s, " too soon");
}

/* --- in a thread --- */

static void *do_job(void *arg)
{
	struct job *j = arg;

	atomic_store(&j->tid, gettid());
	act(j->p, j->s);
	atomic_store(&j->done, true);
	return NULL;
}

/* Check whether the thread sleeps interruptibly. */
static bool job_sleeps(void)
{
	char path[64], line[256];
	bool sleeps;
	char *state;
	FILE *f;

	if (!atomic_load(&job.tid))
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", job.tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	state = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	sleeps = state && state[2] == 'S';
	fclose(f);
	return sleeps;
}

/* Wait until the step is done or blocks. Returns true if it is done. */
static bool job_settles(void)
{
	__u64 deadline = now_ms() + STEP_TIMEOUT;

	while (!atomic_load(&job.done)) {
		if (job_sleeps() && !atomic_load(&job.done))
			return false;
		if (!ms_left(deadline))
			give_up("it neither blocks nor ends");
		usleep(1000);
	}
	pthread_join(job.thread, NULL);
	job.running = false;
	return true;
}

static void start_job(struct scene *p, struct step *s)
{
	if (job.running)
		give_up("there is a thread already");
	job = (struct job){ .p = p, .s = s, .running = true };
	if (pthread_create(&job.thread, NULL, do_job, &job))
		give_up("pthread_create");
	if (!job_settles())
		tell("it blocks");
}

/* join: wait for the thread's step, and print its result. */
static void act_join(struct scene *p, struct step *s)
{
	__u64 deadline = now_ms() + STEP_TIMEOUT;

	(void)p;
	if (!job.running) {
		say(s, "it was done");
		return;
	}
	while (!atomic_load(&job.done) && ms_left(deadline))
		usleep(1000);
	if (!atomic_load(&job.done)) {
		say(s, WRONG ": it blocks");
		return;
	}
	pthread_join(job.thread, NULL);
	job.running = false;
	say(s, "%s", job.s->said);
}

/* blocks: whether the step still blocks, or else its result. */
static void act_blocks(struct scene *p, struct step *s)
{
	(void)p;
	if (!job.running)
		say(s, "it was done");
	else if (job_settles())
		say(s, "no: %s", job.s->said);
	else
		say(s, "yes");
}

/* over RESULT: end the row, if that is the result of the thread's step. */
static void act_over(struct scene *p, struct step *s)
{
	p->over = !job.running && has_arg(s, job.s->said);
}

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals, 1);
}

/* signal [RESTART]: send one to the thread; then as blocks. */
static void act_signal(struct scene *p, struct step *s)
{
	struct sigaction sa = { .sa_handler = on_signal };
	__u64 deadline = now_ms() + STEP_TIMEOUT;
	unsigned int before = atomic_load(&signals);

	if (!job.running)
		give_up("there is no thread for a signal");
	sa.sa_flags = has_arg(s, "RESTART") ? SA_RESTART : 0;
	sigaction(SIGUSR1, &sa, NULL);
	pthread_kill(job.thread, SIGUSR1);
	while (atomic_load(&signals) == before && ms_left(deadline))
		usleep(1000);
	act_blocks(p, s);
}

/* --- in a process --- */

/* Run the step in a child, and copy its result. */
static void do_in_child(struct scene *p, struct step *s)
{
	char *shared = mmap(NULL, sizeof(s->said), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (shared == MAP_FAILED || pid < 0)
		give_up("fork");
	if (!pid) {
		act(p, s);
		memcpy(shared, s->said, sizeof(s->said));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	memcpy(s->said, shared, sizeof(s->said));
	munmap(shared, sizeof(s->said));
}

/* --- all steps --- */

static const struct verb play_verbs[] = {
	{ "join", act_join },
	{ "blocks", act_blocks },
	{ "over", act_over },
	{ "signal", act_signal },
	{ }
};

static const struct verb *find_verb(const char *name)
{
	static const struct verb *const lists[] = {
		play_verbs, host_verbs, guest_verbs, wait_verbs, io_verbs,
		uring_verbs, sockmap_verbs
	};
	const struct verb *v;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++)
		for (v = lists[i]; v->name; v++)
			if (!strcmp(v->name, name))
				return v;
	give_up("there is no step '%s'", name);
}

/* The steps of a thread must outlive this step. */
static struct step *new_step(char slot, char *text)
{
	struct step *s = malloc(sizeof(*s));

	if (!s)
		abort();
	parse_step(s, slot, text);
	return s;
}

static void do_step(struct scene *p, char slot, char *text, bool told)
{
	char *whole = strdup(text);
	struct step *s = new_step(slot, text + (*text == '&' || *text == '%'));

	if (!whole)
		abort();
	if (*whole == '&')
		start_job(p, s);
	else if (*whole == '%')
		do_in_child(p, s);
	else
		act(p, s);
	if (told && (*whole != '&' || !job.running))
		tell_step(whole, s);
	free(whole);
}

static void do_all(struct scene *p, char slot, const char *text, bool told)
{
	char *copy = strdup(text), *rest = copy, *step;

	if (!copy)
		abort();
	while (!p->over && (step = strtok_r(rest, ";", &rest))) {
		while (isspace(*step))
			step++;
		do_step(p, slot, step, told);
	}
}

void do_steps(struct scene *p, char slot, const char *text)
{
	do_all(p, slot, text, false);
}

void play(const struct row *r, int socktype, void (*t)(const char *text))
{
	struct scene p = { .socktype = socktype };
	unsigned int i;

	tell = t;
	signal(SIGPIPE, on_sigpipe);
	packet_list_init(&p.seen);
	for (i = 0; i < SLOTS; i++)
		p.end[i].fd = -1;
	do_all(&p, 's', r->steps, true);
	guest_look(&p);
	if (*p.told) {
		tell("at the end the guest has");
		tell(p.told);
	}
	if (job.running)
		give_up("the thread runs");
	guest_check(&p.g);
}
