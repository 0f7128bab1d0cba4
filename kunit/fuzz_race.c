// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that is rewritten while the device reads it.
 *
 * A race on one byte with one of two values can still be predicted: the byte is read once, so the
 * result is that of one value or of the other. Where more is rewritten, the result must be one that
 * a guest could cause at all.
 */
#include <linux/hrtimer.h>

#include <mvsock/compat.h>

#include "fuzz.h"
#include "fuzz_cover.h"

#define HDR	sizeof(struct virtio_vsock_hdr)

#define RACE_FIELDS	6

/**
 * struct race_field - a field that is rewritten
 * @real: its address
 * @width: its size in bytes
 * @values: its possible values, starting with the original one
 */
struct race_field {
	u8 *real;
	u32 width;
	u8 values[4][8];
};

/**
 * struct race - a rewriter of guest memory
 * @timer: timer whose interrupt rewrites
 * @rnd: state of its random numbers
 * @block_rnd: state of at_block()'s random numbers
 * @blocks: number of blocks until the next rewrite
 * @lock: held by the interrupt, which may be on another processor, while it rewrites
 * @on: rewriting is enabled
 * @reading: the device is running
 * @fields: the fields that it rewrites
 * @nfields: number of fields
 * @nvalues: number of values of each field
 * @ret: the results of two forecasts
 * @reasons: reasons for which a packet may be rejected
 * @hdr: the packet's header
 * @rewritten: number of rewrites
 * @inside: number of rewrites while the device was running
 */
struct race {
	struct hrtimer timer;
	u64 rnd;
	u64 block_rnd;
	u32 blocks;
	raw_spinlock_t lock;
	bool on;
	bool reading;
	struct race_field fields[RACE_FIELDS];
	u32 nfields;
	u32 nvalues;
	int ret[2];
	u32 reasons[2];
	struct virtio_vsock_hdr hdr[2];
	u64 rewritten;
	u64 inside;
};

/* Asks the model for forecast @i. */
typedef void (*ask_fn)(struct fuzz *fz, u32 i);
/*
 * Tries it on the device. Returns false, after reporting it, if the result is not a possible one.
 */
typedef bool (*try_fn)(struct fuzz *fz);

/* Only one suite runs at a time; the rounds of fuzz_run() do not use this. */
static struct race race;

static void rewrite(u64 *rnd)
{
	struct race_field *field = &race.fields[fuzz_below(rnd, race.nfields)];

	memcpy(field->real, field->values[fuzz_below(rnd, race.nvalues)],
	       field->width);
	race.rewritten++;
	race.inside += READ_ONCE(race.reading);
}

/* At any instruction. */
static enum hrtimer_restart at_time(struct hrtimer *timer)
{
	raw_spin_lock(&race.lock);
	if (race.on)
		rewrite(&race.rnd);
	raw_spin_unlock(&race.lock);
	hrtimer_forward_now(timer, ns_to_ktime(100 * NSEC_PER_USEC +
			    fuzz_below(&race.rnd, 400 * NSEC_PER_USEC)));
	return HRTIMER_RESTART;
}

/*
 * Between two blocks of the code under test, if that is instrumented: far more often than a timer
 * can, and at the same places with the same seed.
 */
static void at_block(void)
{
	if (!race.on || !race.reading || --race.blocks)
		return;
	race.blocks = 1 + fuzz_below(&race.block_rnd,
				     1 << fuzz_below(&race.block_rnd, 10));
	rewrite(&race.block_rnd);
}

/* Run the device between the marks that the timer checks. */
#define reading(expr) ({						\
	typeof(expr) __ret;						\
									\
	WRITE_ONCE(race.reading, true);					\
	barrier();							\
	__ret = (expr);							\
	barrier();							\
	WRITE_ONCE(race.reading, false);				\
	__ret;								\
})

/* Number of attempts: fewer for longer chains. */
static u32 tries(const struct forecast *f)
{
	u32 work = f->nsegs + min_t(u64, f->readable, MVS_PACKET_MAX) / SZ_1K;

	return max(60 / (1 + work / 16), 3U);
}

/* Enable or disable rewriting; a rewrite in progress is over when it is disabled. */
static void may_rewrite(bool on)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&race.lock, flags);
	race.on = on;
	raw_spin_unlock_irqrestore(&race.lock, flags);
}

/* Try it while memory is rewritten, then restore the original content. */
static void try_it(struct fuzz *fz, try_fn once)
{
	struct mvs_ring ring = fz->ring;
	u32 n = tries(fz->forecast[0]), i;

	may_rewrite(true);
	do {
		fz->ring = ring;
	} while (once(fz) && --n);
	may_rewrite(false);
	fz->ring = ring;
	for (i = 0; i < race.nfields; i++)
		memcpy(race.fields[i].real, race.fields[i].values[0],
		       race.fields[i].width);
}

/* --- one byte --- */

/*
 * Let one byte have one of two values. Returns false when the device does not read it, or may read
 * it more than once, as in a loop: then the result can't be predicted.
 */
static bool two_values(struct fuzz *fz, u64 uaddr, ask_fn ask)
{
	struct race_field *field = &race.fields[0];
	struct fuzz_mem *mem = &fz->mem;
	u32 i, reads[2];

	field->real = fuzz_mem_byte(mem, uaddr);
	if (!field->real)
		return false;
	field->width = 1;
	field->values[0][0] = *field->real;
	field->values[1][0] = *field->real ^ (1 + fuzz_below(&fz->rnd, 255));
	race.nfields = 1;
	race.nvalues = 2;

	mem->watch = uaddr;
	for (i = 0; i < 2; i++) {
		mem->watched = 0;
		fuzz_mem_expect(mem, uaddr, field->values[i], 1);
		ask(fz, i);
		reads[i] = mem->watched;
	}
	mem->watch = 0;
	fuzz_mem_expect(mem, uaddr, field->values[0], 1);
	return reads[0] + reads[1] && reads[0] < 2 && reads[1] < 2;
}

/* Race on one byte of what the driver wrote, if there is one that the device reads. */
static bool two_values_of_a_field(struct fuzz *fz, ask_fn ask)
{
	u32 tries;

	for (tries = 16; tries && fz->driver.nfields; tries--) {
		const struct fuzz_field *field = fuzz_driver_field(&fz->driver);
		u64 at = field->uaddr + fuzz_below(&fz->rnd, field->width);

		if (two_values(fz, at, ask))
			return true;
	}
	return false;
}

static void ask_pop(struct fuzz *fz, u32 i)
{
	model_pop(&fz->model, fz->forecast[i]);
}

static bool try_pop(struct fuzz *fz)
{
	int ret = reading(mvs_ring_pop(&fz->ring, fz->chain));
	const struct forecast *f = fz->forecast[0], *g = fz->forecast[1];

	return fuzz_check(fz, !fuzz_chain_differs(fz, ret, f) ||
			  !fuzz_chain_differs(fz, ret, g),
			  "rewritten, packed %u, num %u: pop: wrong %s: got %d, reason %u, %u descriptors, %u segments; not %d, %u, %u, %u, nor %d, %u, %u, %u",
			  fz->model.packed, fz->model.num,
			  fuzz_chain_differs(fz, ret, f), ret, fz->chain->reason,
			  fz->chain->ndescs, fz->chain->nsegs, f->ret, f->reason,
			  f->ndescs, f->nsegs, g->ret, g->reason, g->ndescs,
			  g->nsegs);
}

static void race_pop(struct fuzz *fz)
{
	if (two_values_of_a_field(fz, ask_pop))
		try_it(fz, try_pop);
}

static void ask_signal(struct fuzz *fz, u32 i)
{
	struct model m = fz->model;

	race.ret[i] = model_need_signal(&m);
}

static bool try_signal(struct fuzz *fz)
{
	int ret = reading(mvs_ring_need_signal(&fz->ring));

	return fuzz_check(fz, ret == race.ret[0] || ret == race.ret[1] ||
			  ((race.ret[0] == MODEL_EITHER ||
			    race.ret[1] == MODEL_EITHER) && ret == !!ret),
			  "rewritten, packed %u: need_signal: got %d, not %d nor %d",
			  fz->model.packed, ret, race.ret[0], race.ret[1]);
}

static void race_signal(struct fuzz *fz)
{
	fuzz_driver_events(&fz->driver);
	if (two_values_of_a_field(fz, ask_signal))
		try_it(fz, try_signal);
}

static void ask_notify(struct fuzz *fz, u32 i)
{
	struct model m = fz->model;

	race.ret[i] = model_notify(&m, false);
}

static bool try_notify(struct fuzz *fz)
{
	int ret = reading(mvs_ring_enable_notify(&fz->ring));

	return fuzz_check(fz, ret == race.ret[0] || ret == race.ret[1],
			  "rewritten, packed %u: enable_notify: got %d, not %d nor %d",
			  fz->model.packed, ret, race.ret[0], race.ret[1]);
}

static void race_notify(struct fuzz *fz)
{
	int wanted = model_notify(&fz->model, true);

	fuzz_check(fz, mvs_ring_disable_notify(&fz->ring) == wanted,
		   "disable_notify: not %d", wanted);
	if (wanted)
		return;
	if (two_values_of_a_field(fz, ask_notify))
		try_it(fz, try_notify);
	/* The written bytes are the same in any case. */
	wanted = model_notify(&fz->model, false);
	fuzz_check(fz, mvs_ring_enable_notify(&fz->ring) == wanted,
		   "enable_notify: not %d", wanted);
}

/* --- a packet's header --- */

static void ask_packet(struct fuzz *fz, u32 i)
{
	race.reasons[i] = model_parse(&fz->model, fz->forecast[0],
				      FUZZ_GUEST_CID, &race.hdr[i]);
}

static bool foretold(struct fuzz *fz, int ret,
		     const struct virtio_vsock_hdr *hdr, u32 i)
{
	if (race.reasons[i])
		return ret == -EBADMSG &&
		       race.reasons[i] & BIT(fz->chain->reason);
	return !ret && !memcmp(hdr, &race.hdr[i], HDR);
}

/* The payload must match the header that was checked. */
static bool try_read(struct fuzz *fz, const struct virtio_vsock_hdr *hdr)
{
	u32 len = le32_to_cpu(hdr->len), moved;
	struct kvec vec = { fz->buf, MVS_PACKET_MAX };
	struct iov_iter iter;
	int ret;

	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, MVS_PACKET_MAX);
	ret = reading(mvs_packet_read(fz->chain, &fz->mem.guest->gm, len,
				      &iter));
	moved = MVS_PACKET_MAX - iov_iter_count(&iter);
	return fuzz_check(fz, ret == -EBADMSG ? !moved : !ret && moved == len,
			  "rewritten: read: got %d, %u bytes of %u", ret, moved,
			  len);
}

static int parse(struct fuzz *fz, struct virtio_vsock_hdr *hdr)
{
	fz->chain->pos = 0;
	fz->chain->off = 0;
	return reading(mvs_packet_parse(fz->chain, &fz->mem.guest->gm,
					FUZZ_GUEST_CID, hdr));
}

static bool try_packet(struct fuzz *fz)
{
	struct virtio_vsock_hdr hdr;
	int ret = parse(fz, &hdr);

	if (!fuzz_check(fz, foretold(fz, ret, &hdr, 0) || foretold(fz, ret, &hdr, 1),
			"rewritten: parse: got %d, reason %u, len %u", ret,
			fz->chain->reason, le32_to_cpu(hdr.len)))
		return false;
	return ret || try_read(fz, &hdr);
}

/* Address of byte @n of a chain, or 0. */
static u64 byte_of(const struct forecast *f, u32 n)
{
	u32 i;

	for (i = 0; i < f->nsegs; i++) {
		if (n < f->segs[i].len)
			return f->segs[i].uaddr + n;
		n -= f->segs[i].len;
	}
	return 0;
}

static void race_packet(struct fuzz *fz)
{
	struct forecast *f = fz->forecast[0];
	struct mvs_ring ring = fz->ring;
	u64 at;

	model_pop(&fz->model, f);
	if (f->ret != 1 || f->writable)
		return;
	if (!fuzz_check(fz, mvs_ring_pop(&fz->ring, fz->chain) == 1,
			"pop: no chain"))
		return;
	fz->ring = ring;
	/* Half of the time it is the length. */
	at = byte_of(f, fuzz_once_in(&fz->rnd, 2) ? fuzz_below(&fz->rnd, HDR) :
		     offsetof(struct virtio_vsock_hdr, len) +
		     fuzz_below(&fz->rnd, sizeof_field(struct virtio_vsock_hdr, len)));
	if (at && two_values(fz, at, ask_packet))
		try_it(fz, try_packet);
}

/* --- anything --- */

static void add_field(struct fuzz *fz, const struct fuzz_field *f)
{
	struct race_field *field = &race.fields[race.nfields];
	u32 i;

	field->real = fuzz_mem_byte(&fz->mem, f->uaddr);
	field->width = f->width;
	if (!field->real || offset_in_page(f->uaddr) + f->width > PAGE_SIZE)
		return;
	for (i = 0; i < ARRAY_SIZE(field->values); i++) {
		memcpy(field->values[i], field->real, f->width);
		if (i)
			fuzz_driver_value(&fz->driver, f, field->values[i]);
	}
	race.nfields++;
}

/* Check that each segment is in guest memory, and that the sums are right. */
static bool segments_possible(const struct mvs_chain *chain)
{
	u64 bytes[2] = {};
	u32 i;

	if (chain->nsegs > MVS_CHAIN_SEGS_MAX || chain->nsegs > chain->max ||
	    chain->nread > chain->nsegs || chain->pos || chain->off)
		return false;
	for (i = 0; i < chain->nsegs; i++) {
		const struct mvs_seg *seg = &chain->segs[i];

		if (!fuzz_uaddr_ok(seg->uaddr, seg->len, i >= chain->nread))
			return false;
		bytes[i >= chain->nread] += seg->len;
	}
	return bytes[0] == chain->readable && bytes[1] == chain->writable;
}

static bool any_page_lost(const struct fuzz_mem *mem)
{
	u32 i;

	for (i = 0; i < GUEST_PAGES; i++)
		if (!mem->cached[i])
			return true;
	return false;
}

/* Whatever the memory had: the result must be one that a guest can cause. */
static bool pop_possible(const struct fuzz *fz, int ret)
{
	const struct mvs_chain *chain = fz->chain;
	const struct model *m = &fz->model;
	u32 ndescs = 0;

	if (ret == 1 || ret == -EBADMSG) {
		ndescs = chain->ndescs;
		if (m->packed ? !ndescs || ndescs > m->num :
				ndescs != 1 || chain->id >= m->num)
			return false;
	}
	if (fz->ring.next_avail != model_encode(m, model_place(m, m->take, ndescs)))
		return false;

	switch (ret) {
	case 1:
		return segments_possible(chain);
	case -EBADMSG:
		return chain->reason <= MVS_REASON_BAD_DIRECTION &&
		       !(m->packed && chain->reason == MVS_REASON_BAD_NEXT);
	case -EFAULT:
		return any_page_lost(&fz->mem);
	default:
		return ret == 0 || ret == -EINVAL;
	}
}

static bool try_anything(struct fuzz *fz)
{
	int ret = reading(mvs_ring_pop(&fz->ring, fz->chain));
	struct virtio_vsock_hdr hdr;
	u32 len;

	if (!fuzz_check(fz, pop_possible(fz, ret),
			"rewritten, packed %u, num %u: pop: impossible: got %d, reason %u, id %u, %u descriptors, %u segments",
			fz->model.packed, fz->model.num, ret, fz->chain->reason,
			fz->chain->id, fz->chain->ndescs, fz->chain->nsegs))
		return false;
	if (ret != 1)
		return true;

	ret = parse(fz, &hdr);
	if (ret)
		return fuzz_check(fz, ret == -EBADMSG,
				  "rewritten: parse: got %d", ret);
	len = le32_to_cpu(hdr.len);
	return fuzz_check(fz, !fz->chain->writable &&
			  len <= MVS_PACKET_MAX &&
			  len + HDR <= fz->chain->readable &&
			  le64_to_cpu(hdr.src_cid) == FUZZ_GUEST_CID,
			  "rewritten: parse: impossible, len %u of %llu", len,
			  fz->chain->readable) && try_read(fz, &hdr);
}

/* Fields of the ring and chains, and of the next header. */
static void race_anything(struct fuzz *fz)
{
	struct fuzz_field header = { .width = 4 };
	u32 n;

	race.nfields = 0;
	race.nvalues = ARRAY_SIZE(race.fields[0].values);
	model_pop(&fz->model, fz->forecast[0]);
	header.uaddr = byte_of(fz->forecast[0],
			       offsetof(struct virtio_vsock_hdr, len));
	add_field(fz, &header);
	for (n = fuzz_below(&fz->rnd, RACE_FIELDS); n && fz->driver.nfields; n--)
		add_field(fz, fuzz_driver_field(&fz->driver));
	if (race.nfields)
		try_it(fz, try_anything);
}

static void round_rewritten(struct fuzz *fz)
{
	u32 n;

	race.block_rnd = fuzz_random(&fz->rnd);
	race.blocks = 1;
	fuzz_start(fz);
	for (n = fuzz_below(&fz->rnd, 20); n && !fz->failed && !fz->broken; n--)
		fuzz_step(fz);
	if (!fz->failed && !fz->broken)
		fuzz_publish(fz);
	for (n = 8; n && !fz->failed && !fz->broken; n--) {
		fuzz_driver_offer(&fz->driver);
		switch (fuzz_below(&fz->rnd, 8)) {
		case 0 ... 2:
			race_pop(fz);
			break;
		case 3:
			race_signal(fz);
			break;
		case 4:
			race_notify(fz);
			break;
		case 5:
			race_packet(fz);
			break;
		default:
			race_anything(fz);
		}
		fuzz_memory_is(fz, "rewritten");
	}
}

void fuzz_rewritten(struct kunit *test)
{
	struct fuzz *fz = fuzz_create(test);

	memset(&race, 0, sizeof(race));
	raw_spin_lock_init(&race.lock);
	hrtimer_setup(&race.timer, at_time, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
	hrtimer_start(&race.timer, ns_to_ktime(NSEC_PER_MSEC),
		      HRTIMER_MODE_REL_HARD);
	fuzz_cover_begin(at_block);
	fuzz_run(fz, round_rewritten);
	fuzz_cover_end(test);
	hrtimer_cancel(&race.timer);

	kunit_info(test, "%llu times rewritten, %llu of them while the device read",
		   race.rewritten, race.inside);
	KUNIT_EXPECT_GT(test, race.inside, 0);
}
