/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both sets are sorted by (module, file, function, line), which makes each "family" - the tags of
 * one function in one file of one module - a run in both. Two runs are merged: equal lines pair up
 * first; then what is left over on either side is paired in order. Several tags may even share a
 * line (a macro that allocates twice): they pair up in the order they have.
 */
#include "alloc/views/diff.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

struct pairing {
	const struct fl_alloc_record **a, **b; /* sorted */
	size_t na, nb;
	struct fl_alloc_change *out;
	size_t n;
};

static int family(const struct fl_alloc_record *a, const struct fl_alloc_record *b)
{
	int r = fl_str_cmp(a->module, b->module);

	if (r == 0)
		r = fl_str_cmp(a->file, b->file);
	return r ? r : fl_str_cmp(a->function, b->function);
}

static int compare(const void *x, const void *y)
{
	const struct fl_alloc_record *a = *(const struct fl_alloc_record *const *)x;
	const struct fl_alloc_record *b = *(const struct fl_alloc_record *const *)y;
	int r = family(a, b);

	if (r == 0)
		r = (a->line > b->line) - (a->line < b->line);
	return r ? r : (a > b) - (a < b);
}

static const struct fl_alloc_record **sorted(const struct fl_alloc_set *set)
{
	const struct fl_alloc_record **v = reallocarray(NULL, set->n + 1, sizeof(void *));

	if (!v)
		return NULL;
	for (size_t i = 0; i < set->n; i++)
		v[i] = &set->v[i];
	qsort(v, set->n, sizeof(*v), compare);
	return v;
}

static void emit(struct pairing *p, const struct fl_alloc_record *before,
		 const struct fl_alloc_record *after)
{
	uint64_t bytes = (after ? (uint64_t)after->bytes : 0) -
			 (before ? (uint64_t)before->bytes : 0);
	uint64_t calls = (after ? after->calls : 0) - (before ? before->calls : 0);

	p->out[p->n++] = (struct fl_alloc_change){ before, after, (int64_t)bytes, (int64_t)calls };
}

static size_t run(const struct fl_alloc_record **v, size_t n, size_t from)
{
	size_t end = from + 1;

	while (end < n && family(v[from], v[end]) == 0)
		end++;
	return end;
}

/* Pairs equal lines of two runs; what is left over is moved to each run's front. */
static void pair_lines(struct pairing *p, const struct fl_alloc_record **a, size_t *na,
		       const struct fl_alloc_record **b, size_t *nb)
{
	size_t i = 0, j = 0, left_a = 0, left_b = 0;

	while (i < *na && j < *nb) {
		if (a[i]->line == b[j]->line)
			emit(p, a[i++], b[j++]);
		else if (a[i]->line < b[j]->line)
			a[left_a++] = a[i++];
		else
			b[left_b++] = b[j++];
	}
	while (i < *na)
		a[left_a++] = a[i++];
	while (j < *nb)
		b[left_b++] = b[j++];
	*na = left_a;
	*nb = left_b;
}

static void pair_families(struct pairing *p, const struct fl_alloc_record **a, size_t na,
			  const struct fl_alloc_record **b, size_t nb)
{
	pair_lines(p, a, &na, b, &nb);
	for (size_t i = 0; i < FL_MAX(na, nb); i++)
		emit(p, i < na ? a[i] : NULL, i < nb ? b[i] : NULL);
}

static void pair_all(struct pairing *p)
{
	size_t i = 0, j = 0;

	while (i < p->na || j < p->nb) {
		size_t end_a = i < p->na ? run(p->a, p->na, i) : i;
		size_t end_b = j < p->nb ? run(p->b, p->nb, j) : j;
		int order = end_a == i ? 1 : end_b == j ? -1 : family(p->a[i], p->b[j]);

		if (order < 0)
			end_b = j;
		else if (order > 0)
			end_a = i;
		pair_families(p, p->a + i, end_a - i, p->b + j, end_b - j);
		i = end_a;
		j = end_b;
	}
}

int fl_alloc_diff(const struct fl_alloc_set *before, const struct fl_alloc_set *after,
		  struct fl_alloc_change **ret, size_t *ret_n)
{
	_cleanup_free_ const struct fl_alloc_record **a = sorted(before);
	_cleanup_free_ const struct fl_alloc_record **b = sorted(after);
	struct pairing p = { .a = a, .b = b, .na = before->n, .nb = after->n };

	p.out = reallocarray(NULL, before->n + after->n + 1, sizeof(*p.out));
	if (!a || !b || !p.out) {
		free(p.out);
		return -ENOMEM;
	}
	pair_all(&p);
	*ret = p.out;
	*ret_n = p.n;
	return 0;
}

static bool wanted(const struct fl_alloc_change *c, const struct fl_alloc_filter *f, bool all)
{
	if (!all && c->bytes == 0 && c->calls == 0)
		return false;
	return (c->after && fl_alloc_filter_match(f, c->after)) ||
	       (c->before && fl_alloc_filter_match(f, c->before));
}

static int by_growth(const void *x, const void *y, void *order)
{
	const struct fl_alloc_order *o = order;
	const struct fl_alloc_change *a = x, *b = y;
	int bytes = (a->bytes < b->bytes) - (a->bytes > b->bytes);
	int calls = (a->calls < b->calls) - (a->calls > b->calls);
	int r = o->key == FL_ALLOC_BY_BYTES ? bytes : o->key == FL_ALLOC_BY_CALLS ? calls : 0;

	if (r)
		return o->reverse ? -r : r;
	return fl_alloc_compare(o, a->after ? a->after : a->before, b->after ? b->after : b->before);
}

void fl_alloc_changes_select(struct fl_alloc_change *v, size_t *n, const struct fl_alloc_filter *f,
			     const struct fl_alloc_order *o, bool all)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (wanted(&v[i], f, all))
			v[kept++] = v[i];
	*n = kept;
	qsort_r(v, kept, sizeof(*v), by_growth, (void *)o);
}
