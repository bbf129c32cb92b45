/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docutils reads blocks with a state machine whose states are classes and whose transitions are
 * regular expressions, restarted for every nested block. Here a block is an array of lines and a
 * position; a nested block is a copy of the line headers (not of the text) with the indentation
 * cut off. Two things make that the same grammar:
 *
 * - A line's kind depends on that line alone (rst_classify()), tried in docutils' order. What a
 *   list continues with is asked of the same function.
 * - Sections need no nesting: a title's level is compared with the level of the section that we
 *   are in, and a title of that level or above simply ends it.
 *
 * A block that ends without a blank line is reported by its owner, who sees the line behind it.
 */
#include "docs/rst/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

/* Expands tabs to multiples of 8 characters; form feeds and vertical tabs become blanks. */
static struct fl_str expand(struct fl_arena *a, struct fl_str s)
{
	size_t n = 0, cap = s.n;
	char *out;

	for (size_t i = 0; i < s.n; i++)
		cap += s.p[i] == '\t' ? 7 : 0;
	out = fl_arena_alloc(a, cap + 1);
	if (!out)
		return s;
	for (size_t i = 0, col = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\t') {
			do
				out[n++] = ' ';
			while (++col % 8);
			continue;
		}
		out[n++] = c == '\f' || c == '\v' ? ' ' : c;
		col += (c & 0xc0) != 0x80; /* a character's first byte */
	}
	return fl_str_n(out, n);
}

static struct fl_str trim_end(struct fl_str s)
{
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\r'))
		s.n--;
	/* docutils strips every kind of white space: U+00A0 and U+3000 are met at line ends */
	while (s.n >= 2 && (s.p[s.n - 1] & 0x80)) {
		size_t from = s.n - 1;
		uint32_t c = 0;

		while (from && (s.p[from] & 0xc0) == 0x80)
			from--;
		if (!fl_utf8_decode(fl_str_from(s, from), &c) || !rst_is_space(c))
			break;
		s.n = from;
		while (s.n && s.p[s.n - 1] == ' ')
			s.n--;
	}
	return s;
}

int rst_split(struct fl_arena *a, struct fl_str text, struct rst_view *ret)
{
	size_t n = 0;
	struct rst_view view = {};
	struct fl_str rest = text, line;

	for (size_t i = 0; (i = fl_str_find(text, '\n', i)) < text.n; i++)
		n++;
	n += 1;
	if (n > UINT32_MAX)
		return -EFBIG;
	view.v = fl_arena_array(a, n, sizeof(*view.v));
	if (!view.v)
		return -ENOMEM;
	while (rest.n) {
		size_t end = fl_str_find(rest, '\n', 0);

		line = fl_str_sub(rest, 0, end);
		rest = fl_str_from(rest, end + 1);
		if (memchr(line.p, '\t', line.n) || memchr(line.p, '\f', line.n) ||
		    memchr(line.p, '\v', line.n))
			line = expand(a, line);
		line = trim_end(line);
		if (line.n > UINT32_MAX / 2)
			return -EFBIG;
		view.v[view.n] = (struct rst_line){ line.p, line.n, view.n + 1, 0 };
		view.n++;
	}
	*ret = view;
	return 0;
}

uint32_t rst_width(struct fl_str s)
{
	uint32_t width = 0;

	while (s.n) {
		uint32_t c = ' ';
		size_t len = 1;

		if (s.p[0] & 0x80)
			len = fl_utf8_decode(s, &c);
		width += len ? fl_utf8_width(c) : 1;
		s = fl_str_from(s, len ? len : 1);
	}
	return width;
}

struct rst_fact *rst_add_fact(struct rst *r, enum rst_fact_kind kind, const struct rst_line *l,
			      struct fl_str name)
{
	struct rst_fact *f;

	if (!r->want_facts)
		return NULL;
	f = FL_ARENA_NEW(r->arena, struct rst_fact);
	if (!f) {
		r->sink->error = -ENOMEM;
		return NULL;
	}
	f->kind = kind;
	f->name = name;
	f->line = l->no;
	f->col = l->off;
	if (name.p >= l->p && name.p <= l->p + l->n)
		f->col += name.p - l->p;
	*r->tail = f;
	r->tail = &f->next;
	return f;
}

void rst_settle_targets(struct rst *r, bool titled)
{
	for (; r->open; r->open = r->open->next_open)
		r->open->titled = titled;
}

struct docs_finding *rst_report(struct rst *r, struct rst_block *b, enum docs_check c,
				uint32_t i, const char *fmt, ...)
{
	struct docs_finding *f;
	char *message = NULL;
	va_list ap;
	uint32_t off = 0, len = 0;

	b->nr_messages++;
	if (!docs_wants(r->sink, c))
		return NULL;
	if (i < b->n) {
		off = b->v[i].off;
		len = b->v[i].n;
		while (len && b->v[i].p[b->v[i].n - len] == ' ') {
			len--;
			off++;
		}
		len = len ? rst_width(fl_str_n(b->v[i].p + b->v[i].n - len, len)) : 0;
	}
	if (fmt) {
		char text[512];

		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		message = docs_sink_printf(r->sink, "%s", text);
	}
	f = message ? docs_report(r->sink, c, rst_no(b, i), off, len, "%s", message) :
		      docs_report(r->sink, c, rst_no(b, i), off, len, NULL);
	if (f)
		f->docline += b->bias;
	docs_finding_columns(f);
	return f;
}

/* The line at @b->i follows an element without the blank line that should be between. */
void rst_unindent(struct rst *r, struct rst_block *b, enum docs_check c, const char *what)
{
	struct docs_finding *f = rst_report(r, b, c, b->i, "%s ends without a blank line; "
					    "unexpected unindent.", what);

	docs_finding_edit(r->sink, f, rst_no(b, b->i), 0, FL_STR("\n"));
}

/* docutils knows the true line of this one, also in tables. */
void rst_indentation(struct rst *r, struct rst_block *b, uint32_t i)
{
	struct docs_finding *f = rst_report(r, b, DOCS_UNEXPECTED_INDENT, i, NULL);

	docs_finding_edit(r->sink, f, rst_no(b, i), 0, FL_STR("\n"));
	if (f)
		f->docline = f->line;
}

static uint32_t indent_of(const struct rst_line *l)
{
	uint32_t i = 0;

	while (i < l->n && l->p[i] == ' ')
		i++;
	return i;
}

/* Whether @l still belongs to the indented block. Blank lines do. */
static bool belongs(const struct rst_line *l, int32_t known)
{
	if (!l->n)
		return true;
	if (l->p[0] != ' ')
		return false;
	return known < 0 || indent_of(l) >= (uint32_t)known;
}

static uint32_t grab_end(const struct rst_block *b, uint32_t start, struct rst_grab *g,
			 uint32_t *ret_indent)
{
	uint32_t end = start + (g->cut >= 0), indent = UINT32_MAX;

	g->blank_finish = true;
	for (; end < b->n; end++) {
		const struct rst_line *l = &b->v[end];

		if (!belongs(l, g->known)) {
			g->blank_finish = end > start && !b->v[end - 1].n;
			break;
		}
		if (l->n)
			indent = FL_MIN(indent, indent_of(l));
		else if (g->until_blank)
			break;
	}
	*ret_indent = g->known >= 0 ? (uint32_t)g->known : indent == UINT32_MAX ? 0 : indent;
	return end;
}

static void cut(struct rst_line *l, uint32_t bytes, uint32_t cols)
{
	bytes = FL_MIN(bytes, l->n);
	l->p += bytes;
	l->n -= bytes;
	l->off += cols;
}

void rst_grab(struct rst *r, const struct rst_block *b, uint32_t start, struct rst_grab *g)
{
	uint32_t indent, first = 0;
	struct rst_line *v;

	g->end = grab_end(b, start, g, &indent);
	g->view = (struct rst_view){};
	if (g->end <= start)
		return;
	v = fl_arena_array(r->arena, g->end - start, sizeof(*v));
	if (!v) {
		r->sink->error = -ENOMEM;
		return;
	}
	memcpy(v, b->v + start, (g->end - start) * sizeof(*v));
	if (g->cut >= 0)
		cut(&v[0], g->cut, rst_width(fl_str_sub(rst_str(&v[0]), 0, g->cut)));
	for (uint32_t i = g->cut >= 0; i < g->end - start && !g->keep_indent; i++)
		cut(&v[i], indent, indent);
	while (!g->keep_top && first < g->end - start && !v[first].n)
		first++;
	g->view = (struct rst_view){ v + first, g->end - start - first };
}

/* -- what a line is -- */

static uint32_t blanks_after(const struct rst_line *l, uint32_t at)
{
	while (at < l->n && l->p[at] == ' ')
		at++;
	return at;
}

/* A marker must be followed by a blank or end the line. */
static bool ends_marker(const struct rst_line *l, uint32_t at)
{
	return at == l->n || l->p[at] == ' ';
}

static struct rst_match match(const struct rst_line *l, enum rst_kind kind, uint32_t marker)
{
	uint32_t end = blanks_after(l, marker);

	return (struct rst_match){ kind, end, rst_width(fl_str_n(l->p, end)) };
}

static uint32_t bullet_len(const struct rst_line *l)
{
	if (l->p[0] == '-' || l->p[0] == '+' || l->p[0] == '*')
		return 1;
	if (l->n >= 3 && (!memcmp(l->p, "\xe2\x80\xa2", 3) || !memcmp(l->p, "\xe2\x80\xa3", 3) ||
			  !memcmp(l->p, "\xe2\x81\x83", 3)))
		return 3;
	return 0;
}

/* An enumerator's text: digits, one letter, a roman numeral or "#". 0 where there is none. */
static uint32_t enum_text(const struct rst_line *l, uint32_t at, char close)
{
	static const char *const sets[] = { "0123456789", "ivxlcdm", "IVXLCDM" };
	uint32_t end;

	if (at + 1 < l->n && l->p[at + 1] == close && (rst_is_alnum(l->p[at]) || l->p[at] == '#'))
		return 1;
	for (size_t i = 0; i < FL_ARRAY_SIZE(sets); i++) {
		for (end = at; end < l->n && l->p[end] && strchr(sets[i], l->p[end]); end++)
			;
		if (end > at && end < l->n && l->p[end] == close)
			return end - at;
	}
	return 0;
}

/* Length of "1." "(1)" "1)" at the start of the line, or 0. */
static uint32_t enum_len(const struct rst_line *l)
{
	uint32_t n;

	if (l->p[0] == '(') {
		n = enum_text(l, 1, ')');
		return n && ends_marker(l, n + 2) ? n + 2 : 0;
	}
	if (!rst_is_alnum(l->p[0]) && l->p[0] != '#')
		return 0;
	n = enum_text(l, 0, ')');
	if (!n)
		n = enum_text(l, 0, '.');
	return n && ends_marker(l, n + 1) ? n + 1 : 0;
}

/* Length of ":name:", or 0. Inside, a colon may stand where no blank or backquote follows. */
static uint32_t field_len(const struct rst_line *l)
{
	uint32_t i = 1;

	if (l->n < 2 || l->p[1] == ':' || l->p[1] == ' ')
		return 0;
	while (i < l->n) {
		if (l->p[i] == '\\') {
			i += 2;
			continue;
		}
		if (l->p[i] == ':' && (i + 1 == l->n || l->p[i + 1] == ' '))
			return l->p[i - 1] != ' ' ? i + 1 : 0;
		if (l->p[i] == ':' && l->p[i + 1] == '`')
			return 0;
		i++;
	}
	return 0;
}

static bool opt_char(char c)
{
	return rst_is_alnum(c) || c == '-' || c == '_';
}

/* Length of an option's argument at @at, or 0. */
static uint32_t opt_arg(const struct rst_line *l, uint32_t at)
{
	uint32_t i = at;

	if (i < l->n && l->p[i] == '<') {
		for (i++; i < l->n && l->p[i] != '<' && l->p[i] != '>'; i++)
			;
		return i < l->n && l->p[i] == '>' && i > at + 1 ? i + 1 - at : 0;
	}
	if (i >= l->n || !rst_is_alnum(l->p[i]) || (l->p[i] >= '0' && l->p[i] <= '9'))
		return 0;
	while (i < l->n && opt_char(l->p[i]))
		i++;
	return i - at;
}

/* Behind one option at @at, without its argument; 0 where there is none. */
static uint32_t opt_name(const struct rst_line *l, uint32_t at, bool *is_long)
{
	uint32_t i = at;

	*is_long = false;
	if (i >= l->n)
		return 0;
	if (l->p[i] == '/' || (l->p[i] == '-' && i + 1 < l->n && l->p[i + 1] == '-')) {
		i += l->p[i] == '/' ? 1 : 2;
		*is_long = true;
		if (i >= l->n || !rst_is_alnum(l->p[i]))
			return 0;
		while (i < l->n && opt_char(l->p[i]))
			i++;
		return i;
	}
	if ((l->p[i] != '-' && l->p[i] != '+') || i + 1 >= l->n || !rst_is_alnum(l->p[i + 1]))
		return 0;
	return i + 2;
}

static uint32_t opt_rest(const struct rst_line *l, uint32_t at);

static uint32_t opt_list(const struct rst_line *l, uint32_t at)
{
	bool is_long;
	uint32_t name = opt_name(l, at, &is_long), arg, end;

	if (!name)
		return 0;
	if (name < l->n && (l->p[name] == ' ' || (is_long && l->p[name] == '='))) {
		arg = opt_arg(l, name + 1);
		end = arg ? opt_rest(l, name + 1 + arg) : 0;
		if (end)
			return end;
	}
	arg = is_long ? 0 : opt_arg(l, name);
	end = arg ? opt_rest(l, name + arg) : 0;
	return end ? end : opt_rest(l, name);
}

/* What may follow an option: another one, two blanks, or the line's end. */
static uint32_t opt_rest(const struct rst_line *l, uint32_t at)
{
	if (at == l->n)
		return at;
	if (at + 1 < l->n && l->p[at] == ',' && l->p[at + 1] == ' ')
		return opt_list(l, at + 2);
	return at + 1 < l->n && l->p[at] == ' ' && l->p[at + 1] == ' ' ? at : 0;
}

static bool doctest(const struct rst_line *l)
{
	return l->n >= 3 && !memcmp(l->p, ">>>", 3) && ends_marker(l, 3);
}

static struct rst_match classify_punct(const struct rst_line *l)
{
	struct fl_str s = rst_str(l);
	uint32_t n = bullet_len(l);

	if (n && ends_marker(l, n))
		return match(l, RST_K_BULLET, n);
	if (l->p[0] == '(' || l->p[0] == '#') {
		n = enum_len(l);
		if (n)
			return match(l, RST_K_ENUM, n);
	}
	n = l->p[0] == ':' ? field_len(l) : 0;
	if (n)
		return match(l, RST_K_FIELD, n);
	n = l->p[0] == '-' || l->p[0] == '+' || l->p[0] == '/' ? opt_list(l, 0) : 0;
	if (n)
		return match(l, RST_K_OPTION, n);
	if (doctest(l))
		return match(l, RST_K_DOCTEST, 3);
	if (l->p[0] == '|' && ends_marker(l, 1))
		return match(l, RST_K_LINE_BLOCK, 1);
	if (l->p[0] == '+' && rst_is_grid_top(s))
		return match(l, RST_K_GRID, l->n);
	if (l->p[0] == '=' && rst_is_simple_top(s))
		return match(l, RST_K_SIMPLE, l->n);
	if (l->n >= 2 && l->p[0] == '.' && l->p[1] == '.' && ends_marker(l, 2))
		return match(l, RST_K_EXPLICIT, 2);
	if (l->n >= 2 && l->p[0] == '_' && l->p[1] == '_' && ends_marker(l, 2))
		return match(l, RST_K_ANONYMOUS, 2);
	if (rst_is_line(s))
		return match(l, RST_K_LINE, l->n);
	return (struct rst_match){ RST_K_TEXT };
}

struct rst_match rst_classify(const struct rst_line *l)
{
	uint32_t n;

	if (!l->n)
		return (struct rst_match){ RST_K_BLANK };
	if (l->p[0] == ' ')
		return (struct rst_match){ RST_K_INDENT };
	if (rst_is_punct(l->p[0]))
		return classify_punct(l);
	if (rst_is_alnum(l->p[0])) {
		n = enum_len(l);
		if (n)
			return match(l, RST_K_ENUM, n);
	} else {
		n = bullet_len(l);
		if (n && ends_marker(l, n))
			return match(l, RST_K_BULLET, n);
	}
	return (struct rst_match){ RST_K_TEXT };
}

/* -- paragraphs and block quotes -- */

/* The text ends in "::" that no backslash takes away. */
static bool announces_literal(struct fl_str s)
{
	size_t slashes = 0;

	if (s.n < 2 || s.p[s.n - 1] != ':' || s.p[s.n - 2] != ':')
		return false;
	while (slashes < s.n - 2 && s.p[s.n - 3 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 0;
}

/* Lines [from, to) are a paragraph; what a "::" at its end announces is read from @to on. */
static void paragraph(struct rst *r, struct rst_block *b, uint32_t from, uint32_t to)
{
	bool literal = announces_literal(rst_str(&b->v[to - 1]));

	rst_settle_targets(r, false);
	rst_inline(r, b, from, to, 0);
	b->i = to;
	b->nr_other++;
	if (literal)
		rst_literal(r, b);
}

static void text_lines(struct rst *r, struct rst_block *b)
{
	uint32_t from = b->i, to = from + 1;

	while (to < b->n && b->v[to].n && b->v[to].p[0] != ' ')
		to++;
	if (to < b->n && b->v[to].n)
		rst_indentation(r, b, to);
	paragraph(r, b, from, to);
}

/* Text whose second line decides: a title, a definition, a paragraph. */
static void text(struct rst *r, struct rst_block *b)
{
	const struct rst_line *next = b->i + 1 < b->n ? &b->v[b->i + 1] : NULL;

	if (!next || !next->n) {
		paragraph(r, b, b->i, b->i + 1);
		return;
	}
	if (next->p[0] == ' ') {
		rst_definition_list(r, b);
		return;
	}
	if (rst_is_line(rst_str(next)) && rst_underline(r, b))
		return;
	text_lines(r, b);
}

/* "-- Name" behind a blank line ends a quotation. Length of the dash, or 0. */
static uint32_t attribution_dash(const struct rst_line *l)
{
	uint32_t n = 0;

	if (l->n >= 3 && !memcmp(l->p, "\xe2\x80\x94", 3)) {
		n = 3;
	} else {
		while (n < l->n && l->p[n] == '-')
			n++;
		if (n != 2 && n != 3)
			return 0;
	}
	n = blanks_after(l, n);
	return n < l->n ? n : 0;
}

/* Behind the attribution that starts at @at, or 0 where its lines have no common indentation. */
static uint32_t attribution_end(const struct rst_view *q, uint32_t at)
{
	uint32_t i, indent = UINT32_MAX;

	for (i = at + 1; i < q->n && q->v[i].n; i++) {
		if (indent == UINT32_MAX)
			indent = indent_of(&q->v[i]);
		else if (indent_of(&q->v[i]) != indent)
			return 0;
	}
	return i;
}

/* Index of the attribution within the quotation, or its length. */
static uint32_t find_attribution(const struct rst_view *q, uint32_t *ret_end)
{
	for (uint32_t i = 1; i < q->n; i++) {
		if (!q->v[i].n || q->v[i - 1].n || !attribution_dash(&q->v[i]))
			continue;
		*ret_end = attribution_end(q, i);
		if (*ret_end)
			return i;
	}
	*ret_end = q->n;
	return q->n;
}

static void block_quote(struct rst *r, struct rst_block *b)
{
	struct rst_grab g = { .known = -1, .cut = -1 };
	struct rst_view q;

	rst_grab(r, b, b->i, &g);
	q = g.view;
	while (q.n) {
		uint32_t end, at = find_attribution(&q, &end);

		rst_nested(r, (struct rst_view){ q.v, at }, b->bias, false);
		for (uint32_t i = at; i < end && i < q.n; i++)
			rst_inline_line(r, &q.v[i], i == at ? attribution_dash(&q.v[i]) : 0, q.v[i].n, b->bias);
		q.v += end;
		q.n -= end;
		while (q.n && !q.v[0].n) {
			q.v++;
			q.n--;
		}
	}
	b->i = g.end;
	b->nr_other++;
	if (!g.blank_finish)
		rst_unindent(r, b, DOCS_QUOTE_UNINDENT, "Block quote");
}

static void skip_doctest(struct rst_block *b)
{
	while (b->i < b->n && b->v[b->i].n)
		b->i++;
	b->nr_other++;
}

/* A line of punctuation: a title's overline or a transition, where those may stand. */
static void line(struct rst *r, struct rst_block *b)
{
	const struct rst_line *l = &b->v[b->i];

	if (b->titles) {
		if (!rst_overline(r, b))
			text(r, b);
		return;
	}
	if (l->n < 4) {
		text(r, b);
		return;
	}
	rst_report(r, b, DOCS_TITLE_UNEXPECTED, b->i, "Unexpected section title or transition.");
	b->nr_other++;
	b->i++;
}

/* Titles (of numbered ones, too), and lists whose first term or field name serves as one, settle targets. */
static bool may_have_title(enum rst_kind kind)
{
	return kind == RST_K_BLANK || kind == RST_K_EXPLICIT || kind == RST_K_ANONYMOUS || kind == RST_K_LINE ||
	       kind == RST_K_TEXT || kind == RST_K_FIELD || kind == RST_K_ENUM || kind == RST_K_OPTION;
}

static void element(struct rst *r, struct rst_block *b)
{
	struct rst_match m = rst_classify(&b->v[b->i]);

	if (r->open && !may_have_title(m.kind))
		rst_settle_targets(r, false);
	switch (m.kind) {
	case RST_K_BLANK:
		b->i++;
		return;
	case RST_K_INDENT:
		block_quote(r, b);
		break;
	case RST_K_BULLET:
		rst_bullet_list(r, b, m);
		break;
	case RST_K_ENUM:
		if (!rst_enum_list(r, b, m))
			text(r, b);
		break;
	case RST_K_FIELD:
		rst_field_list(r, b, m);
		break;
	case RST_K_OPTION:
		if (!rst_option_list(r, b, m))
			text(r, b);
		break;
	case RST_K_DOCTEST:
		skip_doctest(b);
		break;
	case RST_K_LINE_BLOCK:
		rst_line_block(r, b, m);
		break;
	case RST_K_GRID:
		rst_grid_table(r, b);
		break;
	case RST_K_SIMPLE:
		rst_simple_table(r, b);
		break;
	case RST_K_EXPLICIT:
	case RST_K_ANONYMOUS:
		rst_explicit(r, b, m);
		break;
	case RST_K_LINE:
		line(r, b);
		return; /* titles and transitions note themselves */
	case RST_K_TEXT:
		text(r, b);
		return;
	}
	b->last = RST_BODY;
}

void rst_body(struct rst *r, struct rst_block *b)
{
	if (r->depth >= RST_MAX_DEPTH) {
		rst_report(r, b, DOCS_TOO_DEEP, 0, NULL);
		b->i = b->n;
		return;
	}
	r->depth++;
	while (b->i < b->n) {
		uint32_t before = b->i, others = b->nr_other;

		element(r, b);
		if (b->nr_other != others)
			b->last = RST_BODY;
		if (b->i <= before && b->i < b->n && b->nr_other == others)
			b->i = before + 1; /* nothing may stand still */
	}
	r->depth--;
}

void rst_nested(struct rst *r, struct rst_view view, uint32_t bias, bool titles)
{
	struct rst_block b = { .v = view.v, .n = view.n, .titles = titles, .bias = bias };

	rst_body(r, &b);
}

void rst_read_within(struct rst *r, struct rst_view view, bool titles)
{
	rst_nested(r, view, 0, titles);
}

void rst_read(struct rst *r, struct rst_view view, bool titles)
{
	struct rst_block b = { .v = view.v, .n = view.n, .titles = titles };

	if (!r->tail)
		r->tail = &r->facts;
	rst_body(r, &b);
	if (titles)
		rst_transitions_end(r, &b);
}

void rst_fini(struct rst *r)
{
	fl_map_fini(&r->own_roles);
	fl_map_fini(&r->titles);
}
