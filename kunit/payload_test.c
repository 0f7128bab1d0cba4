// SPDX-License-Identifier: GPL-2.0
/*
 * Payloads whose source or destination is a program's memory, or which are only read, or whose
 * writes must be logged.
 */
#include <linux/mman.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

#include <mvsock/packet.h>

#include "guest.h"
#include "payload.h"

#define HDR	sizeof(struct virtio_vsock_hdr)
#define LEN	offsetof(struct virtio_vsock_hdr, len)

/* Addresses of header and payload, such that the latter crosses a page boundary. */
#define AT_HDR	0xf00

static void add(struct kunit *test, struct guest *guest, u64 gpa, u32 len,
		bool write)
{
	KUNIT_ASSERT_EQ(test, 0, guest_chain_add(guest, gpa, len, write));
}

/* A chain with room for a header and @len bytes. */
static void chain(struct kunit *test, struct guest *guest, u32 len, bool write)
{
	mvs_chain_reset(&guest->chain);
	add(test, guest, AT_HDR, HDR + len, write);
}

/* All CIDs are 0. */
static int parse(struct guest *guest)
{
	struct virtio_vsock_hdr hdr;

	guest->chain.pos = 0;
	guest->chain.off = 0;
	return mvs_packet_parse(&guest->chain, &guest->gm, 0, &hdr);
}

static int read(struct guest *guest, u32 len, struct iov_iter *to)
{
	return mvs_packet_read(&guest->chain, &guest->gm, len, to);
}

static int write(struct guest *guest, struct iov_iter *from, u32 left)
{
	struct virtio_vsock_hdr hdr = {};

	return mvs_packet_write(&guest->chain, &guest->gm, &hdr, from, left);
}

/* --- a program's memory as source and destination --- */

/*
 * A program has two pages, of which the first one is in memory. Its bytes count up from 1 at the
 * start of the page.
 */
static unsigned long program(struct kunit *test)
{
	unsigned long addr = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct payload *p = payload_data(test, PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __user *)addr, p->bytes,
					      PAGE_SIZE));
	return addr;
}

/* The same bytes on its second page. */
static void bring_in(struct kunit *test, unsigned long addr)
{
	struct payload *p = payload_data(test, PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __user *)addr + PAGE_SIZE,
					      p->bytes, PAGE_SIZE));
}

/*
 * @len bytes in each of a program's pages, the last ones of the first and the first ones of the
 * second.
 */
static void two_pieces(struct iov_iter *iter, unsigned int direction,
		       struct iovec *iov, unsigned long addr, u32 len)
{
	void __user *middle = (void __user *)addr + PAGE_SIZE;

	iov[0] = (struct iovec) { middle - len, len };
	iov[1] = (struct iovec) { middle, len };
	iov_iter_init(iter, direction, iov, 2, 2 * len);
}

static void write_from_program(struct kunit *test)
{
	unsigned long addr = program(test);
	struct guest *guest = guest_create(test);
	struct iov_iter iter;
	struct iovec iov[2];

	two_pieces(&iter, ITER_SOURCE, iov, addr, 256);
	chain(test, guest, 512, true);
	KUNIT_EXPECT_EQ(test, -ENODATA, write(guest, &iter, 512));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 512);

	/* As many bytes as available are copied. */
	chain(test, guest, 512, true);
	KUNIT_EXPECT_EQ(test, 200, write(guest, &iter, 200));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 312);
	guest_expect(test, guest, AT_HDR + HDR, 1, 200);

	bring_in(test, addr);
	chain(test, guest, 512, true);
	KUNIT_EXPECT_EQ(test, 312, write(guest, &iter, 312));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 0);
	guest_expect(test, guest, AT_HDR + HDR, 201, 312);
	guest_vmm_exit();
}

/* The page that is not in memory comes after a whole page of the guest. */
static void write_from_absent_page(struct kunit *test)
{
	unsigned long addr = program(test);
	struct guest *guest = guest_create(test);
	struct iov_iter iter;
	u32 len = PAGE_SIZE + 512;

	KUNIT_ASSERT_EQ(test, 0, import_ubuf(ITER_SOURCE, (void __user *)addr,
					     len, &iter));
	chain(test, guest, len, true);
	KUNIT_EXPECT_EQ(test, -ENODATA, write(guest, &iter, len));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), len);
	KUNIT_EXPECT_EQ(test, iter.iov_offset, 0);

	bring_in(test, addr);
	chain(test, guest, len, true);
	KUNIT_EXPECT_EQ(test, len, write(guest, &iter, len));
	guest_expect(test, guest, AT_HDR + HDR, 1, len);
	guest_vmm_exit();
}

/* Memory that the program does not have is not waited for either. */
static void write_from_nowhere(struct kunit *test)
{
	unsigned long addr = program(test);
	struct guest *guest = guest_create(test);
	struct iov_iter iter;

	KUNIT_ASSERT_EQ(test, 0, import_ubuf(ITER_SOURCE, (void __user *)addr,
					     100, &iter));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, 2 * PAGE_SIZE));
	chain(test, guest, 100, true);
	KUNIT_EXPECT_EQ(test, -ENODATA, write(guest, &iter, 100));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 100);
	guest_vmm_exit();
}

static void read_to_program(struct kunit *test)
{
	unsigned long addr = program(test);
	struct guest *guest = guest_create(test);
	struct payload *p = payload_room(test, 512);
	struct iov_iter iter;
	struct iovec iov[2];

	put_unaligned_le32(512, guest_gpa(guest, AT_HDR + LEN));
	guest_fill(guest, AT_HDR + HDR, 1, 512);
	chain(test, guest, 512, false);
	KUNIT_ASSERT_EQ(test, 0, parse(guest));
	two_pieces(&iter, ITER_DEST, iov, addr, 256);
	KUNIT_EXPECT_EQ(test, -ENODATA, read(guest, 512, &iter));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 512);

	bring_in(test, addr);
	KUNIT_ASSERT_EQ(test, 0, parse(guest));
	KUNIT_EXPECT_EQ(test, 0, read(guest, 512, &iter));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 0);
	KUNIT_EXPECT_EQ(test, 0, copy_from_user(p->bytes, iov[0].iov_base, 512));
	payload_expect(test, p->bytes, 1, 512);
	guest_vmm_exit();
}

/* --- writes are logged --- */

/* The bits set in the log, from the first on. */
static u32 count_bits(struct kunit *test, unsigned long log)
{
	struct payload *p = payload_room(test, PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, 0, copy_from_user(p->bytes, (void __user *)log,
						PAGE_SIZE));
	return bitmap_weight((unsigned long *)p->bytes, 8 * PAGE_SIZE);
}

/*
 * A guest whose log is in a program's memory, of which no page is in memory yet. The bits of the
 * guest's memory at LOG_2ND are in the log's second page.
 */
#define LOG_2ND		((u64)8 * PAGE_SIZE * SZ_4K)

static struct guest *create_logged(struct kunit *test, unsigned long log)
{
	struct guest *guest = guest_create_attached(test);

	KUNIT_ASSERT_EQ(test, 0,
			vhost_iotlb_add_range(guest->gm.table, LOG_2ND,
					      LOG_2ND + 8 * PAGE_SIZE - 1, GUEST_RING,
					      VHOST_MAP_RW));
	guest->gm.logging = true;
	guest->gm.log_base = log;
	return guest;
}

/* A chain of 1100 bytes, and of two pages which are logged elsewhere. */
static void logged_chain(struct kunit *test, struct guest *guest)
{
	chain(test, guest, 1100, true);
	add(test, guest, LOG_2ND + 100, 2 * PAGE_SIZE, true);
}

#define LOGGED	(1100 + 2 * (u32)PAGE_SIZE)

/*
 * A page of the log is brought in after part of the payload was written: no byte is written twice.
 */
static void write_log_absent(struct kunit *test)
{
	unsigned long log = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct guest *guest = create_logged(test, log);
	struct payload *p = payload_data(test, LOGGED);

	logged_chain(test, guest);
	KUNIT_EXPECT_EQ(test, LOGGED, write(guest, &p->iter, LOGGED));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), 0);
	guest_expect(test, guest, AT_HDR + HDR, 1, 1100);
	guest_expect(test, guest, LOG_2ND + 100, 1101 % 256, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, count_bits(test, log), 2);
	KUNIT_EXPECT_EQ(test, count_bits(test, log + PAGE_SIZE), 3);
	guest_vmm_exit();
}

static void write_log_lost(struct kunit *test)
{
	unsigned long log = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct guest *guest = create_logged(test, log);
	struct payload *p = payload_data(test, LOGGED);

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(log + PAGE_SIZE, PAGE_SIZE));
	logged_chain(test, guest);
	KUNIT_EXPECT_EQ(test, -EIO, write(guest, &p->iter, LOGGED));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&p->iter), LOGGED);
	guest_vmm_exit();
}

/* The iterator is reverted in a program's memory as well. */
static void write_log_absent_from_program(struct kunit *test)
{
	unsigned long log = guest_vmm_map(test, 0, PROT_READ | PROT_WRITE);
	struct guest *guest = create_logged(test, log);
	unsigned long addr = program(test);
	struct iov_iter iter;
	struct iovec iov[2];

	bring_in(test, addr);
	two_pieces(&iter, ITER_SOURCE, iov, addr, 1536);
	logged_chain(test, guest);
	KUNIT_EXPECT_EQ(test, 3072, write(guest, &iter, 3072));
	KUNIT_EXPECT_EQ(test, iov_iter_count(&iter), 0);
	guest_expect(test, guest, AT_HDR + HDR, 1, 1100);
	guest_expect(test, guest, LOG_2ND + 100, 1101 % 256, 3072 - 1100);
	guest_vmm_exit();
}

static struct kunit_case cases[] = {
	KUNIT_CASE(write_from_program),
	KUNIT_CASE(write_from_absent_page),
	KUNIT_CASE(write_from_nowhere),
	KUNIT_CASE(read_to_program),
	KUNIT_CASE(write_log_absent),
	KUNIT_CASE(write_log_lost),
	KUNIT_CASE(write_log_absent_from_program),
	{}
};

static struct kunit_suite suite = {
	.name = "mvsock_payload",
	.test_cases = cases,
};

kunit_test_suite(suite);
