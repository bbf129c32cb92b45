/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What probes have counted, as metrics. */
#ifndef PROBE_OUTPUT_METRICS_H
#define PROBE_OUTPUT_METRICS_H

#include "metrics/metrics.h"
#include "probe/hist/table.h"
#include "probe/output/symbols.h"
#include "probe/record/schema.h"

/**
 * struct fl_metrics_of - what tells series of one event from others
 * @question: whose event it is; empty: there is one question alone, and no such label
 * @hist: of several histograms of one event, from 0; the first has no such label
 */
struct fl_metrics_of {
	struct fl_str question;
	size_t hist;
};

/**
 * fl_totals_metrics() - what became of an event's hits
 * @bytes: of its records
 * @last: who made its last record; @is_set false: it had none
 */
void fl_totals_metrics(const struct fl_record_schema *p, const struct fl_totals *t, struct fl_metrics_of of,
		       uint64_t bytes, const struct fl_exemplar *last, struct fl_metrics *m);

/**
 * fl_hist_metrics() - a histogram (after fl_hist_trim()), the entries with the most hits first
 *
 * A series an entry, with its keys as labels: hits, and each value's sum. Where one of the keys is cut into
 * .log2 or .buckets, it becomes the bounds of a distribution of the others'.
 *
 * Return: 0 or -ENOMEM.
 */
int fl_hist_metrics(const struct fl_record_schema *p, const struct fl_hist_table *t, struct fl_metrics_of of,
		    struct fl_symbols *symbols, struct fl_metrics *m);

#endif
