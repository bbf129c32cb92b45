/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/errors.h"

#include <errno.h>

const struct fl_diag_kind fl_dat_errors[_FL_DAT_ERROR_MAX] = {
#define D(code_, level_, err_, message_)                                                           \
	{ .code = #code_, .level = FL_##level_, .err = err_, .message = message_ },
#include "probe/tracedat/errors.def"
#undef D
};
