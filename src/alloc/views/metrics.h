/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call sites as metrics. */
#ifndef ALLOC_VIEWS_METRICS_H
#define ALLOC_VIEWS_METRICS_H

#include "alloc/records/record.h"
#include "metrics/metrics.h"

/*
 * Live bytes and calls of each site, the largest first; tags that have the same labels are summed, since a label
 * set may stand once. Sorts and shortens @set.
 */
void fl_alloc_metrics(struct fl_alloc_set *set, struct fl_metrics *m);

#endif
