/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a histogram has counted: its entries, summed over the CPUs, in the order that its spec asks for. */
#ifndef PROBE_HIST_TABLE_H
#define PROBE_HIST_TABLE_H

#include "probe/hist/layout.h"

/* One entry, summed over the CPUs. */
struct fl_hist_entry {
	const uint8_t *key;
	uint64_t hits;
	uint64_t sums[FL_HIST_MAX_VALS];
	char comm[FL_COMM_LEN];
	const uint8_t *seen; /* what its actions have seen and saved; NULL: nothing */
};

/* A key that is a number. */
uint64_t fl_hist_key(const struct fl_hist_field *f, const struct fl_hist_entry *e);

/* The event that snapshot() was taken for last: its key as an entry has it. @taken 0: there was none. */
struct fl_hist_snapshot {
	uint64_t taken, value;
	char comm[FL_COMM_LEN];
	uint8_t key[FL_HIST_MAX_KEY];
};

/* Of one sum, over all entries: what .percent and .graph are parts of, however many are shown. */
struct fl_hist_whole {
	uint64_t most, all;
};

/* Owns @entries and @keys, which the entries point into; all zero is an empty one. */
struct fl_hist_table {
	const struct fl_hist *hist;
	struct fl_hist_entry *entries;
	size_t n;
	uint64_t hits, dropped;
	struct fl_hist_whole whole[FL_HIST_MAX_VALS];
	uint8_t *keys;
	uint8_t *seen;
	struct fl_hist_snapshot snapshot;
};

void fl_hist_table_fini(struct fl_hist_table *t);

/* The order of the spec; and what the sums are parts of. */
void fl_hist_table_sort(struct fl_hist_table *t);

/* Makes one entry of those whose keys were made equal, and sorts again. */
void fl_hist_table_merge(struct fl_hist_table *t);

/* The kernel's percentage of a sum, times 100, which wraps as its does; false: there is none. */
bool fl_hist_hundredths(uint64_t part, uint64_t all, unsigned int *ret);

#endif
