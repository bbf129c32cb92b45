/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lib/errors.h"

#include <errno.h>

const struct fl_diag_kind lib_errors[_LIB_ERROR_MAX] = {
#define D(code, level, err, message) [LIB_E_##code] = { #code, FL_##level, err, message },
#include "probe/lib/errors.def"
};
