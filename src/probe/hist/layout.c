/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/hist/layout.h"

#include <errno.h>
#include <string.h>

#include "probe/hist/private.h"

size_t fl_hist_arg(const struct fl_probe_event *e, const char *name)
{
	for (size_t i = 0; i < e->nr_args; i++)
		if (fl_str_is(e->args[i].name, name))
			return e->args[i].count ? SIZE_MAX : i;
	return SIZE_MAX;
}

static int no(const char **why, const char *text)
{
	*why = text;
	return -EOPNOTSUPP;
}

/* ---- what is kept ---- */

uint16_t fl_hist_value_room(const struct fl_hist_value *v)
{
	const struct fl_hist_value *target = v->flags & (FL_HV_REF | FL_HV_ALIAS) ? v->target : v;

	if (target->flags & FL_HV_STACK)
		return FL_HIST_FRAMES_RAW * 8;
	return target->flags & FL_HV_STRING_ || strstr(target->type, "char[") ? FL_HIST_STRING : 8;
}

size_t fl_hist_place_of(const struct fl_hist_kept *kept, const struct fl_hist_value *v)
{
	for (size_t i = 0; i < kept->n; i++)
		if (kept->v[i].value == v)
			return i;
	return SIZE_MAX;
}

static int keep_value(struct fl_hist_kept *kept, const struct fl_hist_value *value, const struct fl_hist_value *from)
{
	struct fl_hist_place *p = &kept->v[kept->n];

	if (kept->n == FL_HIST_PLACES)
		return -E2BIG;
	kept->size = kept->size ? kept->size : 8;
	*p = (struct fl_hist_place){ value, from, kept->size, fl_hist_value_room(from ? from : value) };
	kept->size = (uint16_t)(kept->size + p->size);
	kept->n++;
	return 0;
}

static int keep_values(const struct fl_trigger *t, struct fl_hist *h, const char **why)
{
	int r = 0;

	for (size_t i = 0; i < t->nr_values && r == 0; i++)
		if (t->value[i]->flags & FL_HV_VAR)
			r = keep_value(&h->vars, t->value[i], NULL);
	for (size_t i = 0; i < t->nr_actions && r == 0; i++)
		if (t->action[i]->best)
			r = keep_value(&h->seen, t->action[i]->best, NULL);
	for (size_t i = 0; i < t->nr_save_vars && r == 0; i++)
		r = keep_value(&h->seen, t->save_var[i].var, t->save_var[i].val);
	if (r < 0)
		*why = "it keeps too many values";
	return r;
}

size_t fl_hist_seen_by(const struct fl_hist *h, const struct fl_hist_action *a)
{
	return a->best ? fl_hist_place_of(&h->seen, a->best) : SIZE_MAX;
}

/* ---- keys and sums ---- */

static enum fl_hist_modifier modifier(const struct fl_hist_value *v)
{
	static const struct {
		unsigned int flag;
		enum fl_hist_modifier modifier;
	} table[] = {
		{ FL_HV_HEX, FL_HIST_HEX },		  { FL_HV_SYM, FL_HIST_SYM },
		{ FL_HV_SYM_OFFSET, FL_HIST_SYM_OFFSET }, { FL_HV_EXECNAME, FL_HIST_EXECNAME },
		{ FL_HV_SYSCALL, FL_HIST_SYSCALL },	  { FL_HV_LOG2, FL_HIST_LOG2 },
		{ FL_HV_BUCKET, FL_HIST_BUCKETS },	  { FL_HV_PERCENT, FL_HIST_PERCENT },
		{ FL_HV_GRAPH, FL_HIST_GRAPH },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(table); i++)
		if (v->flags & table[i].flag)
			return table[i].modifier;
	return FL_HIST_PLAIN;
}

/* An argument that is shown as a symbol is one as a key, too. */
static int of_argument(const struct fl_probe_event *e, size_t arg, struct fl_hist_field *f, const char **why)
{
	const struct fl_fetch_type *type;

	if (arg == SIZE_MAX)
		return no(why, "a key or a value is no argument of the event");
	type = e->args[arg].type;
	f->source = FL_HIST_ARG;
	f->arg = arg;
	f->is_signed = type->is_signed;
	f->is_string = (type->flags & (FL_TYPE_STRING | FL_TYPE_SYMSTR)) == FL_TYPE_STRING;
	if (!f->modifier && !(type->flags & FL_TYPE_GROUP) &&
	    (type->print == FL_PRINT_SYMBOL || type->flags & FL_TYPE_SYMSTR))
		f->modifier = FL_HIST_SYM_OFFSET;
	return 0;
}

/* Where the probe is: what it is called depends on the kind of probe. */
static bool is_ip(const char *name)
{
	return strcmp(name, "__probe_ip") == 0 || strcmp(name, "__probe_func") == 0;
}

/* What its arguments, the task and the CPU tell; everything else is worked out. */
static int convert(const struct fl_hist_value *v, const struct fl_probe_event *e, struct fl_arena *arena,
		   struct fl_hist_field *f, const char **why)
{
	const struct fl_hist_value *inner = v->flags & (FL_HV_LOG2 | FL_HV_BUCKET) ? v->operand[0] : v;

	*f = (struct fl_hist_field){ .name = fl_str(fl_hist_value_name(v, arena)), .modifier = modifier(v),
				     .bucket = v->bucket, .is_signed = inner->is_signed, .value = inner,
				     .source = FL_HIST_EXPR };
	if (inner->flags & FL_HV_STACK) {
		f->source = FL_HIST_STACK;
	} else if (inner->flags & FL_HV_COMM) {
		f->source = FL_HIST_COMM;
		f->is_string = true;
	} else if (inner->flags & FL_HV_CPU) {
		f->source = FL_HIST_CPU;
	} else if (inner->field && strcmp(inner->field->name, "common_pid") == 0) {
		f->source = FL_HIST_PID;
	} else if (inner->field && is_ip(inner->field->name) && fl_hist_arg(e, inner->field->name) == SIZE_MAX) {
		f->source = FL_HIST_IP;
	} else if (inner->field) {
		return of_argument(e, fl_hist_arg(e, inner->field->name), f, why);
	}
	return 0;
}

static uint16_t key_size(const struct fl_hist_field *f)
{
	if (f->source == FL_HIST_COMM)
		return FL_HIST_COMM_SIZE;
	return f->is_string ? FL_HIST_STRING : f->source == FL_HIST_STACK ? FL_HIST_FRAMES_RAW * 8 : 8;
}

static bool has_length(const struct fl_hist_field *f)
{
	return f->is_string && f->source != FL_HIST_COMM;
}

/* Texts share what numbers, stacks and names of tasks leave of a map's longest key. */
static int place_keys(struct fl_hist *h, const char **why)
{
	uint32_t rest = FL_HIST_MAX_KEY, texts = 0, each = FL_HIST_STRING, used = 0;

	for (size_t i = 0; i < h->nr_keys; i++) {
		used += has_length(&h->keys[i]) ? FL_HIST_LEAST_STRING : h->keys[i].size;
		rest -= has_length(&h->keys[i]) ? 0 : FL_MIN(h->keys[i].size, rest);
		texts += has_length(&h->keys[i]);
	}
	if (used > FL_HIST_MAX_KEY)
		return no(why, "the keys are longer than the kernel's maps take");
	if (texts)
		each = FL_MIN(each, rest / texts / 8 * 8);
	for (size_t i = 0; i < h->nr_keys; i++) {
		struct fl_hist_field *f = &h->keys[i];

		f->size = has_length(f) ? (uint16_t)each : f->size;
		f->offset = h->key_size;
		h->key_size = (uint16_t)(h->key_size + f->size);
	}
	return 0;
}

static int add_keys(const struct fl_trigger *t, const struct fl_probe_event *e, struct fl_hist *h, const char **why)
{
	struct fl_arena *arena = (struct fl_arena *)&t->arena;
	int r = 0;

	for (size_t i = t->nr_vals; i < t->nr_values && r == 0; i++) {
		struct fl_hist_field *f = &h->keys[h->nr_keys++];

		r = convert(t->value[i], e, arena, f, why);
		f->size = key_size(f);
		h->by_match |= hist_uses_variables(t->value[i], 0);
	}
	return r < 0 ? r : place_keys(h, why);
}

static int add_sums(const struct fl_trigger *t, const struct fl_probe_event *e, struct fl_hist *h, const char **why)
{
	struct fl_arena *arena = (struct fl_arena *)&t->arena;
	int r = 0;

	for (size_t i = 1; i < t->nr_vals && r == 0; i++) {
		struct fl_hist_field *f = &h->vals[h->nr_vals];

		if (t->value[i]->flags & FL_HV_VAR)
			continue;
		r = convert(t->value[i], e, arena, f, why);
		if (r == 0 && (f->is_string || f->source == FL_HIST_STACK))
			r = no(why, "a string cannot be summed");
		f->offset = (uint16_t)(8 + 8 * h->nr_vals++);
	}
	return r;
}

/* In the trigger they are hitcount, sums and keys, counted through. */
static void add_order(const struct fl_trigger *t, struct fl_hist *h)
{
	for (size_t i = 0; i < t->nr_sort; i++) {
		unsigned int n = t->sort[i].value;
		int field = n == 0 ? -1 : n <= h->nr_vals ? (int)n - 1 : FL_HIST_MAX_VALS + (int)(n - 1 - h->nr_vals);

		h->sort[h->nr_sort++] = (struct fl_hist_sort){ field, t->sort[i].descending };
	}
}

int fl_hist_layout(const struct fl_trigger *t, const struct fl_probe_event *e, struct fl_hist *ret, const char **why)
{
	struct fl_hist h = { .size = t->attrs.entries ? t->attrs.entries : 1u << t->attrs.bits, .trigger = t };
	int r = add_keys(t, e, &h, why);

	if (r == 0)
		r = add_sums(t, e, &h, why);
	if (r == 0)
		r = keep_values(t, &h, why);
	if (r < 0)
		return r;
	add_order(t, &h);
	for (size_t i = 0; i < h.nr_keys; i++)
		h.execname |= h.keys[i].modifier == FL_HIST_EXECNAME;
	h.value_size = (uint16_t)(8 + 8 * h.nr_vals + (h.execname ? FL_COMM_LEN : 0));
	h.counts_nothing = !h.nr_vals && !t->attrs.sort && !t->attrs.entries && t->attrs.bits == FL_HIST_BITS &&
			   !t->attrs.name && !h.seen.n && !h.by_match && (h.vars.n || t->nr_actions);
	*ret = h;
	return 0;
}

int fl_hist_match(struct fl_hist *h, const struct fl_probe_event *e, const struct fl_hist *other)
{
	const char *why;

	h->nr_match = 0;
	h->match_size = other->key_size;
	for (size_t i = 0; i < other->nr_keys; i++) {
		struct fl_hist_field *f = &h->match[h->nr_match++];

		*f = other->keys[i];
		if (f->source == FL_HIST_EXPR || f->source == FL_HIST_IP)
			return -ENOENT;
		if (f->source != FL_HIST_ARG)
			continue;
		if (of_argument(e, fl_hist_arg(e, other->keys[i].value->field->name), f, &why) < 0 ||
		    f->is_string != other->keys[i].is_string)
			return -ENOENT;
	}
	return 0;
}
