/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors and warnings about recordings; the rows are errors.def's. */
#ifndef PROBE_TRACEDAT_ERRORS_H
#define PROBE_TRACEDAT_ERRORS_H

#include "foreland/diag.h"

enum fl_dat_error {
#define D(code, level, err, message) FL_DAT_##code,
#include "probe/tracedat/errors.def"
#undef D
	_FL_DAT_ERROR_MAX,
};

extern const struct fl_diag_kind fl_dat_errors[_FL_DAT_ERROR_MAX];

#endif
