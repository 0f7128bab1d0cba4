// SPDX-License-Identifier: GPL-2.0
#include "compare.h"
#include "parity.h"

/* Intended differences of mvsock. */
static struct difference differences[] = {
	{ "SET_MEM_TABLE REGIONS_65", "E2BIG, *", "0, *",
	  "as many regions as KVM may have slots" },
	{ "SET_MEM_TABLE REGIONS_509", "E2BIG, *", "0, *",
	  "as many regions as KVM may have slots" },
	{ "SET_MEM_TABLE ALL_SPACE", "0, *", "EFAULT, *",
	  "an empty region is not the whole address space" },
	{ "RESET_OWNER, NULL", "EFAULT, *", "0, base EPERM, *",
	  "a VMM can give its device up, as with vhost-net" },
	{ "RESET_OWNER, 0", "ENOTTY, *", "0, base EPERM, *",
	  "a VMM can give its device up, as with vhost-net" },
	{ "?ET_VRING_ENDIAN*", "EFAULT, *", "ENOTTY, *",
	  "an ioctl that is not there has no argument to look into" },
	{ "?ET_VRING_ENDIAN*", "ENOBUFS, *", "ENOTTY, *",
	  "an ioctl that is not there has no argument to look into" },
	{ "unknown: *", "EFAULT, *", "ENOTTY, *",
	  "an ioctl that is not there has no argument to look into" },
	{ "unknown: *", "ENOBUFS, *", "ENOTTY, *",
	  "an ioctl that is not there has no argument to look into" },
};

static const char *call_name(unsigned int i)
{
	return parity_calls[i].name;
}

int parity_compare(const char *vhost_vsock, const char *mvsock)
{
	const struct compare c = {
		.n = parity_ncalls,
		.states = parity_nstates,
		.name = call_name,
		.differences = differences,
		.ndifferences = ARRAY_SIZE(differences),
	};

	return compare(&c, vhost_vsock, mvsock);
}
