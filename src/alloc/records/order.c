/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/records/order.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

static const char *const key_names[_FL_ALLOC_KEY_MAX] = {
	[FL_ALLOC_BY_BYTES] = "bytes",	     [FL_ALLOC_BY_CALLS] = "calls",
	[FL_ALLOC_BY_AVERAGE] = "avg",	     [FL_ALLOC_BY_FILE] = "file",
	[FL_ALLOC_BY_FUNCTION] = "function", [FL_ALLOC_BY_MODULE] = "module",
	[FL_ALLOC_BY_PEAK] = "peak",	     [FL_ALLOC_BY_TOTAL] = "total",
};

int fl_alloc_order_parse(const char *text, struct fl_alloc_order *ret)
{
	bool reverse = text[0] == '-';
	struct fl_str name = fl_str(text + reverse);

	for (unsigned int i = 0; i < _FL_ALLOC_KEY_MAX; i++) {
		if (fl_str_is(name, key_names[i])) {
			*ret = (struct fl_alloc_order){ i, reverse };
			return 0;
		}
	}
	return -EINVAL;
}

static int down_s64(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

static int down_u64(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

/* Where it is not known a record has held, and allocated, at least what it holds. */
static int64_t peak(const struct fl_alloc_record *r)
{
	return r->more && r->more->has_peak ? r->more->peak_bytes : r->bytes;
}

static uint64_t total(const struct fl_alloc_record *r)
{
	return r->more && r->more->has_total ? r->more->total_bytes : (uint64_t)FL_MAX(r->bytes, 0);
}

static int by_key(enum fl_alloc_key key, const struct fl_alloc_record *a,
		  const struct fl_alloc_record *b)
{
	switch (key) {
	case FL_ALLOC_BY_BYTES:
		return down_s64(a->bytes, b->bytes);
	case FL_ALLOC_BY_CALLS:
		return down_u64(a->calls, b->calls);
	case FL_ALLOC_BY_AVERAGE:
		return down_s64(fl_alloc_average(a->bytes, a->calls),
				fl_alloc_average(b->bytes, b->calls));
	case FL_ALLOC_BY_FILE:
		return fl_str_cmp(a->file, b->file);
	case FL_ALLOC_BY_FUNCTION:
		return fl_str_cmp(a->function, b->function);
	case FL_ALLOC_BY_MODULE:
		return fl_str_cmp(a->module, b->module);
	case FL_ALLOC_BY_PEAK:
		return down_s64(peak(a), peak(b));
	case FL_ALLOC_BY_TOTAL:
		return down_u64(total(a), total(b));
	case _FL_ALLOC_KEY_MAX:
		break;
	}
	return 0;
}

static int tie(const struct fl_alloc_record *a, const struct fl_alloc_record *b)
{
	int r = down_s64(a->bytes, b->bytes);

	if (r == 0)
		r = fl_str_cmp(a->module, b->module);
	if (r == 0)
		r = fl_str_cmp(a->file, b->file);
	if (r == 0)
		r = -down_u64(a->line, b->line);
	return r ? r : fl_str_cmp(a->function, b->function);
}

int fl_alloc_compare(const struct fl_alloc_order *o, const struct fl_alloc_record *a,
		     const struct fl_alloc_record *b)
{
	int r = by_key(o->key, a, b);

	if (r == 0)
		return tie(a, b);
	return o->reverse ? -r : r;
}

static int compare(const void *a, const void *b, void *order)
{
	return fl_alloc_compare(order, a, b);
}

/* v[0..n) is a heap with its last record (in the order) on top: let v[i] sink. */
static void sink(struct fl_alloc_record *v, size_t n, size_t i, const struct fl_alloc_order *o)
{
	struct fl_alloc_record moved = v[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && fl_alloc_compare(o, &v[child + 1], &v[child]) > 0)
			child++;
		if (fl_alloc_compare(o, &v[child], &moved) <= 0)
			break;
		v[i] = v[child];
		i = child;
	}
	v[i] = moved;
}

void fl_alloc_sort(struct fl_alloc_set *set, const struct fl_alloc_order *o, size_t limit)
{
	struct fl_alloc_record *v = set->v;

	if (limit && limit < set->n) {
		for (size_t i = limit / 2; i-- > 0;)
			sink(v, limit, i, o);
		for (size_t i = limit; i < set->n; i++) {
			if (fl_alloc_compare(o, &v[i], &v[0]) < 0) {
				v[0] = v[i];
				sink(v, limit, 0, o);
			}
		}
		set->n = limit;
	}
	if (set->n)
		qsort_r(v, set->n, sizeof(*v), compare, (void *)o);
}
