// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The register file, the channels' states, and the threads.
 *
 * One lock guards registers and states; it is held for a few instructions and never while bytes
 * move or a callback runs. A channel that has work is queued once; whoever takes it from the queue
 * (a worker, or a caller of fl_engine_run()) owns it for one slice, then puts it back or stops it:
 *
 *	doorbell -> queued -> busy -(more)-> queued ...
 *			       |`-(list exhausted, no doorbell meanwhile)-> stopped
 *			       `--(bad slot or address)-> halted
 *
 * A doorbell that rings while a slice runs is remembered (rung), and a channel that comes to the end
 * of its list with it set looks once more before it stops: the host writes its slots first and rings
 * then, so no doorbell is lost. Real hardware of the first family does lose one that comes after
 * the stale slot was fetched; that is the lost-doorbell fault.
 *
 * Order that the host can rely on: bytes, list pointer, status bit, message.
 */
#include "epdma/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/util.h"
#include "epdma/engine_int.h"

#define SLICE_SLOTS  256
#define SLICE_BYTES  (256u * 1024)
#define CALLER_BYTES (32u * 1024) /* of a thread that has other things to do */
#define QUIESCE_MS   200
#define ABORT_SHIFT  16
#define DOORBELL_STOP (1u << 31)

static bool is_native(const struct fl_engine *e)
{
	return e->cfg.map == FL_EPDMA_NATIVE;
}

static uint32_t *reg(struct fl_engine *e, enum fl_dw_reg r, enum fl_epdma_dir dir, unsigned int ch)
{
	return &e->regs[fl_dw_offset(r, dir, ch) / 4];
}

static uint64_t reg64(struct fl_engine *e, enum fl_dw_reg lo, enum fl_epdma_dir dir, unsigned int ch)
{
	return *reg(e, lo, dir, ch) | (uint64_t)*reg(e, lo + 1, dir, ch) << 32;
}

static struct chan *chan_at(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch)
{
	return ch < e->cfg.chans[dir] ? &e->chans[dir][ch] : NULL;
}

static void record(struct fl_engine *e, const struct fl_trace_event *ev)
{
	if (e->cfg.trace)
		e->cfg.trace->emit(e->cfg.trace, ev);
}

static void record_chan(struct chan *c, enum fl_trace_kind kind, uint32_t val)
{
	struct fl_trace_event ev = {
		.kind = kind, .dir = c->dir, .chan = c->hw, .val = val,
		.addr = __atomic_load_n(&c->llp, __ATOMIC_RELAXED), .slot = c->slot,
	};

	record(c->e, &ev);
}

/* What somebody did to a channel from outside. */
static void record_outside(struct chan *c, enum fl_trace_kind kind, uint32_t val)
{
	struct fl_trace_event ev = { .kind = kind, .dir = c->dir, .chan = c->hw, .val = val };

	record(c->e, &ev);
}

/* ---- the queue ---- */

static void wake_worker(struct fl_engine *e)
{
	if (e->sleeping)
		pthread_cond_signal(&e->work);
}

static void enqueue(struct chan *c)
{
	struct fl_engine *e = c->e;

	if (c->queued || c->busy || e->frozen)
		return;
	c->queued = true;
	c->next = NULL;
	*e->tail = c;
	e->tail = &c->next;
	if (!e->lazy || c->worker_only)
		wake_worker(e);
}

/* A worker takes any channel; a caller leaves those that wait for a peer. */
static struct chan *dequeue(struct fl_engine *e, bool worker)
{
	struct chan **at = &e->head, *c;

	while (*at && !worker && (*at)->worker_only)
		at = &(*at)->next;
	c = *at;
	if (!c)
		return NULL;
	*at = c->next;
	if (!c->next)
		e->tail = at;
	c->queued = false;
	return c;
}

static void unqueue(struct chan *c)
{
	struct chan **at = &c->e->head;

	if (!c->queued)
		return;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (!c->next)
		c->e->tail = at;
	c->queued = false;
}

/* ---- interrupts ---- */

static void set_status(struct chan *c, enum fl_dw_chan_status status)
{
	c->status = status;
	if (is_native(c->e))
		*reg(c->e, FL_HN_STATUS, c->dir, c->hw) = status;
}

static void aim(struct chan *c, struct imwr *msg, uint64_t addr, uint32_t data)
{
	struct fl_trace_event ev = { .kind = FL_TRACE_IMWR, .addr = addr, .val = data };

	if (!addr)
		return;
	msg->send = true;
	msg->addr = addr;
	msg->data = data;
	c->e->stats.imwrs++;
	record(c->e, &ev);
}

static uint32_t v0_msg_data(struct chan *c)
{
	uint32_t word = reg(c->e, FL_V0_IMWR_DATA, c->dir, 0)[c->hw / 2];

	return c->hw % 2 ? word >> 16 : word & 0xffff;
}

static void v0_done(struct chan *c, struct imwr *msg)
{
	struct fl_engine *e = c->e;
	uint32_t bit = 1u << c->hw;

	*reg(e, FL_V0_INT_STATUS, c->dir, 0) |= bit;
	msg->pin = c->slot.ctl & FL_ELEM_LIE && !(*reg(e, FL_V0_INT_MASK, c->dir, 0) & bit);
	if (c->slot.ctl & FL_ELEM_RIE)
		aim(c, msg, reg64(e, FL_V0_DONE_IMWR_LO, c->dir, 0), v0_msg_data(c));
}

/* What err_status can say of @reason. Writes to the host are posted: nobody reports them back. */
static void v0_err_bits(struct chan *c)
{
	uint32_t bit = 1u << c->hw;
	uint32_t *lo = reg(c->e, FL_V0_ERR_STATUS, c->dir, 0);

	if (c->reason <= ABORT_NOT_LIST)
		*lo |= bit << ABORT_SHIFT;
	else if (c->reason == ABORT_EP_ADDR)
		*lo |= bit;
	else if (c->dir == FL_EPDMA_READ)
		*reg(c->e, FL_V0_ERR_STATUS_HI, c->dir, 0) |=
			c->reason == ABORT_POISONED ? bit << 24 :
			c->reason == ABORT_IO	    ? bit << 16 : bit;
}

static void v0_abort(struct chan *c, struct imwr *msg)
{
	struct fl_engine *e = c->e;
	uint32_t bit = 1u << c->hw << ABORT_SHIFT;

	*reg(e, FL_V0_INT_STATUS, c->dir, 0) |= bit;
	v0_err_bits(c);
	msg->pin = *reg(e, FL_V0_LL_ERR_EN, c->dir, 0) & bit &&
		   !(*reg(e, FL_V0_INT_MASK, c->dir, 0) & bit);
	if (*reg(e, FL_V0_LL_ERR_EN, c->dir, 0) & 1u << c->hw)
		aim(c, msg, reg64(e, FL_V0_ABORT_IMWR_LO, c->dir, 0), v0_msg_data(c));
}

enum native_int {
	NATIVE_STOP = 1u << 0,
	NATIVE_WATERMARK = 1u << 1,
	NATIVE_ABORT = 1u << 2,
};
#define NATIVE_ERROR 0x78u
#define SETUP_REMOTE_STOP  (1u << 3)
#define SETUP_LOCAL_STOP   (1u << 4)
#define SETUP_REMOTE_ABORT (1u << 5)
#define SETUP_LOCAL_ABORT  (1u << 6)

/* Latches @bit; the message goes out where @remote and the mask allow it. */
static void native_latch(struct chan *c, struct imwr *msg, enum native_int bit, bool remote,
			 enum fl_dw_reg addr_reg)
{
	struct fl_engine *e = c->e;
	bool masked = *reg(e, FL_HN_INT_SETUP, c->dir, c->hw) & bit;

	*reg(e, FL_HN_INT_STATUS, c->dir, c->hw) |= bit;
	msg->pin = !masked;
	if (remote && !masked)
		aim(c, msg, reg64(e, addr_reg, c->dir, c->hw),
		    *reg(e, FL_HN_MSG_DATA, c->dir, c->hw));
}

static void native_watermark(struct chan *c, struct imwr *msg)
{
	if (*reg(c->e, FL_HN_WATERMARK_EN, c->dir, c->hw) & 1)
		native_latch(c, msg, NATIVE_WATERMARK, c->slot.ctl & FL_ELEM_RIE, FL_HN_WM_MSG_LO);
}

static void native_stop(struct chan *c, struct imwr *msg)
{
	uint32_t setup = *reg(c->e, FL_HN_INT_SETUP, c->dir, c->hw);

	if (setup & SETUP_LOCAL_STOP)
		native_latch(c, msg, NATIVE_STOP, setup & SETUP_REMOTE_STOP, FL_HN_STOP_MSG_LO);
}

static void native_abort(struct chan *c, struct imwr *msg)
{
	static const uint8_t codes[_ABORT_MAX] = {
		[ABORT_LL_RANGE] = 1, [ABORT_LL_LOOP] = 2, [ABORT_NOT_LIST] = 2, [ABORT_EP_ADDR] = 10,
		[ABORT_HOST_ADDR] = 9, [ABORT_POISONED] = 11, [ABORT_IO] = 8,
	};
	uint32_t setup = *reg(c->e, FL_HN_INT_SETUP, c->dir, c->hw);
	uint32_t *status = reg(c->e, FL_HN_INT_STATUS, c->dir, c->hw);
	uint32_t code = codes[c->reason];

	if (c->reason == ABORT_HOST_ADDR && c->dir == FL_EPDMA_WRITE)
		code = 12;
	*status = (*status & ~NATIVE_ERROR) | code << 3;
	if (setup & SETUP_LOCAL_ABORT)
		native_latch(c, msg, NATIVE_ABORT, setup & SETUP_REMOTE_ABORT, FL_HN_ABORT_MSG_LO);
}

void fl_engine_elem_done(struct chan *c, struct imwr *ret)
{
	bool link = c->slot.ctl & FL_ELEM_LLP;

	record_chan(c, link ? FL_TRACE_LINK : FL_TRACE_ELEM, 0);
	__atomic_store_n(&c->llp, link ? c->slot.src : c->llp + FL_DW_SLOT_SIZE, __ATOMIC_RELEASE);
	if (link || !(c->slot.ctl & (FL_ELEM_LIE | FL_ELEM_RIE)))
		return;
	if (is_native(c->e))
		native_watermark(c, ret);
	else
		v0_done(c, ret);
}

static void stop_at_end(struct chan *c, struct imwr *msg)
{
	record_chan(c, FL_TRACE_STOP, 0);
	set_status(c, FL_CS_STOPPED);
	if (is_native(c->e))
		native_stop(c, msg);
}

static void abort_chan(struct chan *c, struct imwr *msg)
{
	record_chan(c, FL_TRACE_ABORT, c->reason);
	c->in_elem = false;
	c->rung = false;
	c->e->stats.aborts++;
	c->e->stats.refused_addrs += c->reason == ABORT_EP_ADDR || c->reason == ABORT_HOST_ADDR ||
				     c->reason == ABORT_LL_RANGE;
	set_status(c, FL_CS_HALTED);
	msg->abort = true;
	if (is_native(c->e))
		native_abort(c, msg);
	else
		v0_abort(c, msg);
}

static unsigned int chan_number(const struct chan *c)
{
	return c->hw + (c->dir == FL_EPDMA_READ ? c->e->cfg.chans[FL_EPDMA_WRITE] : 0);
}

static void send(struct chan *c, const struct imwr *msg)
{
	const struct fl_engine_config *cfg = &c->e->cfg;

	if (msg->send)
		cfg->ops->imwr(cfg->ctx, msg->addr, msg->data, chan_number(c));
	if (msg->pin && cfg->ops->pin)
		cfg->ops->pin(cfg->ctx, c->dir, c->hw, msg->abort);
}

/* ---- slices ---- */

static void reset_chan(struct chan *c)
{
	static const enum fl_dw_reg v0_regs[] = {
		FL_V0CH_CONTROL1, FL_V0CH_CONTROL2, FL_V0CH_XFER_SIZE, FL_V0CH_SAR_LO,
		FL_V0CH_SAR_HI, FL_V0CH_DAR_LO, FL_V0CH_DAR_HI,
	};
	struct fl_engine *e = c->e;

	c->reset_pending = c->in_elem = c->rung = c->worker_only = false;
	__atomic_store_n(&c->ccs, false, __ATOMIC_RELAXED);
	__atomic_store_n(&c->stop, false, __ATOMIC_RELAXED);
	__atomic_store_n(&c->llp, 0, __ATOMIC_RELEASE);
	unqueue(c);
	set_status(c, FL_CS_RESET);
	if (is_native(e)) {
		/* Interrupts keep their setup: drivers program it once, not at each start. */
		memset(reg(e, FL_HN_CH_EN, c->dir, c->hw), 0, 0x40);
		return;
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(v0_regs); i++)
		*reg(e, v0_regs[i], c->dir, c->hw) = 0;
}

static void take_delta(struct chan *c)
{
	c->e->stats.elements += c->delta.elements;
	c->e->stats.links += c->delta.links;
	c->e->stats.bytes += c->delta.bytes;
	c->delta = (struct fl_engine_stats){};
}

/* Where the element in progress stands, for those who read it back. */
static void show_progress(struct chan *c)
{
	enum fl_dw_reg size = is_native(c->e) ? FL_HN_XFER_SIZE : FL_V0CH_XFER_SIZE;
	uint32_t *r = reg(c->e, size, c->dir, c->hw);

	r[0] = c->slot.size - FL_MIN(c->moved, c->slot.size);
	r[1] = (uint32_t)c->slot.src;
	r[2] = (uint32_t)(c->slot.src >> 32);
	r[3] = (uint32_t)c->slot.dst;
	r[4] = (uint32_t)(c->slot.dst >> 32);
}

/* Behind a slice, under the lock. True: the channel goes on. */
static bool settle(struct chan *c, enum outcome out, struct imwr *msg)
{
	bool rung = c->rung;

	take_delta(c);
	show_progress(c);
	c->rung = false;
	if (c->reset_pending) {
		reset_chan(c);
		return false;
	}
	switch (out) {
	case OUT_EVENT:
		fl_engine_elem_done(c, msg);
		break;
	case OUT_MORE:
	case OUT_IO:
		break;
	case OUT_EXHAUSTED:
		if (rung)
			break;
		stop_at_end(c, msg);
		return false;
	case OUT_ABORT:
		abort_chan(c, msg);
		return false;
	case OUT_STOPPED:
		__atomic_store_n(&c->stop, false, __ATOMIC_RELAXED);
		set_status(c, FL_CS_STOPPED);
		return false;
	case OUT_LINK_LOST:
		c->e->frozen = true;
		return false;
	}
	c->rung = rung && out != OUT_EXHAUSTED;
	return !c->e->frozen;
}

/*
 * One slice of @c, which is off the queue. Called with the lock held, returns with it held.
 * OUT_IO is done here only by a worker; others leave it to one.
 */
static void slice(struct chan *c, unsigned int slots, bool worker)
{
	struct fl_engine *e = c->e;
	struct imwr msg = {};
	enum outcome out;
	bool more;

	c->busy = true;
	pthread_mutex_unlock(&e->lock);
	out = fl_walk_slice(c, slots, worker ? SLICE_BYTES : CALLER_BYTES);
	if (out == OUT_IO && worker && fl_walk_io(c) < 0) {
		c->reason = ABORT_IO;
		out = OUT_ABORT;
	}
	pthread_mutex_lock(&e->lock);
	more = settle(c, out, &msg);
	c->busy = false;
	c->worker_only = more && out == OUT_IO;
	if (more)
		enqueue(c);
	pthread_cond_broadcast(&e->idle);
	if (!msg.send && !msg.pin && out != OUT_LINK_LOST)
		return;
	/* Told last and without the lock: the host may ring again before this returns. */
	e->telling++;
	pthread_mutex_unlock(&e->lock);
	send(c, &msg);
	if (out == OUT_LINK_LOST && e->cfg.ops->link_lost)
		e->cfg.ops->link_lost(e->cfg.ctx);
	pthread_mutex_lock(&e->lock);
	e->telling--;
	pthread_cond_broadcast(&e->idle);
}

static void *worker_main(void *arg)
{
	struct fl_engine *e = arg;

	pthread_mutex_lock(&e->lock);
	while (!e->quit) {
		struct chan *c = dequeue(e, true);

		if (c) {
			slice(c, SLICE_SLOTS, true);
			continue;
		}
		e->sleeping++;
		pthread_cond_wait(&e->work, &e->lock);
		e->sleeping--;
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

bool fl_engine_run(struct fl_engine *e, unsigned int slices)
{
	bool more;

	pthread_mutex_lock(&e->lock);
	while (slices--) {
		struct chan *c = dequeue(e, false);

		if (!c)
			break;
		slice(c, SLICE_SLOTS, false);
	}
	more = e->head != NULL;
	pthread_mutex_unlock(&e->lock);
	return more;
}

void fl_engine_lazy(struct fl_engine *e, bool lazy)
{
	pthread_mutex_lock(&e->lock);
	e->lazy = lazy;
	pthread_mutex_unlock(&e->lock);
	if (!lazy)
		fl_engine_kick(e);
}

void fl_engine_kick(struct fl_engine *e)
{
	pthread_mutex_lock(&e->lock);
	if (e->head && e->sleeping)
		pthread_cond_broadcast(&e->work);
	pthread_mutex_unlock(&e->lock);
}

void fl_engine_drain(struct fl_engine *e)
{
	pthread_mutex_lock(&e->lock);
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++)
		for (unsigned int i = 0; i < e->cfg.chans[d]; i++)
			while (e->chans[d][i].busy || e->telling)
				pthread_cond_wait(&e->idle, &e->lock);
	pthread_mutex_unlock(&e->lock);
}

static int step(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch, bool skip)
{
	struct chan *c;
	int r = -EAGAIN;

	pthread_mutex_lock(&e->lock);
	c = chan_at(e, dir, ch);
	if (c && c->queued) {
		unqueue(c);
		c->skip = skip;
		slice(c, 1, false);
		r = 0;
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

int fl_engine_step(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch)
{
	return step(e, dir, ch, false);
}

int fl_engine_skip(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch)
{
	return step(e, dir, ch, true);
}

void fl_engine_force_abort(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch,
			   unsigned int reason, const struct fl_dw_slot *slot)
{
	struct imwr msg = {};
	struct chan *c;

	pthread_mutex_lock(&e->lock);
	c = chan_at(e, dir, ch);
	if (c && reason < _ABORT_MAX) {
		unqueue(c);
		c->reason = reason;
		c->slot = *slot;
		abort_chan(c, &msg);
	}
	pthread_mutex_unlock(&e->lock);
	if (c)
		send(c, &msg);
}

/* ---- registers ---- */

static void refuse(struct fl_engine *e)
{
	e->stats.refused_regs++;
}

static bool powered(struct chan *c)
{
	return c->e->cfg.map != FL_EPDMA_COMPAT || reg(c->e, FL_V0_PWR_EN, c->dir, 0)[c->hw] & 1;
}

static bool enabled(struct chan *c)
{
	if (is_native(c->e))
		return *reg(c->e, FL_HN_CH_EN, c->dir, c->hw) & 1;
	return *reg(c->e, FL_V0_ENGINE_EN, c->dir, 0) & 1 && powered(c);
}

static bool in_list_mode(struct chan *c)
{
	if (is_native(c->e))
		return *reg(c->e, FL_HN_CONTROL1, c->dir, c->hw) & 1;
	return *reg(c->e, FL_V0CH_CONTROL1, c->dir, c->hw) & FL_C1_LLE;
}

static void ring(struct chan *c, struct imwr *msg)
{
	struct fl_engine *e = c->e;

	e->stats.doorbells++;
	if (fl_fault_hit(e->cfg.fault, FL_FAULT_LOST_DOORBELL)) {
		e->stats.doorbells_lost++;
		record_outside(c, FL_TRACE_DEAF, 0);
		return;
	}
	if (!enabled(c) || c->reset_pending) {
		refuse(e);
		return;
	}
	if (c->busy) {
		c->rung = true;
		return;
	}
	if (!in_list_mode(c)) {
		c->reason = ABORT_NOT_LIST;
		abort_chan(c, msg);
		return;
	}
	set_status(c, FL_CS_RUNNING);
	c->after_link = false;
	c->links_idle = 0;
	enqueue(c);
}

static void halt(struct chan *c)
{
	if (c->busy) {
		__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
	} else if (c->queued) {
		unqueue(c);
		set_status(c, FL_CS_STOPPED);
	}
}

/* A reset takes effect at once, or when the slice that runs is over. */
static void reset_soon(struct chan *c)
{
	if (!c->busy) {
		reset_chan(c);
		return;
	}
	c->reset_pending = true;
	__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
}

static bool dir_busy(struct fl_engine *e, enum fl_epdma_dir dir)
{
	for (unsigned int i = 0; i < e->cfg.chans[dir]; i++)
		if (e->chans[dir][i].reset_pending)
			return true;
	return false;
}

static void reset_dir(struct fl_engine *e, enum fl_epdma_dir dir)
{
	*reg(e, FL_V0_ENGINE_EN, dir, 0) = 0;
	for (unsigned int i = 0; i < e->cfg.chans[dir]; i++)
		reset_soon(&e->chans[dir][i]);
}

/* Half of the list pointer; a running channel keeps its own. */
static void write_llp(struct chan *c, uint32_t val, bool high)
{
	uint64_t llp = __atomic_load_n(&c->llp, __ATOMIC_RELAXED);

	if (c->status == FL_CS_RUNNING) {
		refuse(c->e);
		return;
	}
	llp = high ? (llp & UINT32_MAX) | (uint64_t)val << 32 : (llp & ~(uint64_t)UINT32_MAX) | val;
	c->in_elem = false;
	__atomic_store_n(&c->llp, llp, __ATOMIC_RELEASE);
}

static void set_cycle(struct chan *c, bool ccs)
{
	if (c->status != FL_CS_RUNNING)
		__atomic_store_n(&c->ccs, ccs, __ATOMIC_RELAXED);
}

/* What a write does beyond being stored. @c is NULL for registers of a direction. */
static void after_write(struct fl_engine *e, const struct fl_dw_place *p, struct chan *c,
			uint32_t val, struct imwr *msg)
{
	switch (p->reg) {
	case FL_V0_ENGINE_EN:
		if (!(val & 1))
			reset_dir(e, p->dir);
		break;
	case FL_V0_INT_CLEAR:
		*reg(e, FL_V0_INT_STATUS, p->dir, 0) &= ~val;
		*reg(e, FL_V0_ERR_STATUS, p->dir, 0) &=
			~((val >> ABORT_SHIFT & 0xff) | (val & 0xff0000));
		if (p->dir == FL_EPDMA_READ)
			*reg(e, FL_V0_ERR_STATUS_HI, p->dir, 0) &=
				~((val >> ABORT_SHIFT & 0xff) * 0x01010101u);
		break;
	case FL_V0CH_CONTROL1:
		set_cycle(c, val & FL_C1_CCS);
		break;
	case FL_HN_CYCLE:
		if (val & 2)
			set_cycle(c, val & 1);
		break;
	case FL_V0CH_LLP_LO:
	case FL_HN_LLP_LO:
		write_llp(c, val, false);
		break;
	case FL_V0CH_LLP_HI:
	case FL_HN_LLP_HI:
		write_llp(c, val, true);
		break;
	case FL_HN_CH_EN:
		if (!(val & 1))
			reset_soon(c);
		break;
	case FL_HN_DOORBELL:
		if (val & 2)
			halt(c);
		else if (val & 1)
			ring(c, msg);
		break;
	case FL_HN_INT_CLEAR:
		*reg(e, FL_HN_INT_STATUS, c->dir, c->hw) &=
			~(val & 7) & ~(val & NATIVE_ABORT ? NATIVE_ERROR : 0);
		break;
	default:
		break;
	}
}

/* The channel that a write to @p is about, if the host may touch it; *ret_ok tells whether it may. */
static struct chan *addressed(struct fl_engine *e, const struct fl_dw_place *p, uint32_t val,
			      bool *ret_ok)
{
	bool per_chan = p->reg >= FL_V0CH_CONTROL1 || p->reg == FL_V0_PWR_EN;
	struct chan *c;

	*ret_ok = p->reg != _FL_DW_REG_MAX;
	if (!*ret_ok || (!per_chan && p->reg != FL_V0_DOORBELL))
		return NULL;
	c = chan_at(e, p->dir, p->reg == FL_V0_DOORBELL ? val & 7 : p->chan);
	*ret_ok = c && (c->owned || e->cfg.trusted);
	return *ret_ok ? c : NULL;
}

static const struct fl_dw_place nowhere = { .reg = _FL_DW_REG_MAX };

static const struct fl_dw_place *place_at(struct fl_engine *e, uint32_t off)
{
	return off % 4 || off / 4 >= e->nr_words ? &nowhere : &e->places[off / 4];
}

static void write_locked(struct fl_engine *e, uint32_t off, uint32_t val, struct chan **ret_chan,
			 struct imwr *msg)
{
	const struct fl_dw_place *p = place_at(e, off);
	const struct fl_dw_reg_row *row;
	bool ok;

	*ret_chan = addressed(e, p, val, &ok);
	if (!ok) {
		refuse(e);
		return;
	}
	row = &fl_dw_regs[p->reg];
	if (row->access == FL_DW_RW)
		e->regs[off / 4] = (e->regs[off / 4] & ~row->writable) | (val & row->writable);
	if (p->reg != FL_V0_DOORBELL)
		after_write(e, p, *ret_chan, val, msg);
	else if (val & DOORBELL_STOP)
		halt(*ret_chan);
	else
		ring(*ret_chan, msg);
}

void fl_engine_write(struct fl_engine *e, uint32_t off, uint32_t val)
{
	struct fl_trace_event ev = { .kind = FL_TRACE_WRITE, .addr = off, .val = val };
	struct imwr msg = {};
	struct chan *c;

	pthread_mutex_lock(&e->lock);
	record(e, &ev);
	write_locked(e, off, val, &c, &msg);
	pthread_mutex_unlock(&e->lock);
	if (c)
		send(c, &msg);
}

static uint32_t read_locked(struct fl_engine *e, uint32_t off)
{
	const struct fl_dw_place *p = place_at(e, off);
	struct chan *c;
	bool ok;

	/* Reading a doorbell names no channel: it reads as 0, as everything that is write-only. */
	c = p->reg == FL_V0_DOORBELL ? NULL : addressed(e, p, 0, &ok);
	if (p->reg != FL_V0_DOORBELL && !ok) {
		refuse(e);
		return 0;
	}
	switch (p->reg) {
	case FL_V0_ENGINE_EN:
		return e->regs[off / 4] | dir_busy(e, p->dir);
	case FL_HN_CH_EN:
		return e->regs[off / 4] | c->reset_pending;
	case FL_V0CH_CONTROL1:
		return (e->regs[off / 4] & ~(FL_C1_CS | FL_C1_CCS)) | (uint32_t)c->status << 5 |
		       (__atomic_load_n(&c->ccs, __ATOMIC_RELAXED) ? FL_C1_CCS : 0);
	case FL_HN_CYCLE:
		return (e->regs[off / 4] & ~1u) | __atomic_load_n(&c->ccs, __ATOMIC_RELAXED);
	case FL_V0CH_LLP_LO:
	case FL_HN_LLP_LO:
		return (uint32_t)__atomic_load_n(&c->llp, __ATOMIC_ACQUIRE);
	case FL_V0CH_LLP_HI:
	case FL_HN_LLP_HI:
		return (uint32_t)(__atomic_load_n(&c->llp, __ATOMIC_ACQUIRE) >> 32);
	default:
		return fl_dw_regs[p->reg].access == FL_DW_WO || fl_dw_regs[p->reg].access == FL_DW_W1C ?
			       0 : e->regs[off / 4];
	}
}

uint32_t fl_engine_read(struct fl_engine *e, uint32_t off)
{
	struct fl_trace_event ev = { .kind = FL_TRACE_READ, .addr = off };

	pthread_mutex_lock(&e->lock);
	ev.val = read_locked(e, off);
	record(e, &ev);
	pthread_mutex_unlock(&e->lock);
	return ev.val;
}

/* ---- ownership ---- */

int fl_engine_claim(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch)
{
	struct chan *c;
	int r = 0;

	if (dir >= _FL_EPDMA_DIR_MAX)
		return -EINVAL;
	pthread_mutex_lock(&e->lock);
	c = chan_at(e, dir, ch);
	if (!e->cfg.chans[dir])
		r = -ENODEV;
	else if (!c)
		r = -EINVAL;
	else if (c->owned || c->poisoned)
		r = -EBUSY;
	else {
		c->owned = true;
		record_outside(c, FL_TRACE_OWNER, 1);
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

/* Until no slice of this direction (or of one channel) waits for its reset. Lock held. */
static int wait_reset(struct fl_engine *e, enum fl_epdma_dir dir)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += QUIESCE_MS * 1000000l;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (dir_busy(e, dir))
		if (pthread_cond_timedwait(&e->idle, &e->lock, &until) == ETIMEDOUT)
			return dir_busy(e, dir) ? -ETIMEDOUT : 0;
	return 0;
}

static void quiesce(struct fl_engine *e, struct chan *c)
{
	uint32_t all = (1u << e->cfg.chans[c->dir]) - 1;

	if (is_native(e)) {
		reset_soon(c);
		return;
	}
	reset_dir(e, c->dir);
	*reg(e, FL_V0_INT_MASK, c->dir, 0) |= all | all << ABORT_SHIFT;
	*reg(e, FL_V0_INT_STATUS, c->dir, 0) = 0;
	if (e->cfg.map == FL_EPDMA_COMPAT)
		reg(e, FL_V0_PWR_EN, c->dir, 0)[c->hw] = 0;
}

int fl_engine_release(struct fl_engine *e, enum fl_epdma_dir dir, unsigned int ch, bool stop)
{
	struct chan *c;
	int r = 0;

	if (dir >= _FL_EPDMA_DIR_MAX)
		return -EINVAL;
	pthread_mutex_lock(&e->lock);
	c = chan_at(e, dir, ch);
	if (c && c->owned)
		record_outside(c, FL_TRACE_OWNER, stop ? 2 : 0);
	if (!c || !c->owned) {
		r = -EINVAL;
	} else if (stop) {
		quiesce(e, c);
		r = wait_reset(e, dir);
	}
	if (c) {
		c->owned = c->owned && r == -ETIMEDOUT;
		c->poisoned = c->poisoned || r == -ETIMEDOUT;
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

static void set_reset_values(struct fl_engine *e)
{
	for (uint32_t i = 0; i < e->nr_words; i++)
		e->regs[i] = e->places[i].reg == _FL_DW_REG_MAX ? 0 :
								 fl_dw_regs[e->places[i].reg].reset;
	if (!is_native(e))
		*reg(e, FL_V0_CTRL, FL_EPDMA_WRITE, 0) =
			e->cfg.chans[FL_EPDMA_WRITE] | e->cfg.chans[FL_EPDMA_READ] << 16;
}

void fl_engine_reset(struct fl_engine *e)
{
	struct fl_trace_event ev = { .kind = FL_TRACE_RESET };

	pthread_mutex_lock(&e->lock);
	record(e, &ev);
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++)
		for (unsigned int i = 0; i < e->cfg.chans[d]; i++)
			reset_soon(&e->chans[d][i]);
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++)
		while (dir_busy(e, d))
			pthread_cond_wait(&e->idle, &e->lock);
	e->frozen = false;
	set_reset_values(e);
	pthread_mutex_unlock(&e->lock);
}

void fl_engine_stats(struct fl_engine *e, struct fl_engine_stats *ret)
{
	pthread_mutex_lock(&e->lock);
	*ret = e->stats;
	pthread_mutex_unlock(&e->lock);
}

const char *fl_engine_abort_name(unsigned int reason)
{
	static const char *const names[_ABORT_MAX] = {
		[ABORT_NONE] = "none",
		[ABORT_LL_RANGE] = "list pointer",
		[ABORT_LL_LOOP] = "links without data",
		[ABORT_NOT_LIST] = "not in list mode",
		[ABORT_EP_ADDR] = "endpoint address",
		[ABORT_HOST_ADDR] = "host address",
		[ABORT_POISONED] = "poisoned read",
		[ABORT_IO] = "host does not answer",
	};

	return reason < _ABORT_MAX ? names[reason] : "unknown";
}

/* ---- life ---- */

static int make_chans(struct fl_engine *e)
{
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++) {
		e->chans[d] = calloc(e->cfg.chans[d] + 1, sizeof(*e->chans[d]));
		if (!e->chans[d])
			return -ENOMEM;
		for (unsigned int i = 0; i < e->cfg.chans[d]; i++) {
			struct chan *c = &e->chans[d][i];

			*c = (struct chan){ .e = e, .dir = d, .hw = i };
			c->bounce = malloc(BOUNCE_SIZE);
			if (!c->bounce)
				return -ENOMEM;
		}
	}
	return 0;
}

static int make_window(struct fl_engine *e)
{
	unsigned int max = is_native(e) ? FL_DW_NATIVE_CHANS : FL_EPDMA_MAX_CHANS;

	e->nr_words = fl_dw_window_size(e->cfg.map, max) / 4;
	e->regs = calloc(e->nr_words, sizeof(*e->regs));
	e->places = calloc(e->nr_words, sizeof(*e->places));
	if (!e->regs || !e->places)
		return -ENOMEM;
	for (uint32_t i = 0; i < e->nr_words; i++)
		fl_dw_lookup(e->cfg.map, 4 * i, &e->places[i]);
	set_reset_values(e);
	return 0;
}

static int make_threads(struct fl_engine *e)
{
	e->threads = calloc(e->cfg.threads + 1, sizeof(*e->threads));
	if (!e->threads)
		return -ENOMEM;
	while (e->nr_threads < e->cfg.threads) {
		int err = pthread_create(&e->threads[e->nr_threads], NULL, worker_main, e);

		if (err)
			return -err;
		e->nr_threads++;
	}
	return 0;
}

static bool config_ok(const struct fl_engine_config *c)
{
	unsigned int max = c->map == FL_EPDMA_NATIVE ? FL_DW_NATIVE_CHANS : FL_EPDMA_MAX_CHANS;

	if (c->map != FL_EPDMA_UNROLL && c->map != FL_EPDMA_COMPAT && c->map != FL_EPDMA_NATIVE)
		return false;
	return c->chans[0] <= max && c->chans[1] <= max && c->chans[0] + c->chans[1] > 0;
}

int fl_engine_new(const struct fl_engine_config *config, struct fl_engine **ret)
{
	struct fl_engine *e;
	pthread_condattr_t attr;
	int r;

	if (!config_ok(config))
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->cfg = *config;
	e->tail = &e->head;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->idle, &attr);
	pthread_condattr_destroy(&attr);
	r = make_chans(e);
	if (r == 0)
		r = make_window(e);
	if (r == 0)
		r = make_threads(e);
	if (r < 0) {
		fl_engine_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

static void join_threads(struct fl_engine *e)
{
	pthread_mutex_lock(&e->lock);
	e->quit = true;
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++)
		for (unsigned int i = 0; e->chans[d] && i < e->cfg.chans[d]; i++)
			__atomic_store_n(&e->chans[d][i].stop, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&e->work);
	pthread_mutex_unlock(&e->lock);
	for (unsigned int i = 0; i < e->nr_threads; i++)
		pthread_join(e->threads[i], NULL);
}

void fl_engine_free(struct fl_engine *e)
{
	if (!e)
		return;
	join_threads(e);
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++) {
		for (unsigned int i = 0; e->chans[d] && i < e->cfg.chans[d]; i++)
			free(e->chans[d][i].bounce);
		free(e->chans[d]);
	}
	pthread_cond_destroy(&e->idle);
	pthread_cond_destroy(&e->work);
	pthread_mutex_destroy(&e->lock);
	free(e->threads);
	free(e->places);
	free(e->regs);
	free(e);
}
