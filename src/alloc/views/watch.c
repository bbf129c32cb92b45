/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/views/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "alloc/views/render.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/util.h"

void fl_alloc_watch_fini(struct fl_alloc_watch *w)
{
	fl_map_fini(&w->by_tag);
	free(w->v);
	fl_arena_fini(&w->arena);
	*w = (struct fl_alloc_watch){};
}

/* What makes a tag the same one: bytes that cannot be confused with another's. */
static struct fl_str own_copy(struct fl_alloc_watch *w, struct fl_str s)
{
	return s.p ? fl_str_n(fl_arena_dup(&w->arena, s), s.n) : s;
}

static struct fl_alloc_track *new_track(struct fl_alloc_watch *w, const struct fl_alloc_record *r)
{
	struct fl_alloc_track *t = FL_ARENA_NEW(&w->arena, struct fl_alloc_track);

	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 256;
		struct fl_alloc_track **v = reallocarray(w->v, cap, sizeof(*v));

		if (!v)
			return NULL;
		w->v = v;
		w->cap = cap;
	}
	if (!t)
		return NULL;
	t->now = *r;
	t->now.module = own_copy(w, r->module);
	t->now.file = own_copy(w, r->file);
	t->now.function = own_copy(w, r->function);
	t->now.extra = (struct fl_str){};
	t->now.more = NULL; /* lives as long as the look that it came with */
	if (w->looks == 0) {
		t->first_bytes = r->bytes;
		t->first_calls = (int64_t)r->calls;
	} else {
		t->now.bytes = 0;
		t->now.calls = 0;
	}
	w->v[w->n++] = t;
	return t;
}

static void move(struct fl_alloc_track *t, int64_t bytes, uint64_t calls)
{
	double change = (double)bytes - (double)t->now.bytes;

	t->rises += change > 0;
	t->falls += change < 0;
	t->variation += change < 0 ? -change : change;
	t->now.bytes = bytes;
	t->now.calls = calls;
}

/* Of tags with the same key (a macro that allocates twice in a line) the last one is looked at. */
static int look_at(struct fl_alloc_watch *w, const struct fl_alloc_record *r, struct fl_buf *key)
{
	struct fl_map_entry *e;
	struct fl_str own;

	fl_buf_reset(key);
	fl_alloc_add_place(key, r);
	if (key->error)
		return key->error;
	e = fl_map_get(&w->by_tag, fl_buf_str(key));
	if (!e) {
		own = fl_str_n(fl_arena_dup(&w->arena, fl_buf_str(key)), key->len);
		e = own.p ? fl_map_put(&w->by_tag, own, NULL) : NULL;
		if (!e)
			return -ENOMEM;
		e->ptr = new_track(w, r);
	}
	if (!e->ptr)
		return -ENOMEM;
	move(e->ptr, r->bytes, r->calls);
	((struct fl_alloc_track *)e->ptr)->seen = w->looks;
	return 0;
}

int fl_alloc_watch_add(struct fl_alloc_watch *w, const struct fl_alloc_set *set)
{
	_cleanup_buf_ struct fl_buf key = {};
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->n; i++)
		r = look_at(w, &set->v[i], &key);
	for (size_t i = 0; r == 0 && i < w->n; i++)
		if (w->v[i]->seen != w->looks)
			move(w->v[i], 0, 0);
	w->looks++;
	return r;
}

const struct fl_alloc_track *fl_alloc_watch_find(const struct fl_alloc_watch *w,
						 const struct fl_alloc_record *r)
{
	_cleanup_buf_ struct fl_buf key = {};
	struct fl_map_entry *e;

	fl_alloc_add_place(&key, r);
	e = fl_map_get(&w->by_tag, fl_buf_str(&key));
	return e ? e->ptr : NULL;
}

double fl_alloc_leak_score(const struct fl_alloc_track *t)
{
	double growth = (double)t->now.bytes - (double)t->first_bytes, doubt = 1;

	if (growth <= 0 || t->variation <= 0)
		return 0;
	for (uint64_t i = 0; i < t->rises && i < 30; i++)
		doubt /= 2;
	return 100 * growth / t->variation * (1 - doubt);
}

static int in_order(const void *x, const void *y, void *order)
{
	const struct fl_alloc_track *a = *(struct fl_alloc_track *const *)x;
	const struct fl_alloc_track *b = *(struct fl_alloc_track *const *)y;
	double sa = fl_alloc_leak_score(a), sb = fl_alloc_leak_score(b);
	int64_t ga = a->now.bytes - a->first_bytes, gb = b->now.bytes - b->first_bytes;

	if (order)
		return fl_alloc_compare(order, &a->now, &b->now);
	if (sa != sb)
		return sa < sb ? 1 : -1;
	return (ga < gb) - (ga > gb);
}

void fl_alloc_watch_rank(struct fl_alloc_watch *w, const struct fl_alloc_order *order)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		if (w->v[i]->now.bytes > w->v[i]->first_bytes)
			w->v[n++] = w->v[i];
	w->n = n;
	if (n)
		qsort_r(w->v, n, sizeof(struct fl_alloc_track *), in_order, (void *)order);
}

static int64_t rate(int64_t growth, double seconds)
{
	return seconds > 0 ? (int64_t)((double)growth / seconds) : 0;
}

int fl_alloc_render_watch(const struct fl_alloc_watch *w, size_t limit, double seconds, bool raw,
			  struct fl_buf *out)
{
	static const struct fl_column columns[] = {
		{ "LEAK", true },  { "GROWTH", true }, { "PER SECOND", true }, { "BYTES", true },
		{ "CALLS", true }, { "PLACE" },	       { "MODULE" },	       { "FUNCTION" },
	};
	_cleanup_(fl_alloc_cells_fini) struct fl_alloc_cells c = { .raw = raw };

	fl_table_init(&c.table, columns, FL_ARRAY_SIZE(columns));
	for (size_t i = 0; i < w->n && (!limit || i < limit); i++) {
		const struct fl_alloc_track *k = w->v[i];
		int64_t growth = k->now.bytes - k->first_bytes;

		fl_table_cellf(&c.table, "%.0f", fl_alloc_leak_score(k));
		fl_alloc_cell_bytes(&c, growth);
		fl_alloc_cell_bytes(&c, rate(growth, seconds));
		fl_alloc_cell_live(&c, &k->now);
		fl_alloc_cell_tag(&c, &k->now);
	}
	return fl_table_print(&c.table, out);
}

void fl_alloc_json_track(const struct fl_alloc_track *t, double seconds, struct fl_buf *out)
{
	int64_t growth = t->now.bytes - t->first_bytes;

	fl_json_open(out, NULL, '{');
	fl_alloc_json_members(&t->now, out);
	fl_json_s64(out, "bytes_growth", growth);
	fl_json_s64(out, "calls_growth", (int64_t)t->now.calls - t->first_calls);
	fl_json_s64(out, "bytes_per_second", rate(growth, seconds));
	fl_json_u64(out, "rises", t->rises);
	fl_json_u64(out, "falls", t->falls);
	fl_json_f64(out, "leak", fl_alloc_leak_score(t));
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

int fl_alloc_render_top(const struct fl_alloc_set *set, const struct fl_alloc_watch *w, bool raw,
			struct fl_buf *out)
{
	static const struct fl_column columns[] = {
		{ "BYTES", true }, { "CALLS", true }, { "AVG", true }, { "GROWTH", true },
		{ "PLACE" },	   { "MODULE" },      { "FUNCTION" },
	};
	_cleanup_(fl_alloc_cells_fini) struct fl_alloc_cells c = { .raw = raw };

	fl_table_init(&c.table, columns, FL_ARRAY_SIZE(columns));
	for (size_t i = 0; i < set->n; i++) {
		const struct fl_alloc_record *r = &set->v[i];
		const struct fl_alloc_track *k = fl_alloc_watch_find(w, r);

		fl_alloc_cell_live(&c, r);
		fl_alloc_cell_bytes(&c, fl_alloc_average(r->bytes, r->calls));
		fl_alloc_cell_bytes(&c, k ? k->now.bytes - k->first_bytes : 0);
		fl_alloc_cell_tag(&c, r);
	}
	return fl_table_print(&c.table, out);
}
