// SPDX-License-Identifier: GPL-2.0
/*
 * A TCG plugin for QEMU with one CPU: counts the executed instructions of each translated block by
 * thread, in sections of time that the guest marks.
 *
 *	-plugin FILE,out=FILE,switch=ADDR,mark=ADDR
 *
 * ADDR (hexadecimal) is the address of the kernel's __switch_to_asm, and of a function that is
 * called at the start and at the end of each section. Writes lines of "SECTION THREAD ADDR
 * INSTRUCTIONS".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

/* Maximum number of threads in a section; all further ones are counted as the last one. */
#define NUM_THREADS 64

struct block {
	struct block *next;
	uint64_t addr;
	unsigned int insns;
	uint64_t *n;		/* executions, by thread */
};

static FILE *out;
static uint64_t switch_addr, mark_addr;
static struct block *blocks;
static uint64_t threads[NUM_THREADS];
static uint64_t task;		/* address of the running thread's saved stack pointer */
static unsigned int thread;	/* its number */
static unsigned int section;
static bool counting, switching;

/* --- sections ------------------------------------------------------------- */

static void write_section(void)
{
	struct block *b;
	unsigned int i;

	for (b = blocks; b; b = b->next) {
		for (i = 0; b->n && i < NUM_THREADS; i++)
			if (b->n[i])
				fprintf(out, "%u %u %llx %llu\n", section, i,
					(unsigned long long)b->addr,
					(unsigned long long)b->n[i] * b->insns);
		free(b->n);
		b->n = NULL;
	}
	fflush(out);
}

static void number_thread(void)
{
	for (thread = 0; thread < NUM_THREADS - 1; thread++) {
		if (!threads[thread])
			threads[thread] = task;
		if (threads[thread] == task)
			return;
	}
}

static void mark(void)
{
	counting = !counting;
	if (!counting) {
		write_section();
		return;
	}
	section++;
	memset(threads, 0, sizeof(threads));
	number_thread();
}

/* --- callbacks ------------------------------------------------------------ */

static void count(unsigned int cpu, void *data)
{
	struct block *b = data;

	switching = b->addr == switch_addr;
	if (b->addr == mark_addr)
		mark();
	if (!counting)
		return;
	if (!b->n)
		b->n = calloc(NUM_THREADS, sizeof(*b->n));
	if (!b->n)
		abort();
	b->n[thread]++;
}

/* The first thing that __switch_to_asm() reads is the next thread's stack pointer, in its
 * task_struct.
 */
static void switch_reads(unsigned int cpu, uint32_t info, uint64_t addr,
			 void *data)
{
	if (!switching || qemu_plugin_mem_is_store(info))
		return;
	switching = false;
	task = addr;
	if (counting)
		number_thread();
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	struct block *b = calloc(1, sizeof(*b));
	size_t i;

	if (!b)
		abort();
	b->addr = qemu_plugin_tb_vaddr(tb);
	b->insns = qemu_plugin_tb_n_insns(tb);
	b->next = blocks;
	blocks = b;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count, PLUGIN_NO_REGS, b);
	if (b->addr != switch_addr)
		return;
	for (i = 0; i < b->insns; i++)
		qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i),
						 switch_reads, PLUGIN_NO_REGS,
						 PLUGIN_ACCESS, NULL);
}

/* The address in "NAME=ADDR". */
static uint64_t address(const char *arg)
{
	return strtoull(strchr(arg, '=') + 1, NULL, 16);
}

int qemu_plugin_version = 1;

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
		else if (!strncmp(argv[i], "switch=", 7))
			switch_addr = address(argv[i]);
		else if (!strncmp(argv[i], "mark=", 5))
			mark_addr = address(argv[i]);
	}
	if (!out || !switch_addr || !mark_addr)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
