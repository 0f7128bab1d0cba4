// SPDX-License-Identifier: GPL-2.0
/* Guest memory: the IOTLB, a cache of the translations of a guest's IOMMU. */
#include <kunit/visibility.h>
#include <linux/uaccess.h>

#include <mvsock/mem.h>

/*
 * Maximum number of translations, vhost's default. The oldest one is dropped, and is requested
 * again when it is needed.
 */
#define MVS_IOTLB_MAX	2048

/**
 * mvs_mem_iotlb_create - create an IOTLB
 *
 * Return: an empty one, or NULL.
 */
struct vhost_iotlb *mvs_mem_iotlb_create(void)
{
	return vhost_iotlb_alloc(MVS_IOTLB_MAX, VHOST_IOTLB_FLAG_RETIRE);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_iotlb_create);

/**
 * mvs_mem_iotlb_update - add a translation
 * @gm: guest memory with an IOTLB, without users
 * @iova: I/O virtual address
 * @size: bytes, not 0
 * @uaddr: their VMM-virtual address
 * @perm: VHOST_ACCESS_*
 *
 * Return: 0, or %-EFAULT when the VMM may not map this, or when memory is short (as in vhost).
 */
int mvs_mem_iotlb_update(struct mvs_mem *gm, u64 iova, u64 size, u64 uaddr,
			 unsigned int perm)
{
	uaddr = mvs_mem_untag(uaddr);
	if (uaddr > ULONG_MAX || size > ULONG_MAX || uaddr > ULONG_MAX - size + 1)
		return -EFAULT;
	if (perm & VHOST_ACCESS_RW &&
	    !access_ok((void __user *)(unsigned long)uaddr, size))
		return -EFAULT;

	/* It may replace the range that was used last. */
	gm->hit = NULL;
	return vhost_iotlb_add_range(gm->iotlb, iova, iova + size - 1, uaddr,
				     perm) ? -EFAULT : 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_iotlb_update);

/**
 * mvs_mem_iotlb_invalidate - drop the translations of a range
 * @gm: guest memory with an IOTLB, without users
 * @iova: I/O virtual address
 * @size: bytes
 */
void mvs_mem_iotlb_invalidate(struct mvs_mem *gm, u64 iova, u64 size)
{
	gm->hit = NULL;
	vhost_iotlb_del_range(gm->iotlb, iova, iova + size - 1);
}
EXPORT_SYMBOL_IF_KUNIT(mvs_mem_iotlb_invalidate);
