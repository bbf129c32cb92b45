/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics as text: OpenMetrics 1.0, and the older form that node_exporter's textfile collector reads. */
#ifndef METRICS_TEXT_H
#define METRICS_TEXT_H

#include "base/buf.h"
#include "metrics/metrics.h"

enum fl_metrics_form {
	FL_METRICS_PROMETHEUS,	/* text/plain; version=0.0.4 */
	FL_METRICS_OPENMETRICS, /* application/openmetrics-text; version=1.0.0 */
};

extern const char *const fl_metrics_content_types[2];

/* Appends all; an error of @m becomes @out's, since a part of the whole must not look like it. */
void fl_metrics_text(const struct fl_metrics *m, enum fl_metrics_form form, struct fl_buf *out);

#endif
