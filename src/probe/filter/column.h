/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in its text a filter is wrong, counted as the kernel counts. */
#ifndef PROBE_FILTER_COLUMN_H
#define PROBE_FILTER_COLUMN_H

#include "base/str.h"
#include "probe/filter/errors.h"

/*
 * Both set @diag (NULL is allowed) to the error with its column, for a fault at byte @at of the filter @text:
 * of the filter as a whole, or within a predicate. The negative errno of the error.
 */
int fl_filter_fail(struct fl_diag *diag, struct fl_str text, enum fl_filter_error code, size_t at);
int fl_filter_fail_within(struct fl_diag *diag, struct fl_str text, enum fl_filter_error code, size_t at);

#endif
