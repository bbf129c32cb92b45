/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time between two events, with the fields of both, in the kernel's own words: a synthetic event, and the
 * two histograms that make it.
 */
#ifndef PROBE_HIST_SLICE_H
#define PROBE_HIST_SLICE_H

#include "base/buf.h"
#include "base/str.h"
#include "foreland/diag.h"
#include "probe/event/event.h"

/**
 * struct fl_slice - what a slice is lowered to
 * @synth: "s:slice u64 lat_ns; ... [if lat_ns >= N]"
 * @start, @end: "keys=..." of the events with the numbers @first and @last
 */
struct fl_slice {
	struct fl_buf synth, start, end;
	size_t first, last;
};

void fl_slice_fini(struct fl_slice *s);
#define _cleanup_slice_ __attribute__((cleanup(fl_slice_fini)))

/**
 * fl_slice_lower() - START,END,KEY[,save=FIELD...]
 * @text: names of two of @events ([GROUP.]NAME), a field that both have, and which fields of the first are kept;
 *	all of them where none is named
 * @over_ns: pairs that are shorter are nobody's; 0: all
 *
 * Return: 0, or -errno with @diag, which counts in @text.
 */
int fl_slice_lower(struct fl_str text, uint64_t over_ns, const struct fl_probe_event *const *events, size_t n,
		   struct fl_slice *ret, struct fl_diag *diag);

#endif
