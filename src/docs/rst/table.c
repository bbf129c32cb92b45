/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grid and simple tables. Both work on columns of the screen: a wide character takes two, a
 * combining one none. So the lines of a table are first made into "shapes", one byte a column
 * ('x' for what is not ASCII) beside the place of each column in the text; then a border is a
 * border whatever the script, and a cell is cut out of the text by its columns.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "docs/rst/internal.h"

#define MAX_COLUMNS	512
#define MAX_GRID_STEPS	20000000u /* a drawn table needs some thousands */

struct shape {
	const char *s;
	uint32_t n;
	uint32_t *at; /* of each column in the line, and one more for its end; NULL: the same */
};

struct span {
	uint32_t start, end;
};

bool rst_is_grid_top(struct fl_str s)
{
	if (s.n < 5 || s.p[0] != '+' || s.p[1] != '-' || s.p[s.n - 1] != '+' || s.p[s.n - 2] != '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '+' && s.p[i] != '-')
			return false;
	}
	return true;
}

static bool is_grid_head(const struct shape *l)
{
	if (l->n < 5 || l->s[0] != '+' || l->s[1] != '=' || l->s[l->n - 1] != '+' ||
	    l->s[l->n - 2] != '=')
		return false;
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->s[i] != '+' && l->s[i] != '=')
			return false;
	}
	return true;
}

static bool is_border(struct fl_str s, char c)
{
	if (!s.n || s.p[0] != c)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != c && s.p[i] != ' ')
			return false;
	}
	return true;
}

bool rst_is_simple_top(struct fl_str s)
{
	return is_border(s, '=') && memchr(s.p, ' ', s.n);
}

static void shape_wide(struct rst *r, struct fl_str text, struct shape *ret)
{
	char *s = fl_arena_alloc(r->arena, 2 * text.n + 1);
	uint32_t *at = fl_arena_array(r->arena, 2 * text.n + 1, sizeof(*at)), n = 0;

	if (!s || !at)
		return;
	for (size_t i = 0; i < text.n;) {
		uint32_t c = ' ';
		size_t len = fl_utf8_decode(fl_str_from(text, i), &c);
		unsigned int width = len ? fl_utf8_width(c) : 1;

		len = len ? len : 1;
		for (unsigned int k = 0; k < width; k++) {
			s[n] = c < 0x80 ? c : rst_is_space(c) ? ' ' : 'x';
			at[n++] = k ? i + len : i;
		}
		i += len;
	}
	at[n] = text.n;
	*ret = (struct shape){ s, n, at };
}

static struct shape shape_of(struct rst *r, const struct rst_line *l)
{
	struct shape sh = { l->p, l->n, NULL };

	for (uint32_t i = 0; i < l->n; i++) {
		if (l->p[i] & 0x80) {
			shape_wide(r, rst_str(l), &sh);
			break;
		}
	}
	return sh;
}

static struct shape *shapes_of(struct rst *r, const struct rst_line *l, uint32_t n)
{
	struct shape *v = fl_arena_array(r->arena, n, sizeof(*v));

	for (uint32_t i = 0; v && i < n; i++)
		v[i] = shape_of(r, &l[i]);
	return v;
}

/* Column @col as an offset into the line's text. */
static uint32_t offset_of(const struct shape *sh, uint32_t col)
{
	col = FL_MIN(col, sh->n);
	return sh->at ? sh->at[col] : col;
}

/* Reads the cell [top, bottom) x [left, right) as a block of its own. */
static void cell(struct rst *r, const struct rst_block *b, const struct rst_line *lines,
		 const struct shape *sh, uint32_t top, uint32_t bottom, struct span cols)
{
	uint32_t n = bottom - top, indent = UINT32_MAX, any = 0;
	struct rst_line *v = fl_arena_array(r->arena, n, sizeof(*v));

	for (uint32_t i = 0; v && i < n; i++) {
		const struct rst_line *l = &lines[top + i];
		uint32_t from = offset_of(&sh[top + i], cols.start);
		uint32_t to = offset_of(&sh[top + i], cols.end), blanks = 0;

		while (to > from && l->p[to - 1] == ' ')
			to--;
		v[i] = (struct rst_line){ l->p + from, to - from, l->no, l->off + cols.start };
		while (blanks < v[i].n && v[i].p[blanks] == ' ')
			blanks++;
		if (v[i].n)
			indent = FL_MIN(indent, blanks);
		any |= v[i].n;
	}
	if (!v || !any)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t less = FL_MIN(indent, v[i].n);

		v[i].p += less;
		v[i].n -= less;
		v[i].off += indent;
	}
	rst_nested(r, (struct rst_view){ v, n }, b->bias + (r->family == DOCUTILS_21), false);
}

static void blank_after(struct rst *r, struct rst_block *b, uint32_t at)
{
	docs_finding_edit(r->sink, rst_report(r, b, DOCS_TABLE_BLANK, at, NULL), rst_no(b, at), 0,
			  FL_STR("\n"));
}

/* -- grid tables -- */

struct grid {
	struct rst *r;
	const struct shape *v;
	uint32_t bottom, right;
	uint32_t steps;
	int64_t *done; /* of each column, the last row that lies in a finished cell */
	bool *begun;   /* of each column, a cell starts in it */
};

static char at(struct grid *g, uint32_t row, uint32_t col)
{
	char c = g->v[row].s[col];

	g->steps++;
	return c == '=' && is_grid_head(&g->v[row]) ? '-' : c;
}

static bool closes(struct grid *g, uint32_t top, uint32_t left, uint32_t bottom, uint32_t right)
{
	for (uint32_t i = right - 1; i > left; i--) {
		char c = at(g, bottom, i);

		if (c != '+' && c != '-')
			return false;
	}
	if (at(g, bottom, left) != '+')
		return false;
	for (uint32_t i = bottom - 1; i > top; i--) {
		char c = at(g, i, left);

		if (c != '+' && c != '|')
			return false;
	}
	return true;
}

static bool scan_down(struct grid *g, uint32_t top, uint32_t left, uint32_t right, uint32_t *bottom)
{
	for (uint32_t i = top + 1; i <= g->bottom; i++) {
		char c = at(g, i, right);

		if (c == '+' && closes(g, top, left, i, right)) {
			*bottom = i;
			return true;
		}
		if ((c != '+' && c != '|') || g->steps > MAX_GRID_STEPS)
			return false;
	}
	return false;
}

static bool scan_cell(struct grid *g, uint32_t top, uint32_t left, uint32_t *bottom, uint32_t *right)
{
	for (uint32_t i = left + 1; i <= g->right; i++) {
		char c = at(g, top, i);

		if (c == '+' && scan_down(g, top, left, i, bottom)) {
			*right = i;
			return true;
		}
		if ((c != '+' && c != '-') || g->steps > MAX_GRID_STEPS)
			return false;
	}
	return false;
}

struct corner {
	uint32_t row, col;
};

static bool before(struct corner a, struct corner b)
{
	return a.row < b.row || (a.row == b.row && a.col < b.col);
}

/* Corners that wait, the first in reading order at the top: a heap. */
struct corners {
	struct corner *v;
	uint32_t n, cap;
};

static bool push(struct rst *r, struct corners *q, struct corner c)
{
	uint32_t i;

	if (q->n == q->cap) {
		uint32_t cap = q->cap ? q->cap * 2 : 64;
		struct corner *v = fl_arena_array(r->arena, cap, sizeof(*v));

		if (!v)
			return false;
		if (q->n)
			memcpy(v, q->v, q->n * sizeof(*v));
		q->v = v;
		q->cap = cap;
	}
	for (i = q->n++; i && before(c, q->v[(i - 1) / 2]); i = (i - 1) / 2)
		q->v[i] = q->v[(i - 1) / 2];
	q->v[i] = c;
	return true;
}

static struct corner pop(struct corners *q)
{
	struct corner first = q->v[0], last = q->v[--q->n];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < q->n) {
		child += child + 1 < q->n && before(q->v[child + 1], q->v[child]);
		if (!before(q->v[child], last))
			break;
		q->v[i] = q->v[child];
		i = child;
	}
	q->v[i] = last;
	return first;
}

/* Traces every cell. False where some part of the drawing belongs to none. */
static bool trace(struct grid *g, struct rst_block *b, const struct rst_line *lines)
{
	struct corners q = {};
	uint32_t bottom, right;

	if (!push(g->r, &q, (struct corner){}))
		return true;
	while (q.n) {
		struct corner c = pop(&q);

		if (c.row == g->bottom || c.col == g->right || (int64_t)c.row <= g->done[c.col])
			continue;
		if (g->v[c.row].s[c.col] != '+' || !scan_cell(g, c.row, c.col, &bottom, &right))
			continue;
		b->table_columns += !g->begun[c.col];
		g->begun[c.col] = true;
		for (uint32_t i = c.col; i < right; i++)
			g->done[i] = (int64_t)bottom - 1;
		if (bottom > c.row + 1)
			cell(g->r, b, lines, g->v, c.row + 1, bottom, (struct span){ c.col + 1, right });
		if (!push(g->r, &q, (struct corner){ c.row, right }) ||
		    !push(g->r, &q, (struct corner){ bottom, c.col }))
			return true;
	}
	if (g->steps > MAX_GRID_STEPS)
		return true; /* too large to be drawn by a person; nothing is said of it */
	for (uint32_t i = 0; i < g->right; i++) {
		if (g->done[i] != (int64_t)g->bottom - 1)
			return false;
	}
	return true;
}

static bool has_edges(const struct shape *l, uint32_t width)
{
	return l->n == width && (l->s[l->n - 1] == '+' || l->s[l->n - 1] == '|');
}

/* A second head separator, or one at the table's edge. */
static bool bad_heads(struct rst *r, struct rst_block *b, const struct shape *v, uint32_t n,
		      uint32_t start)
{
	uint32_t head = 0, i;

	for (i = 0; i < n; i++) {
		if (!is_grid_head(&v[i]))
			continue;
		if (head) {
			rst_report(r, b, DOCS_TABLE_MALFORMED, start + i,
				   "Malformed table. Multiple head/body row separators (table lines "
				   "%u and %u); only one allowed.", head + 1, i + 1);
			return true;
		}
		head = i;
		if (i == 0 || i == n - 1) {
			rst_report(r, b, DOCS_TABLE_MALFORMED, start + i,
				   "Malformed table. The head/body row separator may not be the "
				   "first or last line of the table.");
			return true;
		}
	}
	return false;
}

static void grid_cells(struct rst *r, struct rst_block *b, uint32_t start, uint32_t n,
		       const struct shape *v)
{
	struct grid g = { .r = r, .v = v, .bottom = n - 1, .right = v[0].n - 1 };

	if (bad_heads(r, b, v, n, start))
		return;
	g.done = fl_arena_array(r->arena, v[0].n, sizeof(*g.done));
	g.begun = fl_arena_array(r->arena, v[0].n, sizeof(*g.begun));
	if (!g.done || !g.begun)
		return;
	memset(g.begun, 0, v[0].n * sizeof(*g.begun));
	b->table_columns = 0;
	for (uint32_t i = 0; i < v[0].n; i++)
		g.done[i] = -1;
	if (!trace(&g, b, b->v + start))
		rst_report(r, b, DOCS_TABLE_MALFORMED, start,
			   "Malformed table. Malformed table; parse incomplete.");
}

/* Number of the table's lines from @start on; *ret_blank: nothing else follows at once. */
static uint32_t grid_lines(struct rst *r, struct rst_block *b, uint32_t start, bool *ret_blank)
{
	uint32_t end = start;

	*ret_blank = true;
	while (end < b->n && b->v[end].n && b->v[end].p[0] != ' ')
		end++;
	if (end < b->n && b->v[end].n) {
		rst_indentation(r, b, end);
		*ret_blank = false;
	}
	for (uint32_t i = start; i < end; i++) {
		if (b->v[i].p[0] != '+' && b->v[i].p[0] != '|') {
			*ret_blank = false;
			return i - start;
		}
	}
	return end - start;
}

/* Since 0.22.1 docutils says what is wrong with the drawing, and where. */
static void no_bottom(struct rst *r, struct rst_block *b, uint32_t start, uint32_t n)
{
	bool cut = start + n < b->n && b->v[start + n].n && b->v[start + n].p[0] != ' ';

	if (r->family == DOCUTILS_21)
		rst_report(r, b, DOCS_TABLE_MALFORMED, start, NULL);
	else
		rst_report(r, b, DOCS_TABLE_MALFORMED, start + (n >= 4 ? 2 : cut ? n : n - 1),
			   "Malformed table. Bottom border missing or corrupt.");
}

/* @at: the line that is too long or short; @doc: the one that docutils gives. */
static void ragged(struct rst *r, struct rst_block *b, uint32_t at, uint32_t doc)
{
	struct docs_finding *f = rst_report(r, b, DOCS_TABLE_MALFORMED, at, r->family == DOCUTILS_21 ? NULL :
					    "Malformed table. Right border not aligned or missing.");

	if (f)
		f->docline = rst_no(b, doc) + b->bias;
}

void rst_grid_table(struct rst *r, struct rst_block *b)
{
	uint32_t start = b->i, n, keep;
	const struct shape *v;
	bool blank;

	b->nr_other++;
	b->nr_tables++;
	n = keep = grid_lines(r, b, start, &blank);
	b->i = start + n;
	v = shapes_of(r, b->v + start, n);
	if (!v)
		return;
	if (!rst_is_grid_top(fl_str_n(v[n - 1].s, v[n - 1].n))) {
		for (keep = n - 1; keep > 2 && !rst_is_grid_top(fl_str_n(v[keep - 1].s, v[keep - 1].n)); keep--)
			;
		if (keep <= 2) {
			no_bottom(r, b, start, n);
			if (!blank || r->family == DOCUTILS_21)
				blank_after(r, b, b->i);
			return;
		}
		blank = false;
		b->i = start + keep - 2; /* docutils backs up two lines too far */
	}
	for (uint32_t i = 0; i < keep; i++) {
		if (!has_edges(&v[i], v[0].n)) {
			ragged(r, b, start + i, b->i - keep + (r->family == DOCUTILS_21 ? 0 : i));
			if (!blank)
				blank_after(r, b, b->i);
			return;
		}
	}
	grid_cells(r, b, start, keep, v);
	if (!blank)
		blank_after(r, b, b->i);
}

/* -- simple tables -- */

struct simple {
	struct rst *r;
	struct rst_block *b;
	uint32_t start, n; /* lines of the block */
	const struct shape *v;
	struct span cols[MAX_COLUMNS];
	uint32_t nr_cols;
	uint32_t border_end;
	bool bad;
	struct docs_finding *finding;
};

static bool is_simple_head(const struct shape *l)
{
	return is_border(fl_str_n(l->s, l->n), '=');
}

static bool is_span_line(const struct simple *t, uint32_t i)
{
	struct fl_str s = fl_str_n(t->v[i].s, t->v[i].n);

	return is_border(s, '-') || is_border(s, '=');
}

static uint32_t spans_of(const struct shape *l, struct span *out)
{
	uint32_t n = 0, i = 0;

	while (i < l->n && n < MAX_COLUMNS) {
		uint32_t from;

		while (i < l->n && l->s[i] == ' ')
			i++;
		from = i;
		while (i < l->n && l->s[i] != ' ')
			i++;
		if (i > from)
			out[n++] = (struct span){ from, i };
	}
	return n;
}

static bool text_between(const struct shape *l, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to && i < l->n; i++) {
		if (l->s[i] != ' ')
			return true;
	}
	return false;
}

static uint32_t text_end(const struct shape *l)
{
	uint32_t end = l->n;

	while (end && l->s[end - 1] == ' ')
		end--;
	return end;
}

FL_PRINTF(3, 4) static void malformed(struct simple *t, uint32_t line, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->bad = true;
	t->finding = rst_report(t->r, t->b, DOCS_TABLE_MALFORMED, t->start + line,
				"Malformed table. %s", text);
}

/* No text between the columns; text behind the last one widens it. */
static bool check_margins(struct simple *t, uint32_t from, uint32_t to, struct span *cols, uint32_t n)
{
	for (uint32_t c = 0; c < n; c++) {
		for (uint32_t i = from; i < to; i++) {
			uint32_t next = c + 1 < n ? cols[c + 1].start : UINT32_MAX, end;

			if (!text_between(&t->v[i], cols[c].end, next))
				continue;
			if (c + 1 < n) {
				malformed(t, i, "Text in column margin in table line %u.", i + 1);
				return false;
			}
			end = text_end(&t->v[i]);
			cols[c].end = FL_MAX(t->cols[t->nr_cols - 1].end, end);
			if (end > t->cols[t->nr_cols - 1].end)
				t->cols[t->nr_cols - 1].end = end;
		}
	}
	return true;
}

/* The columns that a line of "---" joins must be whole ones. */
static bool check_spans(struct simple *t, uint32_t start, const struct span *cols, uint32_t n)
{
	uint32_t i = 0;

	for (uint32_t c = 0; c < n; c++) {
		bool fits = i < t->nr_cols && cols[c].start == t->cols[i].start;

		while (fits && cols[c].end != t->cols[i].end)
			fits = ++i < t->nr_cols;
		if (!fits) {
			malformed(t, start + 1, "Column span alignment problem in table line %u.",
				  start + 2);
			return false;
		}
		i++;
	}
	return true;
}

/* Lines [from, to) are a row; @span the line that ends it, or 0. */
static bool row(struct simple *t, uint32_t from, uint32_t to, uint32_t span)
{
	struct span cols[MAX_COLUMNS];
	uint32_t n = t->nr_cols;

	if (from == to && !span)
		return true;
	memcpy(cols, t->cols, n * sizeof(*cols));
	if (span) {
		n = spans_of(&t->v[span], cols);
		if (!n || cols[n - 1].end != t->border_end) {
			malformed(t, span, "Column span incomplete in table line %u.", span + 1);
			return false;
		}
		cols[n - 1].end = t->cols[t->nr_cols - 1].end;
	}
	if (!check_margins(t, from, to, cols, n) || !check_spans(t, from, cols, n))
		return false;
	return true;
}

/* docutils looks at the cells only when the whole table is sound; so rows are walked twice. */
static void row_cells(struct simple *t, uint32_t from, uint32_t to, uint32_t span)
{
	struct span cols[MAX_COLUMNS];
	uint32_t n = t->nr_cols;

	if (from == to)
		return;
	memcpy(cols, t->cols, n * sizeof(*cols));
	if (span)
		n = spans_of(&t->v[span], cols);
	if (n)
		cols[n - 1].end = UINT32_MAX;
	for (uint32_t c = 0; c < n; c++)
		cell(t->r, t->b, t->b->v + t->start, t->v, from, to, cols[c]);
}

static bool starts_row(const struct simple *t, uint32_t i)
{
	return text_between(&t->v[i], t->cols[0].start, t->cols[0].end);
}

static void rows(struct simple *t, bool cells)
{
	uint32_t start = 1;
	bool found = false;

	for (uint32_t i = 1; i < t->n; i++) {
		bool span = is_span_line(t, i), ends = span || (starts_row(t, i) && found && i != start);

		if (ends && cells)
			row_cells(t, start, i, span ? i : 0);
		else if (ends && !row(t, start, i, span ? i : 0))
			return;
		if (span) {
			start = i + 1;
			found = false;
		} else if (starts_row(t, i)) {
			start = ends || !found ? i : start;
			found = true;
		} else if (!found) {
			start = i + 1;
		}
	}
}

/* The border line that would fit what stands in the columns; NULL where no border can. */
static char *fitting_border(struct simple *t, uint32_t *ret_len)
{
	struct span cols[MAX_COLUMNS];
	uint32_t n = t->nr_cols, width;
	char *text;

	memcpy(cols, t->cols, n * sizeof(*cols));
	for (uint32_t i = 1; i < t->n; i++) {
		for (uint32_t c = 0; c < n && !is_span_line(t, i); c++) {
			uint32_t next = c + 1 < n ? cols[c + 1].start : t->v[i].n, end = next;

			if (c && cols[c].start <= t->v[i].n && text_between(&t->v[i], cols[c].start - 1, cols[c].start))
				return NULL; /* text runs into the next column */
			while (end > cols[c].end && !text_between(&t->v[i], end - 1, end))
				end--;
			cols[c].end = FL_MAX(cols[c].end, end);
		}
	}
	width = cols[n - 1].end;
	text = fl_arena_alloc(&t->r->sink->arena, width + 1);
	if (!text)
		return NULL;
	memset(text, ' ', width);
	for (uint32_t c = 0; c < n; c++) {
		if (c && cols[c - 1].end >= cols[c].start)
			return NULL;
		memset(text + cols[c].start, '=', cols[c].end - cols[c].start);
	}
	*ret_len = width;
	return text;
}

/* Rewrites the table's "===" lines so that every cell fits. */
static void fix_borders(struct simple *t)
{
	uint32_t len;
	char *border = t->finding ? fitting_border(t, &len) : NULL;
	_cleanup_buf_ struct fl_buf line = {};

	for (uint32_t i = 0; border && i < t->n; i++) {
		const struct rst_line *l = &t->b->v[t->start + i];
		struct fl_str file = docs_sink_line(t->r->sink, l->no);
		size_t margin = fl_str_find(file, '=', 0);

		if (!is_simple_head(&t->v[i]))
			continue;
		fl_buf_reset(&line);
		fl_buf_add_str(&line, fl_str_sub(file, 0, margin));
		fl_buf_add(&line, border, len);
		fl_buf_addc(&line, '\n');
		docs_finding_edit(t->r->sink, t->finding, l->no, 1, fl_buf_str(&line));
	}
}

static void read_simple(struct simple *t)
{
	t->nr_cols = spans_of(&t->v[0], t->cols);
	if (!t->nr_cols)
		return;
	t->border_end = t->cols[t->nr_cols - 1].end;
	rows(t, false);
	if (!t->bad)
		rows(t, true);
	else
		fix_borders(t);
}

/* Looks for the bottom border. False: reported, and positioned behind what was taken for it. */
static bool find_bottom(struct simple *t)
{
	struct rst_block *b = t->b;
	uint32_t top = b->v[t->start].n, found = 0, found_at = 0;

	for (uint32_t i = t->start + 1; i < b->n; i++) {
		bool last = i + 1 == b->n || !b->v[i + 1].n;

		if (!is_border(rst_str(&b->v[i]), '='))
			continue;
		if (b->v[i].n != top) {
			b->i = i + 1;
			t->n = b->i - t->start;
			if (t->r->family == DOCUTILS_21)
				malformed(t, 0, "Bottom/header table border does not match top border.");
			else
				malformed(t, i - t->start, "Bottom border or header rule does not match top "
							   "border.");
			if (!last)
				blank_after(t->r, b, b->i);
			return false;
		}
		found_at = i;
		if (++found == 2 || last) {
			t->n = i + 1 - t->start;
			b->i = i + 1;
			return true;
		}
	}
	b->i = found ? found_at + 1 : b->n;
	malformed(t, 0, "No bottom table border found%s.",
		  found ? " or no blank line after table bottom" : "");
	if (found)
		blank_after(t->r, b, b->i);
	return false;
}

void rst_simple_table(struct rst *r, struct rst_block *b)
{
	struct simple t = { .r = r, .b = b, .start = b->i };

	b->nr_other++;
	b->nr_tables++;
	if (!find_bottom(&t)) {
		if (t.n > 1 && t.finding) {
			t.v = shapes_of(r, b->v + t.start, t.n);
			t.nr_cols = t.v ? spans_of(&t.v[0], t.cols) : 0;
			if (t.nr_cols)
				fix_borders(&t);
		}
		return;
	}
	t.v = shapes_of(r, b->v + t.start, t.n);
	if (t.v)
		read_simple(&t);
	b->table_columns = t.nr_cols;
	if (b->i < b->n && b->v[b->i].n)
		blank_after(r, b, b->i);
}
