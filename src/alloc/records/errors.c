/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "alloc/records/errors.h"

const struct fl_diag_kind fl_alloc_errors[_FL_ALLOC_ERROR_MAX] = {
#define D(code, level, err, message) [FL_ALLOC_##code] = { #code, FL_##level, err, message },
#include "alloc/records/errors.def"
#undef D
};
