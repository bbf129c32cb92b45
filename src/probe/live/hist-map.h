/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map in which a program counts. */
#ifndef PROBE_LIVE_HIST_MAP_H
#define PROBE_LIVE_HIST_MAP_H

#include "probe/hist/table.h"

/* All entries, sorted. @ret is released with fl_hist_table_fini(). */
int fl_hist_map_read(int map, const struct fl_hist *h, struct fl_hist_table *ret);

/* The sum of all hitcounts. */
uint64_t fl_hist_map_hits(int map, const struct fl_hist *h);

#endif
