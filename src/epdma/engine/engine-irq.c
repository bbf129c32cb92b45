// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a channel tells: status bits that latch, and the messages and pins that go with them. The two
 * families differ. v0 has one done and one abort address a direction, enabled element by element, and
 * masks only its pin; native has addresses, masks and enables of its own for each channel, and tells
 * of the stop itself.
 *
 * All of it runs under the engine's lock and only notes what to send; fl_engine_send() does that
 * once the lock is gone.
 */
#include "epdma/engine/engine-private.h"

static void record_chan(struct chan *c, enum fl_engine_event_kind kind, uint32_t val)
{
	struct fl_engine_event ev = {
		.kind = kind, .dir = c->dir, .chan = c->hw, .val = val,
		.addr = __atomic_load_n(&c->llp, __ATOMIC_RELAXED), .slot = c->slot,
	};

	fl_engine_record(c->e, &ev);
}

void fl_engine_set_status(struct chan *c, enum fl_dw_chan_status status)
{
	c->status = status;
	if (is_native(c->e))
		*reg(c->e, FL_HN_STATUS, c->dir, c->hw) = status;
}

static void note_message(struct chan *c, struct imwr *msg, uint64_t addr, uint32_t data)
{
	struct fl_engine_event ev = { .kind = FL_EV_IMWR, .addr = addr, .val = data };

	if (!addr || !__atomic_load_n(&c->e->master, __ATOMIC_RELAXED))
		return;
	msg->send = true;
	msg->addr = addr;
	msg->data = data;
	c->e->stats.imwrs++;
	fl_engine_record(c->e, &ev);
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
		note_message(c, msg, reg64(e, FL_V0_DONE_IMWR_LO, c->dir, 0), v0_msg_data(c));
}

/* What err_status can say of @reason. Writes to the host are posted: nobody reports them back. */
static void v0_err_bits(struct chan *c)
{
	uint32_t bit = 1u << c->hw;
	uint32_t *lo = reg(c->e, FL_V0_ERR_STATUS, c->dir, 0);

	if (c->reason <= ABORT_LL_LOOP)
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
		note_message(c, msg, reg64(e, FL_V0_ABORT_IMWR_LO, c->dir, 0), v0_msg_data(c));
}

#define SETUP_REMOTE_STOP  (1u << 3)
#define SETUP_LOCAL_STOP   (1u << 4)
#define SETUP_REMOTE_ABORT (1u << 5)
#define SETUP_LOCAL_ABORT  (1u << 6)

/* Latches @bit. The mask is the pin's alone: a remote owner sets it, and waits for its message. */
static void native_latch(struct chan *c, struct imwr *msg, enum native_int bit, bool remote,
			 enum fl_dw_reg addr_reg)
{
	struct fl_engine *e = c->e;

	*reg(e, FL_HN_INT_STATUS, c->dir, c->hw) |= bit;
	msg->pin = !(*reg(e, FL_HN_INT_SETUP, c->dir, c->hw) & bit);
	if (remote)
		note_message(c, msg, reg64(e, addr_reg, c->dir, c->hw),
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
		[ABORT_LL_RANGE] = 1, [ABORT_LL_LOOP] = 2, [ABORT_EP_ADDR] = 10,
		[ABORT_HOST_ADDR] = 9, [ABORT_POISONED] = 11, [ABORT_IO] = 8,
		[ABORT_NO_MASTER] = 9,
	};
	uint32_t setup = *reg(c->e, FL_HN_INT_SETUP, c->dir, c->hw);
	uint32_t *status = reg(c->e, FL_HN_INT_STATUS, c->dir, c->hw);
	uint32_t code = codes[c->reason];

	if ((c->reason == ABORT_HOST_ADDR || c->reason == ABORT_NO_MASTER) && c->dir == FL_EPDMA_WRITE)
		code = 12;
	*status = (*status & ~NATIVE_ERROR) | code << 3;
	if (setup & SETUP_LOCAL_ABORT)
		native_latch(c, msg, NATIVE_ABORT, setup & SETUP_REMOTE_ABORT, FL_HN_ABORT_MSG_LO);
}

void fl_engine_elem_done(struct chan *c, struct imwr *ret)
{
	bool link = c->slot.ctl & FL_ELEM_LLP;

	record_chan(c, link ? FL_EV_LINK : FL_EV_ELEM, 0);
	if (c->mode == LIST)
		__atomic_store_n(&c->llp, link ? c->slot.src : c->llp + FL_DW_SLOT_SIZE,
				 __ATOMIC_RELEASE);
	if (link || !(c->slot.ctl & (FL_ELEM_LIE | FL_ELEM_RIE)))
		return;
	if (is_native(c->e))
		native_watermark(c, ret);
	else
		v0_done(c, ret);
}

void fl_engine_end(struct chan *c, struct imwr *msg)
{
	record_chan(c, FL_EV_STOP, 0);
	fl_engine_set_status(c, FL_CS_STOPPED);
	if (is_native(c->e))
		native_stop(c, msg);
}

/* Which address it was, for who is told of it. */
static void note_refusal(const struct chan *c, struct fl_engine_refusal *r)
{
	bool list = c->reason == ABORT_LL_RANGE;
	bool src = (c->reason == ABORT_EP_ADDR) == (c->dir == FL_EPDMA_WRITE);

	if (!list && c->reason != ABORT_EP_ADDR && c->reason != ABORT_HOST_ADDR)
		return;
	c->e->stats.refused_addrs++;
	*r = (struct fl_engine_refusal){ .dir = c->dir, .chan = c->hw, .what = fl_engine_abort_name(c->reason),
					 .addr = c->llp };
	if (list)
		return;
	r->addr = (src ? c->slot.src : c->slot.dst) + c->moved;
	r->size = c->slot.size - c->moved;
}

void fl_engine_abort(struct chan *c, struct imwr *msg)
{
	record_chan(c, FL_EV_ABORT, c->reason);
	c->in_elem = false;
	c->rung = false;
	c->e->stats.aborts++;
	note_refusal(c, &msg->refused);
	fl_engine_set_status(c, FL_CS_HALTED);
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

void fl_engine_send(struct chan *c, const struct imwr *msg)
{
	const struct fl_engine_config *cfg = &c->e->cfg;

	/* First, so that what is said of it comes before what the host makes of its message. */
	if (msg->refused.what && cfg->ops->refused)
		cfg->ops->refused(cfg->ctx, &msg->refused);
	if (msg->send)
		cfg->ops->imwr(cfg->ctx, msg->addr, msg->data, chan_number(c));
	if (msg->pin && cfg->ops->pin)
		cfg->ops->pin(cfg->ctx, c->dir, c->hw, msg->abort);
}

const char *fl_engine_abort_name(unsigned int reason)
{
	static const char *const names[_ABORT_MAX] = {
		[ABORT_NONE] = "none",
		[ABORT_LL_RANGE] = "list pointer",
		[ABORT_LL_LOOP] = "links without data",
		[ABORT_EP_ADDR] = "endpoint address",
		[ABORT_HOST_ADDR] = "host address",
		[ABORT_POISONED] = "poisoned read",
		[ABORT_IO] = "host does not answer",
		[ABORT_NO_MASTER] = "bus master is off",
	};

	return reason < _ABORT_MAX && names[reason] ? names[reason] : "unknown";
}
