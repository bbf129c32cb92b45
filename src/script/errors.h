/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCRIPT_ERRORS_H
#define SCRIPT_ERRORS_H

#include "foreland/diag.h"

enum fl_script_error {
#define D(code, level, err, message) FL_SCRIPT_##code,
#include "script/errors.def"
#undef D
	_FL_SCRIPT_ERROR_MAX,
};

extern const struct fl_diag_kind fl_script_errors[_FL_SCRIPT_ERROR_MAX];

#endif
