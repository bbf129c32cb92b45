// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk over a linked list.
 *
 * A list is an array of 24-byte slots somewhere in endpoint memory. A data slot is live when its
 * cycle bit (CB) equals the channel's cycle state (CCS); a link slot is always followed, and where
 * it carries TCB the cycle state flips. So a list is a ring without a head that anybody has to
 * write: the producer fills slots with the bit of the current lap and the consumer stops at the
 * first slot whose bit is of the lap before:
 *
 *	slot	0	1	2	3 (link to 0, TCB)
 *	lap 1	CB=1	CB=1	CB=1	-> CCS becomes 0
 *	lap 2	CB=0	CB=1	  ^ stops at slot 1, CCS=0: still lap 1's
 *
 * Everything in a slot comes from the host, which may rewrite it at any moment. Each slot is
 * therefore copied once, control word first (acquire, as the producer writes it last), and only the
 * copy is looked at. Every address is resolved anew for every piece that moves, under the locks of
 * both address spaces, which a slice holds and releases within some ten microseconds: that bounds how
 * long an unmapping waits, and how long a stop does. An element is checked whole before its first
 * byte moves; that its ranges change between two pieces is then an abort in the middle.
 *
 * Lists that cannot end are cut: two links in a row, or sixteen links without a byte in between, are
 * a list error. A ring of live elements without TCB is legal and runs until it is stopped.
 *
 * Peers may shrink a file that we have mapped. The copies run under a guard (guard.h) that turns the
 * fault into an abort.
 */
#include "epdma/engine/engine-private.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "epdma/mem/guard.h"

#define IDLE_LINKS  16
#define HOST	    1
#define EP	    0

static struct fl_mem *space(const struct chan *c, int side)
{
	return side == EP ? c->e->cfg.ep : c->e->cfg.host;
}

static enum outcome fail(struct chan *c, enum abort_reason reason)
{
	c->reason = reason;
	return OUT_ABORT;
}

static bool may_hold_list(const struct chan *c, const struct fl_mem_range *r)
{
	return r->ptr && (r->flags & FL_MEM_READ) && (c->e->cfg.trusted || r->flags & FL_MEM_DESC);
}

/* The slot at the list pointer, or false. */
static bool fetch_slot(struct chan *c, struct fl_dw_slot *ret)
{
	uint64_t llp = __atomic_load_n(&c->llp, __ATOMIC_RELAXED);
	const struct fl_mem_range *r = fl_mem_find(c->e->cfg.ep, llp, &c->hint_ll);
	const uint8_t *p;

	if (!r || !may_hold_list(c, r) || r->size - (llp - r->base) < FL_DW_SLOT_SIZE)
		return false;
	p = r->ptr + (llp - r->base);
	if ((llp | (uintptr_t)p) % 8)
		return false;
	ret->ctl = le32toh(__atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE));
	ret->size = le32toh(__atomic_load_n((const uint32_t *)(p + 4), __ATOMIC_RELAXED));
	ret->src = le64toh(__atomic_load_n((const uint64_t *)(p + 8), __ATOMIC_RELAXED));
	ret->dst = le64toh(__atomic_load_n((const uint64_t *)(p + 16), __ATOMIC_RELAXED));
	return true;
}

/* Does @r allow this transfer, on its side? */
static bool range_allows(const struct chan *c, int side, const struct fl_mem_range *r)
{
	bool writes = (side == EP) == (c->dir == FL_EPDMA_READ);
	unsigned int need = writes ? FL_MEM_WRITE : FL_MEM_READ;

	if (side == EP && !c->e->cfg.trusted)
		need |= FL_MEM_DATA;
	return (r->flags & need) == need;
}

/* All of [addr, addr + size) is there and allowed; it may span ranges. */
static bool range_covers(struct chan *c, int side, uint64_t addr, uint64_t size)
{
	uint64_t end;

	if (__builtin_add_overflow(addr, size - 1, &end))
		return false;
	while (size) {
		const struct fl_mem_range *r = fl_mem_find(space(c, side), addr, &c->hint[side]);
		uint64_t n;

		if (!r || !range_allows(c, side, r))
			return false;
		n = FL_MIN(size, r->size - (addr - r->base));
		addr += n;
		size -= n;
	}
	return true;
}

static int side_of_src(const struct chan *c)
{
	return c->dir == FL_EPDMA_WRITE ? EP : HOST;
}

static uint64_t side_addr(const struct chan *c, int side)
{
	return (side == side_of_src(c) ? c->slot.src : c->slot.dst) + c->moved;
}

static enum outcome check_element(struct chan *c)
{
	if (c->skip)
		c->moved = c->slot.size;
	if (!c->slot.size || c->skip)
		return OUT_MORE;
	if (!__atomic_load_n(&c->e->master, __ATOMIC_RELAXED))
		return fail(c, ABORT_NO_MASTER);
	if (!range_covers(c, EP, side_addr(c, EP), c->slot.size))
		return fail(c, ABORT_EP_ADDR);
	if (!range_covers(c, HOST, side_addr(c, HOST), c->slot.size))
		return fail(c, ABORT_HOST_ADDR);
	return OUT_MORE;
}

static enum outcome follow_link(struct chan *c, const struct fl_dw_slot *slot)
{
	if (c->after_link || ++c->links_idle > IDLE_LINKS)
		return fail(c, ABORT_LL_LOOP);
	c->slot = *slot;
	if (slot->ctl & FL_ELEM_TCB)
		__atomic_store_n(&c->ccs, !c->ccs, __ATOMIC_RELAXED);
	c->after_link = true;
	c->delta.links++;
	if (!c->e->cfg.log) {
		__atomic_store_n(&c->llp, slot->src, __ATOMIC_RELEASE);
		return OUT_MORE;
	}
	return OUT_EVENT;
}

static enum outcome begin_element(struct chan *c, const struct fl_dw_slot *slot)
{
	c->slot = *slot;
	c->moved = 0;
	c->after_link = false;
	if (c->dir == FL_EPDMA_READ && fl_fault_hit(c->e->cfg.fault, FL_FAULT_POISONED_READ))
		return fail(c, ABORT_POISONED);
	c->in_elem = true;
	return check_element(c);
}

/* Takes the next slot; OUT_MORE with c->in_elem: it is a live element. */
static enum outcome next_slot(struct chan *c)
{
	struct fl_dw_slot slot;

	if (c->mode != LIST) /* the doorbell has put the element into c->slot */
		return c->mode == SINGLE ? begin_element(c, &c->slot) : OUT_EXHAUSTED;
	if (!fetch_slot(c, &slot))
		return fail(c, ABORT_LL_RANGE);
	if (slot.ctl & FL_ELEM_LLP)
		return follow_link(c, &slot);
	if (!!(slot.ctl & FL_ELEM_CB) != c->ccs) {
		c->slot = slot;
		return OUT_EXHAUSTED;
	}
	if (fl_fault_hit(c->e->cfg.fault, FL_FAULT_LINK_LOSS))
		return OUT_LINK_LOST;
	return begin_element(c, &slot);
}

struct piece {
	const struct fl_mem_range *r[2];
	uint64_t addr[2];
	uint32_t n;
};

/* What can move in one go from where the element stands. */
static enum outcome next_piece(struct chan *c, struct piece *p, uint32_t max)
{
	if (!__atomic_load_n(&c->e->master, __ATOMIC_RELAXED))
		return fail(c, ABORT_NO_MASTER);
	p->n = FL_MIN(c->slot.size - c->moved, max);
	for (int side = EP; side <= HOST; side++) {
		uint64_t addr = side_addr(c, side);
		const struct fl_mem_range *r = fl_mem_find(space(c, side), addr, &c->hint[side]);

		if (!r || !range_allows(c, side, r))
			return fail(c, side == EP ? ABORT_EP_ADDR : ABORT_HOST_ADDR);
		p->r[side] = r;
		p->addr[side] = addr;
		p->n = (uint32_t)FL_MIN((uint64_t)p->n, r->size - (addr - r->base));
	}
	return OUT_MORE;
}

static uint8_t *piece_ptr(const struct piece *p, int side)
{
	return p->r[side]->ptr + (p->addr[side] - p->r[side]->base);
}

static enum outcome move_piece(struct chan *c, uint32_t max)
{
	int src = side_of_src(c);
	struct piece p;
	enum outcome out = next_piece(c, &p, max);

	if (out != OUT_MORE)
		return out;
	if (!p.r[EP]->ptr || !p.r[HOST]->ptr)
		return OUT_IO;
	memcpy(piece_ptr(&p, !src), piece_ptr(&p, src), p.n);
	c->moved += p.n;
	c->delta.bytes += p.n;
	c->links_idle = 0;
	return OUT_MORE;
}

/* The element is through. Whether anybody has to be told decides how the new place is published. */
static enum outcome finish_element(struct chan *c)
{
	c->in_elem = false;
	c->delta.elements++;
	if (c->mode == SINGLE)
		c->mode = SINGLE_DONE;
	if (c->mode != LIST || c->e->cfg.log || c->slot.ctl & (FL_ELEM_LIE | FL_ELEM_RIE))
		return OUT_EVENT;
	__atomic_store_n(&c->llp, c->llp + FL_DW_SLOT_SIZE, __ATOMIC_RELEASE);
	return OUT_MORE;
}

static enum outcome walk_list(struct chan *c, unsigned int slots, uint64_t bytes)
{
	enum outcome out = OUT_MORE;

	while (slots && out == OUT_MORE && c->delta.bytes < bytes) {
		if (__atomic_load_n(&c->stop, __ATOMIC_RELAXED))
			return OUT_STOPPED;
		if (!c->in_elem) {
			slots--;
			out = next_slot(c);
			if (out != OUT_MORE || !c->in_elem)
				continue;
		}
		if (c->moved < c->slot.size)
			out = move_piece(c, (uint32_t)(bytes - c->delta.bytes));
		if (out == OUT_MORE && c->moved >= c->slot.size)
			out = finish_element(c);
	}
	return out;
}

/* Pages that a peer has taken away: whose memory it was that faulted. */
static enum abort_reason fault_reason(const struct chan *c, const void *addr)
{
	if (fl_mem_holds(c->e->cfg.host, addr))
		return ABORT_HOST_ADDR;
	return c->in_elem ? ABORT_EP_ADDR : ABORT_LL_RANGE;
}

enum outcome fl_walk_slice(struct chan *c, unsigned int slots, uint64_t bytes)
{
	struct fl_guard guard;
	enum outcome out;

	fl_mem_lock(c->e->cfg.ep);
	fl_mem_lock(c->e->cfg.host);
	if (fl_guard_enter(&guard) == 0)
		out = walk_list(c, slots, bytes);
	else
		out = fail(c, fault_reason(c, guard.addr));
	fl_guard_leave(&guard);
	fl_mem_unlock(c->e->cfg.host);
	fl_mem_unlock(c->e->cfg.ep);
	return out;
}

/*
 * By functions: the host's answer may take long and may never come, so no lock is held meanwhile, and
 * the endpoint's side is resolved again behind it.
 */
int fl_walk_io(struct chan *c)
{
	int src = side_of_src(c);
	uint32_t n = FL_MIN(c->slot.size - c->moved, BOUNCE_SIZE);
	int r;

	r = fl_mem_read(space(c, src), side_addr(c, src), c->bounce, n);
	if (r == 0)
		r = fl_mem_write(space(c, !src), side_addr(c, !src), c->bounce, n);
	if (r < 0)
		return r;
	c->moved += n;
	c->delta.bytes += n;
	c->links_idle = 0;
	return 0;
}
