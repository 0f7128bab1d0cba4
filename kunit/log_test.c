// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: it has each write to guest memory, and nothing else.
 */
#include <linux/bitmap.h>
#include <linux/virtio_vsock.h>

#include <mvsock/packet.h>

#include "ring_rig.h"

/* The log is in the last page for rings. */
#define LOG	(GUEST_RING + 7 * PAGE_SIZE)
#define BITS	(8 * PAGE_SIZE)

/* Guest-physical addresses of the rings. */
#define USED_GPA	0x500000

static struct guest *create(struct kunit *test)
{
	struct guest *guest = guest_create(test);

	guest->gm.logging = true;
	guest->gm.log_base = LOG;
	return guest;
}

/* Check that the set bits are those of @n pages, in order, and clear them. */
static void expect(struct kunit *test, struct guest *guest,
		   const unsigned int *pages, unsigned int n)
{
	unsigned long *log = guest_uaddr(guest, LOG);
	unsigned long bit = 0;
	unsigned int i;

	for (i = 0; i < n; i++, bit++) {
		bit = find_next_bit(log, BITS, bit);
		KUNIT_EXPECT_EQ_MSG(test, bit, pages[i], "page %u of %u", i, n);
	}
	KUNIT_EXPECT_EQ(test, find_next_bit(log, BITS, bit), BITS);
	bitmap_zero(log, BITS);
}

#define EXPECT(test, guest, ...) ({					\
	static const unsigned int __pages[] = { __VA_ARGS__ };		\
									\
	expect(test, guest, __pages, ARRAY_SIZE(__pages));		\
})

static int log_gpa(struct guest *guest, u64 gpa, u32 len)
{
	int ret;

	mvs_mem_begin(&guest->gm);
	ret = mvs_mem_log_gpa(&guest->gm, gpa, len, &guest->chain.fault);
	mvs_mem_end(&guest->gm);
	return ret;
}

static int log_uaddr(struct guest *guest, u64 uaddr, u32 len)
{
	int ret;

	mvs_mem_begin(&guest->gm);
	ret = mvs_mem_log(&guest->gm, uaddr, len, &guest->chain.fault);
	mvs_mem_end(&guest->gm);
	return ret;
}

static void bits(struct kunit *test)
{
	struct guest *guest = create(test);

	KUNIT_EXPECT_EQ(test, 0, log_gpa(guest, 0, 1));
	EXPECT(test, guest, 0);
	KUNIT_EXPECT_EQ(test, 0, log_gpa(guest, SZ_4K - 1, 1));
	EXPECT(test, guest, 0);
	KUNIT_EXPECT_EQ(test, 0, log_gpa(guest, SZ_4K - 1, 2));
	EXPECT(test, guest, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, log_gpa(guest, 7 * SZ_4K, SZ_4K + 1));
	EXPECT(test, guest, 7, 8);
	KUNIT_EXPECT_EQ(test, 0, log_gpa(guest, 100 * SZ_4K, SZ_4K));
	EXPECT(test, guest, 100);
	KUNIT_EXPECT_EQ(test, 0, log_gpa(guest, (u64)(BITS - 1) * SZ_4K, SZ_4K));
	EXPECT(test, guest, BITS - 1);
}

/* One bit further is in a page of the log that is not mapped. */
static void log_is_missing(struct kunit *test)
{
	struct guest *guest = create(test);

	KUNIT_EXPECT_EQ(test, -EAGAIN, log_gpa(guest, (u64)BITS * SZ_4K, 1));
	KUNIT_EXPECT_EQ(test, guest->chain.fault.kind, MVS_FAULT_LOG);
	KUNIT_EXPECT_EQ(test, guest->chain.fault.addr, LOG + PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, guest->chain.fault.write);
}

/* Memory is logged at all guest-physical addresses that map it, and only there. */
static void aliases(struct kunit *test)
{
	struct guest *guest = create(test);

	KUNIT_ASSERT_EQ(test, 0,
			vhost_iotlb_add_range(guest->gm.table, SZ_1M,
					      SZ_1M + SZ_8K - 1,
					      GUEST_LOW + SZ_4K, VHOST_MAP_RW));
	KUNIT_EXPECT_EQ(test, 0, log_uaddr(guest, GUEST_LOW, 1));
	EXPECT(test, guest, 0);
	KUNIT_EXPECT_EQ(test, 0, log_uaddr(guest, GUEST_LOW + SZ_8K, 1));
	EXPECT(test, guest, 2, 257);
	KUNIT_EXPECT_EQ(test, 0, log_uaddr(guest, GUEST_LOW + SZ_4K - 1, 2));
	EXPECT(test, guest, 0, 1, 256);
	KUNIT_EXPECT_EQ(test, 0, log_uaddr(guest, GUEST_RING, 1));
	expect(test, guest, NULL, 0);
}

static void access_ok_of_log(struct kunit *test)
{
	static const struct vhost_memory_region region = {
		.guest_phys_addr = SZ_1G,
		.memory_size = SZ_1G,
	};
	struct vhost_iotlb *table = mvs_mem_table_create(&region, 1);

	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	KUNIT_EXPECT_TRUE(test, mvs_mem_log_ok(table, 0));
	KUNIT_EXPECT_FALSE(test, mvs_mem_log_ok(table, ULONG_MAX - 100));
	KUNIT_EXPECT_EQ(test, mvs_mem_log_ok(table, ULONG_MAX - SZ_1G),
			GUEST_ANY_UADDR_OK);
	KUNIT_EXPECT_FALSE(test, mvs_mem_log_ok(NULL, 0));
	vhost_iotlb_free(table);
}

/* A packet in pages 2, 3 and 4, the last of which is elsewhere in the VMM. */
static void packet(struct kunit *test)
{
	struct guest *guest = create(test);
	struct virtio_vsock_hdr hdr = {};
	struct iov_iter iter;
	struct kvec vec = {
		.iov_base = kunit_kzalloc(test, SZ_8K, GFP_KERNEL),
		.iov_len = SZ_8K,
	};

	KUNIT_ASSERT_NOT_NULL(test, vec.iov_base);
	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, SZ_8K);
	mvs_chain_reset(&guest->chain);
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, SZ_8K, SZ_16K, true));
	KUNIT_EXPECT_EQ(test, SZ_8K,
			mvs_packet_write(&guest->chain, &guest->gm, &hdr, &iter,
					 SZ_8K));
	EXPECT(test, guest, 2, 3, 4);

	/* A missing log is not the guest's fault. */
	guest->gm.log_base += PAGE_SIZE;
	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, SZ_8K);
	mvs_chain_reset(&guest->chain);
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, 0, SZ_16K, true));
	KUNIT_EXPECT_EQ(test, -EIO,
			mvs_packet_write(&guest->chain, &guest->gm, &hdr, &iter,
					 SZ_8K));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), SZ_8K);
}

/* Reads are not logged. */
static void packet_from_guest(struct kunit *test)
{
	struct guest *guest = create(test);
	struct virtio_vsock_hdr hdr;

	mvs_chain_reset(&guest->chain);
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, 0, SZ_4K, false));
	KUNIT_EXPECT_EQ(test, 0, mvs_packet_parse(&guest->chain, &guest->gm, 0,
						  &hdr));
	expect(test, guest, NULL, 0);
}

static struct mvs_ring ring_of(struct guest *guest, bool packed)
{
	struct mvs_ring ring = rig_ring(guest, 256, packed);

	ring.desc = GUEST_LOW;
	ring.avail = GUEST_RING;
	/* Its first entries are in one page, its index in the page before. */
	ring.used = GUEST_RING + SZ_8K - 4;
	ring.log = true;
	ring.log_addr = USED_GPA + SZ_4K - 4;
	return ring;
}

static void split_ring(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_ring ring = ring_of(guest, false);
	struct mvs_chain chain = { .ndescs = 1 };

	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&ring));
	EXPECT(test, guest, USED_GPA / SZ_4K);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, &chain, 0));
	EXPECT(test, guest, USED_GPA / SZ_4K + 1);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, &chain, 0));
	EXPECT(test, guest, USED_GPA / SZ_4K + 1);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&ring));
	EXPECT(test, guest, USED_GPA / SZ_4K);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&ring));
	expect(test, guest, NULL, 0);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_disable_notify(&ring));
	EXPECT(test, guest, USED_GPA / SZ_4K);

	ring.log = false;
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, &chain, 0));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&ring));
	expect(test, guest, NULL, 0);
}

/* An index that the driver can see must be in the log. */
static void split_ring_without_log(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_ring ring = ring_of(guest, false);
	struct mvs_chain chain = { .ndescs = 1 };

	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&ring));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, &chain, 0));
	guest->gm.log_base += PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, -EIO, mvs_ring_push(&ring, &chain, 0));
	KUNIT_EXPECT_EQ(test, -EIO, mvs_ring_publish(&ring));
	KUNIT_EXPECT_EQ(test, *(u16 *)guest_uaddr(guest, ring.used + 2), 0);
}

/* A packed ring's used descriptors are at the place of its available ones. */
static void packed_ring(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_ring ring = ring_of(guest, true);
	struct mvs_chain chain = { .ndescs = 1 };

	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&ring));
	EXPECT(test, guest, USED_GPA / SZ_4K);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, &chain, 0));
	EXPECT(test, guest, 0);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&ring));
	EXPECT(test, guest, 0);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&ring));
	expect(test, guest, NULL, 0);
}

/* The flags of the first one are in the page before the others' flags. */
static void packed_batch(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_ring ring = ring_of(guest, true);
	struct mvs_chain chain = { .ndescs = 1 };

	ring.num = 300;
	ring.next_used = MVS_PACKED_WRAP | 255;
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, &chain, 0));
	EXPECT(test, guest, 0);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, &chain, 0));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, &chain, 0));
	EXPECT(test, guest, 1);
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_publish(&ring));
	EXPECT(test, guest, 0);
}

/*
 * A used descriptor belongs to the driver: if the log is missing, the descriptor must not have been
 * written yet.
 */
static void packed_ring_without_log(struct kunit *test)
{
	struct guest *guest = create(test);
	struct mvs_ring ring = ring_of(guest, true);
	struct mvs_chain chain = { .ndescs = 1 };
	struct vring_packed_desc *desc = guest_uaddr(guest, GUEST_LOW);

	KUNIT_ASSERT_EQ(test, 0, mvs_ring_start(&ring));
	KUNIT_ASSERT_EQ(test, 0, mvs_ring_push(&ring, &chain, 0));
	guest->gm.log_base += PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, -EIO, mvs_ring_push(&ring, &chain, 0));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(desc[1].flags), 0);
	KUNIT_EXPECT_EQ(test, -EIO, mvs_ring_publish(&ring));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(desc[0].flags), 0);
}

static struct kunit_case log_cases[] = {
	KUNIT_CASE(bits),
	KUNIT_CASE(log_is_missing),
	KUNIT_CASE(aliases),
	KUNIT_CASE(access_ok_of_log),
	KUNIT_CASE(packet),
	KUNIT_CASE(packet_from_guest),
	KUNIT_CASE(split_ring),
	KUNIT_CASE(split_ring_without_log),
	KUNIT_CASE(packed_ring),
	KUNIT_CASE(packed_batch),
	KUNIT_CASE(packed_ring_without_log),
	{}
};

static struct kunit_suite log_suite = {
	.name = "mvsock_log",
	.test_cases = log_cases,
};

kunit_test_suite(log_suite);
