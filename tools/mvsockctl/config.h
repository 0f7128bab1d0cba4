/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MVSOCKCTL_CONFIG_H
#define MVSOCKCTL_CONFIG_H

#include <stdio.h>

/**
 * config_value() - look an option up in a kernel's configuration
 * @f: the configuration, as text
 * @option: the option, including CONFIG_
 *
 * Return: 'y', 'm', or 'n'.
 */
char config_value(FILE *f, const char *option);

#endif
