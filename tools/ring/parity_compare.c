// SPDX-License-Identifier: GPL-2.0
#include <fnmatch.h>
#include <stdio.h>

#include "parity.h"
#include "tap.h"

/* What mvsock does otherwise on purpose; all are patterns. Each must be seen. */
struct difference {
	const char *call;
	const char *vhost_vsock;
	const char *mvsock;
	const char *why;
	bool seen;
};

static struct difference differences[] = {
	{ "GET_FEATURES, what it reads", "33d000002, *", "f3d000007, *",
	  "packed virtqueues, IN_ORDER, STREAM, NO_IMPLIED_STREAM" },
	{ "SET_FEATURES 0x400000000", "EOPNOTSUPP, *", "0, *",
	  "packed virtqueues" },
	{ "SET_FEATURES 0x800000000", "EOPNOTSUPP, *", "0, *", "IN_ORDER" },
	{ "SET_FEATURES 0x1", "EOPNOTSUPP, *", "0, *", "STREAM" },
	{ "SET_FEATURES 0x4", "EOPNOTSUPP, *", "0, *", "NO_IMPLIED_STREAM" },
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

/* One line of each output, cut up. */
struct line {
	char *call;
	char *state;
	char *outcome;
	char text[256];
};

static bool read_line(FILE *f, struct line *l)
{
	if (!fgets(l->text, sizeof(l->text), f))
		return false;
	l->call = strtok(l->text, "\t\n");
	l->state = strtok(NULL, "\t\n");
	l->outcome = strtok(NULL, "\t\n");
	return l->outcome;
}

/* What follows the first comma is the same: the state of the device. */
static bool same_state(const struct line *a, const struct line *b)
{
	const char *s = strchr(a->outcome, ','), *t = strchr(b->outcome, ',');

	return s && t && !strcmp(s, t);
}

static bool is_meant(const struct line *a, const struct line *b)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		struct difference *d = &differences[i];

		if (fnmatch(d->call, a->call, 0) ||
		    fnmatch(d->vhost_vsock, a->outcome, 0) ||
		    fnmatch(d->mvsock, b->outcome, 0))
			continue;
		/* Unless the state is named, only the answer may differ. */
		if (!strcmp(strchr(d->mvsock, ','), ", *") && !same_state(a, b))
			continue;
		d->seen = true;
		return true;
	}
	return false;
}

static unsigned int ntests;

static bool result(bool good, const char *what, const char *name,
		   const char *why)
{
	printf("%sok %u - %s %s%s%s\n", good ? "" : "not ", ++ntests, what,
	       name, why ? ": " : "", why ?: "");
	return good;
}

/* Both outputs, line by line; the calls of which a state differed. */
static unsigned int compare_lines(FILE *fa, FILE *fb)
{
	unsigned int i, j, bad = 0;
	struct line a, b;

	for (i = 0; i < parity_ncalls; i++) {
		const char *name = parity_calls[i].name;
		bool good = true;

		for (j = 0; j < parity_nstates; j++) {
			if (!read_line(fa, &a) || !read_line(fb, &b) ||
			    strcmp(a.call, name) || strcmp(b.call, name)) {
				tap_note("a line is missing");
				good = false;
			} else if (strcmp(a.outcome, b.outcome) &&
				   !is_meant(&a, &b)) {
				tap_note("%s: vhost_vsock %s", a.state,
					 a.outcome);
				tap_note("%s: mvsock      %s", a.state,
					 b.outcome);
				good = false;
			}
		}
		bad += !result(good, "same:", name, NULL);
	}
	return bad;
}

int parity_compare(const char *vhost_vsock, const char *mvsock)
{
	FILE *a = fopen(vhost_vsock, "r"), *b = fopen(mvsock, "r");
	unsigned int i, bad;

	if (!a || !b) {
		printf("Bail out! %s\n", strerror(errno));
		return 1;
	}
	printf("TAP version 13\n1..%u\n",
	       parity_ncalls + (unsigned int)ARRAY_SIZE(differences));
	bad = compare_lines(a, b);
	for (i = 0; i < ARRAY_SIZE(differences); i++) {
		const struct difference *d = &differences[i];

		bad += !result(d->seen, "differs as it should:", d->call,
			       d->why);
	}
	printf("# %u of %u failed\n", bad, ntests);
	return bad ? 1 : 0;
}
