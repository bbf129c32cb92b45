/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * f[:[GROUP/][EVENT]] FUNCTION[%return] [ARG...]
 * t[:[GROUP/][EVENT]] TRACEPOINT [ARG...]
 *
 * A trace takes MODULE:FUNCTION as well, which no kernel does: the event is there whenever the module is.
 */
#include <errno.h>

#include "probe/lang/ktext.h"
#include "probe/lang/parse.h"
#include "probe/lang/register.h"

/* What stands between the letter and ":". Nothing may, but in older kernels a maxactive. */
static int parse_head(struct fl_parse *p, struct fl_str head, struct fl_str *names)
{
	size_t colon = fl_k_find(head, ':', 1);
	struct fl_str number = fl_str_sub(head, 1, colon - 1);

	*names = colon < head.n ? fl_str_from(head, colon + 1) : (struct fl_str){};
	if (!p->rules->fprobe_maxactive)
		return number.n ? fl_fault(p, 1, FL_FAULT_BAD_MAXACT, number) : 0;
	return fl_k_isdigit(fl_at(number, 0)) ? fl_parse_maxactive(p, number) : 0;
}

static int check_tracepoint_name(struct fl_parse *p, struct fl_str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (!fl_k_isalnum(name.p[i]) && name.p[i] != '_')
			return fl_fault(p, i, FL_FAULT_BAD_TP_NAME, fl_str_sub(name, i, 1));
	}
	return 0;
}

/* Index of "$retval" as a whole word in @s, or s.n. */
static size_t find_retval(struct fl_str s)
{
	const char *hit = s.n ? memmem(s.p, s.n, "$retval", 7) : NULL;
	size_t i = hit ? (size_t)(hit - s.p) : s.n;
	char next = fl_at(s, i + 7);

	return hit && !fl_k_isalnum(next) && next != '_' ? i : s.n;
}

/* An argument that wants the return value makes the probe one of the return. */
static int look_for_retval(struct fl_parse *p)
{
	const struct fl_words *words = &p->log.words;

	for (size_t i = 2; i < words->n; i++) {
		struct fl_str text = words->w[i].text;
		size_t at = find_retval(text);

		if (at == text.n)
			continue;
		if (p->event->kind == FL_PROBE_TPROBE) {
			p->log.index = i;
			return fl_fault(p, at, FL_FAULT_RETVAL_ON_PROBE, fl_str_sub(text, at, 7));
		}
		p->event->is_return = true;
		return 0;
	}
	return 0;
}

/* FUNCTION["%return"] | TRACEPOINT */
static int parse_place(struct fl_parse *p, const struct fl_word *w)
{
	struct fl_probe_place *place = &p->event->place;
	bool tracepoint = p->event->kind == FL_PROBE_TPROBE;
	size_t percent = fl_k_find(w->text, '%', 0);
	struct fl_str suffix = fl_str_from(w->text, percent);
	int r;

	place->span = w->span;
	place->symbol = fl_str_sub(w->text, 0, percent);
	place->is_glob = fl_str_any(place->symbol, "*?[\\") < place->symbol.n;
	place->is_entry = true;
	if (suffix.n) {
		if (tracepoint || !fl_str_is(suffix, "%return"))
			return fl_fault(p, percent, FL_FAULT_BAD_ADDR_SUFFIX, suffix);
		p->event->is_return = true;
		return 0;
	}
	r = tracepoint ? check_tracepoint_name(p, place->symbol) : 0;
	return r < 0 ? r : look_for_retval(p);
}

/* [MODULE:]FUNCTION, once it has been counted under its whole name; the kernel knows the second alone. */
static void split_module(struct fl_parse *p)
{
	struct fl_probe_place *place = &p->event->place;
	size_t colon = fl_k_find(place->symbol, ':', 0);

	p->function = place->symbol;
	if (!p->in_trace || p->event->kind != FL_PROBE_FPROBE || colon == place->symbol.n)
		return;
	fl_count_symbols(p, place->symbol);
	place->module = fl_str_sub(place->symbol, 0, colon);
	place->symbol = fl_str_from(place->symbol, colon + 1);
}

static int parse_names(struct fl_parse *p, struct fl_str names, long offset)
{
	struct fl_probe_event *e = p->event;
	struct fl_str symbol = e->place.symbol;
	int r;

	if (names.p) {
		r = fl_parse_event_name(p, names, offset, &e->group, &e->event);
		if (r < 0)
			return r;
	}
	if (e->event.n)
		return 0;
	if (e->kind == FL_PROBE_TPROBE)
		return fl_default_event(p, "%s%.*s", fl_k_isdigit(fl_at(symbol, 0)) ? "_" : "",
					FL_STR_ARG(symbol));
	return fl_default_event(p, "%.*s__%s", FL_STR_ARG(symbol), e->is_return ? "exit" : "entry");
}

/* The function whose parameters are meant: for a tracepoint that there is, its stub. */
static int find_function(struct fl_parse *p)
{
	struct fl_probe_event *e = p->event;
	_cleanup_buf_ struct fl_buf stub = {};
	char *copy;

	split_module(p);
	if (e->kind != FL_PROBE_TPROBE)
		return 0;
	p->at |= FL_AT_TPOINT;
	if (!fl_type_ok(fl_target_tracepoint(p->target, e->place.symbol))) {
		e->assumed |= FL_ASSUMED_TRACEPOINT;
		return 0;
	}
	fl_buf_addf(&stub, "__probestub_%.*s", FL_STR_ARG(e->place.symbol));
	copy = stub.error ? NULL : fl_arena_dup(&e->arena, fl_buf_str(&stub));
	if (!copy)
		return -ENOMEM;
	p->function = fl_str(copy);
	return 0;
}

static int parse_arguments(struct fl_parse *p)
{
	struct fl_words args = { p->log.words.w + 2, p->log.words.n - 2 };
	int r = fl_expand_meta_args(p, &args);

	if (r == 0)
		r = fl_count_args(p, args.n);
	if (r == 0)
		r = fl_expand_dentry_args(p, &args);
	if (r == 0)
		r = fl_parse_args(p, &args);
	if (r < 0)
		return r;
	if (p->rules->max_entry_args && p->event->nr_entry_args > p->rules->max_entry_args) {
		p->log.index = 2;
		return fl_fault(p, 0, FL_FAULT_TOO_MANY_EARGS, args.w[0].text);
	}
	return 0;
}

static int parse_fprobe(struct fl_parse *p, struct fl_str head)
{
	struct fl_str names;
	int r = parse_head(p, head, &names);

	if (r < 0)
		return r;
	p->log.index = 1;
	r = parse_place(p, &p->log.words.w[1]);
	if (r < 0)
		return r;
	p->log.index = 0;
	if (p->event->maxactive && !p->event->is_return)
		return fl_fault(p, 1, FL_FAULT_BAD_MAXACT_TYPE, head);
	r = parse_names(p, names, names.p - head.p);
	if (r < 0)
		return r;
	p->at |= p->event->is_return ? FL_AT_RETURN : FL_AT_ENTRY;
	return find_function(p);
}

int fl_check_fprobe(struct fl_parse *p)
{
	struct fl_str head = p->log.words.w[0].text;
	bool tracepoint = head.p[0] == 't';
	int r;

	if ((!tracepoint && head.p[0] != 'f') || p->log.words.n < 2)
		return -ECANCELED;
	p->log.subsystem = "trace_fprobe";
	p->event->kind = tracepoint ? FL_PROBE_TPROBE : FL_PROBE_FPROBE;
	p->event->group = tracepoint ? FL_STR("tracepoints") : FL_STR("fprobes");
	p->at = FL_AT_KERNEL | FL_AT_FPROBE;
	r = parse_fprobe(p, head);
	if (r == 0)
		r = parse_arguments(p);
	return r < 0 ? r : fl_register_fprobe(p);
}
