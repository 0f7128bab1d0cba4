// SPDX-License-Identifier: GPL-2.0
/*
 * Packets, from chains and to them.
 *
 * TX:  | header 44 | payload hdr.len | anything |    all device-readable
 * RX:  | header 44 | room for payload           |    all device-writable
 *
 * How the bytes are spread over descriptors means nothing: any layout does.
 */
#include <kunit/visibility.h>
#include <linux/virtio_vsock.h>

#include <mvsock/packet.h>

static_assert(MVS_PACKET_MAX == VIRTIO_VSOCK_MAX_PKT_BUF_SIZE);

/* Moves @n bytes between the place that @ctx and @done name and @mem. */
typedef int (*step_fn)(void *ctx, u32 done, void *mem, u32 n);

/* One step, inside a section: what lies in one page, at most @max bytes. */
static __always_inline int transfer_page(struct mvs_chain *chain,
					 struct mvs_gmem *gm, u32 max, u32 done,
					 step_fn step, void *ctx)
{
	void *mem;
	int ret;
	u32 n;

	mem = mvs_chain_map(chain, gm, max, &n);
	if (!mem)
		return -EAGAIN;
	ret = step(ctx, done, mem, n) ?: mvs_chain_advance(chain, gm, n);
	return ret ?: n;
}

/*
 * Move @len bytes from the chain's position on, a page at a time, so that no
 * section is longer than that. A page that the VMM does not have makes the chain
 * a bad one. Inlined, so that @step is: a header takes no longer than one of its own.
 */
static __always_inline int transfer(struct mvs_chain *chain,
				    struct mvs_gmem *gm, u32 len, step_fn step,
				    void *ctx)
{
	u32 done = 0;

	while (done < len) {
		int ret = mvs_gmem_section(gm, &chain->fault,
					   transfer_page(chain, gm, len - done,
							 done, step, ctx));

		if (ret == -EFAULT)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);
		if (ret < 0)
			return ret;
		done += ret;
	}
	return 0;
}

/* Most often it is all of it, which takes fewer instructions than a call. */
static __always_inline void copy_header(void *to, const void *from, u32 n)
{
	if (likely(n == sizeof(struct virtio_vsock_hdr)))
		__builtin_memcpy(to, from, sizeof(struct virtio_vsock_hdr));
	else
		memcpy(to, from, n);
}

static int header_from_mem(void *hdr, u32 done, void *mem, u32 n)
{
	copy_header(hdr + done, mem, n);
	/* What was copied is used, and not what is there now. */
	barrier();
	return 0;
}

static int header_to_mem(void *hdr, u32 done, void *mem, u32 n)
{
	copy_header(mem, hdr + done, n);
	return 0;
}

static int skb_from_mem(void *skb, u32 done, void *mem, u32 n)
{
	return skb_store_bits(skb, done, mem, n);
}

static int skb_to_mem(void *ctx, u32 done, void *mem, u32 n)
{
	struct sk_buff *skb = ctx;

	return skb_copy_bits(skb, VIRTIO_VSOCK_SKB_CB(skb)->offset + done, mem,
			     n);
}

/**
 * mvs_packet_parse - get the header of a packet from the guest
 * @chain: a chain of the TX ring; its position moves behind the header
 * @gm: guest memory
 * @guest_cid: the CID it must come from
 * @host_cid: the CID it must go to
 * @hdr: a private copy of the header, safe from what the guest does later
 *
 * The one place where a packet is checked for what does not need a connection.
 * Type and op are the transport's: the specification has it answer what is
 * unknown.
 *
 * Context: process; may sleep.
 * Return: 0, %-EBADMSG with @chain->reason set, or %-ENOMEM or %-EINTR, after
 * which the chain may be taken again.
 */
int mvs_packet_parse(struct mvs_chain *chain, struct mvs_gmem *gm,
		     u64 guest_cid, u64 host_cid, struct virtio_vsock_hdr *hdr)
{
	u32 len;
	int ret;

	if (chain->writable)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_DIRECTION);
	if (chain->readable < sizeof(*hdr))
		return mvs_chain_refuse(chain, MVS_REASON_TOO_SHORT);

	ret = transfer(chain, gm, sizeof(*hdr), header_from_mem, hdr);
	if (ret)
		return ret;

	len = le32_to_cpu(hdr->len);
	if (len > MVS_PACKET_MAX || len > chain->readable - sizeof(*hdr))
		return mvs_chain_refuse(chain, MVS_REASON_BAD_LEN);
	if (le64_to_cpu(hdr->src_cid) != guest_cid ||
	    le64_to_cpu(hdr->dst_cid) != host_cid)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_CID);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_packet_parse);

/**
 * mvs_packet_read - get the payload of a packet from the guest
 * @chain: the chain, as mvs_packet_parse() left it
 * @gm: guest memory
 * @hdr: what that gave
 *
 * Context: process; may sleep.
 * Return: a new skb with header and payload, or an ERR_PTR() of what
 * mvs_packet_parse() has.
 */
struct sk_buff *mvs_packet_read(struct mvs_chain *chain, struct mvs_gmem *gm,
				const struct virtio_vsock_hdr *hdr)
{
	u32 len = le32_to_cpu(hdr->len);
	struct sk_buff *skb;
	int ret;

	skb = virtio_vsock_alloc_skb(sizeof(*hdr) + len, GFP_KERNEL);
	if (!skb)
		return ERR_PTR(-ENOMEM);

	*virtio_vsock_hdr(skb) = *hdr;
	if (len) {
		virtio_vsock_skb_put(skb, len);
		ret = transfer(chain, gm, len, skb_from_mem, skb);
		if (ret) {
			kfree_skb(skb);
			return ERR_PTR(ret);
		}
	}
	return skb;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_packet_read);

/**
 * mvs_packet_write - put a packet, or as much as fits, into the guest's buffer
 * @chain: a chain of the RX ring
 * @gm: guest memory
 * @skb: the packet; its payload from VIRTIO_VSOCK_SKB_CB()->offset on is what is
 *	left to send. Its header becomes the one that was written: len is that of
 *	this piece, and a seqpacket's EOM and EOR are the last piece's alone.
 *
 * Context: process; may sleep.
 * Return: payload bytes written; %-EBADMSG with @chain->reason set; %-ENOMEM or
 * %-EINTR, after which the chain may be taken again; %-EIO when the dirty log can't be
 * reached.
 */
int mvs_packet_write(struct mvs_chain *chain, struct mvs_gmem *gm,
		     struct sk_buff *skb)
{
	u32 left = skb->len - VIRTIO_VSOCK_SKB_CB(skb)->offset;
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	u32 len;
	int ret;

	if (chain->readable)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_DIRECTION);
	/* A payload of which nothing fits would stay for ever. */
	if (chain->writable < sizeof(*hdr) + !!left)
		return mvs_chain_refuse(chain, MVS_REASON_TOO_SHORT);

	len = min_t(u64, left, chain->writable - sizeof(*hdr));
	hdr->len = cpu_to_le32(len);
	if (len < left)
		hdr->flags &= ~cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM |
					   VIRTIO_VSOCK_SEQ_EOR);

	ret = transfer(chain, gm, sizeof(*hdr), header_to_mem, hdr) ?:
	      transfer(chain, gm, len, skb_to_mem, skb);
	return ret ?: len;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_packet_write);
