/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be wrong with a filter; the rows are in errors.def. */
#ifndef PROBE_FILTER_ERRORS_H
#define PROBE_FILTER_ERRORS_H

#include "foreland/diag.h"

enum fl_filter_error {
#define D(code, level, err, message) FL_FILTER_##code,
#include "probe/filter/errors.def"
#undef D
	_FL_FILTER_ERROR_MAX,
};

extern const struct fl_diag_kind fl_filter_errors[_FL_FILTER_ERROR_MAX];

#endif
