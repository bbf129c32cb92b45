/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Python's text as tokens: enough of it to find literal lists, dictionaries, calls and classes. */
#ifndef DOCS_CONF_PYTHON_H
#define DOCS_CONF_PYTHON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum python_kind {
	PYTHON_END,
	PYTHON_NAME,   /* with digits and keywords: every run of word characters */
	PYTHON_STRING, /* @s without its quotes; not of three quotes, which are documentation */
	PYTHON_MARK,   /* one character that is neither */
	PYTHON_LINE,   /* the end of a logical line */
};

struct python_token {
	enum python_kind kind;
	struct fl_str s;
	uint32_t line;
	uint32_t indent; /* of the line that it begins, else UINT32_MAX */
	bool computed;	 /* a string with values in it, f"..." */
};

struct python {
	struct fl_str text;
	size_t at;
	uint32_t line;
	unsigned int depth; /* of brackets: within them lines do not end */
	bool fresh;	    /* nothing was met in this line */
};

/* Begins to read @text. */
struct python python_begin(struct fl_str text);

/* The next token; kind PYTHON_END for ever at the end. */
struct python_token python_next(struct python *p);

#endif
