/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/table.h"

#include <errno.h>

#include "base/escape.h"
#include "base/utf8.h"

static size_t text_width(struct fl_str s)
{
	size_t width = 0;

	while (s.n) {
		uint32_t c = ' ';
		size_t len = fl_utf8_decode(s, &c);

		width += fl_utf8_width(c);
		s = fl_str_from(s, len ? len : 1);
	}
	return width;
}

void fl_table_init(struct fl_table *t, const struct fl_column *columns, size_t n)
{
	*t = (struct fl_table){ .columns = columns, .nr_columns = FL_MIN(n, (size_t)FL_TABLE_MAX_COLUMNS) };
	for (size_t i = 0; i < t->nr_columns; i++)
		t->widths[i] = text_width(fl_str(columns[i].name));
}

void fl_table_fini(struct fl_table *t)
{
	fl_buf_fini(&t->text);
}

void fl_table_cell(struct fl_table *t, struct fl_str s)
{
	size_t *width = &t->widths[t->nr_cells++ % t->nr_columns], from = t->text.len;

	fl_escape(&t->text, s);
	*width = FL_MAX(*width, text_width(fl_str_from(fl_buf_str(&t->text), from)));
	fl_buf_addc(&t->text, '\0');
}

void fl_table_cell_buf(struct fl_table *t, const struct fl_buf *b)
{
	fl_table_cell(t, fl_buf_str(b));
	fl_buf_pass_error(&t->text, b);
}

void fl_table_cellf(struct fl_table *t, const char *fmt, ...)
{
	_cleanup_buf_ struct fl_buf cell = {};
	va_list ap;

	va_start(ap, fmt);
	fl_buf_vaddf(&cell, fmt, ap);
	va_end(ap);
	fl_table_cell_buf(t, &cell);
}

static void print_cell(const struct fl_table *t, size_t column, struct fl_str s, struct fl_buf *out)
{
	size_t pad = t->widths[column] - text_width(s);
	bool last = column + 1 == t->nr_columns;

	if (t->columns[column].right)
		fl_buf_fill(out, ' ', pad);
	fl_buf_add_str(out, s);
	if (!t->columns[column].right && !last)
		fl_buf_fill(out, ' ', pad);
	fl_buf_addz(out, last ? "\n" : "  ");
}

int fl_table_print(struct fl_table *t, struct fl_buf *out)
{
	struct fl_str rest = fl_buf_str(&t->text);

	if (t->text.error)
		return t->text.error;
	for (size_t i = 0; i < t->nr_columns && !t->no_heading; i++)
		print_cell(t, i, fl_str(t->columns[i].name), out);
	for (size_t i = 0; i < t->nr_cells; i++) {
		size_t end = fl_str_find(rest, '\0', 0);

		print_cell(t, i % t->nr_columns, fl_str_sub(rest, 0, end), out);
		rest = fl_str_from(rest, end + 1);
	}
	return out->error;
}
