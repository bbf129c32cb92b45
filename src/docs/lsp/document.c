/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/lsp/document.h"

#include <errno.h>

#include "base/utf8.h"

/* Where line @no begins, or the text's end. */
static size_t line_start(struct fl_str text, uint32_t no)
{
	size_t at = 0;

	while (no-- && at < text.n)
		at = fl_str_find(text, '\n', at) + 1;
	return FL_MIN(at, text.n);
}

struct fl_str docs_document_line(const struct docs_document *d, uint32_t no)
{
	struct fl_str text = fl_buf_str(&d->text);
	size_t start = line_start(text, no);

	return fl_str_sub(text, start, fl_str_find(text, '\n', start) - start);
}

/* Bytes of the first character of @s, and its UTF-16 units. */
static size_t step(struct fl_str s, uint32_t *units)
{
	uint32_t c = 0;
	size_t len = (unsigned char)s.p[0] & 0x80 ? fl_utf8_decode(s, &c) : 1;

	*units = c > 0xffff ? 2 : 1;
	return len ? len : 1;
}

uint32_t docs_utf16(struct fl_str line, size_t at)
{
	uint32_t n = 0, units;

	for (size_t i = 0; i < at && i < line.n; n += units)
		i += step(fl_str_from(line, i), &units);
	return n;
}

size_t docs_document_byte(const struct docs_document *d, struct docs_position p)
{
	struct fl_str text = fl_buf_str(&d->text), line;
	size_t start = line_start(text, p.line), i = 0;
	uint32_t n = 0, units;

	line = fl_str_sub(text, start, fl_str_find(text, '\n', start) - start);
	for (; i < line.n && n < p.character; n += units)
		i += step(fl_str_from(line, i), &units);
	return start + i;
}

int docs_document_edit(struct docs_document *d, struct docs_position from, struct docs_position to, struct fl_str with)
{
	size_t a = docs_document_byte(d, from), b = docs_document_byte(d, to), rest;

	b = FL_MAX(a, b);
	rest = d->text.len - b;
	if (!fl_buf_reserve(&d->text, with.n + 1))
		return -ENOMEM;
	memmove(d->text.data + a + with.n, d->text.data + b, rest);
	if (with.n)
		memcpy(d->text.data + a, with.p, with.n);
	d->text.len = a + with.n + rest;
	d->text.data[d->text.len] = '\0';
	return 0;
}
