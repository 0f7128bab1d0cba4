/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of mvsockctl, and their exit statuses. */
#ifndef MVSOCKCTL_H
#define MVSOCKCTL_H

#define EXIT_FINE	0
#define EXIT_WRONG	1
#define EXIT_USAGE	2

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* All return an exit status; @argv has the command's own arguments. */
int cmd_list(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_connections(int argc, char **argv);
int cmd_reset(int argc, char **argv);
int cmd_group(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/* Prints what is wrong with the arguments, and returns EXIT_USAGE. */
int usage_error(const char *what, const char *argument);

#endif
