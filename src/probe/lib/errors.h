/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The findings of this folder, made from errors.def. */
#ifndef PROBE_LIB_ERRORS_H
#define PROBE_LIB_ERRORS_H

#include <foreland/diag.h>

enum lib_error {
#define D(code, level, err, message) LIB_E_##code,
#include "probe/lib/errors.def"
	_LIB_ERROR_MAX,
};

extern const struct fl_diag_kind lib_errors[_LIB_ERROR_MAX];

#endif
