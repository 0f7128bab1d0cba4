// SPDX-License-Identifier: GPL-2.0
/*
 * The expected behaviour of a device with a ring: start, used chains, notifications and kicks.
 */
#include "fuzz_model.h"

/* The position @n after @place. */
u32 model_place(const struct model *m, u32 place, u32 n)
{
	return m->packed ? (place + n) % (2 * m->num) : (u16)(place + n);
}

/* The position in the format of struct mvs_ring. */
u16 model_encode(const struct model *m, u32 place)
{
	if (!m->packed)
		return place;
	return place < m->num ? place | MVS_PACKED_WRAP : place - m->num;
}

static u16 get16(struct model *m, u64 uaddr)
{
	__le16 v;

	fuzz_mem_get(m->mem, uaddr, &v, sizeof(v));
	return le16_to_cpu(v);
}

static void expect16(struct model *m, u64 uaddr, u16 v)
{
	__le16 le = cpu_to_le16(v);

	fuzz_mem_expect(m->mem, uaddr, &le, sizeof(le));
}

/* Write whether a kick is wanted. */
static int say(struct model *m)
{
	u64 avail_event = m->used + 4 + 8 * m->num;

	if (m->packed) {
		if (!fuzz_mem_reached(m->mem, m->used, 4, true))
			return -EFAULT;
		if (!m->quiet && m->event_idx)
			expect16(m, m->used, model_encode(m, m->take));
		expect16(m, m->used + 2, m->quiet ? 1 : m->event_idx ? 2 : 0);
		return 0;
	}
	if (!m->event_idx) {
		if (!fuzz_mem_reached(m->mem, m->used, 2, true))
			return -EFAULT;
		expect16(m, m->used, m->quiet);
		return 0;
	}
	if (m->quiet)
		return 0;
	if (!fuzz_mem_reached(m->mem, avail_event, 2, true))
		return -EFAULT;
	expect16(m, avail_event, m->seen);
	return 0;
}

/* Start with the ring as the VMM set it; the positions of a packed ring are converted. */
int model_start(struct model *m)
{
	m->quiet = false;
	m->signalled = false;
	m->unsaid = 0;
	m->unseen = 0;
	m->seen = m->take;
	if (m->packed)
		return say(m);

	if (!m->num || m->num & (m->num - 1))
		return -EINVAL;
	if (!fuzz_mem_reached(m->mem, m->used, 4, true))
		return -EFAULT;
	expect16(m, m->used, 0);
	m->give = get16(m, m->used + 2);
	return 0;
}

static int push_split(struct model *m, u16 id, u32 len)
{
	u64 entry = m->used + 4 + 8 * (m->give % m->num);
	struct vring_used_elem elem = {
		.id = (__force __virtio32)cpu_to_le32(id),
		.len = (__force __virtio32)cpu_to_le32(len),
	};

	if (!fuzz_mem_reached(m->mem, entry, sizeof(elem), true))
		return -EFAULT;
	fuzz_mem_expect(m->mem, entry, &elem, sizeof(elem));
	return 0;
}

static int push_packed(struct model *m, u16 id, u32 len)
{
	u64 at = m->desc + 16 * (m->give % m->num);
	bool wrap = m->give < m->num;
	__le32 le = cpu_to_le32(len);
	u16 flags = 0;

	if (!fuzz_mem_reached(m->mem, at, 16, true))
		return -EFAULT;
	if (wrap)
		flags |= BIT(VRING_PACKED_DESC_F_AVAIL) |
			 BIT(VRING_PACKED_DESC_F_USED);
	if (len)
		flags |= VRING_DESC_F_WRITE;
	fuzz_mem_expect(m->mem, at + 8, &le, sizeof(le));
	expect16(m, at + 12, id);
	if (m->unseen) {
		expect16(m, at + 14, flags);
	} else {
		m->first = m->give;
		m->first_flags = flags;
	}
	return 0;
}

int model_push(struct model *m, u16 id, u32 ndescs, u32 len)
{
	int ret = m->packed ? push_packed(m, id, len) : push_split(m, id, len);

	if (ret)
		return ret;
	m->give = model_place(m, m->give, ndescs);
	m->unseen += ndescs;
	return 0;
}

/* All used chains become visible to the driver by one write. */
int model_publish(struct model *m)
{
	u64 at = m->packed ? m->desc + 16 * (m->first % m->num) + 14 : m->used + 2;

	if (!m->unseen)
		return 0;
	if (!fuzz_mem_reached(m->mem, at, 2, true))
		return -EFAULT;
	expect16(m, at, m->packed ? m->first_flags : m->give);
	m->unsaid += m->unseen;
	m->unseen = 0;
	return 0;
}

/* Check whether the position @event is one of those used since the last notification. */
static bool passed(const struct model *m, u32 event)
{
	u32 all = m->packed ? 2 * m->num : U16_MAX + 1, i;

	for (i = 1; i <= m->unsaid && i <= all; i++)
		if (model_place(m, m->give, all - i) == event)
			return true;
	return false;
}

static int need_signal_packed(struct model *m)
{
	u16 off_wrap, flags;
	u32 index;

	if (!fuzz_mem_reached(m->mem, m->avail, 4, false))
		return -EFAULT;
	flags = get16(m, m->avail + 2);
	if (flags < 2)
		return !flags;
	if (flags != 2 || !m->event_idx)
		return MODEL_EITHER;
	if (!m->signalled)
		return 1;

	off_wrap = get16(m, m->avail);
	index = off_wrap & ~MVS_PACKED_WRAP;
	/* No valid position, or one that is both ahead and two rounds behind. */
	if (index >= m->num || m->unsaid > m->num)
		return MODEL_EITHER;
	return passed(m, off_wrap & MVS_PACKED_WRAP ? index : index + m->num);
}

/* Returns 0, 1, MODEL_EITHER or an error. */
int model_need_signal(struct model *m)
{
	u64 used_event = m->avail + 4 + 2 * m->num;

	if (m->packed)
		return need_signal_packed(m);
	if (m->on_empty && m->seen == m->take)
		return 1;
	if (!m->event_idx) {
		if (!fuzz_mem_reached(m->mem, m->avail, 2, false))
			return -EFAULT;
		return !(get16(m, m->avail) & VRING_AVAIL_F_NO_INTERRUPT);
	}
	if (!fuzz_mem_reached(m->mem, used_event, 2, false))
		return -EFAULT;
	return passed(m, get16(m, used_event)) || !m->signalled;
}

void model_signalled(struct model *m)
{
	m->signalled = true;
	m->unsaid = 0;
}

/* Check for a chain, as mvs_ring_enable_notify() does. */
static int look(struct model *m)
{
	u16 ahead, flags;

	if (m->packed) {
		u64 at = m->desc + 16 * (m->take % m->num);
		bool wrap = m->take < m->num;

		if (!fuzz_mem_reached(m->mem, at, 16, false))
			return -EFAULT;
		flags = get16(m, at + 14);
		return !!(flags & BIT(VRING_PACKED_DESC_F_AVAIL)) == wrap &&
		       !!(flags & BIT(VRING_PACKED_DESC_F_USED)) == !wrap;
	}

	if (!fuzz_mem_reached(m->mem, m->avail + 2, 2, false))
		return -EFAULT;
	ahead = get16(m, m->avail + 2) - m->take;
	if (ahead > m->num)
		return -EINVAL;
	m->seen = m->take + ahead;
	return ahead > 0;
}

/* As mvs_ring_disable_notify() and mvs_ring_enable_notify(). */
int model_notify(struct model *m, bool quiet)
{
	int ret;

	if (m->quiet == quiet)
		return 0;
	m->quiet = quiet;
	ret = say(m);
	/* If enabling kicks failed, the device may try again. */
	if (ret && !quiet)
		m->quiet = true;
	if (ret || quiet)
		return ret;
	return look(m);
}
