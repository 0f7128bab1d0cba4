// SPDX-License-Identifier: GPL-2.0
/*
 * Byte queues.
 *
 *	head                                 tail
 *	 |                                    |
 *	[ taken | to be read ]-->[ to be read | free ]
 *
 * The consumer frees a page when its position moves past the end of it, but never the last
 * one: the producer writes there.
 */
#include <kunit/visibility.h>
#include <linux/gfp.h>
#include <linux/sched.h>

#include <mvsock/queue.h>

/**
 * mvs_pool_init - set up an empty pool
 * @pool: the pool
 */
void mvs_pool_init(struct mvs_pool *pool)
{
	spin_lock_init(&pool->lock);
	pool->first = NULL;
	pool->count = 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_pool_init);

/**
 * mvs_pool_drain - free a pool's pages
 * @pool: the pool
 */
void mvs_pool_drain(struct mvs_pool *pool)
{
	struct mvs_chunk *chunk, *next;

	spin_lock(&pool->lock);
	chunk = pool->first;
	pool->first = NULL;
	pool->count = 0;
	spin_unlock(&pool->lock);

	for (; chunk; chunk = next) {
		next = chunk->next;
		free_page((unsigned long)chunk);
	}
}
EXPORT_SYMBOL_IF_KUNIT(mvs_pool_drain);

/* Charged to the current task: the worker, which is a thread of the VMM, or the sender. */
static struct mvs_chunk *pool_get_chunk(struct mvs_pool *pool)
{
	struct mvs_chunk *chunk;

	spin_lock(&pool->lock);
	chunk = pool->first;
	if (chunk) {
		pool->first = chunk->next;
		pool->count--;
	}
	spin_unlock(&pool->lock);

	if (!chunk)
		chunk = (struct mvs_chunk *)__get_free_page(GFP_KERNEL_ACCOUNT |
							    __GFP_NOWARN);
	if (chunk)
		chunk->next = NULL;
	return chunk;
}

static void pool_put_chunk(struct mvs_pool *pool, struct mvs_chunk *chunk)
{
	bool keep;

	spin_lock(&pool->lock);
	keep = pool->count < MVS_POOL_MAX;
	if (keep) {
		chunk->next = pool->first;
		pool->first = chunk;
		pool->count++;
	}
	spin_unlock(&pool->lock);

	if (!keep)
		free_page((unsigned long)chunk);
}

/* Free @chunk and those after it, up to @end, which may be a GiB. */
static void pool_put_chunks(struct mvs_pool *pool, struct mvs_chunk *chunk,
			    const struct mvs_chunk *end)
{
	while (chunk != end) {
		struct mvs_chunk *next = chunk->next;

		pool_put_chunk(pool, chunk);
		chunk = next;
		cond_resched();
	}
}

/**
 * mvs_queue_purge - drop the content of a queue
 * @queue: the queue, without a producer or a consumer
 * @pool: where its pages go
 */
void mvs_queue_purge(struct mvs_queue *queue, struct mvs_pool *pool)
{
	pool_put_chunks(pool, queue->head.chunk, NULL);
	*queue = (struct mvs_queue) {};
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_purge);

/**
 * mvs_queue_rewind - let an empty queue use its only page from the start
 * @queue: the queue, empty
 *
 * Context: the producer, with the owner's lock held.
 */
void mvs_queue_rewind(struct mvs_queue *queue)
{
	queue->head.off = 0;
	queue->tail.off = 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_rewind);

/* Add a piece of at most @len bytes to the end of the reserved room. Returns its length. */
static u32 queue_add_piece(struct mvs_queue_room *room, u32 len)
{
	u32 n = min_t(u32, len, MVS_CHUNK_SIZE - room->tail.off);

	room->pieces[room->npieces++] = (struct kvec) {
		.iov_base = room->tail.chunk->data + room->tail.off,
		.iov_len = n,
	};
	room->tail.off += n;
	return n;
}

/**
 * mvs_queue_reserve - reserve room at the end of a queue
 * @queue: the queue
 * @pool: where pages come from
 * @len: bytes, from 1 to %MVS_QUEUE_PUT_MAX
 * @room: filled in; ended by mvs_queue_commit() or mvs_queue_cancel()
 *
 * Context: the producer, without the owner's lock; process; may sleep.
 * Return: 0 or %-ENOMEM.
 */
int mvs_queue_reserve(const struct mvs_queue *queue, struct mvs_pool *pool,
		      u32 len, struct mvs_queue_room *room)
{
	struct mvs_chunk *chunk, *last = NULL;

	room->npieces = 0;
	room->first = NULL;
	room->tail = queue->tail;
	if (room->tail.chunk && room->tail.off < MVS_CHUNK_SIZE)
		len -= queue_add_piece(room, len);

	while (len) {
		chunk = pool_get_chunk(pool);
		if (!chunk) {
			mvs_queue_cancel(pool, room);
			return -ENOMEM;
		}
		if (last)
			last->next = chunk;
		else
			room->first = chunk;
		last = chunk;
		room->tail = (struct mvs_queue_pos) { .chunk = chunk };
		len -= queue_add_piece(room, len);
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_reserve);

/**
 * mvs_queue_fill - start filling reserved room
 * @room: as mvs_queue_reserve() filled it in
 * @mark: the record that comes first
 * @size: its size; 0 for none
 * @len: bytes that follow it
 * @to: set to the room for them
 */
void mvs_queue_fill(const struct mvs_queue_room *room, const void *mark,
		    u32 size, u32 len, struct iov_iter *to)
{
	iov_iter_kvec(to, ITER_DEST, room->pieces, room->npieces, size + len);
	if (size)
		WARN_ON_ONCE(copy_to_iter(mark, size, to) != size);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_fill);

/**
 * mvs_queue_commit - append reserved bytes to the queue
 * @queue: the queue
 * @room: the room, from mvs_queue_reserve()
 *
 * Context: the producer, with the owner's lock held.
 */
void mvs_queue_commit(struct mvs_queue *queue,
		      const struct mvs_queue_room *room)
{
	if (!queue->tail.chunk)
		queue->head.chunk = room->first;
	else if (room->first)
		queue->tail.chunk->next = room->first;
	queue->tail = room->tail;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_commit);

/**
 * mvs_queue_cancel - give up reserved room
 * @pool: where its pages go
 * @room: as mvs_queue_reserve() filled it in
 */
void mvs_queue_cancel(struct mvs_pool *pool, struct mvs_queue_room *room)
{
	pool_put_chunks(pool, room->first, NULL);
	room->first = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_cancel);

/* Fills all of the room, or returns %-EFAULT. */
static int queue_fill_from(const struct mvs_queue_room *room,
			   struct iov_iter *from)
{
	unsigned int i;

	for (i = 0; i < room->npieces; i++)
		if (copy_from_iter(room->pieces[i].iov_base,
				   room->pieces[i].iov_len, from) !=
		    room->pieces[i].iov_len)
			return -EFAULT;
	return 0;
}

/**
 * mvs_queue_append - append bytes to a private queue
 * @queue: the queue; on failure it may contain some of them
 * @pool: where pages come from
 * @from: the bytes
 * @len: how many
 *
 * Context: process; may sleep.
 * Return: 0; %-EFAULT when @from is shorter; %-ENOMEM.
 */
int mvs_queue_append(struct mvs_queue *queue, struct mvs_pool *pool,
		     struct iov_iter *from, size_t len)
{
	struct mvs_queue_room room;
	int ret;

	while (len) {
		u32 n = min_t(size_t, len, MVS_QUEUE_PUT_MAX);

		ret = mvs_queue_reserve(queue, pool, n, &room);
		if (ret)
			return ret;
		ret = queue_fill_from(&room, from);
		if (ret) {
			mvs_queue_cancel(pool, &room);
			return ret;
		}
		mvs_queue_commit(queue, &room);
		len -= n;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_append);

/*
 * Returns how many of @len bytes are contiguous at @pos, which is first moved to the next page if
 * it is at the end of one.
 */
static size_t queue_contiguous(struct mvs_queue_pos *pos, size_t len)
{
	if (pos->off == MVS_CHUNK_SIZE)
		*pos = (struct mvs_queue_pos) { .chunk = pos->chunk->next };
	return min_t(size_t, len, MVS_CHUNK_SIZE - pos->off);
}

/**
 * mvs_queue_pieces - get bytes of a queue as a vector
 * @pos: where they begin
 * @len: how many, at most %MVS_QUEUE_PUT_MAX, all committed
 * @pieces: filled in, %MVS_QUEUE_PIECES at most
 *
 * Context: the consumer, without the owner's lock.
 * Return: how many pieces.
 */
unsigned int mvs_queue_pieces(const struct mvs_queue_pos *pos, size_t len,
			      struct kvec *pieces)
{
	struct mvs_queue_pos at = *pos;
	unsigned int n = 0;

	while (len) {
		size_t piece = queue_contiguous(&at, len);

		pieces[n++] = (struct kvec) {
			.iov_base = at.chunk->data + at.off,
			.iov_len = piece,
		};
		at.off += piece;
		len -= piece;
	}
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_pieces);

/**
 * mvs_queue_read - copy from a queue
 * @pos: start of the data; moves past what was copied
 * @len: bytes, all committed
 * @to: where to
 *
 * Context: the consumer, without the owner's lock; process; may sleep.
 * Return: bytes copied; fewer than @len when @to ended before.
 */
size_t mvs_queue_read(struct mvs_queue_pos *pos, size_t len,
		      struct iov_iter *to)
{
	size_t done = 0;

	while (done < len) {
		size_t n = queue_contiguous(pos, len - done);
		size_t copied = copy_to_iter(pos->chunk->data + pos->off, n, to);

		pos->off += copied;
		done += copied;
		if (copied < n)
			break;
		cond_resched();
	}
	return done;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_read);

/**
 * mvs_queue_get - copy from a queue to the kernel's memory
 * @pos: start of the data; moves past what was copied
 * @to: where to
 * @len: bytes, all committed
 *
 * Context: the consumer, without the owner's lock.
 */
void mvs_queue_get(struct mvs_queue_pos *pos, void *to, size_t len)
{
	while (len) {
		size_t n = queue_contiguous(pos, len);

		memcpy(to, pos->chunk->data + pos->off, n);
		pos->off += n;
		to += n;
		len -= n;
	}
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_get);

/**
 * mvs_queue_skip - move a position without copying
 * @pos: the position
 * @len: bytes, all committed
 *
 * Context: the consumer, without the owner's lock; process; may sleep.
 */
void mvs_queue_skip(struct mvs_queue_pos *pos, size_t len)
{
	while (len) {
		size_t n = queue_contiguous(pos, len);

		pos->off += n;
		len -= n;
		cond_resched();
	}
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_skip);

/**
 * mvs_queue_cut - remove the bytes before a position
 * @queue: the queue
 * @pos: the position
 *
 * Context: the consumer, with the owner's lock held.
 * Return: the pages before it, for mvs_queue_free().
 */
struct mvs_chunk *mvs_queue_cut(struct mvs_queue *queue,
				const struct mvs_queue_pos *pos)
{
	struct mvs_chunk *first = queue->head.chunk;

	queue->head = *pos;
	return first;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_cut);

/**
 * mvs_queue_free - free the pages that mvs_queue_cut() removed
 * @pool: the pool that they return to
 * @first: what mvs_queue_cut() returned
 * @pos: the position that it was given
 *
 * Context: process, without the owner's lock; may sleep.
 */
void mvs_queue_free(struct mvs_pool *pool, struct mvs_chunk *first,
		    const struct mvs_queue_pos *pos)
{
	pool_put_chunks(pool, first, pos->chunk);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_queue_free);
