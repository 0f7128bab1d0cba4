/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory: regions of guest-physical addresses with holes between them.
 *
 * In this process every region has an inaccessible page before and after it. So regions that are
 * adjacent in the guest are not adjacent here, and a device that leaves a region faults.
 */
#ifndef MVS_RING_MEM_H
#define MVS_RING_MEM_H

#include "util.h"

#define MEM_MAX_REGIONS 64

struct mem_region {
	__u64 gpa;
	__u64 size;
	__u8 *va;
	__u64 next;	/* first free offset, for mem_alloc() */
};

struct mem {
	unsigned int nregions;
	struct mem_region region[MEM_MAX_REGIONS];
};

/**
 * mem_add() - add a region of zeroed memory
 * @m: the guest's memory
 * @gpa: its guest-physical address
 * @size: its size, a multiple of the page size
 *
 * Return: 0 or a negative errno.
 */
int mem_add(struct mem *m, __u64 gpa, __u64 size);

/* Unmap all regions. */
void mem_free(struct mem *m);

/**
 * mem_ptr() - get the address of a range of guest memory in this process
 * @m: the guest's memory
 * @gpa: first guest-physical address
 * @len: length of the range
 *
 * Return: NULL if the range is not within one region.
 */
void *mem_ptr(const struct mem *m, __u64 gpa, __u64 len);

/* The guest-physical address of an address in this process, 0 if it has none. */
__u64 mem_gpa(const struct mem *m, const void *va);

/**
 * mem_alloc() - allocate memory from a region, without a way to free it
 * @m: the guest's memory
 * @region: index of the region
 * @size: bytes
 * @align: power of two
 *
 * Return: the guest-physical address, 0 if the region is full.
 */
__u64 mem_alloc(struct mem *m, unsigned int region, __u64 size, __u64 align);

/**
 * mem_replace() - replace pages by others at the same address, with the same content
 * @m: the guest's memory
 * @gpa: address of the first page
 * @size: a multiple of the page size, in one region
 *
 * Return: 0 or a negative errno.
 */
int mem_replace(struct mem *m, __u64 gpa, __u64 size);

/**
 * mem_hold() - discard the content of a region; from now on accesses to it block
 * @r: the region
 *
 * Return: a userfaultfd, readable while an access is blocked; closing it ends this, and the memory
 * is zeroed then; or a negative errno.
 */
int mem_hold(const struct mem_region *r);

/* Copy to and from guest memory, across regions. -EFAULT in a hole. */
int mem_write(const struct mem *m, __u64 gpa, const void *buf, __u64 len);
int mem_read(const struct mem *m, __u64 gpa, void *buf, __u64 len);
int mem_fill(const struct mem *m, __u64 gpa, __u8 byte, __u64 len);

#endif
