// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A recorded trace against a fresh engine, in lock step.
 *
 * Lines are of two kinds. Causes (R, W, X, O, M, B) are done again: the register is read or written, the reset
 * asked for. Effects (E, L, S, A, I) are what the engine did by itself, in whatever thread; here it has
 * none, and moves one slot when the trace says that it did. The slot's bytes, which the trace holds, are
 * put into list memory just before, so the replay needs nothing of the memory that was there. Data
 * elements move nothing: their addresses lead to memory that takes and gives anything.
 *
 * Whatever the engine does is caught and must be, event by event, what the next lines say. An abort is
 * the exception in that its cause lay outside (memory that was not mapped): it is given as recorded,
 * and what follows from it, status bits and messages, is compared.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/util.h"
#include "epdma/engine/engine.h"
#include "epdma/engine/fault.h"
#include "epdma/engine/log.h"
#include "epdma/regs/dw-regs.h"

#define MAX_PENDING 64u

struct replay {
	struct fl_engine_log trace;
	struct fl_engine_shape shape;
	struct fl_mem *ep, *host;
	struct fl_engine *engine;
	struct fl_engine_event done[MAX_PENDING]; /* what the engine did, not compared yet */
	unsigned int first, n;
	uint8_t slot[FL_DW_SLOT_SIZE] __attribute__((aligned(8)));
	struct fl_replay_result *res;
	struct fl_fault fault;
};

static const struct fl_diag_kind bad_line = {
	"TRACE_LINE", FL_ERROR, EINVAL, "this is no line of a trace",
};
static const struct fl_diag_kind bad_head = {
	"TRACE_HEAD", FL_ERROR, EINVAL, "this is no trace, or of another version",
};

static const char head[] = "# foreland epdma trace 1 ";

bool fl_engine_log_is(struct fl_str text)
{
	return fl_str_starts(text, "# foreland epdma trace ");
}

/* ---- reading ---- */

/* "NAME=VALUE" */
static bool field(struct fl_str *rest, const char *name, uint64_t *ret)
{
	struct fl_str w;
	size_t n = strlen(name);

	return fl_str_word(rest, &w) && fl_str_starts(w, name) && w.n > n + 1 && w.p[n] == '=' &&
	       fl_parse_u64(fl_str_from(w, n + 1), 0, ret) == 0;
}

static bool number(struct fl_str *rest, uint64_t *ret)
{
	struct fl_str w;

	return fl_str_word(rest, &w) && fl_parse_u64(w, 0, ret) == 0;
}

static bool channel(struct fl_str *rest, struct fl_engine_event *ev)
{
	struct fl_str w;
	uint64_t n;

	if (!fl_str_word(rest, &w) || w.n < 3 ||
	    (!fl_str_starts(w, "wr") && !fl_str_starts(w, "rd")) ||
	    fl_parse_u64(fl_str_from(w, 2), 10, &n) < 0 || n >= FL_DW_NATIVE_CHANS)
		return false;
	ev->dir = *w.p == 'w' ? FL_EPDMA_WRITE : FL_EPDMA_READ;
	ev->chan = (unsigned int)n;
	return number(rest, &ev->addr);
}

static bool blocked_bar(struct fl_str *rest, struct fl_engine_event *ev)
{
	struct fl_str w;
	uint64_t n;

	if (!fl_str_word(rest, &w) || !fl_str_starts(w, "bar") ||
	    fl_parse_u64(fl_str_from(w, 3), 10, &n) < 0 || n >= FL_EPDMA_NR_BARS)
		return false;
	ev->chan = (unsigned int)n;
	return number(rest, &ev->addr);
}

static bool slot_fields(struct fl_str *rest, struct fl_dw_slot *s)
{
	uint64_t ctl, size;

	if (!field(rest, "ctl", &ctl) || !field(rest, "size", &size) || !field(rest, "src", &s->src) ||
	    !field(rest, "dst", &s->dst) || ctl > UINT32_MAX || size > UINT32_MAX)
		return false;
	s->ctl = (uint32_t)ctl;
	s->size = (uint32_t)size;
	return true;
}

static bool parse_event(struct fl_str line, struct fl_engine_event *ev)
{
	struct fl_str time, kind;
	uint64_t val = 0;
	bool ok;

	*ev = (struct fl_engine_event){};
	if (!fl_str_word(&line, &time) || !fl_str_word(&line, &kind) || kind.n != 1)
		return false;
	ev->kind = *kind.p;
	switch (ev->kind) {
	case FL_EV_READ:
	case FL_EV_WRITE:
		ok = number(&line, &ev->addr) && number(&line, &val) && ev->addr <= UINT32_MAX;
		break;
	case FL_EV_IMWR:
		ok = number(&line, &ev->addr) && number(&line, &val);
		break;
	case FL_EV_ELEM:
	case FL_EV_LINK:
	case FL_EV_STOP:
		ok = channel(&line, ev) && slot_fields(&line, &ev->slot);
		break;
	case FL_EV_ABORT:
		ok = channel(&line, ev) && field(&line, "reason", &val);
		break;
	case FL_EV_OWNER:
	case FL_EV_DEAF:
		ok = channel(&line, ev) && field(&line, "val", &val);
		break;
	case FL_EV_RESET:
		ok = true;
		break;
	case FL_EV_BLOCKED:
		ok = blocked_bar(&line, ev) && field(&line, "val", &val);
		break;
	case FL_EV_MASTER:
		ok = field(&line, "val", &val);
		break;
	default:
		ok = false;
	}
	ev->val = (uint32_t)val;
	return ok && val <= UINT32_MAX;
}

/* ---- comparing ---- */

static void on_event(struct fl_engine_log *t, const struct fl_engine_event *ev)
{
	struct replay *p = FL_CONTAINER_OF(t, struct replay, trace);

	if (p->n < MAX_PENDING)
		p->done[(p->first + p->n++) % MAX_PENDING] = *ev;
}

static int differs(struct replay *p, const struct fl_engine_event *want,
		   const struct fl_engine_event *got)
{
	fl_engine_event_format(want, p->shape.map, p->res->recorded, sizeof(p->res->recorded));
	if (got)
		fl_engine_event_format(got, p->shape.map, p->res->replayed, sizeof(p->res->replayed));
	else
		snprintf(p->res->replayed, sizeof(p->res->replayed), "nothing");
	return -EILSEQ;
}

static int expect(struct replay *p, const struct fl_engine_event *want)
{
	char a[160], b[160];
	struct fl_engine_event got;

	if (!p->n)
		return differs(p, want, NULL);
	got = p->done[p->first];
	p->first = (p->first + 1) % MAX_PENDING;
	p->n--;
	fl_engine_event_format(want, p->shape.map, a, sizeof(a));
	fl_engine_event_format(&got, p->shape.map, b, sizeof(b));
	return strcmp(a, b) ? differs(p, want, &got) : 0;
}

/* ---- doing ---- */

/* The one slot of list memory, at the address where the engine is about to look. */
static int show_slot(struct replay *p, const struct fl_engine_event *ev)
{
	struct fl_mem_range r = { .base = ev->addr, .size = FL_DW_SLOT_SIZE, .ptr = p->slot, .fd = -1,
				  .flags = FL_MEM_READ | FL_MEM_DESC };
	const struct fl_dw_slot *s = &ev->slot;

	memcpy(p->slot, (uint32_t[]){ htole32(s->ctl), htole32(s->size) }, 8);
	memcpy(p->slot + 8, (uint64_t[]){ htole64(s->src), htole64(s->dst) }, 16);
	fl_mem_del_all(p->ep);
	return fl_mem_add(p->ep, &r);
}

/* Bytes from and to nowhere, for any address. */
static int nowhere_read(void *ctx, uint64_t addr, void *buf, size_t n)
{
	memset(buf, 0, n);
	return 0;
}

static int nowhere_write(void *ctx, uint64_t addr, const void *buf, size_t n)
{
	return 0;
}

static const struct fl_mem_io nowhere = { .read = nowhere_read, .write = nowhere_write };

static int step(struct replay *p, const struct fl_engine_event *ev)
{
	int r;

	if (ev->kind == FL_EV_ABORT) {
		fl_engine_force_abort(p->engine, ev->dir, ev->chan, ev->val, &ev->slot);
		return 0;
	}
	r = show_slot(p, ev);
	for (unsigned int tries = 0; r == 0 && !p->n && tries < 2; tries++)
		if (fl_engine_skip(p->engine, ev->dir, ev->chan) < 0)
			break; /* nothing to do there: expect() tells */
	return r;
}

static int apply(struct replay *p, const struct fl_engine_event *ev)
{
	int r = 0;

	switch (ev->kind) {
	case FL_EV_READ:
		fl_engine_read(p->engine, (uint32_t)ev->addr);
		break;
	case FL_EV_WRITE:
		fl_engine_write(p->engine, (uint32_t)ev->addr, ev->val);
		break;
	case FL_EV_RESET:
		fl_engine_reset(p->engine);
		break;
	case FL_EV_BLOCKED:
		fl_engine_note_blocked(p->engine, ev->chan, ev->addr, ev->val);
		break;
	case FL_EV_MASTER:
		fl_engine_set_master(p->engine, ev->val);
		break;
	case FL_EV_OWNER:
		if (ev->val == 1)
			fl_engine_claim(p->engine, ev->dir, ev->chan);
		else
			fl_engine_release(p->engine, ev->dir, ev->chan, ev->val == 2);
		break;
	case FL_EV_DEAF: /* these come with what caused them */
	case FL_EV_IMWR:
		break;
	default:
		if (!p->n)
			r = step(p, ev);
		break;
	}
	return r < 0 ? r : expect(p, ev);
}

static void no_imwr(void *ctx, uint64_t addr, uint32_t data, unsigned int chan)
{
}

static int begin(struct replay *p)
{
	static const struct fl_engine_ops ops = { .imwr = no_imwr };
	struct fl_engine_config cfg = { .map = p->shape.map, .ops = &ops, .fault = &p->fault,
					.log = &p->trace,
					.chans = { p->shape.chans[0], p->shape.chans[1] } };
	struct fl_mem_range all = { .size = UINT64_MAX, .fd = -1, .io = &nowhere,
				    .flags = FL_MEM_READ | FL_MEM_WRITE };
	int r = fl_mem_new(&p->ep);

	if (r == 0)
		r = fl_mem_new(&p->host);
	if (r == 0)
		r = fl_mem_add(p->host, &all);
	cfg.ep = p->ep;
	cfg.host = p->host;
	return r < 0 ? r : fl_engine_new(&cfg, &p->engine);
}

static bool parse_head(struct fl_str line, struct fl_engine_shape *shape)
{
	uint64_t map, wr, rd;

	if (!fl_str_starts(line, head))
		return false;
	line = fl_str_from(line, sizeof(head) - 1);
	if (!field(&line, "map", &map) || !field(&line, "wr", &wr) || !field(&line, "rd", &rd) ||
	    map > 7 || wr > FL_DW_NATIVE_CHANS || rd > FL_DW_NATIVE_CHANS)
		return false;
	*shape = (struct fl_engine_shape){ (unsigned int)map, { (unsigned int)wr, (unsigned int)rd } };
	return true;
}

static int refuse(struct fl_diag *diag, const struct fl_diag_kind *why, struct fl_str line, uint32_t nr)
{
	if (diag) {
		diag->line = nr;
		diag->text = line.p;
		diag->text_len = line.n;
	}
	return fl_diag_set(diag, why, (struct fl_span){ 0, (uint32_t)line.n });
}

/* The line behind a write tells whether the doorbell that it rang was heard. */
static void lose_doorbell(struct replay *p, struct fl_str rest)
{
	struct fl_engine_event ev;
	struct fl_str line;
	bool deaf = fl_str_line(&rest, &line) && parse_event(line, &ev) && ev.kind == FL_EV_DEAF;

	p->fault.at[FL_FAULT_LOST_DOORBELL].nth =
		deaf ? p->fault.at[FL_FAULT_LOST_DOORBELL].seen + 1 : UINT64_MAX;
}

static int run(struct replay *p, struct fl_str rest, struct fl_diag *diag)
{
	struct fl_engine_event ev;
	struct fl_str line;

	for (uint32_t nr = 2; fl_str_line(&rest, &line); nr++) {
		int r;

		if (!line.n || *line.p == '#')
			continue;
		if (!parse_event(line, &ev))
			return refuse(diag, &bad_line, line, nr);
		if (ev.kind == FL_EV_WRITE)
			lose_doorbell(p, rest);
		r = apply(p, &ev);
		if (r < 0) {
			p->res->line = nr;
			return r;
		}
		p->res->events++;
	}
	return 0;
}

int fl_engine_replay(struct fl_str text, struct fl_replay_result *ret, struct fl_diag *diag)
{
	struct replay p = { .trace.emit = on_event, .res = ret };
	struct fl_str line = {};
	int r;

	*ret = (struct fl_replay_result){};
	if (!fl_str_line(&text, &line) || !parse_head(line, &p.shape))
		return refuse(diag, &bad_head, line, 1);
	r = begin(&p);
	if (r == -EINVAL)
		r = refuse(diag, &bad_head, line, 1);
	if (r == 0)
		r = run(&p, text, diag);
	fl_engine_free(p.engine);
	fl_mem_free(p.ep);
	fl_mem_free(p.host);
	return r;
}
