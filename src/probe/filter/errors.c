/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/filter/errors.h"

#include <errno.h>

const struct fl_diag_kind fl_filter_errors[] = {
#define D(code_, level_, err_, message_)                                                           \
	{ .code = #code_, .level = FL_##level_, .err = err_, .message = message_ },
#include "probe/filter/errors.def"
#undef D
};
