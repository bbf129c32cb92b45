/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The definitions and histograms that "foreland trace" was given, as arguments or in a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/util.h"
#include "cli/say.h"
#include "cli/trace/private.h"
#include "probe/hist/slice.h"
#include "probe/lang/check.h"

/* A line that the kernel refuses without a word has no finding. */
static void say_refused(struct fl_diag *d, const char *place, struct fl_str def, int err)
{
	if (d->kind) {
		d->place = place;
		fl_say_diag(d);
	} else {
		fl_say_line("%s: error: this is no probe definition: %s", place, fl_errno_name(-err));
		fl_say_line("%.*s", FL_STR_ARG(def));
	}
	fl_diag_fini(d);
}

static int add_definition(struct trace_job *s, struct fl_str def, const char *place)
{
	_cleanup_buf_ struct fl_buf text = {};
	struct fl_diag d = {};
	int r;

	trace_add_with(s->o->with, def, &text);
	if (text.error)
		return text.error;
	if (memchr(def.p, '\0', def.n)) {
		say_refused(&d, place, def, -EINVAL);
		return -EINVAL;
	}
	r = fl_tracing_define(s->tracing, s->o->dialect, fl_buf_z(&text), &d);
	if (r == -ENODATA && s->o->dialect && !d.kind) {
		fl_say(FL_WARNING, "neither a README nor BTF shows this kernel's rules: 7.3's are taken");
		r = fl_tracing_define(s->tracing, fl_dialects[FL_DIALECT_7_3].name, fl_buf_z(&text), &d);
	}
	if (r < 0)
		say_refused(&d, place, def, r);
	s->events = fl_tracing_events(s->tracing);
	return r;
}

/* ---- histograms ---- */

static int say_hist(struct fl_diag *d, const char *place, int err)
{
	d->place = place;
	if (err < 0 && !fl_say_diag(d))
		fl_say_failed(place, err);
	fl_diag_fini(d);
	return err;
}

static int add_sample(struct trace_job *s)
{
	int r = fl_tracing_sample(s->tracing, (uint32_t)s->o->sample);

	s->events = fl_tracing_events(s->tracing);
	return r;
}

static bool has_sample(const struct trace_job *s)
{
	for (size_t i = 0; i < s->events.n; i++)
		if (s->events.v[i]->kind == FL_PROBE_SAMPLE)
			return true;
	return false;
}

/* ---- a file ---- */

/* "hist:..." belongs to the event in front of it, as a line written to that event's trigger file. */
static int add_line(struct trace_job *s, struct fl_str line, const char *place)
{
	struct fl_diag d = {};

	if (!fl_str_starts(line, "hist:"))
		return add_definition(s, line, place);
	if (!s->events.n) {
		fl_say_line("%s: error: a histogram stands behind the event that it is of", place);
		fl_say_line("%.*s", FL_STR_ARG(line));
		return -EINVAL;
	}
	s->has_hists = true;
	return say_hist(&d, place, fl_session_hist(s->session, s->events.n - 1, line, &d));
}

static int add_file(struct trace_job *s, const char *path)
{
	struct fl_str rest = s->definitions, line;
	int r = 0, n = 0;

	while (r == 0 && fl_str_line(&rest, &line)) {
		_cleanup_buf_ struct fl_buf place = {};

		n++;
		line = fl_str_trim(line);
		if (fl_str_starts(line, "--sample"))
			r = add_sample(s); /* "hist:" behind it is its own */
		if (line.n == 0 || line.p[0] == '#' || trace_is_option(line))
			continue;
		fl_buf_addf(&place, "%s:%d", path, n);
		r = add_line(s, line, fl_buf_z(&place));
	}
	return r;
}

int trace_add_definitions(struct trace_job *s, const struct fl_args *args)
{
	int r = s->o->file ? add_file(s, s->o->file) : 0;

	if (r == 0 && s->o->sample && !has_sample(s))
		r = add_sample(s);
	for (size_t i = 0; i < args->n && r == 0; i++)
		r = add_definition(s, fl_str(args->v[i]), "definition");
	return r;
}

/* ---- before a guest boots ---- */

/* NULL: not on this machine's kernel; *@none: on no other one either, which has been said. */
static struct fl_probe_event *check_here(struct fl_target *t, struct fl_str def, bool *none)
{
	struct fl_probe_verdict v = {};
	struct fl_probe_event *e = NULL;
	struct fl_str filter;

	def = fl_definition_split(def, &filter);
	fl_probe_check_trace(t, FL_DIALECT_7_3, def, &e, &v);
	*none = v.diag.kind && strcmp(v.diag.kind->code, "NO_EVENT_KIND") == 0;
	if (*none)
		say_refused(&v.diag, "definition", def, 0);
	fl_probe_verdict_fini(&v);
	return e;
}

static int check_slice(const struct trace_opts *o, struct fl_probe_event *const *events, size_t n)
{
	_cleanup_slice_ struct fl_slice slice = {};
	struct fl_diag d = {};

	return say_hist(&d, "--slice", fl_slice_lower(fl_str(o->slice), o->over,
						      (const struct fl_probe_event *const *)events, n, &slice, &d));
}

/* What this machine's kernel cannot tell, the guest's may. */
static int check_all(struct fl_target *t, const struct trace_opts *o, const struct fl_args *args,
		     struct fl_probe_event **events)
{
	_cleanup_session_ struct fl_session *session = NULL;
	struct fl_diag d = {};
	bool whole = !o->file, none;
	int r = fl_session_new(t, &(struct fl_session_opts){}, &session);

	for (size_t i = 0; i < args->n && r == 0; i++) {
		events[i] = check_here(t, fl_str(args->v[i]), &none);
		if (none)
			return -EINVAL;
		whole &= events[i] != NULL;
		if (events[i])
			r = fl_session_add(session, events[i], fl_str(args->v[i]), FL_STR(""));
	}
	if (r == 0 && whole && o->slice)
		return check_slice(o, events, args->n);
	if (r == 0 && whole)
		r = say_hist(&d, "--hist", fl_session_hists(session, o->hist.v, o->hist.n, &d));
	return r;
}

int trace_check_early(const struct trace_opts *o, const struct fl_args *args)
{
	_cleanup_free_ struct fl_probe_event **events = calloc(args->n + 1, sizeof(struct fl_probe_event *));
	struct fl_target *t;
	int r;

	if (!events || fl_target_open(&(struct fl_target_opts){}, &t) < 0)
		return 0;
	r = check_all(t, o, args, events);
	for (size_t i = 0; i < args->n; i++)
		fl_probe_event_free(events[i]);
	fl_target_close(t);
	return r;
}

int trace_add_hists(struct trace_job *s)
{
	struct fl_diag d = {};

	s->has_hists |= s->o->hist.n > 0;
	return say_hist(&d, "--hist", fl_session_hists(s->session, s->o->hist.v, s->o->hist.n, &d));
}

/* What was lowered is of this command's own making, and yet may be refused: a field of a kind that is not kept. */
static int add_lowered(struct trace_job *s, const struct fl_slice *slice)
{
	struct fl_diag d = {};
	int r = add_definition(s, fl_buf_str((struct fl_buf *)&slice->synth), "--slice");

	if (r == 0)
		r = fl_session_hist(s->session, slice->first, fl_buf_str((struct fl_buf *)&slice->start), &d);
	if (r == 0)
		r = fl_session_hist(s->session, slice->last, fl_buf_str((struct fl_buf *)&slice->end), &d);
	for (size_t i = 0; i < s->o->hist.n && r == 0; i++)
		r = fl_session_hist(s->session, s->events.n - 1, fl_str(s->o->hist.v[i]), &d);
	return d.kind ? say_hist(&d, "--slice", r) : r;
}

static void explain_slice(const struct trace_job *s, struct fl_slice *slice)
{
	const struct fl_probe_event *first = s->events.v[slice->first], *last = s->events.v[slice->last];

	fl_say_line("%s", fl_buf_z(&slice->synth));
	fl_say_line("hist:%s    # of %.*s", fl_buf_z(&slice->start), FL_STR_ARG(first->event));
	fl_say_line("hist:%s    # of %.*s", fl_buf_z(&slice->end), FL_STR_ARG(last->event));
}

int trace_add_slice(struct trace_job *s)
{
	_cleanup_slice_ struct fl_slice slice = {};
	struct fl_diag d = {};
	int r = fl_slice_lower(fl_str(s->o->slice), s->o->over, (const struct fl_probe_event *const *)s->events.v,
			       s->events.n, &slice, &d);

	if (r < 0)
		return say_hist(&d, "--slice", r);
	s->has_hists = true;
	if (s->o->explain)
		explain_slice(s, &slice);
	return add_lowered(s, &slice);
}

bool trace_makes_events(const struct fl_args *args)
{
	size_t n = 0;

	for (size_t i = 0; i < args->n; i++)
		n += strncmp(args->v[i], "s:", 2) == 0;
	return n;
}
