// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"

int dev_open(struct dev *d, const char *path, int flags)
{
	d->fd = open(path, O_RDWR | O_CLOEXEC | flags);
	return d->fd < 0 ? -errno : 0;
}

void dev_close(struct dev *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

int dev_ioctl(const struct dev *d, unsigned long req, const void *arg)
{
	int r = ioctl(d->fd, req, arg);

	return r < 0 ? -errno : r;
}

int dev_set_owner(const struct dev *d)
{
	return dev_ioctl(d, VHOST_SET_OWNER, NULL);
}

int dev_get_features(const struct dev *d, __u64 *features)
{
	return dev_ioctl(d, VHOST_GET_FEATURES, features);
}

int dev_set_features(const struct dev *d, __u64 features)
{
	return dev_ioctl(d, VHOST_SET_FEATURES, &features);
}

int dev_set_backend_features(const struct dev *d, __u64 features)
{
	return dev_ioctl(d, VHOST_SET_BACKEND_FEATURES, &features);
}

int dev_set_mem_table(const struct dev *d, const struct mem *m)
{
	struct vhost_memory *table;
	unsigned int i;
	int r;

	table = calloc(1, sizeof(*table) +
		       m->nregions * sizeof(table->regions[0]));
	if (!table)
		return -ENOMEM;
	table->nregions = m->nregions;
	for (i = 0; i < m->nregions; i++) {
		table->regions[i].guest_phys_addr = m->region[i].gpa;
		table->regions[i].memory_size = m->region[i].size;
		table->regions[i].userspace_addr = (uintptr_t)m->region[i].va;
	}
	r = dev_ioctl(d, VHOST_SET_MEM_TABLE, table);
	free(table);
	return r;
}

int dev_set_log_base(const struct dev *d, __u64 base)
{
	return dev_ioctl(d, VHOST_SET_LOG_BASE, &base);
}

int dev_set_ring_num(const struct dev *d, __u32 ring, __u32 num)
{
	struct vhost_vring_state s = { .index = ring, .num = num };

	return dev_ioctl(d, VHOST_SET_VRING_NUM, &s);
}

int dev_set_ring_busyloop(const struct dev *d, __u32 ring, __u32 us)
{
	struct vhost_vring_state s = { .index = ring, .num = us };

	return dev_ioctl(d, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &s);
}

int dev_set_ring_base(const struct dev *d, __u32 ring, __u32 base)
{
	struct vhost_vring_state s = { .index = ring, .num = base };

	return dev_ioctl(d, VHOST_SET_VRING_BASE, &s);
}

int dev_get_ring_base(const struct dev *d, __u32 ring, __u32 *base)
{
	struct vhost_vring_state s = { .index = ring };
	int r = dev_ioctl(d, VHOST_GET_VRING_BASE, &s);

	*base = s.num;
	return r;
}

int dev_set_ring_addr(const struct dev *d, __u32 ring, const void *desc,
		      const void *avail, const void *used)
{
	struct vhost_vring_addr a = {
		.index = ring,
		.desc_user_addr = (uintptr_t)desc,
		.avail_user_addr = (uintptr_t)avail,
		.used_user_addr = (uintptr_t)used,
	};

	return dev_ioctl(d, VHOST_SET_VRING_ADDR, &a);
}

static int set_ring_file(const struct dev *d, unsigned long req, __u32 ring,
			 int fd)
{
	struct vhost_vring_file f = { .index = ring, .fd = fd };

	return dev_ioctl(d, req, &f);
}

int dev_set_ring_kick(const struct dev *d, __u32 ring, int fd)
{
	return set_ring_file(d, VHOST_SET_VRING_KICK, ring, fd);
}

int dev_set_ring_call(const struct dev *d, __u32 ring, int fd)
{
	return set_ring_file(d, VHOST_SET_VRING_CALL, ring, fd);
}

int dev_set_ring_err(const struct dev *d, __u32 ring, int fd)
{
	return set_ring_file(d, VHOST_SET_VRING_ERR, ring, fd);
}

int dev_set_cid(const struct dev *d, __u64 cid)
{
	return dev_ioctl(d, VHOST_VSOCK_SET_GUEST_CID, &cid);
}

int dev_set_running(const struct dev *d, int running)
{
	return dev_ioctl(d, VHOST_VSOCK_SET_RUNNING, &running);
}

int dev_counter(const struct dev *d, const char *name, __u64 *value)
{
	char path[64], line[128];
	size_t n = strlen(name);
	int r = -ENOENT;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", d->fd);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	while (r && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, n) || line[n] != ':')
			continue;
		*value = strtoull(line + n + 1, NULL, 0);
		r = 0;
	}
	fclose(f);
	return r;
}
