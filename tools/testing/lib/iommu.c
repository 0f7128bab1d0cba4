// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommu.h"

#define POISON 0xa5

static unsigned int count_pages(const struct mem *mem)
{
	unsigned int i, n = 0;

	for (i = 0; i < mem->nregions; i++)
		n += mem->region[i].size / IOMMU_PAGE;
	return n;
}

/* Index of a page among all pages of the guest; -1 in a hole. */
static long page_number(const struct iommu *m, __u64 iova)
{
	const struct mem *mem = &m->g->mem;
	long n = 0;
	unsigned int i;

	for (i = 0; i < mem->nregions; i++) {
		const struct mem_region *r = &mem->region[i];

		if (iova - r->gpa < r->size)
			return n + (iova - r->gpa) / IOMMU_PAGE;
		n += r->size / IOMMU_PAGE;
	}
	return -1;
}

/* Address of the @n-th page in the guest's view. */
static void *page_ptr(const struct iommu *m, __u32 n)
{
	const struct mem_region *r = m->g->mem.region;

	for (; n >= r->size / IOMMU_PAGE; r++)
		n -= r->size / IOMMU_PAGE;
	return r->va + n * IOMMU_PAGE;
}

/* Map a page of the guest's view to its frame. */
static int map_page(const struct iommu *m, void *va, __u32 frame)
{
	void *p = mmap(va, IOMMU_PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, m->memory,
		       frame * IOMMU_PAGE);

	return p == va ? 0 : -errno;
}

/* Pages with scattered frames: those that rings and buffers take first. The others keep the
 * addresses they would have without an IOMMU, as each scattered page costs a mapping.
 */
static const struct { unsigned int region, kib, len_kib; } scattered[] = {
	{ 0, 0, 256 }, { 1, 0, 256 }, { 1, 2048, 768 },
};

#define SCATTERED_MAX (1280 / 4)

/* Swap frames, so that no two of the scattered pages are adjacent. Returns their number. */
static unsigned int scatter(struct iommu *m, __u32 *pages)
{
	const struct mem *mem = &m->g->mem;
	unsigned int i, j, n = 0;

	for (i = 0; i < ARRAY_SIZE(scattered); i++) {
		__u64 gpa = mem->region[scattered[i].region].gpa +
			    scattered[i].kib * 1024ULL;

		for (j = 0; j < scattered[i].len_kib * 1024 / IOMMU_PAGE; j++)
			pages[n++] = page_number(m, gpa + j * IOMMU_PAGE);
	}
	for (i = 0; i < n; i++)
		m->frame[pages[i]] = pages[(i * 7 + 1) % n];
	return n;
}

static int map_view(struct iommu *m)
{
	const struct mem *mem = &m->g->mem;
	__u32 pages[SCATTERED_MAX];
	unsigned int i, n, k = 0;
	int err = 0;

	for (i = 0; i < m->npages; i++)
		m->frame[i] = i;
	for (i = 0; i < mem->nregions; i++) {
		const struct mem_region *r = &mem->region[i];

		if (mmap(r->va, r->size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, m->memory,
			 k * IOMMU_PAGE) == MAP_FAILED)
			return -errno;
		k += r->size / IOMMU_PAGE;
	}
	n = scatter(m, pages);
	for (i = 0; !err && i < n; i++)
		err = map_page(m, page_ptr(m, pages[i]), m->frame[pages[i]]);
	return err;
}

static int make_memory(struct iommu *m)
{
	__u64 size;
	int err;

	m->npages = count_pages(&m->g->mem);
	m->spare = m->npages;
	m->nframes = m->npages + IOMMU_SPARE;
	size = m->nframes * IOMMU_PAGE;
	m->frame = calloc(m->npages, sizeof(*m->frame));
	m->memory = memfd_create("guest", MFD_CLOEXEC);
	if (!m->frame || m->memory < 0 || ftruncate(m->memory, size))
		return -ENOMEM;
	err = mem_add(&m->phys, IOMMU_GPA, size);
	if (err)
		return err;
	if (mmap(m->phys.region[0].va, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, m->memory, 0) == MAP_FAILED)
		return -errno;
	return map_view(m);
}

void *iommu_ptr(const struct iommu *m, __u64 iova)
{
	long n = page_number(m, iova);

	if (n < 0)
		return NULL;
	return m->phys.region[0].va + m->frame[n] * IOMMU_PAGE +
	       iova % IOMMU_PAGE;
}

__u64 iommu_gpa(const struct iommu *m, __u64 iova)
{
	return IOMMU_GPA + ((__u8 *)iommu_ptr(m, iova) -
			    m->phys.region[0].va);
}

static int send_message(const struct iommu *m,
			const struct vhost_iotlb_msg *msg)
{
	struct vhost_msg_v2 v2 = { .type = VHOST_IOTLB_MSG_V2, .iotlb = *msg };
	struct vhost_msg v1 = { .type = VHOST_IOTLB_MSG, .iotlb = *msg };
	ssize_t n;

	n = m->v1 ? write(m->g->dev.fd, &v1, sizeof(v1)) :
		    write(m->g->dev.fd, &v2, sizeof(v2));
	return n < 0 ? -errno : n;
}

int iommu_tell(const struct iommu *m, __u64 iova, __u64 size, const void *va,
	       __u8 perm)
{
	return send_message(m, &(struct vhost_iotlb_msg){
		.iova = iova,
		.size = size,
		.uaddr = (uintptr_t)va,
		.perm = perm,
		.type = VHOST_IOTLB_UPDATE,
	});
}

int iommu_invalidate(const struct iommu *m, __u64 iova, __u64 size)
{
	return send_message(m, &(struct vhost_iotlb_msg){
		.iova = iova,
		.size = size,
		.type = VHOST_IOTLB_INVALIDATE,
	});
}

int iommu_ask(const struct iommu *m, struct vhost_iotlb_msg *msg)
{
	struct vhost_msg_v2 v2;
	struct vhost_msg v1;
	ssize_t n;

	if (m->v1) {
		n = read(m->g->dev.fd, &v1, sizeof(v1));
		*msg = v1.iotlb;
		if (n == sizeof(v1))
			return v1.type == VHOST_IOTLB_MSG ? 0 : -EPROTO;
	} else {
		n = read(m->g->dev.fd, &v2, sizeof(v2));
		*msg = v2.iotlb;
		if (n == sizeof(v2))
			return v2.type == VHOST_IOTLB_MSG_V2 ? 0 : -EPROTO;
	}
	return n < 0 ? -errno : -ENODATA;
}

void iommu_answer(struct iommu *m, __u64 iova, __u8 perm)
{
	void *va;

	(void)perm;
	iova -= iova % IOMMU_PAGE;
	va = iommu_ptr(m, iova);
	if (va)
		iommu_tell(m, iova, IOMMU_PAGE, va, VHOST_ACCESS_RW);
}

void iommu_answer_by(struct iommu *m, iommu_answer_fn answer)
{
	pthread_mutex_lock(&m->lock);
	m->answer = answer;
	pthread_mutex_unlock(&m->lock);
}

unsigned int iommu_questions(struct iommu *m)
{
	unsigned int n;

	pthread_mutex_lock(&m->lock);
	n = m->questions;
	pthread_mutex_unlock(&m->lock);
	return n;
}

void iommu_hold(struct iommu *m, __u64 from, __u64 to)
{
	pthread_mutex_lock(&m->lock);
	m->hold_from = from;
	m->hold_to = to;
	pthread_mutex_unlock(&m->lock);
}

bool iommu_wait_held(struct iommu *m, int timeout)
{
	__u64 deadline = now_ms() + timeout;
	bool held;

	do {
		pthread_mutex_lock(&m->lock);
		held = m->nheld;
		pthread_mutex_unlock(&m->lock);
	} while (!held && ms_left(deadline) && !usleep(1000));
	return held;
}

void iommu_forget(struct iommu *m)
{
	pthread_mutex_lock(&m->lock);
	m->hold_from = 0;
	m->hold_to = 0;
	m->nheld = 0;
	pthread_mutex_unlock(&m->lock);
}

void iommu_release(struct iommu *m)
{
	unsigned int i;

	pthread_mutex_lock(&m->lock);
	m->hold_from = 0;
	m->hold_to = 0;
	for (i = 0; i < m->nheld; i++)
		m->answer(m, m->held[i].iova, m->held[i].perm);
	m->nheld = 0;
	pthread_mutex_unlock(&m->lock);
}

static void handle(struct iommu *m, const struct vhost_iotlb_msg *msg)
{
	pthread_mutex_lock(&m->lock);
	m->questions++;
	if (msg->iova - m->hold_from >= m->hold_to - m->hold_from)
		m->answer(m, msg->iova, msg->perm);
	else if (m->nheld < IOMMU_HELD)
		m->held[m->nheld++] = *msg;
	pthread_mutex_unlock(&m->lock);
}

static void *run(void *arg)
{
	struct iommu *m = arg;
	struct pollfd fds[] = {
		{ .fd = m->g->dev.fd, .events = POLLIN },
		{ .fd = m->stop, .events = POLLIN },
	};
	struct vhost_iotlb_msg msg;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		if (fds[0].revents && !iommu_ask(m, &msg) &&
		    msg.type == VHOST_IOTLB_MISS)
			handle(m, &msg);
	}
}

int iommu_run(struct iommu *m)
{
	m->stop = eventfd(0, EFD_CLOEXEC);
	if (m->stop < 0)
		return -errno;
	return -pthread_create(&m->thread, NULL, run, m);
}

void iommu_halt(struct iommu *m)
{
	if (m->stop < 0)
		return;
	eventfd_write(m->stop, 1);
	pthread_join(m->thread, NULL);
	close(m->stop);
	m->stop = -1;
}

int iommu_tell_used(struct iommu *m)
{
	unsigned int i;
	int n = 0;

	for (i = 0; n >= 0 && i < NUM_QUEUES; i++) {
		const struct ring *r = &m->g->q[i].ring;
		__u64 iova = mem_gpa(&m->g->mem, r->device_area);

		iova -= iova % IOMMU_PAGE;
		n = iommu_tell(m, iova, IOMMU_PAGE, iommu_ptr(m, iova),
			       VHOST_ACCESS_RW);
	}
	return n < 0 ? n : 0;
}

int iommu_setup(struct iommu *m, struct guest *g,
		const struct guest_config *cfg, bool v1)
{
	unsigned int i;
	int err;

	memset(m, 0, sizeof(*m));
	m->g = g;
	m->v1 = v1;
	m->memory = -1;
	m->stop = -1;
	m->answer = iommu_answer;
	pthread_mutex_init(&m->lock, NULL);
	err = guest_alloc(g, cfg);
	if (!err)
		err = make_memory(m);
	/* The rings were initialized in the memory that was mapped here before. */
	for (i = 0; !err && i < NUM_QUEUES; i++)
		ring_reset(&g->q[i].ring, cfg->base[i] ?:
			   ring_first_base(&g->q[i].ring.f));
	if (!err)
		err = guest_setup(g);
	if (!err)
		err = dev_set_mem_table(&g->dev, &m->phys);
	if (!err && !v1)
		err = dev_set_backend_features(&g->dev, BACKEND_IOTLB_MSG_V2);
	return err ?: iommu_tell_used(m);
}

int iommu_start(struct iommu *m, struct guest *g,
		const struct guest_config *cfg, bool v1)
{
	unsigned int i;
	int err;

	err = iommu_setup(m, g, cfg, v1);
	if (!err)
		err = iommu_run(m);
	if (!err)
		err = dev_set_running(&g->dev, 1);
	for (i = 0; !err && i < cfg->rx_bufs; i++)
		err = guest_post_rx(g, cfg->rx_size, cfg->rx_layout);
	return err;
}

int iommu_restart(struct iommu *m)
{
	struct guest *g = m->g;
	unsigned int i;
	int err;

	err = dev_set_running(&g->dev, 0);
	for (i = 0; !err && i < NUM_QUEUES; i++)
		err = guest_empty_ring(g, i);
	if (!err)
		err = iommu_tell_used(m);
	return err ?: dev_set_running(&g->dev, 1);
}

void iommu_free(struct iommu *m)
{
	iommu_halt(m);
	mem_free(&m->phys);
	close(m->memory);
	free(m->frame);
}

void *iommu_move(struct iommu *m, __u64 iova)
{
	__u64 page = iova - iova % IOMMU_PAGE;
	void *from, *to = NULL;
	long n = page_number(m, page);

	pthread_mutex_lock(&m->lock);
	from = iommu_ptr(m, page);
	if (from && m->spare < m->nframes &&
	    iommu_invalidate(m, page, IOMMU_PAGE) >= 0) {
		m->frame[n] = m->spare++;
		to = iommu_ptr(m, page);
		memcpy(to, from, IOMMU_PAGE);
		if (map_page(m, mem_ptr(&m->g->mem, page, IOMMU_PAGE),
			     m->frame[n]))
			to = NULL;
		memset(from, POISON, IOMMU_PAGE);
	}
	pthread_mutex_unlock(&m->lock);
	return to ? from : NULL;
}

bool iommu_untouched(const void *page)
{
	const __u8 *p = page;
	unsigned int i;

	for (i = 0; i < IOMMU_PAGE; i++)
		if (p[i] != POISON)
			return false;
	return true;
}
