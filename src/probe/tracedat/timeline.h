/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a record's stamp says of time, by the options of its file: cycles are turned into nanoseconds
 * (TSC2NSEC), a guest's stamps into its host's (TIME_SHIFT), and all are moved by DATE (us) and
 * OFFSET (ns).
 */
#ifndef PROBE_TRACEDAT_TIMELINE_H
#define PROBE_TRACEDAT_TIMELINE_H

#include "probe/tracedat/datfile.h"

/* From @time on a stamp is to be scaled and moved so. */
struct fl_time_sample {
	int64_t time, offset, scaling, fraction;
};

struct fl_time_shift {
	struct fl_time_sample *samples; /* by time */
	uint32_t n;
};

struct fl_timeline {
	bool is_plain;	 /* stamps stay as they are */
	int64_t offset;	 /* ns */
	uint32_t mult, shift; /* of cycles; @mult 0: they are none */
	bool interpolate;
	struct fl_time_shift *shifts; /* by CPU */
	uint32_t nr_shifts;
};

/* 0 or -ENOMEM; an option that contradicts itself is a finding of @d and does nothing. */
int fl_timeline_read(struct fl_timeline *t, struct fl_datfile *d);
void fl_timeline_fini(struct fl_timeline *t);

uint64_t fl_timeline_at_slow(const struct fl_timeline *t, uint32_t cpu, uint64_t stamp);

static inline uint64_t fl_timeline_at(const struct fl_timeline *t, uint32_t cpu, uint64_t stamp)
{
	return t->is_plain ? stamp : fl_timeline_at_slow(t, cpu, stamp);
}

/* A clock of that name counts something else than nanoseconds, and nothing turns it into them. */
bool fl_timeline_is_raw(const struct fl_timeline *t, struct fl_str clock);

#endif
