/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The column of a filter's error. The kernel counts columns from the start of the whole filter. In the midst
 * of a predicate it counts from behind the predicate's first byte, so that the caret stands one to the right
 * of the byte that it looked at; of quotes, parentheses and operators between predicates it stands at that
 * byte. The column may lie behind the text, which cannot be underlined there.
 */
#include "probe/filter/column.h"

#include "base/util.h"

int fl_filter_fail(struct fl_diag *diag, struct fl_str text, enum fl_filter_error code, size_t at)
{
	struct fl_span span = { FL_MIN(at, text.n), FL_MIN(at + 1, text.n) };
	int r = fl_diag_set(diag, &fl_filter_errors[code], span);

	if (diag)
		diag->column = (uint32_t)at;
	return r;
}

int fl_filter_fail_within(struct fl_diag *diag, struct fl_str text, enum fl_filter_error code, size_t at)
{
	return fl_filter_fail(diag, text, code, at + 1);
}
