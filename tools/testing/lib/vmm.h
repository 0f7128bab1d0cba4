/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMMs' sequences that the tests of the device share with others.
 */
#ifndef MVS_RING_VMM_H
#define MVS_RING_VMM_H

enum vmm_kind { STRATOVIRT, ALIOTH };

/* A VMM that offers its guest all that the device offers, and begins at base 0: its
 * guest, with the @n-th CID of this test, has connections that work. Ends the running
 * test on failure.
 */
void vmm_offers_all(enum vmm_kind kind, unsigned int n);

#endif
