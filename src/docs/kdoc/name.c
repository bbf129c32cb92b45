/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line of a comment that names what it describes. The two dialects differ most here: the script in
 * Perl looks at the first line alone, the one in Python at every star of every line until one fits.
 */
#include "docs/kdoc/internal.h"

#include "base/util.h"

/* -- as 6.12's script -- */

/* Blanks, an optional "(...)" and an optional "- text" or ": text" up to the end. */
static bool ends_name(struct fl_str s, size_t i)
{
	size_t k;

	if (i < s.n && s.p[i] == '(') {
		k = skip_word(s, i + 1);
		if (k < s.n && s.p[k] == ')')
			i = k + 1;
	}
	i = skip_blanks(s, i);
	return i >= s.n || s.p[i] == '-' || s.p[i] == ':';
}

/* Words alone, up to "(", "-" or ":": the regular form. */
static bool plain_name(struct fl_str s, struct fl_str *ret)
{
	size_t i = 0;

	while (i < s.n && (is_word(s.p[i]) || is_blank(s.p[i])))
		i++;
	if (!i || !ends_name(s, i))
		return false;
	*ret = trim_end(fl_str_sub(s, 0, i));
	return ret->n > 0;
}

static bool type_name(struct kdoc_comment *r, struct fl_str s)
{
	static const struct {
		const char *word;
		enum kdoc_kind kind;
	} kinds[] = {
		{ "struct", KDOC_STRUCT }, { "union", KDOC_UNION }, { "enum", KDOC_ENUM },
		{ "typedef", KDOC_TYPEDEF },
	};
	size_t len = skip_word(s, 0), i, end;

	for (size_t k = 0; k < FL_ARRAY_SIZE(kinds); k++) {
		if (!fl_str_is(fl_str_sub(s, 0, len), kinds[k].word))
			continue;
		r->k.kind = kinds[k].kind;
		i = skip_blanks(s, len);
		for (end = i; end < s.n && !is_blank(s.p[end]); end++)
			;
		r->k.name = fl_str_sub(s, i, end - i);
		return true;
	}
	return false;
}

/* "foo() - text", "struct foo *bar() - text", or any words before a "-" or ":". */
static bool function_name(struct kdoc_comment *r, struct fl_str s)
{
	size_t word = skip_word(s, 0), star = skip_blanks(s, word), cut, from = 0, end;

	r->k.kind = KDOC_FUNCTION;
	if (star < s.n && s.p[star] == '*' && word) {
		from = skip_blanks(s, star + 1);
		if (from >= s.n || !is_word(s.p[from]))
			from = 0;
	}
	end = skip_word(s, from);
	if (end > from && ends_name(s, skip_blanks(s, end))) {
		r->k.name = fl_str_sub(s, from, end - from);
		return true;
	}
	for (cut = s.n; cut > from && s.p[cut - 1] != '-' && s.p[cut - 1] != ':'; cut--)
		;
	if (cut <= from + 1)
		return false;
	r->k.name = trim_end(fl_str_sub(s, from, cut - 1 - from));
	if (r->k.name.n > 2 && fl_str_ends(r->k.name, "()"))
		r->k.name.n -= 2;
	return r->k.name.n > 0;
}

static void not_kdoc(struct kdoc_comment *r, size_t at)
{
	docs_report(r->sink, DOCS_KDOC_SHAPE, r->no, at, FL_MIN(r->line.n - at, (size_t)200),
		    "This comment starts with '/**', but isn't a kernel-doc comment. Refer "
		    "Documentation/doc-guide/kernel-doc.rst");
}

/* The comment's text on its first line; rows of stars in front are met. */
static size_t name_at(struct fl_str line)
{
	size_t at = behind_star(line);

	while (at < line.n && line.p[at] == '*')
		at = skip_blanks(line, at + 1);
	return at < line.n && line.p[at] == '/' ? line.n : at;
}

/* The line that names the thing. False: this is no kernel-doc comment, and was reported. */
static bool name_line(struct kdoc_comment *r)
{
	size_t at = name_at(r->line);
	struct fl_str s = trim_end(fl_str_from(r->line, at)), words = {};

	r->k.line = r->no;
	r->k.col = at;
	if (fl_str_starts(s, "DOC:")) {
		r->k.kind = KDOC_DOC;
		r->k.name = fl_str_trim(fl_str_from(s, 4));
		return true;
	}
	if (!s.n || !is_word(s.p[0])) {
		docs_report(r->sink, DOCS_KDOC_SHAPE, r->no, 0, 0, "Cannot understand %.*s on line %u - I thought "
			    "it was a doc line", (int)FL_MIN(r->line.n, (size_t)300), r->line.p, r->no);
		return false;
	}
	if (at && at > behind_star(r->line)) { /* rows of stars */
		not_kdoc(r, at);
		return false;
	}
	if (plain_name(s, &words) ? !type_name(r, words) && !function_name(r, s) :
				    !type_name(r, fl_str_sub(s, 0, skip_word(s, 0))) && !function_name(r, s)) {
		not_kdoc(r, at);
		return false;
	}
	if (r->k.kind == KDOC_FUNCTION && fl_str_starts(r->k.name, "define "))
		r->k.name = fl_str_trim(fl_str_from(r->k.name, 7));
	if (!r->k.name.n && r->k.kind != KDOC_ENUM) {
		docs_report(r->sink, DOCS_KDOC_SHAPE, r->no, at, s.n, "wrong kernel-doc identifier on line: %.*s",
			    FL_STR_ARG(s));
		return false;
	}
	r->maybe = memchr(s.p, '-', s.n) || memchr(s.p, ':', s.n);
	return true;
}

/* -- as 7.3's script -- */

/*
 * 7.3's script looks for the name with patterns that may begin at any star of a line, and goes on with
 * the next line until it has one: "Cannot find identifier" is said of each line in between, of code too.
 */

/* Behind the first star of @s from *@at on, and the blanks behind it; s.n: there is none. */
static size_t next_star(struct fl_str s, size_t *at)
{
	size_t star = fl_str_find(s, '*', *at);

	*at = star + 1;
	return star < s.n ? skip_blanks(s, star + 1) : s.n;
}

static bool data_name(struct kdoc_comment *r)
{
	static const struct {
		const char *word;
		enum kdoc_kind kind;
	} kinds[] = {
		{ "struct", KDOC_STRUCT }, { "union", KDOC_UNION }, { "enum", KDOC_ENUM },
		{ "typedef", KDOC_TYPEDEF }, { "var", KDOC_VAR },
	};
	size_t from = skip_blanks(r->line, 0), end, name;

	if (from < r->line.n && r->line.p[from] == '*')
		from = skip_blanks(r->line, from + 1);
	end = skip_word(r->line, from);
	for (size_t k = 0; k < FL_ARRAY_SIZE(kinds); k++) {
		if (!fl_str_is(fl_str_sub(r->line, from, end - from), kinds[k].word))
			continue;
		name = skip_blanks(r->line, end);
		r->k.kind = kinds[k].kind;
		r->k.name = fl_str_sub(r->line, name, skip_word(r->line, name) - name);
		return true;
	}
	return false;
}

/* "name", "name()" and what may follow it, up to the line's end. */
static bool function_at(struct kdoc_comment *r, size_t i)
{
	size_t end = skip_word(r->line, i), k;

	if (end == i)
		return false;
	r->k.name = fl_str_sub(r->line, i, end - i);
	end = skip_blanks(r->line, end);
	if (end < r->line.n && r->line.p[end] == '(') {
		k = skip_word(r->line, end + 1);
		if (k < r->line.n && r->line.p[k] == ')')
			end = skip_blanks(r->line, k + 1);
	}
	return end >= r->line.n || r->line.p[end] == '-' || r->line.p[end] == ':';
}

static bool any_function_name(struct kdoc_comment *r)
{
	size_t at = 0, i, word;

	while ((i = next_star(r->line, &at)) < r->line.n) {
		word = skip_blanks(r->line, skip_word(r->line, i)); /* a type: "struct_foo *name()" */
		if (word > i && word < r->line.n && r->line.p[word] == '*' &&
		    function_at(r, skip_blanks(r->line, word + 1)))
			return true;
		word = skip_word(r->line, i);
		if (fl_str_is(fl_str_sub(r->line, i, word - i), "define") && skip_blanks(r->line, word) > word &&
		    function_at(r, skip_blanks(r->line, word)))
			return true;
		if (function_at(r, i))
			return true;
	}
	return false;
}

/* Behind the first star that a word follows, or SIZE_MAX. */
static size_t first_word(struct fl_str s)
{
	size_t at = 0, i;

	while ((i = next_star(s, &at)) < s.n) {
		if (is_word(s.p[i]))
			return i;
	}
	return SIZE_MAX;
}

static bool identified(struct kdoc_comment *r, size_t at)
{
	r->k.kind = KDOC_FUNCTION;
	if (!data_name(r) && !any_function_name(r)) {
		docs_report(r->sink, DOCS_KDOC_SHAPE, r->no, at, FL_MIN(r->line.n - at, (size_t)200),
			    "This comment starts with '/**', but isn't a kernel-doc comment. Refer to "
			    "Documentation/doc-guide/kernel-doc.rst");
		return false;
	}
	if (!r->k.name.n && r->k.kind != KDOC_ENUM) {
		docs_report(r->sink, DOCS_KDOC_SHAPE, r->no, at, r->line.n - at,
			    "wrong kernel-doc identifier on line: %.*s", FL_STR_ARG(r->line));
		return false;
	}
	r->k.line = r->no;
	r->k.col = at;
	r->maybe = memchr(r->line.p, '-', r->line.n) || memchr(r->line.p, ':', r->line.n);
	return true;
}

static bool find_name(struct kdoc_comment *r)
{
	for (bool more = true; more; more = kdoc_next_line(r)) {
		size_t doc = 0, at = first_word(r->line), i;

		while ((i = next_star(r->line, &doc)) < r->line.n) {
			if (!fl_str_starts(fl_str_from(r->line, i), "DOC:"))
				continue;
			r->k.kind = KDOC_DOC;
			r->k.name = fl_str_trim(fl_str_from(r->line, i + 4));
			r->k.line = r->no;
			r->k.col = i;
			return true;
		}
		if (at != SIZE_MAX)
			return identified(r, at);
		docs_report(r->sink, DOCS_KDOC_SHAPE, r->no, 0, 0, "Cannot find identifier on line: %.*s",
			    (int)FL_MIN(r->line.n, (size_t)300), r->line.p);
	}
	return false;
}

bool kdoc_name(struct kdoc_comment *r)
{
	return r->dialect == KDOC_7_3 ? find_name(r) : name_line(r);
}
