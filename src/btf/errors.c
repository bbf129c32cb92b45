/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "btf/errors.h"

#include <errno.h>

const struct fl_diag_kind fl_btf_errors[_FL_BTF_ERROR_MAX] = {
#define D(code, level, err, message) [FL_E_##code] = { #code, FL_##level, err, message },
#include "btf/errors.def"
};
