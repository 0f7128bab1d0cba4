/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MVSOCK_REASON_H
#define _MVSOCK_REASON_H

/**
 * enum mvs_reason - why a chain was given back to the driver unused
 * @MVS_REASON_TOO_LONG: more descriptors than a chain may have, or a loop
 * @MVS_REASON_BAD_NEXT: the next field points outside of the descriptor table
 * @MVS_REASON_BAD_INDIRECT: an indirect table that the specification forbids:
 *	its length is zero or no multiple of a descriptor, it is nested, it comes
 *	with NEXT, or the feature was not negotiated
 * @MVS_REASON_BAD_ADDRESS: memory that the guest does not have, or may not
 *	access in this way, or an address that wraps
 * @MVS_REASON_BAD_DIRECTION: a device-readable descriptor after a
 *	device-writable one, a writable one in TX, a readable one in RX
 * @MVS_REASON_TOO_SHORT: no room for a header, or in RX for any payload
 * @MVS_REASON_BAD_LEN: hdr.len is more than the chain holds, or than a packet
 *	may hold
 * @MVS_REASON_BAD_CID: not from this guest's CID
 * @MVS_REASONS: number of reasons
 */
enum mvs_reason {
	MVS_REASON_TOO_LONG,
	MVS_REASON_BAD_NEXT,
	MVS_REASON_BAD_INDIRECT,
	MVS_REASON_BAD_ADDRESS,
	MVS_REASON_BAD_DIRECTION,
	MVS_REASON_TOO_SHORT,
	MVS_REASON_BAD_LEN,
	MVS_REASON_BAD_CID,
	MVS_REASONS
};

/* Their names in fdinfo and traces. */
extern const char *const mvs_reason_names[MVS_REASONS];

#endif /* _MVSOCK_REASON_H */
