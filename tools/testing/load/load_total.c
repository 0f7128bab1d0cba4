// SPDX-License-Identifier: GPL-2.0
/* The results of a load with guests: checks the counts, and prints rates. */
#include "load.h"

void load_hist_add(struct load_hist *h, __u64 ns)
{
	unsigned int shift = 0;

	while (ns >> shift >= 2 * HIST_SUB)
		shift++;
	h->n[shift * HIST_SUB + (ns >> shift)]++;
}

static bool same(unsigned int i, const char *from, const struct load_end *tx,
		 const struct load_end *rx)
{
	if (tx->tx_messages == rx->rx_messages && tx->tx_bytes == rx->rx_bytes)
		return true;
	load_complain("guest %u: of %llu messages, %llu bytes from the %s %llu and %llu came",
		      i, tx->tx_messages, tx->tx_bytes, from, rx->rx_messages,
		      rx->rx_bytes);
	return false;
}

static void add_hist(struct load_hist *to, const struct load_hist *h)
{
	unsigned int i;

	for (i = 0; i < HIST_BUCKETS; i++)
		to->n[i] += h->n[i];
}

bool load_add_up(struct load_total *t)
{
	__u64 start = ~0ULL, end = 0;
	bool good = true;
	unsigned int i;

	for (i = 0; i < load_run.opt->guests; i++) {
		const struct load_pair *p = &load_run.shared->pair[i];
		const struct load_end *ends[] = { &p->guest, &p->host };
		unsigned int j;

		good = same(i, "guest", &p->guest, &p->host) && good;
		good = same(i, "host", &p->host, &p->guest) && good;
		for (j = 0; j < 2; j++) {
			start = ends[j]->start < start ? ends[j]->start : start;
			end = ends[j]->end > end ? ends[j]->end : end;
		}
		/* An echo doubles the number. */
		t->messages += load_run.load->kind == LOAD_RTT ?
			       p->guest.tx_messages :
			       p->guest.tx_messages + p->host.tx_messages;
		t->guest_packets += p->guest_packets;
		t->host_packets += p->host_packets;
		t->signals += p->signals;
		t->kicks += p->kicks;
		add_hist(&t->hist, &p->hist);
	}
	t->seconds = (end - start) / 1e9;
	if (good && !t->messages)
		load_complain("nothing was sent");
	return good && t->messages;
}

/* Microseconds within which @part of all round trips completed, with 2 % accuracy. */
static double percentile(const struct load_total *t, double part)
{
	const __u64 wanted = t->messages * part;
	unsigned int i, shift;
	__u64 seen = 0;

	for (i = 0; i < HIST_BUCKETS; i++) {
		seen += t->hist.n[i];
		if (seen > wanted)
			break;
	}
	shift = i < 2 * HIST_SUB ? 0 : i / HIST_SUB - 1;
	return ((__u64)(i - shift * HIST_SUB) << shift) / 1e3;
}

void load_print(const struct load_total *t)
{
	const struct load *l = load_run.load;
	const double rate = t->messages / t->seconds;

	switch (l->kind) {
	case LOAD_RTT:
		printf("%s: %.0f round-trips/s %.1f p50-us %.1f p99-us", l->name,
		       rate, percentile(t, 0.5), percentile(t, 0.99));
		break;
	case LOAD_CONNECT_G2H:
	case LOAD_CONNECT_H2G:
		printf("%s: %.0f connections/s", l->name, rate);
		break;
	default:
		if (l->size < 4096)
			printf("%s: %.0f messages/s", l->name, rate);
		else
			printf("%s: %.1f MB/s", l->name, rate * l->size / 1e6);
	}
	printf(" %llu messages", t->messages);
	if (load_run.opt->vm)
		printf(" %llu exits %llu interrupts %llu switches", t->vm.exits,
		       t->vm.interrupts, t->vm.switches);
	else
		printf(" %llu guest-packets %llu host-packets %llu signals %llu kicks",
		       t->guest_packets, t->host_packets, t->signals, t->kicks);
	printf(" %u guests %.3f seconds\n", load_run.opt->guests, t->seconds);
}
