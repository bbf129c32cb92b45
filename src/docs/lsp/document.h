/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An open buffer of the editor, edited by ranges of lines and UTF-16 units as the protocol counts them. */
#ifndef DOCS_LSP_DOCUMENT_H
#define DOCS_LSP_DOCUMENT_H

#include <stdint.h>

#include "base/buf.h"

struct docs_document {
	struct fl_buf text;
};

struct docs_position {
	uint32_t line, character; /* both from 0 */
};

/* The byte that @p stands for; past a line's end it is that end. */
size_t docs_document_byte(const struct docs_document *d, struct docs_position p);

/* Replaces [from, to) by @with. -ENOMEM, or 0. */
int docs_document_edit(struct docs_document *d, struct docs_position from, struct docs_position to, struct fl_str with);

/* UTF-16 units of @line before its byte @at. */
uint32_t docs_utf16(struct fl_str line, size_t at);

/* Line @no (from 0) without its end. */
struct fl_str docs_document_line(const struct docs_document *d, uint32_t no);

#endif
