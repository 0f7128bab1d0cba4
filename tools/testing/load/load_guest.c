// SPDX-License-Identifier: GPL-2.0
/* The guest's end of a load: what its programs do. */
#include "load_driver.h"

#define FIRST_PORT 2000

/* vhost_vsock resets a seqpacket connection when about 450 messages of any length are unread, so
 * keep fewer unread. Only there: the sender then waits for credit updates below its credit, and
 * mvsock sends an update only when the credit is needed.
 */
#define SEQ_UNREAD 256

/* vhost_vsock is the module without counters. */
static bool counts_messages(const struct driver *d)
{
	__u64 connections;

	return dev_counter(&d->g.dev, "connections", &connections);
}

static bool is_stream(void)
{
	return load_run.load->socktype == SOCK_STREAM;
}

static void send_all(struct driver *d)
{
	const __u32 flags = is_stream() ? 0 : VIRTIO_VSOCK_SEQ_EOM;
	struct load_end *end = &d->pair->guest;
	unsigned int work;
	__u32 left = 0, n;

	for (;;) {
		work = drv_reap(d);
		for (;;) {
			if (!left && !load_goes_on(end->tx_messages))
				return;
			left = left ?: load_run.load->size;
			n = drv_send(d, left, flags);
			if (!n)
				break;
			end->tx_bytes += n;
			left -= n;
			end->tx_messages += !left;
			work++;
		}
		if (!work)
			drv_wait(d);
	}
}

static void receive_all(struct driver *d)
{
	struct load_end *end = &d->pair->guest;

	while (!d->peer_closed) {
		if (!drv_reap(d))
			drv_wait(d);
		drv_read(d);
	}
	if (is_stream())
		end->rx_messages = end->rx_bytes / load_run.load->size;
	end->end = now_ns();
	drv_flush(d);
}

static void send_message(struct driver *d)
{
	__u32 left, n;

	for (left = load_run.load->size; left; left -= n) {
		n = drv_send(d, left, 0);
		if (!n && !drv_reap(d))
			drv_wait(d);
	}
}

static void round_trips(struct driver *d)
{
	const __u32 size = load_run.load->size;
	struct load_end *end = &d->pair->guest;
	__u64 before = end->start, now;

	while (load_goes_on(end->tx_messages)) {
		send_message(d);
		end->tx_messages++;
		end->tx_bytes += size;
		while (end->rx_bytes < end->tx_bytes) {
			if (!drv_reap(d))
				drv_wait(d);
			drv_read(d);
		}
		end->rx_messages++;
		now = now_ns();
		load_hist_add(&d->pair->hist, now - before);
		before = now;
	}
}

/* One connection, which the guest always opens. */
static void play_connection(struct driver *d, __u32 port)
{
	struct load_end *end = &d->pair->guest;

	drv_connect(d, is_stream() ? VIRTIO_VSOCK_TYPE_STREAM :
				     VIRTIO_VSOCK_TYPE_SEQPACKET,
		    FIRST_PORT, port);
	if (!is_stream() && counts_messages(d))
		d->window = SEQ_UNREAD * load_run.load->size;
	load_begin(end);
	switch (load_run.load->kind) {
	case LOAD_G2H:
		send_all(d);
		break;
	case LOAD_H2G:
		receive_all(d);
		return;
	default:
		round_trips(d);
	}
	end->end = now_ns();
	drv_close(d);
}

static void wait_closed(struct driver *d)
{
	while (!d->peer_closed)
		if (!drv_reap(d))
			drv_wait(d);
}

static void play_connects(struct driver *d, __u32 peer_port)
{
	struct load_end *end = &d->pair->guest;
	__u32 port = FIRST_PORT;

	load_begin(end);
	for (;;) {
		drv_connect(d, VIRTIO_VSOCK_TYPE_STREAM, port++, peer_port);
		wait_closed(d);
		if (flag_get(&d->pair->last))
			break;
		end->tx_messages++;
		end->end = now_ns();
		if (!load_goes_on(end->tx_messages))
			flag_set(&d->pair->last);
	}
	drv_flush(d);
}

static void play_accepts(struct driver *d)
{
	struct load_end *end = &d->pair->guest;

	d->type = VIRTIO_VSOCK_TYPE_STREAM;
	d->port = LOAD_GUEST_PORT;
	load_begin(end);
	while (!flag_get(&d->pair->last) || !d->peer_closed ||
	       d->accepted <= d->pair->host.tx_messages)
		if (!drv_reap(d))
			drv_wait(d);
	end->end = now_ns();
	end->rx_messages = d->accepted - 1;
	drv_flush(d);
}

void load_guest(unsigned int i, __u32 port)
{
	struct load_pair *pair = &load_run.shared->pair[i];
	static struct driver d;

	drv_start(&d, load_run.opt->path, load_run.first_cid + i, pair,
		  load_run.load->size);
	switch (load_run.load->kind) {
	case LOAD_CONNECT_G2H:
		play_connects(&d, port);
		break;
	case LOAD_CONNECT_H2G:
		play_accepts(&d);
		break;
	default:
		play_connection(&d, port);
	}
	drv_stop(&d);
}
