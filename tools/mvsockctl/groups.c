// SPDX-License-Identifier: GPL-2.0
/*
 * mvsockctl group: the groups of guests that may talk to one another.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "mvsockctl.h"
#include "netlink.h"
#include "number.h"

#define FILES "/etc/mvsock.d/*.conf"
#define BLANKS " \t\r\n"

static void print_member(uint32_t cid, const char *name, void *arg)
{
	(void)arg;
	printf("%10u ", cid);
	print_word(name, 0);
	putchar('\n');
}

static int show(void)
{
	printf("%10s %s\n", "CID", "GROUP");
	return groups_load(print_member, NULL) ? EXIT_WRONG : EXIT_FINE;
}

#define NUMBER(f, name) ((f)->number[MVSOCK_A_FLOW_ ## name])

static void print_flow(const struct flow *flow, void *arg)
{
	fprintf(arg, "%10llu %10llu %10llu %10llu %-9s %-10s %8.1f\n",
		NUMBER(flow, CID), NUMBER(flow, PORT), NUMBER(flow, PEER_CID),
		NUMBER(flow, PEER_PORT), connection_type(NUMBER(flow, TYPE)),
		flow->answered ? "answered" : "connecting",
		NUMBER(flow, AGE) / 1000.0);
}

static void print_flow_json(const struct flow *flow, void *arg)
{
	fprintf(arg, "%s{\"cid\": %llu, \"port\": %llu, ",
		ftell(arg) ? ",\n " : "", NUMBER(flow, CID), NUMBER(flow, PORT));
	fprintf(arg, "\"peer_cid\": %llu, \"peer_port\": %llu, ",
		NUMBER(flow, PEER_CID), NUMBER(flow, PEER_PORT));
	fprintf(arg, "\"type\": \"%s\", \"answered\": %s, \"age_ms\": %llu}",
		connection_type(NUMBER(flow, TYPE)), flow->answered ? "true" : "false",
		NUMBER(flow, AGE));
}

static void print_flows(bool json, const char *text)
{
	if (json)
		printf("[%s]\n", text);
	else
		printf("%10s %10s %10s %10s %-9s %-10s %8s\n%s", "FROM-CID", "PORT",
		       "TO-CID", "PORT", "TYPE", "STATE", "AGE", text);
}

/* All or nothing. */
static int list_flows(int argc, char **argv)
{
	bool json = argc;
	size_t size;
	char *text;
	FILE *f;
	int ret;

	if (argc && (argc > 1 || strcmp(*argv, "--json")))
		return usage_error("group connections takes --json, not", *argv);
	f = open_memstream(&text, &size);
	ret = flows_load(json ? print_flow_json : print_flow, f);
	fclose(f);
	if (!ret)
		print_flows(json, text);
	free(text);
	return ret ? EXIT_WRONG : EXIT_FINE;
}

/* Guests may be in the group already, or not any more. */
static bool is_done(bool add, int error)
{
	return !error || error == (add ? -EEXIST : -ENOENT);
}

static int change(bool add, int argc, char **argv)
{
	int i, ret = EXIT_FINE;
	uint32_t cid;

	if (argc < 2)
		return usage_error("group takes a name and CIDs after",
				   add ? "add" : "del");
	for (i = 1; i < argc; i++)
		if (!parse_cid(argv[i], &cid))
			return usage_error("this is no guest's CID", argv[i]);
	for (i = 1; i < argc && ret == EXIT_FINE; i++) {
		parse_cid(argv[i], &cid);
		if (!is_done(add, group_change(add, cid, argv[0])))
			ret = EXIT_WRONG;
	}
	return ret;
}

/* --- files ------------------------------------------------------------------ */

/* A line: a group and its CIDs. */
static bool apply_line(char *line)
{
	char *name, *word, *rest;
	uint32_t cid;

	line[strcspn(line, "#")] = '\0';
	name = strtok_r(line, BLANKS, &rest);
	while (name && (word = strtok_r(NULL, BLANKS, &rest))) {
		if (!parse_cid(word, &cid)) {
			fprintf(stderr, "mvsockctl: '%s' is no guest's CID\n", word);
			return false;
		}
		if (!is_done(true, group_change(true, cid, name)))
			return false;
	}
	return true;
}

static int apply_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	int number = 0;
	bool ok = true;

	if (!f) {
		fprintf(stderr, "mvsockctl: %s: %s\n", path, strerror(errno));
		return EXIT_WRONG;
	}
	while (ok && getline(&line, &size, f) > 0) {
		number++;
		ok = apply_line(line);
	}
	if (!ok)
		fprintf(stderr, "  line %d of %s; the lines after it were not applied\n",
			number, path);
	free(line);
	fclose(f);
	return ok ? EXIT_FINE : EXIT_WRONG;
}

static int apply_all(void)
{
	int ret = EXIT_FINE;
	glob_t files;
	size_t i;

	if (glob(FILES, 0, NULL, &files))
		return EXIT_FINE;
	for (i = 0; i < files.gl_pathc; i++)
		if (apply_file(files.gl_pathv[i]))
			ret = EXIT_WRONG;
	globfree(&files);
	return ret;
}

static int apply(int argc, char **argv)
{
	int i, ret = EXIT_FINE;

	if (!argc)
		return apply_all();
	for (i = 0; i < argc; i++)
		if (apply_file(argv[i]))
			ret = EXIT_WRONG;
	return ret;
}

int cmd_group(int argc, char **argv)
{
	const char *what = argc ? argv[0] : "";

	if (!strcmp(what, "show"))
		return argc == 1 ? show() :
				   usage_error("group show takes no argument", argv[1]);
	if (!strcmp(what, "add") || !strcmp(what, "del"))
		return change(*what == 'a', argc - 1, argv + 1);
	if (!strcmp(what, "connections"))
		return list_flows(argc - 1, argv + 1);
	if (!strcmp(what, "load"))
		return apply(argc - 1, argv + 1);
	return usage_error("group takes show, add, del, load or connections, not", what);
}
