/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums, variables and keys of a histogram, in this order, and the fields that it is sorted by. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "probe/hist/private.h"

#define KERNEL_KEYS 3
#define KERNEL_SUMS 3 /* hitcount is one */

static size_t max_keys(const struct hist_parse *p)
{
	return p->set->ours ? FL_HIST_KEYS_MAX : KERNEL_KEYS;
}

static size_t max_sums(const struct hist_parse *p)
{
	return p->set->ours ? FL_HIST_SUMS_MAX : KERNEL_SUMS;
}

/* ---- variables, their text ---- */

static int cut_variables(const struct hist_parse *p, char *text)
{
	struct fl_hist_attrs *a = &p->t->attrs;

	for (size_t i = 0; i < FL_HIST_VARS; i++) {
		char *expr = strsep(&text, ","), *name;

		if (!expr)
			break;
		name = strsep(&expr, "=");
		if (!expr)
			return hist_fault(p, FL_HIST_MALFORMED_ASSIGNMENT, name);
		if (a->nr_variables == FL_HIST_VARS)
			return hist_fault(p, FL_HIST_TOO_MANY_VARS, name);
		a->variable[a->nr_variables] = name;
		a->is_worked_out[a->nr_variables] = strpbrk(expr, "+-*/");
		a->expr[a->nr_variables++] = expr;
	}
	return 0;
}

/* ---- sums and variables ---- */

/* Modifiers that say nothing of a sum, or of a variable. */
static unsigned int senseless(bool is_variable)
{
	unsigned int flags = 0;

#define M(flag, name, written, forbidden)                                                          \
	if ((forbidden) & (is_variable ? (unsigned int)FL_HV_VAR : (unsigned int)FL_HV_VALUE))     \
		flags |= FL_HV_##flag;
#include "probe/hist/modifiers.def"
	return flags;
}

static int add_value(const struct hist_parse *p, char *text, unsigned int flags, const char *variable)
{
	struct fl_trigger *t = p->t;
	struct fl_hist_value *v;
	unsigned int depth = 0;
	int r = hist_read_expr(p, text, flags, variable, &depth, &v);

	if (r < 0)
		return r;
	if (v->flags & senseless(v->flags & FL_HV_VAR))
		return hist_fault(p, FL_HIST_BAD_FIELD_MODIFIER, text);
	t->value[t->nr_vals++] = v;
	t->nr_values++;
	return 0;
}

static int add_sums(const struct hist_parse *p, char *list)
{
	size_t n = 1, hitcounts = 0;
	int r = 0;

	for (size_t i = 0; list && i < max_sums(p) && n < max_sums(p) && r == 0; i++) {
		char *text = strsep(&list, ",");

		if (strcmp(text, "hitcount") == 0 && !hitcounts++)
			continue;
		n++;
		r = add_value(p, text, 0, NULL);
	}
	if (r == 0 && list && strcmp(list, "hitcount") != 0)
		r = -EINVAL;
	if (n == 1 && p->t->attrs.nohitcount)
		return hist_fault(p, FL_HIST_NEED_NOHC_VAL, NULL);
	return r;
}

/* A name of the task is kept as text. */
static void keep_name(struct fl_hist_value *v)
{
	v->flags = FL_HV_STRING_ | FL_HV_VAR | FL_HV_EXECNAME;
	v->size = FL_HV_STRING;
	v->is_signed = false;
	v->type = "char[]";
}

static int add_variable(const struct hist_parse *p, const char *name, char *expr)
{
	struct fl_trigger *t = p->t;
	struct fl_hist_value *v;
	int r;

	if (hist_variable_here(p, name) && !t->removing)
		return hist_fault(p, FL_HIST_DUPLICATE_VAR, name);
	t->nr_vars++;
	r = add_value(p, expr, FL_HV_VAR, name);
	if (r < 0)
		return r;
	v = t->value[t->nr_vals - 1];
	v->owner = t;
	if (v->flags & FL_HV_EXECNAME)
		keep_name(v);
	return 0;
}

static int add_variables(const struct hist_parse *p)
{
	struct fl_hist_attrs *a = &p->t->attrs;
	int r = 0;

	for (size_t i = 0; i < a->nr_variables && r == 0; i++)
		r = add_variable(p, a->variable[i], a->expr[i]);
	return r;
}

/* Ours: sums may be of variables; they stand in front of them all the same. */
static int add_variables_first(const struct hist_parse *p)
{
	struct fl_hist_value *vars[FL_HIST_VARS];
	struct fl_trigger *t = p->t;
	int r = add_variables(p);
	size_t n = t->nr_vals - 1, sums;

	if (r < 0)
		return r;
	memcpy(vars, t->value + 1, n * sizeof(*vars));
	r = add_sums(p, t->attrs.vals);
	sums = t->nr_vals - 1 - n;
	memmove(t->value + 1, t->value + 1 + n, sums * sizeof(*vars));
	memcpy(t->value + 1 + sums, vars, n * sizeof(*vars));
	return r;
}

/* ---- keys ---- */

/* Ours: it refers to variables of the histogram itself alone. */
static bool is_of_own(const struct fl_trigger *t, const struct fl_hist_value *v)
{
	if (!v)
		return true;
	if (v->flags & (FL_HV_REF | FL_HV_ALIAS))
		return v->target && v->target->owner == t;
	return is_of_own(t, v->operand[0]) && is_of_own(t, v->operand[1]);
}

static int read_key(const struct hist_parse *p, char *text, struct fl_hist_value **ret)
{
	unsigned int depth = 0;
	int r;

	if (strcmp(text, "stacktrace") == 0) {
		*ret = fl_hist_value_new(&p->t->arena, NULL, FL_HV_KEY | FL_HV_STACK);
		return *ret ? 0 : -ENOMEM;
	}
	r = hist_read_expr(p, text, FL_HV_KEY, NULL, &depth, ret);
	if (r == 0 && hist_uses_variables(*ret, 0) && !(p->set->ours && is_of_own(p->t, *ret)))
		return hist_fault(p, FL_HIST_INVALID_REF_KEY, text);
	return r;
}

static int add_keys(const struct hist_parse *p, char *list)
{
	struct fl_trigger *t = p->t;

	for (size_t i = 0; list && i < max_keys(p); i++) {
		struct fl_hist_value *v;
		int r = read_key(p, strsep(&list, ","), &v);

		if (r < 0)
			return r;
		v->size = (v->size + 7) / 8 * 8;
		v->offset = t->key_size;
		t->value[t->nr_values++] = v;
		t->key_size += v->size;
		if (t->key_size > FL_HIST_KEY_BYTES && !p->set->ours)
			return -EINVAL;
		t->nr_keys++;
	}
	return list ? -EINVAL : 0;
}

int hist_read_fields(const struct hist_parse *p)
{
	struct fl_trigger *t = p->t;
	int r = 0;

	for (size_t i = 0; i < t->attrs.nr_assignments && r == 0; i++)
		r = cut_variables(p, t->attrs.assignment[i]);
	if (r < 0)
		return r;
	t->value[0] = fl_hist_value_new(&t->arena, NULL, FL_HV_HITCOUNT);
	if (!t->value[0])
		return -ENOMEM;
	t->nr_vals = t->nr_values = 1;
	r = p->set->ours ? add_variables_first(p) : add_sums(p, t->attrs.vals);
	if (r == 0 && !p->set->ours)
		r = add_variables(p);
	if (r == 0)
		r = add_keys(p, t->attrs.keys);
	t->attrs.nr_variables = 0; /* from here on they are found as values */
	return r;
}

/* ---- the order ---- */

static int read_order(const struct hist_parse *p, const char *text, bool *descending)
{
	*descending = text && strcmp(text, "descending") == 0;
	if (!text || *descending || strcmp(text, "ascending") == 0)
		return 0;
	return hist_fault(p, FL_HIST_INVALID_SORT_MODIFIER, text);
}

/* Counted without variables, as entries are shown without them; 0: no such value. */
static unsigned int find_value(const struct hist_parse *p, const char *name)
{
	struct fl_trigger *t = p->t;
	unsigned int n = 1;

	for (size_t i = 1; i < t->nr_values; i++) {
		if (t->value[i]->flags & FL_HV_VAR)
			continue;
		if (strcmp(fl_hist_value_name(t->value[i], &t->arena), name) == 0)
			return n;
		n++;
	}
	return 0;
}

static int add_sort_key(const struct hist_parse *p, char *text, struct fl_hist_sort_key *key)
{
	char *name = strsep(&text, ".");

	if (!*name)
		return hist_fault(p, FL_HIST_EMPTY_SORT_FIELD, "sort=");
	if (strcmp(name, "hitcount") != 0) {
		key->value = find_value(p, name);
		if (!key->value)
			return hist_fault(p, FL_HIST_INVALID_SORT_FIELD, name);
	}
	return read_order(p, text, &key->descending);
}

int hist_read_sort(const struct hist_parse *p)
{
	struct fl_trigger *t = p->t;
	char *list = t->attrs.sort;
	int r = 0;

	t->nr_sort = 1;
	if (!list)
		return 0;
	for (t->nr_sort = 0; list && t->nr_sort < FL_ARRAY_SIZE(t->sort) && r == 0;) {
		char *text = strsep(&list, ",");

		if (!*text)
			return hist_fault(p, FL_HIST_EMPTY_SORT_FIELD, "sort=");
		if (t->nr_sort + 1 == FL_ARRAY_SIZE(t->sort) && list)
			return hist_fault(p, FL_HIST_TOO_MANY_SORT_FIELDS, "sort=");
		r = add_sort_key(p, text, &t->sort[t->nr_sort]);
		t->nr_sort += r == 0;
	}
	return r;
}
