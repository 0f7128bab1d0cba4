/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Byte queues: received data that have not been read yet.
 *
 * The bytes lie in pages that are filled to their ends. A queue has one producer and one
 * consumer, which run concurrently and copy without a lock. The owner's lock covers the
 * positions only: mvs_queue_rewind(), mvs_queue_commit() and mvs_queue_cut() are called
 * with it held. The consumer never reads beyond the committed bytes.
 */
#ifndef _MVSOCK_QUEUE_H
#define _MVSOCK_QUEUE_H

#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uio.h>

/**
 * struct mvs_chunk - a page of a queue
 * @next: the next page; set before the last byte of this one is committed
 * @data: the bytes
 */
struct mvs_chunk {
	struct mvs_chunk *next;
	u8 data[PAGE_SIZE - sizeof(void *)];
};

#define MVS_CHUNK_SIZE	sizeof_field(struct mvs_chunk, data)

/* Maximum number of pages in a pool: those of a connection's default buffer size. */
#define MVS_POOL_MAX	(SZ_256K / PAGE_SIZE)

/**
 * struct mvs_pool - pages for reuse
 * @lock: protects all fields
 * @first: the pages, linked by @next
 * @count: number of pages
 *
 * The kernel may zero each page that it allocates (init_on_alloc), which takes longer than
 * copying the guest's data into it.
 */
struct mvs_pool {
	spinlock_t lock;	/* the pages */
	struct mvs_chunk *first;
	unsigned int count;
};

/**
 * struct mvs_queue_pos - a position in a queue
 * @chunk: its page; NULL in a queue that never had any
 * @off: offset in that page
 */
struct mvs_queue_pos {
	struct mvs_chunk *chunk;
	u32 off;
};

/**
 * struct mvs_queue - a byte queue
 * @head: position of the consumer
 * @tail: position of the producer
 *
 * Once it has had a byte, it always keeps a page.
 */
struct mvs_queue {
	struct mvs_queue_pos head;
	struct mvs_queue_pos tail;
};

/* Maximum number of bytes that are reserved at once: a packet, and its record. */
#define MVS_QUEUE_PUT_MAX	(64 * 1024 + 64)

#define MVS_QUEUE_PIECES	(MVS_QUEUE_PUT_MAX / MVS_CHUNK_SIZE + 2)

/**
 * struct mvs_queue_room - room that is reserved at the end of a queue
 * @pieces: the room
 * @npieces: number of pieces
 * @first: new pages, linked by their @next; or NULL
 * @tail: the queue's tail after the room
 */
struct mvs_queue_room {
	struct kvec pieces[MVS_QUEUE_PIECES];
	unsigned int npieces;
	struct mvs_chunk *first;
	struct mvs_queue_pos tail;
};

void mvs_pool_init(struct mvs_pool *pool);
void mvs_pool_drain(struct mvs_pool *pool);

void mvs_queue_purge(struct mvs_queue *queue, struct mvs_pool *pool);

void mvs_queue_rewind(struct mvs_queue *queue);
int mvs_queue_reserve(const struct mvs_queue *queue, struct mvs_pool *pool,
		      u32 len, struct mvs_queue_room *room);
void mvs_queue_fill(const struct mvs_queue_room *room, const void *mark,
		    u32 size, u32 len, struct iov_iter *to);
void mvs_queue_commit(struct mvs_queue *queue,
		      const struct mvs_queue_room *room);
void mvs_queue_cancel(struct mvs_pool *pool, struct mvs_queue_room *room);

int mvs_queue_append(struct mvs_queue *queue, struct mvs_pool *pool,
		     struct iov_iter *from, size_t len);

unsigned int mvs_queue_pieces(const struct mvs_queue_pos *pos, size_t len,
			      struct kvec *pieces);
size_t mvs_queue_read(struct mvs_queue_pos *pos, size_t len,
		      struct iov_iter *to);
void mvs_queue_get(struct mvs_queue_pos *pos, void *to, size_t len);
void mvs_queue_skip(struct mvs_queue_pos *pos, size_t len);
struct mvs_chunk *mvs_queue_cut(struct mvs_queue *queue,
				const struct mvs_queue_pos *pos);
void mvs_queue_free(struct mvs_pool *pool, struct mvs_chunk *first,
		    const struct mvs_queue_pos *pos);

#endif /* _MVSOCK_QUEUE_H */
