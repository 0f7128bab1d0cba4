// SPDX-License-Identifier: GPL-2.0
/*
 * Packets in chains.
 *
 * TX: header (44 bytes), payload (hdr.len bytes), ignored bytes; all device-readable.
 * RX: header (44 bytes), room for payload; all device-writable.
 *
 * How the bytes are distributed over descriptors has no meaning.
 */
#include <kunit/visibility.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/virtio_vsock.h>

#include <mvsock/packet.h>

static_assert(MVS_PACKET_MAX == VIRTIO_VSOCK_MAX_PKT_BUF_SIZE);

/* Copies @n bytes between @mem and the memory that @ctx describes, from byte @done on. */
typedef int (*step_fn)(void *ctx, u32 done, void *mem, u32 n);

/* One step, inside a section: at most @max bytes, within one page. */
static __always_inline int packet_transfer_page(struct mvs_chain *chain,
						struct mvs_mem *gm, u32 max,
						u32 done, step_fn step,
						void *ctx)
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
 * Copy @len bytes from the chain's position on, a page at a time, which bounds the section. A page
 * that the VMM does not have makes the chain invalid. Inlined together with @step, so that a header
 * is copied as fast as by a dedicated function.
 */
static __always_inline int packet_transfer(struct mvs_chain *chain,
					   struct mvs_mem *gm, u32 len,
					   step_fn step, void *ctx)
{
	u32 done = 0;

	while (done < len) {
		int ret = mvs_mem_section(gm, &chain->fault,
					  packet_transfer_page(chain, gm,
							       len - done, done,
							       step, ctx));

		if (ret == -EFAULT)
			return mvs_chain_refuse(chain, MVS_REASON_BAD_ADDRESS);
		if (ret < 0)
			return ret;
		done += ret;
	}
	return 0;
}

/* Usually this is the whole header, for which inline code is faster than a call. */
static __always_inline void packet_copy_header(void *to, const void *from,
					       u32 n)
{
	if (likely(n == sizeof(struct virtio_vsock_hdr)))
		__builtin_memcpy(to, from, sizeof(struct virtio_vsock_hdr));
	else
		memcpy(to, from, n);
}

static int packet_header_from_mem(void *hdr, u32 done, void *mem, u32 n)
{
	/* A memory error in the guest's page rejects the chain. */
	int ret = copy_mc_to_kernel(hdr + done, mem, n) ?
		  mvs_mem_memory_error(mem) : 0;

	/* Only the copy is used from here on: the memory may change. */
	barrier();
	return ret;
}

static int packet_header_to_mem(void *hdr, u32 done, void *mem, u32 n)
{
	packet_copy_header(mem, hdr + done, n);
	return 0;
}

/**
 * struct payload - the host's end of a payload
 * @iter: its memory
 * @moved: bytes by which @iter has advanced
 */
struct payload {
	struct iov_iter *iter;
	u32 moved;
};

/*
 * A repeated step first reverts the iterator. Faults in the program's memory are not
 * handled in a section.
 */
static __always_inline int packet_payload_step(struct payload *payload,
					       u32 done, void *mem, u32 n,
					       bool to_mem)
{
	size_t copied;

	if (unlikely(payload->moved != done))
		iov_iter_revert(payload->iter, payload->moved - done);
	/*
	 * The _ variants: hardened usercopy checks kernel objects, and this is a page of the guest.
	 */
	pagefault_disable();
	copied = to_mem ? _copy_from_iter(mem, n, payload->iter) :
			  _copy_mc_to_iter(mem, n, payload->iter);
	pagefault_enable();
	payload->moved = done + copied;
	if (likely(copied == n))
		return 0;
	/* Kernel memory never faults: the guest's page caused this, by a memory error. */
	return iov_iter_is_kvec(payload->iter) ? mvs_mem_memory_error(mem) :
						 -ENODATA;
}

static int packet_payload_to_mem(void *ctx, u32 done, void *mem, u32 n)
{
	return packet_payload_step(ctx, done, mem, n, true);
}

static int packet_payload_from_mem(void *ctx, u32 done, void *mem, u32 n)
{
	return packet_payload_step(ctx, done, mem, n, false);
}

/* All of a payload, or none of it. */
static int packet_transfer_payload(struct mvs_chain *chain, struct mvs_mem *gm,
				   u32 len, struct iov_iter *iter, bool to_mem)
{
	struct payload payload = { .iter = iter };
	int ret;

	ret = to_mem ? packet_transfer(chain, gm, len, packet_payload_to_mem,
				       &payload) :
		       packet_transfer(chain, gm, len, packet_payload_from_mem,
				       &payload);
	if (unlikely(ret))
		iov_iter_revert(iter, payload.moved);
	return ret;
}

/**
 * mvs_packet_parse - get the header of a packet from the guest
 * @chain: a chain of the TX ring; its position moves past the header
 * @gm: guest memory
 * @guest_cid: the required source CID
 * @hdr: a private copy of the header, which the guest can't change later
 *
 * All checks of a packet that need no connection are here. The destination, type and op are checked
 * by the transport, as the specification requires an answer to unknown ones. With
 * MVS_REASON_BAD_LEN all of @hdr but len is valid.
 *
 * Context: process; may sleep.
 * Return: 0, %-EBADMSG with @chain->reason set, or %-ENOMEM, %-EINTR or %-ERESTART, after
 * which the chain may be taken again.
 */
int mvs_packet_parse(struct mvs_chain *chain, struct mvs_mem *gm,
		     u64 guest_cid, struct virtio_vsock_hdr *hdr)
{
	u32 len;
	int ret;

	if (chain->writable)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_DIRECTION);
	if (chain->readable < sizeof(*hdr))
		return mvs_chain_refuse(chain, MVS_REASON_TOO_SHORT);

	ret = packet_transfer(chain, gm, sizeof(*hdr), packet_header_from_mem,
			      hdr);
	if (ret)
		return ret;

	if (le64_to_cpu(hdr->src_cid) != guest_cid)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_CID);
	len = le32_to_cpu(hdr->len);
	if (len > MVS_PACKET_MAX || len > chain->readable - sizeof(*hdr))
		return mvs_chain_refuse(chain, MVS_REASON_BAD_LEN);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_packet_parse);

/**
 * mvs_packet_read - get the payload of a packet from the guest
 * @chain: the chain, as mvs_packet_parse() left it
 * @gm: guest memory
 * @len: bytes, as in the header
 * @to: destination; advanced by @len, or not at all
 *
 * Context: process; may sleep.
 * Return: 0; %-ENODATA when a page of @to is not in memory, or after a memory error unless @to
 * consists of kvecs; or an error of mvs_packet_parse(): the chain may be taken again.
 */
int mvs_packet_read(struct mvs_chain *chain, struct mvs_mem *gm, u32 len,
		    struct iov_iter *to)
{
	return packet_transfer_payload(chain, gm, len, to, false);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_packet_read);

/**
 * mvs_packet_room - get the room for payload in the guest's buffer
 * @chain: a chain of the RX ring
 *
 * Return: bytes, at least one; or %-EBADMSG with @chain->reason set.
 */
int mvs_packet_room(struct mvs_chain *chain)
{
	const u32 header = sizeof(struct virtio_vsock_hdr);

	if (chain->readable)
		return mvs_chain_refuse(chain, MVS_REASON_BAD_DIRECTION);
	/* A buffer without room for payload could never be used for data. */
	if (chain->writable <= header)
		return mvs_chain_refuse(chain, MVS_REASON_TOO_SHORT);
	return min_t(u64, chain->writable - header, MVS_PACKET_MAX);
}

/*
 * Limit a packet to the chain's room, and set the header's len and flags. Returns the
 * payload's length.
 */
static u32 packet_limit_len(struct virtio_vsock_hdr *hdr, u32 left, u32 room)
{
	u32 len = min(left, room);

	hdr->len = cpu_to_le32(len);
	if (len < left)
		hdr->flags &= ~cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM |
					   VIRTIO_VSOCK_SEQ_EOR);
	return len;
}

/**
 * mvs_packet_write - write a packet, or as much of it as fits, to the guest's buffer
 * @chain: a chain of the RX ring
 * @gm: guest memory
 * @hdr: the header; updated to the one that was written: len is that of this piece, and only the
 *	last piece of a seqpacket has EOM and EOR
 * @from: the payload; advanced by what was written, or not at all
 * @left: its length in bytes
 *
 * Context: process; may sleep.
 * Return: payload bytes written; %-EBADMSG with @chain->reason set; %-ENODATA when a page of @from
 * is not in memory, %-ENOMEM, %-EINTR or %-ERESTART, after which the chain may be taken again;
 * %-EIO when the dirty log can't be accessed.
 */
int mvs_packet_write(struct mvs_chain *chain, struct mvs_mem *gm,
		     struct virtio_vsock_hdr *hdr, struct iov_iter *from,
		     u32 left)
{
	u32 len;
	int ret;

	ret = mvs_packet_room(chain);
	/* A packet without payload needs room for its header only. */
	if (ret < 0 && (left || chain->readable ||
			chain->writable < sizeof(*hdr)))
		return ret;

	len = packet_limit_len(hdr, left, left ? ret : 0);
	ret = packet_transfer(chain, gm, sizeof(*hdr), packet_header_to_mem,
			      hdr);
	if (!ret && len)
		ret = packet_transfer_payload(chain, gm, len, from, true);
	return ret ?: len;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_packet_write);

/*
 * Write the header to a buffer within one page. Returns the address of the payload, whose length is
 * stored in @len; or an ERR_PTR().
 */
static __always_inline void *packet_begin_page(struct mvs_chain *chain,
					       struct mvs_mem *gm,
					       struct virtio_vsock_hdr *hdr,
					       u32 left, u32 *len)
{
	const struct mvs_seg *seg = chain->segs;
	void *mem;

	if (chain->nsegs != 1 || chain->nread ||
	    seg->len < sizeof(*hdr) + !!left ||
	    offset_in_page(seg->uaddr) + seg->len > PAGE_SIZE || gm->logging)
		return ERR_PTR(-E2BIG);
	mem = mvs_mem_map(gm, seg->uaddr, true, &chain->fault);
	if (unlikely(!mem))
		return ERR_PTR(-EAGAIN);
	*len = packet_limit_len(hdr, left, seg->len - sizeof(*hdr));
	packet_copy_header(mem, hdr, sizeof(*hdr));
	return mem + sizeof(*hdr);
}

/**
 * mvs_packet_write_page - mvs_packet_write() of data to a buffer within one page
 * @chain: a chain of the RX ring; its position does not move
 * @gm: guest memory
 * @hdr: the header, as for mvs_packet_write()
 * @from: the payload; advanced by what was written, or not at all
 * @left: its length in bytes, at least one
 *
 * This is how Linux lays out its buffers.
 *
 * Context: inside a section.
 * Return: payload bytes written; or an error: use mvs_packet_write(), with a fresh header.
 */
int mvs_packet_write_page(struct mvs_chain *chain, struct mvs_mem *gm,
			  struct virtio_vsock_hdr *hdr, struct iov_iter *from,
			  u32 left)
{
	struct payload payload = { .iter = from };
	void *mem;
	int ret;
	u32 len;

	mem = packet_begin_page(chain, gm, hdr, left, &len);
	if (IS_ERR(mem))
		return PTR_ERR(mem);
	ret = packet_payload_to_mem(&payload, 0, mem, len);
	if (unlikely(ret)) {
		iov_iter_revert(from, payload.moved);
		return ret;
	}
	return len;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_packet_write_page);

/**
 * mvs_packet_relay - copy a packet from one guest to another, to a buffer within one page
 * @from: a chain of the TX ring of the one, with its position at the payload; does not move
 * @from_gm: its memory
 * @to: a chain of the RX ring of the other one; its position does not move
 * @to_gm: its memory
 * @hdr: the header, as for mvs_packet_write()
 * @left: bytes of payload from the position on
 *
 * Context: inside a section of each.
 * Return: payload bytes written; or an error: use mvs_packet_read(), and then mvs_packet_write(),
 * with a fresh header.
 */
int mvs_packet_relay(const struct mvs_chain *from, struct mvs_mem *from_gm,
		     struct mvs_chain *to, struct mvs_mem *to_gm,
		     struct virtio_vsock_hdr *hdr, u32 left)
{
	struct mvs_chain at = *from;
	u32 len, n, done = 0;
	const void *mem;
	void *payload;

	payload = packet_begin_page(to, to_gm, hdr, left, &len);
	if (IS_ERR(payload))
		return PTR_ERR(payload);
	while (done < len) {
		mem = mvs_chain_map(&at, from_gm, len - done, &n);
		if (!mem)
			return -EAGAIN;
		if (copy_mc_to_kernel(payload + done, mem, n))
			return mvs_mem_memory_error(mem);
		mvs_chain_move(&at, n);
		done += n;
	}
	return len;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_packet_relay);
