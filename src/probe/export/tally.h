/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many records of each event there are. */
#ifndef PROBE_EXPORT_TALLY_H
#define PROBE_EXPORT_TALLY_H

#include "base/arena.h"
#include "base/map.h"
#include "probe/tracedat/recorded.h"

struct fl_tally_row {
	struct fl_str name; /* "sched:sched_switch", with the source in front where there are several */
	uint64_t records;
};

struct fl_tally {
	struct fl_map counts;
	struct fl_arena arena;
	struct fl_buf name;
};

void fl_tally_fini(struct fl_tally *t);
int fl_tally_add(struct fl_tally *t, const struct fl_recorded *rec);
/* Row @i, in the order of the first record; false behind the last. */
bool fl_tally_row(const struct fl_tally *t, size_t i, struct fl_tally_row *ret);

#endif
