/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rules for connections between guests and the host, as a line of text:
 *
 *	allow|deny to-guest|to-host [cid N] [port N[-N]] [uid USER] [cgroup PATH]
 */
#ifndef MVSOCKCTL_RULE_H
#define MVSOCKCTL_RULE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RULE_FILES "/etc/mvsock.d/*.rules"

/* A rule; 0 is any CID, any cgroup. */
struct rule {
	bool to_host;
	bool allow;
	bool has_uid;
	uint32_t cid;
	uint32_t port_min;
	uint32_t port_max;
	uint32_t uid;
	unsigned long long cgroup;
};

/**
 * rule_parse() - parse a line
 * @line: the line, which is changed
 * @rule: set to its rule
 *
 * On failure says what is wrong.
 *
 * Return: 1; 0 if the line has no rule; -1 if it is wrong.
 */
int rule_parse(char *line, struct rule *rule);

/* Print a rule, so that rule_parse() can parse it. */
void rule_print(FILE *f, const struct rule *rule);

#endif
