// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers for a chain.
 */
#include <linux/virtio_vsock.h>

#include "fuzz_driver.h"
#include "fuzz_layout.h"

#define HDR	sizeof(struct virtio_vsock_hdr)

/*
 * An address for @len bytes in the contiguous memory, half of the time across the end of a region.
 */
static u64 flat(u64 *rnd, u32 len)
{
	static const u32 ends[] = {
		PAGE_SIZE, GPA_HIGH, 5 * PAGE_SIZE, GPA_HOLE, FUZZ_FLAT_END,
	};
	u32 end = ends[fuzz_below(rnd, ARRAY_SIZE(ends))];

	if (fuzz_once_in(rnd, 2)) {
		u64 gpa = end - fuzz_below(rnd, len + 1);

		if (gpa <= FUZZ_FLAT_END && gpa + len <= FUZZ_FLAT_END)
			return gpa;
	}
	return fuzz_below(rnd, FUZZ_FLAT_END - len + 1);
}

/* An address for a table: any, now and then an invalid one. */
u64 fuzz_layout_table(u64 *rnd, u32 len)
{
	u64 gpa = flat(rnd, len);

	switch (fuzz_below(rnd, 64)) {
	case 0:
		return FUZZ_FLAT_END - fuzz_below(rnd, len + 1);
	case 1:
		return U64_MAX - fuzz_below(rnd, len + 1);
	case 2:
		return GPA_WO - fuzz_below(rnd, len + 1);
	case 3 ... 15:
		return gpa;
	default:
		return round_down(gpa, 16);
	}
}

/* A valid address for @len bytes. */
static u64 place(u64 *rnd, u32 len, bool write)
{
	u64 gpa = flat(rnd, len);

	if (len > PAGE_SIZE)
		return gpa;
	switch (fuzz_below(rnd, 16)) {
	case 0:
		return GPA_RO + write * PAGE_SIZE +
		       fuzz_below(rnd, PAGE_SIZE - len + 1);
	case 1:
		return FUZZ_TOP + PAGE_SIZE - len;
	default:
		return gpa;
	}
}

/* Add @total bytes in @n pieces of any size that memory allows. */
static void cut(struct fuzz_layout *l, u64 *rnd, u32 total, u32 n, bool write)
{
	for (; n && l->n < FUZZ_BUFFERS; n--) {
		u32 len = total;

		if (n > 1)
			len = fuzz_below(rnd, min(total, 2 * total / n + 1) + 1);
		len = min(len, FUZZ_FLAT_END);
		total -= len;
		l->buffers[l->n++] = (struct fuzz_buffer) {
			.gpa = place(rnd, len, write),
			.len = len,
			.write = write,
		};
	}
}

/* Change a buffer, usually to an invalid one. */
static void spoil(struct fuzz_buffer *b, u64 *rnd)
{
	switch (fuzz_below(rnd, 12)) {
	case 0:
		b->gpa = FUZZ_FLAT_END - fuzz_below(rnd, b->len + 1);
		break;
	case 1:
		b->gpa = U64_MAX - fuzz_below(rnd, 16);
		b->len = fuzz_below(rnd, 64);
		break;
	case 2:
		b->gpa = GPA_RO + fuzz_below(rnd, 2) * PAGE_SIZE;
		break;
	case 3:
		b->gpa = GPA_WO - fuzz_below(rnd, b->len + 1);
		break;
	case 4:
		b->gpa = FUZZ_BIG + fuzz_below(rnd, 64);
		b->len = U32_MAX - fuzz_below(rnd, 2);
		break;
	case 5:
		b->gpa = fuzz_random(rnd);
		break;
	case 6:
		b->len = 0;
		break;
	case 7:
		b->len = fuzz_random(rnd);
		break;
	case 8:
		b->len++;
		break;
	case 9:
		b->len--;
		break;
	default:
		b->write = !b->write;
	}
}

/* Number of payload bytes: often one of the limits. */
static u32 payload(u64 *rnd)
{
	switch (fuzz_below(rnd, 16)) {
	case 0:
		return SZ_64K;
	case 1:
		return SZ_64K + 1;
	case 2 ... 4:
		return fuzz_below(rnd, SZ_16K);
	case 5 ... 8:
		return 0;
	default:
		return fuzz_below(rnd, 300);
	}
}

/* Write a header to as many of the buffers as it needs. */
static void put_header(struct fuzz_mem *mem, const struct fuzz_layout *l,
		       u64 *rnd, u32 len)
{
	struct virtio_vsock_hdr hdr = {
		.src_cid = cpu_to_le64(FUZZ_GUEST_CID),
		.dst_cid = cpu_to_le64(FUZZ_HOST_CID),
		.src_port = (__force __le32)fuzz_random(rnd),
		.type = cpu_to_le16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RW),
		.fwd_cnt = (__force __le32)fuzz_random(rnd),
	};
	u32 i, done = 0;

	switch (fuzz_below(rnd, 16)) {
	case 0:
		hdr.src_cid ^= cpu_to_le64(BIT_ULL(fuzz_below(rnd, 64)));
		break;
	case 1:
		hdr.dst_cid ^= cpu_to_le64(BIT_ULL(fuzz_below(rnd, 64)));
		break;
	case 2:
		len++;
		break;
	case 3:
		len = fuzz_random(rnd);
		break;
	case 4:
		len = fuzz_below(rnd, len + 1);
		break;
	case 5:
		len = U32_MAX - fuzz_below(rnd, HDR + 1);
		break;
	}
	hdr.len = cpu_to_le32(len);
	for (i = 0; i < l->n && done < HDR; i++) {
		u32 n = min_t(u32, l->buffers[i].len, HDR - done);

		fuzz_mem_put_gpa(mem, l->buffers[i].gpa, (u8 *)&hdr + done, n);
		done += n;
	}
}

/* A number of buffers around the limit of segments. */
static void make_long(struct fuzz_layout *l, u64 *rnd)
{
	bool write = fuzz_once_in(rnd, 2);
	u32 n = FUZZ_BUFFERS - fuzz_below(rnd, fuzz_once_in(rnd, 2) ? 16 : 700);

	cut(l, rnd, n * fuzz_below(rnd, 8), n, write);
	/* Some buffers consist of two segments each. */
	while (!fuzz_once_in(rnd, 8)) {
		struct fuzz_buffer *b = &l->buffers[fuzz_below(rnd, l->n)];
		u32 run = fuzz_below(rnd, fuzz_once_in(rnd, 2) ? 2 : 300);

		for (; run && b < l->buffers + l->n; run--, b++) {
			b->gpa = GPA_HIGH - 1;
			b->len = 2;
		}
	}
}

/* The number of pieces is usually small. */
static u32 pieces(u64 *rnd)
{
	return 1 + fuzz_below(rnd, fuzz_once_in(rnd, 8) ? 80 : 5);
}

/* Create the buffers of a chain; a packet from the guest is written to @mem. */
void fuzz_layout_make(struct fuzz_layout *l, struct fuzz_mem *mem, u64 *rnd)
{
	u32 len = payload(rnd);

	l->n = 0;
	switch (fuzz_below(rnd, 32)) {
	case 0:
		make_long(l, rnd);
		break;
	case 1 ... 2:
		cut(l, rnd, fuzz_below(rnd, 200), pieces(rnd), false);
		cut(l, rnd, fuzz_below(rnd, 200), pieces(rnd), true);
		break;
	case 3:
		cut(l, rnd, fuzz_below(rnd, HDR + 1), pieces(rnd), false);
		break;
	case 4 ... 13:
		cut(l, rnd, HDR + len, pieces(rnd) + len / SZ_16K, true);
		break;
	default:
		cut(l, rnd, HDR + len, pieces(rnd) + len / SZ_16K, false);
		put_header(mem, l, rnd, len);
	}
	while (fuzz_once_in(rnd, 4))
		spoil(&l->buffers[fuzz_below(rnd, l->n)], rnd);
}
