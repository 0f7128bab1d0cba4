// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <linux/vm_sockets.h>

#include "failing.h"
#include "group.h"
#include "races.h"

#define GUEST_PORTS	1024	/* first of the guest's ports */
#define STUCK		60000	/* ms without a byte: not slow, but hung */
#define ROUND		2	/* ms, duration of a round of the guest's loop */
#define CROWD_ROUND	20

void race_sleep(struct rng *rng, unsigned int us)
{
	us = rng_below(rng, us);
	if (us)
		usleep(us);
	else
		sched_yield();
}

static bool flag(const struct race_run *r, unsigned int f)
{
	return r->race->flags & f;
}

static bool get(const bool *b)
{
	return __atomic_load_n(b, __ATOMIC_SEQ_CST);
}

static void set(bool *b, bool value)
{
	__atomic_store_n(b, value, __ATOMIC_SEQ_CST);
}

/* --- programs on the host --- */

int race_socket(int type, int timeout)
{
	struct timeval tv = { timeout / 1000, timeout % 1000 * 1000 };
	int fd = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	require(!setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)),
		"setsockopt: %s", strerror(errno));
	return fd;
}

static int patience(const struct race_run *r)
{
	return flag(r, RACE_STRICT) ? STUCK : 1000;
}

static int connect_to_guest(struct race_host *h)
{
	int fd = race_socket(rng_one_in(&h->rng, 2) ? SOCK_STREAM : SOCK_SEQPACKET,
			     patience(h->r)), err;

	if (fd < 0)
		return fd;
	/*
	 * A non-blocking connect() leaves a timer behind, which holds the module until it expires,
	 * even if the socket is closed.
	 */
	err = host_connect_with(fd, __atomic_load_n(&h->r->cfg.cid, __ATOMIC_RELAXED),
				GUEST_PORTS + rng_below(&h->rng, 1 << 30));
	require(!fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl: %s", strerror(errno));
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int accept_from_guest(struct race_host *h)
{
	unsigned int which = rng_below(&h->rng, 2);

	return host_accept(__atomic_load_n(&h->r->listener[which], __ATOMIC_RELAXED),
			   20);
}

static unsigned int reboots(const struct race_run *r)
{
	return __atomic_load_n(&r->reboots, __ATOMIC_SEQ_CST);
}

/* True if no error is allowed: the number of reboots has not changed since. */
static bool must_work(const struct race_run *r, unsigned int before)
{
	return flag(r, RACE_STRICT) && !(before & 1) && reboots(r) == before;
}

/* One connection from open to close. */
static void talk_once(struct race_host *h)
{
	unsigned int before = reboots(h->r);
	__u64 bytes = 0;
	int fd, err;

	fd = h->accepts ? accept_from_guest(h) : connect_to_guest(h);
	if (fd < 0) {
		/* Newer kernels refuse connect() while the device is stopped. */
		require(h->accepts || fd == -EHOSTUNREACH ||
			!must_work(h->r, before), "connect: %s", strerror(-fd));
		/* Give the CPU to the thread that will change this. */
		race_sleep(&h->rng, 10000);
		return;
	}
	__atomic_store_n(&h->fd, fd, __ATOMIC_RELAXED);
	err = talk_host(fd, &h->rng, patience(h->r), &bytes);
	__atomic_store_n(&h->fd, -1, __ATOMIC_RELAXED);
	close(fd);
	require(!err || !must_work(h->r, before), "a connection is cut off: %s",
		strerror(-err));
	__atomic_add_fetch(err ? &h->r->counts->cut : &h->r->counts->whole, 1,
			   __ATOMIC_RELAXED);
	__atomic_add_fetch(&h->r->counts->bytes, bytes, __ATOMIC_RELAXED);
}

static void *play_host(void *arg)
{
	struct race_host *h = arg;

	if (flag(h->r, RACE_FAULTS))
		failing_thread(gettid(), true);
	while (!get(&h->r->stop_hosts))
		talk_once(h);
	return NULL;
}

void race_fork_host(struct race_host *h)
{
	h->rng.state = rng_next(&h->r->rng);
	h->pid = fork();
	require(h->pid >= 0, "fork: %s", strerror(errno));
	if (h->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	play_host(h);
	_exit(0);
}

void race_kill(pid_t pid)
{
	int status;

	require(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid, "kill");
	require(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		"the process ended by itself");
}

static bool connected(const struct race_run *r)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(r->host); i++)
		if (__atomic_load_n(&r->host[i].fd, __ATOMIC_RELAXED) >= 0)
			return true;
	return false;
}

void race_await_connection(struct race_run *r)
{
	__u64 deadline = now_ms() + STUCK;

	while (!connected(r)) {
		require(ms_left(deadline), "there is no connection");
		usleep(1000);
	}
}

static void hosts_start(struct race_run *r)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(r->host); i++) {
		struct race_host *h = &r->host[i];

		*h = (struct race_host){
			.r = r, .rng = { rng_next(&r->rng) }, .accepts = i & 1, .fd = -1,
		};
		if (flag(r, RACE_PROGRAMS))
			race_fork_host(h);
		else
			require(!pthread_create(&h->thread, NULL, play_host, h),
				"pthread_create");
	}
}

static void hosts_stop(struct race_run *r)
{
	unsigned int i;

	set(&r->stop_hosts, true);
	for (i = 0; i < ARRAY_SIZE(r->host); i++)
		if (flag(r, RACE_PROGRAMS))
			race_kill(r->host[i].pid);
		else
			pthread_join(r->host[i].thread, NULL);
}

void race_listen(struct race_run *r, unsigned int which)
{
	int type = which ? SOCK_SEQPACKET : SOCK_STREAM;
	int fd = host_listen(type, &r->talk.port[which]), old;

	require_ok(fd);
	old = __atomic_exchange_n(&r->listener[which], fd, __ATOMIC_SEQ_CST);
	if (old >= 0)
		close(old);
}

/* --- the guest --- */

static void guest_begin(struct race_run *r)
{
	if (flag(r, RACE_IOMMU))
		require_ok(iommu_start(&r->m, &r->talk.g, &r->cfg, false));
	else
		require_ok(guest_start(&r->talk.g, &r->cfg));
	if (flag(r, RACE_FAULTS))
		failing_thread(failing_worker(), true);
	__atomic_add_fetch(&r->counts->guests, 1, __ATOMIC_RELAXED);
}

static void guest_end(struct race_run *r)
{
	if (flag(r, RACE_IOMMU))
		iommu_halt(&r->m);
	if (flag(r, RACE_STRICT))
		guest_check(&r->talk.g);
	talk_guest_forget(&r->talk);
	guest_stop(&r->talk.g);
	if (flag(r, RACE_IOMMU))
		iommu_free(&r->m);
}

static void set_paused(struct race_run *r, bool paused)
{
	r->guest_paused = paused;
	pthread_cond_broadcast(&r->pause_changed);
}

static void stay_paused(struct race_run *r)
{
	pthread_mutex_lock(&r->pause_lock);
	set_paused(r, true);
	while (get(&r->pause_guest))
		pthread_cond_wait(&r->pause_changed, &r->pause_lock);
	set_paused(r, false);
	pthread_mutex_unlock(&r->pause_lock);
}

static void *play_guest(void *arg)
{
	struct race_run *r = arg;
	int round = flag(r, RACE_CROWD) ? CROWD_ROUND : ROUND;

	while (!get(&r->stop_guest))
		if (get(&r->pause_guest))
			stay_paused(r);
		else
			talk_guest_round(&r->talk, round);
	return NULL;
}

/* Wait without polling, which would take the CPU from the guest. */
static void pause_guest(struct race_run *r, bool pause)
{
	pthread_mutex_lock(&r->pause_lock);
	set(&r->pause_guest, pause);
	pthread_cond_broadcast(&r->pause_changed);
	while (r->guest_paused != pause)
		pthread_cond_wait(&r->pause_changed, &r->pause_lock);
	pthread_mutex_unlock(&r->pause_lock);
}

void race_pause_guest(struct race_run *r)
{
	pause_guest(r, true);
}

void race_resume_guest(struct race_run *r)
{
	pause_guest(r, false);
}

static void *play_sibling(void *arg)
{
	struct race_run *r = arg;

	while (!get(&r->stop_guest))
		talk_guest_round(&r->sibling, ROUND);
	return NULL;
}

static void sibling_start(struct race_run *r)
{
	struct guest_config cfg = r->cfg;

	cfg.cid = test_cid(1);
	r->sibling.rng.state = rng_next(&r->rng);
	r->sibling.sibling = r->cfg.cid;
	r->talk.sibling = cfg.cid;
	require_ok(group_join(cfg.cid, RACE_GROUP));
	require_ok(group_join(r->cfg.cid, RACE_GROUP));
	require_ok(guest_start(&r->sibling.g, &cfg));
	require(!pthread_create(&r->sibling_guest, NULL, play_sibling, r),
		"pthread_create");
}

static void sibling_stop(struct race_run *r)
{
	pthread_join(r->sibling_guest, NULL);
	tap_note("%u connections between guests whole", r->sibling.whole_sibling);
	guest_check(&r->sibling.g);
	talk_guest_forget(&r->sibling);
	group_leave(r->talk.sibling, RACE_GROUP);
	group_leave(r->cfg.cid, RACE_GROUP);
	guest_stop(&r->sibling.g);
}

void race_new_guest(struct race_run *r)
{
	unsigned int i;

	race_pause_guest(r);
	__atomic_add_fetch(&r->reboots, 1, __ATOMIC_SEQ_CST);
	guest_end(r);
	/* Requests of the previous guest must not be accepted. */
	for (i = 0; i < ARRAY_SIZE(r->listener); i++)
		race_listen(r, i);
	guest_begin(r);
	__atomic_add_fetch(&r->reboots, 1, __ATOMIC_SEQ_CST);
	race_resume_guest(r);
}

void race_fork_guest(struct race_run *r)
{
	r->talk.rng.state = rng_next(&r->rng);
	r->vmm = fork();
	require(r->vmm >= 0, "fork: %s", strerror(errno));
	if (r->vmm)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	guest_begin(r);
	play_guest(r);
	_exit(0);
}

static void guest_start_playing(struct race_run *r)
{
	r->talk.strict = flag(r, RACE_STRICT);
	r->talk.rude = flag(r, RACE_RUDE);
	r->talk.rng.state = rng_next(&r->rng);
	if (flag(r, RACE_VMM)) {
		race_fork_guest(r);
		return;
	}
	if (flag(r, RACE_SIBLING))
		sibling_start(r);
	guest_begin(r);
	require(!pthread_create(&r->guest, NULL, play_guest, r), "pthread_create");
}

static void guest_stop_playing(struct race_run *r)
{
	if (flag(r, RACE_VMM)) {
		race_kill(r->vmm);
		return;
	}
	set(&r->stop_guest, true);
	pthread_join(r->guest, NULL);
	if (flag(r, RACE_SIBLING))
		sibling_stop(r);
	guest_end(r);
}

/* --- the race --- */

static struct race_run run;

static void explain(void)
{
	tap_note("step %u, %u connections whole, %u cut off", run.steps,
		 run.counts->whole, run.counts->cut);
	tap_note("again: %s --seed 0x%llx --seconds %g", program_invocation_short_name,
		 (unsigned long long)test_options.seed, test_options.seconds);
}

struct race_counts *race_counts(unsigned int n)
{
	struct race_counts *c = mmap(NULL, n * sizeof(*c), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	require(c != MAP_FAILED, "mmap");
	return c;
}

static void begin(struct race_run *r, const struct race *race, unsigned int number,
		  struct race_counts *counts)
{
	unsigned int i;

	*r = (struct race_run){
		.race = race,
		.rng = { test_options.seed + tap_number() + number },
		.cfg = test_config(number),
		.listener = { -1, -1 },
		.counts = counts,
		.pause_lock = PTHREAD_MUTEX_INITIALIZER,
		.pause_changed = PTHREAD_COND_INITIALIZER,
	};
	r->cfg.packed |= flag(r, RACE_PACKED);
	r->cfg.features |= F_EVENT_IDX | F_INDIRECT;
	r->cfg.iommu = flag(r, RACE_IOMMU);
	tap_on_failure(explain);
	for (i = 0; i < ARRAY_SIZE(r->listener); i++)
		race_listen(r, i);
}

static void end(struct race_run *r)
{
	unsigned int i;

	hosts_stop(r);
	guest_stop_playing(r);
	for (i = 0; i < ARRAY_SIZE(r->listener); i++)
		close(r->listener[i]);
	tap_note("%u steps, %u connections whole, %u cut off", r->steps,
		 r->counts->whole, r->counts->cut);
}

void race_fresh_device(unsigned int n)
{
	struct guest_config cfg = test_config(n);
	struct session s;

	session_guest_connects(&s, &cfg, SOCK_STREAM);
	session_exchange(&s, 20000);
	session_close(&s);
}

static unsigned int siblings_whole(const struct race_run *r)
{
	return __atomic_load_n(&r->sibling.whole_sibling, __ATOMIC_RELAXED);
}

/* The guests can still connect to each other after the last disturbance. */
static void await_siblings(struct race_run *r)
{
	unsigned int before = siblings_whole(r);
	__u64 deadline = now_ms() + STUCK;

	/* The first ones may be older than that. */
	while (siblings_whole(r) < before + TALK_CONNS) {
		require(ms_left(deadline), "no more connections between guests");
		usleep(1000);
	}
}

/* Otherwise nothing was tested. */
static bool tested(const struct race_run *r)
{
	return r->counts->whole + r->counts->cut &&
	       (!flag(r, RACE_SIBLING) || siblings_whole(r));
}

void race_run_numbered(const struct race *race, unsigned int number,
		       struct race_counts *counts)
{
	__u64 end_ms;

	begin(&run, race, number, counts);
	guest_start_playing(&run);
	hosts_start(&run);
	end_ms = now_ms() + test_options.seconds * 1000;
	do {
		run.race->disturb(&run);
		run.steps++;
	} while (ms_left(end_ms) || !tested(&run));
	if (flag(&run, RACE_SIBLING))
		await_siblings(&run);
	end(&run);
	race_fresh_device(number);
}

void race_run(const void *arg)
{
	race_run_numbered(arg, 0, race_counts(1));
}
