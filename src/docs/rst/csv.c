/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csv-table: fields between commas, in quotation marks where they hold a comma or a line end, two
 * marks for one. Each field is a document part of its own. Options that choose other characters, or
 * a file, leave the content unread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "docs/rst/internal.h"

struct csv {
	struct rst *r;
	struct rst_block *b;
	uint32_t at; /* of the directive */
	struct rst_view in;
	uint32_t row, col; /* where reading is: a line of @in and a place in it */
	uint32_t rows, fields, most, least;
	struct rst_line *cell; /* the field at hand, a line each */
	uint32_t n;
	bool bad;
};

static struct docs_finding *complain(struct csv *c, const char *text)
{
	c->bad = true;
	return rst_report(c->r, c->b, DOCS_DIRECTIVE_CONTENT, c->at, "%s", text);
}

static struct fl_str line_at(const struct csv *c)
{
	return rst_str(&c->in.v[c->row]);
}

/* Adds [@from, @to) of the line at hand to the field, as a line of it. */
static void add_piece(struct csv *c, uint32_t from, uint32_t to)
{
	const struct rst_line *l = &c->in.v[c->row];

	c->cell[c->n++] = (struct rst_line){ l->p + from, to - from, l->no, l->off + from };
}

/* Two marks are one: the piece is copied without the second ones. */
static void add_quoted(struct csv *c, uint32_t from, uint32_t to)
{
	struct rst_line *l = &c->cell[c->n];
	char *copy;
	uint32_t n = 0;

	add_piece(c, from, to);
	if (!memmem(l->p, l->n, "\"\"", 2))
		return;
	copy = fl_arena_alloc(c->r->arena, l->n + 1);
	for (uint32_t i = 0; copy && i < l->n; i++) {
		copy[n++] = l->p[i];
		i += l->p[i] == '"';
	}
	if (copy)
		*l = (struct rst_line){ copy, n, l->no, l->off };
}

/* The field behind the quotation mark that was read. */
static void quoted(struct csv *c)
{
	for (;;) {
		struct fl_str s = line_at(c);
		uint32_t from = c->col;

		while (c->col < s.n && (s.p[c->col] != '"' || (c->col + 1 < s.n && s.p[c->col + 1] == '"')))
			c->col += s.p[c->col] == '"' ? 2 : 1;
		add_quoted(c, from, FL_MIN(c->col, (uint32_t)s.n));
		if (c->col < s.n)
			break;
		if (++c->row == c->in.n) {
			complain(c, "Error with CSV data in \"csv-table\" directive: unexpected end of data");
			return;
		}
		c->col = 0;
	}
	c->col++;
	if (c->col < line_at(c).n && line_at(c).p[c->col] != ',')
		complain(c, "Error with CSV data in \"csv-table\" directive: ',' expected after '\"'");
}

static void field(struct csv *c)
{
	struct fl_str s = line_at(c);
	uint32_t from;

	c->n = 0;
	while (c->col < s.n && s.p[c->col] == ' ')
		c->col++;
	from = c->col;
	if (c->col < s.n && s.p[c->col] == '"') {
		c->col++;
		quoted(c);
		return;
	}
	c->col = fl_str_find(s, ',', c->col);
	add_piece(c, from, c->col);
}

static void end_row(struct csv *c)
{
	c->rows++;
	c->most = FL_MAX(c->most, c->fields);
	c->least = FL_MIN(c->least, c->fields);
}

/* Goes over all rows; @cells: reads the text of their fields. */
static void read_rows(struct csv *c, bool cells)
{
	c->rows = c->most = 0;
	c->least = UINT32_MAX;
	for (c->row = 0; c->row < c->in.n && !c->bad; c->row++) {
		c->col = c->fields = 0;
		while (!c->bad && line_at(c).n) {
			field(c);
			c->fields++;
			if (c->bad)
				return;
			if (cells)
				rst_nested(c->r, (struct rst_view){ c->cell, c->n }, c->b->bias, false);
			if (c->col >= line_at(c).n)
				break;
			c->col++; /* the comma */
		}
		end_row(c);
	}
}

/* The value of option @name; p NULL where it is not there. */
static struct fl_str option(struct rst_view options, const char *name)
{
	size_t n = strlen(name);

	for (uint32_t i = 0; i < options.n; i++) {
		struct fl_str s = rst_str(&options.v[i]);

		if (s.n > n + 1 && s.p[0] == ':' && !memcmp(s.p + 1, name, n) && s.p[n + 1] == ':')
			return fl_str_trim(fl_str_from(s, n + 2));
	}
	return fl_str_n(NULL, 0);
}

static uint32_t number(struct rst_view options, const char *name)
{
	struct fl_str s = option(options, name);
	uint32_t n = 0;

	for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && n < 100000; i++)
		n = n * 10 + (uint32_t)(s.p[i] - '0');
	return n;
}

bool rst_table_size(struct rst *r, struct rst_block *b, uint32_t at, const char *name, struct rst_view options,
		    const uint32_t size[3])
{
	uint32_t head = number(options, "header-rows"), stub = number(options, "stub-columns"), widths = 0;
	uint32_t rows = size[0], least = size[1], most = size[2];
	struct fl_str rest = option(options, "widths");
	char text[200];

	text[0] = '\0';
	for (size_t i = 0; i < rest.n; i++)
		widths += rest.p[i] >= '0' && rest.p[i] <= '9' && (!i || rest.p[i - 1] < '0' || rest.p[i - 1] > '9');
	if (rows < head)
		snprintf(text, sizeof(text), "%u header row(s) specified but only %u row(s) of data supplied "
			 "(\"%s\" directive).", head, rows, name);
	else if (head && rows == head)
		snprintf(text, sizeof(text), "Insufficient data supplied (%u row(s)); no data remaining for table "
			 "body, required by \"%s\" directive.", rows, name);
	else if (least < stub)
		snprintf(text, sizeof(text), "%u stub column(s) specified but only %u columns(s) of data supplied "
			 "(\"%s\" directive).", stub, least, name);
	else if (stub && least == stub)
		snprintf(text, sizeof(text), "Insufficient data supplied (%u columns(s)); no data remaining for "
			 "table body, required by \"%s\" directive.", least, name);
	else if (widths && widths != most)
		snprintf(text, sizeof(text), "\"%s\" widths do not match the number of columns in table (%u).", name,
			 most);
	if (text[0])
		rst_report(r, b, DOCS_DIRECTIVE_CONTENT, at, "%s", text);
	return !text[0];
}

/* Fields of the option "header", whose lines are a row like the others. */
static uint32_t header_fields(struct csv *c, struct rst_view options)
{
	struct rst_view content = c->in;
	struct rst_line *v = fl_arena_array(c->r->arena, (size_t)options.n + 1, sizeof(*v));
	uint32_t n = 0;

	for (uint32_t i = 0; v && i < options.n; i++) {
		struct rst_line l = options.v[i];

		if (n && l.n && l.p[0] != ' ')
			break;
		if (fl_str_starts(rst_str(&l), ":header:"))
			l = (struct rst_line){ l.p + 8, l.n - 8, l.no, l.off + 8 };
		else if (!n)
			continue;
		v[n++] = l;
	}
	if (!n)
		return 0;
	c->in = (struct rst_view){ v, n };
	c->cell = fl_arena_array(c->r->arena, (size_t)FL_MAX(n, content.n) + 1, sizeof(*c->cell));
	c->bad |= !c->cell;
	read_rows(c, false);
	c->in = content;
	return c->most;
}

/* The content stands in a file, or there is none: nothing is left to be read here. */
static bool elsewhere(struct csv *c, struct rst_view options)
{
	struct fl_str file = option(options, "file");
	struct docs_finding *f = NULL;
	struct rst_fact *named;

	if (!file.p && !option(options, "url").p && c->in.n)
		return false;
	if (c->in.n) {
		complain(c, "\"csv-table\" directive may not both specify an external file and have content.");
	} else if (file.p) {
		named = rst_add_fact(c->r, RST_FILE, &c->b->v[c->at], FL_STR("csv-table"));
		if (named)
			named->extra = file;
	} else if (!option(options, "url").p) {
		f = complain(c, "The \"csv-table\" directive requires content; none supplied.");
	}
	if (f)
		f->level = FL_WARNING;
	return true;
}

void rst_csv_table(struct rst *r, struct rst_block *b, uint32_t at, struct rst_view content,
		   struct rst_view options)
{
	static const char *const others[] = { "delim", "quote", "escape", "keepspace" };
	struct csv c = { .r = r, .b = b, .at = at, .in = content };
	uint32_t head;

	for (size_t i = 0; i < FL_ARRAY_SIZE(others); i++)
		c.bad |= option(options, others[i]).p != NULL;
	c.cell = fl_arena_array(r->arena, (size_t)content.n + 1, sizeof(*c.cell));
	if (elsewhere(&c, options) || c.bad || !c.cell)
		return;
	head = header_fields(&c, options);
	if (!c.bad)
		read_rows(&c, false);
	if (!c.bad)
		c.bad = !rst_table_size(r, b, at, "csv-table", options,
					(uint32_t[]){ c.rows, c.least, FL_MAX(c.most, head) });
	if (!c.bad)
		read_rows(&c, true);
}
