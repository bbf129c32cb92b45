/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains of callers that came from the same place, as one row; and sets as they were at their peak. */
#ifndef ALLOC_VIEWS_MERGE_H
#define ALLOC_VIEWS_MERGE_H

#include "alloc/records/filter.h"
#include "alloc/records/record.h"

/*
 * Sums chains whose process, module, file, line and function are the same. The stack of a sum is
 * what all of its chains have in common, from the innermost frame on; its peak is not known, as
 * peaks do not come at the same moment. -ENOMEM.
 */
int fl_alloc_merge(struct fl_alloc_set *set);

/* Live values become those of the moment when all held the most; the rest is left out. */
void fl_alloc_at_peak(struct fl_alloc_set *set);

/* Takes out what the program mapped itself; how much that is. */
struct fl_alloc_mapped {
	int64_t bytes;
	uint64_t calls;
};
struct fl_alloc_mapped fl_alloc_without_maps(struct fl_alloc_set *set);

/* Leaves the records that match. */
void fl_alloc_keep(struct fl_alloc_set *set, const struct fl_alloc_filter *f);

#endif
