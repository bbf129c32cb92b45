/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/target/errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const struct fl_diag_kind fl_target_errors[_FL_TARGET_ERROR_MAX] = {
#define D(code, level, err, message) [FL_TARGET_##code] = { #code, FL_##level, err, message },
#include "probe/target/errors.def"
#undef D
};

int fl_target_fail(struct fl_diag *d, enum fl_target_error code, const char *place, const char *fmt,
		   ...)
{
	char text[512];
	va_list ap;
	int r;

	r = fl_diag_set(d, &fl_target_errors[code], (struct fl_span){});
	if (!d)
		return r;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->place = place;
	d->line = 0;
	d->text = NULL;
	d->text_len = 0;
	fl_diag_message(d, "%s", text);
	return r;
}

int fl_target_fail_at(struct fl_diag *d, enum fl_target_error code, const struct fl_line *line,
		      struct fl_str part)
{
	uint32_t start = part.p - line->text.p;
	int r = fl_diag_set(d, &fl_target_errors[code], (struct fl_span){ start, start + part.n });

	if (!d)
		return r;
	d->place = line->place;
	d->line = line->number;
	d->text = line->text.p;
	d->text_len = line->text.n;
	return r;
}
