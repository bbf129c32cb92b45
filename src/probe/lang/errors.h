/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of fault that a definition can have, from errors.def. */
#ifndef PROBE_LANG_ERRORS_H
#define PROBE_LANG_ERRORS_H

#include "foreland/diag.h"

enum fl_probe_fault {
#define D(code, err, message) FL_FAULT_##code,
#include "probe/lang/errors.def"
	_FL_FAULT_MAX,
};

extern const struct fl_diag_kind fl_probe_faults[_FL_FAULT_MAX];

#endif
