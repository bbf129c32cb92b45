// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A channel's list, kept as a ring: data is appended at the head with the lap's cycle bit while the
 * engine walks behind, a fixed link leads from the last slot back to the first and flips the cycle,
 * and how far the engine is stands in its list pointer. A transfer may have more pieces than the
 * ring has slots; it is then fed in as slots come free. One slot always stays free, so that "through
 * with everything" and "not begun" are different list pointers; a ring of one slot tells them apart
 * by the channel's status instead.
 *
 * Interrupts are asked for at the end of what is appended at once, at half a ring, where more has to
 * be fed, and in between on the last piece of a transfer once 8 MiB have gathered. A doorbell
 * follows every append: the engine ignores those that it does not need.
 *
 * The watch. No progress for a while means one of: the doorbell was lost (the engine stands, slots
 * wait: ring again), the channel aborted (its status says so: the transfer fails, the ones behind it
 * start afresh), the link fell (READY is gone, or the list pointer reads 0), the device is gone (all
 * ones), or simply a long transfer (its status says running: wait on).
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/nsec.h"
#include "base/util.h"
#include "epdma/host/host-private.h"

#define ALL_ONES   0xffffffffu
#define TELL_BYTES (8u << 20) /* transfers of one batch share an interrupt up to here */

static const unsigned int status_shift = 5;

enum fl_epdma_dir fl_host_chan_dir(const struct fl_host_chan *c)
{
	return c->dir;
}

unsigned int fl_host_chan_index(const struct fl_host_chan *c)
{
	return c->hw;
}

unsigned int fl_host_chan_slots(const struct fl_host_chan *c)
{
	return c->ring;
}

bool fl_host_chan_busy(const struct fl_host_chan *c)
{
	return c->first != c->unissued;
}

int fl_host_chan_init(struct fl_host_chan *c)
{
	struct fl_bus *b = c->h->bus;
	void *p = NULL;
	int r;

	if (c->desc.size < 2 * FL_DW_SLOT_SIZE)
		return -EINVAL;
	c->ring = c->desc.size / FL_DW_SLOT_SIZE - 1;
	c->last = &c->first;
	c->stale = true;
	r = b->ops->bar_ptr(b, c->desc.bar, c->desc.offset, c->desc.size, &p);
	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	c->map = r == 0 && (uintptr_t)p % 8 == 0 ? p : NULL;
	return 0;
}

/* ---- slots ---- */

/* The control word goes last: with it the slot becomes the engine's. */
static int put_slot(struct fl_host_chan *c, uint32_t index, uint32_t ctl, uint32_t size,
		    uint64_t src, uint64_t dst)
{
	struct fl_bus *b = c->h->bus;
	uint64_t off = c->desc.offset + (uint64_t)index * FL_DW_SLOT_SIZE;
	const uint32_t words[] = { size, (uint32_t)src, (uint32_t)(src >> 32), (uint32_t)dst,
				   (uint32_t)(dst >> 32) };
	int r = 0;

	if (c->map) {
		uint8_t *p = c->map + (size_t)index * FL_DW_SLOT_SIZE;

		__atomic_store_n((uint32_t *)(p + 4), htole32(size), __ATOMIC_RELAXED);
		__atomic_store_n((uint64_t *)(p + 8), htole64(src), __ATOMIC_RELAXED);
		__atomic_store_n((uint64_t *)(p + 16), htole64(dst), __ATOMIC_RELAXED);
		__atomic_store_n((uint32_t *)p, htole32(ctl), __ATOMIC_RELEASE);
		return 0;
	}
	for (unsigned int i = 0; r == 0 && i < FL_ARRAY_SIZE(words); i++)
		r = b->ops->write32(b, c->desc.bar, off + 4 + 4 * i, words[i]);
	return r < 0 ? r : b->ops->write32(b, c->desc.bar, off, ctl);
}

static uint32_t lap_bit(const struct fl_host_chan *c, uint64_t slot)
{
	return slot / c->ring % 2 ? 0 : FL_ELEM_CB;
}

/* The link carries the opposite of its lap's bit, and is renewed before the slot that leads to it. */
static int put_link(struct fl_host_chan *c, uint64_t slot)
{
	uint32_t ctl = FL_ELEM_LLP | FL_ELEM_TCB | (lap_bit(c, slot) ^ FL_ELEM_CB);

	return put_slot(c, c->ring, ctl, 0, c->desc.addr, 0);
}

static uint32_t free_slots(const struct fl_host_chan *c)
{
	uint64_t used = c->head - c->tail;

	return c->ring == 1 ? (uint32_t)(1 - used) : (uint32_t)(c->ring - 1 - used);
}

/* ---- registers ---- */

static int read_chan_reg(struct fl_host_chan *c, enum fl_dw_reg v0, enum fl_dw_reg native, uint32_t *ret)
{
	return fl_host_reg_read(c->h, fl_host_native(c->h) ? native : v0, c->dir, c->hw, 0, ret);
}

static int write_chan_reg(struct fl_host_chan *c, enum fl_dw_reg v0, enum fl_dw_reg native, uint32_t val)
{
	return fl_host_reg_write(c->h, fl_host_native(c->h) ? native : v0, c->dir, c->hw, 0, val);
}

static int clear_done(struct fl_host_chan *c)
{
	if (fl_host_native(c->h))
		return fl_host_reg_write(c->h, FL_HN_INT_CLEAR, c->dir, c->hw, 0, 3);
	return fl_host_reg_write(c->h, FL_V0_INT_CLEAR, c->dir, 0, 0, 1u << c->hw);
}

/* Whoever waits for the transfer asks next where the list pointer is. */
static int ring_doorbell(struct fl_host_chan *c)
{
	bool native = fl_host_native(c->h);
	const struct fl_host_reg bell = { native ? FL_HN_DOORBELL : FL_V0_DOORBELL, c->dir, c->hw };
	const struct fl_host_reg pointer = { native ? FL_HN_LLP_LO : FL_V0CH_LLP_LO, c->dir, c->hw };

	if (c->ring == 1 && clear_done(c) < 0)
		return -ENODEV;
	if (c->map) /* remote memory: what was written must have arrived */
		(void)__atomic_load_n((volatile uint32_t *)c->map, __ATOMIC_SEQ_CST);
	return fl_host_reg_write_ask(c->h, &bell, native ? 1 : c->hw, &pointer);
}

static int channel_status(struct fl_host_chan *c, unsigned int *ret)
{
	uint32_t v;
	int r = read_chan_reg(c, FL_V0CH_CONTROL1, FL_HN_STATUS, &v);

	if (r < 0)
		return r;
	if (v == ALL_ONES)
		return -ENODEV;
	*ret = fl_host_native(c->h) ? v & 3 : v >> status_shift & 3;
	return 0;
}

static int start_v0(struct fl_host_chan *c)
{
	struct fl_host *h = c->h;
	uint32_t en;
	bool compat = h->md.map == FL_EPDMA_COMPAT; /* a channel's power is its enable there */
	int r = fl_host_reg_write(h, compat ? FL_V0_PWR_EN : FL_V0_ENGINE_EN, c->dir, 0,
				  compat ? c->hw : 0, 1);

	if (r == 0)
		r = fl_host_reg_read(h, FL_V0_LL_ERR_EN, c->dir, 0, 0, &en);
	if (r == 0)
		r = fl_host_reg_write(h, FL_V0_LL_ERR_EN, c->dir, 0, 0, en | 1u << c->hw);
	if (r == 0)
		r = write_chan_reg(c, FL_V0CH_CONTROL1, 0, FL_C1_CCS | FL_C1_LLE);
	return r;
}

static int start_native(struct fl_host_chan *c)
{
	uint32_t setup = c->h->cfg.polled ? 0x50 : 0x78; /* local enables, and the remote ones */
	int r = fl_host_reg_write(c->h, FL_HN_CH_EN, c->dir, c->hw, 0, 1);

	if (r == 0)
		r = fl_host_reg_write(c->h, FL_HN_INT_SETUP, c->dir, c->hw, 0, setup);
	if (r == 0)
		r = fl_host_reg_write(c->h, FL_HN_CONTROL1, c->dir, c->hw, 0, 1);
	return r;
}

/* From nothing: an empty ring whose slots are all of the lap before, and the engine in front of it. */
static int start_ring(struct fl_host_chan *c)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < c->ring; i++)
		r = put_slot(c, i, 0, 0, 0, 0);
	if (r == 0)
		r = put_link(c, 0);
	if (r == 0)
		r = fl_host_native(c->h) ? start_native(c) : start_v0(c);
	if (r == 0)
		r = write_chan_reg(c, FL_V0CH_LLP_LO, FL_HN_LLP_LO, (uint32_t)c->desc.addr);
	if (r == 0)
		r = write_chan_reg(c, FL_V0CH_LLP_HI, FL_HN_LLP_HI, (uint32_t)(c->desc.addr >> 32));
	if (r == 0 && fl_host_native(c->h))
		r = fl_host_reg_write(c->h, FL_HN_CYCLE, c->dir, c->hw, 0, 3);
	if (r < 0)
		return r;
	c->head = c->tail = 0;
	c->stale = c->lost = false;
	c->started = true;
	return 0;
}

/* ---- feeding ---- */

static int put_seg(struct fl_host_chan *c, struct fl_host_tx *tx, bool tell)
{
	const struct fl_host_seg *s = &tx->segs[tx->queued];
	uint32_t ctl = lap_bit(c, c->head);
	uint32_t index = (uint32_t)(c->head % c->ring);
	int r = 0;

	if (index == c->ring - 1)
		r = put_link(c, c->head);
	if (tell)
		ctl |= FL_ELEM_LIE | FL_ELEM_RIE;
	else if (c->ring == 1)
		ctl |= FL_ELEM_LIE;
	if (r == 0)
		r = put_slot(c, index, ctl, s->len, s->src, s->dst);
	if (r < 0)
		return r;
	if (!tx->stood) {
		tx->first_slot = c->head - tx->queued;
		tx->stood = true;
	}
	tx->queued++;
	c->head++;
	return 0;
}

/* Appends the elements that there is room for, and rings the doorbell. */
static int append_segs(struct fl_host_chan *c)
{
	uint32_t half = (c->ring + 1) / 2, n = 0, free = free_slots(c);
	uint64_t bytes = 0;
	int r = 0;

	while (r == 0 && free && c->fill && c->fill != c->unissued) {
		struct fl_host_tx *tx = c->fill;
		bool last = tx->queued + 1 == tx->nr_segs;
		bool end = free == 1 || (last && (!tx->next || tx->next == c->unissued));

		bytes += tx->segs[tx->queued].len;
		r = put_seg(c, tx, !c->h->cfg.polled && (end || n % half == half - 1 ||
							 (last && bytes >= TELL_BYTES)));
		if (last && bytes >= TELL_BYTES)
			bytes = 0;
		free--;
		n++;
		if (r == 0 && tx->queued == tx->nr_segs)
			c->fill = tx->next;
	}
	if (r == 0 && n)
		r = ring_doorbell(c);
	return r;
}

/* ---- finishing ---- */

static void finish_tx(struct fl_host_chan *c, struct fl_host_tx *tx, int error)
{
	c->first = tx->next;
	if (!c->first)
		c->last = &c->first;
	if (c->fill == tx)
		c->fill = tx->next;
	if (c->unissued == tx)
		c->unissued = tx->next;
	tx->next = NULL;
	tx->error = error;
	tx->state = error ? FL_TX_FAILED : FL_TX_DONE;
	if (tx->done)
		tx->done(tx);
}

static void finish_done(struct fl_host_chan *c)
{
	while (c->first && c->first != c->unissued && c->first->queued == c->first->nr_segs &&
	       (!c->first->nr_segs || c->first->first_slot + c->first->nr_segs <= c->tail))
		finish_tx(c, c->first, 0);
}

static void fail_issued(struct fl_host_chan *c, int error)
{
	c->lost = c->lost || error == -ENOLINK || error == -ENODEV;
	while (c->first && c->first != c->unissued)
		finish_tx(c, c->first, error);
	c->stale = true;
}

/* The transfer at the head failed; those behind it go onto a fresh list. */
static int restart_behind(struct fl_host_chan *c, int error)
{
	if (c->first && c->first != c->unissued)
		finish_tx(c, c->first, error);
	c->stale = true;
	for (struct fl_host_tx *tx = c->first; tx && tx != c->unissued; tx = tx->next) {
		tx->queued = 0;
		tx->stood = false;
	}
	c->fill = c->first;
	return fl_host_chan_busy(c) ? fl_host_issue(c) : 0;
}

/* ---- progress ---- */

/* Where the engine is, as a slot index; -EAGAIN: no such place. */
static int position(struct fl_host_chan *c, uint32_t *ret)
{
	uint32_t lo, diff;
	int r = read_chan_reg(c, FL_V0CH_LLP_LO, FL_HN_LLP_LO, &lo);

	if (r < 0)
		return r;
	diff = lo - (uint32_t)c->desc.addr;
	if (diff % FL_DW_SLOT_SIZE || diff / FL_DW_SLOT_SIZE > c->ring)
		return lo == ALL_ONES ? -ENODEV : -ENOLINK;
	*ret = diff / FL_DW_SLOT_SIZE % c->ring;
	return 0;
}

/*
 * A ring of one slot: the list pointer says nothing, the done bit does (native: the stop bit). It is
 * cleared before each doorbell.
 */
static int one_done(struct fl_host_chan *c, uint32_t *ret)
{
	int r;

	if (fl_host_native(c->h))
		return fl_host_reg_read(c->h, FL_HN_INT_STATUS, c->dir, c->hw, 0, ret);
	r = fl_host_reg_read(c->h, FL_V0_INT_STATUS, c->dir, 0, 0, ret);
	*ret >>= c->hw;
	return r;
}

static int position_of_one(struct fl_host_chan *c, uint64_t *ret)
{
	uint32_t done = 0;
	int r = one_done(c, &done);

	if (r == 0)
		*ret = done & 1 ? c->head : c->tail;
	return r;
}

static int read_tail(struct fl_host_chan *c, uint64_t *ret)
{
	uint32_t at;
	int r;

	if (c->ring == 1)
		return position_of_one(c, ret);
	r = position(c, &at);
	if (r < 0)
		return r;
	*ret = c->tail + (at + c->ring - (uint32_t)(c->tail % c->ring)) % c->ring;
	if (*ret > c->head)
		return -ENOLINK; /* nobody put anything there */
	return 0;
}

/* ---- the watch ---- */

static int clear_abort(struct fl_host_chan *c)
{
	if (fl_host_native(c->h))
		return fl_host_reg_write(c->h, FL_HN_INT_CLEAR, c->dir, c->hw, 0, 7);
	return fl_host_reg_write(c->h, FL_V0_INT_CLEAR, c->dir, 0, 0, 0x10001u << c->hw);
}

/* What was done before the abort counts; the transfer that it struck is the first that is not. */
static int after_abort(struct fl_host_chan *c)
{
	int r = read_tail(c, &c->tail);

	if (r == 0)
		r = clear_abort(c);
	if (r < 0) {
		fail_issued(c, r);
		return 1;
	}
	finish_done(c);
	r = restart_behind(c, -EIO);
	return r < 0 ? r : 1;
}

/* Nothing moved. Why? > 0: something was done about it. */
static int look_after(struct fl_host_chan *c)
{
	unsigned int status;
	int r = channel_status(c, &status);

	if (r == 0)
		r = fl_host_alive(c->h);
	if (r < 0) {
		fail_issued(c, r);
		return 1;
	}
	switch (status) {
	case FL_CS_HALTED:
		return after_abort(c);
	case FL_CS_RUNNING:
		return 0;
	default: /* stopped, or never heard the first doorbell; a reset shows in the list pointer */
		return ring_doorbell(c);
	}
}

int fl_host_poll(struct fl_host_chan *c)
{
	uint64_t tail = 0, now;
	int r;

	if (!fl_host_chan_busy(c) || c->stale)
		return 0;
	r = read_tail(c, &tail);
	if (r == -ENODEV || r == -ENOLINK) {
		fail_issued(c, r);
		return 1;
	}
	if (r < 0)
		return r;
	now = fl_time_ns(CLOCK_MONOTONIC);
	if (tail != c->tail) {
		c->tail = tail;
		c->progress_ns = now;
		finish_done(c);
		r = append_segs(c);
		return r < 0 ? r : 1;
	}
	if (now - c->progress_ns < c->h->cfg.stall_ms * 1000000ull)
		return 0;
	c->progress_ns = now;
	return look_after(c);
}

int fl_host_clear_irq(struct fl_host_chan *c)
{
	return clear_done(c);
}

int fl_host_look(struct fl_host_chan *c)
{
	c->progress_ns = 0;
	return fl_host_poll(c);
}

/* ---- what clients call ---- */

void fl_host_submit(struct fl_host_chan *c, struct fl_host_tx *tx)
{
	tx->next = NULL;
	tx->state = FL_TX_QUEUED;
	tx->error = 0;
	tx->queued = 0;
	tx->stood = false;
	*c->last = tx;
	c->last = &tx->next;
	if (!c->unissued)
		c->unissued = tx;
	if (!c->fill)
		c->fill = tx;
}

int fl_host_issue(struct fl_host_chan *c)
{
	bool idle = c->head == c->tail;
	int r = 0;

	c->unissued = NULL;
	if (!c->first)
		return 0;
	if (idle)
		c->progress_ns = fl_time_ns(CLOCK_MONOTONIC);
	if (c->lost)
		r = fl_host_recover(c->h);
	if (r == 0 && c->stale)
		r = start_ring(c);
	if (r == 0)
		r = append_segs(c);
	if (r < 0)
		fail_issued(c, r);
	return r;
}

const struct fl_host_tx *fl_host_find(const struct fl_host_chan *c,
				      bool (*match)(const struct fl_host_tx *tx, const void *arg),
				      const void *arg)
{
	const struct fl_host_tx *tx = c->first;

	while (tx && !match(tx, arg))
		tx = tx->next;
	return tx;
}

uint64_t fl_host_residue(const struct fl_host_chan *c, const struct fl_host_tx *tx)
{
	uint64_t left = 0;

	if (tx->state == FL_TX_DONE)
		return 0;
	for (uint32_t i = 0; i < tx->nr_segs; i++)
		if (!tx->stood || c->stale || i >= tx->queued || tx->first_slot + i >= c->tail)
			left += tx->segs[i].len;
	return left;
}

/* Waits for the engine to let go: a word that falls to 0, or nobody answers. */
static int await_stop(struct fl_host_chan *c)
{
	uint64_t until = fl_time_ns(CLOCK_MONOTONIC) + 200000000ull;
	unsigned int status = FL_CS_RUNNING;
	int r = 0;

	while (r == 0 && status == FL_CS_RUNNING && fl_time_ns(CLOCK_MONOTONIC) < until)
		r = channel_status(c, &status);
	return r < 0 ? r : status == FL_CS_RUNNING ? -ETIMEDOUT : 0;
}

int fl_host_terminate(struct fl_host_chan *c)
{
	int r = 0;

	if (c->started && !c->stale) {
		r = fl_host_native(c->h) ?
			    fl_host_reg_write(c->h, FL_HN_DOORBELL, c->dir, c->hw, 0, 2) :
			    fl_host_reg_write(c->h, FL_V0_DOORBELL, c->dir, 0, 0, 1u << 31 | c->hw);
		if (r == 0)
			r = await_stop(c);
	}
	c->unissued = NULL;
	fail_issued(c, -ECANCELED);
	return r == -ENODEV ? 0 : r;
}
