// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mem.h"

#define GUARD page_size()

int mem_add(struct mem *m, __u64 gpa, __u64 size)
{
	struct mem_region *r = &m->region[m->nregions];
	__u8 *p;

	if (m->nregions == MEM_MAX_REGIONS)
		return -ENOSPC;
	p = mmap(NULL, size + 2 * GUARD, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	if (mmap(p + GUARD, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
		int err = -errno;

		munmap(p, size + 2 * GUARD);
		return err;
	}
	r->gpa = gpa;
	r->size = size;
	r->va = p + GUARD;
	r->next = 0;
	m->nregions++;
	return 0;
}

void mem_free(struct mem *m)
{
	unsigned int i;

	for (i = 0; i < m->nregions; i++)
		munmap(m->region[i].va - GUARD, m->region[i].size + 2 * GUARD);
	m->nregions = 0;
}

static const struct mem_region *find(const struct mem *m, __u64 gpa)
{
	unsigned int i;

	for (i = 0; i < m->nregions; i++)
		if (gpa - m->region[i].gpa < m->region[i].size)
			return &m->region[i];
	return NULL;
}

void *mem_ptr(const struct mem *m, __u64 gpa, __u64 len)
{
	const struct mem_region *r = find(m, gpa);

	if (!r || len > r->size - (gpa - r->gpa))
		return NULL;
	return r->va + (gpa - r->gpa);
}

__u64 mem_gpa(const struct mem *m, const void *va)
{
	unsigned int i;

	for (i = 0; i < m->nregions; i++) {
		const struct mem_region *r = &m->region[i];

		if ((uintptr_t)va - (uintptr_t)r->va < r->size)
			return r->gpa + ((const __u8 *)va - r->va);
	}
	return 0;
}

__u64 mem_alloc(struct mem *m, unsigned int region, __u64 size, __u64 align)
{
	struct mem_region *r = &m->region[region];
	__u64 gpa = (r->gpa + r->next + align - 1) & ~(align - 1);

	if (gpa - r->gpa > r->size || size > r->size - (gpa - r->gpa))
		return 0;
	r->next = gpa + size - r->gpa;
	return gpa;
}

int mem_replace(struct mem *m, __u64 gpa, __u64 size)
{
	void *mem = mem_ptr(m, gpa, size), *copy = malloc(size);
	int err = 0;

	if (!mem || !copy) {
		free(copy);
		return mem ? -ENOMEM : -EFAULT;
	}
	memcpy(copy, mem, size);
	if (mmap(mem, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		err = -errno;
	else
		memcpy(mem, copy, size);
	free(copy);
	return err;
}

/* The part of a range that lies in the region of its start. */
static __u8 *piece(const struct mem *m, __u64 gpa, __u64 len, __u64 *n)
{
	const struct mem_region *r = find(m, gpa);

	if (!r)
		return NULL;
	*n = r->size - (gpa - r->gpa);
	if (*n > len)
		*n = len;
	return r->va + (gpa - r->gpa);
}

int mem_hold(const struct mem_region *r)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)r->va, r->size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int err, fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, UFFDIO_API, &api) &&
	    !madvise(r->va, r->size, MADV_DONTNEED) &&
	    !madvise(r->va, r->size, MADV_REMOVE) &&
	    !ioctl(fd, UFFDIO_REGISTER, &reg))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int mem_write(const struct mem *m, __u64 gpa, const void *buf, __u64 len)
{
	const __u8 *src = buf;
	__u64 n;

	for (; len; gpa += n, src += n, len -= n) {
		__u8 *p = piece(m, gpa, len, &n);

		if (!p)
			return -EFAULT;
		memcpy(p, src, n);
	}
	return 0;
}

int mem_read(const struct mem *m, __u64 gpa, void *buf, __u64 len)
{
	__u8 *dst = buf;
	__u64 n;

	for (; len; gpa += n, dst += n, len -= n) {
		const __u8 *p = piece(m, gpa, len, &n);

		if (!p)
			return -EFAULT;
		memcpy(dst, p, n);
	}
	return 0;
}

int mem_fill(const struct mem *m, __u64 gpa, __u8 byte, __u64 len)
{
	__u64 n;

	for (; len; gpa += n, len -= n) {
		__u8 *p = piece(m, gpa, len, &n);

		if (!p)
			return -EFAULT;
		memset(p, byte, n);
	}
	return 0;
}
