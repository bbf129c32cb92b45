/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists. Each function reads the whole list: the first item, and further ones as long as the next
 * line that is not blank is another item of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "docs/rst/internal.h"

/* Skips blank lines; the next line's kind, RST_K_BLANK at the end of the block. */
static struct rst_match next_item(struct rst_block *b)
{
	uint32_t i = b->i;
	struct rst_match m = {};

	while (i < b->n && !b->v[i].n)
		i++;
	if (i < b->n) {
		m = rst_classify(&b->v[i]);
		b->i = i;
	}
	return m;
}

/* Ends a list whose last item was at @b->i: positions behind it, and complains. */
static void end_list(struct rst *r, struct rst_block *b, bool blank_finish, enum docs_check c,
		     const char *what)
{
	if (!blank_finish && b->i < b->n)
		rst_unindent(r, b, c, what);
}

/* One item with a marker of @m. @item counts what stands in it. */
static bool list_item(struct rst *r, struct rst_block *b, struct rst_match m, struct rst_block *item)
{
	struct rst_grab g = { .known = -1, .cut = m.end };

	if (m.end < b->v[b->i].n)
		g.known = m.cols;
	rst_grab(r, b, b->i, &g);
	b->i = g.end;
	*item = (struct rst_block){ .v = g.view.v, .n = g.view.n, .bias = b->bias };
	rst_body(r, item);
	return g.blank_finish;
}

/* A two-level list is a table for list-table: its rows must have as many items as the first. */
static void count_row(struct rst_block *b, const struct rst_block *item)
{
	b->rows++;
	if (item->nr_bullet_lists != 1 || item->nr_other) {
		if (!b->row_bad)
			b->row_bad = b->rows;
		return;
	}
	if (b->rows == 1)
		b->row1_items = item->rows;
	else if (item->rows != b->row1_items && !b->row_uneven) {
		b->row_uneven = b->rows;
		b->row_items = item->rows;
	}
}

void rst_bullet_list(struct rst *r, struct rst_block *b, struct rst_match m)
{
	char bullet = b->v[b->i].p[0];
	const char *start = b->v[b->i].p;
	struct rst_block item;
	bool blank;

	b->nr_bullet_lists++;
	for (;;) {
		blank = list_item(r, b, m, &item);
		count_row(b, &item);
		m = next_item(b);
		if (m.kind != RST_K_BULLET || b->v[b->i].p[0] != bullet ||
		    ((bullet & 0x80) && b->v[b->i].p[2] != start[2]))
			break;
	}
	end_list(r, b, blank, DOCS_BULLET_UNINDENT, "Bullet list");
}

/* -- enumerated lists -- */

enum sequence {
	SEQ_AUTO,
	SEQ_ARABIC,
	SEQ_LOWER,
	SEQ_UPPER,
	SEQ_LOWER_ROMAN,
	SEQ_UPPER_ROMAN,
	_SEQ_MAX,
};

struct enumerator {
	char open, close; /* '(' or 0; ')' or '.' */
	enum sequence seq;
	long ordinal; /* -1: none */
};

static const struct {
	const char *one, *five;
	int value;
} roman_digits[] = {
	{ "m", "", 1000 }, { "c", "d", 100 }, { "x", "l", 10 }, { "i", "v", 1 },
};

/* Appends the roman digit @d (0-9) of place @k. */
static size_t roman_digit(char *out, size_t k, int d)
{
	static const char *const shapes[] = { "",  "1",	 "11",	"111",	"15",
					      "5", "51", "511", "5111", "10" };
	size_t n = 0;

	for (const char *s = shapes[d]; *s; s++) {
		out[n++] = *s == '1' ? roman_digits[k].one[0] :
			   *s == '5' ? roman_digits[k].five[0] :
				       roman_digits[k - 1].one[0];
	}
	return n;
}

/* 1 to 4999 in lower case; 0 outside. */
static size_t to_roman(long v, char out[24])
{
	size_t n = 0;

	if (v < 1 || v > 4999)
		return 0;
	for (; v >= 1000; v -= 1000)
		out[n++] = 'm';
	for (size_t k = 1; k < FL_ARRAY_SIZE(roman_digits); k++) {
		n += roman_digit(out + n, k, v / roman_digits[k].value);
		v %= roman_digits[k].value;
	}
	return n;
}

static long from_roman(struct fl_str s)
{
	static const char letters[] = "ivxlcdm";
	static const int values[] = { 1, 5, 10, 50, 100, 500, 1000 };
	long sum = 0, last = 0;
	char canon[24];
	size_t n;

	if (s.n > 20)
		return -1;
	for (size_t i = s.n; i-- > 0;) {
		const char *at = strchr(letters, s.p[i] | 32);
		long v = at && *at ? values[at - letters] : 0;

		sum += v < last ? -v : v;
		last = FL_MAX(v, last);
	}
	n = to_roman(sum, canon);
	if (n != s.n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (canon[i] != (s.p[i] | 32))
			return -1;
	}
	return sum;
}

static bool all_in(struct fl_str s, const char *set)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!s.p[i] || !strchr(set, s.p[i]))
			return false;
	}
	return s.n > 0;
}

static bool fits(struct fl_str text, enum sequence seq)
{
	switch (seq) {
	case SEQ_ARABIC:
		return all_in(text, "0123456789");
	case SEQ_LOWER:
		return text.n == 1 && text.p[0] >= 'a' && text.p[0] <= 'z';
	case SEQ_UPPER:
		return text.n == 1 && text.p[0] >= 'A' && text.p[0] <= 'Z';
	case SEQ_LOWER_ROMAN:
		return all_in(text, "ivxlcdm");
	case SEQ_UPPER_ROMAN:
		return all_in(text, "IVXLCDM");
	default:
		return false;
	}
}

static enum sequence guess(struct fl_str text)
{
	if (fl_str_is(text, "i"))
		return SEQ_LOWER_ROMAN;
	if (fl_str_is(text, "I"))
		return SEQ_UPPER_ROMAN;
	for (enum sequence s = SEQ_ARABIC; s < _SEQ_MAX; s++) {
		if (fits(text, s))
			return s;
	}
	return SEQ_ARABIC;
}

static long ordinal_of(struct fl_str text, enum sequence seq)
{
	long v = 0;

	switch (seq) {
	case SEQ_AUTO:
		return 1;
	case SEQ_ARABIC:
		for (size_t i = 0; i < text.n; i++)
			v = v < 100000000 ? v * 10 + (text.p[i] - '0') : v;
		return v;
	case SEQ_LOWER:
	case SEQ_UPPER:
		return (text.p[0] | 32) - 'a' + 1;
	default:
		return from_roman(text);
	}
}

/* @expect: the list's sequence, tried first; SEQ_AUTO for a list's first item. */
static struct enumerator parse_enum(struct fl_str line, struct rst_match m, enum sequence expect)
{
	struct fl_str text = fl_str_sub(line, 0, m.end);
	struct enumerator e = {};

	while (text.n && text.p[text.n - 1] == ' ')
		text.n--;
	if (text.p[0] == '(') {
		e.open = '(';
		text = fl_str_from(text, 1);
	}
	e.close = text.p[text.n - 1];
	text.n--;
	if (fl_str_is(text, "#"))
		e.seq = SEQ_AUTO;
	else if (expect != SEQ_AUTO && fits(text, expect))
		e.seq = expect;
	else
		e.seq = guess(text);
	e.ordinal = ordinal_of(text, e.seq);
	return e;
}

/* The text of the enumerator behind @e, with its blank; 0 where there is none. */
static size_t next_text(const struct enumerator *e, char out[40])
{
	long v = e->ordinal + 1;
	size_t n = 0, from;

	if (e->open)
		out[n++] = '(';
	from = n;
	switch (e->seq) {
	case SEQ_AUTO:
		out[n++] = '#';
		break;
	case SEQ_ARABIC:
		n += snprintf(out + n, 24, "%ld", v);
		break;
	case SEQ_LOWER:
	case SEQ_UPPER:
		if (v > 26)
			return 0;
		out[n++] = 'a' + v - 1;
		break;
	default:
		n += to_roman(v, out + n);
		if (n == from)
			return 0;
	}
	for (size_t i = from; i < n && (e->seq == SEQ_UPPER || e->seq == SEQ_UPPER_ROMAN); i++)
		out[i] -= 32;
	out[n++] = e->close;
	out[n++] = ' ';
	return n;
}

/* An enumerator counts where the next line is blank, indented, or the next item. */
static bool is_enum_item(const struct rst_block *b, const struct enumerator *e)
{
	struct enumerator number = { e->open, e->close, SEQ_AUTO, 1 };
	struct fl_str next;
	char text[40];
	size_t n;

	if (e->ordinal < 0)
		return false;
	if (b->i + 1 >= b->n)
		return true;
	next = rst_str(&b->v[b->i + 1]);
	if (!next.n || next.p[0] == ' ')
		return true;
	n = next_text(e, text);
	if (!n)
		return false;
	if (next.n >= n && !memcmp(next.p, text, n))
		return true;
	n = next_text(&number, text);
	return next.n >= n && !memcmp(next.p, text, n);
}

bool rst_enum_list(struct rst *r, struct rst_block *b, struct rst_match m)
{
	struct enumerator e = parse_enum(rst_str(&b->v[b->i]), m, SEQ_AUTO), next;
	bool automatic = e.seq == SEQ_AUTO, blank;
	enum sequence seq = automatic ? SEQ_ARABIC : e.seq;
	struct rst_block item;

	if (!is_enum_item(b, &e))
		return false;
	b->nr_other++;
	for (;;) {
		blank = list_item(r, b, m, &item);
		m = next_item(b);
		if (m.kind != RST_K_ENUM)
			break;
		next = parse_enum(rst_str(&b->v[b->i]), m, seq);
		if (next.open != e.open || next.close != e.close ||
		    (next.seq != SEQ_AUTO &&
		     (next.seq != seq || automatic || next.ordinal != e.ordinal + 1)) ||
		    !is_enum_item(b, &next))
			break;
		automatic |= next.seq == SEQ_AUTO;
		e = next;
	}
	end_list(r, b, blank, DOCS_ENUM_UNINDENT, "Enumerated list");
	return true;
}

/* -- field, option and definition lists, line blocks -- */

static bool field(struct rst *r, struct rst_block *b, struct rst_match m)
{
	struct rst_grab g = { .known = -1, .cut = m.end };
	const struct rst_line *l = &b->v[b->i];
	uint32_t colon = m.end;

	while (colon > 1 && l->p[colon - 1] != ':')
		colon--;
	rst_inline_line(r, l, 1, colon - 1, b->bias);
	rst_grab(r, b, b->i, &g);
	b->i = g.end;
	rst_nested(r, g.view, b->bias, false);
	return g.blank_finish;
}

void rst_field_list(struct rst *r, struct rst_block *b, struct rst_match m)
{
	bool blank;

	rst_settle_targets(r, true);
	b->nr_other++;
	do {
		blank = field(r, b, m);
		m = next_item(b);
	} while (m.kind == RST_K_FIELD);
	end_list(r, b, blank, DOCS_FIELD_UNINDENT, "Field list");
}

/* An option without description is text. */
static bool option(struct rst *r, struct rst_block *b, struct rst_match m, bool *ret_blank)
{
	struct rst_grab g = { .known = -1, .cut = m.end };

	rst_grab(r, b, b->i, &g);
	if (!g.view.n)
		return false;
	b->i = g.end;
	rst_nested(r, g.view, b->bias, false);
	*ret_blank = g.blank_finish;
	return true;
}

bool rst_option_list(struct rst *r, struct rst_block *b, struct rst_match m)
{
	bool blank = true;

	if (!option(r, b, m, &blank))
		return false;
	b->nr_other++;
	do {
		m = next_item(b);
	} while (m.kind == RST_K_OPTION && option(r, b, m, &blank));
	end_list(r, b, blank, DOCS_OPTION_UNINDENT, "Option list");
	return true;
}

void rst_line_block(struct rst *r, struct rst_block *b, struct rst_match m)
{
	uint32_t first = b->i;
	bool blank;

	b->nr_other++;
	for (;;) {
		struct rst_grab g = { .known = -1, .cut = m.end, .until_blank = true };
		uint32_t at = b->i;

		rst_grab(r, b, at, &g);
		rst_inline(r, b, at, g.end, m.end);
		b->i = g.end;
		blank = g.blank_finish;
		if (blank || b->i >= b->n)
			break;
		m = rst_classify(&b->v[b->i]);
		if (m.kind != RST_K_LINE_BLOCK)
			break;
	}
	if (!blank)
		rst_report(r, b, DOCS_LINE_BLOCK_UNINDENT, first + 1, NULL);
}

static bool definition(struct rst *r, struct rst_block *b)
{
	struct rst_grab g = { .known = -1, .cut = -1 };

	rst_inline_line(r, &b->v[b->i], 0, b->v[b->i].n, b->bias);
	rst_grab(r, b, b->i + 1, &g);
	b->i = g.end;
	rst_nested(r, g.view, b->bias, false);
	return g.blank_finish;
}

void rst_definition_list(struct rst *r, struct rst_block *b)
{
	bool blank;

	rst_settle_targets(r, true);
	b->nr_other++;
	do {
		blank = definition(r, b);
	} while (next_item(b).kind == RST_K_TEXT && b->i + 1 < b->n && b->v[b->i + 1].n &&
		 b->v[b->i + 1].p[0] == ' ');
	end_list(r, b, blank, DOCS_DEFINITION_UNINDENT, "Definition list");
}
