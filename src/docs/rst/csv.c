/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csv-table: fields between delimiters, in quotation marks where they hold one or a line end. Each field is a
 * document part of its own. The automaton is that of Python's csv module in its strict mode, which docutils uses:
 * a mark within an unquoted field is text, one behind a quoted field ends it, and only the delimiter or the
 * line's end may follow. Options choose the characters; with :escape: two marks are not one any more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "docs/rst/internal.h"

struct dialect {
	struct fl_str delim, quote, escape; /* a character each, in UTF-8; escape: none where n is 0 */
	bool keep_space;
};

struct csv {
	struct rst *r;
	struct rst_block *b;
	uint32_t at; /* of the directive */
	struct dialect d;
	struct rst_view in;
	uint32_t row, col; /* where reading is: a line of @in and a place in it */
	uint32_t rows, fields, most, least;
	struct rst_line *cell; /* the field at hand, a line each */
	uint32_t n;
	char *store; /* for copies of the line at hand */
	uint32_t store_row;
	uint32_t told; /* docutils tells a line of a field from here on */
	bool bad;
};

static struct docs_finding *complain(struct csv *c, const char *text)
{
	c->bad = true;
	return rst_report(c->r, c->b, DOCS_DIRECTIVE_CONTENT, c->at, "%s", text);
}

/* -- the dialect -- */

/* "tab", "59", "U+3B" and so on name a character; @buf holds it. */
static struct fl_str character(struct fl_str s, bool words, char buf[8])
{
	uint32_t code;

	if (words && (fl_str_is(s, "tab") || fl_str_is(s, "space"))) {
		buf[0] = s.p[0] == 't' ? '\t' : ' ';
		return fl_str_n(buf, 1);
	}
	if (!rst_char_code(s, &code))
		return s;
	return fl_str_n(buf, fl_utf8_encode(code, buf));
}

/* Python's csv module takes no dialect of which two parts are the same: there the build ends. */
static bool is_dialect(const struct dialect *d)
{
	struct fl_str blank = d->keep_space ? fl_str_n("", 0) : FL_STR(" ");

	return d->delim.n && d->quote.n && !fl_str_eq(d->delim, d->quote) && !fl_str_eq(d->quote, blank) &&
	       !(d->escape.n && (fl_str_eq(d->escape, d->delim) || fl_str_eq(d->escape, d->quote) ||
				 fl_str_eq(d->escape, blank)));
}

static void read_delimiter(struct fl_str *c, struct rst_view options, const char *name, char buf[8])
{
	struct fl_str s = rst_option(options, name);

	if (s.p)
		*c = character(s, !strcmp(name, "delim"), buf);
}

/* -- fields -- */

static struct fl_str line_at(const struct csv *c)
{
	return rst_str(&c->in.v[c->row]);
}

static bool is_at(const struct csv *c, struct fl_str what)
{
	struct fl_str s = fl_str_from(line_at(c), c->col);

	return what.n && s.n >= what.n && !memcmp(s.p, what.p, what.n);
}

/* A piece of the field that one line holds: as it stands there, or a copy without what only csv needs. */
struct piece {
	uint32_t from;
	char *copy;
	uint32_t n;
};

/* One store serves all copies of a line: together they are no longer than it. */
static bool copy(struct csv *c, struct piece *p)
{
	struct fl_str s = line_at(c);

	if (!c->store || c->store_row != c->row) {
		c->store = fl_arena_alloc(c->r->arena, s.n + 1);
		c->store_row = c->row;
	}
	p->copy = c->store;
	if (!p->copy)
		return false;
	p->n = c->col - p->from;
	memcpy(p->copy, s.p + p->from, p->n);
	return true;
}

static void drop(struct csv *c, struct piece *p, size_t n)
{
	if (!p->copy && !copy(c, p))
		c->bad = true;
	c->col += n;
}

static void take(struct csv *c, struct piece *p)
{
	if (p->copy)
		p->copy[p->n++] = line_at(c).p[c->col];
	c->col++;
}

static void end_piece(struct csv *c, struct piece *p)
{
	const struct rst_line *l = &c->in.v[c->row];
	struct rst_line out = { l->p + p->from, c->col - p->from, l->no, l->off + p->from };

	if (p->copy)
		out = (struct rst_line){ p->copy, p->n, l->no, l->off + p->from };
	if (p->copy)
		c->store += p->n;
	while (out.n && out.p[out.n - 1] == ' ')
		out.n--;
	if (c->n < c->in.n)
		c->cell[c->n++] = out;
	*p = (struct piece){};
}

/* The field goes on in the next line, if there is one. */
static bool next_line(struct csv *c, struct piece *p)
{
	end_piece(c, p);
	if (c->row + 1 == c->in.n)
		return false;
	c->row++;
	c->col = 0;
	return true;
}

/* Takes what is behind an escape character as it is. */
static bool escaped(struct csv *c, struct piece *p)
{
	drop(c, p, c->d.escape.n);
	if (c->col >= line_at(c).n)
		return next_line(c, p);
	if (p->copy)
		take(c, p);
	return true;
}

/* Up to the mark that ends the field, and behind it. True where the field goes on behind it. */
static bool quoted(struct csv *c, struct piece *p)
{
	char text[120];

	while (!c->bad) {
		if (c->col >= line_at(c).n) {
			if (!next_line(c, p)) {
				complain(c, "Error with CSV data in \"csv-table\" directive: unexpected end of data");
				return false;
			}
		} else if (is_at(c, c->d.escape)) {
			escaped(c, p);
		} else if (is_at(c, c->d.quote)) {
			drop(c, p, c->d.quote.n);
			if (c->d.escape.n || !is_at(c, c->d.quote))
				break;
			take(c, p);
		} else {
			take(c, p);
		}
	}
	if (c->bad || c->d.escape.n)
		return !c->bad;
	if (c->col < line_at(c).n && !is_at(c, c->d.delim)) {
		snprintf(text, sizeof(text),
			 "Error with CSV data in \"csv-table\" directive: '%.*s' expected after "
			 "'%.*s'",
			 FL_STR_ARG(c->d.delim), FL_STR_ARG(c->d.quote));
		complain(c, text);
	}
	return false;
}

static void field(struct csv *c)
{
	struct piece p = {};
	bool more = true;

	c->n = 0;
	while (!c->d.keep_space && c->col < line_at(c).n && line_at(c).p[c->col] == ' ')
		c->col++;
	p.from = c->col;
	if (is_at(c, c->d.quote)) {
		c->col += c->d.quote.n;
		p.from = c->col;
		more = quoted(c, &p);
	}
	while (more && !c->bad && c->col < line_at(c).n && !is_at(c, c->d.delim)) {
		if (is_at(c, c->d.escape))
			more = escaped(c, &p);
		else
			take(c, &p);
	}
	if (!c->bad && c->col <= line_at(c).n)
		end_piece(c, &p);
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
	c->store = NULL;
	for (c->row = 0; c->row < c->in.n && !c->bad; c->row++) {
		c->col = c->fields = 0;
		while (!c->bad && line_at(c).n) {
			field(c);
			c->fields++;
			if (c->bad)
				return;
			if (cells && c->n)
				rst_nested(c->r, (struct rst_view){ c->cell, c->n }, c->told - c->cell[0].no, false);
			if (c->col >= line_at(c).n)
				break;
			c->col += c->d.delim.n;
		}
		end_row(c);
	}
}

/* -- options and size -- */

static uint32_t number(struct rst_view options, const char *name)
{
	struct fl_str s = rst_option(options, name);
	uint32_t n = 0;

	for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && n < 100000; i++)
		n = n * 10 + (uint32_t)(s.p[i] - '0');
	return n;
}

/* The numbers of ":widths:", 0 where it has none: between commas, or blanks where there is no comma. */
uint32_t rst_count_widths(struct rst_view options)
{
	struct fl_str rest = rst_option(options, "widths"), word;
	uint32_t n = 0;

	if (!rest.n || rest.p[0] == 'a' || rest.p[0] == 'g')
		return 0;
	if (!memchr(rest.p, ',', rest.n)) {
		while (fl_str_word(&rest, &word))
			n++;
		return n;
	}
	for (size_t i = 0; i < rest.n; i++)
		n += rest.p[i] == ',';
	return n + 1;
}

static bool bad_widths(char *text, size_t size, const char *name, struct rst_view options, uint32_t columns)
{
	uint32_t widths = rst_count_widths(options);

	if (widths && widths != columns)
		snprintf(text, size, "\"%s\" widths do not match the number of columns in table (%u).", name, columns);
	else if (!widths && !columns)
		snprintf(text, size, "No table data detected in CSV file.");
	return text[0];
}

static void bad_size(char *text, size_t size, const char *name, struct rst_view options, uint32_t rows, uint32_t least)
{
	uint32_t head = number(options, "header-rows"), stub = number(options, "stub-columns");

	if (rows < head)
		snprintf(text, size,
			 "%u header row(s) specified but only %u row(s) of data supplied (\"%s\" "
			 "directive).",
			 head, rows, name);
	else if (head && rows == head)
		snprintf(text, size, "Insufficient data supplied (%u row(s)); no data remaining for table body, "
			 "required by \"%s\" directive.", rows, name);
	else if (least < stub)
		snprintf(text, size, "%u stub column(s) specified but only %u columns(s) of data supplied "
			 "(\"%s\" directive).", stub, least, name);
	else if (stub && least == stub)
		snprintf(text, size, "Insufficient data supplied (%u columns(s)); no data remaining for table body, "
			 "required by \"%s\" directive.", least, name);
}

bool rst_table_size(struct rst *r, struct rst_block *b, uint32_t at, const char *name, struct rst_view options,
		    const uint32_t size[3])
{
	bool list = !strcmp(name, "list-table"); /* whose widths are judged first */
	char text[200];

	text[0] = '\0';
	if (!list || !bad_widths(text, sizeof(text), name, options, size[2]))
		bad_size(text, sizeof(text), name, options, size[0], size[1]);
	if (!list && !text[0])
		bad_widths(text, sizeof(text), name, options, size[2]);
	if (text[0])
		rst_report(r, b, DOCS_DIRECTIVE_CONTENT, at, "%s", text);
	return !text[0];
}

/* Fields of the option "header", whose lines are a row like the others; @cells: their text is read. */
static uint32_t header_fields(struct csv *c, struct rst_view options, bool cells)
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
	if (!c->bad)
		read_rows(c, cells);
	c->in = content;
	return c->most;
}

/* Lines of a file are told at the line of the directive, as docutils does: the page is what was asked for. */
static bool read_file(struct csv *c, struct rst_view options, struct fl_str name)
{
	bool utf8 = true;
	struct rst_fact *named = rst_add_fact(c->r, RST_FILE, &c->b->v[c->at], FL_STR("csv-table"));

	if (named)
		named->extra = name;
	if (!c->r->text || !c->r->text(c->r, name, &c->in))
		return false;
	for (uint32_t i = 0; i < c->in.n; i++) {
		utf8 &= fl_utf8_valid(rst_str(&c->in.v[i]));
		c->in.v[i].no = rst_no(c->b, c->at);
	}
	if (!utf8 && !rst_option(options, "encoding").p)
		complain(c, "Problems with \"csv-table\" directive path: the file has bytes that are no UTF-8.");
	c->told = rst_no(c->b, c->at) + options.n + 1;
	return !c->bad;
}

/* False where there is nothing to be read. */
static bool find_rows(struct csv *c, struct rst_view options)
{
	struct fl_str file = rst_option(options, "file"), url = rst_option(options, "url");
	struct docs_finding *f = NULL;

	if (!file.p && !url.p && c->in.n)
		return true;
	if (c->in.n)
		complain(c, "\"csv-table\" directive may not both specify an external file and have content.");
	else if (file.p && url.p)
		complain(c, "The \"file\" and \"url\" options may not be simultaneously specified for the "
			 "\"csv-table\" directive.");
	else if (file.p)
		return read_file(c, options, file);
	else if (!url.p)
		f = complain(c, "The \"csv-table\" directive requires content; none supplied.");
	if (f)
		f->level = FL_WARNING;
	return false;
}

void rst_csv_table(struct rst *r, struct rst_block *b, uint32_t at, struct rst_view content,
		   struct rst_view options)
{
	struct csv c = { .r = r, .b = b, .at = at, .in = content };
	char delim[8], quote[8], escape[8];
	uint32_t head;

	c.d = (struct dialect){ FL_STR(","), FL_STR("\""), {}, rst_option(options, "keepspace").p != NULL };
	read_delimiter(&c.d.delim, options, "delim", delim);
	read_delimiter(&c.d.quote, options, "quote", quote);
	read_delimiter(&c.d.escape, options, "escape", escape);
	c.told = content.n ? content.v[0].no - 1 + b->bias : 0;
	if (!find_rows(&c, options))
		return;
	if (!is_dialect(&c.d)) {
		complain(&c, "Error with CSV data in \"csv-table\" directive: bad delimiter, quote "
			     "or escape character");
		return;
	}
	c.cell = fl_arena_array(r->arena, (size_t)c.in.n + 1, sizeof(*c.cell));
	c.bad = !c.cell;
	head = c.bad ? 0 : header_fields(&c, options, false);
	if (!c.bad)
		read_rows(&c, false);
	if (!c.bad)
		c.bad = !rst_table_size(r, b, at, "csv-table", options,
					(uint32_t[]){ c.rows, c.least, FL_MAX(c.most, head) });
	if (!c.bad) {
		header_fields(&c, options, true);
		read_rows(&c, true);
	}
}
