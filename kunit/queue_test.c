// SPDX-License-Identifier: GPL-2.0
/*
 * Byte queues. Each byte encodes its position in all that was ever put, so that a lost, duplicated
 * or moved byte is detected.
 */
#include <linux/mman.h>

#include <mvsock/queue.h>

#include "fuzz_mem.h"

#define CHUNK	((u32)MVS_CHUNK_SIZE)

/* The most that is looked at in one piece: with small pages, it can be put at once. */
#define BYTES	max_t(u32, 10 * CHUNK, MVS_QUEUE_PUT_MAX)

/**
 * struct fifo - a queue and its expected content
 * @pool: the pool for its pages
 * @queue: the queue
 * @room: room for the bytes that are being put
 * @put: number of bytes put
 * @got: number of bytes dropped
 * @bytes: buffer for the bytes that are put at once
 */
struct fifo {
	struct mvs_pool pool;
	struct mvs_queue queue;
	struct mvs_queue_room room;
	u64 put;
	u64 got;
	u8 *bytes;
};

/* No multiple of it is close to a page's size. */
static u8 byte_at(u64 n)
{
	return n % 251;
}

static void destroy(void *ctx)
{
	struct fifo *f = ctx;

	mvs_queue_purge(&f->queue, &f->pool);
	mvs_pool_drain(&f->pool);
}

static struct fifo *create(struct kunit *test)
{
	struct fifo *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	mvs_pool_init(&f->pool);
	f->bytes = kunit_kmalloc(test, BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->bytes);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, destroy, f));
	return f;
}

/* The queue has exactly the pages that its bytes need, linked from head to tail. */
static void expect_pages(struct kunit *test, const struct fifo *f)
{
	const struct mvs_queue *q = &f->queue;
	const struct mvs_chunk *chunk;
	u64 bytes = q->head.off + f->put - f->got;
	u64 pages = 1;

	KUNIT_ASSERT_NOT_NULL(test, q->head.chunk);
	for (chunk = q->head.chunk; chunk->next; chunk = chunk->next)
		pages++;
	KUNIT_ASSERT_PTR_EQ(test, chunk, (const struct mvs_chunk *)q->tail.chunk);
	KUNIT_ASSERT_EQ(test, pages, max(DIV_ROUND_UP_ULL(bytes, CHUNK), 1));
	KUNIT_ASSERT_EQ(test, q->tail.off, bytes - (pages - 1) * CHUNK);
}

static u32 pages_in(const struct mvs_pool *pool)
{
	const struct mvs_chunk *chunk;
	u32 n = 0;

	for (chunk = pool->first; chunk; chunk = chunk->next)
		n++;
	return n;
}

/* Reserve room for @len bytes, and fill it. */
static void fill(struct kunit *test, struct fifo *f, u32 len)
{
	struct iov_iter iter;
	u32 i, bytes = 0;

	KUNIT_ASSERT_EQ(test, 0, mvs_queue_reserve(&f->queue, &f->pool, len,
						   &f->room));
	KUNIT_ASSERT_LE(test, f->room.npieces, MVS_QUEUE_PIECES);
	for (i = 0; i < f->room.npieces; i++)
		bytes += f->room.pieces[i].iov_len;
	KUNIT_ASSERT_EQ(test, bytes, len);

	for (i = 0; i < len; i++)
		f->bytes[i] = byte_at(f->put + i);
	mvs_queue_fill(&f->room, NULL, 0, len, &iter);
	KUNIT_ASSERT_EQ(test, iov_iter_count(&iter), len);
	KUNIT_ASSERT_EQ(test, copy_to_iter(f->bytes, len, &iter), len);
}

static void commit(struct kunit *test, struct fifo *f, u32 len)
{
	mvs_queue_commit(&f->queue, &f->room);
	f->put += len;
	expect_pages(test, f);
}

/* In as many turns as it takes. */
static void put(struct kunit *test, struct fifo *f, u32 len)
{
	u32 n;

	for (; len; len -= n) {
		n = min_t(u32, len, MVS_QUEUE_PUT_MAX);
		fill(test, f, n);
		commit(test, f, n);
	}
}

static void expect_bytes(struct kunit *test, const struct fifo *f, u64 from,
			 u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (f->bytes[i] != byte_at(from + i))
			break;
	KUNIT_ASSERT_EQ_MSG(test, i, len, "from byte %llu on", from);
}

/* The next bytes at @pos, which is @from bytes into all that was put. */
static void get(struct kunit *test, struct fifo *f, struct mvs_queue_pos *pos,
		u64 from, u32 len)
{
	memset(f->bytes, 0xff, len);
	mvs_queue_get(pos, f->bytes, len);
	expect_bytes(test, f, from, len);
}

static void drop(struct kunit *test, struct fifo *f,
		 const struct mvs_queue_pos *pos, u32 len)
{
	struct mvs_chunk *first = mvs_queue_cut(&f->queue, pos);

	f->got += len;
	mvs_queue_free(&f->pool, first, pos);
	expect_pages(test, f);
}

static void take(struct kunit *test, struct fifo *f, u32 len)
{
	struct mvs_queue_pos pos = f->queue.head;

	get(test, f, &pos, f->got, len);
	drop(test, f, &pos, len);
}

/* --- lengths and positions --- */

/* At several positions in a page, all lengths that end near the end of a page. */
static void lengths(struct kunit *test)
{
	static const u32 starts[] = { 0, 1, 2, CHUNK / 2, CHUNK - 1, CHUNK };
	u32 i, ends, len;
	int near;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		struct fifo *f = create(test);

		for (ends = 0; ends <= MVS_QUEUE_PUT_MAX + CHUNK; ends += CHUNK) {
			for (near = -2; near <= 2; near++) {
				len = ends + near - starts[i];
				if (!len || len > MVS_QUEUE_PUT_MAX)
					continue;
				mvs_queue_rewind(&f->queue);
				if (starts[i]) {
					put(test, f, starts[i]);
					take(test, f, starts[i]);
				}
				put(test, f, len);
				take(test, f, len);
			}
		}
	}
}

static void longest(struct kunit *test)
{
	struct fifo *f = create(test);

	put(test, f, MVS_QUEUE_PUT_MAX - 1);
	take(test, f, MVS_QUEUE_PUT_MAX - 1);
	put(test, f, MVS_QUEUE_PUT_MAX);
	take(test, f, MVS_QUEUE_PUT_MAX);

	/* With the maximum number of pieces. */
	destroy(f);
	f->put = 0;
	f->got = 0;
	put(test, f, CHUNK - 1);
	put(test, f, MVS_QUEUE_PUT_MAX);
	take(test, f, CHUNK - 1);
	take(test, f, MVS_QUEUE_PUT_MAX);
}

static void byte_by_byte(struct kunit *test)
{
	struct fifo *f = create(test);
	u32 i;

	for (i = 0; i < 2 * CHUNK + 10; i++)
		put(test, f, 1);
	for (i = 0; i < 2 * CHUNK + 10; i++)
		take(test, f, 1);
}

/* A message's record comes before its bytes, also across the end of a page. */
static void mark_before_bytes(struct kunit *test)
{
	static const u8 mark[] = { 1, 2, 3, 4 };
	struct fifo *f = create(test);
	struct mvs_queue_pos pos;
	struct iov_iter iter;
	u8 got[12];
	u32 start;

	for (start = CHUNK - 13; start <= CHUNK; start++) {
		destroy(f);
		f->put = 0;
		f->got = 0;
		put(test, f, start);
		take(test, f, start);
		KUNIT_ASSERT_EQ(test, 0, mvs_queue_reserve(&f->queue, &f->pool,
							   12, &f->room));
		mvs_queue_fill(&f->room, mark, sizeof(mark), 8, &iter);
		KUNIT_ASSERT_EQ(test, iov_iter_count(&iter), 8);
		KUNIT_ASSERT_EQ(test, copy_to_iter("payload", 8, &iter), 8);
		commit(test, f, 12);

		pos = f->queue.head;
		mvs_queue_get(&pos, got, sizeof(got));
		KUNIT_ASSERT_MEMEQ(test, got, "\1\2\3\4payload", 12);
	}
}

/* --- producer --- */

static void cancelled(struct kunit *test)
{
	struct fifo *f = create(test);
	struct mvs_queue before;

	/* In a queue that never had a page. */
	fill(test, f, 3 * CHUNK);
	mvs_queue_cancel(&f->pool, &f->room);
	KUNIT_EXPECT_NULL(test, f->queue.head.chunk);
	KUNIT_EXPECT_NULL(test, f->queue.tail.chunk);
	KUNIT_EXPECT_EQ(test, f->pool.count, 3);
	KUNIT_EXPECT_EQ(test, pages_in(&f->pool), 3);

	put(test, f, 100);
	KUNIT_EXPECT_EQ(test, f->pool.count, 2);
	memcpy(&before, &f->queue, sizeof(before));
	fill(test, f, 50);
	mvs_queue_cancel(&f->pool, &f->room);
	fill(test, f, 2 * CHUNK);
	KUNIT_EXPECT_EQ(test, f->pool.count, 0);
	mvs_queue_cancel(&f->pool, &f->room);
	KUNIT_EXPECT_EQ(test, f->pool.count, 2);
	KUNIT_EXPECT_MEMEQ(test, &f->queue, &before, sizeof(before));
	expect_pages(test, f);

	put(test, f, 2 * CHUNK);
	take(test, f, 2 * CHUNK + 100);
}

static void rewound(struct kunit *test)
{
	struct fifo *f = create(test);

	mvs_queue_rewind(&f->queue);
	KUNIT_EXPECT_NULL(test, f->queue.head.chunk);

	put(test, f, CHUNK - 5);
	take(test, f, CHUNK - 5);
	mvs_queue_rewind(&f->queue);
	expect_pages(test, f);
	KUNIT_EXPECT_EQ(test, f->queue.head.off, 0);
	KUNIT_EXPECT_EQ(test, f->queue.tail.off, 0);

	/* Up to the last byte of the page, so that no other page is needed. */
	put(test, f, CHUNK);
	take(test, f, CHUNK);
	mvs_queue_rewind(&f->queue);
	put(test, f, CHUNK);
	take(test, f, CHUNK);
	KUNIT_EXPECT_EQ(test, f->pool.count, 0);

	/* If the bytes end in a second page, only that one is left. */
	put(test, f, 10);
	take(test, f, 10);
	KUNIT_EXPECT_EQ(test, f->pool.count, 1);
	mvs_queue_rewind(&f->queue);
	put(test, f, 2 * CHUNK);
	take(test, f, 2 * CHUNK);
}

/* --- consumer --- */

/* The consumer keeps its position while more is appended, also when that takes more pages. */
static void reader_beside_writer(struct kunit *test)
{
	struct fifo *f = create(test);
	struct mvs_queue_pos pos;

	put(test, f, CHUNK);
	pos = f->queue.head;
	get(test, f, &pos, 0, CHUNK);
	/* The position is at the end of the last page, which has no next one yet. */
	put(test, f, 3 * CHUNK);
	get(test, f, &pos, CHUNK, CHUNK + 5);
	fill(test, f, 100);
	get(test, f, &pos, 2 * CHUNK + 5, 10);
	commit(test, f, 100);
	drop(test, f, &pos, 2 * CHUNK + 15);
	put(test, f, CHUNK);
	take(test, f, 2 * CHUNK - 15 + 100 + CHUNK);
	KUNIT_EXPECT_EQ(test, f->put, f->got);
}

/* Room is reserved after a page that is freed while the room is being filled. */
static void drop_beside_writer(struct kunit *test)
{
	struct fifo *f = create(test);

	put(test, f, 2 * CHUNK);
	fill(test, f, 2 * CHUNK);
	take(test, f, 2 * CHUNK);
	KUNIT_EXPECT_EQ(test, f->pool.count, 1);
	commit(test, f, 2 * CHUNK);
	take(test, f, 2 * CHUNK);
}

static void peeked(struct kunit *test)
{
	struct fifo *f = create(test);
	struct mvs_queue_pos pos;
	u32 i;

	put(test, f, 2 * CHUNK + 7);
	for (i = 0; i < 3; i++) {
		pos = f->queue.head;
		get(test, f, &pos, 0, 2 * CHUNK + 7);
		expect_pages(test, f);
	}
	KUNIT_EXPECT_EQ(test, f->pool.count, 0);
	take(test, f, 2 * CHUNK + 7);
}

static void skipped(struct kunit *test)
{
	struct fifo *f = create(test);
	struct mvs_queue_pos pos;

	put(test, f, 4 * CHUNK);
	pos = f->queue.head;
	mvs_queue_skip(&pos, 0);
	get(test, f, &pos, 0, 1);
	mvs_queue_skip(&pos, CHUNK - 1);
	get(test, f, &pos, CHUNK, 1);
	mvs_queue_skip(&pos, 2 * CHUNK);
	get(test, f, &pos, 3 * CHUNK + 1, CHUNK - 1);
	drop(test, f, &pos, 4 * CHUNK);
}

/* There is less room than bytes: the position is after the bytes copied. */
static void read_to_little_room(struct kunit *test)
{
	struct fifo *f = create(test);
	struct kvec vec = { f->bytes, CHUNK + 10 };
	struct mvs_queue_pos pos;
	struct iov_iter iter;

	put(test, f, 3 * CHUNK);
	pos = f->queue.head;
	memset(f->bytes, 0xff, CHUNK + 11);
	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, CHUNK + 10);
	KUNIT_EXPECT_EQ(test, mvs_queue_read(&pos, 3 * CHUNK, &iter), CHUNK + 10);
	expect_bytes(test, f, 0, CHUNK + 10);
	KUNIT_EXPECT_EQ(test, f->bytes[CHUNK + 10], 0xff);
	KUNIT_EXPECT_EQ(test, mvs_queue_read(&pos, 10, &iter), 0);
	get(test, f, &pos, CHUNK + 10, 2 * CHUNK - 10);

	/* And more room than bytes. */
	pos = f->queue.head;
	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, CHUNK + 10);
	KUNIT_EXPECT_EQ(test, mvs_queue_read(&pos, CHUNK, &iter), CHUNK);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 10);
	expect_bytes(test, f, 0, CHUNK);
}

/* The program has one page, and asks for more. */
static void read_to_program(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct fifo *f = create(test);
	struct mvs_queue_pos pos;
	struct iov_iter iter;
	size_t n;

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + PAGE_SIZE, PAGE_SIZE));
	put(test, f, 3 * CHUNK);
	pos = f->queue.head;
	KUNIT_ASSERT_EQ(test, 0, import_ubuf(ITER_DEST, (void __user *)addr,
					     2 * CHUNK, &iter));
	n = mvs_queue_read(&pos, 2 * CHUNK, &iter);
	KUNIT_EXPECT_GT(test, n, 0);
	KUNIT_EXPECT_LE(test, n, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, 0, copy_from_user(f->bytes, (void __user *)addr, n));
	expect_bytes(test, f, 0, n);
	get(test, f, &pos, n, 3 * CHUNK - n);
	guest_vmm_exit();
}

/* --- pages --- */

/* How many of @n pages the pool keeps: with large ones not many. */
static u32 pooled(u32 n)
{
	return min_t(u32, n, MVS_POOL_MAX);
}

static void pages_go_back(struct kunit *test)
{
	struct fifo *f = create(test);

	put(test, f, 10 * CHUNK);
	take(test, f, CHUNK - 1);
	KUNIT_EXPECT_EQ(test, f->pool.count, 0);
	/* A page that was read is freed when the position has passed it. */
	take(test, f, 1);
	KUNIT_EXPECT_EQ(test, f->pool.count, 0);
	take(test, f, 1);
	KUNIT_EXPECT_EQ(test, f->pool.count, 1);
	take(test, f, 3 * CHUNK);
	KUNIT_EXPECT_EQ(test, f->pool.count, 4);
	/* The last page is kept. */
	take(test, f, 6 * CHUNK - 1);
	KUNIT_EXPECT_EQ(test, f->pool.count, pooled(9));
	KUNIT_EXPECT_EQ(test, pages_in(&f->pool), pooled(9));

	/* Pages of the pool are used before new ones are allocated. */
	put(test, f, 3 * CHUNK);
	KUNIT_EXPECT_EQ(test, f->pool.count, pooled(9) - 3);
	mvs_queue_purge(&f->queue, &f->pool);
	KUNIT_EXPECT_NULL(test, f->queue.head.chunk);
	KUNIT_EXPECT_NULL(test, f->queue.tail.chunk);
	KUNIT_EXPECT_EQ(test, f->pool.count, pooled(10));
	mvs_queue_purge(&f->queue, &f->pool);
	KUNIT_EXPECT_EQ(test, f->pool.count, pooled(10));
}

/* With the owner's lock held they are only unlinked: there may be too many to free there. */
static void pages_are_cut_off(struct kunit *test)
{
	struct fifo *f = create(test);
	struct mvs_queue_pos pos;
	struct mvs_chunk *first;

	put(test, f, 10 * CHUNK);
	pos = f->queue.head;
	mvs_queue_skip(&pos, 9 * CHUNK + 1);
	first = mvs_queue_cut(&f->queue, &pos);
	f->got += 9 * CHUNK + 1;
	KUNIT_EXPECT_EQ(test, f->pool.count, 0);
	KUNIT_EXPECT_PTR_EQ(test, f->queue.head.chunk, pos.chunk);
	mvs_queue_free(&f->pool, first, &pos);
	KUNIT_EXPECT_EQ(test, f->pool.count, pooled(9));
	expect_pages(test, f);
	take(test, f, CHUNK - 1);
}

static void pool_is_bounded(struct kunit *test)
{
	struct fifo *f = create(test);
	u32 i;

	for (i = 0; i < MVS_POOL_MAX + 10; i++)
		put(test, f, CHUNK);
	for (i = 0; i < MVS_POOL_MAX + 10; i++)
		take(test, f, CHUNK);
	KUNIT_EXPECT_EQ(test, f->pool.count, MVS_POOL_MAX);
	KUNIT_EXPECT_EQ(test, pages_in(&f->pool), MVS_POOL_MAX);
	mvs_queue_purge(&f->queue, &f->pool);
	KUNIT_EXPECT_EQ(test, f->pool.count, MVS_POOL_MAX);
	KUNIT_EXPECT_EQ(test, pages_in(&f->pool), MVS_POOL_MAX);

	mvs_pool_drain(&f->pool);
	KUNIT_EXPECT_EQ(test, f->pool.count, 0);
	KUNIT_EXPECT_NULL(test, f->pool.first);
	mvs_pool_drain(&f->pool);

	f->put = 0;
	f->got = 0;
	put(test, f, 2 * CHUNK);
	take(test, f, 2 * CHUNK);
	KUNIT_EXPECT_EQ(test, f->pool.count, 1);
}

/* --- anything --- */

/* Usually a little, sometimes the maximum. */
static u32 random_len(u64 *rnd, u64 most)
{
	u32 len = fuzz_below(rnd, fuzz_once_in(rnd, 8) ? MVS_QUEUE_PUT_MAX :
							 2 * CHUNK) + 1;

	return min3((u64)len, (u64)MVS_QUEUE_PUT_MAX, most);
}

static void random_put(struct kunit *test, struct fifo *f, u64 *rnd)
{
	u32 len = random_len(rnd, MVS_QUEUE_PUT_MAX);

	if (f->put == f->got && fuzz_once_in(rnd, 2))
		mvs_queue_rewind(&f->queue);
	fill(test, f, len);
	if (fuzz_once_in(rnd, 4))
		mvs_queue_cancel(&f->pool, &f->room);
	else
		commit(test, f, len);
}

/* Put some bytes in one of several ways, then perhaps some more. */
static void random_take(struct kunit *test, struct fifo *f, u64 *rnd)
{
	struct mvs_queue_pos pos = f->queue.head;
	struct kvec vec = { f->bytes, MVS_QUEUE_PUT_MAX };
	struct iov_iter iter;
	u32 done = 0, len;

	do {
		len = random_len(rnd, f->put - f->got - done);
		switch (fuzz_below(rnd, 3)) {
		case 0:
			get(test, f, &pos, f->got + done, len);
			break;
		case 1:
			iov_iter_kvec(&iter, ITER_DEST, &vec, 1, len);
			KUNIT_ASSERT_EQ(test, mvs_queue_read(&pos, len, &iter),
					len);
			expect_bytes(test, f, f->got + done, len);
			break;
		case 2:
			mvs_queue_skip(&pos, len);
			break;
		}
		done += len;
		if (fuzz_once_in(rnd, 4))
			random_put(test, f, rnd);
	} while (fuzz_once_in(rnd, 2));
	if (f->queue.head.chunk && !fuzz_once_in(rnd, 4))
		drop(test, f, &pos, done);
}

static void anything(struct kunit *test)
{
	struct fifo *f = create(test);
	u64 rnd = 1;
	u32 i;

	for (i = 0; i < 4000; i++) {
		if (f->put - f->got < 8 * MVS_QUEUE_PUT_MAX &&
		    fuzz_once_in(&rnd, 2))
			random_put(test, f, &rnd);
		else if (f->put != f->got)
			random_take(test, f, &rnd);
		KUNIT_ASSERT_EQ(test, f->pool.count, pages_in(&f->pool));
		KUNIT_ASSERT_LE(test, f->pool.count, MVS_POOL_MAX);
	}
	KUNIT_EXPECT_GT(test, f->got, 10 * MVS_QUEUE_PUT_MAX);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(lengths),
	KUNIT_CASE(longest),
	KUNIT_CASE(byte_by_byte),
	KUNIT_CASE(mark_before_bytes),
	KUNIT_CASE(cancelled),
	KUNIT_CASE(rewound),
	KUNIT_CASE(reader_beside_writer),
	KUNIT_CASE(drop_beside_writer),
	KUNIT_CASE(peeked),
	KUNIT_CASE(skipped),
	KUNIT_CASE(read_to_little_room),
	KUNIT_CASE(read_to_program),
	KUNIT_CASE(pages_go_back),
	KUNIT_CASE(pages_are_cut_off),
	KUNIT_CASE(pool_is_bounded),
	KUNIT_CASE(anything),
	{}
};

static struct kunit_suite suite = {
	.name = "mvsock_queue",
	.test_cases = cases,
};

kunit_test_suite(suite);
