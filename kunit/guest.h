/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest for tests: its memory consists of pages of the test, at addresses that no VMM can have,
 * put directly into the page cache. The code under test accesses them like a guest's.
 *
 *	guest-physical		VMM-virtual
 *	pages 0 - 3		GUEST_LOW		4 pages
 *	GPA_HIGH: 4 - 5		GUEST_HIGH		2 pages, elsewhere in the VMM
 *	GPA_HOLE: 6 - 15	-			a hole
 *	GPA_RO: 16		GUEST_RO		read-only
 *	GPA_WO: 17		GUEST_WO		write-only
 *	-			GUEST_RING		8 pages for rings
 */
#ifndef _MVSOCK_KUNIT_GUEST_H
#define _MVSOCK_KUNIT_GUEST_H

#include <kunit/test.h>
#include <linux/sizes.h>

#include <mvsock/chain.h>
#include <mvsock/mem.h>

#define GUEST_LOW	0x1000000010000000UL
#define GUEST_HIGH	0x1000000020000000UL
#define GUEST_RO	0x1000000030000000UL
#define GUEST_WO	0x1000000040000000UL
#define GUEST_RING	0x1000000050000000UL
#define GUEST_PAGES	16

/* A reason for rejecting a chain, in a table of cases where 0 means a valid one. */
#define BAD(reason)	(MVS_REASON_ ## reason + 1)

#define GPA_HIGH	(4 * PAGE_SIZE)
#define GPA_HOLE	(6 * PAGE_SIZE)
#define GPA_RO		(16 * PAGE_SIZE)
#define GPA_WO		(17 * PAGE_SIZE)

/* access_ok() takes any address where the kernel is in an address space of its own (s390x). */
#define GUEST_ANY_UADDR_OK	IS_ENABLED(CONFIG_ALTERNATE_USER_ADDRESS_SPACE)

struct guest {
	struct mvs_mem gm;
	struct mvs_chain chain;
	unsigned long uaddr[GUEST_PAGES];
	struct page *page[GUEST_PAGES];
	unsigned int n;
};

struct guest *guest_create(struct kunit *test);
void *guest_uaddr(struct guest *guest, u64 uaddr);
void guest_lose_page(struct guest *guest, u64 uaddr);
void guest_find_page(struct kunit *test, struct guest *guest, u64 uaddr);
void *guest_gpa(struct guest *guest, u64 gpa);
int guest_chain_add(struct guest *guest, u64 gpa, u32 len, bool write);
void guest_fill(struct guest *guest, u64 gpa, u8 first, u32 len);
void guest_expect(struct kunit *test, struct guest *guest, u64 gpa, u8 first,
		  u32 len);
unsigned long guest_vmm_map(struct kunit *test, unsigned long addr,
			    unsigned long prot);
void guest_vmm_exit(void);
struct guest *guest_create_attached(struct kunit *test);

#endif /* _MVSOCK_KUNIT_GUEST_H */
