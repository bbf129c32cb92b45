/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reasons for which epdma refuses, as rows of reasons.def. */
#ifndef EPDMA_METADATA_REASON_H
#define EPDMA_METADATA_REASON_H

#include <foreland/diag.h>

enum fl_epdma_reason {
#define D(code, level, err, text) FL_EPDMA_##code,
#include "epdma/metadata/reasons.def"
#undef D
	_FL_EPDMA_REASON_MAX,
};

extern const struct fl_diag_kind fl_epdma_reasons[_FL_EPDMA_REASON_MAX];

#define FL_EPDMA_REASON(code) (&fl_epdma_reasons[FL_EPDMA_##code])

#endif
