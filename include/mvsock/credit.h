/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Credit: how much each side of a connection may send before the other has read it (virtio 1.3,
 * 5.10.6.3).
 *
 * Each packet tells the peer the size of our buffer (buf_alloc) and how much of what it has sent
 * was read (fwd_cnt). Bytes that a side has sent and the peer has not read must fit into the peer's
 * buffer. The counters in packets wrap. Pure arithmetic: the caller serializes.
 */
#ifndef _MVSOCK_CREDIT_H
#define _MVSOCK_CREDIT_H

#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/types.h>

/**
 * struct mvs_credit - a connection's credit, in bytes of payload
 * @buf_alloc: size of our buffer
 * @rx_cnt: bytes received
 * @fwd_cnt: bytes received and read
 * @granted: highest value of @rx_cnt up to which the peer was ever allowed to send; may exceed the
 *	buffer's size after that was reduced
 * @told: the same, according to the last packet sent to the peer
 * @peer_buf_alloc: size of the peer's buffer
 * @peer_fwd_cnt: bytes that the peer has read
 * @tx_cnt: bytes sent to the peer
 */
struct mvs_credit {
	u32 buf_alloc;
	u64 rx_cnt;
	u64 fwd_cnt;
	u64 granted;
	u64 told;
	u32 peer_buf_alloc;
	u32 peer_fwd_cnt;
	u64 tx_cnt;
};

/**
 * mvs_credit_max - credit that the peer would grant with an empty receive buffer
 * @credit: the credit
 *
 * No more than the size of our own buffer, as in the kernel's other virtio transports.
 * Without the lock this tells only whether a message of a size can ever be sent.
 *
 * Return: bytes.
 */
static inline u32 mvs_credit_max(const struct mvs_credit *credit)
{
	return min(READ_ONCE(credit->peer_buf_alloc),
		   READ_ONCE(credit->buf_alloc));
}

/**
 * mvs_credit_unread - get the bytes that were sent to the peer and not read there
 * @credit: the credit
 *
 * Return: bytes.
 */
static inline u32 mvs_credit_unread(const struct mvs_credit *credit)
{
	return (u32)credit->tx_cnt - credit->peer_fwd_cnt;
}

/**
 * mvs_credit_known - get the bytes that the peer may send, as far as it was told
 * @credit: the credit
 *
 * Return: bytes.
 */
static inline u64 mvs_credit_known(const struct mvs_credit *credit)
{
	return credit->told - min(credit->told, credit->rx_cnt);
}

/**
 * mvs_credit_space - get the bytes that may be sent to the peer
 * @credit: the credit
 *
 * The peer may have made its buffer smaller than the data in it.
 *
 * Return: bytes.
 */
static inline u32 mvs_credit_space(const struct mvs_credit *credit)
{
	u32 max = mvs_credit_max(credit);
	u32 unread = mvs_credit_unread(credit);

	return max > unread ? max - unread : 0;
}

/**
 * mvs_credit_allows - check the length of received data against the credit
 * @credit: the credit
 * @len: bytes
 *
 * Return: true if the peer was granted that much.
 */
static inline bool mvs_credit_allows(const struct mvs_credit *credit, u32 len)
{
	return credit->rx_cnt + len <= credit->granted;
}

/**
 * mvs_credit_tell - account the credit that a packet to the peer reports
 * @credit: the credit
 */
static inline void mvs_credit_tell(struct mvs_credit *credit)
{
	credit->told = credit->fwd_cnt + credit->buf_alloc;
	credit->granted = max(credit->granted, credit->told);
}

/**
 * mvs_credit_stale - check whether a CREDIT_UPDATE is due
 * @credit: the credit
 * @idle: there is nothing to read
 * @wanted: bytes that a reader waits for
 *
 * One is due when the peer knows of less than half of the room, or of less room than a packet,
 * unless there are only a few bytes more; or when a reader waits for more than the peer may send.
 *
 * Return: true if it is.
 */
static inline bool mvs_credit_stale(const struct mvs_credit *credit, bool idle,
				    u64 wanted)
{
	u64 low = min(credit->buf_alloc / 2, SZ_64K);
	u64 known = mvs_credit_known(credit);
	u64 unread = credit->rx_cnt - credit->fwd_cnt;
	u64 now = credit->fwd_cnt + credit->buf_alloc;

	if (now <= credit->told)
		return false;
	return (known < low && (idle || now - credit->told >= low / 2)) ||
	       unread + known < wanted;
}

#endif /* _MVSOCK_CREDIT_H */
