/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ALLOC_RECORDS_ERRORS_H
#define ALLOC_RECORDS_ERRORS_H

#include "foreland/diag.h"

enum fl_alloc_error {
#define D(code, level, err, message) FL_ALLOC_##code,
#include "alloc/records/errors.def"
#undef D
	_FL_ALLOC_ERROR_MAX,
};

extern const struct fl_diag_kind fl_alloc_errors[_FL_ALLOC_ERROR_MAX];

#endif
