/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tree says of its own documentation: the conf.py of its pages and the extensions beside it.
 * They are programs; they are read here, and never run.
 */
#ifndef DOCS_CONF_CONF_H
#define DOCS_CONF_CONF_H

#include "docs/rst/vocabulary.h"
#include "docs/tree/tree.h"

struct docs_conf {
	struct fl_arena arena;
	bool present; /* there is a conf.py; else everything is known that somebody knows */
	struct rst_vocabulary words;
	struct fl_map excluded; /* patterns of pages that the build leaves out, from the pages' folder */
	struct fl_map c_attributes, c_calls; /* words in C declarations: c_id_attributes, c_paren_attributes */
	struct fl_map computed; /* what could not be read: "file name" -> its line */
	struct fl_map read; /* pages that conf.py has put around every page: their paths */
	int error;
};

/* Reads the conf.py of @t. -ENOMEM, or 0: a file or setting that is not there or not understood is no failure. */
int docs_conf_read(struct docs_conf *c, const struct docs_tree *t);
void docs_conf_fini(struct docs_conf *c);

/* The build does not read @page (a path from the tree's top). */
bool docs_conf_excludes(const struct docs_conf *c, const struct docs_tree *t, const char *page);

#endif
