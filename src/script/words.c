/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "script/words.h"

#include <ctype.h>
#include <errno.h>

#include "base/buf.h"
#include "script/errors.h"

struct splitter {
	struct fl_str line;
	size_t at;
	fl_variable_fn variable;
	void *ctx;
	struct fl_arena *arena;
	struct fl_shell_words *words;
	size_t cap;
	struct fl_diag *diag;
	struct fl_buf text; /* of the word that is being read */
};

static const struct {
	const char *text;
	enum fl_shell_word_type type;
} operators[] = { /* longest first */
	{ "&&", FL_SHELL_AND }, { "||", FL_SHELL_OR },   { ">>", FL_SHELL_APPEND },
	{ ">", FL_SHELL_GREAT }, { "<", FL_SHELL_LESS }, { ";", FL_SHELL_SEMICOLON },
};

static int fail(struct splitter *s, enum fl_script_error code, size_t start, size_t end)
{
	return fl_diag_set(s->diag, &fl_script_errors[code], (struct fl_span){ start, end });
}

static int push(struct splitter *s, enum fl_shell_word_type type, struct fl_str text, size_t start)
{
	if (s->words->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct fl_shell_word *v = fl_arena_array(s->arena, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		if (s->words->n)
			memcpy(v, s->words->v, s->words->n * sizeof(*v));
		s->words->v = v;
		s->cap = cap;
	}
	s->words->v[s->words->n++] = (struct fl_shell_word){ type, text, { start, s->at } };
	return 0;
}

/* strchr(3) would find a NUL byte in every set. */
static bool is_in(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool is_name(char c, bool first)
{
	return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

static struct fl_str take_name(struct splitter *s)
{
	size_t start = s->at;

	while (s->at < s->line.n && is_name(s->line.p[s->at], s->at == start))
		s->at++;
	return fl_str_sub(s->line, start, s->at - start);
}

/* variable: '$' NAME | '${' NAME '}'; a "$" before anything else is itself. */
static int take_variable(struct splitter *s)
{
	size_t start = s->at++;
	bool brace = s->at < s->line.n && s->line.p[s->at] == '{';
	struct fl_str name;

	if (s->at < s->line.n && s->line.p[s->at] == '(')
		return fail(s, FL_SCRIPT_UNSUPPORTED, start, s->at + 1);
	s->at += brace;
	name = take_name(s);
	if (brace && (s->at >= s->line.n || s->line.p[s->at] != '}'))
		return fail(s, FL_SCRIPT_NO_CLOSING_BRACE, start, s->at);
	s->at += brace;
	if (name.n)
		fl_buf_add_str(&s->text, s->variable(s->ctx, name));
	else
		fl_buf_add_str(&s->text, fl_str_sub(s->line, start, s->at - start));
	return 0;
}

/* "'" any "'" | '"' ( any | '\' ["$\`] | variable ) '"' */
static int take_quoted(struct splitter *s)
{
	size_t start = s->at;
	char quote = s->line.p[s->at++];

	while (s->at < s->line.n) {
		char c = s->line.p[s->at];
		int r;

		if (c == quote) {
			s->at++;
			return 0;
		}
		if (quote == '"' && c == '$') {
			r = take_variable(s);
			if (r < 0)
				return r;
			continue;
		}
		if (quote == '"' && c == '`')
			return fail(s, FL_SCRIPT_UNSUPPORTED, s->at, s->at + 1);
		if (quote == '"' && c == '\\' && s->at + 1 < s->line.n &&
		    is_in(s->line.p[s->at + 1], "\"\\$`"))
			c = s->line.p[++s->at];
		fl_buf_addc(&s->text, c);
		s->at++;
	}
	return fail(s, FL_SCRIPT_NO_CLOSING_QUOTE, start, start + 1);
}

static bool ends_word(char c)
{
	return is_in(c, " \t\r\n;<>&|");
}

static int take_word(struct splitter *s)
{
	size_t start = s->at;
	struct fl_str name = take_name(s);
	bool assign = name.n && s->at < s->line.n && s->line.p[s->at] == '=';
	char *copy;
	int r = 0;

	s->at = start;
	fl_buf_reset(&s->text);
	while (r == 0 && s->at < s->line.n && !ends_word(s->line.p[s->at])) {
		char c = s->line.p[s->at];

		if (c == '\'' || c == '"') {
			r = take_quoted(s);
		} else if (c == '$') {
			r = take_variable(s);
		} else if (c == '`' || c == '(' || c == ')') {
			r = fail(s, FL_SCRIPT_UNSUPPORTED, s->at, s->at + 1);
		} else {
			if (c == '\\' && s->at + 1 < s->line.n)
				c = s->line.p[++s->at];
			fl_buf_addc(&s->text, c);
			s->at++;
		}
	}
	if (r < 0)
		return r;
	copy = s->text.error ? NULL : fl_arena_dup(s->arena, fl_buf_str(&s->text));
	if (!copy)
		return -ENOMEM;
	return push(s, assign ? FL_SHELL_ASSIGN : FL_SHELL_TEXT, fl_str_n(copy, s->text.len), start);
}

static int take_operator(struct splitter *s)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(operators); i++) {
		struct fl_str op = fl_str(operators[i].text);
		size_t start = s->at;

		if (!fl_str_eq(fl_str_sub(s->line, s->at, op.n), op))
			continue;
		s->at += op.n;
		return push(s, operators[i].type, op, start);
	}
	return fail(s, FL_SCRIPT_UNSUPPORTED, s->at, s->at + 1); /* a lone & or | */
}

static int split(struct splitter *s)
{
	int r = 0;

	while (r == 0) {
		char c;

		while (s->at < s->line.n && is_in(s->line.p[s->at], " \t\r\n"))
			s->at++;
		if (s->at >= s->line.n || s->line.p[s->at] == '#')
			break;
		c = s->line.p[s->at];
		r = ends_word(c) ? take_operator(s) : take_word(s);
	}
	return r < 0 ? r : push(s, FL_SHELL_SEMICOLON, FL_STR(""), s->at);
}

int fl_shell_split(struct fl_str line, fl_variable_fn variable, void *ctx, struct fl_arena *arena,
		   struct fl_shell_words *ret, struct fl_diag *diag)
{
	struct splitter s = { .line = line, .variable = variable, .ctx = ctx, .arena = arena,
			      .words = ret, .diag = diag };
	int r;

	*ret = (struct fl_shell_words){};
	r = split(&s);
	fl_buf_fini(&s.text);
	return r;
}
