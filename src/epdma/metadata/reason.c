// SPDX-License-Identifier: LGPL-2.1-or-later
#include "epdma/metadata/reason.h"

#include <errno.h>

const struct fl_diag_kind fl_epdma_reasons[_FL_EPDMA_REASON_MAX] = {
#define D(id, lvl, error, text)                                                                     \
	[FL_EPDMA_##id] = { .code = #id, .level = FL_##lvl, .err = error, .message = text },
#include "epdma/metadata/reasons.def"
#undef D
};
