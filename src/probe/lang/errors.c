/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/lang/errors.h"

#include <errno.h>

const struct fl_diag_kind fl_probe_faults[_FL_FAULT_MAX] = {
#define D(name, number, text)                                                                      \
	[FL_FAULT_##name] = { .code = #name, .level = FL_ERROR, .err = number, .message = text },
#include "probe/lang/errors.def"
};
