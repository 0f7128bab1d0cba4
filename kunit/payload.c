// SPDX-License-Identifier: GPL-2.0
/*
 * Payloads for tests.
 */
#include "payload.h"

static struct payload *create(struct kunit *test, unsigned int direction,
			      u32 len)
{
	struct payload *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	p->bytes = kunit_kmalloc(test, len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p->bytes);
	memset(p->bytes, 0xee, len);
	p->vec = (struct kvec) { p->bytes, len };
	iov_iter_kvec(&p->iter, direction, &p->vec, 1, len);
	return p;
}

/* Room for @len bytes, and one more that must not be touched; all are 0xee. */
struct payload *payload_room(struct kunit *test, u32 len)
{
	return create(test, ITER_DEST, len + 1);
}

/* Bytes that count up from 1. */
struct payload *payload_data(struct kunit *test, u32 len)
{
	struct payload *p = create(test, ITER_SOURCE, len);
	u32 i;

	for (i = 0; i < len; i++)
		p->bytes[i] = 1 + i;
	return p;
}

/* Bytes that count up from @first. */
void payload_expect(struct kunit *test, const u8 *bytes, u8 first, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		KUNIT_ASSERT_EQ_MSG(test, bytes[i], (u8)(first + i),
				    "byte %u of %u", i, len);
}
