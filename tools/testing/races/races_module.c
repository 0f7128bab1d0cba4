// SPDX-License-Identifier: GPL-2.0
/* The module is removed and inserted while its device is opened and sockets connect. */
#include <fcntl.h>
#include <sys/syscall.h>

#include "races.h"

#define REST 20000	/* us, maximum time without users */

struct user {
	struct rng rng;
	bool stop;
	unsigned int opened;
	unsigned int connected;	/* or tried to */
	pthread_t thread;
};

/* The kernel's name of the module in a file. */
static const char *module_name(const char *path)
{
	static char name[64];
	const char *base = strrchr(path, '/');

	snprintf(name, sizeof(name), "%s", base ? base + 1 : path);
	name[strcspn(name, ".")] = 0;
	return name;
}

static bool unload(const char *path)
{
	return !syscall(SYS_delete_module, module_name(path), O_NONBLOCK);
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	require(fd >= 0, "%s: %s", path, strerror(errno));
	require(!syscall(SYS_finit_module, fd, getenv("MODULE_OPTIONS") ?: "", 0) ||
		errno == EEXIST,
		"the module cannot be inserted: %s", strerror(errno));
	close(fd);
}

static void *open_devices(void *arg)
{
	struct user *u = arg;
	struct dev d;

	while (!__atomic_load_n(&u->stop, __ATOMIC_RELAXED)) {
		if (!dev_open(&d, test_options.path, 0)) {
			u->opened++;
			if (rng_one_in(&u->rng, 2))
				dev_set_owner(&d);
			if (rng_one_in(&u->rng, 2))
				dev_set_cid(&d, test_cid(2));
			dev_close(&d);
		}
		race_sleep(&u->rng, REST);
	}
	return NULL;
}

/* A socket that is connecting holds the module even after it was closed. */
static void connect_one(struct user *u)
{
	int type = rng_one_in(&u->rng, 2) ? SOCK_STREAM : SOCK_SEQPACKET;
	int fd = race_socket(type | SOCK_NONBLOCK, 1);

	require_ok(fd);
	host_connect_with(fd, test_cid(2), 1);
	u->connected++;
	close(fd);
}

static void *connect_sockets(void *arg)
{
	struct user *u = arg;

	while (!__atomic_load_n(&u->stop, __ATOMIC_RELAXED)) {
		connect_one(u);
		race_sleep(&u->rng, REST);
	}
	return NULL;
}

static void user_start(struct user *u, void *(*use)(void *arg), struct rng *rng)
{
	*u = (struct user){ .rng = { rng_next(rng) } };
	require(!pthread_create(&u->thread, NULL, use, u), "pthread_create");
}

static void user_stop(struct user *u)
{
	__atomic_store_n(&u->stop, true, __ATOMIC_RELAXED);
	pthread_join(u->thread, NULL);
}

static void say_seed(void)
{
	tap_note("again: races --seed 0x%llx --seconds %g",
		 (unsigned long long)test_options.seed, test_options.seconds);
}

static void remove_and_insert(const void *arg)
{
	const char *path = getenv("MVSOCK_MODULE");
	struct rng rng = { test_options.seed + tap_number() };
	struct user opener, connector;
	unsigned int removed = 0;
	__u64 end_ms;

	(void)arg;
	if (!path)
		tap_skip("there is no $MVSOCK_MODULE");
	tap_on_failure(say_seed);
	user_start(&opener, open_devices, &rng);
	user_start(&connector, connect_sockets, &rng);
	end_ms = now_ms() + test_options.seconds * 1000;
	do {
		removed += unload(path);
		race_sleep(&rng, 1000);
		load(path);
		race_sleep(&rng, 1000);
	} while (ms_left(end_ms) || !removed || !opener.opened);
	user_stop(&opener);
	user_stop(&connector);
	tap_note("%u times removed, %u times opened, %u connections", removed,
		 opener.opened, connector.connected);
	race_fresh_device(1);
}

void add_module_races(void)
{
	tap_add("race: rmmod against open and connect", remove_and_insert, NULL, 0);
}
