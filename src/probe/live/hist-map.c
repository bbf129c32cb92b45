/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/live/hist-map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/sys.h"

void fl_hist_table_fini(struct fl_hist_table *t)
{
	free(t->entries);
	free(t->keys);
	*t = (struct fl_hist_table){};
}

/* The kernel hands out one value a CPU, each rounded up to 8 bytes. */
static void sum(const struct fl_hist *h, const uint8_t *values, int cpus, struct fl_hist_entry *e)
{
	size_t stride = (h->value_size + 7u) / 8 * 8;

	for (int cpu = 0; cpu < cpus; cpu++) {
		const uint8_t *v = values + (size_t)cpu * stride;
		uint64_t n;

		memcpy(&n, v, 8);
		e->hits += n;
		if (n && h->execname && !e->comm[0])
			memcpy(e->comm, v + h->value_size - FL_COMM_LEN, FL_COMM_LEN);
		for (size_t i = 0; i < h->nr_vals; i++) {
			memcpy(&n, v + h->vals[i].offset, 8);
			e->sums[i] += n;
		}
	}
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

static void sort(struct fl_hist_table *t)
{
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
	sort(t);
}

static int add_entry(struct fl_hist_table *t, size_t *cap, const uint8_t *key)
{
	const struct fl_hist *h = t->hist;

	if (t->n == *cap) {
		size_t want = *cap ? *cap * 2 : 64;
		void *entries = reallocarray(t->entries, want, sizeof(*t->entries));
		void *keys;

		if (!entries)
			return -ENOMEM;
		t->entries = entries;
		keys = reallocarray(t->keys, want, h->key_size);
		if (!keys)
			return -ENOMEM;
		t->keys = keys;
		*cap = want;
	}
	memcpy(t->keys + t->n * h->key_size, key, h->key_size);
	t->entries[t->n++] = (struct fl_hist_entry){};
	return 0;
}

int fl_hist_map_read(int map, const struct fl_hist *h, struct fl_hist_table *ret)
{
	int cpus = fl_bpf_possible_cpus(), r = 0;
	struct fl_hist_table t = { .hist = h };
	uint8_t *key = calloc(2, h->key_size), *values;
	const void *last = NULL;
	size_t cap = 0;

	values = cpus > 0 ? calloc((size_t)cpus, (h->value_size + 7u) / 8 * 8) : NULL;
	if (!key || !values)
		r = -ENOMEM;
	while (r == 0 && fl_bpf_map_next_key(map, last, key) == 0) {
		memcpy(key + h->key_size, key, h->key_size);
		last = key + h->key_size;
		if (fl_bpf_map_lookup(map, key, values) < 0)
			continue;
		r = add_entry(&t, &cap, key);
		if (r == 0)
			sum(h, values, cpus, &t.entries[t.n - 1]);
	}
	for (size_t i = 0; r == 0 && i < t.n; i++) {
		t.entries[i].key = t.keys + i * h->key_size;
		t.hits += t.entries[i].hits;
	}
	if (r == 0)
		sort(&t);
	free(key);
	free(values);
	if (r < 0)
		fl_hist_table_fini(&t);
	else
		*ret = t;
	return r;
}

uint64_t fl_hist_map_hits(int map, const struct fl_hist *h)
{
	struct fl_hist_table t = {};
	uint64_t hits;

	if (map < 0 || fl_hist_map_read(map, h, &t) < 0)
		return 0;
	hits = t.hits;
	fl_hist_table_fini(&t);
	return hits;
}
