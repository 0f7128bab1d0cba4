// SPDX-License-Identifier: GPL-2.0
/*
 * The KUnit suites of mvsock; they run when the module is loaded.
 */
#include <linux/module.h>

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of mvsock");
/* MODULE_IMPORT_NS() takes a name up to Linux 6.12, and a string since then. */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
