// SPDX-License-Identifier: GPL-2.0
/*
 * Packets: the header on the wire, its validation, payload in both directions and between guests.
 */
#include <linux/unaligned.h>
#include <linux/virtio_vsock.h>

#include <mvsock/packet.h>

#include "guest.h"
#include "payload.h"

#define HDR	sizeof(struct virtio_vsock_hdr)
#define CID	5
#define HOST	2

/* Addresses at which the driver puts the header, and the payload. */
#define AT_HDR	0x100
#define AT_DATA	PAGE_SIZE

/* --- the header on the wire --- */

/*
 * Byte by byte, as specified: little-endian, 44 bytes, no gaps. The bytes of each field differ from
 * those of the others.
 */
static const u8 wire[] = {
	0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,	/* src_cid */
	0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,	/* dst_cid */
	0x11, 0x12, 0x13, 0x14,				/* src_port */
	0x21, 0x22, 0x23, 0x24,				/* dst_port */
	0x00, 0x00, 0x00, 0x00,				/* len */
	0x41, 0x42,					/* type */
	0x51, 0x52,					/* op */
	0x61, 0x62, 0x63, 0x64,				/* flags */
	0x71, 0x72, 0x73, 0x74,				/* buf_alloc */
	0x81, 0x82, 0x83, 0x84,				/* fwd_cnt */
};

static void add(struct kunit *test, struct guest *guest, u64 gpa, u32 len,
		bool write)
{
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, gpa,
						 len, write));
}

static int parse(struct guest *guest, struct virtio_vsock_hdr *hdr)
{
	return mvs_packet_parse(&guest->chain, &guest->gm, CID, hdr);
}

static int read(struct guest *guest, u32 len, struct iov_iter *to)
{
	return mvs_packet_read(&guest->chain, &guest->gm, len, to);
}

static void put_wire(struct guest *guest)
{
	memcpy(guest_gpa(guest, AT_HDR), wire, HDR);
}

static void header_fields(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct virtio_vsock_hdr hdr;

	KUNIT_ASSERT_EQ(test, HDR, 44);
	put_wire(guest);
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR, false);
	KUNIT_ASSERT_EQ(test, 0, parse(guest, &hdr));

	KUNIT_EXPECT_EQ(test, le64_to_cpu(hdr.src_cid), 5);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(hdr.dst_cid), 2);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.src_port), 0x14131211);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.dst_port), 0x24232221);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.len), 0);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(hdr.type), 0x4241);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(hdr.op), 0x5251);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.flags), 0x64636261);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.buf_alloc), 0x74737271);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.fwd_cnt), 0x84838281);
}

/* The guest changes the header after it was read. */
static void header_is_a_copy(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct payload *p = payload_room(test, 0);
	struct virtio_vsock_hdr hdr;

	put_wire(guest);
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR, false);
	KUNIT_ASSERT_EQ(test, 0, parse(guest, &hdr));
	memset(guest_gpa(guest, AT_HDR), 0xff, HDR);
	KUNIT_EXPECT_EQ(test, 0, read(guest, 0, &p->iter));
	KUNIT_EXPECT_MEMEQ(test, (const void *)&hdr, wire, HDR);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), 1);
}

/* --- validation --- */

struct hdr_case {
	const char *name;
	u64 src_cid;
	u64 dst_cid;
	u32 len;	/* in the header */
	u32 readable;	/* bytes of the chain */
	int reason;	/* enum mvs_reason + 1, 0 for a valid packet */
	u32 writable;
};

static const struct hdr_case hdr_cases[] = {
	{ "header alone", CID, HOST, 0, HDR },
	{ "empty chain", CID, HOST, 0, 0, BAD(TOO_SHORT) },
	{ "43 bytes", CID, HOST, 0, HDR - 1, BAD(TOO_SHORT) },
	{ "payload", CID, HOST, 100, HDR + 100 },
	{ "payload one byte short", CID, HOST, 100, HDR + 99, BAD(BAD_LEN) },
	{ "payload announced, none there", CID, HOST, 16, HDR, BAD(BAD_LEN) },
	{ "more bytes than len", CID, HOST, 10, HDR + 100 },
	{ "len 0 with a large buffer", CID, HOST, 0, HDR + 8192 },
	{ "len 0xffffffff", CID, HOST, U32_MAX, HDR + 100, BAD(BAD_LEN) },
	{ "len that wraps with the header", CID, HOST, U32_MAX - 43, HDR,
	  BAD(BAD_LEN) },
	{ "64 KiB", CID, HOST, SZ_64K, HDR + SZ_64K },
	{ "64 KiB and one", CID, HOST, SZ_64K + 1, HDR + SZ_64K + 1,
	  BAD(BAD_LEN) },
	{ "another guest's src_cid", CID + 1, HOST, 0, HDR, BAD(BAD_CID) },
	{ "src_cid of the host", HOST, HOST, 0, HDR, BAD(BAD_CID) },
	{ "src_cid with high bits", CID | BIT_ULL(32), HOST, 0, HDR,
	  BAD(BAD_CID) },
	{ "dst_cid of another guest", CID, CID + 1, 0, HDR },
	{ "dst_cid with high bits", CID, HOST | BIT_ULL(63), 0, HDR },
	{ "dst_cid of any", CID, U32_MAX, 0, HDR },
	{ "writable descriptor", CID, HOST, 0, HDR, BAD(BAD_DIRECTION), 10 },
	{ "nothing but writable", CID, HOST, 0, 0, BAD(BAD_DIRECTION), HDR },
};

KUNIT_ARRAY_PARAM_DESC(hdr, hdr_cases, name);

/* The payload uses the same page as many times as it needs. */
static void add_bytes(struct kunit *test, struct guest *guest, u32 len,
		      bool write)
{
	while (len) {
		u32 n = min_t(u32, len, PAGE_SIZE);

		add(test, guest, AT_DATA, n, write);
		len -= n;
	}
}

static void validate(struct kunit *test)
{
	const struct hdr_case *c = test->param_value;
	struct guest *guest = guest_create(test);
	struct virtio_vsock_hdr *on_wire = guest_gpa(guest, AT_HDR);
	struct virtio_vsock_hdr hdr;
	int ret;

	put_wire(guest);
	on_wire->src_cid = cpu_to_le64(c->src_cid);
	on_wire->dst_cid = cpu_to_le64(c->dst_cid);
	on_wire->len = cpu_to_le32(c->len);

	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, min_t(u32, c->readable, HDR), false);
	if (c->readable > HDR)
		add_bytes(test, guest, c->readable - HDR, false);
	add_bytes(test, guest, c->writable, true);

	ret = parse(guest, &hdr);
	KUNIT_EXPECT_EQ(test, ret, c->reason ? -EBADMSG : 0);
	if (c->reason)
		KUNIT_EXPECT_EQ(test, guest->chain.reason, c->reason - 1);
}

/* --- from the guest --- */

/* A packet with @len payload bytes, which count up from 1, written to the chain. */
static void read_and_check(struct kunit *test, struct guest *guest, u32 len)
{
	struct payload *p = payload_room(test, len);
	struct virtio_vsock_hdr hdr;

	KUNIT_ASSERT_EQ(test, 0, parse(guest, &hdr));
	KUNIT_ASSERT_EQ(test, le32_to_cpu(hdr.len), len);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.fwd_cnt), 0x84838281);
	KUNIT_ASSERT_EQ(test, 0, read(guest, len, &p->iter));
	KUNIT_ASSERT_EQ(test, iov_iter_count(&p->iter), 1);
	payload_expect(test, p->bytes, 1, len);
	KUNIT_EXPECT_EQ(test, p->bytes[len], 0xee);
}

/* Header and payload contiguous at AT_HDR, with @len in the header. */
static void put_packet(struct guest *guest, u32 len)
{
	put_wire(guest);
	put_unaligned_le32(len, guest_gpa(guest, AT_HDR + 24));
	guest_fill(guest, AT_HDR + HDR, 1, len);
}

static void read_one_descriptor(struct kunit *test)
{
	struct guest *guest = guest_create(test);

	put_packet(guest, 100);
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR + 100, false);
	read_and_check(test, guest, 100);
}

/* CVE-2022-2132 was about a header split over descriptors. */
static void read_split_anywhere(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	u32 at;

	put_packet(guest, 30);
	for (at = 1; at < HDR + 30; at++) {
		mvs_chain_reset(&guest->chain);
		add(test, guest, AT_HDR, at, false);
		add(test, guest, AT_HDR + at, HDR + 30 - at, false);
		read_and_check(test, guest, 30);
	}
}

static void read_bytes_apart(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	u32 i;

	put_packet(guest, 30);
	while (guest->chain.max < HDR + 30)
		KUNIT_ASSERT_EQ(test, 0, mvs_chain_grow(&guest->chain));
	mvs_chain_reset(&guest->chain);
	for (i = 0; i < HDR + 30; i++)
		add(test, guest, AT_HDR + i, 1, false);
	read_and_check(test, guest, 30);
}

/* The header crosses two regions that are apart in the VMM, and so does the payload. */
static void read_across_regions(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	u64 gpa = GPA_HIGH - 20;
	u32 i;

	put_packet(guest, 0);
	for (i = 0; i < HDR; i++)
		*(u8 *)guest_gpa(guest, gpa + i) =
			*(u8 *)guest_gpa(guest, AT_HDR + i);
	*(u8 *)guest_gpa(guest, gpa + 24) = 200;
	guest_fill(guest, GPA_HIGH - 100, 1, 80);
	guest_fill(guest, GPA_HIGH + HDR, 81, 120);

	mvs_chain_reset(&guest->chain);
	add(test, guest, gpa, HDR, false);
	add(test, guest, GPA_HIGH - 100, 80, false);
	add(test, guest, GPA_HIGH + HDR, 120, false);
	read_and_check(test, guest, 200);
}

/* The largest packet, which takes many pages. */
static void read_64k(struct kunit *test)
{
	struct guest *guest = guest_create(test);

	put_packet(guest, 0);
	put_unaligned_le32(SZ_64K, guest_gpa(guest, AT_HDR + 24));
	guest_fill(guest, AT_DATA, 1, PAGE_SIZE);
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR, false);
	add_bytes(test, guest, SZ_64K, false);
	read_and_check(test, guest, SZ_64K);
}

/* The destination consists of several pieces, as a queue does. */
static void read_into_pieces(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct payload *p = payload_room(test, 6000);
	struct virtio_vsock_hdr hdr;
	struct kvec pieces[] = {
		{ p->bytes, 1 },
		{ p->bytes + 1, 4087 },
		{ p->bytes + 4088, 0 },
		{ p->bytes + 4088, 13 },
		{ p->bytes + 4101, 1900 },
	};
	struct iov_iter iter;

	put_packet(guest, 6000);
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR + 6000, false);
	KUNIT_ASSERT_EQ(test, 0, parse(guest, &hdr));
	iov_iter_kvec(&iter, ITER_DEST, pieces, ARRAY_SIZE(pieces), 6001);
	KUNIT_EXPECT_EQ(test, 0, read(guest, 6000, &iter));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 1);
	payload_expect(test, p->bytes, 1, 6000);
	KUNIT_EXPECT_EQ(test, p->bytes[6000], 0xee);
}

/*
 * A chain with a header at AT_HDR and a payload over two pages, @len bytes in each, of which the
 * VMM does not have the second one.
 */
static void add_lost(struct kunit *test, struct guest *guest, u32 len,
		     bool write)
{
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR, write);
	add(test, guest, AT_DATA + PAGE_SIZE - len, 2 * len, write);
	guest_lose_page(guest, GUEST_LOW + AT_DATA + PAGE_SIZE);
}

/* The VMM lost a page of the payload after the chain was taken. */
static void read_page_lost(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct payload *p = payload_room(test, 200);
	struct virtio_vsock_hdr hdr;

	put_packet(guest, 0);
	put_unaligned_le32(200, guest_gpa(guest, AT_HDR + 24));
	guest_fill(guest, AT_DATA + PAGE_SIZE - 100, 1, 200);
	add_lost(test, guest, 100, false);
	KUNIT_ASSERT_EQ(test, 0, parse(guest, &hdr));
	KUNIT_EXPECT_EQ(test, -EBADMSG, read(guest, 200, &p->iter));
	KUNIT_EXPECT_EQ(test, guest->chain.reason, MVS_REASON_BAD_ADDRESS);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), 201);

	/* The next packet goes to the same place. */
	guest_find_page(test, guest, GUEST_LOW + AT_DATA + PAGE_SIZE);
	guest_fill(guest, AT_DATA + PAGE_SIZE - 100, 51, 200);
	guest->chain.pos = 0;
	guest->chain.off = 0;
	KUNIT_ASSERT_EQ(test, 0, parse(guest, &hdr));
	KUNIT_EXPECT_EQ(test, 0, read(guest, 200, &p->iter));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), 1);
	payload_expect(test, p->bytes, 51, 200);
}

/* --- to the guest --- */

#define EOM	VIRTIO_VSOCK_SEQ_EOM
#define EOR	VIRTIO_VSOCK_SEQ_EOR

/* As on the wire, with other flags. */
static struct virtio_vsock_hdr header(u32 flags)
{
	struct virtio_vsock_hdr hdr;

	memcpy(&hdr, wire, HDR);
	hdr.flags = cpu_to_le32(flags);
	return hdr;
}

/* All of the rest. */
static int write(struct guest *guest, struct virtio_vsock_hdr *hdr,
		 struct payload *p)
{
	return mvs_packet_write(&guest->chain, &guest->gm, hdr, &p->iter,
				iov_iter_count(&p->iter));
}

struct write_case {
	const char *name;
	u32 len;	/* of the packet */
	u32 offset;	/* sent before */
	u32 flags;
	u32 room;	/* of the buffer, with the header */
	int ret;
	u32 sent_flags;
};

static const struct write_case write_cases[] = {
	{ "no payload, exactly 44", 0, 0, 0, HDR, 0, 0 },
	{ "no payload, larger buffer", 0, 0, 3, 200, 0, 3 },
	{ "all of it", 100, 0, EOM | EOR, HDR + 100, 100, EOM | EOR },
	{ "all of it, larger buffer", 100, 0, EOM, 4000, 100, EOM },
	{ "first piece", 100, 0, EOM | EOR, HDR + 60, 60, 0 },
	{ "first piece, one byte short", 100, 0, EOM, HDR + 99, 99, 0 },
	{ "middle piece", 100, 60, EOM | EOR, HDR + 39, 39, 0 },
	{ "last piece", 100, 60, EOM | EOR, HDR + 40, 40, EOM | EOR },
	{ "other flags stay", 100, 0, EOM | 0x10, HDR + 60, 60, 0x10 },
	{ "43 bytes", 0, 0, 0, HDR - 1, -EBADMSG },
	{ "empty buffer", 0, 0, 0, 0, -EBADMSG },
	{ "44 bytes and payload", 100, 0, 0, HDR, -EBADMSG },
};

KUNIT_ARRAY_PARAM_DESC(write, write_cases, name);

static void write_packet(struct kunit *test)
{
	const struct write_case *c = test->param_value;
	struct guest *guest = guest_create(test);
	const struct virtio_vsock_hdr *sent = guest_gpa(guest, AT_HDR);
	struct virtio_vsock_hdr hdr = header(c->flags);
	struct payload *p = payload_data(test, c->len);
	u32 left = c->len - c->offset;
	int ret;

	iov_iter_advance(&p->iter, c->offset);
	memset(guest_gpa(guest, AT_HDR), 0xee, 300);
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, c->room, true);

	ret = write(guest, &hdr, p);
	KUNIT_ASSERT_EQ(test, ret, c->ret);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), left - max(ret, 0));
	if (ret < 0) {
		KUNIT_EXPECT_EQ(test, guest->chain.reason,
				MVS_REASON_TOO_SHORT);
		KUNIT_EXPECT_EQ(test, *(u8 *)sent, 0xee);
		return;
	}
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sent->len), ret);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sent->flags), c->sent_flags);
	KUNIT_EXPECT_MEMEQ(test, (const void *)sent, wire, 24);
	KUNIT_EXPECT_MEMEQ(test, (const void *)sent, (const void *)&hdr, HDR);
	guest_expect(test, guest, AT_HDR + HDR, 1 + c->offset, ret);
	/* Not one byte more is written. */
	KUNIT_EXPECT_EQ(test, *(u8 *)guest_gpa(guest, AT_HDR + HDR + ret), 0xee);
}

/* There is less credit than data. */
static void write_no_more_than_left(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	const struct virtio_vsock_hdr *sent = guest_gpa(guest, AT_HDR);
	struct virtio_vsock_hdr hdr = header(EOM);
	struct payload *p = payload_data(test, 100);

	memset(guest_gpa(guest, AT_HDR), 0xee, 300);
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, 300, true);
	KUNIT_EXPECT_EQ(test, 70, mvs_packet_write(&guest->chain, &guest->gm,
						   &hdr, &p->iter, 70));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), 30);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sent->len), 70);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sent->flags), EOM);
	guest_expect(test, guest, AT_HDR + HDR, 1, 70);
	KUNIT_EXPECT_EQ(test, *(u8 *)guest_gpa(guest, AT_HDR + HDR + 70), 0xee);
}

static void write_split_anywhere(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct virtio_vsock_hdr hdr = header(0);
	struct payload *p = payload_data(test, 30);
	u32 at;

	for (at = 1; at < HDR + 30; at++) {
		memset(guest_gpa(guest, AT_HDR), 0xee, 300);
		mvs_chain_reset(&guest->chain);
		add(test, guest, AT_HDR, at, true);
		add(test, guest, AT_HDR + at, HDR + 30 - at, true);
		KUNIT_ASSERT_EQ(test, 30, write(guest, &hdr, p));
		KUNIT_ASSERT_MEMEQ(test, guest_gpa(guest, AT_HDR), wire, 24);
		guest_expect(test, guest, AT_HDR + HDR, 1, 30);
		iov_iter_revert(&p->iter, 30);
	}
}

static void write_across_regions(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct virtio_vsock_hdr hdr = header(0);
	struct payload *p = payload_data(test, 6000);
	u64 gpa = GPA_HIGH - 20;

	mvs_chain_reset(&guest->chain);
	add(test, guest, gpa, HDR + 6000, true);
	KUNIT_EXPECT_EQ(test, 6000, write(guest, &hdr, p));
	guest_expect(test, guest, gpa + HDR, 1, 6000);
}

/* A device-readable buffer, followed by @writable device-writable bytes. */
static void write_behind_readable(struct kunit *test, u32 writable)
{
	struct guest *guest = guest_create(test);
	struct virtio_vsock_hdr hdr = header(0);
	struct payload *p = payload_data(test, 0);

	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR, false);
	add_bytes(test, guest, writable, true);
	KUNIT_EXPECT_EQ(test, -EBADMSG, write(guest, &hdr, p));
	KUNIT_EXPECT_EQ(test, guest->chain.reason, MVS_REASON_BAD_DIRECTION);
}

static void write_to_readable(struct kunit *test)
{
	write_behind_readable(test, HDR);
}

static void write_readable_header_only(struct kunit *test)
{
	write_behind_readable(test, 0);
}

/* Room for more than a packet may have. */
static void write_to_large_buffer(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	const struct virtio_vsock_hdr *sent = guest_gpa(guest, AT_HDR);
	struct virtio_vsock_hdr hdr = header(EOM);
	struct payload *p = payload_data(test, SZ_64K + 100);

	while (guest->chain.max < 64)
		KUNIT_ASSERT_EQ(test, 0, mvs_chain_grow(&guest->chain));
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR, true);
	add_bytes(test, guest, 2 * SZ_64K, true);
	KUNIT_EXPECT_EQ(test, SZ_64K, write(guest, &hdr, p));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sent->len), SZ_64K);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sent->flags), 0);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), 100);

	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR + 100, true);
	add_bytes(test, guest, 2 * SZ_64K, true);
	hdr = header(EOM);
	KUNIT_EXPECT_EQ(test, 100, write(guest, &hdr, p));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sent->flags), EOM);
	guest_expect(test, guest, AT_HDR + HDR, 1, 100);
}

/* The largest packet, over the same page again and again. */
static void write_64k(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	const struct virtio_vsock_hdr *sent = guest_gpa(guest, AT_HDR);
	struct virtio_vsock_hdr hdr = header(0);
	struct payload *p = payload_data(test, SZ_64K);

	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR, true);
	add_bytes(test, guest, SZ_64K, true);
	KUNIT_EXPECT_EQ(test, SZ_64K, write(guest, &hdr, p));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sent->len), SZ_64K);
	/* Its last page, which continues from a multiple of 256. */
	guest_expect(test, guest, AT_DATA, 1, PAGE_SIZE);
}

/* The VMM lost a page of the payload after the chain was taken. */
static void write_page_lost(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct virtio_vsock_hdr hdr = header(0);
	struct payload *p = payload_data(test, 200);

	add_lost(test, guest, 100, true);
	KUNIT_EXPECT_EQ(test, -EBADMSG, write(guest, &hdr, p));
	KUNIT_EXPECT_EQ(test, guest->chain.reason, MVS_REASON_BAD_ADDRESS);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), 200);

	/* The next chain gets all of it. */
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR + 200, true);
	KUNIT_EXPECT_EQ(test, 200, write(guest, &hdr, p));
	guest_expect(test, guest, AT_HDR + HDR, 1, 200);
}

/* --- to the guest, at once --- */

struct page_case {
	const char *name;
	u64 at;		/* of the buffer */
	u32 room;	/* room there, with the header */
	u32 room2;	/* in a second buffer */
	bool readable;
	bool lost;	/* the VMM has unmapped the page */
	bool logging;
	int ret;	/* bytes written, of 100 that are left */
};

static const struct page_case page_cases[] = {
	{ "larger buffer", AT_HDR, 300, .ret = 100 },
	{ "to the page's end", AT_DATA - HDR - 100, HDR + 100, .ret = 100 },
	{ "first piece", AT_HDR, HDR + 60, .ret = 60 },
	{ "44 bytes", AT_HDR, HDR, .ret = -E2BIG },
	{ "two pages", AT_DATA - HDR - 99, HDR + 100, .ret = -E2BIG },
	{ "two buffers", AT_HDR, HDR, 300, .ret = -E2BIG },
	{ "readable", AT_HDR, 300, .readable = true, .ret = -E2BIG },
	{ "the log is kept", AT_HDR, 300, .logging = true, .ret = -E2BIG },
	{ "page lost", AT_HDR, 300, .lost = true, .ret = -EAGAIN },
};

KUNIT_ARRAY_PARAM_DESC(page, page_cases, name);

/* Add the buffers of a case. */
static void add_page_case(struct kunit *test, struct guest *guest,
			  const struct page_case *c)
{
	mvs_chain_reset(&guest->chain);
	add(test, guest, c->at, c->room, !c->readable);
	if (c->room2)
		add(test, guest, AT_DATA, c->room2, true);
	if (c->lost)
		guest_lose_page(guest, GUEST_LOW + c->at);
	guest->gm.logging = c->logging;
}

static void expect_page_case(struct kunit *test, struct guest *guest,
			     const struct page_case *c, int ret,
			     const struct virtio_vsock_hdr *hdr)
{
	KUNIT_ASSERT_EQ(test, ret, c->ret);
	if (ret < 0)
		return;
	KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr->len), ret);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr->flags), ret == 100 ? EOM : 0);
	KUNIT_EXPECT_MEMEQ(test, guest_gpa(guest, c->at), (const void *)hdr,
			   HDR);
	guest_expect(test, guest, c->at + HDR, 1, ret);
}

static void write_page(struct kunit *test)
{
	const struct page_case *c = test->param_value;
	struct guest *guest = guest_create(test);
	struct virtio_vsock_hdr hdr = header(EOM);
	struct payload *p = payload_data(test, 100);
	int ret;

	add_page_case(test, guest, c);
	mvs_mem_begin(&guest->gm);
	ret = mvs_packet_write_page(&guest->chain, &guest->gm, &hdr, &p->iter,
				    100);
	mvs_mem_end(&guest->gm);
	expect_page_case(test, guest, c, ret, &hdr);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), 100 - max(ret, 0));
}

/* --- from one guest to another --- */

/* A packet with 100 bytes, in two buffers, one of which crosses a page. */
static struct guest *sender(struct kunit *test)
{
	struct guest *guest = guest_create(test);

	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR, false);
	add(test, guest, AT_DATA, 40, false);
	add(test, guest, 2 * PAGE_SIZE - 30, 60, false);
	guest_fill(guest, AT_DATA, 1, 40);
	guest_fill(guest, 2 * PAGE_SIZE - 30, 41, 60);
	mvs_chain_skip(&guest->chain, HDR);
	return guest;
}

static int relay_left(struct kunit *test, struct guest *from,
		      struct guest *to, struct virtio_vsock_hdr *hdr, u32 left)
{
	int ret;

	mvs_mem_begin(&from->gm);
	if (!mvs_mem_try_begin(&to->gm)) {
		mvs_mem_end(&from->gm);
		KUNIT_FAIL_AND_ABORT(test, "the section has to wait");
	}
	ret = mvs_packet_relay(&from->chain, &from->gm, &to->chain, &to->gm,
			       hdr, left);
	mvs_mem_end(&to->gm);
	mvs_mem_end(&from->gm);
	return ret;
}

static void relay(struct kunit *test)
{
	const struct page_case *c = test->param_value;
	struct guest *from = sender(test), *to = guest_create(test);
	struct virtio_vsock_hdr hdr = header(EOM);
	int ret;

	add_page_case(test, to, c);
	ret = relay_left(test, from, to, &hdr, 100);
	expect_page_case(test, to, c, ret, &hdr);
	KUNIT_EXPECT_EQ(test, from->chain.pos, 1);
	KUNIT_EXPECT_EQ(test, from->chain.off, 0);
}

/* What the first buffer had no room for, from any byte on. */
static void relay_rest(struct kunit *test)
{
	struct guest *from = sender(test), *to = guest_create(test);
	struct virtio_vsock_hdr hdr;
	u32 done;

	mvs_chain_reset(&to->chain);
	add(test, to, AT_HDR, 300, true);
	for (done = 0; done <= 100; done++) {
		hdr = header(EOM);
		KUNIT_EXPECT_EQ(test, relay_left(test, from, to, &hdr,
						 100 - done), 100 - done);
		guest_expect(test, to, AT_HDR + HDR, 1 + done, 100 - done);
		if (done < 100)
			mvs_chain_skip(&from->chain, 1);
	}
}

static void relay_page_lost(struct kunit *test)
{
	struct guest *from = sender(test), *to = guest_create(test);
	struct virtio_vsock_hdr hdr = header(EOM);

	mvs_chain_reset(&to->chain);
	add(test, to, AT_HDR, 300, true);
	guest_lose_page(from, GUEST_LOW + 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, relay_left(test, from, to, &hdr, 100), -EAGAIN);
	/* It is not needed for these bytes. */
	KUNIT_EXPECT_EQ(test, relay_left(test, from, to, &hdr, 70), 70);
}

/* All fields but those for the payload are the connection's, byte by byte. */
static void write_header_fields(struct kunit *test)
{
	struct guest *guest = guest_create(test);
	struct virtio_vsock_hdr hdr;

	memcpy(&hdr, wire, HDR);
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR, true);
	KUNIT_EXPECT_EQ(test, 0, mvs_packet_write(&guest->chain, &guest->gm,
						  &hdr, NULL, 0));
	KUNIT_EXPECT_MEMEQ(test, guest_gpa(guest, AT_HDR), wire, HDR);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(header_fields),
	KUNIT_CASE(header_is_a_copy),
	KUNIT_CASE_PARAM(validate, hdr_gen_params),
	KUNIT_CASE(read_one_descriptor),
	KUNIT_CASE(read_split_anywhere),
	KUNIT_CASE(read_bytes_apart),
	KUNIT_CASE(read_across_regions),
	KUNIT_CASE(read_64k),
	KUNIT_CASE(read_into_pieces),
	KUNIT_CASE(read_page_lost),
	KUNIT_CASE_PARAM(write_packet, write_gen_params),
	KUNIT_CASE(write_no_more_than_left),
	KUNIT_CASE(write_split_anywhere),
	KUNIT_CASE(write_across_regions),
	KUNIT_CASE(write_to_readable),
	KUNIT_CASE(write_readable_header_only),
	KUNIT_CASE(write_to_large_buffer),
	KUNIT_CASE(write_64k),
	KUNIT_CASE(write_page_lost),
	KUNIT_CASE_PARAM(write_page, page_gen_params),
	KUNIT_CASE_PARAM(relay, page_gen_params),
	KUNIT_CASE(relay_rest),
	KUNIT_CASE(relay_page_lost),
	KUNIT_CASE(write_header_fields),
	{}
};

static struct kunit_suite suite = {
	.name = "mvsock_packet",
	.test_cases = cases,
};

kunit_test_suite(suite);
