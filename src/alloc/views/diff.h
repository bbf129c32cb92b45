/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growth between two sets, and over many. */
#ifndef ALLOC_VIEWS_DIFF_H
#define ALLOC_VIEWS_DIFF_H

#include "alloc/records/filter.h"
#include "alloc/records/order.h"
#include "alloc/records/record.h"

struct fl_alloc_change {
	const struct fl_alloc_record *before; /* NULL: the tag is new */
	const struct fl_alloc_record *after;  /* NULL: the tag is gone */
	int64_t bytes;			      /* after minus before */
	int64_t calls;
};

/* Where both are there and differ in the line, the tag has moved. */
static inline bool fl_alloc_change_moved(const struct fl_alloc_change *c)
{
	return c->before && c->after && c->before->line != c->after->line;
}

/*
 * All tags of both, one change each, malloc()ed; -ENOMEM. Tags are the same when module, file, line
 * and function are; what is left over is paired by module, file and function in the order of lines,
 * so that code which only moved is not taken for new.
 */
int fl_alloc_diff(const struct fl_alloc_set *before, const struct fl_alloc_set *after,
		  struct fl_alloc_change **ret, size_t *ret_n);

/*
 * Leaves the changes of which either side matches @f - without @all only those that are changes -
 * and sorts them; bytes and calls as keys are the growth.
 */
void fl_alloc_changes_select(struct fl_alloc_change *v, size_t *n, const struct fl_alloc_filter *f,
			     const struct fl_alloc_order *o, bool all);

#endif
