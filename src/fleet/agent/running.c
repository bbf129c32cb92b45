/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/agent/running.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/nsec.h"
#include "base/util.h"
#include "fleet/meter/meter.h"
#include "probe/lib/engine.h"

#define SECOND	     1000000000ull
#define SETTLE_NS    50000u
#define END_NS	     (SECOND / 2)
#define PERCENT_NS   (SECOND / 100)
#define THIN	     100 /* records a second of each task, where the budget does not say how many there may be */
#define SHARE	     16 /* of the budget, that a task may have when it is thinned */

struct fl_running {
	struct fl_question *q;
	struct fl_tracing *tracing; /* NULL: off */
	struct fl_session *session; /* @tracing's */
	struct fl_meter *meter;
	bool has_records;
	struct fl_budget budget;
	struct fl_use used;
	struct {
		fl_running_fn fn;
		void *ctx;
	} read;
};

/* ---- start ---- */

static void locate(struct fl_diag *d, const struct fl_question *q, const struct fl_question_line *l,
		  struct fl_arena *place)
{
	d->place = fl_arena_dup(place, fl_str(q->path));
	d->line = l ? l->number : 0;
	if (d->text) { /* what it refers to goes with the tracing */
		const char *copy = fl_arena_dup(place, fl_str_n(d->text, d->text_len));

		d->text_len = copy ? d->text_len : 0;
		d->text = copy;
	}
}

static int add_line(struct fl_tracing *t, const struct fl_question_line *l, struct fl_diag *diag)
{
	size_t n = fl_tracing_nr_events(t);

	if (!l->is_hist)
		return fl_tracing_define(t, NULL, l->text, diag);
	return fl_session_hist(fl_tracing_session(t), n - 1, fl_str(l->text), diag);
}

/* The line that event @i came from; NULL: none. */
static const struct fl_question_line *line_of(const struct fl_question *q, const size_t *upto, size_t i)
{
	for (size_t k = 0; k < q->n; k++)
		if (i < upto[k] && (k || !q->sample || i))
			return &q->lines[k];
	return NULL;
}

/* Where nothing says how many records there may be, it is the CPU that is over: what the kernel takes is that. */
static uint32_t thinned(const struct fl_question *q)
{
	return q->events ? (uint32_t)FL_MAX(q->events / SHARE, 1ul) : THIN;
}

/* A diagnostic's text may be the library's: it is copied before that is gone. */
static int make(struct fl_running *r, struct fl_system *sys, struct fl_tracing **ret, struct fl_diag *diag,
		struct fl_arena *place)
{
	const struct fl_question *q = r->q;
	struct fl_tracing_opts opts = { .comm = q->comm, .except = (uint32_t)getpid(),
					.task_budget = (uint32_t)q->task_events };
	_cleanup_free_ size_t *upto = calloc(q->n + 1, sizeof(*upto)); /* events that there were behind each line */
	struct fl_tracing *t;
	int err;

	if (!upto)
		return -ENOMEM;
	if (r->budget.stage == FL_STAGE_THINNED)
		opts.task_budget = thinned(q);
	err = fl_tracing_new(sys, &opts, &t);
	if (err < 0)
		return err;
	if (q->sample)
		err = fl_tracing_sample(t, (uint32_t)q->sample);
	for (size_t i = 0; i < q->n && err == 0; i++) {
		err = add_line(t, &q->lines[i], diag);
		upto[i] = fl_tracing_nr_events(t);
		if (err < 0)
			locate(diag, q, &q->lines[i], place);
	}
	if (err == 0) {
		err = fl_tracing_start(t, diag);
		if (err < 0)
			locate(diag, q, line_of(q, upto, fl_session_failed(fl_tracing_session(t))), place);
	}
	if (err < 0) {
		fl_tracing_free(t);
		return err;
	}
	*ret = t;
	return 0;
}

static bool sends_records(struct fl_session *s)
{
	for (size_t i = 0; i < fl_session_nr_probes(s); i++)
		if (!fl_session_probe(s, i)->is_counted)
			return true;
	return false;
}

/* With new probes: what the old ones counted is in the meter. */
static int start(struct fl_running *r, struct fl_system *sys, struct fl_diag *diag, struct fl_arena *place)
{
	struct fl_tracing *t;
	int err = make(r, sys, &t, diag, place);

	if (err < 0)
		return err;
	if (r->meter)
		fl_meter_again(r->meter, fl_tracing_session(t), fl_tracing_symbols(t));
	else
		err = fl_meter_new(fl_tracing_session(t), fl_tracing_symbols(t), fl_str(r->q->name), &r->meter);
	if (err < 0) {
		fl_tracing_free(t);
		return err;
	}
	r->tracing = t;
	r->session = fl_tracing_session(t);
	r->has_records = sends_records(r->session);
	fl_tracing_begin(t);
	return 0;
}

int fl_running_start(struct fl_system *sys, struct fl_question *q, struct fl_running **ret, struct fl_diag *diag,
		     struct fl_arena *place)
{
	struct fl_running *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->q = q;
	err = start(r, sys, diag, place);
	if (err < 0) {
		r->q = NULL;
		fl_running_free(r);
		return err;
	}
	fl_budget_begin(&r->budget, (struct fl_use){ q->events, q->cpu * PERCENT_NS }, fl_time_ns(CLOCK_MONOTONIC));
	*ret = r;
	return 0;
}

void fl_running_free(struct fl_running *r)
{
	if (!r)
		return;
	fl_meter_free(r->meter);
	fl_tracing_free(r->tracing);
	fl_question_free(r->q);
	free(r);
}

/* ---- reading ---- */

static int on_record(void *ctx, uint32_t cpu, const struct fl_record *rec, size_t size)
{
	struct fl_running *r = ctx;

	r->used.records++;
	fl_meter_record(r->meter, rec, size);
	return r->read.fn(r->read.ctx, r, rec, size);
}

static int64_t read_until(struct fl_running *r, uint64_t end, fl_running_fn fn, void *ctx)
{
	uint64_t begin = fl_time_ns(CLOCK_THREAD_CPUTIME_ID);
	int64_t n;

	r->read.fn = fn;
	r->read.ctx = ctx;
	n = fl_session_read(r->session, end, on_record, r);
	r->used.cpu_ns += fl_time_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
	return n;
}

int64_t fl_running_read(struct fl_running *r, fl_running_fn fn, void *ctx)
{
	if (!r->tracing || !r->has_records)
		return 0;
	return read_until(r, fl_session_now(r->session) - SETTLE_NS, fn, ctx);
}

int fl_running_finish(struct fl_running *r, fl_running_fn fn, void *ctx)
{
	const struct timespec nap = { 0, 200000 };
	uint64_t end;

	if (!r->tracing)
		return 0;
	end = fl_session_now(r->session) + END_NS;
	fl_session_freeze(r->session, fl_session_now(r->session));
	fl_session_stop(r->session);
	for (;;) {
		int64_t n = read_until(r, UINT64_MAX, fn, ctx);

		if (n < 0)
			return (int)n;
		if (fl_session_settled(r->session) || fl_session_now(r->session) > end)
			return 0;
		nanosleep(&nap, NULL);
	}
}

/* ---- the budget ---- */

/* Other probes in the place of those that there are, or none. */
static int change(struct fl_running *r, struct fl_system *sys, enum fl_stage to, uint64_t now)
{
	struct fl_arena place = {};
	struct fl_diag diag = {};
	int err = 0;

	if (r->tracing) {
		err = fl_running_finish(r, r->read.fn, r->read.ctx);
		if (err == 0)
			err = fl_meter_keep(r->meter);
		fl_tracing_free(r->tracing);
		r->tracing = NULL;
		r->session = NULL;
	}
	fl_budget_stage(&r->budget, to, now);
	if (err == 0 && to != FL_STAGE_OFF)
		err = start(r, sys, &diag, &place);
	if (err < 0)
		fl_budget_stage(&r->budget, FL_STAGE_OFF, now);
	fl_diag_fini(&diag);
	fl_arena_fini(&place);
	return err;
}

static void say_over(const struct fl_running *r, struct fl_use rate, enum fl_stage to, struct fl_buf *out)
{
	const struct fl_question *q = r->q;

	if (q->events && rate.records > q->events)
		fl_buf_addf(out, "%s: %lu records a second are over its budget of %lu: ", q->name, rate.records,
			    q->events);
	else
		fl_buf_addf(out, "%s: %lu %% of a CPU are over its budget of %lu: ", q->name,
			    (uint64_t)(rate.cpu_ns / PERCENT_NS), q->cpu);
	if (to == FL_STAGE_THINNED)
		fl_buf_addf(out, "each task may have %u from now on", thinned(q));
	else
		fl_buf_addz(out, "it is off for a minute");
}

int fl_running_budget(struct fl_running *r, struct fl_system *sys, uint64_t now, fl_running_fn fn, void *ctx,
		      struct fl_buf *ret_why)
{
	struct fl_use rate = {};
	enum fl_stage to, from = r->budget.stage;
	int err;

	r->read.fn = fn;
	r->read.ctx = ctx;
	if (!r->has_records)
		return 0;
	to = fl_budget_judge(&r->budget, r->used, now, &rate);
	if (to == from)
		return 0;
	err = change(r, sys, to, now);
	if (to > from)
		say_over(r, rate, to, ret_why);
	else
		fl_buf_addf(ret_why, "%s: it is %s again", r->q->name,
			    r->budget.stage == FL_STAGE_WHOLE ? "whole" : "asked, thinned by task,");
	return err < 0 ? err : 1;
}

/* ---- what is known of it ---- */

int fl_running_metrics(struct fl_running *r, struct fl_metrics *m)
{
	_cleanup_labels_ struct fl_labels labels = {};

	fl_labels_add(&labels, FL_STR("question"), fl_str(r->q->name));
	fl_metrics_add(m, FL_METRIC_STAGE, &labels, FL_U64(r->budget.stage));
	fl_metrics_add(m, FL_METRIC_OVER, &labels, FL_U64(r->budget.over));
	return fl_meter_add(r->meter, m);
}

const struct fl_question *fl_running_question(const struct fl_running *r)
{
	return r->q;
}

bool fl_running_has_records(const struct fl_running *r)
{
	return r->tracing && r->has_records;
}

const struct fl_record_schema *fl_running_schema(const struct fl_running *r, const struct fl_record *rec)
{
	return &fl_session_probe(r->session, rec->event)->schema;
}

uint64_t fl_running_time(const struct fl_running *r, const struct fl_record *rec)
{
	return fl_time_ns(CLOCK_REALTIME) - (fl_session_now(r->session) - rec->time);
}

struct fl_symbols *fl_running_symbols(const struct fl_running *r)
{
	return fl_tracing_symbols(r->tracing);
}
