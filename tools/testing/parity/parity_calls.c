// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>

#include "parity.h"
#include "session.h"
#include "vmm.h"

#define N(x) { #x, x }

const struct parity_state parity_states[] = {
	{ "just opened", FRESH },
	{ "owned", OWNED },
	{ "with memory", MEMORY },
	{ "ready", READY },
	{ "running", RUNNING },
	{ "running, another process", RUNNING, .other = true },
	{ "stopped", RUNNING, .stopped = true },
};

const unsigned int parity_nstates = ARRAY_SIZE(parity_states);

struct parity_call *parity_calls;
unsigned int parity_ncalls;

struct number {
	const char *name;
	__u64 value;
};

struct parity_call *parity_add(const struct call *call, const char *fmt, ...)
{
	struct parity_call *c;
	va_list args;

	parity_calls = realloc(parity_calls,
			       (parity_ncalls + 1) * sizeof(*parity_calls));
	if (!parity_calls)
		abort();
	c = &parity_calls[parity_ncalls++];
	*c = (struct parity_call){ .call = *call };
	va_start(args, fmt);
	if (vasprintf(&c->name, fmt, args) < 0)
		abort();
	va_end(args);
	return c;
}

void parity_add_bad_pointers(const char *name, const struct call *call,
			     unsigned int size)
{
	struct call c = *call;

	c.cut = true;
	for (c.there = 0; c.there < size; c.there += size > 64 ? 8 : 4)
		parity_add(&c, "%s, %u of %u bytes", name, c.there, size);
	c.arg = NONE;
	parity_add(&c, "%s, NULL", name);
}

static void add_numbers(const char *name, unsigned long req, enum arg arg,
			const __u64 *values, unsigned int n)
{
	struct call c = { .req = req, .arg = arg };
	unsigned int i;

	for (i = 0; i < n; i++) {
		c.a = values[i];
		parity_add(&c, "%s 0x%llx", name, (unsigned long long)c.a);
	}
	c.a = values[0];
	parity_add_bad_pointers(name, &c, arg == U64 ? 8 : 1);
}

static void add_u64s(const char *name, unsigned long req,
		     const __u64 *values, unsigned int n)
{
	add_numbers(name, req, U64, values, n);
}

static __s64 features_read(const struct guest *g, __u64 req)
{
	__u64 features = 0;
	int err = dev_ioctl(&g->dev, req, &features);

	return err ? err : (__s64)features;
}

static __s64 busyloop_read(const struct guest *g, __u64 arg)
{
	struct vhost_vring_state s = { .index = 1, .num = 12345 };
	int err = dev_ioctl(&g->dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &s);

	(void)arg;
	s.num = 0;
	if (!err)
		err = dev_ioctl(&g->dev, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &s);
	return err ? err : (__s64)s.num;
}

static void add_special(const char *name,
			__s64 (*special)(const struct guest *g, __u64 arg),
			__u64 arg)
{
	struct call c = { .a = arg };

	parity_add(&c, "%s", name)->special = special;
}

static __s64 offers_all(const struct guest *g, __u64 kind)
{
	(void)g;
	vmm_offers_all(kind, 1);
	return 0;
}

static void add_features(void)
{
	static const __u64 features[] = {
		0, F_VERSION_1, F_NOTIFY_ON_EMPTY | F_ANY_LAYOUT | F_INDIRECT |
		F_EVENT_IDX | F_VERSION_1 | F_SEQPACKET, F_PACKED, F_IN_ORDER,
		BIT_ULL(0), BIT_ULL(2), BIT_ULL(20), BIT_ULL(31), BIT_ULL(36),
		BIT_ULL(40), BIT_ULL(63), F_VERSION_1 | BIT_ULL(63), -1ULL,
	};
	static const __u64 backend[] = {
		0, BIT_ULL(0), BIT_ULL(2), BIT_ULL(3), BIT_ULL(63), -1ULL
	};
	static const __u64 ignored[] = { 0 };

	add_u64s("SET_FEATURES", VHOST_SET_FEATURES, features,
		 ARRAY_SIZE(features));
	add_u64s("GET_FEATURES", VHOST_GET_FEATURES, ignored, 1);
	add_special("GET_FEATURES, what it reads", features_read,
		    VHOST_GET_FEATURES);
	add_u64s("SET_BACKEND_FEATURES", VHOST_SET_BACKEND_FEATURES, backend,
		 ARRAY_SIZE(backend));
	add_u64s("GET_BACKEND_FEATURES", VHOST_GET_BACKEND_FEATURES, ignored, 1);
	add_special("GET_BACKEND_FEATURES, what it reads", features_read,
		    VHOST_GET_BACKEND_FEATURES);
	add_special("StratoVirt offers all of them", offers_all, STRATOVIRT);
	add_special("Alioth offers all of them", offers_all, ALIOTH);
}

/* A CID that another device has. */
static __s64 cid_taken(const struct guest *g, __u64 n)
{
	struct dev other;
	int r;

	require_ok(dev_open(&other, g->cfg.path, 0));
	require_ok(dev_set_cid(&other, test_cid(n)));
	r = dev_set_cid(&g->dev, test_cid(n));
	dev_close(&other);
	return r;
}

static __s64 cid_own(const struct guest *g, __u64 n)
{
	return dev_set_cid(&g->dev, test_cid(n));
}

/* Another device takes the CID that this one had. */
static __s64 cid_left(const struct guest *g, __u64 n)
{
	struct dev other;
	int r;

	r = dev_set_cid(&g->dev, test_cid(n));
	if (r)
		return r;
	require_ok(dev_open(&other, g->cfg.path, 0));
	r = dev_set_cid(&other, test_cid(0));
	dev_close(&other);
	return r;
}

static void add_vsock(void)
{
	static const __u64 cids[] = {
		0, 1, 2, 0xffffffff, BIT_ULL(32), BIT_ULL(32) + 3, BIT_ULL(63),
		-1ULL,
	};
	static const int running[] = { 0, 1, 2, -1, 1 << 31 };
	struct call c = { .req = VHOST_VSOCK_SET_RUNNING, .arg = INT };
	unsigned int i;

	add_u64s("SET_GUEST_CID", VHOST_VSOCK_SET_GUEST_CID, cids,
		 ARRAY_SIZE(cids));
	add_special("SET_GUEST_CID, taken", cid_taken, 1);
	add_special("SET_GUEST_CID, its own", cid_own, 0);
	add_special("SET_GUEST_CID, another", cid_own, 1);
	add_special("SET_GUEST_CID, the one that it left", cid_left, 1);
	for (i = 0; i < ARRAY_SIZE(running); i++) {
		c.a = running[i];
		parity_add(&c, "SET_RUNNING %d", running[i]);
	}
	c.a = 1;
	parity_add_bad_pointers("SET_RUNNING", &c, 4);
}

static void add_tables(void)
{
	static const struct number tables[] = {
		N(GOOD), N(EMPTY), N(PADDED), N(REGIONS_64), N(REGIONS_65),
		N(REGIONS_509), N(REGIONS_510), N(REGIONS_MAX), N(OVERLAPPING),
		N(WRAPPING), N(SIZE_0), N(ALL_SPACE), N(KERNEL_MEMORY),
		N(FLAGS),
	};
	struct call c = { .req = VHOST_SET_MEM_TABLE, .arg = TABLE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		c.a = tables[i].value;
		parity_add(&c, "SET_MEM_TABLE %s", tables[i].name);
	}
	c.a = GOOD;
	parity_add_bad_pointers("SET_MEM_TABLE", &c, 8 + 4 * 32);
}

static __s64 fork_read(const struct guest *g, __u64 arg)
{
	__u8 val = 0xff;
	int err = dev_ioctl(&g->dev, GET_FORK_FROM_OWNER, &val);

	(void)arg;
	return err ? err : val;
}

static unsigned int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int n = 0;

	require(dir, "/proc/self/task");
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The number of threads that the owner gets by it, with a worker that serves a guest. */
static __s64 forks(const struct guest *g, __u64 from_owner)
{
	struct guest_config cfg = test_config(1);
	__u8 val = from_owner;
	unsigned int threads;
	struct session s;
	enum state i;
	int err;

	(void)g;
	require_ok(state_reach(&s.g, &cfg, FRESH));
	err = dev_ioctl(&s.g.dev, SET_FORK_FROM_OWNER, &val);
	threads = count_threads();
	for (i = FRESH; !err && i < RUNNING; i++)
		require_ok(state_next(&s.g, i));
	if (err) {
		guest_stop(&s.g);
		return err;
	}
	threads = count_threads() - threads;
	guest_kick(&s.g, RXQ);
	guest_kick(&s.g, TXQ);
	session_connect(&s, SOCK_STREAM);
	session_exchange(&s, 3000);
	session_close(&s);
	return threads;
}

static void add_fork(void)
{
	static const __u64 values[] = { 0, 1, 2, 0xff };

	add_numbers("SET_FORK_FROM_OWNER", SET_FORK_FROM_OWNER, U8, values,
		    ARRAY_SIZE(values));
	add_numbers("GET_FORK_FROM_OWNER", GET_FORK_FROM_OWNER, U8, values, 1);
	add_special("GET_FORK_FROM_OWNER, what it reads", fork_read, 0);
	add_special("SET_FORK_FROM_OWNER 0, threads", forks, 0);
	add_special("SET_FORK_FROM_OWNER 1, threads", forks, 1);
}

static const __u64 no_rings[] = { 2, 0x10000, 0xffffffff };

static void add_ring_states(const char *name, unsigned long req,
			    const __u64 *values, unsigned int n)
{
	struct call c = { .req = req, .arg = RING_STATE };
	unsigned int i;

	for (i = 0; i < n; i++) {
		c.b = values[i];
		c.a = i & 1;
		parity_add(&c, "%s ring %u, 0x%x", name, (__u32)c.a, (__u32)c.b);
	}
	for (i = 0; i < ARRAY_SIZE(no_rings); i++) {
		c.a = no_rings[i];
		c.b = values[n - 1];
		parity_add(&c, "%s ring %u, 0x%x", name, (__u32)c.a, (__u32)c.b);
	}
	c.a = 1;
	c.b = values[0];
	parity_add_bad_pointers(name, &c, 8);
}

static void add_rings(void)
{
	static const __u64 sizes[] = {
		0, 1, 2, 3, 127, 128, 32767, 32768, 65535, 65536, 1U << 31,
		0xffffffff, 16,
	};
	static const __u64 bases[] = {
		0, 1, 0x7fff, 0x8000, 0xffff, 0x10000, 1U << 31, 0xffffffff, 0,
	};
	static const __u64 any[] = { 0, 1, 2, 0xffffffff };

	add_ring_states("SET_VRING_NUM", VHOST_SET_VRING_NUM, sizes,
			ARRAY_SIZE(sizes));
	add_ring_states("SET_VRING_BASE", VHOST_SET_VRING_BASE, bases,
			ARRAY_SIZE(bases));
	add_ring_states("GET_VRING_BASE", VHOST_GET_VRING_BASE, any, 2);
	add_ring_states("SET_VRING_BUSYLOOP_TIMEOUT",
			VHOST_SET_VRING_BUSYLOOP_TIMEOUT, any, ARRAY_SIZE(any));
	add_ring_states("GET_VRING_BUSYLOOP_TIMEOUT",
			VHOST_GET_VRING_BUSYLOOP_TIMEOUT, any, 2);
	add_special("GET_VRING_BUSYLOOP_TIMEOUT, what it reads", busyloop_read,
		    0);
	add_ring_states("SET_VRING_ENDIAN", VHOST_SET_VRING_ENDIAN, any,
			ARRAY_SIZE(any));
	add_ring_states("GET_VRING_ENDIAN", VHOST_GET_VRING_ENDIAN, any, 2);
}

static void add_addresses(void)
{
	static const struct number how[] = {
		N(AS_IS), N(AVAIL_ODD), N(USED_ODD), N(USED_BY_2), N(LOG_BY_2),
		N(BAD_FLAGS), N(KERNEL_DESC), N(KERNEL_AVAIL), N(KERNEL_USED),
	};
	struct call c = { .req = VHOST_SET_VRING_ADDR, .arg = RING_ADDR };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(how); i++) {
		c.a = i & 1;
		c.b = how[i].value;
		parity_add(&c, "SET_VRING_ADDR ring %u, %s", (__u32)c.a, how[i].name);
	}
	for (i = 0; i < ARRAY_SIZE(no_rings); i++) {
		c.a = no_rings[i];
		c.b = BAD_FLAGS;
		parity_add(&c, "SET_VRING_ADDR ring %u, BAD_FLAGS", (__u32)c.a);
	}
	c.a = 0;
	c.b = AS_IS;
	parity_add_bad_pointers("SET_VRING_ADDR", &c, sizeof(struct vhost_vring_addr));
}

static void add_files(const char *name, unsigned long req)
{
	static const struct number files[] = {
		N(UNBIND), N(EVENTFD), N(CLOSED), N(MINUS_2), N(PIPE),
		N(ITSELF),
	};
	struct call c = { .req = req, .arg = RING_FILE };
	unsigned int i, ring;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		for (ring = 0; ring < NUM_QUEUES; ring++) {
			c.a = ring;
			c.b = files[i].value;
			parity_add(&c, "%s ring %u, %s", name, ring, files[i].name);
		}
	}
	for (i = 0; i < ARRAY_SIZE(no_rings); i++) {
		c.a = no_rings[i];
		c.b = CLOSED;
		parity_add(&c, "%s ring %u, CLOSED", name, (__u32)c.a);
	}
	c.a = 1;
	parity_add_bad_pointers(name, &c, 8);
}

/* What takes a number takes 32 bits, as the first of a struct. */
static void add_unknown_call(const char *name, unsigned long req)
{
	struct call c = { .req = req, .arg = RING_STATE };

	parity_add(&c, "unknown: %s, 0", name);
	c.a = 2;
	parity_add(&c, "unknown: %s, 2", name);
}

/* Requests that the device does not have. */
static void add_unknown(void)
{
	static const struct call null = { .req = VHOST_NET_SET_BACKEND };
	static const struct {
		const char *name;
		unsigned long req;
	} reqs[] = {
		{ "GET_FEATURES_ARRAY", GET_FEATURES_ARRAY },
		{ "SET_FEATURES_ARRAY", SET_FEATURES_ARRAY },
		{ "number 0xff", _IO(VHOST_VIRTIO, 0xff) },
		{ "SET_OWNER as a read", _IOR(VHOST_VIRTIO, 0x01, int) },
		{ "SET_FEATURES of 4 bytes", _IOW(VHOST_VIRTIO, 0, __u32) },
		{ "another type", _IO('x', 1) },
		{ "number 0", 0 },
	};
	unsigned int i;

	parity_add(&null, "unknown: NET_SET_BACKEND, NULL");
	for (i = 0; i < ARRAY_SIZE(reqs); i++)
		add_unknown_call(reqs[i].name, reqs[i].req);
}

static bool is_there(unsigned long req)
{
	unsigned int i;

	for (i = 0; i < parity_ncalls; i++)
		if (!parity_calls[i].special && parity_calls[i].call.req == req &&
		    parity_calls[i].call.arg != NONE)
			return true;
	return false;
}

/* All requests in the kernel's <linux/vhost.h>, as there may be new ones. */
static void add_named(void)
{
	const struct vhost_ioctl *v;

	for (v = vhost_ioctls; v->name; v++)
		if (!is_there(v->req))
			add_unknown_call(v->name, v->req);
}

void parity_init(void)
{
	static const struct call owner = { .req = VHOST_SET_OWNER };
	static const struct call reset = { .req = VHOST_RESET_OWNER };
	static const struct call reset_arg = { .req = VHOST_RESET_OWNER,
					       .arg = U64 };

	parity_add(&owner, "SET_OWNER");
	parity_add(&reset, "RESET_OWNER, NULL");
	parity_add(&reset_arg, "RESET_OWNER, 0");
	add_features();
	add_vsock();
	add_tables();
	add_rings();
	add_addresses();
	add_files("SET_VRING_KICK", VHOST_SET_VRING_KICK);
	add_files("SET_VRING_CALL", VHOST_SET_VRING_CALL);
	add_files("SET_VRING_ERR", VHOST_SET_VRING_ERR);
	add_fork();
	add_unknown();
	parity_add_log();
	parity_add_iotlb();
	add_named();
}
