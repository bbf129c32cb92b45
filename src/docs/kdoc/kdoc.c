/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comment reader. It goes line by line, as the kernel's script does, because the format is
 * defined by lines: the first names the thing, "@name:" and a few words with a colon begin
 * sections, a blank line ends some of them. Comments within a declaration describe its members.
 */
#include "docs/kdoc/internal.h"

#include <errno.h>
#include <strings.h>

#include "base/buf.h"

static bool next_line(struct kdoc_comment *r)
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
bool kdoc_next_line(struct kdoc_comment *r)
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

/* -- sections -- */

static struct kdoc_section *begin(struct kdoc_comment *r, bool param, struct fl_str name, size_t col)
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
static struct fl_str highlight(struct kdoc_comment *r, struct fl_str s)
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

static void add_line(struct kdoc_comment *r, size_t at)
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

static void end_section(struct kdoc_comment *r)
{
	const struct kdoc_section *s = r->open;
	bool fresh = true;

	if (!s || s->param || fl_str_is(s->name, "Description"))
		return;
	if (!fl_map_put(&r->sections, s->name, &fresh))
		r->sink->error = -ENOMEM;
	if (!fresh)
		docs_finding_columns(docs_report(r->sink, DOCS_KDOC_SECTION, s->line, s->col, s->name.n,
						 "duplicate section name '%.*s'", FL_STR_ARG(s->name)));
}

static void describe(struct kdoc_comment *r)
{
	end_section(r);
	begin(r, false, FL_STR("Description"), 0);
}

/* Not a parameter of that name. */
static bool is_return(const struct kdoc_comment *r, struct fl_str name)
{
	if (r->dialect == KDOC_7_3)
		return (name.n == 6 || name.n == 7) && !strncasecmp("returns", name.p, name.n);
	return fl_str_is(name, "return");
}

/* "@name:", "@...:", "Return:" and the like at @i: begins that section. */
static bool section_line(struct kdoc_comment *r, size_t i)
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
	else if (param && is_return(r, name)) {
		param = false;
		name = FL_STR("Return");
	}
	end_section(r);
	if (begin(r, param, name, i) && skip_blanks(s, end + 1) < s.n)
		add_line(r, skip_blanks(s, end + 1));
	return true;
}

/* The scripts look for one behind each star, as in "** @name:". */
static bool any_section_line(struct kdoc_comment *r)
{
	for (size_t i = 0; i < r->line.n; i++) {
		if (r->line.p[i] == '*' && section_line(r, skip_blanks(r->line, i + 1)))
			return true;
	}
	return false;
}

/* A line of text: what is behind "*" and one blank. */
static void text_line(struct kdoc_comment *r, size_t star)
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

/* -- the comment's body; false where the file ends in it -- */

static bool doc_body(struct kdoc_comment *r)
{
	begin(r, false, r->k.name, 0);
	while (kdoc_next_line(r)) {
		size_t star = skip_blanks(r->line, 0);

		if (memmem(r->line.p, r->line.n, "*/", 2))
			return true;
		if (star < r->line.n && r->line.p[star] == '*')
			add_line(r, star + 1 + (star + 1 < r->line.n && r->line.p[star + 1] == ' '));
	}
	return false;
}

/* " * text" and the comment's end right behind it: the text is lost. */
static void suspicious_end(struct kdoc_comment *r, size_t star)
{
	size_t from = skip_blanks(r->line, star + 1), i = from;

	while (i < r->line.n && (is_word(r->line.p[i]) || r->line.p[i] == ':' || r->line.p[i] == '.'))
		i++;
	if (star < r->line.n && r->line.p[star] == '*' && i > from && i + 1 < r->line.n && r->line.p[i] == '*' &&
	    r->line.p[i + 1] == '/')
		docs_report(r->sink, DOCS_KDOC_SHAPE, r->no, from, i - from, "suspicious ending line: %.*s",
			    (int)FL_MIN(r->line.n, (size_t)300), r->line.p);
}

static bool body(struct kdoc_comment *r)
{
	begin(r, false, FL_STR("Description"), 0);
	while (kdoc_next_line(r)) {
		size_t star = skip_blanks(r->line, 0);
		bool has_star;

		while (star < r->line.n && (r->line.p[star] & 0x80)) /* the script takes any bytes before it */
			star++;
		has_star = star < r->line.n && r->line.p[star] == '*';
		if (any_section_line(r)) {
			r->maybe = false;
			continue;
		}
		if (memmem(r->line.p, r->line.n, "*/", 2)) {
			end_section(r);
			suspicious_end(r, star);
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
	t->v[t->n++] = (struct kdoc_token){ s, line, word, t->cut };
	t->cut = false;
	return 0;
}

static void token(struct kdoc_comment *r, struct fl_str s, bool word)
{
	if (!r->to && kdoc_token_add(r->arena, &r->tokens, s, r->no, word) < 0)
		r->sink->error = -ENOMEM;
}

/* A comment "/" "**" within the declaration, with its member's text. */
static void inline_comment(struct kdoc_comment *r)
{
	bool named = false, wrong = false;

	r->open = NULL;
	while (kdoc_next_line(r)) {
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
static bool oneline_comment(struct kdoc_comment *r, size_t i)
{
	size_t at = skip_blanks(r->line, i + 3), end = at, close;
	struct fl_str rest = trim_end(r->line);

	if (at >= rest.n || rest.p[at] != '@' || rest.n < at + 4 || !fl_str_ends(rest, "*/"))
		return false;
	while (end + 1 < rest.n && (is_word(rest.p[end + 1]) || is_blank(rest.p[end + 1]) ||
				    (r->dialect == KDOC_7_3 && rest.p[end + 1] == '.')))
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
static size_t skip_comment(struct kdoc_comment *r, size_t i)
{
	struct fl_str from = fl_str_from(r->line, i + 2);
	struct fl_str text = fl_str_from(from, skip_blanks(from, 0));
	const char *end = memmem(from.p, from.n, "*/", 2);

	for (size_t k = 0; k < 2 && r->k.kind != KDOC_FUNCTION; k++) {
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
static bool line_tokens(struct kdoc_comment *r, size_t i)
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
static void define_lines(struct kdoc_comment *r, size_t i)
{
	r->tokens.define = true;
	if (r->dialect == KDOC_7_3)
		r->tokens.n = 0; /* what stood before it is forgotten */
	for (;;) {
		struct fl_str s = trim_end(r->line);
		bool more = s.n && s.p[s.n - 1] == '\\';

		line_tokens(r, i);
		if (!more || !next_line(r))
			return;
		i = 0;
	}
}

static void skip_directive(struct kdoc_comment *r)
{
	for (;;) {
		struct fl_str s = trim_end(r->line);

		if (!s.n || s.p[s.n - 1] != '\\' || !next_line(r))
			return;
	}
}

/* Reads up to the end of what is declared. False at the end of the file. */
static bool declaration(struct kdoc_comment *r)
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
			if (r->dialect == KDOC_7_3 && r->k.kind != KDOC_FUNCTION && r->braces <= 0) {
				token(r, fl_str_sub(s, 0, 1), false);
				return true; /* to that script, it ends the declaration */
			}
			skip_directive(r);
			r->tokens.cut = true;
			continue;
		}
		if (line_tokens(r, i))
			return true;
	}
	return false;
}

static void check_doc_twice(struct kdoc_comment *r)
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

static void judge_one(struct kdoc_comment *r)
{
	if (r->k.kind == KDOC_DOC) {
		check_doc_twice(r);
		doc_body(r);
	} else if (body(r) && declaration(r)) {
		kdoc_compare(r->sink, r->arena, r->dialect, &r->k, &r->tokens);
	}
}

/* Only within structs, unions and enums are there comments that the text goes on in. */
static bool whole_text(struct kdoc_comment *r)
{
	if (r->k.kind == KDOC_DOC)
		return doc_body(r);
	return body(r) && (r->k.kind == KDOC_FUNCTION || r->k.kind == KDOC_TYPEDEF || declaration(r));
}

static void read_one(struct kdoc_comment *r)
{
	if (!next_line(r) || !kdoc_next_line(r) || !kdoc_name(r))
		return;
	if (!r->to)
		judge_one(r);
	else if (r->to->wants(r->ctx, &r->k) && whole_text(r))
		r->to->read(r->ctx, &r->k);
}

void kdoc_read(struct docs_sink *sink, struct fl_arena *arena, enum kdoc_dialect dialect, const uint32_t *at,
	       size_t n, const struct kdoc_reader *to, void *ctx)
{
	_cleanup_map_ struct fl_map docs = {};
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		struct kdoc_comment r = { .sink = sink, .arena = arena, .dialect = dialect, .text = sink->text,
				    .pos = at[i], .docs = &docs, .to = to, .ctx = ctx };
		size_t eol = fl_str_find(sink->text, '\n', at[i]);
		uint32_t col;

		if (at[i] < done || trim_end(fl_str_sub(sink->text, at[i], eol - at[i])).n != 3)
			continue;
		r.no = docs_sink_locate(sink, at[i], &col) - 1;
		read_one(&r);
		fl_map_fini(&r.sections);
		done = r.pos;
	}
}
