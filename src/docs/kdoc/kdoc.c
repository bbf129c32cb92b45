/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comment reader. It goes line by line, as the kernel's script does, because the format is
 * defined by lines: the first names the thing, "@name:" and a few words with a colon begin
 * sections, a blank line ends some of them. Comments within a declaration describe its members.
 */
#include "docs/kdoc/kdoc.h"

#include <errno.h>
#include <strings.h>

#include "base/buf.h"
#include "base/map.h"

struct reader {
	struct docs_sink *sink;
	struct fl_arena *arena;
	struct fl_str text;
	size_t pos;    /* of the next line */
	uint32_t no;   /* of the line at hand */
	struct fl_str line;
	struct kdoc k;
	struct kdoc_section *open; /* what lines are added to */
	bool maybe, blank;	   /* the purpose may go on; a blank line was in the section */
	uint32_t lead;		   /* leading blanks of the section's second line; UINT32_MAX: not seen */
	struct kdoc_tokens tokens;
	int braces;
	struct fl_map *docs; /* titles of DOC texts in the file */
	const struct kdoc_reader *to;
	void *ctx;
};

static bool next_line(struct reader *r)
{
	size_t end;

	if (r->pos >= r->text.n)
		return false;
	end = fl_str_find(r->text, '\n', r->pos);
	r->line = fl_str_sub(r->text, r->pos, end - r->pos);
	if (r->line.n && r->line.p[r->line.n - 1] == '\r')
		r->line.n--;
	r->pos = end + 1;
	r->no++;
	return true;
}

/*
 * A line of a comment, its tabs expanded: the script does that before it looks for the "*", so a
 * tab behind it is some blanks of which the first goes with it. Bytes are then screen columns.
 */
static bool next_comment_line(struct reader *r)
{
	size_t n = 0;
	char *out;

	if (!next_line(r))
		return false;
	if (!memchr(r->line.p, '\t', r->line.n))
		return true;
	out = fl_arena_alloc(r->arena, r->line.n * 8 + 1);
	for (size_t i = 0; out && i < r->line.n; i++) {
		do
			out[n++] = r->line.p[i] == '\t' ? ' ' : r->line.p[i];
		while (r->line.p[i] == '\t' && n % 8);
	}
	if (out)
		r->line = fl_str_n(out, n);
	return true;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static size_t skip_blanks(struct fl_str s, size_t i)
{
	while (i < s.n && is_blank(s.p[i]))
		i++;
	return i;
}

static size_t skip_word(struct fl_str s, size_t i)
{
	while (i < s.n && is_word(s.p[i]))
		i++;
	return i;
}

/* Behind the comment's "*" and the blanks around it; s.n where there is none. */
static size_t behind_star(struct fl_str s)
{
	size_t i = skip_blanks(s, 0);

	return i < s.n && s.p[i] == '*' ? skip_blanks(s, i + 1) : s.n;
}

/* -- sections -- */

static struct kdoc_section *begin(struct reader *r, bool param, struct fl_str name, size_t col)
{
	if (r->k.n == r->k.cap) {
		uint32_t cap = r->k.cap ? r->k.cap * 2 : 16;
		struct kdoc_section *v = fl_arena_array(r->arena, cap, sizeof(*v));

		if (!v) {
			r->sink->error = -ENOMEM;
			return NULL;
		}
		if (r->k.n)
			memcpy(v, r->k.v, r->k.n * sizeof(*v));
		r->k.v = v;
		r->k.cap = cap;
	}
	r->open = &r->k.v[r->k.n++];
	*r->open = (struct kdoc_section){ .param = param, .name = name, .line = r->no, .col = col };
	r->lead = UINT32_MAX;
	r->blank = false;
	return r->open;
}

/* Behind "name", "name.a" or "name->a" and so on from @i; at most @most joints. */
static size_t joined_name(struct fl_str s, size_t i, unsigned int most)
{
	size_t k = skip_word(s, i);

	while (most-- && k + 1 < s.n) {
		size_t joint = s.p[k] == '.' ? 1 : s.p[k] == '-' && s.p[k + 1] == '>' ? 2 : 0;
		size_t end = joint ? skip_word(s, k + joint) : k;

		if (!joint || end == k + joint)
			break;
		k = end;
	}
	return k;
}

static bool has_parens(struct fl_str s, size_t i)
{
	return i + 1 < s.n && s.p[i] == '(' && s.p[i + 1] == ')';
}

/* "%NAME" at @i: a literal. Returns the end, @i where it is none. */
static size_t constant(struct fl_buf *b, struct fl_str s, size_t i)
{
	size_t k = i + 1;

	while (k < s.n && (is_word(s.p[k]) || s.p[k] == '*' || s.p[k] == '-'))
		k++;
	if (k == i + 1)
		return i;
	fl_buf_addf(b, "``%.*s``", (int)(k - i - 1), s.p + i + 1);
	return k;
}

/* "&name", "&name->member", "&struct name" at @i: a reference, in which one joint counts. */
static size_t type_name_at(struct fl_buf *b, struct fl_str s, size_t i)
{
	static const char *const kinds[] = { "enum", "struct", "typedef", "union" };
	size_t word = skip_word(s, i + 1), k, end;

	if (word == i + 1)
		return i;
	for (size_t n = 0; n < FL_ARRAY_SIZE(kinds); n++) {
		k = i + 1 + strlen(kinds[n]);
		if (k > word || memcmp(s.p + i + 1, kinds[n], strlen(kinds[n])))
			continue;
		end = skip_word(s, k == word ? skip_blanks(s, k) : k);
		if (end > k && end > skip_blanks(s, k)) {
			fl_buf_addf(b, ":c:type:`%.*s`", (int)(end - i - 1), s.p + i + 1);
			return end;
		}
	}
	end = joined_name(s, i + 1, 1);
	if (end > word && has_parens(s, end)) {
		fl_buf_addf(b, ":c:type:`%.*s\\(\\)`", (int)(end - i - 1), s.p + i + 1);
		return end + 2;
	}
	fl_buf_addf(b, ":c:type:`%.*s`", (int)(end - i - 1), s.p + i + 1);
	return end;
}

/* "@name", "@name->a.b", "@name()" at @i, with the mark before it in @mark; a bare "@" becomes stars, too. */
static size_t parameter(struct fl_buf *b, struct fl_str s, size_t i, const char *mark)
{
	size_t word = skip_word(s, i + 1), end = joined_name(s, i + 1, UINT32_MAX);

	if (word > i + 1 && has_parens(s, word))
		end = word;
	fl_buf_addf(b, "**%s%.*s", mark, (int)(end - i - 1), s.p + i + 1);
	if (end > i + 1 && has_parens(s, end)) {
		fl_buf_addz(b, "\\(\\)");
		end += 2;
	} else if (end + 2 < s.n && !memcmp(s.p + end, "...", 3)) {
		fl_buf_addz(b, "...");
		end += 3;
	}
	fl_buf_addz(b, "**");
	return end;
}

/*
 * The script turns "@name" into bold text, "%NAME" into a literal and "&name" into a reference
 * before anybody reads the markup; so do we, or their stars and backquotes would not be met.
 */
static struct fl_str highlight(struct reader *r, struct fl_str s)
{
	_cleanup_buf_ struct fl_buf b = {};
	char *out, mark[2] = "";

	if (!memchr(s.p, '@', s.n) && !memchr(s.p, '%', s.n) && !memchr(s.p, '&', s.n))
		return s;
	for (size_t i = 0, end; i < s.n; i = end) {
		bool marked = strchr("!~*", s.p[i]) && s.p[i] && i + 1 < s.n && s.p[i + 1] == '@';

		mark[0] = marked ? s.p[i] : '\0'; /* what stands before "@" is bold, too */
		end = i;
		if (s.p[i] == '%')
			end = constant(&b, s, i);
		else if (s.p[i] == '&')
			end = type_name_at(&b, s, i);
		else if (marked || s.p[i] == '@')
			end = parameter(&b, s, i + marked, mark);
		if (end == i)
			fl_buf_addc(&b, s.p[end++]);
	}
	out = fl_arena_dup(r->arena, fl_buf_str(&b));
	return out ? fl_str_n(out, b.len) : s;
}

static void add_line(struct reader *r, size_t at)
{
	struct kdoc_section *s = r->open;
	struct fl_str text = highlight(r, fl_str_from(r->line, at));

	if (!s)
		return;
	if (s->n == s->cap) {
		uint32_t cap = s->cap ? s->cap * 2 : 8;
		struct rst_line *v = fl_arena_array(r->arena, cap, sizeof(*v));

		if (!v) {
			r->sink->error = -ENOMEM;
			return;
		}
		if (s->n)
			memcpy(v, s->v, s->n * sizeof(*v));
		s->v = v;
		s->cap = cap;
	}
	while (text.n && is_blank(text.p[text.n - 1]))
		text.n--;
	s->v[s->n++] = (struct rst_line){ text.p, text.n, r->no, at };
}

static bool has_text(const struct kdoc_section *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->v[i].n)
			return true;
	}
	return false;
}

static void check_section_twice(struct reader *r, const struct kdoc_section *s)
{
	for (uint32_t i = 0; i + 1 < r->k.n; i++) {
		const struct kdoc_section *o = &r->k.v[i];

		if (!o->param && o != s && fl_str_eq(o->name, s->name) && has_text(o)) {
			docs_finding_columns(docs_report(r->sink, DOCS_KDOC_SECTION, s->line, s->col, s->name.n,
				    "duplicate section name '%.*s'", FL_STR_ARG(s->name)));
			return;
		}
	}
}

static void end_section(struct reader *r)
{
	if (r->open && !r->open->param && has_text(r->open) && !fl_str_is(r->open->name, "Description"))
		check_section_twice(r, r->open);
}

static void describe(struct reader *r)
{
	end_section(r);
	begin(r, false, FL_STR("Description"), 0);
}

/* "@name:", "@...:", "Return:" and the like at @i: begins that section. */
static bool section_line(struct reader *r, size_t i)
{
	static const char *const names[] = { "description", "context", "returns", "return", "notes", "note",
					     "examples", "example" };
	struct fl_str s = r->line, name;
	size_t end = i;
	bool param = i < s.n && s.p[i] == '@';

	if (param) {
		for (end = i + 1; end < s.n && (is_word(s.p[end]) || s.p[end] == '.'); end++)
			;
		if (end == i + 1)
			return false;
	} else {
		size_t k = 0, len = skip_word(s, i) - i;

		while (k < FL_ARRAY_SIZE(names) &&
		       (strlen(names[k]) != len || strncasecmp(names[k], s.p + i, len)))
			k++;
		if (k == FL_ARRAY_SIZE(names))
			return false;
		end = i + len;
	}
	name = fl_str_sub(s, i + param, end - i - param);
	end = skip_blanks(s, end);
	if (end >= s.n || s.p[end] != ':' || (end + 1 < s.n && s.p[end + 1] == ':'))
		return false;
	if (!param && (name.p[0] | 32) == 'r')
		name = FL_STR("Return");
	else if (!param && (name.p[0] | 32) == 'c')
		name = FL_STR("Context");
	else if (!param && (name.p[0] | 32) == 'd')
		name = FL_STR("Description");
	else if (param && fl_str_is(name, "return")) {
		param = false;
		name = FL_STR("Return");
	}
	end_section(r);
	if (begin(r, param, name, i) && skip_blanks(s, end + 1) < s.n)
		add_line(r, skip_blanks(s, end + 1));
	return true;
}

/* A line of text: what is behind "*" and one blank. */
static void text_line(struct reader *r, size_t star)
{
	size_t at = star + 1 + (star + 1 < r->line.n && r->line.p[star + 1] == ' ');
	size_t first = skip_blanks(r->line, at);
	bool trimmed = r->open->param || fl_str_is(r->open->name, "Context");

	if (first >= r->line.n) {
		r->maybe = false;
		if (fl_str_is(r->open->name, "Context")) {
			describe(r);
			return;
		}
		r->blank = !fl_str_is(r->open->name, "Description");
		add_line(r, r->line.n);
		return;
	}
	if (r->blank && first <= star + 2) {
		describe(r);
		trimmed = false;
	}
	if (r->maybe)
		return; /* the purpose, continued */
	if (trimmed && r->lead == UINT32_MAX)
		r->lead = first - at;
	if (trimmed)
		at += r->lead <= first - at ? r->lead : 0; /* less is left as it is */
	add_line(r, at);
}

/* -- the first line -- */

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

static struct fl_str trim_end(struct fl_str s)
{
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
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

static bool type_name(struct reader *r, struct fl_str s)
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
static bool function_name(struct reader *r, struct fl_str s)
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

static void not_kdoc(struct reader *r, size_t at)
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
static bool name_line(struct reader *r)
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

/* -- the comment's body; false where the file ends in it -- */

static bool doc_body(struct reader *r)
{
	begin(r, false, r->k.name, 0);
	while (next_comment_line(r)) {
		size_t star = skip_blanks(r->line, 0);

		if (memmem(r->line.p, r->line.n, "*/", 2))
			return true;
		if (star < r->line.n && r->line.p[star] == '*')
			add_line(r, star + 1 + (star + 1 < r->line.n && r->line.p[star + 1] == ' '));
	}
	return false;
}

static bool body(struct reader *r)
{
	begin(r, false, FL_STR("Description"), 0);
	while (next_comment_line(r)) {
		size_t star = skip_blanks(r->line, 0);
		bool has_star;

		while (star < r->line.n && (r->line.p[star] & 0x80)) /* the script takes any bytes before it */
			star++;
		has_star = star < r->line.n && r->line.p[star] == '*';
		if (has_star && section_line(r, skip_blanks(r->line, star + 1))) {
			r->maybe = false;
			continue;
		}
		if (memmem(r->line.p, r->line.n, "*/", 2)) {
			end_section(r);
			return true;
		}
		if (has_star)
			text_line(r, star);
		else if (!memchr(r->line.p, '*', r->line.n))
			docs_report(r->sink, DOCS_KDOC_SHAPE, r->no, 0, 0, "bad line: %.*s",
				    (int)FL_MIN(r->line.n, (size_t)300), r->line.p);
	}
	return false;
}

/* -- the declaration -- */

int kdoc_token_add(struct fl_arena *a, struct kdoc_tokens *t, struct fl_str s, uint32_t line, bool word)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 128;
		struct kdoc_token *v = fl_arena_array(a, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		if (t->n)
			memcpy(v, t->v, t->n * sizeof(*v));
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n++] = (struct kdoc_token){ s, line, word };
	return 0;
}

static void token(struct reader *r, struct fl_str s, bool word)
{
	if (!r->to && kdoc_token_add(r->arena, &r->tokens, s, r->no, word) < 0)
		r->sink->error = -ENOMEM;
}

/* A comment "/" "**" within the declaration, with its member's text. */
static void inline_comment(struct reader *r)
{
	bool named = false, wrong = false;

	r->open = NULL;
	while (next_comment_line(r)) {
		size_t star = skip_blanks(r->line, 0), at, end;

		if (memmem(r->line.p, r->line.n, "*/", 2))
			return;
		if (star >= r->line.n || r->line.p[star] != '*' || wrong)
			continue;
		at = skip_blanks(r->line, star + 1);
		if (named) {
			add_line(r, star + 1 + (star + 1 < r->line.n && r->line.p[star + 1] == ' '));
			continue;
		}
		end = at + 1;
		while (at < r->line.n && r->line.p[at] == '@' && end < r->line.n &&
		       (is_word(r->line.p[end]) || r->line.p[end] == '.'))
			end++;
		if (end > at + 1 && skip_blanks(r->line, end) < r->line.n &&
		    r->line.p[skip_blanks(r->line, end)] == ':') {
			named = true;
			begin(r, true, fl_str_sub(r->line, at + 1, end - at - 1), at);
			add_line(r, skip_blanks(r->line, skip_blanks(r->line, end) + 1));
		} else {
			wrong = true;
			docs_report(r->sink, DOCS_KDOC_SHAPE, r->no, star, 0, "Incorrect use of kernel-doc format: %.*s",
				    (int)FL_MIN(r->line.n, (size_t)300), r->line.p);
		}
	}
}

/* "/" "** @name: text *" "/" on one line. */
static bool oneline_comment(struct reader *r, size_t i)
{
	size_t at = skip_blanks(r->line, i + 3), end = at, close;
	struct fl_str rest = trim_end(r->line);

	if (at >= rest.n || rest.p[at] != '@' || rest.n < at + 4 || !fl_str_ends(rest, "*/"))
		return false;
	while (end + 1 < rest.n && (is_word(rest.p[end + 1]) || is_blank(rest.p[end + 1])))
		end++;
	if (end + 1 >= rest.n || rest.p[end + 1] != ':')
		return false;
	if (!begin(r, true, trim_end(fl_str_sub(rest, at + 1, end - at)), at))
		return true;
	close = r->line.n;
	r->line.n = rest.n - 2;
	add_line(r, skip_blanks(r->line, end + 2));
	r->line.n = close;
	return true;
}

/* Skips a plain comment from @i on; the place behind it, on this line or a later one. */
static size_t skip_comment(struct reader *r, size_t i)
{
	struct fl_str from = fl_str_from(r->line, i + 2);
	struct fl_str text = fl_str_from(from, skip_blanks(from, 0));
	const char *end = memmem(from.p, from.n, "*/", 2);

	for (size_t k = 0; k < 2; k++) {
		static const char *const marks[] = { "private:", "public:" };

		if (text.n >= strlen(marks[k]) && !strncasecmp(text.p, marks[k], strlen(marks[k])))
			token(r, fl_str(marks[k]), false);
	}
	while (!end) {
		if (!next_line(r))
			return SIZE_MAX;
		end = memmem(r->line.p, r->line.n, "*/", 2);
	}
	return (size_t)(end - r->line.p) + 2;
}

static size_t skip_string(struct fl_str s, size_t i)
{
	char quote = s.p[i];

	for (i++; i < s.n && s.p[i] != quote; i++)
		i += s.p[i] == '\\';
	return i + 1;
}

/* Tokens of one line from @i on. True when the declaration is complete. */
static bool line_tokens(struct reader *r, size_t i)
{
	bool function = r->k.kind == KDOC_FUNCTION, done = false;

	while (i < r->line.n) {
		char c = r->line.p[i];
		size_t end = i + 1;

		if (is_blank(c) || c == '\\') {
			i++;
			continue;
		}
		if (c == '/' && end < r->line.n && r->line.p[end] == '/')
			break;
		if (c == '/' && end < r->line.n && r->line.p[end] == '*') {
			i = skip_comment(r, i);
			continue;
		}
		if (c == '"' || c == '\'')
			end = skip_string(r->line, i);
		else if (is_word(c))
			end = skip_word(r->line, i);
		else if (c == '.' && i + 2 < r->line.n && !memcmp(r->line.p + i, "...", 3))
			end = i + 3;
		if (function && c == '{')
			return true;
		token(r, fl_str_sub(r->line, i, end - i), is_word(c));
		r->braces += c == '{' ? 1 : c == '}' ? -1 : 0;
		if (function && (c == ';' || c == '}'))
			done |= c == ';';
		else if (c == ';' && r->braces <= 0)
			return true;
		i = end;
	}
	return done;
}

/* "#define": its lines are one, up to the one without a backslash. */
static void define_lines(struct reader *r, size_t i)
{
	r->tokens.define = true;
	for (;;) {
		struct fl_str s = trim_end(r->line);
		bool more = s.n && s.p[s.n - 1] == '\\';

		line_tokens(r, i);
		if (!more || !next_line(r))
			return;
		i = 0;
	}
}

static void skip_directive(struct reader *r)
{
	for (;;) {
		struct fl_str s = trim_end(r->line);

		if (!s.n || s.p[s.n - 1] != '\\' || !next_line(r))
			return;
	}
}

/* Reads up to the end of what is declared. False at the end of the file. */
static bool declaration(struct reader *r)
{
	while (next_line(r)) {
		size_t i = skip_blanks(r->line, 0);
		struct fl_str s = fl_str_from(r->line, i);

		if (fl_str_starts(s, "/**") && oneline_comment(r, i))
			continue;
		if (fl_str_starts(s, "/**") && trim_end(s).n == 3) {
			inline_comment(r);
			continue;
		}
		if (s.n && s.p[0] == '#') {
			size_t word = skip_blanks(s, 1);

			if (r->k.kind == KDOC_FUNCTION && fl_str_starts(fl_str_from(s, word), "define")) {
				define_lines(r, i + word + 6);
				return true;
			}
			skip_directive(r);
			continue;
		}
		if (line_tokens(r, i))
			return true;
	}
	return false;
}

static void check_doc_twice(struct reader *r)
{
	bool fresh = true;
	struct fl_map_entry *e = r->k.name.n ? fl_map_put(r->docs, r->k.name, &fresh) : NULL;

	if (e && fresh)
		e->num = r->no;
	else if (e)
		docs_finding_columns(docs_report(r->sink, DOCS_KDOC_DOC_DUPLICATE, r->no, r->k.col, r->k.name.n + 5,
						 "duplicate DOC section '%.*s', the other is in line %llu",
						 FL_STR_ARG(r->k.name), (unsigned long long)e->num));
}

static void judge_one(struct reader *r)
{
	if (r->k.kind == KDOC_DOC) {
		check_doc_twice(r);
		doc_body(r);
	} else if (body(r) && declaration(r)) {
		kdoc_compare(r->sink, r->arena, &r->k, &r->tokens);
	}
}

/* Only within structs, unions and enums are there comments that the text goes on in. */
static bool whole_text(struct reader *r)
{
	if (r->k.kind == KDOC_DOC)
		return doc_body(r);
	return body(r) && (r->k.kind == KDOC_FUNCTION || r->k.kind == KDOC_TYPEDEF || declaration(r));
}

static void read_one(struct reader *r)
{
	if (!next_line(r) || !next_comment_line(r) || !name_line(r))
		return;
	if (!r->to)
		judge_one(r);
	else if (r->to->wants(r->ctx, &r->k) && whole_text(r))
		r->to->read(r->ctx, &r->k);
}

void kdoc_read(struct docs_sink *sink, struct fl_arena *arena, const uint32_t *at, size_t n,
	       const struct kdoc_reader *to, void *ctx)
{
	_cleanup_map_ struct fl_map docs = {};
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		struct reader r = { .sink = sink, .arena = arena, .text = sink->text, .pos = at[i], .docs = &docs,
				    .to = to, .ctx = ctx };
		size_t eol = fl_str_find(sink->text, '\n', at[i]);
		uint32_t col;

		if (at[i] < done || trim_end(fl_str_sub(sink->text, at[i], eol - at[i])).n != 3)
			continue;
		r.no = docs_sink_locate(sink, at[i], &col) - 1;
		read_one(&r);
		done = r.pos;
	}
}
