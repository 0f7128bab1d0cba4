// SPDX-License-Identifier: GPL-2.0
/* Steps of the host: sockets in a sockmap, whose program handles received data. */
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpf.h>

#include "sockets.h"

static int map = -1;

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(__NR_bpf, cmd, attr, sizeof(*attr));
}

static int new_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = sizeof(__u32),
		.value_size = sizeof(__u32),
		.max_entries = 2,
	};
	int fd = bpf(BPF_MAP_CREATE, &attr);

	if (fd < 0)
		give_up("BPF_MAP_CREATE: %m");
	return fd;
}

#define INSN(c, d, s, i) \
	{ .code = (c), .dst_reg = (d), .src_reg = (s), .imm = (i) }

/* return SK_PASS; or: return bpf_sk_redirect_map(skb, map, 1, 0); */
static int new_program(bool redirect)
{
	const struct bpf_insn pass[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, SK_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0),
	};
	const struct bpf_insn to_next[] = {
		INSN(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_MAP_FD, map),
		INSN(0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 1),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, BPF_FUNC_sk_redirect_map),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SK_SKB,
		.insns = (unsigned long)(redirect ? to_next : pass),
		.insn_cnt = redirect ? ARRAY_SIZE(to_next) : ARRAY_SIZE(pass),
		.license = (unsigned long)"GPL",
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		give_up("BPF_PROG_LOAD: %m");
	return fd;
}

static void say_insert(struct step *s, __u32 key, const struct end *e)
{
	__u32 fd = e->fd;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (unsigned long)&key,
		.value = (unsigned long)&fd,
	};
	long r = bpf(BPF_MAP_UPDATE_ELEM, &attr);

	say_result(s, r < 0 ? -errno : r);
}

/* sockmap [redirect]: received data of the socket go through a program, which passes them, or
 * redirects them to be sent by the connection t.
 */
static void act_sockmap(struct scene *p, struct step *s)
{
	bool redirect = has_arg(s, "redirect");
	union bpf_attr attr = { 0 };

	map = new_map();
	attr.target_fd = map;
	attr.attach_bpf_fd = new_program(redirect);
	attr.attach_type = BPF_SK_SKB_VERDICT;
	if (bpf(BPF_PROG_ATTACH, &attr))
		give_up("BPF_PROG_ATTACH: %m");
	say_insert(s, 0, end_of(p, s));
	if (!redirect)
		return;
	say(s, " ");
	say_insert(s, 1, &p->end['t' - 'a']);
}

/* unmaps: remove the socket from the sockmap. */
static void act_unmaps(struct scene *p, struct step *s)
{
	__u32 key = 0;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (unsigned long)&key,
	};
	long r = bpf(BPF_MAP_DELETE_ELEM, &attr);

	(void)p;
	say_result(s, r < 0 ? -errno : r);
}

const struct verb sockmap_verbs[] = {
	{ "sockmap", act_sockmap },
	{ "unmaps", act_unmaps },
	{ }
};
