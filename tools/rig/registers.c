// SPDX-License-Identifier: GPL-2.0
/*
 * The floating-point state of a program, all of the components that XSAVE supports:
 *
 *	registers size	print the size in bytes of the processor's state
 *	registers keep	two processes fill all of it with patterns of their own, yield the CPU
 *			to each other, and check it afterwards; prints TAP
 *
 * User-mode Linux saves and restores that state for its programs. Components for which the host's
 * permission is needed (AMX) are omitted where it can't be requested.
 */
#include <cpuid.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 200
#define LEGACY_SIZE 512
#define HEADER_SIZE 64
#define MXCSR_OFFSET 24
#define MXCSR_DEFAULT 0x1f80
#define ST0_OFFSET 32
#define XMM0_OFFSET 160
#define FCW_DEFAULT 0x37f

enum { X87, SSE, AVX, OPMASK = 5, ZMM_HI256, HI16_ZMM, TILECFG = 17, TILEDATA };

#define ARCH_REQ_XCOMP_PERM 0x1023

static const struct component {
	const char *name;
	int bit;
} components[] = {
	{ "x87", X87 },
	{ "SSE", SSE },
	{ "AVX", AVX },
	{ "AVX-512 masks", OPMASK },
	{ "AVX-512 upper halves", ZMM_HI256 },
	{ "AVX-512 upper registers", HI16_ZMM },
	{ "AMX configuration", TILECFG },
	{ "AMX tiles", TILEDATA },
};

#define COMPONENTS (sizeof(components) / sizeof(*components))

/* The enabled components, without AMX where the kernel does not provide it. */
static uint64_t usable(void)
{
	uint32_t low, high;
	uint64_t mask = 0;
	size_t i;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	for (i = 0; i < COMPONENTS; i++)
		mask |= 1ULL << components[i].bit;
	mask &= (uint64_t)high << 32 | low;
	if (mask & 1ULL << TILEDATA && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILEDATA))
		mask &= ~(1ULL << TILECFG | 1ULL << TILEDATA);
	return mask;
}

/* Size in bytes of the enabled state, as XSAVE writes it. */
static size_t area_size(void)
{
	unsigned int a, size, max, d;

	__cpuid_count(0xd, 0, a, size, max, d);
	return size;
}

/* Offset of a component in the area, and its size. */
static void place(int bit, size_t *offset, size_t *size)
{
	unsigned int a, b, c, d;

	if (bit == X87) {
		*offset = ST0_OFFSET;
		*size = 8 * 16;
	} else if (bit == SSE) {
		*offset = XMM0_OFFSET;
		*size = 16 * 16;
	} else {
		__cpuid_count(0xd, bit, a, b, c, d);
		*offset = b;
		*size = a;
	}
}

static void save(uint8_t *area, uint64_t mask)
{
	asm volatile("xsave64 (%0)" :: "r"(area), "a"((uint32_t)mask),
		     "d"((uint32_t)(mask >> 32)) : "memory");
}

static void restore(const uint8_t *area, uint64_t mask)
{
	asm volatile("xrstor64 (%0)" :: "r"(area), "a"((uint32_t)mask),
		     "d"((uint32_t)(mask >> 32)) : "memory");
}

/* Eight tiles of 16 rows with 64 bytes each: palette 1. */
static void fill_tilecfg(uint8_t *cfg)
{
	int i;

	cfg[0] = 1;
	for (i = 0; i < 8; i++) {
		cfg[16 + 2 * i] = 64;
		cfg[48 + i] = 16;
	}
}

/* Fill each component with a pattern of bytes that no other process uses. */
static void fill(uint8_t *area, uint64_t mask, uint8_t seed)
{
	uint16_t fcw = FCW_DEFAULT;
	uint32_t mxcsr = MXCSR_DEFAULT;
	size_t i, j, offset, size;

	memcpy(area, &fcw, sizeof(fcw));
	memcpy(area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
	memcpy(area + LEGACY_SIZE, &mask, sizeof(mask));
	for (i = 0; i < COMPONENTS; i++) {
		if (!(mask & 1ULL << components[i].bit))
			continue;
		place(components[i].bit, &offset, &size);
		if (components[i].bit == TILECFG) {
			fill_tilecfg(area + offset);
			continue;
		}
		for (j = 0; j < size; j++)
			/* An x87 register takes 10 of its 16 bytes. */
			if (components[i].bit != X87 || j % 16 < 10)
				area[offset + j] = seed + 7 * j + i;
	}
}

/*
 * Only system calls between restore() and save(), so that the compiler does not use the registers
 * under test. Returns a mask of the components that were not preserved.
 */
static uint64_t lost_in_turns(const uint8_t *wanted, uint8_t *got, uint64_t mask)
{
	uint64_t lost = 0;
	size_t i, offset, size;
	long r;

	restore(wanted, mask);
	asm volatile("syscall" : "=a"(r) : "0"((long)SYS_sched_yield) : "rcx", "r11", "memory");
	save(got, mask);
	for (i = 0; i < COMPONENTS; i++) {
		place(components[i].bit, &offset, &size);
		if (mask & 1ULL << components[i].bit && memcmp(wanted + offset, got + offset, size))
			lost |= 1ULL << components[i].bit;
	}
	return lost;
}

/* Exits with 0, or with 1 after printing the components that were not preserved. */
static void keep(uint64_t mask, uint8_t seed)
{
	size_t size = (area_size() + 63) / 64 * 64, i;
	uint8_t *wanted = aligned_alloc(64, size), *got = aligned_alloc(64, size);
	uint64_t lost = 0;
	int round;

	memset(wanted, 0, size);
	memset(got, 0, size);
	fill(wanted, mask, seed);
	for (round = 0; round < ROUNDS; round++)
		lost |= lost_in_turns(wanted, got, mask);
	for (i = 0; i < COMPONENTS; i++)
		if (lost & 1ULL << components[i].bit)
			printf("# lost: %s\n", components[i].name);
	fflush(stdout);
	_exit(!!lost);
}

static int keep_both(uint64_t mask)
{
	cpu_set_t one;
	int i, status, bad = 0;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (i = 0; i < 2; i++)
		if (!fork())
			keep(mask, 0x11 + 0x55 * i);
	for (i = 0; i < 2; i++)
		bad |= wait(&status) < 0 || status;
	return bad;
}

int main(int argc, char **argv)
{
	uint64_t mask;
	size_t i;
	int bad;

	if (argc == 2 && !strcmp(argv[1], "size")) {
		printf("%zu\n", area_size());
		return 0;
	}
	if (argc != 2 || strcmp(argv[1], "keep")) {
		fprintf(stderr, "usage: %s size|keep\n", argv[0]);
		return 2;
	}
	mask = usable();
	printf("1..1\n#");
	for (i = 0; i < COMPONENTS; i++)
		if (mask & 1ULL << components[i].bit)
			printf(" %s,", components[i].name);
	printf(" of %zu bytes\n", area_size());
	fflush(stdout);
	bad = keep_both(mask);
	printf("%s 1 - a program keeps its floating-point registers over context switches\n",
	       bad ? "not ok" : "ok");
	return bad;
}
