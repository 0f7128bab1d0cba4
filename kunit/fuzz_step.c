// SPDX-License-Identifier: GPL-2.0
/*
 * Steps of the fuzz suite: what the driver or the device does next, and whether the result is as
 * predicted.
 */
#include "fuzz.h"

#define HDR	sizeof(struct virtio_vsock_hdr)
#define EOM_EOR	(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR)

static const char *layout(const struct fuzz *fz)
{
	return fz->model.packed ? "packed" : "split";
}

/* Check that only the expected bytes were written, and that the ring's positions are right. */
void fuzz_memory_is(struct fuzz *fz, const char *what)
{
	const struct model *m = &fz->model;
	u64 at = fuzz_mem_difference(&fz->mem);

	fuzz_check(fz, !at,
		   "%s: %s: wrong bytes at %#llx (descriptors %#llx, driver %#llx, device %#llx)",
		   layout(fz), what, at, m->desc, m->avail, m->used);
	fuzz_check(fz, fz->ring.next_avail == model_encode(m, m->take),
		   "%s: %s: next_avail is %#x, not %#x", layout(fz), what,
		   fz->ring.next_avail, model_encode(m, m->take));
	fuzz_check(fz, fz->ring.next_used == model_encode(m, m->give),
		   "%s: %s: next_used is %#x, not %#x", layout(fz), what,
		   fz->ring.next_used, model_encode(m, m->give));
	fuzz_check(fz, fz->ring.unpublished == m->unseen,
		   "%s: %s: %u unpublished, not %u", layout(fz), what,
		   fz->ring.unpublished, m->unseen);
}

/* Check the return value against the prediction. Errors other than rejections end the round. */
static bool returned(struct fuzz *fz, const char *what, int ret, int wanted)
{
	fuzz_memory_is(fz, what);
	if (wanted == MODEL_EITHER ? ret == 0 || ret == 1 : ret == wanted) {
		fz->broken = ret < 0 && ret != -EBADMSG;
		fz->rings_broken += fz->broken;
		return true;
	}
	return fuzz_check(fz, false, "%s, num %u: %s: got %d, not %d",
			  layout(fz), fz->model.num, what, ret, wanted);
}

/* --- start --- */

/* Set the ring's fields from the model. */
static void set_ring(struct fuzz *fz)
{
	const struct model *m = &fz->model;

	fz->ring = (struct mvs_ring) {
		.gm = &fz->mem.guest->gm,
		.num = m->num,
		.desc = m->desc,
		.avail = m->avail,
		.used = m->used,
		.le = true,
		.packed = m->packed,
		.event_idx = m->event_idx,
		.indirect = m->indirect,
		.notify_on_empty = m->on_empty,
		.next_avail = model_encode(m, m->take),
		.next_used = model_encode(m, m->give),
	};
}

/* Settings of a VMM that are invalid: no memory is touched. */
static void start_wrongly(struct fuzz *fz)
{
	struct mvs_ring *ring = &fz->ring;

	switch (fuzz_below(&fz->rnd, 4)) {
	case 0:
		ring->num = ring->packed ? 0x8001 : 0;
		break;
	case 1:
		ring->num = ring->packed ? 0 : 3 * ring->num;
		break;
	case 2:
		ring->next_avail = ring->num | (ring->next_avail & BIT(15));
		ring->num = ring->packed ? ring->num : 2 * ring->num + 1;
		break;
	case 3:
		ring->desc += ring->packed ? 8 : 0;
		ring->num = ring->packed ? ring->num : 4 * ring->num - 1;
		break;
	}
	fuzz_check(fz, mvs_ring_start(ring) == -EINVAL,
		   "%s ring of %u, place %#x, descriptors at %#llx: started",
		   layout(fz), ring->num, ring->next_avail, ring->desc);
}

static void lose_page(struct fuzz *fz)
{
	fuzz_mem_lose(&fz->mem, fuzz_below(&fz->rnd, GUEST_PAGES),
		      fuzz_once_in(&fz->rnd, 2));
}

/* Start a new ring in new memory. */
void fuzz_start(struct fuzz *fz)
{
	fz->broken = false;
	fz->popped = false;
	fz->nheld = 0;
	mvs_chain_destroy(fz->chain);
	if (!fuzz_check(fz, !mvs_chain_init(fz->chain), "no memory"))
		return;
	fuzz_mem_reset(&fz->mem, &fz->rnd);
	fuzz_driver_start(&fz->driver);
	if (fuzz_once_in(&fz->rnd, 32))
		lose_page(fz);

	set_ring(fz);
	if (fuzz_once_in(&fz->rnd, 32))
		start_wrongly(fz);
	set_ring(fz);
	returned(fz, "start", mvs_ring_start(&fz->ring),
		 model_start(&fz->model));
}

/* --- chains --- */

/* What differs from the prediction, or NULL. */
const char *fuzz_chain_differs(const struct fuzz *fz, int ret,
			       const struct forecast *f)
{
	const struct mvs_chain *chain = fz->chain;
	u32 i;

	if (ret != f->ret)
		return "return value";
	if (ret != 1 && ret != -EBADMSG)
		return NULL;
	if (chain->id != f->id)
		return "id";
	if (chain->ndescs != f->ndescs)
		return "number of descriptors";
	if (ret == -EBADMSG)
		return chain->reason == f->reason ? NULL : "reason";
	if (chain->pos || chain->off)
		return "position";
	if (chain->nsegs != f->nsegs || chain->nread != f->nread)
		return "number of segments";
	if (chain->readable != f->readable || chain->writable != f->writable)
		return "number of bytes";
	for (i = 0; i < f->nsegs; i++)
		if (chain->segs[i].uaddr != f->segs[i].uaddr ||
		    chain->segs[i].len != f->segs[i].len)
			return "segment";
	return NULL;
}

static void hold(struct fuzz *fz)
{
	fz->held[fz->nheld].id = fz->chain->id;
	fz->held[fz->nheld++].ndescs = fz->chain->ndescs;
	fz->popped = false;
}

static void push(struct fuzz *fz, u32 len)
{
	struct mvs_chain chain = {};
	u32 i = fuzz_below(&fz->rnd, fz->nheld);
	int wanted;

	chain.id = fz->held[i].id;
	chain.ndescs = fz->held[i].ndescs;
	fz->held[i] = fz->held[--fz->nheld];
	wanted = model_push(&fz->model, chain.id, chain.ndescs, len);
	returned(fz, "giving a chain back", mvs_ring_push(&fz->ring, &chain, len), wanted);
}

static void pop(struct fuzz *fz)
{
	struct forecast *f = fz->forecast[0];
	const char *wrong;
	int ret;

	model_pop(&fz->model, f);
	ret = mvs_ring_pop(&fz->ring, fz->chain);
	wrong = fuzz_chain_differs(fz, ret, f);
	fuzz_check(fz, !wrong,
		   "%s, num %u: taking a chain: wrong %s: got %d, reason %u, id %u, %u descriptors, %u segments; not %d, %u, %u, %u, %u",
		   layout(fz), fz->model.num, wrong, ret, fz->chain->reason,
		   fz->chain->id, fz->chain->ndescs, fz->chain->nsegs, f->ret,
		   f->reason, f->id, f->ndescs, f->nsegs);
	model_taken(&fz->model, f);
	if (!returned(fz, "taking a chain", ret, f->ret))
		return;

	fz->popped = ret == 1;
	fz->chains += ret == 1;
	if (ret == -EBADMSG) {
		fz->refused[f->reason]++;
		hold(fz);
	}
}

/* Put the chain back as if it had not been taken. */
static void unpop(struct fuzz *fz)
{
	struct model *m = &fz->model;
	u32 all = m->packed ? 2 * m->num : U16_MAX + 1;

	mvs_ring_unpop(&fz->ring, fz->chain);
	m->take = model_place(m, m->take, all - fz->forecast[0]->ndescs);
	fuzz_memory_is(fz, "putting a chain back");
	fz->popped = false;
}

/* --- packets --- */

static void refused(struct fuzz *fz, const char *what, long ret, u32 reasons)
{
	if (fuzz_check(fz, ret == -EBADMSG, "%s: got %ld, not -EBADMSG for one of %#x",
		       what, ret, reasons) &&
	    fuzz_check(fz, BIT(fz->chain->reason) & reasons,
		       "%s: reason %u, not one of %#x", what,
		       fz->chain->reason, reasons))
		fz->refused[fz->chain->reason]++;
}

/* @len bytes at @bytes, in two pieces, of which one may be empty. */
static void set_iter(struct fuzz *fz, struct iov_iter *iter,
		     unsigned int direction, u8 *bytes, u32 len)
{
	u32 first = fuzz_below(&fz->rnd, len + 1);

	fz->pieces[0] = (struct kvec) { bytes, first };
	fz->pieces[1] = (struct kvec) { bytes + first, len - first };
	iov_iter_kvec(iter, direction, fz->pieces, ARRAY_SIZE(fz->pieces), len);
}

/* Check that the iterator advanced by the right number of bytes. */
static void moved(struct fuzz *fz, const char *what,
		  const struct iov_iter *iter, u32 len, u32 wanted)
{
	fuzz_check(fz, iov_iter_count(iter) == len - wanted,
		   "%s: %zu bytes are left, not %u", what, iov_iter_count(iter),
		   len - wanted);
}

static void read_payload(struct fuzz *fz, u32 len)
{
	struct iov_iter iter;
	int ret;

	set_iter(fz, &iter, ITER_DEST, fz->buf, MVS_PACKET_MAX);
	ret = mvs_packet_read(fz->chain, &fz->mem.guest->gm, len, &iter);
	if (model_bytes(&fz->model, fz->forecast[0], HDR, fz->wanted, len,
			false) < len) {
		refused(fz, "read", ret, MODEL_REASON(BAD_ADDRESS));
		moved(fz, "read", &iter, MVS_PACKET_MAX, 0);
		return;
	}
	if (!fuzz_check(fz, !ret, "read: got %d", ret))
		return;
	moved(fz, "read", &iter, MVS_PACKET_MAX, len);
	fuzz_check(fz, !memcmp(fz->buf, fz->wanted, len), "read: wrong bytes");
	fz->packets++;
}

static void read_packet(struct fuzz *fz)
{
	struct virtio_vsock_hdr hdr, wanted;
	u32 reasons;
	int ret;

	reasons = model_parse(&fz->model, fz->forecast[0], FUZZ_GUEST_CID,
			      &wanted);
	ret = mvs_packet_parse(fz->chain, &fz->mem.guest->gm, FUZZ_GUEST_CID,
			       &hdr);
	if (reasons) {
		refused(fz, "parse", ret, reasons);
		return;
	}
	if (fuzz_check(fz, !ret, "parse: got %d, reason %u, not 0", ret,
		       fz->chain->reason) &&
	    fuzz_check(fz, !memcmp(&hdr, &wanted, HDR), "parse: another header"))
		read_payload(fz, le32_to_cpu(hdr.len));
}

/* Returns the number of bytes written, or the reasons for rejecting the chain in @reasons. */
static u32 foretell_write(struct fuzz *fz, struct virtio_vsock_hdr *hdr,
			  u8 *payload, u32 left, u32 *reasons)
{
	const struct forecast *f = fz->forecast[0];
	u32 len;

	*reasons = 0;
	if (f->readable)
		*reasons |= MODEL_REASON(BAD_DIRECTION);
	if (f->writable < HDR + !!left)
		*reasons |= MODEL_REASON(TOO_SHORT);
	if (*reasons)
		return 0;

	len = min_t(u64, left, f->writable - HDR);
	hdr->len = cpu_to_le32(len);
	if (len < left)
		hdr->flags &= ~cpu_to_le32(EOM_EOR);
	if (model_bytes(&fz->model, f, 0, hdr, HDR, true) < HDR ||
	    model_bytes(&fz->model, f, HDR, payload, len, true) < len)
		*reasons = MODEL_REASON(BAD_ADDRESS);
	return len;
}

/* A packet of any length and content. */
static u32 make_packet(struct fuzz *fz, struct virtio_vsock_hdr *hdr)
{
	memcpy(hdr, fz->bytes + fuzz_below(&fz->rnd, 64), HDR);
	if (fuzz_once_in(&fz->rnd, 4))
		return 0;
	return fuzz_below(&fz->rnd, fuzz_once_in(&fz->rnd, 8) ?
			  MVS_PACKET_MAX + 1 : 400);
}

static void write_packet(struct fuzz *fz)
{
	struct virtio_vsock_hdr hdr, wanted_hdr;
	u32 len = make_packet(fz, &hdr), left;
	u32 wanted, reasons, offset;
	struct iov_iter iter;
	int ret;

	/* Part of it has been sent before. */
	set_iter(fz, &iter, ITER_SOURCE, fz->bytes, len);
	offset = fuzz_once_in(&fz->rnd, 4) ? fuzz_below(&fz->rnd, len + 1) : 0;
	iov_iter_advance(&iter, offset);
	len -= offset;
	if (fuzz_once_in(&fz->rnd, 4))
		left = fuzz_below(&fz->rnd, len + 1);
	else
		left = len;

	wanted_hdr = hdr;
	wanted = foretell_write(fz, &wanted_hdr, fz->bytes + offset, left,
				&reasons);
	ret = mvs_packet_write(fz->chain, &fz->mem.guest->gm, &hdr, &iter, left);
	fuzz_memory_is(fz, "write");
	moved(fz, "write", &iter, len, reasons ? 0 : wanted);
	if (reasons) {
		refused(fz, "write", ret, reasons);
		return;
	}
	fuzz_check(fz, !memcmp(&hdr, &wanted_hdr, HDR), "write: another header");
	fz->written += fuzz_check(fz, ret == wanted, "write: got %d, not %u",
				  ret, wanted);
}

/* Now and then the operation for the wrong direction. */
static void use_chain(struct fuzz *fz)
{
	bool write = fz->chain->writable;

	if (fuzz_once_in(&fz->rnd, 16))
		write = !write;
	if (write)
		write_packet(fz);
	else
		read_packet(fz);
}

/* --- the next step --- */

/* End the batch. */
void fuzz_publish(struct fuzz *fz)
{
	int wanted = model_publish(&fz->model);

	returned(fz, "publish", mvs_ring_publish(&fz->ring), wanted);
}

static void signal(struct fuzz *fz)
{
	int wanted, ret;

	fuzz_publish(fz);
	if (fz->failed || fz->broken)
		return;
	wanted = model_need_signal(&fz->model);
	ret = mvs_ring_need_signal(&fz->ring);
	if (returned(fz, "need_signal", ret, wanted) && ret >= 0)
		model_signalled(&fz->model);
}

static void notify(struct fuzz *fz)
{
	bool quiet = fuzz_once_in(&fz->rnd, 2);
	int wanted = model_notify(&fz->model, quiet);

	if (quiet)
		returned(fz, "disable_notify",
			 mvs_ring_disable_notify(&fz->ring), wanted);
	else
		returned(fz, "enable_notify",
			 mvs_ring_enable_notify(&fz->ring), wanted);
}

/* The device continues with its chains. */
static void device_step(struct fuzz *fz)
{
	if (fz->nheld == FUZZ_HELD || (fz->nheld && fuzz_once_in(&fz->rnd, 2))) {
		push(fz, fuzz_once_in(&fz->rnd, 2) ? fuzz_random(&fz->rnd) : 0);
		return;
	}
	pop(fz);
	if (!fz->popped)
		return;
	if (!fuzz_once_in(&fz->rnd, 4))
		use_chain(fz);
	if (fuzz_once_in(&fz->rnd, 8))
		unpop(fz);
	else
		hold(fz);
}

/* One step of the driver or of the device. */
void fuzz_step(struct fuzz *fz)
{
	switch (fuzz_below(&fz->rnd, 32)) {
	case 0 ... 8:
		fuzz_driver_offer(&fz->driver);
		break;
	case 9 ... 11:
		fuzz_driver_events(&fz->driver);
		break;
	case 12:
		fuzz_driver_spoil(&fz->driver);
		break;
	case 13:
		if (fuzz_once_in(&fz->rnd, 4))
			lose_page(fz);
		break;
	case 14 ... 16:
		signal(fz);
		break;
	case 17:
		fuzz_publish(fz);
		break;
	case 18 ... 19:
		notify(fz);
		break;
	default:
		device_step(fz);
	}
}
