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

	fl_buf_add(&text, def.p, def.n);
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

/* What only the kernel's whole language has. */
static bool has_actions(const struct trace_job *s)
{
	for (size_t i = 0; i < s->events.n; i++)
		if (s->events.v[i]->kind == FL_PROBE_SYNTH)
			return true;
	for (size_t i = 0; i < s->o->hist.n; i++)
		if (strstr(s->o->hist.v[i], "onmatch(") || strstr(s->o->hist.v[i], "onmax(") ||
		    strstr(s->o->hist.v[i], "onchange("))
			return true;
	return false;
}

static int add_hist(struct trace_job *s, size_t event, struct fl_str spec, const char *place, bool whole)
{
	struct fl_diag d = { .place = place };
	int r = whole ? fl_session_trigger(s->session, event, spec, &d) : fl_session_hist(s->session, event, spec, &d);

	if (r < 0)
		fl_say_diag(&d);
	fl_diag_fini(&d);
	s->has_hists = true;
	return r;
}

/* ---- a file ---- */

/* "hist:..." belongs to the probe in front of it, as a line written to that event's trigger file. */
static int add_line(struct trace_job *s, struct fl_str line, const char *place)
{
	if (!fl_str_starts(line, "hist:"))
		return add_definition(s, line, place);
	if (s->events.n && s->events.v[s->events.n - 1]->kind != FL_PROBE_SYNTH)
		return add_hist(s, s->events.n - 1, line, place, true);
	fl_say_line("%s: error: a histogram stands behind the probe that it is of", place);
	fl_say_line("%.*s", FL_STR_ARG(line));
	return -EINVAL;
}

static int add_file(struct trace_job *s, const char *path)
{
	struct fl_str rest, line;
	int r = fl_file_open(path, 16u << 20, &s->file), n = 0;

	if (r < 0) {
		fl_say_failed(path, r);
		return r;
	}
	rest = fl_file_str(&s->file);
	while (r == 0 && fl_str_line(&rest, &line)) {
		_cleanup_buf_ struct fl_buf place = {};

		n++;
		line = fl_str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		fl_buf_addf(&place, "%s:%d", path, n);
		r = add_line(s, line, fl_buf_z(&place));
	}
	return r;
}

static int add_sample(struct trace_job *s)
{
	int r = fl_tracing_sample(s->tracing, (uint32_t)s->o->sample);

	s->events = fl_tracing_events(s->tracing);
	return r;
}

int trace_add_definitions(struct trace_job *s, const struct fl_args *args)
{
	int r = s->o->file ? add_file(s, s->o->file) : 0;

	if (r == 0 && s->o->sample)
		r = add_sample(s);
	for (size_t i = 0; i < args->n && r == 0; i++)
		r = add_definition(s, fl_str(args->v[i]), "definition");
	return r;
}

/* No hook makes them, so no --hist is theirs. */
static size_t count_synths(const struct fl_args *args)
{
	size_t n = 0;

	for (size_t i = 0; i < args->n; i++)
		n += strncmp(args->v[i], "s:", 2) == 0;
	return n;
}

/* A fault that no kernel's types can mend: what is no definition at all. */
static bool is_none(struct fl_target *t, struct fl_str def)
{
	struct fl_probe_verdict v = {};
	struct fl_probe_event *e = NULL;
	struct fl_str filter;
	bool none;

	def = fl_definition_split(def, &filter);
	fl_probe_check_trace(t, FL_DIALECT_7_3, def, &e, &v);
	none = v.diag.kind && strcmp(v.diag.kind->code, "NO_EVENT_KIND") == 0;
	if (none)
		say_refused(&v.diag, "definition", def, 0);
	fl_probe_verdict_fini(&v);
	fl_probe_event_free(e);
	return none;
}

static bool has_keys(struct fl_str spec)
{
	for (size_t at = 0; at < spec.n; at = fl_str_find(spec, ':', at) + 1) {
		struct fl_str word = fl_str_from(spec, at);

		if (fl_str_starts(word, "keys=") || fl_str_starts(word, "key="))
			return true;
	}
	return false;
}

int trace_check_early(const struct trace_opts *o, const struct fl_args *args)
{
	struct fl_target *t;
	bool none = false;

	if (o->hist.n > 1 && !o->file && o->hist.n != args->n - count_synths(args)) {
		fl_say(FL_ERROR, "as many --hist as definitions are wanted, or one for all");
		return -EINVAL;
	}
	for (size_t i = 0; i < o->hist.n; i++) {
		if (has_keys(fl_str(o->hist.v[i])))
			continue;
		fl_say_line("--hist: error: a histogram has keys=FIELD[,FIELD]... [BAD_HIST]");
		fl_say_line("%s", o->hist.v[i]);
		return -EINVAL;
	}
	if (fl_target_open(&(struct fl_target_opts){}, &t) < 0)
		return 0; /* the guest has its own */
	for (size_t i = 0; i < args->n && !none; i++)
		none = is_none(t, fl_str(args->v[i]));
	fl_target_close(t);
	return none ? -EINVAL : 0;
}

static size_t count_probes(const struct trace_job *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->events.n; i++)
		n += s->events.v[i]->kind != FL_PROBE_SYNTH;
	return n;
}

/* One --hist is for all definitions of probes, several are for one each, in their order. */
int trace_add_hists(struct trace_job *s)
{
	const struct fl_strv *list = &s->o->hist;
	bool whole = has_actions(s);
	size_t n = 0;
	int r = 0;

	if (list->n > 1 && list->n != count_probes(s)) {
		fl_say(FL_ERROR, "as many --hist as definitions are wanted, or one for all");
		return -EINVAL;
	}
	for (size_t i = 0; list->n && i < s->events.n && r == 0; i++)
		if (s->events.v[i]->kind != FL_PROBE_SYNTH)
			r = add_hist(s, i, fl_str(list->v[list->n > 1 ? n++ : 0]), "--hist", whole);
	return r;
}

bool trace_makes_events(const struct fl_args *args)
{
	return count_synths(args) > 0;
}
