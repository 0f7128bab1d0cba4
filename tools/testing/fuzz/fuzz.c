// SPDX-License-Identifier: GPL-2.0
/* Random guests with a real device. */
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"

static const char help[] =
	"usage: fuzz [--dev PATH] [--seed N] [--seconds N] [WORD...]\n"
	"  --dev PATH   device file (" DEV_PATH "); of mvsock, not of vhost_vsock,\n"
	"               which neither gives bad chains back nor counts them\n"
	"  --seed N     what the first guest does (random)\n"
	"  --seconds N  for all guests together (10)\n"
	"  WORD...      only those guests whose name has one of these\n";

#define STEPS 150	/* in a guest's life */

static struct fuzz fuzz;

static void explain(void)
{
	tap_note("guest %u, step %u: %s", fuzz.life, fuzz.step, fuzz.what);
	tap_note("%s, rings of %u and %u, features 0x%llx",
		 fuzz.s.g.cfg.packed ? "packed" : "split", fuzz.s.g.cfg.num[RXQ],
		 fuzz.s.g.cfg.num[TXQ],
		 (unsigned long long)fuzz.s.g.cfg.features);
	tap_note("again: fuzz --seed 0x%llx", (unsigned long long)fuzz.seed);
}

/* --- a random configuration --- */

static unsigned int random_num(struct rng *rng, bool packed)
{
	static const unsigned int split_nums[] = { 1, 2, 4, 8, 16, 64, 256,
						   FUZZ_RING_MAX };
	static const unsigned int packed_nums[] = { 1, 2, 3, 5, 7, 8, 16, 60,
						    100, FUZZ_RING_MAX };

	return packed ? packed_nums[rng_below(rng, ARRAY_SIZE(packed_nums))] :
	       split_nums[rng_below(rng, ARRAY_SIZE(split_nums))];
}

static __u64 random_features(struct fuzz *f, bool packed)
{
	static const __u64 types[] = {
		0, F_SEQPACKET, F_SEQPACKET, F_SEQPACKET,
		F_STREAM | F_SEQPACKET,
		F_NO_IMPLIED_STREAM | F_STREAM,
		F_NO_IMPLIED_STREAM | F_SEQPACKET,
		F_NO_IMPLIED_STREAM | F_STREAM | F_SEQPACKET,
	};
	__u64 r = rng_next(&f->rng);
	__u64 features = types[rng_below(&f->rng, ARRAY_SIZE(types))];

	f->seqpackets = features & F_SEQPACKET;
	f->streams = features & F_STREAM || !(features & F_NO_IMPLIED_STREAM);
	features |= r & 1 ? F_EVENT_IDX : 0;
	features |= r & 6 ? F_INDIRECT : 0;
	features |= r & 0x18 ? 0 : F_NOTIFY_ON_EMPTY;
	return features | (packed || r & 0xe0 ? F_VERSION_1 : 0);
}

static struct guest_config random_config(struct fuzz *f)
{
	struct guest_config cfg = test_config(f->life % 4000);
	unsigned int i;

	cfg.in_order = rng_one_in(&f->rng, 3);
	cfg.features = random_features(f, cfg.packed);
	cfg.rings_apart = rng_one_in(&f->rng, 4);
	cfg.rx_bufs = 0;
	for (i = 0; i < NUM_QUEUES; i++) {
		cfg.num[i] = random_num(&f->rng, cfg.packed);
		cfg.base[i] = test_base(&cfg, cfg.packed ?
					rng_below(&f->rng, cfg.num[i]) :
					rng_below(&f->rng, 0x10000),
					rng_one_in(&f->rng, 2));
	}
	return cfg;
}

/* --- lives --- */

static void begin(struct fuzz *f, __u64 first, unsigned int life)
{
	struct guest_config cfg;
	unsigned int i;

	for (i = 0; i < FUZZ_CONNS; i++)
		free(f->conn[i].data);
	*f = (struct fuzz){
		.seed = first + life,
		.rng = { first + life },
		.life = life,
		.what = "set-up",
	};
	packet_list_init(&f->pending);
	for (i = 0; i < FUZZ_CONNS; i++)
		f->conn[i].fd = -1;
	cfg = random_config(f);
	require_ok(guest_start(&f->s.g, &cfg));
}

/* Close the device first: this resets the connections. */
static void end(struct fuzz *f)
{
	unsigned int i;

	guest_stop(&f->s.g);
	for (i = 0; i < FUZZ_CONNS; i++)
		if (f->conn[i].fd >= 0)
			close(f->conn[i].fd);
	for (i = 1; i < ARRAY_SIZE(f->listener); i++)
		if (f->listener[i])
			close(f->listener[i]);
	packet_list_purge(&f->pending);
}

static void predicted_life(struct fuzz *f)
{
	unsigned int n;

	fuzz_steps_begin(f);
	for (n = 1 + rng_below(&f->rng, STEPS); n; n--)
		fuzz_random_step(f);
	f->what = "the end";
	fuzz_sync(f);
}

struct mode {
	const char *name;
	void (*live)(struct fuzz *f);
	unsigned int share;	/* share of the time, in tenths */
};

static const struct mode modes[] = {
	{ "predicted", predicted_life, 3 },
	{ "rewritten", fuzz_rewrite_life, 2 },
};

/* Run guests one after the other. */
static void lives(const void *arg)
{
	const struct mode *m = arg;
	__u64 end_ms = now_ms() + test_options.seconds * m->share * 100;
	unsigned int life = 0, steps = 0;

	tap_on_failure(explain);
	do {
		begin(&fuzz, test_options.seed, life++);
		if (dev_counter(&fuzz.s.g.dev, "running", &(__u64){ 0 }))
			tap_skip("it is not mvsock");
		m->live(&fuzz);
		steps += fuzz.step;
		fuzz.what = "the neighbour";
		neighbour_exchange(1000);
		end(&fuzz);
	} while (ms_left(end_ms));
	tap_note("%u guests, %u steps", life, steps);
}

static void add_fuzz(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		session_test("guests", modes[i].name, lives, &modes[i],
			     TAP_MVSOCK, RINGS_BOTH);
}

int main(int argc, char **argv)
{
	test_options.seconds = 10;
	return session_main(argc, argv, help, TAP_TIMEOUT, add_fuzz);
}
