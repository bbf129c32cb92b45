/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings about files that were read: in a line of text, which is shown and underlined, or in bytes,
 * where the message says at which one. Both return the kind's errno, negative, as fl_diag_set() does.
 */
#ifndef BASE_PLACE_H
#define BASE_PLACE_H

#include "base/str.h"
#include "foreland/diag.h"

/* A line of a text file. */
struct fl_line {
	const char *place;
	uint32_t number; /* 1-based */
	struct fl_str text;
};

/* @kind is wrong with @part, a part of @line's text. */
int fl_fail_at_line(struct fl_diag *d, const struct fl_diag_kind *kind, const struct fl_line *line,
		    struct fl_str part);

/* @kind is wrong with the file @place, which has no lines; @fmt says what, and at which byte. */
int fl_fail_in_file(struct fl_diag *d, const struct fl_diag_kind *kind, const char *place,
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* A file of the system that is looked at cannot be read, for reason @err (a positive errno). -EIO. */
int fl_fail_open(struct fl_diag *d, const char *path, int err);

#endif
