// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmark: time from an available entry to a packet, which is a TX packet's header, checked, in
 * private memory; or an RX packet written to its buffer.
 *
 * A ring of 256 is filled with identical chains, whose descriptors share their buffers, and all
 * chains are taken. This is repeated for a millisecond; of many such runs the fastest counts.
 */
#include <asm/byteorder.h>
#include <linux/ktime.h>
#include <linux/virtio_vsock.h>

#include <mvsock/packet.h>

#include "ring_rig.h"

#define NUM		256

/* Guest-physical: the header, the payload, the indirect table. */
#define HEADER		0x0000
#define PAYLOAD		0x1000
#define TABLE		0x2000
#define PAYLOAD_LEN	1024

#define GUEST_CID	3
#define HOST_CID	2

#define RIGS		32
#define RUNS		50
#define RUN_NS		NSEC_PER_MSEC

struct rig {
	unsigned int n;		/* number of descriptors in a chain */
	bool packed;
	bool indirect;
	bool rx;
	unsigned int chains;
	u64 best;		/* picoseconds per chain */
	struct guest *guest;
	struct mvs_ring ring;
};

/*
 * The buffer of the @i-th of a chain's descriptors: the first one has the header, alone if there
 * are more descriptors; the last one has the rest of the payload.
 */
static void buffer(const struct rig *rig, unsigned int i, u64 *addr, u32 *len)
{
	u32 piece = PAYLOAD_LEN / 16;

	*addr = HEADER;
	*len = sizeof(struct virtio_vsock_hdr);
	if (rig->n == 1)
		*len += PAYLOAD_LEN;
	if (!i)
		return;
	*addr = PAYLOAD + (i - 1) * piece;
	*len = i == rig->n - 1 ? PAYLOAD_LEN - (i - 1) * piece : piece;
}

static void fill_split(const struct rig *rig, struct vring_desc *d,
		       unsigned int i, u16 next)
{
	u16 flags = (rig->rx ? VRING_DESC_F_WRITE : 0) |
		    (i < rig->n - 1 ? VRING_DESC_F_NEXT : 0);
	u64 addr;
	u32 len;

	buffer(rig, i, &addr, &len);
	rig_set_desc(d, addr, len, flags, next);
}

static void fill_packed(const struct rig *rig, struct vring_packed_desc *d,
			unsigned int i, bool entry)
{
	u16 flags = rig->rx ? VRING_DESC_F_WRITE : 0;
	u64 addr;
	u32 len;

	if (!entry)
		flags |= BIT(VRING_PACKED_DESC_F_AVAIL) |
			 (i < rig->n - 1 ? VRING_DESC_F_NEXT : 0);
	buffer(rig, i, &addr, &len);
	rig_set_packed_desc(d, addr, len, flags, 0);
}

/* Write one chain, from descriptor @first on. */
static void lay_split(struct rig *rig, unsigned int first)
{
	struct vring_desc *d = guest_uaddr(rig->guest, RIG_DESC);
	unsigned int i;

	if (!rig->indirect) {
		for (i = 0; i < rig->n; i++)
			fill_split(rig, &d[first + i], i, first + i + 1);
		return;
	}
	rig_set_desc(&d[first], TABLE, rig->n * sizeof(*d), VRING_DESC_F_INDIRECT, 0);
	d = guest_gpa(rig->guest, TABLE);
	for (i = 0; i < rig->n; i++)
		fill_split(rig, &d[i], i, i + 1);
}

static void lay_packed(struct rig *rig, unsigned int first)
{
	struct vring_packed_desc *d = guest_uaddr(rig->guest, RIG_DESC);
	unsigned int i;

	if (!rig->indirect) {
		for (i = 0; i < rig->n; i++)
			fill_packed(rig, &d[first + i], i, false);
		return;
	}
	rig_set_packed_desc(&d[first], TABLE, rig->n * sizeof(*d),
			    VRING_DESC_F_INDIRECT | BIT(VRING_PACKED_DESC_F_AVAIL), 0);
	d = guest_gpa(rig->guest, TABLE);
	for (i = 0; i < rig->n; i++)
		fill_packed(rig, &d[i], i, true);
}

static void lay_ring(struct rig *rig)
{
	struct vring_avail *avail = guest_uaddr(rig->guest, RIG_AVAIL);
	unsigned int step = rig->indirect ? 1 : rig->n;
	unsigned int i;

	rig->chains = NUM / step;
	for (i = 0; i < rig->chains; i++) {
		if (rig->packed) {
			lay_packed(rig, i * step);
			continue;
		}
		lay_split(rig, i * step);
		avail->ring[i] = (__force __virtio16)cpu_to_le16(i * step);
	}
	if (!rig->packed)
		avail->idx = (__force __virtio16)cpu_to_le16(rig->chains);
}

static void lay_header(struct rig *rig)
{
	struct virtio_vsock_hdr *hdr = guest_gpa(rig->guest, HEADER);

	*hdr = (struct virtio_vsock_hdr) {
		.src_cid = cpu_to_le64(GUEST_CID),
		.dst_cid = cpu_to_le64(HOST_CID),
		.len = cpu_to_le32(PAYLOAD_LEN),
		.type = cpu_to_le16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RW),
	};
}

/* Take all available chains. Returns their number, or an error. */
static int take_all(struct rig *rig)
{
	struct mvs_chain *chain = &rig->guest->chain;
	struct mvs_mem *gm = &rig->guest->gm;
	struct virtio_vsock_hdr hdr = {};
	int ret, n = 0;

	rig->ring.next_avail = rig->packed ? MVS_PACKED_WRAP : 0;
	ret = mvs_ring_start(&rig->ring);
	if (ret)
		return ret;
	for (; n < rig->chains; n++) {
		ret = mvs_ring_pop(&rig->ring, chain);
		if (ret != 1)
			return ret;
		ret = rig->rx ?
		      mvs_packet_write(chain, gm, &hdr, NULL, 0) :
		      mvs_packet_parse(chain, gm, GUEST_CID, &hdr);
		if (ret)
			return ret;
	}
	return n;
}

/* Picoseconds per chain, in one run. */
static u64 run(struct kunit *test, struct rig *rig)
{
	u64 start = ktime_get_ns(), ns, chains = 0;

	do {
		KUNIT_ASSERT_EQ(test, take_all(rig), rig->chains);
		chains += rig->chains;
		ns = ktime_get_ns() - start;
	} while (ns < RUN_NS);
	return div64_u64(ns * 1000, chains);
}

static void lay(struct kunit *test, struct rig *rig)
{
	rig->best = U64_MAX;
	rig->guest = guest_create(test);
	rig->ring = rig_ring(rig->guest, NUM, rig->packed);
	rig->ring.event_idx = true;
	lay_header(rig);
	lay_ring(rig);
}

static void report(struct kunit *test, struct rig *rig)
{
	kunit_info(test, "%s  %-6s  %-8s  %11u  %4llu.%llu\n",
		   rig->rx ? "RX" : "TX", rig->packed ? "packed" : "split",
		   rig->indirect ? "indirect" : "direct", rig->n,
		   rig->best / 1000, rig->best % 1000 / 100);
}

static void bench_parse(struct kunit *test)
{
	static const unsigned int sizes[] = { 1, 2, 3, 16 };
	struct rig *rigs;
	unsigned int i, j;

	rigs = kunit_kcalloc(test, RIGS, sizeof(*rigs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rigs);
	for (i = 0; i < RIGS; i++) {
		rigs[i].rx = i & 16;
		rigs[i].packed = i & 8;
		rigs[i].indirect = i & 4;
		rigs[i].n = sizes[i % ARRAY_SIZE(sizes)];
		lay(test, &rigs[i]);
	}
	/* Run the cases alternately, as disturbances come and go. */
	for (j = 0; j < RUNS; j++)
		for (i = 0; i < RIGS; i++)
			rigs[i].best = min(rigs[i].best, run(test, &rigs[i]));
	for (i = 0; i < RIGS; i++)
		report(test, &rigs[i]);
}

static struct kunit_case bench_cases[] = {
	KUNIT_CASE_ATTR(bench_parse, { .speed = KUNIT_SPEED_SLOW }),
	{}
};

static struct kunit_suite bench_suite = {
	.name = "bench_parse",
	.test_cases = bench_cases,
};

kunit_test_suite(bench_suite);
