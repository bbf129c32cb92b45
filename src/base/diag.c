/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rendering keeps the caret under its character on any terminal: the shown line has its tabs
 * expanded and its control bytes escaped, and the marker line is built from the same walk, one
 * column for each that the terminal will use. Long lines are cut to a window around the caret, so
 * that a hostile 100 MB line costs what a short one costs.
 */
#include "foreland/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/utf8.h"

#define WINDOW_BEFORE 120 /* bytes shown before the caret */
#define WINDOW	      200

void fl_diag_fini(struct fl_diag *d)
{
	free(d->message);
	free(d->help);
	*d = (struct fl_diag){};
}

int fl_diag_set(struct fl_diag *d, const struct fl_diag_kind *kind, struct fl_span span)
{
	if (d) {
		free(d->message);
		free(d->help);
		d->message = d->help = NULL;
		d->kind = kind;
		d->span = span;
		d->column = span.start;
	}
	return kind->err ? -kind->err : -EINVAL;
}

FL_PRINTF(2, 0) static void replace(char **text, const char *fmt, va_list ap)
{
	struct fl_buf b = {};

	fl_buf_vaddf(&b, fmt, ap);
	free(*text);
	*text = fl_buf_take(&b); /* NULL: without memory the kind's own words must do */
}

void fl_diag_message(struct fl_diag *d, const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return;
	va_start(ap, fmt);
	replace(&d->message, fmt, ap);
	va_end(ap);
}

void fl_diag_help(struct fl_diag *d, const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return;
	va_start(ap, fmt);
	replace(&d->help, fmt, ap);
	va_end(ap);
}

const char *fl_diag_text(const struct fl_diag *d)
{
	return d->message ? d->message : d->kind->message;
}

const char *fl_level_name(enum fl_level level)
{
	static const char *const names[] = { "error", "warning", "style", "note" };
	_Static_assert(FL_ARRAY_SIZE(names) == _FL_LEVEL_MAX, "a name for each level");

	return names[level];
}

/* The part of the line that is shown: all of it, or a window around the caret. */
static struct fl_span window(const struct fl_diag *d)
{
	uint32_t len = FL_MIN(d->text_len, (size_t)UINT32_MAX), start = 0;

	if (len > WINDOW && d->column > WINDOW_BEFORE)
		start = d->column - WINDOW_BEFORE;
	start = FL_MIN(start, len);
	while (start && start < len && (d->text[start] & 0xc0) == 0x80)
		start--; /* not into the middle of a character */
	return (struct fl_span){ start, FL_MIN(len, start + WINDOW) };
}

/* Shows the line and the marks under it. Both grow column by column from one walk. */
static void render_line(const struct fl_diag *d, struct fl_buf *out)
{
	struct fl_span win = window(d), span = d->span;
	_cleanup_buf_ struct fl_buf line = {}, marks = {};
	size_t at = win.start, mark_end = 0;

	if (span.end <= span.start)
		span = (struct fl_span){ d->column, d->column + 1 };
	if (win.start) {
		fl_buf_addz(&line, "...");
		fl_buf_fill(&marks, ' ', 3);
	}
	while (at < win.end || at <= d->column || at < span.end) {
		struct fl_str rest = at < win.end ? fl_str_n(d->text + at, win.end - at) : FL_STR(" ");
		uint32_t c = ' ';
		size_t len = fl_utf8_decode(rest, &c), columns, shown;
		char mark = at == d->column ? '^' : at >= span.start && at < span.end ? '~' : ' ';

		len = len ? len : 1;
		if (at > (size_t)win.end + WINDOW)
			break; /* a caret far beyond the text is the text's end */
		shown = line.len;
		if (c == '\t')
			fl_buf_fill(&line, ' ', 8 - marks.len % 8);
		else if (at < win.end)
			fl_escape(&line, fl_str_sub(rest, 0, len));
		columns = c == '\t' || line.len - shown > len ? line.len - shown : fl_utf8_width(c);
		columns = FL_MAX(columns, (size_t)(mark == '^')); /* one that joins another has none */
		fl_buf_fill(&marks, mark == '^' ? ' ' : mark, columns);
		if (line.error || marks.error)
			break;
		if (mark == '^')
			marks.data[marks.len - columns] = '^';
		if (mark == '^' && columns > 1 && at < span.end)
			memset(marks.data + marks.len - columns + 1, '~', columns - 1);
		if (mark != ' ')
			mark_end = marks.len;
		at += len;
	}
	if (win.end < d->text_len)
		fl_buf_addz(&line, "...");
	fl_buf_pass_error(out, &line);
	fl_buf_pass_error(out, &marks);
	fl_buf_add_buf(out, &line);
	fl_buf_addc(out, '\n');
	fl_buf_add_str(out, fl_str_sub(fl_buf_str(&marks), 0, mark_end));
	fl_buf_addc(out, '\n');
}

void fl_diag_render(const struct fl_diag *d, struct fl_buf *out)
{
	if (d->place) {
		fl_escape(out, fl_str(d->place));
		if (d->line)
			fl_buf_addf(out, ":%u", d->line);
		if (d->line && d->text)
			fl_buf_addf(out, ":%u", d->column + 1);
		fl_buf_addz(out, ": ");
	}
	fl_buf_addf(out, "%s: ", fl_level_name(d->kind->level));
	fl_escape(out, fl_str(fl_diag_text(d)));
	fl_buf_addf(out, " [%s]\n", d->kind->code);
	if (d->text)
		render_line(d, out);
	if (d->help) {
		fl_buf_addz(out, "help: ");
		fl_escape(out, fl_str(d->help));
		fl_buf_addc(out, '\n');
	}
}

void fl_diag_json(const struct fl_diag *d, const char *key, bool open, struct fl_buf *out)
{
	fl_json_open(out, key, '{');
	fl_json_strz(out, "code", d->kind->code);
	fl_json_strz(out, "message", fl_diag_text(d));
	fl_json_u64(out, "column", d->column);
	fl_json_open(out, "span", '[');
	fl_json_u64(out, NULL, d->span.start);
	fl_json_u64(out, NULL, d->span.end);
	fl_json_close(out, ']');
	if (d->help)
		fl_json_strz(out, "help", d->help);
	if (!open)
		fl_json_close(out, '}');
}
