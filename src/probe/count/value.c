/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A value of a histogram, worked out of a record. Fields that lie outside of it are 0, or empty. */
#include <endian.h>
#include <string.h>

#include "base/bytes.h"
#include "probe/count/private.h"

#define DEPTH_MAX 8

static struct fl_count_value number(uint64_t n)
{
	return (struct fl_count_value){ .number = n };
}

static struct fl_count_value text(const void *p, size_t n)
{
	return (struct fl_count_value){ .text = fl_str_n(n ? p : "", n) };
}

static bool is_within(const struct work *w, uint64_t at, uint64_t n)
{
	return at <= w->rec->size && n <= w->rec->size - at;
}

static struct fl_count_value text_at(const struct work *w, uint64_t at, uint64_t n)
{
	const char *p = (const char *)w->rec->data + at;

	return is_within(w, at, n) ? text(p, strnlen(p, n)) : text("", 0);
}

/* A data location: where, and in the upper half how long. */
static bool located(const struct work *w, const struct fl_hist_event_field *f, bool relative, uint32_t *at,
		    uint32_t *n)
{
	uint64_t place = (uint64_t)w->base + f->offset;
	uint32_t loc;

	if (!is_within(w, place, sizeof(loc)))
		return false;
	memcpy(&loc, w->rec->data + place, sizeof(loc));
	*at = (loc & 0xffff) + (relative ? (uint32_t)place + sizeof(loc) : 0);
	*n = loc >> 16;
	return is_within(w, *at, *n);
}

static struct fl_count_value dynamic(const struct work *w, const struct fl_hist_event_field *f)
{
	uint32_t at, n;

	if (!located(w, f, f->kind == FL_HF_RDYN_STRING, &at, &n))
		return text("", 0);
	return f->kind == FL_HF_STACK ? text(w->rec->data + at, n / 8 * 8) : text_at(w, at, n);
}

static struct fl_count_value plain(const struct work *w, const struct fl_hist_event_field *f)
{
	uint64_t at = f->is_common ? f->offset : (uint64_t)w->base + f->offset, v = 0;
	unsigned int unused = 64 - 8 * f->size;

	if (f->size == 0 || f->size > 8 || !is_within(w, at, f->size))
		return number(0);
	memcpy(&v, w->rec->data + at, f->size);
	v = le64toh(v);
	return number(f->is_signed && unused ? (uint64_t)((int64_t)(v << unused) >> unused) : v);
}

static struct fl_count_value field(const struct work *w, const struct fl_hist_event_field *f)
{
	uint64_t at;

	switch (f->kind) {
	case FL_HF_STATIC_STRING: /* "char buf[]" of the event "print" ends with the record */
		at = (uint64_t)w->base + f->offset;
		return text_at(w, at, f->size || at > w->rec->size ? f->size : w->rec->size - at);
	case FL_HF_DYN_STRING:
	case FL_HF_RDYN_STRING:
	case FL_HF_STACK:
		return dynamic(w, f);
	case FL_HF_COMM:
		return (struct fl_count_value){ .text = w->rec->comm };
	case FL_HF_CPU:
		return number(w->rec->cpu);
	case FL_HF_PTR_STRING:
	case FL_HF_NUMBER:
		break;
	}
	return plain(w, f);
}

static uint64_t log2_of(uint64_t v)
{
	return v < 2 ? 0 : 64 - (uint64_t)__builtin_clzll(v - 1);
}

static struct fl_count_value value(struct work *w, const struct fl_hist_value *v, unsigned int depth)
{
	uint64_t a, b;

	if (!v || depth > DEPTH_MAX)
		return number(0);
	if (v->flags & FL_HV_REF)
		return w->ref[v->slot];
	if (v->flags & FL_HV_ALIAS)
		return value(w, v->operand[0], depth + 1);
	if (v->flags & FL_HV_EXPR) {
		a = value(w, v->operand[0], depth + 1).number;
		b = v->op == 'n' ? 0 : value(w, v->operand[1], depth + 1).number;
		return number(fl_hist_operate(v, a, b));
	}
	if (v->flags & FL_HV_LOG2)
		return number(log2_of(value(w, v->operand[0], depth + 1).number));
	if (v->flags & FL_HV_BUCKET) {
		a = value(w, v->operand[0], depth + 1).number;
		return number(v->bucket ? a / v->bucket * v->bucket : a);
	}
	if (v->flags & FL_HV_CONST)
		return number(v->constant);
	if (v->flags & FL_HV_TIME)
		return number(w->t->attrs.usecs ? w->rec->time / 1000 : w->rec->time);
	if (v->flags & FL_HV_CPU)
		return number(w->rec->cpu);
	if (v->flags & FL_HV_HITCOUNT)
		return number(1);
	if (v->flags & FL_HV_COMM || (v->flags & FL_HV_EXECNAME && v->flags & FL_HV_STRING_))
		return (struct fl_count_value){ .text = w->rec->comm };
	if (v->flags & FL_HV_STACK && !v->field)
		return text(w->rec->frames, FL_MIN(w->rec->nr_frames, (size_t)FL_HV_FRAMES) * 8);
	return v->field ? field(w, v->field) : number(0);
}

struct fl_count_value count_value(struct work *w, const struct fl_hist_value *v)
{
	return value(w, v, 0);
}
