/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Byte queues: what a guest sent and nobody has read yet.
 *
 * The bytes lie in pages that are filled to their ends. There is one who puts and one
 * who takes, side by side; each copies without a lock. The owner's lock is only for
 * what they tell each other: mvs_queue_rewind(), mvs_queue_commit() and
 * mvs_queue_cut() are called with it held. The one who takes goes no further than
 * what he was told has been committed.
 */
#ifndef _MVSOCK_QUEUE_H
#define _MVSOCK_QUEUE_H

#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uio.h>

/**
 * struct mvs_chunk - a page of a queue
 * @next: the page behind it, which its last byte was committed before
 * @data: the bytes
 */
struct mvs_chunk {
	struct mvs_chunk *next;
	u8 data[PAGE_SIZE - sizeof(void *)];
};

#define MVS_CHUNK_SIZE	sizeof_field(struct mvs_chunk, data)

/* Pages that a pool keeps at most: as many as a connection's usual buffer has. */
#define MVS_POOL_MAX	64

/**
 * struct mvs_pool - pages that were read and may be filled again
 * @lock: protects all of it
 * @first: the pages, by their @next
 * @count: how many
 *
 * The kernel may fill a page with zeros whenever it gives one out, which takes longer
 * than to fill it with what a guest sends.
 */
struct mvs_pool {
	spinlock_t lock;	/* the pages */
	struct mvs_chunk *first;
	unsigned int count;
};

/**
 * struct mvs_queue_pos - a place in a queue
 * @chunk: its page; NULL in a queue that never had any
 * @off: bytes into it
 */
struct mvs_queue_pos {
	struct mvs_chunk *chunk;
	u32 off;
};

/**
 * struct mvs_queue - a byte queue
 * @head: where to take
 * @tail: where to put
 *
 * Once it had a byte it keeps a page, so that the next byte finds one.
 */
struct mvs_queue {
	struct mvs_queue_pos head;
	struct mvs_queue_pos tail;
};

/* Bytes that are put at once: a packet, and a message's mark. */
#define MVS_QUEUE_PUT_MAX	(64 * 1024 + 64)

#define MVS_QUEUE_PIECES	(MVS_QUEUE_PUT_MAX / MVS_CHUNK_SIZE + 2)

/**
 * struct mvs_queue_room - room for what is being put
 * @pieces: where it is
 * @npieces: how many there are
 * @first: pages that are new, by their @next; or NULL
 * @tail: the queue's tail after it
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
