// SPDX-License-Identifier: GPL-2.0
/*
 * Many devices in one process: how long each takes to open, start and close, and how much kernel
 * memory it takes.
 */
#include <sys/resource.h>

#include "conn.h"
#include "host.h"
#include "load.h"

#define TIMEOUT 10000

/* A device, the eventfds of two rings, a socket. */
#define FDS_EACH 8

/* Bytes transferred in each direction by a busy device's connection. */
#define BUSY_LEN (64 * 1024)

static struct guest *guests;
static unsigned int num;

/* Set up everything but the devices, in memory allocated at the start. */
static void alloc_guests(void)
{
	const struct rlimit fds = {
		.rlim_cur = num * FDS_EACH + 64,
		.rlim_max = num * FDS_EACH + 64,
	};
	unsigned int i;

	if (setrlimit(RLIMIT_NOFILE, &fds))
		load_fail("%llu open files: %s", (unsigned long long)fds.rlim_cur,
			  strerror(errno));
	guests = calloc(num, sizeof(*guests));
	if (!guests)
		load_fail("no memory for %u guests", num);
	for (i = 0; i < num; i++) {
		struct guest_config cfg = guest_config(load_run.opt->path,
						       load_run.first_cid + i);

		cfg.features |= F_INDIRECT | F_EVENT_IDX;
		load_need(guest_alloc(&guests[i], &cfg));
	}
}

static void open_devices(void)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		load_need(dev_open(&guests[i].dev, load_run.opt->path, 0));
}

/* Everything that a VMM does to run the guest. */
static void start_devices(void)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		load_need(guest_configure(&guests[i]));
		load_need(dev_set_running(&guests[i].dev, 1));
	}
}

static void close_devices(void)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		dev_close(&guests[i].dev);
}

/* Microseconds of @phase for each device. */
static double timed(void (*phase)(void))
{
	__u64 start = now_ns();

	phase();
	return (now_ns() - start) / 1e3 / num;
}

void load_devices(void)
{
	double open, start, close;

	num = load_run.opt->devices;
	alloc_guests();
	open = timed(open_devices);
	start = timed(start_devices);
	close = timed(close_devices);
	printf("%s: %.1f open-us %.1f start-us %.1f close-us %u devices\n",
	       load_run.load->name, open, start, close, num);
}

/* --- memory --------------------------------------------------------------- */

static __u64 mem_field(const char *name)
{
	__s64 kib = host_meminfo_kib(name);

	if (kib < 0)
		load_fail("/proc/meminfo has no %s", name);
	return kib * 1024;
}

/* The kernel's own memory: what is neither free, nor page cache, nor a program's. The sum of Slab,
 * KernelStack, PageTables and so on would omit pages that a driver allocates directly, and count
 * stacks in vmalloc memory twice. Per-CPU counters are added to these once a second, and RCU frees
 * late: hence the pause.
 */
static double kernel_memory(void)
{
	sleep(2);
	return (double)mem_field("MemTotal") - mem_field("MemFree") -
	       mem_field("Buffers") - mem_field("Cached") -
	       mem_field("SwapCached") - mem_field("AnonPages");
}

/* The guest's pages in use were touched before anything is measured, so that page tables do not
 * count.
 */
static void touch(struct guest *g)
{
	__u32 rx = g->cfg.rx_bufs * g->cfg.rx_size;
	__u64 gpa = mem_alloc(&g->mem, MEM_BUFFERS, 1, 1);

	load_need(mem_fill(&g->mem, g->tx_gpa, 0, HDR_LEN + BUSY_LEN));
	load_need(mem_fill(&g->mem, gpa, 0, rx));
}

/* A connection from the host, data in both directions; it stays open. */
static void use_device(struct guest *g, __u8 *buf)
{
	struct conn c;
	unsigned int i;
	int fd;

	for (i = 0; i < g->cfg.rx_bufs; i++)
		load_need(guest_post_rx(g, g->cfg.rx_size, g->cfg.rx_layout));
	fd = load_need(host_connect(SOCK_STREAM, g->cfg.cid, LOAD_GUEST_PORT));
	conn_init(&c, g, VIRTIO_VSOCK_TYPE_STREAM, LOAD_GUEST_PORT, 0);
	load_need(conn_accept(&c, TIMEOUT));
	load_need(host_connected(fd, TIMEOUT));
	load_need(conn_send(&c, buf, BUSY_LEN, TIMEOUT));
	load_need(host_recv(fd, buf, BUSY_LEN, TIMEOUT));
	load_need(host_send(fd, buf, BUSY_LEN, 0, TIMEOUT));
	load_need(conn_recv(&c, buf, BUSY_LEN, TIMEOUT));
	conn_free(&c);
}

static void use_devices(void)
{
	static __u8 buf[BUSY_LEN];
	unsigned int i;

	for (i = 0; i < num; i++)
		use_device(&guests[i], buf);
}

void load_memory(void)
{
	double before, open, idle, busy;
	unsigned int i;

	num = load_run.opt->devices;
	alloc_guests();
	for (i = 0; i < num; i++)
		touch(&guests[i]);
	before = kernel_memory();
	open_devices();
	open = kernel_memory();
	start_devices();
	idle = kernel_memory();
	use_devices();
	busy = kernel_memory();
	printf("%s: %.0f open-bytes %.0f idle-bytes %.0f busy-bytes %u devices\n",
	       load_run.load->name, (open - before) / num,
	       (idle - before) / num, (busy - before) / num, num);
	close_devices();
}
