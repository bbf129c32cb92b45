/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map in which a program counts. */
#ifndef PROBE_LIVE_HIST_MAP_H
#define PROBE_LIVE_HIST_MAP_H

#include "probe/hist/table.h"

/* All entries, sorted. @ret is released with fl_hist_table_fini(). */
int fl_hist_map_read(int map, const struct fl_hist *h, struct fl_hist_table *ret);

/* Adds what its actions have seen and saved of each entry: zeros where they have not. */
int fl_hist_map_seen(int map, struct fl_hist_table *t);

#endif
