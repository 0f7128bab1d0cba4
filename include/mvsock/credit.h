/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Credit: how much each side of a connection may send before the other has read
 * (virtio 1.3, 5.10.6.3). Pure arithmetic; whose it is locks it.
 */
#ifndef _MVSOCK_CREDIT_H
#define _MVSOCK_CREDIT_H

#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/types.h>

/**
 * struct mvs_credit - a connection's credit, in bytes of payload
 * @buf_alloc: what our side has room for
 * @rx_cnt: received so far
 * @fwd_cnt: of that, what was read
 * @granted: how far the peer may send, by what it was told: it may be more than what
 *	there is room for now, when the room was made smaller
 * @told: how far it believes it may send, by what it was told last
 * @peer_buf_alloc: what the peer has room for
 * @peer_fwd_cnt: what it has read
 * @tx_cnt: what was sent to it
 */
struct mvs_credit {
	u32 buf_alloc;
	u64 rx_cnt;
	u64 fwd_cnt;
	u64 granted;
	u64 told;
	u32 peer_buf_alloc;
	u32 peer_fwd_cnt;
	u32 tx_cnt;
};

/**
 * mvs_credit_max - what the peer could be sent if it had read all
 * @credit: the credit
 *
 * As AF_VSOCK's other transports have it, no more than our side has room for. Who only
 * wants to know whether a message can ever be sent asks without the lock.
 *
 * Return: bytes.
 */
static inline u32 mvs_credit_max(const struct mvs_credit *credit)
{
	return min(READ_ONCE(credit->peer_buf_alloc),
		   READ_ONCE(credit->buf_alloc));
}

/**
 * mvs_credit_space - what the peer may be sent
 * @credit: the credit
 *
 * The peer may have made its buffer smaller than what is in it.
 *
 * Return: bytes.
 */
static inline u32 mvs_credit_space(const struct mvs_credit *credit)
{
	u32 max = mvs_credit_max(credit);
	u32 unread = credit->tx_cnt - credit->peer_fwd_cnt;

	return max > unread ? max - unread : 0;
}

/**
 * mvs_credit_allows - may the peer send as much?
 * @credit: the credit
 * @len: bytes
 *
 * Return: whether it was told of as much room.
 */
static inline bool mvs_credit_allows(const struct mvs_credit *credit, u32 len)
{
	return credit->rx_cnt + len <= credit->granted;
}

/**
 * mvs_credit_tell - the peer is being told what room there is
 * @credit: the credit
 */
static inline void mvs_credit_tell(struct mvs_credit *credit)
{
	credit->told = credit->fwd_cnt + credit->buf_alloc;
	credit->granted = max(credit->granted, credit->told);
}

/**
 * mvs_credit_stale - is it time to tell the peer, without anything else to send?
 * @credit: the credit
 * @idle: there is nothing that could be read
 * @wanted: bytes that a reader waits for
 *
 * Not before the peer knows of less than half of the room, or of less than a
 * packet, and not for a few bytes: to be told costs it more than it gains. But a reader
 * may be waiting for what the peer can't send.
 *
 * Return: whether it is.
 */
static inline bool mvs_credit_stale(const struct mvs_credit *credit, bool idle,
				    u64 wanted)
{
	u64 low = min(credit->buf_alloc / 2, SZ_64K);
	u64 known = credit->told - min(credit->told, credit->rx_cnt);
	u64 unread = credit->rx_cnt - credit->fwd_cnt;
	u64 now = credit->fwd_cnt + credit->buf_alloc;

	if (now <= credit->told)
		return false;
	return (known < low && (idle || now - credit->told >= low / 2)) ||
	       unread + known < wanted;
}

#endif /* _MVSOCK_CREDIT_H */
