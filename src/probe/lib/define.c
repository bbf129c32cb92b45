/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * <foreland/probe.h>: definitions as "foreland trace" takes them. One text may mean many events, and is taken
 * apart from the outside: a glob is a definition for each tracepoint or event that it matches; the filter
 * behind "if" comes off; the rest is checked by the rules of 7.3, and by those of the series as posted
 * where 7.3's refuse it; and a marked place that a compiler has put into several functions is an event in each.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "probe/lib/errors.h"
#include "probe/lib/private.h"

int lib_rules(struct fl_system *sys, const char *dialect, enum fl_dialect *ret)
{
	*ret = FL_DIALECT_7_3;
	if (dialect && fl_dialect_parse(dialect, ret) < 0)
		return -ESRCH;
	if (*ret == FL_DIALECT_KERNEL && !fl_target_dialect(sys->target) && fl_dialect_learn(sys->target) < 0)
		return -ENODATA;
	return 0;
}

/* Columns count in the kernel's words, which the verdict takes along; spans in the definition. */
void lib_hand_over(struct fl_probe_verdict *v, struct fl_str text, struct fl_diag *diag)
{
	if (!diag || !v->diag.kind)
		return;
	*diag = v->diag;
	v->diag = (struct fl_diag){};
	diag->text = text.p;
	diag->text_len = text.n;
	diag->column = diag->span.start;
}

bool lib_argument(const struct fl_probe_event *e, size_t i, struct fl_arena *names, struct fl_argument *ret)
{
	const struct fl_probe_arg *a;
	const char *name;

	if (i >= e->nr_args)
		return false;
	a = &e->args[i];
	name = fl_arena_dup(names, a->name);
	if (!name)
		return false;
	*ret = (struct fl_argument){ .name = name, .type = a->type->name, .count = a->count,
				     .is_signed = a->type->is_signed,
				     .is_string = a->type->print == FL_PRINT_STRING };
	return true;
}

static int complain(struct fl_diag *diag, enum lib_error error, struct fl_str text)
{
	int r = fl_diag_set(diag, &lib_errors[error], (struct fl_span){ 0, (uint32_t)text.n });

	if (diag) {
		diag->text = text.p;
		diag->text_len = text.n;
	}
	return r;
}

/* ---- events ---- */

int lib_add_event(struct fl_tracing *t, struct fl_probe_event *e, struct fl_str def, struct fl_str filter)
{
	struct fl_probe_event **v = reallocarray(t->events.v, t->events.n + 1, sizeof(struct fl_probe_event *));
	struct fl_str *filters;

	if (!v)
		return -ENOMEM;
	t->events.v = v;
	filters = reallocarray(t->events.filters, t->events.n + 1, sizeof(*filters));
	if (!filters)
		return -ENOMEM;
	t->events.filters = filters;
	v[t->events.n] = e;
	filters[t->events.n++] = filter;
	return fl_session_add(t->session, e, def, filter);
}

/* Takes @e over, also where it fails. */
static int add_own(struct fl_tracing *t, struct fl_probe_event *e, struct fl_str def, struct fl_str filter)
{
	struct fl_probe_event **own = reallocarray(t->own, t->nr_own + 1, sizeof(struct fl_probe_event *));

	if (!own) {
		fl_probe_event_free(e);
		return -ENOMEM;
	}
	t->own = own;
	own[t->nr_own++] = e;
	return lib_add_event(t, e, def, filter);
}

/* ---- one text ---- */

struct definition {
	struct fl_str whole, bare, filter;
	enum fl_dialect rules;
	bool or_v6; /* nobody said whose rules are meant */
	size_t variant; /* of those that one marked place has */
};

static int check(struct fl_tracing *t, struct definition *d, struct fl_probe_event **ret, struct fl_diag *diag)
{
	_cleanup_verdict_ struct fl_probe_verdict first = {}, second = {};
	size_t wanted = d->variant;
	int r;

	*ret = NULL;
	r = fl_probe_check_variant(t->sys->target, d->rules, d->bare, &d->variant, ret, &first);
	if (r < 0 && d->or_v6) {
		d->variant = wanted;
		r = fl_probe_check_variant(t->sys->target, FL_DIALECT_V6, d->bare, &d->variant, ret, &second);
	}
	if (r < 0)
		lib_hand_over(&first, d->bare, diag);
	return r == 0 && !*ret ? complain(diag, LIB_E_NO_EVENT, d->bare) : r;
}

static int define_line(struct fl_tracing *t, struct definition d, struct fl_diag *diag)
{
	struct fl_probe_event *e;
	int r;

	d.bare = fl_definition_split(d.whole, &d.filter);
	do {
		r = check(t, &d, &e, diag);
		if (r == 0)
			r = add_own(t, e, d.whole, d.filter);
	} while (r == 0 && d.variant);
	return r;
}

/* The text is kept: events borrow it. */
static int expand(struct fl_tracing *t, struct fl_str text, struct fl_str *ret, struct fl_diag *diag)
{
	_cleanup_buf_ struct fl_buf lines = {};
	int r = fl_probe_expand(t->sys->target, text, &lines);
	struct fl_str kept = r < 0 ? text : fl_buf_str(&lines);
	const char *copy = fl_arena_dup(&t->texts, kept);

	if (!copy)
		return -ENOMEM;
	*ret = fl_str_n(copy, kept.n);
	if (r < 0)
		complain(diag, r == -ENOENT ? LIB_E_NO_MATCH : LIB_E_NO_LIST, *ret);
	return FL_MIN(r, 0);
}

int fl_tracing_define(struct fl_tracing *t, const char *dialect, const char *text, struct fl_diag *diag)
{
	struct definition d = { .or_v6 = !dialect };
	struct fl_str rest;
	int r = lib_rules(t->sys, dialect, &d.rules);

	if (r == 0)
		r = expand(t, fl_str(text), &rest, diag);
	while (r == 0 && fl_str_line(&rest, &d.whole))
		r = define_line(t, d, diag);
	return r;
}

/* No definition of the kernel's says it. */
int fl_tracing_sample(struct fl_tracing *t, uint32_t hz)
{
	struct fl_arena arena = {};
	struct fl_probe_event *e = FL_ARENA_NEW(&arena, struct fl_probe_event);

	if (!e)
		return -ENOMEM;
	*e = (struct fl_probe_event){ .kind = FL_PROBE_SAMPLE, .group = FL_STR("sample"), .event = FL_STR("cpu"),
				      .text = FL_STR("--sample"), .arena = arena };
	e->place.frequency = hz;
	e->place.span = (struct fl_span){ 0, e->text.n };
	return add_own(t, e, e->text, FL_STR(""));
}
