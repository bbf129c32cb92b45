/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long what begins and ends took: see pairs.h. */
#ifndef PROBE_EXPORT_PROFILE_H
#define PROBE_EXPORT_PROFILE_H

#include "base/arena.h"
#include "base/map.h"
#include "probe/export/pairs.h"

struct fl_profile_row {
	struct fl_str name;
	uint64_t count, total, least, most; /* ns, or what the clock counts */
	uint64_t open;	    /* begun and not ended */
	uint64_t unmatched; /* ends without a begin */
};

struct fl_profile {
	struct fl_pairs pairs;
	struct fl_map begun;	 /* of each pair and key, when */
	struct fl_map rows;	 /* by name */
	struct fl_begin *spare;
	struct fl_arena arena;
};

void fl_profile_fini(struct fl_profile *p);
int fl_profile_add(struct fl_profile *p, const struct fl_recorded *rec);

/* Row @i, false behind the last. */
bool fl_profile_row(const struct fl_profile *p, size_t i, struct fl_profile_row *ret);

#endif
