/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_FILTER_ERRORS_H
#define PROBE_FILTER_ERRORS_H

#include "base/str.h"
#include "foreland/diag.h"

enum fl_filter_error {
#define D(code, level, err, message) FL_FILTER_##code,
#include "probe/filter/errors.def"
#undef D
	_FL_FILTER_ERROR_MAX,
};

extern const struct fl_diag_kind fl_filter_errors[_FL_FILTER_ERROR_MAX];

/*
 * Both set @diag (NULL is allowed) to the error with its column, for a fault at byte @at of the filter @text:
 * of the filter as a whole, or within a predicate. The negative errno of the error.
 */
int fl_filter_fail(struct fl_diag *diag, struct fl_str text, enum fl_filter_error code, size_t at);
int fl_filter_fail_within(struct fl_diag *diag, struct fl_str text, enum fl_filter_error code, size_t at);

#endif
