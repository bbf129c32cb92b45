/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docs/conf/python.h"

struct python python_begin(struct fl_str text)
{
	return (struct python){ .text = text, .line = 1, .fresh = true };
}

static bool word_char(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static char char_at(const struct python *p, size_t at)
{
	return at < p->text.n ? p->text.p[at] : '\0';
}

/* A string whose first quote is at @open; *computed where an "f" stands before it. */
static struct python_token string(struct python *p, size_t open)
{
	char quote = char_at(p, open);
	bool triple = char_at(p, open + 1) == quote && char_at(p, open + 2) == quote;
	size_t width = triple ? 3 : 1, from = open + width, end = from;
	struct python_token t = { .kind = PYTHON_STRING, .line = p->line };

	for (; end < p->text.n; end++) {
		char c = p->text.p[end];

		if (c == '\\')
			end++;
		else if (c == quote && (!triple || (char_at(p, end + 1) == quote && char_at(p, end + 2) == quote)))
			break;
		if (c == '\n' || (c == '\\' && char_at(p, end) == '\n'))
			p->line++;
		if (c == '\n' && !triple)
			break; /* it has no end */
	}
	t.s = fl_str_sub(p->text, from, end - from);
	p->at = end + width < p->text.n ? end + width : p->text.n;
	return t;
}

static struct python_token word(struct python *p)
{
	size_t from = p->at;
	struct python_token t = { .kind = PYTHON_NAME, .line = p->line };

	while (p->at < p->text.n && word_char(p->text.p[p->at]))
		p->at++;
	t.s = fl_str_sub(p->text, from, p->at - from);
	if (t.s.n <= 2 && (char_at(p, p->at) == '"' || char_at(p, p->at) == '\'')) { /* a prefix: r"..." */
		bool computed = memchr(t.s.p, 'f', t.s.n) || memchr(t.s.p, 'F', t.s.n);

		t = string(p, p->at);
		t.computed = computed;
	}
	return t;
}

/* Blanks, comments and continued lines; *indent counts the columns in front of the first token. */
static void skip(struct python *p, uint32_t *indent)
{
	*indent = 0;
	for (; p->at < p->text.n; p->at++) {
		char c = p->text.p[p->at];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
			*indent += c == '\t' ? 8 : 1;
		} else if (c == '\\' && char_at(p, p->at + 1) == '\n') {
			p->at++;
			p->line++;
		} else if (c == '#') {
			while (p->at + 1 < p->text.n && p->text.p[p->at + 1] != '\n')
				p->at++;
		} else if (c == '\n' && (p->depth || p->fresh)) {
			p->line++;
			*indent = 0;
		} else {
			return;
		}
	}
}

struct python_token python_next(struct python *p)
{
	struct python_token t = { .kind = PYTHON_MARK };
	uint32_t indent;
	bool first;
	char c;

	skip(p, &indent);
	c = char_at(p, p->at);
	first = p->fresh;
	if (p->at >= p->text.n)
		return (struct python_token){ .kind = PYTHON_END, .line = p->line };
	p->fresh = c == '\n';
	if (c == '\n') {
		t = (struct python_token){ .kind = PYTHON_LINE, .line = p->line++ };
		p->at++;
	} else if (c == '"' || c == '\'') {
		t = string(p, p->at);
	} else if (word_char(c)) {
		t = word(p);
	} else {
		t.s = fl_str_sub(p->text, p->at++, 1);
		t.line = p->line;
		if (strchr("([{", c))
			p->depth++;
		else if (strchr(")]}", c) && p->depth)
			p->depth--;
	}
	t.indent = first ? indent : UINT32_MAX;
	return t;
}
