/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Field FIELD of the start is kept as the variable s_FIELD. In the synthetic event fields go by their own names;
 * where both events have one, the end's is end_FIELD.
 */
#include "probe/hist/slice.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/util.h"

#define FIELDS_MAX 14 /* of the start: a histogram has 16 variables */

static const struct fl_diag_kind bad_slice = { "BAD_SLICE", FL_ERROR, EINVAL,
					       "a slice is START,END,KEY[,save=FIELD,...]" };

struct lowering {
	struct fl_str text;
	struct fl_diag *diag;
	const struct fl_probe_event *start, *end;
	struct fl_str key;
	struct fl_str saved[FIELDS_MAX];
	size_t nr_saved;
	struct fl_slice out;
};

void fl_slice_fini(struct fl_slice *s)
{
	fl_buf_fini(&s->synth);
	fl_buf_fini(&s->start);
	fl_buf_fini(&s->end);
}

/* @at: the piece of the text at fault. */
static int fail(struct lowering *l, struct fl_str at, const char *why)
{
	uint32_t start = (uint32_t)(at.p - l->text.p);

	fl_diag_set(l->diag, &bad_slice, (struct fl_span){ start, start + (uint32_t)at.n });
	if (why)
		fl_diag_message(l->diag, "%s", why);
	if (l->diag) {
		l->diag->text = l->text.p;
		l->diag->text_len = l->text.n;
	}
	return -EINVAL;
}

/* ---- fields ---- */

static const struct {
	const char *name, *type, *shown;
} common[] = {
	{ "common_pid", "int", "pid" },
	{ "common_cpu", "unsigned int", "cpu" },
	{ "common_comm", "char[]", "comm" },
};

static const struct fl_probe_arg *argument(const struct fl_probe_event *e, struct fl_str name)
{
	for (size_t i = 0; i < e->nr_args; i++)
		if (fl_str_eq(e->args[i].name, name))
			return &e->args[i];
	return NULL;
}

/* NULL: it is none that a variable keeps. */
static const char *type_of(const struct fl_probe_event *e, struct fl_str name)
{
	static const char *const numbers[2][4] = { { "u8", "u16", "u32", "u64" }, { "s8", "s16", "s32", "s64" } };
	const struct fl_probe_arg *a = argument(e, name);

	for (size_t i = 0; i < FL_ARRAY_SIZE(common) && !a; i++)
		if (fl_str_is(name, common[i].name))
			return common[i].type;
	if (!a || a->count || a->type->flags & (FL_TYPE_SYMSTR | FL_TYPE_STACK))
		return NULL;
	return a->type->flags & FL_TYPE_STRING ? "char[]"
					       : numbers[a->type->is_signed][__builtin_ctz(a->type->size) & 3];
}

static struct fl_str shown(struct fl_str name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(common); i++)
		if (fl_str_is(name, common[i].name))
			return fl_str(common[i].shown);
	return name;
}

/* "; TYPE [PREFIX]NAME", the kernel's way: brackets stand behind the name. */
static void add_field(struct lowering *l, const char *type, const char *prefix, struct fl_str name)
{
	bool is_text = strcmp(type, "char[]") == 0;

	fl_buf_addf(&l->out.synth, "; %s %s%.*s%s", is_text ? "char" : type, prefix, FL_STR_ARG(name),
		    is_text ? "[]" : "");
}

static bool is_saved(const struct lowering *l, struct fl_str name)
{
	for (size_t i = 0; i < l->nr_saved; i++)
		if (fl_str_eq(shown(l->saved[i]), name))
			return true;
	return fl_str_eq(name, shown(l->key)) || fl_str_is(name, "lat_ns");
}

/* ---- the two specs ---- */

static void add_saved(struct lowering *l, size_t i)
{
	struct fl_str name = l->saved[i];

	fl_buf_addf(&l->out.start, ",s_%.*s=%.*s", FL_STR_ARG(name), FL_STR_ARG(name));
	fl_buf_addf(&l->out.end, ",$s_%.*s", FL_STR_ARG(name));
	add_field(l, type_of(l->start, name), "", shown(name));
}

/* What the end has beside the key. */
static void add_end(struct lowering *l)
{
	for (size_t i = 0; i < l->end->nr_args; i++) {
		struct fl_str name = l->end->args[i].name;
		const char *type = type_of(l->end, name);

		if (!type || fl_str_eq(name, l->key))
			continue;
		fl_buf_addf(&l->out.end, ",%.*s", FL_STR_ARG(name));
		add_field(l, type, is_saved(l, name) ? "end_" : "", name);
	}
}

static int lower(struct lowering *l, uint64_t over_ns)
{
	struct fl_slice *s = &l->out;

	fl_buf_addz(&s->synth, "s:slice u64 lat_ns");
	fl_buf_addf(&s->start, "keys=%.*s:ts0=common_timestamp", FL_STR_ARG(l->key));
	fl_buf_addf(&s->end, "keys=%.*s:lat=common_timestamp-$ts0:onmatch(%.*s.%.*s).trace(slice,$lat,%.*s",
		    FL_STR_ARG(l->key), FL_STR_ARG(l->start->group), FL_STR_ARG(l->start->event), FL_STR_ARG(l->key));
	add_field(l, type_of(l->end, l->key), "", shown(l->key));
	for (size_t i = 0; i < l->nr_saved; i++)
		add_saved(l, i);
	add_end(l);
	fl_buf_addc(&s->end, ')');
	if (over_ns)
		fl_buf_addf(&s->synth, " if lat_ns >= %" PRIu64, over_ns);
	return s->synth.error ? s->synth.error : s->start.error ? s->start.error : s->end.error;
}

/* ---- reading ---- */

static bool is_event(const struct fl_probe_event *e, struct fl_str name)
{
	size_t dot = FL_MIN(fl_str_find(name, '.', 0), fl_str_find(name, '/', 0));

	if (e->kind == FL_PROBE_SYNTH)
		return false;
	if (dot == name.n)
		return fl_str_eq(e->event, name);
	return fl_str_eq(e->group, fl_str_sub(name, 0, dot)) && fl_str_eq(e->event, fl_str_from(name, dot + 1));
}

static int find_event(struct lowering *l, struct fl_str name, const struct fl_probe_event *const *events, size_t n,
		      size_t *ret)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		if (!is_event(events[i], name))
			continue;
		if (found != SIZE_MAX)
			return fail(l, name, "two events of this command have this name: GROUP.NAME tells them apart");
		found = i;
	}
	if (found == SIZE_MAX)
		return fail(l, name, "no event of this command has this name");
	*ret = found;
	return 0;
}

static int save(struct lowering *l, struct fl_str name)
{
	if (!type_of(l->start, name))
		return fail(l, name, "the event that starts has no such field, or none that can be kept");
	if (l->nr_saved == FIELDS_MAX)
		return fail(l, name, "too many fields are kept");
	if (is_saved(l, shown(name)))
		return fail(l, name, "this field is kept already");
	l->saved[l->nr_saved++] = name;
	return 0;
}

/* "save=FIELD,...", or all that the start has. */
static int read_saved(struct lowering *l, struct fl_str rest)
{
	int r = 0;

	for (size_t i = 0; !rest.n && i < l->start->nr_args && l->nr_saved < FIELDS_MAX; i++)
		if (type_of(l->start, l->start->args[i].name) && !fl_str_eq(l->start->args[i].name, l->key))
			l->saved[l->nr_saved++] = l->start->args[i].name;
	if (rest.n && !fl_str_starts(rest, "save="))
		return fail(l, rest, NULL);
	for (rest = fl_str_from(rest, 5); rest.n && r == 0;) {
		size_t comma = fl_str_find(rest, ',', 0);

		r = save(l, fl_str_sub(rest, 0, comma));
		rest = fl_str_from(rest, comma + 1);
	}
	return r;
}

static int read_key(struct lowering *l)
{
	const char *start = type_of(l->start, l->key), *end = type_of(l->end, l->key);

	if (!start)
		return fail(l, l->key, "the event that starts has no such field");
	if (!end)
		return fail(l, l->key, "the event that ends has no such field");
	if (strcmp(start, end) != 0)
		return fail(l, l->key, "the two events' fields of this name differ in their types");
	return 0;
}

static struct fl_str cut(struct fl_str *rest)
{
	size_t comma = fl_str_find(*rest, ',', 0);
	struct fl_str part = fl_str_sub(*rest, 0, comma);

	*rest = fl_str_from(*rest, comma + 1);
	return part;
}

int fl_slice_lower(struct fl_str text, uint64_t over_ns, const struct fl_probe_event *const *events, size_t n,
		   struct fl_slice *ret, struct fl_diag *diag)
{
	struct lowering l = { .text = text, .diag = diag };
	struct fl_str rest = text, first = cut(&rest), last = cut(&rest);
	int r = 0;

	l.key = cut(&rest);
	if (!l.key.n)
		return fail(&l, text, NULL);
	r = find_event(&l, first, events, n, &l.out.first);
	if (r == 0)
		r = find_event(&l, last, events, n, &l.out.last);
	if (r == 0 && l.out.first == l.out.last)
		r = fail(&l, last, "the event that ends is the one that starts");
	if (r < 0)
		return r;
	l.start = events[l.out.first];
	l.end = events[l.out.last];
	r = read_key(&l);
	if (r == 0)
		r = read_saved(&l, rest);
	if (r == 0)
		r = lower(&l, over_ns);
	if (r < 0)
		fl_slice_fini(&l.out);
	else
		*ret = l.out;
	return r;
}
