// SPDX-License-Identifier: GPL-2.0
/*
 * Credit: how much either side may send.
 */
#include <kunit/test.h>

#include <mvsock/credit.h>

/* --- credit for sending to the peer --- */

struct space_case {
	const char *name;
	u32 peer_buf_alloc;
	u32 buf_alloc;
	u64 tx_cnt;
	u32 peer_fwd_cnt;
	u32 max;
	u32 space;
};

static const struct space_case space_cases[] = {
	{ "nothing sent", 100, 1000, 0, 0, 100, 100 },
	{ "no more than our own room", 1000, 100, 0, 0, 100, 100 },
	{ "some sent", 100, 1000, 30, 0, 100, 70 },
	{ "all sent", 100, 1000, 100, 0, 100, 0 },
	{ "all sent and read", 100, 1000, 100, 100, 100, 100 },
	{ "sent again", 100, 1000, 130, 100, 100, 70 },
	{ "none of it read, in our own room", 1000, 100, 60, 0, 100, 40 },
	{ "tx_cnt has wrapped", 100, 1000, 10, U32_MAX - 9, 100, 80 },
	{ "both have wrapped", 100, 1000, 10, 5, 100, 95 },
	{ "the peer's counter has wrapped", 100, 1000, SZ_4G + 10, 5, 100, 95 },
	{ "it has not yet", 100, 1000, SZ_4G + 10, U32_MAX - 9, 100, 80 },
	{ "about to wrap", 100, 1000, U32_MAX, U32_MAX, 100, 100 },
	{ "the peer's room is smaller than what is in it", 50, 1000, 80, 0, 50, 0 },
	{ "as small as what is in it", 80, 1000, 80, 0, 80, 0 },
	{ "ours is smaller than what it has", 1000, 50, 80, 0, 50, 0 },
	{ "no room at all", 0, 1000, 0, 0, 0, 0 },
	{ "no room of ours", 1000, 0, 0, 0, 0, 0 },
	{ "4 GiB - 1", U32_MAX, U32_MAX, 0, 0, U32_MAX, U32_MAX },
	{ "4 GiB - 1, one byte sent", U32_MAX, U32_MAX, 1, 0, U32_MAX,
	  U32_MAX - 1 },
	{ "4 GiB - 1, all sent", U32_MAX, U32_MAX, U32_MAX, 0, U32_MAX, 0 },
	{ "4 GiB - 1, all sent over the wrap", U32_MAX, U32_MAX, 6, 7, U32_MAX,
	  0 },
	/* A peer that lies corrupts only its own credit. */
	{ "one more read than sent", 100, 1000, 10, 11, 100, 0 },
	{ "much more read than sent", 100, 1000, 10, SZ_1G, 100, 0 },
	{ "one more read than sent, of 4 GiB - 1", U32_MAX, U32_MAX, 10, 11,
	  U32_MAX, 0 },
	{ "2 GiB more read than sent, of 4 GiB - 1", U32_MAX, U32_MAX, 0, SZ_2G,
	  U32_MAX, SZ_2G - 1 },
};

KUNIT_ARRAY_PARAM_DESC(space, space_cases, name);

static void space(struct kunit *test)
{
	const struct space_case *c = test->param_value;
	const struct mvs_credit credit = {
		.buf_alloc = c->buf_alloc,
		.peer_buf_alloc = c->peer_buf_alloc,
		.peer_fwd_cnt = c->peer_fwd_cnt,
		.tx_cnt = c->tx_cnt,
	};

	KUNIT_EXPECT_EQ(test, mvs_credit_max(&credit), c->max);
	KUNIT_EXPECT_EQ(test, mvs_credit_space(&credit), c->space);
}

/* --- credit granted to the peer --- */

struct allows_case {
	const char *name;
	u64 rx_cnt;
	u64 granted;
	u32 most;
};

static const struct allows_case allows_cases[] = {
	{ "nothing received", 0, 100, 100 },
	{ "some received", 30, 100, 70 },
	{ "all received", 100, 100, 0 },
	{ "nothing granted", 0, 0, 0 },
	{ "over 4 GiB", SZ_4G - 1, SZ_4G + 99, 100 },
	{ "behind 4 GiB", 5 * SZ_4G, 5 * SZ_4G + 1, 1 },
	{ "4 GiB - 2", 1, U32_MAX, U32_MAX - 1 },
};

KUNIT_ARRAY_PARAM_DESC(allows, allows_cases, name);

static void allows(struct kunit *test)
{
	const struct allows_case *c = test->param_value;
	const struct mvs_credit credit = {
		.rx_cnt = c->rx_cnt,
		.granted = c->granted,
	};

	KUNIT_EXPECT_TRUE(test, mvs_credit_allows(&credit, 0));
	KUNIT_EXPECT_TRUE(test, mvs_credit_allows(&credit, c->most));
	KUNIT_EXPECT_FALSE(test, mvs_credit_allows(&credit, c->most + 1));
	KUNIT_EXPECT_FALSE(test, mvs_credit_allows(&credit, U32_MAX));
}

/* The most that a peer may ever send: the length must not wrap. */
static void allows_4g(struct kunit *test)
{
	struct mvs_credit credit = { .granted = U32_MAX };

	KUNIT_EXPECT_TRUE(test, mvs_credit_allows(&credit, U32_MAX));
	credit.rx_cnt = U32_MAX;
	KUNIT_EXPECT_FALSE(test, mvs_credit_allows(&credit, 1));
	KUNIT_EXPECT_FALSE(test, mvs_credit_allows(&credit, U32_MAX));
}

/* Data for which credit was granted are in flight, so the credit is not taken back. */
static void granted_never_goes_back(struct kunit *test)
{
	struct mvs_credit credit = { .buf_alloc = 100 };

	mvs_credit_tell(&credit);
	KUNIT_EXPECT_EQ(test, credit.granted, 100);
	credit.rx_cnt = 60;
	credit.fwd_cnt = 30;
	mvs_credit_tell(&credit);
	KUNIT_EXPECT_EQ(test, credit.granted, 130);

	credit.buf_alloc = 50;
	mvs_credit_tell(&credit);
	KUNIT_EXPECT_EQ(test, credit.granted, 130);
	KUNIT_EXPECT_TRUE(test, mvs_credit_allows(&credit, 70));
	credit.rx_cnt = 130;
	credit.fwd_cnt = 80;
	mvs_credit_tell(&credit);
	KUNIT_EXPECT_EQ(test, credit.granted, 130);
	credit.fwd_cnt = 81;
	mvs_credit_tell(&credit);
	KUNIT_EXPECT_EQ(test, credit.granted, 131);

	credit.buf_alloc = 1000;
	mvs_credit_tell(&credit);
	KUNIT_EXPECT_EQ(test, credit.granted, 1081);
	credit.buf_alloc = 0;
	mvs_credit_tell(&credit);
	KUNIT_EXPECT_EQ(test, credit.granted, 1081);
	credit.buf_alloc = U32_MAX;
	credit.fwd_cnt = SZ_4G;
	mvs_credit_tell(&credit);
	KUNIT_EXPECT_EQ(test, credit.granted, SZ_4G + U32_MAX);
}

/* --- when a CREDIT_UPDATE is due --- */

struct stale_case {
	const char *name;
	u32 buf_alloc;
	u64 told;
	u64 rx_cnt;
	u64 fwd_cnt;
	u64 wanted;
	bool stale;
};

static const struct stale_case stale_cases[] = {
	{ "nothing received", SZ_256K, SZ_256K, 0, 0, 0 },
	{ "nothing received, all wanted", SZ_256K, SZ_256K, 0, 0, SZ_256K },
	{ "full", SZ_256K, SZ_256K, SZ_256K, 0, 0 },
	{ "full, more wanted", SZ_256K, SZ_256K, SZ_256K, 0, SZ_256K + 1 },
	{ "full, one byte read", SZ_256K, SZ_256K, SZ_256K, 1, 0, true },
	{ "all read", SZ_256K, SZ_256K, SZ_256K, SZ_256K, 0, true },
	{ "a packet is left", SZ_256K, SZ_256K, SZ_128K + SZ_64K,
	  SZ_128K + SZ_64K, 0 },
	{ "less than a packet is left", SZ_256K, SZ_256K, SZ_128K + SZ_64K + 1,
	  1, 0, true },
	{ "less than a packet is left, nothing read", SZ_256K, SZ_256K,
	  SZ_128K + SZ_64K + 1, 0, 0 },
	{ "half of little is left", 1000, 1000, 500, 500, 0 },
	{ "less than half of little is left", 1000, 1000, 501, 1, 0, true },
	{ "half of 128 KiB is left", SZ_128K, SZ_128K, SZ_64K, SZ_64K, 0 },
	{ "less than half of 128 KiB is left", SZ_128K, SZ_128K, SZ_64K + 1, 1,
	  0, true },
	{ "a byte, read", 1, 1, 1, 1, 1, true },
	{ "a byte, unread", 1, 1, 1, 0, 1 },
	{ "wanted, and may come", 200, 210, 110, 100, 110 },
	{ "wanted, and may not come", 200, 210, 110, 100, 111, true },
	{ "made larger, the half is known", 200, 100, 0, 0, 0 },
	{ "made larger, less is known", 202, 100, 0, 0, 0, true },
	{ "made larger, a packet is known", SZ_1M, SZ_64K, 0, 0, 0 },
	{ "4 GiB - 1, a packet is left", U32_MAX, U32_MAX, U32_MAX - SZ_64K, 1,
	  0 },
	{ "4 GiB - 1, less is left", U32_MAX, U32_MAX, U32_MAX - SZ_64K + 1, 1,
	  0, true },
	{ "behind 4 GiB", 1000, SZ_4G + 1000, SZ_4G + 501, SZ_4G + 1, 0, true },
	{ "behind 4 GiB, half is left", 1000, SZ_4G + 1000, SZ_4G + 500,
	  SZ_4G + 500, 0 },
};

KUNIT_ARRAY_PARAM_DESC(stale, stale_cases, name);

static void stale(struct kunit *test)
{
	const struct stale_case *c = test->param_value;
	const struct mvs_credit credit = {
		.buf_alloc = c->buf_alloc,
		.granted = c->told,
		.told = c->told,
		.rx_cnt = c->rx_cnt,
		.fwd_cnt = c->fwd_cnt,
	};

	KUNIT_EXPECT_EQ(test, mvs_credit_stale(&credit, true, c->wanted), c->stale);
}

/* The peer uses the credit it was told last, not what it was granted before. */
static void told_after_room_shrank(struct kunit *test)
{
	struct mvs_credit credit = { .buf_alloc = SZ_256K };

	mvs_credit_tell(&credit);
	credit.buf_alloc = SZ_4K;
	mvs_credit_tell(&credit);
	KUNIT_EXPECT_TRUE(test, mvs_credit_allows(&credit, SZ_256K));

	credit.rx_cnt = SZ_4K;
	KUNIT_EXPECT_FALSE(test, mvs_credit_stale(&credit, true, 0));
	credit.fwd_cnt = SZ_4K;
	KUNIT_EXPECT_TRUE(test, mvs_credit_stale(&credit, true, 0));

	/* Data that were in flight when the buffer was reduced. */
	credit.rx_cnt = SZ_128K;
	KUNIT_EXPECT_TRUE(test, mvs_credit_stale(&credit, true, 0));
	mvs_credit_tell(&credit);
	KUNIT_EXPECT_FALSE(test, mvs_credit_stale(&credit, true, 0));
}

/* --- a peer that follows the specification --- */

/**
 * struct peer - the driver's side, with the specification's names
 * @buf_alloc: that of the device, from its last packet
 * @fwd_cnt: likewise
 * @tx_cnt: bytes sent
 */
struct peer {
	u32 buf_alloc;
	u32 fwd_cnt;
	u32 tx_cnt;
};

static u32 may_send(const struct peer *peer)
{
	u32 unread = peer->tx_cnt - peer->fwd_cnt;

	return peer->buf_alloc > unread ? peer->buf_alloc - unread : 0;
}

static void tell(struct mvs_credit *credit, struct peer *peer)
{
	mvs_credit_tell(credit);
	peer->buf_alloc = credit->buf_alloc;
	peer->fwd_cnt = credit->fwd_cnt;
}

static u32 below(u64 *rnd, u32 n)
{
	*rnd = *rnd * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*rnd >> 33) % n;
}

static void peer_sends(struct kunit *test, struct mvs_credit *credit,
		       struct peer *peer, u32 len)
{
	KUNIT_ASSERT_TRUE(test, mvs_credit_allows(credit, len));
	credit->rx_cnt += len;
	peer->tx_cnt += len;
}

/* One of the sides does something; data in flight arrive later. */
static void peer_step(struct kunit *test, struct mvs_credit *credit,
		      struct peer *peer, u64 *rnd)
{
	u32 unread = credit->rx_cnt - credit->fwd_cnt;

	switch (below(rnd, 8)) {
	case 0:
		tell(credit, peer);
		break;
	case 1:
		credit->buf_alloc = 1 + below(rnd, 1000);
		tell(credit, peer);
		break;
	case 2 ... 4:
		peer_sends(test, credit, peer, below(rnd, may_send(peer) + 1));
		break;
	default:
		credit->fwd_cnt += below(rnd, unread + 1);
		if (mvs_credit_stale(credit, true, 1))
			tell(credit, peer);
		/* Otherwise both sides would wait. */
		if (credit->fwd_cnt == credit->rx_cnt)
			KUNIT_ASSERT_GT(test, may_send(peer), 0);
	}
}

/*
 * The counters on the wire wrap soon. A peer that sends no more than it was told it may is never
 * refused, however the buffer's size changes, and may send more once all was read.
 */
static void peer_by_the_book(struct kunit *test)
{
	u64 start = (u64)U32_MAX - 5000, rnd = 1;
	struct mvs_credit credit = {
		.buf_alloc = 1000,
		.rx_cnt = start,
		.fwd_cnt = start,
		.granted = start,
	};
	struct peer peer = { .tx_cnt = start };
	u32 i;

	tell(&credit, &peer);
	for (i = 0; i < 20000; i++)
		peer_step(test, &credit, &peer, &rnd);
	KUNIT_EXPECT_GT(test, credit.fwd_cnt, SZ_4G);
	KUNIT_EXPECT_EQ(test, (u32)credit.rx_cnt, peer.tx_cnt);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(space, space_gen_params),
	KUNIT_CASE_PARAM(allows, allows_gen_params),
	KUNIT_CASE(allows_4g),
	KUNIT_CASE(granted_never_goes_back),
	KUNIT_CASE_PARAM(stale, stale_gen_params),
	KUNIT_CASE(told_after_room_shrank),
	KUNIT_CASE(peer_by_the_book),
	{}
};

static struct kunit_suite suite = {
	.name = "mvsock_credit",
	.test_cases = cases,
};

kunit_test_suite(suite);
