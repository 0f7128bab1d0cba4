// SPDX-License-Identifier: GPL-2.0
/* The IOTLB: features, messages by write() and read(). */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "parity.h"
#include "session.h"

#define F_MSG_V2 BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2)

struct message {
	const char *name;
	int type;
	__u64 iova;
	__u64 size;
	__u64 uaddr;	/* 0: that of the guest's memory */
	__u8 perm;
	__u8 what;
	size_t len;	/* 0: all of it */
	bool off;	/* without the feature */
};

#define V1 VHOST_IOTLB_MSG
#define V2 VHOST_IOTLB_MSG_V2
#define UPDATE VHOST_IOTLB_UPDATE
#define INVALIDATE VHOST_IOTLB_INVALIDATE
#define RO VHOST_ACCESS_RO
#define RW VHOST_ACCESS_RW
#define END (~0ULL)

static const struct message messages[] = {
	{ "update", V1, 0x100000, 4096, 0, RW, UPDATE },
	{ "update, V2", V2, 0x100000, 4096, 0, RW, UPDATE },
	{ "update, off", V1, 0x100000, 4096, 0, RW, UPDATE, .off = true },
	{ "update, V2, off", V2, 0x100000, 4096, 0, RW, UPDATE, .off = true },
	{ "update, read-only", V1, 0x100000, 4096, 0, RO, UPDATE },
	{ "update, no permission", V1, 0x100000, 4096, 0, 0, UPDATE },
	{ "update, unknown permission", V1, 0x100000, 4096, 0, 0xff, UPDATE },
	{ "update, one byte", V1, 1, 1, 0, RW, UPDATE },
	{ "update, no bytes", V1, 0x100000, 0, 0, RW, UPDATE },
	{ "update, no bytes, off", V1, 0, 0, 0, RW, UPDATE, .off = true },
	{ "update, whole space", V1, 0, END, 0, RW, UPDATE },
	{ "update, whole space but 0", V1, 1, END, 0, RW, UPDATE },
	{ "update, whole space, no permission", V1, 0, END, 1, 0, UPDATE },
	{ "update, to the end", V1, END - 4095, 4096, 0, RW, UPDATE },
	{ "update, wraps", V1, END - 4095, 8192, 0, RW, UPDATE },
	{ "update, half of all", V1, 0, 1ULL << 63, 0, RW, UPDATE },
	{ "update, of the kernel", V1, 0, 4096, KERNEL_ADDRESS, RW, UPDATE },
	{ "update, of the last page", V1, 0, 4096, END - 4095, RW, UPDATE },
	{ "invalidate", V1, 0x100000, 4096, 0, 0, INVALIDATE },
	{ "invalidate, V2", V2, 0x100000, 4096, 0, 0, INVALIDATE },
	{ "invalidate, off", V1, 0x100000, 4096, 0, 0, INVALIDATE,
	  .off = true },
	{ "invalidate, no bytes", V1, 0, 0, 0, 0, INVALIDATE },
	{ "invalidate, whole space", V1, 0, END, 0, 0, INVALIDATE },
	{ "invalidate, wraps", V1, END, END, 0, 0, INVALIDATE },
	{ "miss", V1, 0, 4096, 0, RW, VHOST_IOTLB_MISS },
	{ "access fail", V1, 0, 4096, 0, RW, VHOST_IOTLB_ACCESS_FAIL },
	{ "batch begin, V2", V2, 0, 0, 0, 0, 5 },
	{ "batch end, V2", V2, 0, 0, 0, 0, 6 },
	{ "what 0", V1, 0, 4096, 0, RW, 0 },
	{ "what 255", V1, 0, 4096, 0, RW, 255 },
	{ "type 0", 0, 0x100000, 4096, 0, RW, UPDATE },
	{ "type 3", 3, 0x100000, 4096, 0, RW, UPDATE },
	{ "type -1", -1, 0x100000, 4096, 0, RW, UPDATE },
	{ "1 byte", V1, 0x100000, 4096, 0, RW, UPDATE, 1 },
	{ "3 bytes", V1, 0x100000, 4096, 0, RW, UPDATE, 3 },
	{ "4 bytes", V1, 0x100000, 4096, 0, RW, UPDATE, 4 },
	{ "8 bytes", V2, 0x100000, 4096, 0, RW, UPDATE, 8 },
	{ "39 bytes", V1, 0x100000, 4096, 0, RW, UPDATE, 39 },
	{ "40 bytes", V1, 0x100000, 4096, 0, RW, UPDATE, 40 },
	{ "40 bytes, V2", V2, 0x100000, 4096, 0, RW, UPDATE, 40 },
	{ "71 bytes", V1, 0x100000, 4096, 0, RW, UPDATE, 71 },
	{ "100 bytes", V1, 0x100000, 4096, 0, RW, UPDATE, 100 },
};

static int iotlb_on(const struct guest *g, __u64 backend)
{
	int err = dev_set_backend_features(&g->dev, backend);

	return err ?: dev_set_features(&g->dev, g->cfg.features |
				       F_ACCESS_PLATFORM);
}

static __s64 result(ssize_t n)
{
	return n < 0 ? -errno : n;
}

static __s64 send_bytes(const struct guest *g, const struct message *m)
{
	union {
		struct vhost_msg v1;
		__u8 room[128];
	} u = { .v1 = {
		.type = m->type,
		.iotlb = { m->iova, m->size, m->uaddr ?:
			   (uintptr_t)g->mem.region[0].va, m->perm, m->what },
	} };

	return result(write(g->dev.fd, &u, m->len ?: sizeof(u.v1)));
}

static __s64 message(const struct guest *g, __u64 n)
{
	const struct message *m = &messages[n];
	int err = m->off ? 0 : iotlb_on(g, m->type == V2 ? F_MSG_V2 : 0);

	return err ? err : send_bytes(g, m);
}

/* Overlapping ranges, the same ones again, then all are invalidated. */
static __s64 overlapping(const struct guest *g, __u64 arg)
{
	static const struct message m[] = {
		{ "", V1, 0x10000, 0x4000, 0, RW, UPDATE },
		{ "", V1, 0x12000, 0x4000, 0, RO, UPDATE },
		{ "", V1, 0x10000, 0x4000, 0, RW, UPDATE },
		{ "", V1, 0x11000, 0x1000, 0, RW, INVALIDATE },
		{ "", V1, 0, END, 0, 0, INVALIDATE },
	};
	__s64 r = iotlb_on(g, 0);
	unsigned int i;

	(void)arg;
	for (i = 0; r >= 0 && i < ARRAY_SIZE(m); i++)
		r = send_bytes(g, &m[i]);
	return r;
}

/* vhost keeps 2048 entries by default, and drops the oldest. */
static __s64 many(const struct guest *g, __u64 n)
{
	struct message m = { "", V1, 0, 4096, 0, RW, UPDATE };
	__s64 r = iotlb_on(g, 0);

	for (; r >= 0 && m.iova < n * 4096; m.iova += 4096)
		r = send_bytes(g, &m);
	return r;
}

static __s64 write_nothing(const struct guest *g, __u64 on)
{
	int err = on ? iotlb_on(g, 0) : 0;

	return err ? err : result(write(g->dev.fd, "", 0));
}

static __s64 write_from_nowhere(const struct guest *g, __u64 at)
{
	int err = iotlb_on(g, 0);

	return err ? err : result(write(g->dev.fd, (void *)at, 72));
}

static void set_nonblock(const struct guest *g)
{
	require(!fcntl(g->dev.fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
}

/* Non-blocking, as a read that blocks would not return. */
static __s64 read_idle(const struct guest *g, __u64 len)
{
	char buf[128];

	set_nonblock(g);
	return result(read(g->dev.fd, buf, len));
}

static __s64 read_idle_on(const struct guest *g, __u64 len)
{
	/* A running device might miss translations of its rings. */
	int err = dev_set_running(&g->dev, 0);

	if (!err)
		err = iotlb_on(g, 0);
	return err ? err : read_idle(g, len);
}

static __s64 read_blocking_off(const struct guest *g, __u64 len)
{
	char buf[128];

	return result(read(g->dev.fd, buf, len));
}

static __s64 poll_idle(const struct guest *g, __u64 arg)
{
	(void)arg;
	return host_poll(g->dev.fd, POLLIN | POLLOUT, 0);
}

/* Stopped, with an empty IOTLB, and with the rings' addresses set again. */
static int restart_with_iotlb(const struct guest *g, __u64 backend)
{
	struct call addr = { VHOST_SET_VRING_ADDR, RING_ADDR, 0, AS_IS };
	int err;

	err = dev_set_running(&g->dev, 0);
	if (!err)
		err = iotlb_on(g, backend);
	for (; !err && addr.a < NUM_QUEUES; addr.a++)
		err = call_make(g, &addr);
	return err;
}

static __s64 start_with_none(const struct guest *g, __u64 backend)
{
	int err = restart_with_iotlb(g, backend);

	return err ? err : dev_set_running(&g->dev, 1);
}

/* As QEMU does: provide the translations of the used rings before the start. */
static __s64 map_used_rings(const struct guest *g)
{
	unsigned int i;
	__s64 r = 0;

	for (i = 0; r >= 0 && i < NUM_QUEUES; i++) {
		const struct ring *ring = &g->q[i].ring;
		__u64 used = (uintptr_t)ring->device_area;
		struct message m = { "", V1, used, 6 + 8 * ring->num, used, RW,
				     UPDATE };

		r = send_bytes(g, &m);
	}
	return r;
}

/* The device reports misses for the rest of its rings. Returns the type of the message read. */
static __s64 asks(const struct guest *g, __u64 backend)
{
	struct vhost_msg m = { 0 };
	__s64 err;

	set_nonblock(g);
	err = restart_with_iotlb(g, backend);
	if (!err)
		err = map_used_rings(g);
	if (err >= 0)
		err = dev_set_running(&g->dev, 1);
	if (err)
		return err;
	eventfd_write(g->q[TXQ].kick, 1);
	if (!host_poll(g->dev.fd, POLLIN, TIMEOUT))
		return -ETIMEDOUT;
	if (read(g->dev.fd, &m, sizeof(m) - 1) ||
	    read(g->dev.fd, &m, sizeof(m)) != sizeof(m))
		return -EIO;
	if (m.iotlb.type != VHOST_IOTLB_MISS || m.iotlb.perm != RO)
		return -EPROTO;
	return m.type;
}

static void add(const char *name,
		__s64 (*special)(const struct guest *g, __u64 arg), __u64 arg)
{
	const struct call c = { .a = arg };
	struct parity_call *p = parity_add(&c, "iotlb: %s", name);

	p->special = special;
	p->repair = true;
}

void parity_add_iotlb(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(messages); i++)
		add(messages[i].name, message, i);
	add("overlapping", overlapping, 0);
	add("3000 entries", many, 3000);
	add("write nothing", write_nothing, 1);
	add("write nothing, off", write_nothing, 0);
	add("write from NULL", write_from_nowhere, 0);
	add("write from the kernel", write_from_nowhere, KERNEL_ADDRESS);
	add("read 0 bytes", read_idle, 0);
	add("read 71 bytes", read_idle, 71);
	add("read 72 bytes", read_idle, 72);
	add("read 72 bytes, on", read_idle_on, 72);
	add("read 71 bytes, blocking, off", read_blocking_off, 71);
	add("read 72 bytes, blocking, off", read_blocking_off, 72);
	add("poll", poll_idle, 0);
	add("start with nothing", start_with_none, 0);
	add("asks for its rings", asks, 0);
	add("asks for its rings, V2", asks, F_MSG_V2);
}
