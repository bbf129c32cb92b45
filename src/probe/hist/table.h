/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a histogram has counted: its entries, summed over the CPUs, in the order that its spec asks for. */
#ifndef PROBE_HIST_TABLE_H
#define PROBE_HIST_TABLE_H

#include "probe/hist/hist.h"

/* Owns @entries and @keys, which the entries point into; all zero is an empty one. */
struct fl_hist_table {
	const struct fl_hist *hist;
	struct fl_hist_entry *entries;
	size_t n;
	uint64_t hits, dropped;
	uint8_t *keys;
};

void fl_hist_table_fini(struct fl_hist_table *t);

void fl_hist_table_sort(struct fl_hist_table *t);

/* Makes one entry of those whose keys were made equal, and sorts again. */
void fl_hist_table_merge(struct fl_hist_table *t);

#endif
