/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that somebody else wrote, as it may be shown. A terminal acts upon control bytes, a reader is
 * led astray by lines that are none and by text that runs backwards: so bytes below 0x20 and 0x7f, C1
 * controls, line and paragraph separators, marks of direction, and whatever is not UTF-8 are shown
 * as "\xHH" each. All else stays, a backslash included.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stdbool.h>

#include "base/buf.h"

/* A code point that no text needs to show, and a terminal or a reader may be misled by. */
bool fl_misleads(uint32_t c);

/* Printable ASCII alone: nothing of it would be changed. */
bool fl_is_plain(struct fl_str s);

/* Appends @s. */
void fl_escape(struct fl_buf *out, struct fl_str s);

/* A line of ours that holds others' text: what was appended since @out was @from bytes long. */
void fl_escape_from(struct fl_buf *out, size_t from);

/*
 * A path as git writes it in a diff: between quotes, with C's escapes and octal, where it holds a
 * byte that patch(1) or a terminal could misread; else as it is.
 */
void fl_quote_path(struct fl_buf *out, const char *prefix, struct fl_str path);

#endif
