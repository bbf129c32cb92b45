/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorting records: whatever the key, ties are broken so that the same set prints the same way. */
#ifndef ALLOC_RECORDS_ORDER_H
#define ALLOC_RECORDS_ORDER_H

#include "alloc/records/record.h"

enum fl_alloc_key {
	FL_ALLOC_BY_BYTES,
	FL_ALLOC_BY_CALLS,
	FL_ALLOC_BY_AVERAGE,
	FL_ALLOC_BY_FILE,
	FL_ALLOC_BY_FUNCTION,
	FL_ALLOC_BY_MODULE,
	FL_ALLOC_BY_PEAK,
	FL_ALLOC_BY_TOTAL,
	_FL_ALLOC_KEY_MAX,
};

/* Numbers from the largest down, names from a to z; reverse turns that round. */
struct fl_alloc_order {
	enum fl_alloc_key key;
	bool reverse;
};

#define FL_ALLOC_KEYS "bytes|calls|avg|file|function|module|peak|total"

/* One of the words above, with "-" before it for the reverse; -EINVAL for others. */
int fl_alloc_order_parse(const char *text, struct fl_alloc_order *ret);

int fl_alloc_compare(const struct fl_alloc_order *o, const struct fl_alloc_record *a,
		     const struct fl_alloc_record *b);

/* Sorts; with @limit (0: none) only the first @limit are kept, which costs one pass. */
void fl_alloc_sort(struct fl_alloc_set *set, const struct fl_alloc_order *o, size_t limit);

#endif
