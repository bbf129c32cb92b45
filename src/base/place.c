/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/place.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fl_fail_at_line(struct fl_diag *d, const struct fl_diag_kind *kind, const struct fl_line *line,
		    struct fl_str part)
{
	uint32_t start = part.p - line->text.p;
	int r = fl_diag_set(d, kind, (struct fl_span){ start, start + part.n });

	if (!d)
		return r;
	d->place = line->place;
	d->line = line->number;
	d->text = line->text.p;
	d->text_len = line->text.n;
	return r;
}

int fl_fail_in_file(struct fl_diag *d, const struct fl_diag_kind *kind, const char *place,
		    const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int r;

	r = fl_diag_set(d, kind, (struct fl_span){});
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

int fl_fail_open(struct fl_diag *d, const char *path, int err)
{
	static const struct fl_diag_kind kind = { "TARGET_FILE", FL_ERROR, EIO,
						  "a file of the target cannot be read" };

	return fl_fail_in_file(d, &kind, path, "%s", strerror(err));
}
