// SPDX-License-Identifier: GPL-2.0
/* mvsockctl_test: unit tests of mvsockctl's parsing and output, in TAP. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "devices.h"
#include "explain.h"
#include "json.h"
#include "mvsockctl.h"
#include "rule.h"

static int number, failures;

static void check(bool ok, const char *name)
{
	failures += !ok;
	printf("%sok %d - %s\n", ok ? "" : "not ", ++number, name);
}

static int read_text(struct devices *ds, const char *text)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	int ret = devices_read(ds, f);

	fclose(f);
	return ret;
}

static void test_devices(void)
{
	static const char text[] =
		"cid new comm rejected_a rejected_b\n"
		"3 x a\\040\\134\\1 2 4294967296\n"
		"4294967294 y - 0 0\n";
	struct devices ds;

	check(!read_text(&ds, text) && ds.count == 2, "a table is read");
	check(!strcmp(device_text(&ds, &ds.device[0], "comm"), "a \\\\1"),
	      "a command is as the process has it");
	check(device_number(&ds, &ds.device[1], "cid") == 4294967294 &&
	      !device_number(&ds, &ds.device[1], "pid"),
	      "a column that is missing is 0");
	check(device_sum(&ds, &ds.device[0], "rejected_") == 4294967298,
	      "columns are added");
	devices_free(&ds);
	check(!read_text(&ds, "cid comm\n") && !ds.count, "a table may be empty");
	devices_free(&ds);
	check(read_text(&ds, "cid pid\n") < 0, "a table has to have its columns");
	check(read_text(&ds, "cid comm\n3\n") < 0, "a line has to be whole");
}

static void test_json(void)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "qemu", "\"qemu\"" },
		{ "a\"\\\n", "\"a\\\"\\\\\\u000a\"" },
		{ "\xc3\xa4\xf0\x9f\x90\xa7", "\"\xc3\xa4\xf0\x9f\x90\xa7\"" },
		{ "\377a\303", "\"\\ufffda\\ufffd\"" },
		{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
	};
	unsigned int i;
	size_t size;
	char *got;
	FILE *f;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		f = open_memstream(&got, &size);
		json_string(f, cases[i].text);
		fclose(f);
		check(!strcmp(got, cases[i].json), "a string becomes JSON");
		free(got);
	}
}

static void test_config(void)
{
	static const char text[] =
		"CONFIG_VSOCKETS_LOOPBACK=m\n"
		"# CONFIG_VSOCKETS is not set\n"
		"CONFIG_MMU_NOTIFIER=y\n";
	FILE *f = fmemopen((void *)text, strlen(text), "r");

	check(config_value(f, "CONFIG_MMU_NOTIFIER") == 'y', "an option is set");
	check(config_value(f, "CONFIG_VSOCKETS_LOOPBACK") == 'm',
	      "an option is a module");
	check(config_value(f, "CONFIG_VSOCKETS") == 'n', "an option is not set");
	fclose(f);
}

/* Check that each of @names has an explanation. */
static void test_explain(char **names, int n)
{
	const struct explanation *e;
	int i;

	for (i = 0; i < n; i++) {
		for (e = explanations; e->name && !explains(e, names[i]); e++)
			;
		check(e->name, names[i]);
	}
	check(explains(&explanations[0], "ebusy"), "case does not matter");
}

static int parse(const char *text, struct rule *rule)
{
	char line[128];

	snprintf(line, sizeof(line), "%s", text);
	return rule_parse(line, rule);
}

/* A rule is printed in the form that is parsed. */
static void test_rules(void)
{
	static const struct {
		const char *text, *again;
	} cases[] = {
		{ "allow to-guest", "allow to-guest\n" },
		{ " deny\tto-host cid 3 # no more", "deny to-host cid 3\n" },
		{ "deny to-guest port 22 cid 3 uid root",
		  "deny to-guest cid 3 port 22 uid 0\n" },
		{ "allow to-guest port 0-1023", "allow to-guest port 0-1023\n" },
		{ "allow to-guest port 0", "allow to-guest port 0\n" },
		{ "allow to-guest port 4294967295", "allow to-guest port 4294967295\n" },
		{ "allow to-guest port 1-4294967295",
		  "allow to-guest port 1-4294967295\n" },
		{ "allow to-guest cgroup 18446744073709551614",
		  "allow to-guest cgroup 18446744073709551614\n" },
		{ "allow to-guest cgroup /nowhere/at/all",
		  "allow to-guest cgroup none\n" },
		{ "deny to-guest cgroup none", "deny to-guest cgroup none\n" },
	};
	static const char *const wrong[] = {
		"allow", "to-guest allow", "allow to-guest cid", "allow to-guest cid 2",
		"allow to-guest port 2-1", "allow to-guest port 1-", "allow to-guest port -1",
		"allow to-guest port 4294967296", "allow to-guest uid nobody-has-this",
		"allow to-guest cgroup nowhere", "allow to-guest uid 4294967295",
		"allow to-guest cid 3 cid 4", "allow to-guest port 1 uid 0 port 2",
		"allow to-host uid 0", "allow to-host cgroup 1", "allow to-guest pid 1",
	};
	struct rule rule;
	unsigned int i;
	size_t size;
	char *got;
	FILE *f;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		f = open_memstream(&got, &size);
		if (parse(cases[i].text, &rule) == 1)
			rule_print(f, &rule);
		fclose(f);
		check(!strcmp(got, cases[i].again), cases[i].text);
		free(got);
	}
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		check(parse(wrong[i], &rule) == -1, wrong[i]);
	check(!parse("", &rule) && !parse(" # none\n", &rule),
	      "a line may have no rule");
}

/* The arguments are names that must have an explanation. */
int main(int argc, char **argv)
{
	test_devices();
	test_json();
	test_config();
	test_rules();
	test_explain(argv + 1, argc - 1);
	printf("1..%d\n", number);
	return failures ? EXIT_WRONG : EXIT_FINE;
}
