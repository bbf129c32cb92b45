// SPDX-License-Identifier: GPL-2.0-or-later
#include "epdma/endpoint/epf-error.h"

#include <stdarg.h>
#include <stdio.h>

int fl_epf_refuse(struct fl_epf_error *e, enum fl_epdma_reason why, int err, const char *fmt, ...)
{
	const struct fl_diag_kind *kind = &fl_epdma_reasons[why];
	va_list ap;

	if (!err)
		err = -kind->err;
	if (!e)
		return err;
	e->kind = kind;
	e->err = err;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return err;
}
