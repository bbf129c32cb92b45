/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a filter means, said once and slowly: the judge of the code that is generated from it. */
#include "base/bytes.h"
#include "base/util.h"
#include "probe/filter/filter.h"

static bool load(const uint8_t *record, size_t size, const struct fl_filter_field *f, uint64_t *ret)
{
	const uint8_t *p = record + f->offset;

	if (!fl_range_ok(f->offset, f->size, size))
		return false;
	switch (f->size) {
	case 1:
		*ret = f->is_signed ? (uint64_t)(int8_t)*p : *p;
		return true;
	case 2:
		*ret = f->is_signed ? (uint64_t)(int16_t)fl_get_le16(p) : fl_get_le16(p);
		return true;
	case 4:
		*ret = f->is_signed ? (uint64_t)(int32_t)fl_get_le32(p) : fl_get_le32(p);
		return true;
	case 8:
		*ret = fl_get_le64(p);
		return true;
	}
	return false;
}

/* The number in the text, cut to the field's width as the kernel cuts it. */
static uint64_t narrow(uint64_t v, const struct fl_filter_field *f)
{
	unsigned int shift = 64 - 8 * f->size;

	if (f->size >= 8)
		return v;
	return f->is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v << shift >> shift;
}

static bool compare(const struct fl_filter_pred *p, uint64_t a)
{
	uint64_t b = narrow(p->value, &p->field);
	bool less = p->field.is_signed ? (int64_t)a < (int64_t)b : a < b;

	switch (p->op) {
	case FL_FILTER_EQ:
		return a == b;
	case FL_FILTER_NE:
		return a != b;
	case FL_FILTER_LT:
		return less;
	case FL_FILTER_LE:
		return less || a == b;
	case FL_FILTER_GT:
		return !less && a != b;
	case FL_FILTER_GE:
		return !less;
	case FL_FILTER_BAND:
		return (a & b) != 0;
	case FL_FILTER_FUNCTION:
		return a >= p->value && a < p->end;
	case FL_FILTER_CPUS:
		return a < 64 && p->value == (p->only ? 1ull << a : p->value | 1ull << a);
	case FL_FILTER_MATCH:
	case _FL_FILTER_OP_MAX:
		break;
	}
	return false;
}

static struct fl_str until_nul(struct fl_str s)
{
	return fl_str_sub(s, 0, fl_str_find(s, '\0', 0));
}

/* A data location: offset in the low half, length in the high one. */
static bool locate(const uint8_t *record, size_t size, const struct fl_filter_field *f,
		   struct fl_str *ret)
{
	uint64_t loc;
	size_t offset;

	if (!load(record, size, &(struct fl_filter_field){ .offset = f->offset, .size = 4 }, &loc))
		return false;
	offset = loc & 0xffff;
	if (f->kind == FL_FILTER_RDYN_STRING)
		offset += f->offset + 4;
	if (!fl_range_ok(offset, loc >> 16, size))
		return false;
	*ret = until_nul(fl_str_n((const char *)record + offset, loc >> 16));
	return true;
}

static bool string_of(const struct fl_filter_pred *p, const uint8_t *record, size_t size,
		      const struct fl_filter_env *env, struct fl_str *ret)
{
	const struct fl_filter_field *f = &p->field;
	uint64_t address;

	switch (f->kind) {
	case FL_FILTER_COMM:
		*ret = env->comm;
		return true;
	case FL_FILTER_STRING:
		if (!fl_range_ok(f->offset, f->size, size))
			return false;
		/* "char buf[]" of the event "print" ends with the record */
		*ret = until_nul(fl_str_n((const char *)record + f->offset, f->size ? f->size : size - f->offset));
		return true;
	case FL_FILTER_DYN_STRING:
	case FL_FILTER_RDYN_STRING:
		return locate(record, size, f, ret);
	case FL_FILTER_PTR_STRING:
		return load(record, size, f, &address) && env->string &&
		       env->string(env->ctx, address, p->user, ret);
	default:
		return false;
	}
}

static bool contains(struct fl_str s, struct fl_str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (fl_str_eq(fl_str_sub(s, i, part.n), part))
			return true;
	return false;
}

static bool match_string(const struct fl_filter_pred *p, struct fl_str s)
{
	struct fl_str want = p->pattern;

	switch (p->match) {
	case FL_FILTER_MATCH_FULL:
		return fl_str_eq(s, want);
	case FL_FILTER_MATCH_FRONT:
		return fl_str_eq(fl_str_sub(s, 0, want.n), want);
	case FL_FILTER_MATCH_END:
		return s.n >= want.n && fl_str_eq(fl_str_from(s, s.n - want.n), want);
	case FL_FILTER_MATCH_MIDDLE:
		return contains(s, want);
	case FL_FILTER_MATCH_GLOB:
		return fl_str_glob(want, s);
	case _FL_FILTER_MATCH_MAX:
		break;
	}
	return false;
}

/* What cannot be read passes no comparison, negated or not. */
static bool holds(const struct fl_filter_pred *p, const uint8_t *record, size_t size,
		  const struct fl_filter_env *env)
{
	struct fl_str s;
	uint64_t v;

	if (p->op == FL_FILTER_MATCH)
		return string_of(p, record, size, env, &s) && match_string(p, s) != p->negate;
	if (p->field.kind == FL_FILTER_CPU)
		v = env->cpu;
	else if (!load(record, size, &p->field, &v))
		return false;
	return compare(p, v) != p->negate;
}

bool fl_filter_match(const struct fl_filter *f, const void *record, size_t size,
		     const struct fl_filter_env *env)
{
	uint16_t at = 0;

	while (at < f->n)
		at = holds(&f->preds[at], record, size, env) ? f->preds[at].on_true :
							       f->preds[at].on_false;
	return at == FL_FILTER_ACCEPT;
}
