/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc/views/merge.h"

#include <errno.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/util.h"

static void add_key(struct fl_buf *b, const struct fl_alloc_record *r)
{
	fl_buf_reset(b);
	fl_buf_add_u64(b, r->more ? (uint64_t)r->more->pid : 0);
	fl_buf_addc(b, '\0');
	fl_alloc_add_place(b, r);
	fl_buf_addc(b, '\0');
	fl_buf_add_str(b, r->extra);
}

static bool same_frame(const struct fl_alloc_frame *a, const struct fl_alloc_frame *b)
{
	return a->offset == b->offset && fl_str_eq(a->module, b->module) &&
	       fl_str_eq(a->function, b->function) && a->line == b->line;
}

/* @sum's own copy takes in what @one knows. */
static void add_more(struct fl_alloc_more *sum, const struct fl_alloc_more *one)
{
	uint32_t n = FL_MIN(sum->nr_stack, one->nr_stack), common = 0;

	while (common < n && same_frame(&sum->stack[common], &one->stack[common]))
		common++;
	sum->nr_stack = common;
	sum->total_bytes += one->total_bytes;
	sum->total_calls += one->total_calls;
	sum->has_total &= one->has_total;
	sum->has_peak = false;
}

static int add(struct fl_alloc_set *set, struct fl_alloc_record *sum,
	       const struct fl_alloc_record *r)
{
	struct fl_alloc_more *own;

	sum->bytes = (int64_t)((uint64_t)sum->bytes + (uint64_t)r->bytes);
	sum->calls += r->calls;
	if (r->accurate == FL_ACCURATE_NO)
		sum->accurate = FL_ACCURATE_NO;
	if (!sum->more || !r->more)
		return 0;
	own = FL_ARENA_NEW(&set->strings, struct fl_alloc_more);
	if (!own)
		return -ENOMEM;
	*own = *sum->more;
	add_more(own, r->more);
	sum->more = own;
	return 0;
}

int fl_alloc_merge(struct fl_alloc_set *set)
{
	_cleanup_map_ struct fl_map by_place = {};
	_cleanup_buf_ struct fl_buf key = {};
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->n; i++) {
		struct fl_map_entry *e;
		struct fl_str own;

		if (!set->v[i].more || !set->v[i].more->nr_stack) { /* a tag, and no chain */
			set->v[n++] = set->v[i];
			continue;
		}
		add_key(&key, &set->v[i]);
		e = key.error ? NULL : fl_map_get(&by_place, fl_buf_str(&key));
		if (e) {
			r = add(set, &set->v[e->num], &set->v[i]);
			continue;
		}
		own = fl_str_n(fl_arena_dup(&set->strings, fl_buf_str(&key)), key.len);
		e = own.p && !key.error ? fl_map_put(&by_place, own, NULL) : NULL;
		if (!e)
			return -ENOMEM;
		e->num = n;
		set->v[n++] = set->v[i];
	}
	if (r == 0)
		set->n = n;
	return r;
}

void fl_alloc_at_peak(struct fl_alloc_set *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct fl_alloc_record *r = &set->v[i];

		if (!r->more || (!r->more->at_bytes && !r->more->at_calls))
			continue;
		r->bytes = r->more->at_bytes;
		r->calls = (uint64_t)r->more->at_calls;
		set->v[kept++] = *r;
	}
	set->n = kept;
}

struct fl_alloc_mapped fl_alloc_without_maps(struct fl_alloc_set *set)
{
	struct fl_alloc_mapped m = {};
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (!fl_str_is(set->v[i].extra, FL_ALLOC_MAPPED)) {
			set->v[kept++] = set->v[i];
			continue;
		}
		m.bytes += set->v[i].bytes;
		m.calls += set->v[i].calls;
	}
	set->n = kept;
	return m;
}

void fl_alloc_keep(struct fl_alloc_set *set, const struct fl_alloc_filter *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++)
		if (fl_alloc_filter_match(f, &set->v[i]))
			set->v[kept++] = set->v[i];
	set->n = kept;
}
