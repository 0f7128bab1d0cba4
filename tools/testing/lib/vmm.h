/* SPDX-License-Identifier: GPL-2.0 */
/* Sequences of VMMs that the device tests share with others. */
#ifndef MVS_RING_VMM_H
#define MVS_RING_VMM_H

enum vmm_kind { STRATOVIRT, ALIOTH };

/* A VMM that offers its guest all features of the device, and starts at base 0: its guest, with the
 * @n-th CID of this test, must have working connections. Ends the running test on failure.
 */
void vmm_offers_all(enum vmm_kind kind, unsigned int n);

#endif
