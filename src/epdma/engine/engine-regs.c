// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The register file as the host sees it: what may be touched, what a write sets off, what a read
 * shows. What each word is stands in dw_regs.def; here is only what is more than storage.
 */
#include "epdma/engine/engine-private.h"

#include <string.h>

#include "base/util.h"

#define DOORBELL_STOP (1u << 31)

void fl_engine_reset_chan(struct chan *c)
{
	static const enum fl_dw_reg v0_regs[] = {
		FL_V0CH_CONTROL1, FL_V0CH_CONTROL2, FL_V0CH_XFER_SIZE, FL_V0CH_SAR_LO,
		FL_V0CH_SAR_HI, FL_V0CH_DAR_LO, FL_V0CH_DAR_HI,
	};
	struct fl_engine *e = c->e;

	c->reset_pending = c->in_elem = c->rung = c->worker_only = false;
	c->mode = LIST;
	__atomic_store_n(&c->ccs, false, __ATOMIC_RELAXED);
	__atomic_store_n(&c->stop, false, __ATOMIC_RELAXED);
	__atomic_store_n(&c->llp, 0, __ATOMIC_RELEASE);
	fl_engine_unqueue(c);
	fl_engine_set_status(c, FL_CS_RESET);
	if (is_native(e)) {
		/* Interrupts keep their setup: drivers program it once, not at each start. */
		memset(reg(e, FL_HN_CH_EN, c->dir, c->hw), 0, 0x40);
		return;
	}
	for (size_t i = 0; i < FL_ARRAY_SIZE(v0_regs); i++)
		*reg(e, v0_regs[i], c->dir, c->hw) = 0;
}

void fl_engine_set_reset_values(struct fl_engine *e)
{
	for (uint32_t i = 0; i < e->nr_words; i++)
		e->regs[i] = e->places[i].reg == _FL_DW_REG_MAX ? 0 :
								 fl_dw_regs[e->places[i].reg].reset;
	if (!is_native(e))
		*reg(e, FL_V0_CTRL, FL_EPDMA_WRITE, 0) =
			e->cfg.chans[FL_EPDMA_WRITE] | e->cfg.chans[FL_EPDMA_READ] << 16;
}

static void refuse(struct fl_engine *e)
{
	e->stats.refused_regs++;
}

/* HDMA's compatible mode has no ENGINE_EN (databook 6.10a): a channel's power is its enable. */
static bool enabled(struct chan *c)
{
	if (is_native(c->e))
		return *reg(c->e, FL_HN_CH_EN, c->dir, c->hw) & 1;
	if (is_compat(c->e))
		return reg(c->e, FL_V0_PWR_EN, c->dir, 0)[c->hw] & 1;
	return *reg(c->e, FL_V0_ENGINE_EN, c->dir, 0) & 1;
}

static bool in_list_mode(struct chan *c)
{
	if (is_native(c->e))
		return *reg(c->e, FL_HN_CONTROL1, c->dir, c->hw) & 1;
	return *reg(c->e, FL_V0CH_CONTROL1, c->dir, c->hw) & FL_C1_LLE;
}

/* Without list mode the registers are the one element; its interrupts are asked for in CONTROL1. */
static void load_element(struct chan *c)
{
	bool native = is_native(c->e);

	c->slot = (struct fl_dw_slot){
		.ctl = native ? 0 : *reg(c->e, FL_V0CH_CONTROL1, c->dir, c->hw) & (FL_ELEM_LIE | FL_ELEM_RIE),
		.size = *reg(c->e, native ? FL_HN_XFER_SIZE : FL_V0CH_XFER_SIZE, c->dir, c->hw),
		.src = reg64(c->e, native ? FL_HN_SAR_LO : FL_V0CH_SAR_LO, c->dir, c->hw),
		.dst = reg64(c->e, native ? FL_HN_DAR_LO : FL_V0CH_DAR_LO, c->dir, c->hw),
	};
}

static void ring_doorbell(struct chan *c)
{
	struct fl_engine *e = c->e;

	e->stats.doorbells++;
	if (fl_fault_hit(e->cfg.fault, FL_FAULT_LOST_DOORBELL)) {
		e->stats.doorbells_lost++;
		fl_engine_record_outside(c, FL_EV_DEAF, 0);
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
	c->mode = in_list_mode(c) ? LIST : SINGLE;
	if (c->mode == SINGLE) {
		c->in_elem = false;
		load_element(c);
	}
	fl_engine_set_status(c, FL_CS_RUNNING);
	c->after_link = false;
	c->links_idle = 0;
	fl_engine_enqueue(c);
}

/* A doorbell that waits is taken back; one that rings after this starts the channel again. */
static void stop_chan(struct chan *c)
{
	c->rung = false;
	if (c->busy) {
		__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
	} else if (c->queued) {
		fl_engine_unqueue(c);
		fl_engine_set_status(c, FL_CS_STOPPED);
	}
}

/* A reset takes effect at once, or when the slice that runs is over. */
void fl_engine_reset_soon(struct chan *c)
{
	if (!c->busy) {
		fl_engine_reset_chan(c);
		return;
	}
	c->reset_pending = true;
	__atomic_store_n(&c->stop, true, __ATOMIC_RELAXED);
}

bool fl_engine_dir_busy(struct fl_engine *e, enum fl_epdma_dir dir)
{
	for (unsigned int i = 0; i < e->cfg.chans[dir]; i++)
		if (e->chans[dir][i].reset_pending)
			return true;
	return false;
}

void fl_engine_reset_dir(struct fl_engine *e, enum fl_epdma_dir dir)
{
	*reg(e, FL_V0_ENGINE_EN, dir, 0) = 0;
	for (unsigned int i = 0; i < e->cfg.chans[dir]; i++)
		fl_engine_reset_soon(&e->chans[dir][i]);
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
			uint32_t val)
{
	switch (p->reg) {
	case FL_V0_ENGINE_EN:
		if (!(val & 1))
			fl_engine_reset_dir(e, p->dir);
		break;
	case FL_V0_PWR_EN:
		if (!(val & 1))
			fl_engine_reset_soon(c);
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
			fl_engine_reset_soon(c);
		break;
	case FL_HN_DOORBELL:
		if (val & 2)
			stop_chan(c);
		else if (val & 1)
			ring_doorbell(c);
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

	*ret_ok = p->reg != _FL_DW_REG_MAX && (p->reg != FL_V0_VIEWPORT || is_legacy(e));
	if (!*ret_ok || (!per_chan && p->reg != FL_V0_DOORBELL))
		return NULL;
	c = chan_at(e, p->dir, p->reg == FL_V0_DOORBELL ? val & 7 : p->chan);
	*ret_ok = c && (c->owned || e->cfg.trusted);
	return *ret_ok ? c : NULL;
}

static const struct fl_dw_place nowhere = { .reg = _FL_DW_REG_MAX };

/* eDMA's legacy map shows one channel block, at 0x100: the one that the viewport selects. */
#define LEGACY_BLOCK 0x100u
#define LEGACY_END   0x124u

static bool through_viewport(struct fl_engine *e, uint32_t *off)
{
	uint32_t view = *reg(e, FL_V0_VIEWPORT, FL_EPDMA_WRITE, 0);

	if (*off >= LEGACY_END)
		return false;
	if (*off >= LEGACY_BLOCK)
		*off += fl_dw_offset(FL_V0CH_CONTROL1, view >> 31 ? FL_EPDMA_READ : FL_EPDMA_WRITE,
				     view & 7) - LEGACY_BLOCK;
	return true;
}

/* What lies at *@off; *@off becomes where it is kept. */
static const struct fl_dw_place *place_at(struct fl_engine *e, uint32_t *off)
{
	if (*off % 4 || (is_legacy(e) && !through_viewport(e, off)) || *off / 4 >= e->nr_words)
		return &nowhere;
	return &e->places[*off / 4];
}

static void write_locked(struct fl_engine *e, uint32_t off, uint32_t val)
{
	const struct fl_dw_place *p = place_at(e, &off);
	const struct fl_dw_reg_row *row;
	struct chan *c;
	bool ok;

	c = addressed(e, p, val, &ok);
	if (!ok) {
		refuse(e);
		return;
	}
	if (p->reg == FL_V0_ENGINE_EN && is_compat(e))
		return; /* drivers write it all the same */
	row = &fl_dw_regs[p->reg];
	if (row->access == FL_DW_RW)
		e->regs[off / 4] = (e->regs[off / 4] & ~row->writable) | (val & row->writable);
	if (p->reg != FL_V0_DOORBELL)
		after_write(e, p, c, val);
	else if (val & DOORBELL_STOP)
		stop_chan(c);
	else
		ring_doorbell(c);
}

void fl_engine_write(struct fl_engine *e, uint32_t off, uint32_t val)
{
	struct fl_engine_event ev = { .kind = FL_EV_WRITE, .addr = off, .val = val };

	pthread_mutex_lock(&e->lock);
	fl_engine_record(e, &ev);
	write_locked(e, off, val);
	pthread_mutex_unlock(&e->lock);
}

static uint32_t read_locked(struct fl_engine *e, uint32_t off)
{
	const struct fl_dw_place *p = place_at(e, &off);
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
		return is_compat(e) ? 0 : e->regs[off / 4] | fl_engine_dir_busy(e, p->dir);
	case FL_V0_PWR_EN:
		return e->regs[off / 4] | c->reset_pending;
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
	struct fl_engine_event ev = { .kind = FL_EV_READ, .addr = off };

	pthread_mutex_lock(&e->lock);
	ev.val = read_locked(e, off);
	fl_engine_record(e, &ev);
	pthread_mutex_unlock(&e->lock);
	return ev.val;
}
