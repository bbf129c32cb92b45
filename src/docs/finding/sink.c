/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/finding/sink.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

#define TEXT_KEPT 4096 /* of a finding's line: what can be shown, with room for long paths */

void docs_sink_fini(struct docs_sink *s)
{
	fl_arena_fini(&s->arena);
	free(s->v);
	free(s->lines);
	*s = (struct docs_sink){};
}

void docs_sink_file(struct docs_sink *s, const char *file, struct fl_str text)
{
	s->file = file;
	s->text = text;
	free(s->lines);
	s->lines = NULL;
	s->nr_lines = 0;
	s->at_off = s->at_bol = s->walked = 0;
	s->at_line = 1;
	s->kept_line = 0;
}

/* Line ends in [p, p+n), 16 bytes at a time. */
static size_t count_lines(const char *p, size_t n)
{
	typedef uint8_t v16 __attribute__((vector_size(16)));
	size_t count = 0, i = 0;

	while (n - i >= 16) {
		size_t end = i + FL_MIN((n - i) / 16, (size_t)255) * 16;
		v16 sum = {}, v;

		for (; i < end; i += 16) {
			memcpy(&v, p + i, sizeof(v));
			sum -= (v16)(v == '\n');
		}
		for (size_t k = 0; k < 16; k++)
			count += sum[k];
	}
	for (; i < n; i++)
		count += p[i] == '\n';
	return count;
}

static bool index_lines(struct docs_sink *s)
{
	size_t n, at = 0;

	if (s->lines)
		return true;
	n = 1 + count_lines(s->text.p, s->text.n);
	s->lines = malloc(n * sizeof(*s->lines));
	if (!s->lines) {
		s->error = -ENOMEM;
		return false;
	}
	s->nr_lines = n;
	for (size_t i = 0; i < n; i++) {
		s->lines[i] = at;
		at = fl_str_find(s->text, '\n', at) + 1;
	}
	return true;
}

/* Start of @line, counted on (or back) from the place that was asked for last. */
static size_t walk_to(struct docs_sink *s, uint32_t line)
{
	size_t from = s->at_bol;

	if (s->at_line == line)
		return s->at_bol; /* and what was counted in it stands */
	while (s->at_line < line && s->at_bol <= s->text.n) {
		s->at_bol = fl_str_find(s->text, '\n', s->at_bol) + 1;
		s->at_line++;
	}
	while (s->at_line > line) {
		const char *p = s->at_bol > 1 ? memrchr(s->text.p, '\n', s->at_bol - 1) : NULL;

		s->at_bol = p ? (size_t)(p - s->text.p) + 1 : 0;
		s->at_line--;
	}
	s->at_off = s->at_bol;
	s->walked += s->at_bol > from ? s->at_bol - from : from - s->at_bol;
	return s->at_bol;
}

/* Once walking has cost more than an index, there is one. */
static size_t line_start(struct docs_sink *s, uint32_t line)
{
	if (!s->lines && s->walked <= 2 * s->text.n)
		return walk_to(s, line);
	return index_lines(s) && line <= s->nr_lines ? s->lines[line - 1] : s->text.n + 1;
}

struct fl_str docs_sink_line(struct docs_sink *s, uint32_t line)
{
	size_t start = line ? line_start(s, line) : SIZE_MAX;
	struct fl_str l;

	if (start > s->text.n)
		return fl_str_n("", 0);
	l = fl_str_sub(s->text, start, fl_str_find(s->text, '\n', start) - start);
	if (l.n && l.p[l.n - 1] == '\r')
		l.n--;
	return l;
}

/*
 * Readers ask from the start of a file to its end, so lines are counted on from the last answer: an
 * index would cost more than most files are asked.
 */
uint32_t docs_sink_locate(struct docs_sink *s, size_t off, uint32_t *ret_col)
{
	const char *bol;
	size_t from; /* in the line that begins at at_bol */

	off = FL_MIN(off, s->text.n);
	if (off < s->at_bol) {
		s->at_off = s->at_bol = 0;
		s->at_line = 1;
	}
	s->at_off = from = FL_MIN(s->at_off, off);
	s->at_line += count_lines(s->text.p + s->at_off, off - s->at_off);
	bol = off > from ? memrchr(s->text.p + from, '\n', off - from) : NULL;
	if (bol)
		s->at_bol = (size_t)(bol - s->text.p) + 1;
	s->at_off = off;
	*ret_col = off - s->at_bol;
	return s->at_line;
}

FL_PRINTF(2, 0)
static char *vprint(struct docs_sink *s, const char *fmt, va_list ap)
{
	va_list again;
	char *z;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	z = n < 0 ? NULL : fl_arena_alloc(&s->arena, (size_t)n + 1);
	if (z)
		vsnprintf(z, (size_t)n + 1, fmt, ap);
	else
		s->error = -ENOMEM;
	return z;
}

char *docs_sink_printf(struct docs_sink *s, const char *fmt, ...)
{
	va_list ap;
	char *z;

	va_start(ap, fmt);
	z = vprint(s, fmt, ap);
	va_end(ap);
	return z;
}

/* Columns on screen are bytes. */
static bool is_plain(struct fl_str line)
{
	bool plain = true;

	for (size_t i = 0; i < line.n; i++)
		plain &= line.p[i] != '\t' && !(line.p[i] & 0x80);
	return plain;
}

static struct docs_finding *room(struct docs_sink *s)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct docs_finding *v = reallocarray(s->v, cap, sizeof(*v));

		if (!v) {
			s->error = -ENOMEM;
			return NULL;
		}
		s->v = v;
		s->cap = cap;
	}
	return &s->v[s->n];
}

struct docs_finding *docs_report(struct docs_sink *s, enum docs_check c, uint32_t line, uint32_t col,
				 uint32_t len, const char *fmt, ...)
{
	struct docs_finding *f;
	struct fl_str text;
	va_list ap;

	if (!docs_wants(s, c))
		return NULL;
	f = room(s);
	if (!f)
		return NULL;
	*f = (struct docs_finding){ .check = c, .level = docs_checks[c].kind.level, .file = s->file,
				    .line = line, .docline = line, .col = col, .len = len };
	f->message = docs_checks[c].kind.message;
	if (fmt) {
		va_start(ap, fmt);
		f->message = vprint(s, fmt, ap);
		va_end(ap);
	}
	if (!line || line != s->kept_line) {
		text = fl_str_sub(docs_sink_line(s, line), 0, TEXT_KEPT);
		s->kept = fl_str_n(fl_arena_dup(&s->arena, text), text.n);
		s->kept_line = line;
		s->kept_plain = is_plain(s->kept);
	}
	f->text = s->kept;
	f->plain = s->kept_plain;
	if (!f->message || !f->text.p) {
		s->error = -ENOMEM;
		return NULL;
	}
	s->n++;
	return f;
}

/* Bytes of the line up to column @col, tabs taken as 8 and wide characters as one character. */
static uint32_t byte_of(const struct docs_finding *f, uint32_t col)
{
	struct fl_str line = f->text;
	uint32_t at = 0, column = 0;

	if (f->plain)
		return FL_MIN((size_t)col, line.n);
	while (at < line.n && column < col) {
		size_t len = fl_utf8_len(fl_str_from(line, at));

		column = line.p[at] == '\t' ? (column | 7) + 1 : column + 1;
		at += len ? len : 1;
	}
	return at;
}

void docs_finding_columns(struct docs_finding *f)
{
	uint32_t end;

	if (!f)
		return;
	end = f->len ? byte_of(f, f->col + f->len) : 0;
	f->col = byte_of(f, f->col);
	f->len = end > f->col ? end - f->col : 0;
}

void docs_finding_edit(struct docs_sink *s, struct docs_finding *f, uint32_t line, uint32_t count,
		       struct fl_str text)
{
	struct docs_edit *e;
	char *copy;

	if (!f)
		return;
	e = FL_ARENA_NEW(&s->arena, struct docs_edit);
	copy = fl_arena_dup(&s->arena, text);
	if (!e || !copy) {
		s->error = -ENOMEM;
		return;
	}
	*e = (struct docs_edit){ line, count, fl_str_n(copy, text.n), (struct docs_edit *)f->fix };
	f->fix = e;
}
