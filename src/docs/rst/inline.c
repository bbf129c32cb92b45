/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inline markup. A start-string counts behind a blank or an opening mark and before something that
 * is no blank; the end-string is the mirror of that. As in docutils, what is left of a text after
 * each construct is a text of its own: its beginning counts as a blank.
 *
 * Messages stand at the start-string itself, where docutils gives the paragraph's first line.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"
#include "docs/rst/internal.h"

struct inl {
	struct rst *r;
	struct fl_str s; /* lines joined by "\n"; a backslash that escapes is a NUL */
	const struct rst_line *lines;
	uint32_t cut, bias;
	size_t base; /* where the text that is left begins */
	struct fl_buf *plain; /* gets the text without its markup; may be NULL */
	bool endless[6]; /* constructs that found no end: a later one finds none either */
	/* the last place that was asked for, from where counting goes on */
	size_t at, bol;
	const struct rst_line *at_line;
	uint32_t at_col;
};

enum construct {
	EMPHASIS,
	STRONG,
	LITERAL,
	TARGET,
	SUBSTITUTION,
	BACKQUOTE,
};

/* -- characters around a place -- */

static uint32_t char_at(struct fl_str s, size_t at, size_t *ret_len)
{
	uint32_t c = (unsigned char)s.p[at];
	size_t len = 1;

	if (c & 0x80) {
		len = fl_utf8_decode(fl_str_from(s, at), &c);
		if (!len) {
			len = 1;
			c = 0xfffd;
		}
	}
	if (ret_len)
		*ret_len = len;
	return c;
}

static size_t prev_start(struct fl_str s, size_t base, size_t at)
{
	size_t from = at - 1;

	while (from > base && (s.p[from] & 0xc0) == 0x80)
		from--;
	return from;
}

/* An end-string may end before @at. */
static bool ends(const struct inl *n, size_t at)
{
	return at >= n->s.n || rst_after_end(char_at(n->s, at, NULL));
}

/* Start-strings must not have a blank behind. */
static bool no_blank(const struct inl *n, size_t at)
{
	return at >= n->s.n || !rst_is_space(char_at(n->s, at, NULL));
}

static bool may_start(const struct inl *n, size_t at)
{
	return at == n->base || rst_before_start(char_at(n->s, prev_start(n->s, n->base, at), NULL));
}

/* End-strings must not have a blank (nor, where @escape, an escaped place) before. */
static bool may_end(const struct inl *n, size_t from, size_t at, bool escape)
{
	uint32_t c;

	if (at == from)
		return true;
	c = char_at(n->s, prev_start(n->s, from, at), NULL);
	return !rst_is_space(c) && !(escape && c == 0);
}

/* Alphanumerics with single marks - . _ + : inside. */
size_t rst_simplename(struct fl_str s)
{
	size_t at = 0, end = 0;

	for (;;) {
		while (at < s.n) {
			size_t len;
			uint32_t c = char_at(s, at, &len);

			if (c == '_' || !rst_is_word(c))
				break;
			at += len;
		}
		if (at == end)
			return end ? end - 1 : 0; /* the mark before it does not count */
		end = at;
		if (at >= s.n || !s.p[at] || !strchr("-._+:", s.p[at]))
			return end;
		end = ++at;
		if (at >= s.n)
			return end - 1;
	}
}

/* -- messages and facts -- */

/* The place of byte @at: its line, and its column there. Places are asked for in order. */
static const struct rst_line *place(struct inl *n, size_t at, uint32_t *ret_col)
{
	if (!n->at_line || at < n->at) {
		n->at = 0;
		n->at_line = n->lines;
		n->at_col = n->lines->off + n->cut;
	}
	for (const char *nl; (nl = memchr(n->s.p + n->at, '\n', at - n->at));) {
		n->at = (size_t)(nl - n->s.p) + 1;
		n->at_line++;
		n->at_col = n->at_line->off;
	}
	n->at_col += rst_width(fl_str_sub(n->s, n->at, at - n->at));
	n->at = at;
	*ret_col = n->at_col;
	return n->at_line;
}

FL_PRINTF(5, 6)
static void complain(struct inl *n, enum docs_check c, size_t at, size_t len, const char *fmt, ...)
{
	struct docs_finding *f;
	const struct rst_line *l;
	uint32_t col;
	char text[300];
	va_list ap;

	if (!docs_wants(n->r->sink, c))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l = place(n, at, &col);
	f = docs_report(n->r->sink, c, l->no, col, len, "%s", text);
	if (f)
		f->docline = n->lines[0].no + n->bias;
	docs_finding_columns(f);
}

static struct rst_fact *fact(struct inl *n, enum rst_fact_kind kind, size_t at, size_t end)
{
	struct rst_fact *f;
	const struct rst_line *l;
	uint32_t col;

	if (!n->r->want_facts)
		return NULL;
	l = place(n, at, &col);
	f = rst_add_fact(n->r, kind, l, fl_str_sub(n->s, at, end - at));
	if (f)
		f->col = col;
	return f;
}

/* -- constructs; each returns where the text that is left begins -- */

static size_t unended(struct inl *n, size_t at, size_t end, const char *what)
{
	n->r->nr_problems++;
	complain(n, DOCS_INLINE_END, at, end - at, "Inline %s start-string without end-string.", what);
	return end;
}

/* The start-string [at, end) stands between a pair of quotation marks. */
static bool is_quoted(const struct inl *n, size_t at, size_t end)
{
	if (at == n->base)
		return false;
	if (end >= n->s.n)
		return true;
	return rst_is_pair(char_at(n->s, prev_start(n->s, n->base, at), NULL), char_at(n->s, end, NULL));
}

/* Finds @mark from @from on where it may end a construct; s.n where it does not. */
static size_t find_end(const struct inl *n, size_t from, const char *mark, bool escape)
{
	size_t len = strlen(mark);

	for (size_t at = from; (at = fl_str_find(n->s, mark[0], at)) + len <= n->s.n; at++) {
		if (!memcmp(n->s.p + at, mark, len) && may_end(n, from, at, escape) && ends(n, at + len))
			return at;
	}
	return n->s.n;
}

static size_t simple(struct inl *n, size_t at, enum construct c, const char *mark, const char *what)
{
	size_t end = at + strlen(mark), close;

	if (is_quoted(n, at, end))
		return end;
	close = n->endless[c] ? n->s.n : find_end(n, end, mark, c != LITERAL);
	n->endless[c] |= close >= n->s.n;
	if (close >= n->s.n || close == end)
		return unended(n, at, end, what);
	return close + strlen(mark);
}

static size_t substitution(struct inl *n, size_t at)
{
	size_t end = at + 1, close, tail;

	if (is_quoted(n, at, end))
		return end;
	for (close = n->endless[SUBSTITUTION] ? n->s.n : end; (close = fl_str_find(n->s, '|', close)) < n->s.n;
	     close++) {
		if (!may_end(n, end, close, true))
			continue;
		for (tail = close + 3; tail > close; tail--) {
			bool marks = tail <= n->s.n;

			for (size_t i = close + 1; marks && i < tail; i++)
				marks = n->s.p[i] == '_';
			if (marks && ends(n, tail)) {
				if (close == end)
					return unended(n, at, end, "substitution_reference");
				fact(n, RST_SUBST_REF, end, close);
				return tail;
			}
		}
	}
	n->endless[SUBSTITUTION] = true;
	return unended(n, at, end, "substitution_reference");
}

static size_t internal_target(struct inl *n, size_t at)
{
	size_t end = at + 2, close;

	if (is_quoted(n, at, end))
		return end;
	close = n->endless[TARGET] ? n->s.n : find_end(n, end, "`", true);
	n->endless[TARGET] |= close >= n->s.n;
	if (close >= n->s.n || close == end)
		return unended(n, at, end, "target");
	fact(n, RST_TARGET, end, close);
	return close + 1;
}

/* What may stand behind the closing backquote: ":role:", "_", "__"; *refs counts the latter. */
static size_t backquote_suffix(const struct inl *n, size_t at, struct fl_str *role, int *refs)
{
	size_t len = 0, end;

	if (at < n->s.n && n->s.p[at] == ':') {
		len = rst_simplename(fl_str_from(n->s, at + 1));
		while (len && !(at + 1 + len < n->s.n && n->s.p[at + 1 + len] == ':'))
			len--;
	}
	for (int with_role = len > 0; with_role >= 0; with_role--) {
		end = at + (with_role ? len + 2 : 0);
		for (int k = 2; k >= 0; k--) {
			if (end + k > n->s.n || (k && memcmp(n->s.p + end, "__", k)) || !ends(n, end + k))
				continue;
			*role = with_role ? fl_str_sub(n->s, at + 1, len) : fl_str_n(NULL, 0);
			*refs = k;
			return end + k;
		}
	}
	return 0;
}

static void check_role(struct inl *n, size_t at, size_t end, struct fl_str role)
{
	const struct rst_vocabulary *words = n->r->words;
	bool foreign;

	if (rst_find_role(words, role) || fl_map_get(&n->r->own_roles, role))
		return;
	n->r->nr_problems++;
	foreign = words && words->foreign && !rst_near_role(words, role).n;
	complain(n, foreign ? DOCS_ROLE_FOREIGN : DOCS_ROLE_UNKNOWN, at, end - at,
		 "Unknown interpreted text role \"%.*s\".", FL_STR_ARG(role));
}

/* `text <target>`_ names two things. */
static void phrase_fact(struct inl *n, size_t from, size_t close, int refs)
{
	struct fl_str s = fl_str_sub(n->s, from, close - from);
	size_t lt = s.n;
	struct rst_fact *f;

	if (s.n > 2 && s.p[s.n - 1] == '>') {
		for (lt = s.n - 1; lt > 0 && s.p[lt] != '<'; lt--)
			;
		if (s.p[lt] != '<' || (lt && s.p[lt - 1] != ' ' && s.p[lt - 1] != '\n'))
			lt = s.n;
	}
	if (lt < s.n && s.n > 3 && s.p[s.n - 2] == '_') {
		fact(n, RST_REF, from + lt + 1, close - 2);
		f = refs == 1 && lt > 1 ? fact(n, RST_INDIRECT, from, from + lt - 1) : NULL;
		if (f)
			f->extra = fl_str_sub(s, lt + 1, s.n - lt - 2);
		if (f)
			f->implicit = n->r->family >= DOCUTILS_22;
	} else if (lt < s.n && refs == 1 && lt > 0) {
		f = fact(n, RST_URI_TARGET, from, from + lt - 1);
		if (f)
			f->extra = fl_str_sub(s, lt + 1, s.n - lt - 2);
		if (f)
			f->implicit = n->r->family >= DOCUTILS_22;
	} else if (lt == s.n) {
		f = fact(n, RST_REF, from, close);
		if (f && refs == 2)
			f->name = fl_str_n("_", 1);
	}
}

/* Interpreted text or a phrase reference; @open is the backquote, @at where its role begins. */
static size_t backquote(struct inl *n, size_t at, size_t open)
{
	struct fl_str role = {}, suffix = {};
	size_t from = open + 1, close, end = 0;
	struct rst_fact *f;
	int refs = 0;

	if (open > at)
		role = fl_str_sub(n->s, at + 1, open - at - 2);
	else if (is_quoted(n, at, from))
		return from;
	close = n->endless[BACKQUOTE] ? n->s.n : from;
	for (; (close = fl_str_find(n->s, '`', close)) < n->s.n; close++) {
		size_t prev = close > from ? prev_start(n->s, from, close) : from;
		uint32_t c = close > from ? char_at(n->s, prev, NULL) : 'x';

		if (c == 0 || rst_is_space(c)) {
			if (prev == from || n->s.p[prev - 1] != '\0')
				continue;
		}
		end = backquote_suffix(n, close + 1, &suffix, &refs);
		if (end)
			break;
	}
	n->endless[BACKQUOTE] |= !end;
	if (!end || close == from) {
		complain(n, DOCS_INLINE_END, open, 1,
			 "Inline interpreted text or phrase reference start-string without end-string.");
		return from;
	}
	if (role.n && suffix.n) {
		complain(n, DOCS_ROLE_USE, at, end - at,
			 "Multiple roles in interpreted text (both prefix and suffix present; only one "
			 "allowed).");
	} else if (refs && (role.n || suffix.n)) {
		complain(n, DOCS_ROLE_USE, at, end - at,
			 "Mismatch: both interpreted text role %s and reference suffix.",
			 role.n ? "prefix" : "suffix");
	} else if (refs) {
		phrase_fact(n, from, close, refs);
	} else if (role.n || suffix.n) {
		role = role.n ? role : suffix;
		check_role(n, at, end, role);
		f = fact(n, RST_ROLE, from, close);
		if (f) {
			f->extra = f->name;
			f->name = role;
		}
	}
	return end;
}

/* "[1]_", "[#name]_", "[*]_", "[CIT2002]_" at @at; 0 where it is none. */
static size_t footnote_ref(struct inl *n, size_t at)
{
	size_t close = fl_str_find(n->s, ']', at), i;
	struct fl_str label;
	bool number = true;

	if (close + 1 >= n->s.n || n->s.p[close + 1] != '_' || !ends(n, close + 2) || close < at + 2)
		return 0;
	label = fl_str_sub(n->s, at + 1, close - at - 1);
	for (i = 0; i < label.n; i++)
		number &= label.p[i] >= '0' && label.p[i] <= '9';
	i = label.p[0] == '#' ? 1 : 0;
	if (!number && !fl_str_is(label, "*") && !fl_str_is(label, "#") &&
	    rst_simplename(fl_str_from(label, i)) != label.n - i)
		return 0;
	fact(n, number || i || label.p[0] == '*' ? RST_FOOTNOTE_REF : RST_CITATION_REF, at + 1, close);
	return close + 2;
}

/* "name_" or "name__" whose underscore is at @under; 0 where there is none. */
static size_t reference(struct inl *n, size_t under)
{
	size_t end = under + 1, from = under, len;
	struct rst_fact *f;

	if (end < n->s.n && n->s.p[end] == '_')
		end++;
	if (!ends(n, end) || under == n->base)
		return 0;
	while (from > n->base) {
		size_t prev = prev_start(n->s, n->base, from);
		uint32_t c = char_at(n->s, prev, NULL);

		if (!rst_is_word(c) && !(c && c < 0x80 && strchr("-.+:", (int)c)))
			break;
		from = prev;
	}
	for (; from < under; from += len) {
		char_at(n->s, from, &len);
		if (may_start(n, from) &&
		    rst_simplename(fl_str_sub(n->s, from, under - from)) == under - from) {
			f = fact(n, RST_REF, from, under);
			if (f && end == under + 2)
				f->name = fl_str_n("_", 1);
			return end;
		}
	}
	return 0;
}

/* ":role:`" at @at: the place of its backquote, or 0. */
static size_t role_open(const struct inl *n, size_t at)
{
	size_t len = rst_simplename(fl_str_from(n->s, at + 1)), end = at + 1 + len;

	if (!len || end + 1 >= n->s.n || n->s.p[end] != ':' || n->s.p[end + 1] != '`')
		return 0;
	if (end + 2 < n->s.n && (n->s.p[end + 2] == '`' || !no_blank(n, end + 2)))
		return 0;
	return end + 1;
}

/* The construct that begins at @at, or 0. */
static size_t construct(struct inl *n, size_t at)
{
	char c = n->s.p[at], d = at + 1 < n->s.n ? n->s.p[at + 1] : '\0';
	size_t open;

	switch (c) {
	case '*':
		if (d == '*')
			return no_blank(n, at + 2) ? simple(n, at, STRONG, "**", "strong") : 0;
		return no_blank(n, at + 1) ? simple(n, at, EMPHASIS, "*", "emphasis") : 0;
	case '`':
		if (d == '`')
			return no_blank(n, at + 2) ? simple(n, at, LITERAL, "``", "literal") : 0;
		return no_blank(n, at + 1) ? backquote(n, at, at) : 0;
	case '_':
		return d == '`' && no_blank(n, at + 2) ? internal_target(n, at) : 0;
	case '|':
		return d != '|' && no_blank(n, at + 1) ? substitution(n, at) : 0;
	case '[':
		return footnote_ref(n, at);
	case ':':
		open = role_open(n, at);
		return open ? backquote(n, at, open) : 0;
	default:
		return 0;
	}
}

static const bool special[256] = {
	['*'] = true, ['`'] = true, ['_'] = true, ['|'] = true, ['['] = true, [':'] = true,
};

/* What is left of the construct [at, end) without its marks. */
static struct fl_str bare(const struct inl *n, size_t at, size_t end)
{
	struct fl_str s = fl_str_sub(n->s, at, end - at);
	size_t width, lt;

	if (s.n <= 2)
		return s; /* a start-string that has no end */
	if (s.p[0] == ':') /* a role */
		s = fl_str_from(s, fl_str_find(s, '`', 0));
	if (s.n && s.p[0] == '_')
		s = fl_str_from(s, 1);
	while (s.n && s.p[s.n - 1] == '_')
		s.n--;
	if (s.n > 2 && s.p[s.n - 1] == ':') /* a role behind the text */
		while (s.n && s.p[s.n - 1] != '`')
			s.n--;
	width = s.n > 4 && (s.p[0] == '*' || s.p[0] == '`') && s.p[1] == s.p[0] ? 2 : 1;
	s = s.n >= 2 * width ? fl_str_sub(s, width, s.n - 2 * width) : s;
	if (n->s.p[at] == '`' && s.n && s.p[s.n - 1] == '>') { /* text <target> */
		for (lt = s.n; lt && s.p[lt - 1] != '<'; lt--)
			;
		s.n = lt > 1 ? lt - 1 : s.n;
	}
	return fl_str_trim(s);
}

static void add_plain(struct inl *n, size_t from, size_t to)
{
	for (size_t i = from; n->plain && i < to; i++) {
		if (n->s.p[i])
			fl_buf_addc(n->plain, n->s.p[i]);
	}
}

static void scan(struct inl *n)
{
	size_t at = 0, next;

	while (at < n->s.n) {
		while (at < n->s.n && !special[(unsigned char)n->s.p[at]])
			at++;
		if (at >= n->s.n)
			break;
		next = may_start(n, at) ? construct(n, at) : 0;
		if (next) {
			add_plain(n, n->base, at);
			if (n->plain)
				fl_buf_add_str(n->plain, bare(n, at, next));
		} else if (n->s.p[at] == '_') {
			next = reference(n, at);
			add_plain(n, n->base, next ? at : n->base);
		}
		if (next) {
			n->base = next;
			at = next;
		} else {
			at++;
		}
	}
	add_plain(n, n->base, n->s.n);
}

/* Nothing can be markup where none of these stands. */
static bool is_plain(struct fl_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (special[(unsigned char)s.p[i]] && s.p[i] != ':')
			return false;
	}
	return true;
}

static void escape(char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (p[i] == '\\')
			p[i++] = '\0';
	}
}

static void read_lines(struct rst *r, const struct rst_line *l, uint32_t count, uint32_t cut,
		       uint32_t end, uint32_t bias, struct fl_buf *plain)
{
	struct inl n = { .r = r, .lines = l, .cut = cut, .bias = bias, .plain = plain };
	size_t len = 0;
	char *text;

	for (uint32_t i = 0; i < count; i++)
		len += l[i].n + 1;
	text = fl_arena_alloc(r->arena, len + 1);
	if (!text)
		return;
	len = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct fl_str s = rst_str(&l[i]);

		if (i + 1 == count)
			s = fl_str_sub(s, 0, end);
		if (i == 0)
			s = fl_str_from(s, cut);
		memcpy(text + len, s.p, s.n);
		len += s.n;
		text[len++] = '\n';
	}
	n.s = fl_str_n(text, len - 1);
	escape(text, n.s.n);
	scan(&n);
}

void rst_inline(struct rst *r, const struct rst_block *b, uint32_t from, uint32_t to, uint32_t cut)
{
	for (uint32_t i = from; i < to; i++) {
		if (!is_plain(rst_str(&b->v[i]))) {
			read_lines(r, b->v + from, to - from, cut, UINT32_MAX, b->bias, NULL);
			return;
		}
	}
}

void rst_inline_line(struct rst *r, const struct rst_line *l, uint32_t from, uint32_t to, uint32_t bias)
{
	if (from < to && !is_plain(fl_str_sub(rst_str(l), from, to - from)))
		read_lines(r, l, 1, from, to, bias, NULL);
}

struct fl_str rst_title_text(struct rst *r, const struct rst_line *l, uint32_t bias)
{
	_cleanup_buf_ struct fl_buf plain = {};
	struct fl_str s = fl_str_trim(rst_str(l));
	char *copy;

	if (is_plain(rst_str(l)))
		return s;
	read_lines(r, l, 1, 0, l->n, bias, &plain);
	copy = fl_arena_dup(r->arena, fl_buf_str(&plain));
	return copy ? fl_str_trim(fl_str_n(copy, plain.len)) : s;
}
