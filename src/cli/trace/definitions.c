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

static int check(struct trace_job *s, enum fl_dialect dialect, struct fl_str def, size_t *variant,
		 struct fl_probe_event **ret, struct fl_probe_verdict *v)
{
	return fl_probe_check_variant(s->target, dialect, def, variant, ret, v);
}

static void print_verdict(const struct fl_probe_verdict *v, const char *place, struct fl_str def)
{
	if (v->diag.kind) {
		struct fl_diag d = v->diag; /* borrowed, to be printed with its place */

		d.place = place;
		fl_say_diag(&d);
	} else {
		fl_say_line("%s: error: this is no probe definition: %s", place,
			    fl_errno_name(v->errno_value));
		fl_say_line("%.*s", FL_STR_ARG(def));
	}
}

/* A definition may follow the rules of either state of the series; what the first says, is shown. */
static int check_definition(struct trace_job *s, struct fl_str def, const char *place, size_t *variant,
			    struct fl_probe_event **ret)
{
	size_t wanted = *variant;
	struct fl_probe_verdict first = {}, second = {};
	enum fl_dialect dialect = FL_DIALECT_7_3;
	int r;

	*ret = NULL;
	if (s->o->dialect)
		fl_dialect_parse(s->o->dialect, &dialect);
	if (dialect == FL_DIALECT_KERNEL && !fl_target_dialect(s->target) && fl_dialect_learn(s->target) < 0)
		fl_say(FL_WARNING, "neither a README nor BTF shows this kernel's rules: 7.3's are taken");
	r = check(s, dialect, def, variant, ret, &first);
	if (r < 0 && !s->o->dialect) {
		*variant = wanted;
		r = check(s, FL_DIALECT_V6, def, variant, ret, &second);
	}
	if (r < 0)
		print_verdict(&first, place, def);
	fl_probe_verdict_fini(&first);
	fl_probe_verdict_fini(&second);
	if (r == 0 && !*ret) {
		fl_say_line("%s: error: this defines no event", place);
		fl_say_line("%.*s", FL_STR_ARG(def));
		r = -EINVAL;
	}
	return r;
}

static int add_event(struct trace_job *s, struct fl_probe_event *e, struct fl_str def, struct fl_str filter)
{
	struct fl_probe_event **bigger;
	struct fl_str *filters;

	bigger = reallocarray(s->events, s->nr_events + 1, sizeof(struct fl_probe_event *));
	if (!bigger) {
		fl_probe_event_free(e);
		return -ENOMEM;
	}
	s->events = bigger;
	s->events[s->nr_events] = e;
	filters = reallocarray(s->filters, ++s->nr_events, sizeof(*filters));
	if (!filters)
		return -ENOMEM;
	s->filters = filters;
	filters[s->nr_events - 1] = filter;
	return fl_session_add(s->session, e, def, filter);
}

static int add_one(struct trace_job *s, struct fl_str def, const char *place)
{
	struct fl_str filter, bare = fl_definition_split(def, &filter);
	size_t variant = 0;
	int r;

	do {
		struct fl_probe_event *e;

		r = check_definition(s, bare, place, &variant, &e);
		if (r == 0)
			r = add_event(s, e, def, filter);
	} while (r == 0 && variant);
	return r;
}

/* A glob is a definition for each tracepoint or event that it matches; their text lives as long as the job. */
static int add_definition(struct trace_job *s, struct fl_str def, const char *place)
{
	struct fl_buf *bigger = reallocarray(s->expanded, s->nr_expanded + 1, sizeof(*bigger));
	struct fl_str rest, line;
	int r;

	if (!bigger)
		return -ENOMEM;
	s->expanded = bigger;
	s->expanded[s->nr_expanded] = (struct fl_buf){};
	r = fl_probe_expand(s->target, def, &s->expanded[s->nr_expanded++]);
	if (r == -ENOENT) {
		fl_say_line("%s: error: nothing matches this glob", place);
		fl_say_line("%.*s", FL_STR_ARG(def));
	} else if (r < 0) {
		fl_say_failed(place, r);
	}
	rest = fl_buf_str(&s->expanded[s->nr_expanded - 1]);
	while (r >= 0 && fl_str_line(&rest, &line))
		r = add_one(s, line, place);
	return FL_MIN(r, 0);
}

/* ---- histograms ---- */

/* What only the kernel's whole language has. */
static bool has_actions(const struct trace_job *s)
{
	for (size_t i = 0; i < s->nr_events; i++)
		if (s->events[i]->kind == FL_PROBE_SYNTH)
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
	if (s->nr_events && s->events[s->nr_events - 1]->kind != FL_PROBE_SYNTH)
		return add_hist(s, s->nr_events - 1, line, place, true);
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

/* No definition of the kernel's says it. */
static int add_sample(struct trace_job *s)
{
	struct fl_arena arena = {};
	struct fl_probe_event *e = FL_ARENA_NEW(&arena, struct fl_probe_event);

	if (!e)
		return -ENOMEM;
	*e = (struct fl_probe_event){ .kind = FL_PROBE_SAMPLE, .group = FL_STR("sample"), .event = FL_STR("cpu"),
				      .text = FL_STR("--sample"), .arena = arena };
	e->place.frequency = (uint32_t)s->o->sample;
	e->place.span = (struct fl_span){ 0, e->text.n };
	return add_event(s, e, e->text, FL_STR(""));
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
		print_verdict(&v, "definition", def);
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
	if (fl_target_open(&o->target, &t) < 0)
		return 0; /* the guest has its own */
	for (size_t i = 0; i < args->n && !none; i++)
		none = is_none(t, fl_str(args->v[i]));
	fl_target_close(t);
	return none ? -EINVAL : 0;
}

static size_t count_probes(const struct trace_job *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nr_events; i++)
		n += s->events[i]->kind != FL_PROBE_SYNTH;
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
	for (size_t i = 0; list->n && i < s->nr_events && r == 0; i++)
		if (s->events[i]->kind != FL_PROBE_SYNTH)
			r = add_hist(s, i, fl_str(list->v[list->n > 1 ? n++ : 0]), "--hist", whole);
	return r;
}

bool trace_makes_events(const struct fl_args *args)
{
	return count_synths(args) > 0;
}
