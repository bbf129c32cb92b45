/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/live/hist-map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/sys.h"

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
		fl_hist_table_sort(&t);
	free(key);
	free(values);
	if (r < 0)
		fl_hist_table_fini(&t);
	else
		*ret = t;
	return r;
}

int fl_hist_map_seen(int map, struct fl_hist_table *t)
{
	size_t size = t->hist->seen.size;

	t->seen = calloc(t->n + 1, size);
	if (!t->seen)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		t->entries[i].seen = t->seen + i * size;
		if (fl_bpf_map_lookup(map, t->entries[i].key, t->seen + i * size) < 0)
			memset(t->seen + i * size, 0, size);
	}
	return 0;
}
