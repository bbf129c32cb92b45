/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <foreland/probe.h>: tracing. A record that a callback gets is the head of what is known of it here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "probe/lib/private.h"
#include "probe/live/run.h"
#include "probe/output/json.h"

struct handed {
	struct fl_tracing_record pub;
	struct fl_tracing *t;
	const struct fl_record *raw;
	size_t size;
	char comm[FL_COMM_LEN + 1];
};

int fl_tracing_new(struct fl_system *sys, const struct fl_tracing_opts *opts, struct fl_tracing **ret)
{
	struct fl_session_opts session = {};
	struct fl_tracing *t;
	int r;

	if (!fl_target_is_live(sys->target))
		return -EOPNOTSUPP;
	if (opts)
		session = (struct fl_session_opts){ .pid = opts->pid, .comm = opts->comm,
						    .boot_clock = opts->boot_clock,
						    .ring_bytes = opts->ring_bytes };
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->sys = sys;
	r = fl_session_new(sys->target, &session, &t->session);
	if (r == 0)
		r = fl_symbols_new(sys->target, &t->symbols);
	if (r < 0) {
		fl_tracing_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void fl_tracing_free(struct fl_tracing *t)
{
	if (!t)
		return;
	fl_text_free(t->text);
	fl_session_free(t->session);
	fl_symbols_free(t->symbols);
	fl_buf_fini(&t->line);
	fl_buf_fini(&t->json);
	free(t);
}

int fl_tracing_add(struct fl_tracing *t, struct fl_definition *def)
{
	return fl_session_add(t->session, def->event, def->event->text, FL_STR(""));
}

int fl_tracing_start(struct fl_tracing *t, struct fl_diag *diag)
{
	int r = fl_session_start(t->session, diag);

	return r < 0 ? r : fl_text_new(fl_session_schemas(t->session), t->symbols, &t->text);
}

/* ---- records ---- */

static const struct handed *handed(const struct fl_tracing_record *rec)
{
	return FL_CONTAINER_OF((struct fl_tracing_record *)rec, struct handed, pub);
}

static const struct fl_record_schema *schema_of(const struct handed *h)
{
	return fl_session_schemas(h->t->session).v[h->raw->event];
}

static const struct fl_record_slot *slot(const struct handed *h, size_t arg, size_t i)
{
	const struct fl_record_layout *l = &schema_of(h)->layout;

	if (arg >= l->nr_slots || i >= l->slots[arg].count || fl_record_fault(l, h->raw, arg))
		return NULL;
	return &l->slots[arg];
}

bool fl_tracing_number(const struct fl_tracing_record *rec, size_t arg, size_t i, uint64_t *ret)
{
	const struct handed *h = handed(rec);
	const struct fl_record_slot *s = slot(h, arg, i);

	if (!s || s->kind == FL_SLOT_STRING)
		return false;
	*ret = fl_record_value(s, h->raw, i, schema_of(h)->event->args[arg].type->is_signed);
	return true;
}

bool fl_tracing_string(const struct fl_tracing_record *rec, size_t arg, size_t i, const char **ret,
		       size_t *ret_len)
{
	const struct handed *h = handed(rec);
	const struct fl_record_slot *s = slot(h, arg, i);
	struct fl_str text;

	if (!s || s->kind != FL_SLOT_STRING || !fl_record_string(s, h->raw, h->size, i, &text))
		return false;
	*ret = text.p;
	*ret_len = text.n;
	return true;
}

const char *fl_tracing_line(const struct fl_tracing_record *rec)
{
	const struct handed *h = handed(rec);
	struct fl_buf *out = &h->t->line;

	fl_buf_reset(out);
	fl_text_record(h->t->text, rec->cpu, h->raw, h->size, out);
	return out->error ? NULL : fl_buf_z(out);
}

const char *fl_tracing_json(const struct fl_tracing_record *rec)
{
	const struct handed *h = handed(rec);
	struct fl_buf *out = &h->t->json;

	fl_buf_reset(out);
	fl_record_json(schema_of(h), rec->cpu, h->raw, h->size, h->t->symbols, out);
	return out->error ? NULL : fl_buf_z(out);
}

/* ---- running ---- */

/* What is after the limit stays unread: counts freeze at the end that it sets. */
static int on_record(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct fl_tracing *t = ctx;
	struct handed h = { .t = t, .raw = rec, .size = size,
			    .pub = { rec->time, cpu, rec->pid, rec->event, h.comm } };
	int r;

	memcpy(h.comm, rec->comm, FL_COMM_LEN);
	r = t->loop->record ? t->loop->record(t->loop->ctx, &h.pub) : 0;
	t->lines++;
	if (r < 0)
		return r;
	return r > 0 || (t->loop->lines && t->lines >= t->loop->lines) ? -ECANCELED : 0;
}

static int on_idle(void *ctx)
{
	struct fl_tracing *t = ctx;

	return t->loop->idle ? t->loop->idle(t->loop->ctx) : 0;
}

int fl_tracing_run(struct fl_tracing *t, const struct fl_tracing_loop *loop)
{
	const struct fl_session_loop run = { .duration_ns = loop->duration_ns, .stop = loop->stop,
					     .record = on_record, .idle = on_idle, .ctx = t };

	t->loop = loop;
	t->lines = 0;
	return fl_session_run(t->session, &run);
}

bool fl_tracing_totals(struct fl_tracing *t, size_t i, struct fl_tracing_totals *ret)
{
	struct fl_totals n;

	if (i >= fl_session_nr_probes(t->session))
		return false;
	fl_session_totals(t->session, i, &n);
	*ret = (struct fl_tracing_totals){ .hits = n.hits, .records = n.records, .filtered = n.filtered,
					   .lost = n.lost, .unpaired = n.unpaired, .missed = n.missed,
					   .faults = n.faults };
	return true;
}
