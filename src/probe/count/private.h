/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_COUNT_PRIVATE_H
#define PROBE_COUNT_PRIVATE_H

#include "base/map.h"
#include "probe/count/count.h"
#include "probe/filter/filter.h"
#include "probe/output/linehead.h"

/* What is kept in an entry; @data is its own. */
struct kept {
	bool is_set;
	uint64_t number;
	char *data;
	size_t n;
};

struct entry {
	uint8_t *key;
	uint64_t hits;
	uint64_t sum[FL_HIST_SUMS_MAX]; /* [0] is not used */
	char comm[FL_COMM_LEN];
	struct kept var[FL_HIST_VARS];
};

/* What hangs on a trigger. */
struct counted {
	struct fl_arena arena; /* of keys and entries */
	struct fl_map entries;
	uint64_t hits, dropped;
	uint64_t seen; /* as hits, of which clearing takes nothing away */
	struct fl_filter filter;
	bool has_filter;
	/* the entry whose change has taken the snapshot */
	const struct entry *shot;
	uint64_t shot_value;
};

/* The one that counts for @t: its own, or that of the histogram of its name. */
static inline const struct fl_trigger *counting(const struct fl_trigger *t)
{
	return t->shared ? t->shared : t;
}

/* One trigger at work on one record. */
struct work {
	const struct fl_trigger *t;
	const struct fl_count_record *rec;
	uint32_t base; /* of fields in the record */
	struct fl_count_value ref[FL_HIST_VARS];
	uint8_t frames[FL_HV_FRAMES * 8];
};

/* value.c */
struct fl_count_value count_value(struct work *w, const struct fl_hist_value *v);

#endif
