/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/hist/hist.h"

#include <errno.h>
#include <string.h>

#include "base/num.h"

static const struct fl_diag_kind bad_hist = { "BAD_HIST", FL_ERROR, EINVAL, "wrong histogram" };

struct parser {
	struct fl_str spec;
	const struct fl_probe_event *event;
	struct fl_hist *h;
	struct fl_diag *diag;
};

static int fail(struct parser *p, struct fl_str at, const char *why)
{
	uint32_t start = (uint32_t)(at.p - p->spec.p);

	fl_diag_set(p->diag, &bad_hist, (struct fl_span){ start, start + (uint32_t)at.n });
	fl_diag_message(p->diag, "%s", why);
	if (p->diag) {
		p->diag->text = p->spec.p;
		p->diag->text_len = p->spec.n;
	}
	return -EINVAL;
}

/* Cuts the part up to @sep off the front of @rest. */
static bool next_part(struct fl_str *rest, char sep, struct fl_str *part)
{
	size_t end = fl_str_find(*rest, sep, 0);

	if (!rest->n)
		return false;
	*part = fl_str_trim(fl_str_sub(*rest, 0, end));
	*rest = fl_str_from(*rest, end + 1);
	return true;
}

static int find_source(struct parser *p, struct fl_hist_field *f)
{
	if (p->h->latency.n && fl_str_eq(f->name, p->h->latency)) {
		f->source = FL_HIST_LATENCY;
		return 0;
	}
	for (size_t i = 0; i < p->event->nr_args; i++) {
		const struct fl_probe_arg *a = &p->event->args[i];

		if (!fl_str_eq(a->name, f->name))
			continue;
		if (a->count)
			return fail(p, f->name, "an array is neither key nor value");
		f->source = FL_HIST_ARG;
		f->arg = i;
		f->is_signed = a->type->is_signed;
		f->is_string = (a->type->flags & FL_TYPE_STRING) && !(a->type->flags & FL_TYPE_SYMSTR);
		if (a->type->print == FL_PRINT_SYMBOL || a->type->flags & FL_TYPE_SYMSTR)
			f->modifier = FL_HIST_SYM_OFFSET;
		return 0;
	}
	if (fl_str_is(f->name, "common_pid"))
		f->source = FL_HIST_PID;
	else if (fl_str_is(f->name, "cpu") || fl_str_is(f->name, "common_cpu"))
		f->source = FL_HIST_CPU;
	else if (fl_str_is(f->name, "common_stacktrace") || fl_str_is(f->name, "stacktrace"))
		*f = (struct fl_hist_field){ .name = FL_STR("common_stacktrace"), .source = FL_HIST_STACK };
	else
		return fail(p, f->name, "the event has no such field");
	return 0;
}

static int modify(struct parser *p, struct fl_str text, struct fl_hist_field *f)
{
	static const struct {
		const char *name;
		enum fl_hist_modifier modifier;
	} table[] = {
		{ "hex", FL_HIST_HEX },		{ "sym", FL_HIST_SYM },
		{ "sym-offset", FL_HIST_SYM_OFFSET }, { "execname", FL_HIST_EXECNAME },
		{ "log2", FL_HIST_LOG2 },
	};

	if (f->is_string)
		return fail(p, text, "a string takes no modifier");
	if (f->source == FL_HIST_STACK)
		return fail(p, text, "a stack takes no modifier");
	for (size_t i = 0; i < FL_ARRAY_SIZE(table); i++)
		if (fl_str_is(text, table[i].name)) {
			f->modifier = table[i].modifier;
			if (f->modifier != FL_HIST_EXECNAME)
				return 0;
			p->h->execname = true;
			return f->source == FL_HIST_PID ? 0 : fail(p, text, "execname is of common_pid");
		}
	if (fl_str_starts(text, "buckets=") &&
	    fl_parse_u64(fl_str_from(text, 8), 0, &f->bucket) == 0 && f->bucket) {
		f->modifier = FL_HIST_BUCKETS;
		return 0;
	}
	return fail(p, text, "modifiers are hex, sym, sym-offset, execname, log2 and buckets=N");
}

/* "NAME[.MODIFIER]" */
static int take_field(struct parser *p, struct fl_str text, struct fl_hist_field *f)
{
	size_t dot = fl_str_find(text, '.', 0);
	int r;

	*f = (struct fl_hist_field){ .name = fl_str_sub(text, 0, dot) };
	r = find_source(p, f);
	return r == 0 && dot < text.n ? modify(p, fl_str_from(text, dot + 1), f) : r;
}

static int take_keys(struct parser *p, struct fl_str list)
{
	struct fl_hist *h = p->h;
	struct fl_str text;
	int r = 0;

	while (r == 0 && next_part(&list, ',', &text)) {
		struct fl_hist_field *f = &h->keys[h->nr_keys];

		if (h->nr_keys == FL_HIST_MAX_KEYS)
			return fail(p, text, "too many keys");
		r = take_field(p, text, f);
		f->offset = h->key_size;
		f->size = fl_hist_key_size(f);
		h->key_size = (uint16_t)(h->key_size + f->size);
		if (h->key_size > FL_HIST_MAX_KEY)
			return fail(p, text, "the keys are longer than the kernel's maps take");
		h->nr_keys++;
	}
	return r;
}

static int take_vals(struct parser *p, struct fl_str list)
{
	struct fl_hist *h = p->h;
	struct fl_str text;
	int r = 0;

	while (r == 0 && next_part(&list, ',', &text)) {
		if (fl_str_is(text, "hitcount"))
			continue;
		if (h->nr_vals == FL_HIST_MAX_VALS)
			return fail(p, text, "too many values");
		r = take_field(p, text, &h->vals[h->nr_vals]);
		if (r == 0 && h->vals[h->nr_vals].is_string)
			return fail(p, text, "a string cannot be summed");
		if (r == 0 && h->vals[h->nr_vals].source == FL_HIST_STACK)
			return fail(p, text, "a stack cannot be summed");
		h->vals[h->nr_vals].offset = (uint16_t)(8 + 8 * h->nr_vals);
		h->nr_vals++;
	}
	return r;
}

static int take_sort(struct parser *p, struct fl_str list)
{
	struct fl_hist *h = p->h;
	struct fl_str text;

	while (next_part(&list, ',', &text)) {
		struct fl_hist_sort *s = &h->sort[h->nr_sort];
		size_t dot = fl_str_find(text, '.', 0);
		struct fl_str name = fl_str_sub(text, 0, dot), order = fl_str_from(text, dot + 1);
		bool found = fl_str_is(name, "hitcount");

		if (h->nr_sort == FL_ARRAY_SIZE(h->sort))
			return fail(p, text, "too many fields to sort by");
		*s = (struct fl_hist_sort){ -1, fl_str_is(order, "descending") };
		for (size_t i = 0; i < h->nr_vals && !found; i++)
			if (fl_str_eq(h->vals[i].name, name))
				s->field = (int)i, found = true;
		for (size_t i = 0; i < h->nr_keys && !found; i++)
			if (fl_str_eq(h->keys[i].name, name))
				s->field = FL_HIST_MAX_VALS + (int)i, found = true;
		if (!found)
			return fail(p, name, "not a key, a value or hitcount");
		if (order.n && !s->descending && !fl_str_is(order, "ascending"))
			return fail(p, order, "the order is ascending or descending");
		h->nr_sort++;
	}
	return 0;
}

/* NAME=common_timestamp[.usecs][-$OTHER] */
static int take_variable(struct parser *p, struct fl_str name, struct fl_str value)
{
	static const char clock[] = "common_timestamp";
	struct fl_str rest;

	if (!fl_str_starts(value, clock))
		return fail(p, name, "keys, vals, sort, size, or NAME=common_timestamp");
	rest = fl_str_from(value, sizeof(clock) - 1);
	if (fl_str_starts(rest, ".usecs")) {
		p->h->usecs = true;
		rest = fl_str_from(rest, 6);
	}
	if (rest.n == 0) {
		p->h->keep = name;
		return 0;
	}
	if (!fl_str_starts(rest, "-$") || rest.n < 3)
		return fail(p, rest, "expected -$NAME of another event's timestamp");
	p->h->latency = name;
	p->h->since = fl_str_from(rest, 2);
	return 0;
}

static int take_size(struct parser *p, struct fl_str text)
{
	uint64_t n;

	if (fl_parse_u64(text, 0, &n) < 0 || n == 0 || n > 1u << 24)
		return fail(p, text, "a number of entries is expected");
	p->h->size = (uint32_t)n;
	return 0;
}

/* Variables first, as keys and values may name them; sort last, as it names those. */
static int take(struct parser *p, int round, struct fl_str name, struct fl_str value)
{
	bool keys = fl_str_is(name, "keys") || fl_str_is(name, "key");
	bool vals = fl_str_is(name, "vals") || fl_str_is(name, "values") || fl_str_is(name, "val");
	bool sort = fl_str_is(name, "sort"), size = fl_str_is(name, "size");

	if (round == 0)
		return keys || vals || sort || size ? 0 : take_variable(p, name, value);
	if (round == 1)
		return keys ? take_keys(p, value) : vals ? take_vals(p, value)
			    : size ? take_size(p, value) : 0;
	return sort ? take_sort(p, value) : 0;
}

int fl_hist_parse(struct fl_str spec, const struct fl_probe_event *e, struct fl_hist *ret,
		  struct fl_diag *diag)
{
	struct fl_hist h = { .text = spec, .size = FL_HIST_SIZE };
	struct parser p = { spec, e, &h, diag };

	if (fl_str_starts(spec, "hist:"))
		p.spec = h.text = fl_str_from(spec, 5);
	for (int round = 0; round < 3; round++) {
		struct fl_str rest = p.spec, part;

		while (next_part(&rest, ':', &part)) {
			size_t eq = fl_str_find(part, '=', 0);
			int r = eq == part.n ? fail(&p, part, "NAME=VALUE is expected")
					     : take(&p, round, fl_str_sub(part, 0, eq),
						    fl_str_from(part, eq + 1));
			if (r < 0)
				return r;
		}
	}
	if (!h.nr_keys)
		return fail(&p, p.spec, "a histogram needs keys=");
	if (h.nr_sort == 0)
		h.sort[h.nr_sort++] = (struct fl_hist_sort){ -1, false };
	h.value_size = (uint16_t)(8 + 8 * h.nr_vals + (h.execname ? FL_COMM_LEN : 0));
	*ret = h;
	return 0;
}

int fl_hist_match(struct fl_hist *h, const struct fl_probe_event *e, const struct fl_hist *keeper,
		  struct fl_diag *diag)
{
	struct parser p = { h->text, e, h, diag };

	h->nr_match = 0;
	for (size_t i = 0; i < keeper->nr_keys; i++) {
		struct fl_hist_field f = { .name = keeper->keys[i].name };
		int r;

		if (keeper->keys[i].source != FL_HIST_ARG) {
			h->match[h->nr_match++] = SIZE_MAX - keeper->keys[i].source;
			continue;
		}
		p.spec = f.name; /* a place in the other spec */
		r = find_source(&p, &f);
		if (r < 0 || f.source != FL_HIST_ARG || f.is_string != keeper->keys[i].is_string)
			return r < 0 ? r : fail(&p, f.name, "the two events' fields of this name differ");
		h->match[h->nr_match++] = f.arg;
	}
	return 0;
}

uint64_t fl_hist_key(const struct fl_hist_field *f, const struct fl_hist_entry *e)
{
	uint64_t v;

	memcpy(&v, e->key + f->offset, sizeof(v));
	return v;
}
