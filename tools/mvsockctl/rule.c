// SPDX-License-Identifier: GPL-2.0
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "mvsockctl.h"
#include "number.h"
#include "rule.h"

#define BLANKS " \t\r\n"

static bool parse_direction(const char *word, struct rule *rule)
{
	rule->to_host = !strcmp(word, "to-host");
	return rule->to_host || !strcmp(word, "to-guest");
}

static bool parse_guest(const char *word, struct rule *rule)
{
	return parse_cid(word, &rule->cid);
}

/* One port, or the first and the last one. */
static bool parse_ports(const char *word, struct rule *rule)
{
	const char *end = word + strlen(word), *dash = strchr(word, '-');

	if (!dash)
		return parse_u32(word, end, &rule->port_min) &&
		       parse_u32(word, end, &rule->port_max);
	return parse_u32(word, dash, &rule->port_min) &&
	       parse_u32(dash + 1, end, &rule->port_max) &&
	       rule->port_min <= rule->port_max;
}

static bool parse_user(const char *word, struct rule *rule)
{
	const struct passwd *user;

	rule->has_uid = true;
	if (parse_u32(word, word + strlen(word), &rule->uid))
		return rule->uid != UINT32_MAX;
	user = getpwnam(word);
	if (user)
		rule->uid = user->pw_uid;
	return user;
}

/* One that does not exist yet is no mistake, as at boot: its rule matches nothing. */
static bool parse_cgroup(const char *word, struct rule *rule)
{
	rule->cgroup = cgroup_number(word);
	if (!rule->cgroup && *word == '/') {
		fprintf(stderr, "mvsockctl: there is no cgroup '%s': its rule matches nothing\n",
			word);
		rule->cgroup = CGROUP_NONE;
	}
	return rule->cgroup;
}

static const struct part {
	const char *key;
	bool (*parse)(const char *word, struct rule *rule);
	const char *what;
	bool of_program;
} parts[] = {
	{ "cid", parse_guest, "is no guest's CID", false },
	{ "port", parse_ports, "is neither a port nor a range FIRST-LAST", false },
	{ "uid", parse_user, "is not a known user", true },
	{ "cgroup", parse_cgroup, "is neither the path of a cgroup nor its number", true },
};

static int wrong(const char *word, const char *what)
{
	fprintf(stderr, "mvsockctl: '%s' %s\n", word ? word : "", what);
	return -1;
}

/* One of the parts, whose value is the next word. Returns 1 or -1. */
static int parse_part(const char *key, const char *value, struct rule *rule,
		      unsigned int *given)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strcmp(key, parts[i].key))
			continue;
		if (*given & 1U << i)
			return wrong(key, "may be given once: write a rule for each value");
		*given |= 1U << i;
		if (!value || !parts[i].parse(value, rule))
			return wrong(value, parts[i].what);
		if (rule->to_host && parts[i].of_program)
			return wrong(key, "is not for to-host: a guest's programs are unknown");
		return 1;
	}
	return wrong(key, "is not one of cid, port, uid, cgroup, each of which takes one value");
}

int rule_parse(char *line, struct rule *rule)
{
	unsigned int given = 0;
	char *word, *rest;
	int ret = 1;

	memset(rule, 0, sizeof(*rule));
	rule->port_max = UINT32_MAX;
	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, BLANKS, &rest);
	if (!word)
		return 0;
	rule->allow = !strcmp(word, "allow");
	if (!rule->allow && strcmp(word, "deny"))
		return wrong(word, "is neither allow nor deny");
	word = strtok_r(NULL, BLANKS, &rest);
	if (!word || !parse_direction(word, rule))
		return wrong(word, "is neither to-guest nor to-host");
	while (ret == 1 && (word = strtok_r(NULL, BLANKS, &rest)))
		ret = parse_part(word, strtok_r(NULL, BLANKS, &rest), rule,
				 &given);
	return ret;
}

static void print_ports(FILE *f, const struct rule *rule)
{
	if (!rule->port_min && rule->port_max == UINT32_MAX)
		return;
	fprintf(f, " port %u", rule->port_min);
	if (rule->port_min != rule->port_max)
		fprintf(f, "-%u", rule->port_max);
}

static void print_cgroup(FILE *f, unsigned long long number)
{
	char *path = number == CGROUP_NONE ? NULL : cgroup_path(number);

	if (number == CGROUP_NONE)
		fputs(" cgroup none", f);
	else if (path)
		fprintf(f, " cgroup %s", path);
	else
		fprintf(f, " cgroup %llu", number);
	free(path);
}

void rule_print(FILE *f, const struct rule *rule)
{
	fprintf(f, "%s %s", rule->allow ? "allow" : "deny",
		rule->to_host ? "to-host" : "to-guest");
	if (rule->cid)
		fprintf(f, " cid %u", rule->cid);
	print_ports(f, rule);
	if (rule->has_uid)
		fprintf(f, " uid %u", rule->uid);
	if (rule->cgroup)
		print_cgroup(f, rule->cgroup);
	fputc('\n', f);
}
