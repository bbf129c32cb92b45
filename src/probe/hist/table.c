/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/hist/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

void fl_hist_table_fini(struct fl_hist_table *t)
{
	free(t->entries);
	free(t->keys);
	free(t->seen);
	*t = (struct fl_hist_table){};
}

uint64_t fl_hist_key(const struct fl_hist_field *f, const struct fl_hist_entry *e)
{
	uint64_t v;

	memcpy(&v, e->key + f->offset, sizeof(v));
	return v;
}

static uint64_t sort_value(const struct fl_hist *h, const struct fl_hist_sort *s,
			   const struct fl_hist_entry *e)
{
	if (s->field < 0)
		return e->hits;
	if (s->field < FL_HIST_MAX_VALS)
		return e->sums[s->field];
	return fl_hist_key(&h->keys[s->field - FL_HIST_MAX_VALS], e);
}

static int compare_by(const struct fl_hist *h, const struct fl_hist_sort *s,
		      const struct fl_hist_entry *a, const struct fl_hist_entry *b)
{
	const struct fl_hist_field *key = s->field >= FL_HIST_MAX_VALS
						  ? &h->keys[s->field - FL_HIST_MAX_VALS] : NULL;
	int r;

	if (key && key->size > 8) {
		r = memcmp(a->key + key->offset, b->key + key->offset, key->size);
	} else {
		uint64_t x = sort_value(h, s, a), y = sort_value(h, s, b);
		bool less = key && key->is_signed ? (int64_t)x < (int64_t)y : x < y;

		r = x == y ? 0 : less ? -1 : 1;
	}
	return s->descending ? -r : r;
}

static int compare(const void *a, const void *b, void *hist)
{
	const struct fl_hist_entry *x = a, *y = b;
	const struct fl_hist *h = hist;
	int r = 0;

	for (size_t i = 0; i < h->nr_sort && r == 0; i++)
		r = compare_by(h, &h->sort[i], x, y);
	return r ? r : memcmp(x->key, y->key, h->key_size); /* the same order each time */
}

static struct fl_hist_whole whole_of(const struct fl_hist_table *t, size_t val)
{
	struct fl_hist_whole w = {};

	for (size_t i = 0; i < t->n; i++) {
		w.most = FL_MAX(w.most, t->entries[i].sums[val]);
		w.all += t->entries[i].sums[val];
	}
	return w;
}

void fl_hist_table_sort(struct fl_hist_table *t)
{
	for (size_t i = 0; i < t->hist->nr_vals; i++)
		t->whole[i] = whole_of(t, i);
	if (t->n)
		qsort_r(t->entries, t->n, sizeof(*t->entries), compare, (void *)t->hist);
}

static int compare_keys(const void *a, const void *b, void *hist)
{
	const struct fl_hist_entry *x = a, *y = b;
	const struct fl_hist *h = hist;

	return memcmp(x->key, y->key, h->key_size);
}

void fl_hist_table_merge(struct fl_hist_table *t)
{
	struct fl_hist_entry *e = t->entries;
	size_t n = 0;

	if (!t->n)
		return;
	qsort_r(e, t->n, sizeof(*e), compare_keys, (void *)t->hist);
	for (size_t i = 1; i < t->n; i++) {
		if (memcmp(e[n].key, e[i].key, t->hist->key_size)) {
			e[++n] = e[i];
			continue;
		}
		e[n].hits += e[i].hits;
		for (size_t k = 0; k < t->hist->nr_vals; k++)
			e[n].sums[k] += e[i].sums[k];
	}
	t->n = n + 1;
	fl_hist_table_sort(t);
}

bool fl_hist_hundredths(uint64_t part, uint64_t all, unsigned int *ret)
{
	bool small = part < UINT64_MAX / 10000;

	all = small ? all : all / 10000;
	if (!all && part)
		return false;
	*ret = all ? (unsigned int)(small ? part * 10000 / all : part / all) : 0;
	return true;
}
