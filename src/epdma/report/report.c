// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watching a driver by what the engine's log tells, event by event.
 *
 * Nothing here knows more than the log: what a register holds is what was written to it last, whether the
 * bus may be mastered is the last M, whether a list was live is whether an element came behind the
 * doorbell. Three kinds need a second look before they are held against anybody:
 *
 * - A poll is stuck when a thousand reads of one register gave one value and the driver then turned to
 *   something else. Where the value changes, or the engine moves on, the wait was for that.
 * - A list that ends at once is a fault of the first doorbell behind a start, or of two in a row. A
 *   single one is no fault: the engine may have seen a slot that was appended before its doorbell rang.
 * - An interrupt may be unacknowledged because the run is over. Only who never wrote INT_CLEAR for a
 *   channel that sent messages is told.
 */
#include "epdma/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nsec.h"
#include "base/util.h"
#include "epdma/regs/dw-regs.h"

#define STUCK	    1000u
#define MAX_PLACES  256u /* a driver that does wrong everywhere has been told enough */
#define WINDOW_WORDS ((0x200u + 0x200u * FL_DW_NATIVE_CHANS) / 4)

enum finding {
#define F(id, name, text) F_##id,
#include "epdma/report/findings.def"
#undef F
	_F_MAX,
};

static const struct {
	const char *name, *text;
} rows[_F_MAX] = {
#define F(id, name, text) [F_##id] = { name, text },
#include "epdma/report/findings.def"
#undef F
};

struct entry {
	enum finding kind;
	uint64_t addr; /* register offset, list pointer, or BAR offset */
	char where[32];
	char field[40];
	uint64_t value;
	uint64_t first_ns, count;
};

struct chan_watch {
	bool started, rung, moved; /* since the list pointer was written; since the doorbell */
	unsigned int empty;	   /* doorbells in a row that moved nothing */
	uint64_t messages, acks;
};

struct fl_report {
	struct fl_engine_log log;
	struct fl_engine_log *next;
	struct fl_engine_shape shape;
	uint64_t start;
	bool no_master;
	uint32_t regs[WINDOW_WORDS]; /* as written last */
	struct chan_watch chans[_FL_EPDMA_DIR_MAX][FL_DW_NATIVE_CHANS];
	struct {
		uint32_t off, val;
		uint64_t n;
	} poll;
	struct entry entries[MAX_PLACES];
	size_t n;
	uint64_t left_out;
};

static bool native(const struct fl_report *r)
{
	return r->shape.map == FL_EPDMA_NATIVE;
}

/* ---- findings ---- */

static void found(struct fl_report *r, enum finding kind, uint64_t addr, const char *where, const char *field,
		  uint64_t value)
{
	struct entry *e;

	for (size_t i = 0; i < r->n; i++) {
		if (r->entries[i].kind == kind && r->entries[i].addr == addr &&
		    !strcmp(r->entries[i].where, where)) {
			r->entries[i].count++;
			return;
		}
	}
	if (r->n == MAX_PLACES) {
		r->left_out++;
		return;
	}
	e = &r->entries[r->n++];
	*e = (struct entry){ .kind = kind, .addr = addr, .value = value, .count = 1,
			     .first_ns = fl_time_ns(CLOCK_MONOTONIC) - r->start };
	snprintf(e->where, sizeof(e->where), "%s", where);
	snprintf(e->field, sizeof(e->field), "%s", field);
}

static void found_at(struct fl_report *r, enum finding kind, uint32_t off, const char *field, uint64_t value)
{
	char name[32];

	fl_dw_place_name(r->shape.map, off, name, sizeof(name));
	found(r, kind, off, name, field, value);
}

/* ---- registers ---- */

/* The legacy map's one block is what the viewport points at; elsewhere an offset is a place. */
static void look_up(const struct fl_report *r, uint32_t off, struct fl_dw_place *ret)
{
	uint32_t view = r->regs[0x0fc / 4];

	if (r->shape.map != FL_EPDMA_LEGACY || off < 0x100) {
		fl_dw_lookup(r->shape.map, off, ret);
		if (ret->reg == FL_V0_VIEWPORT && r->shape.map != FL_EPDMA_LEGACY)
			ret->reg = _FL_DW_REG_MAX;
		return;
	}
	*ret = (struct fl_dw_place){ .reg = _FL_DW_REG_MAX };
	if (off < 0x124)
		fl_dw_lookup(FL_EPDMA_UNROLL, off + 0x100, ret);
	ret->dir = view >> 31;
	ret->chan = view & 7;
}

static uint32_t written(const struct fl_report *r, enum fl_dw_reg reg, enum fl_epdma_dir dir,
			unsigned int ch, unsigned int index)
{
	return r->regs[(fl_dw_offset(reg, dir, ch) / 4 + index) % WINDOW_WORDS];
}

static bool enabled(const struct fl_report *r, enum fl_epdma_dir dir, unsigned int ch)
{
	if (native(r))
		return written(r, FL_HN_CH_EN, dir, ch, 0) & 1;
	if (r->shape.map == FL_EPDMA_COMPAT)
		return written(r, FL_V0_PWR_EN, dir, 0, ch) & 1;
	return written(r, FL_V0_ENGINE_EN, dir, 0, 0) & 1;
}

static void end_poll(struct fl_report *r, bool given_up)
{
	if (given_up && r->poll.n >= STUCK)
		found_at(r, F_STUCK_POLL, r->poll.off, "all", r->poll.val);
	r->poll.n = 0;
}

static bool is_doorbell(const struct fl_dw_place *p, uint32_t val)
{
	return (p->reg == FL_V0_DOORBELL && !(val >> 31)) || (p->reg == FL_HN_DOORBELL && val == 1);
}

static void on_doorbell(struct fl_report *r, uint32_t off, enum fl_epdma_dir dir, unsigned int ch, uint32_t val)
{
	struct chan_watch *c;

	if (ch >= r->shape.chans[dir]) {
		found_at(r, F_NO_REGISTER, off, "channel", val);
		return;
	}
	c = &r->chans[dir][ch];
	c->rung = true;
	c->moved = false;
	if (r->no_master)
		found_at(r, F_NO_MASTER, off, "all", val);
	if (!enabled(r, dir, ch))
		found_at(r, F_DISABLED, off, "all", val);
}

static void on_clear(struct fl_report *r, const struct fl_dw_place *p, uint32_t val)
{
	for (unsigned int i = 0; i < r->shape.chans[p->dir]; i++)
		if (p->reg == FL_HN_INT_CLEAR ? i == p->chan : (val | val >> 16) & 1u << i)
			r->chans[p->dir][i].acks++;
}

static void on_write(struct fl_report *r, uint32_t off, uint32_t val)
{
	struct fl_dw_place p;
	uint32_t allowed;
	char bits[40];

	look_up(r, off, &p);
	if (p.reg == _FL_DW_REG_MAX || (p.reg >= FL_V0CH_CONTROL1 && p.chan >= r->shape.chans[p.dir]) ||
	    (p.reg == FL_V0_ENGINE_EN && r->shape.map == FL_EPDMA_COMPAT)) {
		found_at(r, F_NO_REGISTER, off, "all", val);
		return;
	}
	allowed = fl_dw_regs[p.reg].access == FL_DW_RO ? 0 : fl_dw_regs[p.reg].writable;
	if (val & ~allowed) {
		snprintf(bits, sizeof(bits), "bits 0x%x", val & ~allowed);
		found_at(r, F_RESERVED, off, bits, val);
	}
	r->regs[off / 4 % WINDOW_WORDS] = val;
	if (is_doorbell(&p, val))
		on_doorbell(r, off, p.dir, p.reg == FL_V0_DOORBELL ? val & 7 : p.chan, val);
	if (p.reg == FL_V0_INT_CLEAR || p.reg == FL_HN_INT_CLEAR)
		on_clear(r, &p, val);
	if ((p.reg == FL_V0CH_LLP_LO || p.reg == FL_HN_LLP_LO) && p.chan < r->shape.chans[p.dir]) {
		r->chans[p.dir][p.chan].started = true;
		r->chans[p.dir][p.chan].empty = 0;
	}
}

static void on_read(struct fl_report *r, uint32_t off, uint32_t val)
{
	struct fl_dw_place p;

	if (r->poll.n && off == r->poll.off && val == r->poll.val) {
		r->poll.n++;
		return;
	}
	end_poll(r, r->poll.n && off != r->poll.off);
	r->poll.off = off;
	r->poll.val = val;
	r->poll.n = 1;
	look_up(r, off, &p);
	if (p.reg == _FL_DW_REG_MAX || (p.reg >= FL_V0CH_CONTROL1 && p.chan >= r->shape.chans[p.dir]))
		found_at(r, F_NO_REGISTER, off, "all", val);
}

/* ---- what the engine did ---- */

/* A channel has come to a slot that is not its turn. */
static void on_stop(struct fl_report *r, const struct fl_engine_event *ev)
{
	struct chan_watch *c = &r->chans[ev->dir][ev->chan];
	char where[32];

	if (!c->rung)
		return;
	c->rung = false;
	c->empty = c->moved ? 0 : c->empty + 1;
	if (!c->moved && (c->started || c->empty > 1)) {
		snprintf(where, sizeof(where), "%s%u list", ev->dir ? "RD" : "WR", ev->chan);
		found(r, F_CYCLE, ev->addr, where, "CB", ev->slot.ctl);
	}
	c->started = false;
	if (native(r) && written(r, FL_HN_INT_SETUP, ev->dir, ev->chan, 0) & 1u << 3)
		c->messages++;
}

static void on_element(struct fl_report *r, const struct fl_engine_event *ev)
{
	struct chan_watch *c = &r->chans[ev->dir][ev->chan];

	c->moved = true;
	c->started = false;
	c->empty = 0;
	if (!native(r) && ev->slot.ctl & FL_ELEM_RIE)
		c->messages++;
}

static void on_event(struct fl_report *r, const struct fl_engine_event *ev)
{
	char where[32];

	if (ev->kind == FL_EV_READ) {
		on_read(r, (uint32_t)ev->addr, ev->val);
		return;
	}
	end_poll(r, ev->kind == FL_EV_WRITE);
	switch (ev->kind) {
	case FL_EV_WRITE:
		on_write(r, (uint32_t)ev->addr, ev->val);
		break;
	case FL_EV_ELEM:
		on_element(r, ev);
		break;
	case FL_EV_STOP:
		on_stop(r, ev);
		break;
	case FL_EV_MASTER:
		r->no_master = !ev->val;
		break;
	case FL_EV_BLOCKED:
		snprintf(where, sizeof(where), "BAR%u", ev->chan);
		found(r, F_BAR_OFF, ev->addr, where, ev->val ? "write" : "read", 0);
		break;
	case FL_EV_RESET:
		memset(r->regs, 0, sizeof(r->regs));
		break;
	default:
		break;
	}
}

static void emit(struct fl_engine_log *log, const struct fl_engine_event *ev)
{
	struct fl_report *r = FL_CONTAINER_OF(log, struct fl_report, log);

	on_event(r, ev);
	if (r->next)
		r->next->emit(r->next, ev);
}

int fl_report_new(const struct fl_engine_shape *shape, struct fl_engine_log *next, struct fl_report **ret)
{
	struct fl_report *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->log.emit = emit;
	r->next = next;
	r->shape = *shape;
	r->start = fl_time_ns(CLOCK_MONOTONIC);
	*ret = r;
	return 0;
}

void fl_report_free(struct fl_report *r)
{
	free(r);
}

struct fl_engine_log *fl_report_log(struct fl_report *r)
{
	return &r->log;
}

void fl_report_end(struct fl_report *r)
{
	end_poll(r, true);
	for (unsigned int d = 0; d < _FL_EPDMA_DIR_MAX; d++) {
		for (unsigned int i = 0; i < r->shape.chans[d]; i++) {
			const struct chan_watch *c = &r->chans[d][i];
			enum fl_dw_reg reg = native(r) ? FL_HN_INT_CLEAR : FL_V0_INT_CLEAR;

			if (c->messages && !c->acks)
				found_at(r, F_NO_ACK, fl_dw_offset(reg, d, native(r) ? i : 0), "done",
					 c->messages);
		}
	}
}

size_t fl_report_count(const struct fl_report *r)
{
	return r->n;
}

/* ---- showing ---- */

static void entry_text(const struct entry *e, struct fl_buf *out)
{
	fl_buf_addf(out, "%s: %s at 0x%llx, field %s, value 0x%llx, first at %llu.%06llu s, %llu times: %s",
		    rows[e->kind].name, e->where, (unsigned long long)e->addr, e->field,
		    (unsigned long long)e->value, (unsigned long long)(e->first_ns / 1000000000),
		    (unsigned long long)(e->first_ns / 1000 % 1000000), (unsigned long long)e->count,
		    rows[e->kind].text);
}

void fl_report_text(const struct fl_report *r, struct fl_buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		entry_text(&r->entries[i], out);
		fl_buf_addc(out, '\n');
	}
	if (r->left_out)
		fl_buf_addf(out, "%llu findings at other places were left out\n",
			    (unsigned long long)r->left_out);
}

void fl_report_junit(const struct fl_report *r, struct fl_buf *out)
{
	size_t failures = 0;

	for (unsigned int k = 0; k < _F_MAX; k++)
		for (size_t i = 0; i < r->n; i++)
			if (r->entries[i].kind == k) {
				failures++;
				break;
			}
	fl_buf_addf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<testsuite name=\"foreland epdma\" tests=\"%u\" failures=\"%zu\">\n", _F_MAX, failures);
	for (unsigned int k = 0; k < _F_MAX; k++) {
		bool any = false;

		fl_buf_addf(out, "  <testcase classname=\"driver\" name=\"%s\">", rows[k].name);
		for (size_t i = 0; i < r->n; i++) {
			if (r->entries[i].kind != k)
				continue;
			fl_buf_addf(out, any ? "\n" : "<failure message=\"%s\">", rows[k].text);
			entry_text(&r->entries[i], out); /* names and numbers of ours: nothing to escape */
			any = true;
		}
		fl_buf_addz(out, any ? "</failure></testcase>\n" : "</testcase>\n");
	}
	fl_buf_addz(out, "</testsuite>\n");
}
