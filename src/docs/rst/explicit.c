/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What begins with "..": footnotes, citations, targets, substitutions, comments, and directives, which have a file
 * of their own; and literal blocks, which a "::" announces.
 */
#include "docs/rst/internal.h"

/* -- footnotes, targets, substitutions -- */

static bool footnote(struct rst *r, struct rst_block *b, struct rst_match m, bool *blank)
{
	const struct rst_line *l = &b->v[b->i];
	struct fl_str s = fl_str_from(rst_str(l), m.end), label;
	size_t close = fl_str_find(s, ']', 0);
	struct rst_grab g = { .known = -1 };
	bool number = true, is_citation;
	uint32_t at = b->i;

	if (s.n < 3 || s.p[0] != '[' || close == s.n || close < 2 ||
	    (close + 1 < s.n && s.p[close + 1] != ' '))
		return false;
	label = fl_str_sub(s, 1, close - 1);
	for (size_t i = 0; i < label.n; i++)
		number &= label.p[i] >= '0' && label.p[i] <= '9';
	if (!number && !fl_str_is(label, "#") && !fl_str_is(label, "*") &&
	    !(label.p[0] == '#' && rst_simplename(fl_str_from(label, 1)) == label.n - 1) &&
	    rst_simplename(label) != label.n)
		return false;
	is_citation = !number && label.p[0] != '#' && label.p[0] != '*';
	rst_add_fact(r, is_citation ? RST_CITATION : RST_FOOTNOTE, l, label);
	g.cut = m.end + close + 1;
	while ((uint32_t)g.cut < l->n && l->p[g.cut] == ' ')
		g.cut++;
	rst_grab(r, b, b->i, &g);
	b->i = g.end;
	b->nr_other++;
	*blank = g.blank_finish;
	while (g.view.n && !g.view.v[g.view.n - 1].n)
		g.view.n--;
	if (!g.view.n)
		rst_report(r, b, DOCS_FOOTNOTE_EMPTY, at, is_citation ? "Citation content expected." :
			   "Footnote content expected.");
	rst_nested(r, g.view, b->bias, false);
	return true;
}

/* The ":" that ends a target's name in @s, or s.n. */
static size_t target_colon(struct fl_str s)
{
	size_t i = 0;

	if (s.n && s.p[0] == '`') {
		for (i = 1; i < s.n && s.p[i] != '`'; i++)
			i += s.p[i] == '\\';
		if (i >= s.n)
			return s.n;
		i++;
		i += i < s.n && s.p[i] == ' ';
		return i < s.n && s.p[i] == ':' && (i + 1 == s.n || s.p[i + 1] == ' ') ? i : s.n;
	}
	for (; i < s.n; i++) {
		if (s.p[i] == '\\') {
			i++;
			continue;
		}
		if (s.p[i] == ':' && (i + 1 == s.n || s.p[i + 1] == ' ') && i &&
		    !(s.p[i - 1] == ':' || (s.p[i - 1] == ' ' && i > 1 && s.p[i - 2] == ' ')))
			return i;
	}
	return s.n;
}

/* "other_" or "`other`_": what a target may point at instead of an address. */
static bool is_indirect(struct fl_str s)
{
	return s.n > 1 && s.p[s.n - 1] == '_' && s.p[s.n - 2] != '_' &&
	       (s.p[0] == '`' || rst_simplename(fl_str_sub(s, 0, s.n - 1)) == s.n - 1);
}

static void target_fact(struct rst *r, const struct rst_line *l, struct fl_str name, struct fl_str rest)
{
	struct rst_fact *f;

	rest = fl_str_trim(rest);
	name = fl_str_trim(name);
	if (name.n > 1 && name.p[0] == '`')
		name = fl_str_sub(name, 1, name.n - 2);
	f = rst_add_fact(r, RST_TARGET, l, name);
	if (!f)
		return;
	f->extra = rest;
	if (!rest.n) {
		f->next_open = r->open;
		r->open = f;
	}
	if (is_indirect(rest))
		f->kind = RST_INDIRECT;
	else if (rest.n)
		f->kind = RST_URI_TARGET;
}

static bool target(struct rst *r, struct rst_block *b, struct rst_match m, bool *blank)
{
	const struct rst_line *l = &b->v[b->i];
	struct fl_str s = fl_str_from(rst_str(l), m.end);
	struct rst_grab g = { .known = -1, .cut = m.end + 1, .until_blank = true };
	_cleanup_buf_ struct fl_buf joined = {};
	uint32_t start = b->i;
	size_t colon;

	if (s.n < 2 || s.p[0] != '_' || s.p[1] == ' ')
		return false;
	rst_grab(r, b, b->i, &g);
	for (uint32_t i = 0; i < g.view.n; i++) {
		fl_buf_add_str(&joined, rst_str(&g.view.v[i]));
		colon = target_colon(fl_buf_str(&joined));
		if (colon < joined.len)
			break;
	}
	b->i = g.end;
	*blank = g.blank_finish;
	colon = target_colon(fl_buf_str(&joined));
	if (colon == joined.len && !fl_str_starts(fl_buf_str(&joined), "_:")) {
		rst_report(r, b, DOCS_TARGET_MALFORMED, g.end - 1, NULL);
		return true;
	}
	s = fl_str_from(s, 1);
	colon = target_colon(s);
	if (colon < s.n && start < b->n)
		target_fact(r, l, fl_str_sub(s, 0, colon), fl_str_from(s, colon + 1));
	return true;
}

/* "replace::": one paragraph. */
static bool replacement(struct rst *r, struct rst_block *b, uint32_t at, struct rst_view text)
{
	struct rst_block body = { .bias = b->bias };
	unsigned int before = r->nr_problems;
	enum rst_kind kind;
	uint32_t end = 0;

	while (text.n && !text.v[0].n)
		text = (struct rst_view){ text.v + 1, text.n - 1 };
	body.v = text.v;
	body.n = text.n;
	if (!text.n) {
		rst_report(r, b, DOCS_DIRECTIVE_CONTENT, at,
			   "Content block expected for the \"replace\" directive; none "
			   "found.");
		return false;
	}
	while (end < text.n && text.v[end].n)
		end++;
	rst_body(r, &body);
	kind = rst_classify(&text.v[0]).kind;
	if (end == text.n && (kind == RST_K_TEXT || kind == RST_K_ENUM || kind == RST_K_LINE ||
			       kind == RST_K_OPTION)) {
		if (r->nr_problems > before)
			rst_report(r, b, DOCS_DIRECTIVE_CONTENT, at, "Problematic content in substitution definition");
		return true;
	}
	rst_report(r, b, DOCS_DIRECTIVE_CONTENT, at, "Error in \"replace\" directive: may contain a single paragraph "
		   "only.");
	return false;
}

/* "unicode::": characters and codes of them, and a comment behind " ..". */
static bool characters(struct rst *r, struct rst_block *b, uint32_t at, struct fl_str text)
{
	struct fl_str word;
	uint32_t code;

	while (fl_str_word(&text, &word) && !fl_str_is(word, "..")) {
		if (rst_char_code(word, &code) && code > 0x10ffff) {
			rst_report(r, b, DOCS_DIRECTIVE_USE, at, "Invalid character code: %.*s", FL_STR_ARG(word));
			return false;
		}
	}
	return true;
}

static void picture(struct rst *r, const struct rst_line *l, struct fl_str name, const struct rst_line *arg)
{
	struct rst_fact *f = rst_add_fact(r, RST_DIRECTIVE, l, name);
	struct rst_line *keep = f ? fl_arena_array(r->arena, 1, sizeof(*keep)) : NULL;

	if (!keep)
		return;
	*keep = *arg;
	f->extra = fl_str_trim(rst_str(arg));
	f->args = (struct rst_view){ keep, 1 };
}

/* What stands for the name: "directive:: ..." in @rest and the lines below it in @view. False where it is nothing. */
static bool definition(struct rst *r, struct rst_block *b, const struct rst_line *l, struct fl_str rest,
		       struct rst_view view)
{
	size_t n = rst_directive_name(rest);
	struct fl_str name = fl_str_sub(rest, 0, n), arg;
	struct rst_line first;
	uint32_t at = (uint32_t)(l - b->v);

	if (!n)
		return false;
	if (!rst_find_directive(r->words, name)) {
		rst_unknown_directive(r, b, at, name);
		return false;
	}
	arg = fl_str_trim(fl_str_from(rest, n + (rest.p[n] == ' ') + 2));
	first = (struct rst_line){ arg.p, (uint32_t)arg.n, l->no, l->off + (uint32_t)(arg.p - l->p) };
	if (fl_str_is(name, "replace") && view.n) {
		view.v[0] = first;
		return replacement(r, b, at, view);
	}
	if (fl_str_is(name, "unicode"))
		return characters(r, b, at, arg);
	if (fl_str_is(name, "image"))
		picture(r, l, name, &first);
	return true;
}

/* The name's last "|" stands in another line than its first. */
static bool ends_below(struct rst_view v)
{
	for (uint32_t i = 1; i < v.n; i++) {
		struct fl_str s = rst_str(&v.v[i]);
		size_t at = fl_str_find(s, '|', 0);

		if (at && at < s.n && s.p[at - 1] != ' ' && (at + 1 == s.n || s.p[at + 1] == ' '))
			return true;
	}
	return false;
}

static bool substitution(struct rst *r, struct rst_block *b, struct rst_match m, bool *blank)
{
	const struct rst_line *l = &b->v[b->i];
	struct fl_str s = fl_str_from(rst_str(l), m.end), rest, name;
	struct rst_grab g = { .known = -1, .cut = m.end };
	size_t close;

	if (s.n < 2 || s.p[0] != '|' || s.p[1] == ' ')
		return false;
	for (close = 2; close < s.n; close++) {
		if (s.p[close] == '|' && s.p[close - 1] != ' ' && (close + 1 == s.n || s.p[close + 1] == ' '))
			break;
	}
	rst_grab(r, b, b->i, &g);
	if (close >= s.n) {
		if (!ends_below(g.view))
			rst_report(r, b, DOCS_SUBST_DEF, g.end - 1, "malformed substitution definition.");
		return false;
	}
	b->i = g.end;
	*blank = g.blank_finish;
	name = fl_str_sub(s, 1, close - 1);
	rest = fl_str_trim(fl_str_from(s, close + 1));
	while (g.view.n && !g.view.v[g.view.n - 1].n)
		g.view.n--;
	if (!rest.n && g.view.n > 1) { /* what stands for it begins in a line below */
		while (!g.view.v[0].n)
			g.view = (struct rst_view){ g.view.v + 1, g.view.n - 1 };
		rest = fl_str_trim(rst_str(&g.view.v[0]));
	}
	if (!rest.n) {
		rst_report(r, b, DOCS_SUBST_DEF, (uint32_t)(l - b->v),
			   "Substitution definition \"%.*s\" missing contents.", FL_STR_ARG(name));
	} else if (!definition(r, b, l, rest, g.view)) {
		rst_report(r, b, DOCS_SUBST_DEF, (uint32_t)(l - b->v),
			   "Substitution definition \"%.*s\" empty or invalid.", FL_STR_ARG(name));
		return true;
	}
	rst_add_fact(r, RST_SUBST, l, name);
	return true;
}

static bool comment(struct rst *r, struct rst_block *b, struct rst_match m)
{
	struct rst_grab g = { .known = -1, .cut = m.end };

	if (m.end >= b->v[b->i].n && (b->i + 1 >= b->n || !b->v[b->i + 1].n)) {
		b->i++;
		return true;
	}
	rst_settle_targets(r, false);
	rst_grab(r, b, b->i, &g);
	b->i = g.end;
	return g.blank_finish;
}

static bool anonymous(struct rst *r, struct rst_block *b, struct rst_match m)
{
	struct rst_grab g = { .known = -1, .cut = m.end, .until_blank = true };
	const struct rst_line *l = &b->v[b->i];
	struct rst_fact *f;

	rst_grab(r, b, b->i, &g);
	f = rst_add_fact(r, RST_TARGET, l, fl_str_n("_", 1));
	if (f)
		f->extra = fl_str_trim(fl_str_from(rst_str(l), m.end));
	if (f && is_indirect(f->extra))
		f->kind = RST_INDIRECT;
	b->i = g.end;
	return g.blank_finish;
}

static bool construct(struct rst *r, struct rst_block *b, struct rst_match m)
{
	bool blank = true;

	if (m.kind == RST_K_ANONYMOUS) {
		b->nr_unseen++;
		return anonymous(r, b, m);
	}
	if (m.end > 2 && (footnote(r, b, m, &blank) || rst_directive(r, b, m, &blank)))
		return blank;
	b->nr_unseen++;
	if (m.end > 2 && (target(r, b, m, &blank) || substitution(r, b, m, &blank)))
		return blank;
	return comment(r, b, m);
}

void rst_explicit(struct rst *r, struct rst_block *b, struct rst_match m)
{
	bool blank;

	do {
		blank = construct(r, b, m);
		if (b->i >= b->n)
			return;
		m = rst_classify(&b->v[b->i]);
	} while (m.kind == RST_K_EXPLICIT || m.kind == RST_K_ANONYMOUS);
	if (!blank)
		rst_unindent(r, b, DOCS_EXPLICIT_UNINDENT, "Explicit markup");
}

/* -- literal blocks -- */

/* A literal block of unindented lines that begin with one and the same punctuation mark. */
static void quoted(struct rst *r, struct rst_block *b)
{
	char quote;

	while (b->i < b->n && !b->v[b->i].n)
		b->i++;
	quote = b->i < b->n ? b->v[b->i].p[0] : '\0';
	if (!rst_is_punct(quote)) {
		rst_report(r, b, DOCS_LITERAL_NONE, b->i, NULL);
		return;
	}
	while (b->i < b->n && b->v[b->i].n && b->v[b->i].p[0] == quote)
		b->i++;
	if (b->i >= b->n || !b->v[b->i].n)
		return;
	if (b->v[b->i].p[0] == ' ')
		rst_report(r, b, DOCS_UNEXPECTED_INDENT, b->i, NULL);
	else
		rst_report(r, b, DOCS_LITERAL_QUOTING, b->i, NULL);
}

void rst_literal(struct rst *r, struct rst_block *b)
{
	struct rst_grab g = { .known = -1, .cut = -1 };

	rst_grab(r, b, b->i, &g);
	if (!g.view.n) {
		quoted(r, b);
		return;
	}
	b->i = g.end;
	if (!g.blank_finish)
		rst_unindent(r, b, DOCS_LITERAL_UNINDENT, "Literal block");
}
