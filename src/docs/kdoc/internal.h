/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the comment reader share. */
#ifndef DOCS_KDOC_INTERNAL_H
#define DOCS_KDOC_INTERNAL_H

#include "docs/kdoc/kdoc.h"

#include "base/map.h"

/* One comment and its declaration, read line by line. */
struct kdoc_comment {
	struct docs_sink *sink;
	struct fl_arena *arena;
	enum kdoc_dialect dialect;
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
	struct fl_map sections; /* that had text in this comment */
	struct fl_map *docs; /* titles of DOC texts in the file */
	const struct kdoc_reader *to;
	void *ctx;
};

/* The next line of the comment, its tabs expanded; false at the end of the file. */
bool kdoc_next_line(struct kdoc_comment *r);

/*
 * The line that names the thing, which may be that at hand or (of 7.3) a later one. False: this is no
 * kernel-doc comment, and was reported. name.c
 */
bool kdoc_name(struct kdoc_comment *r);

static inline bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static inline size_t skip_blanks(struct fl_str s, size_t i)
{
	while (i < s.n && is_blank(s.p[i]))
		i++;
	return i;
}

static inline size_t skip_word(struct fl_str s, size_t i)
{
	while (i < s.n && is_word(s.p[i]))
		i++;
	return i;
}

/* Behind the comment's "*" and the blanks around it; s.n where there is none. */
static inline size_t behind_star(struct fl_str s)
{
	size_t i = skip_blanks(s, 0);

	return i < s.n && s.p[i] == '*' ? skip_blanks(s, i + 1) : s.n;
}

static inline struct fl_str trim_end(struct fl_str s)
{
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

#endif
