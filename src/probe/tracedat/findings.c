/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/tracedat/findings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"

void fl_findings_fini(struct fl_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		fl_diag_fini(&f->list[i]);
	free(f->list);
	*f = (struct fl_findings){};
}

/* A finding for which there is no memory is lost, as reading will be in a moment. */
static struct fl_diag *next_free(struct fl_findings *f)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 8;
		struct fl_diag *more = realloc(f->list, cap * sizeof(*more));

		if (!more)
			return NULL;
		f->list = more;
		f->cap = cap;
	}
	f->list[f->n] = (struct fl_diag){};
	return &f->list[f->n++];
}

int fl_findings_add(struct fl_findings *f, enum fl_dat_error code, const char *place, const char *fmt, ...)
{
	const struct fl_diag_kind *kind = &fl_dat_errors[code];
	struct fl_diag *d = next_free(f);
	_cleanup_buf_ struct fl_buf what = {};
	va_list ap;

	if (!d)
		return -kind->err;
	va_start(ap, fmt);
	fl_buf_vaddf(&what, fmt, ap);
	va_end(ap);
	fl_diag_set(d, kind, (struct fl_span){});
	d->place = place;
	if (what.len)
		fl_diag_message(d, "%s: %s", kind->message, fl_buf_z(&what));
	return -kind->err;
}

void fl_findings_cut(struct fl_findings *f, size_t n)
{
	while (f->n > n)
		fl_diag_fini(&f->list[--f->n]);
}

void fl_findings_copy(struct fl_findings *f, const struct fl_diag *d, const char *place)
{
	struct fl_diag *copy = next_free(f);

	if (!copy)
		return;
	fl_diag_set(copy, d->kind, (struct fl_span){});
	copy->place = place;
	if (d->message)
		fl_diag_message(copy, "%s", d->message);
}
