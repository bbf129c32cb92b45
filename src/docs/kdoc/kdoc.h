/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel-doc: comments that begin with a line "/" "**", and the declarations behind them. The
 * comment reader and the declaration reader are apart; a name is compared with what follows it, and
 * each described thing with each declared thing.
 */
#ifndef DOCS_KDOC_H
#define DOCS_KDOC_H

#include "docs/rst/rst.h"
#include "docs/finding/sink.h"

/* Whose rules and words apply: the script in Perl of 6.12 and before, or 7.3's in Python. */
enum kdoc_dialect {
	KDOC_6_12,
	KDOC_7_3,
};

enum kdoc_kind {
	KDOC_FUNCTION,
	KDOC_STRUCT,
	KDOC_UNION,
	KDOC_ENUM,
	KDOC_TYPEDEF,
	KDOC_VAR, /* a variable; of 7.3 */
	KDOC_DOC, /* a "DOC:" text without declaration */
};

struct kdoc_section {
	bool param;	     /* "@name:"; else a section of text */
	struct fl_str name;  /* without "@"; "Description" where the comment names none */
	uint32_t line, col;  /* of the name */
	struct rst_line *v;  /* the text, marks of the comment cut off */
	uint32_t n, cap;
};

struct kdoc {
	enum kdoc_kind kind;
	struct fl_str name; /* of what is described; a DOC's title */
	uint32_t line, col;
	struct kdoc_section *v;
	uint32_t n, cap;
};

/* Something declared: a parameter, member or value. "a.b" for members of members. */
struct kdoc_decl {
	struct fl_str name;
	uint32_t line;
	const char *at; /* where its last word stands in the text */
	struct kdoc_decl *next;
};

/* Who reads the texts of comments. What @k points to lives until the next call. */
struct kdoc_reader {
	bool (*wants)(void *ctx, const struct kdoc *k); /* kind and name are known */
	void (*read)(void *ctx, const struct kdoc *k);
};

/*
 * Reads all comments that begin at @at[]: their texts for @to, or (NULL) to complain in @sink of
 * their form and of what they do not describe.
 */
void kdoc_read(struct docs_sink *sink, struct fl_arena *arena, enum kdoc_dialect dialect, const uint32_t *at,
	       size_t n, const struct kdoc_reader *to, void *ctx);

/* -- between the two readers -- */

/* The declaration's text as tokens, comments and directives of the preprocessor left out. */
struct kdoc_token {
	struct fl_str s;
	uint32_t line;
	bool word;
	bool cut; /* a line of the preprocessor's stands before it */
};

struct kdoc_tokens {
	struct kdoc_token *v;
	size_t n, cap;
	bool define; /* a macro's definition */
	bool cut; /* the next one is */
};

int kdoc_token_add(struct fl_arena *a, struct kdoc_tokens *t, struct fl_str s, uint32_t line, bool word);

/* Compares the comment with its declaration. */
void kdoc_compare(struct docs_sink *sink, struct fl_arena *arena, enum kdoc_dialect dialect,
		  const struct kdoc *k, const struct kdoc_tokens *t);

#endif
