/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A shell line as words and operators: quotes, backslashes, comments, $NAME and ${NAME}. What a
 * POSIX shell splits a line into, as far as lines that set up kernel files use it; no globs, no
 * command substitution.
 */
#ifndef SCRIPT_WORDS_H
#define SCRIPT_WORDS_H

#include "base/arena.h"
#include "base/str.h"
#include "foreland/diag.h"

enum fl_shell_word_type {
	FL_SHELL_TEXT,
	FL_SHELL_ASSIGN,	   /* NAME=value, unquoted up to the "=" */
	FL_SHELL_GREAT,	   /* > */
	FL_SHELL_APPEND,	   /* >> */
	FL_SHELL_LESS,	   /* < */
	FL_SHELL_SEMICOLON, /* ; or the end of the line */
	FL_SHELL_AND,	   /* && */
	FL_SHELL_OR,	   /* || */
	_FL_SHELL_MAX,
};

struct fl_shell_word {
	enum fl_shell_word_type type;
	struct fl_str text; /* quotes and variables resolved */
	struct fl_span span; /* in the line */
};

struct fl_shell_words {
	struct fl_shell_word *v;
	size_t n;
};

/* The value of a variable, FL_STR("") where it is not set. */
typedef struct fl_str (*fl_variable_fn)(void *ctx, struct fl_str name);

/*
 * Splits one logical line. Everything returned lives in @arena. The list always ends with a
 * FL_SHELL_SEMICOLON. -EINVAL with @diag for what is not closed or not supported; -ENOMEM.
 */
int fl_shell_split(struct fl_str line, fl_variable_fn variable, void *ctx, struct fl_arena *arena,
		   struct fl_shell_words *ret, struct fl_diag *diag);

#endif
