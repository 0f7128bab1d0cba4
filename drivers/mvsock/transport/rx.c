// SPDX-License-Identifier: GPL-2.0
/*
 * The RX virtqueue, as all use it that send packets to the guest.
 */
#include <linux/virtio_vsock.h>

#include <mvsock/conn.h>
#include <mvsock/device.h>
#include <mvsock/packet.h>

#include "data.h"
#include "tap.h"

/*
 * Budget of chains, valid or not, before others are served: a driver may make chains available
 * endlessly.
 */
#define MVS_RX_CHAINS		256

/**
 * mvs_rx_any_pending - check for packets without data that wait for a chain
 * @conns: the guest's connections
 *
 * Context: any.
 * Return: true if there are any.
 */
bool mvs_rx_any_pending(const struct mvs_conns *conns)
{
	return !list_empty_careful(&conns->pending) ||
	       !list_empty_careful(&conns->resets);
}

/**
 * mvs_rx_any_waiting - check for anything that waits for a chain
 * @conns: the guest's connections
 *
 * Context: any.
 * Return: true if there are packets, or parked senders.
 */
bool mvs_rx_any_waiting(const struct mvs_conns *conns)
{
	return mvs_rx_any_pending(conns) ||
	       !list_empty_careful(&conns->waiting) ||
	       mvs_backlog_any(conns);
}

/**
 * mvs_rx_begin - start using the virtqueue
 * @vq: the RX virtqueue
 *
 * Kicks are suppressed until there is no chain, or mvs_rx_keep_kicks() is called.
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 1; 0 if it can't be used now; or an error of mvs_vq_pop().
 */
int mvs_rx_begin(struct mvs_vq *vq)
{
	lockdep_assert_held(&vq->mutex);
	vq->budget = MVS_RX_CHAINS;
	return vq->running ? mvs_vq_begin(vq) : 0;
}

/**
 * mvs_rx_keep_kicks - stop using the virtqueue
 * @device: the guest
 *
 * If anything waits for a chain, the worker checks for one, and enables kicks if there is none.
 *
 * Context: process.
 */
void mvs_rx_keep_kicks(struct mvs_device *device)
{
	if (mvs_rx_any_waiting(device->conns))
		mvs_device_wake(device, MVS_VQ_RX);
}

/**
 * mvs_rx_next_chain - take the next valid chain
 * @vq: the RX virtqueue, after mvs_rx_begin()
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 1; %-EBADMSG if the budget is used up, and the caller has to try again later; otherwise
 * see mvs_vq_pop().
 */
int mvs_rx_next_chain(struct mvs_vq *vq)
{
	int ret = -EBADMSG;

	while (ret == -EBADMSG && vq->budget) {
		vq->budget--;
		ret = mvs_vq_pop(vq);
	}
	return ret;
}

/**
 * mvs_rx_put - write a packet into @vq->chain, and give that back
 * @vq: the RX virtqueue
 * @hdr: the packet's header, as for mvs_packet_write()
 * @from: its payload, or what is left of it; advanced by what was written
 * @left: bytes in @from
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: the number of payload bytes; %-EBADMSG if the chain was invalid and has been given back;
 * %-ENODATA if @from is not in memory; or an error of mvs_vq_pop().
 */
int mvs_rx_put(struct mvs_vq *vq, struct virtio_vsock_hdr *hdr,
	       struct iov_iter *from, u32 left)
{
	int len, ret;

	len = mvs_packet_write(&vq->chain, vq->ring.gm, hdr, from, left);
	if (len == -EBADMSG)
		return mvs_vq_reject(vq) ?: -EBADMSG;
	if (len == -ENODATA)
		mvs_vq_unpop(vq, 0);
	if (len < 0)
		return len == -ENODATA ? len : mvs_vq_unpop(vq, len);

	mvs_tap(hdr, from);
	ret = mvs_vq_push(vq, sizeof(*hdr) + len);
	if (ret)
		return ret;
	mvs_account(vq, hdr);
	return len;
}

/**
 * mvs_rx_put_control - send a packet without data
 * @vq: the RX virtqueue, after mvs_rx_begin()
 * @hdr: the packet's header
 *
 * Context: process, with the virtqueue's mutex held; may sleep.
 * Return: 1; otherwise see mvs_vq_pop().
 */
int mvs_rx_put_control(struct mvs_vq *vq, struct virtio_vsock_hdr *hdr)
{
	int ret;

	do {
		ret = mvs_rx_next_chain(vq);
		if (ret != 1)
			return ret;
		ret = mvs_rx_put(vq, hdr, NULL, 0) ?: 1;
	} while (ret == -EBADMSG);
	return ret;
}
