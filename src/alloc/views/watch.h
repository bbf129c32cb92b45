/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tags over time: how each has grown since the first look, and how much that looks like a leak. */
#ifndef ALLOC_VIEWS_WATCH_H
#define ALLOC_VIEWS_WATCH_H

#include "alloc/records/order.h"
#include "alloc/records/record.h"
#include "base/buf.h"
#include "base/map.h"

struct fl_alloc_track {
	struct fl_alloc_record now; /* strings are the watch's */
	int64_t first_bytes, first_calls;
	uint64_t rises, falls; /* looks at which bytes had changed */
	double variation;      /* sum of all changes, whichever way */
	uint64_t seen;	       /* the number of the look at which it was there last */
};

/* Zero-initialise to start. */
struct fl_alloc_watch {
	struct fl_map by_tag;
	struct fl_alloc_track **v; /* in the order in which they came */
	size_t n, cap;
	struct fl_arena arena;
	uint64_t looks;
};

void fl_alloc_watch_fini(struct fl_alloc_watch *w);
#define _cleanup_alloc_watch_ __attribute__((cleanup(fl_alloc_watch_fini)))

/* One look. A tag that comes later began at 0, one that is gone holds 0. -ENOMEM. */
int fl_alloc_watch_add(struct fl_alloc_watch *w, const struct fl_alloc_set *set);

/* NULL where the tag has not been seen. */
const struct fl_alloc_track *fl_alloc_watch_find(const struct fl_alloc_watch *w,
						 const struct fl_alloc_record *r);

/*
 * 0 to 100: the part of all movement that was growth, doubted while there have been few rises. A
 * tag that only ever grows comes near 100 (half of it after one rise, three quarters after two);
 * one that breathes, and ends where it began, has 0.
 */
double fl_alloc_leak_score(const struct fl_alloc_track *t);

/* Sorts as @order says (NULL: by score, then by growth); tags that have not grown are dropped from v. */
void fl_alloc_watch_rank(struct fl_alloc_watch *w, const struct fl_alloc_order *order);

/* The first @limit (0: all) ranked tags; @seconds is how long the watch took. */
int fl_alloc_render_watch(const struct fl_alloc_watch *w, size_t limit, double seconds, bool raw,
			  struct fl_buf *out);
void fl_alloc_json_track(const struct fl_alloc_track *t, double seconds, struct fl_buf *out);

/* What top shows: the set's records with their growth since the first look. */
int fl_alloc_render_top(const struct fl_alloc_set *set, const struct fl_alloc_watch *w, bool raw,
			struct fl_buf *out);

#endif
