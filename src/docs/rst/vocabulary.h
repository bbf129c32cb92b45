/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directives and roles that may stand in a text: those of docutils and Sphinx, and what the
 * tree's own extensions add to them or change.
 */
#ifndef DOCS_RST_VOCABULARY_H
#define DOCS_RST_VOCABULARY_H

#include "base/map.h"

enum rst_content {
	RST_CONTENT_NONE, /* none allowed */
	RST_CONTENT_RAW,  /* not looked at */
	RST_CONTENT_LINES, /* the same, and an empty one is an error */
	RST_CONTENT_TEXT,  /* lines of inline markup */
	RST_CONTENT_BODY, /* read as a part of the document */
	RST_CONTENT_NEED, /* the same, and an empty one is an error */
	RST_CONTENT_ITEMS, /* one bullet list */
	RST_CONTENT_LIST, /* exactly one bullet list of two levels */
	RST_CONTENT_FLAT, /* the same with rows of any length */
	RST_CONTENT_TABLE, /* exactly one table */
};

#define RST_ANY_ARGS 100

struct rst_directive {
	const char *name;
	unsigned int required, optional;
	bool blanks; /* the last argument may hold some */
	enum rst_content content;
	const char *options;   /* with blanks between; "*": any */
	const char *extension; /* of Sphinx, that has it; "": always there; "kernel": the kernel's own */
};

struct rst_vocabulary {
	struct fl_map directives; /* name -> struct rst_directive *, of the tree's extensions */
	struct fl_map roles;	  /* of the tree's extensions */
	struct fl_map extensions; /* that are loaded */
	struct fl_map substs, targets; /* that the build puts around every page: rst_prolog and rst_epilog */
	bool open_names;	  /* it puts around them what could not be read: they may have any name */
	const char *domain;	  /* whose names need no "c:" before them */
	bool foreign; /* an extension is loaded that could not be read: it may know any name */
};

/* @v NULL: whatever somebody knows. */
const struct rst_directive *rst_find_directive(const struct rst_vocabulary *v, struct fl_str name);
bool rst_find_role(const struct rst_vocabulary *v, struct fl_str name);

/* The known name that @name was probably meant to be, at most two letters away; n 0: none. */
struct fl_str rst_near_directive(const struct rst_vocabulary *v, struct fl_str name);
struct fl_str rst_near_role(const struct rst_vocabulary *v, struct fl_str name);

/* docutils' and Sphinx's own directive by the name of its class ("Figure"), or NULL. */
const struct rst_directive *rst_directive_class(struct fl_str name);

#endif
