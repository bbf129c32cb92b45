/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <foreland/probe.h>: tracing. A record that a callback gets is the head of what is known of it here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "probe/lib/private.h"
#include "probe/live/run.h"
#include "probe/output/json.h"
#include "probe/printfmt/names.h"

struct handed {
	struct fl_tracing_record pub;
	struct fl_tracing *t;
	const struct fl_record *raw;
	size_t size;
	char comm[FL_COMM_LEN + 1];
};

static struct fl_session_opts session_opts(const struct fl_tracing_opts *o)
{
	return (struct fl_session_opts){
		.pid = o->pid, .comm = o->comm, .follow = o->follow, .children = o->children,
		.except = o->except, .has_cgroup = o->cgroup_fd, .cgroup_fd = o->cgroup_fd,
		.task_budget = o->task_budget, .boot_clock = o->boot_clock, .exact_faults = o->exact_faults,
		.ring_bytes = o->ring_bytes, .force = o->force, .waits = o->waits, .pretty = o->pretty,
		.stacks = (unsigned int)o->kernel_stack << FL_STACK_KERNEL |
			  (unsigned int)o->user_stack << FL_STACK_USER,
	};
}

int fl_tracing_new(struct fl_system *sys, const struct fl_tracing_opts *opts, struct fl_tracing **ret)
{
	struct fl_session_opts session = session_opts(opts ? opts : &(struct fl_tracing_opts){});
	struct fl_tracing *t;
	int r;

	if (!fl_target_is_live(sys->target))
		return -EOPNOTSUPP;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->sys = sys;
	t->bytes = opts && opts->bytes;
	r = session.pretty ? fl_field_names_new(&t->names) : 0;
	session.namer = r == 0 && t->names ? fl_field_names_namer(t->names) : NULL;
	if (r == 0)
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
	fl_field_names_free(t->names);
	fl_symbols_free(t->symbols);
	for (size_t i = 0; i < t->nr_own; i++)
		fl_probe_event_free(t->own[i]);
	free(t->own);
	free(t->events.v);
	free(t->events.filters);
	fl_arena_fini(&t->texts);
	fl_buf_fini(&t->line);
	fl_buf_fini(&t->json);
	free(t);
}

int fl_tracing_add(struct fl_tracing *t, struct fl_definition *def)
{
	return lib_add_event(t, def->event, def->event->text, FL_STR(""));
}

size_t fl_tracing_nr_events(const struct fl_tracing *t)
{
	return t->events.n;
}

bool fl_tracing_argument(struct fl_tracing *t, size_t event, size_t i, struct fl_argument *ret)
{
	return event < t->events.n && lib_argument(t->events.v[event], i, &t->texts, ret);
}

int fl_tracing_start(struct fl_tracing *t, struct fl_diag *diag)
{
	int r = fl_session_start(t->session, diag);

	if (r == 0)
		r = fl_text_new(fl_session_schemas(t->session), t->symbols, &t->text);
	if (r == 0 && t->bytes)
		fl_text_bytes(t->text);
	return r;
}

/* ---- what the command takes out ---- */

struct fl_session *fl_tracing_session(const struct fl_tracing *t)
{
	return t->session;
}

struct fl_symbols *fl_tracing_symbols(const struct fl_tracing *t)
{
	return t->symbols;
}

struct fl_tracing_events fl_tracing_events(const struct fl_tracing *t)
{
	return t->events;
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

const struct fl_record *fl_tracing_raw(const struct fl_tracing_record *rec, size_t *ret_size)
{
	*ret_size = handed(rec)->size;
	return handed(rec)->raw;
}

void fl_tracing_show(struct fl_tracing *t, bool json, uint32_t cpu, const struct fl_record *rec, size_t size,
		     struct fl_buf *out)
{
	if (json)
		fl_record_json(&fl_session_probe(t->session, rec->event)->schema, cpu, rec, size, t->symbols, out);
	else
		fl_text_record(t->text, cpu, rec, size, out);
}

static const char *show(const struct fl_tracing_record *rec, bool json, struct fl_buf *out)
{
	const struct handed *h = handed(rec);

	fl_buf_reset(out);
	fl_tracing_show(h->t, json, rec->cpu, h->raw, h->size, out);
	return out->error ? NULL : fl_buf_z(out);
}

const char *fl_tracing_line(const struct fl_tracing_record *rec)
{
	return show(rec, false, &handed(rec)->t->line);
}

const char *fl_tracing_json(const struct fl_tracing_record *rec)
{
	return show(rec, true, &handed(rec)->t->json);
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

void fl_tracing_begin(struct fl_tracing *t)
{
	fl_session_begin(t->session);
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
					   .faults = n.faults,
					   .over_budget = n.over_budget, .no_stack = n.no_stack,
					   .missed_together = n.missed_together };
	return true;
}
