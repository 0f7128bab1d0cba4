// SPDX-License-Identifier: GPL-2.0
/* The dirty log: the settings that a VMM makes when a migration starts. */
#include "parity.h"
#include "session.h"

#define N(x) { #x, x }

/* One bit for each page of guest memory. */
static __u64 bitmap[GUEST_END / VHOST_PAGE_SIZE / 64 + 1];

static __s64 base_of_bitmap(const struct guest *g, __u64 offset)
{
	return dev_set_log_base(&g->dev, (uintptr_t)bitmap + offset);
}

/* In QEMU's order: base, features, addresses with the flag. */
static __s64 log_begins(const struct guest *g, __u64 base)
{
	struct call c = { VHOST_SET_VRING_ADDR, RING_ADDR, 0, LOG };
	int err;

	err = dev_set_log_base(&g->dev, base ?: (uintptr_t)bitmap);
	if (!err)
		err = dev_set_features(&g->dev, g->cfg.features | F_LOG_ALL);
	for (c.a = 0; !err && c.a < NUM_QUEUES; c.a++)
		err = call_make(g, &c);
	return err ? err : dev_set_running(&g->dev, 1);
}

static __s64 features_first(const struct guest *g, __u64 base)
{
	int err;

	err = dev_set_features(&g->dev, g->cfg.features | F_LOG_ALL);
	if (!err)
		err = dev_set_log_base(&g->dev, base ?: (uintptr_t)bitmap);
	return err ? err : dev_set_running(&g->dev, 1);
}

/* On, off and on again, as when a migration fails. */
static __s64 log_toggled(const struct guest *g, __u64 base)
{
	__s64 err = log_begins(g, base);

	if (!err)
		err = dev_set_features(&g->dev, g->cfg.features);
	return err ? err : log_begins(g, base);
}

static void add(const char *name,
		__s64 (*special)(const struct guest *g, __u64 arg), __u64 arg)
{
	const struct call c = { .a = arg };
	struct parity_call *p = parity_add(&c, "%s", name);

	p->special = special;
	p->repair = true;
}

void parity_add_log(void)
{
	static const struct {
		const char *name;
		__u64 value;
	} files[] = {
		N(UNBIND), N(EVENTFD), N(CLOSED), N(MINUS_2), N(PIPE),
		N(ITSELF),
	}, addresses[] = {
		N(LOG), N(LOG_AT_0), N(LOG_FAR), N(LOG_FLAG_BY_2),
	};
	static const __u64 bases[] = { 0, 1, KERNEL_ADDRESS, -1ULL, -8ULL };
	struct call base = { .req = VHOST_SET_LOG_BASE, .arg = U64 };
	struct call fd = { .req = VHOST_SET_LOG_FD, .arg = FD };
	struct call addr = { .req = VHOST_SET_VRING_ADDR, .arg = RING_ADDR };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		base.a = bases[i];
		parity_add(&base, "SET_LOG_BASE 0x%llx",
			   (unsigned long long)base.a);
	}
	parity_add_bad_pointers("SET_LOG_BASE", &base, 8);
	add("SET_LOG_BASE", base_of_bitmap, 0);
	add("SET_LOG_BASE, odd", base_of_bitmap, 1);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd.a = files[i].value;
		parity_add(&fd, "SET_LOG_FD %s", files[i].name);
	}
	parity_add_bad_pointers("SET_LOG_FD", &fd, 4);
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		addr.a = i & 1;
		addr.b = addresses[i].value;
		parity_add(&addr, "SET_VRING_ADDR ring %u, %s", i & 1,
			   addresses[i].name);
	}
	add("log: begins", log_begins, 0);
	add("log: begins at a bad base", log_begins, KERNEL_ADDRESS);
	add("log: begins at the end", log_begins, -8ULL);
	add("log: features first", features_first, 0);
	add("log: features first, bad base", features_first, KERNEL_ADDRESS);
	add("log: on, off, on", log_toggled, 0);
}
