/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of QEMU's interface for TCG plugins (version 1) that plugin.c uses; Debian does not
 * package its header.
 */
#ifndef MVS_BENCH_PLUGIN_H
#define MVS_BENCH_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t plugin_id;

struct qemu_plugin_tb;
struct qemu_plugin_insn;

/* Whether a callback accesses registers; in this version it can't. */
enum plugin_regs {
	PLUGIN_NO_REGS,
};

/* QEMU 7.2 takes a request for reads alone for one for writes. */
enum plugin_access {
	PLUGIN_ACCESS = 3,
};

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*cb)(plugin_id id,
						      struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int cpu,
						     void *data),
					  enum plugin_regs regs, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      void (*cb)(unsigned int cpu,
						 uint32_t info, uint64_t addr,
						 void *data),
				      enum plugin_regs regs,
				      enum plugin_access access, void *data);
bool qemu_plugin_mem_is_store(uint32_t info);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);

/* The symbols that QEMU looks up in a plugin. */
extern int qemu_plugin_version;
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

#endif
