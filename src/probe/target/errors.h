/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The findings of this folder, made from errors.def. */
#ifndef PROBE_TARGET_ERRORS_H
#define PROBE_TARGET_ERRORS_H

#include "base/str.h"
#include "foreland/diag.h"

enum fl_target_error {
#define D(code, level, err, message) FL_TARGET_##code,
#include "probe/target/errors.def"
#undef D
	_FL_TARGET_ERROR_MAX,
};

extern const struct fl_diag_kind fl_target_errors[_FL_TARGET_ERROR_MAX];

/*
 * Records a finding at @place; for binary files there is no text to underline, and the message says
 * where. Returns the kind's errno, negative.
 */
int fl_target_fail(struct fl_diag *d, enum fl_target_error code, const char *place, const char *fmt,
		   ...) __attribute__((format(printf, 4, 5)));

/* A place in a file of text. */
struct fl_line {
	const char *place;
	uint32_t number; /* 1-based */
	struct fl_str text;
};

/* Records a finding about @part, a part of the line's text. */
int fl_target_fail_at(struct fl_diag *d, enum fl_target_error code, const struct fl_line *line,
		      struct fl_str part);

#endif
