/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MVSOCKCTL_POLICY_H
#define MVSOCKCTL_POLICY_H

/* The number of rules in /etc/mvsock.d; negative if they are wrong, which it says. */
int rules_in_files(void);

#endif
