/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "probe/output/stack.h"

static void name_event(const struct fl_record_schema *p, struct fl_metrics_of of, struct fl_labels *l)
{
	_cleanup_buf_ struct fl_buf nth = {};

	if (of.question.n)
		fl_labels_add(l, FL_STR("question"), of.question);
	fl_labels_add(l, FL_STR("group"), p->event->group);
	fl_labels_add(l, FL_STR("event"), p->event->event);
	if (!of.hist)
		return;
	fl_buf_add_u64(&nth, of.hist + 1);
	fl_labels_add(l, FL_STR("hist"), fl_buf_str(&nth));
}

void fl_totals_metrics(const struct fl_record_schema *p, const struct fl_totals *t, struct fl_metrics_of of,
		       uint64_t bytes, const struct fl_exemplar *last, struct fl_metrics *m)
{
	const struct {
		enum fl_metric family;
		uint64_t v;
	} rows[] = {
		{ FL_METRIC_HITS, t->hits },	     { FL_METRIC_RECORDS, t->records },
		{ FL_METRIC_FILTERED, t->filtered }, { FL_METRIC_LOST, t->lost },
		{ FL_METRIC_UNPAIRED, t->unpaired }, { FL_METRIC_OVER_BUDGET, t->over_budget },
		{ FL_METRIC_MISSED, t->missed + t->missed_together },
		{ FL_METRIC_FAULTS, t->faults },
		{ FL_METRIC_BYTES, bytes },
	};
	_cleanup_labels_ struct fl_labels labels = {};

	name_event(p, of, &labels);
	for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++) {
		struct fl_series *s = fl_metrics_add(m, rows[i].family, &labels, FL_U64(rows[i].v));

		if (s && last && rows[i].family == FL_METRIC_RECORDS)
			s->exemplar = *last;
	}
}

/* ---- keys ---- */

/* The outermost first, as folded stacks have them. */
static void add_stack(const struct fl_hist_field *f, const struct fl_hist_entry *e, struct fl_symbols *symbols,
		      struct fl_buf *out)
{
	struct fl_stack s = { .frames = e->key + f->offset };

	while (s.n < FL_HIST_FRAMES && fl_stack_frame(&s, s.n))
		s.n++;
	for (size_t i = s.n; i-- > 0;) {
		fl_buf_add_str(out, fl_symbols_name(symbols, fl_stack_frame(&s, i)));
		if (i)
			fl_buf_addc(out, ';');
	}
}

static void key_text(const struct fl_hist_field *f, const struct fl_hist_entry *e, struct fl_symbols *symbols,
		     struct fl_buf *out)
{
	const char *z = (const char *)e->key + f->offset;
	uint64_t v = f->is_string || f->source == FL_HIST_STACK ? 0 : fl_hist_key(f, e);

	if (f->source == FL_HIST_STACK)
		add_stack(f, e, symbols, out);
	else if (f->is_string)
		fl_buf_add(out, z, strnlen(z, f->size));
	else if (f->modifier == FL_HIST_SYM)
		fl_buf_add_str(out, fl_symbols_name(symbols, v));
	else if (f->modifier == FL_HIST_SYM_OFFSET)
		fl_buf_add_str(out, fl_symbols_at(symbols, v));
	else if (f->modifier == FL_HIST_HEX)
		fl_buf_add_hex(out, v);
	else if (f->modifier == FL_HIST_LOG2)
		fl_buf_add_u64(out, v < 64 ? 1ull << v : UINT64_MAX);
	else if (f->is_signed)
		fl_buf_add_s64(out, (int64_t)v);
	else
		fl_buf_add_u64(out, v);
}

static void add_key(const struct fl_hist_field *f, const struct fl_hist_entry *e, struct fl_symbols *symbols,
		    struct fl_labels *l)
{
	_cleanup_buf_ struct fl_buf text = {};

	key_text(f, e, symbols, &text);
	fl_labels_add(l, f->name, fl_buf_str(&text));
	if (f->modifier == FL_HIST_EXECNAME && fl_hist_key(f, e))
		fl_labels_add(l, FL_STR("comm"), fl_str_n(e->comm, strnlen(e->comm, sizeof(e->comm))));
	else if (f->modifier == FL_HIST_EXECNAME)
		fl_labels_add(l, FL_STR("comm"), FL_STR("<idle>"));
}

/* ---- entries ---- */

struct job {
	const struct fl_record_schema *schema;
	const struct fl_hist *hist;
	struct fl_metrics_of of;
	const struct fl_hist_field *cut; /* the key that becomes bounds; NULL: none */
	struct fl_symbols *symbols;
	struct fl_metrics *m;
};

static void name_entry(const struct job *j, const struct fl_hist_entry *e, struct fl_labels *l)
{
	name_event(j->schema, j->of, l);
	for (size_t k = 0; k < j->hist->nr_keys; k++)
		if (&j->hist->keys[k] != j->cut)
			add_key(&j->hist->keys[k], e, j->symbols, l);
}

static void add_sums(const struct job *j, const struct fl_hist_entry *e, const struct fl_labels *base)
{
	for (size_t i = 0; i < j->hist->nr_vals; i++) {
		_cleanup_labels_ struct fl_labels labels = {};
		bool is_signed = j->hist->vals[i].is_signed;

		for (size_t k = 0; k < base->n; k++)
			fl_labels_add(&labels, base->v[k].name, base->v[k].value);
		fl_labels_add(&labels, FL_STR("value"), j->hist->vals[i].name);
		fl_metrics_add(j->m, is_signed ? FL_METRIC_HIST_SIGNED : FL_METRIC_HIST_SUM, &labels,
			       is_signed ? FL_S64((int64_t)e->sums[i]) : FL_U64(e->sums[i]));
	}
}

static int by_hits(const void *a, const void *b)
{
	const struct fl_hist_entry *x = *(const struct fl_hist_entry *const *)a;
	const struct fl_hist_entry *y = *(const struct fl_hist_entry *const *)b;

	if (x->hits != y->hits)
		return x->hits > y->hits ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void add_entries(const struct job *j, const struct fl_hist_entry **list, size_t n)
{
	qsort(list, n, sizeof(struct fl_hist_entry *), by_hits);
	for (size_t i = 0; i < n; i++) {
		_cleanup_labels_ struct fl_labels labels = {};

		name_entry(j, list[i], &labels);
		fl_metrics_add(j->m, FL_METRIC_HIST_HITS, &labels, FL_U64(list[i]->hits));
		add_sums(j, list[i], &labels);
	}
}

/* ---- distributions ---- */

/* What a key holds is the power that the value is at most, or where its bucket begins. */
static bool bound_of(const struct fl_hist_field *f, uint64_t key, uint64_t *ret)
{
	if (f->modifier == FL_HIST_LOG2) {
		*ret = key < 64 ? 1ull << key : 0;
		return key < 64;
	}
	return !__builtin_add_overflow(key, f->bucket - 1, ret);
}

static bool same_but_for(const struct job *j, const struct fl_hist_entry *a, const struct fl_hist_entry *b)
{
	for (size_t k = 0; k < j->hist->nr_keys; k++) {
		const struct fl_hist_field *f = &j->hist->keys[k];

		if (f != j->cut && memcmp(a->key + f->offset, b->key + f->offset, f->size) != 0)
			return false;
	}
	return true;
}

static int by_rest(const void *a, const void *b, void *ctx)
{
	const struct fl_hist_entry *x = *(const struct fl_hist_entry *const *)a;
	const struct fl_hist_entry *y = *(const struct fl_hist_entry *const *)b;
	const struct job *j = ctx;
	uint64_t v, w;

	for (size_t k = 0; k < j->hist->nr_keys; k++) {
		const struct fl_hist_field *f = &j->hist->keys[k];
		int r = f == j->cut ? 0 : memcmp(x->key + f->offset, y->key + f->offset, f->size);

		if (r)
			return r;
	}
	v = fl_hist_key(j->cut, x);
	w = fl_hist_key(j->cut, y);
	return v < w ? -1 : v > w;
}

/* A value of the same name as the key is the sum of what was cut. */
static void add_sum(const struct job *j, const struct fl_hist_entry *e, struct fl_distribution *d)
{
	for (size_t i = 0; i < j->hist->nr_vals; i++) {
		if (!fl_str_eq(j->hist->vals[i].name, j->cut->name) || j->hist->vals[i].is_signed)
			continue;
		d->has_sum = true;
		d->sum += e->sums[i];
	}
}

static void add_bucket(const struct job *j, const struct fl_hist_entry *e, struct fl_distribution *d)
{
	uint64_t bound;

	add_sum(j, e, d);
	if (!bound_of(j->cut, fl_hist_key(j->cut, e), &bound))
		d->above += e->hits;
	else if (d->n && d->buckets[d->n - 1].bound == bound)
		d->buckets[d->n - 1].count += e->hits;
	else
		d->buckets[d->n++] = (struct fl_metric_bucket){ bound, e->hits };
}

struct part {
	const struct fl_hist_entry *first;
	struct fl_distribution d;
	uint64_t hits;
};

static int by_part(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->hits > y->hits ? -1 : x->hits < y->hits;
}

/* @parts and @buckets have room for as many as there are entries. */
static void add_distributions(const struct job *j, const struct fl_hist_entry **list, size_t n, struct part *parts,
			      struct fl_metric_bucket *buckets)
{
	size_t nr = 0;

	qsort_r(list, n, sizeof(struct fl_hist_entry *), by_rest, (void *)j);
	for (size_t i = 0; i < n; i++) {
		if (!nr || !same_but_for(j, parts[nr - 1].first, list[i]))
			parts[nr++] = (struct part){
				list[i], { .buckets = &buckets[i], .is_log2 = j->cut->modifier == FL_HIST_LOG2 }, 0,
			};
		add_bucket(j, list[i], &parts[nr - 1].d);
		parts[nr - 1].hits += list[i]->hits;
	}
	qsort(parts, nr, sizeof(*parts), by_part);
	for (size_t i = 0; i < nr; i++) {
		_cleanup_labels_ struct fl_labels labels = {};

		name_entry(j, parts[i].first, &labels);
		fl_metrics_distribution(j->m, FL_METRIC_HIST, &labels, &parts[i].d);
	}
}

/* One key that is cut, and numbers without a sign: where there are two, a bound would be of either. */
static const struct fl_hist_field *cut_key(const struct fl_hist *h)
{
	const struct fl_hist_field *found = NULL;

	for (size_t k = 0; k < h->nr_keys; k++) {
		const struct fl_hist_field *f = &h->keys[k];

		if (f->modifier != FL_HIST_LOG2 && f->modifier != FL_HIST_BUCKETS)
			continue;
		if (found || (f->modifier == FL_HIST_BUCKETS && f->is_signed))
			return NULL;
		found = f;
	}
	return found;
}

static void add_dropped(const struct job *j, uint64_t dropped)
{
	_cleanup_labels_ struct fl_labels labels = {};

	name_event(j->schema, j->of, &labels);
	fl_metrics_add(j->m, FL_METRIC_HIST_DROPPED, &labels, FL_U64(dropped));
}

int fl_hist_metrics(const struct fl_record_schema *p, const struct fl_hist_table *t, struct fl_metrics_of of,
		    struct fl_symbols *symbols, struct fl_metrics *m)
{
	struct job j = { p, t->hist, of, cut_key(t->hist), symbols, m };
	_cleanup_free_ const struct fl_hist_entry **list = calloc(t->n + 1, sizeof(struct fl_hist_entry *));
	_cleanup_free_ struct part *parts = j.cut ? calloc(t->n + 1, sizeof(*parts)) : NULL;
	_cleanup_free_ struct fl_metric_bucket *buckets = j.cut ? calloc(t->n + 1, sizeof(*buckets)) : NULL;

	if (!list || (j.cut && (!parts || !buckets)))
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		list[i] = &t->entries[i];
	if (j.cut)
		add_distributions(&j, list, t->n, parts, buckets);
	else
		add_entries(&j, list, t->n);
	add_dropped(&j, t->dropped);
	return 0;
}
