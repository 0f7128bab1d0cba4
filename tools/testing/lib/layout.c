// SPDX-License-Identifier: GPL-2.0
#include "layout.h"

const struct layout layout_one = { "one descriptor", 1, { 0 } };

int layout_cut(const struct layout *l, __u64 gpa, __u32 len, bool write,
	       struct seg *segs, unsigned int max)
{
	unsigned int n = 0, i;
	__u32 size;

	if (l->zero_first && max)
		segs[n++] = (struct seg){ gpa, 0, write };
	for (i = 0; len; i++, len -= size, gpa += size + l->gap) {
		if (n == max)
			return -ENOSPC;
		size = l->piece[i < l->n ? i : l->n - 1];
		if (!size || size > len)
			size = len;
		segs[n++] = (struct seg){ gpa, size, write };
	}
	return n;
}

/* Call @copy for each piece of a range of the chain. */
static int walk(const struct mem *m, const struct seg *segs, unsigned int n,
		__u64 off, __u8 *buf, __u64 len,
		int (*copy)(const struct mem *m, __u64 gpa, __u8 *buf,
			    __u64 len))
{
	unsigned int i;
	__u64 size;
	int err;

	for (i = 0; len && i < n; i++) {
		if (off >= segs[i].len) {
			off -= segs[i].len;
			continue;
		}
		size = segs[i].len - off;
		if (size > len)
			size = len;
		err = copy(m, segs[i].addr + off, buf, size);
		if (err)
			return err;
		off = 0;
		buf += size;
		len -= size;
	}
	return len ? -EMSGSIZE : 0;
}

static int copy_in(const struct mem *m, __u64 gpa, __u8 *buf, __u64 len)
{
	return mem_write(m, gpa, buf, len);
}

static int copy_out(const struct mem *m, __u64 gpa, __u8 *buf, __u64 len)
{
	return mem_read(m, gpa, buf, len);
}

int segs_write(const struct mem *m, const struct seg *segs, unsigned int n,
	       __u64 off, const void *buf, __u64 len)
{
	return walk(m, segs, n, off, (__u8 *)buf, len, copy_in);
}

int segs_read(const struct mem *m, const struct seg *segs, unsigned int n,
	      __u64 off, void *buf, __u64 len)
{
	return walk(m, segs, n, off, buf, len, copy_out);
}
