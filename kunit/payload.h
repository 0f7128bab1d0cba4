/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Payloads for tests, in the kernel's memory.
 */
#ifndef _MVSOCK_KUNIT_PAYLOAD_H
#define _MVSOCK_KUNIT_PAYLOAD_H

#include <kunit/test.h>
#include <linux/uio.h>

/**
 * struct payload - a payload
 * @bytes: its bytes
 * @vec: the same as a kvec
 * @iter: the same as an iterator, for the code under test
 */
struct payload {
	u8 *bytes;
	struct kvec vec;
	struct iov_iter iter;
};

struct payload *payload_room(struct kunit *test, u32 len);
struct payload *payload_data(struct kunit *test, u32 len);
void payload_expect(struct kunit *test, const u8 *bytes, u8 first, u32 len);

#endif /* _MVSOCK_KUNIT_PAYLOAD_H */
