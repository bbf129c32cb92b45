/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why the function refused an attribute, a binding or a request: a row of reasons.def, and where. */
#ifndef EPDMA_ENDPOINT_EPF_ERROR_H
#define EPDMA_ENDPOINT_EPF_ERROR_H

#include "base/util.h"
#include "epdma/metadata/reason.h"

/* Why something was refused; @text says which resource, attribute or BAR. */
struct fl_epf_error {
	const struct fl_diag_kind *kind;
	int err; /* negative; may be another part's and not kind's */
	char text[128];
};

/* Fills @e (may be NULL); returns @err, or the reason's own errno where that is 0. */
int fl_epf_refuse(struct fl_epf_error *e, enum fl_epdma_reason why, int err, const char *fmt, ...)
	FL_PRINTF(4, 5);

#endif
