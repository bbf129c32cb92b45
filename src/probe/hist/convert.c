/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/hist/convert.h"

#include <errno.h>
#include <string.h>

size_t fl_hist_arg(const struct fl_probe_event *e, const char *name)
{
	for (size_t i = 0; i < e->nr_args; i++)
		if (fl_str_is(e->args[i].name, name))
			return e->args[i].count ? SIZE_MAX : i;
	return SIZE_MAX;
}

uint16_t fl_hist_value_room(const struct fl_hist_value *v)
{
	const struct fl_hist_value *target = v->flags & (FL_HV_REF | FL_HV_ALIAS) ? v->target : v;

	return target->flags & FL_HV_STRING_ || strstr(target->type, "char[") ? FL_HIST_STRING : 8;
}

int fl_hist_vars(const struct fl_trigger_event *e, struct fl_hist_vars *ret)
{
	struct fl_hist_vars vars = { .size = 8 };

	for (size_t i = 0; i < e->n; i++)
		for (size_t k = 0; k < e->trigger[i]->nr_values; k++) {
			const struct fl_hist_value *v = e->trigger[i]->value[k];

			if (!(v->flags & FL_HV_VAR))
				continue;
			if (vars.n == FL_HIST_EVENT_VARS)
				return -E2BIG;
			vars.v[vars.n] = (struct fl_hist_var_place){ v, vars.size, fl_hist_value_room(v) };
			vars.size = (uint16_t)(vars.size + vars.v[vars.n++].size);
		}
	if (!vars.n)
		vars.size = 0;
	*ret = vars;
	return 0;
}

size_t fl_hist_var(const struct fl_hist_vars *vars, const struct fl_hist_value *v)
{
	for (size_t i = 0; i < vars->n; i++)
		if (vars->v[i].value == v)
			return i;
	return SIZE_MAX;
}

static enum fl_hist_modifier modifier(const struct fl_hist_value *v)
{
	static const struct {
		unsigned int flag;
		enum fl_hist_modifier modifier;
	} table[] = {
		{ FL_HV_HEX, FL_HIST_HEX },	    { FL_HV_SYM, FL_HIST_SYM },
		{ FL_HV_SYM_OFFSET, FL_HIST_SYM_OFFSET }, { FL_HV_EXECNAME, FL_HIST_EXECNAME },
		{ FL_HV_LOG2, FL_HIST_LOG2 },	    { FL_HV_BUCKET, FL_HIST_BUCKETS },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(table); i++)
		if (v->flags & table[i].flag)
			return table[i].modifier;
	return FL_HIST_PLAIN;
}

static int no(const char **why, const char *text)
{
	*why = text;
	return -EOPNOTSUPP;
}

/* What its arguments, the task and the CPU tell; everything else is worked out. */
static int convert(const struct fl_hist_value *v, const struct fl_probe_event *e, struct fl_arena *arena,
		   struct fl_hist_field *f, const char **why)
{
	const struct fl_hist_value *inner = v->flags & (FL_HV_LOG2 | FL_HV_BUCKET) ? v->operand[0] : v;

	*f = (struct fl_hist_field){ .name = fl_str(fl_hist_value_name(v, arena)), .modifier = modifier(v),
				     .bucket = v->bucket, .is_signed = inner->is_signed, .value = inner,
				     .source = FL_HIST_EXPR };
	if (v->flags & (FL_HV_SYSCALL | FL_HV_PERCENT | FL_HV_GRAPH))
		return no(why, "syscall, percent and graph are not shown yet");
	if (inner->flags & FL_HV_STACK) {
		f->source = FL_HIST_STACK;
		return inner->field ? no(why, "a stack that is a field is no key yet") : 0;
	}
	if (inner->flags & FL_HV_COMM) {
		f->source = FL_HIST_COMM;
		f->is_string = true;
		return 0;
	}
	if (inner->flags & FL_HV_CPU)
		f->source = FL_HIST_CPU;
	else if (inner->field && strcmp(inner->field->name, "common_pid") == 0)
		f->source = FL_HIST_PID;
	if (f->source != FL_HIST_EXPR || !inner->field)
		return 0;
	f->source = FL_HIST_ARG;
	f->arg = fl_hist_arg(e, inner->field->name);
	if (f->arg == SIZE_MAX)
		return no(why, "a key or a value is no argument of the event");
	f->is_signed = e->args[f->arg].type->is_signed;
	f->is_string = (e->args[f->arg].type->flags & (FL_TYPE_STRING | FL_TYPE_SYMSTR)) == FL_TYPE_STRING;
	return 0;
}

static int convert_keys(const struct fl_trigger *t, const struct fl_probe_event *e, struct fl_hist *h,
			const char **why)
{
	struct fl_arena *arena = (struct fl_arena *)&t->arena;
	int r = 0;

	for (size_t i = t->nr_vals; i < t->nr_values && r == 0; i++) {
		struct fl_hist_field *f = &h->keys[h->nr_keys++];

		r = convert(t->value[i], e, arena, f, why);
		f->offset = h->key_size;
		f->size = fl_hist_key_size(f);
		h->key_size = (uint16_t)(h->key_size + f->size);
		if (r == 0 && h->key_size > FL_HIST_MAX_KEY)
			r = no(why, "the keys are longer than the kernel's maps take");
	}
	return r;
}

static int convert_sums(const struct fl_trigger *t, const struct fl_probe_event *e, struct fl_hist *h,
			const char **why)
{
	struct fl_arena *arena = (struct fl_arena *)&t->arena;
	int r = 0;

	for (size_t i = 1; i < t->nr_vals && r == 0; i++) {
		if (t->value[i]->flags & FL_HV_VAR)
			continue;
		r = convert(t->value[i], e, arena, &h->vals[h->nr_vals], why);
		if (r == 0 && (h->vals[h->nr_vals].is_string || h->vals[h->nr_vals].source == FL_HIST_STACK))
			r = no(why, "a string cannot be summed");
		h->vals[h->nr_vals].offset = (uint16_t)(8 + 8 * h->nr_vals);
		h->nr_vals++;
	}
	return r;
}

int fl_hist_convert(const struct fl_trigger *t, const struct fl_probe_event *e, struct fl_hist *ret,
		    const char **why)
{
	struct fl_hist h = { .text = fl_str(t->spec), .size = 1u << t->attrs.bits, .trigger = t };
	int r = convert_keys(t, e, &h, why);

	if (r == 0)
		r = convert_sums(t, e, &h, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t->nr_sort; i++) {
		unsigned int n = t->sort[i].value; /* hitcount, sums, keys */
		int field = n == 0 ? -1 : n <= h.nr_vals ? (int)n - 1 : FL_HIST_MAX_VALS + (int)(n - 1 - h.nr_vals);

		h.sort[h.nr_sort++] = (struct fl_hist_sort){ field, t->sort[i].descending };
	}
	for (size_t i = 0; i < h.nr_keys; i++)
		h.execname |= h.keys[i].modifier == FL_HIST_EXECNAME;
	h.value_size = (uint16_t)(8 + 8 * h.nr_vals + (h.execname ? FL_COMM_LEN : 0));
	*ret = h;
	return 0;
}

bool fl_hist_counts_nothing(const struct fl_trigger *t)
{
	return t->nr_vals - t->nr_vars == 1 && !t->attrs.sort && t->attrs.bits == FL_HIST_BITS &&
	       (t->nr_vars || t->nr_actions);
}
