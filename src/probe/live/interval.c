/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/live/interval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

static int copy(const struct fl_hist_table *from, struct fl_hist_table *ret)
{
	size_t size = from->hist->key_size;
	struct fl_hist_table t = *from;

	t.seen = NULL; /* what was seen is no sum: nothing is taken off it */
	t.entries = calloc(t.n + 1, sizeof(*t.entries));
	t.keys = malloc(t.n * size + 1);
	if (!t.entries || !t.keys) {
		fl_hist_table_fini(&t);
		return -ENOMEM;
	}
	for (size_t i = 0; i < t.n; i++) {
		t.entries[i] = from->entries[i];
		t.entries[i].seen = NULL;
		memcpy(t.keys + i * size, from->entries[i].key, size);
		t.entries[i].key = t.keys + i * size;
	}
	*ret = t;
	return 0;
}

static int index_keys(const struct fl_hist_table *t, struct fl_map *ret)
{
	for (size_t i = 0; i < t->n; i++) {
		struct fl_str key = fl_str_n((const char *)t->entries[i].key, t->hist->key_size);
		struct fl_map_entry *e = fl_map_put(ret, key, NULL);

		if (!e)
			return -ENOMEM;
		e->num = i;
	}
	return 0;
}

static void subtract(struct fl_hist_entry *e, const struct fl_hist_entry *before)
{
	e->hits -= before->hits;
	for (size_t k = 0; k < FL_HIST_MAX_VALS; k++)
		e->sums[k] -= before->sums[k];
}

int fl_hist_since(struct fl_hist_table *now, struct fl_hist_table *before)
{
	_cleanup_map_ struct fl_map keys = {};
	struct fl_hist_table whole = {};
	size_t n = 0;
	int r = copy(now, &whole);

	if (r == 0)
		r = index_keys(before, &keys);
	for (size_t i = 0; r == 0 && i < now->n; i++) {
		struct fl_str key = fl_str_n((const char *)now->entries[i].key, now->hist->key_size);
		const struct fl_map_entry *e = fl_map_get(&keys, key);

		if (e)
			subtract(&now->entries[i], &before->entries[e->num]);
		if (now->entries[i].hits)
			now->entries[n++] = now->entries[i];
	}
	if (r < 0) {
		fl_hist_table_fini(&whole);
		return r;
	}
	now->n = n;
	now->hits -= before->hits;
	now->dropped -= before->dropped;
	fl_hist_table_sort(now);
	fl_hist_table_fini(before);
	*before = whole;
	return 0;
}
