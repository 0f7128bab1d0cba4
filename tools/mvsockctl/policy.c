// SPDX-License-Identifier: GPL-2.0
/*
 * mvsockctl policy: the rules for connections between guests and the host.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mvsockctl.h"
#include "netlink.h"
#include "policy.h"
#include "rule.h"

static void print_rule(const struct rule *rule, void *arg) { rule_print(arg, rule); }

/* All or nothing, as it may be set again. */
static int show(void)
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);
	int ret = rules_load(print_rule, f);

	fclose(f);
	if (!ret)
		fputs(text, stdout);
	free(text);
	return ret ? EXIT_WRONG : EXIT_FINE;
}

/* --- files ------------------------------------------------------------------ */

/* The rules of all files, in their order. */
struct rules {
	struct rule rule[RULES_MAX];
	unsigned int count;
};

static bool add_line(struct rules *rules, char *line)
{
	struct rule rule;
	int ret = rule_parse(line, &rule);

	if (ret <= 0)
		return !ret;
	if (rules->count == RULES_MAX) {
		fprintf(stderr, "mvsockctl: there are more than %u rules\n",
			RULES_MAX);
		return false;
	}
	rules->rule[rules->count++] = rule;
	return true;
}

static bool cannot_read(const char *path)
{
	fprintf(stderr, "mvsockctl: %s: %s; nothing was changed\n", path,
		strerror(errno));
	return false;
}

static bool add_lines(struct rules *rules, FILE *f, const char *path)
{
	char *line = NULL;
	size_t size = 0;
	int number = 0;
	bool ok = true;
	ssize_t len;

	while (ok && (len = getline(&line, &size, f)) > 0) {
		number++;
		ok = strlen(line) == (size_t)len;
		if (!ok)
			fputs("mvsockctl: there is a byte 0\n", stderr);
		ok = ok && add_line(rules, line);
	}
	free(line);
	if (!ok)
		fprintf(stderr, "  line %d of %s; nothing was changed\n", number, path);
	/* A part of the rules may allow what the rest denies. */
	if (ferror(f))
		return cannot_read(path);
	return ok;
}

static bool add_file(struct rules *rules, const char *path)
{
	bool input = !strcmp(path, "-"), ok;
	FILE *f = input ? stdin : fopen(path, "r");

	if (!f)
		return cannot_read(path);
	ok = add_lines(rules, f, input ? "the input" : path);
	if (!input)
		fclose(f);
	return ok;
}

/* The rules of the files, to be freed; NULL on failure, of which it tells. */
static struct rules *read_files(int argc, char **argv)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	bool ok = rules;
	int i;

	if (!rules)
		fputs("mvsockctl: out of memory; nothing was changed\n", stderr);
	for (i = 0; ok && i < argc; i++)
		ok = add_file(rules, argv[i]);
	if (ok)
		return rules;
	free(rules);
	return NULL;
}

/* All rules are replaced at once, or none. */
static int set(struct rules *rules)
{
	bool ok = rules && !rules_set(rules->rule, rules->count);

	free(rules);
	return ok ? EXIT_FINE : EXIT_WRONG;
}

/* glob() ends if this is not 0. */
static int cannot_list(const char *path, int error)
{
	if (error == ENOENT)
		return 0;
	errno = error;
	return !cannot_read(path);
}

/* As read_files(), of the files in /etc. */
static struct rules *read_all(void)
{
	struct rules *rules = NULL;
	glob_t files;
	int ret;

	ret = glob(RULE_FILES, 0, cannot_list, &files);
	if (ret == GLOB_NOMATCH)
		return read_files(0, NULL);
	if (ret)
		return NULL;
	rules = read_files(files.gl_pathc, files.gl_pathv);
	globfree(&files);
	return rules;
}

int rules_in_files(void)
{
	struct rules *rules = read_all();
	int count = rules ? (int)rules->count : -1;

	free(rules);
	return count;
}

int cmd_policy(int argc, char **argv)
{
	const char *what = argc ? argv[0] : "";

	if (!strcmp(what, "show"))
		return argc == 1 ? show() :
				   usage_error("policy show takes no argument", argv[1]);
	if (!strcmp(what, "set"))
		return set(argc > 1 ? read_files(argc - 1, argv + 1) : read_all());
	return usage_error("policy takes show or set, not", what);
}
