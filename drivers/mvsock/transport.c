// SPDX-License-Identifier: GPL-2.0
/*
 * The host-to-guest transport of AF_VSOCK, on the kernel's own connection layer
 * (virtio_transport_*()).
 *
 *   to the guest:   send_pkt() -> sendq -> send_next() -> RX virtqueue
 *   from the guest: TX virtqueue -> recv_next() -> virtio_transport_recv_pkt()
 *
 * A packet from the guest may be answered by one to it. While the guest takes no
 * packets those answers add up, so past as many as the TX virtqueue is long no
 * more packets are taken from there; until then one direction that is full does
 * not stop the other (virtio 1.3, 5.10.6.1.2).
 */
#include <linux/module.h>
#include <linux/virtio_vsock.h>
#include <net/af_vsock.h>
#include <net/sock.h>

#include <mvsock/packet.h>
#include <mvsock/transport.h>

/*
 * What one call of work may do before the other virtqueue has its turn, in packets
 * and in bytes of payload.
 */
#define MVS_WORK_PACKETS	256
#define MVS_WORK_BYTES		(512 * 1024)

static struct virtio_transport transport;

/* @n answers have left sendq: there may be room for TX to go on. */
static void replies_done(struct mvs_device *device, int n)
{
	int num = READ_ONCE(device->vqs[MVS_VQ_TX].ring.num);
	int left = atomic_sub_return(n, &device->queued_replies);

	if (left < num && left + n >= num)
		mvs_device_wake(device, MVS_VQ_TX);
}

static bool may_reply(struct mvs_device *device)
{
	return atomic_read(&device->queued_replies) <
	       device->vqs[MVS_VQ_TX].ring.num;
}

static int send_pkt(struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	int len = skb->len, ret = -ENODEV;
	struct mvs_device *device;

	rcu_read_lock();
	device = mvs_cid_find(le64_to_cpu(hdr->dst_cid));
	if (device) {
		/*
		 * Credit updates are answers as well, when the guest asked for
		 * them: it may do so without end, and take none.
		 */
		if (READ_ONCE(device->receiver) == current)
			virtio_vsock_skb_set_reply(skb);
		spin_lock_bh(&device->sendq.lock);
		if (!device->closed) {
			if (virtio_vsock_skb_reply(skb))
				atomic_inc(&device->queued_replies);
			__skb_queue_tail(&device->sendq, skb);
			ret = len;
		}
		spin_unlock_bh(&device->sendq.lock);
	}
	if (ret >= 0)
		mvs_device_wake(device, MVS_VQ_RX);
	rcu_read_unlock();

	if (ret < 0)
		kfree_skb(skb);
	return ret;
}

/* They are read without the mutex. */
static void count(struct mvs_vq *vq, u32 bytes)
{
	WRITE_ONCE(vq->packets, vq->packets + 1);
	WRITE_ONCE(vq->bytes, vq->bytes + bytes);
}

/* The packet is in the guest's hands. */
static void packet_done(struct mvs_device *device, struct sk_buff *skb)
{
	if (virtio_vsock_skb_reply(skb))
		replies_done(device, 1);
	virtio_transport_consume_skb_sent(skb, true);
}

/*
 * Send what of a packet fits into @vq->chain. Returns 1 when all of the packet was
 * sent, 0 when some is left for the next chain, %-EBADMSG when this chain was no
 * good and went back to the driver, or another error as mvs_vq_pop() has it.
 */
static int send_packet(struct mvs_vq *vq, struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	__le32 flags = hdr->flags;
	int len, ret;

	len = mvs_packet_write(&vq->chain, vq->ring.gm, skb);
	if (len == -EBADMSG) {
		ret = mvs_vq_reject(vq) ?: -EBADMSG;
	} else if (len < 0) {
		ret = mvs_vq_unpop(vq, len);
	} else {
		virtio_transport_deliver_tap_pkt(skb);
		ret = mvs_vq_push(vq, sizeof(*hdr) + len);
	}
	/* The next piece begins with the packet's own. */
	hdr->flags = flags;
	if (ret)
		return ret;

	count(vq, len);
	VIRTIO_VSOCK_SKB_CB(skb)->offset += len;
	if (VIRTIO_VSOCK_SKB_CB(skb)->offset == skb->len)
		return 1;
	virtio_vsock_skb_clear_tap_delivered(skb);
	return 0;
}

/*
 * Send the next packet, or a piece of it. Returns 1 when something was given back
 * to the driver, 0 when there is nothing to do until a packet or a chain comes, or
 * an error as mvs_vq_pop() has it.
 */
static int send_next(struct mvs_device *device, struct mvs_vq *vq)
{
	struct sk_buff *skb;
	int ret;

	/* Without packets, new chains are of no interest: no kicks. */
	if (skb_queue_empty_lockless(&device->sendq))
		return 0;

	ret = mvs_vq_pop(vq);
	if (ret <= 0)
		return ret == -EBADMSG ? 1 : ret;

	skb = virtio_vsock_skb_dequeue(&device->sendq);
	if (!skb)
		return mvs_vq_unpop(vq, 0);

	ret = send_packet(vq, skb);
	if (ret == 1) {
		packet_done(device, skb);
		return 1;
	}
	virtio_vsock_skb_queue_head(&device->sendq, skb);
	return !ret || ret == -EBADMSG ? 1 : ret;
}

/* Streams need no negotiation, unless that was negotiated. */
static bool type_allowed(u64 features, u16 type)
{
	if (type == VIRTIO_VSOCK_TYPE_SEQPACKET)
		return features & BIT_ULL(VIRTIO_VSOCK_F_SEQPACKET);
	return features & BIT_ULL(VIRTIO_VSOCK_F_STREAM) ||
	       !(features & BIT_ULL(VIRTIO_VSOCK_F_NO_IMPLIED_STREAM));
}

/*
 * Answer a packet of a type that was not negotiated with RST (virtio 1.3, 5.10.6.4.2
 * has it for types that are unknown). Returns 0 or %-ENOMEM.
 */
static int refuse_type(const struct virtio_vsock_hdr *hdr)
{
	struct sk_buff *skb;

	if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST))
		return 0;
	skb = virtio_vsock_alloc_skb(VIRTIO_VSOCK_SKB_HEADROOM, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;

	*virtio_vsock_hdr(skb) = (struct virtio_vsock_hdr) {
		.src_cid = hdr->dst_cid,
		.dst_cid = hdr->src_cid,
		.src_port = hdr->dst_port,
		.dst_port = hdr->src_port,
		.type = hdr->type,
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RST),
	};
	virtio_vsock_skb_set_reply(skb);
	send_pkt(skb);
	return 0;
}

static bool type_negotiated(const struct mvs_device *device,
			    const struct virtio_vsock_hdr *hdr)
{
	u16 type = le16_to_cpu(hdr->type);

	/* What is neither is AF_VSOCK's to answer. */
	return (type != VIRTIO_VSOCK_TYPE_STREAM &&
		type != VIRTIO_VSOCK_TYPE_SEQPACKET) ||
	       type_allowed(READ_ONCE(device->features), type);
}

/*
 * Hand the packet in @vq->chain to AF_VSOCK. Returns 0, or an error as
 * mvs_packet_parse() has it.
 */
static int recv_packet(struct mvs_device *device, struct mvs_vq *vq)
{
	struct virtio_vsock_hdr hdr;
	struct sk_buff *skb;
	int ret;

	ret = mvs_packet_parse(&vq->chain, vq->ring.gm,
			       READ_ONCE(device->cid), MVS_HOST_CID, &hdr);
	if (ret)
		return ret;
	if (unlikely(!type_negotiated(device, &hdr)))
		return refuse_type(&hdr);

	skb = mvs_packet_read(&vq->chain, vq->ring.gm, &hdr);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	count(vq, skb->len);
	virtio_transport_deliver_tap_pkt(skb);
	WRITE_ONCE(device->receiver, current);
	virtio_transport_recv_pkt(&transport, skb);
	WRITE_ONCE(device->receiver, NULL);
	return 0;
}

/* Take the next packet from the guest. Returns as send_next() does. */
static int recv_next(struct mvs_device *device, struct mvs_vq *vq)
{
	int ret;

	/* No kicks either: replies_done() wakes us. */
	if (!may_reply(device))
		return 0;

	ret = mvs_vq_pop(vq);
	if (ret <= 0)
		return ret == -EBADMSG ? 1 : ret;

	ret = recv_packet(device, vq);
	if (ret == -EBADMSG)
		return mvs_vq_reject(vq) ?: 1;
	if (ret)
		return mvs_vq_unpop(vq, ret);
	return mvs_vq_push(vq, 0) ?: 1;
}

/* mvs_device_ops.work */
static bool work(struct mvs_device *device, unsigned int index)
{
	int (*next)(struct mvs_device *device, struct mvs_vq *vq) =
		index == MVS_VQ_TX ? recv_next : send_next;
	struct mvs_vq *vq = &device->vqs[index];
	unsigned int packets = 0;
	u64 bytes;
	int ret = 0;

	mutex_lock(&vq->mutex);
	if (!vq->running)
		goto out;
	ret = mvs_vq_begin(vq);
	if (ret <= 0)
		goto out;

	bytes = vq->bytes;
	do {
		ret = next(device, vq);
	} while (ret == 1 && ++packets < MVS_WORK_PACKETS &&
		 vq->bytes - bytes < MVS_WORK_BYTES);
	mvs_vq_flush(vq);
out:
	mutex_unlock(&vq->mutex);

	/* Nobody would wake us when there is memory again. */
	if (ret == -ENOMEM)
		schedule_timeout_killable(1);
	return ret == 1 || ret == -ENOMEM;
}

static int cancel_pkt(struct vsock_sock *vsk)
{
	struct mvs_device *device;
	int replies, ret = -ENODEV;

	rcu_read_lock();
	device = mvs_cid_find(vsk->remote_addr.svm_cid);
	if (device) {
		replies = virtio_transport_purge_skbs(vsk, &device->sendq);
		if (replies)
			replies_done(device, replies);
		ret = 0;
	}
	rcu_read_unlock();
	return ret;
}

static u32 get_local_cid(void)
{
	return MVS_HOST_CID;
}

static bool msgzerocopy_allow(void)
{
	return true;
}

/* @absent: what to say of a guest that is not there. */
static bool guest_allows(u32 cid, u16 type, bool absent)
{
	struct mvs_device *device;
	bool allow = absent;

	rcu_read_lock();
	device = mvs_cid_find(cid);
	if (device)
		allow = type_allowed(READ_ONCE(device->features), type);
	rcu_read_unlock();
	return allow;
}

static bool seqpacket_allow(u32 remote_cid)
{
	return guest_allows(remote_cid, VIRTIO_VSOCK_TYPE_SEQPACKET, false);
}

/*
 * AF_VSOCK asks stream_allow() for seqpackets as well, so streams are refused here.
 * That a guest is not there is found by who sends to it.
 */
static int connect(struct vsock_sock *vsk)
{
	if (sk_vsock(vsk)->sk_type == SOCK_STREAM &&
	    !guest_allows(vsk->remote_addr.svm_cid, VIRTIO_VSOCK_TYPE_STREAM,
			  true))
		return -ENETUNREACH;
	return virtio_transport_connect(vsk);
}

static struct virtio_transport transport = {
	.transport = {
		.module			= THIS_MODULE,

		.get_local_cid		= get_local_cid,

		.init			= virtio_transport_do_socket_init,
		.destruct		= virtio_transport_destruct,
		.release		= virtio_transport_release,
		.connect		= connect,
		.shutdown		= virtio_transport_shutdown,
		.cancel_pkt		= cancel_pkt,

		.dgram_bind		= virtio_transport_dgram_bind,
		.dgram_dequeue		= virtio_transport_dgram_dequeue,
		.dgram_enqueue		= virtio_transport_dgram_enqueue,
		.dgram_allow		= virtio_transport_dgram_allow,

		.stream_dequeue		= virtio_transport_stream_dequeue,
		.stream_enqueue		= virtio_transport_stream_enqueue,
		.stream_has_data	= virtio_transport_stream_has_data,
		.stream_has_space	= virtio_transport_stream_has_space,
		.stream_rcvhiwat	= virtio_transport_stream_rcvhiwat,
		.stream_is_active	= virtio_transport_stream_is_active,
		.stream_allow		= virtio_transport_stream_allow,

		.seqpacket_dequeue	= virtio_transport_seqpacket_dequeue,
		.seqpacket_enqueue	= virtio_transport_seqpacket_enqueue,
		.seqpacket_allow	= seqpacket_allow,
		.seqpacket_has_data	= virtio_transport_seqpacket_has_data,

		.msgzerocopy_allow	= msgzerocopy_allow,

		.notify_poll_in		= virtio_transport_notify_poll_in,
		.notify_poll_out	= virtio_transport_notify_poll_out,
		.notify_recv_init	= virtio_transport_notify_recv_init,
		.notify_recv_pre_block	= virtio_transport_notify_recv_pre_block,
		.notify_recv_pre_dequeue =
			virtio_transport_notify_recv_pre_dequeue,
		.notify_recv_post_dequeue =
			virtio_transport_notify_recv_post_dequeue,
		.notify_send_init	= virtio_transport_notify_send_init,
		.notify_send_pre_block	= virtio_transport_notify_send_pre_block,
		.notify_send_pre_enqueue =
			virtio_transport_notify_send_pre_enqueue,
		.notify_send_post_enqueue =
			virtio_transport_notify_send_post_enqueue,
		.notify_buffer_size	= virtio_transport_notify_buffer_size,
		.notify_set_rcvlowat	= virtio_transport_notify_set_rcvlowat,

		.unsent_bytes		= virtio_transport_unsent_bytes,

		.read_skb		= virtio_transport_read_skb,
	},

	.send_pkt = send_pkt,
};

/* Does the guest know nothing of this connection any more? */
static bool forgotten(struct vsock_sock *vsk)
{
	struct mvs_device *device;
	bool ret;

	rcu_read_lock();
	device = mvs_cid_find(vsk->remote_addr.svm_cid);
	ret = !device || READ_ONCE(device->renewing);
	rcu_read_unlock();
	return ret;
}

/* Called for each connected socket of the transport, under vsock_table_lock. */
static void reset_forgotten(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	/*
	 * A socket that is being closed is left to its timer, which would race
	 * with us otherwise.
	 */
	if (!forgotten(vsk) || vsk->close_work_scheduled)
		return;

	/* What it sent is nothing for a later connection with its ports. */
	cancel_pkt(vsk);
	sock_set_flag(sk, SOCK_DONE);
	vsk->peer_shutdown = SHUTDOWN_MASK;
	sk->sk_state = SS_UNCONNECTED;
	sk->sk_err = ECONNRESET;
	sk_error_report(sk);
}

static void device_opened(struct mvs_device *device)
{
	skb_queue_head_init(&device->sendq);
	device->closed = false;
	device->receiver = NULL;
	atomic_set(&device->queued_replies, 0);
}

/*
 * The connections are the last driver's. Requests for new ones wait in sendq for the
 * next.
 */
static void device_renewed(struct mvs_device *device)
{
	WRITE_ONCE(device->renewing, true);
	vsock_for_each_connected_socket(&transport.transport, reset_forgotten);
	WRITE_ONCE(device->renewing, false);
}

static void device_closed(struct mvs_device *device)
{
	spin_lock_bh(&device->sendq.lock);
	device->closed = true;
	spin_unlock_bh(&device->sendq.lock);
	virtio_vsock_skb_queue_purge(&device->sendq);

	vsock_for_each_connected_socket(&transport.transport, reset_forgotten);
}

const struct mvs_device_ops mvs_transport_device_ops = {
	.open	= device_opened,
	.work	= work,
	.renew	= device_renewed,
	.close	= device_closed,
};

/**
 * mvs_transport_register - offer the transport to AF_VSOCK
 *
 * Return: 0, or %-EBUSY when there is another host-to-guest transport.
 */
int mvs_transport_register(void)
{
	return vsock_core_register(&transport.transport,
				   VSOCK_TRANSPORT_F_H2G);
}

/**
 * mvs_transport_unregister - undo mvs_transport_register()
 */
void mvs_transport_unregister(void)
{
	vsock_core_unregister(&transport.transport);
}
