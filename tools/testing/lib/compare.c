// SPDX-License-Identifier: GPL-2.0
#include <fnmatch.h>
#include <stdio.h>

#include "compare.h"
#include "host.h"
#include "rows.h"
#include "tap.h"

/* One line of output, split into its fields. */
struct line {
	char *name;
	char *state;
	char *outcome;
	char text[ROW_OUTCOME + 256];
};

static bool read_line(FILE *f, struct line *l)
{
	if (!fgets(l->text, sizeof(l->text), f))
		return false;
	l->name = strtok(l->text, "\t\n");
	l->state = strtok(NULL, "\t\n");
	l->outcome = strtok(NULL, "\t\n");
	return l->outcome;
}

/* True if the text after the first comma is the same. */
static bool same_rest(const struct line *a, const struct line *b)
{
	const char *s = strchr(a->outcome, ','), *t = strchr(b->outcome, ',');

	return s && t && !strcmp(s, t);
}

static bool only_answer(const char *pattern)
{
	const char *comma = strchr(pattern, ',');

	return comma && !strcmp(comma, ", *");
}

/* Length of what a pattern's leading "*" stands for. */
static size_t head_len(const char *pattern, const char *outcome)
{
	return strlen(outcome) - strlen(pattern + 1);
}

static bool same_head(const struct difference *d, const char *a, const char *b)
{
	size_t len;

	if (*d->vhost_vsock != '*' || *d->mvsock != '*')
		return true;
	len = head_len(d->vhost_vsock, a);
	return len == head_len(d->mvsock, b) && !strncmp(a, b, len);
}

static bool applies(const struct difference *d)
{
	unsigned int kernel = host_linux();

	return kernel >= d->since && (!d->before || kernel < d->before);
}

static bool is_meant(const struct compare *c, const struct line *a,
		     const struct line *b)
{
	unsigned int i;

	for (i = 0; i < c->ndifferences; i++) {
		struct difference *d = &c->differences[i];

		if (!applies(d) || fnmatch(d->name, a->name, 0) ||
		    fnmatch(d->vhost_vsock, a->outcome, FNM_EXTMATCH) ||
		    fnmatch(d->mvsock, b->outcome, FNM_EXTMATCH))
			continue;
		if (only_answer(d->mvsock) && !same_rest(a, b))
			continue;
		if (!same_head(d, a->outcome, b->outcome))
			continue;
		d->seen = true;
		return true;
	}
	return false;
}

static bool may_be(const struct compare *c, const struct line *l)
{
	const char *const *p;

	for (p = c->never; p && *p; p++)
		if (!fnmatch(*p, l->outcome, 0))
			return false;
	return true;
}

static bool line_is_good(const struct compare *c, const struct line *a,
			 const struct line *b)
{
	if (may_be(c, a) && may_be(c, b) &&
	    (!strcmp(a->outcome, b->outcome) || is_meant(c, a, b)))
		return true;
	tap_note("%s: vhost_vsock %s", a->state, a->outcome);
	tap_note("%s: mvsock      %s", b->state, b->outcome);
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

/* Compare both outputs, line by line. Returns the number of names with a differing state. */
static unsigned int compare_lines(const struct compare *c, FILE *fa, FILE *fb)
{
	static struct line a, b;
	unsigned int i, j, bad = 0;

	for (i = 0; i < c->n; i++) {
		const char *name = c->name(i);
		bool good = true;

		for (j = 0; j < c->states; j++) {
			if (!read_line(fa, &a) || !read_line(fb, &b) ||
			    strcmp(a.name, name) || strcmp(b.name, name)) {
				tap_note("a line is missing");
				good = false;
			} else if (!line_is_good(c, &a, &b)) {
				good = false;
			}
		}
		bad += !result(good, "same:", name, NULL);
	}
	return bad;
}

/* Check that all expected differences were seen. Returns how many were not. */
static unsigned int compare_differences(const struct compare *c)
{
	unsigned int i, bad = 0;

	for (i = 0; i < c->ndifferences; i++) {
		const struct difference *d = &c->differences[i];

		if (applies(d))
			bad += !result(d->seen, "differs as it should:", d->name,
				       d->why);
	}
	return bad;
}

int compare(const struct compare *c, const char *vhost_vsock,
	    const char *mvsock)
{
	FILE *a = fopen(vhost_vsock, "r"), *b = fopen(mvsock, "r");
	unsigned int bad;

	if (!a || !b) {
		printf("Bail out! %s\n", strerror(errno));
		return 1;
	}
	puts("TAP version 13");
	bad = compare_lines(c, a, b);
	bad += compare_differences(c);
	printf("1..%u\n# %u of %u failed\n", ntests, bad, ntests);
	return bad ? 1 : 0;
}
