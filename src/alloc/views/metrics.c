/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/views/metrics.h"

#include <stdlib.h>

#include "base/buf.h"

static int by_labels(const void *x, const void *y)
{
	const struct fl_alloc_record *a = x, *b = y;
	int r = fl_str_cmp(a->file, b->file);

	if (r == 0)
		r = (a->line > b->line) - (a->line < b->line);
	if (r == 0)
		r = fl_str_cmp(a->module, b->module);
	return r ? r : fl_str_cmp(a->function, b->function);
}

static int by_size(const void *x, const void *y)
{
	const struct fl_alloc_record *a = x, *b = y;

	return a->bytes != b->bytes ? (a->bytes > b->bytes ? -1 : 1) : by_labels(x, y);
}

static void sum_labels(struct fl_alloc_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (n && by_labels(&set->v[n - 1], &set->v[i]) == 0) {
			set->v[n - 1].bytes = (int64_t)((uint64_t)set->v[n - 1].bytes + (uint64_t)set->v[i].bytes);
			set->v[n - 1].calls += set->v[i].calls;
		} else {
			set->v[n++] = set->v[i];
		}
	}
	set->n = n;
}

static void add_site(const struct fl_alloc_record *r, struct fl_metrics *m)
{
	_cleanup_labels_ struct fl_labels labels = {};
	_cleanup_buf_ struct fl_buf line = {};

	fl_buf_add_u64(&line, r->line);
	fl_labels_add(&labels, FL_STR("file"), r->file);
	fl_labels_add(&labels, FL_STR("line"), fl_buf_str(&line));
	fl_labels_add(&labels, FL_STR("module"), r->module);
	fl_labels_add(&labels, FL_STR("function"), r->function);
	fl_metrics_add(m, FL_METRIC_ALLOC_BYTES, &labels, FL_S64(r->bytes));
	fl_metrics_add(m, FL_METRIC_ALLOC_CALLS, &labels, FL_U64(r->calls));
}

void fl_alloc_metrics(struct fl_alloc_set *set, struct fl_metrics *m)
{
	if (!set->n)
		return;
	qsort(set->v, set->n, sizeof(*set->v), by_labels);
	sum_labels(set);
	qsort(set->v, set->n, sizeof(*set->v), by_size);
	for (size_t i = 0; i < set->n; i++)
		add_site(&set->v[i], m);
}
